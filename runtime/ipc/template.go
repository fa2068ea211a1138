package ipc

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/internal/flatbuf"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

var le = binary.LittleEndian

// template is the head of a message with a record batch: prefix, metadata and padding, built once, in which each batch sets
// its lengths. All of its fields are present.
type template struct {
	head                          []byte
	bodyLength, rows, nodes, bufs int // positions in head
	buffers                       int // how many there are
	number                        int // position of the digits of a number that is attached, 0 without
}

// at returns the template of a message that begins offset bytes behind a multiple of 64, and whose body lies at one.
func (t *template) at(offset int) *template {
	if offset == 0 {
		return t
	}
	moved := *t
	meta := t.head[prefixSize:]
	moved.head = appendHead(nil, meta, offset)
	return &moved
}

// prefixSize is the length of what stands before the metadata.
const prefixSize = 8

// newTemplate builds the head of a RecordBatch message, or of a DictionaryBatch message for dictionary *id. The counts are those
// of the data buffers of view columns, and entries what is attached to the message, to which number, if it is not empty, adds an entry of
// that key, which has room for the digits of any number.
func newTemplate(nodes, buffers int, counts []int64, codec Compression, id *int64, delta bool, entries []KeyValue, number string) *template {
	blank := ""
	if number != "" {
		blank = blankNumber(entries)
		entries = append([]KeyValue{{Key: number, Value: blank}}, entries...)
	}
	b := flatbuffers.NewBuilder(256 + 16*(nodes+buffers))
	arrowfb.RecordBatchStartBuffers(b, buffers)
	for range buffers {
		arrowfb.CreateBuffer(b, 0, 0)
	}
	bufs := b.EndVector(buffers)
	arrowfb.RecordBatchStartNodes(b, nodes)
	for range nodes {
		arrowfb.CreateFieldNode(b, 0, 0)
	}
	fields := b.EndVector(nodes)
	var variadic flatbuffers.UOffsetT
	if len(counts) != 0 {
		arrowfb.RecordBatchStartVariadicBufferCounts(b, len(counts))
		for i := len(counts) - 1; i >= 0; i-- {
			b.PrependInt64(counts[i])
		}
		variadic = b.EndVector(len(counts))
	}
	var compression flatbuffers.UOffsetT
	if codec != Uncompressed {
		arrowfb.BodyCompressionStart(b)
		arrowfb.BodyCompressionForceCodec(b, codec.codec())
		compression = arrowfb.BodyCompressionEnd(b)
	}
	arrowfb.RecordBatchStart(b)
	arrowfb.RecordBatchForceLength(b, 0)
	arrowfb.RecordBatchAddNodes(b, fields)
	arrowfb.RecordBatchAddBuffers(b, bufs)
	if variadic != 0 {
		arrowfb.RecordBatchAddVariadicBufferCounts(b, variadic)
	}
	if compression != 0 {
		arrowfb.RecordBatchAddCompression(b, compression)
	}
	header, kind := arrowfb.RecordBatchEnd(b), arrowfb.MessageHeaderRecordBatch
	if id != nil {
		arrowfb.DictionaryBatchStart(b)
		arrowfb.DictionaryBatchForceID(b, *id)
		arrowfb.DictionaryBatchAddData(b, header)
		arrowfb.DictionaryBatchAddIsDelta(b, delta)
		header, kind = arrowfb.DictionaryBatchEnd(b), arrowfb.MessageHeaderDictionaryBatch
	}
	t := &template{head: finishMessage(b, header, kind, entries), buffers: buffers}
	m, err := arrowfb.VerifyMessage(t.head[prefixSize:], flatbuf.Limits{})
	if err != nil {
		panic(err) // our own builder's output
	}
	batch, ok := m.HeaderRecordBatch()
	if d, isDict := m.HeaderDictionaryBatch(); isDict {
		batch, ok = d.Data(), true
	}
	if !ok {
		panic("lightstream: a template without a record batch")
	}
	t.bodyLength, t.rows = prefixSize+m.BodyLengthPos(), prefixSize+batch.LengthPos()
	t.nodes, t.bufs = prefixSize+batch.NodesPos(), prefixSize+batch.BuffersPos()
	if number != "" {
		t.number = bytes.Index(t.head, []byte(blank))
	}
	return t
}

// numberDigits is how many digits a number of 64 bits has at most.
const numberDigits = 20

// blankNumber returns a text of so many digits that no entry has, so that it is found.
func blankNumber(entries []KeyValue) string {
	for digit := byte(1); ; digit++ {
		blank := strings.Repeat(string(rune(digit)), numberDigits)
		if !slices.ContainsFunc(entries, func(kv KeyValue) bool { return strings.Contains(kv.Key, blank) || strings.Contains(kv.Value, blank) }) {
			return blank
		}
	}
}

// setNumber writes the digits, with the length of the text before them and zeros behind.
func (t *template) setNumber(n uint64) {
	field := t.head[t.number : t.number+numberDigits]
	digits := strconv.AppendUint(field[:0], n, 10)
	le.PutUint32(t.head[t.number-4:], uint32(len(digits)))
	clear(field[len(digits):])
}

// finishMessage ends a message with the given header and returns it with its prefix, padded to 64 bytes.
func finishMessage(b *flatbuffers.Builder, header flatbuffers.UOffsetT, kind arrowfb.MessageHeader, entries []KeyValue) []byte {
	attached := buildMetadata(b, entries, arrowfb.MessageStartCustomMetadata)
	arrowfb.MessageStart(b)
	arrowfb.MessageAddVersion(b, arrowfb.MetadataVersionV5)
	arrowfb.MessageAddHeaderType(b, kind)
	arrowfb.MessageAddHeader(b, header)
	arrowfb.MessageForceBodyLength(b, 0)
	if attached != 0 {
		arrowfb.MessageAddCustomMetadata(b, attached)
	}
	b.Finish(arrowfb.MessageEnd(b))
	return appendHead(nil, b.FinishedBytes(), 0)
}

// appendHead appends prefix, metadata and padding, so that what follows lies at a multiple of 64 from offset bytes before
// them.
func appendHead(dst, meta []byte, offset int) []byte {
	size := mem.Pad(offset+prefixSize+len(meta)) - offset
	dst = le.AppendUint32(dst, continuationMark)
	dst = le.AppendUint32(dst, uint32(size-prefixSize))
	dst = append(dst, meta...)
	return append(dst, zeros[:size-prefixSize-len(meta)]...)
}

const continuationMark = 0xFFFFFFFF

// endMarker is the end of a stream.
var endMarker = []byte{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}

var zeros [mem.Alignment]byte

func (t *template) setNode(i int, rows, nulls int) {
	setPair(t.head[t.nodes+16*i:], uint64(rows), uint64(nulls))
}

func (t *template) setBuffer(i int, offset int64, length int) {
	setPair(t.head[t.bufs+16*i:], uint64(offset), uint64(length))
}

func setPair(p []byte, first, second uint64) {
	pair := (*[16]byte)(p)
	le.PutUint64(pair[:8], first)
	le.PutUint64(pair[8:], second)
}

func (t *template) setSize(rows int, body int64) {
	le.PutUint64(t.head[t.rows:], uint64(rows))
	le.PutUint64(t.head[t.bodyLength:], uint64(body))
}
