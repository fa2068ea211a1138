package ipctest

import (
	"fmt"
	"io"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// most is how many rows of a column Touch reads: a batch without buffers may have any number.
const most = 1 << 12

// Touch reads every value of a batch with the views of its columns, and panics where one of them does.
func Touch(h ipc.Batch, s *ipc.Schema) {
	if h.NumColumns() != len(s.Fields) {
		panic(fmt.Sprintf("%d columns, the schema has %d", h.NumColumns(), len(s.Fields)))
	}
	for i := range s.Fields {
		TouchColumn(h.Column(i), &s.Fields[i])
	}
}

// TouchColumn is Touch for a column. One that was not selected is passed over.
func TouchColumn(d *column.Data, f *ipc.Field) {
	if d.Len == 0 {
		return
	}
	if d.Nulls < 0 || d.Nulls > d.Len {
		panic(fmt.Sprintf("%d nulls of %d rows", d.Nulls, d.Len))
	}
	for i := range min(d.Len, most) {
		d.IsNull(i)
	}
	if f.Dictionary != nil && d.Values.Column() != nil {
		touchValues(d, f)
		return
	}
	if f.Dictionary != nil {
		touchIndices(d, f.Dictionary.Index)
		return
	}
	if len(d.Children) != len(f.Children) {
		panic(fmt.Sprintf("%d children, the field has %d", len(d.Children), len(f.Children)))
	}
	for i := range d.Children {
		TouchColumn(&d.Children[i], &f.Children[i])
	}
	switch t := f.Type; t.Kind {
	case ipc.KindNull:
	case ipc.KindBool:
		v := column.BoolsOf(d)
		read(v.Len(), v.Get)
	case ipc.KindInt:
		touchFixed(d, t)
	case ipc.KindFloat:
		switch t.Bits {
		case 16:
			touch[uint16](d)
		case 32:
			touch[float32](d)
		case 64:
			touch[float64](d)
		}
	case ipc.KindTimestamp:
		v := column.TimestampsOf(d, t.Unit)
		read(v.Len(), v.Get)
	case ipc.KindUtf8:
		v := column.TextsOf(d)
		read(v.Len(), v.Get)
	case ipc.KindBinary:
		v := column.BinariesOf(d)
		read(v.Len(), v.Get)
	case ipc.KindLargeUtf8, ipc.KindLargeBinary:
		touchText(d, column.LargeText)
	case ipc.KindUtf8View, ipc.KindBinaryView:
		touchText(d, column.ViewText)
	case ipc.KindList, ipc.KindMap:
		touchItems(d, func(i int) (int64, int64) { return at32(d.Buffers[1], i), at32(d.Buffers[1], i+1) })
	case ipc.KindLargeList:
		touchItems(d, func(i int) (int64, int64) { return at64(d.Buffers[1], i), at64(d.Buffers[1], i+1) })
	case ipc.KindListView:
		touchItems(d, func(i int) (int64, int64) {
			return at32(d.Buffers[1], i), at32(d.Buffers[1], i) + at32(d.Buffers[2], i)
		})
	case ipc.KindLargeListView:
		touchItems(d, func(i int) (int64, int64) {
			return at64(d.Buffers[1], i), at64(d.Buffers[1], i) + at64(d.Buffers[2], i)
		})
	case ipc.KindFixedSizeList:
		touchItems(d, func(i int) (int64, int64) { return int64(i * t.Width), int64((i + 1) * t.Width) })
	case ipc.KindStruct:
		for i := range d.Children {
			touchItems(&column.Data{Len: d.Len, Children: d.Children[i : i+1]}, func(i int) (int64, int64) { return int64(i), int64(i) + 1 })
		}
	case ipc.KindUnion:
		touchUnion(d, t)
	case ipc.KindRunEndEncoded:
		touchRuns(d)
	default:
		for _, b := range d.Buffers {
			fmt.Fprint(io.Discard, b)
		}
	}
}

func touchFixed(d *column.Data, t ipc.Type) {
	switch {
	case t.Bits == 8 && t.Signed:
		touch[int8](d)
	case t.Bits == 8:
		touch[uint8](d)
	case t.Bits == 16 && t.Signed:
		touch[int16](d)
	case t.Bits == 16:
		touch[uint16](d)
	case t.Bits == 32 && t.Signed:
		touch[int32](d)
	case t.Bits == 32:
		touch[uint32](d)
	case t.Signed:
		touch[int64](d)
	default:
		touch[uint64](d)
	}
}

func touchIndices(d *column.Data, t ipc.Type) {
	switch {
	case t.Bits == 8 && t.Signed:
		touchDict[int8](d)
	case t.Bits == 8:
		touchDict[uint8](d)
	case t.Bits == 16 && t.Signed:
		touchDict[int16](d)
	case t.Bits == 16:
		touchDict[uint16](d)
	case t.Bits == 32 && t.Signed:
		touchDict[int32](d)
	case t.Bits == 32:
		touchDict[uint32](d)
	case t.Signed:
		touchDict[int64](d)
	default:
		touchDict[uint64](d)
	}
}

// touchValues reads the values of a dictionary that are a column, and finds that of each row.
func touchValues(d *column.Data, f *ipc.Field) {
	values := *f
	values.Dictionary = nil
	TouchColumn(d.Values.Column(), &values)
	for i := range min(d.Len, most) {
		if at := column.IndexAt(d, f.Dictionary.Index.Bits, f.Dictionary.Index.Signed, i); !d.IsNull(i) && at >= uint64(d.Values.Len()) {
			panic(fmt.Sprintf("row %d is value %d of %d", i, at, d.Values.Len()))
		}
	}
}

func touch[T column.Fixed](d *column.Data) {
	v := column.NullableOf[T](d)
	if v.Len() != d.Len {
		panic(fmt.Sprintf("%d values of %d rows", v.Len(), d.Len))
	}
	read(v.Len(), v.Get)
}

func touchDict[I column.Index](d *column.Data) {
	v := column.DictOf[I](d)
	if v.Len() != d.Len {
		panic(fmt.Sprintf("%d indices of %d rows", v.Len(), d.Len))
	}
	read(v.Len(), v.Get)
	read(v.Len(), func(i int) (string, bool) { return v.At(i), v.IsNull(i) })
}

func touchText(d *column.Data, form column.TextForm) {
	for i := range min(d.Len, most) {
		if !d.IsNull(i) {
			sink += len(column.TextAt(d, form, i))
		}
	}
}

func at32(b []byte, i int) int64 { return int64(int32(le.Uint32(b[4*i:]))) }

func at64(b []byte, i int) int64 { return int64(le.Uint64(b[8*i:])) }

// touchItems wants the items of each row that is not null to be there.
func touchItems(d *column.Data, of func(i int) (from, to int64)) {
	n := int64(d.Children[0].Len)
	for i := range min(d.Len, most) {
		if d.IsNull(i) {
			continue
		}
		if from, to := of(i); from < 0 || from > to || to > n {
			panic(fmt.Sprintf("row %d has items %d to %d of %d", i, from, to, n))
		}
	}
}

func touchUnion(d *column.Data, t ipc.Type) {
	for i := range min(d.Len, most) {
		id, child := int32(d.Buffers[1][i]), -1
		for k, x := range t.TypeIDs {
			if x == id {
				child = k
			}
		}
		if t.TypeIDs == nil {
			child = int(id)
		}
		at := int64(i)
		if t.Variant == 1 {
			at = at32(d.Buffers[2], i)
		}
		if at < 0 || at >= int64(d.Children[child].Len) {
			panic(fmt.Sprintf("row %d is item %d of %d", i, at, d.Children[child].Len))
		}
	}
}

// touchRuns finds the run of each row.
func touchRuns(d *column.Data) {
	ends := &d.Children[0]
	run := 0
	for i := range min(d.Len, most) {
		for column.SignedAt(ends, len(ends.Buffers[1])/ends.Len, run) <= int64(i) {
			run++
		}
		if run >= d.Children[1].Len {
			panic(fmt.Sprintf("row %d is in run %d of %d", i, run, d.Children[1].Len))
		}
	}
}

//lint:ignore U1000 sink keeps reads from being left out
var sink int

func read[T any](n int, get func(int) (T, bool)) {
	for i := range min(n, most) {
		v, ok := get(i)
		switch v := any(v).(type) {
		case string:
			for k := range len(v) {
				sink += int(v[k])
			}
		case []byte:
			for _, c := range v {
				sink += int(c)
			}
		}
		if ok {
			sink++
		}
	}
}
