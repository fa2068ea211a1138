package quic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/count"
)

// lingerMost is how long a connection whose streams are closed here waits for the other end, in all.
const lingerMost = time.Minute

// A link is a QUIC connection with its streams.
//
// Closing a connection drops what the other end has received and not read, and QUIC does not tell when that has been
// read. So a connection is closed by whoever knows that both ends are through with it:
//
//   - an end that has sent nothing, and has read the ends of its streams and ended its own direction;
//   - an end that knows that the other one has closed all of its streams, and has read the ends of its own or closed them.
//
// An end that has closed all its streams and may not close the connection by these rules says so by opening a
// unidirectional stream and ending it at once: the farewell. It carries no byte. Peers that do not know it leave it alone,
// and close the connection themselves, or are waited for in vain.
type link struct {
	qc            *quic.Conn
	peer          string // as errors name it
	local, remote net.Addr
	dialled       bool
	session       bool // the user closes it: none of the rules above
	linger        time.Duration
	fixed         bool // there are no more streams than lanes, so those that were closed here are all
	lanes         int  // how many there are to be, 0 where nobody has said it

	// Of a listener, nil for nobody: whether no stream has come yet, and who is told that the connection is closed because of what came instead.
	waits   func() bool
	refused func(error)

	sent atomic.Bool // a byte, on any stream

	mu       sync.Mutex
	streams  map[*Conn]struct{} // not closed here
	unread   int                // of all streams, those whose end has not been read, nor given up
	unended  int                // of all streams, those that this end has not ended
	seen     int                // streams there have been
	second   chan struct{}      // closed when there is more than one
	farewell bool               // came
	said     bool               // a farewell
	over     bool               // the connection is closed or being closed here
}

func newLink(qc *quic.Conn, peer string, dialled, session bool, linger time.Duration) *link {
	return &link{
		qc: qc, peer: peer, dialled: dialled, session: session, linger: linger,
		local: addrOf(qc.LocalAddr()), remote: addrOf(qc.RemoteAddr()),
		streams: make(map[*Conn]struct{}), second: make(chan struct{}),
	}
}

func addrOf(a net.Addr) net.Addr { return transports.Addr{Transport: name, Name: a.String()} }

// add returns a connection for a stream.
func (l *link) add(id quic.StreamID, in receiver, out sender, counter *count.Listener) *Conn {
	c := &Conn{link: l, in: in, out: out, counter: counter, read: in == nil, finished: out == nil}
	c.id.Store(int64(id))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams[c] = struct{}{}
	if in != nil {
		l.unread++
	}
	if out != nil {
		l.unended++
	}
	if l.seen++; l.seen == 2 {
		close(l.second)
	}
	return c
}

// atEnd notes that the end of what c receives was read.
func (l *link) atEnd(c *Conn) {
	l.mu.Lock()
	l.noteRead(c)
	l.settle()
}

// finish notes that c has ended what it sends.
func (l *link) finish(c *Conn) {
	l.mu.Lock()
	l.noteFinished(c)
	l.settle()
}

func (l *link) noteRead(c *Conn) {
	if !c.read {
		c.read = true
		l.unread--
	}
}

func (l *link) noteFinished(c *Conn) {
	if !c.finished {
		c.finished = true
		l.unended--
	}
}

// drop forgets a stream that nobody takes.
func (l *link) drop(c *Conn) {
	l.mu.Lock()
	l.noteRead(c)
	l.noteFinished(c)
	delete(l.streams, c)
	l.settle()
}

// closed notes that c was closed, and waits for the other end where that is due. It returns why that does not take what was sent.
func (l *link) closed(c *Conn) error {
	l.mu.Lock()
	l.noteRead(c)
	l.noteFinished(c)
	delete(l.streams, c)
	last := len(l.streams) == 0
	single := l.seen == 1
	if l.settle() || l.session || !last {
		return l.refusal()
	}
	l.sayFarewell()
	second := l.second
	switch {
	case l.fixed:
		second = nil
	case !l.dialled && !single:
		return nil // there may be more streams to come, so how long would that be
	}
	if l.sent.Load() && l.linger > 0 {
		timer := time.NewTimer(l.linger)
		defer timer.Stop()
		select {
		case <-l.qc.Context().Done():
			return l.refusal()
		case <-second:
			return nil
		case <-timer.C:
		}
	}
	if l.dialled {
		timer := time.AfterFunc(lingerMost, func() { _ = l.qc.CloseWithError(codeAbandoned, "nobody has read to the end") })
		context.AfterFunc(l.qc.Context(), func() { timer.Stop() })
	}
	return nil
}

// refusal is why the other end has closed the connection, nil where it is through with it, or has not closed it.
func (l *link) refusal() error {
	var app *quic.ApplicationError
	if !l.sent.Load() || !errors.As(context.Cause(l.qc.Context()), &app) || !app.Remote || app.ErrorCode == codeDone || app.ErrorCode == codeAbandoned {
		return nil
	}
	return l.wrap("close", app)
}

// settle closes the connection if both ends are through with it. l.mu is held, and is released here.
func (l *link) settle() (over bool) {
	if !l.over && !l.session && l.seen > 0 && l.unread == 0 {
		l.over = l.farewell || l.dialled && l.unended == 0 && !l.sent.Load()
	}
	over = l.over
	l.mu.Unlock()
	if over {
		_ = l.qc.CloseWithError(codeDone, "")
	}
	return over
}

func (l *link) sayFarewell() {
	l.mu.Lock()
	said := l.said
	l.said = true
	l.mu.Unlock()
	if said {
		return
	}
	// Without credit for one, or on a connection that is closed, there is nothing to say.
	if s, err := l.qc.OpenUniStream(); err == nil {
		_ = s.Close()
	}
}

// watch waits for the farewell of the other end.
func (l *link) watch() {
	s, err := l.qc.AcceptUniStream(l.qc.Context())
	if err != nil {
		return
	}
	n, err := s.Read(make([]byte, 1))
	if n > 0 {
		l.unexpected()
		return
	}
	if err != io.EOF { //nolint:errorlint // of a stream
		return
	}
	l.mu.Lock()
	l.farewell = true
	l.settle()
}

// unexpected closes a connection whose other end opens streams that this one has no use for.
func (l *link) unexpected() {
	why := fmt.Sprintf("this end has %d of the parallel streams (streams=); both must have the same number of them, and one of both send", max(l.lanes, 1))
	waits := l.waits != nil && l.waits() // else who reads a stream has the error
	_ = l.qc.CloseWithError(codeUnexpected, why)
	if waits {
		l.refused(l.wrap("accept", &quic.ApplicationError{ErrorCode: codeUnexpected, ErrorMessage: why}))
	}
}

// refuse closes a stream that nobody takes.
func refuse(s *quic.Stream) {
	s.CancelRead(codeRefused)
	s.CancelWrite(codeRefused)
}
