package ipc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// deadlined counts the deadlines that are set on it.
type deadlined struct {
	bytes.Buffer
	set int
}

func (d *deadlined) SetWriteDeadline(time.Time) error { d.set++; return nil }

// TestRefusedIsNoCall sends what cannot be encoded: a context that ends afterwards does not touch the connection.
func TestRefusedIsNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conn deadlined
		c, err := ipc.NewProtocolConn(&conn, []ipc.Member{{Name: "one", Kind: frame.Table, Schema: &ipc.Schema{Fields: []ipc.Field{{Name: "a", Type: ipc.Int64}}}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		if err := c.SendBatch(ctx, 0, 3, []column.Data{{Len: 2}}); err == nil {
			t.Fatal("a column of 2 rows went in a batch of 3")
		}
		cancel()
		synctest.Wait()
		if conn.set != 0 {
			t.Errorf("%d deadlines were set while nothing was sent", conn.set)
		}
		one := column.Data{Len: 1, Buffers: [3][]byte{1: make([]byte, 8)}}
		if err := c.SendBatch(context.Background(), 0, 1, []column.Data{one}); err != nil || conn.Len() == 0 {
			t.Error(conn.Len(), err)
		}
	})
}

// TestProtocolReleased releases what was received, as a caller may, and goes on.
func TestProtocolReleased(t *testing.T) {
	near, far := net.Pipe()
	members := []ipc.Member{{Name: "note", Kind: frame.Opaque}}
	out, err := ipc.NewProtocolConn(near, members, nil)
	if err != nil {
		t.Fatal(err)
	}
	in, err := ipc.NewProtocolConn(far, members, nil)
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan error, 1)
	go func() {
		var err error
		for i := range 3 {
			err = errors.Join(err, out.SendMessage(context.Background(), 0, bytes.Repeat([]byte{byte(i)}, 20_000))) // one that is read alone
		}
		sent <- errors.Join(err, near.Close())
	}()
	for i := range 3 {
		f, err := in.Recv(t.Context())
		if err != nil || len(f.Payload) != 20_000 || f.Payload[19_999] != byte(i) {
			t.Fatalf("message %d: %d bytes, %v", i, len(f.Payload), err)
		}
		f.Release()
		f.Release()
	}
	if f, err := in.Recv(t.Context()); err != io.EOF {
		t.Fatalf("%+v, %v", f, err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// halfClosing is a connection whose half-close says err.
type halfClosing struct {
	bytes.Buffer
	err error
}

func (c *halfClosing) CloseWrite() error { return c.err }

// TestProtocolCloseEnds closes directions over wires with and without a half-close: where nothing ends, Close says so.
func TestProtocolCloseEnds(t *testing.T) {
	broken := errors.New("broken")
	members := []ipc.Member{{Name: "note", Kind: frame.Opaque}}
	for name, c := range map[string]struct {
		says error
		opts ipc.ProtocolOptions
		want error
	}{
		"half-close":               {},
		"no half-close":            {says: errors.ErrUnsupported, want: errors.ErrUnsupported},
		"no half-close, announced": {says: errors.ErrUnsupported, opts: ipc.ProtocolOptions{Announce: true}},
		"no half-close, kept open": {says: errors.ErrUnsupported, opts: ipc.ProtocolOptions{KeepOpen: true}},
		"broken":                   {says: broken, opts: ipc.ProtocolOptions{Announce: true}, want: broken},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := ipc.NewProtocolConn(&halfClosing{err: c.says}, members, &c.opts)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := p.Close(); !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
			}
			if c.want == broken {
				return
			}
			if err := p.SendMessage(t.Context(), 0, nil); !errors.Is(err, ipc.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
		})
	}
}
