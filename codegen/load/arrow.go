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
	pos := model.Pos{File: filepath.ToSlash(name)}
	schema, err := arrowSchema(src)
	if err != nil {
		return nil, arrowError(pos, err)
	}
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
	r := arrowReader{pos: pos, errs: &errs, number: map[string]int{}, fields: map[string]bool{}}
	for i := range schema.Fields {
		if c := r.column(i, &schema.Fields[i]); c != nil {
			def.Columns = append(def.Columns, c)
		}
	}
	if len(schema.Fields) == 0 {
		errs.Add(pos, "the schema has no columns", "write the file with at least one")
	}
	if p, taken := opt.Declared[def.Row]; taken && !strings.HasSuffix(p.File, "_rows.go") { // those come with their table
		errs.Add(p, fmt.Sprintf("%s is what the generator declares for the table of %s", def.Row, path.Base(pos.File)), "give one of them another name, the table with -table")
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	f := &model.File{Source: path.Base(pos.File)}
	f.Output, f.Rows = outputs(pos.File)
	err = model.Build(&model.Package{Name: opt.Package, Declared: opt.Declared}, f, []*model.Def{def})
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
	var at *rt.DecodeError
	switch {
	case errors.As(err, &at):
	case errors.Is(err, io.EOF), errors.Is(err, rt.ErrUnfinished):
		err = errors.New("it has no Arrow schema")
	default:
		return err
	}
	var errs model.Errors
	errs.Add(pos, strings.TrimPrefix(err.Error(), "lightstream: "), "name an Arrow stream or file")
	return errs.Err()
}

// arrowReader makes columns of the fields of a schema.
type arrowReader struct {
	pos    model.Pos
	errs   *model.Errors
	number map[string]int  // of the columns by name
	fields map[string]bool // names of the row struct's fields
}

// column returns the column of field i, nil where it cannot be one.
func (r *arrowReader) column(i int, f *ipc.Field) *model.ColumnDef {
	place := fmt.Sprintf("column %d, %q", i, f.Name)
	refuse := func(p *problem) *model.ColumnDef {
		r.errs.Add(r.pos, place+": "+p.found, p.remedy)
		return nil
	}
	other, twice := r.number[f.Name]
	switch {
	case f.Name == "":
		return refuse(problemf("write the file with one", "it has no name"))
	case twice:
		return refuse(problemf("write the file with another name for one of them", "column %d has this name too", other))
	case !fitsTag(f.Name) || f.Name == "-":
		return refuse(problemf(fitsTagRemedy, "its name does not fit a struct tag"))
	}
	r.number[f.Name] = i
	c := &model.ColumnDef{Pos: r.pos, Field: r.field(f.Name), Name: f.Name, Nullable: f.Nullable}
	if p := setArrowType(c, f); p != nil {
		return refuse(p)
	}
	if c.Nullable && c.Type.Kind != model.Binary && c.Type.Kind != model.Nothing {
		c.Form = model.Null
	}
	return c
}

// field returns a name for the row struct's field that is free.
func (r *arrowReader) field(name string) string {
	camel := cmp.Or(model.CamelCase(name), "X")
	free := camel
	for i := 2; r.fields[free]; i++ {
		free = camel + strconv.Itoa(i)
	}
	r.fields[free] = true
	return free
}

// inGo is the remedy for columns that a struct can be made to fit.
const inGo = "write the table as a Go struct"

// setArrowType sets the type of a column.
func setArrowType(c *model.ColumnDef, f *ipc.Field) *problem {
	ext := ""
	for _, kv := range f.Metadata {
		if kv.Key == "ARROW:extension:name" {
			ext = kv.Value
		}
	}
	t, p := arrowType(f.Type)
	switch {
	case p != nil:
		return &problem{fmt.Sprintf(p.found, f.TypeString()), p.remedy}
	case ext == "arrow.uuid" && f.Type.Kind == ipc.KindFixedSizeBinary && f.Type.Width == 16 && f.Dictionary == nil:
		t.UUID = true
	case ext != "":
		return problemf(inGo+" with its storage type", "extension type %q is not supported by this version", ext)
	}
	c.Type = t
	if f.Dictionary == nil {
		return nil
	}
	switch {
	case t.Kind != model.Utf8 && t.Kind != model.Binary && t.Kind != model.Int:
		return problemf(inGo+" with plain values, which reads it", "%s is not supported by this version", f.TypeString())
	case t.Layout != model.Offsets:
		return problemf(inGo+" with a column tagged dict, which reads it", "%s is not supported by this version", f.TypeString())
	case f.Dictionary.Ordered:
		return problemf(inGo+" with a column tagged dict, which reads it", "%s whose order means something is not supported by this version", f.TypeString())
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
}

var arrowUnits = map[column.Unit]model.Unit{
	column.Second: model.Second, column.Millisecond: model.Millisecond,
	column.Microsecond: model.Microsecond, column.Nanosecond: model.Nanosecond,
}
