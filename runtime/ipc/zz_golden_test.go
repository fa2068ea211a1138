package ipc_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func arrowRead(t *testing.T, b []byte) (recs []arrow.RecordBatch, err error) {
	defer func() {
		if p := recover(); p != nil {
			t.Logf("arrow-go panics: %v", p)
			err = io.ErrUnexpectedEOF
		}
	}()
	r, err := aipc.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	for r.Next() {
		rec := r.RecordBatch()
		rec.Retain()
		recs = append(recs, rec)
	}
	return recs, r.Err()
}

func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("/work/shared/testdata/arrow-testing/data/arrow-ipc-stream/integration/*/*.stream")
	more, _ := filepath.Glob("/work/shared/testdata/peers/*/*.arrows")
	for _, f := range append(files, more...) {
		t.Run(filepath.Base(filepath.Dir(f))+"/"+filepath.Base(f), func(t *testing.T) {
			in, _ := os.ReadFile(f)
			r := ipc.NewReader(bytes.NewReader(in), nil)
			ctx := context.Background()
			s, err := r.Schema(ctx)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			w := ipc.NewWriter(&out, s, nil)
			for {
				b, err := r.Next(ctx)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				cols := ipc.Columns(b)
				if err := w.Write(ctx, b.Len(), cols); err != nil {
					t.Fatal(err)
				}
				b.Release()
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			want, err := arrowRead(t, in)
			if err != nil {
				t.Skip("arrow-go cannot read it: ", err)
			}
			got, err := arrowRead(t, out.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(want) {
				t.Fatal(len(got), len(want))
			}
			for i := range got {
				if !array.RecordEqual(got[i], want[i]) {
					t.Fatalf("batch %d\n%v\n%v", i, got[i], want[i])
				}
			}
		})
	}
}
