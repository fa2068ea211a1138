package load

import (
	"cmp"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/fbs"
	"github.com/lightstream-go/lightstream/codegen/model"
	"github.com/lightstream-go/lightstream/schema"
)

// FBSOptions are the settings of [FBS].
type FBSOptions struct {
	// Package is the Go package that is generated for.
	Package string
	// Include are directories to search for included files.
	Include []string
	// Declared are the names that the package's own files declare.
	Declared map[string]model.Pos
	// Schemas are those of the files of Declared that were generated from other schemas, by the names of these files.
	Schemas map[string]string
}

// FBS reads the tables of a Flatbuffers schema file. All tables of that file are tables, but for those that are the type of
// another's field and neither the file's root type nor a member of a protocol: such a table is part of a row. Included files only
// give types and attributes; what another schema of the package has declared of these in Go is not declared once more. A union that
// no field has is a protocol.
func FBS(name string, opt *FBSOptions) (*model.File, error) {
	tree, err := fbs.Parse(filepath.ToSlash(name), &fbs.Options{IncludeDirs: opt.Include, Builtin: schema.FS})
	if err != nil {
		return nil, modelErrors(err)
	}
	r := schemaReader{main: filepath.ToSlash(name), seen: map[*fbs.Enum]*model.Enum{}, groups: map[any]*model.GroupDef{}, nullable: nullableUnions(tree), opt: opt}
	nested, members := nestedTables(tree), memberTables(tree)
	var defs []*model.Def
	var messages []*model.Message
	rows := map[string]*fbs.Table{}
	for _, t := range tree.Main.Tables {
		if a := t.Attrs.Get("message"); a != nil {
			m := r.message(t, a)
			if other := rows[m.Type]; other != nil {
				r.errs.Add(m.Pos, fmt.Sprintf("tables %s and %s would both be %s in Go", other.Name, t.Name, m.Type), `give one of them another name (go_name: "Name")`)
			}
			messages = append(messages, m)
			if m.Codec == "" { // that of a codec is declared by hand
				rows[m.Type] = t
			}
			continue
		}
		if nested[t] && t != tree.Root() && !members[t] {
			continue
		}
		if a := t.Attrs.Get("list"); a != nil {
			r.add(a.Pos, problemf("leave it out, or make a field of type ["+t.Name+"]", "table %s stands for a list, and is a table itself", t.Name))
			continue
		}
		def := r.table(t)
		if other := rows[def.Row]; other != nil {
			r.errs.Add(def.Pos, fmt.Sprintf("tables %s and %s would both be %s in Go", other.Name, t.Name, def.Row), `give one of them another name (go_name: "Name")`)
			continue
		}
		rows[def.Row] = t
		defs = append(defs, def)
	}
	for _, t := range tree.Main.Tables {
		if len(r.errs) == 0 && containsItself(t) { // no table may have it but itself
			r.table(t)
		}
	}
	protocols := r.protocols(tree)
	if len(defs)+len(messages) == 0 && len(r.errs) == 0 {
		r.errs.Add(model.Pos{File: filepath.ToSlash(name), Line: 1, Col: 1}, "no tables", "declare one: table Trade { price: double; }")
		return nil, r.errs.Err()
	}
	r.enums = slices.DeleteFunc(r.enums, func(e *model.Enum) bool { return r.isElsewhere(e.Name, e.Pos) })
	f := &model.File{Source: filepath.Base(name), Enums: r.enums, Messages: messages, Protocols: protocols}
	r.checkGroups(rows, opt.Declared)
	r.checkEnums(rows, opt.Declared)
	f.Output, f.Rows = outputs(filepath.ToSlash(name))
	if len(rows)+len(r.enums) == 0 {
		f.Rows = "" // messages with codecs, whose types are declared by hand
	}
	pkg := &model.Package{Name: opt.Package, Declared: opt.Declared}
	for _, def := range defs {
		def.Elsewhere = r.isElsewhere(def.Row, def.Pos)
		def.Partial = def.Elsewhere
	}
	for _, m := range messages {
		if pos, taken := opt.Declared[m.Type]; taken && r.isElsewhere(m.Type, m.Pos) { // a struct of a message's own, with methods
			r.errs.Add(m.Pos, fmt.Sprintf("message %s is declared in %s already, as part of another schema's", m.Type, pos.File), "generate this schema before that one")
		}
	}
	for row := range rows {
		if pos, taken := opt.Declared[row]; taken && !strings.HasSuffix(pos.File, "_rows.go") { // those come with their table
			r.errs.Add(pos, fmt.Sprintf("%s is what the generator declares for table %s", row, rows[row].Name), `give one of them another name (go_name: "Name")`)
		}
	}
	if err := model.Build(pkg, f, defs); err != nil {
		r.errs = append(r.errs, err.(model.Errors)...)
	}
	if err := model.Link(pkg, []*model.File{f}); err != nil {
		r.errs = append(r.errs, err.(model.Errors)...)
	}
	return f, r.errs.Err()
}

// modelErrors returns the errors of the parser as those of this package.
func modelErrors(err error) error {
	var list fbs.Errors
	if !errors.As(err, &list) {
		return err
	}
	var errs model.Errors
	for _, e := range list {
		errs.Add(modelPos(e.Pos), e.Found, "want "+e.Want)
	}
	return errs.Err()
}

func modelPos(p fbs.Pos) model.Pos { return model.Pos(p) }

// nestedTables are the tables that are the type of a field, or of its elements, or a member of such a union.
func nestedTables(tree *fbs.Schema) map[*fbs.Table]bool {
	nested := map[*fbs.Table]bool{}
	for _, t := range tree.Tables {
		for _, f := range t.Fields {
			typ := f.Type
			for typ.Elem != nil {
				typ = typ.Elem
			}
			if typ.Table != nil {
				nested[typ.Table] = true
			}
		}
	}
	for u := range usedUnions(tree) {
		for _, m := range u.Members {
			if m.Type.Table != nil {
				nested[m.Type.Table] = true
			}
		}
	}
	return nested
}

type schemaReader struct {
	main  string // the file
	errs  model.Errors
	enums []*model.Enum // those that columns have
	seen  map[*fbs.Enum]*model.Enum

	groups map[any]*model.GroupDef // by *fbs.Table, *fbs.Struct or *fbs.Union, those that columns have
	list   []*model.GroupDef       // the same, in the order in which they were met
	open   []string                // the tables that are being read

	nullable map[*fbs.Union]bool // those that a field may be without

	inStruct bool // what is being read is a struct, whose fields are always there

	opt   *FBSOptions
	trees map[string]map[fbs.Pos]bool // where other schemas of the package, and what they include, declare types
}

func (r *schemaReader) add(pos fbs.Pos, p *problem) {
	if p != nil {
		r.errs.Add(modelPos(pos), p.found, p.remedy)
	}
}

func (r *schemaReader) table(t *fbs.Table) *model.Def {
	def := &model.Def{Pos: modelPos(t.Pos), Row: model.CamelCase(t.Name), Name: model.SnakeCase(t.Name), Doc: docLines(t.Doc)}
	if a := r.value(t.Attrs, "arrow_name", `arrow_name: "trades"`); a != nil {
		def.Name = a.Value
	}
	if a := r.value(t.Attrs, "go_name", `go_name: "Trade"`); a != nil {
		def.Row = a.Value
		if !model.IsIdentifier(a.Value) || !token.IsExported(a.Value) {
			r.add(a.ValuePos, problemf("write one such as Trade", "%q is no exported Go name", a.Value))
		}
	}
	r.open = append(r.open, t.Name)
	def.Columns = r.fields(t.Fields)
	r.open = r.open[:len(r.open)-1]
	return def
}

// fields returns the columns of the fields of a table or struct.
func (r *schemaReader) fields(fields []*fbs.Field) (list []*model.ColumnDef) {
	names := rowFields(fields)
	for _, f := range fields {
		if f.Deprecated {
			continue
		}
		if c := r.column(f, names[f]); c != nil {
			list = append(list, c)
		}
	}
	if len(list) == 0 && len(r.errs) > 0 {
		list = append(list, placeholder())
	}
	return list
}

// rowFields names fields in Go: those with a go_name as it says, the others in camel case, with a
// number where that is taken.
func rowFields(fields []*fbs.Field) map[*fbs.Field]string {
	names := map[*fbs.Field]string{}
	taken := map[string]bool{}
	for _, f := range fields {
		if a := f.Attrs.Get("go_name"); a != nil {
			names[f] = a.Value
			taken[a.Value] = true
		}
	}
	for _, f := range fields {
		if f.Deprecated || f.Attrs.Has("go_name") {
			continue
		}
		camel := cmp.Or(model.CamelCase(f.Name), "X")
		name := camel
		for i := 2; taken[name]; i++ {
			name = camel + strconv.Itoa(i)
		}
		names[f] = name
		taken[name] = true
	}
	return names
}

// value returns the attribute of that name, nil if there is none or no value.
func (r *schemaReader) value(attrs fbs.Attrs, name, example string) *fbs.Attr {
	a := attrs.Get(name)
	if a == nil {
		return nil
	}
	if a.Value == "" || !a.Quoted {
		r.add(a.Pos, problemf("write "+example, "%s without a name in quotes", name))
		return nil
	}
	return a
}

// enum returns the Go type of an enum.
func (r *schemaReader) enum(e *fbs.Enum) *model.Enum {
	if known := r.seen[e]; known != nil {
		return known
	}
	out := &model.Enum{Pos: modelPos(e.Pos), Name: model.CamelCase(e.Name), Doc: docLines(e.Doc), Type: scalars[e.Base]}
	if a := r.value(e.Attrs, "go_name", `go_name: "Side"`); a != nil {
		out.Name = a.Value
	}
	if !model.IsIdentifier(out.Name) || !token.IsExported(out.Name) {
		r.add(e.Pos, problemf(`give it one (go_name: "Side")`, "enum %s has no exported Go name", e.Name))
	}
	for _, v := range e.Values {
		value := model.EnumValue{Const: out.Name + model.CamelCase(v.Name), Name: v.Name, Value: enumText(e, v), Doc: docLines(v.Doc)}
		out.Values = append(out.Values, value)
	}
	r.seen[e] = out
	r.enums = append(r.enums, out)
	return out
}

func enumText(e *fbs.Enum, v *fbs.EnumValue) string {
	if e.Base.IsUnsigned() {
		return strconv.FormatUint(uint64(v.Value)&(math.MaxUint64>>(64-8*e.Base.Size())), 10)
	}
	return strconv.FormatInt(v.Value, 10)
}

// checkEnums reports names of enums and of their values that are somebody else's.
func (r *schemaReader) checkEnums(rows map[string]*fbs.Table, declared map[string]model.Pos) {
	taken := map[string]string{}
	for row, t := range rows {
		taken[row] = "table " + t.Name
	}
	for _, e := range r.enums {
		for _, name := range e.Names() {
			if pos, ok := declared[name]; ok && strings.HasSuffix(pos.File, "_rows.go") {
				r.taken(e.Pos, name, pos)
				break
			} else if ok {
				r.errs.Add(pos, fmt.Sprintf("%s is what the generator declares for enum %s", name, e.Name), `give one of them another name (go_name: "Name")`)
			} else if other, ok := taken[name]; other == "enum "+e.Name {
				r.errs.Add(e.Pos, fmt.Sprintf("enum %s would declare %s twice in Go", e.Name, name), "give one of its values another name")
			} else if ok {
				r.errs.Add(e.Pos, fmt.Sprintf("enum %s and %s would both declare %s in Go", e.Name, other, name), `give one of them another name (go_name: "Name")`)
			}
			taken[name] = "enum " + e.Name
		}
	}
}

func (r *schemaReader) column(f *fbs.Field, row string) *model.ColumnDef {
	c := &model.ColumnDef{Pos: modelPos(f.Pos), Field: row, Name: f.Name, Doc: docLines(f.Doc)}
	if !r.describe(c, f) {
		return nil
	}
	v := c
	if c.Type.Kind == model.RunEnds {
		v = c.Parts[0]
	}
	switch set := f.Default.IsSet() && !f.Default.Null; {
	case set && v.Type.IsTimed() && f.Type.Kind != fbs.String:
		r.add(f.Default.Pos, problemf(`write it as text, in an attribute such as (default: "`+model.ExampleOf(v.Type)+`")`,
			"the number %s as the default of a column of type %v", defaultText(v, f), v.Type))
	case set:
		text, p := parseDefault(v.Type, defaultText(v, f))
		if c.Default, c.HasDefault = text, p == nil; p != nil {
			r.add(f.Default.Pos, p)
		}
	}
	if a := f.Attrs.Get("default"); a != nil {
		r.textDefault(c, v, f, a)
	}
	setForm(c)
	return c
}

// textDefault sets a default that is written as text, as times and decimals are.
func (r *schemaReader) textDefault(c, v *model.ColumnDef, f *fbs.Field, a *fbs.Attr) {
	switch {
	case !v.Type.IsTimed() || c.Index != nil:
		r.add(a.Pos, problemf("write = and its value behind the type", "attribute default on a column of type %v, which is for times and decimals", v.Type))
	case f.Default.IsSet():
		r.add(a.Pos, problemf("drop one of them", "attribute default on a field with a default"))
	case f.Required:
		r.add(a.Pos, problemf("drop one of them", "a default for a required field"))
	default:
		if a = r.value(f.Attrs, a.Name, `default: "2026-01-31T09:30:00Z"`); a == nil {
			return
		}
		text, p := parseDefault(v.Type, a.Value)
		if c.Default, c.HasDefault = text, p == nil; p != nil {
			r.add(a.ValuePos, p)
		}
	}
}

// setForm sets how rows hold a column: as rt.Null where it may be null and its type has no null of its own.
func setForm(c *model.ColumnDef) {
	switch c.Type.Kind {
	case model.Binary, model.Nothing, model.List, model.Map, model.Union, model.RunEnds:
		return
	}
	if c.Nullable {
		c.Form = model.Null
	}
}

// describe sets what the type and the attributes of a field say. It returns false after an error.
func (r *schemaReader) describe(c *model.ColumnDef, f *fbs.Field) bool {
	before := len(r.errs)
	if t := f.Type.Table; t != nil && t.Attrs.Has("list") {
		return r.listTable(c, f, t)
	}
	if p := r.setType(c, f); p != nil {
		if len(r.errs) == before || p != failed {
			r.add(f.Type.Pos, &problem{fmt.Sprintf("field %s: %s", f.Name, p.found), p.remedy})
		}
		return false
	}
	if f.Type.Kind == fbs.EnumType {
		c.Named = &model.Named{Name: r.enum(f.Type.Enum).Name, Names: !f.Type.Enum.BitFlags}
	}
	first := ""
	for _, a := range f.Attrs {
		if !slices.Contains(typeAttributes, a.Name) {
			continue
		}
		if first != "" {
			r.add(a.Pos, problemf("drop one of them", "%s on a field with %s", a.Name, first))
			return false
		}
		first = a.Name
	}
	for _, a := range f.Attrs {
		r.attribute(c, f, a)
	}
	if a := f.Attrs.Get("ree"); a != nil && len(r.errs) == before {
		p := setRuns(c, a.Value, f.Type.String())
		if r.add(cmpPos(a), p); p == nil {
			setForm(c.Parts[0])
		}
	}
	return true
}

// typeAttributes are those of which a field has one at most.
var typeAttributes = []string{"float16", "timestamp", "date", "time", "duration", "decimal", "fixed", "uuid"}

// setType sets what the type of a field says.
func (r *schemaReader) setType(c *model.ColumnDef, f *fbs.Field) *problem {
	t := f.Type
	switch {
	case t.IsScalar():
		c.Type = scalars[t.Base()]
		c.Nullable = f.Optional()
		return nil
	case t.Kind == fbs.String:
		c.Type = model.Type{Kind: model.Utf8}
		c.Nullable = !f.Required
		return nil
	case t.Kind == fbs.VectorOf && t.Elem.Kind == fbs.UByte:
		c.Type = model.Type{Kind: model.Binary}
		c.Nullable = !f.Required
		return nil
	case t.Kind == fbs.TableType && len(t.Table.Fields) == 0:
		c.Type = model.Type{Kind: model.Nothing}
		c.Nullable = true
		return nil
	case t.Kind == fbs.StructType && f.Attrs.Has("decimal") && (t.Struct.Size == 16 || t.Struct.Size == 32):
		c.Type = model.Type{Kind: model.Decimal, Bits: 8 * t.Struct.Size}
		c.Nullable = !f.Required
		return nil
	case t.Kind == fbs.VectorOf && f.Attrs.Has("map"):
		c.Type, c.Nullable = model.Type{Kind: model.Map}, !f.Required
		return r.setEntries(c, f)
	case t.Kind == fbs.VectorOf && f.Attrs.Has("fixed"):
		a := f.Attrs.Get("fixed")
		width, err := strconv.Atoi(a.Value)
		if err != nil || width < 1 || width > math.MaxInt32 {
			r.add(cmpPos(a), problemf("write fixed: 3, the number of items", "length %q of lists", a.Value))
			return failed
		}
		c.Type, c.Nullable = model.Type{Kind: model.FixedList, Width: width}, !f.Required
		return r.setItems(c, f)
	case t.Kind == fbs.VectorOf:
		c.Type, c.Nullable = model.Type{Kind: model.List}, !f.Required
		return r.setItems(c, f)
	case t.Kind == fbs.ArrayOf && t.Elem.Kind == fbs.UByte:
		c.Type = model.Type{Kind: model.FixedBinary, Width: t.Len}
		return nil
	case t.Kind == fbs.ArrayOf:
		c.Type = model.Type{Kind: model.FixedList, Width: t.Len}
		return r.setItems(c, f)
	case t.Kind == fbs.TableType:
		c.Type, c.Nullable = model.Type{Kind: model.Struct}, !f.Required
		return r.group(c, t.Table, &t.Table.Decl, t.Table.Fields)
	case t.Kind == fbs.StructType:
		c.Type, c.Nullable = model.Type{Kind: model.Struct}, !f.Required && !r.inStruct
		return r.group(c, t.Struct, &t.Struct.Decl, t.Struct.Fields)
	}
	return r.union(c, f)
}

var scalars = map[fbs.Kind]model.Type{
	fbs.Bool: kinds["bool"], fbs.Byte: kinds["int8"], fbs.UByte: kinds["uint8"], fbs.Short: kinds["int16"],
	fbs.UShort: kinds["uint16"], fbs.Int: kinds["int32"], fbs.UInt: kinds["uint32"], fbs.Long: kinds["int64"],
	fbs.ULong: kinds["uint64"], fbs.Float: kinds["float32"], fbs.Double: kinds["float64"],
}

// attribute sets what one attribute of a field says. Those of other tools, and the language's own, say nothing.
func (r *schemaReader) attribute(c *model.ColumnDef, f *fbs.Field, a *fbs.Attr) {
	pos := a.Pos
	if a.HasValue() {
		pos = a.ValuePos
	}
	switch a.Name {
	case "arrow_name":
		if a = r.value(f.Attrs, a.Name, `arrow_name: "price"`); a == nil {
			return
		}
		c.Name, c.NamePos = a.Value, modelPos(a.ValuePos)
		if a.Value == namesNothing {
			r.add(pos, problemf(namesNothingRemedy, "a struct tag of name %q leaves its field out", a.Value))
		} else if !fitsTag(a.Value) {
			r.add(pos, problemf(fitsTagRemedy, "name %q does not fit a struct tag", a.Value))
		}
	case "go_name":
		r.value(f.Attrs, a.Name, `go_name: "Price"`)
		c.Method, c.MethodPos = c.Field, modelPos(pos)
	case "was":
		if a = r.value(f.Attrs, a.Name, `was: "old"`); a != nil {
			c.Was, c.WasPos = a.Value, modelPos(pos)
		}
	case "dict":
		r.add(pos, r.dictionary(c, f, a))
	case "timestamp":
		r.add(pos, r.timestamp(c, f, a))
	case "raw":
		if !f.Attrs.Has("timestamp") {
			r.add(a.Pos, problemf("leave it out, or add timestamp", "raw is for timestamps, found %v", f.Type))
		} else if f.Attrs.Has("naive") {
			r.add(a.Pos, problemf("drop one of them", "raw and naive on a timestamp"))
		}
		c.Raw = true
	case "float16":
		switch {
		case f.Type.Kind != fbs.UShort || c.Index != nil:
			r.add(pos, problemf("use ushort", "float16 is for fields of type ushort, found %v", f.Type))
		case f.Default.IsSet() && !f.Default.Null:
			r.add(f.Default.Pos, problemf("leave it out", "a default of field %s, which is a float16", f.Name))
		default:
			c.Type = model.Type{Kind: model.Float, Bits: 16}
		}
	case "naive":
		switch {
		case a.Value != "UTC":
			r.add(pos, problemf(`write naive: "UTC"`, "attribute naive: %q", a.Value))
		case !f.Attrs.Has("timestamp"):
			r.add(pos, problemf("leave it out", "naive is for timestamps, found %v", f.Type))
		case c.Type.Kind == model.Timestamp && c.Type.Zone == "":
			r.add(a.Pos, problemf("drop one of them", "naive on a timestamp that has no zone itself"))
		}
		c.NaiveUTC = true
	case "date":
		switch f.Type.Kind {
		case fbs.Int:
			c.Type = model.Type{Kind: model.Date, Bits: 32}
		case fbs.Long:
			c.Type = model.Type{Kind: model.Date, Bits: 64}
		default:
			r.add(pos, problemf("use int for days, or long for milliseconds", "date is for fields of type int and long, found %v", f.Type))
		}
	case "time":
		switch f.Type.Kind {
		case fbs.Int:
			r.add(pos, setParsed(c)(parseTime(32, a.Value, `time: "s" or "ms"`)))
		case fbs.Long:
			r.add(pos, setParsed(c)(parseTime(64, a.Value, `time: "us" or "ns"`)))
		default:
			r.add(pos, problemf("use int for s and ms, or long for us and ns", "time is for fields of type int and long, found %v", f.Type))
		}
	case "duration":
		if f.Type.Kind != fbs.Long {
			r.add(pos, problemf("leave it out, or use long", "duration is for fields of type long, found %v", f.Type))
			return
		}
		r.add(pos, setParsed(c)(parseDuration(a.Value, `duration: "us"; units are s, ms, us and ns`)))
	case "decimal":
		bits, fits := c.Type.Bits, true
		switch f.Type.Kind {
		case fbs.String:
			bits = 0
		case fbs.Int, fbs.Long:
		case fbs.StructType:
			fits = c.Type.Kind == model.Decimal
		default:
			fits = false
		}
		if !fits {
			r.add(pos, problemf("use string, int, long, or a struct of 16 or 32 bytes", "decimal on %v", f.Type))
			return
		}
		r.add(pos, setParsed(c)(parseDecimal(bits, f.Type.String(), a.Value, `decimal: "38,10": how many digits, and how many of them after the point`)))
	case "fixed":
		if c.Type.Kind == model.FixedList { // which has been seen to
			return
		}
		width, err := strconv.Atoi(a.Value)
		switch {
		case f.Type.Kind != fbs.VectorOf || f.Type.Elem.Kind != fbs.UByte:
			r.add(pos, problemf("leave it out, or use [ubyte] or another vector", "fixed is for vectors, found %v", f.Type))
		case err != nil || width < 1 || width > math.MaxInt32:
			r.add(pos, problemf("write fixed: 16, the number of bytes", "width %q of fixed-size bytes", a.Value))
		case c.Index != nil:
			r.add(pos, problemf("drop one of them", "fixed on a dictionary column"))
		default:
			c.Type = model.Type{Kind: model.FixedBinary, Width: width}
		}
	case "uuid":
		if k := c.Type.Kind; k != model.Utf8 && k != model.Binary || c.Index != nil {
			r.add(pos, problemf("use [ubyte]", "uuid on %v", f.Type))
			return
		}
		c.Type = model.Type{Kind: model.FixedBinary, Width: 16, UUID: true}
	case "map", "item":
		if c.Type.Kind == model.Map && a.Name == "map" || a.Name == "item" && len(c.Parts) == 1 {
			return
		}
		r.add(pos, problemf("leave it out, or use a vector", "%s is for vectors, found %v", a.Name, f.Type))
	case "large", "view":
		r.add(pos, setLayout(c, model.Layout(a.Name), f.Type.String()))
	case "sparse":
		r.add(pos, setSparse(c, f.Type.String()))
	}
}

// setParsed sets the type of a column, unless there is a problem.
func setParsed(c *model.ColumnDef) func(model.Type, *problem) *problem {
	return func(t model.Type, p *problem) *problem {
		if p == nil {
			c.Type = t
		}
		return p
	}
}

func (r *schemaReader) dictionary(c *model.ColumnDef, f *fbs.Field, a *fbs.Attr) *problem {
	if f.Type.Kind == fbs.EnumType && f.Type.Enum.BitFlags {
		return problemf("leave it out", "dict on enum %s, whose values are bit flags and may have several names", f.Type.Enum.Name)
	}
	return setDictionary(c, a.Value, f.Type.String())
}

func (r *schemaReader) timestamp(c *model.ColumnDef, f *fbs.Field, a *fbs.Attr) *problem {
	if f.Type.Kind != fbs.Long || c.Index != nil {
		return problemf("leave it out, or use long", "timestamp is for fields of type long, found %v", f.Type)
	}
	c.Type = model.TimestampNanoUTC
	if !a.HasValue() {
		return nil
	}
	return setParsed(c)(parseTimestamp(a.Value, `timestamp: "us,UTC", or "us" for wall-clock times; units are s, ms, us and ns`))
}

// defaultText returns the default of a field as parseDefault reads it.
func defaultText(c *model.ColumnDef, f *fbs.Field) string {
	d := f.Default
	if c.Enum {
		for _, v := range f.Type.Enum.Values {
			if v.Value == d.Int {
				return v.Name
			}
		}
	}
	switch base := f.Type.Base(); {
	case base == fbs.Bool:
		return strconv.FormatBool(d.Int != 0)
	case base.IsUnsigned():
		return strconv.FormatUint(uint64(d.Int)&(math.MaxUint64>>(64-8*base.Size())), 10)
	case base.IsInteger():
		return strconv.FormatInt(d.Int, 10)
	case base.IsFloat():
		return strconv.FormatFloat(d.Float, 'g', -1, 8*base.Size())
	}
	return d.Str
}

// docLines returns the lines of a doc comment without the spaces that they share or end with.
func docLines(doc []string) []string {
	lines := make([]string, len(doc))
	for i, line := range doc {
		lines[i] = strings.TrimRight(line, " \t\r")
	}
	return trimLines(lines)
}

// PackageOf returns the name of the package in dir and what its files declare, but for those generated from source, a path as seen
// from dir. The name is the given one, if that is not empty, or that of the Go files, or else that of the directory.
func PackageOf(dir, name, source string) (string, map[string]model.Pos, error) {
	var errs model.Errors
	pkgs, err := readDir(dir, &errs)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", nil, err
	}
	if name == "" && len(pkgs) > 0 {
		name = strings.TrimSuffix(pkgs[0].name, "_test")
	}
	if name == "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", nil, err
		}
		if name = strings.ToLower(filepath.Base(abs)); !model.IsIdentifier(name) {
			return "", nil, fmt.Errorf("%s: no Go package here, and %q is no name for one; give one with -package", dir, name)
		}
	}
	declared := map[string]model.Pos{}
	if i := slices.IndexFunc(pkgs, func(p *goPackage) bool { return p.name == name }); i >= 0 {
		declared = pkgs[i].declared(func(s string) bool { return s == source })
	}
	return name, declared, nil
}

// PackageClause returns the name of the package that a Go file says it is of, "" if it says none.
func PackageClause(text []byte) string {
	f, err := parser.ParseFile(token.NewFileSet(), "", text, parser.PackageClauseOnly)
	if err != nil {
		return ""
	}
	return f.Name.Name
}

// HasTables tells whether a Go file has tables, messages or protocols, be they for this platform or another. A file that is not there has none.
func HasTables(name string) bool {
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if f == nil {
		return err != nil && !errors.Is(err, os.ErrNotExist)
	}
	for _, group := range f.Comments {
		for _, c := range group.List {
			for _, word := range []string{"table", "message", "protocol"} {
				if strings.HasPrefix(c.Text, directive+word) {
					return true
				}
			}
		}
	}
	return false
}
