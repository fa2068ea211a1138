package arrowgo_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"pgregory.net/rapid"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/internal/feed/feedtest"
	"github.com/lightstream-go/lightstream/interop/arrowgo"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// sameNested compares item i of arrow-go's array with what a row holds, down to the last of the columns below it.
func sameNested(path string, a arrow.Array, i int, v reflect.Value) error {
	differ := func(have any) error {
		return fmt.Errorf("%s: arrow-go has %v, the row %+v", path, have, v)
	}
	switch a := a.(type) {
	case *array.RunEndEncoded:
		return sameNested(path, a.Values(), a.GetPhysicalIndex(i), v)
	case array.Union:
		return sameMember(path, a, i, v)
	}
	null := false
	switch {
	case v.Kind() == reflect.Pointer:
		if null = v.IsNil(); !null {
			v = v.Elem()
		}
	case v.Kind() == reflect.Struct && (strings.HasPrefix(v.Type().Name(), "Null[") || v.Type() == reflect.TypeFor[feed.Maybe]()):
		null, v = !v.FieldByName("Valid").Bool(), v.FieldByName("V")
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Map:
		null = v.IsNil() && a.IsNull(i) // a column that may not be null has empty ones
	}
	if null || a.IsNull(i) {
		if null != a.IsNull(i) {
			return differ(a.ValueStr(i))
		}
		return nil
	}
	switch a := a.(type) {
	case *array.Dictionary:
		return sameNested(path, a.Dictionary(), a.GetValueIndex(i), v)
	case *array.Struct:
		for k := range a.NumField() {
			if err := sameNested(path+"."+v.Type().Field(k).Name, a.Field(k), i, v.Field(k)); err != nil {
				return err
			}
		}
		return nil
	case *array.Map:
		from, to := a.ValueOffsets(i)
		if int(to-from) != v.Len() {
			return differ(a.ValueStr(i))
		}
		for k := from; k < to; k++ {
			found := false
			for _, key := range v.MapKeys() {
				if sameNested(path, a.Keys(), int(k), key) == nil {
					found = true
					if err := sameNested(fmt.Sprintf("%s[%v]", path, key), a.Items(), int(k), v.MapIndex(key)); err != nil {
						return err
					}
				}
			}
			if !found {
				return differ(a.ValueStr(i))
			}
		}
		return nil
	case array.ListLike:
		from, to := a.ValueOffsets(i)
		if int(to-from) != v.Len() {
			return differ(a.(arrow.Array).ValueStr(i))
		}
		for k := range v.Len() {
			if err := sameNested(fmt.Sprintf("%s[%d]", path, k), a.ListValues(), int(from)+k, v.Index(k)); err != nil {
				return err
			}
		}
		return nil
	case *array.Null:
		return nil
	case *array.Time64:
		if have := a.Value(i).ToTime(a.DataType().(*arrow.Time64Type).Unit).Sub(time.Unix(0, 0)); have != v.Interface().(time.Duration) {
			return differ(have)
		}
		return nil
	case *array.Duration:
		if have := time.Duration(a.Value(i)) * a.DataType().(*arrow.DurationType).Unit.Multiplier(); have != v.Interface().(time.Duration) {
			return differ(have)
		}
		return nil
	case *array.Float16:
		if have := a.Value(i).Uint16(); uint64(have) != v.Uint() {
			return differ(have)
		}
		return nil
	case *array.Decimal32:
		if have := int32(a.Value(i)); int64(have) != v.Int() {
			return differ(have)
		}
		return nil
	case *array.Decimal64:
		if have := int64(a.Value(i)); have != v.Int() {
			return differ(have)
		}
		return nil
	case *array.Decimal128:
		if have := (rt.Decimal128{Lo: a.Value(i).LowBits(), Hi: a.Value(i).HighBits()}); have != v.Interface() {
			return differ(have)
		}
		return nil
	case *array.Decimal256:
		if have := rt.Decimal256(a.Value(i).Array()); have != v.Interface() {
			return differ(have)
		}
		return nil
	case *array.Date64:
		if have := int64(a.Value(i)); have != v.Int() {
			return differ(have)
		}
		return nil
	case *array.Timestamp:
		if v.Kind() == reflect.Int64 {
			if have := int64(a.Value(i)); have != v.Int() {
				return differ(have)
			}
			return nil
		}
		if have := a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit); !have.Equal(v.Convert(reflect.TypeFor[time.Time]()).Interface().(time.Time)) {
			return differ(have)
		}
		return nil
	case *array.Time32:
		if have := a.Value(i).ToTime(a.DataType().(*arrow.Time32Type).Unit).Sub(time.Unix(0, 0)); have != v.Interface().(time.Duration) {
			return differ(have)
		}
		return nil
	}
	have := reflect.ValueOf(a.GetOneForMarshal(i))
	switch b := a.(type) {
	case array.StringLike:
		have = reflect.ValueOf(b.Value(i))
	case *array.FixedSizeBinary:
		have = reflect.New(v.Type()).Elem()
		reflect.Copy(have, reflect.ValueOf(b.Value(i)))
	case interface{ Value(i int) []byte }:
		have = reflect.ValueOf(b.Value(i))
	case *array.Date32:
		have = reflect.ValueOf(int32(b.Value(i)))
	case interface{ Values() []int8 }:
		have = reflect.ValueOf(b.Values()[i])
	}
	if s, ok := v.Interface().(fmt.Stringer); ok && have.Kind() == reflect.String { // a name of the dictionary
		v = reflect.ValueOf(s.String())
	}
	if v.Kind() == reflect.Slice && bytes.Equal(have.Bytes(), v.Bytes()) {
		return nil
	}
	if !have.CanConvert(v.Type()) {
		return differ(fmt.Sprintf("%T", have.Interface()))
	}
	if d := feedtest.Difference(v.Interface(), have.Convert(v.Type()).Interface()); d != "" {
		return differ(have)
	}
	return nil
}

// sameMember is sameNested of a union: the member is that of the row's type, and has its value.
func sameMember(path string, a array.Union, i int, v reflect.Value) error {
	field := a.UnionType().Fields()[a.ChildID(i)]
	child, at := a.Field(a.ChildID(i)), i
	if dense, ok := a.(*array.DenseUnion); ok {
		at = int(dense.ValueOffset(i))
	}
	name := "null"
	if v = v.Elem(); v.IsValid() {
		if name = strings.ToLower(v.Type().Name()); name == "remark" {
			name = "note" // as the union says
		}
	}
	switch {
	case field.Name != name:
		return fmt.Errorf("%s: arrow-go has member %s, the row %s", path, field.Name, name)
	case child.DataType().ID() == arrow.NULL:
		return nil
	}
	return sameNested(path+"."+name, child, at, v)
}

// roundTripNested sends rows to arrow-go and back, as streams and as records.
func roundTripNested[R any, B interface {
	AppendTo(dst []R) []R
	Handle() rt.Handle
	Release()
}, W rt.Builder[R]](t *rapid.T, table *rt.Table[R, B, W]) {
	all := make([]R, rapid.IntRange(0, 10).Draw(t, "rows"))
	for i := range all {
		all[i] = feedtest.Draw[R](t)
	}
	b := table.NewBuilder(nil)
	b.AppendRows(all)
	stream, err := table.AppendMessage(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := aipc.NewReader(bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	if own, err := arrowgo.Schema(table.Schema()); err != nil || !theirs.Schema().Equal(own) {
		t.Fatalf("schema %v, want %v, %v", theirs.Schema(), own, err)
	}
	if !theirs.Next() {
		t.Fatal("no batch", theirs.Err())
	}
	rec := theirs.RecordBatch()
	sameRows := func(rec arrow.RecordBatch) {
		for i := range all {
			for k, column := range rec.Columns() {
				field := reflect.TypeFor[R]().Field(k)
				if err := sameNested(fmt.Sprintf("row %d, %s", i, field.Name), column, i, reflect.ValueOf(all[i]).Field(k)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	sameRows(rec)
	same := func(how string, have, want []R) {
		if len(have) != len(want) {
			t.Fatalf("%s: %d rows, want %d", how, len(have), len(want))
		}
		for i := range want {
			if d := feedtest.Difference(want[i], have[i]); d != "" {
				t.Fatalf("%s, row %d: %s", how, i, d)
			}
		}
	}

	from := rapid.IntRange(0, len(all)).Draw(t, "from")
	part := rec.NewSlice(int64(from), int64(len(all)))
	var back bytes.Buffer
	w := aipc.NewWriter(&back, aipc.WithSchema(rec.Schema()))
	if err := w.Write(rec); err != nil { // parts of list views are more than arrow-go can write
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var have []R
	for row, err := range rt.NewReader(table, &back, nil).Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		have = append(have, row)
	}
	same("arrow-go's stream", have, all)

	m, err := arrowgo.NewImporter(table, rec.Schema(), nil)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := m.Batch(part)
	if err != nil {
		t.Fatal(err)
	}
	same("arrow-go's record", batch.AppendTo(nil), all[from:])

	e, err := arrowgo.NewExporter(table.Schema())
	if err != nil {
		t.Fatal(err)
	}
	ours, err := rt.NewReader(table, bytes.NewReader(stream), nil).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.RecordBatch(ours.Handle())
	if err != nil {
		t.Fatal(err)
	}
	if !again.Schema().Equal(rec.Schema()) || again.NumRows() != rec.NumRows() {
		t.Fatalf("a record of the batch: %v, want %v", again, rec)
	}
	sameRows(again) // array.RecordEqual looks also at what is below a null, where nothing is promised
	again.Release()
	batch.Release()
}

// Nested columns survive arrow-go, both ways.
func TestNestedTables(t *testing.T) {
	t.Run("nested", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { roundTripNested(t, feed.NestedTable) })
	})
	t.Run("tree", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { roundTripNested(t, feed.TreeTable) })
	})
	t.Run("deep", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { roundTripNested(t, feed.DeepTable) })
	})
	t.Run("mixed", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { roundTripNested(t, feed.MixedTable) })
	})
}
