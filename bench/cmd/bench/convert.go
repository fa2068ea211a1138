package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
)

const (
	converted peer = "converted"
	inPlace   peer = "in place"
)

// convertCalls read batches of a table that differs in one column from the one they are read as, beside batches that do not
// differ.
func convertCalls[R, B any, W rt.Builder[R]](from *rt.Table[R, B, W], rows int, conversions int64, row func(i int) R) (map[peer]func() error, error) {
	ctx := context.Background()
	differs, err := loop(from, rows, row)
	if err != nil {
		return nil, err
	}
	same, err := loop(tables.TypedTable, rows, func(i int) tables.Typed {
		return tables.Typed{Value: int64(i), Time: workload.Moment(i), Category: workload.Category(i % 100)}
	})
	if err != nil {
		return nil, err
	}
	read := func(src io.Reader, want int64) func() error {
		r := rt.NewReader(tables.TypedTable, src, nil)
		return func() error {
			batch, err := r.Next(ctx)
			if err != nil {
				return err
			}
			batch.Release()
			if s := r.Stats(); s.Batches == 1 && s.Converted != want {
				return fmt.Errorf("%d columns were converted, want %d", s.Converted, want)
			}
			return nil
		}
	}
	return map[peer]func() error{converted: read(differs, conversions), inPlace: read(same, 0)}, nil
}

func loop[R, B any, W rt.Builder[R]](t *rt.Table[R, B, W], rows int, row func(i int) R) (*workload.Loop, error) {
	b := t.NewBuilder(nil)
	for i := range rows {
		b.Append(row(i))
	}
	return workload.LoopOf(func(dst io.Writer) func() error {
		w := rt.NewWriter(t, dst, nil)
		return func() error { return w.Write(context.Background(), b) }
	})
}

// arrivals is a destination that tells when something comes.
type arrivals chan time.Time

func (a arrivals) Write(p []byte) (int, error) {
	a <- time.Now()
	return len(p), nil
}

// delays appends a row at a time to a batcher and looks when it leaves. The rate of the sample is by how many seconds the latest of them
// was later than MaxDelay.
func delays(most time.Duration) runner {
	return func(_ peer, d time.Duration) (sample, error) {
		ctx := context.Background()
		left := make(arrivals, 4)
		b := rt.NewBatcher(tables.NewReadingWriter(left, nil), &rt.BatcherOptions{MaxDelay: most})
		added, rows := time.Duration(0), 0
		cpu, end := cpuTime(), time.Now().Add(d)
		for ; rows < 2 || time.Now().Before(end); rows++ {
			began := time.Now()
			if err := b.Append(ctx, tables.Reading{Time: int64(rows), Value: 1.5}); err != nil {
				return sample{}, err
			}
			at := <-left
			if rows != 0 { // the first is sent with the schema
				added = max(added, at.Sub(began)-most)
			}
		}
		cpu = cpuTime() - cpu
		return sample{rate: added.Seconds(), cpu: cpu.Seconds() / float64(rows)}, b.Close()
	}
}

// batchers append rows of six numbers to a batcher that many goroutines use, one of them active or all.
func batchers(active, procs int) runner {
	return func(_ peer, d time.Duration) (sample, error) {
		const producers = 8
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		ctx := context.Background()
		b := rt.NewBatcher(tables.NewReadingWriter(new(workload.Discard), nil), nil)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var rows atomic.Int64
		var errs [producers]error
		var blocked, group sync.WaitGroup
		stop := make(chan struct{})
		for range producers - active {
			blocked.Go(func() { <-stop })
		}
		cpu, began := cpuTime(), time.Now()
		for i := range active {
			group.Go(func() {
				n := int64(0)
				for time.Since(began) < d {
					for range 1000 {
						row := tables.Reading{Time: n, Sensor: int32(i), Value: 1.5, Lower: 1, Upper: 2, Sequence: n}
						if errs[i] = b.Append(ctx, row); errs[i] != nil {
							return
						}
						n++
					}
				}
				rows.Add(n)
			})
		}
		group.Wait()
		took := time.Since(began)
		cpu = cpuTime() - cpu
		close(stop)
		blocked.Wait()
		runtime.ReadMemStats(&after)
		n := float64(rows.Load())
		err := errors.Join(append(errs[:], b.Close())...)
		return sample{rate: n / took.Seconds(), cpu: cpu.Seconds() / n, allocs: float64(after.Mallocs-before.Mallocs) / n}, err
	}
}
