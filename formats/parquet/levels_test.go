package parquet

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
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
			s.Append(false)
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
func writeLeaves(t *testing.T, s *arrow.Schema, recs []arrow.RecordBatch) []byte {
	t.Helper()
	columns, err := pqarrow.ToParquet(s, nil, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := file.NewParquetWriter(struct{ io.Writer }{&out}, columns.Root(), file.WithWriteMetadata(metadata.KeyValueMetadata{}))
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
				return pqarrow.WriteArrowToColumn(ctx, to, v.values, v.def, v.rep, v.nullable)
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

// TestLevels compares files of random nested columns with those that arrow-go makes by itself, byte for byte. Where lists stand below nulls
// of structs, which it refuses, their rows are compared.
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
			b, rows, nulls, gaps := array.NewRecordBuilder(memory.DefaultAllocator, s), 1+rng.IntN(70), []int{0, 30, 100}[rng.IntN(3)], rng.IntN(2) == 0
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
		have := writeLeaves(t, s, recs)
		var want bytes.Buffer
		w, err := pqarrow.NewFileWriter(s, struct{ io.Writer }{&want}, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range recs {
			if err = w.WriteBuffered(rec); err != nil {
				break
			}
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			refused++
		} else if !bytes.Equal(have, want.Bytes()) {
			t.Fatalf("round %d: %v: %d bytes, want %d, which differ", round, s, len(have), want.Len())
		}
		f, err := file.NewParquetReader(bytes.NewReader(have))
		if err != nil {
			t.Fatal(err)
		}
		r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		read, err := r.ReadTable(t.Context())
		if err != nil {
			t.Fatalf("round %d: %v: %v", round, s, err)
		}
		row := 0
		for _, rec := range recs {
			for i := range int(rec.NumRows()) {
				for k := range fields {
					if got, want := textAt(read.Column(k).Data(), row), rec.Column(k).ValueStr(i); got != want {
						t.Fatalf("round %d: %v: row %d: %s, want %s", round, s, row, got, want)
					}
				}
				row++
			}
		}
		if int(read.NumRows()) != row {
			t.Fatalf("%d rows, want %d", read.NumRows(), row)
		}
	}
	if refused == 0 || refused > 200 {
		t.Errorf("arrow-go refuses %d", refused)
	}
}

// textAt returns a row of a column in chunks as text.
func textAt(c *arrow.Chunked, row int) string {
	for _, a := range c.Chunks() {
		if row < a.Len() {
			return a.ValueStr(row)
		}
		row -= a.Len()
	}
	return "none"
}
