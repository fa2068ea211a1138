package asm

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// slotsOf lays out columns of texts, of which one in rare is not there, and returns what the rows from row from on are side by side until
// there are n or a text is missing.
func slotsOf(r *rand.Rand, columns []Slots, from, n, rare int) (want []byte, rows int) {
	for k := range columns {
		s := &columns[k]
		fillWith(s.Text[:], func(int) byte { return byte(r.Uint32()) })
		for j := range s.Size {
			if s.Size[j] = uint8(1 + r.IntN(SlotSize)); r.IntN(rare) == 0 {
				s.Size[j] = []uint8{0, SlotSize + 1, 255}[r.IntN(3)]
			}
		}
	}
	for ; rows < min(n, SlotRows-from); rows++ {
		var row []byte
		for k := range columns {
			s, j := &columns[k], from+rows
			if s.Size[j] == 0 || s.Size[j] > SlotSize {
				return want, rows
			}
			row = append(row, s.Text[j*SlotSize:j*SlotSize+int(s.Size[j])]...)
		}
		want = append(want, row...)
	}
	return want, rows
}

// TestJoinSlots wants the texts of all rows that have all of them, and nothing written behind the slots that there is room for.
func TestJoinSlots(t *testing.T) {
	r := newRand()
	missing := 0
	for n := range SlotRows + 2 {
		for _, columns := range []int{1, 2, 6, 33} {
			from := r.IntN(SlotRows)
			list := make([]Slots, columns)
			want, rows := slotsOf(r, list, from, n, []int{3, 40, 1 << 20}[r.IntN(3)])
			most := min(n, SlotRows-from)
			if rows < most {
				missing++
			}
			for name, join := range map[string]func(dst []byte, columns []Slots, from, n int) (rows, size int){"JoinSlots": JoinSlots, "joinSlotsGeneric": joinSlotsGeneric} {
				room := most * columns * SlotSize
				dst := bytes.Repeat([]byte{0xA5}, room+8)
				got, size := join(dst[3:3+room:3+room], list, from, most)
				if got != rows || !bytes.Equal(dst[3:3+size], want) {
					t.Fatalf("%s of %d rows from %d, %d columns: %d rows in %d bytes, want %d in %d", name, n, from, columns, got, size, rows, len(want))
				}
				if !bytes.Equal(dst[:3], dst[room+3:room+6]) || dst[0] != 0xA5 {
					t.Fatalf("%s of %d rows, %d columns, has written beside its destination", name, n, columns)
				}
			}
		}
	}
	if missing == 0 {
		t.Error("no text was missing")
	}
	if rows, size := JoinSlots(nil, nil, 0, 1); rows != 0 || size != 0 {
		t.Errorf("no columns have %d rows of %d bytes", rows, size)
	}
	for name, call := range map[string]func(){
		"short": func() { JoinSlots(make([]byte, 2*SlotSize-1), make([]Slots, 1), 0, 2) },
		"below": func() { JoinSlots(make([]byte, 2*SlotSize), make([]Slots, 1), -1, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			call()
		}()
	}
}

// TestSlots wants a text to end behind what is valid of it.
func TestSlots(t *testing.T) {
	var s Slots
	copy(s.At(5)[:], "text")
	if s.End(5, 4, 0b11, ','); s.Size[5] != 5 || string(s.At(5)[:5]) != "text," {
		t.Errorf("%q of %d bytes", s.At(5)[:5], s.Size[5])
	}
	if s.End(5, 4, 0b10, ';'); s.Size[5] != 1 || string(s.At(5)[:5]) != ";ext," {
		t.Errorf("%q of %d bytes", s.At(5)[:5], s.Size[5])
	}
}
