package main

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow/ipc"

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

// tripping returns the cell of a batch that goes there and back. Where every is not zero the collector runs so often, over a heap of
// 64 MiB.
func tripping(name string, every time.Duration) *cell {
	return &cell{
		name: name, time: 300 * time.Millisecond, peers: []peer{ours, raw, arrowGo}, show: showCalls, goals: map[peer]float64{raw: 0.8}, rows: 1_000,
		start: func() (runner, error) {
			if every != 0 {
				afterwards(collecting(every, ballast()))
			}
			return roundTrips(1_000)
		},
	}
}

// node is a part of a heap that the collector has to walk.
type node struct {
	next *node
	_    [56]byte
}

// ballast returns 64 MiB of nodes.
func ballast() (list *node) {
	for range 1 << 20 {
		list = &node{next: list}
	}
	return list
}

// collecting has the collector run again and again over what is there and a list, until the function that it returns is called.
func collecting(every time.Duration, list *node) (stop func() error) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for t := time.NewTicker(every); ; {
			select {
			case <-done:
				t.Stop()
				runtime.KeepAlive(list)
				return
			case <-t.C:
				runtime.GC()
			}
		}
	}()
	return func() error {
		close(done)
		<-ended
		return nil
	}
}

// roundTrips measures how long a batch takes to the other end of a TCP connection and back: written, read to its columns, and
// passed on as it came, which the other end does in a goroutine of this process. Raw sends as many bytes back and forth; arrow-go
// reads and writes at both ends.
func roundTrips(rows int) (runner, error) {
	trippers := map[peer]*tripper{}
	for _, p := range []peer{ours, raw, arrowGo} {
		near, far, err := connected()
		if err != nil {
			return nil, err
		}
		var t *tripper
		switch p {
		case ours:
			t = typedTripper(near, far, rows)
		case raw:
			t = rawTripper(near, far, workload.MessageSize(rows))
		default:
			t = arrowTripper(near, far, rows)
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
	t := nearTripper(near, rows)
	t.echo = func() error { return echo(far) }
	t.end = func() error { return errors.Join(near.Close(), far.Close()) }
	return t
}

// echo passes batches on as they came.
func echo(c net.Conn) error {
	ctx := context.Background()
	r, w := tables.NewSampleReader(c, nil), tables.NewSampleWriter(c, nil)
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
}

// nearTripper is the end that sends first.
func nearTripper(near net.Conn, rows int) *tripper {
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

func arrowTripper(near, far net.Conn, rows int) *tripper {
	batch := workload.Record(rows, 1, workload.Dictionary())
	w := ipc.NewWriter(near, ipc.WithSchema(batch.Schema()))
	var r *ipc.Reader
	return &tripper{
		trip: func() error {
			if err := w.Write(batch); err != nil {
				return err
			}
			if r == nil {
				var err error
				if r, err = ipc.NewReader(near); err != nil {
					return err
				}
			}
			if !r.Next() {
				return errors.Join(errors.New("no batch came back"), r.Err())
			}
			if !workload.Look(r.RecordBatch(), rows) {
				return errors.New("another batch came back")
			}
			return nil
		},
		echo: func() error {
			r, err := ipc.NewReader(far)
			if err != nil {
				return err
			}
			w := ipc.NewWriter(far, ipc.WithSchema(r.Schema()))
			for r.Next() {
				if err := w.Write(r.RecordBatch()); err != nil {
					return err
				}
			}
			return r.Err()
		},
		end: func() error { return errors.Join(near.Close(), far.Close()) },
	}
}
