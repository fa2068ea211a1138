package feed_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Each type refuses what its column cannot hold, with column and row, and the row can be taken back.
func TestValueErrors(t *testing.T) {
	for _, c := range []struct {
		column string
		spoil  func(row *feed.All)
		is     error
		says   string
	}{
		{"dec32", func(r *feed.All) { r.Dec32 = 1_000_000_000 }, column.ErrPrecision, "1000000000, and the column has 9; raise its precision, or round the value"},
		{"dec64", func(r *feed.All) { r.Dec64 = -1_000_000_000_000_000_000 }, column.ErrPrecision, "and the column has 18"},
		{"dec128", func(r *feed.All) { r.Dec128 = rt.Decimal128{Hi: math.MaxInt64} }, column.ErrPrecision, "and the column has 38"},
		{"dec256", func(r *feed.All) { r.Dec256 = rt.Decimal256{3: 1 << 63} }, column.ErrPrecision, "and the column has 76"},
		{"null_dec128", func(r *feed.All) { r.NullDec128 = rt.Some(rt.Decimal128{Hi: math.MinInt64}) }, column.ErrPrecision, "38"},
		{"clock_s", func(r *feed.All) { r.ClockS = 24 * time.Hour }, column.ErrTimeRange, "24h0m0s is no time of day"},
		{"clock_ns", func(r *feed.All) { r.ClockNS = -1 }, column.ErrTimeRange, "-1ns is no time of day"},
		{"ptr_clock_ms", func(r *feed.All) { d := 25 * time.Hour; r.PtrClockMS = &d }, column.ErrTimeRange, "25h"},
		{"day_time", func(r *feed.All) { r.DayTime = time.Date(6_000_000, 1, 1, 0, 0, 0, 0, time.UTC) }, column.ErrTimeRange, "year 6000000"},
		{"mood", func(r *feed.All) { r.Mood = 7 }, column.ErrUnnamed, "feed.Mood(7)"},
		{"null_mood", func(r *feed.All) { r.NullMood = rt.Some(feed.Mood(-7)) }, column.ErrUnnamed, "feed.Mood(-7)"},
	} {
		b := feed.NewAllBuilder(nil)
		good := rows[feed.All](t, 1)[0]
		b.Append(good)
		bad := good
		c.spoil(&bad)
		b.Append(bad)
		b.Append(good)
		var e *column.ValueError
		if err := b.Err(); !errors.As(err, &e) || e.Column != c.column || e.Row != 1 || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.column, err)
		}
		b.Truncate(1)
		if err := b.Err(); err != nil || b.Len() != 1 {
			t.Errorf("%s: after Truncate %v, %d rows", c.column, err, b.Len())
		}
	}
}

// Decimals that were set without a look at them are looked at when they are sent.
func TestDirectDecimals(t *testing.T) {
	b := feed.NewAllBuilder(nil)
	b.Dec32().Extend(3)[2] = 1_000_000_000
	var e *column.ValueError
	if err := b.Err(); !errors.As(err, &e) || e.Row != 2 || !errors.Is(err, column.ErrPrecision) {
		t.Errorf("Err() = %v", err)
	}
	b.Reset()
	if err := b.Err(); err != nil {
		t.Error(err)
	}
}

// Rows that were taken back leave nothing behind, in no layout.
func TestTruncateForms(t *testing.T) {
	all := rows[feed.All](t, 8)
	b := feed.NewAllBuilder(nil)
	b.AppendRows(all[:3])
	b.AppendRows(all)
	b.Truncate(3)
	b.AppendRows(all[3:])
	var stream bytes.Buffer
	w := feed.NewAllWriter(&stream, nil)
	if err := errors.Join(w.Write(t.Context(), b), w.Close()); err != nil {
		t.Fatal(err)
	}
	batch, err := feed.NewAllReader(&stream, nil).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range batch.AppendTo(nil) {
		if name := difference(all[i], row); name != "" {
			t.Errorf("row %d, field %s: %+v, want %+v", i, name, row, all[i])
		}
	}
}

// Rows own their texts: what they were read from may be used again.
func TestRowsOwnViews(t *testing.T) {
	all := rows[feed.All](t, 40)
	var stream bytes.Buffer
	w := feed.NewAllWriter(&stream, &rt.WriterOptions{BatchRows: 8})
	for _, row := range all {
		if err := w.Append(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := feed.NewAllReader(&stream, &rt.ReaderOptions{Reuse: true})
	var got []feed.All
	for b, err := range r.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = b.AppendTo(got)
	}
	for i := range all {
		if name := difference(all[i], got[i]); name != "" {
			t.Errorf("row %d, field %s", i, name)
		}
	}
}

// again is a source that gives the same bytes without end.
type again struct {
	p  []byte
	at int
}

func (r *again) Read(p []byte) (int, error) {
	n := copy(p, r.p[r.at:])
	r.at = (r.at + n) % len(r.p)
	return n, nil
}

// TestAllocations sends and receives batches of all types in steady state: neither filling, nor writing, nor reading allocates.
func TestAllocations(t *testing.T) {
	if mem.Debug || !column.Native {
		t.Skip("memory is reused by builds for speed only")
	}
	all := rows[feed.All](t, 64)
	b := feed.NewAllBuilder(nil)
	var stream bytes.Buffer
	w := feed.NewAllWriter(&stream, nil)
	send := func() {
		b.Reset()
		b.AppendRows(all)
		if err := w.Write(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	}
	send()
	head := stream.Len()
	send() // the dictionaries are there
	one := bytes.Clone(stream.Bytes()[head:])
	if a := testing.AllocsPerRun(50, func() { stream.Reset(); send() }); a != 0 {
		t.Errorf("%v allocations to send a batch", a)
	}
	stream.Reset()
	w = feed.NewAllWriter(&stream, nil)
	send()
	r := feed.NewAllReader(io.MultiReader(bytes.NewReader(stream.Bytes()), &again{p: one}), &rt.ReaderOptions{Pool: mem.NewPool(nil)})
	next := func() {
		batch, err := r.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if batch.Dec128()[1] != all[1].Dec128 || batch.UUID()[1] != all[1].UUID || batch.Mood().At(1) != all[1].Mood || batch.ViewText().At(1) != all[1].ViewText {
			t.Fatal("other values")
		}
		batch.Release()
	}
	for range 50 {
		next()
	}
	if a := testing.AllocsPerRun(50, next); a != 0 {
		t.Errorf("%v allocations to receive a batch", a)
	}
}
