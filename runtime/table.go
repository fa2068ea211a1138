package rt

import (
	"cmp"
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Column is a column of a table: its place in the schema, and what a reader does where a stream differs.
type Column struct {
	ipc.Field

	// From is which columns of other types become this one. Nil is none.
	From *Conversions

	// NaiveUTC takes a timestamp without a zone as UTC.
	NaiveUTC bool

	// Default is the value of every row where the stream has no such column: a bool, int64, uint64, float64 or string, of times
	// an int64 in the column's unit, of decimals the same unscaled, or a [column.Decimal128] or [column.Decimal256]. Nil is none.
	Default any

	// Names are those of a dictionary column whose rows are named numbers, nil of any other.
	Names *Names

	// Was is an older name of the column, looked for where the stream has none of its name.
	Was string

	// RunEnds are the bits of the run ends of a run-end encoded column, 16 to 64; 0 is 32.
	RunEnds int

	// Parts are the columns below a nested one: the fields of a struct, the members of a union, the items of lists, keys and
	// values of maps, the values of run-end encoded columns. Children of Field follow from them.
	Parts []Column
}

// field returns the column's place in a schema, with those below it.
func (c *Column) field() ipc.Field {
	f := c.Field
	if c.Parts == nil {
		return f
	}
	f.Children = make([]ipc.Field, len(c.Parts))
	for i := range c.Parts {
		f.Children[i] = c.Parts[i].field()
	}
	switch f.Type.Kind {
	case ipc.KindMap:
		f.Children = []ipc.Field{{Name: "entries", Type: ipc.Struct, Children: f.Children}}
	case ipc.KindRunEndEncoded:
		f.Children = []ipc.Field{{Name: "run_ends", Type: ipc.Type{Kind: ipc.KindInt, Bits: c.runEnds(), Signed: true}}, f.Children[0]}
	}
	return f
}

// runEnds returns the bits of the run ends of a run-end encoded column.
func (c *Column) runEnds() int { return cmp.Or(c.RunEnds, 32) }

// ColumnOf returns a column for a field, with columns for those below it.
func ColumnOf(f *ipc.Field) Column {
	c := Column{Field: *f}
	c.Children = nil
	below := f.Children
	switch {
	case f.Type.Kind == ipc.KindMap && len(below) == 1:
		below = below[0].Children
	case f.Type.Kind == ipc.KindRunEndEncoded && len(below) == 2:
		if bits := below[0].Type.Bits; bits != 32 {
			c.RunEnds = bits
		}
		below = below[1:]
	}
	for i := range below {
		c.Parts = append(c.Parts, ColumnOf(&below[i]))
	}
	return c
}

// String returns the column's type and whether it may hold nulls, such as "list<item: int32> not null".
func (c *Column) String() string {
	f := c.field()
	return f.String()
}

// TableSpec is what the generator says of a table with rows R, batches B and builders W.
type TableSpec[R, B any, W Builder[R]] struct {
	Name       string
	Columns    []Column
	NewBatch   func(Handle) B
	NewBuilder func(*BuilderOptions) W
	ReadRows   func(b B, rows []R, from int) // sets rows to those of b from row from on, aliasing texts
}

// Table describes a table whose rows are R, received batches B and builders W. The generator writes one for each table, and
// it never changes; users pass it on, and seldom write its type.
type Table[R, B any, W Builder[R]] struct {
	spec   TableSpec[R, B, W]
	schema *ipc.Schema
	codecs codecs
}

// DefineTable returns the table of spec, whose columns say what they are converted from. It panics where the columns do not make a
// schema, or one that has others below it is not converted [ToNested], which the generator rules out.
func DefineTable[R, B any, W Builder[R]](spec TableSpec[R, B, W]) *Table[R, B, W] {
	checkNested(spec.Columns)
	return &Table[R, B, W]{spec: spec, schema: schemaOf(spec.Name, spec.Columns)}
}

// NewTable is [DefineTable] that has each column converted from all that its type can be. A program that calls it links the conversions
// of all types.
func NewTable[R, B any, W Builder[R]](spec TableSpec[R, B, W]) *Table[R, B, W] {
	setConversions(spec.Columns)
	return DefineTable(spec)
}

func checkNested(columns []Column) {
	for i := range columns {
		c := &columns[i]
		if checkNested(c.Parts); nested(c.Type.Kind) && (c.From == nil || c.From.below == nil) {
			panic(fmt.Sprintf("lightstream: column %q needs From: rt.ToNested", c.Name))
		}
	}
}

func schemaOf(name string, columns []Column) *ipc.Schema {
	s := &ipc.Schema{Fields: make([]ipc.Field, len(columns))}
	seen := make(map[string]bool)
	for i := range columns {
		f := columns[i].field()
		if seen[f.Name] {
			panic(fmt.Sprintf("lightstream: table %q has two columns %q", name, f.Name))
		}
		seen[f.Name] = true
		s.Fields[i] = f
	}
	return s.WithIDs()
}

// Name returns the table's name.
func (t *Table[R, B, W]) Name() string { return t.spec.Name }

// Schema returns the table's schema, which is read-only.
func (t *Table[R, B, W]) Schema() *ipc.Schema { return t.schema }

// Columns returns the table's columns, which are read-only.
func (t *Table[R, B, W]) Columns() []Column { return t.spec.Columns }

// NewBuilder returns an empty builder. Nil options mean all defaults.
func (t *Table[R, B, W]) NewBuilder(opts *BuilderOptions) W { return t.spec.NewBuilder(opts) }
