package frame_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

func TestBufferAlignsAfterMoves(t *testing.T) {
	for _, taken := range []int{1, 63, 100, 4096, 5000, 8191} {
		src := bytes.NewReader(text(1 << 20))
		b := frame.NewBuffer(mem.NewPool(nil), 8<<10)
		if err := b.Fill(src, 8<<10, 0); err != nil {
			t.Fatal(err)
		}
		b.Advance(taken)
		if err := b.Fill(src, 8<<10, 0); err != nil { // there is no room for so many behind what is left
			t.Fatal(err)
		}
		if !mem.IsAligned(b.Bytes(), mem.Alignment) || !bytes.Equal(b.Bytes(), text(taken + b.Len())[taken:]) {
			t.Errorf("after %d bytes: aligned %v", taken, mem.IsAligned(b.Bytes(), mem.Alignment))
		}
		b.Free()
		if b.Len() != 0 {
			t.Fatal("something is left")
		}
	}
}

// TestBufferShare holds slabs while the buffer is filled anew.
func TestBufferShare(t *testing.T) {
	pool := mem.NewPool(nil)
	src := bytes.NewReader(text(1 << 20))
	b := frame.NewBuffer(pool, 4<<10)
	type view struct {
		p    []byte
		at   int
		slab *mem.Block
	}
	var views []view
	at := 0
	for i := range 200 {
		n := 1 + i*7%3000
		if err := b.Fill(src, n, 4<<10); err != nil {
			t.Fatal(err)
		}
		views = append(views, view{b.Bytes()[:n:n], at, b.Share()})
		b.Advance(n)
		at += n
	}
	b.Free()
	for len(views) > 0 { // every third first
		for i := len(views) - 1; i >= 0; i -= 3 {
			v := views[i]
			if !bytes.Equal(v.p, text(1 << 20)[v.at:v.at+len(v.p)]) {
				t.Fatalf("the bytes at %d have changed", v.at)
			}
			v.slab.Release()
			views = append(views[:i], views[i+1:]...)
		}
	}
	if used := pool.Stats().InUseBytes; used != 0 {
		t.Errorf("%d bytes are held at the end", used)
	}
}

// TestBufferBudget refuses slabs, and goes on when there is memory again.
func TestBufferBudget(t *testing.T) {
	budget := mem.NewBudget(100 << 10)
	b := frame.NewBuffer(mem.NewPool(&mem.PoolOptions{Budget: budget}), 64<<10)
	if err := budget.Reserve(60 << 10); err != nil {
		t.Fatal(err)
	}
	src := bytes.NewReader(text(80 << 10))
	if err := b.Fill(src, 5000, 64<<10); !errors.Is(err, mem.ErrBudget) {
		t.Fatal(err)
	}
	n := b.Len()
	if n == 0 || !bytes.Equal(b.Bytes(), text(n)) {
		t.Fatalf("%d bytes are kept", n)
	}
	if err := b.Fill(src, 5000, 64<<10); !errors.Is(err, mem.ErrBudget) || b.Len() != n {
		t.Fatal(err, b.Len())
	}
	budget.Release(60 << 10)
	if err := b.Fill(src, 5000, 64<<10); err != nil || !bytes.Equal(b.Bytes(), text(b.Len())) {
		t.Fatal(err)
	}
	// More than the budget has: what was read stays.
	if err := b.Fill(src, 80<<10, 0); !errors.Is(err, mem.ErrBudget) || !bytes.Equal(b.Bytes(), text(b.Len())) {
		t.Fatal(err)
	}
	b.Advance(b.Len())
	if err := b.Fill(src, 1, 0); err != nil {
		t.Fatal(err)
	}
	b.Free()
	if err := b.Fill(bytes.NewReader(nil), 1, 0); err != io.EOF {
		t.Fatal(err)
	}
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are held at the end", used)
	}
}
