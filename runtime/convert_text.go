package rt

import (
	"cmp"
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// convertText brings any layout of text or bytes to the table's.
func convertText(want *Column, have *ipc.Field, limits *ipc.Limits) converter {
	switch {
	case want.Dictionary == nil && have.Dictionary == nil:
		return reform(want.Type.TextForm(), have.Type.TextForm(), limits)
	case want.Dictionary == nil:
		return expand(want.Type.TextForm(), have.Dictionary.Index, limits)
	case have.Dictionary == nil:
		form := have.Type.TextForm()
		return encode(want.Dictionary.Index, limits, func(d *column.Data, i int) []byte { return column.TextAt(d, form, i) })
	}
	return convertIndex(want.Dictionary.Index, have.Dictionary.Index)
}

// convertDictionary converts a column that has a dictionary here or in the stream, and is no text.
func convertDictionary(want *Column, have *ipc.Field, limits *ipc.Limits) (c converter, remedy string) {
	w, h := want.Type, have.Type
	bytes := w.IsBinary() && h.Kind == ipc.KindFixedSizeBinary || w.Kind == ipc.KindFixedSizeBinary && h.IsBinary()
	width := ipc.ValueWidth(h)
	switch {
	case bytes && want.Dictionary == nil && w.IsBinary():
		return expand(w.TextForm(), have.Dictionary.Index, limits), ""
	case bytes && want.Dictionary == nil:
		return expandFixed(w.Width, have.Dictionary.Index), ""
	case bytes && w.IsBinary() && have.Dictionary == nil:
		return encodeFixed(want.Dictionary.Index, width, limits), ""
	case bytes && w.IsBinary():
		return convertIndex(want.Dictionary.Index, have.Dictionary.Index), ""
	case want.Dictionary == nil:
		return expandValues(want, have, limits)
	case !w.Equal(h) || width == 0:
		if h.Kind == w.Kind {
			return nil, fmt.Sprintf("no conversion; make it a dictionary of %v", h)
		}
		return nil, noConversion
	case have.Dictionary == nil:
		return encodeFixed(want.Dictionary.Index, width, limits), ""
	}
	return convertIndex(want.Dictionary.Index, have.Dictionary.Index), ""
}

// expandValues writes out the values of a dictionary, of numbers and the like, for a column that has none. Those of another type then are
// converted as plain ones are.
func expandValues(want *Column, have *ipc.Field, limits *ipc.Limits) (c converter, remedy string) {
	width := ipc.ValueWidth(have.Type)
	if width == 0 {
		return nil, noConversion
	}
	expand := expandFixed(width, have.Dictionary.Index)
	if want.Type.Equal(have.Type) {
		return expand, ""
	}
	plain := *have
	plain.Dictionary = nil
	then, remedy := convertTo(want, &plain, limits)
	if then == nil {
		return nil, cmp.Or(remedy, noConversion)
	}
	return func(h Handle, d *column.Data) (int, error) {
		if row, err := expand(h, d); err != nil {
			return row, err
		}
		return then(h, d)
	}, ""
}

// convertIndex brings indices to the table's type. The indices that stand for a value have the same bits in a signed type as in an
// unsigned one of the same width, so that the width alone has loops of its own.
func convertIndex(w, h ipc.Type) converter {
	switch {
	case w.Equal(h):
		return nil
	case h.Bits == 8:
		return indicesFrom[uint8](w, h)
	case h.Bits == 16:
		return indicesFrom[uint16](w, h)
	case h.Bits == 32:
		return indicesFrom[uint32](w, h)
	}
	return indicesFrom[uint64](w, h)
}

// unsigned are the types of numbers that are told apart by their width.
type unsigned interface {
	uint8 | uint16 | uint32 | uint64
}

// indicesOf returns how many values indices of a type tell apart, or a number that is more than any dictionary has.
func indicesOf(t ipc.Type) uint64 {
	bits := t.Bits
	if t.Signed {
		bits--
	}
	return 1 << min(bits, 62)
}

// indicesFrom changes indices of type h, which is as wide as S, to those of type w. Null rows get 0 where they have no index.
func indicesFrom[S unsigned](w, h ipc.Type) converter {
	have, want := indicesOf(h), indicesOf(w)
	return func(hd Handle, d *column.Data) (int, error) {
		src, n := column.View[S](d.Buffers[1])[:d.Len], min(uint64(d.Values.Len()), have)
		if first := asm.CheckIndices(src, int(min(n, want))); first >= 0 {
			good, err := scratch[S](hd, d.Len)
			if err != nil {
				return 0, err
			}
			copy(good, src)
			src = good
			for i := first; i < len(src); i++ {
				x := uint64(src[i])
				switch {
				case x < min(n, want):
				case d.IsNull(i):
					src[i] = 0
				case x < n:
					return i, fmt.Errorf("%w: index %d of the stream's dictionary, the table has %d bits for it; use a wider index", ErrInexact, x, w.Bits)
				default:
					return i, fmt.Errorf("%w: %d of %d values", ErrIndex, column.IndexAt(d, h.Bits, h.Signed, i), d.Values.Len())
				}
			}
			d.Buffers[1] = column.Bytes(src)
		}
		return 0, resize(hd, d, src, w.Bits)
	}
}

// resize makes src, which are values of column d or what they become, its values in as many bits as are wanted. Each fits.
func resize[S unsigned](h Handle, d *column.Data, src []S, bits int) error {
	switch {
	case bits == 8*column.SizeOf[S]():
		return nil
	case bits == 8:
		return resizeTo[uint8](h, d, src)
	case bits == 16:
		return resizeTo[uint16](h, d, src)
	case bits == 32:
		return resizeTo[uint32](h, d, src)
	}
	return resizeTo[uint64](h, d, src)
}

func resizeTo[D, S unsigned](h Handle, d *column.Data, src []S) error {
	dst, err := scratch[D](h, len(src))
	if err != nil {
		return err
	}
	asm.WidenIndices(dst, src)
	d.Buffers[1] = column.Bytes(dst)
	return nil
}

// reform brings text or bytes in one layout to another.
func reform(want, have column.TextForm, limits *ipc.Limits) converter {
	switch {
	case want == have:
		return nil
	case want == column.PlainText && have == column.LargeText:
		return narrowOffsets
	case want == column.LargeText && have == column.PlainText:
		return widenOffsets
	}
	most := limits.MaxExpanded
	return func(h Handle, d *column.Data) (int, error) {
		return gather(h, d, want, most, func(i int) []byte { return column.TextAt(d, have, i) })
	}
}

// widenOffsets turns 32-bit offsets into 64-bit ones; the bytes stay where they are.
func widenOffsets(h Handle, d *column.Data) (int, error) {
	dst, err := scratch[int64](h, d.Len+1)
	if err != nil {
		return 0, err
	}
	dst[0] = 0 // where there are no rows, there may be no offset
	asm.Widen32(dst, column.View[int32](d.Buffers[1]), 0)
	d.Buffers[1] = column.Bytes(dst)
	return 0, nil
}

// narrowOffsets turns 64-bit offsets into 32-bit ones; the bytes stay where they are.
func narrowOffsets(h Handle, d *column.Data) (int, error) {
	if d.Len == 0 {
		d.Buffers[1], d.Buffers[2] = nil, nil
		return 0, nil
	}
	dst, err := scratch[int32](h, d.Len+1)
	if err != nil {
		return 0, err
	}
	src := column.View[int64](d.Buffers[1])[:len(dst)]
	from, to := src[0], src[d.Len]
	if from < 0 || to < from || to > int64(len(d.Buffers[2])) || to-from > math.MaxInt32 {
		return d.Len - 1, fmt.Errorf("%w: text from byte %d to %d of %d; 32-bit offsets reach 2 GiB; use a large column, or send smaller batches", ErrInexact, from, to, len(d.Buffers[2]))
	}
	asm.Narrow64(dst, src, from)
	d.Buffers[1], d.Buffers[2] = column.Bytes(dst), d.Buffers[2][from:to]
	return 0, nil
}

// expand writes out the strings of a dictionary.
func expand(form column.TextForm, index ipc.Type, limits *ipc.Limits) converter {
	most := limits.MaxExpanded
	bits, signed := index.Bits, index.Signed
	return func(h Handle, d *column.Data) (int, error) {
		if row, err := checkDictionary(h, d, bits, signed); err != nil {
			return row, err
		}
		values := d.Values.Strings()
		row, err := gather(h, d, form, most, func(i int) string {
			return values[column.IndexAt(d, bits, signed, i)]
		})
		d.Dictionary, d.Values = nil, column.Values{}
		return row, err
	}
}

// expandFixed writes out the values of a dictionary that have width bytes each. Null rows get zero.
func expandFixed(width int, index ipc.Type) converter {
	bits, signed := index.Bits, index.Signed
	return func(h Handle, d *column.Data) (int, error) {
		if row, err := checkDictionary(h, d, bits, signed); err != nil {
			return row, err
		}
		dst, err := record.Scratch(h, d.Len*width)
		if err != nil {
			return 0, err
		}
		values := d.Values.Strings()
		for i := range d.Len {
			to := dst[i*width : i*width+width]
			if d.IsNull(i) {
				clear(to)
				continue
			}
			v := values[column.IndexAt(d, bits, signed, i)]
			if len(v) != width {
				return i, fmt.Errorf("%w: %d bytes, the table has %d in each row; use binary for values of several lengths", ErrInexact, len(v), width)
			}
			copy(to, v)
		}
		d.Buffers[1], d.Dictionary, d.Values = dst, nil, column.Values{}
		return 0, nil
	}
}

// checkDictionary makes sure that each row is null or has a value.
func checkDictionary(h Handle, d *column.Data, bits int, signed bool) (row int, err error) {
	if row := column.CheckIndices(d, bits, signed); row >= 0 {
		return row, fmt.Errorf("%w: %d values", ErrIndex, d.Values.Len())
	}
	return 0, foldNulls(h, d, bits, signed)
}

// foldNulls makes the rows null whose value is a null of the dictionary.
func foldNulls(h Handle, d *column.Data, bits int, signed bool) error {
	if !d.Values.HasNulls() || column.FirstNullValue(d, bits, signed) < 0 {
		return nil
	}
	validity, err := record.Scratch(h, (d.Len+7)/8)
	if err != nil {
		return err
	}
	clear(validity)
	d.Nulls = 0
	for i := range d.Len {
		if d.IsNull(i) || d.Values.IsNull(int(column.IndexAt(d, bits, signed, i))) {
			d.Nulls++
		} else {
			validity[i>>3] |= 1 << (i & 7)
		}
	}
	d.Buffers[0] = validity
	return nil
}

// gather makes a column of text or bytes in the given form of what at returns for each row that is not null.
func gather[T string | []byte](h Handle, d *column.Data, form column.TextForm, most int64, at func(i int) T) (int, error) {
	if form == column.ViewText {
		return gatherViews(h, d, most, at)
	}
	var total int64
	if form == column.PlainText {
		most = min(most, math.MaxInt32)
	}
	for i := range d.Len {
		if !d.IsNull(i) {
			total += int64(len(at(i)))
		}
		if total > most {
			return i, tooMuch(most)
		}
	}
	data, err := record.Scratch(h, int(total))
	if err != nil {
		return 0, err
	}
	var offsets []byte
	if form == column.LargeText {
		offsets, err = copyRows[int64](h, d, data, at)
	} else {
		offsets, err = copyRows[int32](h, d, data, at)
	}
	d.Buffers[1], d.Buffers[2], d.Variadic = offsets, data, nil
	return 0, err
}

func tooMuch(most int64) error {
	return fmt.Errorf("%w: the rows expand to more than %d bytes; raise Limits.MaxExpanded, or let the sender make smaller batches", ipc.ErrLimit, most)
}

// copyRows fills data with the rows and returns their offsets.
func copyRows[O int32 | int64, T string | []byte](h Handle, d *column.Data, data []byte, at func(i int) T) ([]byte, error) {
	offsets, err := scratch[O](h, d.Len+1)
	if err != nil {
		return nil, err
	}
	n := 0
	offsets[0] = 0
	for i := range d.Len {
		if !d.IsNull(i) {
			n += copy(data[n:], at(i))
		}
		offsets[i+1] = O(n)
	}
	return column.Bytes(offsets), nil
}

// gatherViews is gather of views with one data buffer.
func gatherViews[T string | []byte](h Handle, d *column.Data, most int64, at func(i int) T) (int, error) {
	var total int64
	most = min(most, math.MaxInt32)
	for i := range d.Len {
		if !d.IsNull(i) {
			total += int64(len(at(i)))
		}
		if total > most {
			return i, tooMuch(most)
		}
	}
	views, err := record.Scratch(h, 16*d.Len)
	if err != nil {
		return 0, err
	}
	data, err := record.Scratch(h, int(total))
	if err != nil {
		return 0, err
	}
	clear(views)
	data = data[:0]
	for i := range d.Len {
		if !d.IsNull(i) {
			data = column.PutView(views[16*i:], data, at(i))
		}
	}
	d.Buffers[1], d.Buffers[2], d.Variadic = views, nil, record.Parts(h, 1)
	d.Variadic[0] = data
	return 0, nil
}

// encode puts bytes into a dictionary that grows with the stream. One that is half full is left, and a new one begun, so that a
// stream of ever new values takes bounded memory, and needs indices only for those of one batch.
func encode(index ipc.Type, limits *ipc.Limits, at func(d *column.Data, i int) []byte) converter {
	e := encoder{
		at: at, bits: index.Bits,
		entries: limits.MaxDictionaryEntries, size: limits.MaxDictionaryBytes, expanded: limits.MaxExpanded,
		most: int(min(indicesOf(index), 1<<30)),
		dict: column.NewDictionary(0),
	}
	return e.convert
}

// encodeFixed is encode of values of width bytes.
func encodeFixed(index ipc.Type, width int, limits *ipc.Limits) converter {
	return encode(index, limits, func(d *column.Data, i int) []byte { return d.Buffers[1][i*width : i*width+width] })
}

type encoder struct {
	at      func(d *column.Data, i int) []byte
	bits    int // of an index
	entries int
	size    int64 // bytes
	// expanded is the most bytes that the rows of a batch may have in all.
	expanded int64
	most     int // values that indices tell apart
	dict     *column.Dictionary
}

func (e *encoder) convert(h Handle, d *column.Data) (row int, err error) {
	if e.dict.Len() > e.entries/2 || int64(e.dict.Size()) > e.size/2 {
		e.dict = column.NewDictionary(0)
	}
	dst, err := scratch[uint32](h, d.Len)
	if err != nil {
		return 0, err
	}
	old := e.dict.Len() != 0
	row, err = e.fill(dst, d)
	if err != nil && old { // the values of earlier batches take the room
		e.dict = column.NewDictionary(0)
		row, err = e.fill(dst, d)
	}
	d.Buffers = [3][]byte{d.Buffers[0], column.Bytes(dst), nil}
	d.Variadic, d.Dictionary, d.Values = nil, e.dict, e.dict.Values()
	if err != nil {
		return row, err
	}
	return 0, resize(h, d, dst, e.bits)
}

func (e *encoder) fill(dst []uint32, d *column.Data) (int, error) {
	read := int64(0) // views may point at the same bytes again and again
	for i := range dst {
		if dst[i] = 0; d.IsNull(i) {
			continue
		}
		value := e.at(d, i)
		if read += int64(len(value)); read > e.expanded {
			return i, fmt.Errorf("%w: the rows expand to more than %d bytes; raise Limits.MaxExpanded, or let the sender make smaller batches", ipc.ErrLimit, e.expanded)
		}
		x, err := e.dict.IndexBytes(value, e.most)
		switch {
		case err != nil:
			return i, err
		case e.dict.Len() > e.entries:
			return i, fmt.Errorf("%w: more than %d values in a batch exceed Limits.MaxDictionaryEntries; raise it", ipc.ErrLimit, e.entries)
		case int64(e.dict.Size()) > e.size:
			return i, fmt.Errorf("%w: more than %d bytes of values in a batch exceed Limits.MaxDictionaryBytes; raise it", ipc.ErrLimit, e.size)
		}
		dst[i] = uint32(x)
	}
	return 0, nil
}

// fixedToBinary gives byte strings of one width the offsets or views of any width.
func fixedToBinary(form column.TextForm, width int, limits *ipc.Limits) converter {
	most := limits.MaxExpanded
	if form == column.ViewText {
		return func(h Handle, d *column.Data) (int, error) {
			values := d.Buffers[1]
			return gatherViews(h, d, most, func(i int) []byte { return values[i*width : i*width+width] })
		}
	}
	return func(h Handle, d *column.Data) (int, error) {
		size := int64(width) * int64(d.Len)
		if form == column.PlainText && size > math.MaxInt32 {
			return d.Len - 1, fmt.Errorf("%w: %d rows of %d bytes; 32-bit offsets reach 2 GiB; use a large column, or send smaller batches", ErrInexact, d.Len, width)
		}
		var offsets []byte
		var err error
		if form == column.LargeText {
			offsets, err = steps[int64](h, d.Len, width)
		} else {
			offsets, err = steps[int32](h, d.Len, width)
		}
		d.Buffers[1], d.Buffers[2] = offsets, d.Buffers[1]
		return 0, err
	}
}

// steps returns the offsets of n rows of width bytes.
func steps[O int32 | int64](h Handle, n, width int) ([]byte, error) {
	offsets, err := scratch[O](h, n+1)
	if err != nil {
		return nil, err
	}
	for i := range offsets {
		offsets[i] = O(i * width)
	}
	return column.Bytes(offsets), nil
}

// binaryToFixed takes byte strings that all have width bytes. Null rows get zero.
func binaryToFixed(width int, form column.TextForm) converter {
	return func(h Handle, d *column.Data) (int, error) {
		dst, err := record.Scratch(h, d.Len*width)
		if err != nil {
			return 0, err
		}
		for i := range d.Len {
			to := dst[i*width : i*width+width]
			if d.IsNull(i) {
				clear(to)
				continue
			}
			v := column.TextAt(d, form, i)
			if len(v) != width {
				return i, fmt.Errorf("%w: %d bytes, the table has %d in each row; use binary for values of several lengths", ErrInexact, len(v), width)
			}
			copy(to, v)
		}
		d.Buffers[1], d.Buffers[2], d.Variadic = dst, nil, nil
		return 0, nil
	}
}
