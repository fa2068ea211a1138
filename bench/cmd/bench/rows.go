package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// rowsOf makes structs of the rows of one batch that is in memory, again and again in the same slice: by the generated AppendTo, and by
// a loop over the accessors of arrow-go's arrays.
func rowsOf[R any, B interface{ AppendTo(dst []R) []R }](r *rt.Reader[R, B], rec arrow.RecordBatch, loop func(dst []R, rec arrow.RecordBatch) []R) (map[peer]func() error, error) {
	batch, err := r.Next(context.Background())
	if err != nil {
		return nil, err
	}
	var our, their []R
	n := int(rec.NumRows())
	return map[peer]func() error{
		ours: func() error {
			our = batch.AppendTo(our[:0])
			return wantRows(len(our), n)
		},
		arrowGo: func() error {
			their = loop(their[:0], rec)
			return wantRows(len(their), n)
		},
	}, nil
}

// together is how many batches one loop over the rows of a stream goes through, so that what it begins with is a small part of it.
const together = 100

// readRows reads a stream from memory by rows, n of a batch: by the reader's Rows, and by arrow-go's reader with that loop behind it.
func readRows[R, B any](our io.Reader, newReader func(io.Reader, *rt.ReaderOptions) *rt.Reader[R, B], theirs io.Reader, n int, loop func(dst []R, rec arrow.RecordBatch) []R) (map[peer]func() error, error) {
	r := newReader(our, nil)
	ar, err := ipc.NewReader(theirs)
	if err != nil {
		return nil, err
	}
	var list, other []R
	return map[peer]func() error{
		ours: func() error {
			list = list[:0]
			batches := 0
			for row, err := range r.Rows(context.Background()) {
				if err != nil {
					return err
				}
				if list = append(list, row); len(list) == n {
					if batches++; batches == together {
						return nil // the stream has no end
					}
					list = list[:0]
				}
			}
			return io.ErrUnexpectedEOF
		},
		arrowGo: func() error {
			for range together {
				if !ar.Next() {
					return ar.Err()
				}
				other = loop(other[:0], ar.RecordBatch())
				if err := wantRows(len(other), n); err != nil {
					return err
				}
			}
			return nil
		},
	}, nil
}

// rowCells make structs of batches of 1,000 rows, of the reference batch and of six numbers.
func rowCells(memory func(name string, goal float64, start func() (map[peer]func() error, error)) *cell) []*cell {
	const n = 1_000
	numbers := func() (our, theirs *workload.Loop, rec arrow.RecordBatch, err error) {
		b, rows := tables.NewNumbersBuilder(nil), workload.Numbers(n)
		b.AppendRows(rows)
		if our, err = workload.LoopOf(func(dst io.Writer) func() error {
			w := tables.NewNumbersWriter(dst, nil)
			return func() error { return w.Write(context.Background(), b) }
		}); err != nil {
			return nil, nil, nil, err
		}
		rec = workload.NewNumberRecords().Fill(rows)
		theirs, err = workload.LoopOf(func(dst io.Writer) func() error {
			w := ipc.NewWriter(dst, ipc.WithSchema(rec.Schema()))
			return func() error { return w.Write(rec) }
		})
		return our, theirs, rec, err
	}
	reading := func(name string, start func() (map[peer]func() error, error)) *cell {
		c := memory(name, 0, start)
		c.start = func() (runner, error) {
			calls, err := start()
			return func(p peer, d time.Duration) (sample, error) { // of a batch
				s, err := repeat(calls[p], d)
				s.rate, s.cpu, s.allocs = s.rate*together, s.cpu/together, s.allocs/together
				return s, err
			}, err
		}
		return c
	}
	return []*cell{
		memory("rows/mixed=1k", 0, func() (map[peer]func() error, error) {
			return rowsOf(tables.NewSampleReader(workload.Stream(n, 1), nil), workload.Record(n, 1, workload.Dictionary()), workload.ArrowSamples)
		}),
		memory("rows/numbers=1k", 0, func() (map[peer]func() error, error) {
			our, _, rec, err := numbers()
			if err != nil {
				return nil, err
			}
			return rowsOf(tables.NewNumbersReader(our, nil), rec, workload.ArrowNumbers)
		}),
		reading("rows/read/mixed=1k", func() (map[peer]func() error, error) {
			return readRows(workload.Stream(n, 1), tables.NewSampleReader, workload.ArrowStream(n, 1), n, workload.ArrowSamples)
		}),
		reading("rows/read/numbers=1k", func() (map[peer]func() error, error) {
			our, theirs, _, err := numbers()
			if err != nil {
				return nil, err
			}
			return readRows(our, tables.NewNumbersReader, theirs, n, workload.ArrowNumbers)
		}),
	}
}

func wantRows(got, want int) error {
	if got != want {
		return fmt.Errorf("%d rows, want %d", got, want)
	}
	return nil
}
