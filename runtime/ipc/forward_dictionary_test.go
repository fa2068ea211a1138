package ipc_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

var wordSchema = &ipc.Schema{Fields: []ipc.Field{{Name: "word", Type: ipc.Utf8, Nullable: true, Dictionary: ipc.DictionaryOf(ipc.Int32)}}}

// wordStream returns a stream with a batch for each dictionary, in which each value stands once. An empty value is a null.
func wordStream(t *testing.T, dictionaries ...[]string) *ipc.Reader {
	t.Helper()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, wordSchema, nil)
	for _, words := range dictionaries {
		d := column.NewDictionary(0)
		indices := mem.Alloc(4 * len(words))
		for i, s := range words {
			d.Append(s, s == "")
			binary.LittleEndian.PutUint32(indices[4*i:], uint32(i))
		}
		if err := w.Write(t.Context(), len(words), []column.Data{{
			Len: len(words), Buffers: [3][]byte{nil, indices}, Dictionary: d, Values: d.Values(),
		}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return ipc.NewReader(&out, nil)
}

// words returns the texts of the first column.
func words(b ipc.Batch) (list []string) {
	c := column.DictOf[int32](b.Column(0))
	for i := range c.Len() {
		list = append(list, c.At(i))
	}
	return list
}

// forwardAll forwards a batch of each reader in turn until they are through, and wants to read the same.
func forwardAll(t *testing.T, w *ipc.Writer, out io.Reader, readers ...*ipc.Reader) {
	t.Helper()
	var want [][]string
	for left := len(readers); left > 0; {
		for i, r := range readers {
			if r == nil {
				continue
			}
			b, err := r.Next(t.Context())
			if err == io.EOF {
				readers[i] = nil
				left--
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, words(b))
			if err := w.Forward(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			b.Release()
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := ipc.NewReader(out, nil)
	for i := range want {
		b, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := words(b); fmt.Sprint(got) != fmt.Sprint(want[i]) {
			t.Fatalf("batch %d: %.200q, want %.200q", i, got, want[i])
		}
		b.Release()
	}
	if _, err := r.Next(t.Context()); err != io.EOF {
		t.Fatal(err)
	}
}

// numbered returns n values, the first of them number from.
func numbered(prefix string, from, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprint(prefix, from+i))
	}
	return list
}

// TestForwardDuplicates merges dictionaries that have one value many times, as they may.
func TestForwardDuplicates(t *testing.T) {
	same := make([]string, 20_000)
	for i := range same {
		same[i] = "a value that is long enough"
	}
	var out bytes.Buffer
	forwardAll(t, ipc.NewWriter(&out, wordSchema, nil), &out, wordStream(t, same, same), wordStream(t, []string{"other", same[0]}))
}

// TestForwardNulls merges dictionaries with many nulls, in linear time.
func TestForwardNulls(t *testing.T) {
	list := append(numbered("v", 0, 100_000), make([]string, 100_000)...)
	var out bytes.Buffer
	forwardAll(t, ipc.NewWriter(&out, wordSchema, nil), &out, wordStream(t, []string{"zz"}), wordStream(t, list))
}

// TestForwardReplaced passes dictionaries on that replace one another, which must not pile up: of one reader they go as they came, of
// several in a dictionary of the writer's that begins anew.
func TestForwardReplaced(t *testing.T) {
	const batches, values = 60, 500
	var lists [2][][]string
	for i := range batches {
		lists[0] = append(lists[0], numbered("a", i*values, values))
		lists[1] = append(lists[1], numbered("b", i*values, values))
	}
	t.Run("one reader", func(t *testing.T) {
		var out bytes.Buffer
		w := ipc.NewWriter(&out, wordSchema, nil)
		size := &bytes.Buffer{}
		forwardAll(t, w, io.TeeReader(&out, size), wordStream(t, lists[0]...))
		if s := w.Stats(); s.Forwarded != batches || size.Len() > batches*values*20 {
			t.Errorf("%d batches were forwarded and %d encoded, in %d bytes", s.Forwarded, s.Encoded, size.Len())
		}
	})
	t.Run("two readers", func(t *testing.T) {
		var out bytes.Buffer
		w := ipc.NewWriter(&out, wordSchema, nil)
		size := &bytes.Buffer{}
		forwardAll(t, w, io.TeeReader(&out, size), wordStream(t, lists[0]...), wordStream(t, lists[1]...))
		if most := 2 * batches * 8 * values * 20; size.Len() > most { // what is not needed is at most half, and some
			t.Errorf("%d bytes, want at most %d", size.Len(), most)
		}
	})
	t.Run("deltas", func(t *testing.T) {
		var out bytes.Buffer
		w := ipc.NewWriter(&out, wordSchema, &ipc.WriterOptions{Dictionaries: ipc.DeltaDictionaries})
		forwardAll(t, w, &out, wordStream(t, lists[0]...), wordStream(t, lists[1]...))
	})
	t.Run("file", func(t *testing.T) { // one dictionary, whatever there was
		var out bytes.Buffer
		w := ipc.NewFileWriter(&out, wordSchema, nil)
		r := wordStream(t, lists[0]...)
		for range batches {
			b, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Forward(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			b.Release()
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := ipc.NewFileReader(bytes.NewReader(out.Bytes()), int64(out.Len()), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for i := range batches {
			b, err := f.Batch(i)
			if err != nil {
				t.Fatal(err)
			}
			if got := words(b); fmt.Sprint(got) != fmt.Sprint(lists[0][i]) {
				t.Fatalf("batch %d: %.200q", i, got)
			}
			b.Release()
		}
	})
}
