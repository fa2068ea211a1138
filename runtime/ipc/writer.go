package ipc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

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
		var at interface {
			error
			Place() string
		}
		if errors.As(e.Err, &at) { // as it was dialled, perhaps
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
	place     *placement
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
	stats     Stats
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
// returns when the destination has accepted the bytes; the columns are the caller's again then. Batches that do not fit the
// schema are refused, and nothing is sent. When the destination fails, or ctx is cancelled inside a message, the error is that
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
	before := w.send.Sent
	w.observeStart(ctx)
	w.begin()
	w.enc.attach(attached, number)
	if err := w.enc.addBatch(rows, columns, body); err != nil {
		w.cancel.Leave()
		return err
	}
	if err := w.out(ctx); err != nil {
		return err
	}
	w.stats.Batches++
	w.stats.Rows += int64(rows)
	if o := w.opts.Observer; o != nil {
		o.Batch(ctx, &w.info, rows, w.send.Sent-before)
	}
	return nil
}

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

// out sends the messages of the current call.
func (w *Writer) out(ctx context.Context) error {
	offset := w.base + w.send.Sent
	n, err := w.send.Send(w.enc.parts, w.enc.size)
	w.cancel.Leave()
	if err != nil {
		cause := w.cancel.Cause(ctx, err)
		w.cancel.Disarm()
		if n == 0 && cause != err { // between two messages: the connection is as it was
			return unsent(w.name, w.stats.Batches, cause)
		}
		w.err = &WriteError{w.name, w.stats.Batches, w.stats.Rows, cause}
		w.observeEnd(w.err)
		return w.err
	}
	w.started = true
	if w.file {
		w.index.add(offset, w.enc.marks)
	}
	w.enc.counted(&w.stats)
	w.enc.commit()
	return nil
}

// Close sends the end marker, after the schema if nothing was sent, and half-closes the destination where it can. It is
// idempotent. After a failed write it sends nothing and returns that error; after Abort it returns [ErrAborted].
func (w *Writer) Close() error {
	if w.closed || w.place == nil {
		return w.finish()
	}
	if err := w.finish(); err != nil {
		w.place.remove()
		return err
	}
	if err := w.place.commit(); err != nil {
		w.err = &WriteError{w.name, w.stats.Batches, w.stats.Rows, err}
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
	err := w.out(context.Background())
	w.closed = true
	if err != nil {
		return err
	}
	if c, ok := w.send.Dst.(interface{ CloseWrite() error }); ok && !w.opts.KeepOpen {
		if err := c.CloseWrite(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			w.err = &WriteError{w.name, w.stats.Batches, w.stats.Rows, err}
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
		w.place.remove()
	}
	w.cancel.Disarm()
	w.observeEnd(w.err)
}

// Stats returns what the writer has done so far.
func (w *Writer) Stats() Stats {
	s := w.stats
	s.Bytes = w.send.Sent
	return s
}
