package arrowgo

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// exportedDictionary is a dictionary in arrow-go's form. Where the dictionary grows, what is new is appended behind what older arrays
// see, so that many small additions take linear time.
type exportedDictionary struct {
	of    *column.Dictionary
	n     int
	index []byte // offsets or views
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
	if err := x.extend(f, d.Values); err != nil {
		*x = exportedDictionary{}
		return nil, err
	}
	nulls, validity := validityOf(d.Values)
	buffers := []*memory.Buffer{validity, memory.NewBufferBytes(x.index[:len(x.index):len(x.index)])}
	if text := memory.NewBufferBytes(x.text[:len(x.text):len(x.text)]); !isView(f.Type) || len(x.text) != 0 {
		buffers = append(buffers, text)
	}
	// Nothing here counts references: it is memory of the Go heap, and never used for anything else.
	x.array = array.NewData(flatTo(f.Type), n, buffers, nil, nulls, 0)
	return x.array, nil
}

// extend appends the values from x.n on.
func (x *exportedDictionary) extend(f *ipc.Field, v column.Values) error {
	le := binary.LittleEndian
	width := 4
	switch {
	case f.Type.Kind == ipc.KindLargeUtf8:
		width = 8
	case isView(f.Type):
		width = arrow.ViewHeaderSizeBytes
	}
	first := 0
	if len(x.index) == 0 && !isView(f.Type) {
		first = 1 // the offset before all values
	}
	x.index = mem.Grow(x.index, (v.Len()-x.n+first)*width)
	x.index = append(x.index, make([]byte, first*width)...)
	for ; x.n < v.Len(); x.n++ {
		s := v.At(x.n)
		if width != 8 && len(s) > math.MaxInt32-len(x.text) {
			return fmt.Errorf("lightstream: column %q: the dictionary's values take more than 2 GiB, which %v does not reach", f.Name, f.Type)
		}
		at := len(x.text)
		switch {
		case width == arrow.ViewHeaderSizeBytes:
			var h arrow.ViewHeader
			h.SetString(s)
			if !h.IsInline() {
				h.SetIndexOffset(0, int32(at))
				x.text = append(mem.Grow(x.text, len(s)), s...)
			}
			x.index = append(x.index, arrow.ViewHeaderTraits.CastToBytes([]arrow.ViewHeader{h})...)
			continue
		case width == 8:
			x.index = le.AppendUint64(x.index, uint64(at+len(s)))
		default:
			x.index = le.AppendUint32(x.index, uint32(at+len(s)))
		}
		x.text = append(mem.Grow(x.text, len(s)), s...)
	}
	return nil
}

// validityOf returns the nulls among the values of a dictionary, of which there are seldom any.
func validityOf(v column.Values) (nulls int, validity *memory.Buffer) {
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

	// What it was made of last: pointers that are compared and never followed, as the memory may be gone.
	from           *array.Data
	offset, length int
	buffer         *memory.Buffer
}

// texts is an array of strings in any layout.
type texts interface {
	arrow.Array
	Value(i int) string
}

// values returns the runtime's dictionary of an array. Where the values begin with those of the last array it stays the same, and
// what is new is added, so that a writer sends that alone; else it is another.
func (x *importedDictionary) values(name string, data arrow.ArrayData) (*column.Dictionary, error) {
	from, _ := data.(*array.Data)
	if from == nil { // allowed where there are no rows
		if x.dictionary == nil {
			x.dictionary = column.NewDictionary(0)
		}
		return x.dictionary, nil
	}
	var buffer *memory.Buffer
	if b := from.Buffers(); len(b) > 1 {
		buffer = b[1]
	}
	if x.from == from && x.offset == from.Offset() && x.length == from.Len() && x.buffer == buffer {
		return x.dictionary, nil
	}
	a := array.MakeFromData(from)
	defer a.Release()
	v, ok := a.(texts)
	if !ok {
		return nil, unsupported(name, a.DataType())
	}
	if !x.begins(v) {
		x.dictionary = column.NewDictionary(0)
	}
	for i := x.dictionary.Len(); i < v.Len(); i++ {
		if v.IsNull(i) {
			x.dictionary.Append("", true)
		} else {
			x.dictionary.Append(v.Value(i), false)
		}
	}
	x.from, x.offset, x.length, x.buffer = from, from.Offset(), from.Len(), buffer
	return x.dictionary, nil
}

// begins tells whether the dictionary and v have the same values as far as both go.
func (x *importedDictionary) begins(v texts) bool {
	if x.dictionary == nil {
		return false
	}
	have := x.dictionary.Values()
	for i := range min(have.Len(), v.Len()) {
		if have.IsNull(i) != v.IsNull(i) || !v.IsNull(i) && have.At(i) != v.Value(i) {
			return false
		}
	}
	return true
}
