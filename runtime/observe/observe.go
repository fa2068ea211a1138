// Package observe has observers of streams: one that logs, one that tells several, and the kinds of errors that metrics count.
// Package expvars below it publishes counters.
package observe

import (
	"context"
	"errors"
	"log/slog"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Log returns an observer that logs to l: the start of a stream and each batch at level Debug, an end at Info, and one with an
// error at Warn. A nil l logs nothing.
func Log(l *slog.Logger) ipc.Observer {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return logger{l}
}

type logger struct{ l *slog.Logger }

func (o logger) Started(ctx context.Context, s *ipc.StreamInfo) {
	o.l.LogAttrs(ctx, slog.LevelDebug, "stream started", about(s), slog.Int("columns", len(s.Schema.Fields)))
}

func (o logger) Batch(ctx context.Context, s *ipc.StreamInfo, rows int, bytes int64) {
	if o.l.Enabled(ctx, slog.LevelDebug) {
		o.l.LogAttrs(ctx, slog.LevelDebug, "batch", about(s), slog.Int("rows", rows), slog.Int64("bytes", bytes))
	}
}

func (o logger) Ended(s *ipc.StreamInfo, stats ipc.Stats, err error) {
	attrs := []slog.Attr{about(s), slog.Int64("batches", stats.Batches), slog.Int64("rows", stats.Rows), slog.Int64("bytes", stats.Bytes)}
	level := slog.LevelInfo
	if err != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("kind", Kind(err)), slog.Any("error", err))
	}
	o.l.LogAttrs(context.Background(), level, "stream ended", attrs...)
}

func about(s *ipc.StreamInfo) slog.Attr {
	direction := "receiving"
	if s.Sending {
		direction = "sending"
	}
	return slog.Group("stream", slog.String("name", s.Name), slog.String("direction", direction))
}

// Join returns an observer that tells each of the given ones, in order.
func Join(observers ...ipc.Observer) ipc.Observer { return joined(observers) }

type joined []ipc.Observer

func (j joined) Started(ctx context.Context, s *ipc.StreamInfo) {
	for _, o := range j {
		o.Started(ctx, s)
	}
}

func (j joined) Batch(ctx context.Context, s *ipc.StreamInfo, rows int, bytes int64) {
	for _, o := range j {
		o.Batch(ctx, s, rows, bytes)
	}
}

func (j joined) Ended(s *ipc.StreamInfo, stats ipc.Stats, err error) {
	for _, o := range j {
		o.Ended(s, stats, err)
	}
}

// Kind names the kind of an error of a stream, for counters: "unfinished", "truncated", "malformed", "limit", "budget",
// "unsupported", "schema", "value", "aborted", "cancelled", "write", or "other". It is "" for nil.
func Kind(err error) string {
	var schema *rt.SchemaError
	var null *rt.NullError
	var convert *rt.ConvertError
	var write *ipc.WriteError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ipc.ErrUnfinished):
		return "unfinished"
	case errors.Is(err, ipc.ErrAborted):
		return "aborted"
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return "cancelled"
	case errors.As(err, &write):
		return "write"
	case errors.As(err, &schema):
		return "schema"
	case errors.As(err, &null) || errors.As(err, &convert):
		return "value"
	case errors.Is(err, mem.ErrBudget):
		return "budget"
	case errors.Is(err, frame.ErrLimit):
		return "limit"
	case errors.Is(err, frame.ErrTruncated):
		return "truncated"
	case errors.Is(err, frame.ErrUnsupported):
		return "unsupported"
	case errors.Is(err, frame.ErrMalformed):
		return "malformed"
	}
	return "other"
}
