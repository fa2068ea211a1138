package load

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/model"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// ArrowOptions are the settings of [Arrow].
type ArrowOptions struct {
	// Package is the Go package that is generated for.
	Package string
	// Declared are the names that the package's own files declare.
	Declared map[string]model.Pos
	// Table is the name of the table, such as trade. Empty means the base name of the file.
	Table string
}

// Arrow reads the table of an Arrow file or stream: its schema, and no batch. A stream may end with it. What is wrong with
// a column is reported at the file, with the column's number and name.
func Arrow(name string, opt *ArrowOptions) (*model.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return arrow(name, io.NewSectionReader(f, 0, info.Size()), opt)
}

// arrow reads the table of src, which is the file of that name.
func arrow(name string, src *io.SectionReader, opt *ArrowOptions) (*model.File, error) {
	schema, err := arrowSchema(src)
	if err != nil {
		return nil, arrowError(model.Pos{File: filepath.ToSlash(name)}, err)
	}
	return Schema(name, schema, opt)
}

// Schema returns the table of a schema that was read already, from the file of that name: what [Arrow] gives for that file.
func Schema(name string, schema *ipc.Schema, opt *ArrowOptions) (*model.File, error) {
	pos := model.Pos{File: filepath.ToSlash(name)}
	table := opt.Table
	if table == "" {
		base := path.Base(pos.File)
		table = strings.TrimSuffix(base, path.Ext(base))
	}
	var errs model.Errors
	def := &model.Def{Pos: pos, Row: model.CamelCase(table), Name: model.SnakeCase(table)}
	if def.Row == "" {
		errs.Add(pos, fmt.Sprintf("%q gives no name for a Go type", table), "give the table one with -table")
		return nil, errs.Err()
	}
	r := arrowReader{pos: pos, errs: &errs, row: def.Row, types: map[string]bool{def.Row: true}}
	def.Columns = r.columns(schema.Fields, "")
	if len(schema.Fields) == 0 {
		errs.Add(pos, "the schema has no columns", "write the file with at least one")
	}
	if p, taken := opt.Declared[def.Row]; taken && !strings.HasSuffix(p.File, "_rows.go") { // those come with their table
		errs.Add(p, fmt.Sprintf("%s is what the generator declares for the table of %s", def.Row, path.Base(pos.File)), "give one of them another name, the table with -table")
	}
	for name := range r.types {
		if p, taken := opt.Declared[name]; taken && name != def.Row && !strings.HasSuffix(p.File, "_rows.go") {
			errs.Add(p, fmt.Sprintf("%s is what the generator declares for a struct of %s", name, path.Base(pos.File)), "give it another name, or the table one with -table")
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	f := &model.File{Source: path.Base(pos.File)}
	f.Output, f.Rows = outputs(pos.File)
	err := model.Build(&model.Package{Name: opt.Package, Declared: opt.Declared}, f, []*model.Def{def})
	return f, err
}

// arrowSchema reads the schema of a file or stream, which its first bytes tell apart.
func arrowSchema(src *io.SectionReader) (*ipc.Schema, error) {
	magic := []byte("ARROW1")
	start := make([]byte, len(magic))
	if _, err := src.ReadAt(start, 0); err != nil && err != io.EOF {
		return nil, err
	}
	if !bytes.Equal(start, magic) {
		return ipc.NewReader(src, nil).Schema(context.Background())
	}
	none := func(s *ipc.Schema) ([]bool, error) { return make([]bool, len(s.Fields)), nil }
	r, err := ipc.NewFileReader(src, src.Size(), &ipc.ReaderOptions{Select: none})
	if err != nil {
		return nil, err
	}
	return r.Schema(), nil
}

// arrowError returns an error of a decoder as one of a definition.
func arrowError(pos model.Pos, err error) error {
	remedy := "name an Arrow stream or file"
	var at *rt.DecodeError
	switch {
	case errors.As(err, &at):
		if strings.HasPrefix(at.Path, "schema.") { // it is one
			remedy = "write the file anew with a type that Arrow has"
		}
	case errors.Is(err, io.EOF), errors.Is(err, rt.ErrUnfinished):
		err = errors.New("it has no Arrow schema")
	default:
		return err
	}
	var errs model.Errors
	errs.Add(pos, strings.TrimPrefix(err.Error(), "lightstream: "), remedy)
	return errs.Err()
}

// arrowReader makes columns of the fields of a schema.
type arrowReader struct {
	pos   model.Pos
	errs  *model.Errors
	row   string          // the row type
	types map[string]bool // of rows and structs
	top   string          // the column that is being read
	notes []string        // of the field that is being read: what the schema says of it and its column does not
}

// note notes that readers take what the schema has as something else.
func (r *arrowReader) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// columns returns those of the fields of a schema, or of the struct at path, but for those that cannot be one.
func (r *arrowReader) columns(list []ipc.Field, path string) (columns []*model.ColumnDef) {
	number, fields := map[string]int{}, map[string]bool{}
	for i := range list {
		f := &list[i]
		if path == "" {
			r.top = fmt.Sprintf("column %d", i)
		}
		refuse := func(p *problem) {
			r.errs.Add(r.pos, fmt.Sprintf("%s, %q: %s", r.top, path+f.Name, p.found), p.remedy)
		}
		other, twice := number[f.Name]
		switch {
		case f.Name == "":
			refuse(problemf("write the file with one", "it has no name"))
			continue
		case twice:
			refuse(problemf("write the file with another name for one of them", "column %d has this name too", other))
			continue
		case f.Name == namesNothing:
			refuse(problemf(namesNothingRemedy, "a struct tag of this name leaves its field out"))
			continue
		case !fitsTag(f.Name):
			refuse(problemf(fitsTagRemedy, "its name does not fit a struct tag"))
			continue
		}
		number[f.Name] = i
		c := &model.ColumnDef{Pos: r.pos, Field: free(fields, cmp.Or(model.CamelCase(f.Name), "X")), Name: f.Name, Nullable: f.Nullable}
		above := r.notes
		r.notes = nil
		p := r.setType(c, f, path+f.Name)
		c.Doc, r.notes = r.notes, above
		if p == failed {
			continue
		} else if p != nil {
			refuse(p)
			continue
		}
		setForm(c)
		columns = append(columns, c)
	}
	return columns
}

// free returns a name that is not taken, with a number if need be, and takes it.
func free(taken map[string]bool, name string) string {
	free := name
	for i := 2; taken[free]; i++ {
		free = name + strconv.Itoa(i)
	}
	taken[free] = true
	return free
}

// setType sets the type of the column at path.
func (r *arrowReader) setType(c *model.ColumnDef, f *ipc.Field, path string) *problem {
	if f.Dictionary != nil {
		return r.setFlat(c, f)
	}
	if name, storage := extension(f); storage {
		r.note("Its values are those of the extension type %q as they are stored.", name)
	}
	switch f.Type.Kind {
	case ipc.KindList, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView:
		if f.Type.Kind == ipc.KindLargeListView {
			r.note("Readers convert it from %v.", f.Type)
		}
		c.Type = model.Type{Kind: model.List, Layout: arrowLayouts[f.Type.Kind]}
		return r.parts(c, f.Children, path)
	case ipc.KindFixedSizeList:
		if f.Type.Width == 0 {
			return problemf("write the file without it", "%s, whose values have no items", f.TypeString())
		}
		c.Type = model.Type{Kind: model.FixedList, Width: f.Type.Width}
		return r.parts(c, f.Children, path)
	case ipc.KindMap:
		entries := &f.Children[0]
		switch {
		case entries.Type.Kind != ipc.KindStruct || len(entries.Children) != 2 || entries.Dictionary != nil:
			return problemf("write the file anew", "a map of %s, want a struct of keys and values", entries.TypeString())
		case f.Type.Variant == 1:
			r.note("Readers take maps with sorted keys too, writers do not say it of theirs.")
		}
		c.Type = model.Type{Kind: model.Map}
		if p := r.parts(c, entries.Children, path); p != nil {
			return p
		}
		if !isKey(c.Parts[0]) {
			return problemf("write the file with texts, integers, dates, times or fixed-size bytes", "a map with keys of type %s", entries.Children[0].String())
		}
		return nil
	case ipc.KindStruct:
		return r.group(c, f, path)
	case ipc.KindUnion:
		return r.union(c, f, path)
	case ipc.KindRunEndEncoded:
		return r.runs(c, f, path)
	}
	return r.setFlat(c, f)
}

// parts sets the columns below a list or map.
func (r *arrowReader) parts(c *model.ColumnDef, children []ipc.Field, path string) *problem {
	for i := range children {
		part := &model.ColumnDef{Pos: c.Pos, Field: c.Field, Nullable: children[i].Nullable}
		if p := r.setType(part, &children[i], path); p != nil {
			return p
		}
		setForm(part)
		c.Parts = append(c.Parts, part)
	}
	return nil
}

// group sets the struct of a column. Its Go type is named for the row and the column.
func (r *arrowReader) group(c *model.ColumnDef, f *ipc.Field, path string) *problem {
	if len(f.Children) == 0 {
		return problemf("write the file without it", "a struct without fields")
	}
	c.Type = model.Type{Kind: model.Struct}
	name := free(r.types, r.row+model.CamelCase(path)+"Row")
	before := len(*r.errs)
	c.Group = &model.GroupDef{Pos: c.Pos, Named: model.Named{Name: name}, Rows: true}
	if c.Group.Columns = r.columns(f.Children, path+"."); len(*r.errs) > before {
		return failed
	}
	return nil
}

// extension returns the name of a field's extension type, and whether the column has that of its storage in its place.
func extension(f *ipc.Field) (name string, storage bool) {
	for _, kv := range f.Metadata {
		if kv.Key == "ARROW:extension:name" {
			name = kv.Value
		}
	}
	uuid := name == "arrow.uuid" && f.Type.Kind == ipc.KindFixedSizeBinary && f.Type.Width == 16 && f.Dictionary == nil
	return name, name != "" && !uuid
}

// setFlat sets the type of a column that has none below it. Dictionaries of what tables have none of become the nearest that takes
// them.
func (r *arrowReader) setFlat(c *model.ColumnDef, f *ipc.Field) *problem {
	t, p := arrowType(f.Type)
	if p != nil {
		return &problem{fmt.Sprintf(p.found, f.TypeString()), p.remedy}
	}
	name, storage := extension(f)
	t.UUID = name != "" && !storage
	c.Type = t
	if f.Dictionary == nil {
		return nil // its caller has noted the storage
	}
	if storage {
		r.note("Its values are those of the extension type %q as they are stored.", name)
	}
	switch {
	case t.Kind == model.Bool || t.Kind == model.Nothing:
		return problemf("write the file with plain values in its place", "%s is not supported by this version", f.TypeString())
	case t.Kind != model.Utf8 && t.Kind != model.Binary && t.Kind != model.Int:
		r.note("Readers convert it from %s.", f.TypeString())
		return nil
	case t.Layout != model.Offsets:
		r.note("Readers convert it from %s.", f.TypeString())
		c.Type.Layout = model.Offsets
	}
	if f.Dictionary.Ordered {
		r.note("Readers take dictionaries whose order means something too, writers do not say it of theirs.")
	}
	index := model.Type{Kind: model.Int, Bits: f.Dictionary.Index.Bits, Signed: f.Dictionary.Index.Signed}
	c.Index = &index
	return nil
}

// arrowType returns a type as the model has it. What is found in a problem has a place for the type.
func arrowType(t ipc.Type) (model.Type, *problem) {
	switch t.Kind {
	case ipc.KindNull:
		return model.Type{Kind: model.Nothing}, nil
	case ipc.KindBool:
		return model.Type{Kind: model.Bool}, nil
	case ipc.KindInt:
		return model.Type{Kind: model.Int, Bits: t.Bits, Signed: t.Signed}, nil
	case ipc.KindFloat:
		return model.Type{Kind: model.Float, Bits: t.Bits}, nil
	case ipc.KindUtf8, ipc.KindLargeUtf8, ipc.KindUtf8View:
		return model.Type{Kind: model.Utf8, Layout: arrowLayouts[t.Kind]}, nil
	case ipc.KindBinary, ipc.KindLargeBinary, ipc.KindBinaryView:
		return model.Type{Kind: model.Binary, Layout: arrowLayouts[t.Kind]}, nil
	case ipc.KindFixedSizeBinary:
		if t.Width == 0 {
			return model.Type{}, &problem{"%s, whose values have no bytes", "write the file without it"}
		}
		return model.Type{Kind: model.FixedBinary, Width: t.Width}, nil
	case ipc.KindDate:
		return model.Type{Kind: model.Date, Bits: 32 << t.Variant}, nil
	case ipc.KindTime:
		u, p := parseTime(t.Bits, string(arrowUnits[t.Unit]), "the file with s or ms in 32 bits, us or ns in 64")
		return u, escaped(p)
	case ipc.KindTimestamp:
		spec := string(arrowUnits[t.Unit])
		if t.Zone != "" {
			spec += "," + t.Zone
		}
		u, p := parseTimestamp(spec, "")
		return u, escaped(p)
	case ipc.KindDuration:
		return model.Type{Kind: model.Duration, Unit: arrowUnits[t.Unit]}, nil
	case ipc.KindDecimal:
		u, p := parseDecimal(t.Bits, t.String(), fmt.Sprintf("%d,%d", t.Precision, t.Scale), "")
		return u, escaped(p)
	}
	return model.Type{}, &problem{"%s is not supported by this version", "write the file without it, or with plain columns in its place"}
}

// escaped keeps what a problem quotes from being taken for a format.
func escaped(p *problem) *problem {
	if p == nil {
		return nil
	}
	return &problem{"%s: " + strings.ReplaceAll(p.found, "%", "%%"), p.remedy}
}

var arrowLayouts = map[ipc.Kind]model.Layout{
	ipc.KindLargeUtf8: model.Large, ipc.KindLargeBinary: model.Large,
	ipc.KindUtf8View: model.Views, ipc.KindBinaryView: model.Views,
	ipc.KindLargeList: model.Large, ipc.KindListView: model.Views, ipc.KindLargeListView: model.Views,
}

var arrowUnits = map[column.Unit]model.Unit{
	column.Second: model.Second, column.Millisecond: model.Millisecond,
	column.Microsecond: model.Microsecond, column.Nanosecond: model.Nanosecond,
}
