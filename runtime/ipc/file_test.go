package ipc_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
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

// place is an entry of a footer.
type place struct {
	offset int64
	head   int32
	body   int64
}

// arrowFile is a file under construction.
type arrowFile struct {
	p             []byte
	dicts, blocks []place
	version       arrowfb.MetadataVersion
	noSchema      bool
	fields        []it.Field
}

func newFile(fields ...it.Field) *arrowFile {
	return &arrowFile{p: append([]byte("ARROW1\x00\x00"), it.Schema(fields...)...), version: arrowfb.MetadataVersionV5, fields: fields}
}

func (f *arrowFile) add(message []byte, body int) place {
	x := place{int64(len(f.p)), int32(len(message) - body), int64(body)}
	f.p = append(f.p, message...)
	return x
}

func (f *arrowFile) dictionary(p []byte, body int) *arrowFile {
	f.dicts = append(f.dicts, f.add(p, body))
	return f
}

func (f *arrowFile) batch(b *it.Batch) *arrowFile {
	f.blocks = append(f.blocks, f.add(b.Message(), len(b.Body)))
	return f
}

func (f *arrowFile) footer() []byte {
	b := flatbuffers.NewBuilder(1024)
	blocks := func(list []place, start func(*flatbuffers.Builder, int)) flatbuffers.UOffsetT {
		start(b, len(list))
		for i := len(list) - 1; i >= 0; i-- {
			arrowfb.CreateBlock(b, list[i].offset, list[i].head, list[i].body)
		}
		return b.EndVector(len(list))
	}
	batches, dicts := blocks(f.blocks, arrowfb.FooterStartRecordBatches), blocks(f.dicts, arrowfb.FooterStartDictionaries)
	var schema flatbuffers.UOffsetT
	if !f.noSchema {
		_, schema = it.SchemaHeader(arrowfb.EndiannessLittle, f.fields...)(b)
	}
	arrowfb.FooterStart(b)
	arrowfb.FooterAddVersion(b, f.version)
	if schema != 0 {
		arrowfb.FooterAddSchema(b, schema)
	}
	arrowfb.FooterAddDictionaries(b, dicts)
	arrowfb.FooterAddRecordBatches(b, batches)
	b.Finish(arrowfb.FooterEnd(b))
	return b.FinishedBytes()
}

func (f *arrowFile) end(footer []byte, length int32) []byte {
	p := stream(f.p, it.End, footer, it.I32(length), []byte("ARROW1"))
	return p
}

func (f *arrowFile) bytes() []byte {
	footer := f.footer()
	return f.end(footer, int32(len(footer)))
}

func TestHostileFiles(t *testing.T) {
	numbers := func() *it.Batch { return it.NewBatch(3).Add(3, 0, nil, it.I32(1, 2, 3)) }
	good := func() *arrowFile { return newFile(x32).batch(numbers()) }
	values := it.Dictionary(7, false, "a", "b")
	const dictBody = 128 // offsets and text, 64 bytes each
	withDict := func() *arrowFile {
		return newFile(dict).dictionary(values, dictBody).batch(it.NewBatch(2).Add(2, 0, nil, it.I32(0, 1)))
	}
	edit := func(f *arrowFile, edit func(f *arrowFile)) []byte { edit(f); return f.bytes() }
	limit, malformed, unsupported, truncated := ipc.ErrLimit, ipc.ErrMalformed, ipc.ErrUnsupported, ipc.ErrTruncated
	for _, c := range []struct {
		name string
		file []byte
		want error
		says string
	}{
		{"as it should be", good().bytes(), nil, ""},
		{"with a dictionary", withDict().bytes(), nil, ""},
		{"without batches", newFile(x32).bytes(), nil, ""},
		{"a batch twice", edit(good(), func(f *arrowFile) { f.blocks = append(f.blocks, f.blocks[0]) }), nil, ""},
		{"nothing", nil, truncated, "the file is empty"},
		{"magic alone", []byte("ARROW1\x00\x00ARROW1"), truncated, "14 bytes, an Arrow file has at least"},
		{"a stream", stream(it.Schema(x32), numbers().Message(), it.End), malformed, "this is an Arrow stream"},
		{"Parquet", append([]byte("PAR1"), make([]byte, 100)...), malformed, "this is a Parquet file"},
		{"text", []byte(strings.Repeat("time,price\n", 10)), malformed, "begins with"},
		{"cut", good().bytes()[:300], truncated, "was it closed"},
		{"footer length 0", good().end(nil, 0), malformed, "0 bytes of footer"},
		{"footer length negative", good().end(nil, -1), malformed, "-1 bytes of footer"},
		{"footer length smallest", good().end(nil, math.MinInt32), malformed, "bytes of footer"},
		{"footer length largest", good().end(nil, math.MaxInt32), malformed, "bytes of footer"},
		{"footer longer than the limit", edit(newFile(x32), func(f *arrowFile) { f.blocks = make([]place, 1<<20) }), limit, "Limits.MaxMetadata"},
		{"footer of zeros", good().end(make([]byte, 64), 64), malformed, "footer"},
		{"footer of ones", good().end(bytes.Repeat([]byte{0xFF}, 64), 64), malformed, "footer"},
		{"no schema", edit(good(), func(f *arrowFile) { f.noSchema = true }), malformed, "no schema"},
		{"version V3", edit(good(), func(f *arrowFile) { f.version = arrowfb.MetadataVersionV3 }), unsupported, "V3"},
		{"version V6", edit(good(), func(f *arrowFile) { f.version = arrowfb.MetadataVersionV5 + 1 }), unsupported, "version"},
		{"block before the file", edit(good(), func(f *arrowFile) { f.blocks[0].offset = -8 }), malformed, "a block at -8"},
		{"block in the magic", edit(good(), func(f *arrowFile) { f.blocks[0].offset = 0 }), malformed, "a block at 0"},
		{"block past the end", edit(good(), func(f *arrowFile) { f.blocks[0].offset = 1 << 40 }), malformed, "a block at"},
		{"block that overflows", edit(good(), func(f *arrowFile) { f.blocks[0] = place{math.MaxInt64, math.MaxInt32, math.MaxInt64} }), malformed, "a block at"},
		{"body that overflows", edit(good(), func(f *arrowFile) { f.blocks[0].body = math.MaxInt64 }), malformed, "a block at"},
		{"body negative", edit(good(), func(f *arrowFile) { f.blocks[0].body = -1 }), malformed, "a block at"},
		{"head 0", edit(good(), func(f *arrowFile) { f.blocks[0].head = 0 }), malformed, "a block at"},
		{"head negative", edit(good(), func(f *arrowFile) { f.blocks[0].head = -5 }), malformed, "a block at"},
		{"head 1", edit(good(), func(f *arrowFile) { f.blocks[0].head = 1 }), malformed, "the footer says 1"},
		{"head 8", edit(good(), func(f *arrowFile) { f.blocks[0].head = 8 }), malformed, "the footer says 8"},
		{"body shorter than the message's", edit(good(), func(f *arrowFile) { f.blocks[0].body = 8 }), malformed, "the footer says 8"},
		{"head that is too long", edit(good(), func(f *arrowFile) { f.blocks[0].head += 64; f.blocks[0].body -= 64 }), malformed, "the footer says 0"},
		{"block of the schema", edit(good(), func(f *arrowFile) { f.blocks[0] = place{8, int32(len(it.Schema(x32))), 0} }), malformed, "type Schema where the footer lists a record batch"},
		{"block of the end marker", edit(good(), func(f *arrowFile) { f.blocks[0] = place{int64(len(f.p)), 8, 0} }), malformed, "where the footer lists a record batch"},
		{"batch among the dictionaries", edit(withDict(), func(f *arrowFile) { f.dicts = append(f.dicts, f.blocks[0]) }), malformed, "where the footer lists a dictionary"},
		{"dictionary among the batches", edit(withDict(), func(f *arrowFile) { f.blocks = append(f.blocks, f.dicts[0]) }), malformed, "type DictionaryBatch where the footer lists a record batch"},
		{"dictionary twice", withDict().dictionary(values, dictBody).bytes(), malformed, "comes twice in a file"},
		{"delta", withDict().dictionary(it.Dictionary(7, true, "c", "d"), dictBody).bytes(), nil, ""},
		{"dictionaries that overlap", edit(withDict(), func(f *arrowFile) {
			empty := f.add(it.NewBatch(0).Add(0, 0, nil, nil, make([]byte, 1<<10)).Dictionary(7, true), 1<<10)
			for range 100_000 {
				f.dicts = append(f.dicts, empty)
			}
		}), malformed, "they overlap"},
		{"no dictionary", edit(withDict(), func(f *arrowFile) { f.dicts = nil }), malformed, "row 0 is outside the dictionary of 0 values"},
		{"2^40 rows", edit(newFile(x32), func(f *arrowFile) {
			b := numbers()
			b.Rows, b.Nodes[0][0] = 1<<40, 1<<40
			f.batch(b)
		}), limit, "Limits.MaxRows"},
		{"2^40 rows of nulls", edit(newFile(it.Field{Name: "n", Type: it.Null}), func(f *arrowFile) { f.batch(it.NewBatch(1<<40).Add(1<<40, 1<<40)) }), limit, "Limits.MaxRows"},
		{"200,000 columns", newFile(slices.Repeat([]it.Field{x32}, 200_000)...).bytes(), limit, "Limits.MaxColumns"},
		{"1.5 GiB of a few bytes", edit(newFile(it.Field{Name: "x", Type: it.Int(64, true)}), func(f *arrowFile) {
			b := it.NewBatch(3<<26).Add(3<<26, 0, nil, append(it.I64(3<<29), make([]byte, 64)...))
			codec := arrowfb.CompressionTypeZSTD
			b.Compression = &codec
			f.batch(b)
		}), limit, "Limits.MaxBody"},
		{"zeros in a block", edit(good(), func(f *arrowFile) { clear(f.p[f.blocks[0].offset:]) }), malformed, "where the footer lists a record batch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "1.5 GiB") && math.MaxInt == math.MaxInt32 {
				c.says = "this host can address"
			}
			for way, read := range map[string]func([]byte, *ipc.ReaderOptions) (int64, error){"read": readFile, "mapped": readMapped} {
				opts, budget := damaged(ipc.Contents)
				if strings.HasPrefix(c.says, "Limits.") {
					opts, budget = &ipc.ReaderOptions{}, mem.NewBudget(0) // it is that limit which refuses
				}
				var err error
				n := allocated(func() { _, err = read(c.file, opts) })
				wellTyped(t, err, len(c.file))
				if most := 1<<20 + 20*int64(len(c.file)); n > most {
					t.Errorf("%s: %d bytes allocated for a file of %d: %v", way, n, len(c.file), err)
				}
				if used := budget.Used(); used != 0 {
					t.Errorf("%s: %d bytes are held at the end: %v", way, used, err)
				}
				if c.want == nil && err != nil || c.want != nil && (!errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says)) {
					t.Errorf("%s: %v, want one that wraps %v and says %q", way, err, c.want, c.says)
				}
			}
		})
	}
}

// TestFileSizes tells readers a wrong size, and gives them sources that fail.
func TestFileSizes(t *testing.T) {
	p := newFile(x32).batch(it.NewBatch(1).Add(1, 0, nil, it.I32(1))).bytes()
	for _, size := range []int64{-1, 0, 1, math.MinInt64, int64(len(p)) - 1, int64(len(p)) + 1, 1 << 40, math.MaxInt64} {
		_, err := ipc.NewFileReader(bytes.NewReader(p), size, nil)
		var e *frame.DecodeError
		if !errors.As(err, &e) {
			t.Errorf("size %d: %v", size, err)
		}
	}
	broken := errors.New("broken")
	for n := range 10 {
		r, err := ipc.NewFileReader(&failingAt{bytes.NewReader(p), n, broken}, int64(len(p)), nil)
		if err == nil {
			_, err = r.Batch(0)
		}
		var e *frame.DecodeError
		if err != nil && (!errors.Is(err, broken) || !errors.As(err, &e)) {
			t.Errorf("read %d: %v", n, err)
		}
		if n == 0 && err == nil || n == 9 && err != nil {
			t.Errorf("read %d: %v", n, err)
		}
	}
	r, err := ipc.NewFileReader(bytes.NewReader(p), int64(len(p)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{-1, 1, math.MaxInt, math.MinInt} {
		if h, err := r.Batch(i); err == nil || h != (ipc.Batch{}) {
			t.Errorf("batch %d: %v", i, err)
		}
	}
}

// failingAt fails after n reads.
type failingAt struct {
	r   io.ReaderAt
	n   int
	err error
}

func (f *failingAt) ReadAt(p []byte, at int64) (int, error) {
	if f.n == 0 {
		return 0, f.err
	}
	f.n--
	return f.r.ReadAt(p, at)
}

// TestErrorsNameTheFile opens a damaged file.
func TestErrorsNameTheFile(t *testing.T) {
	name := t.TempDir() + "/damaged.arrow"
	b := it.NewBatch(1).Add(1, 0, nil, it.I32(1))
	f := newFile(x32).batch(b).batch(it.NewBatch(2).Add(2, 0, nil, it.I32(1)))
	if err := os.WriteFile(name, f.bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r, err := ipc.NewFileReader(src, int64(len(f.bytes())), nil)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := r.Batch(0); err != nil || h.Len() != 1 {
		t.Fatal(err)
	}
	_, err = r.Batch(1)
	var e *frame.DecodeError
	if !errors.As(err, &e) || e.Source != name || e.Frame != 1 || e.Path != "x.values" || e.Offset <= f.blocks[1].offset || e.Offset >= int64(len(f.p)) {
		t.Fatal(err)
	}
}

// TestLargeMapped maps a file with a batch of more bytes than readers take by default: nothing of it is copied. Read, or copied because
// it does not lie as it must, it is refused.
func TestLargeMapped(t *testing.T) {
	if math.MaxInt == math.MaxInt32 || testing.Short() || runtime.GOOS == "windows" {
		t.Skip("it does not fit the address space, or is not mapped")
	}
	const rows = 160_000_000
	for _, c := range []struct {
		name   string
		from   int64 // where the values begin in the body
		open   func(name string, opts *ipc.ReaderOptions) (ipc.Batch, error)
		refuse bool
	}{
		{"mapped", 0, openMapped, false},
		{"mapped, in odd places", 4, openMapped, true},
		{"read", 0, openRead, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFile(it.Field{Name: "n", Type: it.Int(64, true)})
			b := it.NewBatch(rows).Add(rows, 0, nil, nil)
			body := int64(8*rows + 64)
			b.Buffers[1] = [2]int64{c.from, 8 * rows}
			head := it.Message(it.Meta(arrowfb.MetadataVersionV5, b.Header, body), nil)
			f.blocks = append(f.blocks, place{int64(len(f.p)), int32(len(head)), body})
			name := filepath.Join(t.TempDir(), "x.arrow")
			out, err := os.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			footer := f.footer()
			tail := append(binary.LittleEndian.AppendUint32(footer, uint32(len(footer))), "ARROW1"...)
			_, err = out.Write(append(f.p, head...))
			if err == nil {
				_, err = out.WriteAt(tail, int64(len(f.p)+len(head))+body)
			}
			if err = errors.Join(err, out.Close()); err != nil {
				t.Fatal(err)
			}
			h, err := c.open(name, nil)
			if c.refuse {
				if !errors.Is(err, ipc.ErrLimit) || !strings.Contains(err.Error(), "Limits.MaxBody") {
					t.Fatal(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if n := len(h.Column(0).Buffers[1]); n != 8*rows || h.Len() != rows {
				t.Errorf("%d rows of %d bytes", h.Len(), n)
			}
			h.Release()
		})
	}
}

func openMapped(name string, opts *ipc.ReaderOptions) (ipc.Batch, error) {
	m, err := mem.OpenMap(name)
	if err != nil {
		return ipc.Batch{}, err
	}
	return openFrom(m, m.Size(), opts)
}

func openRead(name string, opts *ipc.ReaderOptions) (ipc.Batch, error) {
	f, err := os.Open(name)
	if err != nil {
		return ipc.Batch{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return ipc.Batch{}, err
	}
	return openFrom(f, info.Size(), opts)
}

func openFrom(src io.ReaderAt, size int64, opts *ipc.ReaderOptions) (ipc.Batch, error) {
	r, err := ipc.NewFileReader(src, size, opts)
	if err != nil {
		return ipc.Batch{}, err
	}
	return r.Batch(0)
}

// TestEmptyFile wants an empty file to be called so, whether it is read or mapped.
func TestEmptyFile(t *testing.T) {
	name := t.TempDir() + "/empty.arrow"
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	m, err := mem.OpenMap(name)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, src := range []io.ReaderAt{src, m} {
		_, err := ipc.NewFileReader(src, 0, nil)
		var e *frame.DecodeError
		if !errors.Is(err, ipc.ErrTruncated) || !errors.As(err, &e) || e.Source != name || !strings.HasSuffix(err.Error(), ": the file is empty") {
			t.Errorf("%T: error %v", src, err)
		}
	}
}
