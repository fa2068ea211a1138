package lanes_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/lanes"
)

// TestStamp has each batch say when it was sent, beside its number and what else is attached to it.
func TestStamp(t *testing.T) {
	for _, ordered := range []bool{true, false} {
		opts := &lanes.Options{Ordered: ordered, Stamp: true}
		within := func(name string, before time.Time, at time.Time, ok bool) {
			t.Helper()
			if !ok || at.Before(before) || at.After(time.Now()) {
				t.Errorf("%s, ordered %t: sent at %v, %t, want a time from %v to now", name, ordered, at, ok, before)
			}
		}
		var one, two bytes.Buffer
		w := lanes.NewWriter([]sink{feed.NewTradeWriter(&one, nil), feed.NewTradeWriter(&two, nil)}, opts)
		before := time.Now()
		b := feed.NewTradeBuilder(nil)
		const batches = 6
		for k := range batches {
			fill(b, k)
			if err := w.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		texts := [2][]byte{one.Bytes(), two.Bytes()}
		r := lanes.NewReader([]source{feed.NewTradeReader(bytes.NewReader(texts[0]), nil), feed.NewTradeReader(bytes.NewReader(texts[1]), nil)}, opts)
		n := 0
		for b, err := range r.Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			at, ok := lanes.SentAt(b)
			within("typed", before, at, ok)
			b.Release()
			n++
		}
		if n != batches {
			t.Errorf("%d batches", n)
		}

		// Untyped, with what a batch had, its old time among that.
		var out [2]bytes.Buffer
		var sinks []lanes.Sink[lanes.Columns]
		var schema *ipc.Schema
		var in []*ipc.Reader
		for i := range out {
			r := ipc.NewReader(bytes.NewReader(texts[i]), nil)
			s, err := r.Schema(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			schema = s
			in = append(in, r)
		}
		for i := range out {
			sinks = append(sinks, lanes.Untyped(ipc.NewWriter(&out[i], schema, nil)))
		}
		again := lanes.NewWriter(sinks, opts)
		before = time.Now()
		for k := range batches {
			b, err := in[k%2].Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			entries := append(b.Metadata(), ipc.KeyValue{Key: "own", Value: fmt.Sprint(k)})
			if err := again.Write(t.Context(), lanes.Columns{Rows: b.Len(), Columns: ipc.Columns(b), Metadata: entries}); err != nil {
				t.Fatal(err)
			}
			b.Release()
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		for i := range out {
			r := ipc.NewReader(&out[i], nil)
			for k := i; ; k += 2 {
				b, err := r.Next(t.Context())
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				at, ok := lanes.SentAt(b)
				within("untyped", before, at, ok)
				times, own := 0, ""
				for _, kv := range b.Metadata() {
					switch kv.Key {
					case lanes.SentNanos:
						times++
					case "own":
						own = kv.Value
					}
				}
				if times != 1 || own != fmt.Sprint(k) {
					t.Errorf("batch %d: %v", k, b.Metadata())
				}
				b.Release()
			}
		}
	}
}

// TestSentByOthers has entries of a sender of another kind before and behind the number, in lanes and alone.
func TestSentByOthers(t *testing.T) {
	for _, c := range []struct {
		entries string
		want    int64
		ok      bool
	}{
		{"ls.seq_id=0 ls.sent_ns=1700000000000000001", 1700000000000000001, true},
		{"ls.sent_ns=1700000000000000001 ls.seq_id=0", 1700000000000000001, true},
		{"ls.seq_id=0", 0, false},
		{"ls.seq_id=0 ls.sent_ns=soon", 0, false},
		{"ls.seq_id=0 ls.sent_ns=99999999999999999999", 0, false},
	} {
		var out bytes.Buffer
		w := feed.NewTradeWriter(&out, nil)
		var entries []ipc.KeyValue
		for _, e := range strings.Fields(c.entries) {
			key, value, _ := strings.Cut(e, "=")
			entries = append(entries, ipc.KeyValue{Key: key, Value: value})
		}
		w.SetMetadata(entries)
		b := feed.NewTradeBuilder(nil)
		fill(b, 0)
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r := lanes.NewReader([]source{feed.NewTradeReader(&out, nil)}, &lanes.Options{Ordered: true})
		batch, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(c.entries, err)
		}
		if at, ok := lanes.SentAt(batch); ok != c.ok || ok && at.UnixNano() != c.want {
			t.Errorf("%s: %v, %t", c.entries, at, ok)
		}
		batch.Release()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, ok := lanes.SentAt(5); ok {
		t.Error("a number was sent")
	}
}
