package text

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Policy is what becomes of a value that is not as it should be.
type Policy int

// The policies.
const (
	Refuse Policy = iota // it is an error of its row
	Ignore               // it is passed over, as if it were not there: the column has a null
)

// Duplicates is what becomes of a key that comes twice in an object.
type Duplicates int

// What can become of them.
const (
	RefuseDuplicates Duplicates = iota
	FirstOfDuplicates
	LastOfDuplicates
)

// JSONOptions say how strictly JSON is read. The zero value is the strictest.
type JSONOptions struct {
	Unknown    Policy     // fields that the column has no place for
	Duplicates Duplicates // keys that come twice
	WrongType  Policy     // values of another type, such as a string for a number
	Range      Policy     // numbers that the column's type does not hold
	NonFinite  Policy     // "NaN", "Infinity" and "-Infinity" for floats: by default they are read as what they say
	MaxDepth   int        // levels of nesting, 0 is 64
}

// JSON reads values out of a text in memory. It is for one goroutine at a time.
type JSON struct {
	Data    []byte
	Pos     int
	Opts    JSONOptions
	Checked bool // Data is valid UTF-8

	scratch []byte
	depth   int
	path    []step
	broken  bool
}

// step is a place on the way to a value.
type step struct {
	name  string // of a field
	index int    // of an item, where there is no name; -1 in an object whose field is not known
}

// Reset begins with another text.
func (j *JSON) Reset(data []byte, pos int) {
	j.Data, j.Pos, j.depth, j.path, j.broken = data, pos, 0, j.path[:0], false
}

// Broken tells whether the text was no JSON, so that where its value ends is not known.
func (j *JSON) Broken() bool { return j.broken }

// syntax returns the error of what is no JSON.
func (j *JSON) syntax(want string) error {
	j.broken = true
	return j.fail(j.Pos, want, ErrSyntax)
}

// Trailing returns the error of what stands where something else should.
func (j *JSON) Trailing(want string) error { return j.syntax(want) }

// fail returns an error at a place in the text.
func (j *JSON) fail(pos int, want string, err error) error {
	end := min(pos+maxFound+1, len(j.Data))
	found := j.Data[min(pos, end):end]
	if len(found) > 0 && found[0] != '"' {
		if i := bytes.IndexAny(found[1:], ",]} \n\r\t"); i >= 0 {
			found = found[:i+1]
		}
	} else {
		for i := 1; i < len(found); i++ { // up to the quote that closes it
			if found[i] == '\\' {
				i++
			} else if found[i] == '\n' {
				found = found[:i]
			} else if found[i] == '"' {
				found = found[:i+1]
			}
		}
	}
	return &ValueError{Offset: pos, Path: j.pathText(), Found: Shorten(found), Want: want, Err: err}
}

// atKey is fail at a key, which the path ends with.
func (j *JSON) atKey(pos int, want string, err error) error {
	return &ValueError{Offset: pos, Path: j.pathText(), Want: want, Err: err}
}

// Space passes over white space and returns the byte behind it, 0 at the end.
func (j *JSON) Space() byte {
	for i := j.Pos; i < len(j.Data); i++ {
		if c := j.Data[i]; c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			j.Pos = i
			return c
		}
	}
	j.Pos = len(j.Data)
	return 0
}

const (
	ones  = 0x0101010101010101
	highs = ones << 7
	lows  = ones * 0x7F
)

// plainEnd returns where the first byte at or behind i is that a string does not have as it is: a quote, a backslash, a control
// character, or the end.
func plainEnd(data []byte, i int) int {
	for ; i+8 <= len(data); i += 8 {
		w := binary.LittleEndian.Uint64(data[i:])
		quote, slash := w^0x2222222222222222, w^0x5C5C5C5C5C5C5C5C
		if m := ((quote-ones)&^quote | (slash-ones)&^slash | (w-0x2020202020202020)&^w) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(data); i++ {
		if c := data[i]; c == '"' || c == '\\' || c < ' ' {
			break
		}
	}
	return i
}

// String reads a string. It aliases the text, or memory that the next string with an escape takes.
func (j *JSON) String() ([]byte, error) {
	if j.Pos >= len(j.Data) || j.Data[j.Pos] != '"' {
		return nil, j.syntax("a string")
	}
	from := j.Pos + 1
	end := plainEnd(j.Data, from)
	if end < len(j.Data) && j.Data[end] == '"' {
		j.Pos = end + 1
		s := j.Data[from:end:end]
		if !j.Checked && !utf8.Valid(s) {
			return nil, j.fail(from-1, "valid UTF-8", ErrUTF8)
		}
		return s, nil
	}
	return j.escaped(from, end)
}

// escaped reads the rest of a string from the first byte that is not plain.
func (j *JSON) escaped(from, end int) ([]byte, error) {
	start := from - 1
	s := j.scratch[:0]
	for {
		s = append(s, j.Data[from:end]...)
		if end >= len(j.Data) {
			j.Pos = len(j.Data)
			return nil, j.syntax("the end of a string")
		}
		j.Pos = end
		switch c := j.Data[end]; {
		case c == '"':
			j.Pos, j.scratch = end+1, s
			if !j.Checked && !utf8.Valid(s) {
				return nil, j.fail(start, "valid UTF-8", ErrUTF8)
			}
			return s, nil
		case c != '\\':
			return nil, j.syntax("a control character as an escape")
		case end+1 >= len(j.Data):
			j.Pos = len(j.Data)
			return nil, j.syntax("the end of a string")
		}
		from = end + 2
		switch c := j.Data[end+1]; c {
		case '"', '\\', '/':
			s = append(s, c)
		case 'b':
			s = append(s, '\b')
		case 'f':
			s = append(s, '\f')
		case 'n':
			s = append(s, '\n')
		case 'r':
			s = append(s, '\r')
		case 't':
			s = append(s, '\t')
		case 'u':
			r, ok := hex4(j.Data[from:])
			if !ok {
				return nil, j.syntax(`four hexadecimal digits behind \u`)
			}
			from += 4
			if utf16.IsSurrogate(r) {
				low, ok := rune(0), false
				if rest := j.Data[from:]; len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
					low, ok = hex4(rest[2:])
				}
				if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
					return nil, j.fail(end, "two surrogates that belong together", ErrUTF8)
				}
				from += 6
			}
			s = utf8.AppendRune(s, r)
		default:
			return nil, j.syntax("an escape of JSON")
		}
		end = plainEnd(j.Data, from)
	}
}

func hex4(s []byte) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// Number reads a number and returns its text.
func (j *JSON) Number() ([]byte, error) {
	from, i, data := j.Pos, j.Pos, j.Data
	if i < len(data) && data[i] == '-' {
		i++
	}
	first := i
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	ok := i > first && (data[first] != '0' || i == first+1)
	if ok && i < len(data) && data[i] == '.' {
		i++
		part := i
		for i < len(data) && data[i]-'0' <= 9 {
			i++
		}
		ok = i > part
	}
	if ok && i < len(data) && data[i]|0x20 == 'e' {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		part := i
		for i < len(data) && data[i]-'0' <= 9 {
			i++
		}
		ok = i > part
	}
	if !ok {
		return nil, j.syntax("a value of JSON")
	}
	j.Pos = i
	return data[from:i:i], nil
}

// literal reads true, false or null.
func (j *JSON) literal(name string) error {
	if len(j.Data)-j.Pos < len(name) || string(j.Data[j.Pos:j.Pos+len(name)]) != name {
		return j.syntax("a value of JSON")
	}
	j.Pos += len(name)
	return nil
}

// Null reads a null, if that is what comes.
func (j *JSON) Null() (bool, error) {
	if j.Space() != 'n' {
		return false, nil
	}
	return true, j.literal("null")
}

// enter counts a level of nesting.
func (j *JSON) enter() error {
	most := j.Opts.MaxDepth
	if most == 0 {
		most = 64
	}
	if j.depth++; j.depth > most {
		j.broken = true
		return j.fail(j.Pos, "less nesting; raise MaxDepth", ErrLimit)
	}
	j.Pos++
	return nil
}

// Object calls field for each field of an object, with its key, at its value. A key aliases memory that the next string may take.
func (j *JSON) Object(field func(key []byte) error) error {
	if err := j.enter(); err != nil {
		return err
	}
	defer func() { j.depth-- }()
	if j.Space() == '}' {
		j.Pos++
		return nil
	}
	for {
		if j.Space() != '"' {
			return j.syntax("a key in quotes")
		}
		key, err := j.String()
		if err != nil {
			j.broken = true
			return err
		}
		if j.Space() != ':' {
			return j.syntax("a colon")
		}
		j.Pos++
		j.Space()
		if err := field(key); err != nil {
			return err
		}
		switch j.Space() {
		case ',':
			j.Pos++
		case '}':
			j.Pos++
			return nil
		default:
			return j.syntax("a comma or the end of the object")
		}
	}
}

// Array calls item for each item of an array, at its value.
func (j *JSON) Array(item func(i int) error) error {
	if err := j.enter(); err != nil {
		return err
	}
	defer func() { j.depth-- }()
	if j.Space() == ']' {
		j.Pos++
		return nil
	}
	for i := 0; ; i++ {
		j.Space()
		if err := item(i); err != nil {
			return err
		}
		switch j.Space() {
		case ',':
			j.Pos++
		case ']':
			j.Pos++
			return nil
		default:
			return j.syntax("a comma or the end of the array")
		}
	}
}

// Skip reads any value and drops it.
func (j *JSON) Skip() (err error) {
	switch j.Space() {
	case '{':
		return j.Object(func([]byte) error { return j.Skip() })
	case '[':
		return j.Array(func(int) error { return j.Skip() })
	case '"':
		_, err = j.String()
	case 't':
		err = j.literal("true")
	case 'f':
		err = j.literal("false")
	case 'n':
		err = j.literal("null")
	default:
		_, err = j.Number()
	}
	return err
}
