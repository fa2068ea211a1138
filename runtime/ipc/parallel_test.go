package ipc_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/arrowjson"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// TestParallelBatches reads the batches of golden files by several goroutines at once, each of which wants what one alone has read, by
// ReadAt and mapped, all columns and some. Close and Stats are called meanwhile.
func TestParallelBatches(t *testing.T) {
	n := 0
	for _, name := range goldens(t) {
		text, err := os.ReadFile(name + ".arrow_file")
		if err != nil {
			t.Fatal(err)
		}
		want := fileContent(t, bytes.NewReader(text), int64(len(text)), nil)
		if len(want.Batches) < 2 {
			continue
		}
		n++
		t.Run(filepath.Base(name), func(t *testing.T) {
			pool := mem.NewPool(&mem.PoolOptions{Budget: mem.NewBudget(1 << 30)})
			readParallel(t, func() (*ipc.FileReader, func() error) {
				r, err := ipc.NewFileReader(bytes.NewReader(text), int64(len(text)), &ipc.ReaderOptions{Pool: pool})
				if err != nil {
					t.Fatal(err)
				}
				return r, nil
			}, want)
			readParallel(t, func() (*ipc.FileReader, func() error) {
				m, err := mem.OpenMap(name + ".arrow_file")
				if err != nil {
					t.Fatal(err)
				}
				r, err := ipc.NewFileReader(m, m.Size(), &ipc.ReaderOptions{Pool: pool, Validate: ipc.UTF8})
				if err != nil {
					t.Fatal(err)
				}
				return r, m.Close
			}, want)
		})
	}
	if n < 15 {
		t.Errorf("%d files have several batches", n)
	}
}

func readParallel(t *testing.T, open func() (*ipc.FileReader, func() error), want *arrowjson.Content) {
	t.Helper()
	r, closeSource := open()
	const readers = 4
	var wg sync.WaitGroup
	for k := range readers {
		wg.Go(func() {
			for i := range 3 * r.NumBatches() {
				at := (i*(2*k+1) + k) % r.NumBatches()
				h, err := r.Batch(at)
				if err != nil {
					t.Error(err)
					return
				}
				got := &arrowjson.Content{Schema: r.Schema(), Batches: []arrowjson.Batch{{Rows: h.Len(), Columns: ipc.Columns(h)}}}
				if d := arrowjson.Diff(got, &arrowjson.Content{Schema: want.Schema, Batches: want.Batches[at : at+1]}); d != "" {
					t.Errorf("batch %d: %s", at, d)
				}
				if h.Release(); k == 0 && i == r.NumBatches() {
					r.Close() // gives up the budget of the dictionaries, and nothing else
				}
				r.Stats()
			}
		})
	}
	wg.Wait()
	if s := r.Stats(); s.Batches != int64(readers*3*r.NumBatches()) || s.Bytes == 0 {
		t.Errorf("counted %+v", s)
	}
	if closeSource != nil {
		if err := closeSource(); err != nil {
			t.Error(err)
		}
	}
}

// meeting is a compressor whose Inflate waits until another is called.
type meeting struct {
	ipc.Compressor
	mu   sync.Mutex
	come chan struct{} // nil while nobody waits
	met  int
}

func (m *meeting) Inflate(dst, src []byte) error {
	m.mu.Lock()
	if m.come == nil {
		come := make(chan struct{})
		m.come = come
		m.mu.Unlock()
		select {
		case <-come:
		case <-time.After(10 * time.Second):
		}
	} else {
		close(m.come)
		m.come = nil
		m.met++
		m.mu.Unlock()
	}
	return m.Compressor.Inflate(dst, src)
}

// Two batches are decoded at the same time: each waits for the other in the middle of it.
func TestBatchesAtOnce(t *testing.T) {
	old := ipc.CompressorOf(ipc.LZ4)
	m := &meeting{Compressor: old}
	ipc.RegisterCompressor(ipc.LZ4, m)
	defer ipc.RegisterCompressor(ipc.LZ4, old)
	var buf bytes.Buffer
	s := &ipc.Schema{Fields: []ipc.Field{{Name: "n", Type: ipc.Int64}}}
	w := ipc.NewFileWriter(&buf, s, &ipc.WriterOptions{Compression: ipc.LZ4})
	for range 2 {
		if err := w.Write(context.Background(), 100, []column.Data{{Len: 100, Buffers: [3][]byte{nil, mem.Alloc(800)}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewFileReader(strings.NewReader(buf.String()), int64(buf.Len()), nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			if _, err := r.Batch(i); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if m.met != 1 {
		t.Errorf("one batch waits for the other")
	}
}
