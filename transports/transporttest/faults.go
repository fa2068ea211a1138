package transporttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/transports"
)

// Faulty is a transport whose wire [RunFaults] damages.
type Faulty struct {
	// Network is what its bytes travel by: "tcp", "unix" or "udp". "" means that Pipe connects.
	Network string
	// Listen makes a listener, and Dial connects to it by addr: the address of a proxy on Network, which passes everything on.
	Listen ListenFunc
	Dial   func(ctx context.Context, l transports.Listener, addr string, role Role) (transports.Conn, error)
	// Pipe returns the ends of a connection whose bytes pass by a call of copy, which closes both of its ends when it is through.
	Pipe func(copy func(dst io.WriteCloser, src io.ReadCloser)) (sender, receiver transports.Conn, err error)
	// Sealed tells that a bit that was flipped on the way is always noticed, as TLS does it.
	Sealed bool
	// EachByte also cuts sealed wires at each byte, where the listener sends, and not at some.
	EachByte bool
	// DiallerSends also runs the cases in which the dialling end sends.
	DiallerSends bool
}

// RunFaults sends a short stream over a wire with faults: it delays, cuts at each byte (of sealed wires, and where the dialling end sends, at some), sends bytes twice, stalls and flips bits. Datagrams
// are delayed, lost from some packet on, sent twice and flipped.
//
// Whatever happens, what is received was sent, and in order; a stream that is not received to its end is an error of the transport or of
// the reader, in bounded time. Of bits that are flipped on a wire that is not sealed, the reader may see values that nobody has sent, in
// as many rows; it must not see more batches.
func RunFaults(t *testing.T, f Faulty) {
	ways := []bool{false}
	if f.DiallerSends {
		ways = append(ways, true)
	}
	for _, diallerSends := range ways {
		name := "listener sends"
		if diallerSends {
			name = "dialler sends"
		}
		t.Run(name, func(t *testing.T) { (&faultRun{f, diallerSends}).run(t) })
	}
}

type faultRun struct {
	Faulty
	diallerSends bool
}

// The batches of the short stream.
var faultRows = []int{3, 0, 2}

func (r *faultRun) run(t *testing.T) {
	clean := &fault{at: -1}
	o := r.attempt(t, clean, time.Minute, true)
	if o.err != io.EOF { //nolint:errorlint // the contract
		t.Fatalf("without a fault: %v", o.err)
	}
	total := clean.seen.Load() // bytes or packets
	t.Logf("%d bytes or packets on the wire", total)
	each := func(name string, step int64, kind faultKind, within time.Duration, check func(at int64, o outcome) error) {
		t.Run(name, func(t *testing.T) {
			var wg sync.WaitGroup
			room := make(chan struct{}, 8) // side by side, as most of the time is waiting
			for at := int64(0); at < total; at += step {
				room <- struct{}{}
				wg.Go(func() {
					defer func() { <-room }()
					if err := check(at, r.attempt(t, &fault{kind: kind, at: at}, within, false)); err != nil {
						t.Errorf("at %d of %d: %v", at, total, err)
					}
				})
			}
			wg.Wait()
		})
	}
	whole := func(_ int64, o outcome) error {
		if o.err != io.EOF { //nolint:errorlint // the contract
			return fmt.Errorf("%w, want the whole stream", o.err)
		}
		return nil
	}
	bounded := func(_ int64, o outcome) error { return o.fault() }
	few := max(total/24, 1)
	if r.Network == "udp" {
		few = 1
	}
	t.Run("delayed", func(t *testing.T) {
		if err := whole(0, r.attempt(t, &fault{kind: delays}, time.Minute, true)); err != nil {
			t.Error(err)
		}
	})
	every := int64(1)
	if r.Network != "udp" && (r.diallerSends || r.Sealed && (!r.EachByte || raceEnabled || testing.Short())) { // the same code reads
		every = max(total/60, 1)
	}
	each("cut", every, cuts, time.Minute, bounded)
	each("stalled", max(total/8, 1), stalls, time.Second, bounded)
	each("twice", few, doubles, time.Minute, func(at int64, o outcome) error {
		if r.Network == "udp" {
			return whole(at, o)
		}
		if err := o.fault(); err != nil && (r.Sealed || !errors.Is(err, errContent)) {
			return err
		}
		return nil
	})
	var noticed, unnoticed, harmless atomic.Int64
	each("flipped", max(few/2, 1), flips, 5*time.Second, func(_ int64, o outcome) error {
		switch err := o.fault(); {
		case err != nil && (r.Sealed || !errors.Is(err, errContent)):
			return err
		case err != nil:
			unnoticed.Add(1) // as a value that was not sent
		case o.err == io.EOF: //nolint:errorlint // the contract
			harmless.Add(1) // a packet that was sent again, or a byte that means nothing, such as one of padding
		default:
			noticed.Add(1)
		}
		return nil
	})
	t.Logf("of the flipped bits %d were errors, %d did no harm, and %d changed values", noticed.Load(), harmless.Load(), unnoticed.Load())
	if r.Network != "udp" && noticed.Load() == 0 {
		t.Error("no flipped bit was an error")
	}
	if r.Sealed && r.Network != "udp" && harmless.Load() > noticed.Load() {
		t.Errorf("%d flipped bits did no harm, and %d were errors", harmless.Load(), noticed.Load())
	}
}

// outcome is what a receiver has seen.
type outcome struct {
	err error // of the receiver; io.EOF after the whole stream; or why there was none
}

// errContent is wrapped by errors about values that were not sent.
var errContent = errors.New("received what was not sent")

// fault returns nil for an outcome that is allowed: the whole stream, or an error with a type.
func (o outcome) fault() error {
	var (
		transport *transports.Error
		decode    *rt.DecodeError
		schema    *rt.SchemaError
	)
	switch err := o.err; {
	case err == nil:
		return errors.New("no outcome")
	case errors.Is(err, errContent):
		return err
	case err == io.EOF, errors.As(err, &transport), errors.As(err, &decode), errors.As(err, &schema): //nolint:errorlint // the contract
		return nil
	case errors.Is(err, rt.ErrUnfinished), errors.Is(err, rt.ErrTruncated), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return nil
	default:
		return fmt.Errorf("an error without a type: %T: %w", err, err)
	}
}

// attempt sends the short stream once. If it must arrive, the receiver is waited for.
func (r *faultRun) attempt(t *testing.T, f *fault, within time.Duration, must bool) outcome {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	f.over = make(chan struct{})
	defer f.wg.Wait()
	defer close(f.over)
	if r.Network == "" {
		sender, receiver, err := r.Pipe(func(dst io.WriteCloser, src io.ReadCloser) { f.wg.Go(func() { f.pipe(dst, src) }) })
		if err != nil {
			return outcome{err}
		}
		sent := start(func() (int, error) { return 0, sendShort(ctx, sender) })
		o := outcome{receiveShort(ctx, receiver)}
		<-sent
		return o
	}
	l, err := r.Listen(ctx)
	if err != nil {
		t.Errorf("listen: %v", err)
		return outcome{err}
	}
	defer l.Close()
	addr, stop, err := f.proxy(r.Network, l.Addr())
	if err != nil {
		t.Errorf("the proxy: %v", err)
		return outcome{err}
	}
	defer stop()
	serve, use, role := sendShort, receiveShort, Receives
	if r.diallerSends {
		serve, use, role = receiveShort, sendShort, Sends
	}
	served := start(func() (bool, error) {
		c, err := l.Accept(ctx)
		if err != nil {
			return false, err
		}
		return true, serve(ctx, c)
	})
	c, err := r.Dial(ctx, l, addr, role)
	if err == nil {
		err = use(ctx, c)
	}
	if !r.diallerSends {
		cancel() // nobody receives any more
		_ = l.Close()
		<-served
		return outcome{err}
	}
	if !must {
		if err != nil {
			cancel()
		}
		s, ended := result[bool]{}, false
		select { // a sender learns little: the receiver is what counts, if there is one
		case s = <-served:
			ended = true
		case <-time.After(min(within/4, 2*time.Second)):
		}
		if !ended {
			cancel()
			_ = l.Close()
			s = <-served
		}
		if s.val {
			return outcome{s.err}
		}
		if err == nil {
			err = s.err
		}
		return outcome{err}
	}
	if s := <-served; err == nil {
		err = s.err
	}
	return outcome{err}
}

func sendShort(ctx context.Context, c transports.Conn) error {
	defer c.Close()
	w := feed.NewTradeWriter(c, nil)
	defer w.Abort()
	row := 0
	for _, n := range faultRows {
		if err := w.Write(ctx, trades(row, n)); err != nil {
			return err
		}
		row += n
	}
	if err := w.Close(); err != nil {
		return err
	}
	return finish(c)
}

// receiveShort returns io.EOF after the whole stream.
func receiveShort(ctx context.Context, c transports.Conn) error {
	defer c.Close()
	r := feed.NewTradeReader(c, nil)
	row, batches, wrong := 0, 0, error(nil)
	for {
		b, err := r.Next(ctx)
		if err == io.EOF && batches != len(faultRows) { //nolint:errorlint // the contract
			return fmt.Errorf("%w: the end after %d batches", errContent, batches)
		}
		if err == io.EOF && wrong == nil { //nolint:errorlint // the contract
			_ = c.SetReadDeadline(time.Now().Add(time.Second)) // what is left may never come
			_, _ = io.Copy(io.Discard, c)                      // so that the sender is not cut off
		}
		switch {
		case wrong != nil && err != nil:
			return wrong
		case err != nil:
			return err
		case batches == len(faultRows):
			b.Release()
			return fmt.Errorf("more batches than were sent, the last of %d rows", b.Len()) // on no wire
		}
		if cerr := checkTrades(b, row); cerr != nil && wrong == nil {
			wrong = fmt.Errorf("%w: %w", errContent, cerr)
		} else if b.Len() != faultRows[batches] && wrong == nil {
			wrong = fmt.Errorf("%w: a batch of %d rows", errContent, b.Len())
		}
		row += b.Len()
		batches++
		b.Release()
	}
}

type faultKind int

const (
	passes faultKind = iota
	delays
	cuts
	stalls
	doubles
	flips
)

// A fault is what a proxy does to the bytes from the end that sends, when so many have passed.
type fault struct {
	kind faultKind
	at   int64
	seen atomic.Int64
	over chan struct{} // closed when the attempt is
	wg   sync.WaitGroup
}

// proxy listens in front of target. Both directions are counted and damaged: either may be the one that sends.
func (f *fault) proxy(network string, target net.Addr) (addr string, stop func(), err error) {
	host := target.String()
	if network != "unix" {
		if i := indexByte(host, '/'); i >= 0 { // the path of a URL
			host = host[:i]
		}
	}
	if network == "udp" {
		return f.packets(host)
	}
	at := "127.0.0.1:0"
	dir := ""
	if network == "unix" {
		if dir, err = os.MkdirTemp("", "ls"); err != nil {
			return "", nil, err
		}
		at = filepath.Join(dir, "proxy")
	}
	l, err := net.Listen(network, at)
	if err != nil {
		return "", nil, err
	}
	f.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial(network, host)
			if err != nil {
				_ = c.Close()
				continue
			}
			f.wg.Go(func() { f.stream(c, s) })
		}
	})
	return l.Addr().String(), func() {
		_ = l.Close()
		if dir != "" {
			_ = os.RemoveAll(dir)
		}
	}, nil
}

func indexByte(s string, b byte) int {
	for i := range len(s) {
		if s[i] == b {
			return i
		}
	}
	return -1
}

// stream passes both directions of a connection, until both have ended or the attempt is over.
func (f *fault) stream(client, server net.Conn) {
	broken := make(chan struct{})
	var once sync.Once
	end := func() { once.Do(func() { close(broken) }) }
	var wg sync.WaitGroup
	for _, p := range [][2]net.Conn{{server, client}, {client, server}} {
		wg.Go(func() {
			if !f.copy(p[0], p[1]) {
				end()
			}
			if half, ok := p[0].(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
			}
		})
	}
	both := make(chan struct{})
	go func() { wg.Wait(); close(both) }()
	select {
	case <-broken:
	case <-f.over:
	case <-both:
	}
	_, _ = client.Close(), server.Close()
	<-both
}

// pipe passes one direction.
func (f *fault) pipe(dst io.WriteCloser, src io.ReadCloser) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.copy(dst, src)
		_ = dst.Close()
	}()
	select {
	case <-done:
	case <-f.over:
	}
	_, _ = src.Close(), dst.Close()
	<-done
}

// copy passes bytes on. It returns false where the fault ends the connection.
func (f *fault) copy(dst io.Writer, src io.Reader) bool {
	buf := make([]byte, 4<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			if !f.pass(dst, buf[:n]) {
				return false
			}
		}
		if err != nil {
			return true
		}
	}
}

func (f *fault) pass(dst io.Writer, p []byte) bool {
	first := f.seen.Add(int64(len(p))) - int64(len(p))
	at := f.at - first
	if f.kind == delays {
		for len(p) > 0 { // in small pieces, with a pause behind each
			n := min(len(p), 61)
			if _, err := dst.Write(p[:n]); err != nil {
				return true
			}
			p = p[n:]
			time.Sleep(200 * time.Microsecond)
		}
		return true
	}
	if f.kind == passes || at < 0 || at >= int64(len(p)) {
		_, err := dst.Write(p)
		return err == nil
	}
	switch f.kind {
	case cuts:
		_, _ = dst.Write(p[:at])
		return false
	case stalls:
		_, _ = dst.Write(p[:at])
		<-f.over
		return false
	case doubles:
		end := min(at+64, int64(len(p)))
		_, _ = dst.Write(p[:end])
		p = p[at:]
	case flips:
		p[at] ^= 1 << (at % 8)
	}
	_, err := dst.Write(p)
	return err == nil
}

// packets is proxy for datagrams. A cut and a stall lose everything from a packet on.
func (f *fault) packets(target string) (addr string, stop func(), err error) {
	near, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	far, err := net.Dial("udp", target)
	if err != nil {
		_ = near.Close()
		return "", nil, err
	}
	var client atomic.Pointer[net.Addr]
	handle := func(p []byte, send func([]byte)) {
		i := f.seen.Add(1) - 1
		switch {
		case f.kind == delays:
			time.Sleep(time.Millisecond)
		case (f.kind == cuts || f.kind == stalls) && i >= f.at:
			return
		case f.kind == doubles && i == f.at:
			send(p)
		case f.kind == flips && i == f.at:
			p[len(p)/2] ^= 1
		}
		send(p)
	}
	f.wg.Go(func() {
		buf := make([]byte, 64<<10)
		for {
			n, from, err := near.ReadFrom(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			client.Store(&from)
			handle(buf[:n], func(p []byte) { _, _ = far.Write(p) })
		}
	})
	f.wg.Go(func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := far.Read(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if to := client.Load(); err == nil && to != nil {
				handle(buf[:n], func(p []byte) { _, _ = near.WriteTo(p, *to) })
			}
		}
	})
	// Behind the attempt its ends still say goodbye to each other.
	return near.LocalAddr().String(), func() { _, _ = near.Close(), far.Close() }, nil
}
