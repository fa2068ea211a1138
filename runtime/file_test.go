package rt_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// tradeFile writes a file of batches of n trades each and returns its name.
func tradeFile(t *testing.T, batches, n int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "trades.arrow")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := rt.NewFileWriter(feed.TradeTable, f, nil)
	b := feed.NewTradeBuilder(nil)
	for range batches {
		b.Reset()
		b.AppendRows(trades(n))
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestErrorsOfFiles wants the name of the file once, and what to do.
func TestErrorsOfFiles(t *testing.T) {
	name := tradeFile(t, 1, 10)
	r, err := rt.OpenFile(feed.TradeTable, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{-1, 1, 5} {
		_, err := r.Batch(i)
		if want := fmt.Sprintf("lightstream: there is no batch %d in %s, which has 1; they are numbered from 0", i, name); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Batch(0); !errors.Is(err, os.ErrClosed) || strings.Count(err.Error(), name) != 1 {
		t.Errorf("a batch of a closed file: %v", err)
	}
}

// TestCloseInUse wants a Close that is refused to leave the file as it was: its dictionaries are charged to the budget on.
func TestCloseInUse(t *testing.T) {
	budget := mem.NewBudget(64 << 20)
	r, err := rt.MapFile(feed.TradeTable, tradeFile(t, 2, 100), &rt.ReaderOptions{Pool: mem.NewPool(&mem.PoolOptions{Budget: budget})})
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Batch(0)
	if err != nil {
		t.Fatal(err)
	}
	b.Release()
	used := budget.Used()
	if b, err = r.Batch(0); err != nil {
		t.Fatal(err)
	}
	if used == 0 {
		t.Fatal("the dictionary takes nothing")
	}
	if err := r.Close(); !errors.Is(err, mem.ErrInUse) {
		t.Fatalf("Close while a batch is out: %v", err)
	}
	b.Release()
	if now := budget.Used(); now != used {
		t.Errorf("%d bytes are taken by a file that is still open, want %d", now, used)
	}
	if b, err = r.Batch(1); err != nil {
		t.Fatal(err)
	}
	b.Release()
	if err := r.Close(); err != nil || budget.Used() != 0 {
		t.Errorf("%v, %d bytes are taken at the end", err, budget.Used())
	}
}

// TestMapFile reads a mapped file and a read one and compares their rows.
func TestMapFile(t *testing.T) {
	name := tradeFile(t, 3, 1000)
	r, err := rt.MapFile(feed.TradeTable, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	read, err := rt.OpenFile(feed.TradeTable, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	for i := range r.NumBatches() {
		a, err := r.Batch(i)
		if err != nil {
			t.Fatal(err)
		}
		b, err := read.Batch(i)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := a.AppendTo(nil), b.AppendTo(nil); !reflect.DeepEqual(got, want) {
			t.Fatalf("batch %d differs", i)
		}
		if err := r.Close(); !errors.Is(err, mem.ErrInUse) {
			t.Fatalf("Close while a batch is out: %v", err)
		}
		second := a.Retain()
		a.Release()
		if err := r.Close(); !errors.Is(err, mem.ErrInUse) {
			t.Fatalf("Close while a second handle is out: %v", err)
		}
		second.Release()
		b.Release()
	}
	if s := r.Stats(); s.Realigned != 0 || s.Converted != 0 || s.InPlace != 15 {
		t.Errorf("%+v", s)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Batch(0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a batch after Close: %v", err)
	}
}

// watched is a mapped file of which is noted how much is read.
type watched struct {
	*mem.Map
	read int
}

func (w *watched) ReadAt(p []byte, at int64) (int, error) {
	w.read += len(p)
	return w.Map.ReadAt(p, at)
}

// TestMappedColumnsAreNotRead opens a file of 20 MB and takes its batches: only metadata is read, and the columns lie in the map.
func TestMappedColumnsAreNotRead(t *testing.T) {
	m, err := mem.OpenMap(tradeFile(t, 4, 100_000))
	if err != nil {
		t.Fatal(err)
	}
	if !m.Mapped() {
		t.Skip("files are not mapped here")
	}
	w := &watched{Map: m}
	r, err := rt.NewFileReader(feed.TradeTable, w, m.Size(), nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := m.BlockAt(0, int(m.Size()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.NumBatches() {
		b, err := r.Batch(i)
		if err != nil {
			t.Fatal(err)
		}
		if p := b.Handle().Column(2).Buffers[1]; column.Native && !within(p, whole.Bytes()) {
			t.Error("the prices do not lie in the map")
		}
		b.Release()
	}
	if w.read > 16<<10 {
		t.Errorf("%d bytes were read of a file of %d", w.read, m.Size())
	}
	whole.Release()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// within tells whether p is a part of all.
func within[T column.Value](part []T, all []byte) bool {
	p := column.Bytes(part)
	for i := range all {
		if &all[i] == &p[0] {
			return i+len(p) <= len(all)
		}
	}
	return false
}
