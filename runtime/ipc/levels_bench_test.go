package ipc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// levelCases are batches of 1 M rows of one kind, with the bytes that Contents looks at: offsets, bitmaps, indices, views.
func levelCases() (cases []levelCase) {
	le := binary.LittleEndian
	const rows = 1_000_000
	texts := make([][]byte, rows)
	for i := range texts {
		texts[i] = []byte("abcdefghijklmnopqr"[:6+i*7%13])
	}
	bitmap := bytes.Repeat([]byte{0xFB, 0xFF}, rows/16+1)[:rows/8]
	nulls := rows / 16
	var offsets, views, data []byte
	offsets = le.AppendUint32(offsets, 0)
	for i := range texts {
		var view [16]byte
		if long := column.PutView(view[:], nil, texts[i]); len(long) != 0 {
			le.PutUint32(view[12:], uint32(len(data)))
		}
		views = append(views, view[:]...)
		data = append(data, texts[i]...)
		offsets = le.AppendUint32(offsets, uint32(len(data)))
	}
	add := func(name string, f ipc.Field, d column.Data, looked int) {
		f.Name = "c"
		d.Len = rows
		if f.Nullable {
			d.Buffers[0], d.Nulls = bitmap, nulls
			looked += len(bitmap)
		}
		cases = append(cases, levelCase{name, f, d, int64(looked)})
	}
	utf8 := column.Data{Buffers: [3][]byte{nil, offsets, data}}
	add("utf8", ipc.Field{Type: ipc.Utf8}, utf8, len(offsets))
	add("utf8,nullable", ipc.Field{Type: ipc.Utf8, Nullable: true}, utf8, len(offsets))
	add("utf8_view", ipc.Field{Type: ipc.Utf8View}, column.Data{Buffers: [3][]byte{nil, views}, Variadic: [][]byte{data}}, len(views))
	dict := column.NewDictionary(0)
	for i := range 1000 {
		dict.Append(fmt.Sprint("value ", i), false)
	}
	indices := mem.Alloc(4 * rows)
	for i := range rows {
		le.PutUint32(indices[4*i:], uint32(i*7%1000))
	}
	add("dictionary", ipc.Field{Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int32)}, column.Data{Buffers: [3][]byte{nil, indices}, Dictionary: dict, Values: dict.Values()}, len(indices))
	add("int64,nullable", ipc.Field{Type: ipc.Int64, Nullable: true}, column.Data{Buffers: [3][]byte{nil, mem.Alloc(8 * rows)}}, 0)
	return cases
}

type levelCase struct {
	name   string
	field  ipc.Field
	data   column.Data
	looked int64
}

// endless gives a stream whose batch comes again and again.
type endless struct {
	start, batch []byte
	at           int
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.start) != 0 {
		n := copy(p, e.start)
		e.start = e.start[n:]
		return n, nil
	}
	n := copy(p, e.batch[e.at:])
	e.at = (e.at + n) % len(e.batch)
	return n, nil
}

// BenchmarkLevels checks a batch of 1 M rows that lies in memory, at each level. MB/s are of the values that Contents looks at.
func BenchmarkLevels(b *testing.B) {
	for _, c := range levelCases() {
		for _, l := range []struct {
			name  string
			level ipc.Level
		}{{"structure", ipc.Structure}, {"contents", ipc.Contents}, {"utf8", ipc.UTF8}} {
			b.Run(fmt.Sprintf("rows=1M/%s/%s", c.name, l.name), func(b *testing.B) {
				check := ipc.NewChecker(&ipc.Schema{Fields: []ipc.Field{c.field}})
				b.SetBytes(c.looked)
				b.ReportAllocs()
				for b.Loop() {
					d := c.data
					if err := check.Column(0, &d, l.level); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkLevelsRead reads the same from a stream in memory, copying included.
func BenchmarkLevelsRead(b *testing.B) {
	for _, c := range levelCases() {
		var buf bytes.Buffer
		s := &ipc.Schema{Fields: []ipc.Field{c.field}}
		w := ipc.NewWriter(&buf, s, nil)
		write := func() int {
			if err := w.Write(context.Background(), c.data.Len, []column.Data{c.data}); err != nil {
				b.Fatal(err)
			}
			return buf.Len()
		}
		first := write()
		size := write() - first
		for _, l := range []struct {
			name  string
			level ipc.Level
		}{{"structure", ipc.Structure}, {"contents", ipc.Contents}, {"utf8", ipc.UTF8}} {
			b.Run(fmt.Sprintf("rows=1M/%s/%s", c.name, l.name), func(b *testing.B) {
				r := ipc.NewReader(io.Reader(&endless{start: bytes.Clone(buf.Bytes()[:first]), batch: buf.Bytes()[first:]}), &ipc.ReaderOptions{Validate: l.level})
				b.SetBytes(int64(size))
				for b.Loop() {
					h, err := r.Next(context.Background())
					if err != nil {
						b.Fatal(err)
					}
					h.Release()
				}
			})
		}
	}
}
