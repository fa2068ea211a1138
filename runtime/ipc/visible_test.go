package ipc_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// nestedNulls makes columns of random nested types, in which nulls are also where none may be.
type nestedNulls struct{ r *rand.Rand }

// field returns a field with columns below it down to the given depth.
func (n *nestedNulls) field(name string, depth int) ipc.Field {
	f := ipc.Field{Name: name, Type: ipc.Int8, Nullable: n.r.IntN(2) == 0}
	if depth == 0 {
		return f
	}
	kinds := []ipc.Kind{ipc.KindStruct, ipc.KindList, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView, ipc.KindFixedSizeList, ipc.KindUnion, ipc.KindRunEndEncoded}
	f.Type = ipc.Type{Kind: kinds[n.r.IntN(len(kinds))]}
	switch f.Type.Kind {
	case ipc.KindStruct:
		f.Children = []ipc.Field{n.field("a", depth-1), n.field("b", depth-1)}
	case ipc.KindUnion:
		f.Type.Variant, f.Type.TypeIDs = n.r.IntN(2), []int32{7, 5}
		f.Children, f.Nullable = []ipc.Field{n.field("a", depth-1), n.field("b", depth-1)}, true
	case ipc.KindRunEndEncoded:
		f.Children, f.Nullable = []ipc.Field{{Name: "run_ends", Type: ipc.Int16}, n.field("values", depth-1)}, true
	case ipc.KindFixedSizeList:
		f.Type.Width = n.r.IntN(3)
		fallthrough
	default:
		f.Children = []ipc.Field{n.field("item", depth-1)}
	}
	return f
}

// data makes a column of the field's type.
func (n *nestedNulls) data(f *ipc.Field, rows int) column.Data {
	d := column.Data{Len: rows}
	if k := f.Type.Kind; k != ipc.KindUnion && k != ipc.KindRunEndEncoded && n.r.IntN(3) != 0 {
		d.Buffers[0] = bytes.Repeat([]byte{0xff}, (rows+7)/8)
		for i := range rows {
			if n.r.IntN(12) == 0 {
				d.Buffers[0][i>>3] &^= 1 << (i & 7)
				d.Nulls++
			}
		}
	}
	put := func(k int, wide bool, v int) {
		if wide {
			d.Buffers[k] = binary.LittleEndian.AppendUint64(d.Buffers[k], uint64(v))
		} else {
			d.Buffers[k] = binary.LittleEndian.AppendUint32(d.Buffers[k], uint32(v))
		}
	}
	item := func(k, rows int) { d.Children = append(d.Children, n.data(&f.Children[k], rows)) }
	switch k := f.Type.Kind; k {
	case ipc.KindStruct:
		item(0, rows)
		item(1, rows)
	case ipc.KindList, ipc.KindLargeList:
		at := n.r.IntN(3)
		put(1, k == ipc.KindLargeList, at)
		for range rows {
			at += n.r.IntN(3)
			put(1, k == ipc.KindLargeList, at)
		}
		item(0, at+n.r.IntN(3))
	case ipc.KindListView, ipc.KindLargeListView:
		items := 1 + n.r.IntN(2*rows+20)
		for range rows {
			from := n.r.IntN(items)
			put(1, k == ipc.KindLargeListView, from)
			put(2, k == ipc.KindLargeListView, n.r.IntN(1+min(30, items-from)))
		}
		item(0, items)
	case ipc.KindFixedSizeList:
		item(0, rows*f.Type.Width)
	case ipc.KindUnion:
		d.Buffers[1] = []byte{}
		var used [2]int
		for range rows {
			k := n.r.IntN(2)
			d.Buffers[1] = append(d.Buffers[1], byte(f.Type.TypeIDs[k]))
			if f.Type.Variant == 1 {
				put(2, false, used[k]) // some rows share an item
				used[k] += n.r.IntN(2)
			}
		}
		for k := range used {
			if f.Type.Variant == 0 {
				used[k] = rows
			}
			item(k, used[k]+1)
		}
		if f.Type.Variant == 0 {
			d.Children[0], d.Children[1] = n.data(&f.Children[0], rows), n.data(&f.Children[1], rows)
		}
	case ipc.KindRunEndEncoded:
		var ends column.Data
		for at := 0; at < rows; ends.Len++ {
			at += 1 + n.r.IntN(5)
			ends.Buffers[1] = binary.LittleEndian.AppendUint16(ends.Buffers[1], uint16(at))
		}
		d.Children = append(d.Children, ends)
		item(1, ends.Len+n.r.IntN(2))
	default:
		d.Buffers[1] = make([]byte, rows)
	}
	return d
}

// leads tells whether a row leads to a null that may not be, one row and one item after the other.
func leads(f *ipc.Field, d *column.Data, row int) bool {
	if d.IsNull(row) {
		return !f.Nullable
	}
	at := func(k int, wide bool, i int) int {
		if wide {
			return int(binary.LittleEndian.Uint64(d.Buffers[k][8*i:]))
		}
		return int(binary.LittleEndian.Uint32(d.Buffers[k][4*i:]))
	}
	child, from, to := 0, row, row+1
	switch k := f.Type.Kind; k {
	case ipc.KindStruct:
		return leads(&f.Children[0], &d.Children[0], row) || leads(&f.Children[1], &d.Children[1], row)
	case ipc.KindList, ipc.KindLargeList:
		from, to = at(1, k == ipc.KindLargeList, row), at(1, k == ipc.KindLargeList, row+1)
	case ipc.KindListView, ipc.KindLargeListView:
		from = at(1, k == ipc.KindLargeListView, row)
		to = from + at(2, k == ipc.KindLargeListView, row)
	case ipc.KindFixedSizeList:
		from, to = row*f.Type.Width, (row+1)*f.Type.Width
	case ipc.KindUnion:
		if d.Buffers[1][row] == byte(f.Type.TypeIDs[1]) {
			child = 1
		}
		if f.Type.Variant == 1 {
			from = at(2, false, row)
			to = from + 1
		}
	case ipc.KindRunEndEncoded:
		for child, from = 1, 0; column.SignedAt(&d.Children[0], 2, from) <= int64(row); from++ {
		}
		to = from + 1
	default:
		return false
	}
	for i := from; i < to; i++ {
		if leads(&f.Children[child], &d.Children[child], i) {
			return true
		}
	}
	return false
}

// unhidden tells whether a column below d has nulls that may not be and there is nothing that could hide them: no column above has nulls, and it is
// no member of a union.
func unhidden(f *ipc.Field, d *column.Data, hidden, member bool) bool {
	if d.Nulls != 0 && !f.Nullable && !hidden && !member {
		return true
	}
	for i := range d.Children {
		if unhidden(&f.Children[i], &d.Children[i], hidden || d.Nulls != 0, f.Type.Kind == ipc.KindUnion) {
			return true
		}
	}
	return false
}

// loosened returns the field and those below it, all nullable.
func loosened(f ipc.Field) ipc.Field {
	f.Nullable = true
	f.Children = append([]ipc.Field(nil), f.Children...)
	for i := range f.Children {
		if f.Type.Kind == ipc.KindRunEndEncoded && i == 0 {
			continue
		}
		f.Children[i] = loosened(f.Children[i])
	}
	return f
}

// TestVisibleNulls wants nulls of columns that are not nullable to be refused where a row leads to them and to pass elsewhere, in nested columns of
// every kind, by readers of streams and files, by a checker and by writers.
func TestVisibleNulls(t *testing.T) {
	seen, shownBelow, hidden := map[ipc.Kind]int{}, 0, 0
	for i := range 10_000 {
		n := &nestedNulls{rand.New(rand.NewPCG(5, uint64(i)))}
		f := n.field("c", 1+n.r.IntN(3))
		f.Nullable = true
		rows := 1 + n.r.IntN(40)
		d := n.data(&f, rows)
		want := unhidden(&f, &d, false, false)
		for row := range rows {
			want = want || leads(&f, &d, row)
		}
		strict, loose := &ipc.Schema{Fields: []ipc.Field{f}}, &ipc.Schema{Fields: []ipc.Field{loosened(f)}}
		if err := ipc.NewChecker(strict).Column(0, &d, ipc.Contents); errors.Is(err, column.ErrNotNullable) != want || !want && err != nil {
			t.Fatalf("%d: %v: checking: %v, want an error: %v", i, strict, err, want)
		}
		if err := ipc.NewWriter(io.Discard, strict, nil).Write(t.Context(), rows, []column.Data{d}); errors.Is(err, column.ErrNotNullable) != want || !want && err != nil {
			t.Fatalf("%d: %v: writing: %v, want an error: %v", i, strict, err, want)
		}
		in := spliced(t, strict, loose, rows, []column.Data{d})
		if _, err := readAll(bytes.NewReader(in), nil); errors.Is(err, ipc.ErrMalformed) != want || !want && err != nil {
			t.Fatalf("%d: %v: reading: %v, want an error: %v", i, strict, err, want)
		} else if err != nil && strings.Contains(err.Error(), "no column above hides it") {
			shownBelow++
			if !strings.Contains(err.Error(), "(c.") || !strings.Contains(err.Error(), ".validity)") {
				t.Fatalf("%v does not say where", err)
			}
		}
		if !want {
			if err := ipc.NewWriter(io.Discard, strict, nil).Write(t.Context(), rows, []column.Data{d}); err != nil {
				t.Fatal(err)
			}
			if hasNullsWhereNoneMayBe(&f, &d) {
				hidden++
				seen[f.Type.Kind]++
			}
		}
	}
	t.Logf("%d found below, %d hidden, by kind %v", shownBelow, hidden, seen)
	if shownBelow < 200 || hidden < 150 || len(seen) != 8 {
		t.Error("too few of them")
	}
}

func hasNullsWhereNoneMayBe(f *ipc.Field, d *column.Data) bool {
	if !f.Nullable && d.Nulls != 0 {
		return true
	}
	for i := range d.Children {
		if hasNullsWhereNoneMayBe(&f.Children[i], &d.Children[i]) {
			return true
		}
	}
	return false
}

// spliced returns a stream whose schema is strict and whose one batch was written by the other.
func spliced(t *testing.T, strict, loose *ipc.Schema, rows int, columns []column.Data) []byte {
	t.Helper()
	var head, all bytes.Buffer
	if err := ipc.NewWriter(&head, strict, nil).Close(); err != nil {
		t.Fatal(err)
	}
	w := ipc.NewWriter(&all, loose, nil)
	if err := w.Write(t.Context(), rows, columns); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	schema := func(b []byte) int { return 8 + int(binary.LittleEndian.Uint32(b[4:])) }
	return append(head.Bytes()[:schema(head.Bytes()):schema(head.Bytes())], all.Bytes()[schema(all.Bytes()):]...)
}
