package ipc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/internal/newfile"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/wire"
)

// WriterOptions are the settings of a writer of a stream.
type WriterOptions struct {
	// KeepOpen leaves out the half-close with which Close ends the direction where the destination has one. A reader at the other
	// end reads ahead: what is sent on the same connection before it has come to the end of the stream, it may take and drop.
	KeepOpen bool
	// Dictionaries is how dictionaries that change are sent. Zero means [AutoDictionaries].
	Dictionaries Dictionaries
	// Observer is told what happens on the stream. Nil costs nothing.
	Observer Observer
	// Compression is how bodies are compressed, which needs an import of the package below compress. Zero means not at all.
	Compression Compression
	// BufferBytes is how many bytes of batches may wait to be sent together with later ones, for throughput where batches are small:
	// 256 KiB is a good size. What waits is sent when the next batch does not fit, by Flush and by Close. A call returns when its batch
	// has been copied, then, and an error of sending it is that of a later call. It is not for lanes, whose reader waits for each batch in
	// its turn. Zero means that nothing waits.
	BufferBytes int
}

// ErrAborted is returned after Abort.
var ErrAborted = errors.New("lightstream: the writer was aborted")

// ErrClosed is returned by writes after Close.
var ErrClosed = errors.New("lightstream: the writer is closed")

// WriteError tells that the destination failed. Batches and Rows are what it had accepted before, which is not what arrived.
type WriteError struct {
	Destination   string // may be empty
	Batches, Rows int64
	Err           error
}

func (e *WriteError) Error() string {
	to, batches := "", "batches"
	why := strings.TrimPrefix(e.Err.Error(), "lightstream: ")
	if e.Destination != "" {
		to = e.Destination + ": "
		why = strings.TrimPrefix(why, to) // transports name it too
		at, ok := errors.AsType[interface {
			error
			Place() string
		}](e.Err)
		if ok { // as it was dialled, perhaps
			why = strings.TrimPrefix(why, at.Place()+": ")
		}
	}
	if e.Batches == 1 {
		batches = "batch"
	}
	return fmt.Sprintf("lightstream: %safter %s %s (%s rows) that were accepted: %s", to, thousands(e.Batches), batches, thousands(e.Rows), why)
}

func (e *WriteError) Unwrap() error { return e.Err }

// unsent is the error of a write that was cancelled before anything of its batch was sent. The connection is as it was.
func unsent(destination string, batches int64, cause error) error {
	return fmt.Errorf("lightstream: %sgave up before anything of batch %d was sent: %w", prefix(destination), batches, cause)
}

// Writer writes batches as an Arrow IPC stream. It is for one goroutine at a time.
type Writer struct {
	opts      WriterOptions
	name      string
	schema    *Schema
	send      *wire.Sender
	enc       *encoder
	cancel    wire.Canceller
	file      bool
	index     fileIndex // of a file
	base      int64     // bytes of the file before those of this writer
	place     *newfile.File
	started   bool
	closed    bool
	appending bool  // to a file that has dictionaries
	began     bool  // the observer was told
	ended     bool  // it was told that, too
	err       error // of all later calls
	forward   forwarder
	attached  []KeyValue // to the batches of Write
	number    string     // the key of an entry more
	info      StreamInfo
	buffer    []byte   // messages that wait
	marks     []mark   // the batches in it
	joined    [][]byte // the buffer, and the messages behind it
	stats     Stats
	accepted  Stats // those of stats that do not wait
}

// NewWriter returns a writer to dst, which it does not own. It sends nothing yet. Nil options mean all defaults. A schema that
// cannot be written is the error of every call.
func NewWriter(dst io.Writer, schema *Schema, opts *WriterOptions) *Writer {
	w := &Writer{}
	w.init(dst, schema, opts, false)
	return w
}

func (w *Writer) init(dst io.Writer, schema *Schema, opts *WriterOptions, file bool) {
	w.send, w.file = wire.NewSender(dst), file
	if opts != nil {
		w.opts = *opts
	}
	w.name = SourceName(dst)
	w.cancel.Set = w.send.Deadline()
	w.schema = schema
	w.info = StreamInfo{Name: w.name, Sending: true}
	w.enc, w.err = newEncoder(schema, encoding{file: file, mode: w.opts.Dictionaries, compression: w.opts.Compression})
}

// Err returns the error that every later call returns, nil while there is none.
func (w *Writer) Err() error {
	if w.err == nil && w.closed {
		return ErrClosed
	}
	return w.err
}

// Schema returns the schema that the writer was made with, which is read-only.
func (w *Writer) Schema() *Schema { return w.schema }

// Closed tells whether Close or Abort was called.
func (w *Writer) Closed() bool { return w.closed }

// Write sends a batch of rows in the columns of the schema, after the schema and what the reader lacks of the dictionaries. It
// returns when the destination has accepted the bytes, or the writer's buffer; the columns are the caller's again then. Batches that do not fit the
// schema are refused, and nothing is sent; so is text that is not valid UTF-8, with a [*column.ValueError] that wraps
// [column.ErrUTF8]. When the destination fails, or ctx is cancelled inside a message, the error is that
// of every later call, too.
func (w *Writer) Write(ctx context.Context, rows int, columns []column.Data) error {
	if w.appending {
		if err := w.Err(); err != nil {
			return err
		}
		var err error
		if columns, _, err = w.forward.merge(w.enc, columns); err != nil {
			return err
		}
	}
	return w.write(ctx, rows, columns, nil, w.attached, w.number)
}

// SetMetadata attaches entries to the message of each batch that Write sends from now on; a reader finds them in the batch's
// Metadata. Nil attaches none. Forward sends the entries that a batch came with.
func (w *Writer) SetMetadata(entries []KeyValue) { w.attached = slices.Clone(entries) }

// SetNumber attaches an entry more, whose value is n in decimal, to the batches that Write sends from now on; an empty key attaches none.
// It is for a number that each batch has another of, as those of ordered lanes: where only n changes, nothing is built anew.
func (w *Writer) SetNumber(key string, n uint64) {
	w.number = key
	if w.enc != nil {
		w.enc.next = n
	}
}

func (w *Writer) write(ctx context.Context, rows int, columns []column.Data, body []byte, attached []KeyValue, number string) error {
	if err := w.Err(); err != nil {
		return err
	}
	if rows < 0 {
		return fmt.Errorf("lightstream: a batch of %d rows", rows)
	}
	if err := w.cancel.Arm(ctx); err != nil {
		return unsent(w.name, w.stats.Batches, err)
	}
	w.observeStart(ctx)
	w.begin()
	w.enc.attach(attached, number)
	if err := w.enc.addBatch(rows, columns, body); err != nil {
		w.cancel.Leave()
		return err
	}
	if err := w.out(ctx, w.opts.BufferBytes); err != nil {
		return err
	}
	w.stats.Batches++
	w.stats.Rows += int64(rows)
	w.account()
	if o := w.opts.Observer; o != nil {
		o.Batch(ctx, &w.info, rows, w.enc.size)
	}
	return nil
}

// mark says where a batch ends in the buffer, and what has been done once it is sent.
type mark struct {
	end  int
	then Stats
}

// account notes that the batch last taken has been accepted by the destination, or waits.
func (w *Writer) account() {
	switch n := len(w.marks); {
	case len(w.buffer) == 0:
		w.accepted = w.stats
	case n != 0 && w.marks[n-1].end == len(w.buffer):
		w.marks[n-1].then = w.stats
	default:
		w.marks = append(w.marks, mark{len(w.buffer), w.stats})
	}
}

// Flush sends what waits because of BufferBytes, and returns when the destination has accepted it.
func (w *Writer) Flush(ctx context.Context) error {
	if err := w.Err(); err != nil || len(w.buffer) == 0 {
		return err
	}
	if err := w.cancel.Arm(ctx); err != nil {
		return unsent(w.name, w.accepted.Batches, err)
	}
	return w.put(ctx, [][]byte{w.buffer}, int64(len(w.buffer)))
}

// Buffered returns how many bytes wait because of BufferBytes.
func (w *Writer) Buffered() int { return len(w.buffer) }

// Waiting returns how many rows were taken and have not been sent: those that wait because of BufferBytes, or were lost so when the
// destination failed or with Abort.
func (w *Writer) Waiting() int64 { return w.stats.Rows - w.accepted.Rows }

// observeStart tells of the start before the first message.
func (w *Writer) observeStart(ctx context.Context) {
	if o := w.opts.Observer; o != nil && !w.began {
		w.began, w.info.Schema = true, w.schema
		o.Started(ctx, &w.info)
	}
}

// observeEnd tells of the end.
func (w *Writer) observeEnd(err error) {
	if o := w.opts.Observer; o != nil && !w.ended {
		w.ended = true
		o.Ended(&w.info, w.Stats(), err)
	}
}

// begin starts the messages of a call, with what stands before the first of all.
func (w *Writer) begin() {
	w.enc.begin()
	switch {
	case w.started:
	case w.file:
		w.enc.addFileStart()
	default:
		w.enc.addSchema(0)
	}
}

// out sends the messages of the current call, or adds them to the buffer where that then has no more bytes than most.
func (w *Writer) out(ctx context.Context, most int) error {
	offset := w.base + w.send.Sent + int64(len(w.buffer))
	if int64(len(w.buffer))+w.enc.size <= int64(most) {
		for _, p := range w.enc.parts {
			w.buffer = append(w.buffer, p...)
		}
		w.cancel.Leave()
	} else if err := w.flushWith(ctx, w.enc.parts, w.enc.size); err != nil {
		return err
	}
	w.started = true
	if w.file {
		w.index.add(offset, w.enc.marks)
	}
	w.enc.counted(&w.stats)
	w.enc.commit()
	return nil
}

// flushWith sends what waits, and parts of size bytes behind it.
func (w *Writer) flushWith(ctx context.Context, parts [][]byte, size int64) error {
	if len(w.buffer) == 0 {
		return w.put(ctx, parts, size)
	}
	w.joined = append(append(w.joined[:0], w.buffer), parts...)
	err := w.put(ctx, w.joined, int64(len(w.buffer))+size)
	clear(w.joined)
	return err
}

// put sends parts, the first of which is what waits, and for which the writer's cancel is armed.
func (w *Writer) put(ctx context.Context, parts [][]byte, size int64) error {
	n, err := w.send.Send(parts, size)
	w.cancel.Leave()
	for i := range w.marks {
		if int64(w.marks[i].end) <= n {
			w.accepted = w.marks[i].then
		}
	}
	if err == nil {
		w.buffer, w.marks = w.buffer[:0], w.marks[:0]
		return nil
	}
	cause := w.cancel.Cause(ctx, err)
	w.cancel.Disarm()
	if n == 0 && cause != err { // between two messages: the connection is as it was
		return unsent(w.name, w.accepted.Batches, cause)
	}
	w.err = &WriteError{w.name, w.accepted.Batches, w.accepted.Rows, cause}
	w.observeEnd(w.err)
	return w.err
}

// Close sends the end marker, after the schema if nothing was sent, and half-closes the destination where it can. It is
// idempotent. After a failed write it sends nothing and returns that error; after Abort it returns [ErrAborted].
func (w *Writer) Close() error {
	if w.closed || w.place == nil {
		return w.finish()
	}
	if err := w.finish(); err != nil {
		w.place.Abort()
		return err
	}
	if err := w.place.Commit(); err != nil {
		w.err = &WriteError{w.name, w.accepted.Batches, w.accepted.Rows, err}
	}
	return w.err
}

// finish is Close of all but a file that is to be put in its place.
func (w *Writer) finish() error {
	if w.closed {
		return w.err
	}
	if w.err != nil {
		w.closed = true
		return w.err
	}
	w.observeStart(context.Background())
	w.begin()
	w.enc.addEnd()
	if w.file {
		w.enc.part(w.index.footer(w.enc.schema))
	}
	w.cancel.Disarm()
	err := w.out(context.Background(), 0)
	w.closed = true
	if err != nil {
		return err
	}
	if c, ok := w.send.Dst.(interface{ CloseWrite() error }); ok && !w.opts.KeepOpen {
		if err := c.CloseWrite(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			w.err = &WriteError{w.name, w.accepted.Batches, w.accepted.Rows, err}
		}
	}
	w.observeEnd(w.err)
	return w.err
}

// Abort ends the stream without an end marker, so that the reader sees that it is unfinished. After Close it does nothing. It
// does not close the destination.
func (w *Writer) Abort() {
	if w.closed {
		return
	}
	w.closed = true
	if w.err == nil {
		w.err = ErrAborted
	}
	if w.place != nil {
		w.place.Abort()
	}
	w.cancel.Disarm()
	w.observeEnd(w.err)
}

// Stats returns what the writer has done so far.
func (w *Writer) Stats() Stats {
	s := w.accepted
	s.Bytes = w.send.Sent
	return s
}
