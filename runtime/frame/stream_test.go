package frame_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// lines is a plain decoder: a frame is a line, without its end.
type lines struct{}

func (lines) Decode(buf []byte) ([]byte, int, error) {
	i := bytes.IndexByte(buf, '\n')
	if i < 0 {
		return nil, 0, nil
	}
	return buf[:i], i + 1, nil
}

// sized is a decoder that knows its sizes: two bytes of length, then the body. The frame has the block that the body lies in.
type sized struct{}

type sizedFrame struct {
	body  []byte
	owner *mem.Block
}

func (sized) Measure(p []byte) (head, body, need int, err error) {
	if len(p) < 4 {
		return 0, 0, 4, nil
	}
	n := binary.LittleEndian.Uint32(p)
	if n > 1<<30 {
		return 0, 0, 0, frame.At(0, "length", frame.Errorf(frame.ErrLimit, "%d bytes", n))
	}
	return 4, int(n), 0, nil
}

func (sized) DecodeBody(_, body []byte, owner *mem.Block) (sizedFrame, error) {
	return sizedFrame{body, owner}, nil
}

func (d sized) Decode(p []byte) (sizedFrame, int, error) {
	head, body, need, err := d.Measure(p)
	if err != nil || need > len(p) || head+body > len(p) {
		return sizedFrame{}, 0, err
	}
	return sizedFrame{body: p[head : head+body]}, head + body, nil
}

func (sized) append(dst []byte, body []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(body))), body...)
}

// text returns n bytes that tell where they are. They are not to be changed.
func text(n int) []byte { return numbers()[:n:n] }

var numbers = sync.OnceValue(func() (b []byte) {
	for i := 0; len(b) < 4<<20; i++ {
		b = append(strconv.AppendInt(b, int64(i), 10), ',')
	}
	return b
})

// sources are the ways in which a reader may hand out the same bytes.
var sources = []struct {
	name string
	of   func([]byte) io.Reader
}{
	{"whole", func(p []byte) io.Reader { return bytes.NewReader(p) }},
	{"byte by byte", func(p []byte) io.Reader { return iotest.OneByteReader(bytes.NewReader(p)) }},
	{"by halves", func(p []byte) io.Reader { return iotest.HalfReader(bytes.NewReader(p)) }},
	{"EOF with data", func(p []byte) io.Reader { return iotest.DataErrReader(bytes.NewReader(p)) }},
	{"EOF with each last byte", func(p []byte) io.Reader { return iotest.DataErrReader(iotest.OneByteReader(bytes.NewReader(p))) }},
	{"empty reads between", func(p []byte) io.Reader { return &stutter{r: bytes.NewReader(p)} }},
	{"random", func(p []byte) io.Reader {
		return &chopped{p, rand.New(rand.NewPCG(1, 2))}
	}},
}

// stutter returns nothing and no error every other time.
type stutter struct {
	r   io.Reader
	odd bool
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.odd = !s.odd; s.odd {
		return 0, nil
	}
	return s.r.Read(p)
}

// chopped returns pieces of random sizes.
type chopped struct {
	p []byte
	r *rand.Rand
}

func (c *chopped) Read(p []byte) (int, error) {
	if len(c.p) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:1+c.r.IntN(len(p))], c.p)
	c.p = c.p[n:]
	return n, nil
}

func TestStreamPlain(t *testing.T) {
	var want []string
	var in []byte
	for _, n := range []int{0, 1, 5, 4095, 4096, 4097, 12_000, 3, 20_000, 40_000, 0, 2} {
		want = append(want, string(text(n)))
		in = append(append(in, text(n)...), '\n')
	}
	for _, src := range sources {
		t.Run(src.name, func(t *testing.T) {
			pool := mem.NewPool(nil)
			s := frame.NewStream(src.of(in), lines{}, &frame.StreamOptions{Pool: pool, Chunk: 8 << 10})
			n := 0
			for line, err := range s.All() {
				if err != nil {
					t.Fatal(err)
				}
				if string(line) != want[n] {
					t.Fatalf("frame %d: %d bytes, want %d", n, len(line), len(want[n]))
				}
				n++
			}
			if n != len(want) || s.Frames() != int64(n) || s.Bytes() != int64(len(in)) {
				t.Fatalf("%d frames, %d by count, %d bytes; want %d and %d", n, s.Frames(), s.Bytes(), len(want), len(in))
			}
			if used := pool.Stats().InUseBytes; used != 0 {
				t.Errorf("%d bytes are held at the end", used)
			}
		})
	}
}

func TestStreamSized(t *testing.T) {
	var sizes []int
	var in []byte
	for _, n := range []int{0, 1, 5, 100, 100, 4095, 4096, 32 << 10, 100_000, 3, 0, 300_000, 20, 64 << 10} {
		sizes = append(sizes, n)
		in = sized{}.append(in, text(n))
	}
	for _, src := range sources {
		t.Run(src.name, func(t *testing.T) {
			pool := mem.NewPool(nil)
			s := frame.NewStream(src.of(in), sized{}, &frame.StreamOptions{Pool: pool})
			var kept []sizedFrame // all of them, so that no slab is reused
			for f, err := range s.All() {
				if err != nil {
					t.Fatal(err)
				}
				kept = append(kept, f)
			}
			if len(kept) != len(sizes) || s.Bytes() != int64(len(in)) {
				t.Fatalf("%d frames of %d bytes, want %d of %d", len(kept), s.Bytes(), len(sizes), len(in))
			}
			// In another order, each is intact until it is released itself.
			for _, i := range rand.New(rand.NewPCG(3, 4)).Perm(len(kept)) {
				if f := kept[i]; !bytes.Equal(f.body, text(sizes[i])) {
					t.Fatalf("frame %d of %d bytes has changed", i, sizes[i])
				}
				kept[i].owner.Release()
			}
			if used := pool.Stats().InUseBytes; used != 0 {
				t.Errorf("%d bytes are held at the end", used)
			}
		})
	}
}

// TestStreamEnds cuts a stream at every byte, with every kind of source.
func TestStreamEnds(t *testing.T) {
	in := sized{}.append(sized{}.append(nil, text(10)), text(7))
	for cut := range len(in) {
		for _, src := range sources {
			pool := mem.NewPool(nil)
			s := frame.NewStream(src.of(in[:cut]), sized{}, &frame.StreamOptions{Pool: pool})
			var err error
			for err == nil {
				var f sizedFrame
				if f, err = s.Next(); err == nil {
					f.owner.Release()
				} else if f.owner != nil {
					t.Fatal("a frame as well as an error")
				}
			}
			var e *frame.DecodeError
			switch {
			case cut == 0 || cut == 14:
				if err != io.EOF {
					t.Fatalf("cut %d, %s: %v, want io.EOF", cut, src.name, err)
				}
			case !errors.Is(err, frame.ErrTruncated) || !errors.As(err, &e) || e.Frame != int64(cut/14) || e.Offset != int64(cut%14):
				t.Fatalf("cut %d, %s: %v", cut, src.name, err)
			default:
				if _, again := s.Next(); again != err || s.Err() != err {
					t.Fatalf("%v and then %v", err, again)
				}
			}
			s.Free()
			if used := pool.Stats().InUseBytes; used != 0 {
				t.Errorf("cut %d, %s: %d bytes are held at the end", cut, src.name, used)
			}
		}
	}
}

// TestStreamSourceErrors breaks the source between and inside frames.
func TestStreamSourceErrors(t *testing.T) {
	broken := errors.New("broken")
	in := sized{}.append(nil, text(10))
	for cut := range len(in) + 1 {
		flaky := &flaky{parts: [][]byte{in[:cut], nil, in[cut:]}, err: broken}
		s := frame.NewStream(flaky, sized{}, nil)
		f, err := s.Next()
		switch cut {
		case 0: // between frames: the error passes
			if err != broken {
				t.Fatalf("%v, want the source's error", err)
			}
			if f, err = s.Next(); err != nil || !bytes.Equal(f.body, text(10)) {
				t.Fatalf("%q, %v after the error", f.body, err)
			}
		case len(in):
			if err != nil || !bytes.Equal(f.body, text(10)) {
				t.Fatalf("%q, %v", f.body, err)
			}
		default:
			var e *frame.DecodeError
			if !errors.As(err, &e) || !errors.Is(err, broken) || e.Offset != int64(cut) {
				t.Fatalf("cut %d: %v", cut, err)
			}
			if _, again := s.Next(); again != err {
				t.Fatalf("%v and then %v", err, again)
			}
		}
	}
}

// flaky returns its parts, one a read, and an error where one is empty.
type flaky struct {
	parts [][]byte
	err   error
}

func (f *flaky) Read(p []byte) (int, error) {
	if len(f.parts) == 0 {
		return 0, io.EOF
	}
	if len(f.parts[0]) == 0 {
		first := f.parts[0] == nil
		f.parts = f.parts[1:]
		if first {
			return 0, f.err
		}
		return 0, nil
	}
	n := copy(p, f.parts[0])
	if f.parts[0] = f.parts[0][n:]; len(f.parts[0]) == 0 {
		f.parts = f.parts[1:]
	}
	return n, nil
}

// wrong is a decoder that answers with what it was made with.
type wrong struct{ head, body, need, n int }

func (w wrong) Measure([]byte) (int, int, int, error)  { return w.head, w.body, w.need, nil }
func (w wrong) Decode(buf []byte) ([]byte, int, error) { return buf, w.n, nil }
func (w wrong) DecodeBody(_, body []byte, o *mem.Block) ([]byte, error) {
	o.Release()
	return body, nil
}

type plainWrong struct{ w wrong }

func (p plainWrong) Decode(buf []byte) ([]byte, int, error) { return p.w.Decode(buf) }

func TestStreamDecodersThatLie(t *testing.T) {
	in := text(1000)
	for _, w := range []wrong{
		{head: -1},
		{body: -1},
		{head: -1, body: 5},
		{head: 5, body: -1},
		{},
		{head: math.MaxInt, body: math.MaxInt},
		{head: 1, body: math.MaxInt},
		{head: math.MinInt, body: math.MinInt},
		{head: 2000},
		{head: 2000, body: 1 << 20},
		{need: math.MaxInt},
		{need: -1},
		{head: 100_000, body: 5},
	} {
		s := frame.NewStream[[]byte](bytes.NewReader(in), w, &frame.StreamOptions{MaxFrame: 1 << 20})
		_, err := s.Next()
		var e *frame.DecodeError
		if !errors.As(err, &e) {
			t.Errorf("%+v: %v", w, err)
		}
	}
	for _, n := range []int{-1, math.MinInt, 1001, math.MaxInt} {
		s := frame.NewStream[[]byte](bytes.NewReader(in), plainWrong{wrong{n: n}}, nil)
		var e *frame.DecodeError
		if f, err := s.Next(); !errors.As(err, &e) || !errors.Is(err, frame.ErrMalformed) || f != nil {
			t.Errorf("%d of 1000 bytes: %q, %v", n, f, err)
		}
	}
	for _, bad := range []int{-1, math.MinInt, 1 << 30} {
		for skip := range 3 {
			s := frame.NewStream[[]byte](&lyingReader{skip, bad}, lines{}, nil)
			if f, err := s.Next(); err == nil || f != nil {
				t.Errorf("a reader that says %d: %q, %v", bad, f, err)
			}
			z := frame.NewStream[sizedFrame](&lyingReader{skip, bad}, sized{}, nil)
			if f, err := z.Next(); err == nil || f.body != nil {
				t.Errorf("a reader that says %d: %q, %v", bad, f.body, err)
			}
		}
	}
	for range 2 {
		s := frame.NewStream[[]byte](iotest.ErrReader(nil), lines{}, nil)
		if _, err := s.Next(); err != io.ErrNoProgress {
			t.Errorf("a reader that returns nothing for ever: %v", err)
		}
	}
}

// lyingReader returns a few bytes and then a count that cannot be.
type lyingReader struct{ good, bad int }

func (l *lyingReader) Read(p []byte) (int, error) {
	if l.good == 0 {
		return l.bad, nil
	}
	l.good--
	clear(p)
	p[0], p[1], p[2] = 0, 0, 0x10 // a large body for sized
	return 3, nil
}

func TestStreamMaxFrame(t *testing.T) {
	opts := &frame.StreamOptions{MaxFrame: 100}
	at := func(n int, plain bool) error {
		if plain {
			_, err := frame.NewStream(bytes.NewReader(append(text(n-1), '\n')), lines{}, opts).Next()
			return err
		}
		_, err := frame.NewStream(bytes.NewReader(sized{}.append(nil, text(n-4))), sized{}, opts).Next()
		return err
	}
	for _, plain := range []bool{true, false} {
		if err := at(100, plain); err != nil {
			t.Error(err)
		}
		for _, n := range []int{101, 5000, 100_000} {
			var e *frame.DecodeError
			if err := at(n, plain); !errors.Is(err, frame.ErrLimit) || !errors.As(err, &e) || !strings.Contains(err.Error(), "MaxFrame") {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
	}
	// A line that never ends.
	s := frame.NewStream(io.LimitReader(endless{}, 1<<30), lines{}, &frame.StreamOptions{MaxFrame: 1 << 20})
	if _, err := s.Next(); !errors.Is(err, frame.ErrLimit) {
		t.Error(err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestStreamBelievesNoLength announces a gigabyte, in bodies and heads, and sends a kilobyte.
func TestStreamBelievesNoLength(t *testing.T) {
	alloc := &counting{}
	pool := func(budget int64) *mem.Pool {
		*alloc = counting{}
		return mem.NewPool(&mem.PoolOptions{Allocator: alloc, Budget: mem.NewBudget(budget)})
	}
	const first = 16 << 20
	in := append(binary.LittleEndian.AppendUint32(nil, 1<<30), text(1024)...)
	s := frame.NewStream(bytes.NewReader(in), sized{}, &frame.StreamOptions{Pool: pool(1 << 40)})
	if _, err := s.Next(); !errors.Is(err, frame.ErrTruncated) {
		t.Fatal(err)
	}
	if alloc.total > first+64<<10 {
		t.Errorf("%d bytes were allocated for a body of 1 GiB of which 1 KiB came", alloc.total)
	}
	// Where the budget is short the first block is smaller, and what comes beyond it is refused.
	s = frame.NewStream(bytes.NewReader(in), sized{}, &frame.StreamOptions{Pool: pool(1 << 20)})
	if _, err := s.Next(); !errors.Is(err, frame.ErrTruncated) {
		t.Fatal(err)
	}
	if alloc.total > 1<<20 {
		t.Errorf("%d bytes were allocated with a budget of 1 MiB", alloc.total)
	}
	in = append(in, make([]byte, 2<<20)...)
	s = frame.NewStream(bytes.NewReader(in), sized{}, &frame.StreamOptions{Pool: pool(1 << 20)})
	if _, err := s.Next(); !errors.Is(err, mem.ErrBudget) {
		t.Fatal(err)
	}
	in = in[:1028]
	h := frame.NewStream[[]byte](bytes.NewReader(in), wrong{head: 1 << 30}, &frame.StreamOptions{Pool: pool(1 << 40)})
	if _, err := h.Next(); !errors.Is(err, frame.ErrTruncated) {
		t.Fatal(err)
	}
	if alloc.total > first+first/4 {
		t.Errorf("%d bytes were allocated for a head of 1 GiB of which 1 KiB came", alloc.total)
	}
	// What does come is read with at most twice its size at a time, and a pool that has nothing is an error.
	big := sized{}.append(nil, make([]byte, 40<<20))
	shared := pool(1 << 40)
	for _, most := range []int64{100 << 20, 1 << 20} { // the second stream finds in the pool what the first has given back
		before := alloc.total
		s = frame.NewStream(bytes.NewReader(big), sized{}, &frame.StreamOptions{Pool: shared})
		f, err := s.Next()
		if err != nil || len(f.body) != 40<<20 {
			t.Fatal(len(f.body), err)
		}
		f.owner.Release()
		if n := alloc.total - before; n > most {
			t.Errorf("%d bytes were allocated for a body of 40 MiB, want at most %d", n, most)
		}
	}
	for _, budget := range []int64{0, 1 << 10, 64 << 10, 1 << 20} {
		s := frame.NewStream(bytes.NewReader(slices.Repeat([]byte{'x'}, 1<<20)), lines{}, &frame.StreamOptions{Pool: pool(budget)})
		if _, err := s.Next(); !errors.Is(err, mem.ErrBudget) {
			t.Errorf("budget %d: %v", budget, err)
		}
	}
}

// counting is an allocator that counts bytes.
type counting struct {
	mem.GoAllocator
	total int64
}

func (c *counting) Allocate(n int) []byte { c.total += int64(n); return c.GoAllocator.Allocate(n) }

// TestStreamLongLine reads a frame of 4 MiB that a plain decoder finds, whose buffer has to grow: in linear time.
func TestStreamLongLine(t *testing.T) {
	in := append(text(4<<20), '\n')
	alloc := &counting{}
	d := &countingLines{}
	s := frame.NewStream(bytes.NewReader(in), d, &frame.StreamOptions{Pool: mem.NewPool(&mem.PoolOptions{Allocator: alloc, MaxKept: -1})})
	line, err := s.Next()
	if err != nil || !bytes.Equal(line, in[:4<<20]) {
		t.Fatal(len(line), err)
	}
	if alloc.total > 4*int64(len(in)) || d.calls > 100 {
		t.Errorf("%d bytes and %d calls for a frame of %d bytes", alloc.total, d.calls, len(in))
	}
}

type countingLines struct {
	lines
	calls int
}

func (c *countingLines) Decode(p []byte) ([]byte, int, error) { c.calls++; return c.lines.Decode(p) }

// blocking is a source that tells when it is asked for more than it has.
type blocking struct {
	in     []byte
	asked  int // the most of one read
	waits  int
	onWait func()
}

func (b *blocking) Read(p []byte) (int, error) {
	b.asked = max(b.asked, len(p))
	if len(b.in) == 0 {
		b.waits++
		if b.onWait != nil {
			b.onWait()
		}
		return 0, io.EOF
	}
	n := copy(p, b.in)
	b.in = b.in[n:]
	return n, nil
}

// TestStreamIdle looks at what is held while a stream waits between frames, and how much it asks for at once.
func TestStreamIdle(t *testing.T) {
	for _, sizes := range [][]int{{100}, {100, 200_000}, {1 << 20}, {3 << 20, 10, 10}} {
		var in []byte
		for _, n := range sizes {
			in = sized{}.append(in, text(n))
		}
		pool := mem.NewPool(nil)
		src := &blocking{in: in}
		src.onWait = func() {
			if used := pool.Stats().InUseBytes; used != 0 {
				t.Errorf("frames of %d: %d bytes of the pool are held while waiting", sizes, used)
			}
		}
		s := frame.NewStream(src, sized{}, &frame.StreamOptions{Pool: pool, Chunk: 256 << 10})
		for range sizes {
			f, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			f.owner.Release()
		}
		if _, err := s.Next(); err != io.EOF {
			t.Fatal(err)
		}
		if src.waits == 0 || src.asked > 256<<10 {
			t.Errorf("frames of %d: %d waits, a read of %d bytes", sizes, src.waits, src.asked)
		}
	}
}

// TestStreamWaits4K checks that the first read of an idle stream has at most 4 KiB.
func TestStreamWaits4K(t *testing.T) {
	src := &blocking{}
	frame.NewStream(src, sized{}, &frame.StreamOptions{Chunk: 1 << 20}).Next()
	frame.NewStream(src, lines{}, &frame.StreamOptions{Chunk: 1 << 20}).Next()
	if src.asked > 4<<10 {
		t.Errorf("the first read asks for %d bytes", src.asked)
	}
}

// TestStreamDoesNotAllocate reads frames of several sizes that are given back.
func TestStreamDoesNotAllocate(t *testing.T) {
	if mem.Debug {
		t.Skip("a debug build notes who releases")
	}
	for _, n := range []int{0, 10, 1000, 20_000, 200_000} {
		in := sized{}.append(nil, text(n))
		src := &repeating{p: in}
		s := frame.NewStream[sizedFrame](src, sized{}, &frame.StreamOptions{Pool: mem.NewPool(nil)})
		next := func() {
			f, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			f.owner.Release()
		}
		for range 10 {
			next()
		}
		if a := testing.AllocsPerRun(200, next); a != 0 {
			t.Errorf("%v allocations for a frame of %d bytes", a, n)
		}
		line := frame.NewStream(&repeating{p: append(text(n), '\n')}, lines{}, &frame.StreamOptions{Pool: mem.NewPool(nil)})
		next = func() {
			if _, err := line.Next(); err != nil {
				t.Fatal(err)
			}
		}
		for range 10 {
			next()
		}
		if a := testing.AllocsPerRun(200, next); a != 0 {
			t.Errorf("%v allocations for a line of %d bytes", a, n)
		}
	}
}

// repeating is a source without end.
type repeating struct {
	p  []byte
	at int
}

func (r *repeating) Read(p []byte) (int, error) {
	n := copy(p, r.p[r.at:])
	r.at = (r.at + n) % len(r.p)
	return n, nil
}

func TestStreamPeekDiscardFree(t *testing.T) {
	s := frame.NewStream(strings.NewReader("one\ntwo\n"), lines{}, nil)
	if p, err := s.Peek(3); string(p[:3]) != "one" || err != nil {
		t.Fatalf("%q, %v", p, err)
	}
	s.Discard(1)
	if line, err := s.Next(); string(line) != "ne" || err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	if p, err := s.Peek(100); string(p) != "two\n" || err != io.EOF {
		t.Fatalf("%q, %v", p, err)
	}
	if string(s.Buffered()) != "two\n" {
		t.Fatalf("%q", s.Buffered())
	}
	s.Free()
	if _, err := s.Next(); err == nil || err == io.EOF {
		t.Fatal(err)
	}
	s.Free()
}

// TestStreamBreak leaves a loop and goes on where it was left.
func TestStreamBreak(t *testing.T) {
	s := frame.NewStream(strings.NewReader("a\nb\nc\n"), lines{}, nil)
	var got []string
	for range 4 {
		for line, err := range s.All() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(line))
			break
		}
	}
	if strings.Join(got, "") != "abc" {
		t.Fatal(got)
	}
}

// TestStreamAligns reads frames whose heads have five bytes. In a steady stream of payloads of 16 KiB and more each lies at a
// multiple of 64 all the same.
func TestStreamAligns(t *testing.T) {
	mixed := []int{20_000, 0, 17, 16 << 10, 100, 90_000, 200_000, 30_000, 64, 30_001, 29_999, 1, 1, 1, 50_000, 16<<10 - 1, 60_000, 60_000}
	for name, sizes := range map[string][]int{"mixed": mixed, "steady": slices.Repeat([]int{30_000, 16 << 10, 77_777}, 10)} {
		for reader, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader,
		} {
			t.Run(name+"/"+reader, func(t *testing.T) { aligns(t, sizes, wrap, name == "steady") })
		}
	}
}

func aligns(t *testing.T, sizes []int, wrap func(io.Reader) io.Reader, all bool) {
	l := &frame.Lightstream{}
	if _, err := l.RegisterMessage("m"); err != nil {
		t.Fatal(err)
	}
	var wire []byte
	for i, n := range sizes {
		var err error
		if wire, err = l.AppendFrame(wire, frame.LightstreamFrame{Payload: bytes.Repeat([]byte{byte(i + 1)}, n)}); err != nil {
			t.Fatal(err)
		}
	}
	var kept []frame.LightstreamFrame
	for f, err := range frame.NewStream(wrap(bytes.NewReader(wire)), l, &frame.StreamOptions{Chunk: 256 << 10}).All() {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, f) // all stay as they are until they are released
	}
	if len(kept) != len(sizes) {
		t.Fatalf("%d frames, want %d", len(kept), len(sizes))
	}
	for i, f := range kept {
		if len(f.Payload) != sizes[i] || bytes.Count(f.Payload, []byte{byte(i + 1)}) != sizes[i] {
			t.Fatalf("frame %d has %d bytes, or others", i, len(f.Payload))
		}
		if all && !mem.IsAligned(f.Payload, 64) {
			t.Errorf("frame %d lies elsewhere than at a multiple of 64", i)
		}
	}
	for i := range kept {
		kept[i].Release()
	}
}
