package mem_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

func mapped(t *testing.T, content []byte) *mem.Map {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := mem.OpenMap(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	if m.Size() != int64(len(content)) || m.Name() != name {
		t.Fatal(m.Size(), m.Name())
	}
	return m
}

func TestMap(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
	m := mapped(t, content)
	if runtime.GOOS == "linux" && !m.Mapped() {
		t.Fatal("the file is not mapped")
	}
	a, err := m.BlockAt(64, 1000)
	if err != nil || !bytes.Equal(a.Bytes(), content[64:1064]) || a.Cap() < 1000 || m.Mapped() && !mem.IsAligned(a.Bytes(), 64) {
		t.Fatal(err)
	}
	b, err := m.BlockAt(m.Size(), 0)
	if err != nil || len(b.Bytes()) != 0 {
		t.Fatal(err)
	}
	for range 2 { // it stays open
		if err := m.Close(); m.Mapped() && !errors.Is(err, mem.ErrInUse) {
			t.Fatalf("Close with two blocks out: %v", err)
		}
	}
	if !m.Mapped() {
		return
	}
	p := make([]byte, 16)
	if n, err := m.ReadAt(p, 160_000-16); n != 16 || err != nil && err != io.EOF || !bytes.Equal(p, content[:16]) {
		t.Fatal(n, err)
	}
	b.Release()
	a.Retain()
	a.Release()
	if err := m.Close(); !errors.Is(err, mem.ErrInUse) {
		t.Fatalf("Close with a block out: %v", err)
	}
	a.Release()
	for range 2 {
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.BlockAt(0, 1); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if _, err := m.ReadAt(p, 0); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

func TestMapBounds(t *testing.T) {
	m := mapped(t, make([]byte, 100))
	for _, c := range [][2]int{{-1, 1}, {0, -1}, {0, 101}, {101, 0}, {100, 1}, {50, math.MaxInt}} {
		if b, err := m.BlockAt(int64(c[0]), c[1]); err == nil || b != nil {
			t.Errorf("bytes %d, %d of 100: %v", c[0], c[1], err)
		}
	}
	empty := mapped(t, nil)
	if b, err := empty.BlockAt(0, 0); err != nil || len(b.Bytes()) != 0 {
		t.Error(err)
	}
	if err := empty.Close(); err != nil {
		t.Error(err)
	}
	if _, err := mem.OpenMap(t.TempDir()); err == nil {
		t.Error("a directory was mapped")
	}
	if _, err := mem.OpenMap(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// TestMapIsUnmappedByCloseAlone forgets a block: a slice of it must stay readable whatever the collector does.
func TestMapIsUnmappedByCloseAlone(t *testing.T) {
	m := mapped(t, bytes.Repeat([]byte{7}, 1<<20))
	p := func() []byte {
		b, err := m.BlockAt(4096, 1<<19)
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}()
	for range 3 {
		runtime.GC()
	}
	if bytes.Count(p, []byte{7}) != len(p) {
		t.Error("the memory has changed")
	}
	if err := m.Close(); m.Mapped() && !errors.Is(err, mem.ErrInUse) {
		t.Error(err)
	}
}
