// Package feedtest makes random rows of any table, and tells where two differ. It is for tests.
package feedtest

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
)

var timeType = reflect.TypeFor[time.Time]()

// unions are the members of unions, by the type of the interface.
var unions = map[reflect.Type][]reflect.Type{}

// Union says which types the values of the interface I may have; nil is nil.
func Union[I any](members ...I) struct{} {
	var types []reflect.Type
	for _, m := range members {
		types = append(types, reflect.TypeOf(m))
	}
	unions[reflect.TypeFor[I]()] = types
	return struct{}{}
}

// Draw returns a random row. What may be null is null at times, also inside of other values, and lists and maps are short, empty or
// nil.
func Draw[R any](t *rapid.T) R {
	var row R
	draw(t, reflect.ValueOf(&row).Elem(), "", false)
	return row
}

// draw sets v, which a field with the given tag holds. Required values are never nil.
func draw(t *rapid.T, v reflect.Value, tag string, required bool) {
	typ := v.Type()
	if typ.Kind() == reflect.Struct && typ != timeType && typ.ConvertibleTo(timeType) {
		at := reflect.New(timeType).Elem()
		draw(t, at, tag, false)
		v.Set(at.Convert(typ))
		return
	}
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(rapid.Int64Range(-1e9, 4e9).Draw(t, "time"), 0).UTC()))
		return
	case rt.DateMillis:
		v.SetInt(86_400_000 * rapid.Int64Range(-100_000, 100_000).Draw(t, "day"))
		return
	case rt.Decimal32, rt.Decimal64:
		v.SetInt(rapid.Int64Range(-999_999_999, 999_999_999).Draw(t, "decimal"))
		return
	case rt.Decimal128:
		v.Set(reflect.ValueOf(column.Decimal128From(rapid.Int64().Draw(t, "decimal"))))
		return
	case rt.Decimal256:
		v.Set(reflect.ValueOf(column.Decimal256From(rapid.Int64().Draw(t, "decimal"))))
		return
	case time.Duration:
		v.SetInt(rapid.Int64Range(0, 86_399).Draw(t, "seconds") * int64(time.Second))
		return
	}
	if _, ok := v.Interface().(fmt.Stringer); ok && typ.Kind() == reflect.Int8 { // a type of names
		v.SetInt(rapid.Int64Range(-2, 8).Filter(func(x int64) bool {
			e := reflect.New(typ).Elem()
			e.SetInt(x)
			return !strings.Contains(e.Interface().(fmt.Stringer).String(), "(")
		}).Draw(t, "name"))
		return
	}
	switch k := v.Kind(); k {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int") >> (64 - typ.Bits()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint") >> (64 - typ.Bits()))
	case reflect.Float32:
		v.SetFloat(float64(rapid.Float32().Draw(t, "float")))
	case reflect.Float64:
		v.SetFloat(rapid.Float64().Draw(t, "float"))
	case reflect.String:
		v.SetString(strings.ToValidUTF8(rapid.StringN(0, 20, 40).Draw(t, "text"), "?"))
	case reflect.Interface:
		members := unions[typ]
		if m := members[rapid.IntRange(0, len(members)-1).Draw(t, "member")]; m != nil {
			value := reflect.New(m).Elem()
			draw(t, value, tag, false)
			v.Set(value)
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "present") {
			v.Set(reflect.New(typ.Elem()))
			draw(t, v.Elem(), tag, true)
		}
	case reflect.Array:
		for i := range v.Len() {
			draw(t, v.Index(i), tag, false)
		}
	case reflect.Slice:
		drawSlice(t, v, tag, required)
	case reflect.Map:
		drawMap(t, v, tag, required)
	case reflect.Struct:
		if valid := v.FieldByName("Valid"); typ.NumField() == 2 && valid.IsValid() && v.FieldByName("V").IsValid() { // rt.Null
			if rapid.Bool().Draw(t, "present") {
				draw(t, v.FieldByName("V"), tag, true)
				valid.SetBool(true)
			}
			return
		}
		for i := range v.NumField() {
			if tag := typ.Field(i).Tag.Get("arrow"); tag != "-" {
				draw(t, v.Field(i), tag, strings.Contains(tag, ",required"))
			}
		}
	default:
		panic(fmt.Sprintf("a row with %v", typ))
	}
}

// length draws how many items a list has, -1 for none.
func length(t *rapid.T, required bool) int {
	n := rapid.IntRange(-1, 4).Draw(t, "length")
	if required {
		n = max(n, 0)
	}
	return n
}

func drawSlice(t *rapid.T, v reflect.Value, tag string, required bool) {
	n := length(t, required)
	if n < 0 {
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		draw(t, v.Index(i), tag, false)
	}
}

func drawMap(t *rapid.T, v reflect.Value, tag string, required bool) {
	n := length(t, required)
	if n < 0 {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for range n {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		draw(t, key, tag, false)
		draw(t, value, tag, false)
		v.SetMapIndex(key, value)
	}
}

// Difference returns where two rows differ, as a path and both values, or "". Floats are compared bit by bit, times as moments and
// zones, and what is nil is not what is empty.
func Difference(want, got any) string {
	return difference("row", reflect.ValueOf(want), reflect.ValueOf(got))
}

func difference(path string, x, y reflect.Value) string {
	differ := func() string { return fmt.Sprintf("%s: got %+v, want %+v", path, y, x) }
	switch x.Kind() {
	case reflect.Float32, reflect.Float64:
		if math.Float64bits(x.Float()) == math.Float64bits(y.Float()) {
			return ""
		}
	case reflect.Pointer, reflect.Interface:
		if x.IsNil() || y.IsNil() {
			if x.IsNil() == y.IsNil() {
				return ""
			}
			return differ()
		}
		if x.Elem().Type() != y.Elem().Type() {
			return differ()
		}
		return difference(path, x.Elem(), y.Elem())
	case reflect.Slice, reflect.Array:
		if x.Len() != y.Len() || x.Kind() == reflect.Slice && x.IsNil() != y.IsNil() {
			return differ()
		}
		for i := range x.Len() {
			if d := difference(fmt.Sprintf("%s[%d]", path, i), x.Index(i), y.Index(i)); d != "" {
				return d
			}
		}
		return ""
	case reflect.Map:
		if x.Len() != y.Len() || x.IsNil() != y.IsNil() {
			return differ()
		}
		for _, k := range x.MapKeys() {
			other := y.MapIndex(k)
			if !other.IsValid() {
				return differ()
			}
			if d := difference(fmt.Sprintf("%s[%v]", path, k), x.MapIndex(k), other); d != "" {
				return d
			}
		}
		return ""
	case reflect.Struct:
		if x.Type().ConvertibleTo(timeType) {
			x, y = x.Convert(timeType), y.Convert(timeType)
		}
		if t, ok := x.Interface().(time.Time); ok {
			if u := y.Interface().(time.Time); t.Equal(u) && t.Location() == u.Location() {
				return ""
			}
			return differ()
		}
		for i := range x.NumField() {
			if x.Type().Field(i).Tag.Get("arrow") == "-" {
				continue
			}
			if d := difference(path+"."+x.Type().Field(i).Name, x.Field(i), y.Field(i)); d != "" {
				return d
			}
		}
		return ""
	case reflect.String:
		if x.String() == y.String() && utf8.ValidString(y.String()) {
			return ""
		}
	default:
		if x.Equal(y) {
			return ""
		}
	}
	return differ()
}
