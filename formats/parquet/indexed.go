package parquet

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// indexed writes a dictionary column of texts by its indices. A row group has a dictionary of its own, of the values that it uses, each once, in
// the order in which they come: indices are those into that one.
//
//	first write of a row group   the values it uses become the dictionary, all indices follow
//	later ones                   rows with a value that is new, and some behind them, are written as texts, which arrow-go enters;
//	                             all others as indices
//
// Where the dictionary gets larger than its page may be, the rest of the row group is written as texts, which arrow-go makes plain pages of.
type indexed struct {
	of    map[string]int32 // the values, by text
	bytes []byte           // theirs, one after the other
	ends  []int32          // a zero, and where each of them ends
	seen  []int            // the page that each of them is in the statistics of
	page  int
	texts bool // the rest of the row group is written as texts

	from   *column.Dictionary
	to     []int32 // of the values of from, -1 for those that were not used yet
	values column.Values

	// Scratch.
	out   []int32
	bits  []byte // of out, where there are levels
	nulls int    // among them
	fresh []int  // slots whose value is new
	batch []parquet.ByteArray
	text  []byte

	direct int // values written as indices
}

// dictionaryEncoder is what arrow-go's encoder has while a column chunk has a dictionary.
type dictionaryEncoder interface {
	PutDictionary(values arrow.Array) error
	NumEntries() int
	AddRawSize(n int64) // of texts whose indices are put, which pages are cut by
	ObservedRawSize() int64
}

const (
	blockRows = 1024    // slots that arrow-go takes at once
	blockText = 1 << 20 // bytes of texts
	freshRows = 16      // slots written as texts where one has a value that is new
)

// begin starts a row group.
func (x *indexed) begin() {
	x.of = make(map[string]int32)
	x.bytes, x.ends, x.seen = make([]byte, 0, 64), append(x.ends[:0], 0), x.seen[:0]
	x.page, x.texts, x.from, x.to = 1, false, nil, x.to[:0]
}

func (x *indexed) value(i int32) []byte { return x.bytes[x.ends[i]:x.ends[i+1]] }

// write writes a leaf of indices into values, which are those of a dictionary.
func (x *indexed) write(w *file.ByteArrayColumnChunkWriter, v *leaf, from *column.Dictionary, values column.Values) error {
	indices := v.values.(*array.Int32).Int32Values()
	n := len(indices)
	if v.def != nil {
		n = len(v.def)
	}
	x.values = values
	nested := w.LevelInfo().RepeatedAncestorDefLevel
	encoder, ok := any(w.CurrentEncoder()).(dictionaryEncoder)
	known := len(x.ends) - 1
	if !ok || encoder.NumEntries() != known {
		x.texts = true
	}
	if !x.texts {
		raw := x.translate(indices, v, nested, from, w.Properties().DictionaryPageSizeLimit())
		size := int64(len(x.bytes) + 4*(len(x.ends)-1))
		if !x.texts && known == 0 && w.Properties().DictionaryCostFallbackEnabledFor(w.Descr().Path()) && size+int64(len(indices)) >= raw {
			x.texts = true // as arrow-go finds, the dictionary and its indices save nothing
		}
	}
	var out arrow.Array
	if !x.texts {
		if known == 0 && len(x.fresh) != 0 {
			if err := guard(func() error { return encoder.PutDictionary(x.dictionary()) }); err != nil {
				return err
			}
			x.fresh = x.fresh[:0]
		}
		out = x.array(v.def != nil)
		defer out.Release()
	}
	for at, element := 0, 0; at < n; {
		var err error
		if encoder, ok = any(w.CurrentEncoder()).(dictionaryEncoder); !ok {
			x.texts = true
		}
		if x.texts || len(x.fresh) != 0 && x.fresh[0] == at {
			at, element, err = x.writeTexts(w, v, indices, nested, at, n, element)
		} else {
			at, element, err = x.writeIndices(w, encoder, v, out, nested, at, n, element)
		}
		if err != nil {
			return err
		}
		for len(x.fresh) != 0 && x.fresh[0] < at {
			x.fresh = x.fresh[1:]
		}
		if ok && encoder.ObservedRawSize() == 0 {
			x.page++
		}
	}
	return nil
}

// translate makes the indices those into the dictionary of the row group, which gets what it does not have yet, and returns how many bytes
// their texts would take. It gives up where the dictionary gets larger than most.
func (x *indexed) translate(indices []int32, v *leaf, nested int16, from *column.Dictionary, most int64) (raw int64) {
	if from == nil || from != x.from {
		x.from, x.to = from, x.to[:0]
	}
	for len(x.to) < x.values.Len() {
		x.to = append(x.to, -1)
	}
	x.fresh = x.fresh[:0]
	if cap(x.out) < len(indices) {
		x.out = make([]int32, len(indices))
	}
	x.out = x.out[:len(indices)]
	if v.def == nil {
		for i, index := range indices {
			to := x.to[index]
			if to < 0 {
				if to = x.enter(index, i, most); to < 0 {
					return 0
				}
			}
			x.out[i] = to
			raw += int64(x.ends[to+1]-x.ends[to]) + 4
		}
		return raw
	}
	if size := (len(indices) + 7) / 8; cap(x.bits) < size {
		x.bits = make([]byte, size)
	} else {
		x.bits = x.bits[:size]
		clear(x.bits)
	}
	element := 0
	x.nulls = 0
	for i, level := range v.def {
		if level < nested {
			continue
		}
		if level == v.max {
			index := indices[element]
			to := x.to[index]
			if to < 0 {
				if to = x.enter(index, i, most); to < 0 {
					return 0
				}
			}
			x.out[element] = to
			x.bits[element>>3] |= 1 << (element & 7)
			raw += int64(x.ends[to+1]-x.ends[to]) + 4
		} else {
			x.out[element] = 0
			x.nulls++
		}
		element++
	}
	return raw
}

// enter returns the index of a value in the dictionary of the row group, which has it from then on, or -1 where there is no room.
func (x *indexed) enter(index int32, slot int, most int64) int32 {
	text := x.values.At(int(index))
	to, ok := x.of[text]
	if !ok {
		to = int32(len(x.ends) - 1)
		if int64(len(x.bytes)+len(text)+4*len(x.ends)) >= most {
			x.texts = true
			return -1
		}
		x.of[text] = to
		x.bytes = append(x.bytes, text...)
		x.ends, x.seen = append(x.ends, int32(len(x.bytes))), append(x.seen, 0)
		x.fresh = append(x.fresh, slot)
	}
	x.to[index] = to
	return to
}

// dictionary returns the values of the row group as an array.
func (x *indexed) dictionary() arrow.Array {
	data := array.NewData(arrow.BinaryTypes.Binary, len(x.ends)-1, []*memory.Buffer{
		nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(x.ends)), memory.NewBufferBytes(x.bytes),
	}, nil, 0, 0)
	defer data.Release()
	return array.NewBinaryData(data)
}

// array returns the indices that translate has made.
func (x *indexed) array(nullable bool) arrow.Array {
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(x.out))}
	nulls := 0
	if nullable && x.nulls != 0 {
		nulls, buffers[0] = x.nulls, memory.NewBufferBytes(x.bits)
	}
	data := array.NewData(arrow.PrimitiveTypes.Int32, len(x.out), buffers, nil, nulls, 0)
	defer data.Release()
	return array.NewInt32Data(data)
}

// writeIndices writes slots from at on up to n or one whose value is new, and returns what is next.
func (x *indexed) writeIndices(w *file.ByteArrayColumnChunkWriter, encoder dictionaryEncoder, v *leaf, out arrow.Array, nested int16, at, n, element int) (nextSlot, nextElement int, err error) {
	to := min(n, at+blockRows)
	if len(x.fresh) != 0 {
		to = min(to, x.fresh[0])
	}
	x.batch = x.batch[:0]
	values, raw, first := 0, int64(0), element
	for i := at; i < to; i++ {
		if v.def != nil && v.def[i] != v.max {
			if v.def[i] >= nested {
				element++
			}
			continue
		}
		k := x.out[element]
		element++
		values++
		raw += int64(x.ends[k+1]-x.ends[k]) + 4
		if x.seen[k] != x.page {
			x.seen[k] = x.page
			x.batch = append(x.batch, x.value(k))
		}
	}
	def, rep := v.part(at, to)
	err = guard(func() error {
		if s, ok := w.PageStatistics().(*metadata.ByteArrayStatistics); ok {
			s.Update(x.batch, int64(to-at-values))
			s.IncNumValues(int64(values - len(x.batch)))
		}
		encoder.AddRawSize(raw)
		some := array.NewSlice(out, int64(first), int64(element))
		defer some.Release()
		return w.WriteDictIndices(some, def, rep)
	})
	x.direct += values
	return to, element, err
}

// writeTexts writes slots from at on as the texts that they stand for, and returns what is next.
func (x *indexed) writeTexts(w *file.ByteArrayColumnChunkWriter, v *leaf, indices []int32, nested int16, at, n, element int) (nextSlot, nextElement int, err error) {
	most := blockRows
	if !x.texts {
		most = freshRows
	}
	first, size, to := element, 0, at
	for ; to < min(n, at+most); to++ {
		if v.def != nil && v.def[to] != v.max {
			if v.def[to] >= nested {
				element++
			}
			continue
		}
		text := x.values.At(int(indices[element]))
		if size != 0 && size+len(text) > blockText {
			break
		}
		size += len(text)
		element++
	}
	if x.text == nil || cap(x.text) < size {
		x.text = make([]byte, 0, max(size, 64))
	}
	x.text, x.batch = x.text[:0], x.batch[:0]
	for i, k := at, first; i < to; i++ {
		if v.def != nil && v.def[i] != v.max {
			if v.def[i] >= nested {
				k++
			}
			continue
		}
		begin := len(x.text)
		x.text = append(x.text, x.values.At(int(indices[k]))...)
		x.batch = append(x.batch, x.text[begin:])
		k++
	}
	def, rep := v.part(at, to)
	err = guard(func() error {
		_, err := w.WriteBatch(x.batch, def, rep)
		return err
	})
	return to, element, err
}

// part returns the levels of some slots.
func (v *leaf) part(from, to int) (def, rep []int16) {
	if v.def != nil {
		def = v.def[from:to]
	}
	if v.rep != nil {
		rep = v.rep[from:to]
	}
	return def, rep
}

// indices makes a dictionary column of texts one of indices of 32 bits, beside which its values go on. Nulls among them become nulls.
func indices(index ipc.Type) conversion {
	return func(m *scratch, d *column.Data) (c column.Data, err error) {
		c = column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0], d.Buffers[1]}, Dictionary: d.Dictionary, Values: d.Values}
		if index.Bits != 32 {
			if c.Buffers[1], err = m.alloc(4 * d.Len); err != nil {
				return column.Data{}, err
			}
			for i := range d.Len {
				le.PutUint32(c.Buffers[1][4*i:], uint32(column.IndexAt(d, index.Bits, index.Signed, i)))
			}
		}
		if d.Values.HasNulls() {
			c.Buffers[0], c.Nulls, err = valueNulls(m, d, index)
		}
		return c, err
	}
}

// valueNulls returns which rows of a dictionary column are null, those whose value is null too.
func valueNulls(m *scratch, d *column.Data, index ipc.Type) (bits []byte, nulls int, err error) {
	if bits, err = m.alloc((d.Len + 7) / 8); err != nil {
		return nil, 0, err
	}
	for i := range d.Len {
		if !d.IsNull(i) && !d.Values.IsNull(int(column.IndexAt(d, index.Bits, index.Signed, i))) {
			bits[i>>3] |= 1 << (i & 7)
		}
	}
	return bits, countNulls(bits, d.Len), nil
}

// textsOf returns how many bytes the texts of indexed columns take, where f is a column as it is handed on.
func textsOf(f, stored *ipc.Field, d *column.Data) (n int64) {
	if !isIndexed(f, stored) {
		for i := range f.Children {
			n += textsOf(&f.Children[i], &stored.Children[i], &d.Children[i])
		}
		return n
	}
	texts := d.Values.Strings()
	for i := range d.Len {
		if d.Nulls == 0 || !d.IsNull(i) {
			n += int64(len(texts[le.Uint32(d.Buffers[1][4*i:])]))
		}
	}
	return n
}

// isIndexed tells whether a column is handed on as indices into a dictionary of texts.
func isIndexed(f, stored *ipc.Field) bool {
	return f.Type.Kind == ipc.KindInt && stored.Type.Kind != ipc.KindInt
}

// withValues gives the indexed columns of one column the values of those of another.
func withValues(f *ipc.Field, to, from *column.Data) {
	for i := range f.Children {
		withValues(&f.Children[i], &to.Children[i], &from.Children[i])
	}
	if len(f.Children) == 0 {
		to.Dictionary, to.Values = from.Dictionary, from.Values
	}
}
