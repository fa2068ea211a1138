// Package tabletest tests the generated code of a table: that rows come back as they were written, that damaged input is an
// error, and how fast both go. What lightstream-gen writes with -tests is calls of it:
//
//	func TestTradeTable(t *testing.T) { tabletest.RoundTrip(t, TradeTable, tradeFields) }
//
// Rows are made up from the types of their fields and columns, the same in each run.
package tabletest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

const (
	batchRows    = 250 // of a batch, so that several make a stream
	mostPrefixes = 2000
)

// RoundTrip writes rows of a table and reads them back: as a stream, as a file, as a message with its schema and as one without.
// It also wants proper prefixes of a stream to be errors, up to 2,000 of them. Fields returns pointers to the fields of a row that are columns,
// in order of the columns. Values are those that some types are limited to.
func RoundTrip[R, B any, W rt.Builder[R]](t *testing.T, table *rt.Table[R, B, W], fields func(row *R) []any, values ...Values) {
	m := newMaker(table, fields, values)
	for _, n := range []int{0, 1, 9, 3*batchRows - 1} {
		rows := m.rows(n)
		for name, way := range ways[R, B, W]() {
			got, err := way(table, rows)
			if err != nil {
				t.Errorf("%s, %d rows: %v", name, n, err)
			} else if err := m.compare(got, rows); err != nil {
				t.Errorf("%s, %d rows: %v", name, n, err)
			}
		}
	}
	stream, err := write(table, m.rows(9))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(stream); n += 1 + len(stream)/mostPrefixes {
		if _, err := read(table, stream[:n], nil); err == nil {
			t.Fatalf("%d of %d bytes are read as if they were all", n, len(stream))
		}
	}
}

// ways are those that rows can go, each with its back.
func ways[R, B any, W rt.Builder[R]]() map[string]func(*rt.Table[R, B, W], []R) ([]R, error) {
	type table = *rt.Table[R, B, W]
	return map[string]func(table, []R) ([]R, error){
		"stream": func(t table, rows []R) ([]R, error) {
			stream, err := write(t, rows)
			if err != nil {
				return nil, err
			}
			return read(t, stream, nil)
		},
		"file": func(t table, rows []R) ([]R, error) {
			var file bytes.Buffer
			w := rt.NewFileWriter(t, &file, &rt.WriterOptions{BatchRows: batchRows})
			if err := appendAll(w, rows); err != nil {
				return nil, err
			}
			r, err := rt.NewFileReader(t, bytes.NewReader(file.Bytes()), int64(file.Len()), nil)
			if err != nil {
				return nil, err
			}
			var got []R
			for row, err := range r.Rows(context.Background()) {
				if err != nil {
					return nil, err
				}
				got = append(got, row)
			}
			return got, nil
		},
		"message": func(t table, rows []R) ([]R, error) {
			p, err := t.AppendMessage(nil, filled(t, rows))
			if err != nil {
				return nil, err
			}
			return read(t, p, nil)
		},
		"batch": func(t table, rows []R) ([]R, error) {
			p, err := t.AppendBatch(nil, filled(t, rows))
			if err != nil {
				return nil, err
			}
			b, err := t.DecodeBatch(p)
			if err != nil {
				return nil, err
			}
			return rowsOf[R](b), nil
		},
	}
}

// filled returns a builder with rows.
func filled[R, B any, W rt.Builder[R]](table *rt.Table[R, B, W], rows []R) W {
	b := table.NewBuilder(nil)
	b.AppendRows(rows)
	return b
}

// write returns rows as a stream. Those at odd places are appended one by one.
func write[R, B any, W rt.Builder[R]](table *rt.Table[R, B, W], rows []R) ([]byte, error) {
	var stream bytes.Buffer
	w := rt.NewWriter(table, &stream, &rt.WriterOptions{BatchRows: batchRows})
	if err := appendAll(w, rows); err != nil {
		return nil, err
	}
	return stream.Bytes(), nil
}

func appendAll[R, B any, W rt.Builder[R]](w *rt.Writer[R, B, W], rows []R) error {
	for _, row := range rows {
		if err := w.Append(context.Background(), row); err != nil {
			w.Abort()
			return err
		}
	}
	return w.Close()
}

// read returns the rows of a stream: by batch, row by row and all at once, which have to be the same in number.
func read[R, B any, W rt.Builder[R]](table *rt.Table[R, B, W], stream []byte, opts *rt.ReaderOptions) (rows []R, err error) {
	r := rt.NewReader(table, bytes.NewReader(stream), opts)
	for b, err := range r.Batches(context.Background()) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, rowsOf[R](b)...)
		if b, ok := any(b).(interface{ Release() }); ok {
			b.Release()
		}
	}
	return rows, nil
}

// rowsOf returns the rows of a batch, the first half one by one.
func rowsOf[R any](batch any) (rows []R) {
	b := batch.(interface {
		Len() int
		Row(i int) R
		AppendTo(rows []R) []R
	})
	rows = b.AppendTo(nil)
	for i := range b.Len() / 2 {
		rows[i] = b.Row(i)
	}
	return rows
}

// fuzzLimits keep inputs from taking long rather than from being read.
var fuzzLimits = &ipc.Limits{MaxBody: 1 << 20, MaxRows: 1 << 12}

// Fuzz reads what the fuzzer makes of streams of the table. Whatever comes is an error, or rows that can be written and read
// back, unless a builder refuses one of their values. The other parameters are those of [RoundTrip].
func Fuzz[R, B any, W rt.Builder[R]](f *testing.F, table *rt.Table[R, B, W], fields func(row *R) []any, values ...Values) {
	m := newMaker(table, fields, values)
	for _, n := range []int{0, 1, 9} {
		stream, err := write(table, m.rows(n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stream)
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		rows, err := read(table, stream, &rt.ReaderOptions{Limits: fuzzLimits})
		if err != nil {
			return
		}
		again, err := write(table, rows)
		if err != nil {
			return
		}
		got, err := read(table, again, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.compare(got, rows); err != nil {
			t.Error(err)
		}
	})
}

// Benchmark measures the writing and reading of batches of 1,000 rows. The other parameters are those of [RoundTrip].
func Benchmark[R, B any, W rt.Builder[R]](b *testing.B, table *rt.Table[R, B, W], fields func(row *R) []any, values ...Values) {
	const n = 1000
	rows := newMaker(table, fields, values).rows(n)
	message, err := table.AppendMessage(nil, filled(table, rows))
	if err != nil {
		b.Fatal(err)
	}
	b.Run(fmt.Sprintf("write/rows=%d", n), func(b *testing.B) {
		b.SetBytes(int64(len(message)))
		b.ReportAllocs()
		w := rt.NewWriter(table, discard{}, nil)
		builder := table.NewBuilder(nil)
		for b.Loop() {
			builder.Reset()
			builder.AppendRows(rows)
			if err := w.Write(context.Background(), builder); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(fmt.Sprintf("read/rows=%d", n), func(b *testing.B) {
		b.SetBytes(int64(len(message)))
		b.ReportAllocs()
		dst := make([]R, 0, n)
		for b.Loop() {
			r := rt.NewReader(table, bytes.NewReader(message), nil)
			batch, err := r.Next(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			dst = any(batch).(interface{ AppendTo(rows []R) []R }).AppendTo(dst[:0])
			any(batch).(interface{ Release() }).Release()
		}
	})
}

// discard takes everything.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// maker makes rows of a table up, and compares them.
type maker[R any] struct {
	fields func(*R) []any
	schema *ipc.Schema
	values map[reflect.Type][]reflect.Value
	unions map[reflect.Type][]Member
	random *rand.Rand
}

func newMaker[R, B any, W rt.Builder[R]](table *rt.Table[R, B, W], fields func(*R) []any, values []Values) *maker[R] {
	m := &maker[R]{fields: fields, schema: table.Schema(), values: map[reflect.Type][]reflect.Value{}, unions: map[reflect.Type][]Member{}, random: rand.New(rand.NewPCG(1, 2))}
	for _, v := range values {
		if v.members != nil {
			m.unions[v.typ] = v.members
			continue
		}
		m.values[v.typ] = v.list
	}
	return m
}

// rows returns n rows.
func (m *maker[R]) rows(n int) []R {
	rows := make([]R, n)
	for i := range rows {
		for k, p := range m.fields(&rows[i]) {
			m.fill(reflect.ValueOf(p).Elem(), &m.schema.Fields[k], 0)
		}
	}
	return rows
}

// compare wants rows to be those that were written.
func (m *maker[R]) compare(got, want []R) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d rows came back, want %d", len(got), len(want))
	}
	for i := range want {
		x, y := m.fields(&got[i]), m.fields(&want[i])
		for k := range y {
			if x, y := reflect.ValueOf(x[k]).Elem(), reflect.ValueOf(y[k]).Elem(); !equal(x, y) {
				return fmt.Errorf("row %d, column %q: %+v came back, want %+v", i, m.schema.Fields[k].Name, x, y)
			}
		}
	}
	return nil
}

// Values are those that a type of a row's fields is limited to.
type Values struct {
	typ     reflect.Type
	list    []reflect.Value
	members []Member
}

// Member is a type that the values of a union are of. The zero Member is nil.
type Member struct{ typ, base reflect.Type }

// MemberOf returns the member M of a union, which is declared as T.
func MemberOf[M, T any]() Member { return Member{reflect.TypeFor[M](), reflect.TypeFor[T]()} }

// Union returns the values of the union I: those of its members, in the order of the columns below it.
func Union[I any](members ...Member) Values {
	return Values{typ: reflect.TypeFor[I](), members: members}
}

// nameOf returns the name of a value, and says in a panic of String which value has none.
func nameOf(e fmt.Stringer, i int) string {
	defer func() {
		if cause := recover(); cause != nil {
			panic(fmt.Sprintf("tabletest: String of %T panics for %d: %v; let it return a text such as %q for values without a name", e, i, cause, fmt.Sprintf("Side(%d)", i)))
		}
	}()
	return e.String()
}

// Names returns the values of a type of named numbers: those from -1,000 to 1,000 that have a name which parse knows. String is called
// for all of them, and must not panic where there is no name.
func Names[E interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~int | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uint
	String() string
}](parse func(name string) (E, error)) Values {
	v := Values{typ: reflect.TypeFor[E]()}
	for i := -1000; i <= 1000; i++ {
		e := E(i)
		if int(e) != i {
			continue
		}
		if known, err := parse(nameOf(e, i)); err == nil && known == e {
			v.list = append(v.list, reflect.ValueOf(e))
		}
	}
	if len(v.list) == 0 {
		panic(errors.New("tabletest: " + v.typ.String() + " has no value with a name from -1,000 to 1,000"))
	}
	return v
}
