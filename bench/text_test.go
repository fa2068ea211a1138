package bench_test

import (
	"bytes"
	"context"
	stdcsv "encoding/csv"
	stdjson "encoding/json"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	arrowcsv "github.com/apache/arrow-go/v18/arrow/csv"
	gojson "github.com/goccy/go-json"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

const textRows = 100_000

// textOf returns the reference batch as CSV and as lines of JSON.
func textOf(tb testing.TB) (fields, lines []byte) {
	var c, j bytes.Buffer
	cw, jw := tables.NewSampleCSVWriter(&c, nil), tables.NewSampleNDJSONWriter(&j, nil)
	batch := workload.Builder(textRows, 1)
	for _, err := range []error{cw.Write(context.Background(), batch), cw.Close(), jw.Write(context.Background(), batch), jw.Close()} {
		if err != nil {
			tb.Fatal(err)
		}
	}
	return c.Bytes(), j.Bytes()
}

// plain is a row of the reference batch as packages of the standard library have it.
type plain struct {
	ID       *int64     `json:"id"`
	Value    *float64   `json:"val"`
	Time     *time.Time `json:"ts"`
	Flag     *bool      `json:"flag"`
	Name     *string    `json:"name"`
	Category *string    `json:"cat"`
}

// sums are what a peer has read, to compare with.
type sums struct {
	rows, nulls int
	id          int64
	value       float64
	micros      int64
	flags       int
	bytes       int
}

func (s *sums) add(b tables.SampleBatch) {
	s.rows += b.Len()
	for i := range b.Len() {
		if v, ok := b.ID().Get(i); ok {
			s.id += v
		}
		if v, ok := b.Value().Get(i); ok {
			s.value += v
		}
		if v, ok := b.Time().Get(i); ok {
			s.micros += v.UnixMicro()
		}
		if v, ok := b.Flag().Get(i); ok && v {
			s.flags++
		}
		name, ok := b.Name().Get(i)
		if s.bytes += len(name); !ok {
			s.nulls++
		}
		category, ok := b.Category().Get(i)
		if s.bytes += len(category); !ok {
			s.nulls++
		}
	}
}

func (s *sums) row(p *plain) {
	s.rows++
	if p.ID != nil {
		s.id += *p.ID
	}
	if p.Value != nil {
		s.value += *p.Value
	}
	if p.Time != nil {
		s.micros += p.Time.UnixMicro()
	}
	if p.Flag != nil && *p.Flag {
		s.flags++
	}
	for _, t := range []*string{p.Name, p.Category} {
		if t == nil {
			s.nulls++
		} else {
			s.bytes += len(*t)
		}
	}
}

// batches is what readers of text of ours do.
type batches[B any] interface {
	Next(ctx context.Context) (B, error)
}

func drain[B interface{ Release() }](tb testing.TB, r batches[B], err error, each func(B)) {
	for err == nil {
		var b B
		if b, err = r.Next(context.Background()); err == nil {
			if each != nil {
				each(b)
			}
			b.Release()
		}
	}
	if err != io.EOF {
		tb.Fatal(err)
	}
}

func typedCSV(tb testing.TB, in []byte, parallel int, each func(tables.SampleBatch)) {
	r, err := tables.NewSampleCSVReader(bytes.NewReader(in), &csv.Options{Parallel: parallel})
	drain(tb, r, err, each)
}

func untypedCSV(tb testing.TB, in []byte, parallel int) {
	r, err := csv.NewReader(bytes.NewReader(in), &csv.Options{Parallel: parallel})
	drain[ipc.Batch](tb, r, err, nil)
}

// standardCSV reads into columns of slices, whose memory it keeps, as one would without a library of columns.
func standardCSV(tb testing.TB, in []byte, c *columns) {
	r := stdcsv.NewReader(bytes.NewReader(in))
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		tb.Fatal(err)
	}
	c.reset()
	for {
		rec, err := r.Read()
		if err == io.EOF {
			return
		}
		if err == nil {
			err = c.add(rec)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

type columns struct {
	id       []int64
	value    []float64
	time     []int64
	flag     []bool
	name     []string
	category []string
	valid    [6][]bool
}

func (c *columns) reset() {
	c.id, c.value, c.time, c.flag, c.name, c.category = c.id[:0], c.value[:0], c.time[:0], c.flag[:0], c.name[:0], c.category[:0]
	for i := range c.valid {
		c.valid[i] = c.valid[i][:0]
	}
}

func (c *columns) add(rec []string) error {
	for i, s := range rec {
		c.valid[i] = append(c.valid[i], s != "")
	}
	id, err := int64(0), error(nil)
	if rec[0] != "" {
		if id, err = strconv.ParseInt(rec[0], 10, 64); err != nil {
			return err
		}
	}
	value := 0.0
	if rec[1] != "" {
		if value, err = strconv.ParseFloat(rec[1], 64); err != nil {
			return err
		}
	}
	at := int64(0)
	if rec[2] != "" {
		t, err := time.Parse(time.RFC3339Nano, rec[2])
		if err != nil {
			return err
		}
		at = t.UnixMicro()
	}
	flag := false
	if rec[3] != "" {
		if flag, err = strconv.ParseBool(rec[3]); err != nil {
			return err
		}
	}
	c.id, c.value, c.time, c.flag = append(c.id, id), append(c.value, value), append(c.time, at), append(c.flag, flag)
	c.name, c.category = append(c.name, rec[4]), append(c.category, rec[5])
	return nil
}

func arrowCSV(tb testing.TB, in []byte) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "val", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
		{Name: "flag", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "cat", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil)
	r := arrowcsv.NewReader(bytes.NewReader(in), schema, arrowcsv.WithHeader(true), arrowcsv.WithChunk(16<<10), arrowcsv.WithNullReader(true, ""))
	defer r.Release()
	rows := 0
	for r.Next() {
		rows += int(r.RecordBatch().NumRows())
	}
	if err := r.Err(); err != nil || rows != textRows {
		tb.Fatal(rows, err)
	}
}

// TestTextPeers wants all of them to read the same.
func TestTextPeers(t *testing.T) {
	fields, lines := textOf(t)
	var c, j, std, peer sums
	typedCSV(t, fields, 1, c.add)
	r, err := tables.NewSampleNDJSONReader(bytes.NewReader(lines), nil)
	drain(t, r, err, j.add)
	for dec := stdjson.NewDecoder(bytes.NewReader(lines)); dec.More(); {
		var p plain
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		std.row(&p)
	}
	for dec := gojson.NewDecoder(bytes.NewReader(lines)); dec.More(); {
		var p plain
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		peer.row(&p)
	}
	if c != j || c != std || c != peer || c.rows != textRows || c.nulls == 0 {
		t.Errorf("CSV %+v\nJSON %+v\nencoding/json %+v\ngo-json %+v", c, j, std, peer)
	}
	var cols columns
	standardCSV(t, fields, &cols)
	sum := int64(0)
	for _, v := range cols.id {
		sum += v
	}
	if len(cols.id) != textRows || sum != c.id {
		t.Errorf("encoding/csv: %d rows, %d", len(cols.id), sum)
	}
	arrowCSV(t, fields)
}

// BenchmarkReadCSV reads the reference batch of 100,000 rows as CSV.
func BenchmarkReadCSV(b *testing.B) {
	in, _ := textOf(b)
	run := func(name string, read func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				read(b)
			}
		})
	}
	var c columns
	run("typed/lightstream", func(b *testing.B) { typedCSV(b, in, 1, nil) })
	run("typed/lightstream-2", func(b *testing.B) { typedCSV(b, in, 2, nil) })
	run("untyped/lightstream", func(b *testing.B) { untypedCSV(b, in, 1) })
	run("encoding-csv", func(b *testing.B) { standardCSV(b, in, &c) })
	run("arrow-go", func(b *testing.B) { arrowCSV(b, in) })
}

// BenchmarkReadJSON reads the reference batch of 100,000 rows as lines of JSON.
func BenchmarkReadJSON(b *testing.B) {
	_, in := textOf(b)
	run := func(name string, read func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				read(b)
			}
		})
	}
	lines := func(b *testing.B, unmarshal func(data []byte, v any) error) {
		for line := range bytes.Lines(in) {
			var p plain
			if err := unmarshal(line, &p); err != nil {
				b.Fatal(err)
			}
		}
	}
	run("typed/lightstream", func(b *testing.B) {
		r, err := tables.NewSampleNDJSONReader(bytes.NewReader(in), nil)
		drain(b, r, err, nil)
	})
	run("untyped/lightstream", func(b *testing.B) {
		r, err := ndjson.NewReader(bytes.NewReader(in), nil)
		drain[ipc.Batch](b, r, err, nil)
	})
	run("encoding-json", func(b *testing.B) { lines(b, stdjson.Unmarshal) })
	run("go-json", func(b *testing.B) { lines(b, gojson.Unmarshal) })
}

// BenchmarkWriteText writes the reference batch of 100,000 rows.
func BenchmarkWriteText(b *testing.B) {
	fields, lines := textOf(b)
	batch := workload.Builder(textRows, 1)
	var rows []plain
	for dec := stdjson.NewDecoder(bytes.NewReader(lines)); dec.More(); {
		var p plain
		if err := dec.Decode(&p); err != nil {
			b.Fatal(err)
		}
		rows = append(rows, p)
	}
	run := func(name string, size int, write func(b *testing.B) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := write(b); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("csv/lightstream", len(fields), func(*testing.B) error {
		return tables.NewSampleCSVWriter(io.Discard, nil).Write(context.Background(), batch)
	})
	run("csv/encoding-csv", len(fields), func(*testing.B) error { return standardWrite(rows) })
	run("json/lightstream", len(lines), func(*testing.B) error {
		return tables.NewSampleNDJSONWriter(io.Discard, nil).Write(context.Background(), batch)
	})
	run("json/encoding-json", len(lines), func(*testing.B) error {
		enc := stdjson.NewEncoder(io.Discard)
		for i := range rows {
			if err := enc.Encode(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
	run("json/go-json", len(lines), func(*testing.B) error {
		enc := gojson.NewEncoder(io.Discard)
		for i := range rows {
			if err := enc.Encode(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// standardWrite prints rows with packages encoding/csv and strconv.
func standardWrite(rows []plain) error {
	w := stdcsv.NewWriter(io.Discard)
	rec := make([]string, 6)
	for i := range rows {
		p := &rows[i]
		clear(rec)
		if p.ID != nil {
			rec[0] = strconv.FormatInt(*p.ID, 10)
		}
		if p.Value != nil {
			rec[1] = strconv.FormatFloat(*p.Value, 'g', -1, 64)
		}
		if p.Time != nil {
			rec[2] = p.Time.Format("2006-01-02T15:04:05.000000Z07:00")
		}
		if p.Flag != nil {
			rec[3] = strconv.FormatBool(*p.Flag)
		}
		if p.Name != nil {
			rec[4] = *p.Name
		}
		if p.Category != nil {
			rec[5] = *p.Category
		}
		if err := w.Write(rec); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
