package regroup

import (
	"encoding/binary"

	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// appendKey appends bytes that row i of a column shares with those rows that have the same value, and with no others. What the value
// is made of counts, and not how it is stored. Dictionaries below it are those of a [Unifier], which have each value once: there indices
// stand for values, which may share so much that no memory holds what they are written out. A key that has more than most bytes ends.
func appendKey(dst []byte, f *ipc.Field, d *column.Data, i, most int) []byte {
	const null, some = 0, 1
	t := f.Type
	switch {
	case f.Dictionary == nil && t.Kind == ipc.KindNull:
		return append(dst, null)
	case f.Dictionary == nil && t.Kind == ipc.KindUnion:
		id := d.Buffers[1][i] & 127
		child, at := value.ChildOf(f)[id], i
		if t.Variant == 1 {
			at = int(le.Uint32(d.Buffers[2][4*i:]))
		}
		return appendKey(append(dst, id), &f.Children[child], &d.Children[child], at, most)
	case f.Dictionary == nil && t.Kind == ipc.KindRunEndEncoded:
		run := value.Run(&d.Children[0], ipc.ValueWidth(f.Children[0].Type), i, 0)
		return appendKey(dst, &f.Children[1], &d.Children[1], run, most)
	case d.IsNull(i):
		return append(dst, null)
	case f.Dictionary != nil:
		values := *f
		values.Dictionary, values.Nullable = nil, true
		at := indexAt(d, f.Dictionary.Index.Bits/8, f.Dictionary.Index.Signed, i)
		if isNull(&values, &d.Values, at) {
			return append(dst, null)
		}
		return appendLength(append(dst, some), at)
	}
	dst = append(dst, some)
	switch t.Kind {
	case ipc.KindBool:
		return append(dst, d.Buffers[1][i>>3]>>(i&7)&1)
	case ipc.KindUtf8, ipc.KindBinary:
		return appendText(dst, column.TextAt(d, column.PlainText, i))
	case ipc.KindLargeUtf8, ipc.KindLargeBinary:
		return appendText(dst, column.TextAt(d, column.LargeText, i))
	case ipc.KindUtf8View, ipc.KindBinaryView:
		return appendText(dst, column.TextAt(d, column.ViewText, i))
	case ipc.KindStruct:
		for k := range f.Children {
			dst = appendKey(dst, &f.Children[k], &d.Children[k], i, most)
		}
		return dst
	case ipc.KindList, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView, ipc.KindFixedSizeList, ipc.KindMap:
		from, to := value.Items(t, d, i)
		dst = appendLength(dst, to-from)
		for ; from < to && len(dst) <= most; from++ {
			dst = appendKey(dst, &f.Children[0], &d.Children[0], from, most)
		}
		return dst
	}
	width := ipc.ValueWidth(t)
	return append(dst, d.Buffers[1][i*width:(i+1)*width]...)
}

// isNull tells whether value i of a dictionary is null, f being the field of the values.
func isNull(f *ipc.Field, v *column.Values, i int) bool {
	d := v.Column()
	if d == nil {
		return v.IsNull(i)
	}
	for f.Type.Kind == ipc.KindRunEndEncoded {
		i = value.Run(&d.Children[0], ipc.ValueWidth(f.Children[0].Type), i, 0)
		f, d = &f.Children[1], &d.Children[1]
		if f.Dictionary != nil {
			if d.IsNull(i) {
				return true
			}
			values := *f
			values.Dictionary = nil
			return isNull(&values, &d.Values, indexAt(d, f.Dictionary.Index.Bits/8, f.Dictionary.Index.Signed, i))
		}
	}
	return f.Type.Kind == ipc.KindNull || f.Type.Kind != ipc.KindUnion && d.IsNull(i)
}

func appendLength(dst []byte, n int) []byte { return binary.AppendUvarint(dst, uint64(n)) }

func appendText(dst, text []byte) []byte { return append(appendLength(dst, len(text)), text...) }
