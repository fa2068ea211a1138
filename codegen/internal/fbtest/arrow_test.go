package fbtest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/lightstream-go/lightstream/gen/arrowfb"
)

// allTypes is a schema with a column of each type.
func allTypes() *arrow.Schema {
	item := arrow.Field{Name: "item", Type: arrow.PrimitiveTypes.Int16, Nullable: true}
	pair := []arrow.Field{
		{Name: "a", Type: arrow.PrimitiveTypes.Int8},
		{Name: "b", Type: arrow.ListOfField(item), Nullable: true, Metadata: arrow.NewMetadata([]string{"deep"}, []string{"down"})},
	}
	sorted := arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float64)
	sorted.KeysSorted = true
	types := []arrow.DataType{
		arrow.Null, arrow.FixedWidthTypes.Boolean,
		arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
		arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
		arrow.BinaryTypes.Binary, arrow.BinaryTypes.String, arrow.BinaryTypes.LargeBinary, arrow.BinaryTypes.LargeString,
		arrow.BinaryTypes.BinaryView, arrow.BinaryTypes.StringView,
		&arrow.FixedSizeBinaryType{ByteWidth: 16},
		&arrow.Decimal128Type{Precision: 38, Scale: 10}, &arrow.Decimal256Type{Precision: 76, Scale: -3},
		arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64,
		arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time32ms, arrow.FixedWidthTypes.Time64us, arrow.FixedWidthTypes.Time64ns,
		arrow.FixedWidthTypes.Timestamp_s, arrow.FixedWidthTypes.Timestamp_ms, arrow.FixedWidthTypes.Timestamp_us, arrow.FixedWidthTypes.Timestamp_ns,
		&arrow.TimestampType{Unit: arrow.Nanosecond}, &arrow.TimestampType{Unit: arrow.Second, TimeZone: "Europe/Zurich"},
		arrow.FixedWidthTypes.MonthInterval, arrow.FixedWidthTypes.DayTimeInterval, arrow.FixedWidthTypes.MonthDayNanoInterval,
		arrow.FixedWidthTypes.Duration_s, arrow.FixedWidthTypes.Duration_ms, arrow.FixedWidthTypes.Duration_us, arrow.FixedWidthTypes.Duration_ns,
		arrow.ListOfField(item), arrow.LargeListOfField(item), arrow.ListViewOfField(item), arrow.LargeListViewOfField(item),
		arrow.FixedSizeListOfField(3, item), arrow.StructOf(pair...), sorted,
		arrow.DenseUnionOf(pair, []arrow.UnionTypeCode{3, 5}), arrow.SparseUnionOf(pair, []arrow.UnionTypeCode{0, 1}),
		arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.String),
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String, Ordered: true},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint32, ValueType: arrow.PrimitiveTypes.Int64},
	}
	var fields []arrow.Field
	for i, t := range types {
		f := arrow.Field{Name: fmt.Sprintf("c%d", i), Type: t, Nullable: i%2 == 0}
		if i%3 == 0 {
			f.Metadata = arrow.NewMetadata([]string{"k", "k2"}, []string{"v", ""})
		}
		fields = append(fields, f)
	}
	metadata := arrow.NewMetadata([]string{"who"}, []string{"arrow-go"})
	return arrow.NewSchema(fields, &metadata)
}

// fewTypes is a schema whose batches have nodes, buffers, variadic counts and dictionaries.
func fewTypes() *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int64},
		{Name: "s", Type: arrow.BinaryTypes.StringView, Nullable: true},
		{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Float64), Nullable: true},
		{Name: "d", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	}, nil)
}

// batch has n rows of fewTypes, every third of them null where it can be.
func batch(t testing.TB, n int) arrow.RecordBatch {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, fewTypes())
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		if i%3 == 0 {
			b.Field(1).AppendNull()
			b.Field(2).AppendNull()
			b.Field(3).AppendNull()
			continue
		}
		b.Field(1).(*array.StringViewBuilder).Append(fmt.Sprintf("a string longer than twelve bytes, number %d", i))
		list := b.Field(2).(*array.ListBuilder)
		list.Append(true)
		list.ValueBuilder().(*array.Float64Builder).AppendValues([]float64{1, float64(i)}, nil)
		if err := b.Field(3).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprint("value ", i%4)); err != nil {
			t.Fatal(err)
		}
	}
	return b.NewRecordBatch()
}

// stream is what arrow-go writes for some batches.
func stream(t testing.TB, opts ...ipc.Option) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, append(opts, ipc.WithSchema(fewTypes()))...)
	for _, n := range []int{10, 0, 1} {
		b := batch(t, n)
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// split returns the metadata of each message in a stream.
func split(t testing.TB, stream []byte) [][]byte {
	t.Helper()
	var list [][]byte
	for len(stream) >= 8 {
		n := int(binary.LittleEndian.Uint32(stream[4:]))
		if n == 0 {
			break
		}
		metadata := stream[8 : 8+n]
		m, err := arrowfb.VerifyMessage(metadata, arrowfb.Limits{})
		if err != nil {
			t.Fatalf("message %d: %v", len(list), err)
		}
		list = append(list, metadata)
		stream = stream[8+n+int(m.BodyLength()):]
	}
	if len(list) == 0 {
		t.Fatal("a stream without messages")
	}
	return list
}

// schemaMessage is the metadata that arrow-go writes for a schema.
func schemaMessage(t testing.TB, s *arrow.Schema) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, ipc.WithSchema(s))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return split(t, buf.Bytes())[0]
}

// footer is the footer of a file that arrow-go writes.
func footer(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := ipc.NewFileWriter(&buf, ipc.WithSchema(fewTypes()))
	if err != nil {
		t.Fatal(err)
	}
	b := batch(t, 10)
	defer b.Release()
	if err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	const trailer = 4 + len("ARROW1")
	file := buf.Bytes()
	end := len(file) - trailer
	return file[end-int(binary.LittleEndian.Uint32(file[end:])) : end]
}

func TestArrowGoWritesSchema(t *testing.T) {
	want := allTypes()
	m, err := arrowfb.VerifyMessage(schemaMessage(t, want), arrowfb.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s, ok := m.HeaderSchema()
	if !ok || m.Version() != arrowfb.MetadataVersionV5 {
		t.Fatalf("a %v of version %v", m.HeaderType(), m.Version())
	}
	got, err := fromSchema(s)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != want.String() || !got.Equal(want) || !got.Metadata().Equal(want.Metadata()) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// frame puts metadata in front of a body, as a stream has it.
func frame(metadata, body []byte) []byte {
	padded := (len(metadata) + 7) &^ 7
	out := binary.LittleEndian.AppendUint32(nil, 0xFFFFFFFF)
	out = binary.LittleEndian.AppendUint32(out, uint32(padded))
	out = append(append(out, metadata...), make([]byte, padded-len(metadata))...)
	return append(out, body...)
}

// message writes a message around a header.
func message(b *flatbuffers.Builder, tag arrowfb.MessageHeader, header flatbuffers.UOffsetT, bodyLength int64) []byte {
	arrowfb.MessageStart(b)
	arrowfb.MessageForceVersion(b, arrowfb.MetadataVersionV5)
	arrowfb.MessageAddHeaderType(b, tag)
	arrowfb.MessageAddHeader(b, header)
	arrowfb.MessageForceBodyLength(b, bodyLength)
	b.Finish(arrowfb.MessageEnd(b))
	return b.FinishedBytes()
}

func TestArrowGoReadsSchema(t *testing.T) {
	want := allTypes()
	w := schemaWriter{b: flatbuffers.NewBuilder(0)}
	metadata := message(w.b, arrowfb.MessageHeaderSchema, w.schema(want), 0)
	if _, err := arrowfb.VerifyMessage(metadata, arrowfb.Limits{}); err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewReader(bytes.NewReader(frame(metadata, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if got := r.Schema(); got.String() != want.String() || !got.Equal(want) || !got.Metadata().Equal(want.Metadata()) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// rewrite writes a batch again with the generated functions.
func rewriteBatch(b *flatbuffers.Builder, r arrowfb.RecordBatch) flatbuffers.UOffsetT {
	arrowfb.RecordBatchStartNodes(b, r.NodesLen())
	for i := r.NodesLen() - 1; i >= 0; i-- {
		arrowfb.CreateFieldNode(b, r.Nodes(i).Length(), r.Nodes(i).NullCount())
	}
	nodes := b.EndVector(r.NodesLen())
	arrowfb.RecordBatchStartBuffers(b, r.BuffersLen())
	for i := r.BuffersLen() - 1; i >= 0; i-- {
		arrowfb.CreateBuffer(b, r.Buffers(i).Offset(), r.Buffers(i).Length())
	}
	buffers := b.EndVector(r.BuffersLen())
	var compression, variadic flatbuffers.UOffsetT
	if c := r.Compression(); !c.IsZero() {
		arrowfb.BodyCompressionStart(b)
		arrowfb.BodyCompressionAddCodec(b, c.Codec())
		arrowfb.BodyCompressionAddMethod(b, c.Method())
		compression = arrowfb.BodyCompressionEnd(b)
	}
	if r.HasVariadicBufferCounts() {
		var counts []int64
		for i := range r.VariadicBufferCountsLen() {
			counts = append(counts, r.VariadicBufferCounts(i))
		}
		variadic = vector(b, arrowfb.RecordBatchStartVariadicBufferCounts, b.PrependInt64, counts...)
	}
	arrowfb.RecordBatchStart(b)
	arrowfb.RecordBatchForceLength(b, r.Length())
	arrowfb.RecordBatchAddNodes(b, nodes)
	arrowfb.RecordBatchAddBuffers(b, buffers)
	arrowfb.RecordBatchAddCompression(b, compression)
	arrowfb.RecordBatchAddVariadicBufferCounts(b, variadic)
	return arrowfb.RecordBatchEnd(b)
}

// rewriteMessage writes a message again with the generated functions.
func rewriteMessage(t *testing.T, m arrowfb.Message) []byte {
	t.Helper()
	b := flatbuffers.NewBuilder(0)
	var header flatbuffers.UOffsetT
	switch m.HeaderType() {
	case arrowfb.MessageHeaderSchema:
		s, _ := m.HeaderSchema()
		schema, err := fromSchema(s)
		if err != nil {
			t.Fatal(err)
		}
		w := schemaWriter{b: b}
		header = w.schema(schema)
	case arrowfb.MessageHeaderRecordBatch:
		r, _ := m.HeaderRecordBatch()
		header = rewriteBatch(b, r)
	case arrowfb.MessageHeaderDictionaryBatch:
		d, _ := m.HeaderDictionaryBatch()
		data := rewriteBatch(b, d.Data())
		arrowfb.DictionaryBatchStart(b)
		arrowfb.DictionaryBatchForceID(b, d.ID())
		arrowfb.DictionaryBatchAddData(b, data)
		arrowfb.DictionaryBatchForceIsDelta(b, d.IsDelta())
		header = arrowfb.DictionaryBatchEnd(b)
	}
	return message(b, m.HeaderType(), header, m.BodyLength())
}

// TestArrowGoReadsRewritten writes the metadata of a stream of arrow-go again, in front of its bodies, and has arrow-go
// read that.
func TestArrowGoReadsRewritten(t *testing.T) {
	for name, opts := range map[string][]ipc.Option{"plain": nil, "lz4": {ipc.WithLZ4()}, "zstd": {ipc.WithZstd()}} {
		t.Run(name, func(t *testing.T) {
			original := stream(t, opts...)
			var rewritten []byte
			rest := original
			for _, metadata := range split(t, original) {
				m, err := arrowfb.VerifyMessage(metadata, arrowfb.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				again := rewriteMessage(t, m)
				if _, err := arrowfb.VerifyMessage(again, arrowfb.Limits{}); err != nil {
					t.Fatal(err)
				}
				body := rest[8+len(metadata):][:m.BodyLength()]
				rest = rest[8+len(metadata)+len(body):]
				rewritten = append(rewritten, frame(again, body)...)
			}
			rewritten = append(rewritten, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0)
			compareStreams(t, rewritten, original)
		})
	}
}

func compareStreams(t *testing.T, got, want []byte) {
	t.Helper()
	g, err := ipc.NewReader(bytes.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Release()
	w, err := ipc.NewReader(bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Release()
	rows := int64(0)
	for w.Next() {
		if !g.Next() {
			t.Fatalf("the rewritten stream ends early: %v", g.Err())
		}
		if !array.RecordEqual(g.RecordBatch(), w.RecordBatch()) {
			t.Errorf("got %v\nwant %v", g.RecordBatch(), w.RecordBatch())
		}
		rows += w.RecordBatch().NumRows()
	}
	if g.Next() || g.Err() != nil || w.Err() != nil {
		t.Errorf("the streams end with %v and %v", g.Err(), w.Err())
	}
	if rows != 11 {
		t.Errorf("compared %d rows, want 11", rows)
	}
}

func TestArrowGoWritesFooter(t *testing.T) {
	f, err := arrowfb.VerifyFooter(footer(t), arrowfb.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	schema, err := fromSchema(f.Schema())
	if err != nil {
		t.Fatal(err)
	}
	if !schema.Equal(fewTypes()) {
		t.Errorf("got %v, want %v", schema, fewTypes())
	}
	if f.DictionariesLen() != 1 || f.RecordBatchesLen() != 1 {
		t.Fatalf("%d dictionaries and %d batches, want 1 and 1", f.DictionariesLen(), f.RecordBatchesLen())
	}
	d, r := f.Dictionaries(0), f.RecordBatches(0)
	if end := d.Offset() + int64(d.MetaDataLength()) + d.BodyLength(); end > r.Offset() || r.BodyLength() == 0 {
		t.Errorf("a dictionary that ends at %d and a batch at %d of %d bytes", end, r.Offset(), r.BodyLength())
	}
}
