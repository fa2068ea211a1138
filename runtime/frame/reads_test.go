package frame_test

import (
	"io"
	"slices"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/frame"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
)

// messages gives one message after the other, as a connection does whose peer waits for an answer to each: what is read reaches no
// further than its end. It notes how much each read asked for.
type messages struct {
	all   [][]byte
	at    int // in the first
	asked [][]int
}

func (m *messages) Read(p []byte) (int, error) {
	if len(m.all) == 0 {
		return 0, io.EOF
	}
	if m.at == 0 {
		m.asked = append(m.asked, nil)
	}
	last := len(m.asked) - 1
	m.asked[last] = append(m.asked[last], len(p))
	n := copy(p, m.all[0][m.at:])
	if m.at += n; m.at == len(m.all[0]) {
		m.all, m.at = m.all[1:], 0
	}
	return n, nil
}

// TestStreamReads wants a message like the one before it to take two reads at most: one of its head, as an empty buffer waits in little
// memory, and one of the rest to where it stays.
func TestStreamReads(t *testing.T) {
	message := func(values int) []byte {
		return it.NewBatch(int64(values)).Add(int64(values), 0, nil, make([]byte, 8*values)).Message()
	}
	small, long, large := message(10), message(5_000), message(100_000)
	head := len(small) - 128 // what stands before its 80 bytes, padded
	src := &messages{all: [][]byte{small, small, long, long, long, small, small, large, large, small, small}}
	s := frame.NewStream(src, new(frame.IPC), &frame.StreamOptions{Chunk: 256 << 10})
	for want := range slices.Values(slices.Clone(src.all)) {
		m, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Body) != len(want)-head {
			t.Fatalf("a body of %d bytes, want %d", len(m.Body), len(want)-head)
		}
		m.Release()
	}
	const wait = 4 << 10
	for i, want := range []struct{ first, reads int }{
		{wait, 1}, {wait, 1}, // small
		{wait, 2}, {head, 2}, {head, 2}, // long
		{head, 2}, {wait, 1}, // small again
		{wait, 5}, {head, 5}, // large: in parts of 256 KiB
		{head, 2}, {wait, 1},
	} {
		if got := src.asked[i]; got[0] != want.first || len(got) > want.reads {
			t.Errorf("message %d: reads of %d bytes, want one of %d and at most %d", i, got, want.first, want.reads)
		}
	}
}
