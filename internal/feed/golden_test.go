package feed_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	_ "github.com/lightstream-go/lightstream/compress/lz4"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/internal/feed/feedtest"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var timeType = reflect.TypeFor[time.Time]()

var update = flag.Bool("update", false, "rewrite the golden streams")

// TestGoldenStreams wants the bytes of streams and files of each table to be the same on every host: they were written on a
// little-endian one, and CI compares them on big-endian and 32-bit ones as well. What is read of them there are the rows that were
// written, made anew, so that bytes swapped twice are noticed.
func TestGoldenStreams(t *testing.T) {
	t.Run("trade", func(t *testing.T) {
		list := rows[feed.Trade](t, 200)
		for i := range list {
			list[i].Symbol = fmt.Sprint("symbol ", i/7)
		}
		golden(t, feed.TradeTable, list, true, difference)
	})
	t.Run("all", func(t *testing.T) { golden(t, feed.AllTable, rows[feed.All](t, 9), false, difference) })
	t.Run("every", func(t *testing.T) { golden(t, feed.EveryTable, rows[feed.Every](t, 9), false, difference) })
	t.Run("nested", func(t *testing.T) {
		golden(t, feed.NestedTable, examples[feed.Nested](t, 9), false, feedtest.Difference)
	})
	t.Run("tree", func(t *testing.T) { golden(t, feed.TreeTable, examples[feed.Tree](t, 9), false, feedtest.Difference) })
}

// examples are random rows that are the same in each run, on each host.
func examples[R any](t *testing.T, n int) []R {
	list := make([]R, n)
	for i := range list {
		list[i] = rapid.Custom(feedtest.Draw[R]).Example(i)
		single(reflect.ValueOf(&list[i]).Elem())
	}
	return list
}

// single leaves one entry in each map: the order of several is that of the day.
func single(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			single(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				single(v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			single(v.Index(i))
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return bytes.Compare(fmt.Append(nil, a), fmt.Append(nil, b)) })
		for i, key := range keys {
			if i > 0 {
				v.SetMapIndex(key, reflect.Value{})
				continue
			}
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			single(value)
			v.SetMapIndex(key, value)
		}
	}
}

// golden compares ways to write rows with what is kept, and reads that.
func golden[R any, B batch[R], W rt.Builder[R]](t *testing.T, table *rt.Table[R, B, W], all []R, more bool, difference func(a, b any) string) {
	write := func(open func(dst io.Writer) *rt.Writer[R, B, W]) []byte {
		var buf bytes.Buffer
		w := open(&buf)
		b := table.NewBuilder(nil)
		for part := range slices.Chunk(all, max(3, len(all)/4)) { // dictionaries grow from one to the next
			b.Reset()
			b.AppendRows(part)
			if err := w.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	stream := func(opts *rt.WriterOptions) []byte {
		return write(func(dst io.Writer) *rt.Writer[R, B, W] { return rt.NewWriter(table, dst, opts) })
	}
	made := map[string][]byte{".arrows": stream(nil)}
	if more {
		made[".deltas.arrows"] = stream(&rt.WriterOptions{Dictionaries: ipc.DeltaDictionaries})
		made[".lz4.arrows"] = stream(&rt.WriterOptions{Compression: ipc.LZ4})
		made[".zstd.arrows"] = stream(&rt.WriterOptions{Compression: ipc.ZSTD})
		made[".arrow"] = write(func(dst io.Writer) *rt.Writer[R, B, W] { return rt.NewFileWriter(table, dst, nil) })
	}
	for name, got := range made {
		name = filepath.Join("testdata", filepath.Base(t.Name())+name)
		if *update {
			if err := os.WriteFile(name, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if compressed := strings.Contains(name, "lz4") || strings.Contains(name, "zstd"); compressed && len(all) > 100 && len(got) > len(made[".arrows"])/2 {
			t.Errorf("%s: %d bytes are hardly compressed", name, len(got))
		}
		if !bytes.Equal(got, want) {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			t.Errorf("%s: %d bytes, want %d; from byte %d on %x, want %x", name, len(got), len(want), at, got[at:min(at+16, len(got))], want[at:min(at+16, len(want))])
		}
		var read []R
		if filepath.Ext(name) == ".arrow" {
			f, err := rt.NewFileReader(table, bytes.NewReader(want), int64(len(want)), nil)
			if err != nil {
				t.Fatal(err)
			}
			for row, err := range f.Rows(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				read = append(read, row)
			}
		} else {
			for row, err := range rt.NewReader(table, bytes.NewReader(want), nil).Rows(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				read = append(read, row)
			}
		}
		if len(read) != len(all) {
			t.Fatalf("%s: %d rows, want %d", name, len(read), len(all))
		}
		for i := range all {
			if d := difference(all[i], read[i]); d != "" {
				t.Errorf("%s, row %d: %s", name, i, d)
			}
		}
	}
}
