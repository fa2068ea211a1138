package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

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
	text := ipc.Field{Name: "s", Type: ipc.Utf8}
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
		{text, bad, "s\na\na\n"},
		{list, column.Data{Len: 3, Buffers: [3][]byte{nil, offsets.Data().Buffers[1]}, Children: []column.Data{bad}}, "l\n\"[\"\"a\"\"]\"\n\"[\"\"a\"\"]\"\n"},
		{dict, column.Data{Len: 3, Buffers: [3][]byte{nil, {0, 1, 2}}, Dictionary: values, Values: values.Values()}, "d\na\na\n"},
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

// TestQuotes wants quotes around each text that would be read as something else, whatever place makes it so.
func TestQuotes(t *testing.T) {
	for _, comma := range []byte{',', ';', '\t', '|'} {
		w := NewWriter(io.Discard, &ipc.Schema{}, &WriterOptions{Comma: comma, Null: "NULL"})
		for n := range 20 {
			for at := range n {
				for c := range 256 {
					s := strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("a", n-at-1)
					want := s
					if c == int(comma) || c == '"' || c == '\n' || c == '\r' || c == ' ' && (at == 0 || at == n-1) {
						want = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
					}
					if got := string(w.text(nil, []byte(s))); got != want {
						t.Fatalf("%q: %s, want %s", s, got, want)
					}
				}
			}
		}
		for s, want := range map[string]string{"": `""`, "NULL": `"NULL"`, "NULLS": "NULLS"} {
			if got := string(w.text(nil, []byte(s))); got != want {
				t.Errorf("%q: %s, want %s", s, got, want)
			}
		}
	}
}

// TestWriterMaxRow wants the rows before one whose list shares its items too often, and an error that names the limit.
func TestWriterMaxRow(t *testing.T) {
	list := ipc.Field{Name: "l", Type: ipc.Type{Kind: ipc.KindListView}, Children: []ipc.Field{{Name: "item", Type: ipc.Int8}}}
	s := &ipc.Schema{Fields: []ipc.Field{list, list}}
	var sizes column.FixedBuilder[int32]
	sizes.AppendAll([]int32{1, 1000})
	d := column.Data{
		Len: 2, Buffers: [3][]byte{nil, make([]byte, 8), sizes.Data().Buffers[1]},
		Children: []column.Data{{Len: 1000, Buffers: [3][]byte{nil, make([]byte, 1000)}}},
	}
	for most, refused := range map[int64]bool{0: false, 1000: true, 3000: true, 10_000: false} {
		var buf bytes.Buffer
		err := NewWriter(&buf, s, &WriterOptions{MaxRow: most}).Write(t.Context(), 2, []column.Data{d, d})
		var v *column.ValueError
		if refused && (!errors.Is(err, ipc.ErrLimit) || !strings.Contains(err.Error(), "MaxRow") || !errors.As(err, &v) || v.Row != 1) || !refused && err != nil {
			t.Errorf("%d bytes: %v", most, err)
		}
		if lines := strings.Count(buf.String(), "\n"); refused && lines != 2 || !refused && lines != 3 {
			t.Errorf("%d bytes: %d lines", most, lines)
		}
	}
}

// TestWriterNamesTwice wants columns of one name to be written, and a struct with two such fields, which is JSON, to be refused by name.
func TestWriterNamesTwice(t *testing.T) {
	a := ipc.Field{Name: "a", Type: ipc.Int8}
	var b column.FixedBuilder[int8]
	b.Append(1)
	var out bytes.Buffer
	w := NewWriter(&out, &ipc.Schema{Fields: []ipc.Field{a, a}}, nil)
	if err := w.Write(t.Context(), 1, []column.Data{b.Data(), b.Data()}); err != nil || out.String() != "a,a\n1,1\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	out.Reset()
	w = NewWriter(&out, &ipc.Schema{Fields: []ipc.Field{a, {Name: "s", Type: ipc.Struct, Children: []ipc.Field{a, a}}}}, nil)
	err := w.Write(t.Context(), 0, make([]column.Data, 2))
	if !strings.Contains(fmt.Sprint(err), `"s.a"; nested values`) || w.Err() != err || w.Close() != err || out.Len() != 0 || !errors.Is(err, ipc.ErrUnsupported) {
		t.Errorf("%v, %q", err, out.String())
	}
	w = NewWriter(&out, &ipc.Schema{Fields: []ipc.Field{{Name: "s", Type: ipc.Struct, Children: []ipc.Field{a, a}}}}, &WriterOptions{RepeatKeys: true})
	s := column.Data{Len: 1, Children: []column.Data{b.Data(), b.Data()}}
	if err := w.Write(t.Context(), 1, []column.Data{s}); err != nil || out.String() != "s\n\"{\"\"a\"\":1,\"\"a\"\":1}\"\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestShortTexts wants a text of any short length, with a byte of each kind at any place and with others behind it, to be printed as
// longer ones are.
func TestShortTexts(t *testing.T) {
	for _, opts := range []*WriterOptions{nil, {Comma: ';'}, {Null: "aaa"}, {Comma: '\t', Null: "x"}} {
		w := NewWriter(io.Discard, &ipc.Schema{Fields: []ipc.Field{{Name: "s", Type: ipc.Utf8}}}, opts)
		taken := 0
		for n := range 30 {
			for at := range n + 10 {
				for _, c := range []byte{'x', '"', ',', ';', '\n', '\r', '\t', 0, ' ', 0x7F, 0x80, 0xFF, 'a'} {
					for _, behind := range []int{0, 4, 60} {
						text := bytes.Repeat([]byte("a"), 3+n+behind)
						if at+3 < len(text) {
							text[at+3] = c
						}
						d := &column.Data{Len: 1, Buffers: [3][]byte{1: {3, 0, 0, 0, byte(3 + n), 0, 0, 0}, 2: text}}
						to, ok := w.short([]byte("<"), d, 0)
						if !ok {
							continue
						}
						taken++
						if want := "<" + string(w.text(nil, text[3:3+n])); string(to) != want {
							t.Fatalf("%+v: %q is printed as %q", opts, text[3:3+n], to)
						}
					}
				}
			}
		}
		if taken == 0 {
			t.Error("no text is short")
		}
	}
}

// TestWriterOptions refuses what would write a file that reads as another: separators that mean something else, and texts of nulls that would
// have to be in quotes. Nothing is written then.
func TestWriterOptions(t *testing.T) {
	s := &ipc.Schema{Fields: []ipc.Field{{Name: "a", Type: ipc.Binary}}}
	for _, c := range []struct {
		opts WriterOptions
		want string
	}{
		{WriterOptions{Comma: '\n'}, `WriterOptions.Comma is "\n"`},
		{WriterOptions{Comma: '\r'}, `WriterOptions.Comma is "\r"`},
		{WriterOptions{Comma: '"'}, `WriterOptions.Comma is "\""`},
		{WriterOptions{Comma: 0xFF}, `WriterOptions.Comma is "\xff"`},
		{WriterOptions{Null: "a\nb"}, `WriterOptions.Null is "a\nb", want a text without "\n"`},
		{WriterOptions{Null: "a\r"}, `without "\r"`},
		{WriterOptions{Null: `"`}, `without "\""`},
		{WriterOptions{Null: "a,b"}, `without ","`},
		{WriterOptions{Comma: ';', Null: "a;b"}, `without ";"`},
		{WriterOptions{Comma: ';', Null: "a,b"}, ""},
	} {
		var buf bytes.Buffer
		w := NewWriter(&buf, s, &c.opts)
		first := w.Err()
		for _, err := range []error{first, w.Write(t.Context(), 2, []column.Data{binaries("x", "y")}), w.Close()} {
			if err != first || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: %v, want %q", c.opts, err, c.want)
			}
		}
		if c.want != "" && buf.Len() != 0 {
			t.Errorf("%+v: %q was written", c.opts, buf.String())
		}
	}
	for _, null := range []string{"a,b", "a\"", "a\n"} {
		if _, err := NewReader(strings.NewReader("a\n"), &Options{Nulls: []string{null}}); err == nil || !strings.Contains(err.Error(), "Options.Nulls") {
			t.Errorf("a reader takes %q for a text of nulls: %v", null, err)
		}
	}
}
