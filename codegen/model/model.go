// Package model is what the generator knows about tables once every decision has been made: plain data in which each Go
// name, column number, buffer number, type and local variable is settled, so that package emit only writes.
//
//	front end            model                          emit
//	Go struct    ─┐
//	.fbs table   ─┼─ Def ── Build ── File ── Table ── Column ── *_lightstream.go, *_rows.go
//	Arrow schema ─┘
//
// A front end describes tables as a [Def] and knows nothing of what is generated; [Build] decides. So the same table gives
// the same file, whichever front end it came from.
package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Pos is a place in a definition. Lines and columns count from 1, columns in bytes. The zero Pos is no place, and one without a
// line is a file that has none.
type Pos struct {
	File      string
	Line, Col int
}

// String returns "file:line:col", or "file" for a file without lines.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Kind says how a column's values are laid out, and so which views and builders it gets.
type Kind uint8

// The kinds of columns.
const (
	Bool Kind = iota + 1
	Int
	Float
	Timestamp
	Utf8
	Binary
	FixedBinary
	Date
	Time
	Duration
	Decimal
	Nothing   // nulls alone
	List      // of any number of items
	FixedList // of the same number of items in each row
	Map
	Struct
	Union
	RunEnds // run-end encoded
)

// Type is the Arrow type of a column's values. Only the parameters of its kind are set.
type Type struct {
	Kind      Kind
	Bits      int    // Int 8 to 64, Float 16 to 64, Date and Time 32 or 64, Decimal 32 to 256, RunEnds 16 to 64
	Signed    bool   // Int
	Unit      Unit   // Timestamp, Time, Duration
	Zone      string // Timestamp: "" is a wall-clock time
	Width     int    // FixedBinary: bytes; FixedList: items
	UUID      bool   // FixedBinary
	Precision int    // Decimal: digits
	Scale     int    // Decimal: digits after the point
	Layout    Layout // Utf8, Binary, List
	Dense     bool   // Union
}

// Layout is how texts, byte strings and lists lie in memory.
type Layout string

// The layouts.
const (
	Offsets Layout = ""
	Large   Layout = "large" // 64-bit offsets
	Views   Layout = "view"
)

// Unit is the unit of a time, as tags and attributes write it.
type Unit string

// The units of Arrow.
const (
	Second      Unit = "s"
	Millisecond Unit = "ms"
	Microsecond Unit = "us"
	Nanosecond  Unit = "ns"
)

// Units are all units.
var Units = []Unit{Second, Millisecond, Microsecond, Nanosecond}

// String returns the type as Arrow's users write it, such as "uint8" or "timestamp[us, UTC]".
func (t Type) String() string {
	switch t.Kind {
	case Bool:
		return "bool"
	case Int:
		if t.Signed {
			return "int" + strconv.Itoa(t.Bits)
		}
		return "uint" + strconv.Itoa(t.Bits)
	case Float:
		return "float" + strconv.Itoa(t.Bits)
	case Timestamp:
		if t.Zone == "" {
			return "timestamp[" + string(t.Unit) + "]"
		}
		return "timestamp[" + string(t.Unit) + ", " + t.Zone + "]"
	case Utf8:
		return t.Layout.name("utf8")
	case Binary:
		return t.Layout.name("binary")
	case FixedBinary:
		s := "fixed_size_binary[" + strconv.Itoa(t.Width) + "]"
		if t.UUID {
			s += " (arrow.uuid)"
		}
		return s
	case Date:
		return "date" + strconv.Itoa(t.Bits)
	case Time:
		return "time" + strconv.Itoa(t.Bits) + "[" + string(t.Unit) + "]"
	case Duration:
		return "duration[" + string(t.Unit) + "]"
	case Decimal:
		return fmt.Sprintf("decimal%d(%d, %d)", t.Bits, t.Precision, t.Scale)
	case Nothing:
		return "null"
	case List:
		return t.Layout.name("list")
	case FixedList:
		return "fixed_size_list[" + strconv.Itoa(t.Width) + "]"
	case Map:
		return "map"
	case Struct:
		return "struct"
	case Union:
		if t.Dense {
			return "dense_union"
		}
		return "sparse_union"
	case RunEnds:
		return "run_end_encoded"
	}
	return "no type"
}

// name returns the name of a type in this layout.
func (l Layout) name(plain string) string {
	switch l {
	case Large:
		return "large_" + plain
	case Views:
		return plain + "_view"
	}
	return plain
}

// MaxPrecision returns how many digits a decimal of so many bits has.
func MaxPrecision(bits int) int {
	return map[int]int{32: 9, 64: 18, 128: 38, 256: 76}[bits]
}

// Def is a table as a front end found it.
type Def struct {
	Pos     Pos      // of the row type's name
	Row     string   // the row type
	Name    string   // of the table in Arrow, "" for the row type's name in snake case
	Doc     []string // the lines of its comment
	Columns []*ColumnDef

	Elsewhere bool // the row type is declared in a file of another schema
	Partial   bool // the row type has, or may have, fields that are no columns
}

// ColumnDef is a column as a front end found it.
type ColumnDef struct {
	Pos        Pos    // of the field's name
	NamePos    Pos    // of what gives the column its name; the zero Pos is that of the field
	Field      string // of the row struct
	Name       string // in Arrow, "" for the field's name in snake case
	Method     string // the accessor, "" for the field's name, with a suffix where that is taken
	MethodPos  Pos
	Doc        []string // the lines of its comment
	Type       Type
	Index      *Type // of a dictionary column
	Nullable   bool
	Form       Form   // how the row struct holds it
	Raw        bool   // rows hold a timestamp as the number that it is
	AsTime     bool   // rows hold a date as a time
	Enum       bool   // rows hold a number of type Named, the dictionary its names
	Named      *Named // the type of the row struct's values, nil for the one that the column has anyway
	NaiveUTC   bool
	Wrapped    bool   // List: a table of a schema stands for it
	Was        string // an older name, "" for none
	WasPos     Pos
	Default    string       // as a tag writes it: a number, true, false or a text, without quotes
	HasDefault bool         // the empty text is a default too
	Parts      []*ColumnDef // List, FixedList, RunEnds: the items; Map: keys and values
	Group      *GroupDef    // Struct: its fields; Union: its members
	Member     *Named       // of a union: the type that its values are of, which Type is made of; nil for the member that nil is
	TypeID     int          // of a union
}

// Nested tells whether the column has columns below it.
func (c *ColumnDef) Nested() bool { return c.Type.Kind >= List }

// GroupDef is a Go type that columns have below a table's own, as a front end found it: a struct, whose fields are columns, or
// the interface of a union, whose members are. All columns of one type have the same GroupDef.
type GroupDef struct {
	Pos     Pos
	Named   Named    // the Go type
	Doc     []string // the lines of its comment
	Columns []*ColumnDef
	Rows    bool   // the type is written to File.Rows
	Marker  string // of a union: the method of its interface, "" for a struct
	Partial bool   // the type has, or may have, fields that are no columns

	// What messages make of a struct: a table, or where it is inline what flatbuffers call a struct.
	Inline   bool
	MinAlign int   // of an inline one: the alignment that it asks for, 0 for that of its fields
	Slots    []int // of the columns of a table, nil if they are their places
	NumSlots int   // as Slots
}

// NullMember returns the member of a union that nil is, or -1.
func (g *GroupDef) NullMember() int {
	return slices.IndexFunc(g.Columns, func(c *ColumnDef) bool { return c.Member == nil })
}

// TypeIDs returns the type ids of a union's members.
func (g *GroupDef) TypeIDs() []int32 {
	ids := make([]int32, len(g.Columns))
	for i, c := range g.Columns {
		ids[i] = int32(c.TypeID)
	}
	return ids
}

// Form says how a row struct holds the values of a column.
type Form uint8

// The forms. Only Plain is not nullable, except for byte slices: their nil is a null.
const (
	Plain   Form = iota // T
	Pointer             // *T
	Null                // rt.Null[T]
)

// Named is a type that somebody declared.
type Named struct {
	Path    string // the import path of its package, "" for the package that is generated for
	Package string // the name of that package
	Name    string
	Names   bool // values have names: there are the method String, and ParseName beside the type
}

// Enum is a type of named numbers that the rows of tables have.
type Enum struct {
	Pos    Pos
	Name   string
	Doc    []string
	Type   Type // Int
	Values []EnumValue
}

// EnumValue is one of an enum's values.
type EnumValue struct {
	Const string // in Go
	Name  string // as dictionaries have it
	Value string
	Doc   []string
}

// File is what one generated file holds.
type File struct {
	Package    string
	Source     string   // what the first line names, slash-separated
	Output     string   // the name of the generated file, without a directory
	Rows       string   // the name of the file for the row structs, "" if they are written by hand
	Constraint string   // a build constraint, "" for none
	Imports    []Import // of Output
	RowImports []Import // of Rows
	Tables     []*Table
	Messages   []*Message
	Protocols  []*Protocol
	Enums      []*Enum // in Rows
}

// Tests returns the name of the file for the tests of f's tables: trade_lightstream_test.go beside trade_lightstream.go.
func (f *File) Tests() string {
	base, ok := strings.CutSuffix(f.Output, "_lightstream_test.go")
	if ok { // tables of tests, whose own file that is
		return base + "_test_lightstream_test.go"
	}
	return strings.TrimSuffix(f.Output, ".go") + "_test.go"
}

// Text returns the name of the file for the text formats of f's tables: trade_text_lightstream.go beside trade_lightstream.go.
func (f *File) Text() string {
	for _, end := range []string{"_lightstream_test.go", "_lightstream.go"} {
		if base, ok := strings.CutSuffix(f.Output, end); ok {
			return base + "_text" + end
		}
	}
	return strings.TrimSuffix(f.Output, ".go") + "_text.go"
}

// Import is a package that the file may use, under the name that is free for it there.
type Import struct {
	Path  string
	Name  string // in the file
	Alias bool   // the name is not the package's own, or may not look so
}

// Table is one table.
type Table struct {
	Pos     Pos
	Name    string   // in Arrow
	Doc     []string // of the row type
	Row     string   // the row type
	Names   Names
	Columns []*Column
	Groups  []*Group // the types of columns below them, each before those that have it
	Buffers int      // of all columns
	Scales  []Scale  // of its decimals

	Elsewhere bool // the row type is declared in a file of another schema
	Partial   bool // the row type has, or may have, fields that are no columns
}

// Scale is a constant for the scale of a decimal column of a table or of a type below it, or of the items or values of such a column.
type Scale struct {
	Name, Column string // in Go, and in Arrow
	Digits       int
}

// Group is a type that columns of a table have below its own.
type Group struct {
	*GroupDef
	Columns []*Column // of GroupDef.Columns; they have no buffer numbers, as a type may be that of several columns
	Names   GroupNames
	Part    *Part // of a message
}

// GroupNames are the names of what is declared for a struct or union.
type GroupNames struct {
	View, Builder, NewBuilder string
	Columns                   string // the variable
	ReadRows                  string
	IDs                       []string // the constants for the type ids of a union's members
	Of                        []string // and the functions that make a member's value one of the union
}

func (n *GroupNames) all() []string {
	return slices.Concat([]string{n.View, n.Builder, n.NewBuilder, n.Columns, n.ReadRows}, n.IDs, n.Of)
}

// Names are the names of a table's declarations.
type Names struct {
	Table, Columns      string // the two variables
	Reader, NewReader   string
	Writer, NewWriter   string
	Batch, NewBatch     string
	Builder, NewBuilder string
	ReadRows            string
	Framer, NewFramer   string
}

func (n *Names) all() []string {
	return []string{n.Table, n.Columns, n.Reader, n.NewReader, n.Writer, n.NewWriter, n.Batch, n.NewBatch, n.Builder, n.NewBuilder, n.ReadRows, n.Framer, n.NewFramer}
}

// Column is one column of a table.
type Column struct {
	ColumnDef
	Number   int       // in the table, from 0; of a message's field its slot
	Offset   int       // of a field of an inline struct
	Buffers  []Buffer  // with their numbers in a batch
	Local    string    // variables and the builder's field
	Slab     string    // the variable that pointers of many rows come from
	Func     string    // the function that makes an array a slice, or orders keys that are arrays
	Children []*Column // of Parts
	Group    *Group    // of ColumnDef.Group
}

// Buffer is a buffer of a batch's body.
type Buffer struct {
	Number  int
	Content string // such as "values, 8 bytes each"
}

// TypeString returns the column's type and whether it may hold nulls, such as "dictionary<int32, utf8> not null" or
// "list<item: float64 not null>".
func (c *Column) TypeString() string { return c.typeString(false) }

// Brief is TypeString with structs and unions by the names that they have in Go, "list<item: struct Leg not null>": what is in them is
// said where they are.
func (c *Column) Brief() string { return c.typeString(true) }

func (c *Column) typeString(brief bool) string {
	s := c.Type.String()
	below := c.Children
	switch {
	case c.Group == nil:
	case brief:
		s += " " + c.Group.Named.Name
	default:
		below = c.Group.Columns
	}
	if len(below) != 0 {
		list := make([]string, len(below))
		for i, child := range below {
			list[i] = child.Name + ": " + child.typeString(brief)
		}
		switch c.Type.Kind {
		case Union:
			s += strings.ReplaceAll(fmt.Sprint(c.Group.TypeIDs()), " ", ", ")
		case RunEnds:
			list = append([]string{"run_ends: int" + strconv.Itoa(c.Type.Bits) + " not null"}, list...)
		}
		s += "<" + strings.Join(list, ", ") + ">"
	}
	if c.Index != nil {
		s = "dictionary<" + c.Index.String() + ", " + s + ">"
	}
	if !c.Nullable {
		s += " not null"
	}
	return s
}

// Fixed tells whether the column is a slice of numbers, or of what else has a fixed width in Go.
func (c *Column) Fixed() bool {
	if c.Index != nil {
		return false
	}
	switch c.Type.Kind {
	case Int, Float, FixedBinary, Decimal:
		return true
	case Date:
		return !c.AsTime
	case Timestamp:
		return c.Raw
	}
	return false
}

// Bulk tells whether rows may be written into the column's memory without a look at them.
func (c *Column) Bulk() bool { return c.Fixed() && !c.Nullable && c.Type.Kind != Decimal }

// Tag returns the struct tag, without the key, that says of the column what Go's type does not.
func (c *Column) Tag() string {
	return strings.Join(append([]string{c.Name}, c.options()...), ",")
}

// options are those of a tag.
func (c *Column) options() (opts []string) {
	switch t := c.Type; {
	case t.Kind == Timestamp && t.Zone == "":
		opts = append(opts, "timestamp("+string(t.Unit)+")")
	case t.Kind == Timestamp && (c.Raw || t != TimestampNanoUTC):
		opts = append(opts, "timestamp("+string(t.Unit)+","+t.Zone+")")
	case t.Kind == Date && c.AsTime:
		opts = append(opts, t.String())
	case t.Kind == Time:
		opts = append(opts, "time"+strconv.Itoa(t.Bits)+"("+string(t.Unit)+")")
	case t.Kind == Duration && t.Unit != Nanosecond:
		opts = append(opts, "duration("+string(t.Unit)+")")
	case t.Kind == Decimal:
		opts = append(opts, fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale))
	case t.UUID:
		opts = append(opts, "uuid")
	case t.Layout != Offsets:
		opts = append(opts, string(t.Layout))
	case t.Kind == Union && !t.Dense:
		opts = append(opts, "sparse")
	case t.Kind == RunEnds:
		opts = append(c.Children[0].options(), "ree")
		if t.Bits != 32 {
			opts[len(opts)-1] += "(int" + strconv.Itoa(t.Bits) + ")"
		}
	}
	if c.Index != nil {
		opts = append(opts, "dict")
		if *c.Index != Int32 {
			opts[len(opts)-1] += "(" + c.Index.String() + ")"
		}
	}
	for i, child := range c.Children {
		if below := child.options(); len(below) != 0 && c.Type.Kind != RunEnds {
			opts = append(opts, partNames[c.Type.Kind][i]+"("+strings.Join(below, ",")+")")
		}
	}
	if k := c.Type.Kind; (k == Binary || k == List || k == Map) && !c.Nullable {
		opts = append(opts, "required")
	}
	if c.NaiveUTC {
		opts = append(opts, "naive=UTC")
	}
	if c.HasDefault {
		opts = append(opts, "default="+c.Default)
	}
	if c.Was != "" {
		opts = append(opts, "was="+c.Was)
	}
	return opts
}

// Types that are spoken of by name.
var (
	Int8             = Type{Kind: Int, Bits: 8, Signed: true}
	Int16            = Type{Kind: Int, Bits: 16, Signed: true}
	Int32            = Type{Kind: Int, Bits: 32, Signed: true}
	TimestampNanoUTC = Type{Kind: Timestamp, Unit: Nanosecond, Zone: "UTC"}
)

// Mark returns what //lightstream:union says of the members: null | Fill = 1 | note: Note(dict).
func (g *Group) Mark() string {
	var list []string
	next := 0
	for _, c := range g.Columns {
		s := "null"
		if c.Member != nil {
			s = c.Member.Name
			if opts := c.options(); len(opts) > 0 {
				s += "(" + strings.Join(opts, ",") + ")"
			}
		}
		if c.Name != SnakeCase(c.Field) {
			s = c.Name + ": " + s
		}
		if c.TypeID != next {
			s += " = " + strconv.Itoa(c.TypeID)
		}
		next = c.TypeID + 1
		list = append(list, s)
	}
	return strings.Join(list, " | ")
}
