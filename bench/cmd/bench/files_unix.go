//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// mappedFile is a file that is mapped: how many rows in how many batches, and of what.
type mappedFile struct {
	batches int
	mixed   bool // a bool, a utf8 and a dictionary column beside the four of numbers
	writer  peer // arrow-go and pyarrow put buffers at multiples of 8
	sum     bool // one column is summed up
	close   bool // what is measured is unmapping
}

// name returns the name of the file.
func (m *mappedFile) name() string {
	return fmt.Sprintf("rows=%d batches=%d mixed=%v by=%s.arrow", set.rows, m.batches, m.mixed, m.writer)
}

// start writes the file, unless it is there already, and returns what opens it.
func (m *mappedFile) start() (runner, error) {
	if err := os.MkdirAll(set.files, 0o777); err != nil {
		return nil, err
	}
	name := filepath.Join(set.files, m.name())
	if _, err := os.Stat(name); err != nil {
		if err := m.write(name); err != nil {
			return nil, errors.Join(err, os.Remove(name))
		}
	}
	openers := map[peer]*opener{}
	return func(p peer, d time.Duration) (sample, error) {
		if foreign(p) {
			if openers[p] == nil {
				cmd, err := openCommand(p, name, set.rows, m.sum, m.close)
				if err != nil {
					return sample{}, err
				}
				if openers[p], err = startOpener(cmd); err != nil {
					return sample{}, err
				}
				afterwards(openers[p].stop)
			}
			return openers[p].run(d)
		}
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var took time.Duration
		n, cpu := 0, time.Duration(0)
		for began := time.Now(); time.Since(began) < d; n++ {
			used, start := cpuTime(), time.Now()
			done, err := m.open(p, name)
			if err != nil {
				return sample{}, err
			}
			if m.close {
				used, start = cpuTime(), time.Now()
				err = done()
			}
			took += time.Since(start)
			cpu += cpuTime() - used
			if !m.close {
				err = done()
			}
			if err != nil {
				return sample{}, err
			}
		}
		runtime.ReadMemStats(&after)
		return sample{rate: float64(n) / took.Seconds(), cpu: cpu.Seconds() / float64(n), allocs: float64(after.Mallocs-before.Mallocs) / float64(n)}, nil
	}, nil
}

func (m *mappedFile) open(p peer, name string) (done func() error, err error) {
	if p == arrowGo {
		return m.openTheirs(name)
	}
	return m.openOurs(name)
}

var errRows = errors.New("not all rows are there")

// openOurs maps the file and takes a slice of each column of numbers.
func (m *mappedFile) openOurs(name string) (done func() error, err error) {
	f, err := mem.OpenMap(name)
	if err != nil {
		return nil, err
	}
	r, err := ipc.NewFileReader(f, f.Size(), nil)
	if err != nil {
		return nil, err
	}
	handles := make([]ipc.Batch, r.NumBatches())
	rows, total := 0, int64(0)
	for i := range handles {
		h, err := r.Batch(i)
		if err != nil {
			return nil, err
		}
		handles[i] = h
		ints, floats := column.View[int64](h.Column(0).Buffers[1]), column.View[float64](h.Column(1).Buffers[1])
		small, halves := column.View[int32](h.Column(2).Buffers[1]), column.View[float32](h.Column(3).Buffers[1])
		if rows += len(ints); len(floats) != len(ints) || len(small) != len(ints) || len(halves) != len(ints) {
			return nil, errRows
		}
		if m.sum {
			for _, v := range ints {
				total += v
			}
		}
	}
	if rows != set.rows || m.sum && total == 1 {
		return nil, errRows
	}
	return func() error {
		for _, h := range handles {
			h.Release()
		}
		r.Close()
		return f.Close()
	}, nil
}

// openTheirs does the same with arrow-go.
func (m *mappedFile) openTheirs(name string) (done func() error, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	r, err := aipc.NewMappedFileReader(data, aipc.WithBodySizeLimit(int64(len(data))))
	if err != nil {
		return nil, err
	}
	var records []arrow.RecordBatch
	rows, total := 0, int64(0)
	for i := range r.NumRecords() {
		rec, err := r.RecordBatchAt(i)
		if err != nil {
			return nil, err
		}
		records = append(records, rec)
		ints, floats := rec.Column(0).(*array.Int64).Int64Values(), rec.Column(1).(*array.Float64).Float64Values()
		small, halves := rec.Column(2).(*array.Int32).Int32Values(), rec.Column(3).(*array.Float32).Float32Values()
		if rows += len(ints); len(floats) != len(ints) || len(small) != len(ints) || len(halves) != len(ints) {
			return nil, errRows
		}
		if m.sum {
			for _, v := range ints {
				total += v
			}
		}
	}
	if rows != set.rows || m.sum && total == 1 {
		return nil, errRows
	}
	return func() error {
		for _, rec := range records {
			rec.Release()
		}
		return errors.Join(r.Close(), syscall.Munmap(data))
	}, nil
}

// columns returns the columns of a batch of n rows, and their schema.
func (m *mappedFile) columns(n int) (*ipc.Schema, []column.Data) {
	s := &ipc.Schema{}
	var list []column.Data
	add := func(name string, t ipc.Type, d column.Data) {
		d.Len = n
		s.Fields, list = append(s.Fields, ipc.Field{Name: name, Type: t}), append(list, d)
	}
	fixed := func(width int) column.Data {
		b := mem.Alloc(n * width)
		for i := range b {
			b[i] = byte(i * 7)
		}
		return column.Data{Buffers: [3][]byte{nil, b}}
	}
	add("i64", ipc.Int64, fixed(8))
	add("f64", ipc.Float64, fixed(8))
	add("i32", ipc.Int32, fixed(4))
	add("f32", ipc.Float32, fixed(4))
	if !m.mixed {
		return s, list
	}
	add("flag", ipc.Bool, column.Data{Buffers: [3][]byte{nil, mem.Alloc((n + 7) / 8)}})
	offsets := mem.Alloc(4 * (n + 1))
	for i, v := range column.View[int32](offsets) {
		_ = v
		column.View[int32](offsets)[i] = int32(4 * i)
	}
	add("text", ipc.Utf8, column.Data{Buffers: [3][]byte{nil, offsets, bytes.Repeat([]byte("text"), n)}})
	dict := m.dictionary()
	indices := mem.Alloc(4 * n)
	add("category", ipc.Utf8, column.Data{Buffers: [3][]byte{nil, indices}, Dictionary: dict, Values: dict.Values()})
	s.Fields[len(s.Fields)-1].Dictionary = ipc.DictionaryOf(ipc.Int32)
	return s, list
}

func (m *mappedFile) dictionary() *column.Dictionary {
	d := column.NewDictionary(0)
	for i := range 1000 {
		d.Append(fmt.Sprintf("category-%04d", i), false)
	}
	return d
}

func (m *mappedFile) write(name string) error {
	if m.writer == pyarrow {
		return runPython("write", name, set.rows, m.batches, m.mixed)
	}
	n := set.rows / m.batches
	s, columns := m.columns(n)
	if m.writer == arrowGo {
		return m.writeTheirs(name, columns, n)
	}
	w, err := ipc.CreateFile(name, s, nil)
	if err != nil {
		return err
	}
	for range m.batches {
		if err := w.Write(context.Background(), n, columns); err != nil {
			w.Abort()
			return err
		}
	}
	return w.Close()
}

// writeTheirs writes the four columns of numbers with arrow-go.
func (m *mappedFile) writeTheirs(name string, columns []column.Data, n int) error {
	types := []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Float32}
	var fields []arrow.Field
	var arrays []arrow.Array
	for i, t := range types {
		fields = append(fields, arrow.Field{Name: t.Name(), Type: t})
		arrays = append(arrays, array.MakeFromData(array.NewData(t, n, []*memory.Buffer{nil, memory.NewBufferBytes(columns[i].Buffers[1])}, nil, 0, 0)))
	}
	schema := arrow.NewSchema(fields, nil)
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w, err := aipc.NewFileWriter(f, aipc.WithSchema(schema))
	if err != nil {
		return err
	}
	rec := array.NewRecordBatch(schema, arrays, int64(n))
	for range m.batches {
		if err := w.Write(rec); err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), f.Close())
}

// fileCells are those of mapped files, which take gigabytes: they are run when -files says where. Those of files of pyarrow want
// -python or -peers.
func fileCells() (list []*cell) {
	add := func(name string, m *mappedFile) {
		peers := []peer{ours}
		if !m.mixed {
			peers = append(peers, arrowGo) // 18.8 panics at a mapped file with a dictionary
		}
		if absent[pyarrow] == "" {
			peers = append(peers, pyarrow)
		}
		if !m.mixed && absent[lightstreamRS] == "" {
			peers = append(peers, lightstreamRS)
		}
		if m.writer == "" {
			m.writer = ours
		}
		list = append(list, &cell{name: name, time: 100 * time.Millisecond, peers: peers, show: showCalls, setup: 10 * time.Second, start: m.start})
	}
	for _, batches := range []int{1, 100} {
		at := fmt.Sprintf("/batches=%d", batches)
		add("open"+at, &mappedFile{batches: batches})
		add("open-sum"+at, &mappedFile{batches: batches, sum: true})
		add("unmap"+at, &mappedFile{batches: batches, close: true})
		add("open/mixed"+at, &mappedFile{batches: batches, mixed: true})
		add("open/aligned=8"+at, &mappedFile{batches: batches, writer: arrowGo})
		if absent[pyarrow] == "" {
			add("open/by=pyarrow"+at, &mappedFile{batches: batches, writer: pyarrow})
			add("open/by=pyarrow/mixed"+at, &mappedFile{batches: batches, writer: pyarrow, mixed: true})
		}
	}
	return list
}
