package ipc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// temperatures fills two columns.
func temperatures(values ...float64) []column.Data {
	var place column.TextBuilder
	var degrees column.FixedBuilder[float64]
	place.Init(column.Config{Name: "place"})
	degrees.Init(column.Config{Name: "degrees", Nullable: true})
	for i, v := range values {
		place.Append(fmt.Sprint("station ", i))
		degrees.AppendNullable(v, v > -273.15)
	}
	return []column.Data{place.Data(), degrees.Data()}
}

var weather = &ipc.Schema{Fields: []ipc.Field{
	{Name: "place", Type: ipc.Utf8},
	{Name: "degrees", Type: ipc.Float64, Nullable: true},
}}

// Columns without Go types of their own, as any schema has them, go through a stream.
func ExampleNewWriter() {
	var stream bytes.Buffer
	ctx := context.Background()
	w := ipc.NewWriter(&stream, weather, nil)
	err := errors.Join(
		w.Write(ctx, 3, temperatures(20.5, -1000, 18)),
		w.Write(ctx, 1, temperatures(21)),
		w.Close(),
	)
	if err != nil {
		log.Print(err)
		return
	}

	r := ipc.NewReader(&stream, nil)
	schema, err := r.Schema(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Print(schema)
	for {
		batch, err := r.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Print(err)
			return
		}
		place, degrees := column.TextsOf(batch.Column(0)), column.NullableOf[float64](batch.Column(1))
		for i := range batch.Len() {
			v, ok := degrees.Get(i)
			fmt.Println(place.At(i), v, ok)
		}
		batch.Release()
	}
	// Output:
	// place: utf8 not null
	// degrees: float64
	// station 0 20.5 true
	// station 1 0 false
	// station 2 18 true
	// station 0 21 true
}

// Only the columns that are wanted are looked at, and only they are to be of a type that is read.
func ExampleReaderOptions() {
	var stream bytes.Buffer
	ctx := context.Background()
	w := ipc.NewWriter(&stream, weather, nil)
	if err := errors.Join(w.Write(ctx, 2, temperatures(1, 2)), w.Close()); err != nil {
		log.Print(err)
		return
	}
	r := ipc.NewReader(&stream, &ipc.ReaderOptions{
		Select: func(s *ipc.Schema) ([]bool, error) {
			want := make([]bool, len(s.Fields))
			for i := range s.Fields {
				want[i] = s.Fields[i].Name == "degrees"
			}
			return want, nil
		},
		Limits:   &ipc.Limits{MaxBody: 64 << 20, MaxRows: 1_000_000},
		Validate: ipc.UTF8,
	})
	batch, err := r.Next(ctx)
	if err != nil {
		log.Print(err)
		return
	}
	fmt.Println(column.View[float64](batch.Column(1).Buffers[1]))
	// Output:
	// [1 2]
}

// A file has its batches in any order.
func ExampleNewFileReader() {
	var file bytes.Buffer
	ctx := context.Background()
	w := ipc.NewFileWriter(&file, weather, nil)
	if err := errors.Join(w.Write(ctx, 1, temperatures(1)), w.Write(ctx, 2, temperatures(2, 3)), w.Close()); err != nil {
		log.Print(err)
		return
	}
	r, err := ipc.NewFileReader(bytes.NewReader(file.Bytes()), int64(file.Len()), nil)
	if err != nil {
		log.Print(err)
		return
	}
	for i := r.NumBatches() - 1; i >= 0; i-- {
		batch, err := r.Batch(i)
		if err != nil {
			log.Print(err)
			return
		}
		fmt.Println(i, column.View[float64](batch.Column(1).Buffers[1]))
		batch.Release()
	}
	// Output:
	// 1 [2 3]
	// 0 [1]
}

// The error of a limit names the field to raise.
func ExampleLimits() {
	var stream bytes.Buffer
	ctx := context.Background()
	w := ipc.NewWriter(&stream, weather, nil)
	if err := errors.Join(w.Write(ctx, 1000, temperatures(make([]float64, 1000)...)), w.Close()); err != nil {
		log.Print(err)
		return
	}
	_, err := ipc.NewReader(&stream, &ipc.ReaderOptions{Limits: &ipc.Limits{MaxRows: 100}}).Next(ctx)
	fmt.Println(errors.Is(err, ipc.ErrLimit))
	fmt.Println(err)
	// Output:
	// true
	// lightstream: frame 1, byte 72 (message.length): 1000 rows exceed Limits.MaxRows (100); raise it or send smaller batches
}
