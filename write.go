package lightstream

import (
	"context"
	"errors"
	"fmt"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/lanes"
	"github.com/lightstream-go/lightstream/transports"
)

// WriteOptions are the settings of [Write] and [WriteAny]. The zero value means all defaults.
type WriteOptions struct {
	// Writer are those of the writer, or of the writer of each stream. With several streams a batch of Append has BatchRows rows;
	// BatchBytes and MaxDelay are refused.
	Writer rt.WriterOptions
	// Transport are those of the connection, whose Role is set by the call. Nil means all defaults.
	Transport *transports.Options
}

// Writer writes rows R, or builders W, of one table. It is for one goroutine at a time.
type Writer[R, B any, W rt.Builder[R]] struct {
	one   *rt.Writer[R, B, W] // nil with lanes
	lanes *lanes.Writer[W]
	every []*rt.Writer[R, B, W] // of the lanes
	conns connections           // none with a file
	table *rt.Table[R, B, W]
	opts  rt.WriterOptions
	own   W // what Append fills, with lanes
	ready bool
}

// Write opens a URI, to which a stream of table t goes, or creates a file. A file gets its name when Close has written all of it; what
// was there under that name stays until then. ctx bounds the connecting. Nil options mean all defaults.
func Write[R, B any, W rt.Builder[R]](ctx context.Context, t *rt.Table[R, B, W], uri string, opts *WriteOptions) (*Writer[R, B, W], error) {
	if opts == nil {
		opts = &WriteOptions{}
	}
	to, err := parse(uri, true)
	if err != nil {
		return nil, err
	}
	w := &Writer[R, B, W]{table: t, opts: opts.Writer}
	w.opts.Compression = to.compression(w.opts.Compression)
	switch {
	case to.uri.Scheme == "file":
		create := rt.CreateFile[R, B, W]
		stream, err := isStream(to.uri.Path)
		if err != nil {
			return nil, err
		}
		if stream {
			create = rt.CreateStream[R, B, W]
		}
		if w.one, err = create(t, to.uri.Path, &w.opts); err != nil {
			return nil, err
		}
		return w, nil
	case to.lanes > 0 && (w.opts.BatchBytes != 0 || w.opts.MaxDelay != 0 || w.opts.BufferBytes != 0):
		return nil, errors.New("lightstream: WriterOptions has BatchBytes, BufferBytes or MaxDelay, which several streams do not obey; set BatchRows, and call Flush")
	}
	if w.conns, err = to.connect(ctx, opts.Transport, transports.Sends); err != nil {
		return nil, err
	}
	if to.lanes == 0 {
		w.one = rt.NewWriter(t, w.conns[0], &w.opts)
		return w, nil
	}
	sinks := make([]lanes.Sink[W], len(w.conns))
	for i, c := range w.conns {
		lane := rt.NewWriter(t, c, &w.opts)
		sinks[i], w.every = lane, append(w.every, lane)
	}
	w.lanes = lanes.NewWriter(sinks, &lanes.Options{Ordered: to.uri.Stream.Ordered})
	if w.opts.BatchRows <= 0 {
		w.opts.BatchRows = 64 << 10
	}
	return w, nil
}

// Append adds a row to the writer's own batch; see [rt.Writer.Append].
func (w *Writer[R, B, W]) Append(ctx context.Context, row R) error {
	if w.one != nil {
		return w.one.Append(ctx, row)
	}
	if !w.ready {
		w.own, w.ready = w.table.NewBuilder(w.opts.Builder), true
	}
	n := w.own.Len()
	w.own.Append(row)
	if err := w.own.Err(); err != nil {
		w.own.Truncate(n)
		return err
	}
	if n+1 < w.opts.BatchRows {
		return nil
	}
	err := w.Flush(ctx)
	if err != nil { // the row is not taken; those before it wait
		w.own.Truncate(n)
	}
	return err
}

// Flush sends what still waits, rows of Append and batches.
func (w *Writer[R, B, W]) Flush(ctx context.Context) error {
	if w.one != nil {
		return w.one.Flush(ctx)
	}
	if !w.ready || w.own.Len() == 0 {
		return nil
	}
	if err := w.lanes.Write(ctx, w.own); err != nil {
		return err
	}
	w.own.Reset()
	return nil
}

// Write sends the rows of b as a batch, after those of Append that still wait; see [rt.Writer.Write].
func (w *Writer[R, B, W]) Write(ctx context.Context, b W) error {
	if w.one != nil {
		return w.one.Write(ctx, b)
	}
	if err := w.Flush(ctx); err != nil {
		return err
	}
	return w.lanes.Write(ctx, b)
}

// Forward sends a received batch; see [rt.Writer.Forward]. It is not for several streams.
func (w *Writer[R, B, W]) Forward(ctx context.Context, b B) error {
	if w.one != nil {
		return w.one.Forward(ctx, b)
	}
	return fmt.Errorf("lightstream: forwarding over several streams is %w; write builders, or use one stream", errors.ErrUnsupported)
}

// Stats returns what has been written so far, of several streams the sums.
func (w *Writer[R, B, W]) Stats() (sum rt.Stats) {
	if w.one != nil {
		return w.one.Stats()
	}
	for _, lane := range w.every {
		sum = addStats(sum, lane.Stats())
	}
	return sum
}

// Close sends the rows that wait and the end of the stream, and closes the connections; a file gets its name.
func (w *Writer[R, B, W]) Close() error {
	var err error
	if w.one != nil {
		err = w.one.Close()
	} else {
		if err = w.Flush(context.Background()); err != nil {
			w.lanes.Abort()
		} else {
			err = w.lanes.Close()
		}
	}
	if e := w.conns.Close(); err == nil {
		err = e
	}
	return err
}

// Abort closes the connections without an end of the stream, and leaves a file as it was.
func (w *Writer[R, B, W]) Abort() {
	if w.one != nil {
		w.one.Abort()
	} else {
		w.lanes.Abort()
	}
	_ = w.conns.Close()
}

// AnyWriter writes batches of any schema. It is for one goroutine at a time.
type AnyWriter struct {
	one      *ipc.Writer
	lanes    *lanes.Writer[lanes.Columns]
	every    []*ipc.Writer  // of the lanes
	attached []ipc.KeyValue // for the lanes
	conns    connections
}

// WriteAny is [Write] for any schema. Of opts.Writer, Dictionaries, Observer, Compression, BufferBytes and KeepOpen are obeyed. Nil
// options mean all defaults.
func WriteAny(ctx context.Context, schema *ipc.Schema, uri string, opts *WriteOptions) (*AnyWriter, error) {
	if opts == nil {
		opts = &WriteOptions{}
	}
	to, err := parse(uri, true)
	if err != nil {
		return nil, err
	}
	o := &ipc.WriterOptions{
		KeepOpen: opts.Writer.KeepOpen, Dictionaries: opts.Writer.Dictionaries, Observer: opts.Writer.Observer,
		Compression: to.compression(opts.Writer.Compression), BufferBytes: opts.Writer.BufferBytes,
	}
	if to.lanes > 0 && o.BufferBytes != 0 {
		return nil, errors.New("lightstream: WriterOptions has BufferBytes, which several streams do not obey; leave it zero")
	}
	w := &AnyWriter{}
	if to.uri.Scheme == "file" {
		stream, err := isStream(to.uri.Path)
		if err != nil {
			return nil, err
		}
		if stream {
			if w.one, err = ipc.CreateStream(to.uri.Path, schema, o); err != nil {
				return nil, err
			}
			return w, nil
		}
		file, err := ipc.CreateFile(to.uri.Path, schema, o)
		if err != nil {
			return nil, err
		}
		w.one = &file.Writer
		return w, nil
	}
	if w.conns, err = to.connect(ctx, opts.Transport, transports.Sends); err != nil {
		return nil, err
	}
	if to.lanes == 0 {
		w.one = ipc.NewWriter(w.conns[0], schema, o)
		return w, nil
	}
	sinks := make([]lanes.Sink[lanes.Columns], len(w.conns))
	for i, c := range w.conns {
		lane := ipc.NewWriter(c, schema, o)
		sinks[i], w.every = lanes.Untyped(lane), append(w.every, lane)
	}
	w.lanes = lanes.NewWriter(sinks, &lanes.Options{Ordered: to.uri.Stream.Ordered})
	return w, nil
}

// Write sends a batch; see [ipc.Writer.Write]. That of a received batch b is rows b.Len() and columns ipc.Columns(b).
func (w *AnyWriter) Write(ctx context.Context, rows int, columns []column.Data) error {
	if w.one != nil {
		return w.one.Write(ctx, rows, columns)
	}
	return w.lanes.Write(ctx, lanes.Columns{Rows: rows, Columns: columns, Metadata: w.attached})
}

// Flush sends what still waits because of BufferBytes.
func (w *AnyWriter) Flush(ctx context.Context) error {
	if w.one != nil {
		return w.one.Flush(ctx)
	}
	return nil
}

// SetMetadata attaches entries to the message of each batch that is sent from now on, such as those that a received one has.
func (w *AnyWriter) SetMetadata(entries []ipc.KeyValue) {
	if w.one != nil {
		w.one.SetMetadata(entries)
	}
	w.attached = entries
}

// Stats returns what has been written so far, of several streams the sums.
func (w *AnyWriter) Stats() (sum ipc.Stats) {
	if w.one != nil {
		return w.one.Stats()
	}
	for _, lane := range w.every {
		sum = addUntyped(sum, lane.Stats())
	}
	return sum
}

// Close sends the end of the stream and closes the connections; a file gets its name.
func (w *AnyWriter) Close() error {
	var err error
	if w.one != nil {
		err = w.one.Close()
	} else {
		err = w.lanes.Close()
	}
	if e := w.conns.Close(); err == nil {
		err = e
	}
	return err
}

// Abort closes the connections without an end of the stream, and leaves a file as it was.
func (w *AnyWriter) Abort() {
	if w.one != nil {
		w.one.Abort()
	} else {
		w.lanes.Abort()
	}
	_ = w.conns.Close()
}
