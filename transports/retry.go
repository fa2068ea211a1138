package transports

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"time"
)

// Retry has an end that dials try again where that may help: when nobody listens yet, the connection is lost in its
// handshake, or a time-out passes; not when a name is unknown, a certificate is refused, or the URI is wrong. A connection that
// was made and is lost later is not dialled again: a new connection is a new stream, and only its user knows what is to be sent
// again.
type Retry struct {
	// Attempts is how often is dialled at most. Zero means until the context ends, or timeout= of the URI has passed.
	Attempts int
	// Wait is about how long is waited after the first attempt, twice as long after each further one, and never longer than
	// MaxWait. Each wait is between half of that and all of it, by chance, so that clients that have lost the same server do
	// not come back at the same moment. Zero means 100 ms, and 10 s for MaxWait.
	Wait, MaxWait time.Duration
	// Failed is told about each attempt after which another one follows, and in how long. Nil tells nobody.
	Failed func(err error, wait time.Duration)
}

// retry dials until that succeeds, or there is no point in going on. It returns the last error of a dial, and after several attempts says
// how many there were.
func retry[C any](ctx context.Context, r *Retry, dial func(context.Context) (C, error)) (c C, err error) {
	wait, most := r.Wait, r.MaxWait
	if wait <= 0 {
		wait = 100 * time.Millisecond
	}
	if most <= 0 {
		most = 10 * time.Second
	}
	for attempt := 1; ; attempt++ {
		c, err = dial(ctx)
		if err == nil || attempt == r.Attempts || ctx.Err() != nil || !mayPass(err) {
			if err != nil && attempt > 1 {
				err = &retryError{last: err, attempts: attempt}
			}
			return c, err
		}
		wait = min(wait, most)
		pause := wait/2 + rand.N(wait/2+1)
		if r.Failed != nil {
			r.Failed(err, pause)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return c, &retryError{last: err, attempts: attempt, ended: ctx.Err()}
		}
		wait *= 2
	}
}

// retryError is the last error of several attempts, or of one that would have been repeated had there been time.
type retryError struct {
	last     error
	attempts int
	ended    error // why there was no other, nil where it was the last
}

func (e *retryError) Error() string {
	s := e.last.Error()
	switch {
	case e.ended == nil:
		s += fmt.Sprintf("; %d attempts failed", e.attempts)
	case e.attempts == 1:
		s += "; there was no time for another attempt: " + e.ended.Error()
	default:
		s += fmt.Sprintf("; %d attempts failed, and there was no time for another: %v", e.attempts, e.ended)
	}
	return s
}

func (e *retryError) Unwrap() []error {
	if e.ended == nil {
		return []error{e.last}
	}
	return []error{e.last, e.ended}
}

// mayPass tells whether another attempt may succeed.
func mayPass(err error) bool {
	te, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	if te.Timeout() || te.Temporary() || errors.Is(err, ErrPeerClosed) || te.Op != "dial" && errors.Is(&Error{Op: "read", Err: te.Err}, ErrPeerClosed) {
		return true
	}
	return te.Op == "dial" && is[*net.OpError](err) && !is[*net.DNSError](err) && !is[*net.AddrError](err) && !errors.Is(err, fs.ErrPermission)
}

// is tells whether an E is among the errors that err wraps.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
