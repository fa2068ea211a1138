package bench_test

import (
	"bytes"
	stdjson "encoding/json"
	"io"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	theirs "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	gojson "github.com/goccy/go-json"

	"github.com/lightstream-go/lightstream/bench/internal/formats"
	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func textOf(tb testing.TB) *formats.Text {
	t, err := formats.TextOf()
	if err != nil {
		tb.Fatal(err)
	}
	return t
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

func (s *sums) row(p *formats.Plain) {
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

// TestTextPeers wants all of them to read the same, and what they print to be read as the same.
func TestTextPeers(t *testing.T) {
	in := textOf(t)
	read := func(name string, err error, got, want sums) {
		t.Helper()
		if err != nil || got != want || got.rows != formats.TextRows || got.nulls == 0 {
			t.Errorf("%s: %v\n%+v, want\n%+v", name, err, got, want)
		}
	}
	var want sums
	for i := range in.Rows {
		want.row(&in.Rows[i])
	}
	var got sums
	read("CSV", formats.ReadCSV(in.Fields, 1, got.add), got, want)
	got = sums{}
	read("NDJSON", formats.ReadNDJSON(in.Lines, got.add), got, want)
	got = sums{}
	read("encoding/json", formats.ReadLines(in.Lines, stdjson.Unmarshal, got.row), got, want)
	got = sums{}
	read("go-json", formats.ReadLines(in.Lines, gojson.Unmarshal, got.row), got, want)

	var cols formats.Columns
	if err := cols.ReadCSV(in.Fields); err != nil {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, v := range cols.ID {
		sum += v
	}
	if len(cols.ID) != formats.TextRows || sum != want.id {
		t.Errorf("encoding/csv: %d rows, %d", len(cols.ID), sum)
	}
	for _, typed := range []bool{true, false} {
		if err := formats.ArrowReadCSV(in.Fields, typed); err != nil {
			t.Error(err)
		}
	}
	rows := 0
	if err := formats.ReadCSVUntyped(in.Fields, 1, func(b ipc.Batch) { rows += b.Len() }); err != nil || rows != formats.TextRows {
		t.Errorf("untyped: %d rows, %v", rows, err)
	}

	for name, write := range map[string]func(io.Writer) error{
		"lightstream": in.WriteCSV, "encoding/csv": in.StandardWriteCSV, "arrow-go": in.ArrowWriteCSV,
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(name, err)
		}
		var got sums
		read(name+" prints CSV", formats.ReadCSV(out.Bytes(), 1, got.add), got, want)
	}
	for name, write := range map[string]func(io.Writer) error{
		"lightstream":   in.WriteNDJSON,
		"encoding/json": func(w io.Writer) error { return in.WriteLines(stdjson.NewEncoder(w)) },
		"go-json":       func(w io.Writer) error { return in.WriteLines(gojson.NewEncoder(w)) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(name, err)
		}
		var got sums
		read(name+" prints NDJSON", formats.ReadNDJSON(out.Bytes(), got.add), got, want)
	}
}

// TestParquetPeers wants either to read what the other writes, with the same values, and files to be about as long.
func TestParquetPeers(t *testing.T) {
	for _, codec := range []parquet.Compression{parquet.Snappy, parquet.ZSTD} {
		p, err := formats.ParquetSample(20_000, codec)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Read(); err != nil {
			t.Error(err)
		}
		if err := p.ArrowRead(); err != nil {
			t.Error(err)
		}
		var out bytes.Buffer
		if err := p.Write(&out); err != nil {
			t.Fatal(err)
		}
		if a, b := out.Len(), len(p.File); a > b+b/50 || b > a+a/50 {
			t.Errorf("files of %d bytes and %d of arrow-go", a, b)
		}
		want := workload.Record(20_000, 1, workload.Dictionary())
		for name, file := range map[string][]byte{"lightstream": out.Bytes(), "arrow-go": p.File} {
			table, err := pqarrow.ReadTable(ctx, bytes.NewReader(file), theirs.NewReaderProperties(memory.DefaultAllocator), pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range want.Columns() {
				chunk := table.Column(i).Data().Chunk(0)
				if d, ok := c.(*array.Dictionary); ok { // whose values come in another order
					for row := range d.Len() {
						if d.ValueStr(row) != chunk.ValueStr(row) {
							t.Fatalf("%s, row %d of column %d: %s, want %s", name, row, i, chunk.ValueStr(row), d.ValueStr(row))
						}
					}
				} else if !array.Equal(c, chunk) {
					t.Errorf("%s: column %d differs", name, i)
				}
			}
		}
	}
}

// measureText runs a benchmark of text of so many bytes.
func measureText(b *testing.B, name string, size int, call func() error) {
	b.Run(name, func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			if err := call(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkReadCSV reads the reference batch of 100,000 rows as CSV.
func BenchmarkReadCSV(b *testing.B) {
	in := textOf(b).Fields
	var c formats.Columns
	run := func(name string, call func() error) { measureText(b, name, len(in), call) }
	run("typed/lightstream", func() error { return formats.ReadCSV(in, 1, nil) })
	run("typed/lightstream-2", func() error { return formats.ReadCSV(in, 2, nil) })
	run("untyped/lightstream", func() error { return formats.ReadCSVUntyped(in, 1, nil) })
	run("typed/encoding-csv", func() error { return c.ReadCSV(in) })
	run("typed/arrow-go", func() error { return formats.ArrowReadCSV(in, true) })
	run("untyped/arrow-go", func() error { return formats.ArrowReadCSV(in, false) })
}

// BenchmarkReadJSON reads the reference batch of 100,000 rows as lines of JSON.
func BenchmarkReadJSON(b *testing.B) {
	in := textOf(b).Lines
	run := func(name string, call func() error) { measureText(b, name, len(in), call) }
	run("typed/lightstream", func() error { return formats.ReadNDJSON(in, nil) })
	run("untyped/lightstream", func() error { return formats.ReadNDJSONUntyped(in) })
	run("encoding-json", func() error { return formats.ReadLines(in, stdjson.Unmarshal, nil) })
	run("go-json", func() error { return formats.ReadLines(in, gojson.Unmarshal, nil) })
}

// BenchmarkWriteText writes the reference batch of 100,000 rows.
func BenchmarkWriteText(b *testing.B) {
	in := textOf(b)
	run := func(name string, size int, call func() error) { measureText(b, name, size, call) }
	run("csv/lightstream", len(in.Fields), func() error { return in.WriteCSV(io.Discard) })
	run("csv/encoding-csv", len(in.Fields), func() error { return in.StandardWriteCSV(io.Discard) })
	run("csv/arrow-go", len(in.Fields), func() error { return in.ArrowWriteCSV(io.Discard) })
	run("json/lightstream", len(in.Lines), func() error { return in.WriteNDJSON(io.Discard) })
	run("json/encoding-json", len(in.Lines), func() error { return in.WriteLines(stdjson.NewEncoder(io.Discard)) })
	run("json/go-json", len(in.Lines), func() error { return in.WriteLines(gojson.NewEncoder(io.Discard)) })
}
