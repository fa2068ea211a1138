package ipc

import "context"

// Observer is told what happens on a stream, for tracing and metrics. Its methods are called by the goroutine that reads or
// writes, between messages, and must not use the reader or writer. They may be called for several streams at once.
type Observer interface {
	// Started tells that the schema was read or is about to be sent.
	Started(ctx context.Context, s *StreamInfo)
	// Batch tells that a batch was read, or that the destination has accepted one, with what it needed of dictionaries.
	Batch(ctx context.Context, s *StreamInfo, rows int, bytes int64)
	// Ended tells that the stream is over, once. The error is nil after an end marker was read or sent, and else why there is no
	// more. A stream that is forgotten does not end.
	Ended(s *StreamInfo, stats Stats, err error)
}

// StreamInfo is one direction of a connection, or a stream in a file. It is the same pointer for all calls about a stream.
type StreamInfo struct {
	Name    string  // of the source or destination; may be empty
	Sending bool    // else it is received
	Schema  *Schema // read-only; nil where the stream ended before it
}
