package ipc_test

import (
	"bytes"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/arrowjson"
	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// checked wants the contents of a column to be right, and returns it.
func checked(t *testing.T, f *ipc.Field, d column.Data) column.Data {
	t.Helper()
	nullable := *f
	nullable.Nullable = true
	if err := ipc.NewChecker(&ipc.Schema{Fields: []ipc.Field{nullable}}).Column(0, &d, ipc.Contents); err != nil {
		t.Fatal(err)
	}
	return d
}

// gather puts columns together.
func gather(f *ipc.Field, columns ...*column.Data) (column.Data, error) {
	g := ipc.NewGatherer(f, 0)
	for _, d := range columns {
		// In two parts, of which the second does not begin with a byte of a bitmap.
		for _, part := range [][2]int{{0, d.Len / 2}, {d.Len / 2, d.Len}} {
			if err := g.Append(d, part[0], part[1]); err != nil {
				return column.Data{}, err
			}
		}
	}
	return g.Take(), nil
}

// TestSliceAndGather cuts the columns of the golden files and puts them together again.
func TestSliceAndGather(t *testing.T) {
	var cuts int
	for _, name := range goldens(t) {
		c := goldenJSON(t, name)
		for _, b := range c.Batches {
			for i := range b.Columns {
				f, d := &c.Schema.Fields[i], &b.Columns[i]
				for _, cut := range []int{0, 1, d.Len / 3, d.Len/2 + 1, d.Len} {
					if cut > d.Len {
						continue
					}
					x := checked(t, f, ipc.SliceColumn(f, d, 0, cut))
					y := checked(t, f, ipc.SliceColumn(f, d, cut, d.Len))
					all, err := gather(f, &x, &y)
					if err != nil {
						t.Fatal(err)
					}
					all = checked(t, f, all)
					of := func(d column.Data) *arrowjson.Content {
						return &arrowjson.Content{Schema: &ipc.Schema{Fields: c.Schema.Fields[i : i+1]}, Batches: []arrowjson.Batch{{Rows: d.Len, Columns: []column.Data{d}}}}
					}
					if diff := arrowjson.Diff(of(*d), of(all)); diff != "" {
						t.Fatalf("%s, column %q cut at %d: %s", name, f.Name, cut, diff)
					}
					cuts++
				}
			}
		}
	}
	if cuts < 1000 {
		t.Errorf("%d cuts", cuts)
	}
}

// TestSliceRunsAndViews is for what the golden files do not have.
func TestSliceRunsAndViews(t *testing.T) {
	runs := ipc.Field{Name: "r", Type: ipc.Type{Kind: ipc.KindRunEndEncoded}, Children: []ipc.Field{{Name: "run_ends", Type: ipc.Int16}, {Name: "values", Type: ipc.Int32, Nullable: true}}}
	d := column.Data{Len: 10, Children: []column.Data{{Len: 4, Buffers: [3][]byte{nil, it.I16(2, 5, 6, 12)}}, {Len: 4, Nulls: 1, Buffers: [3][]byte{it.Bits(1, 0, 1, 1), it.I32(7, 8, 9, 10)}}}}
	long := ipc.Field{Name: "v", Type: ipc.BinaryView}
	v, data := it.Views("one that is longer than twelve", "x", "another one that is longer")
	views := column.Data{Len: 3, Buffers: [3][]byte{nil, v}, Variadic: [][]byte{data}}
	for _, c := range []struct {
		f *ipc.Field
		d *column.Data
	}{{&runs, &d}, {&long, &views}} {
		for from := range c.d.Len + 1 {
			for to := from; to <= c.d.Len; to++ {
				x := checked(t, c.f, ipc.SliceColumn(c.f, c.d, 0, from))
				y := checked(t, c.f, ipc.SliceColumn(c.f, c.d, from, to))
				z := checked(t, c.f, ipc.SliceColumn(c.f, c.d, to, c.d.Len))
				xy, err := gather(c.f, &x, &y)
				if err != nil {
					t.Fatal(err)
				}
				xyz, err := gather(c.f, &xy, &z)
				if err != nil {
					t.Fatal(err)
				}
				xyz = checked(t, c.f, xyz)
				of := func(d column.Data) *arrowjson.Content {
					return &arrowjson.Content{Schema: &ipc.Schema{Fields: []ipc.Field{*c.f}}, Batches: []arrowjson.Batch{{Rows: d.Len, Columns: []column.Data{d}}}}
				}
				if diff := arrowjson.Diff(of(*c.d), of(xyz)); diff != "" {
					t.Fatalf("%s cut at %d and %d: %s", c.f.Name, from, to, diff)
				}
			}
		}
	}
	far := column.Data{Len: math.MaxInt16, Children: []column.Data{{Len: 1, Buffers: [3][]byte{nil, it.I16(math.MaxInt16)}}, {Len: 1, Buffers: [3][]byte{nil, it.I32(7)}}}}
	if _, err := gather(&runs, &far, &d); !errors.Is(err, column.ErrTooLong) {
		t.Error(err)
	}
}

// A gatherer refuses rows that share more than it may hold, and columns of different dictionaries.
func TestGatherLimits(t *testing.T) {
	items := column.Data{Len: 1000, Buffers: [3][]byte{nil, mem.Alloc(8000)}}
	f := ipc.Field{Name: "l", Type: ipc.ListView, Children: []ipc.Field{{Name: "item", Type: ipc.Int64}}}
	d := column.Data{Len: 100, Buffers: [3][]byte{nil, mem.Alloc(400), bytes.Repeat(it.I32(1000), 100)}, Children: []column.Data{items}}
	g := ipc.NewGatherer(&f, 100_000)
	if err := g.Append(checkedPtr(t, &f, d), 0, 12); err != nil || g.Len() != 12 {
		t.Fatal(err, g.Len())
	}
	if err := g.Append(&d, 12, 100); !errors.Is(err, ipc.ErrLimit) {
		t.Errorf("%v", err)
	}
	v, data := it.Views(strings.Repeat("x", 50_000))
	views := column.Data{Len: 3, Buffers: [3][]byte{nil, bytes.Repeat(v, 3)}, Variadic: [][]byte{data}}
	if err := ipc.NewGatherer(&ipc.Field{Name: "v", Type: ipc.Utf8View}, 100_000).Append(&views, 0, 3); !errors.Is(err, ipc.ErrLimit) {
		t.Errorf("%v", err)
	}
	of := func() column.Data {
		dict := column.NewDictionary(0)
		dict.Append("x", false)
		return column.Data{Len: 1, Buffers: [3][]byte{nil, {0}}, Dictionary: dict, Values: dict.Values()}
	}
	a, b := of(), of()
	if _, err := gather(&ipc.Field{Name: "d", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int8)}, &a, &b); err == nil {
		t.Error("two dictionaries became one")
	}
}

func checkedPtr(t *testing.T, f *ipc.Field, d column.Data) *column.Data {
	t.Helper()
	d = checked(t, f, d)
	return &d
}

// TestNestedDictionaries sends a dictionary of lists of dictionary values, in which first the outer grows, then the inner, and then
// both are exchanged.
func TestNestedDictionaries(t *testing.T) {
	field := ipc.Field{
		Name: "d", Type: ipc.Type{Kind: ipc.KindList}, Nullable: true, Dictionary: ipc.DictionaryOf(ipc.Int8),
		Children: []ipc.Field{{Name: "item", Type: ipc.Utf8, Nullable: true, Dictionary: ipc.DictionaryOf(ipc.Uint8)}},
	}
	schema := &ipc.Schema{Fields: []ipc.Field{field}}
	words := column.NewDictionary(0)
	for _, s := range []string{"a", "b"} {
		words.Append(s, false)
	}
	lists := func(words *column.Dictionary, offsets []int32, items ...int8) *column.Data {
		return &column.Data{Len: len(offsets) - 1, Buffers: [3][]byte{nil, it.I32(offsets...)}, Children: []column.Data{
			{Len: len(items), Buffers: [3][]byte{nil, it.I8(items...)}, Dictionary: words, Values: words.Values()},
		}}
	}
	outer := column.ColumnDictionary(lists(words, []int32{0, 1, 2}, 0, 1))
	row := func(d *column.Dictionary, indices ...int8) arrowjson.Batch {
		return arrowjson.Batch{Rows: len(indices), Columns: []column.Data{{Len: len(indices), Buffers: [3][]byte{nil, it.I8(indices...)}, Dictionary: d, Values: d.Values()}}}
	}
	for _, mode := range []ipc.Dictionaries{ipc.AutoDictionaries, ipc.DeltaDictionaries} {
		c := &arrowjson.Content{Schema: schema}
		c.Batches = append(c.Batches, row(outer, 1, 0))
		outer.SetColumn(lists(words, []int32{0, 1, 2, 4}, 0, 1, 1, 0))
		c.Batches = append(c.Batches, row(outer, 2, 1))
		words.Append("c", false)
		outer.SetColumn(lists(words, []int32{0, 1, 2, 4, 5}, 0, 1, 1, 0, 2))
		c.Batches = append(c.Batches, row(outer, 3, 2, 0))
		p := write(t, c, &ipc.WriterOptions{Dictionaries: mode}, true)
		same(t, "file", fileContent(t, bytes.NewReader(p), int64(len(p)), nil), c)
		other := column.NewDictionary(0)
		other.Append("x", false)
		c.Batches = append(c.Batches, row(column.ColumnDictionary(lists(other, []int32{0, 2}, 0, 0)), 0))
		p = write(t, c, &ipc.WriterOptions{Dictionaries: mode}, false)
		same(t, "stream", streamContent(t, bytes.NewReader(p), nil), c)
		outer = column.ColumnDictionary(lists(words, []int32{0, 1, 2}, 0, 1))
	}
}

// TestDeltasBelow adds to a dictionary of lists, and to the one below it, in any order. Indices are looked up in what there is when they
// come: one that is beyond it is an error, and so is one that a replacement leaves without a value.
func TestDeltasBelow(t *testing.T) {
	field := it.Field{
		Name: "d", Type: it.List, Nullable: true, Dict: &it.Dict{ID: 0, Bits: 8},
		Children: []it.Field{{Name: "item", Type: it.Utf8, Dict: &it.Dict{ID: 1, Bits: 8}}},
	}
	list := func(delta bool, items ...int8) []byte { // a value that has them
		return it.NewBatch(1).Add(1, 0, nil, it.I32(0, int32(len(items)))).Add(int64(len(items)), 0, nil, it.I8(items...)).Dictionary(0, delta)
	}
	batch := func(index int8) []byte { return it.NewBatch(1).Add(1, 0, nil, it.I8(index)).Message() }
	words := func(delta bool, list ...string) []byte { return it.Dictionary(1, delta, list...) }
	for name, c := range map[string]struct {
		parts [][]byte
		says  string
	}{
		"in order":              {[][]byte{words(false, "a"), list(false, 0), batch(0), words(true, "b"), batch(0), list(true, 1, 0), batch(1), words(true, "c"), list(true, 2), batch(2)}, ""},
		"values later":          {[][]byte{words(false, "a"), list(false, 0), batch(0), list(true, 1), words(true, "b"), batch(1)}, ""},
		"no value":              {[][]byte{words(false, "a"), list(false, 0), batch(0), list(true, 0), batch(1), list(true, 0, 1), batch(2)}, "d.dictionary.item.indices): row 3 is outside the dictionary of 1 values"},
		"no value at first":     {[][]byte{words(false, "a"), list(false, 1), batch(0)}, "row 0 is outside the dictionary of 1 values"},
		"fewer values":          {[][]byte{words(false, "a", "b"), list(false, 1), batch(0), list(true, 0), batch(1), words(false, "c"), batch(1)}, "row 0 is outside the dictionary of 1 values"},
		"fewer, then more":      {[][]byte{words(false, "a", "b"), list(false, 1), list(true, 0), batch(1), words(false, "c"), words(true, "d"), batch(1)}, ""},
		"other lists":           {[][]byte{words(false, "a"), list(false, 0), batch(0), list(true, 0), batch(1), list(false, 1), batch(0)}, "row 0 is outside the dictionary of 1 values"},
		"a null that is not to": {[][]byte{words(false, "a"), list(false, 0), batch(0), list(true, 0), batch(1), list(true, 1), it.NewBatch(1).Add(1, 1, []byte{0}, it.I32(0, 0), nil).Dictionary(1, true), batch(2)}, "row 2 stands for a null of the dictionary"},
	} {
		in := stream(append(append([][]byte{it.Schema(field)}, c.parts...), it.End)...)
		_, err := readAll(bytes.NewReader(in), nil)
		if (err == nil) != (c.says == "") || err != nil && (!errors.Is(err, ipc.ErrMalformed) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// TestDeltasAreLinear adds to a dictionary of lists, one value at a time. What is there already is not copied each time, and
// batches of the time before keep what they had.
func TestDeltasAreLinear(t *testing.T) {
	const first, deltas = 1 << 16, 200
	field := ipc.Field{
		Name: "d", Type: ipc.Type{Kind: ipc.KindList}, Nullable: true, Dictionary: ipc.DictionaryOf(ipc.Int32),
		Children: []ipc.Field{{Name: "item", Type: ipc.Bool, Nullable: true}},
	}
	offsets := make([]int32, first+deltas+1)
	for i := range offsets {
		offsets[i] = int32(i)
	}
	bits := bytes.Repeat([]byte{0b01101001}, (first+deltas+7)/8)
	valid := bytes.Repeat([]byte{0xFF}, len(bits))
	valid[0] &^= 1 << 5
	lists := func(n int) *column.Data {
		return &column.Data{Len: n, Nulls: 1, Buffers: [3][]byte{valid[:(n+7)/8], it.I32(offsets[:n+1]...)}, Children: []column.Data{{Len: n, Buffers: [3][]byte{nil, bits[:(n+7)/8]}}}}
	}
	dictionary := column.ColumnDictionary(lists(first))
	var stream bytes.Buffer
	w := ipc.NewWriter(&stream, &ipc.Schema{Fields: []ipc.Field{field}}, &ipc.WriterOptions{Dictionaries: ipc.DeltaDictionaries})
	for i := range deltas + 1 {
		dictionary.SetColumn(lists(first + i))
		rows := column.Data{Len: 1, Buffers: [3][]byte{nil, it.I32(int32(first + i - 1))}, Dictionary: dictionary, Values: dictionary.Values()}
		if err := w.Write(t.Context(), 1, []column.Data{rows}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := ipc.NewReader(&stream, nil)
	var kept []ipc.Batch
	var before, after runtime.MemStats
	for i := range deltas + 1 {
		if i == 2 { // the first delta copies what is there
			runtime.ReadMemStats(&before)
		}
		b, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, b)
	}
	runtime.ReadMemStats(&after)
	if s := r.Stats(); s.Deltas != deltas {
		t.Errorf("%d deltas, want %d", s.Deltas, deltas)
	}
	for i, b := range kept {
		values := b.Column(0).Values.Column()
		if values.Len != first+i {
			t.Fatalf("batch %d has %d values, want %d", i, values.Len, first+i)
		}
		items := &values.Children[0]
		if !bytes.Equal(items.Buffers[1][:items.Len/8], bits[:items.Len/8]) || len(items.Buffers[1]) != (items.Len+7)/8 {
			t.Fatalf("batch %d has other values", i)
		}
		if all := b.Column(0).Values; !all.IsNull(5) || all.IsNull(4) || all.IsNull(values.Len-1) || values.FirstNull() != 5 {
			t.Fatalf("batch %d has other nulls", i)
		}
	}
	// A bit for each value may be copied, and memory that grows is. Offsets alone would be 4 bytes.
	if each := (after.TotalAlloc - before.TotalAlloc) / (deltas - 1); each > 3*first/4 && !mem.Debug {
		t.Errorf("%d bytes are allocated for a delta of one value", each)
	}
}

// Lists that share lists that share are counted before anything is taken for them: those that fit get what they need at once, and of
// those that do not no memory is seen.
func TestGatherSharedLists(t *testing.T) {
	const rows, lists, items = 3, 500, 2000
	views := func(n, size int, child column.Data) column.Data {
		return column.Data{Len: n, Buffers: [3][]byte{nil, mem.Alloc(4 * n), bytes.Repeat(it.I32(int32(size)), n)}, Children: []column.Data{child}}
	}
	long, data := it.Views(strings.Repeat("x", 100))
	for name, c := range map[string]struct {
		of    ipc.Field
		items column.Data
		size  int64 // bytes of an item
	}{
		"int64": {ipc.Field{Name: "item", Type: ipc.Int64}, column.Data{Len: items, Buffers: [3][]byte{nil, mem.Alloc(8 * items)}}, 8},
		"bool":  {ipc.Field{Name: "item", Type: ipc.Bool}, column.Data{Len: items, Buffers: [3][]byte{nil, mem.Alloc(items / 8)}}, 0},
		"views": {ipc.Field{Name: "item", Type: ipc.Utf8View}, column.Data{Len: items, Buffers: [3][]byte{nil, bytes.Repeat(long, items)}, Variadic: [][]byte{data}}, 116},
		"texts": {ipc.Field{Name: "item", Type: ipc.Utf8}, column.Data{Len: items, Buffers: [3][]byte{nil, mem.Alloc(4 * (items + 1)), nil}}, 4},
		"union": {
			ipc.Field{Name: "item", Type: ipc.Type{Kind: ipc.KindUnion, Variant: 1}, Children: []ipc.Field{{Name: "a", Type: ipc.Int8}}},
			column.Data{Len: items, Buffers: [3][]byte{nil, mem.Alloc(items), mem.Alloc(4 * items)}, Children: []column.Data{{Len: 1, Buffers: [3][]byte{nil, {7}}}}},
			6,
		},
	} {
		list := ipc.Field{Name: "list", Type: ipc.ListView, Children: []ipc.Field{c.of}}
		f := ipc.Field{Name: "l", Type: ipc.ListView, Children: []ipc.Field{list}}
		d := checkedPtr(t, &f, views(rows, lists, views(lists, items, c.items)))
		g := ipc.NewGatherer(&f, 0)
		for i := range rows {
			if err := g.Append(d, i, i+1); err != nil {
				t.Fatal(name, err)
			}
		}
		got := g.Take()
		got = checked(t, &f, got)
		if n := got.Children[0].Children[0].Len; n != rows*lists*items {
			t.Errorf("%s: %d items", name, n)
		}
		if size := int64(len(got.Children[0].Children[0].Buffers[1])); size < c.size*rows*lists*items && name != "views" && name != "union" {
			t.Errorf("%s: %d bytes", name, size)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := ipc.NewGatherer(&f, 100_000).Append(d, 0, rows)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ipc.ErrLimit) || took > 64<<10 {
			t.Errorf("%s: %v after %d bytes", name, err, took)
		}
	}
}

// What a gatherer has capacity for is not more than it may hold, but for what all slices have at their end.
func TestGatherGrowth(t *testing.T) {
	const most = 1 << 20
	f := ipc.Field{Name: "n", Type: ipc.Int64}
	d := column.Data{Len: 1000, Buffers: [3][]byte{nil, mem.Alloc(8000)}}
	g := ipc.NewGatherer(&f, most)
	n := 0
	for ; g.Append(&d, 0, d.Len) == nil; n++ {
		if n > most/8000 {
			t.Fatal("it holds more than it may")
		}
	}
	if got := g.Take(); cap(got.Buffers[1]) > most+mem.Alignment || n != most/8000 {
		t.Errorf("%d bytes for %d", cap(got.Buffers[1]), n*8000)
	}
}
