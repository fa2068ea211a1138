package observe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/observe"
	"github.com/lightstream-go/lightstream/runtime/observe/expvars"
)

// run sends and receives three batches of two rows, the second stream without its end.
func run(t *testing.T, o ipc.Observer) {
	t.Helper()
	for _, whole := range []bool{true, false} {
		var buf bytes.Buffer
		w := feed.NewTradeWriter(&buf, &rt.WriterOptions{Observer: o})
		b := feed.NewTradeBuilder(nil)
		b.AppendRows([]feed.Trade{{Time: time.Unix(1, 0), Symbol: "A"}, {Time: time.Unix(2, 0), Symbol: "B"}})
		for range 3 {
			if err := w.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if whole {
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		}
		w.Abort()
		r := feed.NewTradeReader(&buf, &rt.ReaderOptions{Observer: o})
		for b, err := range r.Batches(t.Context()) {
			if err == nil {
				b.Release()
			} else if whole {
				t.Fatal(err)
			}
		}
	}
}

func TestLog(t *testing.T) {
	var out bytes.Buffer
	run(t, observe.Log(slog.New(slog.NewTextHandler(&out, nil))))
	for _, want := range []string{
		`level=INFO msg="stream ended" stream.name="" stream.direction=sending batches=3 rows=6`,
		`level=INFO msg="stream ended" stream.name="" stream.direction=receiving batches=3 rows=6`,
		`level=WARN msg="stream ended" stream.name="" stream.direction=sending batches=3 rows=6`, `kind=aborted`,
		`level=WARN msg="stream ended" stream.name="" stream.direction=receiving batches=3 rows=6`, `kind=unfinished`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 4 {
		t.Errorf("%d lines, want one for each end:\n%s", n, out.String())
	}
	run(t, observe.Log(nil))
}

func TestExpvars(t *testing.T) {
	run(t, observe.Join(expvars.New("streams"), observe.Log(nil)))
	expvars.PublishPool("pool", nil)
	var got map[string]map[string]any
	if err := json.Unmarshal([]byte(expvar.Get("streams").String()), &got); err != nil {
		t.Fatal(err)
	}
	for direction, kind := range map[string]string{"sending": "aborted", "receiving": "unfinished"} {
		v := got[direction]
		if fmt.Sprint(v["streams"], v["open"], v["batches"], v["rows"], v["errors"]) != "2 0 6 12 map["+kind+":1]" {
			t.Errorf("%s: %v", direction, v)
		}
	}
	if got["sending"]["bytes"].(float64) < 3000 {
		t.Error(got)
	}
	if s := expvar.Get("pool").String(); !strings.Contains(s, "Misses") {
		t.Error(s)
	}
	batcher := rt.NewBatcher(feed.NewTradeWriter(io.Discard, nil), nil)
	expvars.Publish("batcher", batcher)
	if err := errors.Join(batcher.Append(t.Context(), feed.Trade{Time: time.Unix(1, 0)}), batcher.Close()); err != nil {
		t.Fatal(err)
	}
	if s := expvar.Get("batcher").String(); !strings.Contains(s, `"Batches":1,"Rows":1,`) || !strings.Contains(s, `"Dropped":0`) {
		t.Error(s)
	}
}

func TestKind(t *testing.T) {
	for kind, err := range map[string]error{
		"": nil, "other": errors.New("x"), "schema": &rt.SchemaError{}, "value": &rt.NullError{}, "unfinished": &ipc.UnfinishedError{},
		"write": &ipc.WriteError{Err: errors.New("x")}, "limit": fmt.Errorf("x: %w", ipc.ErrLimit), "malformed": ipc.ErrMalformed,
		"truncated": ipc.ErrTruncated, "unsupported": ipc.ErrUnsupported, "aborted": ipc.ErrAborted,
	} {
		if got := observe.Kind(err); got != kind {
			t.Errorf("%v is %q, want %q", err, got, kind)
		}
	}
}
