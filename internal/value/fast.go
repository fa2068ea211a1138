package value

import (
	"math"
	"math/bits"
	"slices"
	"strconv"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// common is a type that many columns have, whose values are printed without calls of functions that were chosen for the column.
type common uint8

const (
	uncommon common = iota
	int32s
	int64s
	float64s
	bools
	texts
	instants // timestamps in any unit
)

func commonOf(f *ipc.Field) common {
	t := f.Type
	switch {
	case f.Dictionary != nil:
		return uncommon
	case t.Kind == ipc.KindInt && t.Signed && t.Bits == 32:
		return int32s
	case t.Kind == ipc.KindInt && t.Signed && t.Bits == 64, t.Kind == ipc.KindDuration:
		return int64s
	case t.Kind == ipc.KindFloat && t.Bits == 64:
		return float64s
	case t.Kind == ipc.KindBool:
		return bools
	case t.Kind == ipc.KindUtf8:
		return texts
	case t.Kind == ipc.KindTimestamp:
		return instants
	}
	return uncommon
}

// AppendValue appends row i, which is not null: as a JSON value, or as bare text.
func (p *Printer) AppendValue(dst []byte, d *column.Data, i int, json bool) []byte {
	v := d.Buffers[1]
	switch p.common {
	case int32s:
		return appendInt(dst, int64(int32(le.Uint32(v[4*i:]))))
	case int64s:
		return appendInt(dst, int64(le.Uint64(v[8*i:])))
	case float64s:
		x := math.Float64frombits(le.Uint64(v[8*i:]))
		if math.Abs(x) <= math.MaxFloat64 {
			return appendFloat(dst, x, 64)
		}
	case bools:
		if v[i>>3]&(1<<(i&7)) != 0 {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case texts:
		from, to := int(le.Uint32(v[4*i:])), int(le.Uint32(v[4*i+4:]))
		if json {
			if n := to - from; n <= shortRun && len(d.Buffers[2])-from >= shortRun {
				at := len(dst)
				dst = slices.Grow(dst, shortRun+2)[:at+shortRun+2]
				if b := dst[at:]; copyPlain(b[1:], d.Buffers[2][from:], n) {
					b[0], b[n+1] = '"', '"'
					return dst[:at+n+2]
				}
				dst = dst[:at]
			}
		}
		return appendText(dst, d.Buffers[2][from:to:to], style(json), p.fault)
	case instants:
		if !json {
			return p.instants.append(dst, int64(le.Uint64(v[8*i:])))
		}
		return append(p.instants.append(append(dst, '"'), int64(le.Uint64(v[8*i:]))), '"')
	}
	return p.print(dst, d, i, style(json))
}

// Sure tells whether no row is an error, so that [Printer.Err] need not be asked.
func (p *Printer) Sure() bool { return p.common != uncommon && p.common != texts }

// appendInt appends a number.
func appendInt(dst []byte, n int64) []byte {
	if uint64(n) >= 1e8 {
		return strconv.AppendInt(dst, n, 10)
	}
	digits := eightDigits(uint64(n))
	zeros := min(bits.TrailingZeros64(digits)>>3, 7) // before the number, which may be zero
	from := len(dst)
	dst = slices.Grow(dst, 8)[:from+8]
	le.PutUint64(dst[from:], (digits|zeroDigits)>>(8*zeros))
	return dst[:from+8-zeros]
}

// Entries are the values of a dictionary as they are printed.
type Entries struct {
	text []byte
	ends []int // of each, behind a zero
}

// shortEntry is how many bytes of an entry are copied at once, whatever its length; as many stand behind the last.
const shortEntry = 32

// Append appends value i.
func (e *Entries) Append(dst []byte, i int) []byte {
	start, end := e.ends[i], e.ends[i+1]
	n, at := end-start, len(dst)
	if n > shortEntry {
		return append(dst, e.text[start:end]...)
	}
	dst = slices.Grow(dst, shortEntry)[:at+shortEntry]
	asm.Copy32((*[shortEntry]byte)(dst[at:]), (*[shortEntry]byte)(e.text[start:]))
	return dst[:at+n]
}

// Flat tells whether rows of d are null by its validity alone.
func (p *Printer) Flat(d *column.Data) bool {
	return p.flat || p.index != nil && d.Values.Column() == nil && !d.Values.HasNulls()
}

// Index returns which of the entries row i is.
func (p *Printer) Index(d *column.Data, i int) int { return p.index(d, i) }

// Entries prints the values of a dictionary in advance, where a batch of so many rows has more than there are values: as JSON, or as print
// does it with their bare text. It returns false for other columns.
func (p *Printer) Entries(e *Entries, d *column.Data, rows int, print func(dst, text []byte) []byte) bool {
	if p.index == nil || d.Values.Column() != nil || d.Values.Len() > rows {
		return false
	}
	e.text, e.ends = e.text[:0], append(e.ends[:0], 0)
	var bare []byte
	for i := range d.Values.Len() {
		if !d.Values.IsNull(i) {
			if print == nil {
				e.text = p.entry(e.text, d.Values.At(i), quoted)
			} else {
				bare = p.entry(bare[:0], d.Values.At(i), plain)
				e.text = print(e.text, bare)
			}
		}
		e.ends = append(e.ends, len(e.text))
	}
	e.text = append(e.text, make([]byte, shortEntry)...)
	return p.Err() == nil // else it is the error of the row that has it
}

// clock prints timestamps, of which those of one day often follow each other.
type clock struct {
	unit   column.Unit
	digits int
	zoned  bool
	known  bool
	start  int64    // of the day, in seconds
	text   [16]byte // of the day, and a T: 11 bytes
}

// shortClock is how many bytes append writes at most, with what it writes behind the end.
const shortClock = 32

// append prints instants in UTC with a Z, and wall-clock times without.
func (c *clock) append(dst []byte, n int64) []byte {
	from := len(dst)
	dst = slices.Grow(dst, shortClock)[:from+shortClock]
	if size := c.put((*[shortClock]byte)(dst[from:]), n); size != 0 {
		return dst[:from+size]
	}
	dst = dst[:from]
	seconds, rest := c.split(n)
	if seconds < -maxSeconds || seconds > maxSeconds { // whose years nobody reads
		return strconv.AppendInt(dst, n, 10)
	}
	day, inDay := split(seconds, secondsPerDay)
	dst = appendClock(append(appendDate(dst, day), 'T'), inDay, rest, c.digits)
	if c.zoned {
		dst = append(dst, 'Z')
	}
	return dst
}

// put is append to memory that is there, for years of four digits. It returns how long the text is, and 0 where it printed nothing.
func (c *clock) put(b *[shortClock]byte, n int64) int {
	seconds, rest := c.split(n)
	second := seconds - c.start
	if !c.known || uint64(second) >= secondsPerDay {
		if seconds < -maxSeconds || seconds > maxSeconds {
			return 0
		}
		day, inDay := split(seconds, secondsPerDay)
		c.known = len(append(appendDate(c.text[:0], day), 'T')) == 11
		if !c.known {
			return 0
		}
		c.start, second = day*secondsPerDay, inDay
	}
	*(*[16]byte)(b[0:]) = c.text
	// Two digits each of hours, minutes and seconds, side by side.
	s := uint64(second)
	h, m := s/3600, s/60
	two := h | (m-60*h)<<24 | (s-60*m)<<48
	tens := two * 103 >> 10 & (0xF | 0xF<<24 | 0xF<<48)
	const colons = '0' | '0'<<8 | ':'<<16 | '0'<<24 | '0'<<32 | ':'<<40 | '0'<<48 | '0'<<56
	le.PutUint64(b[11:], (tens|(two-10*tens)<<8)+colons)
	end := 19
	if c.digits > 0 {
		b[19] = '.'
		end = 20 + c.digits
		part := uint64(rest)
		switch c.digits {
		case 3:
			part *= 1e5
		case 6:
			part *= 1e2
		default:
			b[28] = '0' + byte(part%10)
			part /= 10
		}
		le.PutUint64(b[20:], eightDigits(part)|zeroDigits)
	}
	if c.zoned {
		b[end&(shortClock-1)] = 'Z'
		end++
	}
	return end
}

// split is split by divisors that the compiler knows.
func (c *clock) split(n int64) (seconds, rest int64) {
	switch c.unit {
	case column.Second:
		return n, 0
	case column.Millisecond:
		seconds, rest = n/1e3, n%1e3
	case column.Microsecond:
		seconds, rest = n/1e6, n%1e6
	default:
		seconds, rest = n/1e9, n%1e9
	}
	if rest < 0 {
		seconds, rest = seconds-1, rest+int64(c.unit)
	}
	return seconds, rest
}

const (
	ones  = 0x0101010101010101
	highs = ones << 7
)

// word returns eight bytes of s, the first in the lowest.
func word[T string | []byte](s T) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// shortRun is how many bytes of texts are looked at and copied eight by eight, whatever their length.
const shortRun = 24

// copyPlain copies shortRun bytes, and tells whether the first n are as they are in a JSON string.
func copyPlain(dst, src []byte, n int) bool {
	dst, src = dst[:shortRun], src[:shortRun]
	for i := 0; ; i += 8 {
		w := le.Uint64(src[i:])
		le.PutUint64(dst[i:], w)
		m := strange(w)
		if i+8 >= n {
			return m<<(8*(8-min(n-i, 8))) == 0
		}
		if m != 0 {
			return false
		}
	}
}

// strange returns the high bit of the first byte that is not as it is in a JSON string, and of some behind it.
func strange(w uint64) uint64 {
	quote, slash := w^ones*'"', w^ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w | w | (w + ones)) & highs
}

// plainRun returns how many bytes at the start of s a JSON string has as they are: of ASCII, and no quote, backslash or control character.
func plainRun[T string | []byte](s T) int {
	n := 0
	for ; n+8 <= len(s); n += 8 {
		if m := strange(word(s[n:])); m != 0 {
			return n + bits.TrailingZeros64(m)>>3
		}
	}
	for n < len(s) && escaped[s[n]] == 0 {
		n++
	}
	return n
}
