package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
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
		{[]string{flightsFile, "--tcp=:0"}, "say --insecure"},
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
	s := start(t, "serve", none, "--tcp=localhost:0")
	s.wait(exitBad)
	if !strings.Contains(s.stderr(), "no such file") && runtime.GOOS != "windows" {
		t.Error(s.stderr())
	}
}

func TestConnectionUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"copy", "tcp://127.0.0.1:1?protocol=lightstream", "x.arrow"}, "take Arrow streams"},
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
