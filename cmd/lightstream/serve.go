package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/internal/regroup"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/fanout"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
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
		RunE: func(cmd *cobra.Command, args []string) error { return serve(cmd.Context(), args, &o, std) },
	}
	o.addSource(cmd, "no word about clients")
	f := cmd.Flags()
	f.StringVar(&o.tcp, "tcp", "", "listen for TCP at `address`; alone, localhost:9000")
	f.Lookup("tcp").NoOptDefVal = "localhost:9000"
	f.StringVar(&o.ws, "ws", "", "listen for WebSocket at `address`; alone, localhost:9001")
	f.Lookup("ws").NoOptDefVal = "localhost:9001"
	f.StringVar(&o.http, "http", "", "listen for HTTP at `address`; alone, localhost:9002")
	f.Lookup("http").NoOptDefVal = "localhost:9002"
	f.StringArrayVar(&o.listen, "listen", nil, "listen at a `URI`, such as uds+listen:///path; may be given several times")
	f.Int64Var(&o.rate, "rate", 0, "send so many `rows` a second; default as fast as clients take them")
	f.BoolVar(&o.loop, "loop", false, "begin again after the last file, without end")
	f.IntVar(&o.batchRows, "batch-rows", 0, "put so many `rows` into each batch; default as they come")
	f.StringVar(&o.compression, "compression", "", "`codec`: zstd, lz4, none")
	f.IntVar(&o.clients, "clients", 1, "wait for so many `clients` before the first row")
	f.IntVar(&o.maxClients, "max-clients", 1024, "serve at most so many `clients` at a time")
	f.StringVar(&o.slow, "slow", "wait", "what becomes of clients that are behind: `wait` for them, drop their oldest batches, or\ndisconnect them")
	f.StringVar(&o.token, "token", "", tokenUsage("let those in who have the token at this `place`"))
	f.BoolVar(&o.insecure, "insecure", false, "listen on other addresses than this machine's without TLS")
	complete(cmd, "slow", []string{"wait", "drop", "disconnect"})
	complete(cmd, "compression", []string{"zstd", "lz4", "none"})
	return cmd
}

// uris are where to listen.
func (o *service) uris() (list []*transports.URI, err error) {
	var all []string
	for _, l := range []struct{ scheme, at string }{{"tcp", o.tcp}, {"ws", o.ws}, {"http", o.http}} {
		if l.at != "" {
			all = append(all, l.scheme+"+listen://"+l.at)
		}
	}
	if all = append(all, o.listen...); len(all) == 0 {
		return nil, usagef("serve needs a place to listen; give --tcp, --ws, --http or --listen")
	}
	for _, s := range all {
		u, err := parseURI(s)
		switch {
		case err != nil:
			return nil, err
		case u == nil || !u.Accepts:
			return nil, usagef("--listen=%s: want a scheme with +listen, such as tcp+listen://localhost:9000", s)
		case u.Stream != (transports.StreamOptions{}):
			return nil, usagef("--listen=%s: what is sent is the same for all clients; use --compression, and leave out the other parameters", s)
		case o.token != "" && !takesToken(u):
			return nil, usagef("--listen=%v: %s has no place for a token, so anyone could connect; leave it out, or use tls with ca= and certificates of clients without --token", u, u.Scheme)
		case !o.insecure && !private(u):
			return nil, usagef("--listen=%v: others than this machine's programs could connect, and what is sent can be read on its way; use tls, quic, https, h3 or wss, listen on localhost, or say --insecure", u)
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

func serve(ctx context.Context, files []string, o *service, std std) error {
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
	src, err := openSource(ctx, files[0], &o.options, std, ipc.Contents) // so that a mistake shows before anyone connects
	if err != nil {
		return err
	}
	schema := src.schema
	if err := src.close(); err != nil {
		return err
	}
	gate, err := newGate(o.token)
	if err != nil {
		return err
	}
	hub := fanout.New(&fanout.Options{Slow: slow})
	defer hub.Close()
	server := &transports.Server{
		Handle:     func(ctx context.Context, conn transports.Conn) error { return hub.Send(ctx, conn) },
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
	w := ipc.NewWriter(hub, schema, &ipc.WriterOptions{Compression: compressions[o.compression]})
	err = func() error {
		for hub.Stats().Readers < o.clients {
			select {
			case err := <-failed:
				return err
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(10 * time.Millisecond):
			}
		}
		return replay(ctx, files, schema, w, o, std)
	}()
	if err == nil || errors.Is(err, context.Canceled) { // what was sent is whole
		if e := w.Close(); err == nil {
			err = e
		}
	} else {
		w.Abort()
		_ = hub.Close()
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

// listening tells where a listener is.
func listening(u *transports.URI, quiet bool, std std) func(net.Addr) {
	return func(a net.Addr) {
		if !quiet {
			fmt.Fprintf(std.err, "lightstream: listening at %s://%v\n", u.Scheme, a)
		}
	}
}

// replay writes the rows of the files.
func replay(ctx context.Context, files []string, schema *ipc.Schema, w *ipc.Writer, o *service, std std) error {
	p := &pace{rate: o.rate}
	group := regroup.NewBatch(schema)
	size := o.batchRows
	if size == 0 && o.rate > 0 {
		size = int(max(o.rate/20, 1)) // a batch each 50 ms
	}
	write := func(rows int, columns []column.Data, attached []ipc.KeyValue) error {
		if err := p.wait(ctx, rows); err != nil {
			return err
		}
		w.SetMetadata(attached)
		return w.Write(ctx, rows, columns)
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
	if src.schema.Fingerprint() != schema.Fingerprint() {
		return 0, fmt.Errorf("%s has other columns than the first file; serve it by itself", src.label())
	}
	for {
		b, err := src.next(ctx)
		if err == io.EOF {
			return sent, nil
		}
		if err != nil {
			return sent, err
		}
		sent += int64(b.Len())
		if size > 0 {
			err = collect(ctx, group, src.pick(b), b.Len(), size, sinkFunc(write))
		} else {
			err = write(b.Len(), src.pick(b), b.Metadata())
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
