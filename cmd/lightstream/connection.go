package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/lanes"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/uds"
	"github.com/lightstream-go/lightstream/transports/ws"
	"github.com/lightstream-go/lightstream/transports/wt"
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
	if err := checkProtocol(u); err != nil {
		return nil, err
	}
	if u.Scheme == "file" || u.Scheme == "stdio" && u.Stream.Protocol == transports.Arrow {
		return nil, nil
	}
	return u, nil
}

// fileCompression is what the URI of a file, or of standard output, says of how it is to be compressed.
func fileCompression(name string) string {
	if u, err := transports.ParseURI(name); err == nil {
		return u.Stream.Compression
	}
	return ""
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
	all := &transports.Options{Role: roleOf(u, role), Token: token, Listening: listening(u, o.quiet, std)}
	if !o.quiet {
		all.Refused = func(_ *transports.Peer, err error) { fmt.Fprintf(std.err, "lightstream: refused: %v\n", trimmed{err}) }
	}
	if u.Stream.Compression == "" { // else it is the one to ask for
		all.Codecs = []string{"zstd", "lz4"}
	}
	return u.OpenAll(ctx, all)
}

// tokenHint tells where a token comes from, of an error of a server that wants one.
func tokenHint(err error) string {
	var h *http.StatusError
	var w *ws.StatusError
	var t *wt.StatusError
	const unauthorized = 401
	if errors.As(err, &h) && h.Code == unauthorized || errors.As(err, &w) && w.Code == unauthorized || errors.As(err, &t) && t.Code == unauthorized {
		return "; --token says where the token is, such as --token env:TOKEN"
	}
	return ""
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
	if u.Stream.Compression != "" && (u.Accepts || !hasRequest(u)) { // with a request readers ask for it
		return usagef("%v: compression= is for the end that writes; leave it out", u)
	}
	conns, err := connect(ctx, u, transports.Receives, o, std)
	if err != nil {
		return err
	}
	s.name, s.format, s.close = u.String(), formatStream, conns.Close
	s.refuse = func() {
		for _, c := range conns {
			_ = transports.Refuse(c, "this end has failed and takes no more; look here for the reason")
		}
	}
	if u.Stream.Protocol != transports.Arrow {
		if err := s.openFrames(ctx, u, conns, s.options(o, level)); err != nil {
			return s.fail(err)
		}
		return nil
	}
	from := make([]io.Reader, len(conns))
	for i, c := range conns {
		from[i] = c
	}
	if err := s.openStreams(ctx, s.options(o, level), laneOptions(u), from...); err != nil {
		return s.fail(err)
	}
	return nil
}

func dialDestination(ctx context.Context, u *transports.URI, o *options, std std) (*destination, error) {
	begun := time.Now()
	conns, err := connect(ctx, u, transports.Sends, o, std)
	if err != nil {
		return nil, err
	}
	return &destination{
		conns: conns, lanes: laneOptions(u), protocol: u.Stream.Protocol, http: overHTTP(u), announce: u.Stream.Announce,
		settling: min(max(4*time.Since(begun), minSettling), maxSettling),
	}, nil
}

// How long a sender waits for its peers to close, which have been sent all, or to say what is wrong. An answer takes a round trip, and connecting
// has taken one or more. A peer that goes on for longer with its end open has no more to say.
const (
	minSettling = 200 * time.Millisecond
	maxSettling = time.Second
)

// settled waits until the peers close. Where one breaks off instead, or says what it speaks, the stream has not arrived, though the system had
// taken it. QUIC, WebTransport and HTTP have such an answer with their Close, the last if it goes one way.
func (c openConns) settled(wait time.Duration, protocol transports.Protocol) error {
	until := time.Now().Add(wait)
	for _, conn := range c {
		switch conn := conn.(type) {
		case interface{ Finish(time.Duration) error }: // WebSocket
			if err := conn.Finish(max(time.Until(until), time.Millisecond)); err != nil {
				return err
			}
		case *tcp.Conn, *tls.Conn, *uds.Conn:
			if err := heard(conn, until, protocol); err != nil {
				return err
			}
		case *http.Conn:
			if !conn.Caps().Duplex {
				continue
			}
			if err := heard(conn, until, protocol); err != nil {
				return err
			}
		}
	}
	return nil
}

// heard waits for the end of a connection that has both ways.
func heard(conn transports.Conn, until time.Time, protocol transports.Protocol) error {
	if err := conn.SetReadDeadline(until); err != nil {
		return err
	}
	first := make([]byte, 16)
	n, err := io.ReadAtLeast(conn, first, 4)
	if n >= 4 && protocol == transports.Arrow {
		_, err = ipc.NewReader(named{bytes.NewReader(first[:n]), conn.RemoteAddr().Network() + " " + conn.RemoteAddr().String()}, nil).Next(context.Background())
		if errors.Is(err, ipc.ErrUnfinished) || errors.Is(err, frame.ErrTruncated) {
			return fmt.Errorf("lightstream: %s %v: the peer sends a stream too, and may have read none of this one; one end must receive", conn.RemoteAddr().Network(), conn.RemoteAddr())
		}
	}
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	}
	return err
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
