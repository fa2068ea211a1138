package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lightstream-go/lightstream/runtime/frame"
)

const input = "5:hello,3:you,0:,"

func Example() {
	main()
	// Output:
	// "hello"
	// "you"
	// ""
	// 3 frames, 17 bytes
}

func TestPieces(t *testing.T) {
	var whole, pieces strings.Builder
	if err := run(&whole, strings.NewReader(input)); err != nil {
		t.Fatal(err)
	}
	if err := run(&pieces, iotest.OneByteReader(strings.NewReader(input))); err != nil {
		t.Fatal(err)
	}
	if whole.String() != pieces.String() {
		t.Errorf("one byte at a time gives\n%s, want\n%s", &pieces, &whole)
	}
}

// TestChunks reads many netstrings, some of which lie across chunks and one that is longer than a chunk.
func TestChunks(t *testing.T) {
	var in, want strings.Builder
	frames := 0
	for _, n := range append(slices.Repeat([]int{1000}, 300), 3*chunk, 0, 7) {
		text := strings.Repeat("x", n)
		fmt.Fprintf(&in, "%d:%s,", n, text)
		fmt.Fprintf(&want, "%q\n", text)
		frames++
	}
	fmt.Fprintf(&want, "%d frames, %d bytes\n", frames, in.Len())
	src := &counted{src: strings.NewReader(in.String())}
	var out strings.Builder
	if err := run(&out, src); err != nil {
		t.Fatal(err)
	}
	if out.String() != want.String() {
		t.Error("the texts are not those that were written")
	}
	if src.reads > 2*(1+in.Len()/chunk)+2 {
		t.Errorf("%d reads for %d bytes", src.reads, in.Len())
	}
}

// counted counts reads.
type counted struct {
	src   io.Reader
	reads int
}

func (c *counted) Read(p []byte) (int, error) {
	c.reads++
	return c.src.Read(p)
}

func TestTruncated(t *testing.T) {
	ends := map[int]bool{0: true, 8: true, 14: true}
	for n := range len(input) {
		err := run(io.Discard, strings.NewReader(input[:n]))
		if ends[n] && err != nil || !ends[n] && !errors.Is(err, frame.ErrTruncated) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	for in, want := range map[string]error{
		"x:":                     frame.ErrMalformed,
		":,":                     frame.ErrMalformed,
		"-1:,":                   frame.ErrMalformed,
		"5:hello!":               frame.ErrMalformed,
		"0000000001:a,":          frame.ErrMalformed,
		strings.Repeat("1", 100): frame.ErrMalformed,
		"999999999:" + strings.Repeat("x", maxFrame+chunk): frame.ErrLimit,
	} {
		var at *frame.DecodeError
		err := run(io.Discard, strings.NewReader(input+in))
		if !errors.Is(err, want) || !errors.As(err, &at) || at.Frame != 3 {
			t.Errorf("%.20q: %v, want %v in frame 3", in, err, want)
		}
	}
}
