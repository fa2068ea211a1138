package arrowgo_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/interop/arrowgo"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// source is a stream of two batches.
func source() *bytes.Buffer {
	ctx := context.Background()
	var buf bytes.Buffer
	w := feed.NewTradeWriter(&buf, nil)
	day := time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC)
	for i, symbol := range []string{"ABC", "XYZ", "ABC"} {
		if err := w.Append(ctx, feed.Trade{Time: day, Symbol: symbol, Price: 1.5 * float64(i+1), Size: 100}); err != nil {
			log.Fatal(err)
		}
		if i == 1 {
			if err := w.Flush(ctx); err != nil {
				log.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	return &buf
}

// record is a record as another part of a program built it with arrow-go: narrower numbers, larger text, all nullable.
func record() arrow.RecordBatch {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "symbol", Type: arrow.BinaryTypes.LargeString, Nullable: true},
		{Name: "time", Type: arrow.FixedWidthTypes.Timestamp_ms, Nullable: true},
		{Name: "price", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
		{Name: "size", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	b.Field(0).(*array.LargeStringBuilder).AppendValues([]string{"ABC", "XYZ"}, nil)
	b.Field(1).(*array.TimestampBuilder).AppendValues([]arrow.Timestamp{1_767_344_400_000, 1_767_344_401_500}, nil)
	b.Field(2).(*array.Float32Builder).AppendValues([]float32{1.5, 2.25}, nil)
	b.Field(3).(*array.Int64Builder).AppendValues([]int64{100, 250}, nil)
	return b.NewRecordBatch()
}

// Received batches become records of arrow-go, whose columns are the received bytes.
func ExampleExporter() {
	exporter, err := arrowgo.NewExporter(feed.TradeTable.Schema())
	if err != nil {
		log.Fatal(err)
	}
	for batch, err := range feed.NewTradeReader(source(), nil).Batches(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		rec, err := exporter.RecordBatch(batch.Handle())
		if err != nil {
			log.Fatal(err)
		}
		batch.Release() // the record has a handle of its own

		fmt.Println(rec.NumRows(), "rows,", rec.Column(1), rec.Column(2))
		rec.Release() // and gives it back here
	}
	// Output:
	// 2 rows, { dictionary: ["ABC" "XYZ"]
	//   indices: [0 1] } [1.5 3]
	// 1 rows, { dictionary: ["ABC" "XYZ"]
	//   indices: [0] } [4.5]
}

func ExampleRecordBatch() {
	ctx := context.Background()
	r := ipc.NewReader(source(), nil) // of any table
	schema, err := r.Schema(ctx)
	if err != nil {
		log.Fatal(err)
	}
	batch, err := r.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	rec, err := arrowgo.RecordBatch(batch, schema)
	if err != nil {
		log.Fatal(err)
	}
	defer rec.Release()
	fmt.Println(rec.ColumnName(3), rec.Column(3))
	// Output: size [100 100]
}

// Records of arrow-go become batches of a table, by the rules by which a reader fits a stream to it.
func ExampleImporter() {
	rec := record()
	importer, err := arrowgo.NewImporter(feed.TradeTable, rec.Schema(), nil)
	if err != nil {
		log.Fatal(err)
	}
	batch, err := importer.Batch(rec)
	if err != nil {
		log.Fatal(err)
	}
	rec.Release() // the batch has a reference of its own

	for i := range batch.Len() {
		row := batch.Row(i)
		fmt.Println(row.Time.Format(time.RFC3339Nano), row.Symbol, row.Price, row.Size, row.Note)
	}
	batch.Release() // and gives it back here

	s := importer.Stats()
	fmt.Println(s.InPlace, "column in place,", s.Converted, "converted,", s.Absent, "absent")
	// Output:
	// 2026-01-02T09:00:00Z ABC 1.5 100 <nil>
	// 2026-01-02T09:00:01.5Z XYZ 2.25 250 <nil>
	// 1 column in place, 3 converted, 1 absent
}

func ExampleBatch() {
	rec := record()
	defer rec.Release()
	batch, err := arrowgo.Batch(feed.TradeTable, rec)
	if err != nil {
		log.Fatal(err)
	}
	defer batch.Release()
	fmt.Println(batch.Size(), batch.Symbol().At(1))
	// Output: [100 250] XYZ
}

// What does not fit says why, before any batch.
func ExampleNewImporter() {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "time", Type: arrow.PrimitiveTypes.Date32},
		{Name: "symbol", Type: arrow.BinaryTypes.String},
		{Name: "price", Type: arrow.BinaryTypes.String},
		{Name: "size", Type: arrow.PrimitiveTypes.Int32},
	}, nil)
	_, err := arrowgo.NewImporter(feed.TradeTable, schema, nil)
	fmt.Println(err)
	// Output:
	// lightstream: schema does not fit table "trade" (2 differences)
	//   column  want                         stream has
	//   time    timestamp[ns, UTC] not null  date32      no conversion
	//   price   float64 not null             utf8        no conversion
}

// Records of arrow-go go out as a stream, or as a file with [ipc.NewFileWriter].
func ExampleWriter() {
	ctx := context.Background()
	rec := record()
	defer rec.Release()
	schema, err := arrowgo.FromSchema(rec.Schema())
	if err != nil {
		log.Fatal(err)
	}
	var dst bytes.Buffer // or a connection
	out := ipc.NewWriter(&dst, schema, nil)
	w := arrowgo.NewWriter(out)
	for range 3 {
		if err := w.Write(ctx, rec); err != nil {
			log.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := aipc.NewReader(&dst)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
		fmt.Println(r.RecordBatch().Column(2))
	}
	// Output:
	// [1.5 2.25]
	// [1.5 2.25]
	// [1.5 2.25]
}

func ExampleSchema() {
	s, err := arrowgo.Schema(feed.TradeTable.Schema())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(os.Stdout, s)
	// Output:
	// schema:
	//   fields: 5
	//     - time: type=timestamp[ns, tz=UTC]
	//     - symbol: type=dictionary<values=utf8, indices=int32, ordered=false>
	//     - price: type=float64
	//     - size: type=int64
	//     - note: type=utf8, nullable
}

func ExampleFromSchema() {
	s, err := arrowgo.FromSchema(arrow.NewSchema([]arrow.Field{
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Berlin"}},
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	}, nil))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(s)
	fmt.Println(s.Fields[0].Type.Unit == column.Microsecond)
	// Output:
	// at: timestamp[us, Europe/Berlin] not null
	// tags: list<item: utf8>
	// true
}
