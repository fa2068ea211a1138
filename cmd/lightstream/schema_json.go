package main

import (
	"encoding/json"
	"io"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// jsonField is a field as --as json prints it.
type jsonField struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Nullable   bool            `json:"nullable"`
	Dictionary *jsonDictionary `json:"dictionary,omitempty"`
	TypeIDs    []int32         `json:"typeIds,omitempty"`
	SortedKeys bool            `json:"sortedKeys,omitempty"`
	Metadata   []jsonKeyValue  `json:"metadata,omitempty"`
	Children   []jsonField     `json:"children,omitempty"`
}

type jsonDictionary struct {
	ID      int64  `json:"id"`
	Index   string `json:"index"`
	Ordered bool   `json:"ordered"`
}

// jsonKeyValue is an entry of metadata. There may be several of one key.
type jsonKeyValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func jsonKeyValues(kvs []ipc.KeyValue) (list []jsonKeyValue) {
	for _, kv := range kvs {
		list = append(list, jsonKeyValue(kv))
	}
	return list
}

func jsonFields(fields []ipc.Field) []jsonField {
	list := make([]jsonField, len(fields))
	for i := range fields {
		f := &fields[i]
		list[i] = jsonField{
			Name: f.Name, Type: f.Type.String(), Nullable: f.Nullable, TypeIDs: f.Type.TypeIDs, Metadata: jsonKeyValues(f.Metadata),
			SortedKeys: f.Type.Kind == ipc.KindMap && f.Type.Variant == 1, Children: jsonFields(f.Children),
		}
		if d := f.Dictionary; d != nil {
			list[i].Dictionary = &jsonDictionary{d.ID, d.Index.String(), d.Ordered}
		}
	}
	return list
}

// printJSON prints a schema as JSON.
func printJSON(w io.Writer, s *ipc.Schema) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		Fields   []jsonField    `json:"fields"`
		Metadata []jsonKeyValue `json:"metadata,omitempty"`
	}{jsonFields(s.Fields), jsonKeyValues(s.Metadata)})
}
