package ipc_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var exampleSchema = &ipc.Schema{Fields: []ipc.Field{
	{Name: "id", Type: ipc.Int64},
	{Name: "name", Type: ipc.Utf8, Nullable: true},
}}

// exampleColumns returns two rows of exampleSchema.
func exampleColumns() []column.Data {
	var ids column.FixedBuilder[int64]
	var names column.TextBuilder
	ids.Init(column.Config{Name: "id"})
	names.Init(column.Config{Name: "name", Nullable: true})
	ids.Append(1)
	names.Append("one")
	ids.Append(2)
	names.AppendNull()
	return []column.Data{ids.Data(), names.Data()}
}

func ExampleWriter() {
	ctx := context.Background()
	var wire bytes.Buffer
	w := ipc.NewWriter(&wire, exampleSchema, nil)
	if err := w.Write(ctx, 2, exampleColumns()); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	r := ipc.NewReader(&wire, nil)
	schema, err := r.Schema(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(schema)
	for {
		batch, err := r.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		names := column.TextsOf(batch.Column(1))
		fmt.Println(column.View[int64](batch.Column(0).Buffers[1]), names.At(0), names.IsNull(1))
		batch.Release()
	}
	// Output:
	// id: int64 not null
	// name: utf8
	// [1 2] one true
}

// Of a stream with many columns only some are read.
func ExampleReader_select() {
	ctx := context.Background()
	var wire bytes.Buffer
	w := ipc.NewWriter(&wire, exampleSchema, nil)
	if err := w.Write(ctx, 2, exampleColumns()); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	r := ipc.NewReader(&wire, &ipc.ReaderOptions{Select: func(s *ipc.Schema) ([]bool, error) {
		want := make([]bool, len(s.Fields))
		for i := range s.Fields {
			want[i] = s.Fields[i].Name == "id"
		}
		return want, nil
	}})
	batch, err := r.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(column.View[int64](batch.Column(0).Buffers[1]), batch.Column(1).Len)
	// Output: [1 2] 0
}

func ExampleFileReader() {
	ctx := context.Background()
	var file bytes.Buffer
	w := ipc.NewFileWriter(&file, exampleSchema, nil)
	for range 3 {
		if err := w.Write(ctx, 2, exampleColumns()); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	r, err := ipc.NewFileReader(bytes.NewReader(file.Bytes()), int64(file.Len()), nil)
	if err != nil {
		log.Fatal(err)
	}
	last, err := r.Batch(r.NumBatches() - 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.NumBatches(), last.Len())
	// Output: 3 2
}

func ExampleSchema_Fingerprint() {
	same := &ipc.Schema{Fields: exampleSchema.Fields, Metadata: []ipc.KeyValue{{Key: "origin", Value: "here"}}}
	fmt.Println(same.Fingerprint() == exampleSchema.Fingerprint())
	// Output: true
}
