package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// encoded writes texts, "" as null, in a dictionary column with arrow-go.
func encoded(t testing.TB, index arrow.DataType, texts []string, props ...parquet.WriterProperty) []byte {
	t.Helper()
	b := array.NewDictionaryBuilder(memory.DefaultAllocator, &arrow.DictionaryType{IndexType: index, ValueType: arrow.BinaryTypes.String}).(*array.BinaryDictionaryBuilder)
	for _, s := range texts {
		if s == "" {
			b.AppendNull()
		} else if err := b.AppendString(s); err != nil {
			t.Fatal(err)
		}
	}
	a := b.NewDictionaryArray()
	s := arrow.NewSchema([]arrow.Field{{Name: "s", Type: a.DataType(), Nullable: true}}, nil)
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(s, struct{ io.Writer }{&out}, parquet.NewWriterProperties(props...), pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(array.NewRecordBatch(s, []arrow.Array{a}, int64(len(texts)))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// decoded reads the texts of a file of one dictionary column, and tells in how many batches they came.
func decoded(t testing.TB, file []byte) (texts []string, batches int) {
	t.Helper()
	r, err := NewReader(bytes.NewReader(file), int64(len(file)), &ReaderOptions{BatchRows: 700, Parallel: 2, Validate: ipc.UTF8})
	if err != nil {
		t.Fatal(err)
	}
	for ; ; batches++ {
		b, err := r.Next(t.Context())
		if err == io.EOF {
			return texts, batches
		}
		if err != nil {
			t.Fatal(err)
		}
		d := &ipc.Columns(b)[0]
		index := r.schema.Fields[0].Dictionary.Index
		for i := range d.Len {
			text := ""
			if !d.IsNull(i) {
				text = d.Values.At(int(column.IndexAt(d, index.Bits, index.Signed, i)))
			}
			texts = append(texts, text)
		}
		b.Release()
	}
}

// TestByIndex reads dictionary columns by the indices of the file: in several batches and row groups, with nulls, and with pages in which
// the writer has given its dictionary up.
func TestByIndex(t *testing.T) {
	for _, c := range []struct {
		name  string
		index arrow.DataType
		of    int // values
		props []parquet.WriterProperty
	}{
		{"few", arrow.PrimitiveTypes.Int8, 100, nil},
		{"adopted", arrow.PrimitiveTypes.Int32, 100, []parquet.WriterProperty{parquet.WithMaxRowGroupLength(1000)}},
		{"adopted-and-not", arrow.PrimitiveTypes.Int32, 1300, []parquet.WriterProperty{parquet.WithMaxRowGroupLength(1500)}},
		{"many", arrow.PrimitiveTypes.Uint16, 2500, []parquet.WriterProperty{parquet.WithMaxRowGroupLength(1500)}},
		{"given-up", arrow.PrimitiveTypes.Int32, 2500, []parquet.WriterProperty{parquet.WithDictionaryPageSizeLimit(3000), parquet.WithDataPageSize(500), parquet.WithBatchSize(100)}},
		{"plain", arrow.PrimitiveTypes.Int64, 300, []parquet.WriterProperty{parquet.WithDictionaryDefault(false)}},
		{"v2", arrow.PrimitiveTypes.Int32, 300, []parquet.WriterProperty{parquet.WithDataPageVersion(parquet.DataPageV2), parquet.WithCompression(compress.Codecs.Zstd)}},
	} {
		texts := make([]string, 5000)
		for i := range texts {
			if i%11 != 3 {
				texts[i] = fmt.Sprintf("text %d", i*i%c.of)
			}
		}
		got, batches := decoded(t, encoded(t, c.index, texts, c.props...))
		if len(got) != len(texts) || batches < 5 {
			t.Fatalf("%s: %d rows in %d batches", c.name, len(got), batches)
		}
		for i, want := range texts {
			if got[i] != want {
				t.Fatalf("%s: row %d is %q, want %q", c.name, i, got[i], want)
			}
		}
	}
}

// TestTwiceInDictionary reads a file whose dictionary has a value twice.
func TestTwiceInDictionary(t *testing.T) {
	texts := []string{"value-1", "value-2", "value-3", "value-2", "value-4", "value-3"}
	file := encoded(t, arrow.PrimitiveTypes.Int32, texts, parquet.WithCompression(compress.Codecs.Uncompressed), parquet.WithStats(false))
	at := bytes.Index(file, []byte("value-2"))
	if at < 0 || bytes.Count(file, []byte("value-2")) != 1 {
		t.Fatal("the dictionary is not in the file as it is")
	}
	file[at+6] = '1'
	want := []string{"value-1", "value-1", "value-3", "value-1", "value-4", "value-3"}
	if got, _ := decoded(t, file); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestBadIndex wants an index that the dictionary does not have to be refused, but below a null.
func TestBadIndex(t *testing.T) {
	from := column.NewDictionary(0)
	from.Append("a", false)
	d := column.Data{Len: 2, Nulls: 1, Buffers: [3][]byte{{1}, {0, 0, 0, 0, 9, 0, 0, 0}}, Dictionary: from, Values: from.Values()}
	x := &dictionary{path: "s", field: ipc.Field{Type: ipc.Utf8}, index: ipc.Int8, of: map[string]int{}, values: column.NewDictionary(0)}
	if c, err := x.encode(nil, &d); err != nil || !bytes.Equal(c.Buffers[1][:2], []byte{0, 0}) {
		t.Fatalf("%v: %v", c.Buffers, err)
	}
	d.Buffers[0] = []byte{3}
	if _, err := x.encode(nil, &d); !errors.Is(err, ipc.ErrMalformed) {
		t.Fatal(err)
	}
}
