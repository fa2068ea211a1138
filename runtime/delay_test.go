package rt_test

import (
	"context"
	"io"
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
