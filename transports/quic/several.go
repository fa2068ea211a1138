package quic

import (
	"context"
	"net"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
)

// Several streams of one connection are unidirectional where one end sends and the other receives: that which sends opens them, whichever of both
// has dialled. Where both do both they are bidirectional, and that which dialled opens them.

// several makes room for n streams: in number, and in windows, so that those that nobody reads do not stop the others.
func (o *Options) several(n int) {
	o.MaxStreams = max(or(o.MaxStreams, 100), n+1) // and the farewell
	o.ConnWindow = max(or(o.ConnWindow, connWindow), int64(n)*or(o.StreamWindow, streamWindow))
}

// DialSeveral connects to a URI with n streams.
func (opener) DialSeveral(ctx context.Context, u *transports.URI, opts *transports.Options, n int) ([]transports.Conn, error) {
	o, err := dialOptions(u, opts)
	if err != nil {
		return nil, err
	}
	o.several(n)
	l, err := dial(ctx, u.Host, o, false)
	if err != nil {
		return nil, err
	}
	conns, err := l.several(ctx, opts.Role, n, nil)
	if err != nil {
		_ = l.qc.CloseWithError(codeDone, "")
		return nil, dialError(ctx, u.Host, err)
	}
	return conns, nil
}

// acceptsSeveral is a listener by URI.
type acceptsSeveral struct {
	*Listener
	role transports.Role
}

// AcceptSeveral waits for the next connection of a peer that Authorize lets in, with n streams.
func (l acceptsSeveral) AcceptSeveral(ctx context.Context, n int) ([]transports.Conn, error) {
	for {
		qc, _, err := l.next(ctx, nil)
		if err != nil {
			return nil, err
		}
		lk := l.admit(ctx, qc, false)
		if lk == nil {
			continue
		}
		conns, err := lk.several(ctx, l.role, n, &l.counter)
		if err == nil && l.accepted(stream{link: lk}) {
			for range n - 1 { // which counts one
				l.counter.Accepted()
			}
			return conns, nil
		}
		if err == nil {
			err = net.ErrClosed
		}
		_ = qc.CloseWithError(codeListener, "")
		return nil, l.wrap("accept", err)
	}
}

// several returns the n streams of a connection that has no more than these.
func (l *link) several(ctx context.Context, role transports.Role, n int, counter *count.Listener) ([]transports.Conn, error) {
	l.fixed, l.lanes = true, n
	conns := make([]transports.Conn, 0, n)
	if role == transports.SendsAndReceives {
		take := l.qc.OpenStreamSync
		if !l.dialled {
			take = l.qc.AcceptStream
		}
		for range n {
			q, err := take(ctx)
			if err != nil {
				return nil, err
			}
			conns = append(conns, l.add(q.StreamID(), q, q, counter))
		}
		go l.watch()
		return conns, nil
	}
	go l.refuseBidirectional()
	if role == transports.Sends {
		for range n {
			q, err := l.qc.OpenUniStreamSync(ctx)
			if err != nil {
				return nil, err
			}
			conns = append(conns, l.add(q.StreamID(), nil, q, counter))
		}
		go l.watch()
		return conns, nil
	}
	// A stream shows with its first byte, which may be long after that of another. So nobody waits for it but who reads it.
	expected := make([]*awaited, n)
	for i := range expected {
		expected[i] = &awaited{wake: make(chan struct{})}
		conns = append(conns, l.add(quic.StreamID(-1), expected[i], nil, counter))
	}
	go func() {
		for i, a := range expected {
			q, err := l.qc.AcceptUniStream(l.qc.Context())
			if err != nil {
				if why := context.Cause(l.qc.Context()); why != nil { // else the streams ended before the connection
					err = why
				}
				for _, a := range expected[i:] {
					a.fail(err)
				}
				return
			}
			conns[i].(*Conn).id.Store(int64(q.StreamID()))
			a.arrived(q)
		}
		l.watch()
	}()
	return conns, nil
}

// refuseBidirectional closes a connection on which the other end opens a stream both ways.
func (l *link) refuseBidirectional() {
	if _, err := l.qc.AcceptStream(l.qc.Context()); err == nil {
		l.unexpected()
	}
}

// awaited is the receiving end of a stream that the peer has not opened yet.
type awaited struct {
	mu       sync.Mutex
	in       *quic.ReceiveStream // nil before it came
	err      error               // why it does not come
	deadline time.Time
	canceled bool
	code     quic.StreamErrorCode
	wake     chan struct{} // closed, and replaced, with each change
}

// change notes what f does, and wakes who waits.
func (a *awaited) change(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
	close(a.wake)
	a.wake = make(chan struct{})
}

func (a *awaited) arrived(in *quic.ReceiveStream) {
	a.change(func() {
		if a.in = in; a.canceled {
			in.CancelRead(a.code)
		}
		_ = in.SetReadDeadline(a.deadline)
	})
}

func (a *awaited) fail(err error) {
	a.change(func() { a.err = err })
}

// Read waits for the stream, and reads it.
func (a *awaited) Read(p []byte) (int, error) {
	for {
		a.mu.Lock()
		in, err, deadline, wake := a.in, a.err, a.deadline, a.wake
		a.mu.Unlock()
		if in != nil {
			return in.Read(p)
		}
		if err != nil {
			return 0, err
		}
		if deadline.IsZero() {
			<-wake
			continue
		}
		left := time.Until(deadline)
		if left <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
		timer := time.NewTimer(left)
		select {
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// CancelRead makes reads fail, and tells the peer that nobody reads the stream when it comes.
func (a *awaited) CancelRead(code quic.StreamErrorCode) {
	a.change(func() {
		if a.canceled, a.code = true, code; a.in != nil {
			a.in.CancelRead(code)
		} else if a.err == nil {
			a.err = net.ErrClosed
		}
	})
}

// SetReadDeadline is that of a stream.
func (a *awaited) SetReadDeadline(t time.Time) error {
	var err error
	a.change(func() {
		if a.deadline = t; a.in != nil {
			err = a.in.SetReadDeadline(t)
		}
	})
	return err
}
