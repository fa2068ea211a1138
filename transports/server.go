package transports

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

var (
	// ErrIdle means that a client was silent, or took nothing, for longer than a [Server] waits.
	ErrIdle = errors.New("the client has made no progress for too long")
	// ErrServerClosed is returned by [Server.Serve] after Shutdown or Close.
	ErrServerClosed = errors.New("the server was shut down")
)

// Server accepts connections and calls a function for each, within limits: a client that does nothing, or comes too often, does not
// keep others out. Its fields must not change once it serves.
//
// Who may connect is asked before, by Authorize of the listener.
type Server struct {
	// Handle serves one client, in a goroutine of its own. When it returns, the connection is closed. ctx ends with Close, or
	// with the end of Shutdown's context. An error is logged and counted, at level Debug where it says that a client has left
	// to which Handle wrote. [Unwrap] gives the connection that the listener returned, which may tell more about the client.
	Handle func(ctx context.Context, conn Conn) error

	// MaxClients is how many clients are served at a time. Another one's connection is closed at once. Zero means 1,024,
	// less than zero any number.
	MaxClients int
	// MaxPerHost is how many of them may come from one address, whatever the port. Zero means any number. It means nothing
	// on wires without host addresses.
	MaxPerHost int

	// HandshakeTimeout is how long a client that Handle reads from may take for its first byte. Zero means 10 s, less than
	// zero any time. The handshakes of TLS, WebSocket and QUIC are bounded by their listeners.
	HandshakeTimeout time.Duration
	// IdleTimeout is how long one Read or Write of Handle may wait without any progress, give or take an eighth: for a client
	// that sends nothing, or takes nothing. One that sends a byte now and then is not idle; MaxClients and MaxPerHost bound how
	// many there are. A connection without calls waiting is not idle: a reader for which there is no batch keeps its
	// connection. Zero means 2 minutes, less than zero any time.
	IdleTimeout time.Duration

	// Log is told what Handle returned and what was refused. Nil tells nobody.
	Log *slog.Logger

	mu        sync.Mutex
	listeners map[Listener]struct{}
	clients   map[*served]struct{}
	hosts     map[string]int
	closing   bool
	done      chan struct{} // closed when the last client of a closing server has gone
	base      context.Context
	stop      context.CancelFunc
	stats     ServerStats
}

// ServerStats counts what a [Server] has done so far.
type ServerStats struct {
	Clients  int   // that there are now
	Served   int64 // clients whose Handle has returned
	Left     int64 // of these, clients that left before they had taken all
	Failed   int64 // of the served, with another error
	Idle     int64 // of these, with one that says that the client was idle
	TooMany  int64 // connections that were closed because of MaxClients
	FromHost int64 // connections that were closed because of MaxPerHost
}

// Serve accepts connections until Shutdown or Close, and then returns [ErrServerClosed]. Errors of Accept that may pass, such as
// that no file descriptor is left, are waited for; others are returned. It closes the listener.
//
// One server may serve several listeners, each by a call of Serve. The limits hold for all of them together.
func (s *Server) Serve(l Listener) error {
	defer l.Close()
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return ErrServerClosed
	}
	s.start()
	s.listeners[l] = struct{}{}
	base := s.base
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners, l)
	}()
	pause := time.Duration(0)
	for {
		conn, err := l.Accept(base)
		switch {
		case err == nil:
			pause = 0
			s.accept(conn)
			continue
		case s.isClosing():
			return ErrServerClosed
		case errors.Is(err, net.ErrClosed) || !passing(err):
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.log(slog.LevelWarn, "accepting failed, and is tried again", "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-base.Done():
		}
	}
}

// passing tells whether an error of Accept may pass.
func passing(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// start makes what a server that serves has.
func (s *Server) start() {
	if s.base == nil {
		s.base, s.stop = context.WithCancel(context.Background())
		s.listeners, s.clients, s.hosts = map[Listener]struct{}{}, map[*served]struct{}{}, map[string]int{}
		s.done = make(chan struct{})
	}
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// accept lets a client in, or closes its connection.
func (s *Server) accept(conn Conn) {
	host := ""
	if s.MaxPerHost > 0 {
		host = hostOf(conn.RemoteAddr())
	}
	most := s.MaxClients
	if most == 0 {
		most = 1024
	}
	s.mu.Lock()
	refused := ""
	switch {
	case s.closing:
		refused = "the server is shutting down"
	case most > 0 && len(s.clients) >= most:
		s.stats.TooMany++
		refused = fmt.Sprintf("there are %d clients, as many as Server.MaxClients allows", len(s.clients))
	case host != "" && s.hosts[host] >= s.MaxPerHost:
		s.stats.FromHost++
		refused = fmt.Sprintf("there are %d clients from %s, as many as Server.MaxPerHost allows", s.hosts[host], host)
	}
	if refused != "" {
		s.mu.Unlock()
		conn.Close()
		s.log(slog.LevelWarn, "a client was refused", "peer", conn.RemoteAddr(), "reason", refused)
		return
	}
	c := &served{Conn: conn, host: host}
	if conn.Caps().Deadline {
		c.in = limit{set: conn.SetReadDeadline, first: orDefault(s.HandshakeTimeout, 10*time.Second), wait: orDefault(s.IdleTimeout, 2*time.Minute)}
		c.out = limit{set: conn.SetWriteDeadline, wait: orDefault(s.IdleTimeout, 2*time.Minute)}
	}
	s.clients[c] = struct{}{}
	if host != "" {
		s.hosts[host]++
	}
	s.mu.Unlock()
	go s.serve(c)
}

// orDefault returns 0 for no limit.
func orDefault(d, zero time.Duration) time.Duration {
	if d == 0 {
		return zero
	}
	return max(d, 0)
}

// hostOf returns the host of an address, "" where it has none.
func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return ""
	}
	return host
}

func (s *Server) serve(c *served) {
	var conn Conn = c
	if _, ok := c.Conn.(lazyReader); ok {
		conn = servedLazily{c}
	}
	err := s.Handle(s.base, conn)
	c.Conn.Close()
	gone := left(err)
	switch {
	case gone:
		s.log(slog.LevelDebug, "a client has left", "peer", c.RemoteAddr(), "error", err)
	case err != nil:
		s.log(slog.LevelInfo, "serving a client ended with an error", "peer", c.RemoteAddr(), "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Served++
	switch {
	case gone:
		s.stats.Left++
	case err != nil:
		s.stats.Failed++
		if errors.Is(err, ErrIdle) {
			s.stats.Idle++
		}
	}
	delete(s.clients, c)
	if c.host != "" {
		if s.hosts[c.host]--; s.hosts[c.host] == 0 {
			delete(s.hosts, c.host)
		}
	}
	if s.closing && len(s.clients) == 0 {
		close(s.done)
	}
}

// left tells whether an error says that a client that was written to is there no more. One that was read from has not sent all.
func left(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Op == "write" && errors.Is(e, ErrPeerClosed)
}

func (s *Server) log(level slog.Level, msg string, args ...any) {
	if s.Log != nil {
		s.Log.Log(context.Background(), level, msg, args...)
	}
}

// Shutdown stops accepting and waits until every Handle has returned: whoever feeds them ends the streams first or meanwhile, so that
// what was accepted is sent, with an end marker. When ctx ends before that, it does what Close does and returns the context's error.
func (s *Server) Shutdown(ctx context.Context) error {
	closed := s.closeListeners()
	for _, done := range []<-chan struct{}{closed, s.done} {
		select {
		case <-done:
		case <-ctx.Done():
			s.cut()
			return ctx.Err()
		}
	}
	s.stop()
	return nil
}

// Close stops accepting, ends the context of every Handle and closes the connections. It waits until they have returned.
func (s *Server) Close() error {
	closed := s.closeListeners()
	s.cut()
	<-closed
	return nil
}

// cut ends what is served, and waits for it.
func (s *Server) cut() {
	s.stop()
	s.mu.Lock()
	clients := slices.Collect(maps.Keys(s.clients))
	s.mu.Unlock()
	var all sync.WaitGroup
	for _, c := range clients { // side by side: a close may wait for a peer that does not read
		all.Go(func() { c.Conn.Close() })
	}
	<-s.done
	all.Wait()
}

// closeListeners makes Serve return, and tells when the listeners are closed, which waits for the handshakes that are under way.
func (s *Server) closeListeners() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start()
	if !s.closing && len(s.clients) == 0 {
		close(s.done)
	}
	s.closing = true
	listeners := slices.Collect(maps.Keys(s.listeners))
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		for _, l := range listeners {
			l.Close()
		}
	}()
	return closed
}

// Stats returns the counters.
func (s *Server) Stats() ServerStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Clients = len(s.clients)
	return st
}

// Unwrap returns the connection of the listener that a [Server] has handed to its Handle, and any other as it is.
func Unwrap(conn Conn) Conn {
	switch c := conn.(type) {
	case *served:
		return c.Conn
	case servedLazily:
		return c.Conn
	}
	return conn
}

// Refuse closes a connection whose peer does or sends what this end is not for, so that the peer gets an error rather than an end. Over ws, wss, quic
// and wt the error has the text, which should be short; tcp and tls have no place for it. Where the wire has no such thing it is Close.
func Refuse(conn Conn, why string) error {
	if c, ok := Unwrap(conn).(interface{ Refuse(why string) error }); ok {
		return c.Refuse(why)
	}
	return conn.Close()
}

// served is a client's connection, whose calls do not wait longer than the server does.
type served struct {
	Conn
	host    string
	in, out limit
}

func (c *served) Read(p []byte) (int, error) {
	if c.in.set == nil || len(p) == 0 {
		return c.Conn.Read(p)
	}
	c.in.begin()
	n, err := c.Conn.Read(p)
	if c.in.passed(err) {
		return n, c.idle("read")
	}
	c.in.moved(n)
	return n, err
}

// lazyReader is frame.LazyReader.
type lazyReader interface {
	ReadLazily(memory func() []byte, back func()) (n int, err error)
}

// servedLazily is served for a connection that reads lazily.
type servedLazily struct{ *served }

// ReadLazily is served's Read.
func (c servedLazily) ReadLazily(memory func() []byte, back func()) (int, error) {
	read := c.Conn.(lazyReader).ReadLazily
	if c.in.set == nil {
		return read(memory, back)
	}
	c.in.begin()
	n, err := read(memory, back)
	if c.in.passed(err) {
		return n, c.idle("read")
	}
	c.in.moved(n)
	return n, err
}

func (c *served) Write(p []byte) (n int, err error) {
	if c.out.set == nil {
		return c.Conn.Write(p)
	}
	for {
		c.out.begin()
		k, err := c.Conn.Write(p[n:])
		n += k
		switch {
		case !c.out.passed(err):
			return n, err
		case n == len(p):
			return n, nil
		case k == 0:
			return n, c.idle("write")
		}
	}
}

func (c *served) WriteBuffers(bufs [][]byte) (n int64, err error) {
	if c.out.set == nil {
		return c.Conn.WriteBuffers(bufs)
	}
	for {
		c.out.begin()
		k, err := c.Conn.WriteBuffers(bufs)
		n += k
		if !c.out.passed(err) {
			return n, err
		}
		if bufs = after(bufs, k); len(bufs) == 0 {
			return n, nil
		}
		if k == 0 {
			return n, c.idle("write")
		}
	}
}

// after returns what is left of bufs without their first n bytes.
func after(bufs [][]byte, n int64) [][]byte {
	bufs = slices.Clone(bufs) // they are the caller's
	for len(bufs) > 0 && n >= int64(len(bufs[0])) {
		n -= int64(len(bufs[0]))
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}

// idle is the error of a call that waited for as long as the server does.
func (c *served) idle(op string) error {
	a := c.RemoteAddr()
	return &Error{Transport: a.Network(), Addr: a.String(), Op: op, Err: ErrIdle}
}

func (c *served) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *served) SetReadDeadline(t time.Time) error {
	if c.in.set == nil {
		return c.Conn.SetReadDeadline(t)
	}
	return c.in.ask(t)
}

func (c *served) SetWriteDeadline(t time.Time) error {
	if c.out.set == nil {
		return c.Conn.SetWriteDeadline(t)
	}
	return c.out.ask(t)
}

// limit sets the deadline of one direction: the earlier of the server's and of Handle's own.
type limit struct {
	set   func(time.Time) error
	first time.Duration // until the first byte, 0 for as long as later ones
	wait  time.Duration // 0 for any

	mu     sync.Mutex
	asked  time.Time // by Handle
	server time.Time // the server's, as it was set last
	begun  bool      // a byte has come
}

// begin sets the deadline for a call. It is not moved while more than seven eighths of the time are left.
func (l *limit) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := l.wait
	if !l.begun && l.first > 0 {
		if !l.server.IsZero() { // counted from the first call
			return
		}
		wait = l.first
	}
	if wait == 0 {
		return
	}
	now := time.Now()
	if l.server.IsZero() || l.server.Sub(now) < wait-wait/8 {
		l.server = now.Add(wait)
		_ = l.apply()
	}
}

// moved tells that n bytes have come.
func (l *limit) moved(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n > 0 && !l.begun {
		l.begun = true
		l.server = time.Time{}
		if l.wait == 0 {
			_ = l.apply()
		}
	}
}

// ask sets Handle's own deadline.
func (l *limit) ask(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = t
	return l.apply()
}

func (l *limit) apply() error {
	t := l.server
	if !l.asked.IsZero() && (t.IsZero() || l.asked.Before(t)) {
		t = l.asked
	}
	return l.set(t)
}

// passed tells whether it was the server's own deadline that ended a call.
func (l *limit) passed(err error) bool {
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.server.IsZero() && !time.Now().Before(l.server) && (l.asked.IsZero() || l.server.Before(l.asked))
}
