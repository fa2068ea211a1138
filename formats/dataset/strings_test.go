package dataset_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/formats/dataset"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// lines is a source of one column, parsed from JSON.
type lines struct{ *ndjson.Reader }

func (lines) Close() error { return nil }

func linesOf(t *testing.T, f ipc.Field, values ...string) dataset.Source {
	t.Helper()
	in := ""
	for _, v := range values {
		in += `{"v":` + v + "}\n"
	}
	r, err := ndjson.NewReader(strings.NewReader(in), &ndjson.Options{Schema: &ipc.Schema{Fields: []ipc.Field{f}}})
	if err != nil {
		t.Fatal(err)
	}
	return lines{r}
}

// TestConcatStrings puts sources together in which a column is stored in different ways: each of them after each other.
func TestConcatStrings(t *testing.T) {
	field := func(t ipc.Type, index ...ipc.Type) ipc.Field {
		f := ipc.Field{Name: "v", Type: t, Nullable: true}
		if index != nil {
			f.Dictionary = &ipc.DictionaryEncoding{Index: index[0]}
		}
		return f
	}
	ways := func(types ...ipc.Type) (list []ipc.Field) {
		for _, typ := range types {
			list = append(list, field(typ), field(typ, ipc.Int8), field(typ, ipc.Uint16), field(typ, ipc.Int32), field(typ, ipc.Uint64))
		}
		return list
	}
	for _, c := range []struct {
		ways   []ipc.Field
		values []string
	}{
		{ways(ipc.Utf8, ipc.LargeUtf8, ipc.Utf8View), []string{`"a"`, `null`, `""`, `"a text that is longer than a view"`, `"a"`, `"ü"`, `null`, `"b"`, `"and another that is longer"`}},
		{ways(ipc.Binary, ipc.LargeBinary, ipc.BinaryView), []string{`"AQID"`, `null`, `""`, `"AQID"`}},
		{ways(ipc.Int32), []string{"7", "null", "-1", "7"}},
		{ways(ipc.FixedSizeBinary(3)), []string{`"AQID"`, `null`, `"AQIE"`}},
		{ways(ipc.Utf8), []string{`null`}},
	} {
		var want []string
		for range 3 {
			want = append(want, c.values...)
		}
		for i := range c.ways {
			for k := range c.ways {
				all, err := dataset.Concat(ctx, []dataset.Source{
					linesOf(t, c.ways[i], c.values...), linesOf(t, c.ways[k], c.values...), linesOf(t, c.ways[i], c.values...),
				}, dataset.FitOptions{})
				if err != nil {
					t.Fatal(err)
				}
				have, err := gather(&ipc.Schema{Fields: c.ways[i : i+1]}, func() (ipc.Batch, error) { return all.Next(ctx) })
				if err != nil {
					t.Fatalf("%v after %v: %v", &c.ways[k], &c.ways[i], err)
				}
				for n := range have.rows {
					have.rows[n] = strings.TrimSpace(have.rows[n])
				}
				if !slices.Equal(have.rows, want) {
					t.Errorf("%v after %v: %v, want %v", &c.ways[k], &c.ways[i], have.rows, want)
				}
			}
		}
	}
	for _, f := range []ipc.Field{field(ipc.Binary), field(ipc.Int32, ipc.Int8), field(ipc.Bool, ipc.Int8)} {
		if _, err := dataset.Concat(ctx, []dataset.Source{linesOf(t, field(ipc.Utf8)), &once{schema: &ipc.Schema{Fields: []ipc.Field{f}}}}, dataset.FitOptions{}); !errors.Is(err, ipc.ErrUnsupported) {
			t.Errorf("%v: %v", &f, err)
		}
	}
}

// TestDictionaryFull has more values come than the indices of the first source tell apart: the next dictionary takes them, unless they are
// in one batch.
func TestDictionaryFull(t *testing.T) {
	small := ipc.Field{Name: "v", Type: ipc.Utf8, Dictionary: &ipc.DictionaryEncoding{Index: ipc.Int8}}
	plain := ipc.Field{Name: "v", Type: ipc.Utf8}
	batches := func(sizes ...int) (list []ipc.Batch) {
		n := 0
		for _, size := range sizes {
			var text []byte
			offsets := make([]byte, 4)
			for range size {
				text = fmt.Appendf(text, "text %d", n)
				offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(text)))
				n++
			}
			list = append(list, ipc.NewBatch(size, []column.Data{{Len: size, Buffers: [3][]byte{1: offsets, 2: text}}}, func() {}))
		}
		return list
	}
	concat := func(sizes ...int) (*table, error) {
		all, err := dataset.Concat(ctx, []dataset.Source{linesOf(t, small, `"first"`), &several{&ipc.Schema{Fields: []ipc.Field{plain}}, batches(sizes...)}}, dataset.FitOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return gather(&ipc.Schema{Fields: []ipc.Field{small}}, func() (ipc.Batch, error) { return all.Next(ctx) })
	}
	have, err := concat(100, 28, 100, 128, 1)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(have.rows); n != 358 || have.rows[357] != `"text 356" ` || have.rows[128] != `"text 127" ` {
		t.Errorf("%d rows: %q", n, have.rows)
	}
	first, second, third := have.batches[1].Column(0), have.batches[2].Column(0), have.batches[3].Column(0)
	if first.Dictionary != second.Dictionary || first.Dictionary == third.Dictionary || !third.Dictionary.Succeeds(first.Dictionary) {
		t.Error("the dictionaries are not one that grows and one that takes its place")
	}
	if _, err := concat(1, 129); !errors.Is(err, column.ErrDictionaryFull) || !strings.Contains(err.Error(), `column "v"`) || !strings.Contains(err.Error(), "wider") {
		t.Errorf("%v, want an error of the dictionary", err)
	}
}

// several is a source of batches.
type several struct {
	schema *ipc.Schema
	list   []ipc.Batch
}

func (s *several) Schema(context.Context) (*ipc.Schema, error) { return s.schema, nil }
func (s *several) Close() error                                { return nil }

func (s *several) Next(context.Context) (b ipc.Batch, err error) {
	if len(s.list) == 0 {
		return b, io.EOF
	}
	b, s.list = s.list[0], s.list[1:]
	return b, nil
}
