package transports_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
)

func TestErrorText(t *testing.T) {
	for _, tt := range []struct {
		err  transports.Error
		want string
	}{
		{
			transports.Error{
				Transport: "tcp", Addr: "localhost:9000", Op: "dial", Hint: "is the other end listening?",
				// As package net builds it; its own text would say all of this again.
				Err: &net.OpError{
					Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9000},
					Err: os.NewSyscallError("connect", errors.New("connection refused")),
				},
			},
			"lightstream: tcp localhost:9000: dial: connection refused; is the other end listening?",
		},
		{
			transports.Error{
				Transport: "stdio", Addr: "/dev/stdout", Op: "write",
				Err: &fs.PathError{Op: "write", Path: "/dev/stdout", Err: errors.New("broken pipe")},
			},
			"lightstream: stdio /dev/stdout: write: broken pipe",
		},
		{
			transports.Error{Transport: "uds", Op: "listen", Err: errors.New("the path is empty")},
			"lightstream: uds: listen: the path is empty",
		},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("error %q, want %q", got, tt.want)
		}
	}
}

func TestErrorMatches(t *testing.T) {
	for _, tt := range []struct {
		name string
		op   string
		err  error
		is   []error // of all below
	}{
		{"deadline", "read", os.ErrDeadlineExceeded, []error{os.ErrDeadlineExceeded}},
		{"own close", "read", net.ErrClosed, []error{net.ErrClosed}},
		{"closed pipe", "write", io.ErrClosedPipe, []error{transports.ErrPeerClosed}},
		{"peer closed", "write", transports.ErrPeerClosed, []error{transports.ErrPeerClosed}},
		{"unsupported", "close write", errors.ErrUnsupported, []error{errors.ErrUnsupported}},
		{"cancelled", "accept", context.Canceled, []error{context.Canceled}},
		{"other", "read", errors.New("other"), nil},
	} {
		err := error(&transports.Error{Transport: "tcp", Addr: "a", Op: tt.op, Err: tt.err})
		for _, target := range []error{
			os.ErrDeadlineExceeded, net.ErrClosed, transports.ErrPeerClosed, errors.ErrUnsupported, context.Canceled,
		} {
			want := false
			for _, is := range tt.is {
				want = want || is == target
			}
			if got := errors.Is(err, target); got != want {
				t.Errorf("%s: is %v: %v, want %v", tt.name, target, got, want)
			}
		}
	}
}

// TestPeerClosedIsOfReadsAndWrites tells a reset that ended a connection from one that met a Dial.
func TestPeerClosedIsOfReadsAndWrites(t *testing.T) {
	reset := &net.OpError{Op: "read", Err: os.NewSyscallError("read", transports.Reset)}
	for op, want := range map[string]bool{"read": true, "write": true, "dial": false, "accept": false} {
		err := &transports.Error{Transport: "tcp", Addr: "a", Op: op, Err: reset}
		if got := errors.Is(err, transports.ErrPeerClosed); got != want {
			t.Errorf("%s: is ErrPeerClosed: %v, want %v", op, got, want)
		}
		if errno := syscall.Errno(0); !errors.As(err, &errno) || errno != transports.Reset {
			t.Errorf("%s: the cause is lost", op)
		}
	}
}

func TestErrorIsNetError(t *testing.T) {
	for _, tt := range []struct {
		err                error
		timeout, temporary bool
	}{
		{os.ErrDeadlineExceeded, true, true},
		{context.DeadlineExceeded, true, true},
		{&net.OpError{Err: os.ErrDeadlineExceeded}, true, true},
		{net.ErrClosed, false, false},
		{errors.New("other"), false, false},
	} {
		err := &transports.Error{Transport: "tcp", Op: "read", Err: tt.err}
		if err.Timeout() != tt.timeout || err.Temporary() != tt.temporary {
			t.Errorf("%v: Timeout %v, Temporary %v, want %v, %v",
				tt.err, err.Timeout(), err.Temporary(), tt.timeout, tt.temporary)
		}
	}
}
