package column_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
)

// A builder fills a column in the memory that is sent; a view reads it out of the memory that came.
func ExampleFixedBuilder() {
	var b column.FixedBuilder[int32]
	b.Init(column.Config{Name: "size", Nullable: true})
	b.Append(5)
	b.AppendNull()
	copy(b.Extend(2), []int32{7, 8}) // to be filled in place
	d := b.Data()
	for i, v := range column.NullableOf[int32](&d).All() {
		fmt.Println(i, v, d.IsNull(i))
	}
	fmt.Println(d.Len, d.Nulls, column.NullableOf[int32](&d).Values())
	// Output:
	// 0 5 false
	// 1 0 true
	// 2 7 false
	// 3 8 false
	// 4 1 [5 0 7 8]
}

func ExampleBoolBuilder() {
	var b column.BoolBuilder
	b.Init(column.Config{Name: "up"})
	b.AppendAll([]bool{true, false, true})
	d := b.Data()
	v := column.BoolsOf(&d)
	bits, _ := v.Bitmap()
	fmt.Printf("%v %v %03b\n", v.At(0), v.At(1), bits)
	// Output:
	// true false [101]
}

func ExampleTextBuilder() {
	var b column.TextBuilder
	b.Init(column.Config{Name: "note", Nullable: true})
	b.Append("first")
	b.AppendNull()
	b.Append("")
	d := b.Data()
	v := column.TextsOf(&d)
	for i := range v.Len() {
		s, ok := v.Get(i)
		fmt.Printf("%q %v\n", s, ok)
	}
	// Output:
	// "first" true
	// "" false
	// "" true
}

func ExampleBinaryBuilder() {
	var b column.BinaryBuilder
	b.Init(column.Config{Name: "blob", Nullable: true})
	b.Append([]byte{1, 2})
	b.Append(nil) // null, as the column may hold nulls
	b.Append([]byte{})
	d := b.Data()
	v := column.BinariesOf(&d)
	fmt.Println(v.At(0), v.At(1) == nil, v.At(2) == nil)
	// Output:
	// [1 2] true false
}

// A dictionary is kept by Reset: later batches have the same indices.
func ExampleDictBuilder() {
	var b column.DictBuilder[int8]
	b.Init(column.Config{Name: "symbol"})
	for _, s := range []string{"AAPL", "MSFT", "AAPL"} {
		b.Append(s)
	}
	d := b.Data()
	v := column.DictOf[int8](&d)
	fmt.Println(v.Indices(), v.Values().Strings(), v.At(2))
	b.Reset()
	b.Append("MSFT")
	d = b.Data()
	fmt.Println(column.DictOf[int8](&d).Indices())
	// Output:
	// [0 1 0] [AAPL MSFT] AAPL
	// [1]
}

// What does not fit stays as the builder's error, until that row is cut off.
func ExampleTimestampBuilder() {
	var b column.TimestampBuilder
	b.Init(column.Config{Name: "time", Unit: column.Nanosecond, Zoned: true})
	b.Append(time.Date(2023, 11, 14, 22, 13, 20, 500, time.UTC))
	b.Append(time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC))
	var e *column.ValueError
	fmt.Println(errors.As(b.Err(), &e), e.Column, e.Row, errors.Is(e, column.ErrTimeRange))
	b.Truncate(1)
	d := b.Data()
	v := column.TimestampsOf(&d, column.Nanosecond)
	fmt.Println(b.Err(), v.At(0), v.Values())
	// Output:
	// true time 1 true
	// <nil> 2023-11-14 22:13:20.0000005 +0000 UTC [1700000000000000500]
}

// A column that may hold no nulls says so when one comes.
func ExampleConfig() {
	var b column.FixedBuilder[float64]
	b.Init(column.Config{Name: "price"})
	b.AppendPtr(nil)
	fmt.Println(b.Err())
	// Output:
	// lightstream: column "price", row 0: null in a column that is not nullable
}

// A dictionary is append-only, and what it has handed out never changes.
func ExampleDictionary() {
	d := column.NewDictionary(2)
	first, _ := d.Index("AAPL", 0)
	before := d.Values()
	second, _ := d.Index("MSFT", 0)
	again, _ := d.Index("AAPL", 0)
	_, err := d.Index("NVDA", 0)
	fmt.Println(first, second, again, before.Len(), d.Len(), errors.Is(err, column.ErrDictionaryFull))
	// Output:
	// 0 1 0 1 2 true
}

func ExampleBools_AppendTo() {
	var b column.BoolBuilder
	b.Init(column.Config{Name: "flag", Nullable: true})
	b.AppendAll([]bool{true, false, true})
	b.AppendNull()
	d := b.Data()
	fmt.Println(column.BoolsOf(&d).AppendTo(nil))
	// Output: [true false true false]
}
