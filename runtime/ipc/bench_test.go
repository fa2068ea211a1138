package ipc_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// benchGather takes all writes, gathered ones too.
type benchGather struct{}

func (benchGather) Write(p []byte) (int, error) { return len(p), nil }

func (benchGather) WriteBuffers(bufs [][]byte) (n int64, err error) {
	for _, b := range bufs {
		n += int64(len(b))
	}
	return n, nil
}

// benchColumns returns n columns of rows values, one in ten of them null, and their schema: narrow tables, and wide ones.
func benchColumns(n, rows int) (*ipc.Schema, []column.Data) {
	s := &ipc.Schema{}
	columns := make([]column.Data, n)
	for i := range columns {
		f := ipc.Field{Name: fmt.Sprintf("c%d", i), Type: ipc.Int64, Nullable: true}
		var b column.FixedBuilder[int64]
		b.Init(column.Config{Name: f.Name, Nullable: true})
		for k := range rows {
			b.AppendNullable(int64(k), k%10 != 3)
		}
		s.Fields = append(s.Fields, f)
		columns[i] = b.Data()
	}
	return s, columns
}

var benchShapes = []struct{ columns, rows int }{{4, 1000}, {32, 1000}, {256, 1000}, {32, 10}}

func BenchmarkWriterWrite(b *testing.B) {
	for _, s := range benchShapes {
		b.Run(fmt.Sprintf("columns=%d/rows=%d", s.columns, s.rows), func(b *testing.B) {
			ctx := context.Background()
			schema, columns := benchColumns(s.columns, s.rows)
			w := ipc.NewWriter(benchGather{}, schema, nil)
			b.ReportAllocs()
			for b.Loop() {
				if err := w.Write(ctx, s.rows, columns); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchRepeat yields a stream's beginning and then its last message for ever.
type benchRepeat struct{ next, message []byte }

func (r *benchRepeat) Read(p []byte) (int, error) {
	if len(r.next) == 0 {
		r.next = r.message
	}
	n := copy(p, r.next)
	r.next = r.next[n:]
	return n, nil
}

func BenchmarkReaderNext(b *testing.B) {
	for _, s := range benchShapes {
		for level, name := range map[ipc.Level]string{ipc.Structure: "structure", ipc.Contents: "contents"} {
			b.Run(fmt.Sprintf("columns=%d/rows=%d/%s", s.columns, s.rows, name), func(b *testing.B) {
				ctx := context.Background()
				schema, columns := benchColumns(s.columns, s.rows)
				var out bytes.Buffer
				w := ipc.NewWriter(&out, schema, nil)
				first := 0
				for range 2 {
					first = out.Len()
					if err := w.Write(ctx, s.rows, columns); err != nil {
						b.Fatal(err)
					}
				}
				r := ipc.NewReader(&benchRepeat{out.Bytes()[:first:first], out.Bytes()[first:]}, &ipc.ReaderOptions{Validate: level})
				b.SetBytes(int64(out.Len() - first))
				b.ReportAllocs()
				for b.Loop() {
					h, err := r.Next(ctx)
					if err != nil {
						b.Fatal(err)
					}
					h.Release()
				}
			})
		}
	}
}

var _ io.Writer = benchGather{}
