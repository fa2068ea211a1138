package text

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/lightstream-go/lightstream/runtime/column"
)

// Span is where a field stands in a text. Its start has the bit [Quoted] where the field is in quotes, which are outside of it.
type Span struct{ Start, End uint32 }

// Quoted marks the start of a field that stands in quotes.
const Quoted = 1 << 31

// Missing is a field that a record does not have. No field in quotes begins at 0, where the quote would be.
var Missing = Span{Quoted, 0}

// Fields are those of one column in some records of a text. That of record i is between two places: it starts behind Places[At+i*Step], and
// ends at the one after that. So the end of a field can be what is before the next one, where one byte stands between them.
type Fields struct {
	Data     []byte
	Places   []uint32 // those before fields have the bit [Quoted] as their starts have it
	At, Step int
	Rows     int
}

// span returns the field of record i.
func (f *Fields) span(i int) Span {
	at := f.At + i*f.Step
	return Span{f.Places[at] + 1, f.Places[at+1]}
}

// of returns the field of record i.
func (f *Fields) of(i int) (start, end uint32) {
	s := f.span(i)
	return s.Start &^ Quoted, s.End
}

// text returns the text of record i.
func (f *Fields) text(i int) []byte {
	start, end := f.of(i)
	return f.Data[start:end]
}

// AppendFields adds the rows of records from number i on. It returns the number of the first that it did not add, as its field is empty and
// that is for the caller to decide, or cannot be read; AppendText may tell why, where there is no error.
func (c *Column) AppendFields(f *Fields, i int) (next int, err error) {
	if c.fields != nil {
		return c.fields(f, i)
	}
	for ; i < f.Rows; i++ {
		s := f.text(i)
		if len(s) == 0 {
			break
		}
		if err := c.read(s); err != nil {
			return i, err
		}
	}
	return i, nil
}

// blockRows is how many rows are added at a time, as a word has bits for their nulls.
const blockRows = 64

// filled returns where a field stands that is between two places, and 0, as start | end<<32. Of an empty one it returns last, which is where
// another one stands, and 1: what reads it needs no branch, as which fields are empty cannot be foreseen.
func filled(before, end uint32, last uint64) (place, empty uint64) {
	start := (before + 1) &^ Quoted
	place = uint64(start) | uint64(end)<<32
	empty = (uint64(start^end) - 1) >> 63
	return place ^ (place^last)&-empty, empty
}

// skipped tells whether an empty field was added as a null: in columns of which no value is an empty text.
func (c *Column) skipped(b Builder) bool {
	if c.null {
		b.AppendNull()
	}
	return c.null
}

const zeros = ones * '0'

// digitsOf returns what the last n of eight bytes are as digits, from 0 to 9, and zeros before them. Where they are none it returns others.
func digitsOf(w uint64, n uint32) uint64 { return (w ^ zeros) & keepsOfWord[n&15] }

// wrong has the highest bit of each byte that digitsOf has returned for what is no digit.
func wrong(d uint64) uint64 { return d + 0x7676767676767676 | d }

// number returns the number that eight digits are, the first in the lowest byte.
func number(d uint64) uint64 {
	d = d*10 + d>>8 // pairs in every other byte
	const mask = 0x000000FF000000FF
	return ((d&mask)*(100+1_000_000<<32) + (d>>16&mask)*(1+10_000<<32)) >> 32
}

// keepsOfWord has for each number of digits which bytes of the word before their end are theirs.
var keepsOfWord = func() (list [16]uint64) {
	for n := range list {
		list[n] = ^uint64(0) << (64 - 8*min(n, 8))
	}
	return list
}()

// upToSixteen reads a number of 9 to 16 digits that ends where the sixteen bytes of data do.
func upToSixteen(data *[16]byte, n uint32) (v uint64, ok bool) {
	low := binary.LittleEndian.Uint64(data[8:]) ^ zeros
	high := digitsOf(binary.LittleEndian.Uint64(data[:8]), n-8)
	return number(high)*1e8 + number(low), n-9 <= 7 && (wrong(low)|wrong(high))&highs == 0
}

// intFields adds the rows of an integer column.
func intFields[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](c *Column, b *column.FixedBuilder[T]) func(f *Fields, i int) (int, error) {
	signed := ^T(0) < 0
	return func(f *Fields, i int) (int, error) {
		data, places, step := f.Data, f.Places, f.Step
		var most uint64 // what one may be empty
		if c.null {
			most = 1
		}
		last := uint64(0)
		for i < f.Rows {
			from, n := b.Len(), 0
			values := b.ExtendUnset(min(f.Rows-i, blockRows))
			nulls := uint64(0)
			for at := f.At + i*step; n < len(values); n++ {
				place, empty := filled(places[at], places[at+1], last)
				at += step
				if place == 0 || empty > most {
					break
				}
				last = place
				start, end := uint32(place), uint32(place>>32)
				minus := signed && data[start] == '-'
				if minus {
					start++
				}
				if end < 16 || int(end) > len(data) {
					break
				}
				size, around := end-start, (*[16]byte)(data[end-16:])
				d := digitsOf(binary.LittleEndian.Uint64(around[8:]), size)
				u, ok := number(d), size-1 <= 7 && wrong(d)&highs == 0
				if size > 8 {
					u, ok = upToSixteen(around, size)
				}
				v := int64(u)
				if minus {
					v = -v
				}
				if !ok || int64(T(v)) != v {
					break
				}
				values[n] = T(v &^ -int64(empty))
				nulls |= empty << n
			}
			if n < len(values) {
				b.Truncate(from + n)
			}
			b.SetNulls(from, nulls)
			if i += n; n == len(values) {
				continue
			}
			if start, end := f.of(i); start == end {
				if !c.skipped(b) {
					return i, nil
				}
			} else if v, ok := integer[T](f.Data[start:end]); ok {
				b.Append(v)
			} else if v, ok := integer[T](plainNumber(f.Data[start:end])); ok {
				b.Append(v)
			} else {
				return i, nil
			}
			i++
		}
		return i, nil
	}
}

// floatFields adds the rows of a column of numbers in 64 bits.
func floatFields[T ~float32 | ~float64](c *Column, b *column.FixedBuilder[T]) func(f *Fields, i int) (int, error) {
	return func(f *Fields, i int) (int, error) {
		data, places, step := f.Data, f.Places, f.Step
		for i < f.Rows {
			from, n := b.Len(), 0
			values := b.ExtendUnset(min(f.Rows-i, blockRows))
			nulls := uint64(0)
			for at := f.At + i*step; n < len(values); n++ {
				start, end := (places[at]+1)&^Quoted, places[at+1]
				at += step
				if start == end {
					if !c.null {
						break
					}
					values[n] = 0
					nulls |= 1 << n
					continue
				}
				v, ok := plainFloat(data, start, end)
				if !ok {
					break
				}
				values[n] = T(v)
			}
			if n < len(values) {
				b.Truncate(from + n)
			}
			b.SetNulls(from, nulls)
			if i += n; n == len(values) {
				continue
			}
			if start, end := f.of(i); start == end {
				if !c.skipped(b) {
					return i, nil
				}
			} else if v, ok := parseFloat(f.Data[start:end], 64); ok {
				b.Append(T(v))
			} else {
				return i, nil
			}
			i++
		}
		return i, nil
	}
}

// keeps has for each number of digits behind a point, up to 18, which bytes of the three words before their end are theirs.
var keeps = func() (list [19][3]uint64) {
	for n := range list {
		for i := range n {
			list[n][2-i/8] |= 0xFF << (56 - 8*(i%8))
		}
	}
	return list
}()

// whole are powers of ten.
var whole = func() (list [20]uint64) {
	v := uint64(1)
	for i := range list {
		list[i] = v
		v *= 10
	}
	return list
}()

// upToEighteen is upToSixteen for 1 to 18 digits, which are n. It has no branch for how many there are, as that cannot be foreseen.
func upToEighteen(data []byte, end, n uint32) (v uint64, ok bool) {
	if n-1 > 17 || end < 24 || int(end) > len(data) {
		return 0, false
	}
	around, keep := (*[24]byte)(data[end-24:]), &keeps[n]
	first := (binary.LittleEndian.Uint64(around[0:]) ^ zeros) & keep[0]
	second := (binary.LittleEndian.Uint64(around[8:]) ^ zeros) & keep[1]
	third := (binary.LittleEndian.Uint64(around[16:]) ^ zeros) & keep[2]
	// Of the first there are two digits at most.
	v = ((first>>48*10+first>>56)&0xFF*1e8+number(second))*1e8 + number(third)
	return v, (wrong(first)|wrong(second)|wrong(third))&highs == 0
}

// plainFloat reads numbers of up to 19 digits with a point among them, or of up to 15 without. Ok is false for all others, and for some of those.
func plainFloat(data []byte, start, end uint32) (v float64, ok bool) {
	minus := data[start] == '-'
	if minus {
		start++
	}
	before := uint64(0)
	at := start
	for ; at < end; at++ {
		d := uint64(data[at] - '0')
		if d > 9 {
			break
		}
		before = before*10 + d
	}
	digits := at - start
	if digits-1 > 14 {
		return 0, false
	}
	if at == end {
		v = float64(before)
	} else {
		places := end - at - 1
		if data[at] != '.' || digits+places > 19 {
			return 0, false
		}
		part, ok := upToEighteen(data, end, places)
		if !ok {
			return 0, false
		}
		mantissa := before*whole[places] + part
		if digits+places <= 15 {
			v = float64(mantissa) / pow10[places]
		} else if v, ok = nearest(mantissa, -int(places)); !ok {
			return 0, false
		}
	}
	if minus {
		v = -v
	}
	return v, true
}

// boolFields adds the rows of a bool column.
func boolFields(c *Column, b *column.BoolBuilder) func(f *Fields, i int) (int, error) {
	const t, fa, lse = 't' | 'r'<<8 | 'u'<<16 | 'e'<<24, 'f' | 'a'<<8 | 'l'<<16 | 's'<<24, 'e' << 32
	return func(f *Fields, i int) (int, error) {
		data, places, step := f.Data, f.Places, f.Step
		last := uint64(0)
		for i < f.Rows {
			from, n, most := b.Len(), 0, min(f.Rows-i, blockRows)
			nulls, values := uint64(0), uint64(0)
			for at := f.At + i*step; n < most; n++ {
				place, empty := filled(places[at], places[at+1], last)
				at += step
				start, size := uint32(place), uint32(place>>32)-uint32(place)
				if place == 0 || !c.null && empty != 0 || int(start)+8 > len(data) || size > 5 {
					break
				}
				last = place
				// Which of the two it is has no branch, as that cannot be foreseen.
				w := binary.LittleEndian.Uint64(data[start:])
				yes, no := bit(w<<32 == t<<32)&bit(size == 4), bit(w<<24 == (fa|lse)<<24)&bit(size == 5)
				if yes|no == 0 {
					break
				}
				values |= yes &^ empty << n
				nulls |= empty << n
			}
			b.AppendBits(values, n)
			b.SetNulls(from, nulls)
			if i += n; n == most {
				continue
			}
			if start, end := f.of(i); start == end {
				if !c.skipped(b) {
					return i, nil
				}
			} else if v, ok := parseBool(f.Data[start:end]); ok {
				b.Append(v)
			} else {
				return i, nil
			}
			i++
		}
		return i, nil
	}
}

func bit(v bool) (b uint64) { // compiles to a move
	if v {
		b = 1
	}
	return b
}

// textFields adds the rows of a column of texts.
func textFields(c *Column, b *column.BinaryBuilder) func(f *Fields, i int) (int, error) {
	return func(f *Fields, i int) (int, error) {
		nullable := c.field.Nullable
		places, step := f.Places, f.Step
		for i < f.Rows {
			from, n, most := b.Len(), 0, min(f.Rows-i, blockRows)
			first, nulls := f.At+i*step, uint64(0)
			for at := first; n < most; n++ {
				start, end := places[at]+1, places[at+1]
				at += step
				if start&^Quoted == end {
					if start != end || !nullable {
						break
					}
					nulls |= 1 << n
				}
			}
			b.AppendCuts(f.Data, places[first:], step, n)
			b.SetNulls(from, nulls)
			if i += n; n == most {
				continue
			}
			if !c.blank(f.span(i), b) {
				return i, nil
			}
			i++
		}
		return i, nil
	}
}

// recent are values of a dictionary that were found lately: those of up to 16 bytes, which two words hold. Each is in one of the four places
// of the set that its bytes say, and a word for each set has a tag of 16 bits for each place, 0 where that is free.
type recent struct {
	of      *column.Dictionary
	tags    []uint64
	entries []found
	shift   int // of a hash, to a set and a tag
}

// found is a value of size bytes.
type found struct {
	first, last uint64
	size, index uint32
}

// fit makes room for about the values that the dictionary has. What was found in another one is forgotten.
func (r *recent) fit(of *column.Dictionary) {
	const least, most = 256, 2048 // sets
	n := len(r.tags)
	if r.of == of && (n >= of.Len() || n == most) {
		return
	}
	known := r.entries
	if r.of != of {
		known = nil
	}
	size := bits.Len(uint(min(most, max(least, 2*of.Len()))) - 1)
	r.of, r.tags, r.entries, r.shift = of, make([]uint64, 1<<size), make([]found, 4<<size), 48-size
	for i := range known {
		if known[i].size != 0 {
			r.add(&known[i])
		}
	}
}

// key returns what is kept of a value that stands in data. Ok is false where it is too long, or data ends too soon to tell.
func key(data []byte, start, end uint32) (k found, ok bool) {
	switch n := end - start; {
	case n-8 <= 8:
		return found{binary.LittleEndian.Uint64(data[start:]), binary.LittleEndian.Uint64(data[end-8:]), n, 0}, true
	case n < 8 && int(start)+8 <= len(data):
		return found{binary.LittleEndian.Uint64(data[start:]) << (64 - 8*n), 0, n, 0}, true
	}
	return k, false
}

const (
	eachTag = 1<<48 | 1<<32 | 1<<16 | 1
	topTags = eachTag << 15
)

// place returns the set of a value, and its tag.
func (r *recent) place(k *found) (set, tag uint64) {
	const odd1, odd2 = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
	hash := (k.first*odd1 ^ k.last) * odd2 >> (r.shift & 63)
	return hash >> 16, hash&0xFFFF | 1
}

// tagged has the highest bit of the first place with the tag, and of some behind it, and is 0 where there is none.
func tagged(tags, tag uint64) uint64 {
	x := tags ^ tag*eachTag
	return (x - eachTag) &^ x & topTags
}

// add adds a value, in the place of another where all are taken.
func (r *recent) add(k *found) {
	set, tag := r.place(k)
	at := uint64(bits.TrailingZeros64(tagged(r.tags[set], tag)|tagged(r.tags[set], 0)|1<<63)) >> 4
	r.tags[set] = r.tags[set]&^(0xFFFF<<(16*at)) | tag<<(16*at)
	r.entries[4*set+at] = *k
}

// differs is zero where the values are the same.
func (f *found) differs(k *found) uint64 {
	return f.first ^ k.first | f.last ^ k.last | uint64(f.size^k.size)
}

// dictFields adds the rows of a column of texts in a dictionary.
func dictFields[I column.Index](c *Column, b *column.DictBuilder[I]) func(f *Fields, i int) (int, error) {
	var known recent
	return func(f *Fields, i int) (int, error) {
		nullable := c.field.Nullable
		known.fit(b.Dictionary())
		data, places, step := f.Data, f.Places, f.Step
		last := uint64(0)
		for i < f.Rows {
			from, n := b.Len(), 0
			values := b.ExtendUnset(min(f.Rows-i, blockRows)) // of indices that are right, and not to be looked at again
			nulls := uint64(0)
			entries, tags := known.entries, known.tags
			for at := f.At + i*step; n < len(values); n++ {
				before := places[at]
				place, empty := filled(before, places[at+1], last)
				at += step
				if place == 0 || empty != 0 && (!nullable || (before+1)&Quoted != 0) {
					break
				}
				k, ok := key(data, uint32(place), uint32(place>>32))
				if !ok {
					break
				}
				last = place
				set, tag := known.place(&k)
				e := &entries[4*set+uint64(bits.TrailingZeros64(tagged(tags[set], tag)|1<<63))>>4]
				if e.differs(&k) != 0 {
					break
				}
				values[n] = I(e.index &^ -uint32(empty))
				nulls |= empty << n
			}
			if n < len(values) {
				b.Truncate(from + n)
			}
			b.SetNulls(from, nulls)
			if i += n; n == len(values) {
				continue
			}
			sp := f.span(i)
			start := sp.Start &^ Quoted
			if start == sp.End {
				if !c.blank(sp, b) {
					return i, nil
				}
				i++
				continue
			}
			row := b.Len()
			if b.AppendBytes(f.Data[start:sp.End]); b.Err() != nil {
				return i, undone(b, row) // with the error, which is of this row alone
			}
			if k, ok := key(f.Data, start, sp.End); ok {
				if x := uint64(b.FixedBuilder.Values()[row]); x < 1<<32 {
					k.index = uint32(x)
					known.add(&k)
				}
			}
			i++
		}
		return i, nil
	}
}

// blank adds an empty field as a null, in a column of which an empty text is a value: where it is not in quotes.
func (c *Column) blank(sp Span, b Builder) bool {
	if c.field.Nullable && (sp.Start&Quoted == 0 || sp == Missing) {
		b.AppendNull()
		return true
	}
	return false
}

// A form is what the digits and the marks between them are in eight bytes of a text: with it taken away digits are 0 to 9, and marks 0.
type form struct{ text, most uint64 }

// formOf returns the form of a text in which 9 stands for any digit.
func formOf(s string) (f form) {
	for i := range 8 {
		c := uint64(s[i])
		f.most |= 0x7F << (8 * i)
		if c == '9' {
			c = '0'
			f.most -= 9 << (8 * i)
		}
		f.text |= c << (8 * i)
	}
	return f
}

// of returns the digits of eight bytes that have the form, and not zero as wrong where they do not.
func (f form) of(b []byte) (digits, wrong uint64) {
	digits = binary.LittleEndian.Uint64(b) ^ f.text
	return digits, (digits&lows + f.most | digits) & highs
}

var (
	yearMonth    = formOf("9999-99-")
	dayHour      = formOf("99T99:99")
	daySpaceHour = formOf("99 99:99")
)

// pairs returns the number of two digits in each byte that is followed by another.
func pairs(digits uint64) uint64 { return digits*10 + digits>>8 }

// timestampFields adds the rows of a timestamp column.
func timestampFields[T ~int64](c *Column, b *column.FixedBuilder[T]) func(f *Fields, i int) (int, error) {
	return func(f *Fields, i int) (int, error) {
		t := &c.field.Type
		unit, zoned := t.Unit, t.Zone != ""
		per, digits := int64(unit), places(unit)
		most := (math.MaxInt64 - per) / per // seconds that fit, whatever part of one is behind them
		var days dayCache
		data, marks, step := f.Data, f.Places, f.Step
		for i < f.Rows {
			from, n := b.Len(), 0
			values := b.ExtendUnset(min(f.Rows-i, blockRows))
			nulls := uint64(0)
			for at := f.At + i*step; n < len(values); n++ {
				start, end := (marks[at]+1)&^Quoted, marks[at+1]
				at += step
				if start == end {
					if !c.null {
						break
					}
					values[n] = 0
					nulls |= 1 << n
					continue
				}
				seconds, part, k, ok := days.instant(data[start:end], zoned)
				if !ok || k > digits || seconds < -most || seconds > most {
					break
				}
				values[n] = T(seconds*per + part*tens[digits-k])
			}
			if n < len(values) {
				b.Truncate(from + n)
			}
			b.SetNulls(from, nulls)
			if i += n; n == len(values) {
				continue
			}
			if start, end := f.of(i); start == end {
				if !c.skipped(b) {
					return i, nil
				}
			} else if v, ok := parseTimestamp(f.Data[start:end], unit, zoned, c.opts.NaiveUTC); ok {
				b.Append(T(v))
			} else {
				return i, nil
			}
			i++
		}
		return i, nil
	}
}

// tens are powers of ten.
var tens = [10]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// places returns how many digits parts of a second have in a unit.
func places(unit column.Unit) int {
	switch unit {
	case column.Second:
		return 0
	case column.Millisecond:
		return 3
	case column.Microsecond:
		return 6
	}
	return 9
}

// dayCache is the last day that was read: its text without the marks, and when it began; and the last minute, as the 16 bytes of its text.
type dayCache struct {
	text    uint64
	seconds int64
	known   bool
	minute  [2]uint64
	begun   int64
}

// instant reads timestamps in the form YYYY-MM-DDTHH:MM:SS with up to eight places of a second, and Z where they have a zone, as seconds
// and what those places are. Ok is false for all others.
func (d *dayCache) instant(s []byte, zoned bool) (seconds, part int64, places int, ok bool) {
	if zoned {
		if len(s) == 0 || s[len(s)-1] != 'Z' {
			return 0, 0, 0, false
		}
		s = s[:len(s)-1]
	}
	if len(s) < 19 || len(s) > 28 {
		return 0, 0, 0, false
	}
	last := uint64(binary.LittleEndian.Uint16(s[17:])) ^ ('0'<<8 | '0')
	sec := int64(pairs(last) & 0xFF)
	if s[16] != ':' || (last+0x7676|last)&0x8080 != 0 || sec > 59 {
		return 0, 0, 0, false
	}
	if date, clock := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[8:]); date != d.minute[0] || clock != d.minute[1] || date == 0 {
		begun, ok := d.read(s)
		if !ok {
			return 0, 0, 0, false
		}
		d.minute, d.begun = [2]uint64{date, clock}, begun
	}
	if len(s) > 19 {
		if s[19] != '.' || len(s) == 20 {
			return 0, 0, 0, false
		}
		places = len(s) - 20
		d := digitsOf(binary.LittleEndian.Uint64(s[len(s)-8:]), uint32(places))
		if wrong(d)&highs != 0 {
			return 0, 0, 0, false
		}
		part = int64(number(d))
	}
	return d.begun + sec, part, places, true
}

// read reads a day and a minute of it, and returns when that begins.
func (d *dayCache) read(s []byte) (begun int64, ok bool) {
	first, wrong1 := yearMonth.of(s)
	behind := &dayHour
	if s[10] == ' ' {
		behind = &daySpaceHour
	}
	second, wrong2 := behind.of(s[8:])
	if wrong1|wrong2 != 0 {
		return 0, false
	}
	if key := first | second&0xFF<<32 | second>>8&0xFF<<56; !d.known || key != d.text {
		p := pairs(first)
		year, month, day := int64(p&0xFF)*100+int64(p>>16&0xFF), int(p>>40&0xFF), int(pairs(second)&0xFF)
		if month == 0 || month > 12 || day == 0 || day > daysIn(year, month) {
			return 0, false
		}
		d.text, d.seconds, d.known = key, daysOf(year, month, day)*secondsPerDay, true
	}
	p := pairs(second)
	hour, minute := int64(p>>24&0xFF), int64(p>>48&0xFF)
	return d.seconds + hour*3600 + minute*60, hour <= 23 && minute <= 59
}
