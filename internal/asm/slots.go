package asm

import "encoding/binary"

const (
	// SlotRows is how many rows of a column Slots has texts of.
	SlotRows = 64
	// SlotSize is how many bytes there are for the text of a row and what ends it.
	SlotSize = 32
)

// Slots are the texts of some rows of a column, each with the byte that ends it, before they are put beside those of other columns.
//
//	Text  0 ┌──────────────┬───┬─────┐ 32 ┌───── …
//	        │ text of row 0│end│     │    │ of row 1
//	        └── Size[0] bytes ─┴ ─ ─ ┘    └ ─ ─ ─ …
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
	a, b := binary.LittleEndian.Uint64(src[0:]), binary.LittleEndian.Uint64(src[8:])
	c, d := binary.LittleEndian.Uint64(src[16:]), binary.LittleEndian.Uint64(src[24:])
	binary.LittleEndian.PutUint64(dst[0:], a)
	binary.LittleEndian.PutUint64(dst[8:], b)
	binary.LittleEndian.PutUint64(dst[16:], c)
	binary.LittleEndian.PutUint64(dst[24:], d)
}

// JoinSlots puts the texts of the rows from row from on side by side at the beginning of dst, those of each row in the order of the columns,
// until it has n rows or one of which a text is not there: of no size, or more than a slot has. It returns how many rows there are, and
// how many bytes. Dst has a slot for each text at least, and behind the texts may be anything.
func JoinSlots(dst []byte, columns []Slots, from, n int) (rows, size int) {
	if n = min(n, SlotRows-from); n <= 0 || len(columns) == 0 {
		return 0, 0
	}
	if from < 0 || len(dst)/SlotSize/len(columns) < n {
		panic("asm: JoinSlots: row out of range, or a destination that is too short")
	}
	if rows, size, ok := joinFront(dst, columns, from, n); ok {
		return rows, size
	}
	return joinSlotsGeneric(dst, columns, from, n)
}

// joinSlotsGeneric is JoinSlots in portable Go.
func joinSlotsGeneric(dst []byte, columns []Slots, from, n int) (rows, size int) {
	for ; rows < n; rows++ {
		at, j := size, from+rows
		for k := range columns {
			s := &columns[k]
			n := int(s.Size[j])
			if uint(n-1) >= SlotSize {
				return rows, size
			}
			Copy32((*[SlotSize]byte)(dst[at:]), s.At(j))
			at += n
		}
		size = at
	}
	return rows, size
}
