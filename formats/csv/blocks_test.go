package csv

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/formats/internal/chunks"
	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// blockTexts are texts that need quotes or none, on both sides of what is short.
var blockTexts = []string{
	"", "a", "plain text", "with, comma", `with "quotes"`, "with\nline", "with\rreturn", " before", "behind ", "ä", "NULL", "x;y", "exactly twenty-four byte",
	"exactly twenty-five bytes", "exactly thirty-one bytes of text", strings.Repeat("long ", 20),
}

// blockSchema has the types that are printed by the block, and one that is not.
var blockSchema = &ipc.Schema{Fields: []ipc.Field{
	{Name: "i", Type: ipc.Int64, Nullable: true},
	{Name: "f", Type: ipc.Float64, Nullable: true},
	{Name: "t", Type: ipc.Type{Kind: ipc.KindTimestamp, Unit: column.Microsecond, Zone: "UTC"}, Nullable: true},
	{Name: "b", Type: ipc.Bool, Nullable: true},
	{Name: "s", Type: ipc.Utf8, Nullable: true},
	{Name: "d", Type: ipc.Utf8, Nullable: true, Dictionary: &ipc.DictionaryEncoding{Index: ipc.Int32}},
	{Name: "n", Type: ipc.Int32, Nullable: true},
	{Name: "u", Type: ipc.Type{Kind: ipc.KindInt, Bits: 8}, Nullable: true},
}}

// blockColumns fills the columns of blockSchema.
func blockColumns(t *testing.T, r *rand.Rand, rows int, odd bool) []column.Data {
	set, err := chunks.SetOf(blockSchema, nil)
	if err != nil {
		t.Fatal(err)
	}
	texts := blockTexts
	if !odd {
		texts = blockTexts[1:3]
	}
	var data []column.Data
	for k, c := range set.Columns {
		for range rows {
			s := ""
			switch k {
			case 0:
				s = fmt.Sprint(r.Int64() >> r.IntN(64))
			case 1:
				s = fmt.Sprint(r.Float64())
			case 2:
				s = fmt.Sprintf("20%02d-03-04T05:06:07.%06dZ", r.IntN(3), r.IntN(1e6))
			case 3:
				s = fmt.Sprint(r.IntN(2) == 0)
			case 6, 7:
				s = fmt.Sprint(r.IntN(256))
			default:
				s = texts[r.IntN(len(texts))]
			}
			if r.IntN(6) == 0 {
				err = c.AppendNull()
			} else {
				err = c.AppendText([]byte(s))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		var d column.Data
		c.Builder().DataTo(&d)
		data = append(data, d)
	}
	return data
}

// TestWriterBlocks wants what is printed by the block to be what is printed row by row, with texts that have to be looked at in some rows,
// columns that are not printed so, and nulls of any length.
func TestWriterBlocks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		rows := []int{0, 1, 63, 64, 65, 300}[r.IntN(6)]
		data := blockColumns(t, r, rows, round%2 == 0)
		schema := &ipc.Schema{}
		var columns []column.Data
		for k := range data {
			if r.IntN(3) > 0 && (k < len(data)-1 || r.IntN(2) == 0) {
				schema.Fields, columns = append(schema.Fields, blockSchema.Fields[k]), append(columns, data[k])
			}
		}
		opts := &WriterOptions{Null: []string{"", "", "NULL", "-", "a null of thirty-one bytes, yes", "a null of thirty-two bytes, no.."}[r.IntN(6)]}
		if r.IntN(3) == 0 {
			opts.Comma = ';'
		}
		var got, want bytes.Buffer
		w, single := NewWriter(&got, schema, opts), NewWriter(&want, schema, opts)
		single.slots = nil
		err, other := w.Write(t.Context(), rows, columns), single.Write(t.Context(), rows, columns)
		if fmt.Sprint(err) != fmt.Sprint(other) || got.String() != want.String() {
			t.Fatalf("%d rows of %d columns, %+v: %v, want %v\n%s\nwant\n%s", rows, len(columns), opts, err, other, &got, &want)
		}
	}
}

// TestLean wants records without quotes to be found by the block, whole words of validity at a time, and those around a record with quotes too.
func TestLean(t *testing.T) {
	opts, err := (*Options)(nil).withDefaults(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newSplitter(opts)
	s.stride = 3
	plain := strings.Repeat("12,some text,3.5\n", 5000)
	in := []byte(plain + "1,\"quoted\",2\n" + plain)
	lean, other := 0, 0
	for pos := 0; pos < len(in); {
		var b block
		next := s.lean(in, &b, pos, 1<<20)
		if b.lean {
			lean += b.rows
			if b.rows%leanRows != 0 && b.rows > leanRows {
				t.Errorf("a block of %d records", b.rows)
			}
		} else {
			next = s.records(&chunks.Chunk{Buf: in, N: len(in), Final: true}, &b, pos, 100, true)
			other += b.rows
		}
		pos = next
	}
	if lean+other != 10001 || other > 300 {
		t.Errorf("%d records by the block, %d one by one", lean, other)
	}
}

// FuzzLean compares records that are looked for by the block with those that are looked for one by one.
func FuzzLean(f *testing.F) {
	for _, s := range []string{"", "1,2\n3,4\n", "1,2\r\n3,4\n", "1,2\n\n3,4\n", "1,2\n3,\"4\"\n5,6\n", "1,2\n3\n5,6,7\n8,9", ",\n,\n", "1,2\n\"3\n,4\"\n", "1\n2\n", "a\xff,b\n", "1,2\n#,4\n"} {
		f.Add([]byte(s), 2, byte(0))
		f.Add([]byte(strings.Repeat("12,abc\n", 3000)+s+strings.Repeat("345,\n", 100)), 2, byte(3))
		f.Add([]byte(strings.Repeat("12,abc\n", 3000)+s+strings.Repeat("345,\n", 100)), 2, byte(255))
	}
	f.Fuzz(func(t *testing.T, in []byte, stride int, limit byte) {
		if stride < 1 || stride > 20 || len(in) > 1<<20 {
			return
		}
		opts, err := (&Options{MaxField: 200}).withDefaults(nil)
		if err != nil {
			t.Fatal(err)
		}
		if limit >= 128 {
			opts.MaxField = int(limit)
		}
		type field struct {
			row int
			text.Span
		}
		all := func(lean bool) (fields []field, places []uint32) {
			s := newSplitter(opts)
			s.stride, s.most = stride, stride
			c := &chunks.Chunk{Buf: bytes.Clone(in), N: len(in), Final: true}
			var b block
			rows := 0
			for pos := 0; pos < c.N; {
				b.reset()
				c.Buf = c.Buf[:c.N]
				next := pos
				if lean {
					next = s.lean(c.Buf, &b, pos, 1+16*int(limit))
				}
				if !b.lean {
					next = s.records(c, &b, pos, 1+16*int(limit), true)
				}
				if next == pos {
					t.Fatalf("no progress at %d of %q", pos, in)
				}
				var spans []text.Span
				for i := range b.rows {
					for k := range stride {
						spans = append(spans, b.span(i, k, stride))
					}
				}
				b.fatten(stride)
				for i := range b.rows {
					places = append(places, b.starts[i], b.ends[i])
					for k := range stride {
						sp := b.span(i, k, stride)
						if sp != spans[i*stride+k] {
							t.Fatalf("record %d, field %d: %v, and %v where it has places of its own", rows, k, spans[i*stride+k], sp)
						}
						if sp.Start&^quoted >= uint32(c.N) { // a text of its own
							sp.Start, sp.End = quoted|uint32(c.N), sp.End-sp.Start&^quoted
						}
						fields = append(fields, field{rows, sp})
					}
					rows++
				}
				pos = next
			}
			return fields, places
		}
		got, gotPlaces := all(true)
		want, wantPlaces := all(false)
		if !slices.Equal(got, want) || !slices.Equal(gotPlaces, wantPlaces) {
			t.Fatalf("%q:\n%v %v, want\n%v %v", in, got, gotPlaces, want, wantPlaces)
		}
	})
}
