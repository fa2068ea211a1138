package workload

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/bench/tables"
)

// Numbers returns n rows.
func Numbers(n int) []tables.Numbers {
	rows := make([]tables.Numbers, n)
	for i := range rows {
		v := float64(i)
		rows[i] = tables.Numbers{ID: int64(i), Time: int64(i) * 1e6, Open: v, Close: v / 2, Volume: uint64(i) * 7, Trades: uint64(i) % 100}
	}
	return rows
}

// NumberRecords fills arrow-go's RecordBuilder with Numbers, row by row.
type NumberRecords struct {
	b              *array.RecordBuilder
	id             *array.Int64Builder
	time           *array.TimestampBuilder
	open, close    *array.Float64Builder
	volume, trades *array.Uint64Builder
}

// NewNumberRecords returns a builder of Numbers.
func NewNumberRecords() *NumberRecords {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "time", Type: &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}},
		{Name: "open", Type: arrow.PrimitiveTypes.Float64},
		{Name: "close", Type: arrow.PrimitiveTypes.Float64},
		{Name: "volume", Type: arrow.PrimitiveTypes.Uint64},
		{Name: "trades", Type: arrow.PrimitiveTypes.Uint64},
	}, nil))
	return &NumberRecords{
		b, b.Field(0).(*array.Int64Builder), b.Field(1).(*array.TimestampBuilder), b.Field(2).(*array.Float64Builder),
		b.Field(3).(*array.Float64Builder), b.Field(4).(*array.Uint64Builder), b.Field(5).(*array.Uint64Builder),
	}
}

// Fill returns a record of rows.
func (f *NumberRecords) Fill(rows []tables.Numbers) arrow.RecordBatch {
	f.b.Reserve(len(rows))
	for i := range rows {
		r := &rows[i]
		f.id.Append(r.ID)
		f.time.Append(arrow.Timestamp(r.Time))
		f.open.Append(r.Open)
		f.close.Append(r.Close)
		f.volume.Append(r.Volume)
		f.trades.Append(r.Trades)
	}
	return f.b.NewRecordBatch()
}

// ArrowNumbers appends the rows of an arrow-go record to dst, value by value by the accessors of its arrays.
func ArrowNumbers(dst []tables.Numbers, rec arrow.RecordBatch) []tables.Numbers {
	id, time := rec.Column(0).(*array.Int64), rec.Column(1).(*array.Timestamp)
	open, closing := rec.Column(2).(*array.Float64), rec.Column(3).(*array.Float64)
	volume, trades := rec.Column(4).(*array.Uint64), rec.Column(5).(*array.Uint64)
	for i := range int(rec.NumRows()) {
		dst = append(dst, tables.Numbers{
			ID: id.Value(i), Time: int64(time.Value(i)), Open: open.Value(i), Close: closing.Value(i), Volume: volume.Value(i), Trades: trades.Value(i),
		})
	}
	return dst
}
