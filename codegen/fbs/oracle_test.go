package fbs_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen/fbs"
	"github.com/lightstream-go/lightstream/codegen/internal/reflection"
)

// TestSchemasAreThoseOfFlatc compares names, slots, offsets, sizes, defaults, attributes and comments with what flatc
// makes of the same files.
func TestSchemasAreThoseOfFlatc(t *testing.T) {
	flatc(t)
	const dir = "../../schema/"
	for _, file := range []string{
		dir + "Schema.fbs", dir + "Message.fbs", dir + "File.fbs", dir + "Tensor.fbs", dir + "SparseTensor.fbs",
		dir + "lightstream.fbs", "testdata/good/everything.fbs", "testdata/good/part.fbs",
		"../internal/reflection/reflection.fbs", "../internal/sample/sample.fbs",
	} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			ours, err := fbs.Parse(file, nil)
			if err != nil {
				t.Fatal(err)
			}
			binary, complaint := compileWithFlatc(t, file)
			if complaint != "" {
				t.Fatal(complaint)
			}
			theirs, err := reflection.VerifySchema(binary, reflection.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			compareLines(t, describe(ours), describeBinary(theirs))
		})
	}
}

// compareLines reports the lines that only one side has.
func compareLines(t *testing.T, ours, theirs []string) {
	t.Helper()
	slices.Sort(ours)
	slices.Sort(theirs)
	for _, line := range ours {
		if _, ok := slices.BinarySearch(theirs, line); !ok {
			t.Errorf("only here:  %s", line)
		}
	}
	for _, line := range theirs {
		if _, ok := slices.BinarySearch(ours, line); !ok {
			t.Errorf("only flatc: %s", line)
		}
	}
	if len(ours) != len(theirs) {
		t.Errorf("%d lines here, %d of flatc", len(ours), len(theirs))
	}
}

// describe has a line for each thing that a schema says.
func describe(s *fbs.Schema) []string {
	lines := []string{fmt.Sprintf("file identifier %q extension %q", s.Main.Identifier, s.Main.Extension)}
	if root := s.Root(); root != nil {
		lines = append(lines, "root "+root.FullName())
	}
	for _, t := range s.Tables {
		lines = append(lines, "table "+t.FullName()+describeRest(t.Attrs, t.Doc))
		for _, f := range t.Fields {
			lines = append(lines, describeField(t.FullName(), f)...)
		}
	}
	for _, x := range s.Structs {
		lines = append(lines, fmt.Sprintf("struct %s of %d bytes at multiples of %d%s", x.FullName(), x.Size, x.Align, describeRest(x.Attrs, x.Doc)))
		for _, f := range x.Fields {
			lines = append(lines, fmt.Sprintf("%s.%s place %d offset %d: %s%s", x.FullName(), f.Name, f.Slot, f.Offset, describeType(f.Type), describeRest(f.Attrs, f.Doc)))
		}
	}
	for _, e := range s.Enums {
		if len(e.Values) == 0 { // which flatc gives a value
			lines = append(lines, fmt.Sprintf("%s.NONE = 0 () []", e.FullName()))
		}
		lines = append(lines, fmt.Sprintf("enum %s of %v%s", e.FullName(), e.Base, describeRest(e.Attrs, e.Doc)))
		for _, v := range e.Values {
			lines = append(lines, fmt.Sprintf("%s.%s = %d%s", e.FullName(), v.Name, v.Value, describeRest(nil, v.Doc)))
		}
	}
	for _, u := range s.Unions {
		lines = append(lines, "union "+u.FullName()+describeRest(u.Attrs, u.Doc), u.FullName()+".NONE = 0: none")
		for _, m := range u.Members {
			lines = append(lines, fmt.Sprintf("%s.%s = %d: %s%s", u.FullName(), m.Name, m.Tag, describeType(m.Type), describeRest(nil, m.Doc)))
		}
	}
	return lines
}

func describeField(table string, f *fbs.Field) []string {
	flags := fmt.Sprintf("deprecated %v required %v key %v optional %v", f.Deprecated, f.Required, f.Key, f.Optional())
	number := f.Default.Int
	if f.Type.Base() == fbs.ULong && number < 0 {
		number = 0 // which flatc writes for a default above that of long
	}
	line := func(name string, slot int, typ string) string {
		return fmt.Sprintf("%s.%s slot %d: %s = %d %v %s%s", table, name, slot, typ, number, f.Default.Float, flags, describeRest(f.Attrs, f.Doc))
	}
	elem := f.Type
	if f.Type.Kind == fbs.VectorOf {
		elem = f.Type.Elem
	}
	if elem.Kind != fbs.UnionType {
		return []string{line(f.Name, f.Slot, describeType(f.Type))}
	}
	tag := "tag of " + elem.Union.FullName()
	if elem != f.Type {
		tag = "[" + tag + "]"
	}
	return []string{line(f.Name, f.Slot+1, describeType(f.Type)), fmt.Sprintf("%s.%s_type slot %d: %s", table, f.Name, f.Slot, tag)}
}

func describeType(t *fbs.Type) string { return t.String() }

func describeRest(attrs fbs.Attrs, doc []string) string {
	var list []string
	for _, a := range attrs {
		value := a.Value
		if !a.HasValue() {
			value = "0"
		}
		list = append(list, a.Name+":"+value)
	}
	slices.Sort(list)
	return fmt.Sprintf(" (%s) %q", strings.Join(list, ","), doc)
}

// binarySchema is what describes a binary schema in the same words.
type binarySchema struct{ reflection.Schema }

func describeBinary(s reflection.Schema) []string {
	b := binarySchema{s}
	lines := []string{fmt.Sprintf("file identifier %q extension %q", s.FileIdent(), s.FileExt())}
	if s.HasRootTable() {
		lines = append(lines, "root "+s.RootTable().Name())
	}
	for i := range s.ObjectsLen() {
		lines = append(lines, b.object(s.Objects(i))...)
	}
	for i := range s.EnumsLen() {
		lines = append(lines, b.enum(s.Enums(i))...)
	}
	return lines
}

func (b binarySchema) object(o reflection.Object) []string {
	rest := binaryRest(o)
	if !o.IsStruct() {
		lines := []string{"table " + o.Name() + rest}
		for i := range o.FieldsLen() {
			lines = append(lines, b.field(o.Name(), o.Fields(i)))
		}
		return lines
	}
	lines := []string{fmt.Sprintf("struct %s of %d bytes at multiples of %d%s", o.Name(), o.Bytesize(), o.Minalign(), rest)}
	for i := range o.FieldsLen() {
		f := o.Fields(i)
		lines = append(lines, fmt.Sprintf("%s.%s place %d offset %d: %s%s", o.Name(), f.Name(), f.ID(), f.Offset(), b.typ(f.Type()), binaryRest(f)))
	}
	return lines
}

func (b binarySchema) field(table string, f reflection.Field) string {
	if int(f.Offset()) != 4+2*int(f.ID()) {
		return fmt.Sprintf("%s.%s has offset %d in slot %d", table, f.Name(), f.Offset(), f.ID())
	}
	typ := b.typ(f.Type())
	if strings.Contains(typ, "tag of") {
		return fmt.Sprintf("%s.%s slot %d: %s", table, f.Name(), f.ID(), typ)
	}
	flags := fmt.Sprintf("deprecated %v required %v key %v optional %v", f.Deprecated(), f.Required(), f.Key(), f.Optional())
	return fmt.Sprintf("%s.%s slot %d: %s = %d %v %s%s", table, f.Name(), f.ID(), typ, f.DefaultInteger(), f.DefaultReal(), flags, binaryRest(f))
}

func (b binarySchema) enum(e reflection.Enum) []string {
	rest := binaryRest(e)
	lines := []string{fmt.Sprintf("enum %s of %s%s", e.Name(), strings.ToLower(e.UnderlyingType().BaseType().String()), rest)}
	if e.IsUnion() {
		lines = []string{"union " + e.Name() + rest}
	}
	for i := range e.ValuesLen() {
		v := e.Values(i)
		line := fmt.Sprintf("%s.%s = %d", e.Name(), v.Name(), v.Value())
		switch {
		case e.IsUnion() && v.Value() == 0:
			line += ": none"
		case e.IsUnion():
			line += ": " + b.typ(v.UnionType()) + fmt.Sprintf(" () %q", binaryDoc(v))
		default:
			line += fmt.Sprintf(" () %q", binaryDoc(v))
		}
		lines = append(lines, line)
	}
	return lines
}

func (b binarySchema) typ(t reflection.Type) string {
	switch t.BaseType() {
	case reflection.BaseTypeVector:
		return "[" + b.named(t.Element(), t.Index()) + "]"
	case reflection.BaseTypeArray:
		return fmt.Sprintf("[%s:%d]", b.named(t.Element(), t.Index()), t.FixedLength())
	}
	return b.named(t.BaseType(), t.Index())
}

func (b binarySchema) named(k reflection.BaseType, index int32) string {
	switch {
	case k == reflection.BaseTypeObj:
		return b.Objects(int(index)).Name()
	case k == reflection.BaseTypeUType:
		return "tag of " + b.Enums(int(index)).Name()
	case index >= 0:
		return b.Enums(int(index)).Name()
	}
	return strings.ToLower(k.String())
}

// documented is what has comments.
type documented interface {
	DocumentationLen() int
	Documentation(i int) string
}

// annotated is what has attributes too.
type annotated interface {
	documented
	AttributesLen() int
	Attributes(i int) reflection.KeyValue
}

func binaryRest(a annotated) string {
	var list []string
	for i := range a.AttributesLen() {
		list = append(list, a.Attributes(i).Key()+":"+a.Attributes(i).Value())
	}
	slices.Sort(list)
	return fmt.Sprintf(" (%s) %q", strings.Join(list, ","), binaryDoc(a))
}

func binaryDoc(d documented) []string {
	var doc []string
	for i := range d.DocumentationLen() {
		doc = append(doc, strings.TrimPrefix(strings.TrimRight(d.Documentation(i), " \t\r"), " "))
	}
	return doc
}
