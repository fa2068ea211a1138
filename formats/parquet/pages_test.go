package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/klauspost/compress/zstd"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// fields writes the fields of a struct in Thrift's compact encoding: an int64 is a number of 32 bits, a bool itself, bytes a struct.
func fields(list ...any) (b []byte) {
	for i := 0; i < len(list); i += 2 {
		id := binary.AppendUvarint(nil, uint64(list[i].(int))<<1)
		switch v := list[i+1].(type) {
		case int:
			b = binary.AppendVarint(append(append(b, thriftI32), id...), int64(v))
		case bool:
			kind := byte(thriftFalse)
			if v {
				kind = thriftTrue
			}
			b = append(append(b, kind), id...)
		case []byte:
			b = append(append(append(b, thriftStruct), id...), v...)
		}
	}
	return append(b, 0)
}

// TestPageHeader reads headers whose fields come in any order, twice, or of other kinds than the page is.
func TestPageHeader(t *testing.T) {
	data := fields(1, 7, 2, 5, 3, 3, 4, 4, 9, fields(1, 3))
	for _, c := range []struct {
		in   []byte
		want pageHeader
		err  string
	}{
		{fields(1, 0, 2, 100, 3, 50, 5, data), pageHeader{0, 100, 50, pageKind{there: true, values: 7, encoding: 5, defEncoding: 3, repEncoding: 4}}, ""},
		{fields(7, fields(1, 1, 2, 0), 3, 50, 5, data, 8, fields(1, 9), 1, 0), pageHeader{0, 0, 50, pageKind{there: true, values: 7, encoding: 5, defEncoding: 3, repEncoding: 4}}, ""},
		{fields(1, 3, 8, fields(1, 9, 7, false), 8, fields(1, 3, 4, 2, 5, 6, 6, 8)), pageHeader{3, 0, 0, pageKind{there: true, values: 3, encoding: 2, levels: [2]int64{8, 6}}}, ""},
		{fields(1, 3, 8, fields(1, 3, 4, 2, 7, false)), pageHeader{3, 0, 0, pageKind{there: true, values: 3, encoding: 2, plain: true, plainAt: 11}}, ""},
		{fields(1, 2, 7, fields(1, 3)), pageHeader{2, 0, 0, pageKind{there: true, values: 3, encoding: -1}}, ""},
		{fields(1, 1), pageHeader{kind: 1}, ""},
		{fields(1, 2, 5, data), pageHeader{}, "without what is of that type"},
		{fields(1, 1<<32), pageHeader{}, "want 32 bits"},
		{fields(1, 0, 65536+3, 7), pageHeader{}, "want 16 bits"},
		{fields(2, true), pageHeader{}, "want a number"},
		{data[:5], pageHeader{}, "cut off"},
		{append([]byte{thriftBinary, 20}, 200, 1), pageHeader{}, "of a page header of"},
	} {
		r := thrift{b: c.in, what: "page header"}
		h, err := r.pageHeader()
		if c.err != "" {
			if !errors.Is(err, ipc.ErrMalformed) || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%x: %v, want %s", c.in, err, c.err)
			}
			continue
		}
		if err != nil || h != c.want || r.at != len(c.in) {
			t.Errorf("%x: %+v, %v, want %+v", c.in, h, err, c.want)
		}
	}
}

var codecsByName = map[string]compress.Compression{
	"none": compress.Codecs.Uncompressed, "snappy": compress.Codecs.Snappy, "zstd": compress.Codecs.Zstd, "gzip": compress.Codecs.Gzip, "lz4": compress.Codecs.Lz4Raw,
}

// chunkOf writes a file of one column by arrow-go, and returns it with where its column chunk begins.
func chunkOf(t testing.TB, encoding parquet.Encoding, compression string, values []string) (b []byte, start int64) {
	t.Helper()
	node, err := schema.NewPrimitiveNode("x", parquet.Repetitions.Optional, parquet.Types.ByteArray, -1, -1)
	if err != nil {
		t.Fatal(err)
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{node}, -1)
	if err != nil {
		t.Fatal(err)
	}
	opts := []parquet.WriterProperty{parquet.WithCompression(codecsByName[compression]), parquet.WithStats(false)}
	if encoding != parquet.Encodings.RLEDict {
		opts = append(opts, parquet.WithDictionaryDefault(false), parquet.WithEncoding(encoding))
	}
	var out bytes.Buffer
	w := file.NewParquetWriter(&out, root, file.WithWriterProps(parquet.NewWriterProperties(opts...)))
	group, err := w.AppendRowGroupChecked()
	if err != nil {
		t.Fatal(err)
	}
	col, err := group.NextColumn()
	if err != nil {
		t.Fatal(err)
	}
	texts, levels := make([]parquet.ByteArray, len(values)), make([]int16, len(values))
	for i, v := range values {
		texts[i], levels[i] = parquet.ByteArray(v), 1
	}
	if _, err := col.(*file.ByteArrayColumnChunkWriter).WriteBatch(texts, levels, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), 4
}

// TestPages changes headers of pages in place: each is refused before arrow-go makes room for what it says.
func TestPages(t *testing.T) {
	var values []string
	for i := range 200 {
		values = append(values, strings.Repeat("a", i%100))
	}
	open := func(b []byte) error {
		r, err := NewReader(bytes.NewReader(b), int64(len(b)), &ReaderOptions{Limits: &Limits{MaxBatch: 1 << 20, MaxPage: 1 << 20}})
		if err != nil {
			return err
		}
		defer r.Close()
		batch, err := r.Next(t.Context())
		if err == nil && batch.Len() != len(values) {
			t.Errorf("%d rows", batch.Len())
		}
		return err
	}
	for _, encoding := range []parquet.Encoding{parquet.Encodings.RLEDict, parquet.Encodings.Plain, parquet.Encodings.DeltaLengthByteArray, parquet.Encodings.DeltaByteArray} {
		for _, compression := range []string{"none", "snappy", "zstd", "gzip", "lz4"} {
			b, start := chunkOf(t, encoding, compression, values)
			if err := open(b); err != nil {
				t.Errorf("%v, %s: %v", encoding, compression, err)
			}
			h := thrift{b: b[start:], what: "page header"}
			first, err := h.pageHeader()
			if err != nil {
				t.Fatal(err)
			}
			body := int(start) + h.at
			change := func(what, want string, sentinel error, change func(b []byte)) {
				other := slices.Clone(b)
				change(other)
				if err := open(other); !errors.Is(err, sentinel) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "page 0 at byte 4") {
					t.Errorf("%v, %s, %s: %v", encoding, compression, what, err)
				}
			}
			number := func(old, to int64) func(b []byte) { // the first that is old in the header
				return func(b []byte) {
					from, with := binary.AppendVarint(nil, old), binary.AppendVarint(nil, to)
					at := bytes.Index(b[start:body], from)
					if at < 0 || len(from) != len(with) {
						t.Fatalf("%d is not in the header in %d bytes", old, len(with))
					}
					copy(b[int(start)+at:], with)
				}
			}
			if first.kind == dictionaryPage {
				change("dictionary", "a dictionary of 8000 values in", ipc.ErrMalformed, number(first.values, 8000))
			} else {
				change("values", "the column chunk has 200 more", ipc.ErrMalformed, number(first.values, 8000))
			}
			change("sizes", "uncompressed, with", ipc.ErrMalformed, func(b []byte) {
				h := thrift{b: b[start:], what: "page header"}
				_ = h.fields(func(id int64, kind byte) (bool, error) {
					if id == fieldUncompressed {
						b[int(start)+h.at] |= 1 // zigzag
					}
					return false, nil
				})
			})
			if compression == "snappy" {
				change("snappy", "the header says", ipc.ErrMalformed, func(b []byte) { b[body]++ })
			}
			if compression == "zstd" {
				change("zstd", "no frame of ZSTD", ipc.ErrMalformed, func(b []byte) { b[body]++ })
			}
		}
	}
}

// framesOf are frames in memory.
func framesOf(b []byte) frames {
	return frames{func(at int64, n int) ([]byte, error) { return b[at:][:n], nil }, 0, int64(len(b))}
}

// TestZSTDSizes compares what frames say with what comes of them.
func TestZSTDSizes(t *testing.T) {
	w := &pageWalk{r: &Reader{limits: Limits{MaxPage: 1 << 20}}}
	pack := func(n int, opts ...zstd.EOption) []byte {
		e, err := zstd.NewWriter(nil, append(opts, zstd.WithEncoderConcurrency(1))...)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		return e.EncodeAll(make([]byte, n), nil)
	}
	stream := func(n int) []byte {
		var out bytes.Buffer
		e, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		for range 4 { // what is flushed has no size in its frame
			if _, err := e.Write(make([]byte, n/4)); err != nil {
				t.Fatal(err)
			}
			if err := e.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	skippable := []byte{0x51, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3}
	for _, n := range []int{0, 4, 255, 256, 1000, 70_000, 200_000, 900_000} {
		for _, b := range [][]byte{pack(n), pack(n, zstd.WithEncoderCRC(false)), pack(n, zstd.WithSingleSegment(true)), stream(n), slices.Concat(skippable, pack(n), skippable)} {
			if err := w.zstd(framesOf(b), int64(n)); err != nil {
				t.Errorf("%d bytes: %v", n, err)
			}
			for k := range b { // every part is shorter or cut off
				_ = w.zstd(framesOf(b[:k]), int64(n))
			}
		}
		if n > 0 {
			told := pack(n, zstd.WithSingleSegment(true))
			if err := w.zstd(framesOf(told), int64(n-1)); !errors.Is(err, ipc.ErrMalformed) {
				t.Errorf("%d bytes where one less is told: %v", n, err)
			}
			if err := w.zstd(framesOf(slices.Concat(told, told)), int64(n)); !errors.Is(err, ipc.ErrMalformed) {
				t.Errorf("%d bytes twice: %v", n, err)
			}
		}
	}
	if err := w.zstd(framesOf(stream(8<<20)), 1000); !errors.Is(err, ipc.ErrLimit) {
		t.Errorf("8 MiB: %v", err)
	}
}

// TestDifferences reads numbers as arrow-go packs them, and refuses blocks that would need much room.
func TestDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 32, 33, 128, 129, 1000} {
		for _, span := range []int64{1, 2, 1000, 1 << 31} {
			var values []string
			var want []int64
			for range n {
				want = append(want, rng.Int64N(min(span, 200)))
				values = append(values, strings.Repeat("x", int(want[len(want)-1])))
			}
			if n == 0 {
				continue
			}
			b, start := chunkOf(t, parquet.Encodings.DeltaLengthByteArray, "none", values)
			h := thrift{b: b[start:], what: "page header"}
			head, err := h.pageHeader()
			if err != nil {
				t.Fatal(err)
			}
			body := b[int(start)+h.at:][:head.compressed]
			at, err := passLevels(body, 0, head.defEncoding, 1, head.values)
			if err != nil {
				t.Fatal(err)
			}
			body = body[at:]
			var have []int64
			rest, err := differences(body, head.values, func(v int64) error { have = append(have, v); return nil })
			if err != nil || !slices.Equal(have, want) || string(rest) != strings.Join(values, "") {
				t.Errorf("%d of %d: %v, %v, want %v", n, span, have, err, want)
			}
		}
	}
	block := func(head ...uint64) (b []byte) {
		for _, v := range head {
			b = binary.AppendUvarint(b, v)
		}
		return append(b, make([]byte, 200)...)
	}
	for _, b := range [][]byte{nil, {128}, block(1<<30, 4, 5), block(0, 1, 5), block(128, 0, 5), block(128, 3, 5), block(128, 64, 5), block(128, 4, 1<<31), block(100, 1, 5)} {
		if _, err := differences(b, 10, nil); !errors.Is(err, ipc.ErrMalformed) {
			t.Errorf("%x: %v", b, err)
		}
	}
	long := append(block(128, 4, 40)[:4], 0, 65, 65, 65, 65)
	if _, err := differences(append(long, make([]byte, 4000)...), 40, func(int64) error { return nil }); !errors.Is(err, ipc.ErrMalformed) {
		t.Errorf("differences of 65 bits: %v", err)
	}
}

// TestSharedTexts refuses a page of a few KiB whose texts would take gigabytes, as each begins with the one before.
func TestSharedTexts(t *testing.T) {
	values := make([]string, 4000)
	for i := range values {
		values[i] = strings.Repeat("long ", 1000)
	}
	b, _ := chunkOf(t, parquet.Encodings.DeltaByteArray, "snappy", values)
	for most, want := range map[int64]error{64 << 20: nil, 10 << 20: ipc.ErrLimit} {
		r, err := NewReader(bytes.NewReader(b), int64(len(b)), &ReaderOptions{Limits: &Limits{MaxBatch: most}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(t.Context()); !errors.Is(err, want) || want != nil && !strings.Contains(err.Error(), "share what they begin with") {
			t.Errorf("%d bytes in a file of %d: %v", most, len(b), err)
		}
		r.Close()
	}
}

// FuzzPage reads anything as what stands before pages and at their start.
func FuzzPage(f *testing.F) {
	f.Add(fields(1, 0, 2, 100, 3, 50, 5, fields(1, 7, 2, 5)))
	f.Add(fields(1, 3, 8, fields(1, 3, 4, 2, 5, 6, 6, 8, 7, false)))
	f.Add(append(fields(1, 3), 0x28, 0xB5, 0x2F, 0xFD, 0x04, 0x00, 0x01, 0, 0))
	f.Add([]byte{128, 1, 4, 5, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8})
	w := &pageWalk{r: &Reader{limits: Limits{MaxPage: 1 << 20}}}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := thrift{b: b, what: "page header"}
		if _, err := r.pageHeader(); err == nil && (r.at > len(b) || b[r.at-1] != 0) {
			t.Fatal("it ends elsewhere")
		}
		if w.zstd(framesOf(b), 1000) == nil {
			d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<24))
			if err != nil {
				t.Fatal(err)
			}
			out, err := d.DecodeAll(b, nil)
			if d.Close(); err == nil && len(out) > 1<<20 || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
				t.Fatalf("%d bytes come of it, %v", len(out), err)
			}
		}
		n := 0
		if _, err := differences(b, 1000, func(int64) error { n++; return nil }); err == nil && n > 1000 {
			t.Fatal(n, "numbers")
		}
		for encoding := range int64(5) {
			_, _ = passLevels(b, 1, encoding, 3, 1000)
		}
	})
}

// TestOpening brings the start of compressed pages, which is that of all of it, and reads no more of the file than it needs.
func TestOpening(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	var inputs [][]byte
	for _, n := range []int{1, 3, 64, 1000, 70_000, 2 << 20} {
		random := make([]byte, n)
		for i := range random {
			random[i] = byte(rng.Uint32())
		}
		inputs = append(inputs, make([]byte, n), random, bytes.Repeat([]byte("abcdefghij, and so on; "), n/23+1)[:n], slices.Concat(random[:n/2], random[:n/2], random[n/2:]))
	}
	for _, name := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Zstd, compress.Codecs.Lz4Raw, compress.Codecs.Brotli} {
		codec, err := compress.GetCodec(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range inputs {
			packed := slices.Clone(codec.Encode(nil, in))
			for _, n := range []int64{1, 4, 40, 5000, int64(len(in)) - 1, int64(len(in)), int64(len(in)) + 9} {
				src := &measured{ReaderAt: bytes.NewReader(packed)}
				w := &pageWalk{r: &Reader{src: src, limits: Limits{MaxPage: 1 << 30}}, compression: name, codec: codec, end: int64(len(packed))}
				o := opening{w: w, compressed: int64(len(packed)), uncompressed: int64(len(in)), packed: name != compress.Codecs.Uncompressed}
				want := in[:max(0, min(n, int64(len(in))))]
				for _, k := range []int64{n / 2, n} {
					if err := o.fill(k); err != nil {
						t.Fatalf("%v: %d of %d bytes: %v", name, n, len(in), err)
					}
				}
				if len(o.have) < len(want) || !bytes.Equal(o.have[:len(want)], want) {
					t.Fatalf("%v: %d of %d bytes: %d are there, or others", name, n, len(in), len(o.have))
				}
				if n <= 40 && src.n > 256<<10 {
					t.Errorf("%v: %d bytes are read for %d of %d", name, src.n, n, len(packed))
				}
				if o.stream != nil {
					_ = o.stream.Close()
				}
			}
			if name == compress.Codecs.Snappy || name == compress.Codecs.Lz4Raw { // wherever it is cut, and whatever is changed, there is a start or none
				for range 100 {
					bad := slices.Clone(packed[:rng.IntN(min(len(packed), 3000))])
					if len(bad) > 0 {
						bad[rng.IntN(len(bad))] ^= byte(1 + rng.IntN(255))
					}
					_, _ = snappyStart(make([]byte, 0, 500), bad), lz4Start(make([]byte, 0, 500), bad)
				}
			}
		}
	}
}

// measured counts what is read.
type measured struct {
	io.ReaderAt
	n int
}

func (m *measured) ReadAt(b []byte, at int64) (int, error) {
	n, err := m.ReaderAt.ReadAt(b, at)
	m.n += n
	return n, err
}

// TestWideIndices has the indices of a dictionary say that they have 40 bits, of which arrow-go leaves out 8.
func TestWideIndices(t *testing.T) {
	var values []string
	for range 200 {
		values = append(values, "one")
	}
	for _, compression := range []string{"none", "snappy", "zstd", "gzip", "lz4"} {
		b, start := chunkOf(t, parquet.Encodings.RLEDict, compression, values)
		// Behind the dictionary is the page: levels, the number of bits, and one run. It is written anew, uncompressed or compressed.
		h := thrift{b: b[start:], what: "page header"}
		dict, err := h.pageHeader()
		if err != nil {
			t.Fatal(err)
		}
		at := start + int64(h.at) + dict.compressed
		h = thrift{b: b[at:], what: "page header"}
		page, err := h.pageHeader()
		if err != nil {
			t.Fatal(err)
		}
		codec, err := compress.GetCodec(codecsByName[compression])
		if err != nil {
			t.Fatal(err)
		}
		body := b[at+int64(h.at):][:page.compressed]
		plain := body
		if compression != "none" {
			if plain, err = compress.Decode(codec, make([]byte, page.uncompressed), body); err != nil {
				t.Fatal(err)
			}
		}
		levels, err := passLevels(plain, 0, page.defEncoding, 1, page.values)
		if err != nil {
			t.Fatal(err)
		}
		if have := plain[levels:]; len(have) < 1 || have[0] > 1 {
			t.Fatalf("%x is no page of one index", have)
		}
		wide := slices.Concat(plain[:levels], []byte{40}, binary.AppendUvarint(nil, 200<<1), []byte{0, 0, 0, 0, 1}) // index 2³², which becomes 0
		packed := wide
		if compression != "none" {
			packed = codec.Encode(nil, wide)
		}
		r, err := file.NewParquetReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		for _, version := range []int64{dataPage, dataPageV2} {
			h := pageHeader{kind: version, uncompressed: int64(len(wide)), compressed: int64(len(packed)), pageKind: page.pageKind}
			from := packed
			if version == dataPageV2 {
				bits := plain[4:levels] // without their length
				from = slices.Concat(bits, wide[levels:])
				if compression != "none" {
					from = slices.Concat(bits, codec.Encode(nil, wide[levels:]))
				}
				h.levels, h.uncompressed, h.compressed = [2]int64{0, levels - 4}, int64(len(wide))-4, int64(len(from))
			}
			w := &pageWalk{
				r:     &Reader{src: bytes.NewReader(from), limits: Limits{MaxPage: 1 << 20, MaxBatch: 1 << 20}},
				descr: r.MetaData().Schema.Column(0), compression: codecsByName[compression], codec: codec, end: int64(len(from)),
			}
			if err := w.page(&h, 0, 200); !errors.Is(err, ipc.ErrMalformed) || !strings.Contains(err.Error(), "indices of 40 bits") {
				t.Errorf("%s, page of kind %d: %v", compression, version, err)
			}
		}
	}
}
