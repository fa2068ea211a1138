package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/internal/regroup"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/fanout"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/serve"
)

// service is what serve is told.
type service struct {
	options
	tcp, ws    string
	http       string
	listen     []string
	rate       int64
	loop       bool
	clients    int
	maxClients int
	slow       string
	insecure   bool
	token      string // where it is
}

// Where serve listens for a flag without an address.
const (
	tcpAlone  = "localhost:9000"
	wsAlone   = "localhost:9001"
	httpAlone = "localhost:9002"
)

func newServe(std std) *cobra.Command {
	var o service
	cmd := &cobra.Command{
		Use:   "serve FILE...",
		Short: "Replay files to many clients",
		Long: `serve sends the tables of files, one after the other, to everyone who connects. All
clients see the same rows at the same time: a late one gets what comes from then on.
It starts when the first client has come, and ends when all rows are sent, or with
Ctrl-C: clients get the end of the stream in both cases.

A browser that opens an address of --ws or --http gets a page with charts and rows.

The files must have the same columns. It listens on this machine alone; for other
addresses give a listener with TLS, or --insecure.`,
		Example: `  lightstream serve flights.arrow --tcp=localhost:9000 --rate 10000 --loop
  lightstream serve flights.arrow --http & curl -s localhost:9002 > flights.arrows
  lightstream serve day1.arrow day2.arrow --listen uds+listen:///run/flights.sock
  lightstream serve flights.arrow --listen 'tls+listen://:9443?cert=feed.pem&key=feed.key'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("serve wants at least one file; run %s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return serveFiles(cmd.Context(), args, &o, std) },
	}
	o.addSource(cmd, "no word about clients")
	f := cmd.Flags()
	f.StringVar(&o.tcp, "tcp", "", "listen for TCP at `address`; alone, localhost:9000")
	f.Lookup("tcp").NoOptDefVal = tcpAlone
	f.StringVar(&o.ws, "ws", "", "listen for WebSocket at `address`; alone, localhost:9001")
	f.Lookup("ws").NoOptDefVal = wsAlone
	f.StringVar(&o.http, "http", "", "listen for HTTP at `address`; alone, localhost:9002")
	f.Lookup("http").NoOptDefVal = httpAlone
	f.StringArrayVar(&o.listen, "listen", nil, "listen at a `URI`, such as uds+listen:///path; may be given several times")
	f.Int64Var(&o.rate, "rate", 0, "send so many `rows` a second; default as fast as clients take them")
	f.BoolVar(&o.loop, "loop", false, "begin again after the last file, without end")
	f.IntVar(&o.batchRows, "batch-rows", 0, "put so many `rows` into each batch; default as they come")
	f.StringVar(&o.compression, "compression", "", "`codec`: zstd, lz4, none; clients of HTTP, WebSocket and WebTransport that do not say that\nthey read it, such as curl and browsers, get plain bodies")
	f.IntVar(&o.clients, "clients", 1, "wait for so many `clients` before the first row")
	f.IntVar(&o.maxClients, "max-clients", 1024, "serve at most so many `clients` at a time")
	f.StringVar(&o.slow, "slow", "wait", "`policy` for clients that are behind: wait for them, drop their oldest batches, or\ndisconnect them")
	f.StringVar(&o.token, "token", "", tokenUsage("let those in who have the token at this `place`"))
	f.BoolVar(&o.insecure, "insecure", false, "listen on other addresses than this machine's without TLS")
	complete(cmd, "slow", []string{"wait", "drop", "disconnect"})
	complete(cmd, "compression", []string{"zstd", "lz4", "none"})
	return cmd
}

// place is where to listen, as a flag and as a URI.
type place struct{ flag, uri string }

// uris are where to listen.
func (o *service) uris() (list []*transports.URI, err error) {
	var all []place
	for _, l := range []struct{ scheme, at string }{{"tcp", o.tcp}, {"ws", o.ws}, {"http", o.http}} {
		if l.at != "" {
			all = append(all, place{"--" + l.scheme + "=" + l.at, l.scheme + "+listen://" + l.at})
		}
	}
	for _, uri := range o.listen {
		all = append(all, place{"--listen=" + uri, uri})
	}
	if len(all) == 0 {
		return nil, usagef("serve needs a place to listen; give --tcp, --ws, --http or --listen")
	}
	for _, s := range all {
		u, err := parseURI(s.uri)
		switch {
		case err != nil:
			return nil, usagef("%s: %w", s.flag, trimmed{err})
		case u == nil || !u.Accepts:
			return nil, usagef("%s: want a scheme with +listen, such as tcp+listen://localhost:9000", s.flag)
		case u.Stream != (transports.StreamOptions{}):
			return nil, usagef("%s: what is sent is the same for all clients; use --compression, and leave out the other parameters", s.flag)
		case o.token != "" && !hasRequest(u):
			return nil, usagef("%s: %s has no place for a token, so anyone could connect; leave it out, or use tls with ca= and certificates of clients without --token", s.flag, u.Scheme)
		case !o.insecure && !private(u):
			return nil, usagef("%s: others than this machine's programs could connect, and what is sent can be read on its way; use tls, quic, https, h3 or wss, listen on localhost, or say --insecure", s.flag)
		}
		list = append(list, u)
	}
	return list, nil
}

// private tells whether a listener is for this machine alone, or encrypts.
func private(u *transports.URI) bool {
	switch u.Scheme {
	case "tls", "quic", "https", "h3", "wss", "wt", "uds":
		return true
	}
	if u.Hostname() == "localhost" {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

var policies = map[string]fanout.Slow{"wait": fanout.Wait, "drop": fanout.DropOldest, "disconnect": fanout.Disconnect}

func serveFiles(ctx context.Context, files []string, o *service, std std) error {
	if err := o.check(); err != nil {
		return err
	}
	slow, ok := policies[o.slow]
	switch {
	case !ok:
		return usagef("--slow=%s: there are wait, drop, disconnect", o.slow)
	case o.rate < 0:
		return usagef("--rate=%d: want a number of rows", o.rate)
	case o.clients < 0 || o.maxClients < 1 || o.clients > o.maxClients:
		return usagef("--clients=%d, --max-clients=%d: want at least 0 and 1, and no more than there may be", o.clients, o.maxClients)
	}
	if _, known := compressions[o.compression]; !known {
		return usagef("--compression=%s: unknown codec; there are zstd, lz4, none", o.compression)
	}
	uris, err := o.uris()
	if err != nil {
		return err
	}
	schema, err := o.look(ctx, files, std) // so that a mistake shows before anyone connects
	if err != nil {
		return err
	}
	gate, err := newGate(o.token)
	if err != nil {
		return err
	}
	out := newEncodings(schema, compressions[o.compression], slow)
	defer out.abort()
	server := &serve.Server{
		Handle: func(ctx context.Context, conn transports.Conn) error {
			return out.of(conn, o.compression).send(ctx, conn)
		},
		MaxClients: o.maxClients,
	}
	if !o.quiet {
		server.Log = slog.New(slog.NewTextHandler(std.err, nil))
	}
	failed := make(chan error, 2*len(uris))
	for _, u := range uris {
		all, err := gate.listen(ctx, u, &transports.Options{Role: transports.Sends, Listening: listening(u, o.quiet, std)}, server.Log)
		if err != nil {
			_ = server.Close()
			return err
		}
		for _, l := range all {
			go func() { failed <- server.Serve(l) }()
		}
	}
	err = func() error {
		for out.readers() < o.clients {
			select {
			case err := <-failed:
				return err
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(10 * time.Millisecond):
			}
		}
		return replay(ctx, files, schema, out, o, std)
	}()
	if err == nil || errors.Is(err, context.Canceled) { // what was sent is whole
		if e := out.close(); err == nil {
			err = e
		}
	} else {
		out.abort()
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace/2)
	if err == nil {
		end, cancel = context.WithCancel(ctx) // clients get the time that they need
	}
	defer cancel()
	e := server.Shutdown(end)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil { // Ctrl-C is how one ends a server
		if err = nil; e != nil {
			err = errors.New("some clients did not take the rest in time, and were cut off")
		}
	} else if err == nil {
		err = e
	}
	return err
}

// look opens each of the files and returns the schema that all have. What can be read only once, such as a pipe behind the first, is left
// for its turn.
func (o *service) look(ctx context.Context, files []string, std std) (schema *ipc.Schema, err error) {
	var last *source
	for i, name := range files {
		u, err := parseURI(name)
		if err != nil {
			return nil, err
		}
		path := filePath(name)
		if path == "-" && u == nil {
			return nil, usagef("serve reads a file for its columns before it listens, and standard input can be read once; name a file")
		}
		if u == nil && !severalFiles(path) {
			info, err := os.Stat(path)
			if err != nil {
				if hint := o.addressHint(name); hint != "" {
					return nil, usagef("%w%s", err, hint)
				}
				return nil, err
			}
			if i > 0 && !info.Mode().IsRegular() {
				continue
			}
		} else if u != nil && i > 0 {
			continue
		}
		src, err := openSource(ctx, name, &o.options, std, ipc.Contents)
		if err != nil {
			return nil, err
		}
		if schema == nil {
			schema = src.schema
		}
		err = src.like(schema)
		if err = errors.Join(err, src.close()); err != nil {
			return nil, err
		}
		last = src
	}
	if last != nil {
		if err := o.unused(last, ""); err != nil {
			return nil, err
		}
	}
	return schema, nil
}

// like tells whether a source has the columns of the first.
func (s *source) like(first *ipc.Schema) error {
	if s.schema.Fingerprint() != first.Fingerprint() {
		return fmt.Errorf("%s has other columns than the first file: %s; serve it by itself, or copy both into one file", s.label(), difference(s.schema, first))
	}
	return nil
}

// difference says where a schema begins to differ from another, whose fingerprint is not the same.
func difference(have, want *ipc.Schema) string {
	for i := range want.Fields {
		w := &want.Fields[i]
		if i == len(have.Fields) {
			return fmt.Sprintf("column %q, %v, is absent", w.Name, w)
		}
		h := &have.Fields[i]
		switch one := func(f *ipc.Field) ipc.Fingerprint { return (&ipc.Schema{Fields: []ipc.Field{*f}}).Fingerprint() }; {
		case h.Name != w.Name:
			return fmt.Sprintf("column %d is %q, want %q", i, h.Name, w.Name)
		case one(h) != one(w):
			return fmt.Sprintf("column %q is %v, want %v", w.Name, h, w)
		}
	}
	more := &have.Fields[len(want.Fields)] // as they differ
	return fmt.Sprintf("column %q, %v, is one too many", more.Name, more)
}

// addressHint tells how to give the address that was taken for a file, as it stands behind a flag whose value needs an equals sign.
func (o *service) addressHint(name string) string {
	port := name
	if strings.Contains(name, ":") {
		var err error
		if _, port, err = net.SplitHostPort(name); err != nil {
			return ""
		}
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return ""
	}
	flag := "tcp"
	for _, f := range []struct{ name, at, alone string }{{"tcp", o.tcp, tcpAlone}, {"ws", o.ws, wsAlone}, {"http", o.http, httpAlone}} {
		if o.given(f.name) && f.at == f.alone { // the first that may have lost its address
			flag = f.name
			break
		}
	}
	if !strings.Contains(name, ":") {
		name = "localhost:" + name
	}
	return fmt.Sprintf("; an address stands behind an equals sign: write --%s=%s", flag, name)
}

// listening tells where a listener is.
func listening(u *transports.URI, quiet bool, std std) func(net.Addr) {
	return func(a net.Addr) {
		if !quiet {
			fmt.Fprintf(std.err, "lightstream: listening at %s://%v\n", u.Scheme, a)
		}
	}
}

// replay writes the rows of the files.
func replay(ctx context.Context, files []string, schema *ipc.Schema, out *encodings, o *service, std std) error {
	p := &pace{rate: o.rate}
	group := regroup.NewBatch(schema, 0)
	size := o.batchRows
	if size == 0 && o.rate > 0 {
		size = int(max(o.rate/20, 1)) // a batch each 50 ms
	}
	write := func(rows int, columns []column.Data, attached []ipc.KeyValue) error {
		if err := p.wait(ctx, rows); err != nil {
			return err
		}
		return out.write(ctx, rows, columns, attached)
	}
	for {
		sent := int64(0)
		for _, name := range files {
			n, err := replayFile(ctx, name, schema, group, size, o, std, write)
			if err != nil {
				return err
			}
			sent += n
		}
		if group.Len() > 0 {
			if err := write(group.Len(), group.Take(), nil); err != nil {
				return err
			}
		}
		switch {
		case !o.loop:
			return nil
		case sent == 0:
			return errors.New("the files have no rows, and --loop would go on without end")
		}
	}
}

func replayFile(ctx context.Context, name string, schema *ipc.Schema, group *regroup.Batch, size int, o *service, std std, write func(int, []column.Data, []ipc.KeyValue) error) (sent int64, err error) {
	src, err := openSource(ctx, name, &o.options, std, ipc.Contents)
	if err != nil {
		return 0, err
	}
	defer func() {
		if e := src.close(); err == nil {
			err = e
		}
	}()
	if err := src.like(schema); err != nil {
		return 0, err
	}
	unions := regroup.NewUnions(src.schema)
	for {
		b, err := src.next(ctx)
		if err == io.EOF {
			return sent, nil
		}
		if err != nil {
			return sent, err
		}
		sent += int64(b.Len())
		columns, err := unions.Columns(src.pick(b))
		switch {
		case err != nil:
		case size > 0:
			err = collect(ctx, group, columns, b.Len(), size, sinkFunc(write))
		default:
			err = write(b.Len(), columns, b.Metadata())
		}
		b.Release()
		if err != nil {
			return sent, err
		}
	}
}

// sinkFunc is a sink that is written to.
type sinkFunc func(rows int, columns []column.Data, attached []ipc.KeyValue) error

func (f sinkFunc) write(_ context.Context, rows int, columns []column.Data, attached []ipc.KeyValue) error {
	return f(rows, columns, attached)
}
func (f sinkFunc) close() error { return nil }

// pace keeps to a number of rows a second.
type pace struct {
	rate  int64 // 0: none
	start time.Time
	rows  int64
}

// wait waits until rows more may go.
func (p *pace) wait(ctx context.Context, rows int) error {
	if p.rate == 0 {
		return ctx.Err()
	}
	now := time.Now()
	if p.start.IsZero() {
		p.start = now
	}
	due := p.start.Add(time.Duration(float64(p.rows) / float64(p.rate) * float64(time.Second)))
	p.rows += int64(rows)
	if due.Before(now.Add(-time.Second)) { // what was held up is not caught up with
		p.start, p.rows = now, int64(rows)
	}
	if !due.After(now) {
		return ctx.Err()
	}
	timer := time.NewTimer(due.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
