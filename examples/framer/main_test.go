package main

import (
	"errors"
	"io"
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
		"999999999:" + strings.Repeat("x", 100_000): frame.ErrLimit,
	} {
		var at *frame.DecodeError
		err := run(io.Discard, strings.NewReader(input+in))
		if !errors.Is(err, want) || !errors.As(err, &at) || at.Frame != 3 {
			t.Errorf("%.20q: %v, want %v in frame 3", in, err, want)
		}
	}
}
