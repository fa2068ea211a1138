package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
)

// wireCells are those of TestParallel and TestHTTP.
const wireCells = 4 + 5

// wire notes a cell of these tests. What is known not to work says why.
func (l *resultList) wire(from, to, what, not string) {
	state, mark := "ok     ", "yes"
	if not != "" {
		state, mark = "cannot ", not
	}
	fmt.Printf("%s  %-11s -> %-11s  %s\n", state, from, to, what)
	l.wires = append(l.wires, fmt.Sprintf("| %s | %s | %s | %s |", from, to, escape(what), escape(mark)))
}

// writeTo and readFrom use the URIs of package lightstream.
func (t typed[R, B, W]) writeTo(ctx context.Context, uri string, batches []batch) error {
	w, err := lightstream.Write(ctx, t.Table, uri, &lightstream.WriteOptions{Transport: &transports.Options{Retry: &transports.Retry{}}})
	if err != nil {
		return err
	}
	for _, b := range batches {
		builder := t.NewBuilder(nil)
		builder.AppendRows(t.rows(b))
		if err := w.Write(ctx, builder); err != nil {
			w.Abort()
			return err
		}
	}
	return w.Close()
}

func (t typed[R, B, W]) readFrom(ctx context.Context, uri string, opts *transports.Options) (batches []batch, err error) {
	r, err := lightstream.Read(ctx, t.Table, uri, &lightstream.ReadOptions{Transport: opts})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for b, err := range r.Batches(ctx) {
		if err != nil {
			return nil, err
		}
		batches = append(batches, t.cells(b.AppendTo(nil)))
		b.Release()
	}
	return batches, nil
}

func needPeers(t *testing.T, name string) *worker {
	if *python == "" {
		t.Skip("no peers without -python; run make interop")
	}
	if *grep != "" {
		t.Skip("-cell is for the cells")
	}
	w, err := startWorker(*python, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.stop)
	return w
}

// TestParallel has batches on several connections at once, in one order.
func TestParallel(t *testing.T) {
	w := needPeers(t, "lightstream-io")
	const streams = 4
	schema, sent, want := data("parallel", tradeTable, []int{9, 1, 30, 5, 5, 80, 2, 7, 11, 3}, settled)
	what := fmt.Sprintf("Arrow on %d connections of TCP, ordered", streams)
	t.Run("this side writes", func(t *testing.T) {
		// The peer may take connections in another order than they were made in, and then has the batches in another one too.
		for try := 0; ; try++ {
			uri, err := w.endpoint("tcp")
			if err != nil {
				t.Fatal(err)
			}
			if err := w.ask(&request{Op: "read", URI: uri, Accept: true, Parallel: streams}); err != nil {
				t.Fatal(err)
			}
			if err := tradeTable.writeTo(t.Context(), fmt.Sprintf("%s?streams=%d&ordered=1&timeout=10s", uri, streams), sent); err != nil {
				t.Fatal(err)
			}
			a, err := w.answer()
			if err != nil {
				t.Fatal(err)
			}
			diff := differ(a.Batches, want, columnNames(tradeTable.Schema()))
			if diff == "" {
				break
			}
			if try == 5 || differ(inOneOrder(a.Batches), inOneOrder(want), columnNames(tradeTable.Schema())) != "" {
				t.Fatal(diff)
			}
		}
		results.wire(us, w.peer, what, "")
	})
	t.Run("the peer writes", func(t *testing.T) {
		asked := make(chan error, 1)
		got, err := tradeTable.readFrom(t.Context(), fmt.Sprintf("tcp+listen://127.0.0.1:0?streams=%d&timeout=10s", streams), &transports.Options{
			Listening: func(addr net.Addr) {
				asked <- w.ask(&request{Op: "write", URI: "tcp://" + addr.String(), Parallel: streams, Schema: schema, Batches: sent})
			},
		})
		if err := errors.Join(<-asked, err); err != nil {
			t.Fatal(err)
		}
		if _, err := w.answer(); err != nil {
			t.Fatal(err)
		}
		// Its batches have no numbers, so they come in any order.
		if diff := differ(inOneOrder(got), inOneOrder(want), columnNames(tradeTable.Schema())); diff != "" {
			t.Fatal(diff)
		}
		results.wire(w.peer, us, fmt.Sprintf("Arrow on %d connections of TCP, which it does not number, so that they come in any order", streams), "")
	})
	// What it does not have.
	for _, op := range []string{"read", "write"} {
		const reason = "is not available in this build"
		if err := w.ask(&request{Op: op, URI: "tcp://127.0.0.1:1", Accept: op == "read", Parallel: streams, Members: []talkMember{{Name: "m"}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.answer(); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s by the Lightstream protocol on %d connections: %v, want %q", op, streams, err, reason)
			continue
		}
		from, to := us, w.peer
		if op == "write" {
			from, to = to, from
		}
		results.wire(from, to, fmt.Sprintf("the Lightstream protocol on %d connections of TCP", streams), "no: it says that this is not available in this build")
	}
}

// inOneOrder sorts batches by what is in them.
func inOneOrder(batches []batch) []batch {
	sorted := slices.Clone(batches)
	slices.SortFunc(sorted, func(a, b batch) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return sorted
}

// TestHTTP has pyarrow and curl as clients of an HTTP server.
func TestHTTP(t *testing.T) {
	w := needPeers(t, "pyarrow")
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal("make interop needs curl: ", err)
	}
	schema, sent, want := data("http", allTable, several, nil)
	names := columnNames(allTable.Schema())
	posted := make(chan *received, 1)
	h := &http.Handler{
		Send: func(ctx context.Context, c *http.Conn) error { return allTable.write(ctx, c, false, writing{}, sent) },
		Receive: func(ctx context.Context, c *http.Conn) error {
			got, err := allTable.readStream(ctx, c, false, nil)
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, c)
			posted <- got
			return err
		},
	}
	url := serveHTTP(t, h)
	check := func(got []batch) {
		t.Helper()
		if diff := differ(got, want, names); diff != "" {
			t.Error(diff)
		}
	}
	ask := func(r *request) []batch {
		t.Helper()
		if err := w.ask(r); err != nil {
			t.Fatal(err)
		}
		a, err := w.answer()
		if err != nil {
			t.Fatal(err)
		}
		return a.Batches
	}
	check(ask(&request{Op: "read", Format: "stream", URL: url}))
	results.wire(us, w.peer, "the body of a GET over HTTP/1.1, which it reads from urllib", "")

	file := filepath.Join(t.TempDir(), "fetched.arrows")
	for _, v := range []struct{ flag, name string }{{"--http1.1", "HTTP/1.1"}, {"--http2-prior-knowledge", "HTTP/2"}} {
		if out, err := exec.Command(curl, "--silent", "--show-error", "--fail", v.flag, "--output", file, url).CombinedOutput(); err != nil {
			t.Fatalf("curl: %v: %s", err, out)
		}
		check(ask(&request{Op: "read", Format: "stream", Path: file}))
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		results.wire(us, w.peer, "a file that curl has fetched over "+v.name, "")
	}
	if err := w.ask(&request{Op: "write", Format: "stream", Path: file, Schema: schema, Batches: sent}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.answer(); err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ flag, name string }{{"--http1.1", "HTTP/1.1"}, {"--http2-prior-knowledge", "HTTP/2"}} {
		out, err := exec.Command(curl, "--silent", "--show-error", "--fail", v.flag, "--data-binary", "@"+file, url).CombinedOutput()
		if err != nil {
			t.Fatalf("curl: %v: %s", err, out)
		}
		check((<-posted).batches)
		results.wire(w.peer, us, "a file that curl POSTs over "+v.name, "")
	}
}

// serveHTTP returns the URL of a server that lives as long as the test.
func serveHTTP(t *testing.T, h *http.Handler) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := new(nethttp.Protocols)
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	server := &nethttp.Server{Handler: h, Protocols: p}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return "http://" + l.Addr().String() + "/"
}
