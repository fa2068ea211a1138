package tcp_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lightstream-go/lightstream/transports/tcp"
)

// TestSocketOptions asks the kernel what it was told, at both ends.
func TestSocketOptions(t *testing.T) {
	const tcpLevel, socketLevel = unix.IPPROTO_TCP, unix.SOL_SOCKET
	for _, tt := range []struct {
		name       string
		socket     tcp.Socket
		level, opt int
		want       int
	}{
		{"no delay", tcp.Socket{}, tcpLevel, unix.TCP_NODELAY, 1},
		{"keep-alive", tcp.Socket{}, socketLevel, unix.SO_KEEPALIVE, 1},
		{"keep-alive idle", tcp.Socket{}, tcpLevel, unix.TCP_KEEPIDLE, 15},
		{"keep-alive interval", tcp.Socket{}, tcpLevel, unix.TCP_KEEPINTVL, 15},
		{"keep-alive count", tcp.Socket{}, tcpLevel, unix.TCP_KEEPCNT, 9},
		{"no user timeout", tcp.Socket{}, tcpLevel, unix.TCP_USER_TIMEOUT, 0},
		{"keep-alive off", tcp.Socket{KeepAliveIdle: -1}, socketLevel, unix.SO_KEEPALIVE, 0},
		{"idle set", tcp.Socket{KeepAliveIdle: 40 * time.Second}, tcpLevel, unix.TCP_KEEPIDLE, 40},
		{"interval set", tcp.Socket{KeepAliveInterval: 7 * time.Second}, tcpLevel, unix.TCP_KEEPINTVL, 7},
		{"count set", tcp.Socket{KeepAliveCount: 3}, tcpLevel, unix.TCP_KEEPCNT, 3},
		{"user timeout", tcp.Socket{UserTimeout: 20 * time.Second}, tcpLevel, unix.TCP_USER_TIMEOUT, 20_000},
		{"user timeout rounded up", tcp.Socket{UserTimeout: time.Microsecond}, tcpLevel, unix.TCP_USER_TIMEOUT, 1},
		// The kernel doubles what it is told, for its own use.
		{"read buffer", tcp.Socket{ReadBuffer: 50_000}, socketLevel, unix.SO_RCVBUF, 100_000},
		{"write buffer", tcp.Socket{WriteBuffer: 60_000}, socketLevel, unix.SO_SNDBUF, 120_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dialled, accepted := connect(t, &tcp.DialOptions{Socket: tt.socket}, &tcp.ListenOptions{Socket: tt.socket})
			for end, c := range map[string]*tcp.Conn{"dialling": dialled, "accepting": accepted} {
				raw, err := c.NetConn().SyscallConn()
				if err != nil {
					t.Fatal(err)
				}
				var got int
				if e := raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), tt.level, tt.opt) }); e != nil {
					t.Fatal(e)
				}
				if err != nil || got != tt.want {
					t.Errorf("%s end: %d, %v, want %d", end, got, err, tt.want)
				}
			}
		})
	}
}
