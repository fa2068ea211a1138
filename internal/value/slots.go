package value

import (
	"math"
	"math/bits"
	"strconv"

	"github.com/lightstream-go/lightstream/runtime/column"
)

const (
	// SlotRows is how many rows of a column Slots has texts of.
	SlotRows = 64
	// SlotSize is how many bytes there are for the text of a row and what ends it.
	SlotSize = 32
)

// Slots are the texts of some rows of a column, each with the byte that ends it, before they are put beside those of other columns: so one
// loop prints one type, and how long a text is has no branch.
//
//	text  0 ┌──────────────┬───┬ ─ ─ ┐ 32 ┌───── …
//	        │ text of a row│end│     │    │ of the next
//	size    └─────── of row 0 ┘
type Slots struct {
	Text [SlotRows*SlotSize + 64]byte // behind a text may be anything, also behind the last
	Size [SlotRows]uint8              // of each text, with its end; 0 where the row has no text here
}

// At returns the slot of row j.
func (s *Slots) At(j int) *[SlotSize]byte { return (*[SlotSize]byte)(s.Text[j%SlotRows*SlotSize:]) }

// End ends the text of row j, which has n bytes, or none where the lowest bit of valid is zero.
func (s *Slots) End(j, n int, valid uint64, end byte) {
	n &= -int(valid & 1)
	s.Text[j%SlotRows*SlotSize+n&(SlotSize-1)] = end
	s.Size[j%SlotRows] = uint8(n + 1)
}

// Copy32 copies 32 bytes. It loads all before it stores any, in the place of a call that asks whether they overlap.
func Copy32(dst, src *[32]byte) {
	a, b, c, d := le.Uint64(src[0:]), le.Uint64(src[8:]), le.Uint64(src[16:]), le.Uint64(src[24:])
	le.PutUint64(dst[0:], a)
	le.PutUint64(dst[8:], b)
	le.PutUint64(dst[16:], c)
	le.PutUint64(dst[24:], d)
}

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
			s.End(j, s.integer(j, int64(int32(le.Uint32(v)))), valid, end)
			valid >>= 1
		}
	case int64s:
		v = v[8*from : 8*(from+n)]
		for j := 0; len(v) >= 8; j, v = j+1, v[8:] {
			s.End(j, s.integer(j, int64(le.Uint64(v))), valid, end)
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

// integer prints a number, and returns how long its text is: 20 bytes at most.
func (s *Slots) integer(j int, n int64) int {
	b := s.At(j)
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
			s.entry(j, e, int(le.Uint32(v)&-uint32(valid&1)), valid, end) // where it is null it may be anything
			valid >>= 1
		}
		return
	}
	for j := range n {
		at := 0
		if valid&1 != 0 {
			at = p.index(d, from+j)
		}
		s.entry(j, e, at, valid, end)
		valid >>= 1
	}
}

// entry puts entry number at into the slot of row j.
func (s *Slots) entry(j int, e *Entries, at int, valid uint64, end byte) {
	start, size := e.ends[at], e.ends[at+1]-e.ends[at]
	if size >= SlotSize && valid&1 != 0 {
		s.Size[j] = 0
		return
	}
	Copy32(s.At(j), (*[SlotSize]byte)(e.text[start:]))
	s.End(j, size, valid, end)
}
