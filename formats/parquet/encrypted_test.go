package parquet_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestEncrypted wants an error of encrypted files, whose footer may be readable.
func TestEncrypted(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "m", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range 2 {
		b.Field(i).(*array.Int64Builder).AppendValues([]int64{1, 2, 3}, nil)
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	const key = "0123456789012345"
	one := func() arrowparquet.EncryptOption { // keys are wiped when they were used
		column := arrowparquet.NewColumnEncryptionProperties("m", arrowparquet.WithKey(key), arrowparquet.WithKeyID("k"))
		return arrowparquet.WithEncryptedColumns(arrowparquet.ColumnPathToEncryptionPropsMap{"m": column})
	}
	for name, c := range map[string]struct {
		opts []arrowparquet.EncryptOption
		want string
	}{
		"all":                          {nil, "the file is encrypted"},
		"one column":                   {[]arrowparquet.EncryptOption{one()}, "the file is encrypted"},
		"all, with a footer":           {[]arrowparquet.EncryptOption{arrowparquet.WithPlaintextFooter()}, "but for its footer"},
		"one column, and not a footer": {[]arrowparquet.EncryptOption{arrowparquet.WithPlaintextFooter(), one()}, "but for its footer"},
	} {
		var out bytes.Buffer
		props := arrowparquet.NewWriterProperties(arrowparquet.WithDataPageVersion(arrowparquet.DataPageV2), arrowparquet.WithDictionaryDefault(false), arrowparquet.WithEncryptionProperties(arrowparquet.NewFileEncryptionProperties(key, c.opts...)))
		w, err := pqarrow.NewFileWriter(schema, &out, props, pqarrow.DefaultWriterProps())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Write(rec), w.Close()); err != nil {
			t.Fatal(name, err)
		}
		_, err = load(out.Bytes(), nil)
		if !errors.Is(err, ipc.ErrUnsupported) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
