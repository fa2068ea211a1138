package all_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/fanout"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/internal/testcert"
	"github.com/lightstream-go/lightstream/transports/serve"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/ws"
)

// The batches of a crowd's stream: row i of all is numbered i.
const (
	crowdBatches = 60
	crowdRows    = 200
)

func fillCrowd(b *feed.TradeBuilder, batch int) {
	b.Reset()
	for i := range crowdRows {
		b.Append(feed.Trade{Time: time.Unix(int64(batch), 0), Symbol: "SYM", Size: int64(batch*crowdRows + i)})
	}
}

// crowd is how far the clients are that read as fast as they can.
type crowd struct {
	mu     sync.Mutex
	moved  *sync.Cond
	have   [crowdBatches]int // clients that have so many batches and one
	failed bool
}

func (c *crowd) got(batch int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.have[batch]++
	c.moved.Broadcast()
}

func (c *crowd) fail() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = true
	c.moved.Broadcast()
}

// wait waits until n clients have a batch.
func (c *crowd) wait(batch, n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.have[batch] < n && !c.failed {
		c.moved.Wait()
	}
	return !c.failed
}

// TestCrowd sends one stream to 1,000 clients, of which a tenth does not read: the others get all of it, what waits for the slow ones is as much as
// the limits allow, and one client more is refused.
func TestCrowd(t *testing.T) {
	before := goleak.IgnoreCurrent()
	clients := min(1000, (files()-200)/2)
	if clients < 100 {
		t.Skipf("there are %d file descriptors", files())
	}
	slow := clients / 10
	const most, mostBytes = 4, 64 << 10
	pool := mem.NewPool(nil)
	hub := fanout.New(&fanout.Options{Slow: fanout.DropOldest, MaxBatches: most, MaxBytes: mostBytes, MaxReaders: clients, Pool: pool})
	l, err := tcp.Listen(t.Context(), "127.0.0.1:0", &tcp.ListenOptions{Socket: tcp.Socket{WriteBuffer: 8 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	s := &serve.Server{MaxClients: clients, IdleTimeout: -1, Handle: func(ctx context.Context, conn transports.Conn) error { return hub.Send(ctx, conn) }}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()

	var wg sync.WaitGroup
	c := &crowd{}
	c.moved = sync.NewCond(&c.mu)
	wake := make(chan struct{}) // closed when the slow ones read, too
	var missed atomic.Int64
	for i := range clients {
		conn, err := tcp.Dial(t.Context(), l.Addr().String(), &tcp.DialOptions{Socket: tcp.Socket{ReadBuffer: 8 << 10}})
		if err != nil {
			t.Fatalf("client %d: %v", i, err)
		}
		wg.Go(func() {
			defer conn.Close()
			if i < slow {
				<-wake
			}
			n, err := readCrowd(t.Context(), conn, i >= slow, c)
			if err != nil {
				t.Errorf("client %d: %v", i, err)
				c.fail()
			}
			missed.Add(int64(crowdBatches - n))
		})
	}
	for hub.Stats().Readers < clients {
		time.Sleep(time.Millisecond) // until all are accepted and have joined: one that joins later misses what came before
	}
	if extra, err := tcp.Dial(t.Context(), l.Addr().String(), nil); err != nil {
		t.Error(err)
	} else {
		if n, err := extra.Read(make([]byte, 1)); err == nil {
			t.Errorf("a client too many got %d bytes", n)
		}
		extra.Close()
	}

	w := feed.NewTradeWriter(hub, nil)
	b := feed.NewTradeBuilder(nil)
	for k := range crowdBatches {
		if k >= most && !c.wait(k-most, clients-slow) { // the slowest of the others sets the pace
			break
		}
		fillCrowd(b, k)
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	c.wait(crowdBatches-1, clients-slow)
	st := hub.Stats()
	// As much waits for each, and as much is in a write that hangs.
	if limit := int64(slow) * 2 * (mostBytes + st.Bytes/crowdBatches); st.Waiting > limit {
		t.Errorf("%d bytes wait for %d slow clients, of a stream of %d bytes; want at most %d", st.Waiting, slow, st.Bytes, limit)
	}
	if st.Dropped == 0 || st.Joined != int64(clients) {
		t.Errorf("%+v", st)
	}
	t.Logf("%d clients, %d of them slow: %+v", clients, slow, st)
	close(wake)
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	<-served
	wg.Wait()
	if n := s.Stats(); n.Served != int64(clients) || n.Failed != 0 || n.TooMany != 1 {
		t.Errorf("%+v", n)
	}
	if d := hub.Stats().Dropped; missed.Load() != d {
		t.Errorf("the clients miss %d batches, and %d were dropped", missed.Load(), d)
	}
	if err := hub.Close(); err != nil {
		t.Error(err)
	}
	if st := pool.Stats(); st.InUseBytes != 0 {
		t.Errorf("%d bytes are in use after the end", st.InUseBytes)
	}
	wantNoGoroutines(t, before)
}

// readCrowd reads the stream. Batches may be missing of it unless all are wanted; what is there is whole and in order.
func readCrowd(ctx context.Context, conn transports.Conn, all bool, c *crowd) (n int, err error) {
	r := feed.NewTradeReader(conn, nil)
	last := -1
	for {
		b, err := r.Next(ctx)
		if err == io.EOF && all && n != crowdBatches { //nolint:errorlint // the contract
			return n, fmt.Errorf("%d batches", n)
		}
		if err == io.EOF { //nolint:errorlint // the contract
			return n, nil
		}
		if err != nil {
			return n, err
		}
		sizes := b.Size()
		batch := int(sizes[0]) / crowdRows
		for i, size := range sizes {
			if len(sizes) != crowdRows || size != int64(batch*crowdRows+i) || batch <= last || all && batch != last+1 {
				return n, fmt.Errorf("batch %d behind %d has %d rows, row %d is %d", batch, last, len(sizes), i, size)
			}
		}
		b.Release()
		last = batch
		n++
		if all {
			c.got(batch)
		}
	}
}

// wire is a listener for strangers, with short times, and how its clients connect to send.
type wire struct {
	name   string
	listen func() (transports.Listener, error)
	dial   func(ctx context.Context, addr string) (transports.Conn, error)
}

func wires(t *testing.T) []wire {
	a := testcert.New(t)
	cert := a.Issue(t, "localhost", "127.0.0.1")
	server := tls.Config{CertFile: cert.CertFile, KeyFile: cert.KeyFile}
	client := tls.Config{CAFile: a.File}
	ctx := t.Context()
	const at, limit, within = "127.0.0.1:0", 64, 5 * time.Second
	return []wire{
		{
			"tcp", func() (transports.Listener, error) { return tcp.Listen(ctx, at, nil) },
			func(ctx context.Context, addr string) (transports.Conn, error) { return tcp.Dial(ctx, addr, nil) },
		},
		{
			"tls", func() (transports.Listener, error) {
				return tls.Listen(ctx, at, &tls.ListenOptions{TLS: server, MaxPending: limit, HandshakeTimeout: within})
			},
			func(ctx context.Context, addr string) (transports.Conn, error) {
				return tls.Dial(ctx, addr, &tls.DialOptions{TLS: client})
			},
		},
		{
			"ws", func() (transports.Listener, error) {
				return ws.Listen(ctx, at, &ws.ListenOptions{MaxPending: limit, HandshakeTimeout: within})
			},
			func(ctx context.Context, addr string) (transports.Conn, error) {
				return ws.Dial(ctx, "ws://"+addr, nil)
			},
		},
		{
			"http", func() (transports.Listener, error) {
				return http.Listen(ctx, at, &http.ListenOptions{MaxPending: limit, HandshakeTimeout: within})
			},
			func(ctx context.Context, addr string) (transports.Conn, error) {
				return http.Post(ctx, "http://"+strings.TrimSuffix(addr, "/"), nil)
			},
		},
		{
			"https", func() (transports.Listener, error) {
				return http.Listen(ctx, at, &http.ListenOptions{TLS: server, MaxPending: limit, HandshakeTimeout: within})
			},
			func(ctx context.Context, addr string) (transports.Conn, error) {
				return http.Post(ctx, "https://"+strings.TrimSuffix(addr, "/"), &http.Options{TLS: client})
			},
		},
	}
}

// TestStrangers has hostile clients beside others that send their streams, over one server of several wires: all rows of those arrive.
func TestStrangers(t *testing.T) {
	before := goleak.IgnoreCurrent()
	const friends = 4 // on each wire
	all := wires(t)
	pool := mem.NewPool(&mem.PoolOptions{Budget: mem.NewBudget(64 << 20)})
	var (
		rows   atomic.Int64
		sent   atomic.Int64 // batches, by friends
		limits atomic.Int64 // streams that were refused because of a limit
		peak   atomic.Int64
	)
	s := &serve.Server{
		MaxClients: 400, MaxPerHost: 200, HandshakeTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		Handle: func(ctx context.Context, conn transports.Conn) error {
			r := feed.NewTradeReader(conn, &rt.ReaderOptions{Pool: pool, Limits: &ipc.Limits{MaxBody: 1 << 20, MaxMetadata: 64 << 10}})
			for b, err := range r.Batches(ctx) {
				if errors.Is(err, ipc.ErrLimit) {
					limits.Add(1)
				}
				if err != nil {
					return err
				}
				rows.Add(int64(b.Len()))
				peak.Store(max(peak.Load(), pool.Stats().InUseBytes))
				b.Release()
			}
			_, err := io.Copy(io.Discard, conn) // to the end of the direction
			return err
		},
	}
	var serving, attackers, knocking, friendly sync.WaitGroup
	knocked := make(chan struct{}) // closed when all have knocked
	addrs := make([]string, len(all))
	for i, w := range all {
		l, err := w.listen()
		if err != nil {
			t.Fatal(err)
		}
		addrs[i] = l.Addr().String()
		serving.Go(func() {
			if err := s.Serve(l); err != serve.ErrClosed {
				t.Errorf("%s: %v", w.name, err)
			}
		})
	}

	ctx, stop := context.WithCancel(t.Context())
	flood := min(10_000, files()*8)
	if testing.Short() {
		flood = 2000
	}
	open := min(max((files()-1000)/2, 100), flood) // both ends are here
	if elsewhere() == nil {
		open = 500 // who comes from the same address is not told apart
	}
	huge := hugeBody(t)
	for i, w := range all {
		host := strings.TrimSuffix(addrs[i], "/")
		attackers.Go(func() { endlessHeader(ctx, host) })
		attackers.Go(func() { slowLoris(ctx, host) })
		knocking.Go(func() { knock(ctx, host, flood/len(all), open/len(all)) })
		attackers.Go(func() { // as an Arrow stream, over the wire as it is meant
			for _, send := range []func(context.Context, transports.Conn){
				func(_ context.Context, c transports.Conn) { _, _ = c.Write(huge) },
				func(_ context.Context, c transports.Conn) { // metadata without an end
					_, _ = c.Write([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
				},
				emptyBatches,
			} {
				c, err := w.connect(ctx, addrs[i])
				if err != nil {
					continue
				}
				send(ctx, c)
				_ = c.CloseWrite()
				if d := c.SetReadDeadline(time.Now().Add(time.Second)); d == nil {
					_, _ = io.Copy(io.Discard, c)
				}
				_ = c.Close()
			}
		})
		for k := range friends {
			friendly.Go(func() {
				if err := beFriendly(t.Context(), w, addrs[i], knocked, &sent); err != nil {
					t.Errorf("%s, client %d: %v", w.name, k, err)
				}
			})
		}
	}
	knocking.Wait()
	close(knocked)
	friendly.Wait()
	stop()
	attackers.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	serving.Wait()
	if got, want := rows.Load(), sent.Load()*crowdRows; got != want {
		t.Errorf("%d rows arrived, want %d", got, want)
	}
	if limits.Load() == 0 {
		t.Error("no stream was refused because of its lengths")
	}
	if n := s.Stats(); elsewhere() != nil && open > 2000 && n.FromHost == 0 {
		t.Errorf("nobody was refused because of how many there are: %+v", n)
	}
	if peak.Load() > 64<<20 {
		t.Errorf("%d bytes were in use", peak.Load())
	}
	t.Logf("%+v, %d refused because of a limit, at most %d bytes in use", s.Stats(), limits.Load(), peak.Load())
	wantNoGoroutines(t, before)
}

// connect dials until it is let in: it may have to give way to others while it is in its handshake.
func (w *wire) connect(ctx context.Context, addr string) (c transports.Conn, err error) {
	for range 100 {
		if c, err = w.dial(ctx, addr); err == nil || ctx.Err() != nil {
			return c, err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, err
}

// beFriendly sends a stream, for as long as others knock, and ends it. A client of HTTP has a connection before the server has its
// request, and may have to give way then, so it tries again. Batches of a stream that failed do not count: had the server
// taken any, there would be more rows than were sent.
func beFriendly(ctx context.Context, on wire, addr string, knocked <-chan struct{}, sent *atomic.Int64) (err error) {
	for range 20 {
		var n int64
		if n, err = sendFriendly(ctx, on, addr, knocked); err == nil {
			sent.Add(n)
			return nil
		}
		if !strings.HasPrefix(on.name, "http") {
			break
		}
	}
	return err
}

func sendFriendly(ctx context.Context, on wire, addr string, knocked <-chan struct{}) (sent int64, err error) {
	c, err := on.connect(ctx, addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	w := feed.NewTradeWriter(c, &rt.WriterOptions{KeepOpen: true})
	b := feed.NewTradeBuilder(nil)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for k, more := 0, true; more; k++ {
		fillCrowd(b, k)
		if err := w.Write(ctx, b); err != nil {
			return sent, err
		}
		sent++
		select {
		case <-knocked:
			more = k < 10
		case <-tick.C:
		}
	}
	if err := w.Close(); err != nil {
		return sent, err
	}
	if err := c.CloseWrite(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return sent, err
	}
	if !c.Caps().HalfClose { // it ends both ways
		return sent, c.Close()
	}
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, errors.ErrUnsupported) { // until the server has read all
		return sent, err
	}
	return sent, nil
}

// hugeBody is a stream whose batch says that it has a body of 2^60 bytes.
func hugeBody(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := feed.NewTradeWriter(&out, nil)
	b := feed.NewTradeBuilder(nil)
	fillCrowd(b, 0)
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	p := out.Bytes()
	// The last message is the batch; its body is what follows the metadata to the end.
	at := bytes.LastIndex(p, []byte{0xff, 0xff, 0xff, 0xff})
	for ; at > 0; at = bytes.LastIndex(p[:at], []byte{0xff, 0xff, 0xff, 0xff}) {
		size := int(binary.LittleEndian.Uint32(p[at+4:]))
		if at+8+size >= len(p) || size <= 0 {
			continue
		}
		body := binary.LittleEndian.AppendUint64(nil, uint64(len(p)-at-8-size))
		if i := bytes.Index(p[at+8:at+8+size], body); i >= 0 {
			binary.LittleEndian.PutUint64(p[at+8+i:], 1<<60)
			return p[:at+8+size]
		}
	}
	t.Fatal("there is no bodyLength in the batch")
	return nil
}

// emptyBatches sends batches without rows until it is stopped.
func emptyBatches(ctx context.Context, c transports.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	w := feed.NewTradeWriter(c, nil)
	b := feed.NewTradeBuilder(nil)
	for w.Write(ctx, b) == nil {
		time.Sleep(time.Millisecond) // so much of a processor is left to others of this process
	}
	w.Abort()
}

// elsewhere is the address that strangers come from, nil for this host's own: not every system has another one.
var elsewhere = sync.OnceValue(func() net.Addr {
	at := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}
	l, err := net.ListenTCP("tcp", at)
	if err != nil {
		return nil
	}
	_ = l.Close()
	return at
})

// stranger is a raw connection to a port.
func stranger(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: elsewhere()}
	c, err := d.DialContext(ctx, "tcp", addr)
	if err == nil {
		_ = c.(*net.TCPConn).SetLinger(0) // leaves no port behind
	}
	return c, err
}

// endlessHeader sends a header of HTTP without an end, again and again.
func endlessHeader(ctx context.Context, addr string) {
	for ctx.Err() == nil {
		c, err := stranger(ctx, addr)
		time.Sleep(time.Millisecond)
		if err != nil {
			continue
		}
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		_, err = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nX: ")
		for err == nil {
			_, err = io.WriteString(c, strings.Repeat("a", 4000))
		}
		stop()
		_ = c.Close()
	}
}

// slowLoris has connections that send a byte now and then.
func slowLoris(ctx context.Context, addr string) {
	var open []net.Conn
	for range 20 {
		if c, err := stranger(ctx, addr); err == nil {
			open = append(open, c)
		}
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for at := 0; ctx.Err() == nil; at++ {
		for _, c := range open {
			_, _ = c.Write([]byte{"POST / HTTP/1.1\r\nX-Slow: "[at%25]})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	for _, c := range open {
		_ = c.Close()
	}
}

// knock makes n connections that say nothing, of which so many are open at a time.
func knock(ctx context.Context, addr string, n, most int) {
	var open []net.Conn
	for range n {
		if c, err := stranger(ctx, addr); err == nil {
			open = append(open, c)
		}
		if len(open) > most {
			_ = open[0].Close()
			open = open[1:]
		}
		if ctx.Err() != nil {
			break
		}
	}
	for _, c := range open {
		_ = c.Close()
	}
}

// wantNoGoroutines has patience: package http closes what it has accepted some time after its end.
func wantNoGoroutines(t *testing.T, before goleak.Option) {
	t.Helper()
	var err error
	for range 40 {
		if err = goleak.Find(before); err == nil {
			return
		}
	}
	t.Error(err)
}
