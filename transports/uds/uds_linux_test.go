package uds_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/transporttest"
	"github.com/lightstream-go/lightstream/transports/uds"
)

func TestAbstract(t *testing.T) {
	names := 0
	listen := func(ctx context.Context) (transports.Listener, error) {
		names++
		return uds.Listen(ctx, fmt.Sprintf("@lightstream-test-%d-%d", os.Getpid(), names), nil)
	}
	dial := func(ctx context.Context, l transports.Listener, _ transporttest.Role) (transports.Conn, error) {
		return uds.Dial(ctx, l.Addr().String(), nil)
	}
	transporttest.Run(t, dial, listen, transports.Caps{HalfClose: true, Duplex: true, Deadline: true, Gather: true})

	l, err := listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	name := l.Addr().String()
	_, err = uds.Listen(t.Context(), name, nil)
	wantText(t, err, "lightstream: uds "+name+": listen: ", "in use", "choose another name")
}

// TestModeFromTheStart has a umask that takes nothing away and looks whether the file was made with its mode: if a chmod
// came later, others could connect before it. The test must not be parallel, as the umask is the process's.
func TestModeFromTheStart(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	path := socketPath(t)
	listenAt(t, path, nil)
	var st syscall.Stat_t
	if err := syscall.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	if got := st.Mode & 0o777; got != 0o600 {
		t.Errorf("mode %o, want 600", got)
	}
	// A chmod moves the time of the last change and leaves that of the last write.
	if st.Ctim != st.Mtim {
		t.Errorf("the file was made at %v and changed at %v", st.Mtim, st.Ctim)
	}
}

func TestCredentials(t *testing.T) {
	want := uds.Credentials{PID: os.Getpid(), UID: os.Geteuid(), GID: os.Getegid()}
	var asked []*transports.Peer
	l := listenAt(t, socketPath(t), &uds.ListenOptions{
		Authorize: func(_ context.Context, p *transports.Peer) error {
			asked = append(asked, p)
			if len(asked) == 1 {
				return errors.New("not yet")
			}
			return nil
		},
	})
	refused, err := uds.Dial(t.Context(), l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Close()
	dialled, accepted := connect(t, l)
	if n, err := refused.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the refused peer read %d bytes, %v", n, err)
	}
	if len(asked) != 2 {
		t.Fatalf("asked about %d peers, want 2", len(asked))
	}
	for _, p := range asked {
		if got, ok := p.Identity.(*uds.Credentials); !ok || *got != want || p.Transport != "uds" || p.Addr != l.Addr() {
			t.Errorf("peer is %+v with identity %+v, want %+v", p, p.Identity, want)
		}
	}
	for _, c := range []*uds.Conn{dialled, accepted} {
		if got, err := c.Credentials(); err != nil || got != want {
			t.Errorf("Credentials = %+v, %v, want %+v", got, err, want)
		}
	}
	if err := dialled.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := dialled.Credentials(); err == nil {
		t.Errorf("Credentials after Close = %+v", got)
	}
}
