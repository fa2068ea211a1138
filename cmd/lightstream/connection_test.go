package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// command is a run of the command in this process, whose standard error can be looked at while it runs.
type command struct {
	t      *testing.T
	cancel context.CancelFunc
	done   chan int
	read   chan struct{} // closed when all of standard error has been read
	mu     sync.Mutex
	err    bytes.Buffer
}

func start(t *testing.T, args ...string) *command {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &command{t: t, cancel: cancel, done: make(chan int, 1), read: make(chan struct{})}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		p := make([]byte, 4096)
		for {
			n, err := r.Read(p)
			c.mu.Lock()
			c.err.Write(p[:n])
			c.mu.Unlock()
			if err != nil {
				r.Close()
				close(c.read)
				return
			}
		}
	}()
	go func() {
		status := run(ctx, args, std{null, null, w})
		w.Close()
		null.Close()
		c.done <- status
	}()
	t.Cleanup(cancel)
	return c
}

func (c *command) stderr() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err.String()
}

// at waits until the command listens n times, and returns where it did last.
func (c *command) at(n int) string {
	c.t.Helper()
	listens := regexp.MustCompile(`listening at (\S+)`)
	for range 3000 {
		if m := listens.FindAllStringSubmatch(c.stderr(), -1); len(m) >= n {
			return m[n-1][1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatalf("it does not listen: %s", c.stderr())
	return ""
}

func (c *command) wait(status int) {
	c.t.Helper()
	got := <-c.done
	<-c.read
	if got != status {
		c.t.Fatalf("status %d, want %d: %s", got, status, c.stderr())
	}
}

// digest is one of the rows of a file, whatever its batches.
func digest(t *testing.T, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "rows.ndjson")
	call(t, "copy", name, out)
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

const flightsFile = "../../examples/flights/data/flights-50k.arrows"

// TestCopyConnections copies from a file over connections to a file, each end dialling once.
func TestCopyConnections(t *testing.T) {
	want := digest(t, flightsFile)
	for _, c := range []struct{ listen, params, own string }{
		{"tcp+listen://127.0.0.1:0", "", ""},
		{"tcp+listen://127.0.0.1:0", "", "?compression=lz4"},
		{"tcp+listen://127.0.0.1:0", "?streams=3&ordered=1", "?streams=3&ordered=1&compression=zstd"},
		{"ws+listen://127.0.0.1:0", "", "?compression=zstd"},
		{"ws+listen://127.0.0.1:0", "?streams=2&ordered=1", "?streams=2&ordered=1"},
		{"http+listen://127.0.0.1:0", "", ""},
		{"tcp+listen://127.0.0.1:0", "?protocol=lightstream", "?protocol=lightstream&compression=zstd"},
		{"tcp+listen://127.0.0.1:0", "?protocol=lightstream&streams=3", "?protocol=lightstream&streams=3&ordered=1"},
		{"tcp+listen://127.0.0.1:0", "?protocol=tlv", "?protocol=tlv&compression=lz4"},
		{"ws+listen://127.0.0.1:0", "?protocol=lightstream", "?protocol=lightstream"},
		{"ws+listen://127.0.0.1:0", "?protocol=tlv", "?protocol=tlv"},
		{"http+listen://127.0.0.1:0", "?protocol=lightstream", "?protocol=lightstream"},
		{"http+listen://127.0.0.1:0", "?protocol=lightstream&streams=3", "?protocol=lightstream&streams=3"},
		{"http+listen://127.0.0.1:0", "?streams=3&ordered=1", "?streams=3&ordered=1"},
		{"uds+listen:", "", ""},
		{"uds+listen:", "?streams=2&ordered=true", "?streams=2&ordered=1"},
	} {
		if runtime.GOOS == "windows" && strings.HasPrefix(c.listen, "uds") {
			continue
		}
		for _, reads := range []bool{true, false} {
			t.Run(fmt.Sprint(c.listen, c.own, reads), func(t *testing.T) {
				at := c.listen
				if strings.HasPrefix(at, "uds") {
					dir, err := os.MkdirTemp("", "ls") // its path is short enough
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { os.RemoveAll(dir) })
					at += filepath.Join(dir, "s")
				}
				out := filepath.Join(t.TempDir(), "out.arrow")
				var first *command
				var second []string
				if reads {
					first = start(t, "copy", at+c.params, out)
					second = []string{"copy", flightsFile, first.at(1) + c.own, "--batch-rows", "1000"}
				} else {
					first = start(t, "copy", flightsFile, at+c.own, "--batch-rows", "1000")
					second = []string{"copy", first.at(1) + c.params, out}
				}
				start(t, second...).wait(exitFine)
				first.wait(exitFine)
				if digest(t, out) != want {
					t.Fatal("the rows are others")
				}
			})
		}
	}
}

// TestPeerGone sends to one that goes: what it has not taken is lost, which the sender must say. Only standard output may have nobody who reads on.
func TestPeerGone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no Unix sockets")
	}
	dir, err := os.MkdirTemp("", "ls") // its path is short enough
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	at := filepath.Join(dir, "s")
	l, err := net.Listen("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			c.Close()
		}
	}()
	s := start(t, "copy", flightsFile, "uds://"+at, "--batch-rows", "100")
	s.wait(exitBad)
	if !strings.Contains(s.stderr(), "the peer is gone") {
		t.Error(s.stderr())
	}
}

// TestCopyRefuses has clients at a copy that listens which do not speak what it does, or do not trust it: each end says what is wrong.
func TestCopyRefuses(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := certificate(t, dir)
	certs := "?cert=" + certFile + "&key=" + keyFile
	for _, c := range []struct{ listen, dial, client, server string }{
		{"tls+listen://127.0.0.1:0" + certs, "tcp", "use tls://", "the peer speaks Arrow without TLS; one end uses tls://"},
		{"tls+listen://127.0.0.1:0" + certs, "tls", "an authority that is not trusted", "the peer refused this end's certificate"},
		{"tls+listen://127.0.0.1:0" + certs + "&ca=" + certFile, "tls+ca", "the server wants a certificate", "no certificate"},
		{"ws+listen://127.0.0.1:0", "tcp", "the peer speaks HTTP", "Arrow without HTTP"},
		{"http+listen://127.0.0.1:0", "ws", "is it a WebSocket server", "asks for a WebSocket"},
		{"http+listen://127.0.0.1:0", "tcp", "the peer speaks HTTP", "Arrow without HTTP"},
	} {
		s := start(t, "copy", c.listen, filepath.Join(dir, "none.arrows"))
		_, at, _ := strings.Cut(s.at(1), "://")
		dial, params := c.dial, ""
		if scheme, ok := strings.CutSuffix(dial, "+ca"); ok {
			dial, params = scheme, "?ca="+certFile
		}
		client := start(t, "copy", flightsFile, dial+"://"+at+params, "--batch-rows", "100")
		client.wait(exitBad)
		if !strings.Contains(client.stderr(), c.client) {
			t.Errorf("%v: the client: %s, want %q", c, client.stderr(), c.client)
		}
		for range 1000 { // it is told before or after the client has ended
			if strings.Contains(s.stderr(), "refused") {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		s.cancel()
		s.wait(exitBad)
		if !strings.Contains(s.stderr(), c.server) || !strings.Contains(s.stderr(), "\nlightstream: refused: ") || strings.Contains(s.stderr(), ": lightstream:") {
			t.Errorf("%v: the server: %s, want %q", c, s.stderr(), c.server)
		}
	}
}

// TestServe has several clients of one feed, and one that comes late.
func TestServe(t *testing.T) {
	want := digest(t, flightsFile)
	s := start(t, "serve", flightsFile, "--tcp=127.0.0.1:0", "--ws=127.0.0.1:0", "--http=127.0.0.1:0", "--listen", "tcp+listen://localhost:0", "--clients", "4")
	var clients []*command
	dir := t.TempDir()
	for i := range 4 {
		clients = append(clients, start(t, "copy", s.at(1+i), filepath.Join(dir, fmt.Sprint(i, ".arrows"))))
	}
	s.wait(exitFine)
	for i, c := range clients {
		c.wait(exitFine)
		if digest(t, filepath.Join(dir, fmt.Sprint(i, ".arrows"))) != want {
			t.Fatal("the rows are others")
		}
	}
}

// TestServeEnds ends a feed without end: its clients get the end of the stream.
func TestServeEnds(t *testing.T) {
	defer func(is time.Duration) { grace = is }(grace)
	grace = time.Minute // a slow machine takes longer to send what waits
	s := start(t, "serve", flightsFile, "--tcp=127.0.0.1:0", "--loop", "--rate", "100000", "--batch-rows", "500", "--clients", "3")
	out := filepath.Join(t.TempDir(), "out.arrows")
	c := start(t, "copy", s.at(1), out, "--head", "2000")
	whole := start(t, "copy", s.at(1), out+"w.arrows")
	part := start(t, "cat", s.at(1), "--to", "stream", "--columns", "distance")
	c.wait(exitFine) // when it has rows, all have come
	s.cancel()
	s.wait(exitFine)
	part.wait(exitFine)
	whole.wait(exitFine) // with an end marker
	if rows := digest(t, out+"w.arrows"); rows == "" {
		t.Fatal("no rows")
	}
}

func TestServeRefuses(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.arrow")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{flightsFile}, "serve needs a place to listen"},
		{[]string{"--tcp"}, "at least one file"},
		{[]string{flightsFile, "--tcp=:0"}, "--tcp=:0: others than"},
		{[]string{flightsFile, "--ws=0.0.0.0:0"}, "--ws=0.0.0.0:0: others than"},
		{[]string{flightsFile, "--http=x y:0"}, "--http=x y:0: "},
		{[]string{flightsFile, "--tcp=0.0.0.0:0"}, "say --insecure"},
		{[]string{flightsFile, "--listen", "tcp://localhost:1"}, "want a scheme with +listen"},
		{[]string{flightsFile, "--listen", "x.arrow"}, "want a scheme with +listen"},
		{[]string{flightsFile, "--listen", "tcp+listen://localhost:1?streams=2"}, "leave out the other parameters"},
		{[]string{flightsFile, "--listen", "gopher+listen://x:1"}, "unknown scheme"},
		{[]string{flightsFile, "--tcp=localhost:0", "--slow", "never"}, "there are wait, drop, disconnect"},
		{[]string{flightsFile, "--tcp=localhost:0", "--rate", "-1"}, "want a number of rows"},
		{[]string{flightsFile, "--tcp=localhost:0", "--clients", "5", "--max-clients", "4"}, "no more than there may be"},
	} {
		s := start(t, append([]string{"serve"}, c.args...)...)
		s.wait(exitUsage)
		if !strings.Contains(s.stderr(), c.want) {
			t.Errorf("%v: %s, want %q", c.args, s.stderr(), c.want)
		}
	}
	dir := t.TempDir() + "/"
	other, typed, more, text := dir+"other.csv", dir+"typed.csv", dir+"more.csv", dir+"text"
	for name, content := range map[string]string{other: "a\n1\n", typed: "a\n1.5\n", more: "a,b\n1,x\n", text: "no table\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		files  []string
		want   string
		status int
	}{
		{[]string{none}, "none.arrow", exitBad},
		{[]string{flightsFile, none}, "none.arrow", exitBad},
		{[]string{flightsFile, other}, `other.csv has other columns than the first file: column 0 is "a", want "date"; serve it by itself`, exitBad},
		{[]string{other, typed}, `typed.csv has other columns than the first file: column "a" is float64, want int64`, exitBad},
		{[]string{other, more}, `more.csv has other columns than the first file: column "b", utf8, is one too many`, exitBad},
		{[]string{more, other}, `other.csv has other columns than the first file: column "b", utf8, is absent`, exitBad},
		{[]string{flightsFile, text}, "is not an Arrow stream; --from csv or ndjson", exitBad},
		{[]string{flightsFile, "localhost:9100"}, "an address stands behind an equals sign: write --http=localhost:9100", exitUsage},
		{[]string{flightsFile, ":9100"}, "write --http=:9100", exitUsage},
		{[]string{flightsFile, "9100"}, "write --http=localhost:9100", exitUsage},
		{[]string{flightsFile, "localhost:nine"}, "no such file", exitBad},
		{[]string{"-"}, "standard input can be read once", exitUsage},
	} {
		s := start(t, append(append([]string{"serve"}, c.files...), "--tcp=localhost:0", "--http")...)
		s.wait(c.status)
		if !strings.Contains(s.stderr(), c.want) && (c.want != "no such file" || runtime.GOOS != "windows") {
			t.Errorf("%v: %s, want %q", c.files, s.stderr(), c.want)
		}
		if strings.Contains(s.stderr(), "listening") {
			t.Errorf("%v: %s, want no listener", c.files, s.stderr())
		}
	}
}

func TestConnectionUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"copy", "tcp://127.0.0.1:1?protocol=tlv&announce=1", "x.arrow"}, "leave it out"},
		{[]string{"copy", "tcp://127.0.0.1:1?protocol=tlv&streams=2", "x.arrow"}, "leave out streams="},
		{[]string{"copy", "tcp://127.0.0.1:1?protocol=tlv&ordered=1", "x.arrow"}, "leave out ordered="},
		{[]string{"copy", "file:x.arrow?protocol=tlv", "y.arrow"}, "is for connections"},
		{[]string{"copy", flightsFile, "tcp://127.0.0.1:1?protocol=lightstream", "--to", "csv"}, "carries Arrow"},
		{[]string{"copy", "tcp://127.0.0.1:1?compression=zstd", "x.arrow"}, "for the end that writes"},
		{[]string{"copy", "tcp://127.0.0.1:1?announce=1", "x.arrow"}, "leave it out"},
		{[]string{"copy", flightsFile, "tcp://127.0.0.1:1", "--to", "file"}, "carries a stream"},
		{[]string{"copy", "tcp://127.0.0.1:1", "x.arrow", "--from", "file"}, "carries a stream"},
		{[]string{"copy", flightsFile, "tcp://127.0.0.1:1?streams=2", "--to", "csv"}, "leave out streams="},
		{[]string{"cat", "gopher://x:1"}, "unknown scheme"},
		{[]string{"cat", "tcp://user:secret@x:1"}, "a user or a password in a URI is refused"},
	} {
		s := start(t, c.args...)
		s.wait(exitUsage)
		if !strings.Contains(s.stderr(), c.want) || strings.Contains(s.stderr(), "secret") {
			t.Errorf("%v: %s, want %q", c.args, s.stderr(), c.want)
		}
	}
	s := start(t, "copy", flightsFile, "tcp://127.0.0.1:1")
	s.wait(exitBad)
	if !strings.Contains(s.stderr(), "refused") {
		t.Error(s.stderr())
	}
}

// TestSendToServe sends to a server that sends too, and has not begun, over every wire: what was sent has not been taken, which the sender must say.
func TestSendToServe(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := certificate(t, dir)
	small := filepath.Join(dir, "small.arrows")
	call(t, "copy", flightsFile, small, "--head", "100")
	for _, scheme := range []string{"tcp", "tls", "ws", "wss", "http", "https", "h3", "quic", "wt"} {
		t.Run(scheme, func(t *testing.T) {
			own, trust := "", ""
			if scheme != "tcp" && scheme != "ws" && scheme != "http" {
				own, trust = "?cert="+certFile+"&key="+keyFile, "?ca="+certFile
			}
			s := start(t, "serve", small, "--listen", scheme+"+listen://127.0.0.1:0"+own, "--clients", "2")
			c := start(t, "copy", small, s.at(1)+trust)
			c.wait(exitBad)
			s.cancel()
			s.wait(exitFine)
		})
	}
	t.Run("one that has begun", func(t *testing.T) {
		s := start(t, "serve", small, "--tcp=127.0.0.1:0", "--clients", "0", "--rate", "1", "--loop", "--batch-rows", "1")
		c := start(t, "copy", small, s.at(1))
		c.wait(exitBad)
		s.cancel()
		s.wait(exitFine)
	})
}

// TestReceiverFails has a receiver that cannot go on when all was sent: the sender must not take it that it has arrived.
func TestReceiverFails(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := certificate(t, dir)
	small := filepath.Join(dir, "dicts.arrows")
	if err := os.WriteFile(filepath.Join(dir, "text.csv"), []byte("a\nx\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	call(t, "copy", filepath.Join(dir, "text.csv"), small)
	for _, c := range []struct{ scheme, params string }{
		{"tcp", ""},
		{"tls", ""},
		{"ws", ""},
		{"wss", ""},
		{"quic", ""},
		{"wt", ""},
		{"http", ""},
		{"http", "version=2"},
		{"http", "version=2&protocol=lightstream"},
		{"https", ""},
		{"h3", ""},
		{"h3", "protocol=lightstream"},
	} {
		scheme := c.scheme
		t.Run(scheme+c.params, func(t *testing.T) {
			own, trust, small := "?", "?"+c.params, small
			if strings.Contains(c.params, "protocol") {
				own += "protocol=lightstream"
			}
			if scheme != "tcp" && scheme != "ws" && scheme != "http" {
				own, trust = own+"&cert="+certFile+"&key="+keyFile, trust+"&ca="+certFile
			}
			if scheme == "quic" || scheme == "wt" { // where the end of a short one is read ahead, by which the connection is through
				small = flightsFile
			}
			out := filepath.Join(t.TempDir(), "gone", "out.arrow") // whose folder is not there when it is created
			r := start(t, "copy", scheme+"+listen://127.0.0.1:0"+own, out)
			s := start(t, "copy", small, strings.Split(r.at(1), "?")[0]+trust)
			r.wait(exitBad)
			s.wait(exitBad)
			if c.params == "" && strings.HasPrefix(scheme, "h") && !strings.Contains(s.stderr(), "this end has failed") {
				t.Error(s.stderr())
			}
		})
	}
}

// TestReceiverDoesNotOpen has receivers that fail with the first bytes, before there is anything to write.
func TestReceiverDoesNotOpen(t *testing.T) {
	dir := t.TempDir()
	small, out := filepath.Join(dir, "small.arrows"), filepath.Join(dir, "out.csv")
	if err := os.WriteFile(filepath.Join(dir, "text.csv"), []byte("a\nx\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	call(t, "copy", filepath.Join(dir, "text.csv"), small)
	for _, c := range []struct {
		name string
		args []string
	}{
		{"columns", []string{"copy", "tcp+listen://127.0.0.1:0", out, "--columns", "nope"}},
		{"protocol", []string{"copy", "tcp+listen://127.0.0.1:0?protocol=lightstream", out}},
		{"several", []string{"copy", "tcp+listen://127.0.0.1:0", filepath.Join(dir, "gone.arrow"), out}},
		{"http", []string{"copy", "http+listen://127.0.0.1:0", out, "--columns", "nope"}},
		{"cat", []string{"cat", "tcp+listen://127.0.0.1:0", "--columns", "nope"}},
		{"schema", []string{"schema", "tcp+listen://127.0.0.1:0", "--columns", "nope"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, c.args...)
			s := start(t, "copy", small, strings.Split(r.at(1), "?")[0])
			if status := <-r.done; status == exitFine {
				t.Error("it does not fail")
			}
			s.wait(exitBad)
		})
	}
}

// TestCopyToOpenSocket sends to a peer that reads all and leaves its socket open: the sender does not wait for long.
func TestCopyToOpenSocket(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	read := make(chan time.Time, 1)
	over := make(chan struct{})
	defer close(over)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(io.Discard, c)
		read <- time.Now()
		<-over
	}()
	s := start(t, "copy", flightsFile, "tcp://"+l.Addr().String())
	s.wait(exitFine)
	if took := time.Since(<-read); took > 600*time.Millisecond {
		t.Errorf("the sender went on for %v", took)
	}
}

// TestReceiverStops has a receiver that has enough before the end: it is through, and the sender, which cannot know that, says that not all was taken.
func TestReceiverStops(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.arrow")
	r := start(t, "copy", "tcp+listen://127.0.0.1:0", out, "--head", "10")
	s := start(t, "copy", flightsFile, r.at(1), "--batch-rows", "10")
	r.wait(exitFine)
	s.wait(exitBad)
	if !strings.Contains(s.stderr(), "batches") || !strings.Contains(s.stderr(), "accepted") {
		t.Error(s.stderr())
	}
	if n := rowsIn(t, out); n != 10 {
		t.Errorf("%d rows", n)
	}
}

// TestCopyStreams copies over several streams of one connection, each end dialling once.
func TestCopyStreams(t *testing.T) {
	want := digest(t, flightsFile)
	certFile, keyFile := certificate(t, t.TempDir())
	for _, c := range []struct{ scheme, params, version string }{
		{"quic", "&ordered=1", ""},
		{"quic", "&protocol=lightstream", ""},
		{"https", "&ordered=1", "&version=2"},
		{"https", "&protocol=lightstream", ""},
	} {
		for _, reads := range []bool{true, false} {
			t.Run(fmt.Sprint(c.scheme, c.params, reads), func(t *testing.T) {
				at := c.scheme + "+listen://127.0.0.1:0?streams=4" + c.params + "&cert=" + certFile + "&key=" + keyFile
				out := filepath.Join(t.TempDir(), "out.arrow")
				var first, second *command
				dial := func(first *command) string {
					return strings.TrimSuffix(first.at(1), "/") + "?streams=4" + c.params + c.version + "&ca=" + certFile
				}
				if reads {
					first = start(t, "copy", at, out)
					second = start(t, "copy", flightsFile, dial(first), "--batch-rows", "1000")
				} else {
					first = start(t, "copy", flightsFile, at, "--batch-rows", "1000")
					second = start(t, "copy", dial(first), out)
				}
				second.wait(exitFine)
				first.wait(exitFine)
				if digest(t, out) != want {
					t.Fatal("the rows are others")
				}
			})
		}
	}
}

// TestFileURI has parameters of a file's URI obeyed, or refused where they mean nothing.
func TestFileURI(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.arrow")
	call(t, "copy", flightsFile, "file:"+out+"?compression=zstd")
	if n := bytes.Count(call(t, "inspect", out), []byte("compressed as ZSTD")); n == 0 {
		t.Error("the file is not compressed")
	}
	stream := filepath.Join(dir, "out.arrows")
	if err := os.WriteFile(stream, call(t, "copy", flightsFile, "stdio:?compression=lz4"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(call(t, "inspect", stream), []byte("compressed as LZ4_FRAME")); n == 0 {
		t.Errorf("the stream is not compressed: %.300s", call(t, "inspect", stream))
	}
	for _, c := range []struct{ uri, want string }{
		{"file:" + out + "?streams=2", "streams= is for connections"},
		{"file:" + out + "?ordered=1", "ordered= is for connections"},
		{"stdio:?streams=2", "streams= is for connections"},
		{"file:" + out + "?compression=zstd", "compression= is for what is written"},
	} {
		cat := start(t, "cat", c.uri)
		cat.wait(exitUsage)
		if !strings.Contains(cat.stderr(), c.want) {
			t.Errorf("%s: %s, want %q", c.uri, cat.stderr(), c.want)
		}
	}
}
