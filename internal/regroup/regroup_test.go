package regroup

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func kind(k ipc.Kind) ipc.Type { return ipc.Type{Kind: k} }

func field(t ipc.Type, children ...ipc.Field) ipc.Field {
	return ipc.Field{Name: "x", Type: t, Nullable: true, Children: children}
}

// fields are columns of every layout, nested too.
func fields() []ipc.Field {
	text := field(ipc.Utf8)
	number := field(ipc.Int16)
	dictionary := ipc.Field{Name: "d", Type: ipc.Utf8, Nullable: true, Dictionary: &ipc.DictionaryEncoding{ID: 9, Index: ipc.Int16}}
	shared := ipc.Field{Name: "s", Type: ipc.Utf8, Nullable: true, Dictionary: &ipc.DictionaryEncoding{ID: 9, Index: ipc.Uint8}}
	pair := ipc.Field{Name: "entries", Type: kind(ipc.KindStruct), Children: []ipc.Field{{Name: "key", Type: ipc.Utf8}, number}}
	union := func(variant int) ipc.Type {
		return ipc.Type{Kind: ipc.KindUnion, Variant: variant, TypeIDs: []int32{5, 2}}
	}
	runs := ipc.Field{Name: "x", Type: kind(ipc.KindRunEndEncoded), Nullable: true, Children: []ipc.Field{{Name: "run_ends", Type: ipc.Int16}, text}}
	bools := ipc.Field{Name: "b", Type: ipc.Bool, Nullable: true, Dictionary: &ipc.DictionaryEncoding{ID: 20, Index: ipc.Int8}}
	structs := ipc.Field{
		Name: "o", Type: kind(ipc.KindStruct), Nullable: true, Dictionary: &ipc.DictionaryEncoding{ID: 21, Index: ipc.Int16},
		Children: []ipc.Field{text, field(ipc.Int8), dictionary, field(kind(ipc.KindList), field(ipc.Bool))},
	}
	return []ipc.Field{
		bools, structs, field(kind(ipc.KindList), structs), field(ipc.Null), field(ipc.Bool), number, field(ipc.FixedSizeBinary(3)), field(ipc.Decimal(256, 70, 2)), text,
		field(ipc.LargeBinary), field(ipc.Utf8View), dictionary, shared,
		field(kind(ipc.KindList), text), field(kind(ipc.KindLargeList), dictionary), field(kind(ipc.KindListView), number),
		field(kind(ipc.KindLargeListView), text), field(ipc.Type{Kind: ipc.KindFixedSizeList, Width: 2}, text),
		field(kind(ipc.KindStruct), text, number), field(kind(ipc.KindMap), pair),
		{Name: "x", Type: union(0), Children: []ipc.Field{text, number}},
		{Name: "x", Type: union(1), Children: []ipc.Field{text, number}},
		runs, field(kind(ipc.KindList), field(kind(ipc.KindStruct), runs, field(union(1), text, dictionary))),
	}
}

// maker makes columns of random values.
type maker struct {
	*rand.Rand
	dictionary *column.Dictionary
	columns    map[int64]*column.Dictionary // whose values are columns
}

func (m *maker) text() string {
	return strings.Repeat(string(rune('a'+m.IntN(26))), m.IntN(3)*m.IntN(12))
}

func offsets(width int, values []int) (b []byte) {
	for _, v := range values {
		b = append(b, binary.LittleEndian.AppendUint64(nil, uint64(v))[:width]...)
	}
	return b
}

// column returns a column of rows.
func (m *maker) column(f *ipc.Field, rows int) (d column.Data) {
	d.Len = rows
	if f.Nullable && f.Type.Kind != ipc.KindUnion && f.Type.Kind != ipc.KindRunEndEncoded && m.IntN(3) > 0 {
		d.Buffers[0] = make([]byte, (rows+7)/8)
		for i := range rows {
			if m.IntN(4) > 0 {
				d.Buffers[0][i>>3] |= 1 << (i & 7)
			} else {
				d.Nulls++
			}
		}
	}
	ends := make([]int, 1, rows+1)
	for range rows {
		ends = append(ends, ends[len(ends)-1]+m.IntN(4))
	}
	width := 4
	switch f.Type.Kind {
	case ipc.KindLargeBinary, ipc.KindLargeList, ipc.KindLargeListView:
		width = 8
	}
	if f.Dictionary != nil {
		d.Dictionary = m.dictionary
		if f.Type.Kind != ipc.KindUtf8 {
			d.Dictionary = m.columnDictionary(f)
		}
		d.Values = d.Dictionary.Values()
		for range rows {
			d.Buffers[1] = append(d.Buffers[1], offsets(f.Dictionary.Index.Bits/8, []int{m.IntN(d.Values.Len())})...)
		}
		return d
	}
	switch f.Type.Kind {
	case ipc.KindNull:
		d.Buffers[0], d.Nulls = nil, rows
	case ipc.KindBool:
		d.Buffers[1] = make([]byte, (rows+7)/8)
		for i := range rows {
			d.Buffers[1][i>>3] |= byte(m.IntN(2)) << (i & 7)
		}
	case ipc.KindUtf8, ipc.KindLargeBinary:
		var text []byte
		ends = ends[:1]
		for range rows {
			text = append(text, m.text()...)
			ends = append(ends, len(text))
		}
		d.Buffers[1], d.Buffers[2] = offsets(width, ends), text
	case ipc.KindUtf8View:
		d.Buffers[1] = make([]byte, 16*rows)
		var text []byte
		for i := range rows {
			text = column.PutView(d.Buffers[1][16*i:], text, m.text())
		}
		d.Variadic = [][]byte{text}
	case ipc.KindList, ipc.KindLargeList, ipc.KindMap:
		d.Buffers[1] = offsets(width, ends)
		d.Children = []column.Data{m.column(&f.Children[0], ends[rows]+2)}
	case ipc.KindListView, ipc.KindLargeListView:
		d.Children = []column.Data{m.column(&f.Children[0], 9)}
		for range rows {
			from := m.IntN(9)
			d.Buffers[1] = append(d.Buffers[1], offsets(width, []int{from})...)
			d.Buffers[2] = append(d.Buffers[2], offsets(width, []int{m.IntN(10 - from)})...)
		}
	case ipc.KindFixedSizeList:
		d.Children = []column.Data{m.column(&f.Children[0], rows*f.Type.Width)}
	case ipc.KindStruct:
		for i := range f.Children {
			d.Children = append(d.Children, m.column(&f.Children[i], rows))
		}
	case ipc.KindUnion:
		var at [2]int // of each child, which the rows go through in order
		for i := range rows {
			k := m.IntN(2)
			d.Buffers[1] = append(d.Buffers[1], byte(f.Type.TypeIDs[k]))
			if f.Type.Variant == 1 {
				at[k] += m.IntN(i + 1 - at[k])
				d.Buffers[2] = append(d.Buffers[2], offsets(4, at[k:k+1])...)
			}
		}
		d.Children = []column.Data{m.column(&f.Children[0], rows), m.column(&f.Children[1], rows)}
	case ipc.KindRunEndEncoded:
		var runs []int
		for at := 0; at < rows; {
			at = min(rows, at+1+m.IntN(5))
			runs = append(runs, at)
		}
		d.Children = []column.Data{{Len: len(runs), Buffers: [3][]byte{nil, offsets(2, runs)}}, m.column(&f.Children[1], len(runs))}
	default:
		d.Buffers[1] = make([]byte, rows*ipc.ValueWidth(f.Type))
		for i := range d.Buffers[1] {
			d.Buffers[1][i] = byte(m.Uint32())
		}
	}
	return d
}

func print(s *ipc.Schema, columns []column.Data, from, to int) (rows []string) {
	for i := from; i < to; i++ {
		row := ""
		for k := range columns {
			row += string(value.PrinterOf(&s.Fields[k]).AppendJSON(nil, &columns[k], i)) + " "
		}
		rows = append(rows, row)
	}
	return rows
}

// TestRegroup puts random rows of random batches into other batches, which must have the same values and pass all checks.
func TestRegroup(t *testing.T) {
	s := &ipc.Schema{Fields: fields()}
	checker := ipc.NewChecker(s)
	for seed := range uint64(60) {
		m := &maker{Rand: rand.New(rand.NewPCG(seed, 1))}
		group := NewBatch(s, 0)
		var want, have []string
		for range 12 {
			m.newDictionary()
			rows := m.IntN(40)
			var columns []column.Data
			for i := range s.Fields {
				columns = append(columns, m.column(&s.Fields[i], rows))
				if err := checker.Column(i, &columns[i], ipc.Contents); err != nil {
					t.Fatalf("the test makes wrong columns: %v", err)
				}
			}
			unified, err := group.Columns(columns)
			if err != nil {
				t.Fatal(err)
			}
			for from := 0; from < rows; {
				to := min(rows, from+1+m.IntN(20))
				if m.IntN(5) > 0 {
					if err := group.Append(unified, from, to); err != nil {
						t.Fatal(err)
					}
					want = append(want, print(s, columns, from, to)...)
				}
				from = to
			}
			if n := group.Len(); n > 0 && m.IntN(2) > 0 {
				taken := group.Take()
				for i := range taken {
					if err := checker.Column(i, &taken[i], ipc.UTF8); err != nil {
						t.Fatalf("seed %d, %s: %v", seed, s.Fields[i].TypeString(), err)
					}
				}
				have = append(have, print(s, taken, 0, n)...)
			}
		}
		have = append(have, print(s, group.Take(), 0, len(want)-len(have))...)
		compare(t, have, want)
	}
}

// columnDictionary returns the dictionary of a field whose values are a column.
func (m *maker) columnDictionary(f *ipc.Field) *column.Dictionary {
	d := m.columns[f.Dictionary.ID]
	if d == nil {
		values := *f
		values.Dictionary = nil
		v := m.column(&values, 1+m.IntN(6))
		d = column.ColumnDictionary(&v)
		m.columns[f.Dictionary.ID] = d
	}
	return d
}

// newDictionary begins a dictionary of values that earlier ones have too, with a null among them.
func (m *maker) newDictionary() {
	if m.dictionary == nil || m.IntN(3) == 0 {
		m.dictionary, m.columns = column.NewDictionary(0), map[int64]*column.Dictionary{}
	}
	for range 1 + m.IntN(3) {
		null := m.IntN(6) == 0
		text := m.text()
		if null {
			text = ""
		}
		m.dictionary.Append(text, null)
	}
}

func compare(t *testing.T, have, want []string) {
	t.Helper()
	if len(have) != len(want) {
		t.Fatalf("%d rows, want %d", len(have), len(want))
	}
	for i := range want {
		if have[i] != want[i] {
			t.Fatalf("row %d:\n%s, want\n%s", i, have[i], want[i])
		}
	}
}

// TestUnify writes batches with other dictionaries each into a file, which takes one for each column.
func TestUnify(t *testing.T) {
	s := &ipc.Schema{Fields: fields()}
	m := &maker{Rand: rand.New(rand.NewPCG(3, 1))}
	u := NewUnifier(s, 0)
	var file bytes.Buffer
	w := ipc.NewFileWriter(&file, s, nil)
	var want, have []string
	for range 20 {
		m.newDictionary()
		var columns []column.Data
		for i := range s.Fields {
			columns = append(columns, m.column(&s.Fields[i], 5))
		}
		want = append(want, print(s, columns, 0, 5)...)
		unified, err := u.Columns(columns)
		if err == nil {
			err = w.Write(context.Background(), 5, unified)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewFileReader(bytes.NewReader(file.Bytes()), int64(file.Len()), &ipc.ReaderOptions{Validate: ipc.UTF8})
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.NumBatches() {
		b, err := r.Batch(i)
		if err != nil {
			t.Fatal(err)
		}
		have = append(have, print(r.Schema(), ipc.Columns(b), 0, b.Len())...)
	}
	compare(t, have, want)
}

// TestUnifyPlain takes the first dictionary of a column as it is, values that come twice too, and unites it with others where there are.
func TestUnifyPlain(t *testing.T) {
	u := NewUnifier(&ipc.Schema{Fields: []ipc.Field{{Name: "d", Type: ipc.Utf8, Nullable: true, Dictionary: ipc.DictionaryOf(ipc.Int8)}}}, 0)
	first, other := column.NewDictionary(0), column.NewDictionary(0)
	for _, s := range []string{"a", "b", "a"} {
		first.Append(s, false)
	}
	first.Append("", true)
	other.Append("new", false)
	other.Append("", true)
	other.Append("a", false)
	unified := func(d *column.Dictionary, indices ...byte) (texts []string) {
		t.Helper()
		columns, err := u.Columns([]column.Data{{Len: len(indices), Buffers: [3][]byte{nil, indices}, Dictionary: d, Values: d.Values()}})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range columns[0].Buffers[1] {
			if v := columns[0].Values; v.IsNull(int(i)) {
				texts = append(texts, "null")
			} else {
				texts = append(texts, v.At(int(i)))
			}
		}
		return texts
	}
	if have := unified(first, 2, 3, 1); !slices.Equal(have, []string{"a", "null", "b"}) || unsafe.StringData(u.unify[0].all.Values().At(0)) != unsafe.StringData(first.Values().At(0)) {
		t.Errorf("%q, or its dictionary is copied", have)
	}
	first.Append("c", false)
	if have := unified(first, 4, 0); !slices.Equal(have, []string{"c", "a"}) {
		t.Errorf("%q where it has grown", have)
	}
	if have := unified(other, 0, 1, 2); !slices.Equal(have, []string{"new", "null", "a"}) {
		t.Errorf("%q of another", have)
	}
	first.Append("new", false)
	if have := unified(first, 0, 1, 2, 3, 4, 5); !slices.Equal(have, []string{"a", "b", "a", "null", "c", "new"}) || u.unify[0].all.Len() != 6 {
		t.Errorf("%q of the first again, %d values", have, u.unify[0].all.Len())
	}
	if first.Len() != 6 {
		t.Errorf("%d values in the first, which is the reader's", first.Len())
	}
}

// TestFull wants an error where the values of several dictionaries do not fit the indices any more.
func TestFull(t *testing.T) {
	s := &ipc.Schema{Fields: []ipc.Field{{Name: "d", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int8)}}}
	u := NewUnifier(s, 0)
	var err error
	for i := 0; i < 200 && err == nil; i++ {
		d := column.NewDictionary(0)
		d.Append(fmt.Sprint(i), false)
		_, err = u.Columns([]column.Data{{Len: 1, Buffers: [3][]byte{nil, {0}}, Dictionary: d, Values: d.Values()}})
		if i < 128 && err != nil {
			t.Fatalf("after %d values: %v", i, err)
		}
	}
	if err == nil || !strings.Contains(err.Error(), "write a stream, which may replace dictionaries") {
		t.Errorf("%v", err)
	}
}

// TestBatchLimit wants rows that share what they lead to refused by what all columns take together, and as many rows as one likes that
// have their bytes themselves.
func TestBatchLimit(t *testing.T) {
	views := field(kind(ipc.KindListView), field(ipc.Int16))
	s := &ipc.Schema{Fields: []ipc.Field{views, views}}
	d := column.Data{
		Len: 100, Buffers: [3][]byte{nil, make([]byte, 400), offsets(4, slices.Repeat([]int{1000}, 100))},
		Children: []column.Data{{Len: 1000, Buffers: [3][]byte{nil, make([]byte, 2000)}}},
	}
	columns := []column.Data{d, d} // 200,000 bytes each where nothing is shared
	for most, refused := range map[int64]bool{300_000: true, 500_000: false} {
		if err := NewBatch(s, most).Append(columns, 0, 100); refused != errors.Is(err, ipc.ErrLimit) || !refused && err != nil || refused && !strings.Contains(err.Error(), "Limits.MaxExpanded") {
			t.Errorf("%d bytes: %v", most, err)
		}
	}
	b := NewBatch(s, 300_000)
	for range 10 { // what was taken does not count
		if err := b.Append(columns, 20, 70); err != nil {
			t.Fatal(err)
		}
		b.Take()
	}
	b = NewBatch(&ipc.Schema{Fields: []ipc.Field{field(ipc.Int16)}}, 1)
	for range 10 {
		if err := b.Append([]column.Data{d.Children[0]}, 0, 400); err != nil {
			t.Fatal(err)
		}
		if err := b.Append([]column.Data{d.Children[0]}, 400, 1000); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUnifyBelow wants a dictionary with dictionaries below it refused for a file where it gets other values, and not before.
func TestUnifyBelow(t *testing.T) {
	in := ipc.Field{Name: "in", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int8)}
	s := (&ipc.Schema{Fields: []ipc.Field{
		{Name: "o", Type: ipc.Struct, Dictionary: ipc.DictionaryOf(ipc.Int8), Children: []ipc.Field{in}},
	}}).WithIDs()
	batch := func(text string) []column.Data {
		below := column.NewDictionary(0)
		below.Append(text, false)
		values := column.Data{Len: 1, Children: []column.Data{{Len: 1, Buffers: [3][]byte{1: {0}}, Dictionary: below, Values: below.Values()}}}
		d := column.Data{Len: 1, Buffers: [3][]byte{1: {0}}, Dictionary: ipc.NewDictionary(&s.Fields[0], &values)}
		d.Values = d.Dictionary.Values()
		return []column.Data{d}
	}
	file, stream := NewFileUnifier(s, 0), NewUnifier(s, 0)
	for _, text := range []string{"a", "a", "b"} {
		if _, err := stream.Columns(batch(text)); err != nil {
			t.Fatal(err)
		}
		_, err := file.Columns(batch(text))
		if text == "a" && err != nil {
			t.Fatal(err)
		}
		if text == "b" && (!errors.Is(err, ipc.ErrUnsupported) || !strings.Contains(err.Error(), `column "o": `) || !strings.Contains(err.Error(), "write a stream (.arrows)")) {
			t.Fatalf("%v", err)
		}
	}
}

// TestUnifyShared unifies dictionaries whose values share others so often that none could be written out: values of dictionaries of
// values, which are known by their indices, and list views within list views, which are refused.
func TestUnifyShared(t *testing.T) {
	two := func(v byte) []byte { return []byte{v, 0, 0, 0, v, 0, 0, 0} }
	f, d := ipc.Field{Name: "item", Type: ipc.Int8, Nullable: true}, column.Data{Len: 2, Buffers: [3][]byte{nil, {7, 8}}}
	g, e := f, d
	for level := range 40 {
		list := ipc.Field{Name: "item", Type: ipc.List, Nullable: true, Children: []ipc.Field{f}, Dictionary: ipc.DictionaryOf(ipc.Int8)}
		list.Dictionary.ID = int64(level)
		values := column.ColumnDictionary(&column.Data{Len: 1, Buffers: [3][]byte{nil, {0, 0, 0, 0, 2, 0, 0, 0}}, Children: []column.Data{d}})
		f, d = list, column.Data{Len: 2, Buffers: [3][]byte{nil, {0, 0}}, Dictionary: values, Values: values.Values()}
		g = ipc.Field{Name: "item", Type: ipc.Type{Kind: ipc.KindListView}, Nullable: true, Children: []ipc.Field{g}}
		e = column.Data{Len: 2, Buffers: [3][]byte{nil, two(0), two(2)}, Children: []column.Data{e}}
	}
	columns, err := NewUnifier(&ipc.Schema{Fields: []ipc.Field{f}}, 0).Columns([]column.Data{d})
	if err != nil || columns[0].Values.Len() != 1 {
		t.Fatalf("%v", err)
	}
	g.Dictionary = ipc.DictionaryOf(ipc.Int8)
	values := column.ColumnDictionary(&e)
	_, err = NewUnifier(&ipc.Schema{Fields: []ipc.Field{g}}, 0).Columns([]column.Data{{Len: 1, Buffers: [3][]byte{nil, {0}}, Dictionary: values, Values: values.Values()}})
	if !errors.Is(err, ipc.ErrLimit) || !strings.Contains(err.Error(), "raise it") {
		t.Errorf("%v, want a limit", err)
	}
}
