package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	"github.com/lightstream-go/lightstream/bench/tables/matrix"
	"github.com/lightstream-go/lightstream/runtime/column"
)

// The figures mean something only if both sides move the same values: these tests compare them one by one, on batches that the
// benchmarks measure.

var ctx = context.Background()

// TestEncodedIsWhatArrowGoReads reads with arrow-go what the encode benchmark writes.
func TestEncodedIsWhatArrowGoReads(t *testing.T) {
	for _, s := range sizes {
		if s.rows > 100_000 && testing.Short() {
			continue
		}
		var out bytes.Buffer
		w, b := tables.NewSampleWriter(&out, nil), workload.Builder(s.rows, 1)
		for range 2 { // the first with the schema and the dictionary before it
			if err := w.Write(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		want := workload.Record(s.rows, 1, workload.Dictionary())
		r, err := ipc.NewReader(&out)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Schema().Equal(workload.SampleSchema) {
			t.Fatalf("schema is %v, want %v", r.Schema(), workload.SampleSchema)
		}
		n := 0
		for ; r.Next(); n++ {
			if !array.RecordEqual(want, r.RecordBatch()) {
				t.Fatalf("%s: batch %d differs", s.name, n)
			}
			for i, c := range want.Columns() { // RecordEqual passes over what is null
				if got := r.RecordBatch().Column(i).NullN(); got != c.NullN() || got == 0 && s.rows > 100 {
					t.Fatalf("%s: column %d has %d nulls, want %d", s.name, i, got, c.NullN())
				}
			}
		}
		if r.Err() != nil || n != 2 {
			t.Fatal(r.Err(), n)
		}
	}
}

// TestDecodedIsWhatArrowGoWrote reads what arrow-go writes, and what we write, and wants the same of both.
func TestDecodedIsWhatArrowGoWrote(t *testing.T) {
	for _, s := range sizes {
		if s.rows > 100_000 && testing.Short() {
			continue
		}
		want := workload.Record(s.rows, 1, workload.Dictionary())
		for name, src := range map[string]io.Reader{"lightstream": workload.Stream(s.rows, 1), "arrow-go": workload.ArrowStream(s.rows, 1)} {
			r := tables.NewSampleReader(src, nil)
			for range 3 {
				batch, err := r.Next(ctx)
				if err != nil {
					t.Fatal(name, err)
				}
				sameSamples(t, batch, want)
				batch.Release()
			}
		}
	}
}

func sameSamples(t *testing.T, b tables.SampleBatch, want arrow.RecordBatch) {
	t.Helper()
	if b.Len() != int(want.NumRows()) {
		t.Fatalf("%d rows, want %d", b.Len(), want.NumRows())
	}
	id, value := want.Column(0).(*array.Int64), want.Column(1).(*array.Float64)
	ts, flag := want.Column(2).(*array.Timestamp), want.Column(3).(*array.Boolean)
	name, cat := want.Column(4).(*array.String), want.Column(5).(*array.Dictionary)
	values := cat.Dictionary().(*array.String)
	ids, vals, times, flags, names, cats := b.ID(), b.Value(), b.Time(), b.Flag(), b.Name(), b.Category()
	for i := range b.Len() {
		v0, ok0 := ids.Get(i)
		v1, ok1 := vals.Get(i)
		v2, ok2 := times.Get(i)
		v3, ok3 := flags.Get(i)
		v4, ok4 := names.Get(i)
		v5, ok5 := cats.Get(i)
		switch {
		case ok0 != id.IsValid(i) || ok0 && v0 != id.Value(i),
			ok1 != value.IsValid(i) || ok1 && v1 != value.Value(i),
			ok2 != ts.IsValid(i) || ok2 && !v2.Equal(ts.Value(i).ToTime(arrow.Microsecond)),
			ok3 != flag.IsValid(i) || ok3 && v3 != flag.Value(i),
			ok4 != name.IsValid(i) || ok4 && v4 != name.Value(i),
			ok5 != cat.IsValid(i) || ok5 && v5 != values.Value(cat.GetValueIndex(i)):
			t.Fatalf("row %d is %+v, arrow-go has %v", i, b.Row(i), want.NewSlice(int64(i), int64(i)+1))
		}
	}
}

// TestRowsAreWhatArrowGoHas wants the structs that are made of arrow-go's records to be those that the generated code makes.
func TestRowsAreWhatArrowGoHas(t *testing.T) {
	const n = 1_000
	batch, err := tables.NewSampleReader(workload.Stream(n, 1), nil).Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	samples := workload.ArrowSamples(nil, workload.Record(n, 1, workload.Dictionary()))
	if ours := batch.AppendTo(nil); len(ours) != n || !reflect.DeepEqual(ours, samples) {
		t.Errorf("AppendTo has %d rows, the first %+v, and arrow-go %d, the first %+v", len(ours), ours[0], len(samples), samples[0])
	}
	i := 0
	for row, err := range tables.NewSampleReader(workload.Stream(n, 1), nil).Rows(ctx) {
		if err != nil || !reflect.DeepEqual(row, samples[i]) {
			t.Fatalf("row %d is %+v (%v), arrow-go has %+v", i, row, err, samples[i])
		}
		if i++; i == n {
			break
		}
	}
	rows := workload.Numbers(n)
	if numbers := workload.ArrowNumbers(nil, workload.NewNumberRecords().Fill(rows)); !reflect.DeepEqual(numbers, rows) {
		t.Errorf("of %+v arrow-go's record has %+v", rows[1], numbers[1])
	}
}

// TestWorkloads compares what the batches of the other workloads have in arrow-go with the rows of which they were made.
func TestWorkloads(t *testing.T) {
	const rows, seed = 10_001, 3 // the rows are made in parts of 10,000
	numbers, texts, wide := make([]matrix.Numeric, rows), make([]matrix.Strings, rows), make([]matrix.Wide, rows)
	for from := 0; from < rows; from += 10_000 {
		to := min(from+10_000, rows)
		workload.FillNumeric(numbers[from:to], from, seed)
		workload.FillStrings(texts[from:to], from, seed)
		workload.FillWide(wide[from:to], from, seed)
	}
	for k, all := range map[workload.Kind]any{workload.Numeric: numbers, workload.Strings: texts, workload.Wide: wide} {
		records := workload.Records(k, rows, seed+1)
		if len(records) != seed+1 {
			t.Fatalf("%s: %d batches", k, len(records))
		}
		rec, want := records[seed], reflect.ValueOf(all)
		if !workload.Look(rec, rows) || workload.Look(rec, rows+1) {
			t.Errorf("%s: Look does not know its batch", k)
		}
		for i, c := range rec.Columns() {
			if c.NullN() != 0 {
				t.Fatalf("%s: column %d has nulls", k, i)
			}
			for row := range rows {
				if got, want := c.ValueStr(row), fmt.Sprint(want.Index(row).Field(i)); got != want {
					t.Fatalf("%s: row %d of column %d is %s, want %s", k, row, i, got, want)
				}
			}
		}
		// What is sent is what is counted.
		if size, bytes := workload.SizeOf(k, rows), workload.BytesOf(k, rows); float64(size) < bytes || float64(size) > 1.1*bytes+64*200 {
			t.Errorf("%s: a message of %d bytes holds %v", k, size, bytes)
		}
	}
}

// TestFilesForPeers reads the files that peers in other languages read.
func TestFilesForPeers(t *testing.T) {
	dir := t.TempDir()
	for _, k := range []workload.Kind{workload.Mixed, workload.Numeric, workload.Strings, workload.Wide} {
		want := workload.Records(k, 1_000, 2)
		stream, file := filepath.Join(dir, string(k)+".arrows"), filepath.Join(dir, string(k)+".arrow")
		for name, aligned := range map[string]bool{stream: false, file: true} {
			if err := workload.WriteFile(name, k, 1_000, 2, aligned); err != nil {
				t.Fatal(err)
			}
		}
		f, err := os.Open(stream)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := ipc.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		g, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		at, err := ipc.NewFileReader(g)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			rec, err := at.RecordBatchAt(i)
			if err != nil {
				t.Fatal(err)
			}
			if !r.Next() || !array.RecordEqual(w, r.RecordBatch()) || !array.RecordEqual(w, rec) {
				t.Errorf("%s: batch %d differs", k, i)
			}
		}
	}
}

// TestAppendedFlights compares what AppendRows makes of the flights with what arrow-go's RecordBuilder makes of them.
func TestAppendedFlights(t *testing.T) {
	rows, err := workload.Flights(*flights)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 50_000 {
		t.Fatalf("%d flights", len(rows))
	}
	texts := workload.TextFlights(rows)
	b, tb := tables.NewFlightBuilder(nil), tables.NewTextFlightBuilder(nil)
	records, textRecords := workload.NewFlightRecords(true), workload.NewFlightRecords(false)
	for range 2 { // the second time with the dictionary and the memory of the first
		b.Reset()
		b.AppendRows(rows)
		tb.Reset()
		tb.AppendRows(texts)
		var out, textOut bytes.Buffer
		w, tw := tables.NewFlightWriter(&out, nil), tables.NewTextFlightWriter(&textOut, nil)
		for _, err := range []error{w.Write(ctx, b), w.Close(), tw.Write(ctx, tb), tw.Close()} {
			if err != nil {
				t.Fatal(err)
			}
		}
		sameRecord(t, &out, records.Dictionaries(rows))
		sameRecord(t, &textOut, textRecords.Texts(texts))
	}
	// And the arrow-go side holds what the file has.
	i := 0
	for row, err := range tables.NewTextFlightReader(arrowFlights(t, texts), nil).Rows(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if want := texts[i]; !row.Date.Equal(want.Date) || row.Delay != want.Delay || row.Distance != want.Distance || row.Origin != want.Origin || row.Destination != want.Destination {
			t.Fatalf("row %d is %v, want %v", i, row, want)
		}
		i++
	}
	if i != len(rows) {
		t.Fatalf("%d rows", i)
	}
}

func arrowFlights(t *testing.T, texts []tables.TextFlight) io.Reader {
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(workload.FlightSchema(false)))
	if err := w.Write(workload.NewFlightRecords(false).Texts(texts)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

func sameRecord(t *testing.T, stream io.Reader, want arrow.RecordBatch) {
	t.Helper()
	r, err := ipc.NewReader(stream)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Next() {
		t.Fatal(r.Err())
	}
	if !r.Schema().Equal(want.Schema()) {
		t.Fatalf("schema is %v, want %v", r.Schema(), want.Schema())
	}
	if !array.RecordEqual(want, r.RecordBatch()) {
		t.Fatal("the flights differ")
	}
}

// TestNothingIsAllocated holds the benchmarks to what the table says of them.
func TestNothingIsAllocated(t *testing.T) {
	if !column.Native {
		t.Skip("columns are converted here")
	}
	check := func(name string, most float64, call func()) {
		t.Helper()
		if n := testing.AllocsPerRun(200, call); n > most {
			t.Errorf("%s: %v allocations, want %v", name, n, most)
		}
	}
	ok := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	w, batch := tables.NewSampleWriter(new(workload.Discard), nil), workload.Builder(1000, 1)
	check("encode", 0, func() { ok(w.Write(ctx, batch)) })

	plain := tables.NewSampleWriter(io.Discard, nil)
	check("encode without WriteBuffers", 0, func() { ok(plain.Write(ctx, batch)) })

	r := tables.NewSampleReader(workload.Stream(1000, 1), nil)
	check("decode", 0, func() {
		b, err := r.Next(ctx)
		ok(err)
		b.Release()
	})
	ar := tables.NewSampleReader(workload.ArrowStream(1000, 1), nil)
	check("decode what arrow-go wrote", 0, func() {
		b, err := ar.Next(ctx)
		ok(err)
		b.Release()
	})

	rows := make([]tables.Sample, 1000)
	workload.NewSamples(1).Fill(rows)
	fill := workload.Builder(1000, 1)
	check("AppendRows", 0, func() {
		fill.Reset()
		fill.AppendRows(rows)
	})
	check("Append", 0, func() {
		fill.Reset()
		for i := range rows {
			fill.Append(rows[i])
		}
	})
	stream := tables.NewSampleWriter(new(workload.Discard), nil)
	i := 0
	for range 70_000 {
		ok(stream.Append(ctx, rows[i%len(rows)]))
		i++
	}
	check("Writer.Append", 0, func() {
		ok(stream.Append(ctx, rows[i%len(rows)]))
		i++
	})
	cold, err := workload.Flights(*flights)
	ok(err)
	b := tables.NewFlightBuilder(nil)
	check("AppendRows of flights", 0, func() {
		b.Reset()
		b.AppendRows(cold[:5000])
	})
}

// TestAppendPastCache wants rows that are so many that their columns are written past the caches to be what they were, behind rows that
// leave the columns at an odd place too.
func TestAppendPastCache(t *testing.T) {
	rows := workload.Numbers(400_003)
	for _, before := range []int{0, 1, 8} {
		b := tables.NewNumbersBuilder(nil)
		b.AppendRows(rows[:before])
		b.AppendRows(rows)
		ids, times, opens, closes, volumes, trades := b.ID().Values()[before:], b.Time().Values()[before:], b.Open().Values()[before:], b.Close().Values()[before:], b.Volume().Values()[before:], b.Trades().Values()[before:]
		if len(ids) != len(rows) || len(trades) != len(rows) {
			t.Fatalf("%d rows, want %d", len(ids), len(rows))
		}
		for i, want := range rows {
			if got := (tables.Numbers{ID: ids[i], Time: times[i], Open: opens[i], Close: closes[i], Volume: volumes[i], Trades: trades[i]}); got != want {
				t.Fatalf("behind %d rows, row %d is %+v, want %+v", before, i, got, want)
			}
		}
	}
}
