package ipc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// schemaOf returns a schema message whose fields may share what they lead to.
func schemaOf(fields func(b *flatbuffers.Builder) []flatbuffers.UOffsetT) []byte {
	return it.Message(it.Meta(arrowfb.MetadataVersionV5, func(b *flatbuffers.Builder) (arrowfb.MessageHeader, flatbuffers.UOffsetT) {
		v := it.Vector(b, fields(b), arrowfb.SchemaStartFields)
		arrowfb.SchemaStart(b)
		arrowfb.SchemaAddFields(b, v)
		return arrowfb.MessageHeaderSchema, arrowfb.SchemaEnd(b)
	}, 0), nil)
}

// field writes a field whose parts are there already.
func field(b *flatbuffers.Builder, name flatbuffers.UOffsetT, tag arrowfb.Type, typ, children, metadata flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	arrowfb.FieldStart(b)
	arrowfb.FieldAddName(b, name)
	arrowfb.FieldAddTypeType(b, tag)
	arrowfb.FieldAddType(b, typ)
	arrowfb.FieldAddNullable(b, true)
	if children != 0 {
		arrowfb.FieldAddChildren(b, children)
	}
	if metadata != 0 {
		arrowfb.FieldAddCustomMetadata(b, metadata)
	}
	return arrowfb.FieldEnd(b)
}

func empty(b *flatbuffers.Builder) flatbuffers.UOffsetT {
	arrowfb.NullStart(b)
	return arrowfb.NullEnd(b)
}

// TestSharedParts reads schemas of a megabyte or so whose parts lead to the same bytes again and again, so that copying out what
// they mean would take gigabytes.
func TestSharedParts(t *testing.T) {
	const long = 1 << 20
	text := strings.Repeat("n", long)
	cases := []struct {
		name   string
		schema []byte
		says   string
	}{
		{"a name for all fields", schemaOf(func(b *flatbuffers.Builder) []flatbuffers.UOffsetT {
			f := field(b, b.CreateString(text), arrowfb.TypeNull, empty(b), 0, 0)
			return slices.Repeat([]flatbuffers.UOffsetT{f}, 60_000)
		}), "Limits.MaxMetadata"},
		{"a long name above many", schemaOf(func(b *flatbuffers.Builder) []flatbuffers.UOffsetT {
			child := field(b, b.CreateString("c"), arrowfb.TypeNull, empty(b), 0, 0)
			children := it.Vector(b, slices.Repeat([]flatbuffers.UOffsetT{child}, 60_000), arrowfb.FieldStartChildren)
			return []flatbuffers.UOffsetT{field(b, b.CreateString(text), arrowfb.TypeStruct, empty(b), children, 0)}
		}), "Limits.MaxMetadata"},
		{"an entry many times", schemaOf(func(b *flatbuffers.Builder) []flatbuffers.UOffsetT {
			k, v := b.CreateString("k"), b.CreateString(text)
			arrowfb.KeyValueStart(b)
			arrowfb.KeyValueAddKey(b, k)
			arrowfb.KeyValueAddValue(b, v)
			kv := arrowfb.KeyValueEnd(b)
			kvs := it.Vector(b, slices.Repeat([]flatbuffers.UOffsetT{kv}, 200_000), arrowfb.FieldStartCustomMetadata)
			return []flatbuffers.UOffsetT{field(b, b.CreateString("f"), arrowfb.TypeNull, empty(b), 0, kvs)}
		}), "Limits.MaxMetadata"},
		{"empty entries for many fields", schemaOf(func(b *flatbuffers.Builder) []flatbuffers.UOffsetT {
			arrowfb.KeyValueStart(b)
			kv := arrowfb.KeyValueEnd(b)
			kvs := it.Vector(b, slices.Repeat([]flatbuffers.UOffsetT{kv}, 10), arrowfb.FieldStartCustomMetadata)
			f := field(b, b.CreateString("f"), arrowfb.TypeNull, empty(b), 0, kvs)
			return slices.Repeat([]flatbuffers.UOffsetT{f}, 60_000)
		}), "more tables"},
		{"a zone for all fields", schemaOf(func(b *flatbuffers.Builder) []flatbuffers.UOffsetT {
			zone := b.CreateString(text)
			arrowfb.TimestampStart(b)
			arrowfb.TimestampAddTimezone(b, zone)
			typ := arrowfb.TimestampEnd(b)
			f := field(b, b.CreateString("f"), arrowfb.TypeTimestamp, typ, 0, 0)
			return slices.Repeat([]flatbuffers.UOffsetT{f}, 60_000)
		}), "Limits.MaxMetadata"},
		{"type ids for all unions", schemaOf(func(b *flatbuffers.Builder) []flatbuffers.UOffsetT {
			typ := it.Union(arrowfb.UnionModeDense, make([]int32, 250_000)...).Build(b)
			f := field(b, b.CreateString("f"), arrowfb.TypeUnion, typ, 0, 0)
			return slices.Repeat([]flatbuffers.UOffsetT{f}, 60_000)
		}), "250000 type ids for 0 children"},
		{"fields that double 30 times", schemaOf(func(b *flatbuffers.Builder) []flatbuffers.UOffsetT {
			f := field(b, b.CreateString("f"), arrowfb.TypeNull, empty(b), 0, 0)
			for range 30 {
				children := it.Vector(b, []flatbuffers.UOffsetT{f, f}, arrowfb.FieldStartChildren)
				f = field(b, b.CreateString("f"), arrowfb.TypeStruct, empty(b), children, 0)
			}
			return []flatbuffers.UOffsetT{f}
		}), "more tables"},
		{"fields that double 15 times", schemaOf(func(b *flatbuffers.Builder) []flatbuffers.UOffsetT {
			f := field(b, b.CreateString("f"), arrowfb.TypeNull, empty(b), 0, 0)
			for range 15 {
				children := it.Vector(b, []flatbuffers.UOffsetT{f, f}, arrowfb.FieldStartChildren)
				f = field(b, b.CreateString("f"), arrowfb.TypeStruct, empty(b), children, 0)
			}
			padding := b.CreateByteVector(make([]byte, long)) // room for as many tables
			_ = padding
			return []flatbuffers.UOffsetT{f, f}
		}), "Limits.MaxColumns"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var err error
			n := allocated(func() { _, err = readAll(bytes.NewReader(c.schema), nil) })
			wellTyped(t, err, len(c.schema))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%.300v, want %q", err, c.says)
			}
			if n > 160<<20 {
				t.Errorf("%d MiB allocated for a schema of %d KiB", n>>20, len(c.schema)>>10)
			}
		})
	}
}

// TestSharedBuffers reads a batch of many columns that are the same bytes of a body, unaligned: those of a few are read, not
// those of so many that the copies would take gigabytes.
func TestSharedBuffers(t *testing.T) {
	const columns, size = 2000, 1 << 20
	fields := make([]it.Field, columns)
	for i := range fields {
		fields[i] = it.Field{Name: "x", Type: it.Int(8, true)}
	}
	b := it.NewBatch(size)
	for range columns {
		b.Nodes = append(b.Nodes, [2]int64{size, 0})
		b.Buffers = append(b.Buffers, [2]int64{}, [2]int64{1, size})
	}
	b.Body = make([]byte, size+64)
	in := stream(it.Schema(fields...), b.Message(), it.End)
	var err error
	n := allocated(func() { _, err = readAll(bytes.NewReader(in), nil) })
	if !errors.Is(err, ipc.ErrLimit) || !strings.Contains(err.Error(), "Limits.MaxExpanded") {
		t.Fatal(err)
	}
	if n > 40<<20 {
		t.Errorf("%d MiB allocated for a message of 1 MiB", n>>20)
	}
	// Where only one of them is wanted there is nothing to object to.
	opts := &ipc.ReaderOptions{Select: func(s *ipc.Schema) ([]bool, error) {
		want := make([]bool, len(s.Fields))
		want[7] = true
		return want, nil
	}}
	r := ipc.NewReader(bytes.NewReader(in), opts)
	h, err := r.Next(context.Background())
	if err != nil || len(h.Column(7).Buffers[1]) != size || !mem.IsAligned(h.Column(7).Buffers[1], 64) || r.Stats().Realigned != 1 {
		t.Fatal(err, r.Stats())
	}
	h.Release()
}

// TestTwoColumnsOfTheSameBytes reads a batch whose columns name one another's bytes, wholly and in part, as pyarrow does.
func TestTwoColumnsOfTheSameBytes(t *testing.T) {
	b := it.NewBatch(4).Add(4, 0, nil, it.I32(1, 2, 3, 4))
	b.Nodes = append(b.Nodes, [2]int64{4, 0}, [2]int64{4, 0})
	b.Buffers = append(b.Buffers, [2]int64{}, b.Buffers[1], [2]int64{}, [2]int64{4, 8})
	in := stream(it.Schema(it.Field{Name: "a", Type: it.Int(32, true)}, it.Field{Name: "b", Type: it.Int(32, true)}, it.Field{Name: "c", Type: it.Int(16, true)}), b.Message(), it.End)
	r := ipc.NewReader(bytes.NewReader(in), nil)
	h, err := r.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]byte{it.I32(1, 2, 3, 4), it.I32(1, 2, 3, 4), it.I16(2, 0, 3, 0)} {
		if got := h.Column(i).Buffers[1]; !bytes.Equal(got, want) {
			t.Errorf("column %d: %v, want %v", i, got, want)
		}
	}
	h.Release()
	if _, err := r.Next(context.Background()); err != io.EOF {
		t.Error(err)
	}
}

// TestErrorsSayWhere checks frame, offset and path of what is wrong in the third message.
func TestErrorsSayWhere(t *testing.T) {
	fields := []it.Field{
		{Name: "a", Type: it.Int(32, true)},
		{Name: "v", Type: it.Utf8View, Nullable: true},
		{Name: "l", Type: it.List, Nullable: true, Children: []it.Field{{Name: "item", Type: it.Utf8, Nullable: true}}},
		{Name: "d", Type: it.Utf8, Nullable: true, Dict: &it.Dict{ID: 3, Bits: 8}},
	}
	batch := func() *it.Batch {
		views, data := it.Views("one that is longer than twelve", "short")
		offsets, text := it.Texts("x", "yz", "")
		return it.NewBatch(2).Add(2, 0, nil, it.I32(1, 2)).AddViews(2, 0, nil, views, data).
			Add(2, 0, nil, it.I32(0, 1, 3)).Add(3, 1, it.Bits(1, 1, 0), offsets, text).Add(2, 0, nil, it.I8(0, 1))
	}
	head := int64(len(batch().Message()) - len(batch().Body))
	body := func(b *it.Batch, i int) int64 { return head + b.Buffers[i][0] }
	ok := stream(it.Schema(fields...), it.Dictionary(3, false, "p", "q"), batch().Message(), it.End)
	if rows, err := readAll(bytes.NewReader(ok), nil); err != nil || rows != 2 {
		t.Fatal(rows, err)
	}
	for _, c := range []struct {
		edit func(b *it.Batch)
		path string
		at   func(b *it.Batch) int64 // nil is somewhere in the metadata
	}{
		{func(b *it.Batch) { b.Nodes[0][0] = 1 }, "a", nil},
		{func(b *it.Batch) { b.Nodes[3][1] = -1 }, "l.item", nil},
		{func(b *it.Batch) { b.Rows = -1 }, "message.length", nil},
		{func(b *it.Batch) { b.Variadic[0] = -1 }, "message.variadicBufferCounts", nil},
		{func(b *it.Batch) { b.Buffers[1][0] = 1 << 40 }, "a.values", nil},
		{func(b *it.Batch) { b.Buffers[1][1] = 4 }, "a.values", nil},
		{func(b *it.Batch) { b.Body[b.Buffers[3][0]+8] = 9 }, "v.views", func(b *it.Batch) int64 { return body(b, 3) }},
		{func(b *it.Batch) { b.Body[b.Buffers[6][0]+4] = 9 }, "l.offsets", func(b *it.Batch) int64 { return body(b, 6) }},
		{func(b *it.Batch) { b.Nodes[3][1] = 2 }, "l.item.validity", func(b *it.Batch) int64 { return body(b, 7) }},
		{func(b *it.Batch) { b.Body[b.Buffers[8][0]+4] = 9 }, "l.item.offsets", func(b *it.Batch) int64 { return body(b, 8) }},
		{func(b *it.Batch) { b.Body[b.Buffers[11][0]] = 9 }, "d.indices", func(b *it.Batch) int64 { return body(b, 11) }},
	} {
		b := batch()
		c.edit(b)
		in := stream(it.Schema(fields...), it.Dictionary(3, false, "p", "q"), b.Message(), it.End)
		_, err := readAll(bytes.NewReader(in), nil)
		var e *frame.DecodeError
		if !errors.As(err, &e) || e.Frame != 2 || e.Path != c.path || e.Offset < 8 {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if c.at == nil && e.Offset >= head || c.at != nil && e.Offset != c.at(b) {
			t.Errorf("%v: offset %d, the body begins at %d", err, e.Offset, head)
		}
	}
}

// TestMessagesDoNotShareDictionaries decodes a message that lacks the dictionary which the one before it brought.
func TestMessagesDoNotShareDictionaries(t *testing.T) {
	schema := &ipc.Schema{Fields: []ipc.Field{{Name: "d", Type: ipc.Utf8, Nullable: true, Dictionary: ipc.DictionaryOf(ipc.Int32)}}}
	d, err := ipc.NewMessageDecoder(schema, nil)
	if err != nil {
		t.Fatal(err)
	}
	batch := it.NewBatch(2).Add(2, 0, nil, it.I32(0, 1)).Message()
	for range 2 {
		h, err := d.Decode(stream(it.Dictionary(0, false, "a", "b"), batch))
		if err != nil || h.Len() != 2 {
			t.Fatal(err)
		}
		h.Release()
		for _, p := range [][]byte{batch, stream(it.Dictionary(0, true, "a"), batch)} {
			if h, err := d.Decode(p); !errors.Is(err, ipc.ErrMalformed) || h != (ipc.Batch{}) {
				t.Fatalf("%v, %v", h, err)
			}
		}
	}
}

// TestDictionariesTakeTheBudget charges the values of dictionaries: those of a stream, and those that only batches hold still.
func TestDictionariesTakeTheBudget(t *testing.T) {
	field := it.Field{Name: "d", Type: it.Utf8, Dict: &it.Dict{Bits: 8}}
	long := strings.Repeat("x", 1<<20)
	batch := it.NewBatch(1).Add(1, 0, nil, it.I8(0)).Message()
	budget := mem.NewBudget(4 << 20)
	pool := mem.NewPool(&mem.PoolOptions{Budget: budget})
	in := stream(it.Schema(field), it.Dictionary(0, false, long), batch, it.Dictionary(0, true, "more"), batch, it.Dictionary(0, false, "b"), batch, it.End)
	r := ipc.NewReader(bytes.NewReader(in), &ipc.ReaderOptions{Pool: pool})
	var batches []ipc.Batch
	for {
		h, err := r.Next(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if used := budget.Used(); used < 1<<20 {
			t.Errorf("%d bytes are taken after batch %d", used, len(batches))
		}
		batches = append(batches, h)
	}
	for i, h := range batches {
		if used := budget.Used(); i < 2 && used < 1<<20 {
			t.Errorf("%d bytes are taken while batch %d is out", used, i)
		}
		h.Release()
	}
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are taken at the end", used)
	}
	in = stream(it.Schema(field), it.Dictionary(0, false, strings.Repeat(long, 3)), batch, it.End)
	if _, err := readAll(bytes.NewReader(in), &ipc.ReaderOptions{Pool: mem.NewPool(&mem.PoolOptions{Budget: mem.NewBudget(5 << 20)})}); !errors.Is(err, mem.ErrBudget) {
		t.Errorf("3 MiB of body and as many of values in 5 MiB: %v", err)
	}
}

// TestRetainedDictionariesTakeTheBudget keeps small batches, which Retain copies: what they have of dictionaries is charged on.
func TestRetainedDictionariesTakeTheBudget(t *testing.T) {
	field := it.Field{Name: "d", Type: it.Utf8, Dict: &it.Dict{Bits: 8}}
	long := strings.Repeat("x", 1<<20)
	batch := it.NewBatch(1).Add(1, 0, nil, it.I8(0)).Message()
	budget := mem.NewBudget(8 << 20)
	in := stream(it.Schema(field), it.Dictionary(0, false, long), batch, it.Dictionary(0, false, "b"), batch, it.End)
	r := ipc.NewReader(bytes.NewReader(in), &ipc.ReaderOptions{Pool: mem.NewPool(&mem.PoolOptions{Budget: budget})})
	first, err := r.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	kept := first.Retain()
	if !mem.Debug && &ipc.Columns(first)[0].Buffers[1][0] == &ipc.Columns(kept)[0].Buffers[1][0] {
		t.Error("a batch of one row was not copied")
	}
	first.Release()
	second, err := r.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	second.Release()
	if _, err := r.Next(context.Background()); err != io.EOF {
		t.Fatal(err)
	}
	if used := budget.Used(); used < 1<<20 || kept.Column(0).Values.At(0) != long {
		t.Errorf("%d bytes are taken while a batch has %d of a dictionary", used, len(long))
	}
	again := kept.Retain()
	kept.Release()
	if used := budget.Used(); used < 1<<20 {
		t.Errorf("%d bytes are taken while a batch that was kept twice has %d of a dictionary", used, len(long))
	}
	again.Release()
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are taken at the end", used)
	}
}

// TestLimitsOfAllDictionaries has two dictionaries that only together exceed the limits.
func TestLimitsOfAllDictionaries(t *testing.T) {
	a := it.Field{Name: "a", Type: it.Utf8, Dict: &it.Dict{ID: 0, Bits: 8}}
	b := it.Field{Name: "b", Type: it.Utf8, Dict: &it.Dict{ID: 1, Bits: 8}}
	in := stream(it.Schema(a, b), it.Dictionary(0, false, "one", "two"), it.Dictionary(0, false, "three", "four"), it.Dictionary(1, false, "five", "six"), it.End)
	for _, c := range []struct {
		limits ipc.Limits
		says   string
	}{
		{ipc.Limits{MaxDictionaryEntries: 4, MaxDictionaryBytes: 16}, ""},
		{ipc.Limits{MaxDictionaryEntries: 3}, "the 4 values of all dictionaries exceed Limits.MaxDictionaryEntries (3)"},
		{ipc.Limits{MaxDictionaryBytes: 15}, "the 16 bytes of all dictionaries exceed Limits.MaxDictionaryBytes (15 bytes)"},
	} {
		_, err := readAll(bytes.NewReader(in), &ipc.ReaderOptions{Limits: &c.limits})
		if (err == nil) != (c.says == "") || err != nil && (!errors.Is(err, ipc.ErrLimit) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%+v: %v", c.limits, err)
		}
	}
}

// TestRowsWithoutBytes wants rows that no byte was sent for counted, whatever their type.
func TestRowsWithoutBytes(t *testing.T) {
	none := column.Data{Len: 1000}
	item := column.Data{Buffers: [3][]byte{nil, {}}}
	for name, c := range map[string]struct {
		f ipc.Field
		d column.Data
	}{
		"fixed-size binary": {ipc.Field{Name: "x", Type: ipc.FixedSizeBinary(0)}, none},
		"struct":            {ipc.Field{Name: "x", Type: ipc.Struct}, none},
		"fixed-size list": {
			ipc.Field{Name: "x", Type: ipc.Type{Kind: ipc.KindFixedSizeList}, Children: []ipc.Field{{Name: "item", Type: ipc.Int8}}},
			column.Data{Len: 1000, Children: []column.Data{item}},
		},
		"no columns": {},
	} {
		s, columns := &ipc.Schema{}, []column.Data(nil)
		if c.f.Name != "" {
			s.Fields, columns = []ipc.Field{c.f}, []column.Data{c.d}
		}
		var buf bytes.Buffer
		w := ipc.NewWriter(&buf, s, nil)
		if err := errors.Join(w.Write(t.Context(), 1000, columns), w.Close()); err != nil {
			t.Fatal(name, err)
		}
		for most, refused := range map[int64]bool{999: true, 1000: false} {
			batch, err := ipc.NewReader(bytes.NewReader(buf.Bytes()), &ipc.ReaderOptions{Limits: &ipc.Limits{MaxExpanded: most}}).Next(t.Context())
			if refused != errors.Is(err, ipc.ErrLimit) || refused && !strings.Contains(err.Error(), "Limits.MaxExpanded") || !refused && err != nil {
				t.Errorf("%s, %d: %v", name, most, err)
			}
			if err == nil {
				batch.Release()
			}
		}
	}
}

// TestInflatedDictionariesTakeTheBudget charges what a dictionary is inflated to while its values are taken from there.
func TestInflatedDictionariesTakeTheBudget(t *testing.T) {
	dict := column.NewDictionary(0)
	dict.Append(strings.Repeat("x", 3<<20), false)
	var in bytes.Buffer
	w := ipc.NewWriter(&in, &ipc.Schema{Fields: []ipc.Field{{Name: "d", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int8)}}}, &ipc.WriterOptions{Compression: ipc.LZ4})
	if err := w.Write(context.Background(), 1, []column.Data{{Len: 1, Buffers: [3][]byte{nil, {0}}, Dictionary: dict, Values: dict.Values()}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		budget int64
		want   error
	}{{5 << 20, mem.ErrBudget}, {8 << 20, nil}} {
		budget := mem.NewBudget(c.budget)
		_, err := readAll(bytes.NewReader(in.Bytes()), &ipc.ReaderOptions{Pool: mem.NewPool(&mem.PoolOptions{Budget: budget})})
		if !errors.Is(err, c.want) {
			t.Errorf("a text of 3 MiB inflated to as many in %d: %v", c.budget, err)
		}
		if used := budget.Used(); used != 0 {
			t.Errorf("%d bytes are taken at the end", used)
		}
	}
}
