package arrowjson

import (
	"bytes"
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Diff returns the first difference of two contents, "" where there is none: schemas with their metadata, numbers of batches and
// rows, and values. What stands below a null is nothing; floats may differ by what rounding to three digits changes; dictionaries
// are compared by the values that rows stand for. Ids of dictionaries do not count.
func Diff(a, b *Content) string {
	if d := diffSchemas(a.Schema, b.Schema); d != "" {
		return d
	}
	if len(a.Batches) != len(b.Batches) {
		return fmt.Sprintf("%d and %d batches", len(a.Batches), len(b.Batches))
	}
	for n := range a.Batches {
		x, y := &a.Batches[n], &b.Batches[n]
		if x.Rows != y.Rows {
			return fmt.Sprintf("batch %d: %d and %d rows", n, x.Rows, y.Rows)
		}
		for i := range a.Schema.Fields {
			f := &a.Schema.Fields[i]
			if d := diffColumns(f, &x.Columns[i], &y.Columns[i]); d != "" {
				return fmt.Sprintf("batch %d, column %d %q (%s), %s", n, i, f.Name, f.TypeString(), d)
			}
		}
	}
	return ""
}

func diffSchemas(a, b *ipc.Schema) string {
	if d := diffMetadata("schema", a.Metadata, b.Metadata); d != "" {
		return d
	}
	return diffFields("schema", a.Fields, b.Fields, true)
}

// diffFields compares fields. What the parts of a map are called means nothing.
func diffFields(path string, a, b []ipc.Field, named bool) string {
	if len(a) != len(b) {
		return fmt.Sprintf("%s: %d and %d fields", path, len(a), len(b))
	}
	for i := range a {
		f, g := &a[i], &b[i]
		path := fmt.Sprintf("%s.%s", path, f.Name)
		if named && f.Name != g.Name || f.Nullable != g.Nullable || !typeOfField(f).Equal(typeOfField(g)) {
			return fmt.Sprintf("%s: %q %v and %q %v", path, f.Name, f, g.Name, g)
		}
		if (f.Dictionary == nil) != (g.Dictionary == nil) {
			return fmt.Sprintf("%s: %v and %v", path, f, g)
		}
		if x, y := f.Dictionary, g.Dictionary; x != nil && (!x.Index.Equal(y.Index) || x.Ordered != y.Ordered) {
			return fmt.Sprintf("%s: dictionary %+v and %+v", path, *x, *y)
		}
		if d := diffMetadata(path, f.Metadata, g.Metadata); d != "" {
			return d
		}
		named := f.Type.Kind != ipc.KindMap && (named || f.Type.Kind != ipc.KindStruct)
		if d := diffFields(path, f.Children, g.Children, named); d != "" {
			return d
		}
	}
	return ""
}

// typeOfField returns the type of a field; a union without type ids has those that this means.
func typeOfField(f *ipc.Field) ipc.Type {
	t := f.Type
	if t.Kind == ipc.KindUnion && t.TypeIDs == nil {
		for i := range f.Children {
			t.TypeIDs = append(t.TypeIDs, int32(i))
		}
	}
	return t
}

func diffMetadata(path string, a, b []ipc.KeyValue) string {
	if len(a) != len(b) {
		return fmt.Sprintf("%s: metadata %q and %q", path, a, b)
	}
	for _, kv := range a { // the order of keys means nothing
		found := false
		for _, other := range b {
			found = found || kv == other
		}
		if !found {
			return fmt.Sprintf("%s: metadata %q and %q", path, a, b)
		}
	}
	return ""
}

func diffColumns(f *ipc.Field, a, b *column.Data) string {
	if a.Len != b.Len {
		return fmt.Sprintf("%d and %d rows", a.Len, b.Len)
	}
	if f.Nullable && a.Nulls != b.Nulls && f.Type.Kind != ipc.KindNull {
		return fmt.Sprintf("%d and %d nulls", a.Nulls, b.Nulls)
	}
	for i := range a.Len {
		if d := diffValues(f, a, i, b, i); d != "" {
			return fmt.Sprintf("row %d: %s", i, d)
		}
	}
	return ""
}

// diffValues compares a row of one column with a row of another.
func diffValues(f *ipc.Field, a *column.Data, i int, b *column.Data, k int) string {
	if e := f.Dictionary; e != nil {
		return diffDictionary(f, a, i, b, k)
	}
	t := f.Type
	if t.Kind == ipc.KindNull {
		return ""
	}
	if x, y := a.IsNull(i), b.IsNull(k); x || y {
		if x != y {
			return fmt.Sprintf("null %v and %v", x, y)
		}
		return ""
	}
	switch t.Kind {
	case ipc.KindBool:
		if x, y := a.Buffers[1][i/8]>>(i%8)&1, b.Buffers[1][k/8]>>(k%8)&1; x != y {
			return fmt.Sprintf("%d and %d", x, y)
		}
	case ipc.KindUtf8, ipc.KindBinary, ipc.KindLargeUtf8, ipc.KindLargeBinary, ipc.KindUtf8View, ipc.KindBinaryView:
		if x, y := column.TextAt(a, t.TextForm(), i), column.TextAt(b, t.TextForm(), k); !bytes.Equal(x, y) {
			return fmt.Sprintf("%q and %q", x, y)
		}
	case ipc.KindStruct:
		return diffItems(f, a, []int{i, i + 1}, b, []int{k, k + 1})
	case ipc.KindList, ipc.KindMap, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView, ipc.KindFixedSizeList:
		return diffItems(f, a, itemsOf(t, a, i), b, itemsOf(t, b, k))
	case ipc.KindUnion:
		return diffUnion(f, a, i, b, k)
	case ipc.KindRunEndEncoded:
		return diffValues(&f.Children[1], &a.Children[1], runOf(f, a, i), &b.Children[1], runOf(f, b, k))
	default:
		return diffFixed(t, a.Buffers[1], i, b.Buffers[1], k)
	}
	return ""
}

func diffFixed(t ipc.Type, a []byte, i int, b []byte, k int) string {
	width := ipc.ValueWidth(t)
	x, y := a[i*width:(i+1)*width], b[k*width:(k+1)*width]
	if bytes.Equal(x, y) {
		return ""
	}
	if t.Kind == ipc.KindFloat {
		v, w := floatOf(t, x), floatOf(t, y)
		if v == w || math.IsNaN(v) && math.IsNaN(w) || math.Abs(v-w) <= 0.0011+math.Abs(v)/1024/1024 || t.Bits == 16 && math.Abs(v-w) <= math.Abs(v)/1024 {
			return ""
		}
	}
	return fmt.Sprintf("%s and %s", fixedValue(t, x), fixedValue(t, y))
}

func diffDictionary(f *ipc.Field, a *column.Data, i int, b *column.Data, k int) string {
	values := *f
	values.Dictionary, values.Nullable = nil, true
	index := func(d *column.Data, row int) (int, bool) {
		if d.IsNull(row) {
			return 0, true
		}
		e := f.Dictionary.Index
		x := int(column.IndexAt(d, e.Bits, e.Signed, row))
		return x, d.Values.IsNull(x)
	}
	x, xNull := index(a, i)
	y, yNull := index(b, k)
	if xNull || yNull {
		if xNull != yNull {
			return fmt.Sprintf("null %v and %v", xNull, yNull)
		}
		return ""
	}
	v, w := a.Values.Column(), b.Values.Column()
	if v == nil || w == nil {
		if s, t := a.Values.At(x), b.Values.At(y); s != t {
			return fmt.Sprintf("%q and %q", s, t)
		}
		return ""
	}
	return diffValues(&values, v, x, w, y)
}

// itemsOf returns from where to where in its child the items of a row are.
func itemsOf(t ipc.Type, d *column.Data, i int) []int {
	at := func(buffer, width, i int) int {
		return int(integer(d.Buffers[buffer][i*width:(i+1)*width], true).Int64())
	}
	width := 4
	switch t.Kind {
	case ipc.KindFixedSizeList:
		return []int{i * t.Width, (i + 1) * t.Width}
	case ipc.KindLargeList, ipc.KindLargeListView:
		width = 8
	}
	from := at(1, width, i)
	if t.Kind == ipc.KindListView || t.Kind == ipc.KindLargeListView {
		return []int{from, from + at(2, width, i)}
	}
	return []int{from, at(1, width, i+1)}
}

func diffItems(f *ipc.Field, a *column.Data, x []int, b *column.Data, y []int) string {
	if x[1]-x[0] != y[1]-y[0] {
		return fmt.Sprintf("%d and %d items", x[1]-x[0], y[1]-y[0])
	}
	for c := range f.Children {
		for n := range x[1] - x[0] {
			if d := diffValues(&f.Children[c], &a.Children[c], x[0]+n, &b.Children[c], y[0]+n); d != "" {
				return fmt.Sprintf("%s[%d]: %s", f.Children[c].Name, n, d)
			}
		}
	}
	return ""
}

func diffUnion(f *ipc.Field, a *column.Data, i int, b *column.Data, k int) string {
	if a.Buffers[1][i] != b.Buffers[1][k] {
		return fmt.Sprintf("type ids %d and %d", a.Buffers[1][i], b.Buffers[1][k])
	}
	child := -1
	for c, id := range typeOfField(f).TypeIDs {
		if id == int32(a.Buffers[1][i]) {
			child = c
		}
	}
	x, y := i, k
	if f.Type.Variant == 1 {
		x = int(integer(a.Buffers[2][4*i:4*i+4], true).Int64())
		y = int(integer(b.Buffers[2][4*k:4*k+4], true).Int64())
	}
	return diffValues(&f.Children[child], &a.Children[child], x, &b.Children[child], y)
}

// runOf returns the run that a row is in.
func runOf(f *ipc.Field, d *column.Data, row int) int {
	width := ipc.ValueWidth(f.Children[0].Type)
	run := 0
	for column.SignedAt(&d.Children[0], width, run) <= int64(row) {
		run++
	}
	return run
}
