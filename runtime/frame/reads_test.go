package frame_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/frame"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/mem"
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

// lazyMessages gives messages as a lazy reader whose first attempt at each finds nothing, and looks at what is held then.
type lazyMessages struct {
	messages
	t    *testing.T
	pool *mem.Pool
}

func (m *lazyMessages) ReadLazily(memory func() []byte, back func()) (int, error) {
	if p := memory(); len(p) == 0 {
		m.t.Fatal("no memory was given")
	}
	back()
	if held := m.pool.Stats().InUseBytes; held != 0 {
		m.t.Fatalf("%d bytes are held while the stream waits", held)
	}
	n, err := m.Read(memory())
	if n == 0 {
		back()
	}
	return n, err
}

// TestStreamReadsLazily wants a message like the one before it to take one read where the source is lazy, to where its body lies at a
// multiple of 64, and nothing to be held while the stream waits.
func TestStreamReadsLazily(t *testing.T) {
	message := func(values int) []byte {
		return it.NewBatch(int64(values)).Add(int64(values), 0, nil, make([]byte, 8*values)).Message()
	}
	small, long, large := message(10), message(5_000), message(100_000)
	head := len(small) - 128 // what stands before its 80 bytes, padded
	src := &lazyMessages{t: t, pool: mem.NewPool(nil), messages: messages{
		all: [][]byte{small, small, long, long, long, small, small, large, large, small, small},
	}}
	s := frame.NewStream(src, new(frame.IPC), &frame.StreamOptions{Pool: src.pool, Chunk: 256 << 10})
	for i, want := range slices.Clone(src.all) {
		m, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Body) != len(want)-head || !bytes.Equal(m.Body, want[head:]) {
			t.Fatalf("message %d: a body of %d bytes, want %d", i, len(m.Body), len(want)-head)
		}
		if len(m.Body) > 16<<10 && i > 2 && !mem.Debug && !mem.IsAligned(m.Body, 64) {
			t.Errorf("message %d: the body of %d bytes does not lie at a multiple of 64", i, len(m.Body))
		}
		if held := src.pool.Stats().InUseBytes; len(want) <= 4<<10 && held > 8<<10 && !mem.Debug {
			t.Errorf("message %d: one of %d bytes keeps %d", i, len(want), held)
		}
		m.Release()
		s.Discard(0)
	}
	for i, reads := range []int{1, 1, 2, 1, 1, 1, 1, 5, 5, 2, 1} {
		if got := src.asked[i]; len(got) > reads {
			t.Errorf("message %d: reads of %d bytes, want %d at most", i, got, reads)
		}
	}
}

// TestLazyBodiesAlign has frames whose lengths are no multiples of 64, the first alone and the others one behind the other, and wants
// the bodies of those to lie at multiples.
func TestLazyBodiesAlign(t *testing.T) {
	var in []byte
	bodies := [][]byte{text(20_000), text(20_000), text(20_001), text(30_000), text(40_000)}
	for _, b := range bodies {
		in = sized{}.append(in, b)
	}
	first := len(sized{}.append(nil, bodies[0]))
	src := &lazyMessages{t: t, pool: mem.NewPool(nil), messages: messages{all: [][]byte{in[:first], in[first:]}}}
	s := frame.NewStream(src, sized{}, &frame.StreamOptions{Pool: src.pool, Chunk: 256 << 10})
	for i, want := range bodies {
		f, err := s.Next()
		if err != nil || !bytes.Equal(f.body, want) {
			t.Fatalf("frame %d: %d bytes, %v, want %d", i, len(f.body), err, len(want))
		}
		if i > 0 && !mem.Debug && !mem.IsAligned(f.body, 64) { // where a body begins is not known before the first
			t.Errorf("frame %d: the body does not lie at a multiple of 64", i)
		}
		f.owner.Release()
	}
}

// lazyFunc is a lazy reader that is one function.
type lazyFunc func(memory func() []byte, back func()) (int, error)

func (lazyFunc) Read([]byte) (int, error) { return 0, errors.New("not lazy") }

func (f lazyFunc) ReadLazily(memory func() []byte, back func()) (int, error) { return f(memory, back) }

// TestLazyReadersThatLie wants errors for counts that cannot be, the source's own errors, and no memory to be held after either.
func TestLazyReadersThatLie(t *testing.T) {
	broken := errors.New("broken")
	for name, f := range map[string]lazyFunc{
		"more than there was":    func(memory func() []byte, _ func()) (int, error) { return len(memory()) + 1, nil },
		"less than nothing":      func(memory func() []byte, _ func()) (int, error) { memory(); return -1, nil },
		"into nothing":           func(func() []byte, func()) (int, error) { return 1, nil },
		"into what was returned": func(memory func() []byte, back func()) (int, error) { memory(); back(); return 1, nil },
		"never anything":         func(memory func() []byte, _ func()) (int, error) { memory(); return 0, nil },
		"broken":                 func(memory func() []byte, _ func()) (int, error) { memory(); memory(); return 0, broken },
		"the end":                func(memory func() []byte, _ func()) (int, error) { memory(); return 0, io.EOF },
	} {
		pool := mem.NewPool(nil)
		b := frame.NewBuffer(pool, 8<<10)
		err := b.Fill(f, 1, 100)
		switch {
		case err == nil || b.Len() != 0:
			t.Errorf("%s: %d bytes, %v, want an error", name, b.Len(), err)
		case name == "broken" && err != broken, name == "the end" && err != io.EOF: //nolint:errorlint // they are passed on
			t.Errorf("%s: %v", name, err)
		}
		if held := pool.Stats().InUseBytes; held != 0 {
			t.Errorf("%s: %d bytes are held", name, held)
		}
	}
}

// TestLazyBudget wants what was read to stay where the pool has nothing left for it, as with other sources.
func TestLazyBudget(t *testing.T) {
	budget := mem.NewBudget(8 << 10)
	b := frame.NewBuffer(mem.NewPool(&mem.PoolOptions{Budget: budget}), 8<<10)
	if err := budget.Reserve(8 << 10); err != nil {
		t.Fatal(err)
	}
	src := &lazyPieces{pieces{p: text(6 << 10), sizes: []byte{200}}}
	if err := b.Fill(src, 100, 1000); !errors.Is(err, mem.ErrBudget) || !bytes.Equal(b.Bytes(), text(200)) {
		t.Fatalf("%d bytes, %v, want 200 and ErrBudget", b.Len(), err)
	}
	budget.Release(8 << 10)
	if err := b.Fill(src, 6<<10, 0); err != nil || !bytes.Equal(b.Bytes(), text(6<<10)) {
		t.Fatalf("%d bytes, %v, want all", b.Len(), err)
	}
}
