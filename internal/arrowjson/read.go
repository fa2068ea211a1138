package arrowjson

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// reader turns JSON columns into buffers.
type reader struct{ dicts map[int64]*column.Dictionary }

func (r *reader) columns(fields []ipc.Field, js []jsonColumn) ([]column.Data, error) {
	if len(js) != len(fields) {
		return nil, fmt.Errorf("%d columns, the schema has %d", len(js), len(fields))
	}
	columns := make([]column.Data, len(fields))
	for i := range fields {
		if err := r.column(&fields[i], &js[i], &columns[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", fields[i].Name, err)
		}
	}
	return columns, nil
}

func (r *reader) column(f *ipc.Field, j *jsonColumn, d *column.Data) (err error) {
	d.Len = j.Count
	if err := validity(j, d); err != nil {
		return err
	}
	if e := f.Dictionary; e != nil {
		d.Dictionary = r.dicts[e.ID]
		d.Values = d.Dictionary.Values()
		d.Buffers[1], err = fixed(e.Index, j.Data, d.Len)
		return err
	}
	switch t := f.Type; t.Kind {
	case ipc.KindNull:
		d.Nulls = d.Len
	case ipc.KindBool:
		d.Buffers[1], err = bools(j.Data, d.Len)
	case ipc.KindUtf8, ipc.KindBinary, ipc.KindLargeUtf8, ipc.KindLargeBinary:
		err = texts(t, j, d)
	case ipc.KindUtf8View, ipc.KindBinaryView:
		err = views(t, j, d)
	case ipc.KindList, ipc.KindMap:
		d.Buffers[1], err = integers(j.Offsets, 4, d.Len+1)
	case ipc.KindLargeList:
		d.Buffers[1], err = integers(j.Offsets, 8, d.Len+1)
	case ipc.KindListView, ipc.KindLargeListView:
		width := 4
		if t.Kind == ipc.KindLargeListView {
			width = 8
		}
		if d.Buffers[1], err = integers(j.Offsets, width, d.Len); err == nil {
			d.Buffers[2], err = integers(j.Sizes, width, d.Len)
		}
	case ipc.KindFixedSizeList, ipc.KindStruct, ipc.KindRunEndEncoded:
	case ipc.KindUnion:
		err = union(t, j, d)
	default:
		d.Buffers[1], err = fixed(t, j.Data, d.Len)
	}
	if err != nil || len(f.Children) == 0 {
		return err
	}
	d.Children, err = r.columns(f.Children, j.Children)
	return err
}

func validity(j *jsonColumn, d *column.Data) error {
	if j.Validity == nil {
		return nil
	}
	if len(j.Validity) != d.Len {
		return fmt.Errorf("VALIDITY of %d rows, want %d", len(j.Validity), d.Len)
	}
	bits := mem.Alloc((d.Len + 7) / 8)
	for i, v := range j.Validity {
		if v == 0 {
			d.Nulls++
		} else {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	if d.Nulls != 0 {
		d.Buffers[0] = bits
	}
	return nil
}

func bools(data []json.RawMessage, rows int) ([]byte, error) {
	if len(data) != rows {
		return nil, fmt.Errorf("DATA of %d rows, want %d", len(data), rows)
	}
	bits := mem.Alloc((rows + 7) / 8)
	for i, p := range data {
		if s := string(p); s == "true" || s == "1" {
			bits[i/8] |= 1 << (i % 8)
		} else if s != "false" && s != "0" {
			return nil, fmt.Errorf("row %d: %s is no bool", i, p)
		}
	}
	return bits, nil
}

// integers reads numbers, in quotes or not, of width bytes each. An absent list is one of none.
func integers(data []json.RawMessage, width, want int) ([]byte, error) {
	if len(data) != want && !(len(data) == 0 && want == 1) {
		return nil, fmt.Errorf("%d numbers, want %d", len(data), want)
	}
	b := mem.Alloc(len(data) * width)
	for i, p := range data {
		if err := putInteger(b[i*width:(i+1)*width], p); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return b, nil
}

// putInteger writes a number as two's complement, little-endian.
func putInteger(b []byte, p json.RawMessage) error {
	v, ok := new(big.Int).SetString(strings.Trim(string(p), `"`), 10)
	if !ok {
		return fmt.Errorf("%s is no integer", p)
	}
	if v.BitLen() > 8*len(b) {
		return fmt.Errorf("%s does not fit %d bytes", p, len(b))
	}
	if v.Sign() < 0 {
		v.Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	v.FillBytes(b)
	for i, k := 0, len(b)-1; i < k; i, k = i+1, k-1 {
		b[i], b[k] = b[k], b[i]
	}
	return nil
}

// fixed reads values of fixed width.
func fixed(t ipc.Type, data []json.RawMessage, rows int) ([]byte, error) {
	if len(data) != rows {
		return nil, fmt.Errorf("DATA of %d rows, want %d", len(data), rows)
	}
	width := ipc.ValueWidth(t)
	b := mem.Alloc(rows * width)
	for i, p := range data {
		if err := putFixed(t, b[i*width:(i+1)*width], p); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return b, nil
}

func putFixed(t ipc.Type, b []byte, p json.RawMessage) error {
	switch {
	case t.Kind == ipc.KindFloat:
		v, err := strconv.ParseFloat(strings.Trim(string(p), `"`), 64)
		if err != nil {
			return err
		}
		switch t.Bits {
		case 16:
			h := column.Float16Of(float32(v))
			b[0], b[1] = byte(h), byte(h>>8)
		case 32:
			copy(b, column.Bytes([]float32{float32(v)}))
		default:
			copy(b, column.Bytes([]float64{v}))
		}
		return nil
	case t.Kind == ipc.KindFixedSizeBinary:
		v, err := unhex(p)
		if err == nil && len(v) != len(b) {
			err = fmt.Errorf("%d bytes, want %d", len(v), len(b))
		}
		copy(b, v)
		return err
	case t.Kind == ipc.KindInterval && t.Variant != 0:
		return putInterval(t, b, p)
	}
	return putInteger(b, p)
}

func putInterval(t ipc.Type, b []byte, p json.RawMessage) error {
	parts := []struct {
		name     string
		from, to int
	}{{"days", 0, 4}, {"milliseconds", 4, 8}}
	if t.Variant == 2 {
		parts = []struct {
			name     string
			from, to int
		}{{"months", 0, 4}, {"days", 4, 8}, {"nanoseconds", 8, 16}}
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(p, &m); err != nil {
		return err
	}
	for _, part := range parts {
		if err := putInteger(b[part.from:part.to], m[part.name]); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

func unhex(p json.RawMessage) ([]byte, error) {
	var s string
	if err := json.Unmarshal(p, &s); err != nil {
		return nil, err
	}
	return hex.DecodeString(s)
}

// textOf reads a value of a column of strings or byte strings.
func textOf(t ipc.Type, p json.RawMessage) ([]byte, error) {
	if !t.IsText() {
		return unhex(p)
	}
	var s string
	err := json.Unmarshal(p, &s)
	return []byte(s), err
}

// texts makes offsets of the values; those in the JSON may have gaps, and are only counted.
func texts(t ipc.Type, j *jsonColumn, d *column.Data) error {
	if len(j.Data) != d.Len {
		return fmt.Errorf("DATA of %d rows, want %d", len(j.Data), d.Len)
	}
	width := 4
	if t.Kind == ipc.KindLargeUtf8 || t.Kind == ipc.KindLargeBinary {
		width = 8
	}
	if _, err := integers(j.Offsets, width, d.Len+1); err != nil {
		return fmt.Errorf("OFFSET: %w", err)
	}
	offsets := mem.Alloc((d.Len + 1) * width)
	var all []byte
	for i, p := range j.Data {
		v, err := textOf(t, p)
		if err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		all = append(all, v...)
		if err := putInteger(offsets[(i+1)*width:(i+2)*width], json.RawMessage(strconv.Itoa(len(all)))); err != nil {
			return err
		}
	}
	d.Buffers[1], d.Buffers[2] = offsets, all
	return nil
}

func views(t ipc.Type, j *jsonColumn, d *column.Data) error {
	if len(j.Views) != d.Len {
		return fmt.Errorf("VIEWS of %d rows, want %d", len(j.Views), d.Len)
	}
	d.Variadic = make([][]byte, len(j.Variadic))
	for i, s := range j.Variadic {
		var err error
		if d.Variadic[i], err = hex.DecodeString(s); err != nil {
			return err
		}
	}
	var b []byte
	for i := range j.Views {
		v := &j.Views[i]
		if v.Size < 0 || v.Size > math.MaxInt32 {
			return fmt.Errorf("row %d: SIZE %d", i, v.Size)
		}
		view := make([]byte, 16)
		copy(view, column.Bytes([]uint32{uint32(v.Size)}))
		if v.Inlined != nil {
			text, err := textOf(t, quoted(*v.Inlined))
			if err != nil {
				return fmt.Errorf("row %d: %w", i, err)
			}
			copy(view[4:], text)
		} else {
			prefix, err := hex.DecodeString(v.Prefix)
			if err != nil {
				return fmt.Errorf("row %d: %w", i, err)
			}
			copy(view[4:8], prefix)
			copy(view[8:], column.Bytes([]uint32{uint32(v.Buffer), uint32(v.Offset)}))
		}
		b = append(b, view...)
	}
	d.Buffers[1] = b
	return nil
}

func union(t ipc.Type, j *jsonColumn, d *column.Data) (err error) {
	if len(j.TypeIDs) != d.Len {
		return fmt.Errorf("TYPE_ID of %d rows, want %d", len(j.TypeIDs), d.Len)
	}
	d.Buffers[1] = make([]byte, d.Len)
	for i, id := range j.TypeIDs {
		d.Buffers[1][i] = byte(id)
	}
	if t.Variant == 1 {
		d.Buffers[2], err = integers(j.Offsets, 4, d.Len)
	}
	return err
}
