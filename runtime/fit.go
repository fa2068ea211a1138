package rt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// SchemaError tells that the schema of a stream, or of a file or sink that is written to, does not fit a table. It comes before any batch.
type SchemaError struct {
	Source      string // what the stream comes from, may be empty
	Table       string
	Differences []Difference

	place string // what has the other columns; "" is a stream
}

// Difference is a column that does not fit.
type Difference struct {
	Column string
	Want   string // the table's type
	Have   string // the stream's, or that of the file or sink that is written to, or "(absent)"
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
	title := cmp.Or(e.place, "stream") + " has"
	name, want, have := len("column"), len("want"), len(title)
	for _, d := range e.Differences {
		name, want, have = max(name, len(d.Column)), max(want, len(d.Want)), max(have, len(d.Have))
	}
	fmt.Fprintf(&b, "\n  %-*s  %-*s  %s", name, "column", want, "want", title)
	for _, d := range e.Differences {
		fmt.Fprintf(&b, "\n  %-*s  %-*s  %-*s  %s", name, d.Column, want, d.Want, have, d.Have, d.Remedy)
	}
	return b.String()
}

// NullError tells that a column that is not nullable in the table came with a null.
type NullError struct {
	Source string // the peer's address or the file's name, "" if that is not known
	Column string
	Batch  int64 // batches before it
	Row    int   // in the batch
}

func (e *NullError) Error() string {
	return fmt.Sprintf("lightstream: %sbatch %d: column %q is null in row %d and not nullable in the table; make it nullable, or read with Nulls: rt.ZeroNulls", from(e.Source), e.Batch, e.Column, e.Row)
}

// ConvertError tells that a value of a column does not fit the table's type.
type ConvertError struct {
	Source string // as in NullError
	Column string
	Batch  int64
	Row    int
	Err    error
}

func (e *ConvertError) Error() string {
	return fmt.Sprintf("lightstream: %sbatch %d, column %q, row %d: %v", from(e.Source), e.Batch, e.Column, e.Row, e.Err)
}

func (e *ConvertError) Unwrap() error { return e.Err }

// from is what an error begins with whose source is known.
func from(source string) string {
	if source == "" {
		return ""
	}
	return source + ": "
}

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
	source   string
	columns  []columnFit
	nulls    Nulls
	most     int64 // Limits.MaxExpanded
	identity bool  // the batch is right as it is
	out      []column.Data
}

// columnFit is how a column of a stream, or one below it, becomes one of the table.
type columnFit struct {
	want     *Column
	path     string // names from the table's column on
	have     *ipc.Field
	from     int // column of the stream, or of the struct or union above, -1 where it has none
	refuse   bool
	convert  converter // nil: in place
	views    bool
	codes    *codes       // of a column of names
	check    *ipc.Checker // of a column whose values are found by others, which the reader has not checked
	children []columnFit
	below    bool                                                           // they are not right as they are
	after    func(h Handle, d *column.Data, zero bool) (row int, err error) // of the column, after those below it; with zero, what is not seen is zero
	changes  bool                                                           // the column is not right as it is
}

// fitter works out a fitting.
type fitter struct {
	limits ipc.Limits
	diffs  []Difference
}

// fit works out how streams of the given schema become the table, or why they do not.
func fit(table, source string, columns []Column, schema *ipc.Schema, opts *ReaderOptions) (*fitting, error) {
	f := &fitting{source: source, nulls: opts.Nulls, identity: len(columns) == len(schema.Fields)}
	f.columns = make([]columnFit, len(columns))
	f.out = make([]column.Data, len(columns))
	w := fitter{limits: opts.Limits.WithDefaults()}
	f.most = w.limits.MaxExpanded
	for i := range columns {
		c := &f.columns[i]
		w.place(c, &columns[i], schema.Fields, columns[i].Name)
		if opts.Validate == ipc.Structure && c.from >= 0 && c.looksUp() {
			c.check = ipc.NewChecker(schema)
		}
		if c.changes || c.from != i {
			f.identity = false
		}
	}
	if w.diffs == nil && f.nothing() {
		for i := range columns {
			w.differ(&f.columns[i], "(absent)", strangerRemedy(columns[i].Name, schema.Fields))
		}
	}
	if w.diffs != nil {
		return nil, &SchemaError{Source: source, Table: table, Differences: w.diffs}
	}
	return f, nil
}

// nothing tells whether the stream has none of the table's columns, so that all rows would be nulls and defaults.
func (f *fitting) nothing() bool {
	return len(f.columns) != 0 && !slices.ContainsFunc(f.columns, func(c columnFit) bool { return c.from >= 0 })
}

// strangerRemedy is what helps where a stream has no column of the table at all, so that it is likely another one.
func strangerRemedy(name string, fields []ipc.Field) string {
	for i := range fields {
		if have := fields[i].Name; strings.EqualFold(trimmed(have), name) {
			return fmt.Sprintf("the stream has %q: rename one, or say that it was called so", have)
		}
	}
	return "the stream has none of the table's columns: read it as its own table"
}

// trimmed returns a name without the blanks around it, those of ASCII: the one of package strings links Unicode's tables into each program.
func trimmed(name string) string {
	for name != "" && name[0] <= ' ' {
		name = name[1:]
	}
	for name != "" && name[len(name)-1] <= ' ' {
		name = name[:len(name)-1]
	}
	return name
}

// CheckSchema tells whether a reader of a table with the given columns takes streams of the schema. If not, the error is a
// *[SchemaError] with all differences, as from the first read of such a stream.
func CheckSchema(table string, columns []Column, schema *ipc.Schema) error {
	_, err := fit(table, "", withConversions(columns), schema, &ReaderOptions{})
	return err
}

// looksUp tells whether values are found by others when the column is fitted: text that is converted, and all below a nested column.
func (c *columnFit) looksUp() bool {
	h := c.have
	return c.below || c.after != nil || c.refuse && nested(h.Type.Kind) || c.convert != nil && h.Dictionary == nil && (h.Type.IsText() || h.Type.IsBinary() || nested(h.Type.Kind))
}

// differ notes that a column does not fit.
func (f *fitter) differ(c *columnFit, have, remedy string) {
	f.diffs = append(f.diffs, Difference{c.path, c.want.String(), have, remedy})
}

// place looks for a column among those of a stream, or of a struct in it, and fits the one that it finds.
func (f *fitter) place(c *columnFit, want *Column, fields []ipc.Field, path string) {
	from, problem := find(fields, want)
	c.want, c.path, c.from = want, path, from
	switch {
	case problem != "":
		f.differ(c, "(twice)", problem)
	case from >= 0:
		f.column(c, want, &fields[from], path)
		return
	case !want.Nullable && want.Default == nil:
		f.differ(c, "(absent)", absentRemedy(want))
	default:
		c.absent(&f.limits)
	}
}

// absentRemedy is what helps where the stream has no such column. Only flat types that are written as text in a tag have defaults.
func absentRemedy(want *Column) string {
	if want.Type.Kind == ipc.KindRunEndEncoded && len(want.Parts) != 0 {
		want = &want.Parts[0]
	}
	switch k := want.Type.Kind; {
	case k == ipc.KindInt && want.Dictionary == nil, k == ipc.KindFloat, k == ipc.KindBool, want.Type.IsText(),
		k == ipc.KindTimestamp, k == ipc.KindDate, k == ipc.KindTime, k == ipc.KindDuration, k == ipc.KindDecimal:
		return "make it nullable or give a default"
	}
	return "make it nullable, or have the sender add it"
}

// absent fits a column that the stream does not have.
func (c *columnFit) absent(limits *ipc.Limits) {
	c.from, c.changes = -1, true
	if c.want.Type.Kind == ipc.KindRunEndEncoded { // each row is a run
		values := c.want.Parts[0]
		values.Default = c.want.Default
		c.after, c.want = c.want.From.below.wrap(c.want, limits.MaxExpanded), &values
	}
	c.convert = absentOf(c.want, limits)
	if c.want.Names != nil {
		c.codes = &codes{names: c.want.Names}
	}
}

// column works out how a column of the stream becomes one of the table.
func (f *fitter) column(c *columnFit, want *Column, have *ipc.Field, path string) {
	c.want, c.have, c.path = want, have, path
	if want.Type.Kind == ipc.KindRunEndEncoded && (have.Type.Kind != ipc.KindRunEndEncoded || have.Dictionary != nil) {
		// Each row is a run.
		f.column(c, &want.Parts[0], have, path)
		c.after, c.changes = want.From.below.wrap(want, f.limits.MaxExpanded), true
		return
	}
	c.refuse = have.Nullable && !want.Nullable
	if t := want.Type.Kind; t == ipc.KindUtf8View || t == ipc.KindBinaryView {
		c.views = want.Dictionary == nil
	}
	if want.Names != nil {
		c.codes = &codes{names: want.Names}
	}
	var remedy string
	switch plain := have.Dictionary == nil; {
	case plain && have.Type.Kind == ipc.KindRunEndEncoded && len(want.Parts) == 0:
		c.codes, c.views = nil, false
		f.expandRuns(c)
	case plain && len(want.Parts) != 0 && len(have.Children) != 0 && want.From != nil && want.From.below != nil:
		remedy = want.From.below.fit(f, c)
	default:
		c.convert, remedy = convertTo(want, have, &f.limits)
	}
	if remedy != "" {
		f.differ(c, have.String(), remedy)
	}
	nils := have.Nullable && want.Type.Kind == ipc.KindUnion // old messages may have some
	c.changes = c.below || c.refuse || nils || c.convert != nil || c.after != nil || c.views || c.codes != nil
}

// find returns the one of a stream's fields, or of a struct's, that is for want, or -1.
func find(fields []ipc.Field, want *Column) (at int, problem string) {
	names := [...]string{want.Name, want.Was}
	if want.Was == "" {
		names[1] = want.Name
	}
	for _, name := range names {
		at = -1
		for i := range fields {
			if fields[i].Name != name {
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
		d.Padded = false // what is behind converted buffers is anything
		converted, err := f.column(h, c, d, nil, false)
		if err != nil {
			return err
		}
		switch {
		case c.from < 0:
			stats.Absent++
		case converted:
			stats.Converted++
		default:
			stats.InPlace++
		}
	}
	record.SetColumns(h, f.out)
	clear(f.out) // it would keep the batch's memory until the next one comes
	return nil
}

// column makes d, and the columns below it, what the table has. Visible has a bit for each row that does not stand below a null,
// nil if none does: the others become null. With zero, values of null rows have to be zero.
func (f *fitting) column(h Handle, c *columnFit, d *column.Data, visible []byte, zero bool) (converted bool, err error) {
	fail := func(row int, err error) (bool, error) {
		return false, &ConvertError{f.source, c.path, h.Seq(), row, err}
	}
	null := -1
	if c.refuse && d.Nulls != 0 {
		null = firstNull(d, visible)
	}
	validity, nulls := d.Buffers[0], d.Nulls
	if visible != nil {
		hide(d, visible)
	}
	if c.refuse && d.Values.HasNulls() {
		have := c.have.Dictionary.Index
		if at := column.FirstNullValue(d, have.Bits, have.Signed); at >= 0 && (null < 0 || at < null) {
			null = at
		}
	}
	if null >= 0 && f.nulls != ZeroNulls {
		return false, &NullError{f.source, c.path, h.Seq(), null}
	}
	own := nulls != 0 && c.want.Type.Kind == ipc.KindUnion // as unions of old messages may have them
	unseen := d.Nulls != 0 && (zero || own)
	zeros := null >= 0 || unseen
	if zero = zeros; zero {
		if err := c.zeroNulls(h, d); err != nil {
			return fail(0, err)
		}
		zero = !c.want.Nullable
	}
	if c.check != nil {
		if err := c.check.Column(c.from, d, ipc.Contents); err != nil {
			return fail(0, err)
		}
	}
	if c.convert != nil {
		if row, err := c.convert(h, d); err != nil {
			return fail(row, err)
		}
		converted = true
	}
	if c.views && d.Variadic == nil {
		d.Variadic = noParts
	}
	if c.codes != nil {
		if row, err := c.want.From.texts.name(c.codes, d, c.want.Dictionary.Index); err != nil {
			return fail(row, err)
		}
	}
	if c.below || zero && len(c.children) != 0 {
		below, err := f.below(h, c, d, zero)
		if err != nil {
			return false, err
		}
		converted = converted || below
	}
	if c.after != nil {
		if row, err := c.after(h, d, zeros); err != nil {
			return fail(row, err)
		}
		converted = true
	}
	if !converted && !zeros {
		d.Buffers[0], d.Nulls = validity, nulls // as it came, to be forwarded
	}
	if k := c.want.Type.Kind; k == ipc.KindUnion || k == ipc.KindRunEndEncoded && c.isRuns() {
		if unseen {
			if err := c.want.From.below.blank(h, c.want, d, f.most); err != nil {
				return fail(0, err)
			}
		}
		d.Buffers[0], d.Nulls = nil, 0 // which rows are not seen is forgotten
	}
	return converted, nil
}

// noParts are the data buffers of a view column that has none. That they are not nil is how ownTexts knows views.
var noParts = [][]byte{}

// found tells whether values of a type are found by offsets or views.
func found(t ipc.Type) bool { return t.IsText() || t.IsBinary() }

// zeroNulls makes the values of null rows zero, where that is not what a view gives for them.
func (c *columnFit) zeroNulls(h Handle, d *column.Data) error {
	switch {
	case c.have == nil, found(c.have.Type), d.Dictionary != nil, c.want.Type.Kind == ipc.KindBool, nested(c.have.Type.Kind):
		return nil // their views give the zero value where there is none
	case c.have.Type.Kind == ipc.KindFixedSizeBinary && found(c.want.Type) && c.want.Dictionary == nil:
		return nil
	}
	// Their slices do not.
	size := len(d.Buffers[1]) / max(d.Len, 1)
	values, err := record.Scratch(h, d.Len*size)
	if err != nil {
		return err
	}
	if d.Buffers[0] == nil {
		copy(values, d.Buffers[1])
	} else {
		asm.ZeroNulls(values, d.Buffers[1][:len(values)], d.Buffers[0], size)
	}
	d.Buffers[1] = values
	if k := c.want.Type.Kind; k != ipc.KindTimestamp && k != ipc.KindDate { // whose zero value is no instant, but time.Time{}
		d.Buffers[0], d.Nulls = nil, 0
	}
	return nil
}
