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
	var out bytes.Buffer
	w, b := tables.NewSampleWriter(&out, nil), Builder(rows, seed)
	write := func() {
		if err := w.Write(context.Background(), b); err != nil {
			panic(err)
		}
	}
	write()
	n := out.Len()
	write()
	return loopOf(out.Bytes(), n)
}

// ArrowStream returns a loop over one reference batch as arrow-go writes it.
func ArrowStream(rows int, seed uint64) *Loop {
	var out bytes.Buffer
	w, rec := ipc.NewWriter(&out, ipc.WithSchema(SampleSchema)), Record(rows, seed, Dictionary())
	write := func() {
		if err := w.Write(rec); err != nil {
			panic(err)
		}
	}
	write()
	n := out.Len()
	write()
	return loopOf(out.Bytes(), n)
}

// MessageSize is the length of the message of one reference batch, head and padding included.
func MessageSize(rows int) int { return len(Stream(rows, 0).batch) }

// loopOf returns the loop of a stream whose first n bytes end with its first batch.
func loopOf(stream []byte, n int) *Loop {
	size := len(stream) - n
	return NewLoop(stream[:n-size:n-size], stream[n:])
}

var _ io.Reader = (*Loop)(nil)
