package main

import (
	"context"
	"errors"
	"io"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/lanes"
	"github.com/lightstream-go/lightstream/transports"
)

// parseURI returns nil for what is a file, or standard input or output.
func parseURI(name string) (*transports.URI, error) {
	if name == "-" {
		return nil, nil
	}
	u, err := transports.ParseURI(name)
	if err != nil {
		return nil, usageError{err}
	}
	if u.Scheme == "file" || u.Scheme == "stdio" {
		return nil, nil
	}
	switch s := u.Stream; {
	case s.Protocol != transports.Arrow:
		return nil, usagef("%v: protocol=%v: its tables are known to the two programs that speak it; copy and cat take Arrow streams", u, s.Protocol)
	case s.Announce:
		return nil, usagef("%v: announce= is of the Lightstream protocol; leave it out", u)
	}
	return u, nil
}

// filePath is the path of what is no connection.
func filePath(name string) string {
	u, err := transports.ParseURI(name)
	switch {
	case err != nil:
		return name
	case u.Scheme == "stdio":
		return "-"
	}
	return u.Path
}

// openConns are closed together.
type openConns []transports.Conn

func (c openConns) Close() error {
	errs := make([]error, len(c))
	for i, conn := range c {
		errs[i] = conn.Close()
	}
	return errors.Join(errs...)
}

// connect makes the connections of a URI: as many as it has streams. It tells where it listens.
func connect(ctx context.Context, u *transports.URI, role transports.Role, o *options, std std) (openConns, error) {
	token, err := readToken(o.token)
	switch {
	case err != nil:
		return nil, err
	case token != "" && u.Accepts:
		return nil, usagef("%v: --token is for an end that dials; serve asks for one", u)
	}
	return u.OpenAll(ctx, &transports.Options{Role: role, Token: token, Listening: listening(u, o.quiet, std)})
}

// laneOptions returns nil for a single stream without numbers.
func laneOptions(u *transports.URI) *lanes.Options {
	if u.Stream.Streams <= 1 && !u.Stream.Ordered {
		return nil
	}
	return &lanes.Options{Ordered: u.Stream.Ordered}
}

// connect reads from connections.
func (s *source) connect(ctx context.Context, u *transports.URI, o *options, std std, level ipc.Level) error {
	switch u.Scheme {
	case "http", "https", "h3": // whose readers ask for it
	default:
		if u.Stream.Compression == "" {
			break
		}
		return usagef("%v: compression= is for the end that writes; leave it out", u)
	}
	conns, err := connect(ctx, u, transports.Receives, o, std)
	if err != nil {
		return err
	}
	s.name, s.format, s.close = u.String(), formatStream, conns.Close
	from := make([]io.Reader, len(conns))
	for i, c := range conns {
		from[i] = c
	}
	if err := s.openStreams(ctx, s.options(o, level), laneOptions(u), from...); err != nil {
		return errors.Join(err, s.close())
	}
	return nil
}

func dialDestination(ctx context.Context, u *transports.URI, o *options, std std) (*destination, error) {
	conns, err := connect(ctx, u, transports.Sends, o, std)
	return &destination{conns: conns, lanes: laneOptions(u)}, err
}

// lanesSink writes to several streams.
type lanesSink struct {
	w     *lanes.Writer[lanes.Columns]
	lanes []*ipc.Writer
}

func newLanesSink(dst *destination, schema *ipc.Schema, o *options) *lanesSink {
	s := &lanesSink{}
	sinks := make([]lanes.Sink[lanes.Columns], len(dst.conns))
	for i, c := range dst.conns {
		w := ipc.NewWriter(c, schema, writerOptions(o))
		s.lanes, sinks[i] = append(s.lanes, w), lanes.Untyped(w)
	}
	s.w = lanes.NewWriter(sinks, dst.lanes)
	return s
}

func (s *lanesSink) write(ctx context.Context, rows int, columns []column.Data, attached []ipc.KeyValue) error {
	return s.w.Write(ctx, lanes.Columns{Rows: rows, Columns: columns, Metadata: attached})
}

func (s *lanesSink) attach(a ipc.Attached) {
	for _, w := range s.lanes {
		w.SetAttached(a)
	}
}

func (s *lanesSink) close() error { return s.w.Close() }
