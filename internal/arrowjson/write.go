package arrowjson

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// writer turns buffers into JSON columns, and collects the dictionaries that they lead to.
type writer struct {
	dicts map[int64]*sentDictionary
	order []int64
}

type sentDictionary struct {
	field      *ipc.Field
	dictionary *column.Dictionary
	values     column.Values
}

func (w *writer) columns(fields []ipc.Field, columns []column.Data) ([]jsonColumn, error) {
	js := make([]jsonColumn, len(fields))
	for i := range fields {
		js[i] = jsonColumn{Name: fields[i].Name, Count: columns[i].Len}
		if err := w.column(&fields[i], &columns[i], &js[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", fields[i].Name, err)
		}
	}
	return js, nil
}

func (w *writer) column(f *ipc.Field, d *column.Data, j *jsonColumn) (err error) {
	t := f.Type
	if f.Dictionary != nil || t.Kind != ipc.KindNull && t.Kind != ipc.KindUnion && t.Kind != ipc.KindRunEndEncoded {
		j.Validity = []int{}
		for i := range d.Len {
			valid := 1
			if d.Nulls != 0 && d.IsNull(i) {
				valid = 0
			}
			j.Validity = append(j.Validity, valid)
		}
	}
	if f.Dictionary != nil {
		if err := w.dictionary(f, d); err != nil {
			return err
		}
		j.Data = fixedData(f.Dictionary.Index, d.Buffers[1], d.Len)
		return nil
	}
	switch t.Kind {
	case ipc.KindNull, ipc.KindStruct, ipc.KindFixedSizeList, ipc.KindRunEndEncoded:
	case ipc.KindBool:
		j.Data = []json.RawMessage{}
		for i := range d.Len {
			j.Data = append(j.Data, json.RawMessage(strconv.FormatBool(d.Buffers[1][i/8]>>(i%8)&1 != 0)))
		}
	case ipc.KindUtf8, ipc.KindBinary, ipc.KindList, ipc.KindMap:
		j.Offsets = numbers(d.Buffers[1], 4, d.Len+1)
	case ipc.KindLargeUtf8, ipc.KindLargeBinary, ipc.KindLargeList:
		j.Offsets = numbers(d.Buffers[1], 8, d.Len+1)
	case ipc.KindUtf8View, ipc.KindBinaryView:
		writeViews(t, d, j)
	case ipc.KindListView:
		j.Offsets, j.Sizes = numbers(d.Buffers[1], 4, d.Len), numbers(d.Buffers[2], 4, d.Len)
	case ipc.KindLargeListView:
		j.Offsets, j.Sizes = numbers(d.Buffers[1], 8, d.Len), numbers(d.Buffers[2], 8, d.Len)
	case ipc.KindUnion:
		j.TypeIDs = []int{}
		for _, id := range d.Buffers[1] {
			j.TypeIDs = append(j.TypeIDs, int(int8(id)))
		}
		if t.Variant == 1 {
			j.Offsets = numbers(d.Buffers[2], 4, d.Len)
		}
	default:
		j.Data = fixedData(t, d.Buffers[1], d.Len)
	}
	if t.IsText() || t.IsBinary() {
		writeTexts(t, d, j)
	}
	j.Children, err = w.columns(f.Children, d.Children)
	return err
}

// dictionary notes the dictionary of a column. A longer one takes the place of a shorter one that it continues.
func (w *writer) dictionary(f *ipc.Field, d *column.Data) error {
	id := f.Dictionary.ID
	have := w.dicts[id]
	switch {
	case have == nil:
		w.dicts[id] = &sentDictionary{f, d.Dictionary, d.Values}
		w.order = append(w.order, id)
	case have.dictionary != d.Dictionary:
		return fmt.Errorf("dictionary %d is replaced, which the JSON has no place for", id)
	case have.values.Len() < d.Values.Len():
		have.values = d.Values
	}
	return nil
}

// numbers writes integers of 4 bytes as numbers and those of 8 as strings. Where there are no rows there may be no offset.
func numbers(b []byte, width, n int) (list []json.RawMessage) {
	if n == 1 && len(b) == 0 {
		b = make([]byte, width)
	}
	list = []json.RawMessage{}
	for i := range n {
		s := integer(b[i*width:(i+1)*width], true).String()
		if width == 8 {
			s = strconv.Quote(s)
		}
		list = append(list, json.RawMessage(s))
	}
	return list
}

// integer returns a little-endian number.
func integer(b []byte, signed bool) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	v := new(big.Int).SetBytes(b)
	if signed && len(b) > 0 && b[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return v
}

func fixedData(t ipc.Type, b []byte, rows int) (list []json.RawMessage) {
	width := ipc.ValueWidth(t)
	list = []json.RawMessage{}
	for i := range rows {
		list = append(list, fixedValue(t, b[i*width:(i+1)*width]))
	}
	return list
}

func fixedValue(t ipc.Type, b []byte) json.RawMessage {
	switch {
	case t.Kind == ipc.KindFloat:
		return floatJSON(floatOf(t, b))
	case t.Kind == ipc.KindFixedSizeBinary:
		return quoted(hexOf(b))
	case t.Kind == ipc.KindInterval && t.Variant == 1:
		return json.RawMessage(fmt.Sprintf(`{"days": %v, "milliseconds": %v}`, integer(b[:4], true), integer(b[4:8], true)))
	case t.Kind == ipc.KindInterval && t.Variant == 2:
		return json.RawMessage(fmt.Sprintf(`{"months": %v, "days": %v, "nanoseconds": %v}`, integer(b[:4], true), integer(b[4:8], true), integer(b[8:16], true)))
	}
	s := integer(b, t.Kind != ipc.KindInt || t.Signed).String()
	if len(b) >= 8 || t.Kind == ipc.KindDecimal {
		s = strconv.Quote(s)
	}
	return json.RawMessage(s)
}

func floatOf(t ipc.Type, b []byte) float64 {
	bits := integer(b, false).Uint64()
	switch t.Bits {
	case 16:
		return float64(column.Float16(bits).Float32())
	case 32:
		return float64(math.Float32frombits(uint32(bits)))
	}
	return math.Float64frombits(bits)
}

func floatJSON(v float64) json.RawMessage {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		s = strconv.Quote(s)
	}
	return json.RawMessage(s)
}

func hexOf(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func textJSON(t ipc.Type, b []byte) string {
	if t.IsText() {
		return string(b)
	}
	return hexOf(b)
}

func writeTexts(t ipc.Type, d *column.Data, j *jsonColumn) {
	form := t.TextForm()
	if form == column.ViewText {
		return
	}
	j.Data = []json.RawMessage{}
	for i := range d.Len {
		j.Data = append(j.Data, quoted(textJSON(t, column.TextAt(d, form, i))))
	}
}

func writeViews(t ipc.Type, d *column.Data, j *jsonColumn) {
	j.Views, j.Variadic = []jsonView{}, []string{}
	number := func(b []byte) int { return int(integer(b, true).Int64()) }
	for i := range d.Len {
		v := d.Buffers[1][16*i : 16*i+16]
		view := jsonView{Size: number(v[:4])}
		if d.IsNull(i) {
			view.Size = 0 // it may lead anywhere
		}
		if view.Size <= 12 {
			s := textJSON(t, v[4:4+view.Size])
			view.Inlined = &s
		} else {
			view.Prefix, view.Buffer, view.Offset = hexOf(v[4:8]), number(v[8:12]), number(v[12:16])
		}
		j.Views = append(j.Views, view)
	}
	for _, b := range d.Variadic {
		j.Variadic = append(j.Variadic, hexOf(b))
	}
}
