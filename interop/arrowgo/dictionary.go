package arrowgo

import (
	"encoding/binary"
	"fmt"
	"math"
	"weak"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// exportedColumnDictionary is one whose values are a column, in arrow-go's form.
type exportedColumnDictionary struct {
	of    *column.Dictionary
	data  *column.Data
	array *array.Data
}

// values returns the values that a column's indices stand for, which are memory of the heap. They are valid without being retained
// until the next call.
func (x *exportedColumnDictionary) values(c *exportedColumn, d *column.Data) (*array.Data, error) {
	v := d.Values.Column()
	if v == nil { // a dictionary that holds nothing yet
		none := noRows(c.field)
		v = &none
	}
	if x.array != nil && x.of == d.Dictionary && x.data == v {
		return x.array, nil
	}
	a, err := c.data(nil, v)
	if err != nil {
		return nil, err
	}
	*x = exportedColumnDictionary{d.Dictionary, v, a}
	return a, nil
}

// exportedDictionary is a dictionary in arrow-go's form. Where the dictionary grows, what is new is appended behind what older arrays
// see, so that many small additions take linear time.
type exportedDictionary struct {
	of    *column.Dictionary
	n     int
	fixed []byte // values, offsets or views
	text  []byte
	array *array.Data // of the n values
}

// values returns the values that a column's indices stand for. They are valid without being retained until the next call.
func (x *exportedDictionary) values(f *ipc.Field, d *column.Data) (*array.Data, error) {
	n := d.Values.Len()
	switch {
	case x.array != nil && x.of == d.Dictionary && x.n == n:
		return x.array, nil
	case x.of != d.Dictionary || n < x.n: // n < x.n: an older batch
		*x = exportedDictionary{of: d.Dictionary}
	}
	x.array = nil
	var err error
	layout := layoutOf(f.Type)
	switch layout {
	case layoutFixed:
		err = x.extendFixed(f, d.Values)
	case layoutView:
		err = x.extendViews(f, d.Values)
	default:
		err = x.extendText(f, d.Values)
	}
	if err != nil {
		*x = exportedDictionary{}
		return nil, err
	}
	nulls, validity := nullsOf(d.Values)
	// Nothing here counts references: it is memory of the Go heap, and never used for anything else.
	buffers := []*memory.Buffer{validity, memory.NewBufferBytes(x.fixed[:len(x.fixed):len(x.fixed)])}
	if layout == layoutText || layout == layoutView && len(x.text) != 0 {
		buffers = append(buffers, memory.NewBufferBytes(x.text[:len(x.text):len(x.text)]))
	}
	x.array = array.NewData(flatTo(f.Type), n, buffers, nil, nulls, 0)
	return x.array, nil
}

// extendFixed appends the values from x.n on.
func (x *exportedDictionary) extendFixed(f *ipc.Field, v column.Values) error {
	width := widthOf(f.Type)
	x.fixed = mem.Grow(x.fixed, (v.Len()-x.n)*width)
	for ; x.n < v.Len(); x.n++ {
		from := len(x.fixed)
		x.fixed = x.fixed[:from+width]
		clear(x.fixed[from:])
		if s := v.At(x.n); !v.IsNull(x.n) && len(s) != width {
			return fmt.Errorf("lightstream: column %q: value %d of the dictionary has %d bytes, %v has %d", f.Name, x.n, len(s), f.Type, width)
		} else {
			copy(x.fixed[from:], s)
		}
	}
	return nil
}

// extendText appends the values from x.n on.
func (x *exportedDictionary) extendText(f *ipc.Field, v column.Values) error {
	width := offsetWidth(f.Type)
	x.fixed = mem.Grow(x.fixed, (v.Len()-x.n+1)*width)
	if len(x.fixed) == 0 {
		x.fixed = append(x.fixed, make([]byte, width)...) // the offset before all values
	}
	for ; x.n < v.Len(); x.n++ {
		if err := x.add(f, v.At(x.n), width == 8); err != nil {
			return err
		}
		if width == 8 {
			x.fixed = binary.LittleEndian.AppendUint64(x.fixed, uint64(len(x.text)))
		} else {
			x.fixed = binary.LittleEndian.AppendUint32(x.fixed, uint32(len(x.text)))
		}
	}
	return nil
}

// extendViews appends the values from x.n on.
func (x *exportedDictionary) extendViews(f *ipc.Field, v column.Values) error {
	x.fixed = mem.Grow(x.fixed, (v.Len()-x.n)*arrow.ViewHeaderSizeBytes)
	for ; x.n < v.Len(); x.n++ {
		var h [1]arrow.ViewHeader
		h[0].SetString(v.At(x.n))
		if !h[0].IsInline() {
			h[0].SetIndexOffset(0, int32(len(x.text)))
			if err := x.add(f, v.At(x.n), false); err != nil {
				return err
			}
		}
		x.fixed = append(x.fixed, arrow.ViewHeaderTraits.CastToBytes(h[:])...)
	}
	return nil
}

// add appends the bytes of a value.
func (x *exportedDictionary) add(f *ipc.Field, s string, large bool) error {
	if !large && len(s) > math.MaxInt32-len(x.text) {
		return fmt.Errorf("lightstream: column %q: the values of the dictionary take more than 2 GiB, which %v does not reach", f.Name, f.Type)
	}
	x.text = append(mem.Grow(x.text, len(s)), s...)
	return nil
}

// nullsOf returns the nulls among the values of a dictionary, of which there are seldom any.
func nullsOf(v column.Values) (nulls int, validity *memory.Buffer) {
	if !v.HasNulls() {
		return 0, nil
	}
	bits := mem.Alloc((v.Len() + 7) / 8)
	for i := range v.Len() {
		if v.IsNull(i) {
			nulls++
		} else {
			bits[i>>3] |= 1 << (i & 7)
		}
	}
	if nulls == 0 {
		return 0, nil
	}
	return nulls, memory.NewBufferBytes(bits)
}

// importedDictionary is a dictionary of arrow-go in the runtime's form.
type importedDictionary struct {
	dictionary *column.Dictionary
	before     *column.Dictionary // the one that was there before record number changed
	changed    int64

	// What it was made of last, of which it keeps nothing alive.
	from           weak.Pointer[array.Data]
	offset, length int
	buffer         weak.Pointer[memory.Buffer]
}

// same tells whether an array is the one that the dictionary was made of last, and notes that it is from now on.
func (x *importedDictionary) same(data *array.Data) bool {
	var buffer weak.Pointer[memory.Buffer]
	if b := data.Buffers(); len(b) > 1 {
		buffer = weak.Make(b[1])
	}
	from := weak.Make(data)
	same := x.from == from && x.offset == data.Offset() && x.length == data.Len() && x.buffer == buffer
	x.from, x.offset, x.length, x.buffer = from, data.Offset(), data.Len(), buffer
	return same
}

// column returns the runtime's dictionary of an array whose values are not byte strings: the same while the array is.
func (x *importedDictionary) column(data arrow.ArrayData, record int64, read *source) (*column.Dictionary, error) {
	from, _ := data.(*array.Data)
	var own column.Data
	switch {
	case from == nil && x.dictionary != nil: // allowed where there are no rows
		return x.dictionary, nil
	case from == nil:
		own = noRows(read.field)
	case x.dictionary != nil && x.same(from):
		return x.dictionary, nil
	default:
		var values column.Data
		if err := read.read(&values, from, 0, from.Len()); err != nil {
			return nil, err
		}
		x.same(from)
		own = values.Clone()
	}
	x.before, x.changed = x.dictionary, record
	x.dictionary = column.ColumnDictionary(&own)
	return x.dictionary, nil
}

// noRows returns a column without rows.
func noRows(f *ipc.Field) (d column.Data) {
	if f.Dictionary != nil {
		d.Dictionary = column.NewDictionary(0)
		return d
	}
	for i := range f.Children {
		d.Children = append(d.Children, noRows(&f.Children[i]))
	}
	return d
}

// values returns the runtime's dictionary of an array in the given record. Where the values begin with those of the last array it
// stays the same, and what is new is added, so that a writer sends that alone; else it is another.
func (x *importedDictionary) values(data arrow.ArrayData, record int64) *column.Dictionary {
	from, _ := data.(*array.Data)
	if from == nil { // allowed where there are no rows
		if x.dictionary == nil {
			x.dictionary = column.NewDictionary(0)
		}
		return x.dictionary
	}
	if x.same(from) {
		return x.dictionary
	}
	a := array.MakeFromData(from)
	defer a.Release()
	value := bytesOf(a)
	if !x.begins(a, value) {
		x.before, x.changed = x.dictionary, record
		x.dictionary = column.NewDictionary(0)
	}
	for i := x.dictionary.Len(); i < a.Len(); i++ {
		if a.IsNull(i) {
			x.dictionary.Append("", true)
		} else {
			x.dictionary.AppendBytes(value(i), false)
		}
	}
	return x.dictionary
}

// undo goes back to the dictionary from before the given record, which was not used after all.
func (x *importedDictionary) undo(record int64) {
	if x.changed == record && x.before != nil {
		x.dictionary, x.before, x.from = x.before, nil, weak.Pointer[array.Data]{}
	}
}

// begins tells whether the dictionary and an array have the same values as far as both go.
func (x *importedDictionary) begins(a arrow.Array, value func(i int) []byte) bool {
	if x.dictionary == nil {
		return false
	}
	have := x.dictionary.Values()
	for i := range min(have.Len(), a.Len()) {
		if have.IsNull(i) != a.IsNull(i) || !a.IsNull(i) && have.At(i) != string(value(i)) {
			return false
		}
	}
	return true
}

// bytesOf returns what gives the bytes of each value of an array that is a dictionary.
func bytesOf(a arrow.Array) func(i int) []byte {
	switch a := a.(type) {
	case interface{ Value(i int) string }:
		return func(i int) []byte { return []byte(a.Value(i)) }
	case interface{ Value(i int) []byte }:
		return a.Value
	}
	width := a.DataType().(arrow.FixedWidthDataType).BitWidth() / 8 // it is none of bools, which dictionaries do not hold
	if a.Len() == 0 {                                               // which may have no buffer
		return func(int) []byte { return nil }
	}
	b := a.Data().Buffers()[1].Bytes()[a.Data().Offset()*width:]
	return func(i int) []byte { return b[i*width : (i+1)*width] }
}
