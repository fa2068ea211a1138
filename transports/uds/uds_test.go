package uds_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/transporttest"
	"github.com/lightstream-go/lightstream/transports/uds"
)

func TestMain(m *testing.M) { transporttest.Main(m) }

func TestTransport(t *testing.T) {
	listen := func(ctx context.Context) (transports.Listener, error) { return uds.Listen(ctx, socketPath(t), nil) }
	dial := func(ctx context.Context, l transports.Listener, _ transporttest.Role) (transports.Conn, error) {
		return uds.Dial(ctx, l.Addr().String(), nil)
	}
	transporttest.Run(t, dial, listen, transports.Caps{HalfClose: true, Duplex: true, Deadline: true, Gather: true})
}

// socketPath returns a path for a socket in a directory of its own. t.TempDir has the test's name in it, and that may
// be longer than a socket address.
func socketPath(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "uds")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func listenAt(t testing.TB, path string, opts *uds.ListenOptions) *uds.Listener {
	t.Helper()
	l, err := uds.Listen(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// connect returns the ends of a new connection, which are closed when the test ends.
func connect(t testing.TB, l *uds.Listener) (dialled, accepted *uds.Conn) {
	t.Helper()
	dialled, err := uds.Dial(t.Context(), l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close() })
	a, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return dialled, a.(*uds.Conn)
}

// abandon leaves a socket file that nobody listens on, as a process that crashed would.
func abandon(t testing.TB, path string) {
	t.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestProcesses(t *testing.T) {
	path := socketPath(t)
	transporttest.RunProcesses(t, "uds://"+path, func(a net.Addr) string { return "uds://" + a.String() })
}

func TestSocketFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	for _, tt := range []struct{ mode, want fs.FileMode }{{0, 0o600}, {0o666, 0o666}, {0o660, 0o660}} {
		path := socketPath(t)
		l := listenAt(t, path, &uds.ListenOptions{Mode: tt.mode})
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode(); got != fs.ModeSocket|tt.want {
			t.Errorf("mode %v: the file has %v, want %v", tt.mode, got, fs.ModeSocket|tt.want)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file after Close: %v, want none", err)
		}
	}
}

func TestStaleSocket(t *testing.T) {
	path := socketPath(t)
	abandon(t, path)
	_, err := uds.Dial(t.Context(), path, nil)
	wantText(t, err, "lightstream: uds "+path+": dial: ", "refused", "its listener is gone")

	l := listenAt(t, path, nil)
	dialled, accepted := connect(t, l)
	if _, err := dialled.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if n, err := accepted.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("Read = %d, %v", n, err)
	}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(names) != 1 {
		t.Errorf("files beside the socket: %v, %v", names, err)
	}
}

func TestSocketInUse(t *testing.T) {
	path := socketPath(t)
	first := listenAt(t, path, nil)
	_, err := uds.Listen(t.Context(), path, nil)
	wantText(t, err, "lightstream: uds "+path+": listen: ", "another process listens there", "choose another path")
	// It only knocked: that connection has ended, and the first listener goes on.
	knock, err := first.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer knock.Close()
	connect(t, first)
}

func TestNotASocket(t *testing.T) {
	path := socketPath(t)
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := uds.Listen(t.Context(), path, nil)
	wantText(t, err, "lightstream: uds "+path+": listen: ", "not a socket")
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("the file has %q, %v", b, err)
	}
}

// TestCloseLeavesOthersFile has another listener take the path over, as a new version of a server may by renaming.
func TestCloseLeavesOthersFile(t *testing.T) {
	path := socketPath(t)
	old := listenAt(t, path, nil)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	successor := listenAt(t, path, nil)
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	connect(t, successor)
}

func TestPathErrors(t *testing.T) {
	dir := filepath.Dir(socketPath(t))
	for _, tt := range []struct {
		name, path string
		want       string
	}{
		{"empty", "", "the path is empty"},
		{"too long", filepath.Join(dir, strings.Repeat("x", 200)), "bytes, at most 10"},
		{"zero byte", dir + "/a\x00b", "zero byte"},
		{"no directory", filepath.Join(dir, "none", "s"), "no such file or directory"},
	} {
		if tt.name == "no directory" && runtime.GOOS == "windows" {
			continue // another message
		}
		t.Run(tt.name, func(t *testing.T) {
			_, err := uds.Listen(t.Context(), tt.path, nil)
			wantText(t, err, "lightstream: uds", ": listen: ", tt.want)
			_, err = uds.Dial(t.Context(), tt.path, nil)
			wantText(t, err, "lightstream: uds", ": dial: ", tt.want)
		})
	}
	_, err := uds.Listen(t.Context(), filepath.Join(dir, "s"), &uds.ListenOptions{Mode: fs.ModeDir | 0o700})
	wantText(t, err, "lightstream: uds ", "more than permissions")
	_, err = uds.Dial(t.Context(), filepath.Join(dir, "nobody"), nil)
	wantText(t, err, "lightstream: uds ", "is the other end listening, and at this path?")
}

func wantText(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", parts)
	}
	if !strings.HasPrefix(err.Error(), parts[0]) {
		t.Errorf("error %q, want it to begin with %q", err, parts[0])
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q, want %q in it", err, p)
		}
	}
}

func TestAddresses(t *testing.T) {
	l := listenAt(t, socketPath(t), nil)
	dialled, accepted := connect(t, l)
	for _, a := range []net.Addr{
		dialled.LocalAddr(), dialled.RemoteAddr(), accepted.LocalAddr(), accepted.RemoteAddr(),
	} {
		if a != l.Addr() {
			t.Errorf("address %v, want %v", a, l.Addr())
		}
	}
}

func TestAbstractElsewhere(t *testing.T) {
	if runtime.GOOS == "linux" {
		t.Skip("Linux has it")
	}
	_, err := uds.Listen(t.Context(), "@lightstream", nil)
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Listen at an abstract name: %v, want ErrUnsupported", err)
	}
}

// TestWriteBuffersAllocs has a reader at the other end that allocates nothing either.
func TestWriteBuffersAllocs(t *testing.T) {
	sender, receiver := connect(t, listenAt(t, socketPath(t), nil))
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 256<<10)
		for {
			if _, err := receiver.Read(buf); err != nil {
				return
			}
		}
	}()
	bufs := make([][]byte, 3000) // three vectors
	for i := range bufs {
		bufs[i] = make([]byte, i%64)
	}
	got := testing.AllocsPerRun(200, func() {
		if _, err := sender.WriteBuffers(bufs); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations per WriteBuffers, want 0", got)
	}
	if err := sender.Close(); err != nil {
		t.Error(err)
	}
	<-done
}
