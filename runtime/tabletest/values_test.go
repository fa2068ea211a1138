package tabletest

import (
	"math"
	"reflect"
	"testing"
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

// What does not come back as it was is found, and nothing else.
func TestEqual(t *testing.T) {
	type row struct {
		N    int8
		Skip int `arrow:"-"`
		own  int
	}
	one, other := 1, 1
	berlin := time.FixedZone("", 3600)
	now := time.Unix(1, 2)
	for i, test := range []struct {
		x, y any
		want bool
	}{
		{int8(1), int8(1), true},
		{int8(1), int8(2), false},
		{"a", "a", true},
		{"a", "b", false},
		{true, false, false},
		{now, now.In(berlin), true},
		{now, now.Add(1), false},
		{math.NaN(), math.NaN(), true},
		{0.0, math.Copysign(0, -1), false},
		{float32(1), float32(2), false},
		{&one, &other, true},
		{&one, (*int)(nil), false},
		{(*int)(nil), (*int)(nil), true},
		{&one, new(int), false},
		{[]byte{}, []byte(nil), false},
		{[]byte{1}, []byte{1}, true},
		{[]byte{1}, []byte{1, 2}, false},
		{[]byte{1}, []byte{2}, false},
		{[2]byte{1}, [2]byte{1}, true},
		{[2]byte{1}, [2]byte{2}, false},
		{rt.Null[int]{V: 1}, rt.Null[int]{}, true},
		{rt.Some(0), rt.Null[int]{}, false},
		{rt.Some(1), rt.Some(1), true},
		{rt.Null[int]{}, rt.Some(0), false},
		{map[string]int{"a": 1}, map[string]int{"a": 1}, true},
		{map[string]int{"a": 1}, map[string]int{"a": 2}, false},
		{map[string]int{"a": 1}, map[string]int{"b": 1}, false},
		{map[string]int{}, map[string]int(nil), false},
		{row{1, 2, 3}, row{1, 0, 0}, true},
		{row{N: 1}, row{}, false},
		{rt.Decimal128{Lo: 1}, rt.Decimal128{Hi: 1}, false},
		{rt.Decimal256{1}, rt.Decimal256{1}, true},
	} {
		x, y := reflect.ValueOf(test.x), reflect.ValueOf(test.y)
		if got := equal(x, y); got != test.want {
			t.Errorf("case %d: %v and %v are equal: %v", i, test.x, test.y, got)
		}
	}
}

type side int8

func (s side) String() string {
	if s == 1 || s == -3 {
		return "named"
	}
	return ""
}

func TestNames(t *testing.T) {
	parse := func(name string) (side, error) {
		if name == "named" {
			return -3, nil
		}
		return 0, rt.ErrUnknownName
	}
	v := Names(parse)
	if len(v.list) != 1 || v.list[0].Interface() != side(-3) {
		t.Errorf("values %v, want the one that its name gives back", v.list)
	}
	defer func() {
		if recover() == nil {
			t.Error("a type without names is no error")
		}
	}()
	Names(func(string) (side, error) { return 0, rt.ErrUnknownName })
}
