package ndjson

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// binaries returns a column of bytes, which is laid out as one of text is.
func binaries(values ...string) column.Data {
	var b column.BinaryBuilder
	for _, s := range values {
		b.Append([]byte(s))
	}
	return b.Data()
}

// TestWriterRefusesInvalidText wants the rows before one whose text is not valid, an error that names it, and the rows after it.
func TestWriterRefusesInvalidText(t *testing.T) {
	plain := ipc.Field{Name: "s", Type: ipc.Utf8}
	list := ipc.Field{Name: "l", Type: ipc.Type{Kind: ipc.KindList}, Children: []ipc.Field{{Name: "item", Type: ipc.Utf8}}}
	dict := ipc.Field{Name: "d", Type: ipc.Utf8, Dictionary: &ipc.DictionaryEncoding{Index: ipc.Int8}}
	var offsets column.FixedBuilder[int32]
	offsets.AppendAll([]int32{0, 1, 2, 3})
	bad := binaries("a", "\xff", "é")
	values := column.NewDictionary(0)
	for _, s := range []string{"a", "\xff", "é"} {
		values.Append(s, false)
	}
	for _, c := range []struct {
		f    ipc.Field
		d    column.Data
		want string
	}{
		{plain, bad, "{\"s\":\"a\"}\n{\"s\":\"a\"}\n"},
		{list, column.Data{Len: 3, Buffers: [3][]byte{nil, offsets.Data().Buffers[1]}, Children: []column.Data{bad}}, "{\"l\":[\"a\"]}\n{\"l\":[\"a\"]}\n"},
		{dict, column.Data{Len: 3, Buffers: [3][]byte{nil, {0, 1, 2}}, Dictionary: values, Values: values.Values()}, "{\"d\":\"a\"}\n{\"d\":\"a\"}\n"},
	} {
		var buf bytes.Buffer
		s := &ipc.Schema{Fields: []ipc.Field{c.f}}
		w := NewWriter(&buf, s, nil)
		var v *column.ValueError
		if err := w.Write(t.Context(), 3, []column.Data{c.d}); !errors.Is(err, column.ErrUTF8) || !errors.As(err, &v) || v.Row != 1 || v.Column != c.f.Name {
			t.Fatalf("%v, want row 1 of %q to be refused", err, c.f.Name)
		}
		if err := w.Write(t.Context(), 1, []column.Data{c.d}); err != nil {
			t.Fatal(err)
		}
		if buf.String() != c.want {
			t.Errorf("%q, want %q", buf.String(), c.want)
		}
	}
}

// TestWriterMaxRow wants the rows before one whose lists share their items too often, and an error that names the limit, be it one list
// or all of a row.
func TestWriterMaxRow(t *testing.T) {
	items := ipc.Field{Name: "item", Type: ipc.Type{Kind: ipc.KindListView}, Children: []ipc.Field{{Name: "item", Type: ipc.Int8}}}
	f := ipc.Field{Name: "l", Type: ipc.Type{Kind: ipc.KindListView}, Children: []ipc.Field{items}}
	var zeros, sizes, outer column.FixedBuilder[int32]
	zeros.AppendAll(make([]int32, 100))
	for range 100 {
		sizes.Append(100)
	}
	outer.AppendAll([]int32{1, 100})
	inner := column.Data{
		Len: 100, Buffers: [3][]byte{nil, zeros.Data().Buffers[1], sizes.Data().Buffers[1]},
		Children: []column.Data{{Len: 100, Buffers: [3][]byte{nil, make([]byte, 100)}}},
	}
	d := column.Data{Len: 2, Buffers: [3][]byte{nil, make([]byte, 8), outer.Data().Buffers[1]}, Children: []column.Data{inner}}
	for columns := 1; columns <= 4; columns++ {
		s, all := &ipc.Schema{}, []column.Data(nil)
		for range columns {
			s.Fields, all = append(s.Fields, f), append(all, d)
		}
		for most, refused := range map[int64]bool{0: false, 5_000: true, 25_000: columns > 1, 1 << 20: false} {
			var buf bytes.Buffer
			err := NewWriter(&buf, s, &WriterOptions{MaxRow: most, RepeatKeys: true}).Write(t.Context(), 2, all)
			var v *column.ValueError
			if refused && (!errors.Is(err, ipc.ErrLimit) || !strings.Contains(err.Error(), "MaxRow") || !errors.As(err, &v) || v.Row != 1) || !refused && err != nil {
				t.Errorf("%d columns, %d bytes: %v", columns, most, err)
			}
			if lines := bytes.Count(buf.Bytes(), []byte("\n")); refused && lines != 1 || !refused && lines != 2 {
				t.Errorf("%d columns, %d bytes: %d lines", columns, most, lines)
			}
		}
	}
}

func structOf(name string, children ...ipc.Field) ipc.Field {
	return ipc.Field{Name: name, Type: ipc.Struct, Children: children}
}

func listOf(name string, item ipc.Field) ipc.Field {
	return ipc.Field{Name: name, Type: ipc.List, Children: []ipc.Field{item}}
}

// TestWriterRefusesNamesTwice wants a schema refused by the name of the field whose key an object would have a second time, at each
// depth, and nothing written; the names of items and of entries are no keys.
func TestWriterRefusesNamesTwice(t *testing.T) {
	a, b := ipc.Field{Name: "a", Type: ipc.Int8}, ipc.Field{Name: "b", Type: ipc.Int8}
	entries := structOf("entries", a, structOf("a", b, b))
	union := ipc.Field{Name: "u", Type: ipc.Type{Kind: ipc.KindUnion, TypeIDs: []int32{0, 1}}, Children: []ipc.Field{a, a}}
	for want, fields := range map[string][]ipc.Field{
		"":      {a, b, structOf("c", a, b), listOf("d", structOf("a", a, b)), listOf("e", a)},
		"a":     {a, b, a},
		"c.a":   {a, structOf("c", a, b, a)},
		"l.s.b": {listOf("l", structOf("item", structOf("s", b, b)))},
		"m.b":   {{Name: "m", Type: ipc.Type{Kind: ipc.KindMap}, Children: []ipc.Field{entries}}},
		"u.a":   {union},
	} {
		var out bytes.Buffer
		w := NewWriter(&out, &ipc.Schema{Fields: fields}, nil)
		err := w.Err()
		if want == "" {
			if err != nil {
				t.Errorf("%v", err)
			}
			continue
		}
		if !errors.Is(err, text.ErrTwice) || !errors.Is(err, ipc.ErrUnsupported) || !strings.Contains(err.Error(), `"`+want+`"; an object`) {
			t.Errorf("%v, want %q", err, want)
		}
		if e := w.Write(t.Context(), 0, make([]column.Data, len(fields))); e != err || w.Close() != err || out.Len() != 0 {
			t.Errorf("%v, %q", e, out.String())
		}
		if err := NewWriter(&out, &ipc.Schema{Fields: fields}, &WriterOptions{RepeatKeys: true}).Err(); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// TestWriterOmitsNulls wants no key for what is null.
func TestWriterOmitsNulls(t *testing.T) {
	a := column.Data{Len: 3, Nulls: 2, Buffers: [3][]byte{{0b001}, {1, 0, 0}}}
	b := column.Data{Len: 3, Nulls: 2, Buffers: [3][]byte{{0b010}, {0, 2, 0}}}
	s := &ipc.Schema{Fields: []ipc.Field{{Name: "a", Type: ipc.Int8, Nullable: true}, {Name: "b", Type: ipc.Int8, Nullable: true}}}
	for omit, want := range map[bool]string{
		true:  "{\"a\":1}\n{\"b\":2}\n{}\n",
		false: "{\"a\":1,\"b\":null}\n{\"a\":null,\"b\":2}\n{\"a\":null,\"b\":null}\n",
	} {
		var out bytes.Buffer
		w := NewWriter(&out, s, &WriterOptions{OmitNulls: omit})
		if err := w.Write(t.Context(), 3, []column.Data{a, b}); err != nil || out.String() != want {
			t.Errorf("%q, %v, want %q", out.String(), err, want)
		}
	}
}

// TestWriterContext wants nothing written where the context has ended, with its cause as the error, and the writer usable.
func TestWriterContext(t *testing.T) {
	cause := errors.New("cause")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	var out bytes.Buffer
	w := NewWriter(&out, &ipc.Schema{}, nil)
	if err := w.Write(ctx, 1, nil); err != cause || out.Len() != 0 {
		t.Errorf("%v, %q", err, out.String())
	}
	if err := w.Write(t.Context(), 1, nil); err != nil || out.String() != "{}\n" {
		t.Errorf("%v, %q", err, out.String())
	}
}
