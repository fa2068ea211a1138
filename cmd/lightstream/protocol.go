package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
)

// maxFrame is the longest frame that is read or written: that of a batch.
const maxFrame = 1 << 30

// checkProtocol tells what of a URI's protocol copy and cat do not have.
func checkProtocol(u *transports.URI) error {
	s := u.Stream
	switch {
	case s.Announce && s.Protocol != transports.Lightstream:
		return usagef("%v: announce= is of the Lightstream protocol; leave it out", u)
	case s.Protocol != transports.Arrow && u.Scheme == "file":
		return usagef("%v: protocol=%v is for connections; leave it out", u, s.Protocol)
	case s.Streams > 1 && (u.Scheme == "file" || u.Scheme == "stdio"):
		return usagef("%v: streams= is for connections, and this is one stream; leave it out", u)
	case s.Ordered && (u.Scheme == "file" || u.Scheme == "stdio"):
		return usagef("%v: ordered= is for connections, and this is one stream; leave it out", u)
	case s.Protocol == transports.TLV && s.Streams > 1:
		return usagef("%v: several streams are for Arrow and the Lightstream protocol; leave out streams=", u)
	case s.Protocol == transports.TLV && s.Ordered:
		return usagef("%v: the frames of one connection have an order; leave out ordered=", u)
	}
	return nil
}

// roleOf returns what an end of a URI that only sends or receives says that it does. The Lightstream protocol has no GET: who receives by HTTP
// posts, too.
func roleOf(u *transports.URI, role transports.Role) transports.Role {
	if overHTTP(u) && u.Stream.Protocol == transports.Lightstream {
		return transports.SendsAndReceives
	}
	return role
}

func overHTTP(u *transports.URI) bool {
	return u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "h3"
}

// one is the protocol that copy and cat speak: a table, and nothing beside it.
func one(schema *ipc.Schema, wanted func(*ipc.Schema) ([]bool, error)) []ipc.Member {
	return []ipc.Member{{Name: "table", Kind: frame.Table, Schema: schema, Select: wanted}}
}

// openFrames reads the batches of a table in frames.
func (s *source) openFrames(ctx context.Context, u *transports.URI, conns openConns, opts *ipc.ReaderOptions) error {
	var schema *ipc.Schema
	wanted, own := opts.Select, *opts
	own.Select = nil
	opts = &own
	choose := func(have *ipc.Schema) ([]bool, error) {
		if schema == nil {
			schema = have
		} else if schema.Fingerprint() != have.Fingerprint() {
			return nil, fmt.Errorf("a table with the schema\n%v\nbehind one with\n%v\nwant the same of all", have, schema)
		}
		return wanted(have)
	}
	s.others = func() ipc.Attached { return ipc.Attached{} }
	var next func(context.Context) (ipc.Batch, error)
	if u.Stream.Protocol == transports.TLV {
		next = s.tlv(conns[0], opts, choose)
	} else {
		if overHTTP(u) && !u.Accepts {
			for _, c := range conns { // this end has nothing to say
				if err := c.CloseWrite(); err != nil {
					return err
				}
			}
		}
		var err error
		if next, err = s.lightstream(ctx, conns, u.Stream.Announce, opts, choose); err != nil {
			return err
		}
	}
	first, err := next(ctx)
	if err == io.EOF { //nolint:errorlint // the contract
		return fmt.Errorf("%s: the connection ended before a table, whose schema nobody knows", s.label())
	}
	if err != nil {
		return err
	}
	s.take(schema)
	held := true
	s.next = func(ctx context.Context) (ipc.Batch, error) {
		if held {
			held = false
			return first, nil
		}
		return next(ctx)
	}
	return nil
}

// lightstream reads frames of the Lightstream protocol. Those of several connections take turns.
func (s *source) lightstream(ctx context.Context, conns openConns, announce bool, opts *ipc.ReaderOptions, choose func(*ipc.Schema) ([]bool, error)) (func(context.Context) (ipc.Batch, error), error) {
	in := make([]*ipc.ProtocolConn, len(conns))
	for _, c := range conns {
		at := 0
		if len(conns) > 1 {
			var err error
			if at, err = readIndex(ctx, c, len(conns)); err != nil {
				return nil, err
			}
			if in[at] != nil {
				return nil, fmt.Errorf("%s: two connections say that they are number %d of %d", s.label(), at, len(conns))
			}
		}
		p, err := ipc.NewProtocolConn(c, one(&ipc.Schema{}, choose), &ipc.ProtocolOptions{Reader: opts, MaxPayload: maxFrame, Announce: announce})
		if err != nil {
			return nil, err
		}
		in[at] = p
	}
	s.stats = func() (sum ipc.Stats) {
		for _, p := range in {
			got, _ := p.Stats()
			sum.Bytes, sum.Realigned = sum.Bytes+got.Bytes, sum.Realigned+got.Realigned
		}
		return sum
	}
	k := 0
	s.others = func() ipc.Attached { return in[max(k-1, 0)%len(in)].Attached(0) }
	return func(ctx context.Context) (ipc.Batch, error) {
		f, err := in[k%len(in)].Recv(ctx)
		switch {
		case err == io.EOF: //nolint:errorlint // the contract
			// The others must have ended as well: what comes there stands behind a frame that is missing.
			for i := k + 1; i < k+len(in); i++ {
				switch f, err := in[i%len(in)].Recv(ctx); {
				case err == nil:
					f.Batch.Release()
					return ipc.Batch{}, fmt.Errorf("%s: frame %d is missing: connection %d of %d has ended, and number %d goes on", s.label(), k, k%len(in), len(in), i%len(in))
				case err != io.EOF: //nolint:errorlint // the contract
					return ipc.Batch{}, err
				}
			}
			return ipc.Batch{}, io.EOF
		case err != nil && len(in) > 1:
			return ipc.Batch{}, fmt.Errorf("frame %d, on connection %d of %d: %w", k, k%len(in), len(in), err)
		case err != nil:
			return ipc.Batch{}, err
		}
		k++
		return f.Batch, nil
	}, nil
}

// readIndex reads the byte with which each of several connections begins: which one it is.
func readIndex(ctx context.Context, c transports.Conn, n int) (int, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	var b [1]byte
	if _, err := io.ReadFull(c, b[:]); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return 0, fmt.Errorf("the number of a connection: %w", err)
	}
	if int(b[0]) >= n {
		return 0, fmt.Errorf("a connection says that it is number %d, and streams=%d counts them from 0: does the other end say so too?", b[0], n)
	}
	return int(b[0]), nil
}

// tlv reads frames of any type whose values are Arrow streams, as [rt.Table.AppendMessage] makes them.
func (s *source) tlv(c transports.Conn, opts *ipc.ReaderOptions, choose func(*ipc.Schema) ([]bool, error)) func(context.Context) (ipc.Batch, error) {
	frames := frame.NewStream(c, frame.TLV{MaxValue: maxFrame}, nil)
	s.stats = func() ipc.Stats { return ipc.Stats{Bytes: frames.Bytes()} }
	within := *opts
	within.Select, within.AllowMissingEnd = choose, true // the value says where it ends
	var table *ipc.Reader
	var kind byte
	var size int64
	stopped := func() {}
	s.others = func() ipc.Attached {
		if table == nil {
			return ipc.Attached{}
		}
		return table.Attached()
	}
	return func(ctx context.Context) (ipc.Batch, error) {
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		defer stop()
		for {
			if table != nil {
				b, err := table.Next(ctx)
				if err == nil {
					return b, nil
				}
				rest := size - table.Stats().Bytes
				stopped()
				if table = nil; err != io.EOF { //nolint:errorlint // the contract
					return ipc.Batch{}, fmt.Errorf("frame %d of type %d: %w", frames.Frames()-1, kind, err)
				}
				if rest > 0 {
					return ipc.Batch{}, fmt.Errorf("frame %d of type %d: %d bytes follow the end marker in its value, want one stream", frames.Frames()-1, kind, rest)
				}
			}
			f, err := frames.Next()
			if err != nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				return ipc.Batch{}, err
			}
			size = int64(len(f.Value))
			kind, table = f.Type, ipc.NewReader(named{bytes.NewReader(f.Value), s.name}, &within)
			stopped = f.Release
		}
	}
}

// framesSink writes the batches of a table in frames.
type framesSink struct {
	schema *ipc.Schema
	opts   *ipc.WriterOptions
	conns  openConns
	http   bool
	out    []*ipc.ProtocolConn // nil for TLV
	torn   bool                // a frame was sent in part, or its end was announced
	others ipc.Attached
	k      int
	value  bytes.Buffer
	frame  []byte
}

func newFramesSink(dst *destination, schema *ipc.Schema, o *options) (*framesSink, error) {
	s := &framesSink{schema: schema, opts: writerOptions(o), conns: dst.conns, http: dst.http, torn: dst.announce}
	dst.frames = s
	if dst.protocol == transports.TLV {
		return s, nil
	}
	for i, c := range dst.conns {
		if len(dst.conns) > 1 {
			if _, err := c.Write([]byte{byte(i)}); err != nil {
				return nil, err
			}
		}
		p, err := ipc.NewProtocolConn(c, one(schema, nil), &ipc.ProtocolOptions{
			Compression: s.opts.Compression, Announce: dst.announce, KeepOpen: !c.Caps().HalfClose, // closing ends it
		})
		if err != nil {
			return nil, err
		}
		s.out = append(s.out, p)
	}
	return s, nil
}

func (s *framesSink) attach(a ipc.Attached) { s.others = a }

func (s *framesSink) write(ctx context.Context, rows int, columns []column.Data, attached []ipc.KeyValue) error {
	s.k++
	if s.out != nil {
		p := s.out[(s.k-1)%len(s.out)]
		p.SetAttached(0, s.others)
		p.SetMetadata(0, attached)
		err := p.SendBatch(ctx, 0, rows, columns)
		var w *ipc.WriteError
		s.torn = s.torn || errors.As(err, &w)
		return err
	}
	s.value.Reset()
	w := ipc.NewWriter(&s.value, s.schema, s.opts)
	w.SetAttached(s.others)
	w.SetMetadata(attached)
	if err := w.Write(ctx, rows, columns); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	var err error
	if s.frame, err = (frame.TLV{MaxValue: maxFrame}).AppendFrame(s.frame[:0], frame.TLVFrame{Value: s.value.Bytes()}); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.conns[0].Close() })
	defer stop()
	if _, err = s.conns[0].Write(s.frame); err != nil {
		s.torn = true
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}
	return err
}

// tear sends the head of a frame that does not come, so that the other end does not take a table that was broken off for one that has ended: on
// most wires their ends are the same. An announced end is missed anyway.
func (s *framesSink) tear() {
	if s.torn {
		return
	}
	s.torn = true
	for _, c := range s.conns {
		if c.Caps().Deadline {
			_ = c.SetWriteDeadline(time.Now().Add(tearTimeout))
		}
		_, _ = c.Write([]byte{0, 1, 0, 0, 0}) // of either protocol: tag or type, and length
	}
}

// tearTimeout is how long the other end may take to take the last bytes.
const tearTimeout = time.Second

func (s *framesSink) close() error {
	for _, p := range s.out {
		if err := p.Close(); err != nil {
			return err
		}
	}
	for _, c := range s.conns { // after the end of each, as the other end closes none before it has that of all
		if s.out != nil && s.http && c.Caps().HalfClose {
			_, _ = io.Copy(io.Discard, c) // until the other end has read all, which closing would break off
		}
	}
	if s.out == nil {
		if err := s.conns[0].CloseWrite(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	return nil
}
