package rt

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// absentOf makes a column that the stream does not have: nulls, or a default. A batch may claim any number of rows where it
// has no column of its own, hence the limit.
func absentOf(want *Column, limits *ipc.Limits) converter {
	fill, most := fillOf(want), limits.MaxExpanded
	each := absentSize(want)
	return func(h Handle, d *column.Data) (int, error) {
		if int64(d.Len) > most/each {
			return 0, fmt.Errorf("%w: %d rows of a column that the stream does not have take more than %d bytes; raise Limits.MaxExpanded", ipc.ErrLimit, d.Len, most)
		}
		return fill(h, d)
	}
}

func fillOf(want *Column) converter {
	if want.Default == nil {
		return func(h Handle, d *column.Data) (int, error) { return 0, absentNulls(h, d, want) }
	}
	value, text := defaultBytes(want)
	if want.Dictionary != nil || found(want.Type) {
		return want.From.texts.fill(want, value, text)
	}
	if want.Type.Kind != ipc.KindBool {
		return func(h Handle, d *column.Data) (int, error) { return 0, repeat(h, d, value) }
	}
	return func(h Handle, d *column.Data) (int, error) {
		bits, err := record.Scratch(h, (d.Len+7)/8)
		for i := range bits {
			bits[i] = -value[0] // all ones or none
		}
		d.Buffers[1] = bits
		return 0, err
	}
}

// fillTexts is fillOf of a column of text or bytes, or with a dictionary, that has a default.
func fillTexts(want *Column, value []byte, text string) converter {
	if want.Dictionary == nil {
		return func(h Handle, d *column.Data) (int, error) {
			return gather(h, d, want.Type.TextForm(), math.MaxInt32, func(int) []byte { return value })
		}
	}
	dict := column.NewDictionary(0)
	dict.Append(text, false)
	index := make([]byte, want.Dictionary.Index.Bits/8) // 0
	return func(h Handle, d *column.Data) (int, error) {
		d.Dictionary, d.Values = dict, dict.Values()
		return 0, repeat(h, d, index)
	}
}

func repeat(h Handle, d *column.Data, value []byte) error {
	b, err := record.Scratch(h, d.Len*len(value))
	if err != nil {
		return err
	}
	for i := 0; i < len(b); i += len(value) {
		copy(b[i:], value)
	}
	d.Buffers[1] = b
	return nil
}

// absentWidth returns how many offsets a column has beyond its rows, and how many bytes a value or offset takes.
func absentWidth(want *Column) (more, width int) {
	switch t := want.Type; {
	case want.Dictionary != nil:
		return 0, want.Dictionary.Index.Bits / 8
	case t.Kind == ipc.KindBool:
		return 0, 1
	case t.Kind == ipc.KindUtf8 || t.Kind == ipc.KindBinary:
		return 1, 4
	case t.Kind == ipc.KindLargeUtf8 || t.Kind == ipc.KindLargeBinary:
		return 1, 8
	case t.Kind == ipc.KindList || t.Kind == ipc.KindMap:
		return 1, 4
	case t.Kind == ipc.KindLargeList:
		return 1, 8
	case t.Kind == ipc.KindListView:
		return 0, 4
	case t.Kind == ipc.KindLargeListView:
		return 0, 8
	case t.IsText() || t.IsBinary():
		return 0, 16
	}
	return 0, ipc.ValueWidth(want.Type)
}

// absentSize returns about how many bytes a row of a column of nulls takes, at least one, with those below it.
func absentSize(want *Column) int64 {
	_, width := absentWidth(want)
	size := int64(width) + 1 // and a bit
	switch want.Type.Kind {
	case ipc.KindListView, ipc.KindLargeListView:
		size += int64(width)
	case ipc.KindFixedSizeList:
		size += int64(want.Type.Width) * absentSize(&want.Parts[0])
	case ipc.KindStruct:
		for i := range want.Parts {
			size += absentSize(&want.Parts[i])
		}
	case ipc.KindUnion:
		size += 4
		for i := range want.Parts {
			if want.Type.Variant == 0 {
				size += absentSize(&want.Parts[i])
			}
		}
	}
	return size
}

func absentNulls(h Handle, d *column.Data, want *Column) error {
	if want.Dictionary == nil && nested(want.Type.Kind) {
		return want.From.below.absent(h, d, want)
	}
	return absentPlain(h, d, want)
}

// absentNested is absentNulls of a column that has others below it.
func absentNested(h Handle, d *column.Data, want *Column) error {
	switch want.Type.Kind {
	case ipc.KindUnion:
		return absentUnion(h, d, want)
	case ipc.KindRunEndEncoded:
		return oneRun(h, d, want.runEnds(), func(h Handle, d *column.Data) (int, error) { return 0, absentPart(h, d, &want.Parts[0]) })
	}
	if err := absentPlain(h, d, want); err != nil {
		return err
	}
	return absentBelow(h, d, want)
}

// absentPlain makes null rows without what is below them.
func absentPlain(h Handle, d *column.Data, want *Column) error {
	more, width := absentWidth(want)
	n := mulPad(d.Len+more, width)
	b, err := record.Scratch(h, n+(d.Len+7)/8)
	if err != nil {
		return err
	}
	clear(b)
	d.Nulls = d.Len
	if want.Type.Kind == ipc.KindNull {
		return nil
	}
	d.Buffers[0], d.Buffers[1] = b[n:], b[:(d.Len+more)*width]
	if want.Type.Kind == ipc.KindBool && want.Dictionary == nil {
		d.Buffers[1] = b[:(d.Len+7)/8]
	}
	if want.Dictionary != nil {
		d.Dictionary, d.Values = noDictionary, noDictionary.Values()
	}
	return nil
}

// absentBelow makes the columns below one of nulls: fields of structs and items of lists of a fixed length have rows, if only for
// their views to have them.
func absentBelow(h Handle, d *column.Data, want *Column) error {
	rows := 0
	parts := want.Parts
	switch want.Type.Kind {
	case ipc.KindListView, ipc.KindLargeListView:
		d.Buffers[2] = d.Buffers[1]
	case ipc.KindFixedSizeList:
		rows = d.Len * want.Type.Width
	case ipc.KindStruct:
		rows = d.Len
	case ipc.KindMap:
		d.Children = record.Children(h, 1)
		d = &d.Children[0]
	}
	if len(parts) == 0 {
		return nil
	}
	d.Children = record.Children(h, len(parts))
	for i := range parts {
		child := &d.Children[i]
		child.Len = rows
		if err := absentPart(h, child, &parts[i]); err != nil {
			return err
		}
	}
	return nil
}

// absentUnion makes a union all of whose rows are nil, or where it has no member for that of the first member.
func absentUnion(h Handle, d *column.Data, want *Column) error {
	blank := blankMember(want)
	size := d.Len
	if want.Type.Variant == 1 {
		size = mulPad(d.Len, 1) + 4*d.Len
	}
	b, err := record.Scratch(h, size)
	if err != nil {
		return err
	}
	clear(b)
	d.Buffers[1] = b[:d.Len]
	for i := range d.Len {
		b[i] = typeID(&want.Type, blank)
	}
	if want.Type.Variant == 1 {
		d.Buffers[2] = b[size-4*d.Len:]
	}
	d.Children = record.Children(h, len(want.Parts))
	for k := range want.Parts {
		child := &d.Children[k]
		switch {
		case want.Type.Variant == 0:
			child.Len = d.Len
		case k == blank:
			child.Len = min(d.Len, 1)
		}
		if err := absentPart(h, child, &want.Parts[k]); err != nil {
			return err
		}
	}
	return nil
}

// blankMember returns the member of a union that nil is, or else the first.
func blankMember(want *Column) int {
	for k := range want.Parts {
		if want.Nullable && want.Parts[k].Type.Kind == ipc.KindNull {
			return k
		}
	}
	return 0
}

// oneRun makes a run-end encoded column one run of the value that fill makes.
func oneRun(h Handle, d *column.Data, bits int, fill converter) error {
	runs := min(d.Len, 1)
	if bits < 64 && d.Len > 1<<(bits-1)-1 {
		return fmt.Errorf("%w: %d rows; run ends of %d bits do not count them; use wider ones, or send smaller batches", ErrInexact, d.Len, bits)
	}
	b, err := record.Scratch(h, runs*bits/8)
	if err != nil {
		return err
	}
	if runs != 0 {
		putEnd(b, bits/8, 0, d.Len)
	}
	d.Children = record.Children(h, 2)
	d.Children[0] = column.Data{Len: runs, Buffers: [3][]byte{1: b}}
	d.Children[1].Len = runs
	_, err = fill(h, &d.Children[1])
	return err
}

// absentPart is absentNulls of a column below another.
func absentPart(h Handle, d *column.Data, want *Column) error {
	if k := want.Type.Kind; k == ipc.KindUtf8View || k == ipc.KindBinaryView {
		d.Variadic = noParts
	}
	return absentNulls(h, d, want)
}

// noDictionary is that of a column of nulls. Nothing is ever added to it.
var noDictionary = column.NewDictionary(0)

func mulPad(n, width int) int { return (n*width + 63) &^ 63 }

// defaultBytes returns a default as it stands in a column.
func defaultBytes(want *Column) (value []byte, text string) {
	var bits uint64
	sign := byte(0)
	switch v := want.Default.(type) {
	case bool:
		if v {
			return []byte{1}, ""
		}
		return []byte{0}, ""
	case string:
		return []byte(v), v
	case int64:
		bits = uint64(v)
		if v < 0 {
			sign = 0xff
		}
	case column.Decimal128:
		value = binary.LittleEndian.AppendUint64(nil, v.Lo)
		return binary.LittleEndian.AppendUint64(value, uint64(v.Hi)), ""
	case column.Decimal256:
		for _, w := range v {
			value = binary.LittleEndian.AppendUint64(value, w)
		}
		return value, ""
	case uint64:
		bits = v
	case float64:
		switch want.Type.Bits {
		case 16:
			bits = uint64(column.Float16Of(float32(v)))
		case 32:
			bits = uint64(math.Float32bits(float32(v)))
		default:
			bits = math.Float64bits(v)
		}
	}
	value = binary.LittleEndian.AppendUint64(nil, bits)
	width := ipc.ValueWidth(want.Type)
	for len(value) < width {
		value = append(value, sign)
	}
	return value[:width], ""
}
