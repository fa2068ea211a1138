package arrowjson

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Content is what a stream, a file or their JSON holds.
type Content struct {
	Schema  *ipc.Schema
	Batches []Batch
}

// Batch is a record batch in memory that stays as it is.
type Batch struct {
	Rows    int
	Columns []column.Data
}

type jsonFile struct {
	Schema       jsonSchema       `json:"schema"`
	Dictionaries []jsonDictValues `json:"dictionaries,omitempty"`
	Batches      []jsonBatch      `json:"batches"`
}

type jsonDictValues struct {
	ID   int64     `json:"id"`
	Data jsonBatch `json:"data"`
}

type jsonBatch struct {
	Count   int          `json:"count"`
	Columns []jsonColumn `json:"columns"`
}

type jsonColumn struct {
	Name     string            `json:"name"`
	Count    int               `json:"count"`
	Validity []int             `json:"VALIDITY,omitzero"`
	TypeIDs  []int             `json:"TYPE_ID,omitzero"`
	Offsets  []json.RawMessage `json:"OFFSET,omitzero"`
	Sizes    []json.RawMessage `json:"SIZE,omitzero"`
	Data     []json.RawMessage `json:"DATA,omitzero"`
	Views    []jsonView        `json:"VIEWS,omitzero"`
	Variadic []string          `json:"VARIADIC_DATA_BUFFERS,omitzero"`
	Children []jsonColumn      `json:"children,omitzero"`
}

type jsonView struct {
	Size    int     `json:"SIZE"`
	Inlined *string `json:"INLINED,omitempty"`
	Prefix  string  `json:"PREFIX_HEX,omitempty"`
	Buffer  int     `json:"BUFFER_INDEX,omitempty"`
	Offset  int     `json:"OFFSET,omitempty"`
}

// Read reads the JSON of a stream.
func Read(r io.Reader) (*Content, error) {
	var f jsonFile
	if err := json.NewDecoder(r).Decode(&f); err != nil {
		return nil, err
	}
	fields, err := fieldsOf(f.Schema.Fields)
	if err != nil {
		return nil, err
	}
	c := &Content{Schema: &ipc.Schema{Fields: fields, Metadata: f.Schema.Metadata.pairs()}}
	read := reader{make(map[int64]*column.Dictionary)}
	if err := read.dictionaries(fields, f.Dictionaries); err != nil {
		return nil, err
	}
	for i := range f.Batches {
		columns, err := read.columns(fields, f.Batches[i].Columns)
		if err != nil {
			return nil, fmt.Errorf("batch %d: %w", i, err)
		}
		c.Batches = append(c.Batches, Batch{f.Batches[i].Count, columns})
	}
	return c, nil
}

// dictionaries reads those of the fields, and first those below them.
func (r *reader) dictionaries(fields []ipc.Field, list []jsonDictValues) error {
	for i := range fields {
		f := &fields[i]
		if err := r.dictionaries(f.Children, list); err != nil {
			return err
		}
		if f.Dictionary == nil || r.dicts[f.Dictionary.ID] != nil {
			continue
		}
		for k := range list {
			if list[k].ID != f.Dictionary.ID {
				continue
			}
			values := *f
			values.Dictionary, values.Nullable = nil, true
			columns, err := r.columns([]ipc.Field{values}, list[k].Data.Columns)
			if err != nil {
				return fmt.Errorf("dictionary %d: %w", list[k].ID, err)
			}
			r.dicts[f.Dictionary.ID] = ipc.NewDictionary(&values, &columns[0])
		}
		if r.dicts[f.Dictionary.ID] == nil {
			return fmt.Errorf("field %q: no dictionary %d", f.Name, f.Dictionary.ID)
		}
	}
	return nil
}

// Write writes the content as JSON. A dictionary that is replaced cannot be written, as there is one for each id.
func (c *Content) Write(w io.Writer) error {
	f := jsonFile{Schema: jsonSchema{jsonFields(c.Schema.Fields), metas(c.Schema.Metadata)}, Batches: []jsonBatch{}}
	write := writer{dicts: make(map[int64]*sentDictionary)}
	for i := range c.Batches {
		b := &c.Batches[i]
		columns, err := write.columns(c.Schema.Fields, b.Columns)
		if err != nil {
			return fmt.Errorf("batch %d: %w", i, err)
		}
		f.Batches = append(f.Batches, jsonBatch{b.Rows, columns})
	}
	for len(write.order) > 0 { // those below others are found on the way
		id := write.order[0]
		write.order = write.order[1:]
		d := write.dicts[id]
		values := *d.field
		values.Dictionary, values.Name = nil, fmt.Sprint("DICT", id)
		data, err := ipc.DictionaryColumn(&values, d.values)
		if err != nil {
			return err
		}
		columns, err := write.columns([]ipc.Field{values}, []column.Data{data})
		if err != nil {
			return fmt.Errorf("dictionary %d: %w", id, err)
		}
		f.Dictionaries = append(f.Dictionaries, jsonDictValues{id, jsonBatch{data.Len, columns}})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(&f)
}
