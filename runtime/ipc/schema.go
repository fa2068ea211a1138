package ipc

import (
	"fmt"
	"strings"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
)

// Kind is the kind of a column's type: the members of union Type in Arrow's Schema.fbs, with their numbers.
type Kind uint8

// The kinds of Arrow.
const (
	KindNull Kind = iota + 1
	KindInt
	KindFloat
	KindBinary
	KindUtf8
	KindBool
	KindDecimal
	KindDate
	KindTime
	KindTimestamp
	KindInterval
	KindList
	KindStruct
	KindUnion
	KindFixedSizeBinary
	KindFixedSizeList
	KindMap
	KindDuration
	KindLargeBinary
	KindLargeUtf8
	KindLargeList
	KindRunEndEncoded
	KindBinaryView
	KindUtf8View
	KindListView
	KindLargeListView
)

// Type is the logical type of a column. Only the parameters of its kind are set.
type Type struct {
	Kind      Kind
	Bits      int         // Int 8 to 64, Float 16 to 64, Decimal 32 to 256, Time 32 or 64
	Signed    bool        // Int
	Unit      column.Unit // Timestamp, Time, Duration
	Zone      string      // Timestamp: an IANA name or an offset such as "+01:00"; "" is a wall-clock time
	Precision int         // Decimal: digits
	Scale     int         // Decimal: digits after the point
	Width     int         // FixedSizeBinary: bytes; FixedSizeList: items
	Variant   int         // Date: 0 days, 1 milliseconds; Interval: 0 year-month, 1 day-time, 2 month-day-nano; Union: 0 sparse, 1 dense; Map: 1 with sorted keys
	TypeIDs   []int32     // Union: the type id of each child; nil is 0, 1, 2 …
}

// The types without parameters that are chosen.
var (
	Null        = Type{Kind: KindNull}
	Bool        = Type{Kind: KindBool}
	Int8        = Type{Kind: KindInt, Bits: 8, Signed: true}
	Int16       = Type{Kind: KindInt, Bits: 16, Signed: true}
	Int32       = Type{Kind: KindInt, Bits: 32, Signed: true}
	Int64       = Type{Kind: KindInt, Bits: 64, Signed: true}
	Uint8       = Type{Kind: KindInt, Bits: 8}
	Uint16      = Type{Kind: KindInt, Bits: 16}
	Uint32      = Type{Kind: KindInt, Bits: 32}
	Uint64      = Type{Kind: KindInt, Bits: 64}
	Float16     = Type{Kind: KindFloat, Bits: 16}
	Float32     = Type{Kind: KindFloat, Bits: 32}
	Float64     = Type{Kind: KindFloat, Bits: 64}
	Utf8        = Type{Kind: KindUtf8}
	LargeUtf8   = Type{Kind: KindLargeUtf8}
	Utf8View    = Type{Kind: KindUtf8View}
	Binary      = Type{Kind: KindBinary}
	LargeBinary = Type{Kind: KindLargeBinary}
	BinaryView  = Type{Kind: KindBinaryView}
	Date32      = Type{Kind: KindDate}
	Date64      = Type{Kind: KindDate, Variant: 1}

	List          = Type{Kind: KindList}
	LargeList     = Type{Kind: KindLargeList}
	ListView      = Type{Kind: KindListView}
	LargeListView = Type{Kind: KindLargeListView}
	Map           = Type{Kind: KindMap}
	Struct        = Type{Kind: KindStruct}
	RunEndEncoded = Type{Kind: KindRunEndEncoded}
)

// FixedSizeList returns the type of lists of width items.
func FixedSizeList(width int) Type { return Type{Kind: KindFixedSizeList, Width: width} }

// SparseUnion returns the type of a union of n members with the type ids 0 to n-1, whose columns all have its rows.
func SparseUnion(n int) Type { return Type{Kind: KindUnion, TypeIDs: typeIDs(n)} }

// DenseUnion returns the type of a union of n members with the type ids 0 to n-1, whose columns have their own rows.
func DenseUnion(n int) Type { return Type{Kind: KindUnion, Variant: 1, TypeIDs: typeIDs(n)} }

// WithTypeIDs returns a union's type with other type ids, one for each member.
func (t Type) WithTypeIDs(ids ...int32) Type {
	t.TypeIDs = ids
	return t
}

func typeIDs(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(i)
	}
	return ids
}

// FixedSizeBinary returns the type of byte strings of width bytes.
func FixedSizeBinary(width int) Type { return Type{Kind: KindFixedSizeBinary, Width: width} }

// Time32 returns the type of times of day in 32 bits, in seconds or milliseconds.
func Time32(unit column.Unit) Type { return Type{Kind: KindTime, Bits: 32, Unit: unit} }

// Time64 returns the type of times of day in 64 bits, in microseconds or nanoseconds.
func Time64(unit column.Unit) Type { return Type{Kind: KindTime, Bits: 64, Unit: unit} }

// Duration returns the type of spans of time.
func Duration(unit column.Unit) Type { return Type{Kind: KindDuration, Unit: unit} }

// Decimal returns the type of decimals of the given bits, 32 to 256, with scale of precision digits after the point.
func Decimal(bits, precision, scale int) Type {
	return Type{Kind: KindDecimal, Bits: bits, Precision: precision, Scale: scale}
}

// UUID is the metadata of a field of 16 bytes that are a UUID, as Arrow's canonical extension type has it.
func UUID() []KeyValue {
	return []KeyValue{{Key: "ARROW:extension:name", Value: "arrow.uuid"}, {Key: "ARROW:extension:metadata", Value: ""}}
}

// Timestamp returns a timestamp type. Without a zone it holds wall-clock times.
func Timestamp(unit column.Unit, zone string) Type {
	return Type{Kind: KindTimestamp, Unit: unit, Zone: zone}
}

// IsText tells whether values are strings, in any of their layouts.
func (t Type) IsText() bool {
	return t.Kind == KindUtf8 || t.Kind == KindLargeUtf8 || t.Kind == KindUtf8View
}

// IsBinary tells whether values are byte strings of any length, in any of their layouts.
func (t Type) IsBinary() bool {
	return t.Kind == KindBinary || t.Kind == KindLargeBinary || t.Kind == KindBinaryView
}

// TextForm is the layout of strings or byte strings, whose values [column.TextAt] finds.
func (t Type) TextForm() column.TextForm {
	switch t.Kind {
	case KindLargeUtf8, KindLargeBinary:
		return column.LargeText
	case KindUtf8View, KindBinaryView:
		return column.ViewText
	}
	return column.PlainText
}

// Equal tells whether both are the same type.
func (t Type) Equal(u Type) bool {
	if len(t.TypeIDs) != len(u.TypeIDs) {
		return false
	}
	for i, id := range t.TypeIDs {
		if u.TypeIDs[i] != id {
			return false
		}
	}
	return t.Kind == u.Kind && t.Bits == u.Bits && t.Signed == u.Signed && t.Unit == u.Unit && t.Zone == u.Zone &&
		t.Precision == u.Precision && t.Scale == u.Scale && t.Width == u.Width && t.Variant == u.Variant
}

var kindNames = [...]string{
	KindNull: "null", KindInt: "int", KindFloat: "float", KindBinary: "binary", KindUtf8: "utf8", KindBool: "bool",
	KindDecimal: "decimal", KindDate: "date", KindTime: "time", KindTimestamp: "timestamp", KindInterval: "interval",
	KindList: "list", KindStruct: "struct", KindUnion: "union", KindFixedSizeBinary: "fixed_size_binary",
	KindFixedSizeList: "fixed_size_list", KindMap: "map", KindDuration: "duration", KindLargeBinary: "large_binary",
	KindLargeUtf8: "large_utf8", KindLargeList: "large_list", KindRunEndEncoded: "run_end_encoded",
	KindBinaryView: "binary_view", KindUtf8View: "utf8_view", KindListView: "list_view",
	KindLargeListView: "large_list_view",
}

// String returns the kind's name, such as "fixed_size_list".
func (k Kind) String() string {
	if int(k) < len(kindNames) && k != 0 {
		return kindNames[k]
	}
	return fmt.Sprintf("type %d", uint8(k))
}

// String returns the type as Arrow's users write it, such as "uint8" or "timestamp[us, UTC]".
func (t Type) String() string {
	switch t.Kind {
	case KindInt:
		if t.Signed {
			return fmt.Sprintf("int%d", t.Bits)
		}
		return fmt.Sprintf("uint%d", t.Bits)
	case KindFloat:
		return fmt.Sprintf("float%d", t.Bits)
	case KindDecimal:
		return fmt.Sprintf("decimal%d(%d, %d)", t.Bits, t.Precision, t.Scale)
	case KindDate:
		return [...]string{"date32", "date64"}[t.Variant&1]
	case KindTime:
		return fmt.Sprintf("time%d[%v]", t.Bits, t.Unit)
	case KindTimestamp:
		if t.Zone != "" {
			return fmt.Sprintf("timestamp[%v, %s]", t.Unit, t.Zone)
		}
		return fmt.Sprintf("timestamp[%v]", t.Unit)
	case KindDuration:
		return fmt.Sprintf("duration[%v]", t.Unit)
	case KindInterval:
		if t.Variant >= 0 && t.Variant < 3 {
			return "interval[" + [...]string{"year_month", "day_time", "month_day_nano"}[t.Variant] + "]"
		}
	case KindFixedSizeBinary, KindFixedSizeList:
		return fmt.Sprintf("%v[%d]", t.Kind, t.Width)
	case KindUnion:
		return [...]string{"sparse_union", "dense_union"}[t.Variant&1]
	}
	return t.Kind.String()
}

// DictionaryEncoding tells that a column holds indices into a dictionary.
type DictionaryEncoding struct {
	ID      int64 // in the stream; a writer sets it to the index of the column
	Index   Type  // an integer type
	Ordered bool  // the order of the values means something
}

// DictionaryOf returns the encoding with indices of the given integer type.
func DictionaryOf(index Type) *DictionaryEncoding { return &DictionaryEncoding{Index: index} }

// KeyValue is an entry of a schema's, field's, message's or file's metadata.
type KeyValue = frame.KeyValue

// Field is a column's place in a schema.
type Field struct {
	Name       string
	Type       Type // of the values, where the column has a dictionary
	Nullable   bool
	Dictionary *DictionaryEncoding
	Children   []Field
	Metadata   []KeyValue
}

// String returns the field's type and whether it may hold nulls, such as "dictionary<int32, utf8> not null".
func (f *Field) String() string {
	s := f.TypeString()
	if !f.Nullable {
		s += " not null"
	}
	return s
}

// TypeString returns the field's type with its dictionary and children, such as "list<item: int32>", and " (arrow.uuid)" behind that of UUIDs.
func (f *Field) TypeString() string {
	var b strings.Builder
	if d := f.Dictionary; d != nil {
		fmt.Fprintf(&b, "dictionary<%v, ", d.Index)
	}
	b.WriteString(f.Type.String())
	if len(f.Children) > 0 {
		b.WriteString("<")
		for i := range f.Children {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(f.Children[i].Name + ": " + f.Children[i].String())
		}
		b.WriteString(">")
	}
	if f.Dictionary != nil {
		b.WriteString(">")
	}
	if f.IsUUID() {
		b.WriteString(" (arrow.uuid)")
	}
	return b.String()
}

// IsUUID tells whether the column has Arrow's canonical extension type for UUIDs, whose 16 bytes are in the order in which they are printed.
func (f *Field) IsUUID() bool {
	if f.Type.Kind != KindFixedSizeBinary || f.Type.Width != 16 {
		return false
	}
	for _, kv := range f.Metadata {
		if kv.Key == "ARROW:extension:name" {
			return kv.Value == "arrow.uuid"
		}
	}
	return false
}

// Schema is what the columns of a stream or file are.
type Schema struct {
	Fields   []Field
	Metadata []KeyValue
}

// String returns the schema with a line for each field.
func (s *Schema) String() string {
	var b strings.Builder
	for i := range s.Fields {
		fmt.Fprintf(&b, "%s: %v\n", s.Fields[i].Name, &s.Fields[i])
	}
	return b.String()
}
