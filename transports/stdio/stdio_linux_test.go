package stdio_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/stdio"
)

// blockingPipe returns a pipe whose ends are in blocking mode, as those that a shell connects are.
func blockingPipe(t *testing.T) (in, out *os.File) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fds[0]), "in"), os.NewFile(uintptr(fds[1]), "out")
}

// TestBlockingPipe has deadlines nevertheless, leaves the mode of the pipe alone, and ends it on CloseWrite although it
// is open twice.
func TestBlockingPipe(t *testing.T) {
	in, out := blockingPipe(t)
	if err := in.SetReadDeadline(time.Now()); !errors.Is(err, os.ErrNoDeadline) {
		t.Fatalf("the pipe is not in blocking mode: %v", err)
	}
	r, w := stdio.New(in, nil), stdio.New(nil, out)
	for _, c := range []*stdio.Conn{r, w} {
		if !c.Caps().Deadline {
			t.Errorf("Caps are %+v, want a deadline", c.Caps())
		}
	}
	for _, f := range []*os.File{in, out} {
		if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("%s has flags %#x, %v, want blocking mode", f.Name(), flags, err)
		}
	}
	if err := r.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read past its deadline: %v", err)
	}
	if err := r.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("all")); err != nil {
		t.Fatal(err)
	}
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); string(got) != "all" || err != nil {
		t.Errorf("received %q, %v", got, err)
	}
	if err := errors.Join(r.Close(), w.Close()); err != nil {
		t.Error(err)
	}
	if err := in.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the given file was left open: Close gives %v", err)
	}
}

// TestSocketPair is one file for both directions.
func TestSocketPair(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	f, peer := os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "peer")
	c, p := stdio.New(f, f), stdio.New(peer, peer)
	if got, want := c.Caps(), (transports.Caps{Duplex: true, Deadline: true, Gather: true}); got != want {
		t.Errorf("Caps are %+v, want %+v", got, want)
	}
	if err := c.CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("CloseWrite: %v, want ErrUnsupported", err)
	}
	for _, way := range [][2]*stdio.Conn{{c, p}, {p, c}} {
		if _, err := way[0].Write([]byte("ping")); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 4)
		if _, err := io.ReadFull(way[1], got); err != nil || string(got) != "ping" {
			t.Errorf("received %q, %v", got, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if n, err := p.Read(make([]byte, 1)); n != 0 || err != io.EOF { //nolint:errorlint // the bare one is the contract
		t.Errorf("Read after the other end's Close = %d, %v", n, err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestInheritedSocket cannot be polled: it has neither deadlines nor a way to be opened again, and works without.
func TestInheritedSocket(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := stdio.New(nil, os.NewFile(uintptr(fds[0]), "socket"))
	p := stdio.New(os.NewFile(uintptr(fds[1]), "peer"), nil)
	if c.Caps().Deadline || p.Caps().Deadline {
		t.Errorf("Caps are %+v and %+v, want no deadline", c.Caps(), p.Caps())
	}
	if err := p.SetReadDeadline(time.Now()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("SetReadDeadline: %v, want ErrUnsupported", err)
	}
	big := make([]byte, 1<<20) // more than the socket holds: the write waits in the kernel
	sent := make(chan error, 1)
	go func() {
		n, err := c.WriteBuffers([][]byte{big[:100], big[100:]})
		if err == nil && n != int64(len(big)) {
			err = io.ErrShortWrite
		}
		sent <- errors.Join(err, c.CloseWrite())
	}()
	if got, err := io.ReadAll(p); len(got) != len(big) || err != nil {
		t.Errorf("received %d bytes, %v, want %d", len(got), err, len(big))
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if err := errors.Join(c.Close(), p.Close()); err != nil {
		t.Error(err)
	}
}
