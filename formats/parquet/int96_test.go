package parquet

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestInt96 wants times in INT96 with the zone of the schema beside them, and without one where there is none: Parquet does not say.
func TestInt96(t *testing.T) {
	naive, zoned := &arrow.TimestampType{Unit: arrow.Nanosecond}, &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "Europe/Berlin"}
	at := time.Date(2024, 1, 31, 12, 34, 56, 789, time.UTC).UnixNano()
	s := arrow.NewSchema([]arrow.Field{
		{Name: "naive", Type: naive, Nullable: true},
		{Name: "zoned", Type: zoned, Nullable: true},
		{Name: "list", Type: arrow.ListOf(naive), Nullable: true},
		{Name: "struct", Type: arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int8, Nullable: true}, arrow.Field{Name: "t", Type: naive, Nullable: true}), Nullable: true},
		{Name: "other", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	for i := range b.Fields() {
		switch f := b.Field(i).(type) {
		case *array.TimestampBuilder:
			f.AppendValues([]arrow.Timestamp{arrow.Timestamp(at), 0}, []bool{true, false})
		case *array.ListBuilder:
			f.Append(true)
			f.ValueBuilder().(*array.TimestampBuilder).Append(arrow.Timestamp(at))
			f.AppendNull()
		case *array.StructBuilder:
			f.Append(true)
			f.FieldBuilder(0).(*array.Int8Builder).Append(1)
			f.FieldBuilder(1).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
			f.AppendNull()
		}
	}
	rec := b.NewRecordBatch()
	ns, berlin := ipc.Timestamp(column.Nanosecond, ""), ipc.Timestamp(column.Nanosecond, "Europe/Berlin")
	for name, c := range map[string]struct {
		opts   []pqarrow.WriterOption
		stored bool
		zone   ipc.Type
	}{
		"with the schema":    {[]pqarrow.WriterOption{pqarrow.WithStoreSchema()}, false, berlin},
		"schema passed over": {[]pqarrow.WriterOption{pqarrow.WithStoreSchema()}, true, ns},
		"without it":         {nil, false, ns},
	} {
		var out bytes.Buffer
		w, err := pqarrow.NewFileWriter(s, struct{ io.Writer }{&out}, parquet.NewWriterProperties(), pqarrow.NewArrowWriterProperties(append(c.opts, pqarrow.WithDeprecatedInt96Timestamps(true))...))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()), &ReaderOptions{Stored: c.stored, Validate: ipc.UTF8})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		f := r.schema.Fields
		for i, k := range []struct {
			have ipc.Type
			want ipc.Type
		}{{f[0].Type, ns}, {f[1].Type, c.zone}, {f[2].Children[0].Type, ns}, {f[3].Children[1].Type, ns}, {f[4].Type, ipc.Timestamp(column.Microsecond, "UTC")}} {
			if !k.have.Equal(k.want) {
				t.Errorf("%s: column %d is %v, want %v", name, i, k.have, k.want)
			}
		}
		batch, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all := ipc.Columns(batch)
		for i, d := range []*column.Data{&all[0], &all[1], &all[2].Children[0], &all[3].Children[1]} {
			if have := int64(binary.LittleEndian.Uint64(d.Buffers[1])); have != at {
				t.Errorf("%s: column %d has %d, want %d", name, i, have, at)
			}
		}
		batch.Release()
	}
}
