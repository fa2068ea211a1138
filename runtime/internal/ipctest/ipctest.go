// Package ipctest makes Arrow IPC messages field by field, right ones and wrong ones, for the tests of the packages that
// read them.
//
//	stream := slices.Concat(
//		ipctest.Schema(ipctest.Field{Name: "x", Type: ipctest.Int(32, true)}),
//		ipctest.NewBatch(3).Add(3, 0, nil, ipctest.I32(1, 2, 3)).Message(),
//		ipctest.End,
//	)
package ipctest

import (
	"encoding/binary"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
)

var le = binary.LittleEndian

// End is the end-of-stream marker.
var End = []byte{0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}

// Type is a column's type, as it is written into a field.
type Type struct {
	Tag   arrowfb.Type
	Build func(b *flatbuffers.Builder) flatbuffers.UOffsetT // nil writes a table without fields
}

// Plain returns a type without parameters.
func Plain(tag arrowfb.Type) Type { return Type{Tag: tag} }

// Int returns an integer type.
func Int(bits int32, signed bool) Type {
	return Type{arrowfb.TypeInt, func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
		arrowfb.IntStart(b)
		arrowfb.IntAddBitWidth(b, bits)
		arrowfb.IntAddIsSigned(b, signed)
		return arrowfb.IntEnd(b)
	}}
}

// Float returns a floating-point type.
func Float(p arrowfb.Precision) Type {
	return Type{arrowfb.TypeFloatingPoint, func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
		arrowfb.FloatingPointStart(b)
		arrowfb.FloatingPointAddPrecision(b, p)
		return arrowfb.FloatingPointEnd(b)
	}}
}

// Timestamp returns a timestamp type, naive where zone is "".
func Timestamp(unit arrowfb.TimeUnit, zone string) Type {
	return Type{arrowfb.TypeTimestamp, func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
		var z flatbuffers.UOffsetT
		if zone != "" {
			z = b.CreateString(zone)
		}
		arrowfb.TimestampStart(b)
		arrowfb.TimestampAddUnit(b, unit)
		if z != 0 {
			arrowfb.TimestampAddTimezone(b, z)
		}
		return arrowfb.TimestampEnd(b)
	}}
}

// Time returns a type of times of day.
func Time(unit arrowfb.TimeUnit, bits int32) Type {
	return Type{arrowfb.TypeTime, func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
		arrowfb.TimeStart(b)
		arrowfb.TimeAddUnit(b, unit)
		arrowfb.TimeAddBitWidth(b, bits)
		return arrowfb.TimeEnd(b)
	}}
}

// FixedBinary returns a fixed-size binary type.
func FixedBinary(width int32) Type {
	return Type{arrowfb.TypeFixedSizeBinary, func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
		arrowfb.FixedSizeBinaryStart(b)
		arrowfb.FixedSizeBinaryAddByteWidth(b, width)
		return arrowfb.FixedSizeBinaryEnd(b)
	}}
}

// FixedList returns a fixed-size list type.
func FixedList(size int32) Type {
	return Type{arrowfb.TypeFixedSizeList, func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
		arrowfb.FixedSizeListStart(b)
		arrowfb.FixedSizeListAddListSize(b, size)
		return arrowfb.FixedSizeListEnd(b)
	}}
}

// Decimal returns a decimal type.
func Decimal(precision, scale, bits int32) Type {
	return Type{arrowfb.TypeDecimal, func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
		arrowfb.DecimalStart(b)
		arrowfb.DecimalAddPrecision(b, precision)
		arrowfb.DecimalAddScale(b, scale)
		arrowfb.DecimalForceBitWidth(b, bits)
		return arrowfb.DecimalEnd(b)
	}}
}

// Union returns a union type.
func Union(mode arrowfb.UnionMode, ids ...int32) Type {
	return Type{arrowfb.TypeUnion, func(b *flatbuffers.Builder) flatbuffers.UOffsetT {
		var v flatbuffers.UOffsetT
		if ids != nil {
			arrowfb.UnionStartTypeIDs(b, len(ids))
			for i := len(ids) - 1; i >= 0; i-- {
				b.PrependInt32(ids[i])
			}
			v = b.EndVector(len(ids))
		}
		arrowfb.UnionStart(b)
		arrowfb.UnionAddMode(b, mode)
		if v != 0 {
			arrowfb.UnionAddTypeIDs(b, v)
		}
		return arrowfb.UnionEnd(b)
	}}
}

// The types without parameters that tests use most.
var (
	Utf8       = Plain(arrowfb.TypeUtf8)
	LargeUtf8  = Plain(arrowfb.TypeLargeUtf8)
	Utf8View   = Plain(arrowfb.TypeUtf8View)
	Binary     = Plain(arrowfb.TypeBinary)
	BinaryView = Plain(arrowfb.TypeBinaryView)
	Bool       = Plain(arrowfb.TypeBool)
	Null       = Plain(arrowfb.TypeNull)
	List       = Plain(arrowfb.TypeList)
	Struct     = Plain(arrowfb.TypeStruct)
	Map        = Plain(arrowfb.TypeMap)
)

// Dict says that a field is dictionary-encoded.
type Dict struct {
	ID     int64
	Bits   int32 // of the index; 0 leaves the index type out
	Signed bool
	Kind   arrowfb.DictionaryKind
}

// Field is a column of a schema.
type Field struct {
	Name     string
	Type     Type
	Nullable bool
	Dict     *Dict
	Children []Field
	Metadata [][2]string
}

// Build writes the field.
func (f Field) Build(b *flatbuffers.Builder) flatbuffers.UOffsetT {
	children := BuildFields(b, f.Children, arrowfb.FieldStartChildren)
	metadata := buildMetadata(b, f.Metadata, arrowfb.FieldStartCustomMetadata)
	name := b.CreateString(f.Name)
	var dict, typ flatbuffers.UOffsetT
	if d := f.Dict; d != nil {
		var index flatbuffers.UOffsetT
		if d.Bits != 0 {
			index = Int(d.Bits, d.Signed).Build(b)
		}
		arrowfb.DictionaryEncodingStart(b)
		arrowfb.DictionaryEncodingAddID(b, d.ID)
		if index != 0 {
			arrowfb.DictionaryEncodingAddIndexType(b, index)
		}
		arrowfb.DictionaryEncodingForceDictionaryKind(b, d.Kind)
		dict = arrowfb.DictionaryEncodingEnd(b)
	}
	if f.Type.Build != nil {
		typ = f.Type.Build(b)
	} else {
		arrowfb.NullStart(b)
		typ = arrowfb.NullEnd(b)
	}
	arrowfb.FieldStart(b)
	arrowfb.FieldAddName(b, name)
	arrowfb.FieldAddNullable(b, f.Nullable)
	arrowfb.FieldAddTypeType(b, f.Type.Tag)
	arrowfb.FieldAddType(b, typ)
	if dict != 0 {
		arrowfb.FieldAddDictionary(b, dict)
	}
	arrowfb.FieldAddChildren(b, children)
	if metadata != 0 {
		arrowfb.FieldAddCustomMetadata(b, metadata)
	}
	return arrowfb.FieldEnd(b)
}

// BuildFields writes a vector of fields.
func BuildFields(b *flatbuffers.Builder, fields []Field, start func(*flatbuffers.Builder, int)) flatbuffers.UOffsetT {
	at := make([]flatbuffers.UOffsetT, len(fields))
	for i, f := range fields {
		at[i] = f.Build(b)
	}
	return Vector(b, at, start)
}

// Vector writes a vector of tables that are there already. The same one may come many times.
func Vector(b *flatbuffers.Builder, at []flatbuffers.UOffsetT, start func(*flatbuffers.Builder, int)) flatbuffers.UOffsetT {
	start(b, len(at))
	for i := len(at) - 1; i >= 0; i-- {
		b.PrependUOffsetT(at[i])
	}
	return b.EndVector(len(at))
}

func buildMetadata(b *flatbuffers.Builder, kvs [][2]string, start func(*flatbuffers.Builder, int)) flatbuffers.UOffsetT {
	if kvs == nil {
		return 0
	}
	at := make([]flatbuffers.UOffsetT, len(kvs))
	for i, kv := range kvs {
		k, v := b.CreateString(kv[0]), b.CreateString(kv[1])
		arrowfb.KeyValueStart(b)
		arrowfb.KeyValueAddKey(b, k)
		arrowfb.KeyValueAddValue(b, v)
		at[i] = arrowfb.KeyValueEnd(b)
	}
	return Vector(b, at, start)
}

// Header writes what a message carries.
type Header func(b *flatbuffers.Builder) (arrowfb.MessageHeader, flatbuffers.UOffsetT)

// SchemaHeader is the header of a schema message.
func SchemaHeader(endian arrowfb.Endianness, fields ...Field) Header {
	return func(b *flatbuffers.Builder) (arrowfb.MessageHeader, flatbuffers.UOffsetT) {
		v := BuildFields(b, fields, arrowfb.SchemaStartFields)
		arrowfb.SchemaStart(b)
		arrowfb.SchemaAddEndianness(b, endian)
		arrowfb.SchemaAddFields(b, v)
		return arrowfb.MessageHeaderSchema, arrowfb.SchemaEnd(b)
	}
}

// Schema returns a schema message.
func Schema(fields ...Field) []byte {
	return Message(Meta(arrowfb.MetadataVersionV5, SchemaHeader(arrowfb.EndiannessLittle, fields...), 0), nil)
}

// Meta returns the metadata of a message. A nil header leaves it out.
func Meta(version arrowfb.MetadataVersion, header Header, bodyLength int64) []byte {
	b := flatbuffers.NewBuilder(1024)
	var tag arrowfb.MessageHeader
	var at flatbuffers.UOffsetT
	if header != nil {
		tag, at = header(b)
	}
	arrowfb.MessageStart(b)
	arrowfb.MessageForceVersion(b, version)
	if header != nil {
		arrowfb.MessageAddHeaderType(b, tag)
		arrowfb.MessageAddHeader(b, at)
	}
	arrowfb.MessageForceBodyLength(b, bodyLength)
	b.Finish(arrowfb.MessageEnd(b))
	return b.FinishedBytes()
}

// Message returns a message with its prefix: metadata padded to a multiple of 64, then the body.
func Message(meta, body []byte) []byte {
	size := (8+len(meta)+63)&^63 - 8
	p := append([]byte(nil), 0xFF, 0xFF, 0xFF, 0xFF)
	p = le.AppendUint32(p, uint32(size))
	p = append(p, meta...)
	p = append(p, make([]byte, size-len(meta))...)
	return append(p, body...)
}

// Legacy returns a message as it was before Arrow 0.15: without continuation marker, aligned to 8.
func Legacy(meta, body []byte) []byte {
	size := (4+len(meta)+7)&^7 - 4
	p := le.AppendUint32(nil, uint32(size))
	p = append(p, meta...)
	p = append(p, make([]byte, size-len(meta))...)
	return append(p, body...)
}

// Batch is a record batch, or the values of a dictionary, with every number free to be wrong.
type Batch struct {
	Version     arrowfb.MetadataVersion
	Rows        int64
	Nodes       [][2]int64 // rows, nulls
	Buffers     [][2]int64 // offset, length
	Variadic    []int64
	Compression *arrowfb.CompressionType
	Body        []byte
	BodyLength  int64 // 0 is that of Body
}

// NewBatch returns a batch of rows without columns.
func NewBatch(rows int64) *Batch { return &Batch{Version: arrowfb.MetadataVersionV5, Rows: rows} }

// Add adds a node and its buffers, each at a multiple of 64. A nil buffer is absent.
func (x *Batch) Add(rows, nulls int64, buffers ...[]byte) *Batch {
	x.Nodes = append(x.Nodes, [2]int64{rows, nulls})
	for _, p := range buffers {
		at := int64(len(x.Body))
		x.Buffers = append(x.Buffers, [2]int64{at, int64(len(p))})
		x.Body = append(x.Body, p...)
		x.Body = append(x.Body, make([]byte, -len(p)&63)...)
	}
	return x
}

// AddViews adds a node of views and their data buffers.
func (x *Batch) AddViews(rows, nulls int64, validity, views []byte, data ...[]byte) *Batch {
	x.Variadic = append(x.Variadic, int64(len(data)))
	return x.Add(rows, nulls, append([][]byte{validity, views}, data...)...)
}

// Header returns the batch as a header.
func (x *Batch) Header(b *flatbuffers.Builder) (arrowfb.MessageHeader, flatbuffers.UOffsetT) {
	return arrowfb.MessageHeaderRecordBatch, x.build(b)
}

func (x *Batch) build(b *flatbuffers.Builder) flatbuffers.UOffsetT {
	arrowfb.RecordBatchStartBuffers(b, len(x.Buffers))
	for i := len(x.Buffers) - 1; i >= 0; i-- {
		arrowfb.CreateBuffer(b, x.Buffers[i][0], x.Buffers[i][1])
	}
	buffers := b.EndVector(len(x.Buffers))
	arrowfb.RecordBatchStartNodes(b, len(x.Nodes))
	for i := len(x.Nodes) - 1; i >= 0; i-- {
		arrowfb.CreateFieldNode(b, x.Nodes[i][0], x.Nodes[i][1])
	}
	nodes := b.EndVector(len(x.Nodes))
	var variadic, compression flatbuffers.UOffsetT
	if x.Variadic != nil {
		arrowfb.RecordBatchStartVariadicBufferCounts(b, len(x.Variadic))
		for i := len(x.Variadic) - 1; i >= 0; i-- {
			b.PrependInt64(x.Variadic[i])
		}
		variadic = b.EndVector(len(x.Variadic))
	}
	if x.Compression != nil {
		arrowfb.BodyCompressionStart(b)
		arrowfb.BodyCompressionForceCodec(b, *x.Compression)
		compression = arrowfb.BodyCompressionEnd(b)
	}
	arrowfb.RecordBatchStart(b)
	arrowfb.RecordBatchForceLength(b, x.Rows)
	arrowfb.RecordBatchAddNodes(b, nodes)
	arrowfb.RecordBatchAddBuffers(b, buffers)
	if compression != 0 {
		arrowfb.RecordBatchAddCompression(b, compression)
	}
	if variadic != 0 {
		arrowfb.RecordBatchAddVariadicBufferCounts(b, variadic)
	}
	return arrowfb.RecordBatchEnd(b)
}

func (x *Batch) bodyLength() int64 {
	if x.BodyLength != 0 {
		return x.BodyLength
	}
	return int64(len(x.Body))
}

// Message returns the batch as a message.
func (x *Batch) Message() []byte { return Message(Meta(x.Version, x.Header, x.bodyLength()), x.Body) }

// Dictionary returns the batch as the values of a dictionary.
func (x *Batch) Dictionary(id int64, delta bool) []byte {
	return Message(Meta(x.Version, func(b *flatbuffers.Builder) (arrowfb.MessageHeader, flatbuffers.UOffsetT) {
		data := x.build(b)
		arrowfb.DictionaryBatchStart(b)
		arrowfb.DictionaryBatchForceID(b, id)
		arrowfb.DictionaryBatchAddData(b, data)
		arrowfb.DictionaryBatchAddIsDelta(b, delta)
		return arrowfb.MessageHeaderDictionaryBatch, arrowfb.DictionaryBatchEnd(b)
	}, x.bodyLength()), x.Body)
}

// I8 returns values as bytes; so do the functions below.
func I8(v ...int8) []byte {
	p := make([]byte, len(v))
	for i, x := range v {
		p[i] = byte(x)
	}
	return p
}

func I16(v ...int16) (p []byte) {
	for _, x := range v {
		p = le.AppendUint16(p, uint16(x))
	}
	return p
}

func I32(v ...int32) (p []byte) {
	for _, x := range v {
		p = le.AppendUint32(p, uint32(x))
	}
	return p
}

func I64(v ...int64) (p []byte) {
	for _, x := range v {
		p = le.AppendUint64(p, uint64(x))
	}
	return p
}

// Texts returns the offsets and the bytes of a utf8 column.
func Texts(v ...string) (offsets, text []byte) {
	offsets = I32(0)
	for _, s := range v {
		text = append(text, s...)
		offsets = le.AppendUint32(offsets, uint32(len(text)))
	}
	return offsets, text
}

// LargeTexts is Texts with 64-bit offsets.
func LargeTexts(v ...string) (offsets, text []byte) {
	offsets = I64(0)
	for _, s := range v {
		text = append(text, s...)
		offsets = le.AppendUint64(offsets, uint64(len(text)))
	}
	return offsets, text
}

// View returns a view of n bytes: inlined text where that is at most 12 bytes long, else a place in a data buffer.
func View(n uint32, text string, buffer, offset uint32) []byte {
	p := le.AppendUint32(nil, n)
	if len(text) <= 12 && n <= 12 {
		return append(append(p, text...), make([]byte, 12-len(text))...)
	}
	p = append(p, (text + "\x00\x00\x00\x00")[:4]...)
	p = le.AppendUint32(p, buffer)
	return le.AppendUint32(p, offset)
}

// Views returns the views and the one data buffer of a utf8 view column.
func Views(v ...string) (views, data []byte) {
	for _, s := range v {
		views = append(views, View(uint32(len(s)), s, 0, uint32(len(data)))...)
		if len(s) > 12 {
			data = append(data, s...)
		}
	}
	return views, data
}

// Bits returns a bitmap.
func Bits(v ...int) []byte {
	p := make([]byte, (len(v)+7)/8)
	for i, x := range v {
		p[i/8] |= byte(x&1) << (i % 8)
	}
	return p
}

// Dictionary returns the message that gives dictionary id the values.
func Dictionary(id int64, delta bool, values ...string) []byte {
	offsets, text := Texts(values...)
	n := int64(len(values))
	return NewBatch(n).Add(n, 0, nil, offsets, text).Dictionary(id, delta)
}
