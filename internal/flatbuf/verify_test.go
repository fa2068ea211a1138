package flatbuf

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// sampleBuffer is a buffer with one of most things:
//
//	 0  root 24
//	 4  vtable of 16 bytes: n at 8, s at 4, u at 16 and 20, v at 24, w absent
//	24  table, vtable 20 before it
//	28    s: string at 56
//	32    n: 1<<40
//	40    u: tag 1
//	44       value at 72
//	48    v: vector at 64
//	56  string "abc"
//	64  vector of 1 number, 7
//	72  table without fields, vtable 8 after it
//	80  vtable of 4 bytes
func sampleBuffer() []byte {
	b := make([]byte, 84)
	put16 := func(at int, values ...uint16) {
		for i, v := range values {
			le.PutUint16(b[at+2*i:], v)
		}
	}
	le.PutUint32(b[0:], 24)
	put16(4, 16, 28, 8, 4, 16, 20, 24, 0)
	le.PutUint32(b[24:], 20)
	le.PutUint32(b[28:], 56-28)
	le.PutUint64(b[32:], 1<<40)
	b[40] = 1
	le.PutUint32(b[44:], 72-44)
	le.PutUint32(b[48:], 64-48)
	le.PutUint32(b[56:], 3)
	copy(b[60:], "abc")
	le.PutUint32(b[64:], 1)
	le.PutUint32(b[68:], 7)
	put16(72, 0xFFF8, 0xFFFF)
	put16(80, 4, 4)
	return b
}

// verifySample is what a generator would write for it.
func verifySample(buf []byte, limits Limits) error {
	v := NewVerifier(buf, limits)
	if pos, ok := v.Root(); !ok || !checkSample(&v, pos) {
		return v.Error("sample")
	}
	return nil
}

func checkSample(v *Verifier, pos int) bool {
	o, ok := v.Begin(pos)
	return ok &&
		v.Scalar(o, 0, 8, "n") &&
		v.Required(o, 1, "s") &&
		v.String(o, 1, "s") &&
		checkUnion(v, o, 2, "u") &&
		v.Vector(o, 4, 4, "v") &&
		v.Vector(o, 5, 8, "w") &&
		v.End()
}

func checkUnion(v *Verifier, o Object, slot int, name string) bool {
	tag, pos, ok := v.Union(o, slot, name)
	if !ok {
		return false
	}
	switch tag {
	case 0:
		return true
	case 1:
		_, ok = v.Begin(pos)
		ok = ok && v.End()
	case 2:
		ok = v.Text(pos, "")
	case 3:
		ok = v.Inline(pos, 16, 8, "")
	default:
		return v.UnknownTag(o, slot, tag, name)
	}
	return ok || v.In(name)
}

func TestVerify(t *testing.T) {
	if err := verifySample(sampleBuffer(), Limits{}); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyErrors(t *testing.T) {
	u16 := func(at int, v uint16) func([]byte) []byte {
		return func(b []byte) []byte { le.PutUint16(b[at:], v); return b }
	}
	u32 := func(at int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte { le.PutUint32(b[at:], v); return b }
	}
	u8 := func(at int, v byte) func([]byte) []byte {
		return func(b []byte) []byte { b[at] = v; return b }
	}
	cut := func(n int) func([]byte) []byte {
		return func(b []byte) []byte { return b[:n:n] }
	}
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
		err    error
		want   string
	}{
		{"nothing", cut(0), ErrBounds, "flatbuffer byte 0 (sample): a buffer of 0 bytes, want at least 4"},
		{"short", cut(3), ErrBounds, "flatbuffer byte 0 (sample): a buffer of 3 bytes, want at least 4"},
		{"root zero", u32(0, 0), ErrBounds, "flatbuffer byte 0 (sample): an offset of 0, want 1 to 80"},
		{"root far", u32(0, 81), ErrBounds, "flatbuffer byte 0 (sample): an offset of 81, want 1 to 80"},
		{"root huge", u32(0, math.MaxUint32), ErrBounds, "flatbuffer byte 0 (sample): an offset of 4294967295, want 1 to 80"},
		{"root odd", u32(0, 25), ErrAlign, "flatbuffer byte 25 (sample): data at byte 25, want a multiple of 4"},
		{"vtable before", u32(24, 25), ErrBounds, "flatbuffer byte 24 (sample): a vtable at byte -1, want one from 0 to 80"},
		{"vtable behind", u32(24, uint32(0xFFFFFFFF-56)), ErrBounds, "flatbuffer byte 24 (sample): a vtable at byte 81, want one from 0 to 80"},
		{"vtable odd", u32(24, 19), ErrAlign, "flatbuffer byte 24 (sample): a vtable at byte 5, want an even place"},
		{"vtable small", u16(4, 2), ErrVTable, "flatbuffer byte 4 (sample): a vtable of 2 bytes, want an even number from 4 to 80"},
		{"vtable uneven", u16(4, 15), ErrVTable, "flatbuffer byte 4 (sample): a vtable of 15 bytes, want an even number from 4 to 80"},
		{"vtable long", u16(4, 82), ErrVTable, "flatbuffer byte 4 (sample): a vtable of 82 bytes, want an even number from 4 to 80"},
		{"field in vtable's place", u16(8, 2), ErrBounds, "flatbuffer byte 8 (sample.n): a field of 8 bytes at byte 2 of its table, want one from 4 to 52"},
		{"field outside", u16(8, 56), ErrBounds, "flatbuffer byte 8 (sample.n): a field of 8 bytes at byte 56 of its table, want one from 4 to 52"},
		{"field unaligned", u16(8, 12), ErrAlign, "flatbuffer byte 36 (sample.n): data at byte 36, want a multiple of 8"},
		{"required", u16(10, 0), ErrRequired, "flatbuffer byte 24 (sample.s): no value, want one, as it is required"},
		{"required beyond vtable", u16(4, 6), ErrRequired, "flatbuffer byte 24 (sample.s): no value, want one, as it is required"},
		{"string offset zero", u32(28, 0), ErrBounds, "flatbuffer byte 28 (sample.s): an offset of 0, want 1 to 52"},
		{"string outside", u32(28, 53), ErrBounds, "flatbuffer byte 28 (sample.s): an offset of 53, want 1 to 52"},
		{"string unaligned", u32(28, 29), ErrAlign, "flatbuffer byte 57 (sample.s): data at byte 57, want a multiple of 4"},
		{"string long", u32(56, 24), ErrBounds, "flatbuffer byte 56 (sample.s): a string of 24 bytes, want at most 23"},
		{"string huge", u32(56, math.MaxUint32), ErrBounds, "flatbuffer byte 56 (sample.s): a string of 4294967295 bytes, want at most 23"},
		{"string open", u8(63, 'd'), ErrString, "flatbuffer byte 63 (sample.s): 0x64 after a string, want 0"},
		{"tag without value", u16(14, 0), ErrUnion, "flatbuffer byte 40 (sample.u): the tag 1 without a value, want both or none"},
		{"value without tag", u8(40, 0), ErrUnion, "flatbuffer byte 24 (sample.u): a value without a tag, want both or none"},
		{"value without stored tag", u16(12, 0), ErrUnion, "flatbuffer byte 24 (sample.u): a value without a tag, want both or none"},
		{"tag unknown", u8(40, 4), ErrUnion, "flatbuffer byte 40 (sample.u): the tag 4, want that of a known member"},
		{"union's table", u32(72, 200), ErrBounds, "flatbuffer byte 72 (sample.u): a vtable at byte -128, want one from 0 to 80"},
		{"union's text", u8(40, 2), ErrBounds, "flatbuffer byte 72 (sample.u): a string of 4294967288 bytes, want at most 7"},
		{"union's struct", u8(40, 3), ErrBounds, "flatbuffer byte 72 (sample.u): a struct of 16 bytes, want at most 12"},
		{"vector long", u32(64, 5), ErrBounds, "flatbuffer byte 64 (sample.v): a vector of 5 elements of 4 bytes, want at most 16 bytes"},
		{"vector huge", u32(64, 1<<30+1), ErrBounds, "flatbuffer byte 64 (sample.v): a vector of 1073741825 elements of 4 bytes, want at most 16 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := verifySample(c.change(sampleBuffer()), Limits{})
			if err == nil || err.Error() != c.want || !errors.Is(err, c.err) {
				t.Errorf("got  %v\nwant %s, which is %v", err, c.want, c.err)
			}
		})
	}
}

func TestVerifyAccepts(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"size of the table": func(b []byte) []byte { le.PutUint16(b[6:], 0); return b },
		"elements at a multiple of 4": func(b []byte) []byte {
			le.PutUint16(b[18:], 24) // w leads to the same vector, whose element is not at a multiple of 8
			return b
		},
		"stored tag of none": func(b []byte) []byte {
			b[40] = 0
			le.PutUint16(b[14:], 0)
			return b
		},
		"newer fields": func(b []byte) []byte { le.PutUint16(b[4:], 18); le.PutUint16(b[20:], 0xFFFF); return b },
	} {
		if err := verifySample(change(sampleBuffer()), Limits{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyLimits(t *testing.T) {
	for want, limits := range map[string]Limits{
		"flatbuffer byte 72 (sample.u): tables nested deeper, want at most 1 inside each other":             {MaxDepth: 1},
		"flatbuffer byte 72 (sample.u): more tables, want at most 1, as many as so many bytes are let have": {MaxTables: 1},
	} {
		err := verifySample(sampleBuffer(), limits)
		if err == nil || err.Error() != want || !errors.Is(err, ErrLimit) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := verifySample(sampleBuffer(), Limits{MaxDepth: 2, MaxTables: 2}); err != nil {
		t.Error(err)
	}
}

func TestRead(t *testing.T) {
	root := Root(sampleBuffer())
	if root.Start() != 24 || len(root.Buf()) != 84 || root.IsZero() {
		t.Errorf("root at %d", root.Start())
	}
	if n := root.Int64(0, 5); n != 1<<40 || root.Pos(0) != 32 {
		t.Errorf("n is %d at %d", n, root.Pos(0))
	}
	if s := root.String(1, ""); s != "abc" || string(root.Bytes(1)) != "abc" {
		t.Errorf("s is %q", s)
	}
	if root.Uint8(2, 0) != 1 || root.Table(3).Start() != 72 || root.Table(3).Has(0) {
		t.Error("u is not as written")
	}
	if v := root.Vector(4, 4); v.Len() != 1 || v.Pos() != 68 || v.Uint32(0) != 7 || !slices.Equal(v.Bytes(), []byte{7, 0, 0, 0}) {
		t.Errorf("v has %d elements at %d", v.Len(), v.Pos())
	}
	for slot := range 3 {
		absent := 5 + slot // in the vtable, and behind it
		if root.Has(absent) || root.Int64(absent, 9) != 9 || root.String(absent, "def") != "def" || root.Bytes(absent) != nil ||
			!root.Table(absent).IsZero() || root.Vector(absent, 8).Len() != 0 || root.Struct(absent, 8) != nil {
			t.Errorf("slot %d has something", absent)
		}
	}
}

// TestReadNumbers reads every kind of number from a table, a vector and a struct.
func TestReadNumbers(t *testing.T) {
	b := sampleBuffer()
	bits := uint64(0xC0F8_8000_81A2_FEFF)
	le.PutUint64(b[32:], bits)
	table := Root(b)
	vector := Vector{buf: b, pos: 32, n: 1, size: 8}
	str := Struct(b[32:40])
	same := func(name string, values ...any) {
		t.Helper()
		for _, v := range values {
			if v != values[0] {
				t.Errorf("%s: %v", name, values)
				return
			}
		}
	}
	same("bool", true, table.Bool(0, false), vector.Bool(0), str.Bool(0))
	same("int8", int8(-1), table.Int8(0, 0), vector.Int8(0), str.Int8(0))
	same("uint8", uint8(0xFF), table.Uint8(0, 0), vector.Uint8(0), str.Uint8(0))
	same("int16", int16(-257), table.Int16(0, 0), vector.Int16(0), str.Int16(0))
	same("uint16", uint16(0xFEFF), table.Uint16(0, 0), vector.Uint16(0), str.Uint16(0))
	same("int32", int32(bits&0xFFFFFFFF-1<<32), table.Int32(0, 0), vector.Int32(0), str.Int32(0))
	same("uint32", uint32(0x81A2FEFF), table.Uint32(0, 0), vector.Uint32(0), str.Uint32(0))
	same("int64", int64(-0x3F077FFF7E5D0101), table.Int64(0, 0), vector.Int64(0), str.Int64(0))
	same("uint64", bits, table.Uint64(0, 0), vector.Uint64(0), str.Uint64(0))
	same("float32", math.Float32frombits(0x81A2FEFF), table.Float32(0, 0), vector.Float32(0), str.Float32(0))
	same("float64", math.Float64frombits(bits), table.Float64(0, 0), vector.Float64(0), str.Float64(0))
	same("absent", int16(3), table.Int16(9, 3), Table{}.Int16(0, 3))
	var none Struct
	if none.Bool(0) || none.Int8(0) != 0 || none.Uint16(0) != 0 || none.Uint32(0) != 0 || none.Float64(8) != 0 || none.Struct(0, 8) != nil {
		t.Error("an absent struct has something")
	}
	if inner := str.Struct(4, 4); inner.Uint32(0) != uint32(bits>>32) || str.Elem(0, 4, 2, 1).Uint16(0) != 0x81A2 {
		t.Error("a struct in a struct is not as written")
	}
}
