package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/lanes"
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
		add("dictionary", n, "a batch of 1,000 rows of texts from all over a dictionary of that size, but for the last one, which is new and goes as a delta: appended, encoded and decoded", growingDictionary)
	}
	for _, n := range []int{1, 2, 4, 8, 16} {
		add("lanes", n, "a batch of 10,000 rows of the reference table on one of that many TCP connections, in one order", growingLanes)
	}
	for _, n := range []int{1, 10, 100, 1_000, 10_000} {
		add("connections", n, "a batch of 10 rows there and back on one connection of that many, each with a reader and a writer at both ends; memory is that of both ends at rest, in which the 1,000 texts of the dictionary are three times: in the builder, and with each reader", growingConnections)
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
	w, r := tables.NewTypedWriter(through, &rt.WriterOptions{Dictionaries: ipc.DeltaDictionaries}), tables.NewTypedReader(through, &rt.ReaderOptions{Limits: &ipc.Limits{MaxDictionaryBytes: 1 << 30}})
	b := tables.NewTypedBuilder(nil)
	rows := make([]tables.Typed, 1_000)
	for i := range rows {
		rows[i] = tables.Typed{Value: int64(i), Time: workload.Moment(i)}
	}
	send := func() error {
		b.Reset()
		b.AppendRows(rows)
		if err := w.Write(ctx, b); err != nil {
			return err
		}
		batch, err := r.Next(ctx)
		if err == nil {
			batch.Release()
		}
		return err
	}
	next := 0
	for next < n {
		for i := range rows {
			rows[i].Category = workload.Category(min(next, n-1))
			next++
		}
		if err := send(); err != nil {
			return nil, err
		}
	}
	for i := range rows {
		rows[i].Category = workload.Category(i * n / len(rows))
	}
	next = n
	return func(_ peer, d time.Duration) (sample, error) {
		news := make([]string, d/(2*time.Microsecond)+1_000) // before the clock starts, and more than there is time for
		for i := range news {
			news[i] = workload.Category(next)
			next++
		}
		return repeat(func() error {
			if len(news) == 0 {
				return errors.New("too many batches for the texts that were made")
			}
			rows[len(rows)-1].Category, news = news[0], news[1:]
			return send()
		}, d)
	}, nil
}

// growingConnections has n connections to another process, all at rest but the one on which a batch goes there and back. The memory of
// one is what both processes have more: beside a reader and a writer at either end the builder of the batch with its dictionary, and what
// each reader has received of that.
func growingConnections(n int) (runner, error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	afterwards(func() error { return os.RemoveAll(dir) })
	name := filepath.Join(dir, "s")
	far, err := startEcho(name)
	if err != nil {
		return nil, err
	}
	afterwards(far.stop)
	theirs, err := far.resident()
	if err != nil {
		return nil, err
	}
	before := resident() + theirs
	trippers := make([]*tripper, n)
	for i := range trippers {
		near, err := uds.Dial(ctx, name, nil)
		if err != nil {
			return nil, fmt.Errorf("connection %d: %w", i, err)
		}
		t := nearTripper(near, 10)
		trippers[i] = t
		afterwards(near.Close)
		if err := t.trip(); err != nil {
			return nil, err
		}
	}
	if theirs, err = far.resident(); err != nil {
		return nil, err
	}
	each := float64(resident()+theirs-before) / float64(n)
	return func(_ peer, d time.Duration) (sample, error) {
		s, err := timed(d, func(i int) error { return trippers[i%n].trip() })
		s.bytes = each
		return s, err
	}, nil
}

// echoCommand is the first argument of a process that passes batches on as they came, on each connection.
const echoCommand = "echo-worker"

// echoing is that process: it listens on a Unix socket, and for each line of input says how much memory it has taken.
func echoing(name string) error {
	ctx := context.Background()
	l, err := uds.Listen(ctx, name, nil)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept(ctx)
			if err != nil {
				return
			}
			go func() {
				_ = echo(c)
				c.Close()
			}()
		}
	}()
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(resident())
	}
	return l.Close()
}

type echoer struct{ *opener }

func startEcho(name string) (*echoer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	o, err := startOpener(exec.Command(self, echoCommand, name))
	if err != nil {
		return nil, err
	}
	_, err = o.out.ReadString('\n')
	return &echoer{o}, err
}

func (e *echoer) resident() (n int64, err error) {
	if _, err := fmt.Fprintln(e.in); err != nil {
		return 0, err
	}
	_, err = fmt.Fscanln(e.out, &n)
	return n, err
}

// resident returns the memory that this process has taken for values and stacks.
func resident() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// growingLanes streams over n connections in one order, from one goroutine to another.
func growingLanes(n int) (runner, error) {
	ctx := context.Background()
	batch := workload.Builder(10_000, 1)
	return func(_ peer, d time.Duration) (sample, error) {
		var out []lanes.Sink[*tables.SampleBuilder]
		var in []lanes.Source[tables.SampleBatch]
		for range n {
			near, far, err := connected()
			if err != nil {
				return sample{}, err
			}
			defer near.Close()
			defer far.Close()
			out, in = append(out, tables.NewSampleWriter(near, nil)), append(in, tables.NewSampleReader(far, nil))
		}
		w, r := lanes.NewWriter(out, &lanes.Options{Ordered: true}), lanes.NewReader(in, &lanes.Options{Ordered: true})
		m := new(meter)
		received := make(chan error, 1)
		go func() {
			for {
				b, err := r.Next(ctx)
				if err != nil {
					if err == io.EOF {
						err = nil
					}
					received <- err
					return
				}
				b.Release()
				m.batch()
			}
		}()
		sent := 0
		var failed error
		for began := time.Now(); failed == nil && (sent < 2*n || time.Since(began) < d); sent++ {
			failed = w.Write(ctx, batch)
		}
		if err := errors.Join(failed, w.Close(), <-received); err != nil {
			return sample{}, err
		}
		rep := m.report()
		if rep.Batches != int64(sent) {
			return sample{}, fmt.Errorf("%d batches were sent, %d arrived", sent, rep.Batches)
		}
		k := float64(sent - 1)
		return sample{rate: k / rep.Seconds, cpu: rep.CPU / k, allocs: rep.Allocs / k}, nil
	}, nil
}
