package feed_test

import (
	"bytes"
	"context"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// TestAllocationsOfRows counts what rows cost, in steady state. Append of a writer and of a batcher: nothing for a row. AppendTo and
// Rows: nothing for a row, and for a batch one piece of memory for the texts of each column and one for what the pointers of each
// column lead to, or the items of its lists; a map is its row's own. Row: one for each text, and for each pointer.
func TestAllocationsOfRows(t *testing.T) {
	if race || mem.Debug || !column.Native {
		t.Skip("goals of release builds on native hosts")
	}
	t.Run("trade", func(t *testing.T) { allocationsOfRows(t, feed.TradeTable, rows[feed.Trade](t, 256)) })
	t.Run("all", func(t *testing.T) { allocationsOfRows(t, feed.AllTable, rows[feed.All](t, 256)) })
	t.Run("every", func(t *testing.T) { allocationsOfRows(t, feed.EveryTable, rows[feed.Every](t, 256)) })
	t.Run("quote", func(t *testing.T) { // fixed-width and dictionary columns alone
		list := make([]feed.Quote, 256)
		for i := range list {
			list[i] = feed.Quote{Symbol: string(rune('A' + i%20)), Bid: float64(i)}
		}
		if n := allocationsOfRows(t, feed.QuoteTable, list); n != 0 {
			t.Errorf("%d columns have texts or pointers", n)
		}
	})
	t.Run("nested", func(t *testing.T) { allocationsOfRows(t, feed.NestedTable, examples[feed.Nested](t, 256)) })
	t.Run("tree", func(t *testing.T) { allocationsOfRows(t, feed.TreeTable, examples[feed.Tree](t, 256)) })
}

// pieces returns how many pieces of memory the rows of a batch have at most: one for each text, pointer and list in their type.
func pieces(typ reflect.Type, tag string) (n int) {
	switch {
	case typ == timeType || typ.Kind() == reflect.String && strings.Contains(tag, "dict"):
		return 0
	case strings.Contains(tag, "dict") && (typ.Kind() != reflect.Pointer && typ.Kind() != reflect.Slice):
		return 0
	}
	switch typ.Kind() {
	case reflect.String:
		return 1
	case reflect.Slice:
		if typ.Elem().Kind() == reflect.Uint8 {
			return 1
		}
		return 1 + pieces(typ.Elem(), tag)
	case reflect.Pointer:
		return 1 + pieces(typ.Elem(), tag)
	case reflect.Array:
		return pieces(typ.Elem(), tag)
	case reflect.Map:
		return pieces(typ.Key(), "") + pieces(typ.Elem(), "")
	case reflect.Struct:
		for i := range typ.NumField() {
			f := typ.Field(i)
			inner := f.Tag.Get("arrow")
			if strings.HasPrefix(typ.Name(), "Null[") {
				inner = tag
			}
			if inner != "-" && f.IsExported() {
				n += pieces(f.Type, inner)
			}
		}
	}
	return n
}

// maps counts those of a row.
func maps(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			n = maps(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			n += maps(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += maps(v.Field(i))
		}
	case reflect.Map:
		if !v.IsNil() {
			n++
		}
		for i := v.MapRange(); i.Next(); {
			n += maps(i.Value())
		}
	}
	return n
}

// allocationsOfRows returns how many pieces of memory a batch may have.
func allocationsOfRows[R any, B batch[R], W rt.Builder[R]](t *testing.T, table *rt.Table[R, B, W], all []R) int {
	ctx := context.Background()
	appendAll := func(to interface {
		Append(context.Context, R) error
	},
	) {
		for i := range all {
			if err := to.Append(ctx, all[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := rt.NewWriter(table, io.Discard, &rt.WriterOptions{BatchRows: len(all)})
	appendAll(w)
	if n := testing.AllocsPerRun(20, func() { appendAll(w) }); n != 0 {
		t.Errorf("Writer.Append: %v allocations for %d rows", n, len(all))
	}
	b := rt.NewBatcher(rt.NewWriter(table, io.Discard, nil), &rt.BatcherOptions{BatchRows: len(all)})
	for range 3 {
		appendAll(b)
	}
	// A row that has to wait costs something: mostly the first of a batch, more where processors are slow.
	if n := testing.AllocsPerRun(20, func() { appendAll(b) }); n > float64(len(all)/16) {
		t.Errorf("Batcher.Append: %v allocations for %d rows", n, len(all))
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}

	var stream bytes.Buffer
	w = rt.NewWriter(table, &stream, nil)
	send := func() {
		appendAll(w)
		if err := w.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	send()
	first := stream.Len()
	send()
	one := stream.Bytes()[first:]
	most := pieces(reflect.TypeFor[R](), "")
	own := 0 // maps have one or two pieces, and more where they grow
	for i := range all {
		own += 3 * maps(reflect.ValueOf(all[i]))
	}
	r := rt.NewReader(table, io.MultiReader(&stream, &again{p: bytes.Clone(one)}), &rt.ReaderOptions{Pool: mem.NewPool(nil)})
	next := func() B {
		batch, err := r.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return batch
	}
	var dst []R
	appendTo := func() {
		batch := next()
		dst = batch.AppendTo(dst[:0])
		batch.Release()
	}
	for range 20 {
		appendTo()
	}
	if n := testing.AllocsPerRun(20, appendTo); n > float64(most+own) {
		t.Errorf("AppendTo: %v allocations for %d rows, want at most %d, and %d for maps", n, len(all), most, own)
	}
	const batches = 50
	read := func() {
		n := 0
		for _, err := range r.Rows(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == batches*len(all) {
				break
			}
		}
	}
	// Those of the call itself are the rows and what they are yielded by.
	if n := testing.AllocsPerRun(2, read); n > float64(batches*(most+own)+10) {
		t.Errorf("Rows: %v allocations for %d batches, want at most %d each, and %d for maps", n, batches, most, own)
	}
	if own == 0 {
		batch := next()
		for i := range 8 {
			want := values(reflect.ValueOf(all[i]), "")
			if n := testing.AllocsPerRun(20, func() { batch.Row(i) }); n > float64(want) {
				t.Errorf("Row(%d): %v allocations, want at most %d", i, n, want)
			}
		}
	}
	return most
}

// values counts the texts and pointers of a row without maps.
func values(v reflect.Value, tag string) (n int) {
	switch v.Kind() {
	case reflect.String:
		if v.Len() > 0 && !strings.Contains(tag, "dict") {
			n = 1
		}
	case reflect.Slice:
		n = 1
		if v.IsNil() {
			n = 0
		} else if v.Type().Elem().Kind() != reflect.Uint8 {
			for i := range v.Len() {
				n += values(v.Index(i), tag)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			n += values(v.Index(i), tag)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			n = 1 + values(v.Elem(), tag)
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return 0
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			inner := f.Tag.Get("arrow")
			if strings.HasPrefix(v.Type().Name(), "Null[") {
				inner = tag
			}
			if inner != "-" {
				n += values(v.Field(i), inner)
			}
		}
	}
	return n
}
