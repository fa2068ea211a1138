package tcp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

func TestMain(m *testing.M) { transporttest.Main(m) }

func TestTransport(t *testing.T) {
	transporttest.Run(t, dial, listen, transports.Caps{HalfClose: true, Duplex: true, Deadline: true, Gather: true})
}

func listen(ctx context.Context) (transports.Listener, error) {
	return tcp.Listen(ctx, "127.0.0.1:0", nil)
}

func dial(ctx context.Context, l transports.Listener, _ transporttest.Role) (transports.Conn, error) {
	return tcp.Dial(ctx, l.Addr().String(), nil)
}

func TestProcesses(t *testing.T) {
	transporttest.RunProcesses(t, "tcp://127.0.0.1:0", func(a net.Addr) string { return "tcp://" + a.String() })
}

// connect returns the ends of a new connection with these options, which are closed when the test ends.
func connect(t testing.TB, d *tcp.DialOptions, o *tcp.ListenOptions) (dialled, accepted *tcp.Conn) {
	t.Helper()
	l, err := tcp.Listen(t.Context(), "127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err = tcp.Dial(t.Context(), l.Addr().String(), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close() })
	a, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return dialled, a.(*tcp.Conn)
}

func TestAddresses(t *testing.T) {
	dialled, accepted := connect(t, nil, nil)
	if got, want := accepted.RemoteAddr().String(), dialled.LocalAddr().String(); got != want {
		t.Errorf("the accepting end sees %s, the dialling end is %s", got, want)
	}
	if got, want := dialled.RemoteAddr().String(), accepted.LocalAddr().String(); got != want {
		t.Errorf("the dialling end sees %s, the accepting end is %s", got, want)
	}
	if got := dialled.NetConn().LocalAddr(); got != dialled.LocalAddr() {
		t.Errorf("NetConn is %v, want %v", got, dialled.LocalAddr())
	}
}

// TestWriteBuffersAllocs has a reader at the other end that allocates nothing either.
func TestWriteBuffersAllocs(t *testing.T) {
	sender, receiver := connect(t, nil, nil)
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
		if _, err := sender.Write(bufs[63]); err != nil {
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

func TestAuthorize(t *testing.T) {
	var asked []transports.Peer
	l, err := tcp.Listen(t.Context(), "127.0.0.1:0", &tcp.ListenOptions{
		Authorize: func(_ context.Context, p *transports.Peer) error {
			asked = append(asked, *p)
			if len(asked) == 1 {
				return errors.New("not you")
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var dialled [2]*tcp.Conn
	for i := range dialled {
		if dialled[i], err = tcp.Dial(t.Context(), l.Addr().String(), nil); err != nil {
			t.Fatal(err)
		}
		defer dialled[i].Close()
	}
	c, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, want := c.RemoteAddr().String(), dialled[1].LocalAddr().String(); got != want {
		t.Errorf("accepted %s, want %s", got, want)
	}
	if s, want := l.Stats(), (transports.ListenerStats{Accepted: 1, Open: 1, Refused: 1}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	if n, err := dialled[0].Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the refused peer read %d bytes, %v", n, err)
	}
	for i, p := range asked {
		if p.Transport != "tcp" || p.Identity != nil || p.Addr.String() != dialled[i].LocalAddr().String() {
			t.Errorf("peer %d is %+v", i, p)
		}
	}
}

func TestErrors(t *testing.T) {
	l, err := tcp.Listen(t.Context(), "127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	taken := l.Addr().String()
	t.Run("address in use", func(t *testing.T) {
		_, err := tcp.Listen(t.Context(), taken, nil)
		wantText(t, err, "lightstream: tcp "+taken+": listen: ", "in use", "choose another port")
	})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("refused", func(t *testing.T) {
		_, err := tcp.Dial(t.Context(), taken, nil)
		wantText(t, err, "lightstream: tcp "+taken+": dial: ", "refused", "; is the other end listening?")
	})
	t.Run("no port", func(t *testing.T) {
		_, err := tcp.Dial(t.Context(), "localhost", nil)
		wantText(t, err, "lightstream: tcp localhost: dial: ", "missing port", `want "host:port"`)
		_, err = tcp.Listen(t.Context(), "localhost", nil)
		wantText(t, err, "lightstream: tcp localhost: listen: ", "missing port", `want "host:port"`)
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := tcp.Listen(ctx, "127.0.0.1:0", nil)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Listen: %v", err)
		}
	})
	for _, tt := range []struct {
		name   string
		socket tcp.Socket
		want   string
	}{
		{"negative user timeout", tcp.Socket{UserTimeout: -1}, "UserTimeout is negative"},
		{"negative buffer", tcp.Socket{ReadBuffer: -1}, "ReadBuffer or WriteBuffer is negative"},
		{"user timeout too long", tcp.Socket{UserTimeout: 1 << 62}, "UserTimeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tcp.Listen(t.Context(), "127.0.0.1:0", &tcp.ListenOptions{Socket: tt.socket})
			wantText(t, err, "lightstream: tcp 127.0.0.1:0: listen: ", tt.want)
			_, err = tcp.Dial(t.Context(), "127.0.0.1:1", &tcp.DialOptions{Socket: tt.socket})
			wantText(t, err, "lightstream: tcp 127.0.0.1:1: dial: ", tt.want)
		})
	}
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

// TestReset has the peer reset the connection in place of closing it.
func TestReset(t *testing.T) {
	dialled, accepted := connect(t, nil, nil)
	if err := accepted.NetConn().SetLinger(0); err != nil {
		t.Fatal(err)
	}
	if err := accepted.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := dialled.Read(make([]byte, 1))
	if !errors.Is(err, transports.ErrPeerClosed) {
		t.Errorf("Read after a reset: %v, want ErrPeerClosed", err)
	}
	if err := dialled.CloseWrite(); err != nil {
		t.Errorf("CloseWrite after a reset: %v", err)
	}
}

func TestUserTimeoutElsewhere(t *testing.T) {
	if runtime.GOOS == "linux" {
		t.Skip("Linux has it")
	}
	_, err := tcp.Listen(t.Context(), "127.0.0.1:0", &tcp.ListenOptions{Socket: tcp.Socket{UserTimeout: time.Second}})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("UserTimeout: %v, want ErrUnsupported", err)
	}
}

// TestIsNetConn puts a connection where package net's are expected: a copy that uses no more than io.Reader.
func TestIsNetConn(t *testing.T) {
	dialled, accepted := connect(t, nil, nil)
	var nc net.Conn = dialled
	go func() {
		_, _ = io.WriteString(nc, "hello")
		_ = dialled.CloseWrite()
	}()
	b, err := io.ReadAll(net.Conn(accepted))
	if err != nil || string(b) != "hello" {
		t.Errorf("received %q, %v", b, err)
	}
}
