package stdio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/stdio"
	"github.com/lightstream-go/lightstream/transports/transporttest"
)

// TestMain runs this program as a child of one of its tests if that asks for it.
func TestMain(m *testing.M) {
	if role := os.Getenv("STDIO_TEST_CHILD"); role != "" {
		os.Exit(child(role))
	}
	goleak.VerifyTestMain(m)
}

// gathers tells whether the system has a gathered write for files.
var gathers = runtime.GOOS == "linux" || runtime.GOOS == "darwin" || runtime.GOOS == "openbsd"

func TestTransport(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("anonymous pipes of Windows have no deadlines, and Close does not interrupt a read")
	}
	caps := transports.Caps{HalfClose: true, Duplex: true, Deadline: true, Gather: gathers}
	transporttest.Run(t, dialPipes, listenPipes, caps)
}

// pipes is a listener whose connections are two pipes each, as there is none for files.
type pipes struct {
	queue  chan *stdio.Conn
	done   chan struct{}
	closed atomic.Bool
}

func listenPipes(context.Context) (transports.Listener, error) {
	return &pipes{queue: make(chan *stdio.Conn, 100), done: make(chan struct{})}, nil
}

func dialPipes(ctx context.Context, l transports.Listener, _ transporttest.Role) (transports.Conn, error) {
	p := l.(*pipes)
	if err := ctx.Err(); err != nil {
		return nil, p.error("dial", err)
	}
	if p.closed.Load() {
		return nil, p.error("dial", net.ErrClosed)
	}
	near, far, err := newPipes()
	if err != nil {
		return nil, err
	}
	p.queue <- far
	return near, nil
}

// newPipes returns two connections that read what the other writes.
func newPipes() (near, far *stdio.Conn, err error) {
	nearIn, farOut, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	farIn, nearOut, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, nearIn.Close(), farOut.Close())
	}
	return stdio.New(nearIn, nearOut), stdio.New(farIn, farOut), nil
}

func (p *pipes) Accept(ctx context.Context) (transports.Conn, error) {
	if p.closed.Load() {
		return nil, p.error("accept", net.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return nil, p.error("accept", err)
	}
	select {
	case c := <-p.queue:
		return c, nil
	case <-p.done:
		return nil, p.error("accept", net.ErrClosed)
	case <-ctx.Done():
		return nil, p.error("accept", ctx.Err())
	}
}

func (p *pipes) Close() error {
	if !p.closed.Swap(true) {
		close(p.done)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return transports.Addr{Transport: "stdio", Name: "pipes"} }

func (p *pipes) error(op string, err error) error {
	return &transports.Error{Transport: "stdio", Addr: "pipes", Op: op, Err: err, Hint: "this is a test"}
}

// TestOneWay has connections with one file.
func TestOneWay(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader, writer := stdio.New(in, nil), stdio.New(nil, out)
	pollable := runtime.GOOS != "windows"
	if got, want := reader.Caps(), (transports.Caps{Deadline: pollable}); got != want {
		t.Errorf("the reader's Caps are %+v, want %+v", got, want)
	}
	if got, want := writer.Caps(), (transports.Caps{HalfClose: true, Deadline: pollable, Gather: gathers}); got != want {
		t.Errorf("the writer's Caps are %+v, want %+v", got, want)
	}
	for what, err := range map[string]error{
		"Write of the reader":            second(reader.Write([]byte{1})),
		"WriteBuffers of the reader":     second(reader.WriteBuffers([][]byte{{1}})),
		"CloseWrite of the reader":       reader.CloseWrite(),
		"SetWriteDeadline of the reader": reader.SetWriteDeadline(time.Time{}),
		"Read of the writer":             second(writer.Read(make([]byte, 1))),
		"SetReadDeadline of the writer":  writer.SetReadDeadline(time.Time{}),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v, want ErrUnsupported", what, err)
		}
	}
	if pollable {
		for _, c := range []*stdio.Conn{reader, writer} {
			if err := c.SetDeadline(time.Time{}); err != nil {
				t.Errorf("SetDeadline: %v", err)
			}
		}
	}
	if reader.RemoteAddr().String() != in.Name() || writer.LocalAddr().String() != out.Name() {
		t.Errorf("addresses %v and %v, want the names of the files", reader.RemoteAddr(), writer.LocalAddr())
	}
	if _, err := writer.Write([]byte("all")); err != nil {
		t.Error(err)
	}
	if err := writer.CloseWrite(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(reader); string(got) != "all" || err != nil {
		t.Errorf("received %q, %v", got, err)
	}
	for _, c := range []*stdio.Conn{reader, writer} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}

	none := stdio.New(nil, nil)
	if _, err := none.Read(nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Read without files: %v", err)
	}
	if err := errors.Join(none.SetDeadline(time.Time{}), none.Close()); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestRegularFile has no deadlines, but all else.
func TestRegularFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stream")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := stdio.New(nil, f)
	if got, want := w.Caps(), (transports.Caps{HalfClose: true, Gather: gathers}); got != want {
		t.Errorf("Caps are %+v, want %+v", got, want)
	}
	err = w.SetDeadline(time.Now())
	if !errors.Is(err, errors.ErrUnsupported) || !strings.HasPrefix(err.Error(), "lightstream: stdio "+path+": ") {
		t.Errorf("SetDeadline: %v, want ErrUnsupported for the file", err)
	}
	var bufs [][]byte
	var want []byte
	for i := range 3000 {
		p := []byte(strings.Repeat(fmt.Sprint(i), i%5))
		bufs = append(bufs, p)
		want = append(want, p...)
	}
	if n, err := w.WriteBuffers(bufs); n != int64(len(want)) || err != nil {
		t.Errorf("WriteBuffers = %d, %v, want %d", n, err, len(want))
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if f, err = os.Open(path); err != nil {
		t.Fatal(err)
	}
	r := stdio.New(f, nil)
	if got, err := io.ReadAll(r); string(got) != string(want) || err != nil {
		t.Errorf("read %d bytes, %v, want %d", len(got), err, len(want))
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestReaderIsGone(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w := stdio.New(nil, out)
	defer w.Close()
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte("x"))
	want := "lightstream: stdio " + out.Name() + ": write: "
	if !errors.Is(err, transports.ErrPeerClosed) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Write: %v, want ErrPeerClosed", err)
	}
}

func TestWriteBuffersAllocs(t *testing.T) {
	if !keepsVectors {
		t.Skip("only the Linux code keeps its vectors")
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	sender, receiver := stdio.New(nil, out), stdio.New(in, nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64<<10)
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
	if err := receiver.Close(); err != nil {
		t.Error(err)
	}
}

// run starts this program in one of the roles of child and returns a connection to its standard input and output, and
// what waits for it and gives its standard error.
func run(t *testing.T, role string) (*stdio.Conn, func() (string, error)) {
	t.Helper()
	c, cmd, stderr := launch(t, role)
	return c, func() (string, error) {
		err := cmd.Wait()
		return stderr.String(), err
	}
}

func launch(t *testing.T, role string) (*stdio.Conn, *exec.Cmd, *strings.Builder) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	childIn, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, childOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "STDIO_TEST_CHILD="+role)
	cmd.Stdin, cmd.Stdout = childIn, childOut
	stderr := &strings.Builder{}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The child has these now; open here they would keep the pipes from ending.
	if err := errors.Join(childIn.Close(), childOut.Close()); err != nil {
		t.Fatal(err)
	}
	c := stdio.New(in, out)
	t.Cleanup(func() {
		c.Close()
		_ = cmd.Process.Kill() // where the test has not ended it
	})
	return c, cmd, stderr
}

// child is what the child process does, over pipes as a shell would connect them.
func child(role string) int {
	c := stdio.Open()
	var err error
	switch role {
	case "echo": // all of standard input, back
		_, err = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
		err = errors.Join(err, c.CloseWrite())
	case "deadline": // stops reading by a deadline, tells so and goes on
		if caps := c.Caps(); caps != (transports.Caps{HalfClose: true, Duplex: true, Deadline: true, Gather: true}) {
			fmt.Fprintf(os.Stderr, "Caps are %+v\n", caps)
			return 1
		}
		waiting := make(chan struct{})
		read := make(chan error)
		go func() {
			close(waiting)
			_, err := c.Read(make([]byte, 1))
			read <- err
		}()
		<-waiting
		if err = c.SetReadDeadline(time.Unix(1, 0)); err != nil {
			break
		}
		if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
			fmt.Fprintf(os.Stderr, "Read: %v\n", err)
			return 1
		}
		if err = c.SetReadDeadline(time.Time{}); err != nil {
			break
		}
		if _, err = c.WriteBuffers([][]byte{[]byte("time-"), []byte("out")}); err != nil {
			break
		}
		_, err = io.ReadFull(c, make([]byte, 2))
	case "flood": // until nobody reads; by SIGPIPE it would die
		for err == nil {
			_, err = c.Write(make([]byte, 4096))
		}
		if !errors.Is(err, transports.ErrPeerClosed) {
			break
		}
		_, err = fmt.Fprintln(os.Stderr, err)
	case "send": // until it is killed
		w := feed.NewTradeWriter(c, nil)
		for row := 0; err == nil; row += blockRows {
			err = w.Write(context.Background(), block(row))
		}
	case "receive": // a batch, tell so, and wait to be killed
		if _, err = feed.NewTradeReader(c, nil).Next(context.Background()); err == nil {
			_, err = c.Write([]byte{1})
			time.Sleep(time.Hour)
		}
	default:
		err = errors.New("no such role")
	}
	if err = errors.Join(err, c.Close()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func TestOpenEcho(t *testing.T) {
	c, wait := run(t, "echo")
	sent := strings.Repeat("0123456789", 100_000)
	errs := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, sent)
		errs <- errors.Join(err, c.CloseWrite())
	}()
	got, err := io.ReadAll(c)
	if err != nil || string(got) != sent {
		t.Errorf("%d bytes came back, %v, want %d", len(got), err, len(sent))
	}
	if err := <-errs; err != nil {
		t.Errorf("sending: %v", err)
	}
	if stderr, err := wait(); err != nil || stderr != "" {
		t.Errorf("the child ended with %v: %s", err, stderr)
	}
}

func TestOpenDeadline(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux opens inherited pipes afresh")
	}
	c, wait := run(t, "deadline")
	got := make([]byte, 8)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "time-out" {
		t.Errorf("received %q, %v", got, err)
	}
	if _, err := c.Write([]byte("go")); err != nil {
		t.Error(err)
	}
	if stderr, err := wait(); err != nil || stderr != "" {
		t.Errorf("the child ended with %v: %s", err, stderr)
	}
}

func TestOpenReaderIsGone(t *testing.T) {
	c, wait := run(t, "flood")
	if _, err := io.ReadFull(c, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	stderr, err := wait()
	if err != nil || !strings.HasPrefix(stderr, "lightstream: stdio /dev/stdout: write: ") {
		t.Errorf("the child ended with %v: %q, want an error about its standard output", err, stderr)
	}
}

// blockRows are more than a pipe holds.
const blockRows = 20_000

// block returns rows that say where they are in the stream.
func block(row int) *feed.TradeBuilder {
	b := feed.NewTradeBuilder(nil)
	for i := range blockRows {
		b.Append(feed.Trade{Time: time.Unix(0, 0), Symbol: "SYM", Size: int64(row + i)})
	}
	return b
}

// TestSenderKilled kills a process in the middle of a batch: what has come before is whole, and the rest an error with a type.
func TestSenderKilled(t *testing.T) {
	c, cmd, stderr := launch(t, "send")
	r := feed.NewTradeReader(c, nil)
	rows, killed := 0, false
	for {
		b, err := r.Next(t.Context())
		if err != nil {
			var where *rt.DecodeError
			if !(errors.As(err, &where) && errors.Is(err, rt.ErrTruncated)) && !errors.Is(err, rt.ErrUnfinished) {
				t.Errorf("the sender was killed: %v, want ErrTruncated or ErrUnfinished", err)
			}
			if !killed {
				t.Fatalf("before it was: %s", stderr)
			}
			break
		}
		for i, size := range b.Size() {
			if size != int64(rows+i) || b.Symbol().At(i) != "SYM" {
				t.Fatalf("row %d is %d, %q", rows+i, size, b.Symbol().At(i))
			}
		}
		if b.Len() != blockRows {
			t.Errorf("a batch of %d rows", b.Len())
		}
		rows += b.Len()
		b.Release()
		if rows == 3*blockRows {
			killed = true
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
		}
	}
	if rows < 3*blockRows {
		t.Errorf("%d rows", rows)
	}
}

// TestReceiverKilled kills a process while it is sent a batch, which it has not room for: the writer says so, for good.
func TestReceiverKilled(t *testing.T) {
	c, cmd, stderr := launch(t, "receive")
	w := feed.NewTradeWriter(c, nil)
	if err := w.Write(t.Context(), block(0)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	killed := make(chan error, 1)
	go func() {
		err := cmd.Process.Kill()
		_ = cmd.Wait()
		killed <- err
	}()
	err := w.Write(t.Context(), block(blockRows))
	if failed := (*rt.WriteError)(nil); !errors.As(err, &failed) || !errors.Is(err, transports.ErrPeerClosed) || failed.Batches != 1 {
		t.Errorf("the receiver was killed: %v, want a *WriteError after a batch that wraps ErrPeerClosed", err)
	}
	if again := w.Write(t.Context(), block(0)); again == nil || again.Error() != err.Error() {
		t.Errorf("after it: %v", again)
	}
	if err := <-killed; err != nil {
		t.Error(err)
	}
}
