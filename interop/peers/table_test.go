package peers

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"reflect"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
)

// table is a typed table whose rows are cells.
type table interface {
	Name() string
	Schema() *ipc.Schema
	// write writes batches as a stream or a file.
	write(ctx context.Context, dst io.Writer, file bool, how writing, batches []batch) error
	// readStream reads a stream through typed batches, or through Rows as one batch.
	readStream(ctx context.Context, src io.Reader, byRows bool, opts *rt.ReaderOptions) (*received, error)
	readFile(ctx context.Context, path string, byRows bool, opts *rt.ReaderOptions) (*received, error)
	// writeTo and readFrom do it by URI.
	writeTo(ctx context.Context, uri string, batches []batch) error
	readFrom(ctx context.Context, uri string, opts *transports.Options) ([]batch, error)
	// join makes the table a member of a protocol.
	join(p *rt.Protocol) spoken
}

// writing is how batches are written.
type writing struct {
	rows        int  // with Append, and batches of so many rows, instead of with Write
	prefilled   bool // the dictionaries have the values of all batches before the first is written
	newBuilders bool // a builder, and so dictionaries, of its own for each batch
	metadata    []ipc.KeyValue
	mode        ipc.Dictionaries
}

// received is what a typed reader has read.
type received struct {
	schema  *ipc.Schema // the peer's
	batches []batch
	stats   rt.Stats
}

// batchOf is what all generated batches of rows R have.
type batchOf[R any] interface {
	Len() int
	Row(i int) R
	AppendTo(rows []R) []R
	Release()
}

type typed[R any, B batchOf[R], W rt.Builder[R]] struct {
	*rt.Table[R, B, W]
	fields []int // of R, by column
}

func of[R any, B batchOf[R], W rt.Builder[R]](t *rt.Table[R, B, W]) table {
	x := typed[R, B, W]{Table: t}
	row := reflect.TypeFor[R]()
	for i := range row.NumField() {
		if f := row.Field(i); f.IsExported() && f.Tag.Get("arrow") != "-" {
			x.fields = append(x.fields, i)
		}
	}
	if have, want := len(x.fields), len(t.Schema().Fields); have != want {
		panic(fmt.Sprintf("table %q: %d fields, %d columns", t.Name(), have, want))
	}
	return x
}

func (t typed[R, B, W]) rows(b batch) []R {
	rows := make([]R, b.Rows)
	for i := range rows {
		v := reflect.ValueOf(&rows[i]).Elem()
		for c, at := range t.fields {
			setCell(v.Field(at), &t.Schema().Fields[c], b.Columns[c][i])
		}
	}
	return rows
}

func (t typed[R, B, W]) cells(rows []R) batch {
	b := batch{Rows: len(rows), Columns: make([][]cell, len(t.fields))}
	for c, at := range t.fields {
		b.Columns[c] = make([]cell, len(rows))
		for i := range rows {
			b.Columns[c][i] = cellOf(reflect.ValueOf(&rows[i]).Elem().Field(at), &t.Schema().Fields[c])
		}
	}
	return b
}

func (t typed[R, B, W]) write(ctx context.Context, dst io.Writer, file bool, how writing, batches []batch) error {
	opts := &rt.WriterOptions{BatchRows: how.rows, Metadata: how.metadata, Dictionaries: how.mode}
	w := rt.NewWriter(t.Table, dst, opts)
	if file {
		w = rt.NewFileWriter(t.Table, dst, opts)
	}
	defer w.Abort()
	builder := t.NewBuilder(nil)
	if how.prefilled {
		for _, b := range batches {
			builder.AppendRows(t.rows(b))
		}
		builder.Reset() // keeps the dictionaries
	}
	for _, b := range batches {
		rows := t.rows(b)
		if how.rows != 0 {
			for _, row := range rows {
				if err := w.Append(ctx, row); err != nil {
					return err
				}
			}
			continue
		}
		if how.newBuilders {
			builder = t.NewBuilder(nil)
		}
		builder.AppendRows(rows)
		if err := w.Write(ctx, builder); err != nil {
			return err
		}
		builder.Reset()
	}
	return w.Close()
}

func (t typed[R, B, W]) readStream(ctx context.Context, src io.Reader, byRows bool, opts *rt.ReaderOptions) (*received, error) {
	r := rt.NewReader(t.Table, src, opts)
	got, err := t.read(r.Batches(ctx), r.Rows(ctx), byRows)
	if err != nil {
		return nil, err
	}
	if got.schema, err = r.Schema(ctx); err != nil {
		return nil, err
	}
	got.stats = r.Stats()
	return got, nil
}

func (t typed[R, B, W]) readFile(ctx context.Context, path string, byRows bool, opts *rt.ReaderOptions) (*received, error) {
	r, err := rt.OpenFile(t.Table, path, opts)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	got, err := t.read(r.Batches(ctx), r.Rows(ctx), byRows)
	if err != nil {
		return nil, err
	}
	got.schema, got.stats = r.Schema(), r.Stats()
	return got, nil
}

func (t typed[R, B, W]) read(batches iter.Seq2[B, error], all iter.Seq2[R, error], byRows bool) (*received, error) {
	got := new(received)
	if byRows {
		var rows []R
		for row, err := range all {
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		got.batches = []batch{t.cells(rows)}
		return got, nil
	}
	names := columnNames(t.Schema())
	for b, err := range batches {
		if err != nil {
			return nil, err
		}
		one := make([]R, b.Len())
		for i := range one {
			one[i] = b.Row(i)
		}
		all := b.AppendTo(nil)
		b.Release()
		cells := t.cells(all)
		if diff := differ([]batch{t.cells(one)}, []batch{cells}, names); diff != "" {
			return nil, fmt.Errorf("Row and AppendTo differ: %s", diff)
		}
		got.batches = append(got.batches, cells)
	}
	return got, nil
}

func columnNames(s *ipc.Schema) []string {
	names := make([]string, len(s.Fields))
	for i := range names {
		names[i] = s.Fields[i].Name
	}
	return names
}

// readPath reads a stream or file, whichever the name of the file says.
func readPath(ctx context.Context, t table, path string, file, byRows bool, opts *rt.ReaderOptions) (*received, error) {
	if file {
		return t.readFile(ctx, path, byRows, opts)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return t.readStream(ctx, f, byRows, opts)
}
