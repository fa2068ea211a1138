package ipc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/internal/wire"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// ReaderOptions are the settings of a reader of a stream or file.
type ReaderOptions struct {
	// Limits bound what the input can make the reader do. Nil means all defaults.
	Limits *Limits
	// Validate is how much of a batch is checked. Zero means [Contents].
	Validate Level
	// Align is where buffers must lie. Zero means [Align64].
	Align Align
	// AllowMissingEnd takes the end of the source between two messages for the end of the stream.
	AllowMissingEnd bool
	// Select names the columns that are wanted, by their index in the schema; the others stay empty. Its error ends the
	// stream. Nil means all.
	Select func(*Schema) ([]bool, error)
	// Pool supplies the memory. Nil means the shared pool.
	Pool *mem.Pool
	// Observer is told what happens on a stream; it means nothing for files. Nil costs nothing.
	Observer Observer
}

// ErrUnfinished tells that the source ended between two messages but without an end marker: the sender stopped early.
var ErrUnfinished = errors.New("stream ended without an end marker")

// UnfinishedError says where a stream ended without an end marker. It wraps [ErrUnfinished].
type UnfinishedError struct {
	Source        string // may be empty
	Batches, Rows int64  // those that came
}

func (e *UnfinishedError) Error() string {
	source := ""
	if e.Source != "" {
		source = e.Source + ": "
	}
	if e.Batches == 0 {
		return "lightstream: " + source + "stream ended before the first batch without an end marker; the sender stopped early"
	}
	return fmt.Sprintf("lightstream: %sstream ended after batch %s (%s rows) without an end marker; the sender stopped early",
		source, thousands(e.Batches), thousands(e.Rows))
}

// thousands writes n with a comma after each three digits from the end.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func (e *UnfinishedError) Unwrap() error { return ErrUnfinished }

// slabSize is how much a reader of streams reads ahead. A batch of up to half of it is a view into a slab.
const slabSize = 256 << 10

// Reader reads the batches of an Arrow IPC stream. It is for one goroutine at a time.
type Reader struct {
	opts   ReaderOptions
	stream *frame.Stream[frame.Message]
	framer *frame.IPC
	dec    *decoder
	cancel wire.Canceller
	source string
	info   StreamInfo
	err    error // of all later calls
}

// NewReader returns a reader of the stream that src carries. It reads nothing yet, and then ahead: what src has behind the end of
// the stream may be lost to others. Nil options mean all defaults.
func NewReader(src io.Reader, opts *ReaderOptions) *Reader {
	r := &Reader{source: SourceName(src)}
	if opts != nil {
		r.opts = *opts
	}
	r.dec = newDecoder(r.opts.Limits, r.opts.Validate, r.opts.Align, r.opts.Pool)
	r.framer = &frame.IPC{MaxMetadata: r.dec.limits.MaxMetadata, MaxBody: r.dec.limits.MaxBody}
	r.stream = frame.NewStream(src, r.framer, &frame.StreamOptions{Pool: r.opts.Pool, Chunk: slabSize})
	if d, ok := src.(interface{ SetReadDeadline(time.Time) error }); ok {
		r.cancel.Set = d.SetReadDeadline
	}
	return r
}

// SourceName is what errors call a source or destination: the name of a file, the address of a connection's peer, and "" for
// others.
func SourceName(src any) string {
	switch s := src.(type) {
	case interface{ Name() string }:
		return s.Name()
	case interface{ RemoteAddr() net.Addr }:
		if a := s.RemoteAddr(); a != nil {
			return a.Network() + " " + a.String()
		}
	}
	return ""
}

// Schema returns the schema of the stream, reading it if need be.
func (r *Reader) Schema(ctx context.Context) (*Schema, error) {
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	return r.dec.schema, nil
}

// start reads the schema, once.
func (r *Reader) start(ctx context.Context) error {
	if r.err != nil && r.dec.schema == nil {
		return r.err
	}
	if r.dec.schema != nil {
		return nil
	}
	m, err := r.message(ctx)
	if err != nil {
		return err
	}
	defer m.Release()
	if m.End {
		return r.fail(frame.At(0, "", frame.Errorf(ErrMalformed, "the end marker comes before a schema")))
	}
	fb, ok := m.Root.HeaderSchema()
	if !ok {
		kind := m.Root.HeaderType()
		if m.Batch != nil {
			kind = arrowfb.MessageHeaderRecordBatch
		}
		return r.fail(frame.At(0, "message.header", frame.Errorf(ErrMalformed, "the stream begins with a message of type %v, want Schema", kind)))
	}
	if err := r.dec.attach(m.Root, &r.dec.attachedSchema); err != nil {
		return r.fail(err)
	}
	if err := r.dec.setSchema(fb, r.opts.Select); err != nil {
		return r.fail(err)
	}
	if o := r.opts.Observer; o != nil {
		r.info = StreamInfo{Name: r.source, Schema: r.dec.schema}
		o.Started(ctx, &r.info)
	}
	return nil
}

// message reads the next message.
func (r *Reader) message(ctx context.Context) (frame.Message, error) {
	if err := r.cancel.Arm(ctx); err != nil {
		return frame.Message{}, gaveUp(r.source, r.stream.Frames(), err)
	}
	m, err := r.stream.Next()
	r.cancel.Leave()
	if err == nil {
		return m, nil
	}
	if c := r.cancel.Cause(ctx, err); c != err {
		if len(r.stream.Buffered()) != 0 || r.stream.Err() != nil { // inside a message: this direction is lost
			return frame.Message{}, r.fail(interrupted(r.source, r.stream.Frames(), c))
		}
		r.cancel.Disarm() // the connection is as it was
		return frame.Message{}, gaveUp(r.source, r.stream.Frames(), c)
	}
	if err == io.EOF {
		if r.opts.AllowMissingEnd && r.dec.schema != nil {
			return frame.Message{}, r.fail(io.EOF)
		}
		return frame.Message{}, r.fail(&UnfinishedError{r.source, r.dec.stats.Batches, r.dec.stats.Rows})
	}
	return frame.Message{}, r.fail(err)
}

// gaveUp is the error of a read that was cancelled between two messages.
func gaveUp(source string, message int64, cause error) error {
	return fmt.Errorf("lightstream: %sgave up waiting for message %d: %w", prefix(source), message, cause)
}

// prefix returns what stands in an error before what is said of a source or destination.
func prefix(name string) string {
	if name != "" {
		name += ": "
	}
	return name
}

// interrupted is the error of a read that was cancelled inside a message.
func interrupted(source string, message int64, cause error) error {
	return fmt.Errorf("lightstream: %sreading was cancelled inside message %d, so this direction is closed: %w", prefix(source), message, cause)
}

// fail ends reading with err, which it says the place of.
func (r *Reader) fail(err error) error {
	if e, ok := errors.AsType[*frame.DecodeError](err); ok {
		e.Source = r.source
		e.Frame = max(r.stream.Frames()-1, 0)
		if r.stream.Err() != nil {
			e.Frame = r.stream.Frames()
		}
	}
	r.end(err)
	return err
}

// Stop ends reading: later calls return err, unless there was an error before, and what was read ahead is given back.
func (r *Reader) Stop(err error) {
	if r.err == nil {
		r.end(err)
	}
}

// end makes err the answer of all later calls and gives the memory back.
func (r *Reader) end(err error) {
	r.err = err
	r.cancel.Disarm()
	r.stream.Free()
	r.dec.free()
	if o := r.opts.Observer; o != nil {
		r.info.Name = r.source
		if err == io.EOF {
			err = nil
		}
		o.Ended(&r.info, r.Stats(), err)
	}
}

// Next returns the next batch, whose buffers alias the received bytes until it is released. The error is io.EOF after the end
// marker, an *UnfinishedError where there is none, the cause of ctx where it was cancelled, and else mostly a *DecodeError.
// After a cancel between two messages the reader is usable; all other errors come again with every later call.
func (r *Reader) Next(ctx context.Context) (Batch, error) {
	if r.err != nil {
		return Batch{}, r.err
	}
	if err := r.start(ctx); err != nil {
		return Batch{}, err
	}
	before := r.stream.Bytes()
	for range r.dec.limits.MaxMessages {
		m, err := r.message(ctx)
		if err != nil {
			return Batch{}, err
		}
		switch {
		case m.End:
			return Batch{}, r.fail(io.EOF)
		case m.Batch != nil:
			h, err := r.dec.batch(&m)
			r.framer.Forget()
			if err != nil {
				return Batch{}, r.fail(err)
			}
			r.stream.Discard(0) // with nothing behind the batch its slab goes back when the batch is released, and not with the next call
			if o := r.opts.Observer; o != nil {
				o.Batch(ctx, &r.info, h.Len(), r.stream.Bytes()-before)
			}
			return h, nil
		}
		if err := r.between(&m); err != nil {
			return Batch{}, r.fail(err)
		}
	}
	return Batch{}, r.fail(frame.At(0, "", frame.Errorf(ErrLimit, "more than %d messages without a batch exceed Limits.MaxMessages; raise it if the peer is trusted", r.dec.limits.MaxMessages)))
}

// between takes a message that is no batch, and releases it: a dictionary, or one that should not be here.
func (r *Reader) between(m *frame.Message) error {
	if fb, ok := m.Root.HeaderDictionaryBatch(); ok {
		return r.dec.dictionary(m, fb, true)
	}
	defer m.Release()
	if _, ok := m.Root.HeaderSchema(); ok {
		return frame.At(0, "message.header", frame.Errorf(ErrMalformed, "a second schema; a new stream follows its own end marker"))
	}
	return header(m.Root)
}

// Stats returns what the reader has done so far.
func (r *Reader) Stats() Stats {
	s := r.dec.stats
	s.Bytes = r.stream.Bytes()
	return s
}
