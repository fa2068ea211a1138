package fbs

import (
	"fmt"
	"math"
)

// Schema is what a file and all that it includes declare.
type Schema struct {
	// Main is the file that was asked for, the first of several.
	Main *File
	// Named are all files that were asked for.
	Named []*File
	// Files are these and what they include, an included file before the one that includes it.
	Files []*File

	// Tables, Structs, Enums, Unions and Services are those of all files, in the order of Files and of declaration.
	Tables   []*Table
	Structs  []*Struct
	Enums    []*Enum
	Unions   []*Union
	Services []*Service

	byName map[string]Definition
}

// Root returns the root type of the main file, nil if it names none.
func (s *Schema) Root() *Table { return s.Main.Root }

// Lookup returns what is declared under a full name such as "my.space.Table", nil if nothing is.
func (s *Schema) Lookup(fullName string) Definition { return s.byName[fullName] }

// File is one schema file.
type File struct {
	// Path is the name that the file was opened with.
	Path       string
	Includes   []*Include
	Attributes []*AttributeDecl

	Tables   []*Table
	Structs  []*Struct
	Enums    []*Enum
	Unions   []*Union
	Services []*Service

	// Root is the file's root_type, nil without one.
	Root *Table
	// Identifier is the file_identifier, four bytes or none.
	Identifier string
	// Extension is the file_extension.
	Extension string

	root    *typeRef
	builtin bool
}

// Include is one include line.
type Include struct {
	Pos  Pos
	Path string // as written
	File *File
}

// AttributeDecl declares an attribute that is not one of the language's own.
type AttributeDecl struct {
	Pos  Pos
	Doc  []string
	Name string
}

// Decl is what all declarations have.
type Decl struct {
	Pos       Pos      // of the name
	Doc       []string // the lines of the doc comment, without slashes and the space after them
	Name      string
	Namespace string // "" or names joined by dots
	File      *File
	Attrs     Attrs
}

// FullName returns the name with its namespace.
func (d *Decl) FullName() string {
	if d.Namespace == "" {
		return d.Name
	}
	return d.Namespace + "." + d.Name
}

func (d *Decl) declaration() *Decl { return d }

// Definition is a *[Table], *[Struct], *[Enum] or *[Union].
type Definition interface {
	FullName() string
	declaration() *Decl
	kindName() string
}

// Table is a table: fields that may be absent, found through a vtable.
type Table struct {
	Decl
	// Fields are in order of declaration, see [Field].Slot.
	Fields []*Field
	// Slots is how many entries a full vtable has. A union field takes two.
	Slots int
}

// Field returns the field of that name, nil if there is none.
func (t *Table) Field(name string) *Field { return fieldByName(t.Fields, name) }

func (t *Table) kindName() string { return "table" }

// Struct is a struct: fields that are always there, at fixed offsets.
type Struct struct {
	Decl
	Fields []*Field
	// Size is in bytes, a multiple of Align.
	Size int
	// Align is the alignment in bytes.
	Align int
}

// Field returns the field of that name, nil if there is none.
func (s *Struct) Field(name string) *Field { return fieldByName(s.Fields, name) }

func (s *Struct) kindName() string { return "struct" }

func fieldByName(fields []*Field, name string) *Field {
	for _, f := range fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Field is a field of a table or a struct.
type Field struct {
	Pos     Pos
	Doc     []string
	Name    string
	Type    *Type
	Default Default
	Attrs   Attrs

	// Slot is the field's entry in the vtable, counted from 0. That of a union is its tag; the value has the next one.
	// In a struct it is the field's place.
	Slot int
	// Offset is where the field lies in its struct, in bytes. In a table it is 0.
	Offset int

	// Required is set for a field that may not be absent.
	Required bool
	// Deprecated is set for a field that keeps its slot but is not to be used.
	Deprecated bool
	// Key is set for the field that a sorted vector of the table is searched by.
	Key bool

	literal *literal // the default as written
}

// Optional reports whether an absent field has no value: a scalar with the default null, or anything else that is
// neither required nor has a default.
func (f *Field) Optional() bool {
	if f.Type.IsScalar() {
		return f.Default.Null
	}
	return !f.Required && !f.Default.IsSet()
}

// Default is what a field is when it is absent.
type Default struct {
	Pos  Pos    // of the value, no place when the schema gives none
	Text string // as written, "" when the schema gives none
	Null bool   // the value is null
	// Int is the value of an integer, enum or bool field; that of an unsigned one is uint64(Int).
	Int int64
	// Float is the value of a floating-point field.
	Float float64
	// Str is the value of a string field.
	Str string
}

// IsSet reports whether the schema gives the value.
func (d Default) IsSet() bool { return d.Pos.IsValid() }

// Enum is a named integer type.
type Enum struct {
	Decl
	// Base is the integer type that holds it.
	Base Kind
	// BitFlags is set when values are combined; then each Value is a power of two.
	BitFlags bool
	Values   []*EnumValue

	byName  map[string]*EnumValue
	byValue map[int64]*EnumValue
	all     uint64 // every value combined
}

// Value returns the value of that name, nil if there is none.
func (e *Enum) Value(name string) *EnumValue { return e.byName[name] }

// Has reports whether v is one of the values, or a combination of them if they are flags.
func (e *Enum) Has(v int64) bool {
	return e.byValue[v] != nil || e.BitFlags && uint64(v)&^e.all == 0
}

func (e *Enum) kindName() string { return "enum" }

// EnumValue is one name of an enum.
type EnumValue struct {
	Pos   Pos
	Doc   []string
	Name  string
	Value int64 // that of an unsigned enum is uint64(Value)
	Attrs Attrs

	explicit *literal
}

// Union is a value of one of several types, with a tag that says which. Tag 0 means that there is no value.
type Union struct {
	Decl
	Members []*UnionMember
}

func (u *Union) kindName() string { return "union" }

// UnionMember is one type of a union.
type UnionMember struct {
	Pos   Pos
	Doc   []string
	Name  string // its alias, or the type's name with dots made underscores
	Type  *Type  // a table, a struct or a string
	Tag   uint8
	Attrs Attrs

	explicit *literal
}

// Service is an rpc_service. Its types are not resolved.
type Service struct {
	Decl
	Methods []*Method
}

// Method is one call of a service.
type Method struct {
	Pos               Pos
	Doc               []string
	Name              string
	Request, Response string
	Attrs             Attrs
}

// Kind says what a type is.
type Kind uint8

// The kinds of types. The language's other names, such as int32 or float64, are the same kinds.
const (
	Bool Kind = iota + 1
	Byte
	UByte
	Short
	UShort
	Int
	UInt
	Long
	ULong
	Float
	Double
	String
	VectorOf
	ArrayOf
	TableType
	StructType
	EnumType
	UnionType
)

var kindNames = [...]string{
	Bool: "bool", Byte: "byte", UByte: "ubyte", Short: "short", UShort: "ushort", Int: "int", UInt: "uint", Long: "long",
	ULong: "ulong", Float: "float", Double: "double", String: "string", VectorOf: "vector", ArrayOf: "array",
	TableType: "table", StructType: "struct", EnumType: "enum", UnionType: "union",
}

// String returns the name of the kind in the schema language.
func (k Kind) String() string {
	if int(k) < len(kindNames) && k > 0 {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// IsInteger reports whether k is a whole number; bool is none.
func (k Kind) IsInteger() bool { return k >= Byte && k <= ULong }

// IsUnsigned reports whether k is a whole number without a sign.
func (k Kind) IsUnsigned() bool { return k == UByte || k == UShort || k == UInt || k == ULong }

// IsFloat reports whether k is float or double.
func (k Kind) IsFloat() bool { return k == Float || k == Double }

// IsNumber reports whether k is bool, a whole number or floating-point.
func (k Kind) IsNumber() bool { return k >= Bool && k <= Double }

// Size is the width in bytes of a number; for other kinds it is 0.
func (k Kind) Size() int {
	switch k {
	case Bool, Byte, UByte:
		return 1
	case Short, UShort:
		return 2
	case Int, UInt, Float:
		return 4
	case Long, ULong, Double:
		return 8
	}
	return 0
}

// integerRange returns the smallest and the largest value of an integer kind.
func (k Kind) integerRange() (lo int64, hi uint64) {
	bits := 8 * k.Size()
	if k.IsUnsigned() {
		return 0, math.MaxUint64 >> (64 - bits)
	}
	return -1 << (bits - 1), 1<<(bits-1) - 1
}

var builtinTypes = map[string]Kind{
	"bool": Bool, "byte": Byte, "int8": Byte, "ubyte": UByte, "uint8": UByte, "short": Short, "int16": Short,
	"ushort": UShort, "uint16": UShort, "int": Int, "int32": Int, "uint": UInt, "uint32": UInt, "long": Long,
	"int64": Long, "ulong": ULong, "uint64": ULong, "float": Float, "float32": Float, "double": Double,
	"float64": Double, "string": String,
}

// Type is the type of a field, an element or a union's member.
type Type struct {
	Pos  Pos
	Kind Kind
	Elem *Type // of a vector or an array
	Len  int   // of an array

	// One of these is set for the kinds of the same name.
	Table  *Table
	Struct *Struct
	Enum   *Enum
	Union  *Union

	ref *typeRef
}

// typeRef is a name of a type as written.
type typeRef struct {
	pos       Pos
	name      string
	namespace string // where it was written
}

// Base is the kind of number that holds a value: that of an enum, or the kind itself.
func (t *Type) Base() Kind {
	if t.Kind == EnumType {
		return t.Enum.Base
	}
	return t.Kind
}

// IsScalar reports whether values are single numbers: bools, whole or floating-point numbers, enums.
func (t *Type) IsScalar() bool { return t.Kind == EnumType || t.Kind.IsNumber() }

// Size is how many bytes a value takes where it is stored in line: in its table, struct, vector or array. That of a
// union is the size of its value's offset; its tag takes one byte more.
func (t *Type) Size() int {
	switch t.Kind {
	case StructType:
		return t.Struct.Size
	case ArrayOf:
		return t.Len * t.Elem.Size()
	case String, VectorOf, TableType, UnionType:
		return 4
	}
	return t.Base().Size()
}

// Align is the alignment in bytes of what Size measures.
func (t *Type) Align() int {
	switch t.Kind {
	case StructType:
		return t.Struct.Align
	case ArrayOf:
		return t.Elem.Align()
	}
	return t.Size()
}

// String returns the type as a schema would write it, with full names.
func (t *Type) String() string {
	switch t.Kind {
	case VectorOf:
		return "[" + t.Elem.String() + "]"
	case ArrayOf:
		return fmt.Sprintf("[%v:%d]", t.Elem, t.Len)
	}
	if d := t.Definition(); d != nil {
		return d.FullName()
	}
	if t.Kind == 0 && t.ref != nil {
		return t.ref.name
	}
	return t.Kind.String()
}

// Definition returns the table, struct, enum or union that the type names, nil if it is none of these.
func (t *Type) Definition() Definition {
	switch t.Kind {
	case TableType:
		return t.Table
	case StructType:
		return t.Struct
	case EnumType:
		return t.Enum
	case UnionType:
		return t.Union
	}
	return nil
}

// Attr is one attribute of a declaration.
type Attr struct {
	Pos  Pos
	Name string
	// Value is the text after the colon: that of a string without quotes and escapes, otherwise as written.
	Value string
	// ValuePos is no place when there is no value.
	ValuePos Pos
	// Quoted is set when the value is a string.
	Quoted bool
}

// HasValue reports whether there is a value after the name, though it may be empty.
func (a *Attr) HasValue() bool { return a.ValuePos.IsValid() }

// Attrs are the attributes of a declaration, in the order written. No two have the same name.
type Attrs []*Attr

// Get returns the attribute of that name, nil if there is none.
func (a Attrs) Get(name string) *Attr {
	for _, attr := range a {
		if attr.Name == name {
			return attr
		}
	}
	return nil
}

// Has reports whether there is an attribute of that name.
func (a Attrs) Has(name string) bool { return a.Get(name) != nil }
