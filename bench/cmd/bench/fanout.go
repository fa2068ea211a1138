package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	"github.com/lightstream-go/lightstream/runtime/fanout"
	"github.com/lightstream-go/lightstream/transports/uds"
)

// encoders encodes for each reader what the fan-out encodes once.
const encoders peer = "an encoder each"

// fanOut sends batches of 1,000 rows to readers that look at nothing, each on a Unix socket of its own: encoded once for all of them, as
// bytes that are ready, or encoded for each. The rate is of batches at all readers.
func fanOut(readers int) (runner, error) {
	ctx := context.Background()
	batch := workload.Builder(1_000, 1)
	message := touched(workload.MessageSize(1_000))
	return func(p peer, d time.Duration) (sample, error) {
		dir, err := os.MkdirTemp("", "bench")
		if err != nil {
			return sample{}, err
		}
		defer os.RemoveAll(dir)
		l, err := uds.Listen(ctx, filepath.Join(dir, "s"), nil)
		if err != nil {
			return sample{}, err
		}
		defer l.Close()
		var received, sent sync.WaitGroup
		conns := make([]net.Conn, readers)
		for i := range conns {
			client, err := uds.Dial(ctx, l.Addr().String(), nil)
			if err != nil {
				return sample{}, err
			}
			if conns[i], err = l.Accept(ctx); err != nil {
				return sample{}, err
			}
			received.Go(func() {
				buf := make([]byte, rawRead)
				for {
					if _, err := client.Read(buf); err != nil {
						client.Close()
						return
					}
				}
			})
		}
		errs := make([]error, readers+1)
		counts := make([]int, readers)
		hub := fanout.New(nil)
		cpu, began := cpuTime(), time.Now()
		for i, c := range conns {
			sent.Go(func() {
				defer c.Close()
				switch p {
				case ours:
					errs[i] = hub.Send(ctx, c)
				case raw:
					for time.Since(began) < d && errs[i] == nil {
						_, errs[i] = c.Write(message)
						counts[i]++
					}
				default:
					w := tables.NewSampleWriter(c, nil)
					for time.Since(began) < d && errs[i] == nil {
						errs[i] = w.Write(ctx, batch)
						counts[i]++
					}
					errs[i] = errors.Join(errs[i], w.Close())
				}
			})
		}
		if p == ours {
			w := tables.NewSampleWriter(hub, nil)
			for hub.Stats().Readers < readers {
				time.Sleep(time.Millisecond)
			}
			n := 0
			for ; time.Since(began) < d && errs[readers] == nil; n++ {
				errs[readers] = w.Write(ctx, batch)
			}
			errs[readers] = errors.Join(errs[readers], w.Close())
			if got := w.Stats().Batches; got != int64(n) {
				errs[readers] = errors.Join(errs[readers], errors.New("batches were encoded more than once"))
			}
			for i := range counts {
				counts[i] = n
			}
		}
		sent.Wait()
		received.Wait()
		took := time.Since(began)
		cpu = cpuTime() - cpu
		n := 0
		for _, k := range counts {
			n += k
		}
		err = errors.Join(errs...)
		if err == io.EOF {
			err = nil
		}
		return sample{rate: float64(n) / took.Seconds(), cpu: cpu.Seconds() / float64(n)}, errors.Join(err, hub.Close())
	}, nil
}
