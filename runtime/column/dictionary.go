package column

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lightstream-go/lightstream/internal/asm"
)

// Values are the values of a dictionary at one moment, in index order. They never change: a dictionary that grows gives
// later batches longer ones.
//
// Values that are byte strings of any kind, numbers too, are strings here. All others, such as lists, are a column.
type Values struct {
	text  []string
	nulls []bool // one for each value, or nil
	codes *[]int64
	data  *Data // in the place of text
}

// WithCodes returns the values with a number for each, which is what [Enums] gives for its name.
func (v Values) WithCodes(codes *[]int64) Values {
	v.codes = codes
	return v
}

// Len returns the number of values.
func (v Values) Len() int {
	if v.data != nil {
		return v.data.Len
	}
	return len(v.text)
}

// Column returns the values where they are a column, else nil. It is read-only.
func (v Values) Column() *Data { return v.data }

// At returns value i, "" where it is null. It panics where the values are a column.
func (v Values) At(i int) string { return v.text[i] }

// IsNull tells whether value i is null. Arrow allows nulls among a dictionary's values.
func (v Values) IsNull(i int) bool { return v.nulls != nil && v.nulls[i] }

// Strings returns all values, "" where they are null. The slice is read-only.
func (v Values) Strings() []string { return v.text }

// From returns the values from index n on. It panics where the values are a column.
func (v Values) From(n int) Values {
	v.text, v.codes = v.text[n:], nil
	if v.nulls != nil {
		v.nulls = v.nulls[n:]
	}
	return v
}

// Common returns how many of the values from index from on are the same in v and o.
func (v Values) Common(o Values, from int) int {
	i := from
	for i < min(len(v.text), len(o.text)) && v.text[i] == o.text[i] && v.IsNull(i) == o.IsNull(i) {
		i++
	}
	return i - from
}

// HasNulls tells whether a value is null.
func (v Values) HasNulls() bool { return v.nulls != nil }

// ErrDictionaryFull is wrapped by the error of a value that does not fit a dictionary any more.
var ErrDictionaryFull = errors.New("dictionary is full")

// ColumnDictionary returns a dictionary of the values in a column, for types whose values are not byte strings. The column is
// the dictionary's from then on.
func ColumnDictionary(values *Data) *Dictionary {
	d := new(Dictionary)
	d.SetColumn(values)
	return d
}

// SetColumn exchanges the values of a dictionary for those in a column, which begins with them.
func (d *Dictionary) SetColumn(values *Data) {
	nulls := d.values.nulls // of the values that it begins with
	if values.Nulls != 0 {
		if nulls == nil && d.values.data != nil {
			nulls = make([]bool, d.values.data.Len, values.Len)
		}
		for i := len(nulls); i < values.Len; i++ {
			nulls = append(nulls, values.Buffers[0] == nil || values.IsNull(i)) // null columns have no bitmap
		}
	}
	d.values = Values{data: values, nulls: nulls}
}

// A Dictionary holds the values of dictionary columns: strings in the order in which they came, append-only, each in
// memory of its own that is never reused. Its identity counts: a writer that has sent a Dictionary sends only what has been
// added since.
//
// The zero value is empty and ready to use. A Dictionary is for one goroutine at a time; the [Values] it hands out may be
// read by any.
type Dictionary struct {
	values Values

	// Of a dictionary that looks strings up: slots is an open-addressing table of 2^k slots, at most half full, in which a
	// short string is found without a look at the values.
	slots   []slot
	entered int    // values that are in slots, those that are there already left out
	arena   []byte // the current chunk of the strings' memory
	size    int    // bytes of all strings
	max     int    // entries, 0 is no limit
	null    int    // one more than the index of the first null, 0 where there is none

	series *series
}

// series is what the dictionaries have in common that stood in one stream for one id, one after the other.
type series struct{ _ byte }

type slot struct {
	key   uint64 // keyOf the value, 0 in a free slot
	index int
}

// longKey is the length from which on keys do not tell strings apart.
const longKey = 8

// keyOf returns what a slot knows of s, and where to begin to look for it. The key of a string of less than longKey bytes is
// that of no other string.
func keyOf(s string) (key, hash uint64) {
	switch n := len(s); {
	case n >= longKey:
		hash = asm.HashString(s)
		return hash | 1<<63, hash // short keys have no more than 8 in the upper byte
	case n >= 4: // bytes that are in both halves are in the same place of both
		key = uint64(load32(s)) | uint64(load32(s[n-4:]))<<(8*(n-4)&63)
	case n > 0:
		key = uint64(s[0]) | uint64(s[n>>1])<<8 | uint64(s[n-1])<<16
	}
	key |= uint64(len(s)+1) << 56
	return key, asm.HashWord(key)
}

// NewDictionary returns an empty dictionary of at most maxEntries values; zero means no limit but that of the index type.
func NewDictionary(maxEntries int) *Dictionary {
	return &Dictionary{max: maxEntries, series: new(series)}
}

// Successor returns an empty dictionary that takes the place of d, which may be nil, in its stream.
func (d *Dictionary) Successor() *Dictionary {
	if d == nil {
		return NewDictionary(0)
	}
	next := NewDictionary(d.max)
	if d.series != nil {
		next.series = d.series
	}
	return next
}

// Succeeds tells whether d and e have been in the same place of one stream: one is the other's successor, or both are a third one's.
func (d *Dictionary) Succeeds(e *Dictionary) bool { return d.series != nil && d.series == e.series }

// Len returns the number of values.
func (d *Dictionary) Len() int { return d.values.Len() }

// Size returns the number of bytes of all values.
func (d *Dictionary) Size() int { return d.size }

// Values returns the values as of now.
func (d *Dictionary) Values() Values {
	if d.values.data != nil {
		return d.values
	}
	n := len(d.values.text)
	v := Values{text: d.values.text[:n:n]}
	if d.values.nulls != nil {
		v.nulls = d.values.nulls[:n:n]
	}
	return v
}

// Index returns the index of s, which is added, as a copy, if it is new and there are fewer than limit values; limit 0 is
// no limit. The error wraps [ErrDictionaryFull].
func (d *Dictionary) Index(s string, limit int) (int, error) {
	if d.entered < len(d.values.text) { // some were appended
		d.enter(len(d.values.text))
	}
	i := d.find(s)
	if i < 0 {
		return d.add(s, limit)
	}
	if limit != 0 && i >= limit { // a dictionary that a wider index has filled
		return 0, fmt.Errorf("%w: value %d is beyond the %d that its index type can tell apart; use a wider index", ErrDictionaryFull, i, limit)
	}
	return i, nil
}

// find returns the index of s, or -1.
func (d *Dictionary) find(s string) int {
	if d == nil || len(d.slots) == 0 {
		return -1
	}
	key, hash := keyOf(s)
	mask := uint(len(d.slots) - 1)
	for at := uint(hash) & mask; ; at = (at + 1) & mask {
		e := &d.slots[at]
		if e.key == key && (len(s) < longKey || d.values.text[e.index] == s) {
			return e.index
		}
		if e.key == 0 {
			return -1
		}
	}
}

// IndexBytes is [Dictionary.Index] of the string with the bytes p.
func (d *Dictionary) IndexBytes(p []byte, limit int) (int, error) {
	return d.Index(stringOf(p), limit) // only compared, and copied if it is new
}

func (d *Dictionary) add(s string, limit int) (int, error) {
	n := len(d.values.text)
	if d.max != 0 && n >= d.max {
		return 0, fmt.Errorf("%w: it has %d values, the most that MaxEntries allows", ErrDictionaryFull, n)
	}
	if limit != 0 && n >= limit {
		return 0, fmt.Errorf("%w: it has %d values, the most that its index type can tell apart; use a wider index", ErrDictionaryFull, n)
	}
	if 2*(n+1) > len(d.slots) {
		d.enter(n + 1)
	}
	d.Append(s, false)
	d.insert(s, n)
	d.entered = n + 1
	return n, nil
}

// Append adds s, as a copy, at the next index, whether or not it is there already: what a received dictionary does.
func (d *Dictionary) Append(s string, null bool) {
	if null && d.null == 0 {
		d.null = len(d.values.text) + 1
	}
	if null || d.values.nulls != nil {
		for len(d.values.nulls) < len(d.values.text) {
			d.values.nulls = append(d.values.nulls, false)
		}
		d.values.nulls = append(d.values.nulls, null)
	}
	d.values.text = append(d.values.text, d.keep(s))
	d.size += len(s)
}

// AppendBytes is [Dictionary.Append] of the string with the bytes p.
func (d *Dictionary) AppendBytes(p []byte, null bool) { d.Append(stringOf(p), null) } // copied at once

// AppendTexts is [Dictionary.Append] of all values of a text column whose contents are right, in any of its forms.
func (d *Dictionary) AppendTexts(c *Data, form TextForm) {
	d.values.text = slices.Grow(d.values.text, c.Len)
	if form == ViewText || c.Len == 0 || c.Nulls != 0 || d.values.nulls != nil {
		for i := range c.Len {
			if null := c.IsNull(i); null {
				d.Append("", true)
			} else {
				d.AppendBytes(TextAt(c, form, i), false)
			}
		}
		return
	}
	// They share one copy of all.
	if form == LargeText {
		joined(d, c.Buffers[2], View[int64](c.Buffers[1])[:c.Len+1])
		return
	}
	joined(d, c.Buffers[2], View[int32](c.Buffers[1])[:c.Len+1])
}

// AppendFixed is [Dictionary.Append] of all values of a column that have width bytes each, which share one copy.
func (d *Dictionary) AppendFixed(c *Data, width int) {
	if c.Nulls != 0 || d.values.nulls != nil {
		for i := range c.Len {
			if c.IsNull(i) {
				d.Append("", true)
			} else {
				d.AppendBytes(c.Buffers[1][i*width:(i+1)*width], false)
			}
		}
		return
	}
	all := string(c.Buffers[1][:c.Len*width])
	list := slices.Grow(d.values.text, c.Len)
	for i := range c.Len {
		list = append(list, all[i*width:(i+1)*width])
	}
	d.values.text = list
	d.size += len(all)
}

// joined appends the parts of one copy of a text.
func joined[O int32 | int64](d *Dictionary, text []byte, offsets []O) {
	n := len(offsets) - 1
	first := offsets[0]
	all := string(text[first:offsets[n]])
	list, at := slices.Grow(d.values.text, n), O(0)
	for _, end := range offsets[1:] {
		end -= first
		list, at = append(list, all[at:end]), end
	}
	d.values.text = list
	d.size += len(all)
}

// keep copies s into the arena. A chunk that is full is left to the strings in it.
func (d *Dictionary) keep(s string) string {
	if cap(d.arena)-len(d.arena) < len(s) {
		d.arena = make([]byte, 0, max(len(s), min(max(2*cap(d.arena), 256), 64<<10)))
	}
	at := len(d.arena)
	d.arena = append(d.arena, s...)
	return stringOf(d.arena[at:])
}

// enter brings the slots up to date, with room for n values: each string is found at its first index.
func (d *Dictionary) enter(n int) {
	if size := max(64, len(d.slots)); 2*n > len(d.slots) {
		for size < 2*n {
			size *= 2
		}
		d.slots, d.entered = make([]slot, size), 0
	}
	for ; d.entered < len(d.values.text); d.entered++ {
		if s := d.values.text[d.entered]; !d.values.IsNull(d.entered) && d.find(s) < 0 {
			d.insert(s, d.entered)
		}
	}
}

// Share makes v, which are byte strings and begin with those that d has, the values of d. They are not copied.
func (d *Dictionary) Share(v Values) {
	for i := len(d.values.text); i < len(v.text); i++ {
		d.size += len(v.text[i])
		if d.null == 0 && v.IsNull(i) {
			d.null = i + 1
		}
	}
	n := len(v.text)
	d.values.text, d.values.nulls = v.text[:n:n], v.nulls[:len(v.nulls):len(v.nulls)] // what is added here goes elsewhere
}

// Take adds values as they are, at the next indices, for [Dictionary.Index] to find.
func (d *Dictionary) Take(v Values) {
	for i, s := range v.text {
		d.Append(s, v.IsNull(i))
	}
	d.enter(len(d.values.text))
}

// NullIndex returns the index of the first null among the values, which is added if there is none and there are fewer than limit
// values; limit 0 is no limit. The error wraps [ErrDictionaryFull].
func (d *Dictionary) NullIndex(limit int) (int, error) {
	n := len(d.values.text)
	at := d.null - 1
	if at < 0 {
		at = n
	}
	if limit != 0 && at >= limit {
		return 0, fmt.Errorf("%w: it has %d values, the most that its index type can tell apart; use a wider index", ErrDictionaryFull, n)
	}
	if at == n {
		d.Append("", true)
	}
	return at, nil
}

func (d *Dictionary) insert(s string, index int) {
	key, hash := keyOf(s)
	mask := uint(len(d.slots) - 1)
	at := uint(hash) & mask
	for d.slots[at].key != 0 {
		at = (at + 1) & mask
	}
	d.slots[at] = slot{key, index}
}
