package main

import (
	"context"
	"io"
	"runtime"
	"time"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
	rt "github.com/lightstream-go/lightstream/runtime"
	oipc "github.com/lightstream-go/lightstream/runtime/ipc"
)

// inMemory runs calls in this process.
func inMemory(calls map[peer]func() error) runner {
	return func(p peer, d time.Duration) (sample, error) { return repeat(calls[p], d) }
}

func repeat(call func() error, d time.Duration) (sample, error) {
	runtime.GC() // nobody pays for what the other left
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, block := 0, 1
	cpu, began := cpuTime(), time.Now()
	var took time.Duration
	for took < d {
		for range block {
			if err := call(); err != nil {
				return sample{}, err
			}
		}
		n += block
		took = time.Since(began)
		if took < d/20 {
			block *= 2 // so that the clock costs nothing
		}
	}
	cpu = cpuTime() - cpu
	runtime.ReadMemStats(&after)
	calls := float64(n)
	return sample{rate: calls / took.Seconds(), cpu: cpu.Seconds() / calls, allocs: float64(after.Mallocs-before.Mallocs) / calls}, nil
}

// encodeCalls write one reference batch to a destination that takes everything.
func encodeCalls(rows int) (map[peer]func() error, error) {
	ctx := context.Background()
	w, batch := tables.NewSampleWriter(new(workload.Discard), nil), workload.Builder(rows, 1)
	aw, rec := ipc.NewWriter(io.Discard, ipc.WithSchema(workload.SampleSchema)), workload.Record(rows, 1, workload.Dictionary())
	return map[peer]func() error{
		ours:    func() error { return w.Write(ctx, batch) },
		arrowGo: func() error { return aw.Write(rec) },
	}, nil
}

// decodeCalls read one reference batch from memory, each as its own writer wrote it.
func decodeCalls(rows int) (map[peer]func() error, error) {
	return decoding(workload.Stream(rows, 1), workload.ArrowStream(rows, 1))
}

func decoding(our, their io.Reader) (map[peer]func() error, error) {
	ctx := context.Background()
	r := tables.NewSampleReader(our, nil)
	ar, err := ipc.NewReader(their)
	if err != nil {
		return nil, err
	}
	return map[peer]func() error{
		ours: func() error {
			batch, err := r.Next(ctx)
			if err == nil {
				batch.Release()
			}
			return err
		},
		arrowGo: func() error {
			if !ar.Next() {
				return ar.Err()
			}
			return nil
		},
	}, nil
}

// encodeZSTD and decodeZSTD do that with bodies that are compressed.
func encodeZSTD(rows int) (map[peer]func() error, error) {
	ctx := context.Background()
	w, batch := tables.NewSampleWriter(new(workload.Discard), &rt.WriterOptions{Compression: oipc.ZSTD}), workload.Builder(rows, 1)
	aw, rec := ipc.NewWriter(io.Discard, ipc.WithSchema(workload.SampleSchema), ipc.WithZstd()), workload.Record(rows, 1, workload.Dictionary())
	return map[peer]func() error{
		ours:    func() error { return w.Write(ctx, batch) },
		arrowGo: func() error { return aw.Write(rec) },
	}, nil
}

func decodeZSTD(rows int) (map[peer]func() error, error) {
	b := workload.Builder(rows, 1)
	loop, err := workload.LoopOf(func(dst io.Writer) func() error {
		w := tables.NewSampleWriter(dst, &rt.WriterOptions{Compression: oipc.ZSTD})
		return func() error { return w.Write(context.Background(), b) }
	})
	if err != nil {
		return nil, err
	}
	rec := workload.Record(rows, 1, workload.Dictionary())
	theirs, err := workload.LoopOf(func(dst io.Writer) func() error {
		w := ipc.NewWriter(dst, ipc.WithSchema(workload.SampleSchema), ipc.WithZstd())
		return func() error { return w.Write(rec) }
	})
	if err != nil {
		return nil, err
	}
	return decoding(loop, theirs)
}

// appendCalls fill a batch with the flights.
func appendCalls(dictionary bool) (map[peer]func() error, error) {
	rows, err := workload.Flights(set.flights)
	if err != nil {
		return nil, err
	}
	records := workload.NewFlightRecords(dictionary)
	if dictionary {
		b := tables.NewFlightBuilder(nil)
		return map[peer]func() error{
			ours: func() error {
				b.Reset()
				b.AppendRows(rows)
				return b.Err()
			},
			arrowGo: func() error {
				records.Dictionaries(rows).Release()
				return nil
			},
		}, nil
	}
	texts := workload.TextFlights(rows)
	b := tables.NewTextFlightBuilder(nil)
	return map[peer]func() error{
		ours: func() error {
			b.Reset()
			b.AppendRows(texts)
			return b.Err()
		},
		arrowGo: func() error {
			records.Texts(texts).Release()
			return nil
		},
	}, nil
}

// appendNumbers fill a batch with rows of six values of 8 bytes. Raw copies as many bytes.
func appendNumbers(n int) (map[peer]func() error, error) {
	rows := workload.Numbers(n)
	records := workload.NewNumberRecords()
	b := tables.NewNumbersBuilder(nil)
	size := n * 6 * 8
	from, to := make([]byte, size), make([]byte, size)
	for i := range from {
		from[i] = byte(i)
	}
	return map[peer]func() error{
		ours: func() error {
			b.Reset()
			b.AppendRows(rows)
			return b.Err()
		},
		arrowGo: func() error {
			records.Fill(rows).Release()
			return nil
		},
		raw: func() error {
			copy(to, from)
			return nil
		},
	}, nil
}
