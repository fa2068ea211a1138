package text

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/runtime/frame"
)

// The conditions that the errors of values wrap.
var (
	ErrLimit   = frame.ErrLimit
	ErrSyntax  = errors.New("text does not follow its format")
	ErrUTF8    = errors.New("text is no valid UTF-8")
	ErrType    = errors.New("value is of another type")
	ErrRange   = errors.New("value does not fit its type")
	ErrUnknown = errors.New("not in the schema")
	ErrTwice   = errors.New("field comes twice")
	ErrMissing = errors.New("field is absent")
	ErrNull    = errors.New("null in a column that is not nullable")
	ErrRagged  = errors.New("record has another number of fields")
	ErrFull    = errors.New("the dictionary of the batch is full") // of which a record alone needs more values than its indices reach

	// ErrNaive is an [ErrType]: a time without a zone, in a column of times with one.
	ErrNaive = fmt.Errorf("%w: a time without a zone, in a column that has one, which Values.NaiveUTC takes as UTC", ErrType)
	// ErrZoned is an [ErrType]: a time with a zone or an offset, in a column of times without one.
	ErrZoned = fmt.Errorf("%w: a time with a zone or an offset, in a column without one; give the column a zone, such as UTC", ErrType)
	// ErrExtra is an [ErrRagged]: a record with more fields than the first, which no padding makes right.
	ErrExtra = fmt.Errorf("%w, more than the first", ErrRagged)
	// ErrMixed is an [ErrType]: types are inferred, and a value is of another kind than those before it.
	ErrMixed = fmt.Errorf("%w than in the records before", ErrType)

	ErrRejected = errors.New("more records cannot be read than may be passed over") // which a reader wraps beside the last one's condition
)

// ValueError says which value of a text could not be read.
type ValueError struct {
	Record int64  // records before it, in the whole input
	Line   int64  // from 1
	Column int    // the byte in the line, from 1
	Offset int    // the byte in what was read together
	Path   string // the field, such as "legs[2].price"
	Found  string // the start of the text, in quotes
	Want   string // what it should have been
	Err    error  // one of the conditions above
}

func (e *ValueError) Error() string {
	s := "lightstream: "
	if e.Line != 0 {
		s += fmt.Sprintf("line %d, column %d: ", e.Line, e.Column)
	}
	if e.Path != "" {
		s += "field " + strconv.Quote(e.Path) + ": "
	}
	s += e.Err.Error()
	if e.Found != "" {
		s += ": found " + e.Found
		if e.Want != "" {
			s += ", want " + e.Want
		}
	} else if e.Want != "" {
		s += ": want " + e.Want
	}
	return s
}

func (e *ValueError) Unwrap() error { return e.Err }

// ColumnError says that options name a column that the input does not have. It wraps [ErrMissing].
type ColumnError struct {
	Option string   // such as "Options.Types"
	Name   string   // of the column
	Have   []string // the columns of the input
}

func (e *ColumnError) Error() string {
	return fmt.Sprintf("lightstream: %s has column %q, which is none of %.200q", e.Option, e.Name, e.Have)
}

func (e *ColumnError) Unwrap() error { return ErrMissing }

// maxFound is how much of a text errors show.
const maxFound = 40

// Shorten returns the start of a text in quotes, for errors.
func Shorten(s []byte) string {
	if len(s) <= maxFound {
		return strconv.Quote(string(s))
	}
	n := maxFound
	for n > maxFound-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return strconv.Quote(string(s[:n])) + "…"
}

// pathText returns the way to the value that is read.
func (j *JSON) pathText() string {
	s := ""
	for _, p := range j.path {
		switch {
		case p.name == "" && p.index < 0:
		case p.name == "":
			s += "[" + strconv.Itoa(p.index) + "]"
		case s == "":
			s = p.name
		default:
			s += "." + p.name
		}
	}
	return s
}
