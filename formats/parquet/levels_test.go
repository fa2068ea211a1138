package parquet

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// nestedType returns a type of structs, lists and maps, so many deep at most.
func nestedType(rng *rand.Rand, depth int) arrow.DataType {
	field := func(name string) arrow.Field {
		return arrow.Field{Name: name, Type: nestedType(rng, depth-1), Nullable: rng.IntN(3) != 0}
	}
	kind := rng.IntN(9)
	if depth == 0 {
		kind %= 5
	}
	switch kind {
	case 0:
		return arrow.PrimitiveTypes.Int16
	case 1:
		return arrow.PrimitiveTypes.Int64
	case 2:
		return arrow.BinaryTypes.String
	case 3:
		return arrow.FixedWidthTypes.Boolean
	case 4:
		return &arrow.FixedSizeBinaryType{ByteWidth: 3}
	case 5:
		return arrow.ListOfField(field("element"))
	case 6:
		return arrow.LargeListOfField(field("element"))
	case 7:
		return arrow.MapOf(arrow.BinaryTypes.String, nestedType(rng, depth-1))
	}
	var fields []arrow.Field
	for i := range 1 + rng.IntN(3) {
		fields = append(fields, field(fmt.Sprint("f", i)))
	}
	return arrow.StructOf(fields...)
}

// appendRandom appends a value. Where gaps is set, nulls of structs may have something below them.
func appendRandom(rng *rand.Rand, b array.Builder, nullable, gaps bool, nulls int) {
	if nullable && rng.IntN(100) < nulls {
		if s, ok := b.(*array.StructBuilder); ok && gaps {
			s.AppendValues([]bool{false})
			for i, f := range s.Type().(*arrow.StructType).Fields() {
				appendRandom(rng, s.FieldBuilder(i), f.Nullable, gaps, nulls)
			}
			return
		}
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.Int16Builder:
		b.Append(int16(rng.IntN(100)))
	case *array.Int64Builder:
		b.Append(rng.Int64N(1000))
	case *array.StringBuilder:
		b.Append(fmt.Sprint("text ", rng.IntN(50)))
	case *array.BooleanBuilder:
		b.Append(rng.IntN(2) == 0)
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte{byte(rng.IntN(20)), 1, 2})
	case *array.StructBuilder:
		b.Append(true)
		for i, f := range b.Type().(*arrow.StructType).Fields() {
			appendRandom(rng, b.FieldBuilder(i), f.Nullable, gaps, nulls)
		}
	case *array.MapBuilder:
		b.Append(true)
		for range rng.IntN(4) {
			appendRandom(rng, b.KeyBuilder(), false, gaps, nulls)
			appendRandom(rng, b.ItemBuilder(), true, gaps, nulls)
		}
	case array.ListLikeBuilder:
		b.Append(true)
		for range rng.IntN(4) {
			appendRandom(rng, b.ValueBuilder(), b.Type().(arrow.ListLikeType).ElemField().Nullable, gaps, nulls)
		}
	default:
		panic(b.Type())
	}
}

// writeLeaves writes records by their leaves.
func writeLeaves(t *testing.T, s *arrow.Schema, recs []arrow.RecordBatch, props ...parquet.WriterProperty) []byte {
	t.Helper()
	columns, err := pqarrow.ToParquet(s, nil, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	for i := range columns.NumColumns() {
		if c := columns.Column(i); !countable(c) {
			props = append(props, parquet.WithStatsPath(c.ColumnPath(), false))
		}
	}
	var out bytes.Buffer
	w := file.NewParquetWriter(struct{ io.Writer }{&out}, columns.Root(), file.WithWriterProps(parquet.NewWriterProperties(props...)))
	group, err := w.AppendBufferedRowGroupChecked()
	if err != nil {
		t.Fatal(err)
	}
	var l leveler
	ctx := pqarrow.NewArrowWriteContext(t.Context(), nil)
	for _, rec := range recs {
		k := 0
		for i, a := range rec.Columns() {
			err := l.each(a, s.Field(i).Nullable, func(v *leaf) error {
				to, err := group.Column(k)
				k++
				if err != nil {
					return err
				}
				if v.max != to.Descr().MaxDefinitionLevel() {
					t.Errorf("%v: a value has definition level %d", s, v.max)
				}
				return v.write(ctx, to)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// pagesOf returns the pages of a file.
func pagesOf(t *testing.T, b []byte) (list []string) {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for g := range r.NumRowGroups() {
		group := r.RowGroup(g)
		for k := range group.NumColumns() {
			p, err := group.GetColumnPageReader(k)
			if err != nil {
				t.Fatal(err)
			}
			for p.Next() {
				page := p.Page()
				list = append(list, fmt.Sprintf("column %d: type %v, encoding %v, %d values, %x", k, page.Type(), page.Encoding(), page.NumValues(), page.Data()))
			}
			if err := p.Err(); err != nil && err != io.EOF {
				t.Fatal(err)
			}
		}
	}
	return list
}

// TestLevels compares the pages of random nested columns with those that arrow-go makes by itself, byte for byte. Where lists stand below nulls
// of structs, which it refuses, it gets the same rows without them.
func TestLevels(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	refused := 0
	for round := range 400 {
		var fields []arrow.Field
		for i := range 1 + rng.IntN(3) {
			fields = append(fields, arrow.Field{Name: fmt.Sprint("c", i), Type: nestedType(rng, 3), Nullable: rng.IntN(3) != 0})
		}
		s := arrow.NewSchema(fields, nil)
		var recs []arrow.RecordBatch
		for range 1 + rng.IntN(2) {
			b, rows, nulls, gaps := array.NewRecordBuilder(memory.DefaultAllocator, s), 1+rng.IntN([]int{70, 1500}[round/40%2]), []int{0, 30, 100}[rng.IntN(3)], rng.IntN(2) == 0
			for range rows {
				for i, f := range fields {
					appendRandom(rng, b.Field(i), f.Nullable, gaps, nulls)
				}
			}
			rec := b.NewRecordBatch()
			if rng.IntN(2) == 0 {
				from := rng.IntN(rows)
				rec = rec.NewSlice(int64(from), int64(from+1+rng.IntN(rows-from)))
			}
			recs = append(recs, rec)
		}
		dictionary := parquet.WithDictionaryDefault(round%2 == 0)
		have := writeLeaves(t, s, recs, dictionary)
		want, err := theirs(s, recs, dictionary)
		if err != nil {
			refused++
			for i, rec := range recs { // the same rows without what is below nulls
				text, err := rec.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				if recs[i], _, err = array.RecordFromJSON(memory.DefaultAllocator, s, bytes.NewReader(text)); err != nil {
					t.Fatal(err)
				}
			}
			if want, err = theirs(s, recs, dictionary); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := pagesOf(t, have), pagesOf(t, want); !slices.Equal(got, want) {
			t.Fatalf("round %d: %v: pages\n%s\nwant\n%s", round, s, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		checkStatistics(t, fmt.Sprint("round ", round), have)
	}
	if refused == 0 || refused > 200 {
		t.Errorf("arrow-go refuses %d", refused)
	}
}

// theirs returns the file that arrow-go makes of records by itself.
func theirs(s *arrow.Schema, recs []arrow.RecordBatch, props ...parquet.WriterProperty) ([]byte, error) {
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(s, struct{ io.Writer }{&out}, parquet.NewWriterProperties(props...), pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, err
	}
	for _, rec := range recs {
		if err := w.WriteBuffered(rec); err != nil {
			return nil, err
		}
	}
	err = w.Close()
	return out.Bytes(), err
}
