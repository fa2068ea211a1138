package value

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/column"
)

// Slots are the texts of some rows of a column before they are put beside those of other columns: so one loop prints one type, and how long a
// text is has no branch.
type Slots = asm.Slots

// SlotRows is how many rows of a column Slots has texts of, and SlotSize how many bytes there are for the text of a row and what ends it.
const (
	SlotRows = asm.SlotRows
	SlotSize = asm.SlotSize
)

// Valid returns a bit for each of n rows from row from on, a multiple of eight, that is set where it is valid; bits behind these may be
// anything.
func Valid(d *column.Data, from, n int) uint64 {
	if d.Buffers[0] == nil {
		return math.MaxUint64
	}
	return bitsOf(d.Buffers[0], from, n)
}

func bitsOf(bitmap []byte, from, n int) (w uint64) {
	bitmap = bitmap[from/8 : (from+n+7)/8]
	if len(bitmap) == 8 {
		return le.Uint64(bitmap)
	}
	return unsigned(bitmap)
}

// PrintSlots prints n rows from row from on, a multiple of eight, as bare text that end ends; those without a bit in valid as an empty one. It
// returns false for columns of types that it does not print, and leaves out single rows whose text is too long.
func (p *Printer) PrintSlots(s *Slots, d *column.Data, from, n int, valid uint64, end byte) bool {
	v := d.Buffers[1]
	switch p.common {
	case int32s:
		v = v[4*from : 4*(from+n)]
		for j := 0; len(v) >= 4; j, v = j+1, v[4:] {
			s.End(j, putInt(s.At(j), int64(int32(le.Uint32(v)))), valid, end)
			valid >>= 1
		}
	case int64s:
		v = v[8*from : 8*(from+n)]
		for j := 0; len(v) >= 8; j, v = j+1, v[8:] {
			s.End(j, putInt(s.At(j), int64(le.Uint64(v))), valid, end)
			valid >>= 1
		}
	case float64s:
		v = v[8*from : 8*(from+n)]
		for j := 0; len(v) >= 8; j, v = j+1, v[8:] {
			size := 0
			if valid&1 != 0 {
				x := math.Float64frombits(le.Uint64(v))
				if abs := math.Abs(x); abs >= leastShort && abs < mostShort {
					size = putShort((*[shortText]byte)(s.Text[j%SlotRows*SlotSize:]), x)
				} else if abs <= math.MaxFloat64 {
					size = len(appendFloat(s.At(j)[:0], x, 64))
				} else {
					s.Size[j] = 0
					valid >>= 1
					continue
				}
			}
			s.End(j, size, valid, end)
			valid >>= 1
		}
	case bools:
		texts := [2]uint64{'f' | 'a'<<8 | 'l'<<16 | 's'<<24 | 'e'<<32, 't' | 'r'<<8 | 'u'<<16 | 'e'<<24}
		w := bitsOf(v, from, n)
		for j := range n {
			le.PutUint64(s.At(j)[:], texts[w&1])
			s.End(j, 5-int(w&1), valid, end)
			valid >>= 1
			w >>= 1
		}
	case instants:
		v = v[8*from : 8*(from+n)]
		c := &p.instants
		for j := 0; len(v) >= 8; j, v = j+1, v[8:] {
			size := 0
			if valid&1 != 0 {
				if size = c.put(s.At(j), int64(le.Uint64(v))); size == 0 {
					s.Size[j] = 0
					valid >>= 1
					continue
				}
			}
			s.End(j, size, valid, end)
			valid >>= 1
		}
	default:
		return false
	}
	return true
}

// putInt prints a number, and returns how long its text is: 20 bytes at most.
func putInt(b *[SlotSize]byte, n int64) int {
	if uint64(n) >= 1e8 {
		return len(strconv.AppendInt(b[:0], n, 10))
	}
	digits := eightDigits(uint64(n))
	zeros := min(bits.TrailingZeros64(digits)>>3, 7) // before the number, which may be zero
	le.PutUint64(b[:], (digits|zeroDigits)>>(8*zeros))
	return 8 - zeros
}

// PrintEntries is PrintSlots of a column with a dictionary, whose values are the entries.
func (p *Printer) PrintEntries(s *Slots, e *Entries, d *column.Data, from, n int, valid uint64, end byte) {
	if len(e.ends) < 2 { // all rows are null
		for j := range n {
			s.End(j, 0, 0, end)
		}
		return
	}
	if p.indexSize == 4 {
		v := d.Buffers[1][4*from : 4*(from+n)]
		for j := 0; len(v) >= 4; j, v = j+1, v[4:] {
			e.put(s, j, int(le.Uint32(v)&-uint32(valid&1)), valid, end) // where it is null it may be anything
			valid >>= 1
		}
		return
	}
	for j := range n {
		at := 0
		if valid&1 != 0 {
			at = p.index(d, from+j)
		}
		e.put(s, j, at, valid, end)
		valid >>= 1
	}
}

// put puts entry number at into the slot of row j.
func (e *Entries) put(s *Slots, j, at int, valid uint64, end byte) {
	start, size := e.ends[at], e.ends[at+1]-e.ends[at]
	if size >= SlotSize && valid&1 != 0 {
		s.Size[j] = 0
		return
	}
	asm.Copy32(s.At(j), (*[SlotSize]byte)(e.text[start:]))
	s.End(j, size, valid, end)
}
