package main

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"time"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	"github.com/lightstream-go/lightstream/transports/tcp"
)

// tripper is one end of a connection on which a batch goes there and back.
type tripper struct {
	trip func() error // there and back
	echo func() error // the other end's part, until the connection ends
	end  func() error
}

// roundTrips measures how long a batch takes to the other end of a TCP connection and back: written, read to its columns, and
// passed on as it came, which the other end does in a goroutine of this process. Raw sends as many bytes back and forth.
func roundTrips(rows int) (runner, error) {
	trippers := map[peer]*tripper{}
	for _, p := range []peer{ours, raw} {
		near, far, err := connected()
		if err != nil {
			return nil, err
		}
		t := rawTripper(near, far, workload.MessageSize(rows))
		if p == ours {
			t = typedTripper(near, far, rows)
		}
		trippers[p] = t
		afterwards(t.end)
		go func() { _ = t.echo() }()
	}
	return func(p peer, d time.Duration) (sample, error) {
		return timed(d, func(int) error { return trippers[p].trip() })
	}, nil
}

// timed calls trip with 0, 1, … for about d, and times each call.
func timed(d time.Duration, trip func(i int) error) (sample, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var times []time.Duration
	cpu := cpuTime()
	for began := time.Now(); time.Since(began) < d; {
		start := time.Now()
		if err := trip(len(times)); err != nil {
			return sample{}, err
		}
		times = append(times, time.Since(start))
	}
	cpu = cpuTime() - cpu
	runtime.ReadMemStats(&after)
	slices.Sort(times)
	at := func(part float64) float64 { return times[min(int(part*float64(len(times))), len(times)-1)].Seconds() }
	n := float64(len(times))
	return sample{
		rate: 1 / at(0.5), cpu: cpu.Seconds() / n, allocs: float64(after.Mallocs-before.Mallocs) / n,
		quantiles: []float64{at(0.5), at(0.99), at(0.999)},
	}, nil
}

func connected() (near, far net.Conn, err error) {
	ctx := context.Background()
	l, err := tcp.Listen(ctx, "127.0.0.1:0", nil)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if near, err = tcp.Dial(ctx, l.Addr().String(), nil); err != nil {
		return nil, nil, err
	}
	far, err = l.Accept(ctx)
	return near, far, err
}

func typedTripper(near, far net.Conn, rows int) *tripper {
	ctx := context.Background()
	batch := workload.Builder(rows, 1)
	w, r := tables.NewSampleWriter(near, nil), tables.NewSampleReader(near, nil)
	return &tripper{
		trip: func() error {
			if err := w.Write(ctx, batch); err != nil {
				return err
			}
			b, err := r.Next(ctx)
			if err != nil {
				return err
			}
			if b.Len() != rows {
				return errors.New("another batch came back")
			}
			b.Release()
			return nil
		},
		echo: func() error {
			r, w := tables.NewSampleReader(far, nil), tables.NewSampleWriter(far, nil)
			for {
				b, err := r.Next(ctx)
				if err != nil {
					return err
				}
				if err := w.Forward(ctx, b); err != nil {
					return err
				}
				b.Release()
			}
		},
		end: func() error { return errors.Join(near.Close(), far.Close()) },
	}
}

func rawTripper(near, far net.Conn, size int) *tripper {
	there, back := make([]byte, size), make([]byte, size)
	return &tripper{
		trip: func() error {
			if _, err := near.Write(there); err != nil {
				return err
			}
			_, err := io.ReadFull(near, back)
			return err
		},
		echo: func() error {
			through := make([]byte, size)
			for {
				if _, err := io.ReadFull(far, through); err != nil {
					return err
				}
				if _, err := far.Write(through); err != nil {
					return err
				}
			}
		},
		end: func() error { return errors.Join(near.Close(), far.Close()) },
	}
}
