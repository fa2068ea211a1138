package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	nethttp "net/http"
	"slices"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/fanout"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
)

// encoding is one stream to many clients, encoded once.
type encoding struct {
	hub *fanout.Hub
	w   *ipc.Writer
}

// encodings are the same rows twice, compressed and plain, or once where nothing is to be compressed.
type encodings struct {
	packed, plain *encoding
	all           []*encoding
}

func newEncodings(schema *ipc.Schema, compression ipc.Compression, slow fanout.Slow) *encodings {
	open := func(c ipc.Compression) *encoding {
		hub := fanout.New(&fanout.Options{Slow: slow})
		return &encoding{hub, ipc.NewWriter(hub, schema, &ipc.WriterOptions{Compression: c})}
	}
	e := &encodings{packed: open(compression)}
	e.plain = e.packed
	e.all = []*encoding{e.packed}
	if compression != ipc.Uncompressed {
		e.plain = open(ipc.Uncompressed)
		e.all = append(e.all, e.plain)
	}
	return e
}

// of returns the one for a client: where it has sent a request, that says whether it reads the codec.
func (e *encodings) of(conn transports.Conn, codec string) *encoding {
	asked, ok := transports.Unwrap(conn).(interface{ Request() *nethttp.Request })
	if ok && !slices.Contains(http.Codecs(asked.Request()), codec) {
		return e.plain
	}
	return e.packed
}

// send sends the stream to a client, which has nothing to say but a request: what it says is for another kind of server, or a stream, which
// nobody would read.
func (e *encoding) send(ctx context.Context, conn transports.Conn) error {
	client := transports.Unwrap(conn)
	if can := client.Caps(); !can.Duplex || !can.Deadline {
		return e.hub.Send(ctx, conn)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var hearing sync.WaitGroup
	hearing.Go(func() {
		if err := hear(client); err != nil {
			cancel(err)
		}
	})
	err := e.hub.Send(ctx, conn)
	_ = client.SetReadDeadline(time.Unix(1, 0))
	hearing.Wait()
	if said := context.Cause(ctx); said != nil && err != nil {
		_ = transports.Refuse(conn, said.Error()) // else the client could take it that its stream has arrived
		return said
	}
	return err
}

// hear returns what is wrong with a client's first bytes. Nil means that there are none.
func hear(client transports.Conn) error {
	first := make([]byte, 16)
	n, _ := io.ReadAtLeast(client, first, 4)
	if n < 4 {
		return nil
	}
	_, err := ipc.NewReader(bytes.NewReader(first[:n]), nil).Next(context.Background())
	switch {
	case errors.Is(err, ipc.ErrUnfinished), errors.Is(err, frame.ErrTruncated):
		return errors.New("the client sends a stream, and so does serve; it must receive, as lightstream cat does")
	}
	return err
}

func (e *encodings) readers() (n int) {
	for _, one := range e.all {
		n += one.hub.Stats().Readers
	}
	return n
}

// write sends a batch. One of two is not encoded while nobody reads it: who joins it gets what comes from then on anyway.
func (e *encodings) write(ctx context.Context, rows int, columns []column.Data, attached []ipc.KeyValue) error {
	for _, one := range e.all {
		if len(e.all) > 1 && one.hub.Stats().Readers == 0 {
			continue
		}
		one.w.SetMetadata(attached)
		if err := one.w.Write(ctx, rows, columns); err != nil {
			return err
		}
	}
	return nil
}

// close ends the streams with a marker.
func (e *encodings) close() error {
	var errs []error
	for _, one := range e.all {
		errs = append(errs, one.w.Close())
	}
	return errors.Join(errs...)
}

// abort ends them without.
func (e *encodings) abort() {
	for _, one := range e.all {
		one.w.Abort()
		_ = one.hub.Close()
	}
}
