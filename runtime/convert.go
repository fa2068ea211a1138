package rt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// converter changes a received column into the form that the table has. Memory comes from the batch. With an error it
// returns the row.
type converter func(h Handle, d *column.Data) (row int, err error)

// The conditions that a [ConvertError] wraps.
var (
	// ErrInexact tells of a value that the table's type cannot hold as it is.
	ErrInexact = errors.New("value does not fit the table's type exactly")
	// ErrIndex tells of an index outside its dictionary.
	ErrIndex = column.ErrIndex
)

const noConversion = "no conversion"

// convertTo returns how a column of the stream becomes want, nil where it is that already; or, where it cannot, a remedy.
func convertTo(want *Column, have *ipc.Field, limits *ipc.Limits) (c converter, remedy string) {
	w, h := want.Type, have.Type
	switch {
	case len(have.Children) != 0:
		return nil, noConversion
	case w.IsText() && h.IsText():
		return convertText(want, have, limits), ""
	case have.Dictionary != nil:
		return nil, noConversion
	case w.IsBinary() && h.IsBinary():
		return plainText(h, limits), ""
	case w.IsBinary() && h.Kind == ipc.KindFixedSizeBinary:
		return fixedToBinary(h.Width), ""
	case w.Equal(h):
		return nil, ""
	case w.Kind == ipc.KindInt && h.Kind == ipc.KindInt:
		if c := widenInt(w, h); c != nil {
			return c, ""
		}
		return nil, fmt.Sprintf("no conversion without loss; make it %v", h)
	case w.Kind == ipc.KindFloat && h.Kind == ipc.KindFloat && w.Bits > h.Bits:
		return widenFloat(w, h), ""
	case w.Kind == ipc.KindTimestamp && h.Kind == ipc.KindTimestamp:
		switch {
		case w.Zone != "" && h.Zone == "" && !want.NaiveUTC:
			return nil, fmt.Sprintf("add timestamp(%v) or naive=UTC", h.Unit)
		case w.Zone == "" && h.Zone != "":
			return nil, fmt.Sprintf("the stream has instants, the table wall-clock times; add timestamp(%v,%s)", h.Unit, h.Zone)
		}
		return convertUnit(w.Unit, h.Unit), ""
	}
	return nil, noConversion
}

// scratch returns memory of the batch for n values, to be passed on with [column.Bytes].
func scratch[T column.Fixed](h Handle, n int) ([]T, error) {
	b, err := record.Scratch(h, n*column.SizeOf[T]())
	if err != nil {
		return nil, err
	}
	return column.View[T](b), nil
}

// widen converts each value. Those at null rows go along: they are any value before and after.
func widen[D, S column.Fixed](h Handle, d *column.Data) (int, error) {
	dst, err := scratch[D](h, d.Len)
	if err != nil {
		return 0, err
	}
	src := column.View[S](d.Buffers[1])[:len(dst)]
	for i := range dst {
		dst[i] = D(src[i])
	}
	d.Buffers[1] = column.Bytes(dst)
	return 0, nil
}

func widenInt(w, h ipc.Type) converter {
	if h.Bits >= w.Bits || h.Signed && !w.Signed {
		return nil
	}
	switch {
	case w.Signed && w.Bits == 16:
		return widenFrom[int16](h)
	case w.Signed && w.Bits == 32:
		return widenFrom[int32](h)
	case w.Signed:
		return widenFrom[int64](h)
	case w.Bits == 16:
		return widenFrom[uint16](h)
	case w.Bits == 32:
		return widenFrom[uint32](h)
	}
	return widenFrom[uint64](h)
}

func widenFrom[D column.Fixed](h ipc.Type) converter {
	switch {
	case h.Signed && h.Bits == 8:
		return widen[D, int8]
	case h.Signed && h.Bits == 16:
		return widen[D, int16]
	case h.Signed:
		return widen[D, int32]
	case h.Bits == 8:
		return widen[D, uint8]
	case h.Bits == 16:
		return widen[D, uint16]
	}
	return widen[D, uint32]
}

func widenFloat(w, h ipc.Type) converter {
	switch {
	case h.Bits == 32:
		return widen[float64, float32]
	case w.Bits == 32:
		return widenHalf[float32]
	}
	return widenHalf[float64]
}

func widenHalf[D float32 | float64](h Handle, d *column.Data) (int, error) {
	dst, err := scratch[D](h, d.Len)
	if err != nil {
		return 0, err
	}
	for i := range dst {
		dst[i] = D(halfToFloat(binary.LittleEndian.Uint16(d.Buffers[1][2*i:])))
	}
	d.Buffers[1] = column.Bytes(dst)
	return 0, nil
}

// halfToFloat returns the value of an IEEE 754 half: 1 bit of sign, 5 of exponent, 10 of fraction.
func halfToFloat(b uint16) float32 {
	sign, exponent, fraction := uint32(b>>15)<<31, uint32(b>>10&31), uint32(b&1023)
	switch exponent {
	case 31:
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	case 0: // subnormal: fraction × 2^-24, exact in a float32
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// convertUnit changes the unit of timestamps: to a finer one if the product fits, to a coarser one if nothing is lost.
func convertUnit(want, have column.Unit) converter {
	if want == have {
		return nil
	}
	if want > have {
		factor := int64(want / have)
		most := math.MaxInt64 / factor
		return func(h Handle, d *column.Data) (int, error) {
			dst, err := scratch[int64](h, d.Len)
			if err != nil {
				return 0, err
			}
			var outside bool
			src := column.View[int64](d.Buffers[1])[:len(dst)]
			for i := range dst {
				v := src[i]
				outside = outside || v > most || v < -most
				dst[i] = v * factor
			}
			if outside {
				for i, v := range src {
					if !d.IsNull(i) && (v > most || v < -most) {
						return i, fmt.Errorf("%w: %v is too far from 1970 for unit %v", ErrInexact, have.Time(v), want)
					}
				}
			}
			d.Buffers[1] = column.Bytes(dst)
			return 0, nil
		}
	}
	factor := int64(have / want)
	return func(h Handle, d *column.Data) (int, error) {
		dst, err := scratch[int64](h, d.Len)
		if err != nil {
			return 0, err
		}
		src := column.View[int64](d.Buffers[1])[:len(dst)]
		for i := range dst {
			v := src[i]
			dst[i] = v / factor
			if dst[i]*factor != v && !d.IsNull(i) {
				return i, fmt.Errorf("%w: %d %v is no whole number of unit %v", ErrInexact, v, have, want)
			}
		}
		d.Buffers[1] = column.Bytes(dst)
		return 0, nil
	}
}

func textForm(t ipc.Type) column.TextForm {
	switch t.Kind {
	case ipc.KindLargeUtf8, ipc.KindLargeBinary:
		return column.LargeText
	case ipc.KindUtf8View, ipc.KindBinaryView:
		return column.ViewText
	}
	return column.PlainText
}

// convertText brings any layout of text to the table's: plain, or a dictionary.
func convertText(want *Column, have *ipc.Field, limits *ipc.Limits) converter {
	switch {
	case want.Dictionary == nil && have.Dictionary == nil:
		return plainText(have.Type, limits)
	case want.Dictionary == nil:
		return expand(have.Dictionary.Index, limits)
	case have.Dictionary == nil:
		switch want.Dictionary.Index.Bits {
		case 8:
			return encode[int8](have.Type, limits)
		case 16:
			return encode[int16](have.Type, limits)
		}
		return encode[int32](have.Type, limits)
	}
	w, h := want.Dictionary.Index, have.Dictionary.Index
	if w.Equal(h) {
		return nil
	}
	switch w.Bits {
	case 8:
		return indicesFrom[int8](h)
	case 16:
		return indicesFrom[int16](h)
	}
	return indicesFrom[int32](h)
}

func indicesFrom[D column.Index](h ipc.Type) converter {
	switch {
	case h.Signed && h.Bits == 8:
		return convertIndices[D, int8]
	case h.Signed && h.Bits == 16:
		return convertIndices[D, int16]
	case h.Signed && h.Bits == 32:
		return convertIndices[D, int32]
	case h.Signed:
		return convertIndices[D, int64]
	case h.Bits == 8:
		return convertIndices[D, uint8]
	case h.Bits == 16:
		return convertIndices[D, uint16]
	case h.Bits == 32:
		return convertIndices[D, uint32]
	}
	return convertIndices[D, uint64]
}

// convertIndices changes the width of a dictionary's indices. Null rows get 0.
func convertIndices[D, S column.Index](h Handle, d *column.Data) (int, error) {
	dst, err := scratch[D](h, d.Len)
	if err != nil {
		return 0, err
	}
	src, n := column.View[S](d.Buffers[1])[:len(dst)], uint64(d.Values.Len())
	for i := range dst {
		x := src[i]
		dst[i] = D(x)
		if uint64(x) < n && S(dst[i]) == x && dst[i] >= 0 {
			continue
		}
		if dst[i] = 0; !d.IsNull(i) {
			if uint64(x) < n {
				return i, fmt.Errorf("%w: index %d of the stream's dictionary, the table has %d bits for it; use a wider index", ErrInexact, x, 8*column.SizeOf[D]())
			}
			return i, fmt.Errorf("%w: %d of %d values", ErrIndex, x, n)
		}
	}
	d.Buffers[1] = column.Bytes(dst)
	return 0, nil
}

// plainText brings text or bytes in any layout to 32-bit offsets.
func plainText(have ipc.Type, limits *ipc.Limits) converter {
	switch textForm(have) {
	case column.PlainText:
		return nil
	case column.LargeText:
		return narrowOffsets
	}
	most := limits.MaxExpanded
	return func(h Handle, d *column.Data) (int, error) {
		return gather(h, d, most, func(i int) []byte { return column.TextAt(d, column.ViewText, i) })
	}
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
		return d.Len - 1, fmt.Errorf("%w: text from byte %d to %d of %d; 32-bit offsets reach 2 GiB", ErrInexact, from, to, len(d.Buffers[2]))
	}
	for i := range dst {
		dst[i] = int32(src[i] - from)
	}
	d.Buffers[1], d.Buffers[2] = column.Bytes(dst), d.Buffers[2][from:to]
	return 0, nil
}

// expand writes out the values of a dictionary.
func expand(index ipc.Type, limits *ipc.Limits) converter {
	most := limits.MaxExpanded
	bits, signed := index.Bits, index.Signed
	return func(h Handle, d *column.Data) (int, error) {
		if row := column.CheckIndices(d, bits, signed); row >= 0 {
			return row, fmt.Errorf("%w: %d values", ErrIndex, d.Values.Len())
		}
		if err := foldNulls(h, d, bits, signed); err != nil {
			return 0, err
		}
		values := d.Values.Strings()
		row, err := gather(h, d, most, func(i int) string {
			return values[column.IndexAt(d, bits, signed, i)]
		})
		d.Dictionary, d.Values = nil, column.Values{}
		return row, err
	}
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

// gather makes a plain text column of what at returns for each row that is not null.
func gather[T string | []byte](h Handle, d *column.Data, most int64, at func(i int) T) (int, error) {
	offsets, err := scratch[int32](h, d.Len+1)
	if err != nil {
		return 0, err
	}
	var total int64
	most = min(most, math.MaxInt32)
	for i := range d.Len {
		if !d.IsNull(i) {
			total += int64(len(at(i)))
		}
		if total > most {
			return i, fmt.Errorf("%w: the rows expand to more than %d bytes; raise Limits.MaxExpanded, or let the sender make smaller batches", ipc.ErrLimit, most)
		}
	}
	data, err := record.Scratch(h, int(total))
	if err != nil {
		return 0, err
	}
	n := 0
	offsets[0] = 0
	for i := range d.Len {
		if !d.IsNull(i) {
			n += copy(data[n:], at(i))
		}
		offsets[i+1] = int32(n)
	}
	d.Buffers[1], d.Buffers[2], d.Variadic = column.Bytes(offsets), data, nil
	return 0, nil
}

// encode puts text into a dictionary that grows with the stream. One that is half full is left, and a new one begun, so that a
// stream of ever new values takes bounded memory, and needs indices only for those of one batch.
func encode[I column.Index](have ipc.Type, limits *ipc.Limits) converter {
	e := encoder[I]{form: textForm(have), entries: limits.MaxDictionaryEntries, size: limits.MaxDictionaryBytes, dict: column.NewDictionary(0)}
	return e.convert
}

type encoder[I column.Index] struct {
	form    column.TextForm
	entries int
	size    int64 // bytes
	dict    *column.Dictionary
}

func (e *encoder[I]) convert(h Handle, d *column.Data) (row int, err error) {
	if e.dict.Len() > e.entries/2 || int64(e.dict.Size()) > e.size/2 {
		e.dict = column.NewDictionary(0)
	}
	dst, err := scratch[I](h, d.Len)
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
	return row, err
}

func (e *encoder[I]) fill(dst []I, d *column.Data) (int, error) {
	most := 1 << min(8*column.SizeOf[I]()-1, 30)
	for i := range dst {
		if dst[i] = 0; d.IsNull(i) {
			continue
		}
		x, err := e.dict.IndexBytes(column.TextAt(d, e.form, i), most)
		switch {
		case err != nil:
			return i, err
		case e.dict.Len() > e.entries:
			return i, fmt.Errorf("%w: more than %d values in a batch exceed Limits.MaxDictionaryEntries", ipc.ErrLimit, e.entries)
		case int64(e.dict.Size()) > e.size:
			return i, fmt.Errorf("%w: more than %d bytes of values in a batch exceed Limits.MaxDictionaryBytes", ipc.ErrLimit, e.size)
		}
		dst[i] = I(x)
	}
	return 0, nil
}

// fixedToBinary gives byte strings of one width the offsets of any width.
func fixedToBinary(width int) converter {
	return func(h Handle, d *column.Data) (int, error) {
		offsets, err := scratch[int32](h, d.Len+1)
		if err != nil {
			return 0, err
		}
		if int64(width)*int64(d.Len) > math.MaxInt32 {
			return d.Len - 1, fmt.Errorf("%w: %d rows of %d bytes; 32-bit offsets reach 2 GiB", ErrInexact, d.Len, width)
		}
		for i := range offsets {
			offsets[i] = int32(i * width)
		}
		d.Buffers[1], d.Buffers[2] = column.Bytes(offsets), d.Buffers[1]
		return 0, nil
	}
}

// absent makes a column that the stream does not have: nulls, or a default. A batch may claim any number of rows where it
// has no column of its own, hence the limit.
func absent(want *Column, limits *ipc.Limits) converter {
	fill, most := absentOf(want), limits.MaxExpanded
	return func(h Handle, d *column.Data) (int, error) {
		if int64(d.Len) > most/9 { // at most 8 bytes and a bit each
			return 0, fmt.Errorf("%w: %d rows of a column that the stream does not have take more than %d bytes; raise Limits.MaxExpanded", ipc.ErrLimit, d.Len, most)
		}
		return fill(h, d)
	}
}

func absentOf(want *Column) converter {
	if want.Default == nil {
		return func(h Handle, d *column.Data) (int, error) { return 0, absentNulls(h, d, want) }
	}
	value, text := defaultBytes(want)
	var dict *column.Dictionary
	if want.Dictionary != nil {
		dict = column.NewDictionary(0)
		dict.Append(text, false)
		value = make([]byte, want.Dictionary.Index.Bits/8) // index 0
	}
	return func(h Handle, d *column.Data) (int, error) {
		switch {
		case dict != nil:
			d.Dictionary, d.Values = dict, dict.Values()
			return 0, repeat(h, d, value)
		case want.Type.IsText() || want.Type.IsBinary():
			return gather(h, d, math.MaxInt32, func(int) []byte { return value })
		case want.Type.Kind == ipc.KindBool:
			bits, err := record.Scratch(h, (d.Len+7)/8)
			for i := range bits {
				bits[i] = -value[0] // all ones or none
			}
			d.Buffers[1] = bits
			return 0, err
		}
		return 0, repeat(h, d, value)
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

func absentNulls(h Handle, d *column.Data, want *Column) error {
	width, values := want.Type.Bits/8, d.Len
	switch {
	case want.Dictionary != nil:
		width = want.Dictionary.Index.Bits / 8
	case want.Type.Kind == ipc.KindTimestamp:
		width = 8
	case want.Type.Kind == ipc.KindBool:
		width = 1
	case want.Type.IsText() || want.Type.IsBinary(): // offsets
		width, values = 4, d.Len+1
	}
	n := mulPad(values, width)
	b, err := record.Scratch(h, n+(d.Len+7)/8)
	if err != nil {
		return err
	}
	clear(b)
	d.Nulls = d.Len
	d.Buffers[0], d.Buffers[1] = b[n:], b[:values*width]
	return nil
}

func mulPad(n, width int) int { return (n*width + 63) &^ 63 }

// defaultBytes returns a default as it stands in a column.
func defaultBytes(want *Column) (value []byte, text string) {
	var bits uint64
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
	case uint64:
		bits = v
	case float64:
		if bits = math.Float64bits(v); want.Type.Bits == 32 {
			bits = uint64(math.Float32bits(float32(v)))
		}
	}
	value = binary.LittleEndian.AppendUint64(nil, bits)
	if want.Type.Bits != 0 {
		value = value[:want.Type.Bits/8]
	}
	return value, ""
}
