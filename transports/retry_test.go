package transports_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/pipe"
)

// What the scheme "flaky" returns, and when it was asked.
var flaky struct {
	answers []error
	asked   []time.Time
}

func init() {
	transports.Register(transports.Scheme{
		Name: "flaky", Form: transports.Bare,
		Opener: dialer(func(context.Context, *transports.URI, *transports.Options) (transports.Conn, error) {
			flaky.asked = append(flaky.asked, time.Now())
			err := flaky.answers[0]
			if len(flaky.answers) > 1 {
				flaky.answers = flaky.answers[1:]
			}
			if err != nil {
				return nil, err
			}
			a, _ := pipe.New(nil)
			return a, nil
		}),
	})
}

// dialFlaky dials with these answers, of which the last one is repeated.
func dialFlaky(ctx context.Context, uri string, r *transports.Retry, answers ...error) error {
	flaky.answers, flaky.asked = answers, nil
	c, err := transports.Open(ctx, uri, &transports.Options{Retry: r})
	if c != nil {
		_ = c.Close()
	}
	return err
}

func failed(op string, err error) error {
	return &transports.Error{Transport: "flaky", Addr: "x", Op: op, Err: err}
}

var errRefused = failed("dial", &net.OpError{Op: "dial", Err: errors.New("refused")})

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []time.Duration
		r := &transports.Retry{Wait: time.Second, MaxWait: 5 * time.Second, Failed: func(err error, wait time.Duration) {
			if err != errRefused { //nolint:errorlint // the same one
				t.Errorf("failed: %v", err)
			}
			told = append(told, wait)
		}}
		if err := dialFlaky(t.Context(), "flaky:", r, errRefused, errRefused, errRefused, errRefused, errRefused, nil); err != nil {
			t.Fatal(err)
		}
		if len(told) != 5 || len(flaky.asked) != 6 {
			t.Fatalf("%d attempts, told %v", len(flaky.asked), told)
		}
		for i, most := range []time.Duration{1, 2, 4, 5, 5} {
			most *= time.Second
			if wait := flaky.asked[i+1].Sub(flaky.asked[i]); wait != told[i] || wait < most/2 || wait > most {
				t.Errorf("wait %d took %v and was told as %v, want %v to %v", i, wait, told[i], most/2, most)
			}
		}

		// All defaults, three times at most.
		if err := dialFlaky(t.Context(), "flaky:", &transports.Retry{Attempts: 3}, errRefused); !errors.Is(err, errRefused) || err.Error() != errRefused.Error()+"; 3 attempts failed" || len(flaky.asked) != 3 {
			t.Errorf("%d attempts, %v", len(flaky.asked), err)
		}
		if wait := flaky.asked[1].Sub(flaky.asked[0]); wait < 50*time.Millisecond || wait > 100*time.Millisecond {
			t.Errorf("the first wait took %v", wait)
		}
		// Once.
		if err := dialFlaky(t.Context(), "flaky:", nil, errRefused); err != errRefused || len(flaky.asked) != 1 { //nolint:errorlint // the same one
			t.Errorf("%d attempts, %v", len(flaky.asked), err)
		}
		// Until the time is over. The error is that of the dial, and says so.
		start := time.Now()
		err := dialFlaky(t.Context(), "flaky:?timeout=3s", &transports.Retry{}, errRefused)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), errRefused.Error()+"; ") || !strings.HasSuffix(err.Error(), " attempts failed, and there was no time for another: context deadline exceeded") || time.Since(start) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if te := (*transports.Error)(nil); !errors.As(err, &te) || te.Op != "dial" {
			t.Errorf("%v is not the error of the dial", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := dialFlaky(ctx, "flaky:", &transports.Retry{}, errRefused); err != errRefused || len(flaky.asked) != 1 { //nolint:errorlint // the same one
			t.Errorf("%d attempts, %v", len(flaky.asked), err)
		}
	})
}

// temporary is an error that says that it may pass.
type temporary bool

func (e temporary) Error() string   { return fmt.Sprint("temporary: ", bool(e)) }
func (e temporary) Temporary() bool { return bool(e) }

func TestRetryWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			err   error
			again bool
		}{
			{errRefused, true},
			{failed("dial", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}), true},
			{failed("handshake", os.ErrDeadlineExceeded), true},
			{failed("handshake", fmt.Errorf("early: %w", transports.ErrPeerClosed)), true},
			{failed("handshake", temporary(true)), true},
			{failed("handshake", temporary(false)), false},
			{failed("handshake", &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}), false},
			{failed("dial", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}), false},
			{failed("dial", &net.OpError{Op: "dial", Err: &net.AddrError{Err: "missing port"}}), false},
			{failed("dial", &net.OpError{Op: "dial", Err: os.ErrPermission}), false},
			{failed("dial", errors.New("a certificate cannot be read")), false},
			{&transports.URIError{URI: "x", Err: errors.New("is wrong")}, false},
			{errors.New("anything"), false},
		} {
			err := dialFlaky(t.Context(), "flaky:", &transports.Retry{Attempts: 2}, tt.err)
			if again := len(flaky.asked) == 2; again != tt.again || !errors.Is(err, tt.err) || again != strings.HasSuffix(err.Error(), "; 2 attempts failed") {
				t.Errorf("%v: %d attempts, %v", tt.err, len(flaky.asked), err)
			}
		}
	})
}

// TestRetryReal dials a socket whose listener comes after the first attempt.
func TestRetryReal(t *testing.T) {
	dir, err := os.MkdirTemp("", "uds")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	uri := "uds://" + filepath.ToSlash(filepath.Join(dir, "s"))
	listeners := make(chan transports.Listener, 1)
	r := &transports.Retry{Wait: time.Millisecond, Failed: func(error, time.Duration) {
		if len(listeners) == 0 {
			l, err := transports.Listen(t.Context(), uri, nil)
			if err != nil {
				t.Error(err)
			}
			listeners <- l
		}
	}}
	c, err := transports.Open(t.Context(), uri, &transports.Options{Retry: r})
	if err != nil {
		t.Fatal(err)
	}
	l := <-listeners
	accepted, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	talk(t, c, accepted)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
