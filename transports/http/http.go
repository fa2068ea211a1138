// Package http carries streams as the bodies of HTTP requests and responses: HTTP/1.1 in chunks, HTTP/2 with and without
// TLS, and with package h3 below HTTP/3.
//
//	GET   the response is the stream: the end that dials receives
//	POST  the request is the stream: the end that dials sends; over HTTP/2 the response may be one too
//
// [Get], [Post] and [Both] are the client. A server is a [Handler] in a server of the program's own, or a [Listener], which
// hands out a connection for each request. The media type is application/vnd.apache.arrow.stream; with no header, no
// framing and no end of its own, so that curl fetches a stream and pyarrow reads the file:
//
//	curl --fail http://localhost:8080/trades > trades.arrows
//
// # Compression
//
// A client that reads compressed bodies says so, Accept: application/vnd.apache.arrow.stream;codecs="zstd,lz4", and
// [Codecs] tells a server. Others get them plain. HTTP's own compression (Content-Encoding) is not used.
//
// # Ends
//
// CloseWrite ends a body. Close before it breaks the body off, after what was written: the reader gets an error that
// matches [transports.ErrPeerClosed], and curl one too. What was written is flushed once nothing more is at hand.
package http

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// ContentType is the media type of Arrow streams.
const ContentType = "application/vnd.apache.arrow.stream"

// Codecs returns the codecs of compressed bodies that the client of a request reads, "zstd" and "lz4" or less, in the
// order in which it names them. Nil means that bodies are to be plain.
func Codecs(r *http.Request) []string {
	var codecs []string
	for _, header := range r.Header.Values("Accept") {
		for item := range split(header) {
			kind, params, err := mime.ParseMediaType(item)
			if err != nil || kind != ContentType || params["q"] == "0" {
				continue
			}
			for codec := range strings.SplitSeq(params["codecs"], ",") {
				codec = strings.ToLower(strings.TrimSpace(codec))
				if (codec == "zstd" || codec == "lz4") && !slices.Contains(codecs, codec) {
					codecs = append(codecs, codec)
				}
			}
		}
	}
	return codecs
}

// split yields the items of a header's list, whose quoted strings may have commas.
func split(header string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		quoted, from := false, 0
		for i := 0; i < len(header); i++ {
			switch c := header[i]; {
			case quoted && c == '\\':
				i++
			case c == '"':
				quoted = !quoted
			case c == ',' && !quoted:
				if !yield(header[from:i]) {
					return
				}
				from = i + 1
			}
		}
		yield(header[from:])
	}
}

// acceptsStream tells whether a client asks for a stream in the response.
func acceptsStream(r *http.Request) bool {
	for _, header := range r.Header.Values("Accept") {
		for item := range split(header) {
			if kind, _, err := mime.ParseMediaType(item); err == nil && kind == ContentType {
				return true
			}
		}
	}
	return false
}
