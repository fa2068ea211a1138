package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tcp"
)

// medium is what lies between the two sides.
type medium int

const (
	streamFile medium = iota // .arrows
	ipcFile                  // .arrow
	tcpDial                  // this side dials
	tcpListen                // this side listens
	udsDial
	udsListen
	wsDial
	wsListen
	wssDial
	wssListen
	httpDial
	httpListen
	httpsDial
	httpsListen
	quicDial
	quicListen
	wtDial
	wtListen
	stdioChild // the peer is a child process
)

// plainMedia are those of peers that leave connections to others.
var plainMedia = []medium{streamFile, ipcFile, tcpDial, tcpListen}

func (m medium) String() string {
	if m == stdioChild {
		return "stdio"
	}
	if m >= tcpDial {
		return fmt.Sprintf("%s, Go %s", strings.ToUpper(m.scheme()), map[bool]string{true: "listens", false: "dials"}[m.listens()])
	}
	return [...]string{"stream in a file", "IPC file"}[m]
}

// scheme is that of a medium that is a connection.
func (m medium) scheme() string {
	return [...]string{"tcp", "uds", "ws", "wss", "http", "https", "quic", "wt", "stdio"}[(m-tcpDial)/2]
}

// listens tells whether this side does.
func (m medium) listens() bool { return (m-tcpDial)%2 == 1 }

// exchange runs one cell: one side writes batches, the other reads them, and both lists are compared. The error tells what
// went wrong; who says whose error it is.
type exchange struct {
	*kase
	worker *worker
	medium medium
	dir    string // for files
}

func (x *exchange) run(ctx context.Context) (who string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if x.talk != nil {
		return x.converse(ctx)
	}
	if x.toPeer {
		return x.send(ctx)
	}
	return x.receive(ctx)
}

// us is how this project is called beside its peers.
const us = "Lightstream"

func (x *exchange) file() bool { return x.medium == ipcFile }

func (x *exchange) path() string {
	return filepath.Join(x.dir, "cell.arrow"+[...]string{"s", ""}[x.medium&1])
}

func (x *exchange) request(op string) *request {
	r := &request{Op: op, Format: "stream", Options: x.options}
	if x.file() {
		r.Format = "file"
	}
	return r
}

// connect lets the worker dial or listen for r, and returns this side's connection.
func (x *exchange) connect(ctx context.Context, r *request) (transports.Conn, error) {
	if peers[x.worker.peer].uris {
		return x.connectByURI(ctx, r, r.Op == "read")
	}
	if x.medium == tcpListen {
		l, err := tcp.Listen(ctx, "127.0.0.1:0", nil)
		if err != nil {
			return nil, err
		}
		defer l.Close()
		r.Dial = l.Addr().(*net.TCPAddr).Port
		if err := x.worker.ask(r); err != nil {
			return nil, err
		}
		return l.Accept(ctx)
	}
	r.Listen = true
	if err := x.worker.ask(r); err != nil {
		return nil, err
	}
	a, err := x.worker.answer()
	if err != nil {
		return nil, err
	}
	return tcp.Dial(ctx, fmt.Sprintf("127.0.0.1:%d", a.Port), nil)
}

// send writes on this side and compares what the peer has read.
func (x *exchange) send(ctx context.Context) (who string, err error) {
	a, who, err := x.sent(ctx)
	if err != nil {
		return who, err
	}
	p := peers[x.worker.peer]
	want := make([]field, len(x.table.Schema().Fields))
	for i := range want {
		want[i] = p.typeOf(&x.table.Schema().Fields[i])
	}
	if p.uris && len(x.batches) == 0 {
		want = nil // it says what the columns are with the first batch
	}
	if got := a.Schema; fmt.Sprint(got) != fmt.Sprint(want) {
		return us, fmt.Errorf("%s found the schema\n%v, want\n%v", x.worker.peer, got, want)
	}
	if p.metadata {
		for _, kv := range x.how.metadata {
			if got, ok := a.Metadata[kv.Key]; !ok || got != kv.Value {
				return us, fmt.Errorf("metadata %q: %q, want %q", kv.Key, got, kv.Value)
			}
		}
	}
	if a.Misaligned != 0 {
		return us, fmt.Errorf("%d buffers of the file do not lie at a multiple of 64", a.Misaligned)
	}
	expected := x.want
	if !p.batches {
		expected = merge(expected, len(want))
		p.reinterpret(x.table.Schema(), expected)
	}
	if diff := differ(a.Batches, expected, columnNames(x.table.Schema())); diff != "" {
		return us, errors.New(diff)
	}
	return "", nil
}

func (x *exchange) sent(ctx context.Context) (a *answer, who string, err error) {
	r := x.request("read")
	if x.medium >= tcpDial {
		conn, err := x.connect(ctx, r)
		if err != nil {
			return nil, us, err
		}
		defer leave(conn)
		ours := x.table.write(ctx, conn, false, x.how, x.batches)
		if ours != nil {
			leave(conn) // tells the peer
		}
		a, theirs := x.worker.answer()
		if ours != nil && !told(theirs) {
			return nil, us, ours
		}
		return a, x.worker.peer, theirs
	}
	r.Path = x.path()
	if err := x.writeFile(ctx); err != nil {
		return nil, us, err
	}
	if err := x.worker.ask(r); err != nil {
		return nil, us, err
	}
	a, err = x.worker.answer()
	return a, x.worker.peer, err
}

// told tells whether the peer says why it has gone, which is then the reason of the error on this side.
func told(theirs error) bool {
	var raised *peerError
	return errors.As(theirs, &raised) && !raised.broken()
}

func (x *exchange) writeFile(ctx context.Context) error {
	f, err := os.Create(x.path())
	if err != nil {
		return err
	}
	return errors.Join(x.table.write(ctx, f, x.file(), x.how, x.batches), f.Close())
}

// receive lets the peer write, and compares what this side reads.
func (x *exchange) receive(ctx context.Context) (who string, err error) {
	r := x.request("write")
	if r.From = x.from; r.From == "" {
		r.Schema, r.Batches = x.schema, append([]batch{}, x.batches...)
	} else if who, err := x.content(); err != nil {
		return who, err
	}
	opts := x.read
	if x.medium >= tcpDial {
		conn, err := x.connect(ctx, r)
		if err != nil {
			return us, err
		}
		defer leave(conn)
		got, ours := x.table.readStream(ctx, conn, false, &opts)
		if ours == nil {
			_, _ = io.Copy(io.Discard, conn) // what is behind the end marker, so that the peer is not cut off
		}
		leave(conn)
		_, theirs := x.worker.answer()
		var raised *peerError
		if errors.As(theirs, &raised) && !(ours != nil && raised.broken()) {
			return x.worker.peer, theirs
		}
		if ours == nil {
			ours = x.compare(got, false)
		}
		if ours == nil && x.check != nil {
			ours = x.check(got.stats)
		}
		return us, ours
	}
	r.Path = x.path()
	if err := x.worker.ask(r); err != nil {
		return us, err
	}
	if _, err := x.worker.answer(); err != nil {
		return x.worker.peer, err
	}
	for _, byRows := range []bool{false, true} {
		got, err := readPath(ctx, x.table, r.Path, x.file(), byRows, &opts)
		if err == nil {
			err = x.compare(got, byRows)
		}
		if err == nil && x.check != nil {
			err = x.check(got.stats)
		}
		if err != nil {
			return us, err
		}
	}
	return us, x.again(ctx, r.Path)
}

// content lets the peer say what is in the file that it is to write again.
func (x *exchange) content() (who string, err error) {
	if err := x.worker.ask(&request{Op: "read", Format: "stream", Path: x.from}); err != nil {
		return us, err
	}
	a, err := x.worker.answer()
	if err != nil {
		return x.worker.peer, err
	}
	x.want = a.Batches
	return "", nil
}

// again reads a file with the reader's other settings: columns taken where they are, memory used again, text checked.
func (x *exchange) again(ctx context.Context, path string) error {
	opts := x.read
	opts.Align, opts.Validate, opts.Reuse = ipc.ValueSize, ipc.UTF8, true
	got, err := readPath(ctx, x.table, path, x.file(), false, &opts)
	if err == nil {
		err = x.compare(got, false)
	}
	if err != nil {
		return fmt.Errorf("with Align, Validate and Reuse set: %w", err)
	}
	return nil
}

func (x *exchange) compare(got *received, byRows bool) error {
	p := peers[x.worker.peer]
	for i, f := range x.schema {
		have := got.schema.Fields[i]
		if want := p.wire(f, x.options.Oldest); (field{have.Name, have.TypeString(), have.Nullable}) != want {
			return fmt.Errorf("the stream's column %d is %q %v, want %v", i, have.Name, &have, want)
		}
	}
	want, have := x.want, got.batches
	if byRows || !p.batches || x.options.Unify {
		n := len(x.table.Schema().Fields)
		want, have = merge(want, n), merge(have, n)
	}
	if diff := differ(have, want, columnNames(x.table.Schema())); diff != "" {
		return errors.New(diff)
	}
	return nil
}
