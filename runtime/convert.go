package rt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/internal/asm"
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

const (
	noConversion = "no conversion"
	millisPerDay = 24 * 60 * 60 * 1000
)

// convertTo returns how a column of the stream becomes want, nil where it is that already; or, where it cannot, a remedy.
func convertTo(want *Column, have *ipc.Field, limits *ipc.Limits) (c converter, remedy string) {
	w, h := want.Type, have.Type
	switch {
	case len(have.Children) != 0:
		return nil, noConversion
	case h.Kind == ipc.KindNull && w.Kind != ipc.KindNull:
		if want.Nullable {
			return absentOf(&Column{Field: want.Field, Parts: want.Parts, From: want.From}, limits), ""
		}
		return nil, "the stream has nothing but nulls; make it nullable"
	case want.Dictionary == nil && have.Dictionary == nil && w.Equal(h):
		return nil, ""
	case want.From == nil || want.From.convert == nil:
		return nil, noConversion
	}
	return want.From.convert(want, have, limits)
}

// convertNumber converts to integers and floats.
func convertNumber(want *Column, have *ipc.Field, limits *ipc.Limits) (c converter, remedy string) {
	w, h := want.Type, have.Type
	switch {
	case have.Dictionary != nil:
		return expandValues(want, have, limits)
	case w.Kind == ipc.KindInt && h.Kind == ipc.KindInt:
		if c := widenInt(w, h); c != nil {
			return c, ""
		}
		return nil, fmt.Sprintf("no conversion without loss; make it %v", h)
	case w.Kind == ipc.KindFloat && h.Kind == ipc.KindFloat && w.Bits > h.Bits:
		return widenFloat(w, h), ""
	}
	return nil, noConversion
}

// convertTime converts to dates, times, durations, timestamps and decimals.
func convertTime(want *Column, have *ipc.Field, limits *ipc.Limits) (c converter, remedy string) {
	w, h := want.Type, have.Type
	switch {
	case have.Dictionary != nil:
		return expandValues(want, have, limits)
	case w.Kind == ipc.KindDecimal && h.Kind == ipc.KindDecimal:
		if w.Scale != h.Scale || w.Bits < h.Bits || w.Precision < h.Precision {
			return nil, fmt.Sprintf("no conversion without loss; make it %v", h)
		}
		return widenDecimal(w.Bits/8, h.Bits/8), ""
	case w.Kind == ipc.KindDate && h.Kind == ipc.KindDate:
		if w.Variant == 1 {
			return scale[int64, int32](millisPerDay, 1, h, w), ""
		}
		return scale[int32, int64](1, millisPerDay, h, w), ""
	case w.Kind == ipc.KindTime && h.Kind == ipc.KindTime, w.Kind == ipc.KindDuration && h.Kind == ipc.KindDuration:
		return convertSpan(w, h), ""
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

// convertBytes converts to text and bytes, and to anything in a dictionary.
func convertBytes(want *Column, have *ipc.Field, limits *ipc.Limits) (c converter, remedy string) {
	w, h := want.Type, have.Type
	switch {
	case w.IsText() && h.IsText(), w.IsBinary() && h.IsBinary():
		return convertText(want, have, limits), ""
	case want.Dictionary != nil || have.Dictionary != nil:
		return convertDictionary(want, have, limits)
	case w.IsBinary() && h.Kind == ipc.KindFixedSizeBinary:
		return fixedToBinary(w.TextForm(), h.Width, limits), ""
	case w.Kind == ipc.KindFixedSizeBinary && h.IsBinary():
		return binaryToFixed(w.Width, h.TextForm()), ""
	case w.Kind == ipc.KindFixedSizeBinary && h.Kind == ipc.KindFixedSizeBinary:
		return nil, fmt.Sprintf("no conversion; make it [%d]byte", h.Width)
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

// widenInt sets integers in more bits. Where those of the stream have no sign, neither have their bits in a signed type.
func widenInt(w, h ipc.Type) converter {
	switch {
	case h.Bits >= w.Bits || h.Signed && !w.Signed:
		return nil
	case h.Signed && h.Bits == 32:
		return widen[int64, int32]
	case h.Signed && h.Bits == 16 && w.Bits == 32:
		return widen[int32, int16]
	case h.Signed && h.Bits == 16:
		return widen[int64, int16]
	case h.Signed && w.Bits == 16:
		return widen[int16, int8]
	case h.Signed && w.Bits == 32:
		return widen[int32, int8]
	case h.Signed:
		return widen[int64, int8]
	case h.Bits == 32:
		return widenUnsigned[uint64, uint32]
	case h.Bits == 16 && w.Bits == 32:
		return widenUnsigned[uint32, uint16]
	case h.Bits == 16:
		return widenUnsigned[uint64, uint16]
	case w.Bits == 16:
		return widenUnsigned[uint16, uint8]
	case w.Bits == 32:
		return widenUnsigned[uint32, uint8]
	}
	return widenUnsigned[uint64, uint8]
}

// widenUnsigned is widen with the kernel that is there for some widths.
func widenUnsigned[D, S unsigned](h Handle, d *column.Data) (int, error) {
	return 0, resizeTo[D](h, d, column.View[S](d.Buffers[1])[:d.Len])
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
		dst[i] = D(column.Float16(binary.LittleEndian.Uint16(d.Buffers[1][2*i:])).Float32())
	}
	d.Buffers[1] = column.Bytes(dst)
	return 0, nil
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
			src := column.View[int64](d.Buffers[1])[:len(dst)]
			bits := asm.Scale64(dst, src, factor)
			// No value is further from zero than the bits of all together and one. Where that does not tell, each is looked at.
			if bits >= most {
				for i, v := range src {
					if (v > most || v < -most) && !d.IsNull(i) {
						return i, fmt.Errorf("%w: %v is too far from 1970 for unit %v; give the table's column unit %v", ErrInexact, have.Time(v), want, have)
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
				return i, fmt.Errorf("%w: %d %v is no whole number of unit %v; give the table's column unit %[3]v", ErrInexact, v, have, want)
			}
		}
		d.Buffers[1] = column.Bytes(dst)
		return 0, nil
	}
}

// convertSpan changes the unit and width of spans of time and of times of day.
func convertSpan(w, h ipc.Type) converter {
	mul, div := int64(1), int64(1)
	if w.Unit > h.Unit {
		mul = int64(w.Unit / h.Unit)
	} else {
		div = int64(h.Unit / w.Unit)
	}
	switch {
	case w.Bits == 32 && h.Bits == 32:
		return scale[int32, int32](mul, div, h, w)
	case w.Bits == 32:
		return scale[int32, int64](mul, div, h, w)
	case h.Bits == 32:
		return scale[int64, int32](mul, div, h, w)
	}
	return scale[int64, int64](mul, div, h, w)
}

// scale multiplies values, or divides them where nothing is lost.
func scale[D, S int32 | int64](mul, div int64, have, want ipc.Type) converter {
	inexact := func(v int64) error {
		return fmt.Errorf("%w: %d of %v does not fit %v; give the table's column the stream's type", ErrInexact, v, have, want)
	}
	most := math.MaxInt64 / mul
	return func(h Handle, d *column.Data) (int, error) {
		dst, err := scratch[D](h, d.Len)
		if err != nil {
			return 0, err
		}
		src := column.View[S](d.Buffers[1])[:len(dst)]
		if div == 1 {
			for i := range dst {
				v := int64(src[i])
				dst[i] = D(v * mul)
				if (v > most || v < -most || int64(dst[i]) != v*mul) && !d.IsNull(i) {
					return i, inexact(v)
				}
			}
		} else {
			for i := range dst {
				v := int64(src[i])
				q := v / div
				dst[i] = D(q)
				if (q*div != v || int64(dst[i]) != q) && !d.IsNull(i) {
					return i, inexact(v)
				}
			}
		}
		d.Buffers[1] = column.Bytes(dst)
		return 0, nil
	}
}

// widenDecimal extends the sign of decimals of have bytes to want bytes; nil where there is nothing to do.
func widenDecimal(want, have int) converter {
	if want == have {
		return nil
	}
	return func(h Handle, d *column.Data) (int, error) {
		dst, err := record.Scratch(h, d.Len*want)
		if err != nil {
			return 0, err
		}
		for i := range d.Len {
			from, to := d.Buffers[1][i*have:i*have+have], dst[i*want:i*want+want]
			sign := byte(int8(from[have-1]) >> 7)
			for k := copy(to, from); k < want; k++ {
				to[k] = sign
			}
		}
		d.Buffers[1] = dst
		return 0, nil
	}
}
