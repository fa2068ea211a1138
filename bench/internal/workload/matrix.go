package workload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/bench/tables"
	"github.com/lightstream-go/lightstream/bench/tables/matrix"
	rt "github.com/lightstream-go/lightstream/runtime"
	oipc "github.com/lightstream-go/lightstream/runtime/ipc"
)

// Kind is what the batches of a workload hold.
type Kind string

// The kinds of batches.
const (
	Mixed   Kind = "mixed"   // the reference batch M
	Numeric Kind = "numeric" // four columns of numbers
	Strings Kind = "strings" // four columns of text, 24 bytes on average
	Wide    Kind = "wide"    // 100 columns of numbers
)

// Load is how this project streams batches of one kind, with the types that were generated for it.
type Load interface {
	// Sender makes the batches 0 to distinct-1 and returns what opens a stream of them.
	Sender(rows, distinct int) func(dst io.Writer, opts *rt.WriterOptions) Sending
	// Receive reads a stream: next returns how many rows the next batch has, after a look at one of its values.
	Receive(src io.Reader, opts *rt.ReaderOptions) (next func(ctx context.Context) (rows int, err error))
}

// Sending is a stream that is written.
type Sending struct {
	Write func(ctx context.Context, i int) error // batch i, of those that take turns
	Close func() error
}

// LoadOf returns the load of a kind.
func LoadOf(k Kind) Load {
	switch k {
	case Numeric:
		return &load[matrix.Numeric, matrix.NumericBatch, *matrix.NumericBuilder]{
			matrix.NumericTable, fillWith(FillNumeric, func() *matrix.NumericBuilder { return matrix.NewNumericBuilder(nil) }), func(b matrix.NumericBatch) bool { return b.I64()[b.Len()-1] >= 0 },
		}
	case Strings:
		return &load[matrix.Strings, matrix.StringsBatch, *matrix.StringsBuilder]{
			matrix.StringsTable, fillWith(FillStrings, func() *matrix.StringsBuilder { return matrix.NewStringsBuilder(nil) }), func(b matrix.StringsBatch) bool { return b.S0().At(b.Len()-1) != "" },
		}
	case Wide:
		return &load[matrix.Wide, matrix.WideBatch, *matrix.WideBuilder]{
			matrix.WideTable, fillWith(FillWide, func() *matrix.WideBuilder { return matrix.NewWideBuilder(nil) }), func(b matrix.WideBatch) bool { return b.C00()[b.Len()-1] >= 0 },
		}
	}
	return &load[tables.Sample, tables.SampleBatch, *tables.SampleBuilder]{
		tables.SampleTable, Builders, func(b tables.SampleBatch) bool { return b.ID().Values()[b.Len()-1] >= 0 },
	}
}

type received interface {
	Len() int
	Release()
}

type load[R any, B received, W rt.Builder[R]] struct {
	table *rt.Table[R, B, W]
	make  func(rows, n int) []W // batches 0 to n-1
	look  func(B) bool
}

func (l *load[R, B, W]) Sender(rows, distinct int) func(dst io.Writer, opts *rt.WriterOptions) Sending {
	batches := l.make(rows, distinct)
	return func(dst io.Writer, opts *rt.WriterOptions) Sending {
		w := rt.NewWriter(l.table, dst, opts)
		return Sending{func(ctx context.Context, i int) error { return w.Write(ctx, batches[i%distinct]) }, w.Close}
	}
}

func (l *load[R, B, W]) Receive(src io.Reader, opts *rt.ReaderOptions) func(ctx context.Context) (int, error) {
	r := rt.NewReader(l.table, src, opts)
	return func(ctx context.Context) (int, error) {
		b, err := r.Next(ctx)
		if err != nil {
			return 0, err
		}
		n := b.Len()
		if n > 0 && !l.look(b) {
			return n, fmt.Errorf("a batch of %d rows has another value", n)
		}
		b.Release()
		return n, nil
	}
}

// appender is a builder that takes many rows.
type appender[R any] interface {
	AppendRows(rows []R)
	Err() error
}

// fillWith returns what makes batches of the rows that fill makes.
func fillWith[R any, W appender[R]](fill func(rows []R, from int, seed uint64), build func() W) func(rows, n int) []W {
	return func(rows, n int) (list []W) {
		for i := range n {
			b := build()
			part := make([]R, min(rows, chunk))
			for from := 0; from < rows; from += len(part) {
				part = part[:min(len(part), rows-from)]
				fill(part, from, uint64(i))
				b.AppendRows(part)
			}
			check(b.Err())
			list = append(list, b)
		}
		return list
	}
}

// FillNumeric sets rows to those of batch number seed, from row from on.
func FillNumeric(rows []matrix.Numeric, from int, seed uint64) {
	for i := range rows {
		n := from + i + int(seed)
		rows[i] = matrix.Numeric{I64: int64(n), F64: float64(n) / 2, I32: int32(n), F32: float32(n) / 4}
	}
}

// FillStrings does so with texts of 12 to 36 letters.
func FillStrings(rows []matrix.Strings, from int, seed uint64) {
	r := rand.New(rand.NewPCG(seed, uint64(from)))
	var text []byte
	next := func() string {
		text = text[:0]
		for n, bits := 12+r.IntN(25), uint64(0); len(text) < n; bits /= 36 {
			if len(text)%10 == 0 {
				bits = r.Uint64()
			}
			text = append(text, letters[bits%36])
		}
		return string(text)
	}
	for i := range rows {
		rows[i] = matrix.Strings{S0: next(), S1: next(), S2: next(), S3: next()}
	}
}

// Records returns the batches 0 to distinct-1 as arrow-go has them.
func Records(k Kind, rows, distinct int) []arrow.RecordBatch {
	var list []arrow.RecordBatch
	if k == Mixed {
		dictionary := Dictionary()
		for i := range distinct {
			list = append(list, Record(rows, uint64(i), dictionary))
		}
		return list
	}
	ctx := context.Background()
	var out bytes.Buffer
	s := LoadOf(k).Sender(rows, distinct)(&out, nil)
	for i := range distinct {
		check(s.Write(ctx, i))
	}
	check(s.Close())
	r, err := ipc.NewReader(&out)
	check(err)
	defer r.Release()
	for r.Next() {
		rec := r.RecordBatch()
		rec.Retain()
		list = append(list, rec)
	}
	check(r.Err())
	return list
}

// Look reports whether a batch that arrow-go has received has so many rows, after a look at one of its values.
func Look(rec arrow.RecordBatch, rows int) bool {
	if int(rec.NumRows()) != rows {
		return false
	}
	switch c := rec.Column(0).(type) {
	case *array.Int64:
		ids := c.Int64Values()
		return ids[len(ids)-1] >= 0
	case *array.String:
		return c.Value(rows-1) != ""
	}
	return false
}

// SizeOf is the length of the message of one batch of a kind, head and padding included.
func SizeOf(k Kind, rows int) int {
	var out Discard
	s := LoadOf(k).Sender(rows, 1)(&out, nil)
	check(s.Write(context.Background(), 0))
	first := out.Bytes // with the schema and the dictionary
	check(s.Write(context.Background(), 0))
	return int(out.Bytes - first)
}

// WriteFile writes the batches 0 to distinct-1 for programs in other languages: a stream of arrow-go's, or a file of this project's, with
// buffers at multiples of 64.
func WriteFile(name string, k Kind, rows, distinct int, aligned bool) (err error) {
	batches := Records(k, rows, distinct)
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if !aligned {
		w := ipc.NewWriter(f, ipc.WithSchema(batches[0].Schema()))
		for _, b := range batches {
			if err := w.Write(b); err != nil {
				return err
			}
		}
		return w.Close()
	}
	ctx := context.Background()
	var out bytes.Buffer
	theirs := ipc.NewWriter(&out, ipc.WithSchema(batches[0].Schema()))
	for _, b := range batches {
		if err := theirs.Write(b); err != nil {
			return err
		}
	}
	if err := theirs.Close(); err != nil {
		return err
	}
	r := oipc.NewReader(&out, nil)
	schema, err := r.Schema(ctx)
	if err != nil {
		return err
	}
	w := oipc.NewFileWriter(f, schema, nil)
	for {
		b, err := r.Next(ctx)
		if err == io.EOF {
			return w.Close()
		}
		if err != nil {
			return err
		}
		if err := w.Write(ctx, b.Len(), oipc.Columns(b)); err != nil {
			return err
		}
		b.Release()
	}
}

// BytesOf is the size of the live buffers of one batch of a kind, as LogicalBytes counts.
func BytesOf(k Kind, rows int) float64 {
	return float64(LogicalBytes(Records(k, rows, 1)[0]))
}
