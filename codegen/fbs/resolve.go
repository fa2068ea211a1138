package fbs

import (
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
)

// maxFields is how many slots fit a vtable, whose size is a 16-bit number of bytes.
const maxFields = (math.MaxUint16 - 4) / 2

// maxStructSize bounds what arrays of structs of arrays multiply up to.
const maxStructSize = math.MaxInt32

// resolver turns names into what they name and works out values, slots and offsets.
type resolver struct {
	schema     *Schema
	errs       *errorList
	attributes map[string]bool // declared ones
	builtin    fs.FS           // may be nil
}

func (r *resolver) resolve() {
	r.collect()
	for _, e := range r.schema.Enums {
		r.enum(e)
	}
	for _, u := range r.schema.Unions {
		r.union(u)
	}
	for _, s := range r.schema.Structs {
		r.fieldTypes(s.Fields)
	}
	r.layouts()
	for _, t := range r.schema.Tables {
		r.table(t)
	}
	for _, s := range r.schema.Structs {
		r.structFields(s)
	}
	r.services()
	r.roots()
}

func (r *resolver) add(pos Pos, want, found string, args ...any) {
	if !r.errs.full() {
		r.errs.add(pos, fmt.Sprintf(found, args...), want)
	}
}

// collect gathers the declarations of all files under their full names.
func (r *resolver) collect() {
	s := r.schema
	s.byName = map[string]Definition{}
	r.attributes = map[string]bool{}
	for _, f := range s.Files {
		s.Tables = append(s.Tables, f.Tables...)
		s.Structs = append(s.Structs, f.Structs...)
		s.Enums = append(s.Enums, f.Enums...)
		s.Unions = append(s.Unions, f.Unions...)
		s.Services = append(s.Services, f.Services...)
		for _, a := range f.Attributes {
			r.attributes[a.Name] = true
		}
	}
	for _, f := range s.Files {
		var list []Definition
		list = appendDefinitions(list, f.Tables)
		list = appendDefinitions(list, f.Structs)
		list = appendDefinitions(list, f.Enums)
		list = appendDefinitions(list, f.Unions)
		slices.SortFunc(list, func(a, b Definition) int { return a.declaration().Pos.compare(b.declaration().Pos) })
		for _, d := range list {
			r.declare(d)
		}
	}
}

func appendDefinitions[D Definition](list []Definition, defs []D) []Definition {
	for _, d := range defs {
		list = append(list, d)
	}
	return list
}

func (r *resolver) declare(d Definition) {
	pos := d.declaration().Pos
	if _, ok := builtinTypes[d.FullName()]; ok {
		r.add(pos, "a name that is no type of the language", "%s named %q", d.kindName(), clip(d.FullName()))
		return
	}
	if first, ok := r.schema.byName[d.FullName()]; ok {
		r.add(pos, "another name", "%s %q, a name that is taken by the %s at %v", d.kindName(), clip(d.FullName()), first.kindName(), first.declaration().Pos)
		return
	}
	r.schema.byName[d.FullName()] = d
}

// find looks a name up in the namespace that it was written in and in those around it.
func (r *resolver) find(ref *typeRef) Definition {
	for ns := ref.namespace; ns != ""; {
		if d, ok := r.schema.byName[ns+"."+ref.name]; ok {
			return d
		}
		i := strings.LastIndexByte(ns, '.')
		ns = ns[:max(i, 0)]
	}
	return r.schema.byName[ref.name]
}

// unknownType reports a name that nothing is declared under.
func (r *resolver) unknownType(ref *typeRef) {
	if r.errs.full() {
		return
	}
	names := slices.Collect(maps.Keys(builtinTypes))
	for full := range r.schema.byName {
		names = append(names, full)
		if short, ok := strings.CutPrefix(full, ref.namespace+"."); ok {
			names = append(names, short)
		}
	}
	want := "the name of a table, struct, enum or union, or a type such as int or string"
	if near := nearest(ref.name, names); near != "" {
		want = near
	}
	r.add(ref.pos, want, "unknown type %q", clip(ref.name))
}

// typ resolves a type and reports whether it names something.
func (r *resolver) typ(t *Type) bool {
	if t.Elem != nil {
		return r.typ(t.Elem)
	}
	if t.Kind != 0 {
		return true
	}
	switch d := r.find(t.ref).(type) {
	case *Table:
		t.Kind, t.Table = TableType, d
	case *Struct:
		t.Kind, t.Struct = StructType, d
	case *Enum:
		t.Kind, t.Enum = EnumType, d
	case *Union:
		t.Kind, t.Union = UnionType, d
	default:
		r.unknownType(t.ref)
		return false
	}
	return true
}

// fieldTypes resolves the types of fields and refuses a name used twice.
func (r *resolver) fieldTypes(fields []*Field) {
	seen := map[string]*Field{}
	for _, f := range fields {
		if first, ok := seen[f.Name]; ok {
			r.add(f.Pos, "another name", "field %q, a name that is taken by the field at %v", clip(f.Name), first.Pos)
		} else {
			seen[f.Name] = f
		}
		if r.typ(f.Type) && f.Type.Kind == UnionType {
			r.tagName(seen, f)
		} else if f.Type.Kind == VectorOf && f.Type.Elem.Kind == UnionType {
			r.tagName(seen, f)
		}
	}
}

// tagName reserves the name that a union's tag has in other languages.
func (r *resolver) tagName(seen map[string]*Field, f *Field) {
	name := f.Name + "_type"
	if first, ok := seen[name]; ok {
		r.add(first.Pos, "another name", "field %q, a name that is taken by the tag of the union at %v", clip(name), f.Pos)
		return
	}
	seen[name] = f
}

func (r *resolver) enum(e *Enum) {
	r.attrs(e.Attrs)
	if a := e.Attrs.Get("bit_flags"); a != nil {
		e.BitFlags = true
		if !e.Base.IsUnsigned() {
			r.add(a.Pos, "ubyte, ushort, uint or ulong", "bit_flags of type %v", e.Base)
		}
	}
	e.byName, e.byValue = map[string]*EnumValue{}, map[int64]*EnumValue{}
	next := e.nextValue(nil)
	for _, v := range e.Values {
		r.attrs(v.Attrs)
		if e.byName[v.Name] != nil {
			r.add(v.Pos, "another name", "value %q for the second time", clip(v.Name))
			continue
		}
		e.byName[v.Name] = v
		var want string
		if v.Value, want = e.resolveValue(v, next); want != "" {
			pos, text := v.Pos, "the value after the largest"
			if v.explicit != nil {
				pos, text = v.explicit.pos, v.explicit.String()
			}
			r.add(pos, want, "%s for %q", text, clip(v.Name))
			continue
		}
		if first, ok := e.byValue[v.Value]; ok {
			r.add(v.Pos, "values that differ", "%q has the value of %q", clip(v.Name), clip(first.Name))
			continue
		}
		e.byValue[v.Value] = v
		e.all |= uint64(v.Value)
		next = e.nextValue(v)
	}
}

// following is what comes after a value, if it fits.
type following struct {
	value int64
	fits  bool
}

// nextValue is what a value without a number gets after v, or as the first one if v is nil.
func (e *Enum) nextValue(v *EnumValue) following {
	if v == nil {
		if e.BitFlags {
			return following{1, true}
		}
		return following{0, true}
	}
	if e.BitFlags {
		shifted := int64(uint64(v.Value) << 1)
		return following{shifted, e.fitsFlag(v.Value, shifted)}
	}
	_, hi := e.Base.integerRange()
	return following{v.Value + 1, uint64(v.Value) != hi}
}

// fitsFlag reports whether the flag after v is still within the type's width.
func (e *Enum) fitsFlag(v, shifted int64) bool {
	bits := 8 * e.Base.Size()
	return uint64(v) < 1<<(bits-1) && shifted != 0
}

// resolveValue returns the number of v, or what would be right.
func (e *Enum) resolveValue(v *EnumValue, next following) (value int64, want string) {
	lo, hi := e.Base.integerRange()
	if v.explicit == nil {
		if !next.fits {
			return 0, fmt.Sprintf("a wider type than %v", e.Base)
		}
		return next.value, ""
	}
	if v.explicit.kind != litInt {
		return 0, "a whole number"
	}
	if e.BitFlags {
		bit, err := parseInt(v.explicit.text, UByte)
		if bits := 8 * e.Base.Size(); err != nil || bit >= int64(bits) {
			return 0, fmt.Sprintf("the number of a bit, 0 to %d", bits-1)
		}
		return int64(uint64(1) << bit), ""
	}
	value, err := parseInt(v.explicit.text, e.Base)
	if err != nil {
		return 0, fmt.Sprintf("%d to %d, the range of %v", lo, hi, e.Base)
	}
	return value, ""
}

func (r *resolver) union(u *Union) {
	r.attrs(u.Attrs)
	names, tags := map[string]bool{"NONE": true}, map[uint8]bool{0: true}
	next := int64(1)
	for _, m := range u.Members {
		r.attrs(m.Attrs)
		if names[m.Name] {
			r.add(m.Pos, "another name, or an alias for it", "member %q for the second time", clip(m.Name))
			continue
		}
		names[m.Name] = true
		if m.explicit != nil {
			v, err := parseInt(m.explicit.text, UByte)
			if m.explicit.kind != litInt || err != nil || v == 0 {
				r.add(m.explicit.pos, "a tag of 1 to 255", "%v for %q", m.explicit, clip(m.Name))
				continue
			}
			next = v
		}
		if next > math.MaxUint8 {
			r.add(m.Pos, "at most 255", "member %q with a tag of %d", clip(m.Name), next)
			return
		}
		m.Tag = uint8(next)
		if tags[m.Tag] {
			r.add(m.Pos, "tags that differ", "member %q with the tag %d, which is taken", clip(m.Name), m.Tag)
		}
		tags[m.Tag] = true
		next++
		if r.typ(m.Type) && m.Type.Kind != TableType && m.Type.Kind != StructType && m.Type.Kind != String {
			want := "a table, a struct or a string"
			if m.Type.IsScalar() {
				want += fmt.Sprintf(", such as struct Value { value: %s; }", clip(m.Type.String()))
			}
			r.add(m.Type.Pos, want, "a member of type %s", clip(m.Type.String()))
		}
	}
}

// table resolves everything about a table.
func (r *resolver) table(t *Table) {
	r.attrs(t.Attrs)
	r.fieldTypes(t.Fields)
	for _, f := range t.Fields {
		r.attrs(f.Attrs)
		if f.Name == t.Name {
			r.add(f.Pos, "another name", "field %q of a table of that name", clip(f.Name))
		}
		if f.Type.Kind == 0 || f.Type.Elem != nil && f.Type.Elem.Kind == 0 {
			continue
		}
		r.tableField(f)
		r.defaultValue(f)
	}
	r.keys(t)
	r.slots(t)
}

func (r *resolver) tableField(f *Field) {
	if f.Type.Kind == ArrayOf {
		r.add(f.Type.Pos, "a vector, or a struct with the array in it", "an array in a table")
	}
	f.Deprecated = f.Attrs.Has("deprecated")
	if a := f.Attrs.Get("required"); a != nil {
		if f.Required = !f.Type.IsScalar(); !f.Required {
			r.add(a.Pos, "no required on a scalar, which always has a value", "required on a field of type %v", f.Type)
		}
	}
	f.Key = f.Attrs.Has("key")
	f.Required = f.Required || f.Key && f.Type.Kind == String // as flatc has it: a search needs something to compare
	if f.Key && !f.Type.IsScalar() && f.Type.Kind != String {
		r.add(f.Attrs.Get("key").Pos, "a key that is a scalar or a string", "a key of type %v", f.Type)
	}
	if a := f.Attrs.Get("nested_flatbuffer"); a != nil && (f.Type.Kind != VectorOf || f.Type.Elem.Kind != UByte) {
		r.add(a.Pos, "a field of type [ubyte]", "nested_flatbuffer on a field of type %v", f.Type)
	}
}

func (r *resolver) keys(t *Table) {
	var first *Field
	for _, f := range t.Fields {
		if f.Key && first != nil {
			r.add(f.Pos, "one key", "a second key; the first is at %v", first.Pos)
		}
		if f.Key && first == nil {
			first = f
		}
	}
}

// slotsOf is how many slots a field takes.
func slotsOf(f *Field) int {
	t := f.Type
	if t.Kind == VectorOf {
		t = t.Elem
	}
	if t.Kind == UnionType {
		return 2
	}
	return 1
}

// slots gives each field its place in the vtable, by declaration or by id.
func (r *resolver) slots(t *Table) {
	for _, f := range t.Fields {
		t.Slots += slotsOf(f)
	}
	if t.Slots > maxFields {
		r.add(t.Pos, fmt.Sprintf("at most %d", maxFields), "table %q with %d slots", clip(t.Name), t.Slots)
		return
	}
	if !slices.ContainsFunc(t.Fields, func(f *Field) bool { return f.Attrs.Has("id") }) {
		next := 0
		for _, f := range t.Fields {
			f.Slot = next
			next += slotsOf(f)
		}
		return
	}
	r.ids(t)
}

// ids gives the fields of a table the slots that their ids say. The id of a union is that of its value.
func (r *resolver) ids(t *Table) {
	bySlot := make([]*Field, t.Slots)
	ok := true
	for _, f := range t.Fields {
		a := f.Attrs.Get("id")
		if a == nil {
			r.add(f.Pos, "an id on every field of the table or on none", "field %q without an id", clip(f.Name))
			return
		}
		id, err := parseInt(a.Value, UShort)
		if !a.HasValue() || err != nil {
			r.add(a.Pos, "a whole number such as (id: 3)", "the id %q", clip(a.Value))
			return
		}
		f.Slot = int(id) - (slotsOf(f) - 1)
		if f.Slot < 0 {
			r.add(a.Pos, "1 or more, as the tag has the id before it", "the id %d for a union", id)
			return
		}
		for s := f.Slot; s <= int(id); s++ {
			if s >= t.Slots {
				r.add(a.Pos, fmt.Sprintf("ids from 0 to %d without gaps", t.Slots-1), "the id %d", id)
				ok = false
				break
			}
			if bySlot[s] != nil {
				r.add(a.Pos, "ids that differ; a union takes its own and the one before", "the id %d, which is taken by %q", s, clip(bySlot[s].Name))
				ok = false
				break
			}
			bySlot[s] = f
		}
		if !ok {
			return
		}
	}
}

// structFields checks what a table allows and a struct does not.
func (r *resolver) structFields(s *Struct) {
	r.attrs(s.Attrs)
	if len(s.Fields) == 0 {
		r.add(s.Pos, "at least one field", "struct %q without fields", clip(s.Name))
	}
	for i, f := range s.Fields {
		r.attrs(f.Attrs)
		f.Slot = i
		f.Deprecated = f.Attrs.Has("deprecated")
		f.Key = f.Attrs.Has("key")
		if f.literal != nil {
			r.add(f.Default.Pos, "none, as a field of a struct is always there", "the default %s in a struct", clip(f.Default.Text))
		}
		if f.literal == nil {
			r.implicitDefault(f)
		}
		if a := f.Attrs.Get("required"); a != nil {
			r.add(a.Pos, "none, as a field of a struct is always there", "required in a struct")
		}
	}
}

// attrs refuses attributes that are neither the language's own nor declared, and 64-bit offsets.
func (r *resolver) attrs(attrs Attrs) {
	for _, a := range attrs {
		switch {
		case a.Name == "offset64" || a.Name == "vector64":
			r.add(a.Pos, "offsets of 32 bits", "attribute %q, which is not supported", a.Name)
		case ownAttributes[a.Name] || r.attributes[a.Name]:
		case r.errs.full():
		default:
			want := fmt.Sprintf("a declaration of it: attribute %q;", clip(a.Name))
			if file := r.declaring(a.Name); file != "" {
				want = fmt.Sprintf("include %q; at the top, or %s", file, want)
			} else if near := nearest(a.Name, slices.Concat(slices.Collect(maps.Keys(r.attributes)), slices.Collect(maps.Keys(ownAttributes)))); near != "" {
				want = near + ", or " + want
			}
			r.add(a.Pos, want, "unknown attribute %q", clip(a.Name))
		}
	}
}

// declaring returns the name of the built-in file that declares an attribute, "" if none does.
func (r *resolver) declaring(attribute string) string {
	if r.builtin == nil {
		return ""
	}
	names, err := fs.Glob(r.builtin, "*.fbs")
	if err != nil {
		return ""
	}
	for _, name := range names {
		src, err := fs.ReadFile(r.builtin, name)
		if err != nil {
			continue
		}
		errs := errorList{max: 1}
		f := parseFile(name, src, &errs)
		if slices.ContainsFunc(f.Attributes, func(a *AttributeDecl) bool { return a.Name == attribute }) {
			return name
		}
	}
	return ""
}

// ownAttributes are those that need no declaration.
var ownAttributes = map[string]bool{
	"bit_flags": true, "cpp_ptr_type": true, "cpp_ptr_type_get": true, "cpp_str_flex_ctor": true, "cpp_str_type": true,
	"cpp_type": true, "csharp_partial": true, "deprecated": true, "flexbuffer": true, "force_align": true, "hash": true,
	"id": true, "idempotent": true, "key": true, "native_custom_alloc": true, "native_default": true,
	"native_inline": true, "native_type": true, "native_type_pack_name": true, "nested_flatbuffer": true,
	"original_order": true, "private": true, "required": true, "shared": true, "streaming": true,
}

func (r *resolver) services() {
	for _, s := range r.schema.Services {
		for _, m := range s.Methods {
			r.attrs(m.Attrs)
		}
	}
}

func (r *resolver) roots() {
	for _, f := range r.schema.Files {
		if f.root == nil {
			continue
		}
		switch d := r.find(f.root).(type) {
		case *Table:
			f.Root = d
		case nil:
			r.unknownType(f.root)
		default:
			r.add(f.root.pos, "a table", "%s %q as root type", d.kindName(), clip(f.root.name))
		}
	}
}
