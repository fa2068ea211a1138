package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
	"github.com/lightstream-go/lightstream/transports/uds"
)

// growthCells show how the cost of something grows. The number at the end of a name is what grows.
func growthCells() (list []*cell) {
	add := func(name string, n int, unit string, start func(n int) (runner, error)) {
		list = append(list, &cell{
			name: fmt.Sprintf("growth/%s=%d", name, n), time: 100 * time.Millisecond, peers: []peer{ours}, show: showCalls, grows: n, unit: unit,
			start: func() (runner, error) { return start(n) },
		})
	}
	for _, n := range []int{1, 3, 10, 30, 100, 300, 1_000} {
		add("columns", n, "a batch of 100 rows of float64, encoded and decoded", growingColumns)
	}
	for _, n := range []int{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000} {
		add("rows", n, "a batch of the reference table, encoded and decoded", growingRows)
	}
	for _, n := range []int{100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000} {
		add("dictionary", n, "a batch of 1,000 rows whose last value is new to a dictionary of that size and goes as a delta, encoded and decoded", growingDictionary)
	}
	for _, n := range []int{1, 10, 100, 1_000, 9_900} { // two descriptors each, of the usual 20,000
		add("connections", n, "a batch of 10 rows there and back on one connection of that many, each with a reader and a writer", growingConnections)
	}
	return list
}

func calling(call func() error, err error) (runner, error) {
	return inMemory(map[peer]func() error{ours: call}), err
}

func growingColumns(n int) (runner, error) {
	ctx := context.Background()
	const rows = 100
	s := &ipc.Schema{}
	columns := make([]column.Data, n)
	for i := range columns {
		s.Fields = append(s.Fields, ipc.Field{Name: fmt.Sprint("column ", i), Type: ipc.Float64})
		columns[i] = column.Data{Len: rows, Buffers: [3][]byte{nil, mem.Alloc(8 * rows)}}
	}
	through := new(bytes.Buffer)
	w, r := ipc.NewWriter(through, s, nil), ipc.NewReader(through, nil)
	return calling(func() error {
		if err := w.Write(ctx, rows, columns); err != nil {
			return err
		}
		b, err := r.Next(ctx)
		if err == nil {
			b.Release()
		}
		return err
	}, nil)
}

func growingRows(n int) (runner, error) {
	ctx := context.Background()
	through := new(bytes.Buffer)
	w, r := tables.NewSampleWriter(through, nil), tables.NewSampleReader(through, nil)
	batch := workload.Builder(n, 1)
	return calling(func() error {
		if err := w.Write(ctx, batch); err != nil {
			return err
		}
		b, err := r.Next(ctx)
		if err == nil {
			b.Release()
		}
		return err
	}, nil)
}

func growingDictionary(n int) (runner, error) {
	ctx := context.Background()
	through := new(bytes.Buffer)
	w, r := tables.NewTypedWriter(through, &rt.WriterOptions{Dictionaries: ipc.DeltaDictionaries}), tables.NewTypedReader(through, nil)
	b := tables.NewTypedBuilder(nil)
	next := 0
	fill := func(news int) error {
		b.Reset()
		for i := range 1_000 {
			if i >= 1_000-news {
				next++
			}
			b.Append(tables.Typed{Value: int64(i), Time: workload.Moment(i), Category: workload.Category(max(next-1, 0))})
		}
		if err := w.Write(ctx, b); err != nil {
			return err
		}
		batch, err := r.Next(ctx)
		if err == nil {
			batch.Release()
		}
		return err
	}
	for next < n {
		if err := fill(min(1_000, n-next)); err != nil {
			return nil, err
		}
	}
	return calling(func() error { return fill(1) }, nil)
}

// growingConnections has n connections, all at rest but the one on which a batch goes there and back. The memory of one is what the
// process has more, both ends of it.
func growingConnections(n int) (runner, error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	l, err := uds.Listen(ctx, filepath.Join(dir, "s"), nil)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	before := resident()
	trippers := make([]*tripper, n)
	for i := range trippers {
		near, err := uds.Dial(ctx, l.Addr().String(), nil)
		if err != nil {
			return nil, fmt.Errorf("connection %d: %w", i, err)
		}
		far, err := l.Accept(ctx)
		if err != nil {
			return nil, err
		}
		t := typedTripper(near, far, 10)
		trippers[i] = t
		afterwards(t.end)
		go func() { _ = t.echo() }()
		if err := t.trip(); err != nil {
			return nil, err
		}
	}
	each := float64(resident()-before) / float64(n)
	return func(_ peer, d time.Duration) (sample, error) {
		s, err := timed(d, func(i int) error { return trippers[i%n].trip() })
		s.bytes = each
		return s, err
	}, nil
}

// resident returns the memory that this process has taken for values and stacks.
func resident() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
