// Package arrowjson reads and writes Arrow's JSON integration format: the content of a stream as text, which the Arrow project keeps
// beside its golden files. It is for tests.
//
//	{"schema": {"fields": [...]},
//	 "dictionaries": [{"id": 0, "data": {"count": 2, "columns": [...]}}],
//	 "batches": [{"count": 3, "columns": [{"name": "x", "count": 3, "VALIDITY": [1, 0, 1], "DATA": [7, 0, 9]}]}]}
//
// Integers of 64 bits, offsets of 64 bits and decimals are strings, byte strings are hexadecimal, times are numbers in the unit of
// their type. Floats have three digits behind the point there, so that [Diff] compares them loosely.
//
// Source: Arrow, "Integration Testing", "JSON test data format".
package arrowjson

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

type jsonSchema struct {
	Fields   []jsonField `json:"fields"`
	Metadata jsonMetas   `json:"metadata,omitempty"`
}

type jsonField struct {
	Name       string          `json:"name"`
	Type       jsonType        `json:"type"`
	Nullable   bool            `json:"nullable"`
	Children   []jsonField     `json:"children"`
	Dictionary *jsonDictionary `json:"dictionary,omitempty"`
	Metadata   jsonMetas       `json:"metadata,omitempty"`
}

type jsonDictionary struct {
	ID      int64    `json:"id"`
	Index   jsonType `json:"indexType"`
	Ordered bool     `json:"isOrdered"`
}

type jsonMetas []struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type jsonType struct {
	Name      string          `json:"name"`
	IsSigned  *bool           `json:"isSigned,omitempty"`
	BitWidth  int             `json:"bitWidth,omitempty"`
	Precision json.RawMessage `json:"precision,omitempty"` // of floats a word, of decimals a number
	Scale     *int            `json:"scale,omitempty"`
	ByteWidth *int            `json:"byteWidth,omitempty"`
	ListSize  *int            `json:"listSize,omitempty"`
	Unit      string          `json:"unit,omitempty"`
	Timezone  string          `json:"timezone,omitempty"`
	Sorted    *bool           `json:"keysSorted,omitempty"`
	Mode      string          `json:"mode,omitempty"`
	TypeIDs   []int32         `json:"typeIds,omitempty"`
}

// names are those of the kinds; [ipc.Kind] calls some otherwise.
var names = map[ipc.Kind]string{ipc.KindFloat: "floatingpoint", ipc.KindFixedSizeBinary: "fixedsizebinary", ipc.KindFixedSizeList: "fixedsizelist"}

func nameOf(k ipc.Kind) string {
	return cmp.Or(names[k], strings.ReplaceAll(k.String(), "_", ""))
}

func kindOf(name string) (ipc.Kind, error) {
	for k := ipc.KindNull; k <= ipc.KindLargeListView; k++ {
		if nameOf(k) == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("type %q", name)
}

var (
	units     = map[string]column.Unit{"SECOND": column.Second, "MILLISECOND": column.Millisecond, "MICROSECOND": column.Microsecond, "NANOSECOND": column.Nanosecond}
	dates     = []string{"DAY", "MILLISECOND"}
	intervals = []string{"YEAR_MONTH", "DAY_TIME", "MONTH_DAY_NANO"}
	modes     = []string{"SPARSE", "DENSE"}
	floats    = map[string]int{"HALF": 16, "SINGLE": 32, "DOUBLE": 64}
)

// keyOf returns the key of a value.
func keyOf[K, V comparable](m map[K]V, value V) (key K) {
	for k, v := range m {
		if v == value {
			key = k
		}
	}
	return key
}

func indexOf(list []string, s string) (int, error) {
	for i, x := range list {
		if x == s {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%q, want one of %q", s, list)
}

func isTrue(b *bool) bool { return b != nil && *b }

// of returns what a pointer points to, or zero.
func of(v *int) int {
	if v == nil {
		return 0
	}
	return *v
}

func (j *jsonType) typ() (t ipc.Type, err error) {
	if t.Kind, err = kindOf(j.Name); err != nil {
		return t, err
	}
	switch t.Kind {
	case ipc.KindInt:
		t.Bits, t.Signed = j.BitWidth, isTrue(j.IsSigned)
	case ipc.KindFloat:
		var word string
		err = json.Unmarshal(j.Precision, &word)
		t.Bits = floats[word]
	case ipc.KindDecimal:
		err = json.Unmarshal(j.Precision, &t.Precision)
		t.Scale, t.Bits = of(j.Scale), cmp.Or(j.BitWidth, 128)
	case ipc.KindDate:
		t.Variant, err = indexOf(dates, j.Unit)
	case ipc.KindTime:
		t.Bits, t.Unit = j.BitWidth, units[j.Unit]
	case ipc.KindTimestamp:
		t.Unit, t.Zone = units[j.Unit], j.Timezone
	case ipc.KindDuration:
		t.Unit = units[j.Unit]
	case ipc.KindInterval:
		t.Variant, err = indexOf(intervals, j.Unit)
	case ipc.KindFixedSizeBinary:
		t.Width = of(j.ByteWidth)
	case ipc.KindFixedSizeList:
		t.Width = of(j.ListSize)
	case ipc.KindMap:
		if isTrue(j.Sorted) {
			t.Variant = 1
		}
	case ipc.KindUnion:
		t.Variant, err = indexOf(modes, j.Mode)
		t.TypeIDs = j.TypeIDs
	}
	return t, err
}

func typeOf(t ipc.Type) jsonType {
	j := jsonType{Name: nameOf(t.Kind)}
	switch t.Kind {
	case ipc.KindInt:
		j.BitWidth, j.IsSigned = t.Bits, &t.Signed
	case ipc.KindFloat:
		j.Precision = quoted(keyOf(floats, t.Bits))
	case ipc.KindDecimal:
		j.Precision, j.Scale, j.BitWidth = json.RawMessage(fmt.Sprint(t.Precision)), &t.Scale, t.Bits
	case ipc.KindDate:
		j.Unit = dates[t.Variant]
	case ipc.KindTime:
		j.BitWidth, j.Unit = t.Bits, keyOf(units, t.Unit)
	case ipc.KindTimestamp:
		j.Unit, j.Timezone = keyOf(units, t.Unit), t.Zone
	case ipc.KindDuration:
		j.Unit = keyOf(units, t.Unit)
	case ipc.KindInterval:
		j.Unit = intervals[t.Variant]
	case ipc.KindFixedSizeBinary:
		j.ByteWidth = &t.Width
	case ipc.KindFixedSizeList:
		j.ListSize = &t.Width
	case ipc.KindMap:
		sorted := t.Variant == 1
		j.Sorted = &sorted
	case ipc.KindUnion:
		j.Mode, j.TypeIDs = modes[t.Variant], t.TypeIDs
	}
	return j
}

func (j *jsonField) field() (f ipc.Field, err error) {
	f = ipc.Field{Name: j.Name, Nullable: j.Nullable, Metadata: j.Metadata.pairs()}
	if f.Type, err = j.Type.typ(); err != nil {
		return f, fmt.Errorf("field %q: %w", j.Name, err)
	}
	if f.Type.Kind == ipc.KindUnion && f.Type.TypeIDs == nil {
		for i := range j.Children {
			f.Type.TypeIDs = append(f.Type.TypeIDs, int32(i))
		}
	}
	if d := j.Dictionary; d != nil {
		index, err := d.Index.typ()
		if err != nil {
			return f, fmt.Errorf("field %q: %w", j.Name, err)
		}
		f.Dictionary = &ipc.DictionaryEncoding{ID: d.ID, Index: index, Ordered: d.Ordered}
	}
	f.Children, err = fieldsOf(j.Children)
	return f, err
}

func fieldsOf(js []jsonField) (fields []ipc.Field, err error) {
	for i := range js {
		f, err := js[i].field()
		if err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func jsonFields(fields []ipc.Field) []jsonField {
	js := make([]jsonField, len(fields))
	for i := range fields {
		f := &fields[i]
		js[i] = jsonField{Name: f.Name, Type: typeOf(f.Type), Nullable: f.Nullable, Children: jsonFields(f.Children), Metadata: metas(f.Metadata)}
		if d := f.Dictionary; d != nil {
			js[i].Dictionary = &jsonDictionary{d.ID, typeOf(d.Index), d.Ordered}
		}
	}
	return js
}

func (j jsonMetas) pairs() (kvs []ipc.KeyValue) {
	for _, kv := range j {
		kvs = append(kvs, ipc.KeyValue{Key: kv.Key, Value: kv.Value})
	}
	return kvs
}

func metas(kvs []ipc.KeyValue) (j jsonMetas) {
	for _, kv := range kvs {
		j = append(j, struct {
			Key   string `json:"key"`
			Value string `json:"value"`
		}{kv.Key, kv.Value})
	}
	return j
}

func quoted(s string) json.RawMessage {
	p, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings always can
	}
	return p
}
