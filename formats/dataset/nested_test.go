package dataset_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/formats/dataset"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// encoded is a source of one batch: the values, one of which may be null, as a dictionary that has each of them, and a null row.
func encoded(t *testing.T, f ipc.Field, index ipc.Type, values ...string) dataset.Source {
	t.Helper()
	plain := f
	plain.Dictionary = nil
	b, err := linesOf(t, plain, values...).Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n, width := len(values), index.Bits/8
	d := column.Data{Len: n + 1, Nulls: 1, Buffers: [3][]byte{{1<<n - 1}, make([]byte, (n+1)*width)}, Dictionary: column.ColumnDictionary(b.Column(0))}
	d.Values = d.Dictionary.Values()
	for i := range n {
		d.Buffers[1][i*width] = byte(i)
	}
	f.Dictionary = &ipc.DictionaryEncoding{Index: index}
	return &once{schema: (&ipc.Schema{Fields: []ipc.Field{f}}).WithIDs(), columns: []column.Data{d}}
}

// TestConcatNested puts sources together in which bools and nested values have a dictionary, of whichever indices, or none.
func TestConcatNested(t *testing.T) {
	item := ipc.Field{Name: "item", Type: ipc.Int32, Nullable: true}
	text := ipc.Field{Name: "b", Type: ipc.Utf8, Nullable: true}
	for _, c := range []struct {
		field  ipc.Field
		values []string
	}{
		{ipc.Field{Type: ipc.Bool}, []string{"true", "null", "false", "true"}},
		{ipc.Field{Type: ipc.List, Children: []ipc.Field{item}}, []string{"[1,null]", "null", "[]", "[1,null]", "[2]"}},
		{ipc.Field{Type: ipc.Struct, Children: []ipc.Field{item, text}}, []string{`{"item":1,"b":"x"}`, "null", `{"item":null,"b":null}`}},
		{ipc.Field{Type: ipc.FixedSizeList(2), Children: []ipc.Field{text}}, []string{`["a","b"]`, "null", `[null,"c"]`}},
	} {
		f := c.field
		f.Name, f.Nullable = "v", true
		ways := []func() (dataset.Source, *ipc.Field){func() (dataset.Source, *ipc.Field) {
			return linesOf(t, f, append(slices.Clone(c.values), "null")...), &f
		}}
		for _, index := range []ipc.Type{ipc.Int8, ipc.Uint16, ipc.Int32, ipc.Uint64} {
			ways = append(ways, func() (dataset.Source, *ipc.Field) {
				coded := f
				coded.Dictionary = &ipc.DictionaryEncoding{Index: index}
				return encoded(t, f, index, c.values...), &coded
			})
		}
		var want []string
		for range 3 {
			for _, v := range append(slices.Clone(c.values), "null") {
				want = append(want, v+" ")
			}
		}
		for i, one := range ways {
			for k, other := range ways {
				first, field := one()
				second, _ := other()
				third, _ := one()
				all, err := dataset.Concat(ctx, []dataset.Source{first, second, third}, dataset.FitOptions{})
				if err != nil {
					t.Fatalf("%v: %d after %d: %v", &f, k, i, err)
				}
				have, err := gather(&ipc.Schema{Fields: []ipc.Field{*field}}, func() (ipc.Batch, error) { return all.Next(ctx) })
				if err != nil {
					t.Fatalf("%v: %d after %d: %v", &f, k, i, err)
				}
				if !slices.Equal(have.rows, want) {
					t.Errorf("%v: %d after %d:\n%q, want\n%q", &f, k, i, have.rows, want)
				}
			}
		}
	}
	// Numbers come out of their dictionary and widen.
	narrow := ipc.Field{Name: "v", Type: ipc.Int32, Nullable: true, Dictionary: &ipc.DictionaryEncoding{Index: ipc.Int8}}
	for _, wide := range []ipc.Field{{Name: "v", Type: ipc.Int64, Nullable: true}, {Name: "v", Type: ipc.Int64, Nullable: true, Dictionary: narrow.Dictionary}} {
		all, err := dataset.Concat(ctx, []dataset.Source{linesOf(t, wide, "1"), linesOf(t, narrow, "-2", "null")}, dataset.FitOptions{})
		if err != nil {
			t.Fatal(err)
		}
		have, err := gather(&ipc.Schema{Fields: []ipc.Field{wide}}, func() (ipc.Batch, error) { return all.Next(ctx) })
		if err != nil || !slices.Equal(have.rows, []string{"1 ", "-2 ", "null "}) {
			t.Errorf("%v: %v %v", &wide, have, err)
		}
		if _, err := dataset.Concat(ctx, []dataset.Source{linesOf(t, narrow, "1"), linesOf(t, wide, "-2")}, dataset.FitOptions{}); !errors.Is(err, ipc.ErrUnsupported) {
			t.Errorf("%v does not become %v: %v", &wide, &narrow, err)
		}
	}
	// More values than there are indices.
	var list []string
	for i := range 200 {
		list = append(list, "["+strings.Repeat("1,", i)+"1]")
	}
	lists := ipc.Field{Name: "v", Type: ipc.List, Nullable: true, Children: []ipc.Field{item}}
	all, err := dataset.Concat(ctx, []dataset.Source{encoded(t, lists, ipc.Int8, "[1]"), linesOf(t, lists, list...)}, dataset.FitOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = all.Next(ctx)
	}
	if !errors.Is(err, column.ErrDictionaryFull) || !strings.Contains(err.Error(), `column "v"`) {
		t.Errorf("%v, want an error of the dictionary", err)
	}
}
