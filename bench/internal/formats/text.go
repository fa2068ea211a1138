// Package formats reads and writes the batches of the benchmarks as text and as Parquet: as this project does it, and as one does it with
// other packages.
package formats

import (
	"bytes"
	"context"
	stdcsv "encoding/csv"
	stdjson "encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	arrowcsv "github.com/apache/arrow-go/v18/arrow/csv"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TextRows is how many rows of the reference batch are text.
const TextRows = 100_000

// Text is the reference batch as text, and as what prints it.
type Text struct {
	Batch  *tables.SampleBuilder
	Fields []byte // CSV
	Lines  []byte // of JSON
	Rows   []Plain
	Record arrow.RecordBatch // in the columns of PlainSchema
}

// Plain is a row of the reference batch as packages of the standard library have it.
type Plain struct {
	ID       *int64     `json:"id"`
	Value    *float64   `json:"val"`
	Time     *time.Time `json:"ts"`
	Flag     *bool      `json:"flag"`
	Name     *string    `json:"name"`
	Category *string    `json:"cat"`
}

// PlainSchema is arrow-go's schema of the reference batch without a dictionary, which its package for CSV does not read.
var PlainSchema = func() *arrow.Schema {
	fields := workload.SampleSchema.Fields()
	fields[5].Type = arrow.BinaryTypes.String
	return arrow.NewSchema(fields, nil)
}()

// TextOf returns the reference batch.
func TextOf() (*Text, error) {
	t := &Text{Batch: workload.Builder(TextRows, 1)}
	var c, j bytes.Buffer
	cw, jw, ctx := tables.NewSampleCSVWriter(&c, nil), tables.NewSampleNDJSONWriter(&j, nil), context.Background()
	for _, err := range []error{cw.Write(ctx, t.Batch), cw.Close(), jw.Write(ctx, t.Batch), jw.Close()} {
		if err != nil {
			return nil, err
		}
	}
	t.Fields, t.Lines, t.Rows = c.Bytes(), j.Bytes(), make([]Plain, TextRows)
	dec := stdjson.NewDecoder(&j)
	for i := range t.Rows {
		if err := dec.Decode(&t.Rows[i]); err != nil {
			return nil, err
		}
	}
	r := arrowcsv.NewReader(bytes.NewReader(t.Fields), PlainSchema, arrowcsv.WithHeader(true), arrowcsv.WithChunk(-1), arrowcsv.WithNullReader(true, ""))
	defer r.Release()
	if !r.Next() {
		return nil, fmt.Errorf("arrow-go reads no rows: %w", r.Err())
	}
	t.Record = r.RecordBatch()
	t.Record.Retain()
	return t, nil
}

// batches is what readers of text of ours do.
type batches[B any] interface {
	Next(ctx context.Context) (B, error)
}

func drain[B interface{ Release() }](r batches[B], err error, each func(B)) error {
	for err == nil {
		var b B
		if b, err = r.Next(context.Background()); err == nil {
			if each != nil {
				each(b)
			}
			b.Release()
		}
	}
	if err == io.EOF {
		err = nil
	}
	return err
}

// ReadCSV reads the reference batch by its table, in so many goroutines. Each may be nil.
func ReadCSV(in []byte, parallel int, each func(tables.SampleBatch)) error {
	r, err := tables.NewSampleCSVReader(bytes.NewReader(in), &csv.Options{Parallel: parallel})
	return drain(r, err, each)
}

// ReadCSVUntyped reads CSV whose types are inferred.
func ReadCSVUntyped(in []byte, parallel int, each func(ipc.Batch)) error {
	r, err := csv.NewReader(bytes.NewReader(in), &csv.Options{Parallel: parallel})
	return drain(r, err, each)
}

// Columns are those that are read with packages encoding/csv and strconv, as one would without a library of columns. Their memory is
// kept.
type Columns struct {
	ID       []int64
	value    []float64
	time     []int64
	flag     []bool
	name     []string
	category []string
	valid    [6][]bool
}

// ReadCSV reads the reference batch.
func (c *Columns) ReadCSV(in []byte) error {
	r := stdcsv.NewReader(bytes.NewReader(in))
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		return err
	}
	c.reset()
	for {
		rec, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = c.add(rec)
		}
		if err != nil {
			return err
		}
	}
}

func (c *Columns) reset() {
	c.ID, c.value, c.time, c.flag, c.name, c.category = c.ID[:0], c.value[:0], c.time[:0], c.flag[:0], c.name[:0], c.category[:0]
	for i := range c.valid {
		c.valid[i] = c.valid[i][:0]
	}
}

func (c *Columns) add(rec []string) error {
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
	c.ID, c.value, c.time, c.flag = append(c.ID, id), append(c.value, value), append(c.time, at), append(c.flag, flag)
	c.name, c.category = append(c.name, rec[4]), append(c.category, rec[5])
	return nil
}

// ArrowReadCSV reads the reference batch with arrow-go: with its schema, or with types that are inferred.
func ArrowReadCSV(in []byte, typed bool) error {
	opts := []arrowcsv.Option{arrowcsv.WithHeader(true), arrowcsv.WithChunk(16 << 10), arrowcsv.WithNullReader(true, "")}
	r := arrowcsv.NewReader(bytes.NewReader(in), PlainSchema, opts...)
	if !typed {
		r = arrowcsv.NewInferringReader(bytes.NewReader(in), opts...)
	}
	defer r.Release()
	rows := 0
	for r.Next() {
		rows += int(r.RecordBatch().NumRows())
	}
	if err := r.Err(); err != nil || rows != TextRows {
		return fmt.Errorf("arrow-go has read %d rows: %v", rows, err)
	}
	return nil
}

// ReadNDJSON reads the reference batch by its table. Each may be nil.
func ReadNDJSON(in []byte, each func(tables.SampleBatch)) error {
	r, err := tables.NewSampleNDJSONReader(bytes.NewReader(in), nil)
	return drain(r, err, each)
}

// ReadNDJSONUntyped reads lines of JSON whose types are inferred.
func ReadNDJSONUntyped(in []byte) error {
	r, err := ndjson.NewReader(bytes.NewReader(in), nil)
	return drain[ipc.Batch](r, err, nil)
}

// ReadLines reads the reference batch line by line with a package's Unmarshal. Each may be nil.
func ReadLines(in []byte, unmarshal func(data []byte, v any) error, each func(*Plain)) error {
	for line := range bytes.Lines(in) {
		var p Plain
		if err := unmarshal(line, &p); err != nil {
			return err
		}
		if each != nil {
			each(&p)
		}
	}
	return nil
}

// WriteCSV prints the reference batch by its table.
func (t *Text) WriteCSV(dst io.Writer) error {
	return tables.NewSampleCSVWriter(dst, nil).Write(context.Background(), t.Batch)
}

// WriteNDJSON prints the reference batch by its table.
func (t *Text) WriteNDJSON(dst io.Writer) error {
	return tables.NewSampleNDJSONWriter(dst, nil).Write(context.Background(), t.Batch)
}

// WriteLines prints the rows with a package's encoder.
func (t *Text) WriteLines(enc interface{ Encode(v any) error }) error {
	for i := range t.Rows {
		if err := enc.Encode(&t.Rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// ArrowWriteCSV prints the record with arrow-go.
func (t *Text) ArrowWriteCSV(dst io.Writer) error {
	w := arrowcsv.NewWriter(dst, PlainSchema, arrowcsv.WithHeader(true), arrowcsv.WithNullWriter(""))
	if err := w.Write(t.Record); err != nil {
		return err
	}
	return w.Flush()
}

// StandardWriteCSV prints the rows with packages encoding/csv and strconv.
func (t *Text) StandardWriteCSV(dst io.Writer) error {
	w := stdcsv.NewWriter(dst)
	rec := []string{"id", "val", "ts", "flag", "name", "cat"}
	if err := w.Write(rec); err != nil {
		return err
	}
	for i := range t.Rows {
		p := &t.Rows[i]
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
