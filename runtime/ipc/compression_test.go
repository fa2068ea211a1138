package ipc_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/internal/arrowjson"
	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

var methods = []ipc.Compression{ipc.LZ4, ipc.ZSTD}

// mixed returns batches of columns that shrink and one that does not.
func mixed(rows int, batches int) *arrowjson.Content {
	r := rand.New(rand.NewPCG(1, 2))
	c := &arrowjson.Content{Schema: &ipc.Schema{Fields: []ipc.Field{
		{Name: "count", Type: ipc.Int64}, {Name: "noise", Type: ipc.FixedSizeBinary(8)}, {Name: "flag", Type: ipc.Bool, Nullable: true}, {Name: "text", Type: ipc.Utf8},
	}}}
	for range batches {
		count, noise := make([]int64, rows), mem.Alloc(8*rows)
		text, offsets := mem.Alloc(0), make([]int32, rows+1)
		for i := range rows {
			count[i] = int64(i / 3)
			binary.LittleEndian.PutUint64(noise[8*i:], r.Uint64())
			text = append(text, "some text again and again"[:i%20]...)
			offsets[i+1] = int32(len(text))
		}
		flags := bytes.Repeat([]byte{0xF0}, (rows+7)/8)
		nulls := 0
		for i := range rows {
			nulls += int(1 - flags[i/8]>>(i%8)&1)
		}
		c.Batches = append(c.Batches, arrowjson.Batch{Rows: rows, Columns: []column.Data{
			{Len: rows, Buffers: [3][]byte{nil, column.Bytes(count)}},
			{Len: rows, Buffers: [3][]byte{nil, noise}},
			{Len: rows, Nulls: nulls, Buffers: [3][]byte{flags, flags}},
			{Len: rows, Buffers: [3][]byte{nil, column.Bytes(offsets), text}},
		}})
	}
	return c
}

// TestCompression writes and reads batches of one goroutine and of several, whose buffers shrink or do not.
func TestCompression(t *testing.T) {
	for _, rows := range []int{0, 1, 13, 1000, 100_003} {
		want := mixed(rows, 3)
		plain := write(t, want, nil, false)
		for _, c := range methods {
			p := write(t, want, &ipc.WriterOptions{Compression: c}, false)
			if rows >= 1000 && len(p) > len(plain)*3/4 {
				t.Errorf("%v: %d bytes of %d", c, len(p), len(plain))
			}
			r := ipc.NewReader(bytes.NewReader(p), &ipc.ReaderOptions{Validate: ipc.UTF8})
			got := &arrowjson.Content{Schema: want.Schema}
			for {
				h, err := r.Next(t.Context())
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				for i := range h.NumColumns() {
					for _, b := range h.Column(i).Buffers {
						if !mem.IsAligned(b, 64) {
							t.Fatalf("a buffer of column %d is unaligned", i)
						}
					}
				}
				got.Batches = append(got.Batches, arrowjson.Batch{Rows: h.Len(), Columns: ipc.Columns(h)})
			}
			same(t, c.String(), got, want)
			if s := r.Stats(); rows >= 1000 && (s.Inflated == 0 || s.Realigned == 0) { // what did not shrink stands 8 bytes off
				t.Errorf("%+v", s)
			}
		}
	}
}

// TestCompressedProjection inflates only what is wanted.
func TestCompressedProjection(t *testing.T) {
	want := mixed(1000, 1)
	p := write(t, want, &ipc.WriterOptions{Compression: ipc.ZSTD}, false)
	r := ipc.NewReader(bytes.NewReader(p), &ipc.ReaderOptions{Select: func(*ipc.Schema) ([]bool, error) { return []bool{true}, nil }})
	h, err := r.Next(t.Context())
	if err != nil || r.Stats().Inflated != 1 || len(h.Column(3).Buffers[1]) != 0 || len(h.Column(0).Buffers[1]) != 8000 {
		t.Fatal(err, r.Stats())
	}
}

// TestCompressionAllocations wants the steady state of small batches to allocate nothing.
func TestCompressionAllocations(t *testing.T) {
	if race {
		t.Skip("the race detector allocates")
	}
	batch := mixed(1000, 1)
	b := &batch.Batches[0]
	for _, c := range methods {
		w := ipc.NewWriter(io.Discard, batch.Schema, &ipc.WriterOptions{Compression: c})
		send := func() {
			if err := w.Write(t.Context(), b.Rows, b.Columns); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			send()
		}
		sent := testing.AllocsPerRun(100, send)
		batches := mixed(1000, 1)
		for range 300 {
			batches.Batches = append(batches.Batches, batches.Batches[0])
		}
		r := ipc.NewReader(bytes.NewReader(write(t, batches, &ipc.WriterOptions{Compression: c}, false)), nil)
		read := func() {
			h, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			h.Release()
		}
		for range 3 {
			read()
		}
		received := testing.AllocsPerRun(200, read)
		t.Logf("%v: %v allocations to write, %v to read a batch", c, sent, received)
		if !race && !mem.Debug && column.Native && (sent != 0 || received != 0) {
			t.Errorf("%v: %v allocations to write, %v to read a batch", c, sent, received)
		}
	}
}

// TestHostileCompression reads bodies whose compressed buffers are not what they say.
func TestHostileCompression(t *testing.T) {
	numbers := column.Bytes(make([]int64, 1000))
	zstd, lz4 := arrowfb.CompressionTypeZSTD, arrowfb.CompressionTypeLZ4Frame
	good := func(c ipc.Compression) []byte { // the buffer as a writer makes it
		content := &arrowjson.Content{Schema: &ipc.Schema{Fields: []ipc.Field{{Name: "x", Type: ipc.Int64}}}, Batches: []arrowjson.Batch{
			{Rows: 1000, Columns: []column.Data{{Len: 1000, Buffers: [3][]byte{nil, numbers}}}},
		}}
		p := write(t, content, &ipc.WriterOptions{Compression: c}, false)
		at := bytes.LastIndex(p, binary.LittleEndian.AppendUint64(nil, 8000))
		return bytes.TrimRight(p[at:len(p)-8], "\x00")
	}
	sized := func(n int64, b []byte) []byte { return append(binary.LittleEndian.AppendUint64(nil, uint64(n)), b...) }
	for _, codec := range []arrowfb.CompressionType{lz4, zstd} {
		c := map[arrowfb.CompressionType]ipc.Compression{lz4: ipc.LZ4, zstd: ipc.ZSTD}[codec]
		buffer := append(good(c), make([]byte, 8)...)
		if codec == zstd {
			buffer = good(c)
		}
		for _, x := range []struct {
			name   string
			buffer []byte
			want   error
			says   string
		}{
			{"no length", buffer[:5], ipc.ErrMalformed, "at least the 8"},
			{"a negative length", sized(-2, buffer[8:]), ipc.ErrMalformed, "-2 bytes"},
			{"too short a length", sized(7999, buffer[8:]), ipc.ErrMalformed, "7999 bytes, the rows need 8000"},
			{"too long a length", sized(8001, buffer[8:]), ipc.ErrMalformed, "does not inflate to 8001 bytes"},
			{"cut", buffer[:len(buffer)/2], ipc.ErrMalformed, "does not inflate"},
			{"another method", sized(8000, []byte("no frame of any method at all")), ipc.ErrMalformed, "does not inflate"},
			{"as is, too short", sized(-1, numbers[:7000]), ipc.ErrMalformed, "7000 bytes, the rows need 8000"},
			{"1.5 GiB", sized(3<<29, buffer[8:]), ipc.ErrLimit, "Limits.MaxBody"},
			{"2^62", sized(1<<62, buffer[8:]), ipc.ErrLimit, "Limits.MaxBody"},
			{"512 MiB", sized(1<<29, buffer[8:]), ipc.ErrLimit, "Limits.MaxRatio"},
		} {
			b := it.NewBatch(1000).Add(1000, 0, nil, x.buffer)
			b.Compression = &codec
			in := stream(it.Schema(it.Field{Name: "x", Type: it.Int(64, true)}), b.Message(), it.End)
			var err error
			n := allocated(func() { _, err = readAll(bytes.NewReader(in), nil) })
			wellTyped(t, err, len(in))
			if !errors.Is(err, x.want) || !strings.Contains(err.Error(), x.says) {
				t.Errorf("%v, %s: %v", codec, x.name, err)
			}
			if n > 48<<20 {
				t.Errorf("%v, %s: %d MiB allocated", codec, x.name, n>>20)
			}
		}
	}
}
