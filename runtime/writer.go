package rt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// WriterOptions are the settings of a writer.
type WriterOptions struct {
	// BatchRows is how many rows of Append make a batch. Zero means 65,536.
	BatchRows int
	// BatchBytes is about how many bytes of Append make a batch. Zero means 1 MiB.
	BatchBytes int
	// BufferBytes is how many bytes of batches may wait to be sent together with later ones, for throughput where batches are small:
	// 256 KiB is a good size. What waits is sent when the next batch does not fit, after MaxDelay, by Flush and by Close. Write and
	// Forward return when their batch has been copied, then, and an error of sending it is that of a later call. It is not for lanes,
	// whose reader waits for each batch in its turn, and a [Batcher] sends each of its batches by itself. Zero means that batches do not wait.
	BufferBytes int
	// MaxDelay is how long the oldest row of Append, and the oldest batch with BufferBytes, may wait before it is sent, by a goroutine
	// of the writer's own where no call comes; an error of that is returned by the next call. Zero means that rows wait for a full
	// batch, Flush, Write or Close.
	MaxDelay time.Duration
	// Builder are the settings of the builder that Append fills. Nil means all defaults.
	Builder *BuilderOptions
	// KeepOpen leaves out the half-close with which Close ends the direction where the destination has one. A reader at the other
	// end reads ahead: what is sent on the same connection before it has come to the end of the stream, it may take and drop. To
	// send several tables on one connection, see [Protocol].
	KeepOpen bool
	// Dictionaries is how dictionaries that change are sent. Zero means [ipc.AutoDictionaries].
	Dictionaries ipc.Dictionaries
	// Observer is told what happens on the stream; see [Observer]. Nil costs nothing.
	Observer Observer
	// Compression is how columns are compressed: ipc.LZ4 with an import of compress/lz4, ipc.ZSTD with one of compress/zstd. Zero
	// means not at all.
	Compression ipc.Compression
	// Metadata is the metadata of the schema.
	Metadata []ipc.KeyValue
}

// Writer sends rows R, or builders W, of one table as an Arrow IPC stream. It is for one goroutine at a time.
//
// Delivery is at most once: an error tells how many batches the destination has accepted, which is not how many arrived.
type Writer[R, B any, W Builder[R]] struct {
	table *Table[R, B, W]
	opts  WriterOptions
	out   *ipc.Writer
	own   W // what Append fills
	ready bool
	lost  error // why Close could not send what waited

	dropped int64 // rows

	delay *delay // nil without MaxDelay

	refused error // what became of rows that were to be sent because of MaxDelay, for the next Append

	forward B // the batch of the current Forward
	handle  interface{ Handle() Handle }
}

// NewWriter returns a writer to dst, which it does not own. It sends nothing yet. Nil options mean all defaults.
//
// Where dst has a SetWriteDeadline, cancelling the context of a call interrupts the write; elsewhere it takes effect with the
// next call. Where it has WriteBuffers, a batch goes out as one gathered write.
func NewWriter[R, B any, W Builder[R]](t *Table[R, B, W], dst io.Writer, opts *WriterOptions) *Writer[R, B, W] {
	w := newWriter(t, opts)
	w.out = ipc.NewWriter(dst, w.schema(), w.options())
	return w
}

// NewFileWriter returns a writer of an Arrow IPC file to dst, which it does not own. The file is complete when Close has
// returned without an error. A file holds one dictionary for each column: batches of a second builder with dictionary columns
// are refused with [ipc.ErrReplaced], and nothing of them is written. Nil options mean all defaults.
func NewFileWriter[R, B any, W Builder[R]](t *Table[R, B, W], dst io.Writer, opts *WriterOptions) *Writer[R, B, W] {
	w := newWriter(t, opts)
	w.out = &ipc.NewFileWriter(dst, w.schema(), w.options()).Writer
	return w
}

// CreateFile is [NewFileWriter] of the named file. Nobody sees a part of it: what is written goes to a file of another name beside
// it, and Close, when all of it is on disk, gives it the name in one step; see [ipc.CreateFile].
func CreateFile[R, B any, W Builder[R]](t *Table[R, B, W], name string, opts *WriterOptions) (*Writer[R, B, W], error) {
	w := newWriter(t, opts)
	out, err := ipc.CreateFile(name, w.schema(), w.options())
	if err != nil {
		return nil, err
	}
	w.out = &out.Writer
	return w, nil
}

// CreateStream is [CreateFile] of a stream that is kept in a file; see [ipc.CreateStream].
func CreateStream[R, B any, W Builder[R]](t *Table[R, B, W], name string, opts *WriterOptions) (*Writer[R, B, W], error) {
	w := newWriter(t, opts)
	out, err := ipc.CreateStream(name, w.schema(), w.options())
	if err != nil {
		return nil, err
	}
	w.out = out
	return w, nil
}

// AppendFile is [CreateFile] of a file that is there already, to which rows and batches are added: it is copied, and the copy takes its
// place when Close has written all. Its columns must be those of the table, in their order; what may be null there and not in the table
// stays so. The error is a *[SchemaError] where they are not. See [ipc.AppendFile].
func AppendFile[R, B any, W Builder[R]](t *Table[R, B, W], name string, opts *WriterOptions) (*Writer[R, B, W], error) {
	w := newWriter(t, opts)
	out, err := ipc.AppendFile(name, w.options())
	if err != nil {
		return nil, err
	}
	if err := w.sameColumns("file", name, out.Schema(), "columns of a file stay as they are; write another file"); err != nil {
		out.Abort()
		return nil, err
	}
	w.out = &out.Writer
	return w, nil
}

// sameColumns tells whether the rows of the table can go as they are to a place of the given schema: a file or a sink.
func (w *Writer[R, B, W]) sameColumns(place, name string, have *ipc.Schema, remedy string) error {
	e := &SchemaError{Source: name, Table: w.table.spec.Name, place: place}
	fields := w.table.schema.Fields
	for i := range max(len(fields), len(have.Fields)) {
		switch {
		case i >= len(have.Fields):
			e.Differences = append(e.Differences, Difference{fields[i].Name, fields[i].String(), "(absent)", remedy})
		case i >= len(fields):
			e.Differences = append(e.Differences, Difference{have.Fields[i].Name, "(absent)", have.Fields[i].String(), remedy})
		case have.Fields[i].Name != fields[i].Name || !accepts(&have.Fields[i], &fields[i]):
			found := have.Fields[i].String()
			if have.Fields[i].Name != fields[i].Name {
				found = fmt.Sprintf("%s: %s", have.Fields[i].Name, found)
			}
			e.Differences = append(e.Differences, Difference{fields[i].Name, fields[i].String(), found, remedy})
		}
	}
	if len(e.Differences) != 0 {
		return e
	}
	return nil
}

// accepts tells whether a column of a file can hold the values of another. The names of list items and map entries mean nothing.
func accepts(have, want *ipc.Field) bool {
	named := func(k ipc.Kind) bool { return k == ipc.KindStruct || k == ipc.KindUnion }
	if !have.Type.Equal(want.Type) || want.Nullable && !have.Nullable || len(have.Children) != len(want.Children) || (have.Dictionary == nil) != (want.Dictionary == nil) {
		return false
	}
	if have.Dictionary != nil && (!have.Dictionary.Index.Equal(want.Dictionary.Index) || have.Dictionary.Ordered != want.Dictionary.Ordered) {
		return false
	}
	for i := range have.Children {
		if named(have.Type.Kind) && have.Children[i].Name != want.Children[i].Name || !accepts(&have.Children[i], &want.Children[i]) {
			return false
		}
	}
	return true
}

func newWriter[R, B any, W Builder[R]](t *Table[R, B, W], opts *WriterOptions) *Writer[R, B, W] {
	w := &Writer[R, B, W]{table: t}
	w.handle, _ = any(&w.forward).(interface{ Handle() Handle })
	if opts != nil {
		w.opts = *opts
	}
	if w.opts.BatchRows <= 0 {
		w.opts.BatchRows = 64 << 10
	}
	if w.opts.BatchBytes <= 0 {
		w.opts.BatchBytes = 1 << 20
	}
	if w.opts.MaxDelay > 0 {
		w.delay = newDelay(w.opts.MaxDelay, w.late)
	}
	return w
}

func (w *Writer[R, B, W]) options() *ipc.WriterOptions {
	return &ipc.WriterOptions{KeepOpen: w.opts.KeepOpen, Dictionaries: w.opts.Dictionaries, Compression: w.opts.Compression, Observer: w.opts.Observer, BufferBytes: w.opts.BufferBytes}
}

func (w *Writer[R, B, W]) schema() *ipc.Schema {
	if w.opts.Metadata == nil {
		return w.table.schema
	}
	return &ipc.Schema{Fields: w.table.schema.Fields, Metadata: w.opts.Metadata}
}

// Append adds a row to the writer's own batch, which is sent when it has the rows or bytes of the options, and with Flush,
// Write and Close. A row with a value that does not fit is dropped: its error, a *column.ValueError, is returned, and the
// writer stays usable. Nor is the row taken that completes a batch if ctx has ended before that is sent.
func (w *Writer[R, B, W]) Append(ctx context.Context, row R) error {
	if err := w.delay.enter(ctx); err != nil {
		return err
	}
	defer w.delay.leave()
	if !w.ready {
		w.own, w.ready = w.table.NewBuilder(w.opts.Builder), true
	}
	if err := w.out.Err(); err != nil {
		return err
	}
	if err := w.refused; err != nil {
		w.refused = nil
		w.delay.begin() // they wait still
		return err
	}
	b := w.own.base()
	n := b.Len()
	w.own.Append(row)
	if b.failed && n != 0 && full(b.Err()) {
		b.Truncate(n)
		if err := w.flush(ctx); err != nil {
			return err
		}
		n = b.Len()
		w.own.Append(row)
	}
	if b.failed {
		err := b.Err()
		b.Truncate(n)
		w.dropped++
		return err
	}
	if n == 0 && w.out.Buffered() == 0 {
		w.delay.begin()
	}
	if n+1 >= w.opts.BatchRows || b.size() >= w.opts.BatchBytes {
		if err := w.flush(ctx); err != nil {
			if w.out.Err() == nil { // cancelled before anything was sent: the row is not taken
				b.Truncate(n)
			}
			return err
		}
	}
	return nil
}

// full tells whether a row was refused because the rows before it leave no room for it in one batch.
func full(err error) bool {
	return errors.Is(err, column.ErrRunEnds) || errors.Is(err, column.ErrTooLong) || errors.Is(err, column.ErrTooManyItems)
}

// Flush sends what still waits, rows of Append and batches.
func (w *Writer[R, B, W]) Flush(ctx context.Context) error {
	if err := w.delay.enter(ctx); err != nil {
		return err
	}
	defer w.delay.leave()
	return w.flushAll(ctx)
}

// late sends the rows that have waited for MaxDelay. Its error is that of every later call.
func (w *Writer[R, B, W]) late(ctx context.Context) {
	if !w.out.Closed() {
		if err := w.flushAll(ctx); err != nil && ctx.Err() == nil && w.out.Err() == nil {
			w.refused = err // of rows that still wait; what the writer itself has it tells anyway
		}
	}
}

func (w *Writer[R, B, W]) flushAll(ctx context.Context) error {
	err := w.flush(ctx)
	if e := w.out.Flush(ctx); err == nil { // what waits behind it is sent also where rows of Append cannot be
		err = e
	}
	return err
}

// flush makes a batch of the rows that wait.
func (w *Writer[R, B, W]) flush(ctx context.Context) error {
	if !w.ready || w.own.Len() == 0 {
		return w.out.Err()
	}
	if err := w.send(ctx, w.own.base()); err != nil {
		return err
	}
	w.refused = nil
	w.own.Reset()
	return nil
}

// Write sends the rows of b as a batch, after those of Append that still wait, and returns when the destination, or the buffer of
// BufferBytes, has accepted the bytes: then b's memory is the caller's again. The rows stay in b: call Reset before the next batch.
//
// An error of the builder is returned and nothing sent; the writer stays usable. After an error of the destination every later call returns the same one, unless nothing of a message was sent.
func (w *Writer[R, B, W]) Write(ctx context.Context, b W) error {
	if err := b.Err(); err != nil {
		return err
	}
	if err := w.delay.enter(ctx); err != nil {
		return err
	}
	defer w.delay.leave()
	before := w.delay == nil || w.waiting()
	if err := w.flush(ctx); err != nil {
		return err
	}
	if err := w.send(ctx, b.base()); err != nil {
		return err
	}
	w.waits(before)
	return nil
}

// waiting tells whether anything waits.
func (w *Writer[R, B, W]) waiting() bool {
	return w.out.Buffered() != 0 || w.ready && w.own.Len() != 0
}

// waits begins the delay for a batch that waits where nothing did before.
func (w *Writer[R, B, W]) waits(before bool) {
	if !before && w.waiting() {
		w.delay.begin()
	}
}

// SetMetadata attaches entries to the message of each batch that is sent from now on, those of rows that wait included; a reader finds
// them in the batch's Metadata. Nil attaches none. Forward sends the entries that a batch came with.
func (w *Writer[R, B, W]) SetMetadata(entries []ipc.KeyValue) {
	_ = w.delay.enter(context.Background())
	defer w.delay.leave()
	w.out.SetMetadata(entries)
}

// SetNumber attaches an entry more whose value is n in decimal; see [ipc.Writer.SetNumber].
func (w *Writer[R, B, W]) SetNumber(key string, n uint64) {
	_ = w.delay.enter(context.Background())
	defer w.delay.leave()
	w.out.SetNumber(key, n)
}

// Forward sends a received batch of the table, after the rows of Append that still wait. Where it lies as this writer lays
// batches out, which is so for most that another Writer sent and that were read in place, its body goes out as it was received;
// else, as with lists that have no items or columns below a null, it is encoded anew without being copied. Stats counts both. Dictionaries are sent as the reader at the other end needs
// them, also where batches of several readers are forwarded in turn. The batch is not released.
//
// A batch that was released panics, as its accessors do. One that has nulls where the table has none, which [ZeroNulls] let pass, is
// refused. Other errors are those of Write.
func (w *Writer[R, B, W]) Forward(ctx context.Context, batch B) error {
	if err := w.delay.enter(ctx); err != nil {
		return err
	}
	defer w.delay.leave()
	before := w.delay == nil || w.waiting()
	if err := w.flush(ctx); err != nil {
		return err
	}
	if w.handle == nil {
		return fmt.Errorf("lightstream: batches of table %q have no method Handle; generate the table anew", w.table.Name())
	}
	w.forward = batch
	h := w.handle.Handle()
	var none B
	w.forward = none
	if err := w.out.Forward(ctx, h); err != nil {
		return err
	}
	w.waits(before)
	return nil
}

func (w *Writer[R, B, W]) send(ctx context.Context, b *BuilderBase) error {
	rows, columns, err := b.batch()
	if err != nil {
		return err
	}
	return w.out.Write(ctx, rows, columns)
}

// Close sends what waits and the end marker, and half-closes the destination where it can. It is idempotent; where what waits
// cannot be sent, or after a failed send, it writes no marker and returns that error, and after Abort it returns [ErrAborted].
func (w *Writer[R, B, W]) Close() error {
	_ = w.delay.enter(context.Background())
	defer w.delay.leave()
	defer w.delay.interrupt()
	if w.out.Closed() {
		if w.lost != nil {
			return w.lost
		}
		return w.out.Close()
	}
	if err := w.flush(context.Background()); err != nil {
		_ = w.out.Flush(context.Background()) // what stands before them
		w.out.Abort()                         // what was accepted and is lost must not look like a whole stream
		w.lost = err
		w.drop()
		return err
	}
	return w.out.Close()
}

// Abort ends the stream without an end marker, so that the peer sees that it is unfinished, and drops what waits. After Close
// it does nothing. It does not close the destination.
func (w *Writer[R, B, W]) Abort() {
	w.delay.interrupt()
	_ = w.delay.enter(context.Background())
	defer w.delay.leave()
	w.out.Abort()
	w.drop()
}

// drop gives up the rows that wait.
func (w *Writer[R, B, W]) drop() {
	if w.ready {
		w.dropped += int64(w.own.Len())
		w.own.Reset()
	}
}

// Stats returns what the writer has done so far.
func (w *Writer[R, B, W]) Stats() Stats {
	_ = w.delay.enter(context.Background())
	defer w.delay.leave()
	s, lost := w.out.Stats(), int64(0)
	if w.out.Err() != nil {
		lost = w.out.Waiting() // for ever
	}
	return Stats{Batches: s.Batches, Rows: s.Rows, Bytes: s.Bytes, Replaced: s.Replaced, Deltas: s.Deltas, Forwarded: s.Forwarded, Encoded: s.Encoded, Dropped: w.dropped + lost}
}
