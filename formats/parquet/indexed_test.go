package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

const null = "\x00null"

// dictionaryOf returns a dictionary of values, of which some may be null.
func dictionaryOf(values ...string) *column.Dictionary {
	d := column.NewDictionary(0)
	for _, v := range values {
		d.Append(v, v == null)
	}
	return d
}

// bitsOf returns a bitmap.
func bitsOf(n int, set func(i int) bool) (bits []byte, not int) {
	bits = make([]byte, (n+7)/8)
	for i := range n {
		if set(i) {
			bits[i>>3] |= 1 << (i & 7)
		} else {
			not++
		}
	}
	return bits, not
}

// byIndex returns a column of indices, -1 as null, below which there is something all the same.
func byIndex(t ipc.Type, d *column.Dictionary, indices []int) column.Data {
	c := column.Data{Len: len(indices), Dictionary: d, Values: d.Values()}
	for _, i := range indices {
		c.Buffers[1] = append(c.Buffers[1], binary.LittleEndian.AppendUint64(nil, uint64(max(i, 0)))[:t.Bits/8]...)
	}
	if slices.Contains(indices, -1) {
		c.Buffers[0], c.Nulls = bitsOf(len(indices), func(i int) bool { return indices[i] >= 0 })
	}
	return c
}

// plainOf returns the column of texts that a column of indices stands for.
func plainOf(f ipc.Type, index ipc.Type, d *column.Data) column.Data {
	c, err := expand(&ipc.Field{Type: f}, index, "x")(nil, d)
	if err != nil {
		panic(err)
	}
	return c
}

// stored writes batches of one column, and tells how many values were written as indices.
func stored(t *testing.T, f ipc.Field, batches []column.Data, opts *WriterOptions) (b []byte, direct int) {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, &ipc.Schema{Fields: []ipc.Field{f}}, opts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range batches {
		if err := w.check.Column(0, &batches[i], ipc.Contents); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(t.Context(), batches[i].Len, batches[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, x := range w.indexed {
		if x != nil {
			direct += x.direct
		}
	}
	return out.Bytes(), direct
}

// statistics returns what a file says of its column chunks and their pages, and how many pages have no dictionary.
func statistics(t *testing.T, b []byte) (chunks, pages []string, plain int) {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	say := func(has bool, least, most []byte, nulls, values int64) string {
		if !has {
			return fmt.Sprintf("%d nulls of %d", nulls, values)
		}
		return fmt.Sprintf("%q to %q, %d nulls of %d", least, most, nulls, values)
	}
	for g := range r.NumRowGroups() {
		group := r.RowGroup(g)
		for k := range group.NumColumns() {
			m, err := group.MetaData().ColumnChunk(k)
			if err != nil {
				t.Fatal(err)
			}
			set, err := m.StatsSet()
			if err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf("%d rows, no statistics", group.NumRows())
			if set {
				s, err := m.Statistics()
				if err != nil {
					t.Fatal(err)
				}
				text = fmt.Sprintf("%d rows, ", group.NumRows()) + say(s.HasMinMax(), s.EncodeMin(), s.EncodeMax(), s.NullCount(), m.NumValues())
			}
			chunks = append(chunks, text)
			p, err := group.GetColumnPageReader(k)
			if err != nil {
				t.Fatal(err)
			}
			for p.Next() {
				page, ok := p.Page().(*file.DataPageV1)
				if !ok {
					continue
				}
				if e := parquet.Encoding(page.Encoding()); e != parquet.Encodings.RLEDict && e != parquet.Encodings.PlainDict {
					plain++
				}
				s := page.Statistics()
				pages = append(pages, say(s.HasMin, s.Min, s.Max, s.NullCount, int64(page.NumValues())))
			}
			if err := p.Err(); err != nil && err != io.EOF {
				t.Fatal(err)
			}
		}
	}
	return chunks, pages, plain
}

// checkStatistics compares the statistics of column chunks with what is in them.
func checkStatistics(t *testing.T, name string, b []byte) {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for g := range r.NumRowGroups() {
		group := r.RowGroup(g)
		for k := range group.NumColumns() {
			m, err := group.MetaData().ColumnChunk(k)
			if err != nil {
				t.Fatal(err)
			}
			if set, err := m.StatsSet(); err != nil || !set {
				if err != nil || countable(r.MetaData().Schema.Column(k)) {
					t.Errorf("%s: column chunk %d of row group %d has no statistics, %v", name, k, g, err)
				}
				continue
			}
			s, err := m.Statistics()
			if err != nil {
				t.Fatal(err)
			}
			in, err := group.Column(k)
			if err != nil {
				t.Fatal(err)
			}
			n := int(m.NumValues())
			def, rep, read, least, most := make([]int16, n), make([]int16, n), 0, "", ""
			switch in := in.(type) {
			case *file.ByteArrayColumnChunkReader:
				v := make([]parquet.ByteArray, n)
				if _, read, err = in.ReadBatch(int64(n), v, def, rep); read != 0 {
					slices.SortFunc(v[:read], func(a, b parquet.ByteArray) int { return bytes.Compare(a, b) })
					least, most = string(v[0]), string(v[read-1])
				}
			case *file.Int64ColumnChunkReader:
				v := make([]int64, n)
				if _, read, err = in.ReadBatch(int64(n), v, def, rep); read != 0 {
					least, most = string(le.AppendUint64(nil, uint64(slices.Min(v[:read])))), string(le.AppendUint64(nil, uint64(slices.Max(v[:read]))))
				}
			case *file.Int32ColumnChunkReader:
				v := make([]int32, n)
				if _, read, err = in.ReadBatch(int64(n), v, def, rep); read != 0 {
					least, most = string(le.AppendUint32(nil, uint32(slices.Min(v[:read])))), string(le.AppendUint32(nil, uint32(slices.Max(v[:read]))))
				}
			default:
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if int(s.NullCount()) != n-read || s.HasMinMax() != (read != 0) && least+most != "" || s.HasMinMax() && (string(s.EncodeMin()) != least || string(s.EncodeMax()) != most) {
				t.Errorf("%s: column chunk %d of row group %d: %q to %q and %d nulls, want %q to %q and %d", name, k, g, s.EncodeMin(), s.EncodeMax(), s.NullCount(), least, most, n-read)
			}
		}
	}
}

// rowsOf reads a file of one column as text.
func rowsOf(t *testing.T, b []byte) (rows []string) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), &ReaderOptions{Validate: ipc.UTF8})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s, err := r.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	print := value.PrinterOf(&s.Fields[0])
	for {
		batch, err := r.Next(t.Context())
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch.Len() {
			rows = append(rows, string(print.AppendJSON(nil, &ipc.Columns(batch)[0], i)))
		}
		batch.Release()
	}
}

// dictionaryCase are batches of one dictionary column.
type dictionaryCase struct {
	name    string
	batches func(rng *rand.Rand, index ipc.Type) []column.Data
	grows   bool // a row group gets values that an earlier batch of it did not have
}

// pickFrom returns rows that have some of n values, and some nulls.
func pickFrom(rng *rand.Rand, rows, from, to, nulls int) []int {
	list := make([]int, rows)
	for i := range list {
		if list[i] = from + rng.IntN(to-from); rng.IntN(100) < nulls {
			list[i] = -1
		}
	}
	return list
}

func words(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("word %d", i*7919%10_007))
	}
	return list
}

func dictionaryCases() []dictionaryCase {
	const rows = 3000
	return []dictionaryCase{
		{"the same", func(rng *rand.Rand, t ipc.Type) (list []column.Data) {
			d := dictionaryOf(words(40)...)
			for range 3 {
				list = append(list, byIndex(t, d, pickFrom(rng, rows, 0, 40, 10)))
			}
			return list
		}, false},
		{"unused", func(rng *rand.Rand, t ipc.Type) (list []column.Data) {
			d := dictionaryOf(append([]string{"", "a", "zz"}, words(100)...)...)
			for range 2 {
				list = append(list, byIndex(t, d, pickFrom(rng, rows, 20, 30, 0)))
			}
			return list
		}, false},
		{"other ones later", func(rng *rand.Rand, t ipc.Type) (list []column.Data) {
			for i := range 4 {
				list = append(list, byIndex(t, dictionaryOf(words(60)[10*i:10*i+20]...), pickFrom(rng, rows, 0, 20, 5)))
			}
			return list
		}, true},
		{"in another order", func(rng *rand.Rand, t ipc.Type) (list []column.Data) {
			w := words(20)
			list = append(list, byIndex(t, dictionaryOf(w...), pickFrom(rng, rows, 0, 20, 5)))
			slices.Reverse(w)
			return append(list, byIndex(t, dictionaryOf(w...), pickFrom(rng, rows, 0, 20, 5)))
		}, false},
		{"growing", func(rng *rand.Rand, t ipc.Type) (list []column.Data) {
			d := dictionaryOf()
			for i := range 4 {
				for _, w := range words(100)[25*i : 25*i+25] {
					d.Append(w, false)
				}
				list = append(list, byIndex(t, d, pickFrom(rng, rows, 0, d.Len(), 0)))
			}
			return list
		}, true},
		{"twice", func(rng *rand.Rand, t ipc.Type) []column.Data {
			return []column.Data{byIndex(t, dictionaryOf("b", "a", "b", "", "a", "c", ""), pickFrom(rng, rows, 0, 7, 10))}
		}, false},
		{"nulls among values", func(rng *rand.Rand, t ipc.Type) (list []column.Data) {
			for _, nulls := range []int{0, 20} {
				list = append(list, byIndex(t, dictionaryOf("b", null, "a", null, "c"), pickFrom(rng, rows, 0, 5, nulls)))
			}
			return list
		}, false},
		{"an empty text", func(rng *rand.Rand, t ipc.Type) []column.Data {
			return []column.Data{byIndex(t, dictionaryOf("b", "", "a"), pickFrom(rng, rows, 0, 3, 0)), byIndex(t, dictionaryOf(""), pickFrom(rng, rows, 0, 1, 50))}
		}, false},
		{"nulls alone", func(rng *rand.Rand, t ipc.Type) []column.Data {
			return []column.Data{byIndex(t, dictionaryOf(), pickFrom(rng, rows, 0, 1, 100)), byIndex(t, dictionaryOf("x"), pickFrom(rng, rows, 0, 1, 100))}
		}, false},
		{"nulls at first", func(rng *rand.Rand, t ipc.Type) []column.Data {
			return []column.Data{byIndex(t, dictionaryOf(), pickFrom(rng, 10, 0, 1, 100)), byIndex(t, dictionaryOf("x", "w"), pickFrom(rng, rows, 0, 2, 0))}
		}, true},
		{"few rows", func(rng *rand.Rand, t ipc.Type) (list []column.Data) {
			for i := range 50 {
				list = append(list, byIndex(t, dictionaryOf(words(60)[i:i+10]...), pickFrom(rng, 1+rng.IntN(9), 0, 10, 20)))
			}
			return list
		}, true},
	}
}

// TestIndexed writes dictionary columns by their indices, and compares files with those of the texts that they stand for: where a row group
// has one page these are the same, byte for byte, the order of values in the dictionary included.
func TestIndexed(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, c := range dictionaryCases() {
		for _, index := range []ipc.Type{ipc.Int8, ipc.Uint8, ipc.Int16, ipc.Uint16, ipc.Int32, ipc.Uint32, ipc.Int64, ipc.Uint64} {
			for _, of := range []ipc.Type{ipc.Utf8, ipc.LargeBinary} {
				for _, opts := range []WriterOptions{
					{}, {RowGroupRows: 1700}, {NoStatistics: true, Compression: ZSTD}, {Compression: Uncompressed}, {PageBytes: 5000, RowGroupRows: 4000}, {NoDictionary: true},
				} {
					opts.NoSchema = true
					name := fmt.Sprintf("%s, %v of %v, %+v", c.name, index, of, opts)
					batches := c.batches(rng, index)
					var texts []column.Data
					for i := range batches {
						texts = append(texts, plainOf(of, index, &batches[i]))
					}
					f := ipc.Field{Name: "x", Type: of, Nullable: true}
					want, _ := stored(t, f, texts, &opts)
					f.Dictionary = &ipc.DictionaryEncoding{Index: index}
					have, direct := stored(t, f, batches, &opts)
					if opts.PageBytes == 0 && opts.Compression != Uncompressed && !bytes.Equal(have, want) {
						t.Errorf("%s: %d bytes, want %d", name, len(have), len(want))
					}
					if !slices.Equal(rowsOf(t, have), rowsOf(t, want)) {
						t.Errorf("%s: other rows", name)
					}
					chunks, pages, plain := statistics(t, have)
					wantChunks, wantPages, wantPlain := statistics(t, want)
					if !slices.Equal(chunks, wantChunks) {
						t.Errorf("%s: %v, want %v", name, chunks, wantChunks)
					}
					if plain != wantPlain {
						t.Errorf("%s: %d plain pages, want %d", name, plain, wantPlain)
					}
					if !c.grows && !slices.Equal(pages, wantPages) {
						t.Errorf("%s: pages %v, want %v", name, pages, wantPages)
					}
					if opts.PageBytes != 0 && len(pages) < 2*len(chunks) && !strings.HasPrefix(c.name, "nulls") && c.name != "few rows" && c.name != "twice" && c.name != "an empty text" {
						t.Errorf("%s: %d pages in %d row groups", name, len(pages), len(chunks))
					}
					all := 0
					for i := range texts {
						all += texts[i].Len - texts[i].Nulls
					}
					switch {
					case opts.NoDictionary && direct != 0, !opts.NoDictionary && !c.grows && opts.Compression != Uncompressed && direct != all, c.name == "growing" && !opts.NoDictionary && direct < all/2:
						t.Errorf("%s: %d of %d values are written as indices", name, direct, all)
					}
				}
			}
		}
	}
}

// TestIndexedBelow writes dictionary columns below structs, lists and maps, whose null rows have something below them.
func TestIndexedBelow(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	item := func(f ipc.Field) ipc.Field { f.Name = "element"; return f }
	nullable := func(d column.Data) column.Data {
		d.Buffers[0], d.Nulls = bitsOf(d.Len, func(int) bool { return rng.IntN(5) != 0 })
		return d
	}
	// lists returns lists of items, which take them all.
	lists := func(items column.Data) column.Data {
		d := column.Data{Children: []column.Data{items}, Buffers: [3][]byte{1: {0, 0, 0, 0}}}
		for at := 0; at < items.Len; d.Len++ {
			at = min(items.Len, at+rng.IntN(5))
			d.Buffers[1] = binary.LittleEndian.AppendUint32(d.Buffers[1], uint32(at))
		}
		return d
	}
	list := func(f ipc.Field) ipc.Field {
		return ipc.Field{Name: "x", Type: ipc.List, Nullable: true, Children: []ipc.Field{item(f)}}
	}
	pair := func(f ipc.Field) ipc.Field {
		return ipc.Field{Name: "x", Type: ipc.Struct, Nullable: true, Children: []ipc.Field{f, {Name: "n", Type: ipc.Int8}}}
	}
	pairs := func(d column.Data) column.Data {
		return column.Data{Len: d.Len, Children: []column.Data{d, {Len: d.Len, Buffers: [3][]byte{1: make([]byte, d.Len)}}}}
	}
	for _, c := range []struct {
		name  string
		field func(f ipc.Field) ipc.Field
		data  func(d column.Data) column.Data
	}{
		{"struct", pair, func(d column.Data) column.Data { return nullable(pairs(d)) }},
		{"list", list, func(d column.Data) column.Data { return lists(d) }},
		{"list with nulls", list, func(d column.Data) column.Data { return nullable(lists(d)) }},
		{"list of structs", func(f ipc.Field) ipc.Field { return list(pair(f)) }, func(d column.Data) column.Data { return nullable(lists(nullable(pairs(d)))) }},
		{"struct of lists", func(f ipc.Field) ipc.Field { return pair(list(f)) }, func(d column.Data) column.Data { return nullable(pairs(lists(d))) }},
		{"list of lists", func(f ipc.Field) ipc.Field { return list(list(f)) }, func(d column.Data) column.Data { return lists(nullable(lists(d))) }},
		{"map", func(f ipc.Field) ipc.Field {
			key := f
			key.Name, key.Nullable = "key", false
			f.Name = "value"
			return ipc.Field{Name: "x", Type: ipc.Map, Nullable: true, Children: []ipc.Field{{Name: "entries", Type: ipc.Struct, Children: []ipc.Field{key, f}}}}
		}, func(d column.Data) column.Data {
			key := d
			key.Buffers[0], key.Nulls = nil, 0
			return nullable(lists(column.Data{Len: d.Len, Children: []column.Data{key, d}}))
		}},
		{"list views", func(f ipc.Field) ipc.Field { f = list(f); f.Type = ipc.ListView; return f }, func(d column.Data) column.Data {
			v := column.Data{Len: 500, Children: []column.Data{d}}
			for range v.Len {
				from := rng.IntN(d.Len)
				v.Buffers[1] = binary.LittleEndian.AppendUint32(v.Buffers[1], uint32(from))
				v.Buffers[2] = binary.LittleEndian.AppendUint32(v.Buffers[2], uint32(rng.IntN(min(6, d.Len-from+1))))
			}
			return nullable(v)
		}},
	} {
		for _, of := range dictionaryCases() {
			if c.name == "map" && strings.HasPrefix(of.name, "nulls") {
				continue // which keys may not have
			}
			for _, opts := range []WriterOptions{{}, {RowGroupRows: 300, PageBytes: 3000}, {MaxRow: 16 << 10, RowGroupBytes: 60 << 10}} {
				opts.NoSchema = true
				name := fmt.Sprintf("%s, %s, %+v", c.name, of.name, opts)
				seed := rng.Uint64()
				var files [2][]byte
				var direct int
				for plain := range 2 { // the same rows, as indices and as texts
					rng = rand.New(rand.NewPCG(seed, 1))
					f := ipc.Field{Name: "f", Type: ipc.Utf8, Nullable: true}
					var batches []column.Data
					for _, d := range of.batches(rng, ipc.Int16) {
						if plain == 1 {
							key := d
							key.Buffers[0], key.Nulls = nil, 0
							d = plainOf(f.Type, ipc.Int16, &d)
							if c.name == "map" {
								key = plainOf(f.Type, ipc.Int16, &key)
								pair := column.Data{Len: d.Len, Children: []column.Data{key, d}}
								batches = append(batches, nullable(lists(pair)))
								continue
							}
						}
						batches = append(batches, c.data(d))
					}
					if plain == 0 {
						f.Dictionary = &ipc.DictionaryEncoding{Index: ipc.Int16}
					}
					files[plain], direct = stored(t, c.field(f), batches, &opts)
					if plain == 0 && direct == 0 && of.name != "nulls alone" && of.name != "few rows" {
						t.Errorf("%s: nothing is written as indices", name)
					}
				}
				if !slices.Equal(rowsOf(t, files[0]), rowsOf(t, files[1])) {
					t.Errorf("%s: other rows", name)
				}
				checkStatistics(t, name, files[0])
			}
		}
	}
}

// TestLargeDictionary writes as texts what is in a dictionary that gets larger than its page may be.
func TestLargeDictionary(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var long, other []string
	for i := range 6000 {
		long, other = append(long, fmt.Sprintf("%0300d", i)), append(other, fmt.Sprintf("%0290d", i))
	}
	f := ipc.Field{Name: "x", Type: ipc.Utf8, Nullable: true}
	encoded := f
	encoded.Dictionary = &ipc.DictionaryEncoding{Index: ipc.Int32}
	d, e, few := dictionaryOf(long...), dictionaryOf(other...), dictionaryOf(append(words(100), long...)...)
	for name, batches := range map[string][]column.Data{
		"at once": {byIndex(ipc.Int32, d, pickFrom(rng, 9000, 0, 6000, 5)), byIndex(ipc.Int32, d, pickFrom(rng, 9000, 0, 6000, 5))},
		"later":   {byIndex(ipc.Int32, d, pickFrom(rng, 3000, 0, 2000, 5)), byIndex(ipc.Int32, e, pickFrom(rng, 9000, 0, 6000, 0)), byIndex(ipc.Int32, d, pickFrom(rng, 3000, 0, 2000, 5))},
		"unused":  {byIndex(ipc.Int32, few, pickFrom(rng, 9000, 0, 100, 5))},
	} {
		for _, opts := range []WriterOptions{{NoSchema: true}, {NoSchema: true, RowGroupRows: 8000}, {NoSchema: true, Compression: Uncompressed}} {
			var texts []column.Data
			for i := range batches {
				texts = append(texts, plainOf(f.Type, ipc.Int32, &batches[i]))
			}
			want, _ := stored(t, f, texts, &opts)
			have, direct := stored(t, encoded, batches, &opts)
			if opts.RowGroupRows == 0 && (direct == 0) != (name == "at once") {
				t.Errorf("%s, %+v: %d values are written as indices", name, opts, direct)
			}
			if !slices.Equal(rowsOf(t, have), rowsOf(t, want)) {
				t.Errorf("%s, %+v: other rows", name, opts)
			}
			chunks, _, plain := statistics(t, have)
			wantChunks, _, wantPlain := statistics(t, want)
			if !slices.Equal(chunks, wantChunks) {
				t.Errorf("%s, %+v: %v, want %v", name, opts, chunks, wantChunks)
			}
			if (plain == 0) != (wantPlain == 0) {
				t.Errorf("%s, %+v: %d plain pages, want %d", name, opts, plain, wantPlain)
			}
		}
	}
}
