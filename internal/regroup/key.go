package regroup

import (
	"encoding/binary"

	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// appendKey appends bytes that row i of a column shares with those rows that have the same value, and with no others. What the value
// is made of counts, and not how it is stored.
func appendKey(dst []byte, f *ipc.Field, d *column.Data, i int) []byte {
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
		return appendKey(append(dst, id), &f.Children[child], &d.Children[child], at)
	case f.Dictionary == nil && t.Kind == ipc.KindRunEndEncoded:
		run := value.Run(&d.Children[0], ipc.ValueWidth(f.Children[0].Type), i, 0)
		return appendKey(dst, &f.Children[1], &d.Children[1], run)
	case d.IsNull(i):
		return append(dst, null)
	case f.Dictionary != nil:
		values := *f
		values.Dictionary, values.Nullable = nil, true
		at := indexAt(d, f.Dictionary.Index.Bits/8, f.Dictionary.Index.Signed, i)
		if v := d.Values.Column(); v != nil {
			return appendKey(dst, &values, v, at)
		}
		if d.Values.IsNull(at) {
			return append(dst, null)
		}
		return append(appendLength(append(dst, some), len(d.Values.At(at))), d.Values.At(at)...)
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
			dst = appendKey(dst, &f.Children[k], &d.Children[k], i)
		}
		return dst
	case ipc.KindList, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView, ipc.KindFixedSizeList, ipc.KindMap:
		from, to := value.Items(t, d, i)
		dst = appendLength(dst, to-from)
		for ; from < to; from++ {
			dst = appendKey(dst, &f.Children[0], &d.Children[0], from)
		}
		return dst
	}
	width := ipc.ValueWidth(t)
	return append(dst, d.Buffers[1][i*width:(i+1)*width]...)
}

func appendLength(dst []byte, n int) []byte { return binary.AppendUvarint(dst, uint64(n)) }

func appendText(dst, text []byte) []byte { return append(appendLength(dst, len(text)), text...) }
