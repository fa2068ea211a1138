package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/internal/flatbuf"
	"github.com/lightstream-go/lightstream/runtime/internal/sizes"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Message is a message of Arrow IPC whose metadata passed the verifier.
type Message struct {
	// End tells that it is the end-of-stream marker, which has neither metadata nor body.
	End bool
	// Root is the metadata of a message that is no RecordBatch, zero for those and for the end. It and Batch are valid until
	// the next message is decoded.
	Root arrowfb.Message
	// Batch is the metadata of a RecordBatch message by constant offsets, nil for all other messages.
	Batch *BatchLayout
	// Body are the buffers. They lie in Owner, of which the receiver has one reference.
	Body  []byte
	Owner *mem.Block
	// Head is how many bytes of the message stand before the body.
	Head int

	meta   []byte // of Root
	prefix int    // bytes before meta
}

// Release gives up the message's reference to the memory of its body.
func (m *Message) Release() {
	if m.Owner != nil {
		m.Owner.Release()
		m.Owner, m.Body = nil, nil
	}
}

// Metadata returns the message's flatbuffer, nil of an end marker. It is valid until the next message is decoded.
func (m *Message) Metadata() []byte {
	if m.Batch != nil {
		return m.Batch.meta
	}
	return m.meta
}

// BatchLayout reads the metadata of a RecordBatch message at the offsets that an earlier message of the same bytes, but for
// these fields, had them at. A field that is absent there has position 0 and value 0.
type BatchLayout struct {
	meta   []byte
	prefix int // bytes of the message before meta

	bodyLength, rows  int
	nodes, numNodes   int
	bufs, numBufs     int
	counts, numCounts int

	V4         bool // metadata version V4
	Compressed bool
	Codec      arrowfb.CompressionType
	Method     arrowfb.BodyCompressionMethod

	// Metadata are the entries that a program has attached to the message, read-only. Messages whose entries are the same share
	// them. Those of dictionaries are not read.
	Metadata []KeyValue
}

// KeyValue is an entry of a schema's, field's, message's or file's metadata.
type KeyValue struct{ Key, Value string }

// attached reads the entries that a program has attached to a message, whose texts take at most so many bytes: entries may share one.
func attached(m arrowfb.Message, most int64) (list []KeyValue, err error) {
	const entry = 32 // bytes of it beside its texts
	for i := range m.CustomMetadataLen() {
		kv := m.CustomMetadata(i)
		if most -= int64(entry + len(kv.KeyBytes()) + len(kv.ValueBytes())); most < 0 {
			return nil, Errorf(ErrLimit, "the entries share texts and take more bytes than Limits.MaxMetadata; raise it if the peer is trusted")
		}
		list = append(list, KeyValue{kv.Key(), kv.Value()})
	}
	return list, nil
}

func (l *BatchLayout) int64(at int) int64 {
	if at == 0 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(l.meta[at:]))
}

// Rows returns the number of rows, as the message says.
func (l *BatchLayout) Rows() int64 { return l.int64(l.rows) }

// NumNodes returns the number of field nodes.
func (l *BatchLayout) NumNodes() int { return l.numNodes }

// Node returns the rows and nulls of field node i < NumNodes.
func (l *BatchLayout) Node(i int) (rows, nulls int64) { return l.pair(l.nodes + 16*i) }

// NumBuffers returns the number of buffers.
func (l *BatchLayout) NumBuffers() int { return l.numBufs }

// Buffer returns where buffer i < NumBuffers lies in the body.
func (l *BatchLayout) Buffer(i int) (offset, length int64) { return l.pair(l.bufs + 16*i) }

// pair returns two values of a vector that is not absent.
func (l *BatchLayout) pair(at int) (int64, int64) {
	b := l.meta[at : at+16]
	return int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))
}

// RowsAt returns where in the message the number of rows is, in bytes from its start.
func (l *BatchLayout) RowsAt() int64 { return int64(l.prefix + l.rows) }

// NodeAt returns where in the message field node i is.
func (l *BatchLayout) NodeAt(i int) int64 { return int64(l.prefix + l.nodes + 16*i) }

// BufferAt returns where in the message the place of buffer i is.
func (l *BatchLayout) BufferAt(i int) int64 { return int64(l.prefix + l.bufs + 16*i) }

// VariadicAt returns where in the message variadic buffer count i is.
func (l *BatchLayout) VariadicAt(i int) int64 { return int64(l.prefix + l.counts + 8*i) }

// NumVariadics returns the number of variadic buffer counts.
func (l *BatchLayout) NumVariadics() int { return l.numCounts }

// Variadics returns variadic buffer count i < NumVariadics.
func (l *BatchLayout) Variadics(i int) int64 { return l.int64(l.counts + 8*i) }

// Dictionary returns the layout of the values of a DictionaryBatch message.
func (m *Message) Dictionary(values arrowfb.RecordBatch) *BatchLayout {
	l := new(BatchLayout)
	l.locate(m.Root, values)
	l.meta, l.prefix = m.meta, m.prefix
	return l
}

// locate finds the fields of a record batch.
func (l *BatchLayout) locate(m arrowfb.Message, b arrowfb.RecordBatch) {
	*l = BatchLayout{
		bodyLength: m.BodyLengthPos(), rows: b.LengthPos(),
		nodes: b.NodesPos(), numNodes: b.NodesLen(),
		bufs: b.BuffersPos(), numBufs: b.BuffersLen(),
		counts: b.VariadicBufferCountsPos(), numCounts: b.VariadicBufferCountsLen(),
	}
	l.V4 = m.Version() < arrowfb.MetadataVersionV5
	if c := b.Compression(); !c.IsZero() {
		l.Compressed, l.Codec, l.Method = true, c.Codec(), c.Method()
	}
}

// patched lists the parts of the metadata that differ from batch to batch, as position and length. Some may be empty.
func (l *BatchLayout) patched() [4][2]int {
	p := [4][2]int{{l.bodyLength, 8}, {l.rows, 8}, {l.nodes, 16 * l.numNodes}, {l.bufs, 16 * l.numBufs}}
	for i := range p {
		if p[i][0] == 0 { // absent
			p[i][1] = 0
		}
	}
	return p
}

// blank returns the metadata with ones in its patched parts, or nil where those are more than values: an offset, length, tag or
// vtable that overlaps one of them leads nowhere when it is all ones.
func (l *BatchLayout) blank(meta []byte) []byte {
	b := bytes.Clone(meta)
	for _, p := range l.patched() {
		for i := range p[1] {
			b[p[0]+i] = 0xFF
		}
	}
	m, err := arrowfb.VerifyMessage(b, flatbuf.Limits{})
	if err != nil {
		return nil
	}
	batch, ok := m.HeaderRecordBatch()
	same := *l
	same.locate(m, batch)
	entries, err := attached(m, math.MaxInt64) // which were counted
	if !ok || err != nil || !slices.Equal(entries, l.Metadata) || m.Version() < arrowfb.MetadataVersionV4 || same.patched() != l.patched() ||
		same.counts != l.counts || same.numCounts != l.numCounts || same.Compressed != l.Compressed || same.Codec != l.Codec || same.Method != l.Method {
		return nil
	}
	return b
}

// IPC is the framing of Arrow IPC streams, by metadata version V4 and V5, with and without the continuation marker. Each IPC
// is for one stream: it remembers the metadata that the verifier passed last, and what differs from it only in the fields
// that every batch has of its own is not verified again. Zeros that a dictionary's bodyLength leaves out, as that of the Rust
// Lightstream does, are taken for a part of the next message.
type IPC struct {
	// MaxMetadata and MaxBody are the longest metadata and body accepted, in bytes. Zero means 16 MiB and 1 GiB.
	MaxMetadata, MaxBody int64

	started bool
	prefix  int // bytes before the metadata: zeros, and then 8, or 4 in streams from before 0.15
	zeros   int // that may stand before the next message

	layout   BatchLayout
	known    []byte // metadata that passed, blank
	segments [][2]int

	// What Measure found.
	isBatch  bool
	lengthAt int // of bodyLength in the metadata
	end      bool
}

var (
	_ Decoder[Message]      = (*IPC)(nil)
	_ SizedDecoder[Message] = (*IPC)(nil)
)

const continuation = 0xFFFFFFFF

// Decode finds one message at the start of buf. Its body aliases buf and has no owner.
func (d *IPC) Decode(buf []byte) (m Message, n int, err error) {
	head, body, need, err := d.Measure(buf)
	if err != nil || need > len(buf) || body > len(buf)-head {
		return m, 0, err
	}
	m, err = d.DecodeBody(buf[:head], buf[head:head+body:head+body], nil)
	return m, head + body, err
}

// Restart tells that what is decoded next does not follow what was decoded last. What is known of the stream stays.
func (d *IPC) Restart() { d.zeros = 0 }

// Measure tells the length of the message that starts with prefix, and verifies its metadata.
func (d *IPC) Measure(prefix []byte) (head, body, need int, err error) {
	start, need, err := d.padding(prefix)
	if err != nil || need != 0 {
		return 0, 0, need, err
	}
	if len(prefix) < start+4 {
		return 0, 0, start + 4, nil
	}
	le := binary.LittleEndian
	length, at := int64(int32(le.Uint32(prefix[start:]))), start+4
	if le.Uint32(prefix[start:]) == continuation {
		if len(prefix) < start+8 {
			return 0, 0, start + 8, nil
		}
		length, at = int64(int32(le.Uint32(prefix[start+4:]))), start+8
	} else if !d.started {
		if err := foreign(prefix); err != nil {
			return 0, 0, 0, err
		}
		if need, err := legacy(prefix, d.maxMetadata()); err != nil || need > len(prefix) {
			return 0, 0, need, err
		}
	}
	if d.end = length == 0; d.end {
		return at, 0, 0, nil
	}
	most := d.maxMetadata()
	switch {
	case length < minMetadata:
		return 0, 0, 0, At(int64(at-4), "metadata length", Errorf(ErrMalformed, "%d bytes of metadata, want at least %d", length, minMetadata))
	case length > most || length > math.MaxInt-int64(at):
		have, most := sizes.Over(length, most)
		return 0, 0, 0, At(int64(at-4), "metadata length", Errorf(ErrLimit, "%s exceeds Limits.MaxMetadata (%s); raise it if the peer is trusted", have, most))
	}
	head = at + int(length)
	if len(prefix) < head {
		return 0, 0, head, nil
	}
	bodyLength, err := d.verify(prefix[at:head:head], at)
	if err != nil {
		return 0, 0, 0, err
	}
	d.started, d.prefix = true, at
	if most = d.MaxBody; most <= 0 {
		most = 1 << 30
	}
	switch {
	case bodyLength < 0:
		return 0, 0, 0, At(int64(at+d.lengthAt), "message.bodyLength", Errorf(ErrMalformed, "%d bytes", bodyLength))
	case bodyLength > most || bodyLength > math.MaxInt-int64(head):
		have, most := sizes.Over(bodyLength, most)
		return 0, 0, 0, At(int64(at+d.lengthAt), "message.bodyLength", Errorf(ErrLimit, "%s exceeds Limits.MaxBody (%s); raise it or send smaller batches", have, most))
	}
	return head, int(bodyLength), 0, nil
}

func (d *IPC) maxMetadata() int64 {
	if d.MaxMetadata <= 0 {
		return 16 << 20
	}
	return d.MaxMetadata
}

// padding returns how many zeros stand before the message. The Rust Lightstream does not count those after a dictionary in its
// bodyLength: they end where the next message begins, at the latest at a multiple of 64 from the dictionary's start.
func (d *IPC) padding(prefix []byte) (n, need int, err error) {
	le := binary.LittleEndian
	for ; n < d.zeros; n++ {
		switch {
		case len(prefix) < n+4:
			return 0, n + 4, nil
		case le.Uint32(prefix[n:]) == continuation:
			return n, 0, nil
		case prefix[n] != 0 && n == 0:
			return 0, 0, nil
		case prefix[n] != 0:
			return 0, 0, At(int64(n), "padding", Errorf(ErrMalformed, "byte %#x among the zeros after a dictionary, want them up to a multiple of 64 from its start", prefix[n]))
		}
	}
	return n, 0, nil
}

// zerosAfter returns how many zeros may follow a message of the given length.
func (d *IPC) zerosAfter(m *Message, length int) int {
	if _, ok := m.Root.HeaderDictionaryBatch(); !ok || d.prefix < 8 {
		return 0
	}
	length -= d.prefix - 8 // the zeros before it
	return -length & 63
}

// MeasuredBatch tells whether what Measure found last, without an error and a need for more, is a RecordBatch.
func (d *IPC) MeasuredBatch() bool { return d.isBatch && !d.end }

// MeasuredEnd tells whether it is the end-of-stream marker.
func (d *IPC) MeasuredEnd() bool { return d.end }

// minMetadata is the least that a flatbuffer with a root table takes.
const minMetadata = 12

// verify checks the metadata, or knows it, and returns the length of the body.
func (d *IPC) verify(meta []byte, at int) (bodyLength int64, err error) {
	if d.same(meta) {
		d.isBatch = true
		d.layout.meta, d.lengthAt = meta, d.layout.bodyLength
		return d.layout.int64(d.layout.bodyLength), nil
	}
	root, err := arrowfb.VerifyMessage(meta, flatbuf.Limits{})
	if err != nil {
		if f, ok := errors.AsType[*flatbuf.Error](err); ok {
			is := ErrMalformed
			if f.Err == flatbuf.ErrLimit {
				is = ErrLimit
			}
			return 0, At(int64(at)+f.Offset, f.Path, Errorf(is, "metadata: found %s, want %s", f.Found, f.Want))
		}
		return 0, At(int64(at), "metadata", Errorf(ErrMalformed, "%v", err))
	}
	if v := root.Version(); v < arrowfb.MetadataVersionV4 || v > arrowfb.MetadataVersionV5 {
		return 0, At(int64(at), "message.version", Errorf(ErrUnsupported, "metadata version V%d; this reads V4 and V5", int(v)+1))
	}
	d.isBatch, d.lengthAt = false, root.BodyLengthPos()
	if batch, ok := root.HeaderRecordBatch(); ok {
		d.isBatch = true
		d.layout.locate(root, batch)
		d.layout.meta, d.known = meta, nil
		if d.layout.Metadata, err = attached(root, d.maxMetadata()); err != nil {
			return 0, At(int64(at), "message.customMetadata", err)
		}
		d.learn(meta)
	}
	return root.BodyLength(), nil
}

// learn remembers metadata that passed the verifier.
func (d *IPC) learn(meta []byte) {
	d.known = d.layout.blank(meta)
	d.segments = d.segments[:0]
	if d.known == nil {
		return
	}
	// The parts between the patched ones, in order.
	at := 0
	patched := d.layout.patched()
	for at < len(meta) {
		next, after := len(meta), len(meta)
		for _, p := range patched {
			if p[0] != 0 && p[1] != 0 && p[0] >= at && p[0] < next { // an empty vector separates nothing
				next, after = p[0], p[0]+p[1]
			}
		}
		d.segments = append(d.segments, [2]int{at, next})
		at = after
	}
}

// same tells whether meta differs from what passed last only in the patched parts.
func (d *IPC) same(meta []byte) bool {
	if d.known == nil || len(meta) != len(d.known) {
		return false
	}
	for _, s := range d.segments {
		if !bytes.Equal(meta[s[0]:s[1]], d.known[s[0]:s[1]]) {
			return false
		}
	}
	return true
}

// DecodeBody makes the message that was measured last.
func (d *IPC) DecodeBody(head, body []byte, owner *mem.Block) (Message, error) {
	m := Message{End: d.end, Body: body, Owner: owner, Head: len(head), prefix: d.prefix}
	d.zeros = 0
	switch {
	case d.end:
		m.Release()
	case d.isBatch:
		d.layout.meta, d.layout.prefix = head[d.prefix:], d.prefix
		m.Batch = &d.layout
	default:
		// The bytes may have moved since they were measured. Such messages are rare: verifying again is the simple way to
		// read them where they are now.
		root, err := arrowfb.VerifyMessage(head[d.prefix:], flatbuf.Limits{})
		if err != nil {
			m.Release()
			return Message{}, At(int64(d.prefix), "metadata", Errorf(ErrMalformed, "%v", err))
		}
		m.Root, m.meta = root, head[d.prefix:]
		d.zeros = d.zerosAfter(&m, len(head)+len(body))
	}
	return m, nil
}

// Forget lets go of the last message, whose Root and Batch must not be used afterwards: while the next one is waited for nothing
// here keeps the memory that its metadata lay in.
func (d *IPC) Forget() { d.layout.meta = nil }

// taggedHead is what stands before a message in frames of a tag and a length: those of the Lightstream protocol and of TLV.
const taggedHead = 5

// foreign recognises the first bytes of what is not an Arrow stream but of a kind that has a name. No stream from before 0.15 begins so:
// its four bytes are a length, behind which there are no ones, where a message in another frame has them.
func foreign(p []byte) error {
	if len(p) >= taggedHead+4 && binary.LittleEndian.Uint32(p[taggedHead:]) == continuation && binary.LittleEndian.Uint32(p[1:]) != 0 {
		return At(0, "", Errorf(ErrMalformed, "a frame with tag %d and %d bytes of Arrow in it is not an Arrow stream; the peer speaks the Lightstream protocol or TLV, read it with rt.Protocol or frame.TLV", p[0], binary.LittleEndian.Uint32(p[1:])))
	}
	return foreignTo("an Arrow stream", p)
}

// legacy tells whether p may begin a stream from before 0.15, as far as it goes: with the length of metadata, and where in it the root
// table is. Need is how many bytes are wanted to go on, or to say what it is instead: never more than are there of a frame of a tag and a
// length, whose sender may wait for an answer.
func legacy(p []byte, most int64) (need int, err error) {
	const (
		rootEnd  = 4 + 4
		rootMost = 1023 // writers of flatbuffers put the root first, behind its vtable
	)
	length := int64(int32(binary.LittleEndian.Uint32(p)))
	if length == 0 {
		return 0, nil // an end marker
	}
	may := length >= minMetadata && length <= most && length%4 == 0
	if may {
		var root [4]byte // as small as it can be, for what is not there yet
		known := copy(root[:], p[4:])
		at := int64(binary.LittleEndian.Uint32(root[:]))
		if may = at <= min(length-4, rootMost) && (known == 0 || at%4 == 0) && (known < 4 || at >= 4); may {
			return min(len(p)+1, rootEnd), nil
		}
	}
	// Text has neither small bytes at its start nor zeros.
	framed := p[0] < ' ' || p[3] == 0
	if framed {
		if need = taggedHead; len(p) >= taggedHead && p[4] == 0 {
			need += min(4, int(binary.LittleEndian.Uint32(p[1:])))
		}
		if need > len(p) {
			return need, nil
		}
	}
	text := fmt.Sprintf("%q is not an Arrow stream", p[:min(len(p), 12)])
	if framed && len(p) >= taggedHead && p[4] == 0 {
		text += fmt.Sprintf("; it looks like a frame with tag %d and %d bytes: if the peer speaks the Lightstream protocol or TLV, read it with rt.Protocol or frame.TLV", p[0], binary.LittleEndian.Uint32(p[1:]))
	}
	return 0, At(0, "", Errorf(ErrMalformed, "%s", text))
}

// foreignKind is something else that a connection may begin with.
type foreignKind struct {
	magic string
	is    string // what it is, "" where it is known only by who speaks
	hint  string
}

var foreignKinds = []foreignKind{
	{"\xff\xff\xff\xff", "an Arrow stream", "read it with a stream reader"},
	{"ARRO", "an Arrow IPC file", "read it with a file reader"},
	{"PAR1", "a Parquet file", ""},
	{"FEA1", "a Feather file of version 1", "write it anew as version 2, which is an Arrow IPC file"},
	{"HTTP", "", "the peer speaks HTTP, use http://"},
	{"GET ", "", "the peer is an HTTP client"},
	{"POST", "", "the peer is an HTTP client"},
	{"PRI ", "", "the peer is an HTTP/2 client"},
	{"\x16\x03", "", "the peer speaks TLS, use tls://"},
	{"\x15\x03", "", "the peer sent a TLS alert, use tls://"},
	{"\x1f\x8b", "gzip", "decompress it first"},
	{"\x28\xb5\x2f\xfd", "a ZSTD frame", "decompress it first"},
	{announcementMagic, "the announcement of the Lightstream protocol", ""},
}

// foreignTo tells what p is, whose first four bytes are not what was wanted; nil where it is nothing that is known.
func foreignTo(want string, p []byte) error {
	for _, k := range foreignKinds {
		if len(p) < len(k.magic) || string(p[:len(k.magic)]) != k.magic {
			continue
		}
		text := fmt.Sprintf("%q is not %s", p[:min(len(p), 12)], want)
		if k.is != "" {
			text = fmt.Sprintf("%q is %s, not %s", p[:min(len(p), 12)], k.is, want)
		}
		if k.hint != "" {
			text += "; " + k.hint
		}
		return At(0, "", Errorf(ErrMalformed, "%s", text))
	}
	return nil
}
