package transporttest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/transports"
)

// RunProcesses streams tables between two processes: this one and the test binary, run again. Main must be called by TestMain.
// listen is the URI to listen at, with a free port, and dial makes of the address that came of it what the dialling end opens.
// Each end is once the one that listens and once the one that sends, and once a process is killed in the middle of a batch. The other process
// is also killed while frames of the Lightstream protocol go over the connection.
func RunProcesses(t *testing.T, listen string, dial func(addr net.Addr) (uri string)) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, listens := range []bool{true, false} { // this process
		for _, sends := range []bool{true, false} {
			for _, killed := range []bool{false, true} {
				who := map[bool]string{true: "here", false: "there"}
				name := fmt.Sprintf("listens %s, sends %s", who[listens], who[sends])
				if killed {
					name += ", killed"
				}
				t.Run(name, func(t *testing.T) {
					testProcess(t, &process{program: program, sends: !sends, forEver: killed}, listens, listen, dial)
				})
			}
		}
	}
	t.Run("protocol, killed", func(t *testing.T) {
		for _, role := range []string{"sends frames", "sends announced frames", "sends half a frame", "receives frames"} {
			t.Run(role, func(t *testing.T) {
				if strings.Contains(listen, ":0") { // at a port of its own
					t.Parallel() // some wires take seconds until they know
				}
				testKilledFrames(t, &process{program: program, role: role}, listen, dial)
			})
		}
	})
}

// The environment of a process that is the other end.
const (
	processURI  = "LIGHTSTREAM_TEST_URI"
	processRole = "LIGHTSTREAM_TEST_ROLE" // "sends" or "receives", with " for ever" behind it, or what it does with frames
)

// process is the other end.
type process struct {
	program        string
	sends, forEver bool
	role           string // in the place of both
	cmd            *exec.Cmd
	out            *bufio.Reader
	in             io.Closer // ends a process that nobody has killed
	stderr         strings.Builder
}

// start runs it with a URI, and returns the first line that it prints.
func (p *process) start(t *testing.T, uri string) string {
	t.Helper()
	role := "receives"
	if p.sends {
		role = "sends"
	}
	if p.forEver {
		role += " for ever"
	}
	if p.role != "" {
		role = p.role
	}
	p.cmd = exec.Command(p.program)
	p.cmd.Env = append(os.Environ(), processURI+"="+uri, processRole+"="+role)
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		if t.Failed() {
			t.Logf("the other process: %s", p.stderr.String())
		}
	})
	p.out = bufio.NewReader(out)
	line, err := p.out.ReadString('\n')
	if err != nil {
		_ = p.cmd.Wait()
		t.Fatalf("the other process said nothing: %v; %s", err, p.stderr.String())
	}
	return strings.TrimSuffix(line, "\n")
}

func testProcess(t *testing.T, p *process, listens bool, listen string, dial func(net.Addr) string) {
	role := transports.Sends
	if p.sends {
		role = transports.Receives
	}
	var c transports.Conn
	if listens {
		l, err := transports.Listen(t.Context(), listen, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		p.start(t, dial(l.Addr()))
		if c, err = l.Accept(t.Context()); err != nil {
			t.Fatal(err)
		}
	} else {
		scheme, rest, _ := strings.Cut(listen, ":")
		addr := p.start(t, scheme+"+listen:"+rest)
		network, name, _ := strings.Cut(addr, " ")
		var err error
		if c, err = transports.Open(t.Context(), dial(transports.Addr{Transport: network, Name: name}), &transports.Options{Role: role}); err != nil {
			t.Fatal(err)
		}
	}
	defer c.Close()

	if p.forEver {
		testKilled(t, p, c)
		return
	}
	if p.sends {
		tape := newTape(c)
		if err := tape.all(t.Context()); err != io.EOF || tape.rows != processRows() { //nolint:errorlint // the contract
			t.Errorf("received %d rows, %v, want %d", tape.rows, err, processRows())
		}
		tape.wantFreed(t)
	} else if err := sendProcess(t.Context(), c); err != nil {
		t.Error(err)
	}
	// A sender waits until the other end has read all and closes.
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, transports.ErrPeerClosed) {
		t.Errorf("waiting for the other end: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the other process: %v", err)
	}
}

// testKilled kills the other end while a batch is under way. What was received before is whole, and the error is typed.
func testKilled(t *testing.T, p *process, c transports.Conn) {
	if p.sends {
		tape := newTape(c)
		for range 3 {
			if err := tape.next(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		err := tape.all(t.Context())
		if !errors.Is(err, rt.ErrTruncated) && !errors.Is(err, rt.ErrUnfinished) && !errors.Is(err, transports.ErrPeerClosed) {
			t.Errorf("the sender was killed: %v", err)
		}
		tape.wantFreed(t)
		return
	}
	w := feed.NewTradeWriter(c, nil)
	block := trades(0, 10_000)
	if err := w.Write(t.Context(), block); err != nil { // the other end reads so much
		t.Fatal(err)
	}
	killed := start(func() (int, error) { return 0, p.cmd.Process.Kill() }) // while the next ones wait, or before
	for {
		err := w.Write(t.Context(), block)
		if err == nil && w.Stats().Bytes < mostUnread {
			continue
		}
		if failed := (*rt.WriteError)(nil); !errors.As(err, &failed) || !errors.Is(err, transports.ErrPeerClosed) {
			t.Errorf("the receiver was killed: %v, want a *WriteError that wraps ErrPeerClosed", err)
		}
		break
	}
	if r := <-killed; r.err != nil {
		t.Error(r.err)
	}
}

// framesSent is how many frames a process sends before it is killed: messages and tables in turn.
const framesSent = 6

// halfFrame is the head of a message of 100 bytes, and a part of it.
var halfFrame = []byte{3, 100, 0, 0, 0, 'h', 'a', 'l', 'f'}

// runFrames is what a process does that is killed.
func runFrames(ctx context.Context, conn transports.Conn, role string) error {
	c, err := feed.NewFeedConn(conn, &rt.ProtocolOptions{Announce: strings.Contains(role, "announced")})
	if err != nil {
		return err
	}
	if strings.HasPrefix(role, "receives") {
		if _, err := c.Recv(ctx); err != nil {
			return err
		}
	} else {
		b := feed.NewTradeBuilder(nil)
		for i := range framesSent / 2 {
			h := heartbeatAt(i)
			fillTrades(b, i*1000, 1000)
			if err := errors.Join(c.SendHeartbeat(ctx, &h), c.SendTrade(ctx, b)); err != nil {
				return err
			}
		}
		if role == "sends half a frame" {
			if _, err := conn.Write(halfFrame); err != nil {
				return err
			}
		}
	}
	fmt.Println("done")
	_, err = io.Copy(io.Discard, os.Stdin) // to be killed
	return err
}

// testKilledFrames kills the other end of a connection with frames. A direction that was announced is known to be unfinished; so is any
// other on a wire that tells a cut from an end. On TCP and Unix sockets a sender that is killed between two frames looks like one that has
// ended, as nothing stands behind the last frame.
func testKilledFrames(t *testing.T, p *process, listen string, dial func(net.Addr) string) {
	l, err := transports.Listen(t.Context(), listen, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p.start(t, dial(l.Addr()))
	conn, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	announced := p.role == "sends announced frames"
	c, err := feed.NewFeedConn(conn, &rt.ProtocolOptions{Announce: announced})
	if err != nil {
		t.Fatal(err)
	}
	kill := func() {
		if line, err := p.out.ReadString('\n'); line != "done\n" {
			t.Fatalf("the other process says %q, %v", line, err)
		}
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	if p.role == "receives frames" {
		b := trades(0, 10_000)
		if err := c.SendTrade(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		kill()
		for sent := int64(0); ; sent += 10_000 * 16 { // at least
			err := c.SendTrade(t.Context(), b)
			if err == nil && sent < mostUnread {
				continue
			}
			if failed := (*rt.WriteError)(nil); !errors.As(err, &failed) || !errors.Is(err, transports.ErrPeerClosed) {
				t.Errorf("the receiver was killed: %v, want a *WriteError that wraps ErrPeerClosed", err)
			}
			return
		}
	}
	for i := range framesSent {
		item, err := c.Recv(t.Context())
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		switch item := item.(type) {
		case *feed.Heartbeat:
			if item.Sent != heartbeatAt(i/2).Sent {
				t.Errorf("frame %d is %+v", i, item)
			}
		case *feed.TradeBatch:
			if err := checkTrades(*item, i/2*1000); err != nil || item.Len() != 1000 {
				t.Errorf("frame %d: %d rows, %v", i, item.Len(), err)
			}
			item.Release()
		default:
			t.Errorf("frame %d is a %T", i, item)
		}
	}
	kill()
	scheme, _, _ := strings.Cut(listen, ":")
	plain := scheme == "tcp" || scheme == "uds"
	_, err = c.Recv(t.Context())
	switch {
	case errors.Is(err, transports.ErrPeerClosed): // also on a plain one, of a system that resets the connections of who was killed
	case plain && p.role == "sends frames" && err == io.EOF: //nolint:errorlint // the contract
	case announced && errors.Is(err, rt.ErrUnfinished):
	case p.role == "sends half a frame" && errors.Is(err, rt.ErrTruncated):
	default:
		t.Errorf("the sender was killed: %v", err)
	}
}

// The rows that are sent: batches of so many, and one that is larger than any buffer on the way.
var processBatches = []int{1, 100, 0, 20_000, 7, 60_000}

func processRows() (n int64) {
	for _, rows := range processBatches {
		n += int64(rows)
	}
	return n
}

func sendProcess(ctx context.Context, c transports.Conn) error {
	w := feed.NewTradeWriter(c, nil)
	defer w.Abort()
	b, row := feed.NewTradeBuilder(nil), 0
	for _, rows := range processBatches {
		fillTrades(b, row, rows)
		row += rows
		if err := w.Write(ctx, b); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return nil
}

// runProcess is what the other end does. Killed processes end sooner.
func runProcess(uri, role string) error {
	ctx := context.Background()
	role, forEver := strings.CutSuffix(role, " for ever")
	o := &transports.Options{Role: transports.Receives}
	if strings.HasPrefix(role, "sends") {
		o.Role = transports.Sends
	}
	listening := false
	o.Listening = func(a net.Addr) {
		listening = true
		fmt.Println(a.Network(), a)
	}
	if !strings.Contains(uri, "+listen") {
		fmt.Println("dials") // first, as what is dialled may only answer once somebody accepts
	}
	c, err := transports.Open(ctx, uri, o)
	if err != nil {
		return err
	}
	defer c.Close()
	if strings.Contains(uri, "+listen") != listening {
		return errors.New("the address was not told")
	}
	switch {
	case strings.Contains(role, "frame"):
		return runFrames(ctx, c, role)
	case role == "sends" && forEver:
		w := feed.NewTradeWriter(c, nil)
		b, row := feed.NewTradeBuilder(nil), 0
		for {
			fillTrades(b, row, 5000)
			row += 5000
			if err := w.Write(ctx, b); err != nil {
				return err
			}
		}
	case role == "sends":
		if err := sendProcess(ctx, c); err != nil {
			return err
		}
		if c.Caps().HalfClose {
			_, err = io.Copy(io.Discard, c) // until the other end has read all
		}
	case forEver:
		_ = newTape(c).next(ctx)
		_, _ = io.Copy(io.Discard, os.Stdin) // to be killed
	default:
		p := newTape(c)
		if err = p.all(ctx); err == io.EOF { //nolint:errorlint // the contract
			err = nil
		}
		if p.rows != processRows() {
			err = errors.Join(err, fmt.Errorf("received %d rows, want %d", p.rows, processRows()))
		}
	}
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return c.Close()
}
