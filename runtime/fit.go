package rt

import (
	"fmt"
	"strings"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// SchemaError tells that a stream's schema does not fit a table. It comes before any batch.
type SchemaError struct {
	Source      string // what the stream comes from, may be empty
	Table       string
	Differences []Difference
}

// Difference is a column that does not fit.
type Difference struct {
	Column string
	Want   string // the table's type
	Have   string // the stream's, or "(absent)"
	Remedy string
}

func (e *SchemaError) Error() string {
	var b strings.Builder
	b.WriteString("lightstream: ")
	if e.Source != "" {
		b.WriteString(e.Source + ": ")
	}
	s := "s"
	if len(e.Differences) == 1 {
		s = ""
	}
	fmt.Fprintf(&b, "schema does not fit table %q (%d difference%s)", e.Table, len(e.Differences), s)
	name, want, have := len("column"), len("want"), len("stream has")
	for _, d := range e.Differences {
		name, want, have = max(name, len(d.Column)), max(want, len(d.Want)), max(have, len(d.Have))
	}
	fmt.Fprintf(&b, "\n  %-*s  %-*s  %s", name, "column", want, "want", "stream has")
	for _, d := range e.Differences {
		fmt.Fprintf(&b, "\n  %-*s  %-*s  %-*s  %s", name, d.Column, want, d.Want, have, d.Have, d.Remedy)
	}
	return b.String()
}

// NullError tells that a column that is not nullable in the table came with a null.
type NullError struct {
	Column string
	Batch  int64 // batches before it
	Row    int   // in the batch
}

func (e *NullError) Error() string {
	return fmt.Sprintf("lightstream: batch %d: column %q is null in row %d and not nullable in the table; make it nullable, or read with Nulls: rt.ZeroNulls", e.Batch, e.Column, e.Row)
}

// ConvertError tells that a value of a column does not fit the table's type.
type ConvertError struct {
	Column string
	Batch  int64
	Row    int
	Err    error
}

func (e *ConvertError) Error() string {
	return fmt.Sprintf("lightstream: batch %d, column %q, row %d: %v", e.Batch, e.Column, e.Row, e.Err)
}

func (e *ConvertError) Unwrap() error { return e.Err }

// Nulls is what a reader does with a null in a column that is not nullable.
type Nulls int

const (
	// RefuseNulls makes it a *NullError.
	RefuseNulls Nulls = iota
	// ZeroNulls reads it as the zero value.
	ZeroNulls
)

// fitting is how the columns of a stream become those of a table.
type fitting struct {
	table    string
	columns  []columnFit
	nulls    Nulls
	identity bool // the batch is right as it is
	out      []column.Data
}

type columnFit struct {
	want    *Column
	have    *ipc.Field
	from    int // column of the stream, -1 where it has none
	refuse  bool
	convert converter // nil: in place
	views   bool
	codes   *codes // of a column of names
}

// fit works out how streams of the given schema become the table, or why they do not.
func fit(table, source string, columns []Column, schema *ipc.Schema, opts *ReaderOptions) (*fitting, error) {
	f := &fitting{table: table, nulls: opts.Nulls, identity: len(columns) == len(schema.Fields)}
	f.columns = make([]columnFit, len(columns))
	f.out = make([]column.Data, len(columns))
	limits := opts.Limits.WithDefaults()
	var diffs []Difference
	for i := range columns {
		want := &columns[i]
		c := &f.columns[i]
		c.want = want
		if t := want.Type.Kind; t == ipc.KindUtf8View || t == ipc.KindBinaryView {
			c.views, f.identity = want.Dictionary == nil, false
		}
		if want.Names != nil {
			c.codes, f.identity = &codes{names: want.Names}, false
		}
		from, problem := find(schema, want)
		if problem != "" {
			diffs = append(diffs, Difference{want.Name, want.String(), "(twice)", problem})
			continue
		}
		if c.from = from; from < 0 {
			f.identity = false
			if !want.Nullable && want.Default == nil {
				diffs = append(diffs, Difference{want.Name, want.String(), "(absent)", "make it nullable or give a default"})
				continue
			}
			c.convert = absentOf(want, &limits)
			continue
		}
		have := &schema.Fields[from]
		c.have = have
		c.refuse = have.Nullable && !want.Nullable
		convert, remedy := convertTo(want, have, &limits)
		if remedy != "" {
			diffs = append(diffs, Difference{want.Name, want.String(), have.String(), remedy})
			continue
		}
		c.convert = convert
		if convert != nil && opts.Validate == ipc.Structure && have.Dictionary == nil && (have.Type.IsText() || have.Type.IsBinary()) {
			c.convert = checked(ipc.NewChecker(schema), from, convert)
		}
		if convert != nil || from != i || c.refuse {
			f.identity = false
		}
	}
	if diffs != nil {
		return nil, &SchemaError{source, table, diffs}
	}
	return f, nil
}

// CheckSchema tells whether a reader of a table with the given columns takes streams of the schema. If not, the error is a
// *[SchemaError] with all differences, as from the first read of such a stream.
func CheckSchema(table string, columns []Column, schema *ipc.Schema) error {
	_, err := fit(table, "", columns, schema, &ReaderOptions{})
	return err
}

// find returns the stream's column for want, or -1.
func find(schema *ipc.Schema, want *Column) (at int, problem string) {
	names := [...]string{want.Name, want.Was}
	if want.Was == "" {
		names[1] = want.Name
	}
	for _, name := range names {
		at = -1
		for i := range schema.Fields {
			if schema.Fields[i].Name != name {
				continue
			}
			if at >= 0 {
				return -1, fmt.Sprintf("columns %d and %d of the stream have this name; rename one", at, i)
			}
			at = i
		}
		if at >= 0 {
			return at, ""
		}
	}
	return -1, ""
}

// apply makes the columns of h those of the table.
func (f *fitting) apply(h Handle, stats *Stats) error {
	if f.identity {
		stats.InPlace += int64(len(f.columns))
		return nil
	}
	rows := h.Len()
	for i := range f.columns {
		c, d := &f.columns[i], &f.out[i] // a local Data would be allocated, once for each column
		if c.from >= 0 {
			*d = *h.Column(c.from)
		} else {
			*d = column.Data{Len: rows}
		}
		if c.refuse && (d.Nulls != 0 || d.Values.HasNulls()) {
			if err := f.refuseNulls(h, c, d); err != nil {
				return err
			}
		}
		if c.convert == nil {
			stats.InPlace++
		} else {
			stats.Converted++
			if row, err := c.convert(h, d); err != nil {
				return &ConvertError{c.want.Name, h.Seq(), row, err}
			}
		}
		if c.views && d.Variadic == nil {
			d.Variadic = noParts
		}
		if c.codes != nil {
			if row, err := c.codes.apply(d, c.want.Dictionary.Index); err != nil {
				return &ConvertError{c.want.Name, h.Seq(), row, err}
			}
		}
	}
	record.SetColumns(h, f.out)
	return nil
}

// noParts are the data buffers of a view column that has none. That they are not nil is how ownTexts knows views.
var noParts = [][]byte{}

// hasOffsets tells whether values of a kind are found by offsets.
func hasOffsets(k ipc.Kind) bool {
	return k == ipc.KindUtf8 || k == ipc.KindBinary || k == ipc.KindLargeUtf8 || k == ipc.KindLargeBinary
}

// refuseNulls deals with a column that has nulls, or nulls in its dictionary, and may not.
func (f *fitting) refuseNulls(h Handle, c *columnFit, d *column.Data) error {
	row := d.FirstNull()
	if d.Nulls == 0 {
		row = -1
	}
	if d.Values.HasNulls() {
		have := c.have.Dictionary.Index
		if at := column.FirstNullValue(d, have.Bits, have.Signed); at >= 0 && (row < 0 || at < row) {
			row = at
		}
	}
	switch {
	case row < 0:
		return nil
	case f.nulls != ZeroNulls:
		return &NullError{c.want.Name, h.Seq(), row}
	case hasOffsets(c.have.Type.Kind) || d.Dictionary != nil || c.want.Type.Kind == ipc.KindBool:
		return nil // their views give the zero value where there is none
	case c.have.Type.Kind == ipc.KindFixedSizeBinary && hasOffsets(c.want.Type.Kind) && c.want.Dictionary == nil:
		return nil // their views give the zero value where there is none
	}
	// Their slices do not.
	size := len(d.Buffers[1]) / max(d.Len, 1)
	values, err := record.Scratch(h, d.Len*size)
	if err != nil {
		return &ConvertError{c.want.Name, h.Seq(), 0, err}
	}
	copy(values, d.Buffers[1])
	for i := range d.Len {
		if d.IsNull(i) {
			clear(values[i*size : i*size+size])
		}
	}
	d.Buffers[1] = values
	if k := c.want.Type.Kind; k != ipc.KindTimestamp && k != ipc.KindDate { // whose zero value is no instant, but time.Time{}
		d.Buffers[0], d.Nulls = nil, 0
	}
	return nil
}

// checked has the values of a column checked, by which a converter finds others, where the reader does not.
func checked(c *ipc.Checker, i int, convert converter) converter {
	return func(h Handle, d *column.Data) (int, error) {
		if err := c.Column(i, d, ipc.Contents); err != nil {
			return 0, err
		}
		return convert(h, d)
	}
}
