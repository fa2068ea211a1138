package flatbuf

import (
	"bytes"
	"errors"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/frame"
)

// big lies in place, below tables that are small without it.
type big [60000]byte

type leg struct{ X *big }

func buildBig(b *Builder, m *big) UOffsetT {
	b.Prep(1, len(m))
	for i := len(m) - 1; i >= 0; i-- {
		b.PlaceUint8(m[i])
	}
	return b.Offset()
}

func buildLeg(b *Builder, m *leg) UOffsetT {
	b.StartObject(1)
	if m.X != nil {
		b.PrependStructSlot(0, buildBig(b, m.X), 0)
	}
	return b.EndObject()
}

func buildLegs(b *Builder, m *[]leg) UOffsetT {
	legs := CreateTables(b, *m, buildLeg)
	b.StartObject(1)
	b.PrependUOffsetTSlot(0, legs, 0)
	return b.EndObject()
}

// TestStructsInPlaceCount wants a message whose bytes are mostly in structs that lie in place to be refused before it takes much
// more than a message may have, and one whose structs are absent to be written.
func TestStructsInPlaceCount(t *testing.T) {
	const limit = 1 << 20
	legs := make([]leg, 1000)
	dst, err := appendLimit([]byte("x"), &legs, buildLegs, limit)
	if err != nil || len(dst) < 1000 {
		t.Fatalf("%d bytes, %v", len(dst), err)
	}
	x := new(big)
	for i := range legs {
		legs[i].X = x
	}
	written := 0
	build := func(b *Builder, m *[]leg) UOffsetT {
		at := buildLegs(b, m)
		written = int(b.Offset())
		return at
	}
	dst, err = appendLimit([]byte("x"), &legs, build, limit)
	if !errors.Is(err, frame.ErrLimit) || !bytes.Equal(dst, []byte("x")) {
		t.Errorf("%d bytes, %v", len(dst), err)
	}
	if most := limit + 2*len(x); written > most {
		t.Errorf("%d bytes were written, want at most %d", written, most)
	}
}

// TestPointersAreKept wants what pointers lead to in the memory that was there, and none where there is nothing.
func TestPointersAreKept(t *testing.T) {
	one := Ptr(nil, true, 1)
	two := Ptr(one, true, 2)
	if one != two || *two != 2 || Ptr(two, false, 3) != nil {
		t.Error("a number is elsewhere")
	}
	text := TextPtr[string](nil, []byte("a"))
	if other := TextPtr(text, []byte("b")); other != text || *other != "b" || TextPtr(other, nil) != nil {
		t.Error("a text is elsewhere")
	}
	if empty := TextPtr(text, []byte{}); empty != text || *empty != "" {
		t.Error("an empty text is nil")
	}
}
