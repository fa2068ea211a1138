package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/evolve"
	"github.com/lightstream-go/lightstream/codegen/model"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// jsonSchema is a schema as lightstream schema --as json prints it.
type jsonSchema struct {
	Fields   []jsonField    `json:"fields"`
	Metadata []jsonKeyValue `json:"metadata"`
}

type jsonField struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Nullable   bool   `json:"nullable"`
	Dictionary *struct {
		ID      int64  `json:"id"`
		Index   string `json:"index"`
		Ordered bool   `json:"ordered"`
	} `json:"dictionary"`
	TypeIDs    []int32        `json:"typeIds"`
	SortedKeys bool           `json:"sortedKeys"`
	Metadata   []jsonKeyValue `json:"metadata"`
	Children   []jsonField    `json:"children"`
}

// jsonKeyValue is an entry of metadata, of which what is no UTF-8 is base64.
type jsonKeyValue struct {
	Key         string `json:"key"`
	KeyBase64   []byte `json:"keyBase64"`
	Value       string `json:"value"`
	ValueBase64 []byte `json:"valueBase64"`
}

func keyValues(entries []jsonKeyValue) (list []ipc.KeyValue) {
	for i := range entries {
		e := &entries[i]
		list = append(list, ipc.KeyValue{Key: e.Key + string(e.KeyBase64), Value: e.Value + string(e.ValueBase64)})
	}
	return list
}

// JSON reads the table of a schema in JSON, as lightstream schema --as json prints it. What is wrong with the JSON is reported at its
// line, and what is wrong with a column like [Arrow] does.
func JSON(name string, opt *ArrowOptions) (*model.File, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	schema, err := parseJSON(filepath.ToSlash(name), text)
	if err != nil {
		return nil, err
	}
	return Schema(name, schema, opt)
}

func parseJSON(file string, text []byte) (*ipc.Schema, error) {
	const remedy = "name a schema that lightstream schema --as json has printed"
	var errs model.Errors
	var in jsonSchema
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&in)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("more after the schema")
		}
	}
	if err != nil {
		at := d.InputOffset()
		var syntax *json.SyntaxError
		var typ *json.UnmarshalTypeError
		if errors.As(err, &syntax) {
			at = syntax.Offset
		} else if errors.As(err, &typ) {
			at = typ.Offset
		} else if _, field, ok := strings.Cut(err.Error(), "unknown field "); ok { // whose place is not told
			at = int64(bytes.Index(text, []byte(field)) + 1)
		}
		before := text[:min(max(at, 0), int64(len(text)))]
		pos := model.Pos{File: file, Line: 1 + bytes.Count(before, []byte("\n")), Col: max(len(before)-bytes.LastIndexByte(before, '\n')-1, 1)}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the JSON ends early")
		}
		errs.Add(pos, strings.TrimPrefix(err.Error(), "json: "), remedy)
		return nil, errs.Err()
	}
	schema := &ipc.Schema{Metadata: keyValues(in.Metadata)}
	for i := range in.Fields {
		var b strings.Builder
		in.Fields[i].write(&b)
		f, err := evolve.ParseField(b.String())
		if err != nil {
			errs.Add(model.Pos{File: file}, fmt.Sprintf("column %d, %q: %v", i, in.Fields[i].Name, err), remedy)
			continue
		}
		in.Fields[i].attach(&f)
		schema.Fields = append(schema.Fields, f)
	}
	return schema, errs.Err()
}

// write writes a field as [evolve.ParseField] reads it.
func (f *jsonField) write(b *strings.Builder) {
	b.WriteString(strconv.Quote(f.Name) + ": ")
	if f.Dictionary != nil {
		b.WriteString("dictionary<" + f.Dictionary.Index + ", ")
	}
	typ := f.Type
	if unit, zone, ok := strings.Cut(typ, ", "); ok && strings.HasPrefix(typ, "timestamp[") {
		typ = unit + ", " + strconv.Quote(strings.TrimSuffix(zone, "]")) + "]"
	}
	b.WriteString(typ)
	if f.SortedKeys {
		b.WriteString("[sorted]")
	}
	if f.TypeIDs != nil {
		b.WriteString(strings.ReplaceAll(fmt.Sprint(f.TypeIDs), " ", ", "))
	}
	if len(f.Children) > 0 {
		for i := range f.Children {
			b.WriteString([...]string{"<", ", "}[min(i, 1)])
			f.Children[i].write(b)
		}
		b.WriteByte('>')
	}
	if f.Dictionary != nil {
		if f.Dictionary.Ordered {
			b.WriteString(", ordered")
		}
		b.WriteByte('>')
	}
	if !f.Nullable {
		b.WriteString(" not null")
	}
}

// attach gives a field what its text does not have.
func (f *jsonField) attach(to *ipc.Field) {
	to.Metadata = keyValues(f.Metadata)
	if f.Dictionary != nil && to.Dictionary != nil {
		to.Dictionary.ID = f.Dictionary.ID
	}
	for i := range f.Children {
		f.Children[i].attach(&to.Children[i])
	}
}
