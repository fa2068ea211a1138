package ipc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/frame"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// readAll reads a stream to its end and every value in it, if they were checked.
func readAll(src io.Reader, opts *ipc.ReaderOptions) (rows int64, err error) {
	r := ipc.NewReader(src, opts)
	for {
		h, err := r.Next(context.Background())
		if err != nil {
			if again, more := r.Next(context.Background()); again != (ipc.Batch{}) || !errors.Is(more, err) {
				return rows, fmt.Errorf("after %q: %v, %w", err, again, more)
			}
			if h != (ipc.Batch{}) {
				return rows, fmt.Errorf("a batch as well as %w", err)
			}
			if err == io.EOF {
				err = nil
			}
			return rows, err
		}
		if opts == nil || opts.Validate != ipc.Structure {
			s, err := r.Schema(context.Background())
			if err != nil {
				return rows, err
			}
			it.Touch(h, s)
		}
		rows += int64(h.Len())
		h.Release()
	}
}

// wellTyped checks an error that input of size bytes gave.
func wellTyped(t *testing.T, err error, size int) {
	t.Helper()
	if err == nil {
		return
	}
	var unfinished *ipc.UnfinishedError
	if errors.As(err, &unfinished) && errors.Is(err, ipc.ErrUnfinished) {
		return
	}
	var e *frame.DecodeError
	if !errors.As(err, &e) {
		t.Fatalf("%T: %v", err, err)
	}
	known := false
	for _, is := range []error{frame.ErrTruncated, frame.ErrLimit, frame.ErrMalformed, frame.ErrUnsupported, mem.ErrBudget} {
		known = known || errors.Is(err, is)
	}
	if !known || e.Frame < 0 || e.Offset < -1 || e.Offset > int64(size) || e.Frame > int64(size)/8+1 {
		t.Fatalf("%v (frame %d, offset %d of %d bytes, path %q)", err, e.Frame, e.Offset, size, e.Path)
	}
}

// allocated returns how many bytes f allocates, garbage included.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

var (
	x32  = it.Field{Name: "x", Type: it.Int(32, true), Nullable: true}
	text = it.Field{Name: "s", Type: it.Utf8, Nullable: true}
	view = it.Field{Name: "v", Type: it.Utf8View, Nullable: true}
	dict = it.Field{Name: "d", Type: it.Utf8, Nullable: true, Dict: &it.Dict{ID: 7, Bits: 32, Signed: true}}
)

// hostileCase is a stream and what reading it gives: an error that wraps want and has says in its text, or nothing wrong.
type hostileCase struct {
	name   string
	stream []byte
	want   error
	says   string
	frame  int64
}

func stream(parts ...[]byte) []byte { return slices.Concat(parts...) }

func hostileCases() []hostileCase {
	limit, malformed, unsupported, truncated := ipc.ErrLimit, ipc.ErrMalformed, ipc.ErrUnsupported, ipc.ErrTruncated
	one := func(edit func(b *it.Batch)) []byte {
		b := it.NewBatch(3).Add(3, 0, nil, it.I32(1, 2, 3))
		edit(b)
		return stream(it.Schema(x32), b.Message(), it.End)
	}
	lengths := func(n int32, rest ...byte) []byte {
		return append(append([]byte{0xFF, 0xFF, 0xFF, 0xFF}, it.I32(n)...), rest...)
	}
	meta := func(v arrowfb.MetadataVersion, h it.Header) []byte { return it.Message(it.Meta(v, h, 0), nil) }
	texts := func(rows int64, offsets []byte, data string) []byte {
		return stream(it.Schema(text), it.NewBatch(rows).Add(rows, 0, nil, offsets, []byte(data)).Message(), it.End)
	}
	views := func(edit func(b *it.Batch), v ...[]byte) []byte {
		b := it.NewBatch(int64(len(v))).AddViews(int64(len(v)), 0, nil, stream(v...), []byte("a text of more than twelve bytes"))
		edit(b)
		return stream(it.Schema(view), b.Message(), it.End)
	}
	none := func(*it.Batch) {}
	dicts := func(parts ...[]byte) []byte {
		batch := it.NewBatch(2).Add(2, 0, nil, it.I32(0, 1)).Message()
		return stream(it.Schema(dict), stream(parts...), batch, it.End)
	}
	decimal := func(precision, scale, bits int32) []byte {
		return it.Schema(it.Field{Name: "x", Type: it.Decimal(precision, scale, bits)})
	}
	dense := func(offsets ...int32) []byte { // of types 0, 1, 0, 1
		return stream(it.Schema(it.Field{Name: "u", Type: it.Union(arrowfb.UnionModeDense), Nullable: true, Children: []it.Field{x32, text}}),
			it.NewBatch(4).Add(4, 0, it.I8(0, 1, 0, 1), it.I32(offsets...)).
				Add(2, 0, nil, it.I32(1, 2)).Add(2, 0, nil, it.I32(0, 1, 2), []byte("ab")).Message(), it.End)
	}
	maps := func(entries it.Field) []byte {
		return stream(it.Schema(it.Field{Name: "m", Type: it.Map, Nullable: true, Children: []it.Field{entries}}), it.End)
	}
	pairs := func(b *it.Batch) []byte { // of a schema that lets all be null
		k := it.Field{Name: "k", Type: it.Int(32, true), Nullable: true}
		entries := it.Field{Name: "entries", Type: it.Struct, Nullable: true, Children: []it.Field{k, x32}}
		return stream(it.Schema(it.Field{Name: "m", Type: it.Map, Nullable: true, Children: []it.Field{entries}}), b.Message(), it.End)
	}
	deep := func(levels int) []byte {
		f := it.Field{Name: "i", Type: it.Int(8, true)}
		for range levels {
			f = it.Field{Name: "l", Type: it.List, Nullable: true, Children: []it.Field{f}}
		}
		return stream(it.Schema(f), it.End)
	}
	return []hostileCase{
		{"as it should be", one(none), nil, "", 0},
		{"nothing", nil, ipc.ErrUnfinished, "before the first batch", 0},
		{"end marker alone", it.End, malformed, "end marker comes before a schema", 0},
		{"legacy end marker alone", make([]byte, 4), malformed, "end marker comes before a schema", 0},
		{"no end marker", one(none)[:len(one(none))-8], ipc.ErrUnfinished, "after batch 1 (3 rows)", 0},

		// Lengths of the metadata.
		{"metadata length negative", lengths(-1), malformed, "-1 bytes of metadata", 0},
		{"metadata length smallest", lengths(math.MinInt32), malformed, "-2147483648 bytes", 0},
		{"metadata length largest", lengths(math.MaxInt32), limit, "Limits.MaxMetadata", 0},
		{"metadata length 4", lengths(4, 0, 0, 0, 0), malformed, "want at least", 0},
		{"metadata of zeros", lengths(16, make([]byte, 16)...), malformed, "found", 0},
		{"metadata of ones", lengths(16, bytes.Repeat([]byte{0xFF}, 16)...), malformed, "found", 0},
		{"metadata cut", lengths(1<<20, 1, 2, 3), truncated, "", 0},

		// Lengths of the body.
		{"body length 2^60", one(func(b *it.Batch) { b.BodyLength = 1 << 60 }), limit, "Limits.MaxBody", 1},
		{"body length 2^63-1", one(func(b *it.Batch) { b.BodyLength = math.MaxInt64 }), limit, "Limits.MaxBody", 1},
		{"body length negative", one(func(b *it.Batch) { b.BodyLength = -64 }), malformed, "-64 bytes", 1},
		{"body length 1 GiB", one(func(b *it.Batch) { b.BodyLength = 1 << 30 }), truncated, "", 1},
		{"body length too small", one(func(b *it.Batch) { b.BodyLength = 8 }), malformed, "bytes 0 to 12 of a body of 8", 1},

		// Rows, nodes, buffers.
		{"2^40 rows", one(func(b *it.Batch) { b.Rows, b.Nodes[0][0] = 1<<40, 1<<40 }), limit, "Limits.MaxRows", 1},
		{"2^31-1 rows", one(func(b *it.Batch) { b.Rows, b.Nodes[0][0] = 1<<31-1, 1<<31-1 }), nil, "", 1},
		{"2^27 rows", one(func(b *it.Batch) { b.Rows, b.Nodes[0][0] = 1<<27, 1<<27 }), malformed, "12 bytes, the rows need 536870912", 1},
		{"rows negative", one(func(b *it.Batch) { b.Rows = -3 }), malformed, "-3 rows", 1},
		{"rows differ", one(func(b *it.Batch) { b.Nodes[0][0] = 4 }), malformed, "4 rows in a batch of 3", 1},
		{"a row too many", one(func(b *it.Batch) { b.Rows, b.Nodes[0][0] = 4, 4 }), malformed, "12 bytes, the rows need 16", 1},
		{"no node", one(func(b *it.Batch) { b.Nodes = nil }), malformed, "0 field nodes", 1},
		{"a node too many", one(func(b *it.Batch) { b.Nodes = append(b.Nodes, b.Nodes[0]) }), malformed, "2 field nodes", 1},
		{"no buffers", one(func(b *it.Batch) { b.Buffers = nil }), malformed, "0 buffers", 1},
		{"a buffer too few", one(func(b *it.Batch) { b.Buffers = b.Buffers[:1] }), malformed, "1 buffers", 1},
		{"a buffer too many", one(func(b *it.Batch) { b.Buffers = append(b.Buffers, b.Buffers[0]) }), malformed, "3 buffers", 1},
		{"null_count without a bitmap", one(func(b *it.Batch) { b.Nodes[0][1] = 1 }), malformed, "validity", 1},
		{"null_count over rows", one(func(b *it.Batch) { b.Nodes[0][1] = 4 }), malformed, "null_count 4 of 3 rows", 1},
		{"null_count negative", one(func(b *it.Batch) { b.Nodes[0][1] = -1 }), malformed, "null_count -1", 1},
		{"null_count is not the bitmap's", stream(it.Schema(x32), it.NewBatch(3).Add(3, 1, it.Bits(1, 0, 0), it.I32(1, 2, 3)).Message()), malformed, "2 rows are null, null_count says 1", 1},
		{"null_count 0 and nulls in the bitmap", stream(it.Schema(x32), it.NewBatch(3).Add(3, 0, it.Bits(1, 0, 1), it.I32(1, 2, 3)).Message()), malformed, "1 rows are null, null_count says 0", 1},
		{"null in a column without", stream(it.Schema(it.Field{Name: "x", Type: it.Int(32, true)}), it.NewBatch(3).Add(3, 1, it.Bits(1, 0, 1), it.I32(1, 2, 3)).Message()), malformed, "not nullable", 1},
		{"buffer offset negative", one(func(b *it.Batch) { b.Buffers[1][0] = -8 }), malformed, "buffer 1", 1},
		{"buffer offset past the body", one(func(b *it.Batch) { b.Buffers[1][0] = 64 }), malformed, "buffer 1", 1},
		{"buffer offset overflows", one(func(b *it.Batch) { b.Buffers[1] = [2]int64{math.MaxInt64, math.MaxInt64} }), malformed, "buffer 1", 1},
		{"buffer end overflows", one(func(b *it.Batch) { b.Buffers[1] = [2]int64{8, math.MaxInt64} }), malformed, "buffer 1", 1},
		{"buffer length negative", one(func(b *it.Batch) { b.Buffers[1][1] = -12 }), malformed, "buffer 1", 1},
		{"absent buffer far away", one(func(b *it.Batch) { b.Buffers[0] = [2]int64{1 << 40, 0} }), malformed, "buffer 0", 1},

		// Values that others are found by.
		{"offsets decrease", texts(3, it.I32(0, 3, 1, 4), "abcd"), malformed, "offset 2 is 1", 1},
		{"offsets start below zero", texts(3, it.I32(-1, 3, 3, 4), "abcd"), malformed, "offset 0 is -1", 1},
		{"offsets end past the bytes", texts(3, it.I32(0, 1, 2, 5), "abcd"), malformed, "offset 3 is 5", 1},
		{"offsets too few", texts(4, it.I32(0, 1, 2, 4), "abcd"), malformed, "16 bytes, the rows need 20", 1},
		{"no offsets for no rows", texts(0, nil, ""), nil, "", 1},
		{"offsets overlap the text", stream(it.Schema(text), func() []byte {
			b := it.NewBatch(3).Add(3, 0, nil, it.I32(0, 1, 2, 4), []byte("abcd"))
			b.Buffers[2] = [2]int64{0, 16}
			return b.Message()
		}(), it.End), nil, "", 1},
		{"view inlined", views(none, it.View(4, "abcd", 0, 0)), nil, "", 1},
		{"view outside its buffer", views(none, it.View(30, "a te", 0, 3)), malformed, "row 0 points outside", 1},
		{"view of no buffer", views(none, it.View(4, "abcd", 0, 0), it.View(20, "a te", 1, 0)), malformed, "row 1 points outside", 1},
		{"view of buffer 2^32-1", views(none, it.View(20, "a te", math.MaxUint32, 0)), malformed, "row 0 points outside", 1},
		{"view with a negative length", views(none, it.View(math.MaxUint32, "", 0, 0)), malformed, "row 0 points outside", 1},
		{"view offset overflows", views(none, it.View(20, "a te", 0, math.MaxUint32-4)), malformed, "row 0 points outside", 1},
		{"null view with garbage", stream(it.Schema(view), it.NewBatch(2).AddViews(2, 1, it.Bits(1, 0), stream(it.View(2, "ab", 0, 0), bytes.Repeat([]byte{0xFF}, 16)), nil).Message(), it.End), nil, "", 1},
		{"variadic count negative", views(func(b *it.Batch) { b.Variadic[0] = -1 }, it.View(1, "a", 0, 0)), malformed, "count 0 is -1", 1},
		{"variadic count 2^62", views(func(b *it.Batch) { b.Variadic[0] = 1 << 62 }, it.View(1, "a", 0, 0)), malformed, "count 0 is", 1},
		{"variadic count off by one", views(func(b *it.Batch) { b.Variadic[0] = 2 }, it.View(1, "a", 0, 0)), malformed, "3 buffers", 1},
		{"variadic counts absent", views(func(b *it.Batch) { b.Variadic = nil }, it.View(1, "a", 0, 0)), malformed, "0 counts", 1},
		{"variadic counts too many", views(func(b *it.Batch) { b.Variadic = []int64{1, 0} }, it.View(1, "a", 0, 0)), malformed, "2 counts", 1},

		// Dictionaries.
		{"dictionary", dicts(it.Dictionary(7, false, "a", "b")), nil, "", 0},
		{"dictionary never sent", dicts(), malformed, "row 0 is outside the dictionary of 0 values", 1},
		{"dictionary too short", dicts(it.Dictionary(7, false, "a")), malformed, "row 1 is outside the dictionary of 1 values", 2},
		{"dictionary sent twice", dicts(it.Dictionary(7, false, "a", "b"), it.Dictionary(7, false, "c", "d")), nil, "", 0},
		{"dictionary replaced by less", dicts(it.Dictionary(7, false, "a", "b"), it.Dictionary(7, false, "c")), malformed, "row 1", 3},
		{"delta", dicts(it.Dictionary(7, false, "a"), it.Dictionary(7, true, "b")), nil, "", 0},
		{"delta before a first", dicts(it.Dictionary(7, true, "a", "b")), nil, "", 0},
		{"dictionary that no column has", dicts(it.Dictionary(8, false, "a")), malformed, "dictionary 8, which no column has", 1},
		{"dictionary with offsets that decrease", dicts(it.NewBatch(2).Add(2, 0, nil, it.I32(0, 3, 1), []byte("abc")).Dictionary(7, false)), malformed, "offset 2 is 1", 1},
		{"dictionary of 2^31-1 rows", dicts(it.NewBatch(1<<31-1).Add(1<<31-1, 0, nil, it.I32(0), nil).Dictionary(7, false)), nil, "", 1},
		{"dictionary of no node", dicts(it.NewBatch(0).Dictionary(7, false)), malformed, "0 field nodes", 1},
		{"dictionary without values", dicts(meta(arrowfb.MetadataVersionV5, func(b *flatbuffers.Builder) (arrowfb.MessageHeader, flatbuffers.UOffsetT) {
			arrowfb.DictionaryBatchStart(b)
			arrowfb.DictionaryBatchAddID(b, 7)
			return arrowfb.MessageHeaderDictionaryBatch, arrowfb.DictionaryBatchEnd(b)
		})), malformed, "0 field nodes", 1},
		{"index negative", stream(it.Schema(dict), it.Dictionary(7, false, "a"), it.NewBatch(1).Add(1, 0, nil, it.I32(-1)).Message()), malformed, "row 0 is outside", 2},
		{"index out of range in a null row", stream(it.Schema(dict), it.Dictionary(7, false, "a"), it.NewBatch(2).Add(2, 1, it.Bits(1, 0), it.I32(0, -1)).Message(), it.End), nil, "", 0},
		{"null value of the dictionary in a column without", stream(
			it.Schema(it.Field{Name: "d", Type: it.Utf8, Dict: &it.Dict{ID: 7, Bits: 32, Signed: true}}),
			it.NewBatch(2).Add(2, 1, it.Bits(1, 0), it.I32(0, 1, 1), []byte("a")).Dictionary(7, false),
			it.NewBatch(2).Add(2, 0, nil, it.I32(0, 1)).Message(), it.End), malformed, "row 1", 2},
		{"endless dictionaries", dicts(bytes.Repeat(it.Dictionary(7, true), 70_000)), limit, "Limits.MaxMessages", -1},

		// Schemas.
		{"second schema", stream(it.Schema(x32), it.Schema(x32), it.End), malformed, "a second schema", 1},
		{"batch before the schema", it.NewBatch(0).Message(), malformed, "begins with a message of type RecordBatch", 0},
		{"dictionary before the schema", it.Dictionary(0, false), malformed, "begins with a message of type DictionaryBatch", 0},
		{"no header", meta(arrowfb.MetadataVersionV5, nil), malformed, "begins with a message of type NONE", 0},
		{"no header later", stream(it.Schema(x32), meta(arrowfb.MetadataVersionV5, nil)), malformed, "NONE", 1},
		{"neither endian", meta(arrowfb.MetadataVersionV5, it.SchemaHeader(2, x32)), malformed, "endianness", 0},
		{"metadata V3", meta(arrowfb.MetadataVersionV3, it.SchemaHeader(0, x32)), unsupported, "V3", 0},
		{"metadata V6", meta(arrowfb.MetadataVersionV5+1, it.SchemaHeader(0, x32)), unsupported, "version", 0},
		{"metadata V4", stream(meta(arrowfb.MetadataVersionV4, it.SchemaHeader(0, x32)), it.End), nil, "", 0},
		{"batch of V3", one(func(b *it.Batch) { b.Version = arrowfb.MetadataVersionV3 }), unsupported, "V3", 1},
		{"tensor", stream(it.Schema(x32), meta(arrowfb.MetadataVersionV5, func(b *flatbuffers.Builder) (arrowfb.MessageHeader, flatbuffers.UOffsetT) {
			arrowfb.IntStart(b)
			typ := arrowfb.IntEnd(b)
			arrowfb.TensorStartShape(b, 0)
			shape := b.EndVector(0)
			data := arrowfb.CreateBuffer // a struct, in place
			arrowfb.TensorStart(b)
			arrowfb.TensorAddTypeType(b, arrowfb.TypeInt)
			arrowfb.TensorAddType(b, typ)
			arrowfb.TensorAddShape(b, shape)
			arrowfb.TensorAddData(b, data(b, 0, 0))
			return arrowfb.MessageHeaderTensor, arrowfb.TensorEnd(b)
		})), unsupported, "Tensor", 1},
		{"compressed", one(func(b *it.Batch) { c := arrowfb.CompressionTypeZSTD; b.Compression = &c }), limit, "inflate to", 1},
		{"compressed by codec 99", one(func(b *it.Batch) { c := arrowfb.CompressionType(99); b.Compression = &c }), unsupported, "99", 1},
		{"legacy prefix", stream(it.Legacy(it.Meta(arrowfb.MetadataVersionV4, it.SchemaHeader(0, x32), 0), nil),
			it.Legacy(it.Meta(arrowfb.MetadataVersionV4, it.NewBatch(3).Add(3, 0, nil, it.I32(1, 2, 3)).Header, 64), append(it.I32(1, 2, 3), make([]byte, 52)...)), make([]byte, 4)), nil, "", 0},
		{"int of 7 bits", it.Schema(it.Field{Name: "x", Type: it.Int(7, true)}), malformed, "parameters", 0},
		{"int of -8 bits", it.Schema(it.Field{Name: "x", Type: it.Int(-8, true)}), malformed, "parameters", 0},
		{"float of precision 9", it.Schema(it.Field{Name: "x", Type: it.Float(9)}), malformed, "parameters", 0},
		{"timestamp of unit 9", it.Schema(it.Field{Name: "x", Type: it.Timestamp(9, "")}), malformed, "parameters", 0},
		{"timestamp of unit -1", it.Schema(it.Field{Name: "x", Type: it.Timestamp(-1, "")}), malformed, "parameters", 0},
		{"fixed binary of -1 bytes", it.Schema(it.Field{Name: "x", Type: it.FixedBinary(-1)}), malformed, "parameters", 0},
		{"decimal of 3 bits", it.Schema(it.Field{Name: "x", Type: it.Decimal(5, 2, 3)}), malformed, "parameters", 0},
		{"fixed binary of 2^31-1 bytes", stream(it.Schema(it.Field{Name: "x", Type: it.FixedBinary(math.MaxInt32)}), it.NewBatch(1<<31-1).Add(1<<31-1, 0, nil, nil).Message()), nil, "", 1},
		{"fixed binary of no bytes", stream(it.Schema(it.Field{Name: "x", Type: it.FixedBinary(0)}), it.NewBatch(5).Add(5, 0, nil, nil).Message(), it.End), nil, "", 0},
		{"decimal of no digits", decimal(0, 0, 128), malformed, "parameters", 0},
		{"decimal of -3 digits", decimal(-3, 2, 128), malformed, "parameters", 0},
		{"decimal of 10 digits in 32 bits", decimal(10, 2, 32), malformed, "parameters", 0},
		{"decimal of 19 digits in 64 bits", decimal(19, 2, 64), malformed, "parameters", 0},
		{"decimal of 39 digits in 128 bits", decimal(39, 2, 128), malformed, "parameters", 0},
		{"decimal of 200 digits", decimal(200, 3, 256), malformed, "parameters", 0},
		{"decimal of scale -2^31", decimal(5, math.MinInt32, 128), unsupported, "scale -2147483648, want -1000 to 1000", 0},
		{"decimal of scale 2^31-1", decimal(5, math.MaxInt32, 32), unsupported, "scale 2147483647", 0},
		{"decimal of scale 1001", decimal(76, 1001, 256), unsupported, "scale 1001", 0},
		{"decimal of scale -1000", stream(decimal(76, -1000, 256), it.End), nil, "", 0},
		{"decimal with more scale than digits", stream(decimal(5, 10, 128), it.End), nil, "", 0},
		{"32 bits of nanoseconds", it.Schema(it.Field{Name: "x", Type: it.Time(arrowfb.TimeUnitNanosecond, 32)}), malformed, "parameters", 0},
		{"32 bits of microseconds", it.Schema(it.Field{Name: "x", Type: it.Time(arrowfb.TimeUnitMicrosecond, 32)}), malformed, "parameters", 0},
		{"64 bits of seconds", it.Schema(it.Field{Name: "x", Type: it.Time(arrowfb.TimeUnitSecond, 64)}), malformed, "parameters", 0},
		{"64 bits of milliseconds", it.Schema(it.Field{Name: "x", Type: it.Time(arrowfb.TimeUnitMillisecond, 64)}), malformed, "parameters", 0},
		{"64 bits of microseconds", stream(it.Schema(it.Field{Name: "x", Type: it.Time(arrowfb.TimeUnitMicrosecond, 64)}), it.End), nil, "", 0},
		{"dense union whose rows follow their children", dense(0, 0, 1, 1), nil, "", 1},
		{"dense union with rows that share an item", dense(1, 0, 1, 0), nil, "", 1},
		{"dense union with falling offsets", dense(1, 0, 0, 1), malformed, "row 2 is item 0 of its child, behind item 1", 1},
		{"dense union with an offset past its child", dense(0, 0, 2, 1), malformed, "row 2 is item 2 of a child with 2", 1},
		{"map of ints", maps(x32), malformed, "a map of int32, want a struct of keys and values", 0},
		{"map of an empty struct", maps(it.Field{Name: "entries", Type: it.Struct}), malformed, "a map of struct", 0},
		{"map without values", maps(it.Field{Name: "entries", Type: it.Struct, Children: []it.Field{x32}}), malformed, "a map of struct<x: int32>", 0},
		{"map of three columns", maps(it.Field{Name: "entries", Type: it.Struct, Children: []it.Field{x32, x32, x32}}), malformed, "a map of struct", 0},
		{"map of a dictionary", maps(it.Field{Name: "entries", Type: it.Struct, Children: []it.Field{x32, x32}, Dict: dict.Dict}), malformed, "a map of dictionary", 0},
		{"map with a null entry", pairs(it.NewBatch(1).Add(1, 0, nil, it.I32(0, 2)).Add(2, 1, it.Bits(1, 0)).
			Add(2, 0, nil, it.I32(1, 2)).Add(2, 0, nil, it.I32(3, 4))), malformed, "(m.entries): null_count 1 in a column that is not nullable", 1},
		{"map with a null key", pairs(it.NewBatch(1).Add(1, 0, nil, it.I32(0, 2)).Add(2, 0, nil).
			Add(2, 1, it.Bits(1, 0), it.I32(1, 2)).Add(2, 0, nil, it.I32(3, 4))), malformed, "(m.entries.k): null_count 1 in a column that is not nullable", 1},
		{"map with a null value", pairs(it.NewBatch(1).Add(1, 0, nil, it.I32(0, 2)).Add(2, 0, nil).
			Add(2, 0, nil, it.I32(1, 2)).Add(2, 1, it.Bits(1, 0), it.I32(3, 4))), nil, "", 1},
		{"map", maps(it.Field{Name: "entries", Type: it.Struct, Nullable: true, Children: []it.Field{x32, x32}}), nil, "", 0},
		{"type 200", it.Schema(it.Field{Name: "x", Type: it.Plain(200)}), malformed, "tag 200", 0},
		{"type 0", it.Schema(it.Field{Name: "x", Type: it.Plain(0)}), malformed, "tag", 0},
		{"list without a child", it.Schema(it.Field{Name: "x", Type: it.List}), malformed, "0 children, want 1", 0},
		{"list with two children", it.Schema(it.Field{Name: "x", Type: it.List, Children: []it.Field{x32, x32}}), malformed, "2 children, want 1", 0},
		{"int with a child", it.Schema(it.Field{Name: "x", Type: it.Int(8, true), Children: []it.Field{x32}}), malformed, "1 children, want 0", 0},
		{"union with too many ids", it.Schema(it.Field{Name: "x", Type: it.Union(arrowfb.UnionModeSparse, 0, 1), Children: []it.Field{x32}}), malformed, "2 type ids for 1 children", 0},
		{"dictionary of 16 Mi nulls in no bytes", stream(it.Schema(it.Field{Name: "x", Nullable: true, Type: it.Null, Dict: &it.Dict{ID: 7, Bits: 8}}),
			it.NewBatch(16<<20).Add(16<<20, 16<<20).Dictionary(7, false), it.NewBatch(1).Add(1, 0, nil, it.I8(0)).Message(), it.End), limit, "Limits.MaxDictionaryBytes", 1},
		{"union of 128 children without ids", stream(it.Schema(it.Field{Name: "x", Type: it.Union(arrowfb.UnionModeSparse), Children: slices.Repeat([]it.Field{x32}, 128)}), it.End), nil, "", 0},
		{"union of 129 children without ids", it.Schema(it.Field{Name: "x", Type: it.Union(arrowfb.UnionModeSparse), Children: slices.Repeat([]it.Field{x32}, 129)}), malformed, "129 children", 0},
		{"dictionary of values of no bytes", stream(it.Schema(it.Field{Name: "x", Nullable: true, Type: it.FixedBinary(0), Dict: &it.Dict{ID: 7, Bits: 8}}),
			it.NewBatch(2).Add(2, 1, it.Bits(1, 0), nil).Dictionary(7, false), it.NewBatch(2).Add(2, 0, nil, it.I8(0, 1)).Message(), it.End), nil, "", 1},
		{"union of mode 9", it.Schema(it.Field{Name: "x", Type: it.Union(9)}), malformed, "parameters", 0},
		{"indices of 7 bits", it.Schema(it.Field{Name: "d", Type: it.Utf8, Dict: &it.Dict{Bits: 7}}), malformed, "7 bits", 0},
		{"dictionary of kind 5", it.Schema(it.Field{Name: "d", Type: it.Utf8, Dict: &it.Dict{Kind: 5}}), unsupported, "kind", 0},
		{"one id for two types", it.Schema(dict, it.Field{Name: "e", Type: it.LargeUtf8, Dict: dict.Dict}), malformed, "dictionary 7 holds", 0},
		{"200,000 columns", it.Schema(slices.Repeat([]it.Field{x32}, 200_000)...), limit, "Limits.MaxColumns", 0},
		{"lists in 65 levels", deep(65), limit, "Limits.MaxDepth", 0},
		{"lists in 1,000 levels", deep(1000), limit, "", 0},
	}
}

func TestHostileStreams(t *testing.T) {
	for _, c := range hostileCases() {
		t.Run(c.name, func(t *testing.T) {
			for _, level := range []ipc.Level{ipc.Structure, ipc.Contents, ipc.UTF8} {
				var err error
				budget := mem.NewBudget(64 << 20)
				opts := &ipc.ReaderOptions{Validate: level, Pool: mem.NewPool(&mem.PoolOptions{Budget: budget})}
				n := allocated(func() { _, err = readAll(bytes.NewReader(c.stream), opts) })
				wellTyped(t, err, len(c.stream))
				if most := 40<<20 + 20*int64(len(c.stream)); n > most {
					t.Errorf("level %d: %d bytes allocated for a stream of %d: %v", level, n, len(c.stream), err)
				}
				if used := budget.Used(); used != 0 {
					t.Errorf("level %d: %d bytes are not given back", level, used)
				}
				if level == ipc.Structure || runtime.GOARCH == "386" {
					continue // what is wrong may not have been looked for, or an int be too small for it
				}
				if c.want == nil {
					if c.says != "" {
						t.Fatal("a case that says what it does not want")
					}
					if err != nil && !strings.Contains(c.name, "2^31-1") {
						t.Fatal(err)
					}
					continue
				}
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("got %v, want one that wraps %q and says %q", err, c.want, c.says)
				}
				var e *frame.DecodeError
				if errors.As(err, &e) && c.frame >= 0 && e.Frame != c.frame {
					t.Errorf("%v: want frame %d", err, c.frame)
				}
			}
		})
	}
}
