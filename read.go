package lightstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/lanes"
	"github.com/lightstream-go/lightstream/transports"
)

// ReadOptions are the settings of [Read] and [ReadAny]. The zero value means all defaults.
type ReadOptions struct {
	// Reader are those of the reader; Reuse means nothing with several streams.
	Reader rt.ReaderOptions
	// Transport are those of the connection, whose Role is set by the call. Nil means all defaults.
	Transport *transports.Options
}

// Reader reads batches B, or rows R, of one table. It is for one goroutine at a time; its batches are for any.
type Reader[R, B any] struct {
	batches lanes.Source[B]
	rows    func(ctx context.Context) iter.Seq2[R, error]
	stats   func() rt.Stats
	close   func() error
}

// Read opens a URI, from which a stream of table t comes, or a file of it. ctx bounds the connecting. Nil options mean all defaults.
//
// The columns are fitted to the table as [rt.NewReader] does.
func Read[R, B any, W rt.Builder[R]](ctx context.Context, t *rt.Table[R, B, W], uri string, opts *ReadOptions) (*Reader[R, B], error) {
	if opts == nil {
		opts = &ReadOptions{}
	}
	to, err := parse(uri, false)
	if err != nil {
		return nil, err
	}
	o := opts.Reader
	if to.uri.Scheme == "file" {
		return readFile(t, to.uri.Path, &o)
	}
	conns, err := to.connect(ctx, opts.Transport, transports.Receives)
	if err != nil {
		return nil, err
	}
	if to.lanes == 0 {
		r := rt.NewReader(t, conns[0], &o)
		return &Reader[R, B]{r, r.Rows, r.Stats, conns.Close}, nil
	}
	o.Reuse = false
	counted := make([]*lanes.Counted[B, rt.Stats], len(conns))
	sources := make([]lanes.Source[B], len(conns))
	for i, c := range conns {
		counted[i] = lanes.Count[B, rt.Stats](rt.NewReader(t, c, &o))
		sources[i] = counted[i]
	}
	r := lanes.NewReader(sources, &lanes.Options{Ordered: to.uri.Stream.Ordered})
	all := &Reader[R, B]{batches: r}
	all.rows = all.eachRow
	all.close = func() error {
		err := conns.Close() // a lane's Read returns then
		return errors.Join(err, r.Close())
	}
	all.stats = func() (sum rt.Stats) {
		for _, c := range counted {
			sum = addStats(sum, c.Stats())
		}
		return sum
	}
	return all, nil
}

func readFile[R, B any, W rt.Builder[R]](t *rt.Table[R, B, W], name string, o *rt.ReaderOptions) (*Reader[R, B], error) {
	file, err := isFile(name)
	if err != nil {
		return nil, err
	}
	if file {
		r, err := rt.OpenFile(t, name, o)
		if err != nil {
			return nil, err
		}
		return &Reader[R, B]{&inOrder[B]{n: r.NumBatches(), batch: r.Batch}, r.Rows, r.Stats, r.Close}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	r := rt.NewReader(t, f, o)
	return &Reader[R, B]{r, r.Rows, r.Stats, f.Close}, nil
}

// inOrder reads the batches of a file one after the other.
type inOrder[B any] struct {
	n, next int
	batch   func(i int) (B, error)
}

func (f *inOrder[B]) Next(ctx context.Context) (b B, err error) {
	switch {
	case ctx.Err() != nil:
		return b, ctx.Err()
	case f.next == f.n:
		return b, io.EOF
	}
	f.next++
	return f.batch(f.next - 1)
}

// Next returns the next batch, io.EOF after the last one. It is valid until it is released; see [rt.Reader.Next].
func (r *Reader[R, B]) Next(ctx context.Context) (B, error) { return r.batches.Next(ctx) }

// Batches yields the batches, and an error once, last. It releases none of them.
func (r *Reader[R, B]) Batches(ctx context.Context) iter.Seq2[B, error] {
	return eachBatch(ctx, r.batches)
}

func eachBatch[B any](ctx context.Context, s lanes.Source[B]) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		for {
			b, err := s.Next(ctx)
			if err == io.EOF || !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Rows yields the rows, with values of their own, and an error once, last; see [rt.Reader.Rows].
func (r *Reader[R, B]) Rows(ctx context.Context) iter.Seq2[R, error] { return r.rows(ctx) }

// eachRow is Rows for batches of several lanes.
func (r *Reader[R, B]) eachRow(ctx context.Context) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var rows []R
		for b, err := range r.Batches(ctx) {
			if err != nil {
				var none R
				yield(none, err)
				return
			}
			batch := any(b).(interface { // of every generated batch
				AppendTo(dst []R) []R
				Release()
			})
			rows = batch.AppendTo(rows[:0])
			batch.Release()
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// Stats returns what has been read so far, of several streams the sums, in which is what the reader has ahead.
func (r *Reader[R, B]) Stats() rt.Stats { return r.stats() }

// Close closes the connections or the file. Batches stay valid.
func (r *Reader[R, B]) Close() error { return r.close() }

// AnyReader reads batches of the schema that the stream or file has. It is for one goroutine at a time; its batches are for any.
type AnyReader struct {
	batches lanes.Source[ipc.Batch]
	schema  *ipc.Schema
	close   func() error
	stats   func() ipc.Stats
}

// ReadAny is [Read] for any schema: it opens the URI and reads the schema. ctx bounds both. Of opts.Reader, Limits, Validate, Align,
// AllowMissingEnd, Pool and Observer are obeyed. Nil options mean all defaults.
func ReadAny(ctx context.Context, uri string, opts *ReadOptions) (*AnyReader, error) {
	if opts == nil {
		opts = &ReadOptions{}
	}
	to, err := parse(uri, false)
	if err != nil {
		return nil, err
	}
	o := &ipc.ReaderOptions{
		Limits: opts.Reader.Limits, Validate: opts.Reader.Validate, Align: opts.Reader.Align,
		AllowMissingEnd: opts.Reader.AllowMissingEnd, Pool: opts.Reader.Pool, Observer: opts.Reader.Observer,
	}
	if to.uri.Scheme == "file" {
		return readAnyFile(ctx, to.uri.Path, o)
	}
	conns, err := to.connect(ctx, opts.Transport, transports.Receives)
	if err != nil {
		return nil, err
	}
	a := &AnyReader{close: conns.Close}
	sources := make([]lanes.Source[ipc.Batch], len(conns))
	counted := make([]*lanes.Counted[ipc.Batch, ipc.Stats], len(conns))
	for i, c := range conns {
		r := ipc.NewReader(c, o)
		if i > 0 {
			counted[i] = lanes.Count[ipc.Batch, ipc.Stats](lanes.Alike(r, a.schema))
			sources[i] = counted[i]
			continue
		}
		counted[i] = lanes.Count[ipc.Batch, ipc.Stats](r)
		sources[i] = counted[i]
		if to.lanes == 0 {
			sources[i], a.stats = r, r.Stats
		}
		if a.schema, err = r.Schema(ctx); err != nil {
			_ = conns.Close()
			return nil, err
		}
	}
	if to.lanes == 0 {
		a.batches = sources[0]
		return a, nil
	}
	r := lanes.NewReader(sources, &lanes.Options{Ordered: to.uri.Stream.Ordered})
	a.batches = r
	a.close = func() error {
		err := conns.Close()
		return errors.Join(err, r.Close())
	}
	a.stats = func() (sum ipc.Stats) {
		for _, c := range counted {
			sum = addUntyped(sum, c.Stats())
		}
		return sum
	}
	return a, nil
}

func readAnyFile(ctx context.Context, name string, o *ipc.ReaderOptions) (*AnyReader, error) {
	file, err := isFile(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	a := &AnyReader{close: f.Close}
	if file {
		var info os.FileInfo
		if info, err = f.Stat(); err == nil {
			var r *ipc.FileReader
			if r, err = ipc.NewFileReader(f, info.Size(), o); err == nil {
				a.stats = r.Stats
				a.schema, a.batches = r.Schema(), &inOrder[ipc.Batch]{n: r.NumBatches(), batch: r.Batch}
				a.close = func() error { r.Close(); return f.Close() }
				return a, nil
			}
		}
	} else {
		r := ipc.NewReader(f, o)
		if a.schema, err = r.Schema(ctx); err == nil {
			a.batches, a.stats = r, r.Stats
			return a, nil
		}
	}
	_ = f.Close()
	return nil, err
}

// Schema returns the schema, which is read-only.
func (a *AnyReader) Schema() *ipc.Schema { return a.schema }

// Next returns the next batch, io.EOF after the last one. It is valid until it is released; see [ipc.Reader.Next].
func (a *AnyReader) Next(ctx context.Context) (ipc.Batch, error) { return a.batches.Next(ctx) }

// Batches yields the batches, and an error once, last. It releases none of them.
func (a *AnyReader) Batches(ctx context.Context) iter.Seq2[ipc.Batch, error] {
	return eachBatch(ctx, a.batches)
}

// Stats returns what has been read so far, of several streams the sums, in which is what the reader has ahead.
func (a *AnyReader) Stats() ipc.Stats { return a.stats() }

// Close closes the connections or the file. Batches stay valid.
func (a *AnyReader) Close() error { return a.close() }

func addStats(a, b rt.Stats) rt.Stats {
	return rt.Stats{
		Batches: a.Batches + b.Batches, Rows: a.Rows + b.Rows, Bytes: a.Bytes + b.Bytes,
		InPlace: a.InPlace + b.InPlace, Converted: a.Converted + b.Converted, Absent: a.Absent + b.Absent, Realigned: a.Realigned + b.Realigned,
		Replaced: a.Replaced + b.Replaced, Deltas: a.Deltas + b.Deltas,
		Forwarded: a.Forwarded + b.Forwarded, Encoded: a.Encoded + b.Encoded, Dropped: a.Dropped + b.Dropped,
	}
}

func addUntyped(a, b ipc.Stats) ipc.Stats {
	return ipc.Stats{
		Batches: a.Batches + b.Batches, Rows: a.Rows + b.Rows, Bytes: a.Bytes + b.Bytes,
		Realigned: a.Realigned + b.Realigned, Inflated: a.Inflated + b.Inflated, Swapped: a.Swapped + b.Swapped,
		Replaced: a.Replaced + b.Replaced, Deltas: a.Deltas + b.Deltas,
		Forwarded: a.Forwarded + b.Forwarded, Encoded: a.Encoded + b.Encoded,
	}
}
