package rt_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// TestMaxDelay appends rows and wants the oldest to be sent after the delay, although no call comes.
func TestMaxDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, dst := io.Pipe()
		w := feed.NewTradeWriter(dst, &rt.WriterOptions{MaxDelay: 20 * time.Millisecond})
		start := time.Now()
		var got []time.Duration
		done := make(chan error)
		go func() {
			r := feed.NewTradeReader(src, nil)
			for b, err := range r.Batches(context.Background()) {
				if err != nil {
					done <- err
					return
				}
				for range b.Len() {
					got = append(got, time.Since(start))
				}
				b.Release()
			}
			done <- nil
		}()
		rows := trades(4)
		for i, pause := range []time.Duration{0, 15, 30, 0} { // at 0, 15, 45, 45 ms
			time.Sleep(pause * time.Millisecond)
			if err := w.Append(t.Context(), rows[i]); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if s := w.Stats(); s.Batches != 2 || s.Rows != 4 {
			t.Errorf("%+v", s)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for i, want := range []time.Duration{20, 20, 65, 65} {
			if got[i] != want*time.Millisecond {
				t.Errorf("row %d came after %v, want %v ms", i, got[i], int(want))
			}
		}
	})
}

// TestAbortInterruptsTheDelay aborts while rows are being sent to a destination that takes nothing.
func TestAbortInterruptsTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := feed.NewTradeWriter(io.Discard, &rt.WriterOptions{MaxDelay: time.Millisecond})
		if err := w.Append(t.Context(), trades(1)[0]); err != nil {
			t.Fatal(err)
		}
		w.Abort()
		time.Sleep(time.Second)
		if s := w.Stats(); s.Batches != 0 {
			t.Errorf("%+v after Abort", s)
		}
	})
}

// TestDelayBesideCalls has the goroutine of the delay send rows between calls of every kind, in real time, so that the race detector
// sees both; each row arrives once and in its order.
func TestDelayBesideCalls(t *testing.T) {
	for round := range 4 {
		random := rand.New(rand.NewPCG(uint64(round), 8))
		a, b := connections(t, round%2 == 0)
		w := feed.NewTradeWriter(a, &rt.WriterOptions{MaxDelay: time.Duration(1+random.IntN(300)) * time.Microsecond, BatchRows: 50})
		var got []int64
		read := errorOf(func() error {
			for row, err := range feed.NewTradeReader(b, nil).Rows(context.Background()) {
				if err != nil {
					return err
				}
				producerOf(t, row)
				got = append(got, row.Size)
			}
			return nil
		})
		var want []int64
		own := feed.NewTradeBuilder(nil)
		forwarded := next(t, feed.NewTradeReader(bytes.NewReader(numberedStream(t, 5)), nil))
		for i := range int64(4000) {
			var err error
			switch random.IntN(60) {
			case 0:
				time.Sleep(time.Duration(random.IntN(400)) * time.Microsecond)
			case 1:
				err = w.Flush(t.Context())
			case 2:
				own.Reset()
				own.Append(numbered(1, i))
				err = w.Write(t.Context(), own)
				want = append(want, i)
			case 3:
				err = w.Forward(t.Context(), forwarded)
				want = append(want, 0, 1, 2, 3, 4)
			case 4:
				if s := w.Stats(); s.Rows > int64(len(want)) {
					t.Errorf("%d rows sent of %d", s.Rows, len(want))
				}
			case 5:
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(100))*time.Microsecond)
				if err = w.Append(ctx, numbered(2, i)); err == nil {
					want = append(want, i)
				} else if errors.Is(err, context.DeadlineExceeded) && !errors.As(err, new(*rt.WriteError)) {
					err = nil
				}
				cancel()
			default:
				err = w.Append(t.Context(), numbered(0, i))
				want = append(want, i)
			}
			if errors.Is(err, context.DeadlineExceeded) { // inside a message: the stream has ended
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		err := w.Close()
		forwarded.Release()
		if err != nil {
			a.Close()
			if <-read; !errors.Is(err, context.DeadlineExceeded) || len(got) > len(want) || !slices.Equal(got, want[:len(got)]) {
				t.Errorf("round %d: %v; %d rows arrived, %d were taken, or they differ", round, err, len(got), len(want))
			}
			continue
		}
		if err := <-read; err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("round %d: %d rows arrived, %d were taken, or they differ", round, len(got), len(want))
		}
	}
}

// numberedStream is a stream of one batch of numbered rows.
func numberedStream(t *testing.T, n int64) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := feed.NewTradeWriter(&buf, nil)
	for i := range n {
		if err := w.Append(t.Context(), numbered(3, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestDelayWhoseConnectionBreaks wants an error of the delay's goroutine to be that of the next call, with a count that is no more
// than was accepted.
func TestDelayWhoseConnectionBreaks(t *testing.T) {
	for round := range 30 {
		random := rand.New(rand.NewPCG(uint64(round), 9))
		cut := &cutter{left: random.IntN(20_000)}
		w := feed.NewTradeWriter(cut, &rt.WriterOptions{MaxDelay: 50 * time.Microsecond, BatchRows: 100})
		var err error
		taken := int64(0)
		for err == nil && taken < 2000 {
			if err = w.Append(t.Context(), numbered(0, taken)); err == nil {
				taken++
			}
			if random.IntN(50) == 0 {
				time.Sleep(100 * time.Microsecond)
			}
		}
		closed := w.Close()
		var failed *rt.WriteError
		if !errors.As(closed, &failed) || err != nil && err.Error() != closed.Error() {
			t.Fatalf("round %d: %v, then %v", round, err, closed)
		}
		batches, rows, arrived, _ := readNumbered(t, cut.got)
		if failed.Batches > batches || failed.Rows > rows || failed.Batches < batches-1 {
			t.Errorf("round %d: the error says %d batches, the destination had accepted %d", round, failed.Batches, batches)
		}
		for i, n := range arrived[0] {
			if n != int64(i) || n >= taken {
				t.Fatalf("round %d: row %d has number %d of %d that were taken", round, i, n, taken)
			}
		}
	}
}
