package evolve_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/float16"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/codegen/evolve"
	"github.com/lightstream-go/lightstream/interop/arrowgo"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// A bag is a table of any columns, which are read without Go types of their own.
type (
	bagRow     struct{}
	bagBatch   struct{ h rt.Handle }
	bagBuilder struct{ rt.BuilderBase }
)

func (*bagBuilder) Append(bagRow)       {}
func (*bagBuilder) AppendRows([]bagRow) {}

// read reads a stream as a table of the given columns and returns the first error.
func read(stream []byte, columns []rt.Column) error {
	table := rt.NewTable(rt.TableSpec[bagRow, bagBatch, *bagBuilder]{
		Name:       "bag",
		Columns:    columns,
		NewBatch:   func(h rt.Handle) bagBatch { return bagBatch{h} },
		NewBuilder: func(*rt.BuilderOptions) *bagBuilder { return new(bagBuilder) },
		ReadRows:   func(bagBatch, []bagRow, int) {},
	})
	r := rt.NewReader(table, bytes.NewReader(stream), nil)
	for {
		b, err := r.Next(context.Background())
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		b.h.Release()
	}
}

// fitError tells whether an error is one of those that readers of another schema get.
func fitError(err error) bool {
	var schema *rt.SchemaError
	var null *rt.NullError
	var convert *rt.ConvertError
	return errors.As(err, &schema) || errors.As(err, &null) || errors.As(err, &convert)
}

// types are all types that a column may have, alone and below others.
var types = []string{
	"null", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
	"utf8", "large_utf8", "utf8_view", "binary", "large_binary", "binary_view", "fixed_size_binary[3]", "fixed_size_binary[16]",
	"fixed_size_binary[16] (arrow.uuid)", "date32", "date64", "time32[s]", "time32[ms]", "time64[us]", "time64[ns]",
	"timestamp[s]", "timestamp[ns]", "timestamp[s, UTC]", "timestamp[us, UTC]", "timestamp[us, Europe/Berlin]", "timestamp[ns, UTC]",
	"duration[s]", "duration[ms]", "duration[ns]", "decimal32(9, 2)", "decimal64(9, 2)", "decimal64(18, 2)", "decimal128(38, 4)",
	"decimal256(50, 2)", "dictionary<int8, utf8>", "dictionary<uint8, utf8>", "dictionary<int16, utf8>", "dictionary<int32, utf8>",
	"dictionary<int64, utf8>", "dictionary<uint16, utf8>", "dictionary<int8, binary>", "dictionary<int32, binary>",
	"list<item: int32>", "list<item: int64 not null>", "large_list<item: utf8>", "list<item: timestamp[us]>",
	"list<item: timestamp[s] not null>", "fixed_size_list[2]<item: int32 not null>", "fixed_size_list[3]<item: int32>",
	"map<entries: struct<key: utf8 not null, value: int32> not null>", "map<entries: struct<key: utf8 not null, value: int64 not null> not null>",
	"struct<a: int32 not null, b: utf8>", "struct<b: utf8 not null, a: int64>", "struct<a: int32, c: date32>", "struct<c: float64 not null>",
	"list<item: struct<a: int32 not null, b: utf8> not null>", "list<item: struct<a: int32, b: large_utf8>>",
	"dictionary<int8, int64>", "dictionary<uint16, int64>", "dictionary<int32, int32>", "dictionary<int32, fixed_size_binary[3]>",
}

// mostRows is more than what an index of 16 bits tells apart.
const mostRows = 1<<16 + 10

// rows is how many rows a column has: as many as its dictionary has room for, and otherwise as its type has values or enough
// to fill each dictionary of 16 bits.
func rows(f *ipc.Field) int {
	switch {
	case f.Dictionary != nil && f.Dictionary.Index.Bits <= 16:
		return 1 << (f.Dictionary.Index.Bits - map[bool]int{true: 1}[f.Dictionary.Index.Signed])
	case len(f.Children) > 0:
		return 20
	case f.Type.Kind == ipc.KindInt && f.Type.Bits <= 16:
		return 1 << f.Type.Bits
	}
	return mostRows
}

// appendValue adds value i, or a null, to a column: values that are all different where the type has room for that, and among
// them those that only fit as they are, such as times that are no whole seconds.
func appendValue(t testing.TB, b array.Builder, i int) {
	text := strings.Repeat("x", i%3) + fmt.Sprint(i)
	fixed := func(width int) []byte {
		return append([]byte{byte(i), byte(i >> 8), byte(i >> 16)}, make([]byte, width-3)...)
	}
	switch b := b.(type) {
	case *array.NullBuilder:
		b.AppendNull()
	case *array.BooleanBuilder:
		b.Append(i%2 == 0)
	case *array.Int8Builder:
		b.Append(int8(i))
	case *array.Int16Builder:
		b.Append(int16(i))
	case *array.Int32Builder:
		b.Append(int32(i) << 14)
	case *array.Int64Builder:
		b.Append(int64(i) << 46)
	case *array.Uint8Builder:
		b.Append(uint8(i))
	case *array.Uint16Builder:
		b.Append(uint16(i))
	case *array.Uint32Builder:
		b.Append(uint32(i) << 15)
	case *array.Uint64Builder:
		b.Append(uint64(i) << 47)
	case *array.Float16Builder:
		b.Append(float16.FromBits(uint16(i)))
	case *array.Float32Builder:
		b.Append(float32(i) / 7)
	case *array.Float64Builder:
		b.Append(float64(i) / 7)
	case *array.StringBuilder:
		b.Append(text)
	case *array.LargeStringBuilder:
		b.Append(text)
	case *array.StringViewBuilder:
		b.Append(text)
	case *array.BinaryBuilder:
		b.Append([]byte(text))
	case *array.BinaryViewBuilder:
		b.Append([]byte(text))
	case *array.FixedSizeBinaryBuilder:
		b.Append(fixed(b.Type().(*arrow.FixedSizeBinaryType).ByteWidth))
	case interface{ StorageBuilder() array.Builder }:
		appendValue(t, b.StorageBuilder(), i)
	case *array.Date32Builder:
		b.Append(arrow.Date32(i))
	case *array.Date64Builder:
		b.Append(arrow.Date64(i)*86_400_000 + 1)
	case *array.Time32Builder:
		b.Append(arrow.Time32(i % 86_400))
	case *array.Time64Builder:
		b.Append(arrow.Time64(i))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(i))
	case *array.DurationBuilder:
		b.Append(arrow.Duration(i))
	case *array.Decimal32Builder:
		b.Append(decimal.Decimal32(i))
	case *array.Decimal64Builder:
		b.Append(decimal.Decimal64(i))
	case *array.Decimal128Builder:
		b.Append(decimal128.FromI64(int64(i)))
	case *array.Decimal256Builder:
		b.Append(decimal256.FromI64(int64(i)))
	case *array.BinaryDictionaryBuilder:
		if err := b.AppendString(text); err != nil {
			t.Fatal(err)
		}
	case *array.Int64DictionaryBuilder:
		if err := b.Append(int64(i)); err != nil {
			t.Fatal(err)
		}
	case *array.Int32DictionaryBuilder:
		if err := b.Append(int32(i)); err != nil {
			t.Fatal(err)
		}
	case *array.FixedSizeBinaryDictionaryBuilder:
		if err := b.Append(fixed(3)); err != nil {
			t.Fatal(err)
		}
	case *array.MapBuilder:
		b.Append(true)
		appendItem(t, b.KeyBuilder(), i, false)
		appendItem(t, b.ItemBuilder(), i, b.Type().(*arrow.MapType).ItemField().Nullable)
	case *array.ListBuilder:
		b.Append(true)
		appendItem(t, b.ValueBuilder(), i, b.Type().(arrow.ListLikeType).ElemField().Nullable)
	case *array.LargeListBuilder:
		b.Append(true)
		appendItem(t, b.ValueBuilder(), i, b.Type().(arrow.ListLikeType).ElemField().Nullable)
	case *array.FixedSizeListBuilder:
		b.Append(true)
		for range b.Type().(*arrow.FixedSizeListType).Len() {
			appendItem(t, b.ValueBuilder(), i, b.Type().(arrow.ListLikeType).ElemField().Nullable)
		}
	case *array.StructBuilder:
		b.Append(true)
		for k := range b.NumField() {
			appendItem(t, b.FieldBuilder(k), i, b.Type().(*arrow.StructType).Field(k).Nullable)
		}
	default:
		t.Fatalf("no values for %T", b)
	}
}

// appendItem adds a value below a column, or at times a null.
func appendItem(t testing.TB, b array.Builder, i int, nullable bool) {
	if nullable && i%3 == 1 {
		b.AppendNull()
		return
	}
	appendValue(t, b, i)
}

var (
	streamsMu sync.Mutex
	streams   = map[string][]byte{}
)

// write returns what a writer of the given fields may send, as arrow-go writes it: with a null in each that is nullable.
func write(t testing.TB, fields []ipc.Field) []byte {
	t.Helper()
	key := ""
	for i := range fields {
		key += evolve.FormatField(&fields[i]) + "\n"
	}
	streamsMu.Lock()
	defer streamsMu.Unlock()
	if p, ok := streams[key]; ok {
		return p
	}
	schema, err := arrowgo.Schema(&ipc.Schema{Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	n := mostRows
	if len(fields) > 1 {
		n = 100
	}
	for i := range fields {
		n = min(n, rows(&fields[i]))
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for k := range fields {
		for i := range n {
			appendValue(t, b.Field(k), i)
		}
		if fields[k].Nullable {
			b.Field(k).AppendNull()
		} else {
			appendValue(t, b.Field(k), 0)
		}
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	var buf bytes.Buffer
	w := aipc.NewWriter(&buf, aipc.WithSchema(schema))
	if err := errors.Join(w.Write(rec), w.Close()); err != nil {
		t.Fatal(err)
	}
	streams[key] = buf.Bytes()
	return buf.Bytes()
}

func parse(t testing.TB, text string) ipc.Field {
	t.Helper()
	f, err := evolve.ParseField(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return f
}

// withParts returns the column of a field as generated code has it.
func withParts(f ipc.Field) rt.Column {
	col := rt.Column{Field: f}
	parts := f.Children
	if f.Type.Kind == ipc.KindMap {
		parts = parts[0].Children
	}
	for _, part := range parts {
		col.Parts = append(col.Parts, withParts(part))
	}
	return col
}

// runtimeColumns returns the columns as the runtime has them.
func runtimeColumns(columns []evolve.Column) (list []rt.Column) {
	for _, c := range columns {
		col := withParts(c.Field)
		col.Was, col.NaiveUTC = c.Was, c.NaiveUTC
		if c.HasDefault {
			col.Default = int64(7)
		}
		list = append(list, col)
	}
	return list
}

func fieldsOf(columns []evolve.Column) (list []ipc.Field) {
	for _, c := range columns {
		list = append(list, c.Field)
	}
	return list
}

// TestTypes changes a column from each type into each other, nullable or not, and wants the verdict to be what readers of
// either version make of streams of the other that have each value that might not fit.
func TestTypes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	field := func(text string) ipc.Field {
		f := parse(t, "x: "+text)
		f.Nullable = text == "null" || random.IntN(2) == 0
		return f
	}
	counts := map[evolve.Verdict]int{}
	for _, from := range types {
		for _, to := range types {
			if testing.Short() && random.IntN(20) > 0 {
				continue
			}
			old, new := evolve.Column{Field: field(from)}, evolve.Column{Field: field(to)}
			changes := evolve.Compare([]evolve.Column{old}, []evolve.Column{new})
			if len(changes) > 1 || len(changes) == 0 && evolve.FormatField(&old.Field) != evolve.FormatField(&new.Field) {
				t.Fatalf("%v changes", len(changes))
			}
			verdict := evolve.Of(changes)
			counts[verdict]++
			forward := read(write(t, []ipc.Field{old.Field}), runtimeColumns([]evolve.Column{new}))
			backward := read(write(t, []ipc.Field{new.Field}), runtimeColumns([]evolve.Column{old}))
			for _, err := range []error{forward, backward} {
				if err != nil && !fitError(err) {
					t.Fatalf("%s to %s: %v", evolve.FormatField(&old.Field), evolve.FormatField(&new.Field), err)
				}
			}
			want := evolve.Safe
			if forward != nil {
				want = want.And(evolve.WriterFirst)
			}
			if backward != nil {
				want = want.And(evolve.ReaderFirst)
			}
			if verdict != want {
				t.Errorf("%v, want %v: new readers say %v, old readers %v", changes, want, forward, backward)
			}
		}
	}
	for v := evolve.Safe; v <= evolve.Breaking; v++ {
		if counts[v] < 5 && !testing.Short() {
			t.Errorf("%d changes are %v", counts[v], v)
		}
	}
	t.Logf("%v", counts)
}

// TestTables changes tables at random: columns come and go, are renamed and moved, and get defaults. What is judged to be read has
// to be.
func TestTables(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	texts := []string{"int64", "int32", "float64", "utf8", "dictionary<int32, utf8>", "timestamp[us, UTC]", "timestamp[us]"}
	table := func() (columns []evolve.Column) {
		for _, name := range random.Perm(6)[:1+random.IntN(5)] {
			c := evolve.Column{Field: parse(t, fmt.Sprintf("c%d: %s", name, texts[random.IntN(len(texts))]))}
			c.Nullable = random.IntN(3) == 0
			c.HasDefault = c.Type.Equal(ipc.Int64) && random.IntN(2) == 0
			c.NaiveUTC = c.Type.Zone != "" && random.IntN(2) == 0
			if random.IntN(3) == 0 {
				c.Was = fmt.Sprintf("c%d", 3+random.IntN(6))
				if c.Was == c.Name {
					c.Was = ""
				}
			}
			columns = append(columns, c)
		}
		return columns
	}
	counts := map[evolve.Verdict]int{}
	for range 1500 {
		old, new := table(), table()
		if random.IntN(2) == 0 { // a small change
			new = append([]evolve.Column{}, old...)
			switch i := random.IntN(len(new)); random.IntN(5) {
			case 0:
				new = append(new[:i], new[i+1:]...)
			case 1:
				new[i].Nullable = !new[i].Nullable
			case 2:
				new[i].Name, new[i].Was = "c9", new[i].Name
			case 3:
				new[i].HasDefault, new[i].NaiveUTC = false, false
			case 4:
				new[0], new[i] = new[i], new[0]
			}
		}
		if len(new) == 0 {
			continue
		}
		changes := evolve.Compare(old, new)
		v := evolve.Of(changes)
		counts[v]++
		forward := read(write(t, fieldsOf(old)), runtimeColumns(new))
		backward := read(write(t, fieldsOf(new)), runtimeColumns(old))
		if forward != nil && (v == evolve.Safe || v == evolve.ReaderFirst) {
			t.Errorf("%v: %v, but new readers say %v", v, changes, forward)
		}
		if backward != nil && (v == evolve.Safe || v == evolve.WriterFirst) {
			t.Errorf("%v: %v, but old readers say %v", v, changes, backward)
		}
		if (v == evolve.ReaderFirst || v == evolve.Breaking) && backward == nil && !strings.Contains(fmt.Sprint(changes), "old readers look for") {
			t.Errorf("%v: %v, but old readers read it", v, changes)
		}
		if (v == evolve.WriterFirst || v == evolve.Breaking) && forward == nil {
			t.Errorf("%v: %v, but new readers read it", v, changes)
		}
		if v != evolve.Safe && len(changes) == 0 {
			t.Errorf("%v without changes", v)
		}
	}
	for v := evolve.Safe; v <= evolve.Breaking; v++ {
		if counts[v] < 50 {
			t.Errorf("%d changes are %v", counts[v], v)
		}
	}
	t.Logf("%v", counts)
}
