package workload

import (
	"bytes"
	"context"
	"io"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/bench/tables"
)

// Discard is a destination that takes everything, gathered or not.
type Discard struct{ Bytes, Writes int64 }

// Write takes p.
func (d *Discard) Write(p []byte) (int, error) {
	d.Bytes += int64(len(p))
	d.Writes++
	return len(p), nil
}

// WriteBuffers takes all of bufs.
func (d *Discard) WriteBuffers(bufs [][]byte) (int64, error) {
	var n int64
	for _, b := range bufs {
		n += int64(len(b))
	}
	d.Bytes += n
	d.Writes++
	return n, nil
}

// Loop is a stream without an end: what comes first, and then the same batch again and again.
type Loop struct {
	next  []byte
	batch []byte
}

// NewLoop returns a stream of first and then batch for ever.
func NewLoop(first, batch []byte) *Loop { return &Loop{first, batch} }

// Read reads up to the end of a batch.
func (l *Loop) Read(p []byte) (int, error) {
	if len(l.next) == 0 {
		l.next = l.batch
	}
	n := copy(p, l.next)
	l.next = l.next[n:]
	return n, nil
}

// Stream returns a loop over one reference batch as this project writes it.
func Stream(rows int, seed uint64) *Loop {
	b := Builder(rows, seed)
	return must(LoopOf(func(dst io.Writer) func() error {
		w := tables.NewSampleWriter(dst, nil)
		return func() error { return w.Write(context.Background(), b) }
	}))
}

// ArrowStream returns a loop over one reference batch as arrow-go writes it.
func ArrowStream(rows int, seed uint64) *Loop {
	rec := Record(rows, seed, Dictionary())
	return must(LoopOf(func(dst io.Writer) func() error {
		w := ipc.NewWriter(dst, ipc.WithSchema(SampleSchema))
		return func() error { return w.Write(rec) }
	}))
}

// MessageSize is the length of the message of one reference batch, head and padding included.
func MessageSize(rows int) int { return len(Stream(rows, 0).batch) }

// LoopOf returns the loop of a batch, which write writes to dst each time that it is called.
func LoopOf(write func(dst io.Writer) func() error) (*Loop, error) {
	var out bytes.Buffer
	batch := write(&out)
	if err := batch(); err != nil {
		return nil, err
	}
	n := out.Len() // where the first batch ends
	if err := batch(); err != nil {
		return nil, err
	}
	stream := out.Bytes()
	size := len(stream) - n
	return NewLoop(stream[:n-size:n-size], stream[n:]), nil
}

func must(l *Loop, err error) *Loop {
	if err != nil {
		panic(err)
	}
	return l
}

var _ io.Reader = (*Loop)(nil)
