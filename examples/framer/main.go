// Framer reads a framing that the library does not know: netstrings, in which "5:hello," is the text hello. The type
// netstrings is all that it takes. Buffers, limits, memory and the loop come with frame.Stream, which reads in chunks of 64 KiB.
//
//	go run ./examples/framer
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/runtime/frame"
)

const (
	// chunk is how much is read at once.
	chunk = 64 << 10
	// maxFrame is the longest netstring accepted. A frame may be longer than a chunk.
	maxFrame = 1 << 20
)

// maxDigits is how many digits a length may have.
const maxDigits = 9

// netstrings finds one netstring at the start of a buffer.
type netstrings struct{}

var _ frame.Decoder[[]byte] = netstrings{}

// Decode returns the text, which aliases buf, and how many bytes the netstring takes; 0 while it is not all there.
func (netstrings) Decode(buf []byte) (text []byte, n int, err error) {
	digits, rest, found := bytes.Cut(buf, []byte{':'})
	if !found && len(digits) <= maxDigits {
		return nil, 0, nil
	}
	length, err := strconv.ParseUint(string(digits[:min(len(digits), maxDigits)]), 10, 32)
	switch {
	case err != nil || len(digits) > maxDigits:
		return nil, 0, frame.At(0, "length", frame.Errorf(frame.ErrMalformed, "%.12q, want up to %d digits and a colon", digits, maxDigits))
	case uint64(len(rest)) <= length:
		return nil, 0, nil
	case rest[length] != ',':
		return nil, 0, frame.At(0, "end", frame.Errorf(frame.ErrMalformed, "%q after %d bytes, want a comma", rest[length], length))
	}
	return rest[:length:length], len(digits) + len(":") + int(length) + len(","), nil
}

func main() {
	if err := run(os.Stdout, strings.NewReader("5:hello,3:you,0:,")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run prints the netstrings in src, which may arrive in pieces of any size.
func run(out io.Writer, src io.Reader) error {
	stream := frame.NewStream(src, netstrings{}, &frame.StreamOptions{Chunk: chunk, MaxFrame: maxFrame})
	for text, err := range stream.All() {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%q\n", text) // valid until the next one
	}
	fmt.Fprintf(out, "%d frames, %d bytes\n", stream.Frames(), stream.Bytes())
	return nil
}
