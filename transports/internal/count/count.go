// Package count counts what a listener does, for its Stats.
package count

import (
	"context"
	"errors"
	"net"
	"sync/atomic"

	"github.com/lightstream-go/lightstream/transports"
)

// Listener counts for one listener. Nil counts nothing.
type Listener struct{ accepted, closed, refused, files, other atomic.Int64 }

// Accepted counts a connection that Accept returns.
func (l *Listener) Accepted() { l.accepted.Add(1) }

// Closed counts the end of one. It is called once for each.
func (l *Listener) Closed() {
	if l != nil {
		l.closed.Add(1)
	}
}

// Refused counts a peer that was not let in.
func (l *Listener) Refused() { l.refused.Add(1) }

// Failed counts an error of the system. That a context has ended, or the listener, is none.
func (l *Listener) Failed(err error, outOfFiles bool) {
	switch {
	case outOfFiles:
		l.files.Add(1)
	case errors.Is(err, net.ErrClosed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
	default:
		l.other.Add(1)
	}
}

// Stats returns what was counted.
func (l *Listener) Stats() transports.ListenerStats {
	s := transports.ListenerStats{Refused: l.refused.Load(), OutOfFiles: l.files.Load(), Failed: l.other.Load()}
	closed := l.closed.Load() // before those that were accepted, so that there are no fewer of these
	s.Accepted = l.accepted.Load()
	s.Open = s.Accepted - closed
	return s
}
