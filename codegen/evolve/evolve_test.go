package evolve_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen/evolve"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func ExampleCompare() {
	old := &ipc.Schema{Fields: []ipc.Field{
		{Name: "time", Type: ipc.Timestamp(column.Microsecond, "UTC")},
		{Name: "price", Type: ipc.Float32},
		{Name: "size", Type: ipc.Int64},
	}}
	new := &ipc.Schema{Fields: []ipc.Field{
		{Name: "time", Type: ipc.Timestamp(column.Nanosecond, "UTC")},
		{Name: "price", Type: ipc.Float64},
		{Name: "size", Type: ipc.Int64},
		{Name: "note", Type: ipc.Utf8, Nullable: true},
	}}
	changes := evolve.Compare(evolve.Columns(old), evolve.Columns(new))
	for _, c := range changes {
		fmt.Println(c.String())
	}
	fmt.Println("all together:", evolve.Of(changes))
	// Output:
	// time is timestamp[ns, UTC] not null, was timestamp[us, UTC] not null: reader first: old readers fail at a time that is no whole number of unit us
	// price is float64 not null, was float32 not null: reader first: old readers refuse new streams: no conversion
	// note was added: utf8: safe: new readers read nulls in its place; old readers pass over it
	// all together: reader first
}

// The names of numbers are not in a schema. What they say of a change is judged by the names alone.
func TestNames(t *testing.T) {
	values := func(list ...string) (values []evolve.Value) {
		for i, name := range list {
			values = append(values, evolve.Value{Name: name, Number: fmt.Sprint(i)})
		}
		return values
	}
	numbers := func(list ...string) evolve.Column {
		return evolve.Column{Field: ipc.Field{Name: "side", Type: ipc.Uint8}, Values: values(list...)}
	}
	names := func(list ...string) evolve.Column {
		f := ipc.Field{Name: "side", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int8)}
		return evolve.Column{Field: f, Names: true, Values: values(list...)}
	}
	plain := evolve.Column{Field: ipc.Field{Name: "side", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int8)}}
	unknown := names()
	unknown.Values = nil
	for i, test := range []struct {
		old, new evolve.Column
		want     evolve.Verdict
	}{
		{numbers("A", "B"), numbers("A", "B"), evolve.Safe},
		{numbers("A", "B"), numbers("A", "B", "C"), evolve.Safe}, // readers have numbers without a name
		{numbers("A", "B", "C"), numbers("A", "B"), evolve.Safe},
		{numbers("A", "B"), numbers("B", "A"), evolve.Breaking}, // the same bytes mean something else
		{names("A", "B"), names("B", "A"), evolve.Safe},
		{names("A"), names("A", "B"), evolve.ReaderFirst},
		{names("A", "B"), names("A"), evolve.WriterFirst},
		{names("A", "B"), names("B", "C"), evolve.Breaking},
		{names("A"), plain, evolve.ReaderFirst},
		{plain, names("A"), evolve.WriterFirst},
		{plain, unknown, evolve.WriterFirst},
		{unknown, names("A"), evolve.Safe}, // the program knows
	} {
		changes := evolve.Compare([]evolve.Column{test.old}, []evolve.Column{test.new})
		if got := evolve.Of(changes); got != test.want {
			t.Errorf("case %d: %v, want %v: %v", i, got, test.want, changes)
		}
		for _, nested := range []string{
			"list<%s> not null", "list<item: list<%s> not null>", "fixed_size_list[2]<%s>", "struct<a: int8, %s, b: utf8>",
			"list<item: struct<%s> not null>", "map<entries: struct<key: utf8 not null, %s> not null>", "dense_union[0, 1]<a: utf8, %s> not null",
			"run_end_encoded<run_ends: int32 not null, %s> not null",
			"list<item: run_end_encoded<run_ends: int32 not null, %s> not null>",
			"run_end_encoded<run_ends: int32 not null, values: struct<%s> not null> not null",
		} {
			changes := evolve.Compare([]evolve.Column{nest(t, nested, &test.old)}, []evolve.Column{nest(t, nested, &test.new)})
			if got := evolve.Of(changes); got != test.want {
				t.Errorf("case %d in %s: %v, want %v: %v", i, nested, got, test.want, changes)
			}
		}
	}
}

// nest returns a column with c below it, of which what is known stands in a lock.
func nest(t *testing.T, format string, c *evolve.Column) evolve.Column {
	path, names, of := "", "", c.Field
	top := strings.HasPrefix(format, "run_end_encoded<run_ends: int32 not null, %s") // what is known is known of the column
	of.Name = "values"
	for at := range len(format) {
		if rest := format[at:]; strings.HasPrefix(rest, "item: ") || strings.HasPrefix(rest, "entries: ") || strings.HasPrefix(rest, "values: ") {
			name, _, _ := strings.Cut(rest, ":")
			path += name + " > "
		}
	}
	if c.Names {
		names = "; names"
	}
	for i, v := range c.Values {
		names += []string{"; values ", ", "}[min(i, 1)] + v.Name + " " + v.Number
	}
	if format == "list<item: run_end_encoded<run_ends: int32 not null, %s> not null>" {
		path = "item" // values of runs are passed through
	} else {
		path += "values"
	}
	if names != "" && !top {
		names = "; in " + path + names
	}
	text := "lightstream.schema.lock v1\nfile f\ntable T t\n\tx: " + fmt.Sprintf(format, evolve.FormatField(&of)) + names + "\n"
	lock, err := evolve.ParseLock([]byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return lock.Files[0].Tables[0].Columns[0]
}

func ExampleCompare_namesBelow() {
	// What a schema does not tell stands in the lock, for columns at any depth.
	const table = `lightstream.schema.lock v1
file orders_lightstream.go
table Order order
	legs: list<item: struct<side: uint8 not null> not null>; in item > side; values `
	before, err := evolve.ParseLock([]byte(table + "Buy 0, Sell 1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := evolve.ParseLock([]byte(table + "Sell 0, Buy 1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range evolve.CompareLocks(before, after) {
		fmt.Println(c.String())
	}
	// Output:
	// Order: legs in item.side Sell is 0, was 1, Buy is 1, was 0: breaking: the same number means something else
}

func TestVerdicts(t *testing.T) {
	if got := evolve.ReaderFirst.And(evolve.WriterFirst); got != evolve.Breaking {
		t.Errorf("readers and writers first is %v", got)
	}
	if got := evolve.Safe.And(evolve.WriterFirst); got != evolve.WriterFirst {
		t.Errorf("safe and writers first is %v", got)
	}
}

// Unions change by their members, whatever their layout and type ids, and runs by their values.
func TestUnionsAndRuns(t *testing.T) {
	for i, test := range []struct {
		old, new string
		want     evolve.Verdict
	}{
		{"dense_union[0, 1]<a: int32 not null, b: utf8 not null> not null", "sparse_union[7, 3]<b: utf8 not null, a: int32 not null> not null", evolve.Safe},
		{"dense_union[0]<a: int32 not null> not null", "dense_union[0, 1]<a: int32 not null, b: utf8 not null> not null", evolve.ReaderFirst},
		{"dense_union[0, 1]<a: int32 not null, b: utf8 not null> not null", "dense_union[0]<b: utf8 not null> not null", evolve.WriterFirst},
		{"dense_union[0]<a: int32 not null> not null", "dense_union[0]<b: int32 not null> not null", evolve.Breaking},
		{"dense_union[0]<a: int32 not null> not null", "dense_union[0]<a: int64 not null> not null", evolve.ReaderFirst},
		{"dense_union[0]<a: int32> not null", "dense_union[0]<a: int32 not null> not null", evolve.WriterFirst},
		{"dense_union[0]<a: int32 not null> not null", "int32 not null", evolve.Breaking},
		{"run_end_encoded<run_ends: int32 not null, values: utf8 not null> not null", "utf8 not null", evolve.Safe},
		{"run_end_encoded<run_ends: int32 not null, values: utf8> not null", "utf8 not null", evolve.WriterFirst},
		{"int32 not null", "run_end_encoded<run_ends: int32 not null, values: int64 not null> not null", evolve.ReaderFirst},
		{"utf8 not null", "run_end_encoded<run_ends: int16 not null, values: utf8 not null> not null", evolve.WriterFirst},
		{"run_end_encoded<run_ends: int16 not null, values: utf8> not null", "run_end_encoded<run_ends: int64 not null, values: large_utf8> not null", evolve.ReaderFirst},
		{"run_end_encoded<run_ends: int32 not null, values: utf8>", "run_end_encoded<run_ends: int32 not null, values: int8>", evolve.Breaking},
	} {
		var columns [2][]evolve.Column
		for k, text := range []string{test.old, test.new} {
			f, err := evolve.ParseField("x: " + text)
			if err != nil {
				t.Fatal(err)
			}
			columns[k] = []evolve.Column{{Field: f}}
		}
		changes := evolve.Compare(columns[0], columns[1])
		if v := evolve.Of(changes); v != test.want || len(changes) != 1 {
			t.Errorf("%d: %v: %v, want %v", i, v, changes, test.want)
		}
	}
}
