package ndjson_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// bytesOf returns a column of int8.
func bytesOf(values ...byte) []column.Data {
	return []column.Data{{Len: len(values), Buffers: [3][]byte{nil, values}}}
}

var ofBytes = &ipc.Schema{Fields: []ipc.Field{{Name: "a", Type: ipc.Int8}}}

// TestArray wants one array of what is written, however it comes, and nothing behind its end.
func TestArray(t *testing.T) {
	for want, batches := range map[string][][]byte{
		"[]\n":              {},
		" []\n":             {{}, {}},
		"[\n{\"a\":1}\n]\n": {{1}},
		"[\n{\"a\":1},\n{\"a\":2},\n{\"a\":3}\n]\n":  {{1, 2}, {}, {3}},
		" [\n{\"a\":1},\n{\"a\":2},\n{\"a\":3}\n]\n": {{}, {1}, {2}, {3}},
	} {
		want = strings.TrimPrefix(want, " ") // of two keys
		var out bytes.Buffer
		w := ndjson.NewWriter(&out, ofBytes, &ndjson.WriterOptions{Array: true})
		for _, b := range batches {
			if err := w.Write(t.Context(), len(b), bytesOf(b...)); err != nil {
				t.Fatal(err)
			}
		}
		if body := strings.TrimSuffix(want, "\n]\n"); len(want) > 3 && out.String() != body || len(want) == 3 && out.Len() != 0 {
			t.Errorf("%q before it is closed, want %q to be an end of it", out.String(), want)
		}
		for range 2 {
			if err := w.Close(); err != nil || out.String() != want {
				t.Errorf("%q, %v, want %q", out.String(), err, want)
			}
		}
		w.Abort()
		if err := w.Write(t.Context(), 1, bytesOf(1)); !errors.Is(err, ipc.ErrClosed) || out.String() != want {
			t.Errorf("%q, %v", out.String(), err)
		}
		have, err := read(t, want, &ndjson.Options{Schema: ofBytes})
		if lines := strings.Trim(strings.ReplaceAll(want, "},", "}"), "[]\n"); err != nil || strings.TrimSuffix(have, "\n") != lines {
			t.Errorf("%q is read as %q, %v", want, have, err)
		}
	}

	var out bytes.Buffer // rows without columns
	w := ndjson.NewWriter(&out, &ipc.Schema{}, &ndjson.WriterOptions{Array: true})
	if err := errors.Join(w.Write(t.Context(), 2, nil), w.Close()); err != nil || out.String() != "[\n{},\n{}\n]\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestArrayLong wants an array that is written in many parts to be what encoding/json makes of the lines.
func TestArrayLong(t *testing.T) {
	values := make([]byte, 50_000)
	for i := range values {
		values[i] = byte(i % 100)
	}
	var out bytes.Buffer
	w := ndjson.NewWriter(&out, ofBytes, &ndjson.WriterOptions{Array: true})
	if err := errors.Join(w.Write(t.Context(), len(values), bytesOf(values...)), w.Close()); err != nil {
		t.Fatal(err)
	}
	var rows []struct{ A byte }
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if r.A != values[i] {
			t.Fatalf("row %d: %d, want %d", i, r.A, values[i])
		}
	}
	if lines := bytes.Count(out.Bytes(), []byte("\n")); len(rows) != len(values) || lines != len(values)+2 {
		t.Errorf("%d rows, %d lines", len(rows), lines)
	}
}

// limited takes so many bytes.
type limited struct {
	bytes.Buffer
	most int
}

var errFull = errors.New("full")

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.most {
		return 0, errFull
	}
	return l.Buffer.Write(p)
}

// TestArrayFails wants no array that lacks rows to be ended, and its first error to stay.
func TestArrayFails(t *testing.T) {
	array := &ndjson.WriterOptions{Array: true}
	var texts column.BinaryBuilder
	for _, s := range []string{"a", "\xff", "b"} {
		texts.Append([]byte(s))
	}
	ofText := &ipc.Schema{Fields: []ipc.Field{{Name: "s", Type: ipc.Utf8}}}

	var out bytes.Buffer // a value
	w := ndjson.NewWriter(&out, ofText, array)
	if err := w.Write(t.Context(), 1, []column.Data{texts.Data()}); err != nil {
		t.Fatal(err)
	}
	first := w.Write(t.Context(), 3, []column.Data{texts.Data()})
	var v *column.ValueError
	if !errors.As(first, &v) || v.Row != 1 || !errors.Is(first, column.ErrUTF8) {
		t.Fatalf("%v, want row 1 to be refused", first)
	}
	for _, err := range []error{w.Write(t.Context(), 1, []column.Data{texts.Data()}), w.Err(), w.Close(), w.Close()} {
		if err != first {
			t.Errorf("%v, want %v", err, first)
		}
	}
	if out.String() != "[\n{\"s\":\"a\"},\n{\"s\":\"a\"}" {
		t.Errorf("%q", out.String())
	}
	if _, err := read(t, out.String(), nil); !errors.Is(err, text.ErrSyntax) {
		t.Errorf("%v, want what is not ended to be no array", err)
	}

	for _, rows := range []int{0, 1} { // the destination, which takes a row or none, and never the end
		dst := &limited{most: 9 * rows}
		w := ndjson.NewWriter(dst, ofBytes, array)
		var err error
		for range 2 {
			if err == nil {
				err = w.Write(t.Context(), 1, bytesOf(1))
			}
		}
		dst.most = 1000
		if e := w.Close(); err != errFull || e != errFull || strings.Contains(dst.String(), "]") {
			t.Errorf("%d rows: %v, %v, %q", rows, err, e, dst.String())
		}
	}
	dst := &limited{}
	w = ndjson.NewWriter(dst, ofBytes, array)
	for range 2 {
		if err := w.Close(); err != errFull {
			t.Errorf("%v", err)
		}
	}

	cause := errors.New("cause") // a context, which leaves it usable if nothing was begun
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	out.Reset()
	w = ndjson.NewWriter(&out, ofBytes, array)
	if err := w.Write(ended, 1, bytesOf(1)); err != cause || w.Err() != nil || out.Len() != 0 {
		t.Errorf("%v, %q", err, out.String())
	}
	if err := errors.Join(w.Write(t.Context(), 1, bytesOf(1)), w.Close()); err != nil || out.String() != "[\n{\"a\":1}\n]\n" {
		t.Errorf("%v, %q", err, out.String())
	}

	out.Reset() // what is given up
	w = ndjson.NewWriter(&out, ofBytes, array)
	if err := w.Write(t.Context(), 1, bytesOf(1)); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	for _, err := range []error{w.Write(t.Context(), 1, bytesOf(1)), w.Close()} {
		if err != rt.ErrAborted || out.String() != "[\n{\"a\":1}" {
			t.Errorf("%v, %q", err, out.String())
		}
	}
	out.Reset()
	w = ndjson.NewWriter(&out, ofBytes, nil)
	w.Abort()
	if err := errors.Join(w.Write(t.Context(), 1, bytesOf(1)), w.Close()); err != nil || out.String() != "{\"a\":1}\n" {
		t.Errorf("of lines: %v, %q", err, out.String())
	}

	out.Reset() // a schema
	twice := &ipc.Schema{Fields: []ipc.Field{ofBytes.Fields[0], ofBytes.Fields[0]}}
	w = ndjson.NewWriter(&out, twice, array)
	if err := w.Close(); !errors.Is(err, text.ErrTwice) || out.Len() != 0 {
		t.Errorf("%v, %q", err, out.String())
	}
}

// trades are rows that are in no order, some with notes.
func trades(n int) []feed.Trade {
	list := make([]feed.Trade, n)
	for i := range list {
		list[i] = feed.Trade{Time: time.Unix(int64(i), 7).UTC(), Symbol: fmt.Sprint("s", i%5), Price: float64(i) / 3, Size: int64(i)}
		if i%3 == 0 {
			note := fmt.Sprintf("[%d],{\"}\n", i)
			list[i].Note = &note
		}
	}
	return list
}

// TestTableArray wants rows of a table to be one array, for encoding/json as for its reader, and no end of one that is given up.
func TestTableArray(t *testing.T) {
	ctx := t.Context()
	for _, n := range []int{0, 1, 3000} { // which is more than wait at once
		want := trades(n)
		var out bytes.Buffer
		w := feed.NewTradeNDJSONWriter(&out, &ndjson.WriterOptions{Array: true})
		for i := range want {
			if err := w.Append(ctx, want[i]); err != nil {
				t.Fatal(err)
			}
			if i == 5 {
				if err := w.Flush(ctx); err != nil || bytes.HasSuffix(out.Bytes(), []byte("]\n")) {
					t.Fatalf("%q, %v", out.String(), err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var rows []struct {
			Time   time.Time
			Symbol string
			Price  float64
			Size   int64
			Note   *string
		}
		if err := json.Unmarshal(out.Bytes(), &rows); err != nil || len(rows) != n {
			t.Fatalf("%d rows, %v, want %d", len(rows), err, n)
		}
		for i, r := range rows {
			if x := want[i]; !r.Time.Equal(x.Time) || r.Symbol != x.Symbol || r.Price != x.Price || r.Size != x.Size || (r.Note == nil) != (x.Note == nil) || r.Note != nil && *r.Note != *x.Note {
				t.Fatalf("row %d: %+v, want %+v", i, r, x)
			}
		}
		for _, o := range []*ndjson.Options{nil, {ChunkBytes: 100}} {
			r, err := feed.NewTradeNDJSONReader(bytes.NewReader(out.Bytes()), o)
			if err != nil {
				t.Fatal(err)
			}
			var have []feed.Trade
			for row, err := range r.Rows(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				have = append(have, row)
			}
			if n != 0 && !reflect.DeepEqual(have, want) || len(have) != n {
				t.Errorf("%d rows are not what was written", len(have))
			}
		}
	}

	var out bytes.Buffer
	w := feed.NewTradeNDJSONWriter(&out, &ndjson.WriterOptions{Array: true})
	if err := errors.Join(w.Append(ctx, trades(1)[0]), w.Flush(ctx)); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if err := w.Close(); !errors.Is(err, rt.ErrAborted) || !strings.HasPrefix(out.String(), "[\n{") || !strings.HasSuffix(out.String(), "}") {
		t.Errorf("%v, %q", err, out.String())
	}
	w = feed.NewTradeNDJSONWriter(&limited{}, &ndjson.WriterOptions{Array: true})
	if err := w.Append(ctx, trades(1)[0]); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != errFull {
		t.Errorf("%v", err)
	}
}
