package define

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// field is what stands behind a field's name.
type field struct {
	typ   string
	value string // " = null", or nothing
	attrs []string
}

// scalars are the types of integers by their bits, unsigned ones first.
var scalars = map[int][2]string{8: {"ubyte", "byte"}, 16: {"ushort", "short"}, 32: {"uint", "int"}, 64: {"ulong", "long"}}

// field returns the field of a column, or what there are no words for.
func (w *fbsWriter) field(c *model.Column, path string) (f field, problem string) {
	scalar := func(typ string, attrs ...string) {
		f = field{typ: typ, attrs: attrs}
		if c.Nullable {
			f.value = " = null"
		}
	}
	object := func(typ string, attrs ...string) {
		f = field{typ: typ, attrs: attrs}
		if !c.Nullable {
			f.attrs = append([]string{"required"}, attrs...)
		}
	}
	switch t := c.Type; t.Kind {
	case model.Bool:
		scalar("bool")
	case model.Int:
		signed := 0
		if t.Signed {
			signed = 1
		}
		scalar(scalars[t.Bits][signed])
	case model.Float:
		switch t.Bits {
		case 16:
			scalar("ushort", "float16")
		case 32:
			scalar("float")
		default:
			scalar("double")
		}
	case model.Timestamp:
		spec := string(t.Unit)
		if t.Zone != "" {
			spec += "," + t.Zone
		}
		scalar("long", "timestamp: "+quote(spec))
	case model.Date:
		scalar(scalars[t.Bits][1], "date")
	case model.Time:
		scalar(scalars[t.Bits][1], "time: "+quote(string(t.Unit)))
	case model.Duration:
		scalar("long", "duration: "+quote(string(t.Unit)))
	case model.Decimal:
		digits := fmt.Sprintf(`decimal: "%d,%d"`, t.Precision, t.Scale)
		switch {
		case t.Bits <= 64:
			scalar(scalars[t.Bits][1], digits)
		case t.Bits == 256 && t.Precision <= model.MaxPrecision(128):
			object(w.struct32(), digits)
		default:
			object("string", digits)
		}
	case model.Utf8:
		object("string", layout(t)...)
	case model.Binary:
		object("[ubyte]", layout(t)...)
	case model.FixedBinary:
		if t.UUID {
			object("[ubyte]", "uuid")
		} else {
			object("[ubyte]", "fixed: "+strconv.Itoa(t.Width))
		}
	case model.Nothing:
		f.typ = w.nothing()
	case model.List, model.FixedList:
		item, attrs, problem := w.item(c.Children[0], path)
		if problem != "" {
			return f, problem
		}
		if t.Kind == model.FixedList {
			attrs = append(attrs, "fixed: "+strconv.Itoa(t.Width))
		}
		object("["+item+"]", append(attrs, layout(t)...)...)
	case model.Map:
		name := w.free(model.CamelCase(c.Field) + "Entry")
		w.entry(name, c, path)
		object("["+name+"]", "map")
	case model.Struct:
		object(w.group(c.Group, path))
	case model.Union:
		name, problem := w.union(c, path)
		if problem != "" {
			return f, problem
		}
		if object(name); !t.Dense {
			f.attrs = append(f.attrs, "sparse")
		}
	case model.RunEnds:
		if f, problem = w.field(c.Children[0], path); problem != "" {
			return f, problem
		}
		attr := "ree"
		if t.Bits != 32 {
			attr += `: "int` + strconv.Itoa(t.Bits) + `"`
		}
		f.attrs = append(f.attrs, attr)
	default:
		return f, t.String() + ", for which .fbs has no words"
	}
	if c.Index != nil {
		f.attrs = append(f.attrs, dictionary(c, "dict", `dict: "%s"`))
	}
	return f, ""
}

func layout(t model.Type) []string {
	if t.Layout == model.Offsets {
		return nil
	}
	return []string{string(t.Layout)}
}

// dictionary writes that a column has one, with the type of its indices where that is not the usual one.
func dictionary(c *model.Column, plain, format string) string {
	if *c.Index == model.Int32 {
		return plain
	}
	return fmt.Sprintf(format, c.Index)
}

// item returns the type of a vector's elements, and the attributes of the vector that say more of them.
func (w *fbsWriter) item(c *model.Column, path string) (typ string, attrs []string, problem string) {
	v := c
	if c.Type.Kind == model.RunEnds {
		v = c.Children[0]
	}
	switch k := v.Type.Kind; {
	case k == model.Union && v.Nullable:
		return "", nil, "items of a union that has a member for nil, for which .fbs has no words"
	case k == model.List || k == model.FixedList || k == model.Map || k == model.Binary || k == model.FixedBinary && !v.Type.UUID:
		if v != c {
			return "", nil, fmt.Sprintf("items that are runs of type %v, for which .fbs has no words", v.Type)
		}
		return w.list(c, path)
	case k == model.Int && v.Type.Bits == 8 && !v.Type.Signed:
		return "", nil, "items of type uint8, whose vector is binary in .fbs"
	}
	if v.Type.UUID {
		typ = "string"
	}
	f, problem := w.field(c, path)
	if problem != "" {
		return "", nil, problem
	}
	if typ == "" {
		typ = f.typ
	}
	var parts []string
	for _, a := range f.attrs {
		name, value, ok := strings.Cut(a, ": ")
		switch {
		case name == "required":
		case ok:
			parts = append(parts, name+"("+strings.Trim(value, `"`)+")")
		default:
			parts = append(parts, name)
		}
	}
	if c.Nullable && c.Type.Kind != model.Nothing {
		parts = append(parts, "nullable")
	}
	if len(parts) > 0 {
		attrs = append(attrs, "item: "+quote(strings.Join(parts, ",")))
	}
	return typ, attrs, ""
}

// list adds the table that stands for items that are vectors themselves.
func (w *fbsWriter) list(c *model.Column, path string) (name string, attrs []string, problem string) {
	name = w.free(model.CamelCase(c.Field) + "List")
	at := len(w.decls)
	w.decls = append(w.decls, "")
	f, problem := w.field(c, path)
	if problem != "" {
		return "", nil, problem
	}
	own := slices.DeleteFunc(f.attrs, func(a string) bool { return a == "required" }) // which the vector of it says
	w.decls[at] = fmt.Sprintf("table %s (list) { items: %s%s; }\n", name, f.typ, list(own))
	if c.Nullable {
		attrs = append(attrs, `item: "nullable"`)
	}
	return name, attrs, ""
}

// entry adds the table of a map's keys and values.
func (w *fbsWriter) entry(name string, c *model.Column, path string) {
	key, value := *c.Children[0], *c.Children[1]
	key.Name, value.Name = "key", "value"
	w.table(name, "", "", []*model.Column{&key, &value}, path+".")
}

// group returns the table of a struct.
func (w *fbsWriter) group(g *model.Group, path string) string {
	if name, ok := w.groups[g.GroupDef]; ok {
		return name
	}
	name := w.free(g.Named.Name)
	w.groups[g.GroupDef] = name
	w.table(name, g.Named.Name, "", g.Columns, path+".")
	return name
}

// union returns the union of a column. Its members are tables and strings, and NONE, which is nil.
func (w *fbsWriter) union(c *model.Column, path string) (name, problem string) {
	g := c.Group
	for i, m := range g.Columns {
		switch of := path + "." + m.Name; {
		case m.Member == nil && (i != 0 || m.TypeID != 0 || m.Name != "null"):
			return "", fmt.Sprintf("member %q for nil is number %d with type id %d, and NONE of .fbs is the first, with 0 and the name null", m.Name, i, m.TypeID)
		case m.Member == nil:
		case m.TypeID == 0:
			return "", fmt.Sprintf("%q has type id 0, which is NONE in .fbs", of)
		case m.Nullable && m.Type.Kind != model.Nothing:
			return "", fmt.Sprintf("%q may be null, for which members of .fbs have no words", of)
		case m.Index != nil || m.Type.Kind != model.Nothing && m.Type.Kind != model.Struct && (m.Type.Kind != model.Utf8 || m.Type.Layout != model.Offsets):
			return "", fmt.Sprintf("%q is no struct and no plain text, and members of .fbs are tables and strings", of)
		}
	}
	name = w.free(g.Named.Name)
	at := len(w.decls)
	w.decls = append(w.decls, "") // those below it come later
	var attrs []string
	if g.Named.Name != model.CamelCase(name) {
		attrs = append(attrs, "go_name: "+quote(g.Named.Name))
	}
	var members []string
	taken := map[string]bool{"NONE": true}
	for _, m := range g.Columns {
		if m.Member == nil {
			continue
		}
		typ := "string"
		switch m.Type.Kind {
		case model.Struct:
			typ = w.group(m.Group, path+"."+m.Name)
		case model.Nothing:
			typ = w.free(m.Member.Name)
			w.decls = append(w.decls, "table "+typ+" {}\n")
		}
		alias, _ := fieldName(m, taken)
		var attrs []string
		if model.SnakeCase(alias) != m.Name {
			attrs = append(attrs, "arrow_name: "+quote(m.Name))
		}
		members = append(members, fmt.Sprintf("  %s: %s = %d%s", alias, typ, m.TypeID, list(attrs)))
	}
	w.decls[at] = fmt.Sprintf("union %s%s {\n%s\n}\n", name, list(attrs), strings.Join(members, ",\n"))
	return name, ""
}

// nothing returns the table without fields.
func (w *fbsWriter) nothing() string {
	if w.empty == "" {
		w.empty = w.free("Nothing")
		w.decls = append(w.decls, "table "+w.empty+" {}\n")
	}
	return w.empty
}

// struct32 returns a struct of 32 bytes, which decimals of that width take whose digits would fit fewer.
func (w *fbsWriter) struct32() string {
	if w.wide == "" {
		w.wide = w.free("Bytes32")
		w.decls = append(w.decls, "struct "+w.wide+" { bytes: [ubyte:32]; }\n")
	}
	return w.wide
}
