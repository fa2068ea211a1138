package main

import (
	"encoding/json"
	"io"
	"unicode/utf8"

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

// jsonKeyValue is an entry of metadata, of which there may be several of one key. What is no UTF-8 is base64, as text of JSON has no
// place for it.
type jsonKeyValue struct {
	Key         *string `json:"key,omitempty"`
	KeyBase64   []byte  `json:"keyBase64,omitempty"`
	Value       *string `json:"value,omitempty"`
	ValueBase64 []byte  `json:"valueBase64,omitempty"`
}

func jsonKeyValues(kvs []ipc.KeyValue) (list []jsonKeyValue) {
	for _, kv := range kvs {
		var entry jsonKeyValue
		entry.Key, entry.KeyBase64 = textOrBytes(kv.Key)
		entry.Value, entry.ValueBase64 = textOrBytes(kv.Value)
		list = append(list, entry)
	}
	return list
}

// textOrBytes returns s as a text, or as bytes where it is no UTF-8.
func textOrBytes(s string) (*string, []byte) {
	if utf8.ValidString(s) {
		return &s, nil
	}
	return nil, []byte(s)
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
