package quic_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/quic"
	secured "github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

const (
	batches, rowsEach = 40, 20_000
	killed            = 30 // batches before the process is killed, or waits for that
)

// child is the other process: it sends and ends at once, which must not lose anything, or receives.
func child(role string) int {
	if err := runChild(role, os.Getenv("QUIC_TEST_ADDR")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func runChild(role, addr string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var c transports.Conn
	var err error
	switch role {
	case "dials and sends", "dials and stops", "dials and receives":
		c, err = quic.Dial(ctx, addr, &quic.DialOptions{
			TLS: secured.Config{CAFile: os.Getenv("QUIC_TEST_CA")}, Receives: role == "dials and receives",
		})
	default:
		var l *quic.Listener
		l, err = quic.Listen(ctx, "127.0.0.1:0", &quic.ListenOptions{
			TLS: secured.Config{CertFile: os.Getenv("QUIC_TEST_CERT"), KeyFile: os.Getenv("QUIC_TEST_KEY")},
		})
		if err != nil {
			return err
		}
		defer l.Close()
		fmt.Println(l.Addr())
		c, err = l.Accept(ctx)
	}
	if err != nil {
		return err
	}
	switch role {
	case "dials and receives", "listens and receives":
		n, err := receiveTrades(ctx, c)
		if err != nil || n != batches*rowsEach {
			return fmt.Errorf("received %d rows, %w", n, err)
		}
		return c.Close()
	case "dials and stops":
		if err := sendTrades(ctx, c, killed, false); err != nil {
			return err
		}
		fmt.Println("stopped")
		select {} // until it is killed
	default:
		if err := sendTrades(ctx, c, batches, true); err != nil {
			return err
		}
		return c.Close()
	}
}

func sendTrades(ctx context.Context, c transports.Conn, n int, end bool) error {
	w := feed.NewTradeWriter(c, nil)
	b := feed.NewTradeBuilder(nil)
	for i := range n {
		b.Reset()
		for row := range rowsEach {
			b.Append(feed.Trade{Time: time.Unix(int64(row), 0), Symbol: "SYM", Price: float64(i), Size: int64(i*rowsEach + row)})
		}
		if err := w.Write(ctx, b); err != nil {
			return err
		}
	}
	if !end {
		return nil
	}
	return w.Close()
}

func receiveTrades(ctx context.Context, c transports.Conn) (rows int64, err error) {
	for b, err := range feed.NewTradeReader(c, nil).Batches(ctx) {
		if err != nil {
			return rows, err
		}
		for _, size := range b.Size() {
			if size != rows {
				return rows, errors.New("a row differs")
			}
			rows++
		}
		b.Release()
	}
	return rows, nil
}

// start runs this program in a role. For one that listens it returns its address.
func start(t *testing.T, p *pki, role, addr string) (*exec.Cmd, string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "QUIC_TEST_CHILD="+role, "QUIC_TEST_ADDR="+addr, "QUIC_TEST_CA="+p.authority.File,
		"QUIC_TEST_CERT="+p.server.CertFile, "QUIC_TEST_KEY="+p.server.KeyFile)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if addr != "" {
		return cmd, ""
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return cmd, line[:len(line)-1]
}

func TestProcesses(t *testing.T) {
	p := newPKI(t)
	for _, role := range []string{"dials and sends", "dials and receives", "listens and sends", "listens and receives"} {
		t.Run(role, func(t *testing.T) {
			var c transports.Conn
			var cmd *exec.Cmd
			if role[0] == 'd' {
				l := listen(t, &quic.ListenOptions{TLS: p.listener()})
				cmd, _ = start(t, p, role, l.Addr().String())
				var err error
				if c, err = l.Accept(t.Context()); err != nil {
					t.Fatal(err)
				}
			} else {
				var addr string
				cmd, addr = start(t, p, role, "")
				d, err := quic.Dial(t.Context(), addr, &quic.DialOptions{TLS: p.client(), Receives: role == "listens and sends"})
				if err != nil {
					t.Fatal(err)
				}
				c = d
			}
			if role == "dials and sends" || role == "listens and sends" {
				if n, err := receiveTrades(t.Context(), c); err != nil || n != batches*rowsEach {
					t.Errorf("received %d rows, %v", n, err)
				}
			} else if err := sendTrades(t.Context(), c, batches, true); err != nil {
				t.Error(err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("the other process: %v", err)
			}
		})
	}
}

// TestProcessesByURI has the runs that every transport has.
func TestProcessesByURI(t *testing.T) {
	p := newPKI(t)
	listen := "quic://127.0.0.1:0?idle=2s&cert=" + p.server.CertFile + "&key=" + p.server.KeyFile
	transporttest.RunProcesses(t, listen, func(a net.Addr) string {
		return "quic://" + a.String() + "?idle=2s&ca=" + p.authority.File
	})
}

// TestKilled kills a process that sends. All that it sent arrives, and then an error in bounded time.
func TestKilled(t *testing.T) {
	p := newPKI(t)
	l := listen(t, &quic.ListenOptions{Options: quic.Options{IdleTimeout: 2 * time.Second, Linger: -1}, TLS: p.listener()})
	cmd, _ := start(t, p, "dials and stops", l.Addr().String())
	c, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := feed.NewTradeReader(c, nil)
	rows := int64(0)
	for b, err := range r.Batches(t.Context()) {
		if err != nil {
			if !errors.Is(err, transports.ErrPeerClosed) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
				t.Errorf("after the sender was killed: %v, want ErrPeerClosed", err)
			}
			break
		}
		if rows += int64(b.Len()); rows == killed*rowsEach {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
		b.Release()
	}
	if rows != killed*rowsEach {
		t.Errorf("%d rows arrived, want %d", rows, killed*rowsEach)
	}
	if _, err := r.Next(t.Context()); !errors.Is(err, transports.ErrPeerClosed) {
		t.Errorf("the error afterwards: %v", err)
	}
	_ = cmd.Wait() // it was killed
}
