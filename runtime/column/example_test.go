package column_test

import (
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/column"
)

func ExampleFixedBuilder() {
	var b column.FixedBuilder[int64]
	b.Init(column.Config{Name: "size", Nullable: true})
	b.Append(7)
	b.AppendNull()
	copy(b.Extend(2), []int64{8, 9}) // the memory that is sent

	d := b.Data()
	sizes := column.NullableOf[int64](&d)
	for i, v := range sizes.All() {
		fmt.Print(v, " ", sizes.IsNull(i), "  ")
	}
	// Output: 7 false  0 true  8 false  9 false
}

func ExampleTextBuilder() {
	var b column.TextBuilder
	b.Init(column.Config{Name: "note"})
	b.Append("")
	b.Append("größer")

	d := b.Data()
	notes := column.TextsOf(&d)
	fmt.Printf("%d %q %q\n", notes.Len(), notes.At(0), notes.At(1))
	// Output: 2 "" "größer"
}

func ExampleDictionary() {
	var b column.DictBuilder[int8]
	b.Init(column.Config{Name: "symbol"})
	for _, s := range []string{"ACME", "EXMP", "ACME"} {
		b.Append(s)
	}
	d := b.Data()
	b.Reset() // the dictionary keeps its values
	b.Append("NEWC")

	fmt.Println(d.Values.Strings(), b.Dictionary().Values().Strings())
	// Output: [ACME EXMP] [ACME EXMP NEWC]
}

func ExampleDecimal128_Text() {
	fmt.Println(column.Decimal128From(-12345).Text(2))
	// Output: -123.45
}
