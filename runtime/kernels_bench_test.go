package rt_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// BenchmarkKernels is of whole operations, copies out of the source included, that have a kernel in them: run it once more with
// GODEBUG=cpu.avx2=off for the portable code.
func BenchmarkKernels(b *testing.B) {
	const rows = 10_000
	ctx := context.Background()
	le := binary.LittleEndian
	ascii, mixed := column.Data{Len: rows}, column.Data{Len: rows}
	words := strings.Fields("grün straße 世界 москва café zürich naïve data 東京 ålesund")
	for i := range rows {
		for d, text := range map[*column.Data]string{&ascii: "abcdefghijklmnopqr"[:6+i*7%13], &mixed: words[i%len(words)]} {
			if i == 0 {
				d.Buffers[1] = le.AppendUint32(nil, 0)
			}
			d.Buffers[2] = append(d.Buffers[2], text...)
			d.Buffers[1] = le.AppendUint32(d.Buffers[1], uint32(len(d.Buffers[2])))
		}
	}
	large := ascii
	large.Buffers[1] = nil
	for i := range rows + 1 {
		large.Buffers[1] = le.AppendUint64(large.Buffers[1], uint64(le.Uint32(ascii.Buffers[1][4*i:])))
	}
	numbers := column.Data{Len: rows}
	numbers.Buffers[1] = make([]byte, 8*rows)
	nulls := numbers
	nulls.Buffers[0] = bytes.Repeat([]byte{0xFB, 0xFE, 0xFF, 0xDF, 0xBE}, rows/8/5)
	for _, v := range nulls.Buffers[0] {
		for ; v != 0xFF; v |= v + 1 {
			nulls.Nulls++
		}
	}
	texts := func(d column.Data) column.Data { d.Buffers[0] = nil; return d }
	for _, c := range []struct {
		name string
		have ipc.Field
		data column.Data
		want rt.Column
		opts rt.ReaderOptions
	}{
		{"utf8-ascii", ipc.Field{Type: ipc.Utf8}, texts(ascii), col("c", ipc.Utf8), rt.ReaderOptions{Validate: ipc.UTF8}},
		{"utf8-mixed", ipc.Field{Type: ipc.Utf8}, texts(mixed), col("c", ipc.Utf8), rt.ReaderOptions{Validate: ipc.UTF8}},
		{"large-utf8-as-utf8", ipc.Field{Type: ipc.LargeUtf8}, large, col("c", ipc.Utf8), rt.ReaderOptions{}},
		{"utf8-as-large-utf8", ipc.Field{Type: ipc.Utf8}, ascii, col("c", ipc.LargeUtf8), rt.ReaderOptions{}},
		{"zero-nulls", ipc.Field{Type: ipc.Int64, Nullable: true}, nulls, col("c", ipc.Int64), rt.ReaderOptions{Nulls: rt.ZeroNulls}},
	} {
		c.have.Name = "c"
		var out bytes.Buffer
		w := ipc.NewWriter(&out, &ipc.Schema{Fields: []ipc.Field{c.have}}, nil)
		size := 0
		for range 2 {
			size = out.Len()
			if err := w.Write(ctx, rows, []column.Data{c.data}); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(c.name, func(b *testing.B) {
			readAgain(b, rows, out.Bytes()[:size], out.Bytes()[size:], &c.opts, c.want)
		})
	}
	b.Run("big-endian", func(b *testing.B) {
		start := it.Message(it.Meta(arrowfb.MetadataVersionV5, it.SchemaHeader(arrowfb.EndiannessBig, it.Field{Name: "c", Type: it.Int(64, true)}), 0), nil)
		readAgain(b, rows, start, it.NewBatch(rows).Add(rows, 0, nil, numbers.Buffers[1]).Message(), nil, col("c", ipc.Int64))
	})
	b.Run("gather-bool", func(b *testing.B) {
		bools := column.Data{Len: rows, Nulls: nulls.Nulls}
		bools.Buffers[0], bools.Buffers[1] = nulls.Buffers[0], nulls.Buffers[0]
		g := ipc.NewGatherer(&ipc.Field{Name: "c", Type: ipc.Bool, Nullable: true}, 0)
		b.ReportAllocs()
		for b.Loop() {
			if err := g.Append(&bools, 3, rows); err != nil {
				b.Fatal(err)
			}
			g.Take()
		}
	})
}

// readAgain reads the batch of a stream again and again.
func readAgain(b *testing.B, rows int, start, batch []byte, opts *rt.ReaderOptions, want rt.Column) {
	b.Helper()
	r := rt.NewReader(bagOf(want), io.MultiReader(bytes.NewReader(start), &repeating{message: batch}), opts)
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	for b.Loop() {
		batch, err := r.Next(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		if n := batch.h.Len(); n != rows {
			b.Fatal(n, "rows")
		}
		batch.h.Release()
	}
}
