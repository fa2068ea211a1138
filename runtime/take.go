package rt

import (
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// taker takes rows of columns of the table, in memory of a batch.
type taker struct {
	h    Handle
	most int64 // bytes of text
	zero bool  // rows that nobody sees have to be zero, as they will be seen
}

// take makes d, a column of the table, the given rows of it. Row -1 is one that nobody sees: a null, be the column nullable or not.
func (t *taker) take(want *Column, d *column.Data, rows []int32) error {
	if want.Dictionary == nil && nested(want.Type.Kind) {
		return t.nested(want, d, rows)
	}
	return t.plain(want, d, rows)
}

// plain is take of a column that has none below it.
func (t *taker) plain(want *Column, d *column.Data, rows []int32) error {
	h := t.h
	src := *d
	*d = column.Data{Len: len(rows), Dictionary: src.Dictionary, Values: src.Values, Variadic: src.Variadic}
	if want.Type.Kind == ipc.KindNull {
		d.Nulls = d.Len
		return nil
	}
	if err := takeValidity(h, d, &src, rows); err != nil {
		return err
	}
	switch typ := want.Type; {
	case want.Dictionary != nil:
		return takeFixed(h, &d.Buffers[1], src.Buffers[1], rows, want.Dictionary.Index.Bits/8)
	case typ.Kind == ipc.KindBool:
		return takeBits(h, d, &src, rows)
	case found(typ) && typ.TextForm() != column.ViewText:
		texts, err := want.From.texts.take(h, *d, src, typ.TextForm(), t.most, rows)
		*d = texts
		return err
	case found(typ):
		return takeFixed(h, &d.Buffers[1], src.Buffers[1], rows, 16)
	case nested(typ.Kind): // a struct without fields
		return nil
	}
	return takeFixed(h, &d.Buffers[1], src.Buffers[1], rows, ipc.ValueWidth(want.Type))
}

// takeTexts takes text or bytes that are found by offsets.
func takeTexts(h Handle, d, src column.Data, form column.TextForm, most int64, rows []int32) (column.Data, error) {
	_, err := gather(h, &d, form, most, func(i int) []byte { return column.TextAt(&src, form, int(rows[i])) })
	return d, err
}

func takeValidity(h Handle, d, src *column.Data, rows []int32) error {
	for _, row := range rows {
		if row < 0 || src.IsNull(int(row)) {
			d.Nulls++
		}
	}
	if d.Nulls == 0 {
		return nil
	}
	bits, err := record.Scratch(h, (len(rows)+7)/8)
	if err != nil {
		return err
	}
	clear(bits)
	for i, row := range rows {
		if row >= 0 && !src.IsNull(int(row)) {
			bits[i>>3] |= 1 << (i & 7)
		}
	}
	d.Buffers[0] = bits
	return nil
}

func takeFixed(h Handle, to *[]byte, from []byte, rows []int32, width int) error {
	values, err := record.Scratch(h, len(rows)*width)
	if err != nil {
		return err
	}
	for i, row := range rows {
		v := values[i*width : (i+1)*width]
		if row < 0 {
			clear(v)
		} else {
			copy(v, from[int(row)*width:])
		}
	}
	*to = values
	return nil
}

func takeBits(h Handle, d, src *column.Data, rows []int32) error {
	bits, err := record.Scratch(h, (len(rows)+7)/8)
	if err != nil {
		return err
	}
	clear(bits)
	for i, row := range rows {
		if row >= 0 && src.Buffers[1][row>>3]&(1<<(row&7)) != 0 {
			bits[i>>3] |= 1 << (i & 7)
		}
	}
	d.Buffers[1] = bits
	return nil
}

// nested takes rows of a nested column.
func (t *taker) nested(want *Column, d *column.Data, rows []int32) error {
	h, before := t.h, *d
	src := &before
	*d = column.Data{Len: len(rows), Variadic: src.Variadic}
	if k := want.Type.Kind; k != ipc.KindUnion && k != ipc.KindRunEndEncoded {
		if err := takeValidity(h, d, src, rows); err != nil {
			return err
		}
	}
	d.Children = record.Children(h, len(src.Children))
	copy(d.Children, src.Children)
	switch k := want.Type.Kind; k {
	case ipc.KindListView, ipc.KindLargeListView:
		width := 4
		if k == ipc.KindLargeListView {
			width = 8
		}
		if err := takeFixed(h, &d.Buffers[1], src.Buffers[1], rows, width); err != nil {
			return err
		}
		return takeFixed(h, &d.Buffers[2], src.Buffers[2], rows, width)
	case ipc.KindStruct:
		for i := range want.Parts {
			if err := t.take(&want.Parts[i], &d.Children[i], rows); err != nil {
				return err
			}
		}
	case ipc.KindUnion:
		return t.union(want, d, src, rows)
	case ipc.KindRunEndEncoded:
		return t.runs(want, d, src, rows)
	default:
		return t.lists(want, d, src, rows)
	}
	return nil
}

// lists takes rows of a column of lists or maps, and their items.
func (t *taker) lists(want *Column, d, src *column.Data, rows []int32) error {
	h := t.h
	c := columnFit{want: want}
	n := 0
	for _, row := range rows {
		if row >= 0 && !src.IsNull(int(row)) || want.Type.Kind == ipc.KindFixedSizeList {
			from, to := c.bounds(src, int(max(row, 0)))
			n += to - from
		}
		if n > math.MaxInt32 {
			return tooMuch(t.most)
		}
	}
	items, err := scratch[int32](h, n)
	if err != nil {
		return err
	}
	narrow, wide := []int32(nil), []int64(nil)
	switch want.Type.Kind {
	case ipc.KindList, ipc.KindMap:
		if narrow, err = scratch[int32](h, len(rows)+1); err == nil {
			narrow[0] = 0
		}
	case ipc.KindLargeList:
		if wide, err = scratch[int64](h, len(rows)+1); err == nil {
			wide[0] = 0
		}
	}
	if err != nil {
		return err
	}
	at := 0
	for i, row := range rows {
		seen := row >= 0 && !src.IsNull(int(row))
		from, to := 0, 0
		if seen || want.Type.Kind == ipc.KindFixedSizeList {
			from, to = c.bounds(src, int(max(row, 0)))
		}
		for k := from; k < to; k++ {
			if items[at] = -1; seen {
				items[at] = int32(k)
			}
			at++
		}
		if narrow != nil {
			narrow[i+1] = int32(at)
		}
		if wide != nil {
			wide[i+1] = int64(at)
		}
	}
	if narrow != nil {
		d.Buffers[1] = column.Bytes(narrow)
	}
	if wide != nil {
		d.Buffers[1] = column.Bytes(wide)
	}
	if want.Type.Kind == ipc.KindMap {
		entries := Column{Field: ipc.Field{Type: ipc.Struct}, Parts: want.Parts}
		return t.take(&entries, &d.Children[0], items)
	}
	return t.take(&want.Parts[0], &d.Children[0], items)
}

// union takes rows of a union. The values of a dense one stay where they are if the rows go through them in order, as the format wants
// it, and are taken, too, if not. Rows that nobody sees are of the member that nil is, or else of the first.
func (t *taker) union(want *Column, d, src *column.Data, rows []int32) error {
	h := t.h
	blank := blankMember(want)
	types, err := record.Scratch(h, len(rows))
	if err != nil {
		return err
	}
	hidden := false
	for i, row := range rows {
		if types[i] = typeID(&want.Type, blank); row >= 0 {
			types[i] = src.Buffers[1][row]
		} else {
			hidden = true
		}
	}
	d.Buffers[1] = types
	if want.Type.Variant == 0 {
		for i := range want.Parts {
			if err := t.take(&want.Parts[i], &d.Children[i], rows); err != nil {
				return err
			}
		}
		return nil
	}
	offsets := column.Data{Buffers: [3][]byte{1: src.Buffers[2]}}
	to, err := scratch[int32](h, len(rows))
	if err != nil {
		return err
	}
	var last [128]int32 // by type id
	ordered := !hidden
	for i, row := range rows {
		if to[i] = -1; row < 0 {
			continue
		}
		to[i] = int32(column.SignedAt(&offsets, 4, int(row)))
		before := &last[types[i]&127]
		ordered = ordered && to[i] >= *before
		*before = to[i]
	}
	if !ordered {
		for k := range want.Parts {
			if err := t.member(&want.Parts[k], &d.Children[k], typeID(&want.Type, k), types, to); err != nil {
				return err
			}
		}
	}
	d.Buffers[2] = column.Bytes(to)
	return nil
}

// member takes the values of a member of a dense union that rows of its type id have at at, -1 for one that nobody sees, and sets at to
// where they are then. Rows that follow each other go on sharing a value.
func (t *taker) member(want *Column, d *column.Data, id byte, types []byte, at []int32) error {
	n := 0
	for _, typ := range types {
		if typ == id {
			n++
		}
	}
	values, err := scratch[int32](t.h, n)
	if err != nil {
		return err
	}
	n = 0
	for i, typ := range types {
		if typ != id {
			continue
		}
		if n == 0 || values[n-1] != at[i] {
			values[n] = at[i]
			n++
		}
		at[i] = int32(n - 1)
	}
	return t.take(want, d, values[:n])
}

// runs takes rows of a run-end encoded column, each of which becomes a run.
func (t *taker) runs(want *Column, d, src *column.Data, rows []int32) error {
	h := t.h
	runs, err := runsOf(h, src, want.runEnds())
	if err != nil {
		return err
	}
	values, err := scratch[int32](h, len(rows))
	if err != nil {
		return err
	}
	part := &want.Parts[0]
	for i, row := range rows {
		if values[i] = -1; row >= 0 {
			values[i] = runs[row]
		}
	}
	if err := t.take(part, &d.Children[1], values); err != nil {
		return err
	}
	t.settle(part, &d.Children[1])
	return endEach(h, d, want.runEnds())
}

// settle has the values of runs that may not be null be something where nobody sees them, if that is zero or need not be.
func (t *taker) settle(want *Column, d *column.Data) {
	k := want.Type.Kind
	instant := k == ipc.KindTimestamp || k == ipc.KindDate // the zero value of which is time.Time{}
	switch {
	case want.Nullable || d.Nulls == 0:
	case want.Dictionary != nil && (t.zero || d.Values.Len() == 0):
	case t.zero && instant:
	default: // 0, or the first of the dictionary
		d.Buffers[0], d.Nulls = nil, 0
	}
}

// runsOf returns the run of each row of a run-end encoded column.
func runsOf(h Handle, d *column.Data, bits int) ([]int32, error) {
	runs, err := scratch[int32](h, d.Len)
	if err != nil {
		return nil, err
	}
	k := 0
	for i := range runs {
		for column.SignedAt(&d.Children[0], bits/8, k) <= int64(i) {
			k++
		}
		runs[i] = int32(k)
	}
	return runs, nil
}

// endEach makes each row of a run-end encoded column a run.
func endEach(h Handle, d *column.Data, bits int) error {
	if d.Len > 1<<(bits-1)-1 && bits < 64 {
		return fmt.Errorf("%w: %d rows; run ends of %d bits do not count them; use wider ones, or send smaller batches", ErrInexact, d.Len, bits)
	}
	ends := &d.Children[0]
	*ends = column.Data{Len: d.Len}
	b, err := record.Scratch(h, d.Len*bits/8)
	if err != nil {
		return err
	}
	for i := range d.Len {
		putEnd(b, bits/8, i, i+1)
	}
	ends.Buffers[1] = b
	return nil
}

// putEnd sets run end k of width bytes.
func putEnd(b []byte, width, k, end int) {
	for i := range width {
		b[k*width+i] = byte(uint64(end) >> (8 * i))
	}
}
