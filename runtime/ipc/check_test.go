package ipc_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func TestChecker(t *testing.T) {
	item := func(typ ipc.Type) []ipc.Field { return []ipc.Field{{Name: "item", Type: typ}} }
	i32 := func(v ...int32) []byte { return column.Bytes(v) }
	ints := func(v ...int32) column.Data {
		return column.Data{Len: len(v), Buffers: [3][]byte{nil, i32(v...)}}
	}
	fixed := column.Data{Len: 2, Buffers: [3][]byte{nil, i32(1, 2)}}
	dict := column.NewDictionary(0)
	dict.Append("a", false)
	for _, c := range []struct {
		f    ipc.Field
		d    column.Data
		want string // "" is fine
		deep bool   // only Contents finds it
	}{
		{f: ipc.Field{Type: ipc.Int32}, d: fixed},
		{f: ipc.Field{Type: ipc.Int32}},
		{f: ipc.Field{Type: ipc.Int64}, d: fixed, want: "x.values: 8 bytes, the rows need 16"},
		{f: ipc.Field{Type: ipc.Int8}, d: fixed, want: "x.values: 8 bytes, the rows need 2"},
		{f: ipc.Field{Type: ipc.Bool}, d: column.Data{Len: 9, Buffers: [3][]byte{nil, {1}}}, want: "x.values: 1 bytes, the rows need 2"},
		{f: ipc.Field{Type: ipc.Int32, Nullable: true}, d: column.Data{Len: 2, Nulls: 1, Buffers: fixed.Buffers}, want: "x.validity: no bitmap for 1 nulls"},
		{f: ipc.Field{Type: ipc.Int32, Nullable: true}, d: column.Data{Len: 2, Nulls: 3, Buffers: fixed.Buffers}, want: "x.validity: 3 nulls in 2 rows"},
		{f: ipc.Field{Type: ipc.Int32, Nullable: true}, d: column.Data{Len: 2, Nulls: 1, Buffers: [3][]byte{{1, 0}, i32(1, 2)}}, want: "x.validity: 2 bytes, the rows need 1"},
		{f: ipc.Field{Type: ipc.Int32, Nullable: true}, d: column.Data{Len: 2, Nulls: 1, Buffers: [3][]byte{{0}, i32(1, 2)}}, want: "x.validity: 2 rows are null, null_count says 1", deep: true},
		{f: ipc.Field{Type: ipc.Int32}, d: column.Data{Len: 2, Nulls: 1, Buffers: [3][]byte{{1}, i32(1, 2)}}, want: `column "x", row 1: null in a column that is not nullable`},
		{f: ipc.Field{Type: ipc.Null, Nullable: true}, d: column.Data{Len: 2, Nulls: 2}},

		{f: ipc.Field{Type: ipc.Utf8}, d: column.Data{Len: 2, Buffers: [3][]byte{nil, i32(0, 1, 1), []byte("a")}}},
		{f: ipc.Field{Type: ipc.Utf8}, d: column.Data{Buffers: [3][]byte{nil, i32(0)}}},
		{f: ipc.Field{Type: ipc.Utf8}, d: column.Data{Len: 2, Buffers: [3][]byte{nil, i32(0, 1), []byte("a")}}, want: "x.offsets: 8 bytes, the rows need 12"},
		{f: ipc.Field{Type: ipc.Utf8}, d: column.Data{Len: 2, Buffers: [3][]byte{nil, i32(0, 1, 2), []byte("a")}}, want: "x.offsets: from 0 to 2 of 1 bytes"},
		{f: ipc.Field{Type: ipc.Utf8}, d: column.Data{Len: 2, Buffers: [3][]byte{nil, i32(0, 2, 1), []byte("a")}}, want: "x.offsets: offset 1 is 2", deep: true},
		{f: ipc.Field{Type: ipc.Utf8View}, d: column.Data{Len: 1, Buffers: [3][]byte{nil, i32(20, 0, 0, 0)}}, want: "x.views: row 0 points outside its 0 data buffers", deep: true},
		{f: ipc.Field{Type: ipc.Utf8View}, d: column.Data{Len: 1, Buffers: [3][]byte{nil, i32(2, 0)}}, want: "x.views: 8 bytes, the rows need 16"},

		{f: ipc.Field{Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int32)}, d: fixed, want: "x.dictionary: it is absent"},
		{f: ipc.Field{Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int32)}, d: column.Data{Len: 2, Buffers: [3][]byte{nil, i32(0, 1)}, Dictionary: dict, Values: dict.Values()}, want: "x.indices: row 1 is outside the dictionary of 1 values", deep: true},

		{f: ipc.Field{Type: ipc.Type{Kind: ipc.KindList}, Children: item(ipc.Int32)}, d: column.Data{Len: 1, Buffers: [3][]byte{nil, i32(0, 2)}, Children: []column.Data{fixed}}},
		{f: ipc.Field{Type: ipc.Type{Kind: ipc.KindList}, Children: item(ipc.Int32)}, d: column.Data{Len: 1, Buffers: [3][]byte{nil, i32(0, 2)}}, want: "x.children: 0 columns, the schema has 1"},
		{f: ipc.Field{Type: ipc.Type{Kind: ipc.KindList}, Children: item(ipc.Int32)}, d: column.Data{Len: 1, Buffers: [3][]byte{nil, i32(0, 3)}, Children: []column.Data{fixed}}, want: "x.offsets: from 0 to 3 of 2 items"},
		{f: ipc.Field{Type: ipc.Type{Kind: ipc.KindList}, Children: item(ipc.Int64)}, d: column.Data{Len: 1, Buffers: [3][]byte{nil, i32(0, 2)}, Children: []column.Data{fixed}}, want: "x.item.values: 8 bytes, the rows need 16"},
		{f: ipc.Field{Type: ipc.Type{Kind: ipc.KindFixedSizeList, Width: 2}, Children: item(ipc.Int32)}, d: column.Data{Len: 2, Children: []column.Data{fixed}}, want: "x.item.length: 2 rows, the column above it needs 4"},
		{f: ipc.Field{Type: ipc.Type{Kind: ipc.KindStruct}, Children: item(ipc.Int32)}, d: column.Data{Len: 3, Children: []column.Data{fixed}}, want: "x.item.length: 2 rows, the column above it needs 3"},
		{f: ipc.Field{Type: ipc.Type{Kind: ipc.KindListView}, Children: item(ipc.Int32)}, d: column.Data{Len: 1, Buffers: [3][]byte{nil, i32(1), i32(2)}, Children: []column.Data{fixed}}, want: "x.offsets: row 0 is 2 items from 1 on, there are 2", deep: true},
		{f: ipc.Field{Type: ipc.Type{Kind: ipc.KindUnion, Variant: 1}, Children: item(ipc.Int32)}, d: column.Data{Len: 1, Buffers: [3][]byte{nil, {0}, i32(2)}, Children: []column.Data{fixed}}, want: "x.offsets: row 0 is item 2 of a child with 2", deep: true},
		{f: ipc.Field{Type: ipc.Type{Kind: ipc.KindUnion}, Children: item(ipc.Int32)}, d: column.Data{Len: 1, Buffers: [3][]byte{nil, {7}}, Children: []column.Data{fixed}}, want: "x.types: row 0 has type id 7", deep: true},
		{f: ipc.Field{Type: ipc.Type{Kind: ipc.KindRunEndEncoded}, Children: append(item(ipc.Int32), item(ipc.Int32)...)}, d: column.Data{Len: 4, Children: []column.Data{ints(1, 3), fixed}}, want: "x.run_ends: the last run ends at 3 of 4 rows", deep: true},
		{f: ipc.Field{Type: ipc.Type{Kind: ipc.KindRunEndEncoded}, Children: append(item(ipc.Int32), item(ipc.Int32)...)}, d: column.Data{Len: 2, Children: []column.Data{ints(1, 2, 3), fixed}}, want: "x.run_ends: 3 run ends, 0 of them null, for 2 values"},
	} {
		c.f.Name = "x"
		check := ipc.NewChecker(&ipc.Schema{Fields: []ipc.Field{c.f}})
		err := check.Column(0, &c.d, 0)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %q", &c.f, err, c.want)
		}
		if err != nil && !errors.Is(err, ipc.ErrMalformed) && !errors.Is(err, column.ErrNotNullable) {
			t.Errorf("%v wraps no condition", err)
		}
		if err := check.Column(0, &c.d, ipc.Structure); (err != nil) != (c.want != "" && !c.deep) {
			t.Errorf("%v, structure alone: %v", &c.f, err)
		}
	}
}

// TestWriterRefusesShortBuffers offers columns whose buffers do not hold their rows: nothing of them is sent.
func TestWriterRefusesShortBuffers(t *testing.T) {
	for name, c := range map[string]struct {
		field ipc.Field
		data  column.Data
		says  string
	}{
		"values":        {ipc.Field{Type: ipc.Int64}, column.Data{Len: 3, Buffers: [3][]byte{nil, make([]byte, 23)}}, "x.values: 23 bytes, the rows need 24"},
		"no values":     {ipc.Field{Type: ipc.Int64}, column.Data{Len: 3}, "x.values: 0 bytes, the rows need 24"},
		"bits":          {ipc.Field{Type: ipc.Bool}, column.Data{Len: 9, Buffers: [3][]byte{nil, {0}}}, "x.values: 1 bytes, the rows need 2"},
		"validity":      {ipc.Field{Type: ipc.Int32, Nullable: true}, column.Data{Len: 9, Nulls: 1, Buffers: [3][]byte{{0}, make([]byte, 36)}}, "x.validity: 1 bytes, the rows need 2"},
		"no validity":   {ipc.Field{Type: ipc.Int32, Nullable: true}, column.Data{Len: 1, Nulls: 1, Buffers: [3][]byte{nil, make([]byte, 4)}}, "no bitmap"},
		"negative":      {ipc.Field{Type: ipc.Int32, Nullable: true}, column.Data{Len: 1, Nulls: -1, Buffers: [3][]byte{nil, make([]byte, 4)}}, "-1 nulls in 1 rows"},
		"offsets":       {ipc.Field{Type: ipc.Utf8}, column.Data{Len: 2, Buffers: [3][]byte{nil, it.I32(0, 1), {'a', 'b'}}}, "x.offsets: 8 bytes, the rows need 12"},
		"bytes":         {ipc.Field{Type: ipc.Utf8}, column.Data{Len: 2, Buffers: [3][]byte{nil, it.I32(0, 1, 3), {'a', 'b'}}}, "x.offsets: from 0 to 3 of 2 bytes"},
		"large offsets": {ipc.Field{Type: ipc.LargeBinary}, column.Data{Len: 1, Buffers: [3][]byte{nil, it.I64(0, 3), {'a', 'b'}}}, "x.offsets: from 0 to 3 of 2 bytes"},
		"views":         {ipc.Field{Type: ipc.Utf8View}, column.Data{Len: 2, Buffers: [3][]byte{nil, make([]byte, 31)}}, "x.views: 31 bytes, the rows need 32"},
		"indices":       {ipc.Field{Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int16)}, column.Data{Len: 2, Dictionary: column.NewDictionary(0), Buffers: [3][]byte{nil, make([]byte, 3)}}, "x.indices: 3 bytes, the rows need 4"},
		"below a list":  {ipc.Field{Type: ipc.Type{Kind: ipc.KindList}, Children: []ipc.Field{{Name: "item", Type: ipc.Int64}}}, column.Data{Len: 1, Buffers: [3][]byte{nil, it.I32(0, 2)}, Children: []column.Data{{Len: 2, Buffers: [3][]byte{nil, make([]byte, 8)}}}}, "x.item.values: 8 bytes, the rows need 16"},
		"a short child": {ipc.Field{Type: ipc.Type{Kind: ipc.KindList}, Children: []ipc.Field{{Name: "item", Type: ipc.Int64}}}, column.Data{Len: 1, Buffers: [3][]byte{nil, it.I32(0, 2)}, Children: []column.Data{{Len: 1, Buffers: [3][]byte{nil, make([]byte, 8)}}}}, "x.offsets: from 0 to 2 of 1 items"},
	} {
		t.Run(name, func(t *testing.T) {
			c.field.Name = "x"
			var out bytes.Buffer
			w := ipc.NewWriter(&out, &ipc.Schema{Fields: []ipc.Field{c.field}}, nil)
			err := w.Write(context.Background(), c.data.Len, []column.Data{c.data})
			if err == nil || !strings.Contains(err.Error(), c.says) || out.Len() != 0 {
				t.Fatalf("%v, want %q; %d bytes were sent", err, c.says, out.Len())
			}
			if err := w.Err(); err != nil { // it is usable
				t.Fatal(err)
			}
		})
	}
}

// TestCharacters cuts texts inside of characters, which makes values that are not valid although all of their bytes together are.
func TestCharacters(t *testing.T) {
	text := []byte("aé東🚕z")
	for _, wide := range []bool{false, true} {
		f := ipc.Field{Name: "s", Type: ipc.Utf8, Nullable: true}
		if wide {
			f.Type = ipc.LargeUtf8
		}
		check := ipc.NewChecker(&ipc.Schema{Fields: []ipc.Field{f}})
		offsets := func(at ...int64) (b []byte) {
			for _, n := range at {
				if wide {
					b = append(b, it.I64(n)...)
				} else {
					b = append(b, it.I32(int32(n))...)
				}
			}
			return b
		}
		for cut := range int64(len(text) + 1) {
			d := column.Data{Len: 2, Buffers: [3][]byte{nil, offsets(0, cut, int64(len(text))), text}}
			err := check.Column(0, &d, ipc.UTF8)
			if want := utf8.Valid(text[:cut]); (err == nil) != want {
				t.Errorf("cut at %d: %v, want valid %v", cut, err, want)
			}
			// Below a null anything may stand.
			d = column.Data{Len: 3, Nulls: 2, Buffers: [3][]byte{it.Bits(1, 0, 0), offsets(0, 0, cut, int64(len(text))), text}}
			if err := check.Column(0, &d, ipc.UTF8); err != nil {
				t.Errorf("nulls cut at %d: %v", cut, err)
			}
		}
	}
}
