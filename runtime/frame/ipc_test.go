package frame_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/internal/flatbuf"
	"github.com/lightstream-go/lightstream/runtime/frame"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

var le = binary.LittleEndian

// message says what a message has, in terms that do not depend on where it lies.
type message struct {
	end, batch, compressed bool
	kind                   arrowfb.MessageHeader
	rows                   int64
	nodes, buffers         [][2]int64
	variadic               []int64
	body                   []byte
}

func describe(m frame.Message) message {
	d := message{end: m.End, kind: m.Root.HeaderType(), body: m.Body}
	l := m.Batch
	if fb, ok := m.Root.HeaderDictionaryBatch(); ok {
		l = m.Dictionary(fb.Data())
	}
	if l == nil {
		return d
	}
	d.batch, d.compressed, d.rows = m.Batch != nil, l.Compressed, l.Rows()
	for i := range l.NumNodes() {
		a, b := l.Node(i)
		d.nodes = append(d.nodes, [2]int64{a, b})
	}
	for i := range l.NumBuffers() {
		a, b := l.Buffer(i)
		d.buffers = append(d.buffers, [2]int64{a, b})
	}
	for i := range l.NumVariadics() {
		d.variadic = append(d.variadic, l.Variadics(i))
	}
	return d
}

func (m message) equal(o message) bool {
	return m.end == o.end && m.batch == o.batch && m.compressed == o.compressed && m.kind == o.kind && m.rows == o.rows &&
		slices.Equal(m.nodes, o.nodes) && slices.Equal(m.buffers, o.buffers) && slices.Equal(m.variadic, o.variadic) &&
		bytes.Equal(m.body, o.body)
}

// agree decodes the messages in p with one IPC, which remembers, and each with a new one, which does not: they say the same.
func agree(t *testing.T, p []byte) {
	t.Helper()
	first := it.Schema(it.Field{Name: "first", Type: it.Int(64, true)})
	old := &frame.IPC{}
	for at, most := 0, 0; at < len(p); {
		got, n, err := old.Decode(p[at:])
		zeros := 0 // after a dictionary
		for zeros < most && zeros+4 <= len(p[at:]) && p[at+zeros] == 0 {
			zeros++
		}
		if zeros != 0 && zeros < most && (len(p[at+zeros:]) < 4 || le.Uint32(p[at+zeros:]) != 1<<32-1) {
			if n != 0 {
				t.Fatalf("at %d: a message of %d bytes, among zeros", at, n)
			}
			return
		}
		fresh := &frame.IPC{}
		if at != 0 { // what no stream begins with may stand in the middle of one
			if _, k, err := fresh.Decode(first); k != len(first) || err != nil {
				t.Fatalf("%d, %v", k, err)
			}
		}
		want, k, newErr := fresh.Decode(p[at+zeros:])
		if k != 0 {
			k += zeros
		}
		if n != k || (err == nil) != (newErr == nil) {
			t.Fatalf("at %d: %d bytes and %v, without memory %d and %v", at, n, err, k, newErr)
		}
		if err != nil || n == 0 {
			var e *frame.DecodeError
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if !describe(got).equal(describe(want)) {
			t.Fatalf("at %d: %+v, without memory %+v", at, describe(got), describe(want))
		}
		if got.End {
			return
		}
		if most = 0; got.Root.HeaderType() == arrowfb.MessageHeaderDictionaryBatch && le.Uint32(p[at+zeros:]) == 1<<32-1 {
			most = -(n - zeros) & 63
		}
		at += n
	}
}

func batchOf(rows int64, values ...int32) *it.Batch {
	return it.NewBatch(rows).Add(rows, 0, nil, it.I32(values...))
}

func TestIPCRemembersMetadata(t *testing.T) {
	a, b := batchOf(3, 1, 2, 3).Message(), batchOf(2, 4, 5).Message()
	views, data := it.Views("one that is longer than twelve", "short")
	v := it.NewBatch(2).AddViews(2, 0, nil, views, data).Message()
	none := it.NewBatch(7).Message() // without columns
	schema := it.Schema(it.Field{Name: "x", Type: it.Int(32, true)})
	dict := it.Dictionary(1, false, "a")
	agree(t, slices.Concat(schema, a, b, a, v, v, a, dict, a, none, none, b, it.Message(it.Meta(arrowfb.MetadataVersionV4, batchOf(1, 1).Header, 64), make([]byte, 64)), a, it.End))
	// Any bit of the second may differ.
	for i := range (len(b) - 64) * 8 {
		flipped := slices.Clone(b)
		flipped[i/8] ^= 1 << (i % 8)
		agree(t, slices.Concat(a, flipped, make([]byte, 64)))
	}
}

// TestIPCZeros reads dictionaries whose bodyLength leaves out the zeros behind them, in pieces of every length.
func TestIPCZeros(t *testing.T) {
	schema := it.Schema(it.Field{Name: "x", Type: it.Int(32, true)})
	whole := it.Dictionary(1, false, "ab")
	const short = 50 // zeros at its end that are not counted
	head, body, _, err := (&frame.IPC{}).Measure(whole)
	if err != nil {
		t.Fatal(err)
	}
	dict := slices.Clone(whole[:len(whole)-short])
	m, err := arrowfb.VerifyMessage(dict[8:head], flatbuf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	le.PutUint64(dict[8+m.BodyLengthPos():], uint64(body-short))
	batch := batchOf(3, 1, 2, 3).Message()
	for zeros := range short + 2 {
		in := slices.Concat(schema, dict, make([]byte, zeros), batch, dict, make([]byte, min(zeros, short)), it.End)
		s := frame.NewStream[frame.Message](iotest.OneByteReader(bytes.NewReader(in)), &frame.IPC{}, nil)
		var got []message
		for m, err := range s.All() {
			if err != nil {
				if zeros <= short {
					t.Fatalf("%d zeros: %v", zeros, err)
				}
				break
			}
			got = append(got, describe(m))
			got[len(got)-1].body = slices.Clone(m.Body)
			m.Release()
		}
		if zeros > short {
			if len(got) == 5 {
				t.Fatalf("%d zeros were read, want at most %d", zeros, short)
			}
			continue
		}
		if len(got) != 5 || !got[2].batch || !bytes.Equal(got[2].body, batch[len(batch)-len(got[2].body):]) || !got[4].end {
			t.Fatalf("%d zeros: %+v", zeros, got)
		}
		if s.Bytes() != int64(len(in)) {
			t.Fatalf("%d bytes, want %d", s.Bytes(), len(in))
		}
	}
	for _, bad := range [][]byte{
		slices.Concat(dict, make([]byte, 9), []byte{1}, make([]byte, short-10), batch),
		slices.Concat(dict, make([]byte, short-1)),
		slices.Concat(dict, make([]byte, short), []byte{0xFF}),
	} {
		s := frame.NewStream[frame.Message](bytes.NewReader(slices.Concat(schema, bad)), &frame.IPC{}, nil)
		for range 2 {
			m, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			m.Release()
		}
		var e *frame.DecodeError
		if _, err := s.Next(); !errors.As(err, &e) || !errors.Is(err, frame.ErrMalformed) && !errors.Is(err, frame.ErrTruncated) {
			t.Fatalf("%v, want ErrMalformed or ErrTruncated", err)
		}
	}
	// In streams from before 0.15 such zeros are a marker.
	d := &frame.IPC{}
	in := slices.Concat(it.Legacy(dict[8:head], dict[head:]), make([]byte, 4))
	_, n, err := d.Decode(in)
	if err != nil || n != len(in)-4 {
		t.Fatalf("%d of %d bytes, %v", n, len(in), err)
	}
	if m, n, err := d.Decode(in[n:]); err != nil || n != 4 || !m.End {
		t.Fatalf("%+v, %d, %v", m, n, err)
	}
}

// TestIPCOverlap sends metadata whose field nodes are also the vtable of their batch, so that what differs between two batches is
// where their fields are.
func TestIPCOverlap(t *testing.T) {
	evil := func(change func(vtable []byte)) []byte {
		meta := it.Meta(arrowfb.MetadataVersionV5, batchOf(3, 1, 2, 3).Header, 0)
		meta = append(meta, make([]byte, -(len(meta)+4)&7)...) // 4 bytes of count, then a multiple of 8
		message := int(le.Uint32(meta))
		field := func(table, slot int) int {
			vtable := table - int(int32(le.Uint32(meta[table:])))
			return table + int(le.Uint16(meta[vtable+4+2*slot:]))
		}
		at := field(message, 2)
		batch := at + int(le.Uint32(meta[at:]))
		vtable := batch - int(int32(le.Uint32(meta[batch:])))
		size := int(le.Uint16(meta[vtable:]))
		if size > 16 {
			t.Fatalf("a vtable of %d bytes", size)
		}
		nodes := len(meta)
		own := make([]byte, 16)
		copy(own, meta[vtable:vtable+size])
		le.PutUint32(meta[field(batch, 1):], uint32(nodes-field(batch, 1)))
		meta = append(le.AppendUint32(meta, 1), own...)
		neg := int32(batch - (nodes + 4))
		le.PutUint32(meta[batch:], uint32(neg))
		change(meta[nodes+4:])
		return it.Message(meta, nil)
	}
	first := evil(func([]byte) {})
	if m, n, err := (&frame.IPC{}).Decode(first); err != nil || m.Batch == nil || n != len(first) {
		t.Fatal("the metadata is to pass the verifier:", err)
	}
	for _, to := range []uint16{0, 4, 1000, math.MaxUint16} {
		agree(t, slices.Concat(first, evil(func(vtable []byte) { le.PutUint16(vtable[4:], to) }), first)) // where the rows are
		agree(t, slices.Concat(first, evil(func(vtable []byte) { le.PutUint16(vtable[8:], to) }), first)) // where the buffers are
	}
}

func TestIPCBodiesAreAligned(t *testing.T) {
	var in []byte
	for i := range int32(100) {
		in = append(in, batchOf(3, i, i, i).Message()...)
	}
	in = append(in, it.End...)
	for _, src := range sources {
		pool := mem.NewPool(nil)
		var kept []frame.Message
		for m, err := range frame.NewStream(src.of(in), &frame.IPC{}, &frame.StreamOptions{Pool: pool, Chunk: 4 << 10}).All() {
			if err != nil {
				t.Fatal(err)
			}
			if !m.End && !mem.IsAligned(m.Body, 64) {
				t.Fatalf("%s: body %d does not lie at a multiple of 64", src.name, len(kept))
			}
			kept = append(kept, m)
		}
		if len(kept) != 101 || !kept[100].End || kept[100].Owner != nil {
			t.Fatalf("%s: %d messages", src.name, len(kept))
		}
		for i := range kept[:100] {
			if le.Uint32(kept[i].Body) != uint32(i) {
				t.Fatalf("%s: body %d has changed", src.name, i)
			}
			kept[i].Release()
			kept[i].Release()
		}
		if used := pool.Stats().InUseBytes; used != 0 {
			t.Errorf("%s: %d bytes are held at the end", src.name, used)
		}
	}
}

func TestIPCDoesNotAllocate(t *testing.T) {
	if mem.Debug {
		t.Skip("a debug build notes who releases")
	}
	b := batchOf(20, make([]int32, 20)...).Message()
	s := frame.NewStream(&repeating{p: b}, &frame.IPC{}, &frame.StreamOptions{Pool: mem.NewPool(nil)})
	next := func() {
		m, err := s.Next()
		if err != nil || m.Batch == nil || m.Batch.Rows() != 20 {
			t.Fatal(err)
		}
		m.Release()
	}
	for range 100 {
		next()
	}
	if a := testing.AllocsPerRun(1000, next); a != 0 {
		t.Errorf("%v allocations a message", a)
	}
}

// TestIPCNamesWhatIsNotArrow begins with the first bytes of other formats and protocols.
func TestIPCNamesWhatIsNotArrow(t *testing.T) {
	for _, c := range []struct{ in, says string }{
		{"HTTP/1.1 400 Bad Request\r\n", "the peer speaks HTTP, use http://"},
		{"GET / HTTP/1.1\r\n", "the peer is an HTTP client"},
		{"POST / HTTP/1.1\r\n", "the peer is an HTTP client"},
		{"PRI * HTTP/2.0\r\n\r\n", "the peer is an HTTP/2 client"},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "the peer speaks TLS, use tls://"},
		{"\x15\x03\x03\x00\x02\x02\x16", "TLS alert, use tls://"},
		{"PAR1\x15\x04\x15", "a Parquet file"},
		{"FEA1\x00\x00\x00\x00", "a Feather file of version 1, not an Arrow stream; write it anew as version 2"},
		{"ARROW1\x00\x00", "an Arrow IPC file, not an Arrow stream"},
		{"\x1f\x8b\x08\x00\x00\x00\x00\x00", "gzip"},
		{"\x28\xb5\x2f\xfd\x24\x00", "ZSTD"},
		{"LSG1\x00\x00\x00\x00", "Lightstream protocol"},
		{"{\"price\": 3}\n", `"{\"price\": 3}" is not an Arrow stream`},
		{"time,price\n", `"time,price\n" is not an Arrow stream`},
		{"\x89PNG\r\n\x1a\n", "is not an Arrow stream"},
		{"\x04\x22\x4d\x18\x60\x40", "is not an Arrow stream"},
		{"SSH-2.0-OpenSSH\r\n", `"SSH-2.0-Open" is not an Arrow stream`},
		{"\x05\x00\x00\x00\x00", "is not an Arrow stream"},
		{"\x00\x00\x01\x00\x00\xff\xff\xff\xff\x30\x00", "a frame with tag 0 and 256 bytes of Arrow in it is not an Arrow stream; the peer speaks the Lightstream protocol or TLV"},
	} {
		for _, src := range sources {
			_, err := frame.NewStream(src.of([]byte(c.in)), &frame.IPC{}, nil).Next()
			says := c.says
			if strings.Contains(src.name, "byte") { // only the first four are there
				says, _, _ = strings.Cut(says, `"`)
			}
			var e *frame.DecodeError
			if !errors.As(err, &e) || !errors.Is(err, frame.ErrMalformed) || e.Frame != 0 || e.Offset != 0 || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v, want %q", src.name, err, c.says)
			}
		}
	}
}

// errWaits is returned where a reader waits for bytes that do not come.
var errWaits = errors.New("the reader waits for more")

// waiting has the bytes of a peer that says no more before it is answered.
type waiting struct{ p []byte }

func (w *waiting) Read(p []byte) (int, error) {
	if len(w.p) == 0 {
		return 0, errWaits
	}
	n := copy(p, w.p)
	w.p = w.p[n:]
	return n, nil
}

// TestIPCRefusesFramesAtOnce sends one frame of a tag and a length, with a message in it, and then nothing.
func TestIPCRefusesFramesAtOnce(t *testing.T) {
	for tag := range 254 {
		for _, payload := range []string{
			"h", "hi", "hello", "{\"a\":1}", "\x0a\x04abcd\x10\x01", // text, JSON, Protobuf
			"\x10\x00\x00\x00\x00\x00\x0a\x00\x0c\x00\x04\x00\x08\x00\x00\x00", // a flatbuffer
			strings.Repeat("long", 100), strings.Repeat("longer", 20_000), "\xff\xff\xff\xff\x78\x00\x00\x00" + strings.Repeat("x", 120),
		} {
			in := binary.LittleEndian.AppendUint32([]byte{byte(tag)}, uint32(len(payload)))
			in = append(in, payload...)
			for _, src := range []io.Reader{&waiting{in}, iotest.OneByteReader(&waiting{in})} {
				_, err := frame.NewStream(src, &frame.IPC{}, nil).Next()
				if errors.Is(err, errWaits) || !errors.Is(err, frame.ErrMalformed) || !strings.Contains(err.Error(), "is not an Arrow stream") {
					t.Errorf("tag %d, %.10q: %v", tag, payload, err)
				}
				if tag < 32 && !strings.Contains(err.Error(), "a frame with tag") {
					t.Errorf("tag %d, %.10q: %v does not name what it is", tag, payload, err)
				}
			}
		}
	}
}

func TestIPCLimits(t *testing.T) {
	big := it.Schema(slices.Repeat([]it.Field{{Name: "column", Type: it.Int(32, true)}}, 1000)...)
	body := it.Message(it.Meta(arrowfb.MetadataVersionV5, it.NewBatch(0).Header, 1<<20), make([]byte, 1<<20))
	for _, c := range []struct {
		ipc   frame.IPC
		in    []byte
		says  string
		at    int64
		path  string
		limit bool
	}{
		{frame.IPC{MaxMetadata: 10_000}, big, "50.9 KiB exceeds Limits.MaxMetadata (10000 bytes)", 4, "metadata length", true},
		{frame.IPC{MaxMetadata: 1 << 40}, big, "", 0, "", false},
		{frame.IPC{MaxMetadata: 1 << 40}, []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0}, "", 9, "", false},
		{frame.IPC{MaxBody: 1<<20 - 1}, body, "1048576 bytes exceeds Limits.MaxBody (1048575 bytes)", 32, "message.bodyLength", true},
		{frame.IPC{MaxBody: 1 << 20}, body, "", 0, "", false},
	} {
		_, err := frame.NewStream(bytes.NewReader(c.in), &c.ipc, nil).Next()
		var e *frame.DecodeError
		switch {
		case !c.limit && c.at == 0 && err != nil,
			!c.limit && c.at != 0 && !errors.Is(err, frame.ErrTruncated) && !errors.Is(err, frame.ErrLimit):
			t.Error(err)
		case c.limit && (!errors.As(err, &e) || !errors.Is(err, frame.ErrLimit) || e.Offset != c.at || e.Path != c.path || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%v, want %q at %d (%s)", err, c.says, c.at, c.path)
		}
	}
}

// TestZerosBehindDictionaries reads streams whose dictionaries are followed by zeros, up to a multiple of 64 from their start,
// that the bodyLength does not count, however the bytes come.
func TestZerosBehindDictionaries(t *testing.T) {
	for n := 1; n <= 130; n++ {
		dict := it.NewBatch(1).Add(1, 0, nil, it.I32(0, int32(n)), nil)
		dict.Body = append(dict.Body[:64], make([]byte, n)...)
		dict.Buffers[2] = [2]int64{64, int64(n)}
		for i := range dict.Body[64:] {
			dict.Body[64+i] = 'x'
		}
		message := dict.Dictionary(0, false)
		zeros := make([]byte, -len(message)&63)
		batch := it.NewBatch(1).Add(1, 0, nil, it.I32(0)).Message()
		in := slices.Concat(it.Schema(it.Field{Name: "d", Type: it.Utf8, Dict: &it.Dict{Bits: 32}}), message, zeros, message, batch, it.End)
		for name, src := range map[string]io.Reader{"whole": bytes.NewReader(in), "bytewise": iotest.OneByteReader(bytes.NewReader(in))} {
			s := frame.NewStream(src, &frame.IPC{}, nil)
			var kinds []arrowfb.MessageHeader
			for m, err := range s.All() {
				if err != nil {
					t.Fatalf("%d, %s: %v", n, name, err)
				}
				switch {
				case m.End:
					kinds = append(kinds, 0)
				case m.Batch != nil:
					kinds = append(kinds, arrowfb.MessageHeaderRecordBatch)
				default:
					kinds = append(kinds, m.Root.HeaderType())
				}
				m.Release()
			}
			want := []arrowfb.MessageHeader{arrowfb.MessageHeaderSchema, arrowfb.MessageHeaderDictionaryBatch, arrowfb.MessageHeaderDictionaryBatch, arrowfb.MessageHeaderRecordBatch, 0}
			if !slices.Equal(kinds, want) {
				t.Fatalf("%d, %s: %v", n, name, kinds)
			}
		}
		// More zeros than that are the end marker of old streams, and behind one that is complete there are none.
		s := frame.NewStream(bytes.NewReader(slices.Concat(message, zeros, make([]byte, 4), batch)), &frame.IPC{}, nil)
		if m, err := s.Next(); err != nil || m.End {
			t.Fatal(n, err)
		}
		if m, err := s.Next(); err != nil || !m.End {
			t.Fatalf("%d: %d zeros were passed over, %v", n, len(zeros)+4, err)
		}
		// What is wrong behind them has its place.
		bad := slices.Concat(message, zeros, []byte{0xFF, 0xFF, 0xFF, 0xFF, 4, 0, 0, 0}, make([]byte, 64))
		s = frame.NewStream(bytes.NewReader(bad), &frame.IPC{}, nil)
		_, _ = s.Next()
		var e *frame.DecodeError
		if _, err := s.Next(); !errors.As(err, &e) || e.Offset != int64(len(zeros)+4) {
			t.Fatalf("%d: %v", n, err)
		}
	}
}
