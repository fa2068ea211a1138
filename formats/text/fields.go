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

// Fields are those of one column in some records of a text: number At of the Stride spans that each record has.
type Fields struct {
	Data       []byte
	Spans      []Span
	At, Stride int
	Rows       int
}

// of returns the field of record i.
func (f *Fields) of(i int) (start, end uint32) {
	s := f.Spans[i*f.Stride+f.At]
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

// filled returns where the field of record i stands, and 0, as start | end<<32. Of an empty one it returns last, which is where another one
// stands, and 1: what reads it needs no branch, as which fields are empty cannot be foreseen.
func (f *Fields) filled(i int, last uint64) (place, empty uint64) {
	s := f.Spans[i*f.Stride+f.At]
	start := s.Start &^ Quoted
	place = uint64(start) | uint64(s.End)<<32
	empty = (uint64(start^s.End) - 1) >> 63
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

// upToEight reads a number of n digits, 1 to 8 of them, that ends where the eight bytes of w do.
func upToEight(w uint64, n uint32) (v uint64, ok bool) {
	keep := keepsOfWord[n]
	w = w&keep | zeros&^keep
	return eightDigitsValue(w), notDigits(w) == 0
}

// keepsOfWord has for each number of digits which bytes of the word before their end are theirs.
var keepsOfWord = func() (list [9]uint64) {
	for n := range list {
		list[n] = ^uint64(0) << (64 - 8*n)
	}
	return list
}()

// upToSixteen reads a number of 1 to 16 digits that stands in data before end. Ok is false too where data begins too late to tell.
func upToSixteen(data []byte, start, end uint32) (v uint64, ok bool) {
	n := end - start
	if n-1 > 15 || end < 16 || int(end) > len(data) {
		return 0, false
	}
	around := (*[16]byte)(data[end-16:])
	low := binary.LittleEndian.Uint64(around[8:])
	if n <= 8 {
		return upToEight(low, n)
	}
	high, ok := upToEight(binary.LittleEndian.Uint64(around[:8]), n-8)
	return high*1e8 + eightDigitsValue(low), ok && eightDigits(low)
}

// intFields adds the rows of an integer column.
func intFields[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](c *Column, b *column.FixedBuilder[T]) func(f *Fields, i int) (int, error) {
	signed := ^T(0) < 0
	return func(f *Fields, i int) (int, error) {
		for i < f.Rows {
			from, n := b.Len(), 0
			values := b.ExtendUnset(min(f.Rows-i, blockRows))
			last, nulls := uint64(0), uint64(0)
			for ; n < len(values); n++ {
				place, empty := f.filled(i+n, last)
				if place == 0 || !c.null && empty != 0 {
					break
				}
				last = place
				start, end := uint32(place), uint32(place>>32)
				minus := signed && f.Data[start] == '-'
				if minus {
					start++
				}
				u, ok := upToSixteen(f.Data, start, end)
				number := int64(u)
				if minus {
					number = -number
				}
				if !ok || int64(T(number)) != number {
					break
				}
				values[n] = T(number &^ -int64(empty))
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
		for i < f.Rows {
			from, n := b.Len(), 0
			values := b.ExtendUnset(min(f.Rows-i, blockRows))
			last, nulls := uint64(0), uint64(0)
			for ; n < len(values); n++ {
				place, empty := f.filled(i+n, last)
				if place == 0 || !c.null && empty != 0 {
					break
				}
				if empty != 0 {
					values[n] = 0
					nulls |= 1 << n
					continue
				}
				last = place
				v, ok := plainFloat(f.Data, uint32(place), uint32(place>>32))
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
	first := binary.LittleEndian.Uint64(around[0:])&keep[0] | zeros&^keep[0]
	second := binary.LittleEndian.Uint64(around[8:])&keep[1] | zeros&^keep[1]
	third := binary.LittleEndian.Uint64(around[16:])&keep[2] | zeros&^keep[2]
	// Of the first there are two digits at most.
	v = ((first>>48&0xF*10+first>>56&0xF)*1e8+eightDigitsValue(second))*1e8 + eightDigitsValue(third)
	return v, notDigits(first)|notDigits(second)|notDigits(third) == 0
}

// notDigits is zero where the eight bytes of w are all digits.
func notDigits(w uint64) uint64 {
	return (w&0xF0F0F0F0F0F0F0F0 | (w+0x0606060606060606)&0xF0F0F0F0F0F0F0F0>>4) ^ 0x3333333333333333
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
		for i < f.Rows {
			from, n, most := b.Len(), 0, min(f.Rows-i, blockRows)
			last, nulls, values := uint64(0), uint64(0), uint64(0)
			for ; n < most; n++ {
				place, empty := f.filled(i+n, last)
				start, size := uint32(place), uint32(place>>32)-uint32(place)
				if place == 0 || !c.null && empty != 0 || int(start)+8 > len(f.Data) || size > 5 {
					break
				}
				last = place
				// Which of the two it is has no branch, as that cannot be foreseen.
				w := binary.LittleEndian.Uint64(f.Data[start:])<<(64-8*size)>>(64-8*size) | uint64(size)<<56
				yes, no := bit(w == t|4<<56), bit(w == fa|lse|5<<56)
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
		for i < f.Rows {
			from, n, most := b.Len(), 0, min(f.Rows-i, blockRows)
			nulls := uint64(0)
			for ; n < most; n++ {
				sp := f.Spans[(i+n)*f.Stride+f.At]
				start := sp.Start &^ Quoted
				empty := (uint64(start^sp.End) - 1) >> 63
				if sp.Start != start && empty != 0 || !nullable && empty != 0 {
					break
				}
				b.AppendCut(f.Data, int(start), int(sp.End))
				nulls |= empty << n
			}
			b.SetNulls(from, nulls)
			if i += n; n == most {
				continue
			}
			if !c.blank(f.Spans[i*f.Stride+f.At], b) {
				return i, nil
			}
			i++
		}
		return i, nil
	}
}

// recent are values of a dictionary that were found lately, each at the place that its bytes say or beside it: those of up to 16 bytes,
// which two words hold.
type recent struct {
	of      *column.Dictionary
	entries []found
	shift   int
}

// found is a value of size bytes.
type found struct {
	first, last uint64
	size, index uint32
}

// fit makes room for about the values that the dictionary has. What was found in another one is forgotten.
func (r *recent) fit(of *column.Dictionary) {
	const least, most = 64, 8192
	n := min(most, max(least, 4*of.Len()))
	if r.of == of && n <= len(r.entries) {
		return
	}
	size := bits.Len(uint(n - 1))
	r.of, r.entries, r.shift = of, make([]found, 1<<size), 64-size
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

// place returns where a value is, unless it is beside it.
func (r *recent) place(k *found) uint64 {
	const odd1, odd2 = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
	return (k.first*odd1 ^ k.last) * odd2 >> (r.shift & 63)
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
		for i < f.Rows {
			from, n := b.Len(), 0
			values := b.ExtendUnset(min(f.Rows-i, blockRows)) // of indices that are right, and not to be looked at again
			last, nulls := uint64(0), uint64(0)
			for ; n < len(values); n++ {
				place, empty := f.filled(i+n, last)
				if place == 0 || !nullable && empty != 0 || f.Spans[(i+n)*f.Stride+f.At].Start&Quoted != 0 && empty != 0 {
					break
				}
				k, ok := key(f.Data, uint32(place), uint32(place>>32))
				if !ok {
					break
				}
				last = place
				// Which of the two it is has no branch, as that cannot be foreseen.
				at := known.place(&k)
				one, other := &known.entries[at], &known.entries[at^1]
				index, first := other.index, one.index
				d1, d2 := one.differs(&k), other.differs(&k)
				if (d1|-d1)&(d2|-d2)>>63 != 0 {
					break
				}
				if d1 == 0 {
					index = first
				}
				values[n] = I(index &^ -uint32(empty))
				nulls |= empty << n
			}
			if n < len(values) {
				b.Truncate(from + n)
			}
			b.SetNulls(from, nulls)
			if i += n; n == len(values) {
				continue
			}
			sp := f.Spans[i*f.Stride+f.At]
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
					at := known.place(&k)
					if known.entries[at].size != 0 {
						known.entries[at^1] = known.entries[at]
					}
					k.index = uint32(x)
					known.entries[at] = k
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
		for i < f.Rows {
			from, n := b.Len(), 0
			values := b.ExtendUnset(min(f.Rows-i, blockRows))
			last, nulls := uint64(0), uint64(0)
			for ; n < len(values); n++ {
				place, empty := f.filled(i+n, last)
				if place == 0 || !c.null && empty != 0 {
					break
				}
				if empty != 0 {
					values[n] = 0
					nulls |= 1 << n
					continue
				}
				last = place
				seconds, part, k, ok := days.instant(f.Data[uint32(place):uint32(place>>32)], zoned)
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
		v, ok := upToEight(binary.LittleEndian.Uint64(s[len(s)-8:]), uint32(places))
		if !ok {
			return 0, 0, 0, false
		}
		part = int64(v)
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
