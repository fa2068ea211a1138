package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/lightstream-go/lightstream/runtime/frame"
)

func Example() {
	main()
	// Output:
	// frame 0: 1 trades of ACME, 10.00 in all
	// frame 1: 2 trades of ACME, 20.25 in all
	// frame 2: 3 trades of ACME, 30.75 in all
}

// wire returns n frames, and where each begins.
func wire(t testing.TB, n int) (all []byte, starts []int) {
	t.Helper()
	var buf bytes.Buffer
	if err := send(&buf, n); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < buf.Len(); {
		starts = append(starts, at)
		at += headSize + int(binary.LittleEndian.Uint32(buf.Bytes()[at+4:]))
	}
	return buf.Bytes(), starts
}

func TestPieces(t *testing.T) {
	all, _ := wire(t, 5)
	var whole, pieces bytes.Buffer
	if err := receive(&whole, bytes.NewReader(all)); err != nil {
		t.Fatal(err)
	}
	if err := receive(&pieces, iotest.OneByteReader(bytes.NewReader(all))); err != nil {
		t.Fatal(err)
	}
	if whole.String() != pieces.String() || bytes.Count(whole.Bytes(), []byte("\n")) != 5 {
		t.Errorf("one byte at a time gives\n%s, want\n%s", &pieces, &whole)
	}
}

// TestInPlace wants columns that are the received bytes: the head has the length that Arrow's alignment asks for.
func TestInPlace(t *testing.T) {
	all, _ := wire(t, 50)
	c := newChecked()
	for f, err := range frame.NewStream(bytes.NewReader(all), c, nil).All() {
		if err != nil {
			t.Fatal(err)
		}
		f.trades.Release()
	}
	if s := c.trades.Stats(); s.Batches != 50 || s.Realigned != 0 || s.InPlace == 0 {
		t.Errorf("%+v, want nothing copied", s)
	}
}

// TestDamage changes each bit of a frame.
func TestDamage(t *testing.T) {
	all, starts := wire(t, 2)
	for bit := range 8 * starts[1] {
		damaged := bytes.Clone(all)
		damaged[bit/8] ^= 1 << (bit % 8)
		if err := receive(io.Discard, bytes.NewReader(damaged)); err == nil {
			t.Fatalf("bit %d of byte %d is wrong and nobody says so", bit%8, bit/8)
		}
	}
}

func TestTruncated(t *testing.T) {
	all, starts := wire(t, 2)
	for n := range all {
		err := receive(io.Discard, bytes.NewReader(all[:n]))
		whole := n == 0 || n == starts[1]
		if whole && err != nil || !whole && !errors.Is(err, frame.ErrTruncated) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}

func TestRefused(t *testing.T) {
	all, starts := wire(t, 3)
	skipped := append(bytes.Clone(all[:starts[1]]), all[starts[2]:]...)
	twice := append(bytes.Clone(all[:starts[1]]), all[:starts[1]]...)
	flipped := bytes.Clone(all)
	flipped[len(flipped)-1] ^= 1
	long := bytes.Clone(all)
	binary.LittleEndian.PutUint32(long[4:], maxPayload+1)
	for name, c := range map[string]struct {
		in    []byte
		want  error
		frame int64
	}{
		"a frame is missing": {skipped, errSequence, 1},
		"a frame twice":      {twice, errSequence, 1},
		"a bit":              {flipped, errChecksum, 2},
		"too long":           {long, frame.ErrLimit, 0},
		"another protocol":   {bytes.Repeat([]byte("x"), 100), frame.ErrMalformed, 0},
	} {
		var at *frame.DecodeError
		err := receive(io.Discard, bytes.NewReader(c.in))
		if !errors.Is(err, c.want) || !errors.As(err, &at) || at.Frame != c.frame {
			t.Errorf("%s: %v, want %v in frame %d", name, err, c.want, c.frame)
		}
	}
}

func FuzzReceive(f *testing.F) {
	all, starts := wire(f, 2)
	f.Add(all)
	f.Add(all[:starts[1]+70])
	f.Fuzz(func(t *testing.T, in []byte) { _ = receive(io.Discard, bytes.NewReader(in)) })
}
