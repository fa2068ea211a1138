// Package lightstream moves columns between processes as Apache Arrow streams, from and to wherever a URI leads:
//
//	r, err := lightstream.Read(ctx, feed.TradeTable, "tcp://feed.example:9000", nil)
//	w, err := lightstream.Write(ctx, feed.TradeTable, "trades.arrow", nil)
//	u, err := lightstream.ReadAny(ctx, "uds:///run/feed.sock", nil)
//
// Everything below it can be used alone: package runtime (rt) reads and writes streams over any io.Reader and io.Writer, the packages
// below transports make connections. What this one adds is the choice by a string.
//
// # URIs
//
// A URI is one of [transports.ParseURI]: tcp://host:port, uds:///path, stdio: and so on for the transports that the program imports
// (transports/all imports every one), with +listen behind the scheme to wait for the other end rather than to dial. What has no scheme, or
// "file", is a file: an Arrow file, or a stream if its name ends in .arrows. Of the parameters that say what is sent,
//
//	streams=4         uses four connections at once, of which each carries some of the batches
//	ordered=1         numbers the batches, so that the reader has them in the order in which they were written; both ends must say so
//	compression=zstd  compresses what is written (or lz4), with an import of compress/zstd (compress/lz4)
//
// protocol= and announce= are for connections with several tables, which [transports.URI] and the generated FeedConn make together.
package lightstream

//go:generate go run ./codegen/internal/fbsgo -opaque Tensor,SparseTensor -doc schema/arrowfb.txt -o gen/arrowfb schema/Message.fbs schema/File.fbs
//go:generate go run -C internal/asm/_gen . -o ..

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
)

// target is what a URI says.
type target struct {
	uri   *transports.URI
	lanes int // 0 for a single stream without numbers
}

// parse takes from a URI what this package obeys, and refuses the rest.
func parse(uri string, writes bool) (*target, error) {
	u, err := transports.ParseURI(uri)
	if err != nil {
		return nil, err
	}
	refuse := func(param, is, hint string) error {
		return &transports.URIError{URI: u.String(), Param: param, Err: errors.New(is), Hint: hint}
	}
	switch s := u.Stream; {
	case s.Protocol != transports.Arrow:
		return nil, refuse("protocol", "is "+s.Protocol.String()+", and this call takes one Arrow stream",
			"use transports.ParseURI, URI.Open, and the generated connection of the protocol or frame.TLV over it")
	case s.Announce:
		return nil, refuse("announce", "is of the Lightstream protocol, and this call takes one Arrow stream", "leave it out")
	case s.Compression != "" && !writes && (u.Accepts || !asks(u.Scheme)):
		return nil, refuse("compression", "is for the end that writes", "leave it out; a reader takes what comes")
	case u.Scheme == "file" && s.Streams > 1:
		return nil, refuse("streams", "is for connections, and this is a file", "leave it out")
	case u.Scheme == "file" && s.Ordered:
		return nil, refuse("ordered", "is for connections, and this is a file", "leave it out")
	}
	t := &target{uri: u}
	if u.Stream.Streams > 1 || u.Stream.Ordered {
		t.lanes = max(u.Stream.Streams, 1)
	}
	return t, nil
}

// asks tells whether a reader that dials over this transport says which codecs it takes.
func asks(scheme string) bool {
	switch scheme {
	case "http", "https", "h3", "ws", "wss", "wt":
		return true
	}
	return false
}

// compression is that of the options, or else that of the URI.
func (t *target) compression(own ipc.Compression) ipc.Compression {
	if own != ipc.Uncompressed {
		return own
	}
	return map[string]ipc.Compression{"zstd": ipc.ZSTD, "lz4": ipc.LZ4}[t.uri.Stream.Compression]
}

// connect makes the connections of a target: one, or as many as it has lanes, in their order.
func (t *target) connect(ctx context.Context, opts *transports.Options, role transports.Role) (connections, error) {
	var o transports.Options
	if opts != nil {
		o = *opts
	}
	o.Role = role
	return t.uri.OpenAll(ctx, &o)
}

// connections are closed together.
type connections []transports.Conn

func (c connections) Close() error {
	var errs []error
	for _, conn := range c {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}

// fileMagic begins an Arrow file.
const fileMagic = "ARROW1"

// isFile tells whether the named file is an Arrow file rather than a stream.
func isFile(name string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && hostPort.MatchString(name) {
			return false, fmt.Errorf("lightstream: %w; for a connection want a scheme: tcp://%s", err, name)
		}
		return false, fmt.Errorf("lightstream: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() { // a pipe has no footer to begin with
		if err == nil && info.IsDir() {
			return false, fmt.Errorf("lightstream: %s is a directory; name a file", name)
		}
		return false, err
	}
	head := make([]byte, len(fileMagic))
	if _, err := io.ReadFull(f, head); err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return false, fmt.Errorf("lightstream: %w", err)
	}
	return string(head) == fileMagic, nil
}

// hostPort is what looks like the address of a connection.
var hostPort = regexp.MustCompile(`^[^/\\]+:\d+$`)

// isStream tells whether a file that is to be written is one with a stream. Names that promise what is not Arrow are refused.
func isStream(name string) (bool, error) {
	switch ext := filepath.Ext(name); ext {
	case ".arrows":
		return true, nil
	case ".csv", ".json", ".ndjson", ".jsonl", ".parquet", ".tsv":
		return false, fmt.Errorf("lightstream: %s: this writes Arrow, and the name says %s; want .arrow or .arrows, or `lightstream copy` to convert", name, ext)
	case ".gz", ".zst", ".lz4":
		return false, fmt.Errorf("lightstream: %s: files are not compressed as a whole, and the name says %s; want .arrow or .arrows, with WriterOptions.Compression for its bodies, or `lightstream copy`, which compresses streams", name, ext)
	}
	return false, nil
}
