// Package workload makes the data that the benchmarks move: the same values for this project's builders and for arrow-go's.
package workload

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/bench/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// Categories is the number of values in the dictionary of the reference batch.
const Categories = 1000

// Moment is the time of row i.
func Moment(i int) time.Time { return time.UnixMicro(1_700_000_000_000_000 + int64(i)*1000).UTC() }

// Category returns value i of the dictionary.
func Category(i int) string { return fmt.Sprintf("category-%04d", i) }

// Samples makes the rows of one reference batch: the same seed gives the same rows.
type Samples struct {
	rand *rand.Rand
	row  int64
	text []byte
}

// NewSamples returns the rows of batch number seed.
func NewSamples(seed uint64) *Samples {
	return &Samples{rand: rand.New(rand.NewPCG(seed, 1)), row: int64(seed) * 1_000_000}
}

const letters = "abcdefghijklmnopqrstuvwxyz0123456789"

// Fill sets rows to the next ones. Texts are 6 to 18 letters, 12 on average; one value in ten is null.
func (s *Samples) Fill(rows []tables.Sample) {
	r := s.rand
	there := func() bool { return r.IntN(10) != 0 }
	for i := range rows {
		s.text = s.text[:0]
		for range 6 + r.IntN(13) {
			s.text = append(s.text, letters[r.IntN(len(letters))])
		}
		at := time.UnixMicro(1_700_000_000_000_000 + s.row*1000).UTC()
		rows[i] = tables.Sample{
			ID:       rt.NullOf(s.row, there()),
			Value:    rt.NullOf(r.Float64(), there()),
			Time:     rt.NullOf(at, there()),
			Flag:     rt.NullOf(r.IntN(2) == 0, there()),
			Name:     rt.NullOf(string(s.text), there()),
			Category: rt.NullOf(Category(r.IntN(Categories)), there()),
		}
		s.row++
	}
}

// chunk is how many rows exist as Go values at a time.
const chunk = 10_000

// each calls f with all rows of batch number seed, part by part.
func each(rows int, seed uint64, f func([]tables.Sample)) {
	s := NewSamples(seed)
	buf := make([]tables.Sample, min(rows, chunk))
	for rows > 0 {
		part := buf[:min(rows, len(buf))]
		s.Fill(part)
		f(part)
		rows -= len(part)
	}
}

// Builder returns batch number seed in a builder whose dictionary has all categories.
func Builder(rows int, seed uint64) *tables.SampleBuilder { return builder(rows, seed, nil) }

// Builders returns batches that share a dictionary, as those of arrow-go do.
func Builders(rows, n int) []*tables.SampleBuilder {
	list := make([]*tables.SampleBuilder, n)
	for i := range list {
		opts := &rt.BuilderOptions{}
		if i > 0 {
			opts.Dictionaries = list[0]
		}
		list[i] = builder(rows, uint64(i), opts)
	}
	return list
}

func builder(rows int, seed uint64, opts *rt.BuilderOptions) *tables.SampleBuilder {
	b := tables.NewSampleBuilder(opts)
	for i := range Categories {
		if _, err := b.Category().Dictionary().Index(Category(i), 0); err != nil {
			panic(err)
		}
	}
	each(rows, seed, b.AppendRows)
	if err := b.Err(); err != nil {
		panic(err)
	}
	return b
}

// SampleSchema is arrow-go's schema of the reference batch.
var SampleSchema = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "val", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
	{Name: "flag", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "cat", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
}, nil)

// Dictionary returns the categories as an array of arrow-go.
func Dictionary() arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	for i := range Categories {
		b.Append(Category(i))
	}
	return b.NewArray()
}

// Record returns batch number seed as arrow-go has it. Batches with the same dictionary array send it once.
func Record(rows int, seed uint64, dictionary arrow.Array) arrow.RecordBatch {
	mem := memory.DefaultAllocator
	id, value := array.NewInt64Builder(mem), array.NewFloat64Builder(mem)
	ts := array.NewTimestampBuilder(mem, SampleSchema.Field(2).Type.(*arrow.TimestampType))
	flag, name, index := array.NewBooleanBuilder(mem), array.NewStringBuilder(mem), array.NewInt32Builder(mem)
	for _, b := range []array.Builder{id, value, ts, flag, name, index} {
		defer b.Release()
		b.Reserve(rows)
	}
	at := make(map[string]int32, Categories)
	for i := range Categories {
		at[Category(i)] = int32(i)
	}
	each(rows, seed, func(part []tables.Sample) {
		for i := range part {
			r := &part[i]
			put(id, id.UnsafeAppend, r.ID.V, r.ID.Valid)
			put(value, value.UnsafeAppend, r.Value.V, r.Value.Valid)
			put(ts, ts.UnsafeAppend, arrow.Timestamp(r.Time.V.UnixMicro()), r.Time.Valid)
			put(flag, flag.UnsafeAppend, r.Flag.V, r.Flag.Valid)
			put(name, name.Append, r.Name.V, r.Name.Valid)
			put(index, index.UnsafeAppend, at[r.Category.V], r.Category.Valid)
		}
	})
	indices := index.NewArray()
	defer indices.Release()
	columns := []arrow.Array{
		id.NewArray(), value.NewArray(), ts.NewArray(), flag.NewArray(), name.NewArray(),
		array.NewDictionaryArray(SampleSchema.Field(5).Type, indices, dictionary),
	}
	rec := array.NewRecordBatch(SampleSchema, columns, int64(rows))
	for _, c := range columns {
		c.Release()
	}
	return rec
}

func put[T any](b array.Builder, add func(T), v T, valid bool) {
	if valid {
		add(v)
	} else {
		b.AppendNull()
	}
}

// LogicalBytes is the size of a batch's live buffers: values, offsets, text and validity bits, without padding and metadata.
// All rates in bytes count these.
func LogicalBytes(rec arrow.RecordBatch) int64 {
	var n int64
	rows := rec.NumRows()
	for _, c := range rec.Columns() {
		if c.NullN() > 0 {
			n += (rows + 7) / 8
		}
		switch c := c.(type) {
		case *array.String:
			n += (rows+1)*4 + int64(len(c.ValueBytes()))
		case *array.Dictionary:
			n += rows * 4
		case *array.Boolean:
			n += (rows + 7) / 8
		default:
			n += rows * int64(c.DataType().(arrow.FixedWidthDataType).Bytes())
		}
	}
	return n
}

// ArrowSamples appends the rows of an arrow-go record to dst, value by value by the accessors of its arrays. Texts are those of the record,
// which the collector keeps alive, and are not copied.
func ArrowSamples(dst []tables.Sample, rec arrow.RecordBatch) []tables.Sample {
	id, value := rec.Column(0).(*array.Int64), rec.Column(1).(*array.Float64)
	ts, flag := rec.Column(2).(*array.Timestamp), rec.Column(3).(*array.Boolean)
	name, category := rec.Column(4).(*array.String), rec.Column(5).(*array.Dictionary)
	categories := category.Dictionary().(*array.String)
	for i := range int(rec.NumRows()) {
		var row tables.Sample
		if id.IsValid(i) {
			row.ID = rt.Some(id.Value(i))
		}
		if value.IsValid(i) {
			row.Value = rt.Some(value.Value(i))
		}
		if ts.IsValid(i) {
			row.Time = rt.Some(ts.Value(i).ToTime(arrow.Microsecond))
		}
		if flag.IsValid(i) {
			row.Flag = rt.Some(flag.Value(i))
		}
		if name.IsValid(i) {
			row.Name = rt.Some(name.Value(i))
		}
		if category.IsValid(i) {
			row.Category = rt.Some(categories.Value(category.GetValueIndex(i)))
		}
		dst = append(dst, row)
	}
	return dst
}
