package main

import (
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
)

// sizeCells are the experiment by which the sizes of calls were chosen: as many bytes as a batch of 1 M rows has, from memory that four
// batches have and into memory that is used again, over TCP on loopback. The first peer is what the runtime does.
func sizeCells() []*cell {
	name := func(n int) peer {
		if n >= 1<<20 {
			return peer(fmt.Sprintf("%d MiB", n>>20))
		}
		return peer(fmt.Sprintf("%d KiB", n>>10))
	}
	of := func(what string, sizes []int, run func(size int) runner) *cell {
		c := &cell{name: "sizes/" + what, time: 500 * time.Millisecond, show: func(rate float64) string { return fmt.Sprintf("%.2f GiB/s", rate/(1<<30)) }}
		runs := map[peer]runner{}
		for _, n := range sizes {
			c.peers = append(c.peers, name(n))
			runs[name(n)] = run(n)
		}
		c.start = func() (runner, error) {
			return func(p peer, d time.Duration) (sample, error) { return runs[p](p, d) }, nil
		}
		return c
	}
	return []*cell{
		of("write", []int{rawWrite, 16 << 10, 64 << 10, 256 << 10, 512 << 10, 2 << 20, 4 << 20, 16 << 20}, func(n int) runner { return moving(n, rawRead) }),
		of("read", []int{rawRead, 16 << 10, 64 << 10, 128 << 10, 512 << 10, 1 << 20, 4 << 20}, func(n int) runner { return moving(rawWrite, n) }),
	}
}

// moving sends batches from one goroutine to another, with calls of at most these sizes.
func moving(write, read int) runner {
	return func(_ peer, d time.Duration) (sample, error) {
		near, far, err := connected()
		if err != nil {
			return sample{}, err
		}
		defer near.Close()
		defer far.Close()
		size := workload.MessageSize(1_000) * 1_000
		from, to := make([]byte, 4*size), make([]byte, size)
		for i := 0; i < len(from); i += 4096 {
			from[i] = 1
		}
		received := make(chan error, 1)
		go func() {
			for {
				for at := 0; at < size; {
					n, err := far.Read(to[at:min(at+read, size)])
					if at += n; err != nil {
						if err == io.EOF {
							err = nil
						}
						received <- err
						return
					}
				}
			}
		}()
		cpu, began := cpuTime(), time.Now()
		total := 0
		for i := 0; time.Since(began) < d; i++ {
			batch := from[i%4*size:][:size]
			for at := 0; at < size; at += write {
				if _, err := near.Write(batch[at:min(at+write, size)]); err != nil {
					return sample{}, err
				}
			}
			total += size
		}
		if err := near.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			return sample{}, err
		}
		if err := <-received; err != nil {
			return sample{}, err
		}
		took := time.Since(began)
		cpu = cpuTime() - cpu
		runtime.KeepAlive(from)
		return sample{rate: float64(total) / took.Seconds(), cpu: cpu.Seconds() / (float64(total) / (1 << 30))}, nil
	}
}
