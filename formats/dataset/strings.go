package dataset

import (
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// byteStrings tells whether each value of a column, or of its dictionary, is a byte string: text, bytes, and what has a width of whole bytes.
func byteStrings(f *ipc.Field) bool {
	return len(f.Children) == 0 && (f.Type.IsText() || f.Type.IsBinary() || ipc.ValueWidth(f.Type) > 0)
}

// restring returns what stores byte strings in another way: with or without a dictionary, with other indices, or found by other offsets.
func restring(from, to *ipc.Field) conversion {
	if from.Dictionary != nil {
		index := from.Dictionary.Index
		return restringOf(from, to, (*column.Dictionary).Index, func(d *column.Data, i int) string {
			return d.Values.At(int(column.IndexAt(d, index.Bits, index.Signed, i)))
		})
	}
	if from.Type.IsText() || from.Type.IsBinary() {
		form := from.Type.TextForm()
		return restringOf(from, to, (*column.Dictionary).IndexBytes, func(d *column.Data, i int) []byte { return column.TextAt(d, form, i) })
	}
	width := ipc.ValueWidth(from.Type)
	return restringOf(from, to, (*column.Dictionary).IndexBytes, func(d *column.Data, i int) []byte { return d.Buffers[1][i*width : (i+1)*width] })
}

// restringOf does so by what gives the bytes of a row that is not null, and their index.
func restringOf[T string | []byte](from, to *ipc.Field, indexOf func(*column.Dictionary, T, int) (int, error), value func(d *column.Data, i int) T) conversion {
	if to.Dictionary != nil {
		e := &encoder[T]{from: from, index: to.Dictionary.Index, indexOf: indexOf, value: value}
		return e.column
	}
	t := to.Type
	return func(d *column.Data) (column.Data, error) {
		c := withNulls(from, d)
		if !t.IsText() && !t.IsBinary() {
			width := ipc.ValueWidth(t)
			c.Buffers[1] = mem.Alloc(d.Len * width)
			for i := range d.Len {
				if !c.IsNull(i) {
					copy(c.Buffers[1][i*width:(i+1)*width], value(d, i))
				}
			}
			return c, nil
		}
		size := 0
		for i := range d.Len {
			if !c.IsNull(i) {
				size += len(value(d, i))
			}
		}
		if size > maxExpanded {
			return c, frame.Errorf(frame.ErrLimit, "a batch has %d bytes of text, more than the %d that are converted at a time; write it in smaller batches", size, maxExpanded)
		}
		fill(&c, t.TextForm(), size, func(i int) T { return value(d, i) })
		return c, nil
	}
}

// maxExpanded is how many bytes of text the rows of a batch may have in all, which share them in a dictionary.
const maxExpanded = 1 << 30

// fill puts size bytes of text into a column that has its nulls.
func fill[T string | []byte](c *column.Data, form column.TextForm, size int, value func(i int) T) {
	text := make([]byte, 0, size)
	switch form {
	case column.ViewText:
		c.Buffers[1] = mem.Alloc(16 * c.Len)
		for i := range c.Len {
			if !c.IsNull(i) {
				text = column.PutView(c.Buffers[1][16*i:], text, value(i))
			}
		}
		c.Variadic = [][]byte{text}
		return
	case column.LargeText:
		c.Buffers[1] = mem.Alloc(8 * (c.Len + 1))
	default:
		c.Buffers[1] = mem.Alloc(4 * (c.Len + 1))
	}
	for i := range c.Len {
		if !c.IsNull(i) {
			text = append(text, value(i)...)
		}
		if form == column.LargeText {
			le.PutUint64(c.Buffers[1][8*(i+1):], uint64(len(text)))
		} else {
			le.PutUint32(c.Buffers[1][4*(i+1):], uint32(len(text)))
		}
	}
	c.Buffers[2] = text
}

// withNulls begins a column with the rows of d that are null, those too that a dictionary has as null.
func withNulls(f *ipc.Field, d *column.Data) column.Data {
	c := column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0]}}
	if f.Dictionary == nil || !d.Values.HasNulls() {
		return c
	}
	index := f.Dictionary.Index
	valid := mem.Alloc((d.Len + 7) / 8)
	c.Nulls = 0
	for i := range d.Len {
		if d.IsNull(i) || d.Values.IsNull(int(column.IndexAt(d, index.Bits, index.Signed, i))) {
			c.Nulls++
		} else {
			valid[i>>3] |= 1 << (i & 7)
		}
	}
	if c.Buffers[0] = valid; c.Nulls == 0 {
		c.Buffers[0] = nil
	}
	return c
}

// encoder makes a dictionary column. A dictionary grows from batch to batch, until it is large or its indices are used up; then the next
// one takes its place.
type encoder[T string | []byte] struct {
	from    *ipc.Field
	index   ipc.Type
	indexOf func(dictionary *column.Dictionary, value T, limit int) (int, error)
	value   func(d *column.Data, i int) T

	dictionary *column.Dictionary
}

// maxDictionary is how many bytes the values of a dictionary have before a batch that begins another.
const maxDictionary = 16 << 20

func (e *encoder[T]) column(d *column.Data) (column.Data, error) {
	grown := e.dictionary != nil && e.dictionary.Len() > 0
	if e.dictionary == nil || e.dictionary.Size() > maxDictionary {
		e.dictionary, grown = e.dictionary.Successor(), false
	}
	c, ok := e.encode(d)
	if !ok && grown {
		e.dictionary = e.dictionary.Successor()
		c, ok = e.encode(d)
	}
	if !ok {
		return column.Data{}, fmt.Errorf("%w: a batch has more different values than its %v indices can tell apart; write it in smaller batches, or begin with a source whose indices are wider, or that has none",
			column.ErrDictionaryFull, e.index)
	}
	return c, nil
}

// encode gives each row its index. It is not ok where the dictionary is full.
func (e *encoder[T]) encode(d *column.Data) (c column.Data, ok bool) {
	c = withNulls(e.from, d)
	bits := e.index.Bits
	if e.index.Signed {
		bits--
	}
	limit := int(min(uint64(1)<<min(bits, 62), math.MaxInt32))
	width := e.index.Bits / 8
	c.Buffers[1] = mem.Alloc(d.Len * width)
	for i := range d.Len {
		if c.IsNull(i) {
			continue
		}
		at, err := e.indexOf(e.dictionary, e.value(d, i), limit)
		if err != nil {
			return c, false
		}
		var b [8]byte
		le.PutUint64(b[:], uint64(at))
		copy(c.Buffers[1][i*width:], b[:width])
	}
	c.Dictionary, c.Values = e.dictionary, e.dictionary.Values()
	return c, true
}
