package ipc_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/frame"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// readFile reads all batches of a file and every value in them, if they were checked.
func readFile(p []byte, opts *ipc.ReaderOptions) (rows int64, err error) {
	return readFrom(bytes.NewReader(p), int64(len(p)), opts)
}

// readMapped is readFile of a file that is mapped, and closed without anything of it in use. Its default level is that of others.
func readMapped(p []byte, opts *ipc.ReaderOptions) (rows int64, err error) {
	own := ipc.ReaderOptions{}
	if opts != nil {
		own = *opts
	}
	if own.Validate == ipc.DefaultLevel {
		own.Validate = ipc.Contents
	}
	f, err := os.CreateTemp("", "lightstream-*.arrow")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(p)
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	m, err := mem.OpenMap(f.Name())
	if err != nil {
		return 0, err
	}
	rows, err = readFrom(m, m.Size(), &own)
	if e := m.Close(); e != nil {
		return 0, fmt.Errorf("%v after %v", e, err) // which is of no type that is wanted
	}
	return rows, err
}

func readFrom(src io.ReaderAt, size int64, opts *ipc.ReaderOptions) (rows int64, err error) {
	r, err := ipc.NewFileReader(src, size, opts)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for i := range r.NumBatches() {
		h, err := r.Batch(i)
		if err != nil {
			return rows, err
		}
		if opts == nil || opts.Validate != ipc.Structure {
			it.Touch(h, r.Schema())
		}
		rows += int64(h.Len())
		h.Release()
	}
	return rows, nil
}

// damaged are the settings under which damaged input is read: little memory.
func damaged(level ipc.Level) (*ipc.ReaderOptions, *mem.Budget) {
	budget := mem.NewBudget(8 << 20)
	return &ipc.ReaderOptions{Validate: level, Pool: mem.NewPool(&mem.PoolOptions{Budget: budget})}, budget
}

// TestTruncation cuts streams and files at every byte. A stream that is cut says so, between messages or inside one; a file
// without its end is none.
func TestTruncation(t *testing.T) {
	opts, budget := damaged(ipc.Contents)
	for name, in := range seeds(t) {
		for cut := range in {
			if race && cut%7 != 0 {
				continue
			}
			opts.AllowMissingEnd = false
			_, err := readAll(bytes.NewReader(in[:cut]), opts)
			wellTyped(t, err, cut)
			if !errors.Is(err, ipc.ErrUnfinished) && !errors.Is(err, frame.ErrTruncated) {
				t.Fatalf("%s, %d of %d bytes: %v", name, cut, len(in), err)
			}
			if used := budget.Used(); used != 0 {
				t.Fatalf("%s, %d of %d bytes: %d bytes are held at the end", name, cut, len(in), used)
			}
			opts.AllowMissingEnd = true
			if _, err := readAll(bytes.NewReader(in[:cut]), opts); err != nil {
				wellTyped(t, err, cut)
			}
		}
	}
	for name, in := range fileSeeds(t) {
		for cut := range in {
			_, err := readFile(in[:cut], opts)
			if wellTyped(t, err, len(in)); err == nil || errors.Is(err, ipc.ErrUnfinished) {
				t.Fatalf("%s, %d of %d bytes: %v", name, cut, len(in), err)
			}
			if used := budget.Used(); used != 0 {
				t.Fatalf("%s, %d of %d bytes: %d bytes are held at the end", name, cut, len(in), used)
			}
		}
	}
}

// TestBitFlips flips every bit of a stream and a file, and some of each byte of others: an error of the right type, or values that can all be read.
func TestBitFlips(t *testing.T) {
	levels := []ipc.Level{ipc.Structure, ipc.Contents, ipc.UTF8}
	flip := func(t *testing.T, name string, in []byte, read func(p []byte, opts *ipc.ReaderOptions) (int64, error)) {
		p := slices.Clone(in)
		var accepted, refused int
		pools := make([]*mem.Pool, len(levels))
		budget := mem.NewBudget(8 << 20)
		for i := range pools {
			pools[i] = mem.NewPool(&mem.PoolOptions{Budget: budget})
		}
		most := int64(0)
		for i := range 8 * len(p) {
			if name != "ours" && i%3 != i/8%3 { // of the others, two or three bits of each byte
				continue
			}
			p[i/8] ^= 1 << (i % 8)
			for k, level := range levels {
				if level != ipc.Contents && i%16 != k || (testing.Short() || race) && i%64 > 3 {
					continue
				}
				var err error
				decode := func() { _, err = read(p, &ipc.ReaderOptions{Validate: level, Pool: pools[k]}) }
				if i%512 == 0 {
					most = max(most, allocated(decode))
				} else {
					decode()
				}
				if wellTyped(t, err, len(p)); err == nil {
					accepted++
				} else {
					refused++
				}
				if used := budget.Used(); used != 0 {
					t.Fatalf("bit %d: %d bytes are held at the end: %v", i, used, err)
				}
			}
			p[i/8] ^= 1 << (i % 8)
		}
		if accepted == 0 || refused == 0 {
			t.Errorf("%d accepted, %d refused", accepted, refused)
		}
		if most > 10<<20 {
			t.Errorf("up to %d bytes allocated for an input of %d", most, len(p))
		}
		t.Logf("%d bytes: %d accepted, %d refused, up to %d bytes allocated", len(p), accepted, refused, most)
	}
	for name, in := range seeds(t) {
		t.Run(name+" stream", func(t *testing.T) {
			flip(t, name, in, func(p []byte, opts *ipc.ReaderOptions) (int64, error) { return readAll(bytes.NewReader(p), opts) })
		})
	}
	for name, in := range fileSeeds(t) {
		t.Run(name+" file", func(t *testing.T) { flip(t, name, in, readFile) })
	}
}
