package fbs

import (
	"fmt"
	"strings"
)

// defaultValue works out what a field of a table is when it is absent.
func (r *resolver) defaultValue(f *Field) {
	v := f.literal
	switch {
	case v == nil:
		r.implicitDefault(f)
	case v.kind == litIdent && v.text == "null":
		if f.Default.Null = f.Type.IsScalar(); !f.Default.Null {
			r.add(v.pos, "no default, as such a field is null when absent", "null for a field of type %v", f.Type)
		}
	case f.Type.Kind == String:
		if v.kind != litString {
			r.badDefault(f, "a string in quotes")
		}
		f.Default.Str = v.str
	case f.Type.Kind == VectorOf:
		if v.kind != litList {
			r.badDefault(f, "[], the empty vector")
		}
	case !f.Type.IsScalar():
		r.badDefault(f, "none, as only scalars, strings and vectors have defaults")
	case f.Type.Kind == EnumType:
		r.enumDefault(f)
	case f.Type.Kind == Bool:
		r.boolDefault(f)
	case f.Type.Kind.IsFloat():
		r.floatDefault(f)
	default:
		r.intDefault(f)
	}
	if f.Required && v != nil {
		r.add(v.pos, "one or the other", "a default for a required field")
	}
}

func (r *resolver) badDefault(f *Field, want string) {
	r.add(f.literal.pos, want, "the default %v for a field of type %v", f.literal, f.Type)
}

// implicitDefault is 0, which an enum has to have, also in structs and their arrays.
func (r *resolver) implicitDefault(f *Field) {
	t := f.Type
	if t.Kind == ArrayOf {
		t = t.Elem
	}
	if t.Kind != EnumType || t.Enum.BitFlags || t.Enum.Has(0) {
		return
	}
	want := fmt.Sprintf("a default such as = %s, or a value of 0", exampleValue(t.Enum))
	r.add(f.Pos, want, "field %q without a default, and 0 is no value of %v", clip(f.Name), f.Type)
}

func exampleValue(e *Enum) string {
	if len(e.Values) == 0 {
		return "null"
	}
	return clip(e.Values[0].Name)
}

// number is the text of a number, whether it is in quotes or not.
func (v *literal) number() (text string, ok bool) {
	if v.kind == litString {
		return v.str, true
	}
	return v.text, v.kind == litInt || v.kind == litFloat
}

func (r *resolver) intDefault(f *Field) {
	text, ok := f.literal.number()
	if !ok {
		r.badDefault(f, "a whole number")
		return
	}
	value, err := parseInt(text, f.Type.Kind)
	if err != nil {
		r.badDefault(f, err.Error())
		return
	}
	f.Default.Int = value
}

func (r *resolver) boolDefault(f *Field) {
	switch f.literal.text {
	case "true", "1":
		f.Default.Int = 1
	case "false", "0":
	default:
		r.badDefault(f, "true or false")
	}
}

func (r *resolver) floatDefault(f *Field) {
	text, ok := f.literal.number()
	if named, isName := floatName(f.literal.text); isName && f.literal.kind == litIdent {
		f.Default.Float = named
		return
	}
	value, err := parseFloat(text)
	if !ok || err != nil && !isRange(err) {
		r.badDefault(f, "a number, inf or nan")
		return
	}
	if f.Type.Kind == Float {
		value = float64(float32(value))
	}
	f.Default.Float = value
}

// enumDefault takes the name of a value, with or without that of the enum, a number, or names in quotes that are
// combined.
func (r *resolver) enumDefault(f *Field) {
	e, v := f.Type.Enum, f.literal
	names := strings.Fields(v.str)
	switch v.kind {
	case litInt:
		value, err := parseInt(v.text, e.Base)
		if err != nil {
			r.badDefault(f, err.Error())
		} else if !e.Has(value) {
			r.badDefault(f, "one of the enum's values")
		}
		f.Default.Int = value
		return
	case litIdent:
		names = []string{v.text}
	}
	if len(names) == 0 || len(names) > 1 && !e.BitFlags {
		r.badDefault(f, "one of the enum's values")
		return
	}
	for _, name := range names {
		value := e.Value(e.shortName(name))
		if value == nil {
			r.badDefault(f, e.valueLike(name))
			return
		}
		f.Default.Int |= value.Value
	}
}

// shortName is the name of a value without that of the enum before it.
func (e *Enum) shortName(name string) string {
	for _, prefix := range []string{e.FullName() + ".", e.Name + "."} {
		if short, ok := strings.CutPrefix(name, prefix); ok {
			return short
		}
	}
	return name
}

// valueLike is the value that name may be a slip of, or all of them.
func (e *Enum) valueLike(name string) string {
	names := make([]string, len(e.Values))
	for i, v := range e.Values {
		names[i] = v.Name
	}
	if near := nearest(e.shortName(name), names); near != "" {
		return near
	}
	if len(names) > 8 {
		names = append(names[:8], "…")
	}
	return "one of " + strings.Join(names, ", ")
}
