package tabletest

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

const (
	day        = 24 * time.Hour
	mostValues = 100 // of a dictionary, so that each index type has room for them
)

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	runtimePath  = reflect.TypeFor[rt.Null[int]]().PkgPath()
)

// fill makes up the value of a field that lies in a column, or below one.
func (m *maker[R]) fill(v reflect.Value, f *ipc.Field, depth int) {
	null := f.Nullable && m.random.IntN(4) == 0
	switch list, limited := m.values[v.Type()]; {
	case limited:
		v.Set(list[m.random.IntN(len(list))])
	case v.Kind() == reflect.Interface:
		m.fillUnion(v, f, depth)
	case v.Kind() == reflect.Pointer:
		if !null {
			v.Set(reflect.New(v.Type().Elem()))
			m.fill(v.Elem(), notNull(f), depth)
		}
	case isNull(v.Type()):
		if !null {
			m.fill(v.Field(0), notNull(f), depth)
			v.Field(1).SetBool(true)
		}
	case f.Type.Kind == ipc.KindRunEndEncoded && len(f.Children) == 2:
		m.fill(v, &f.Children[1], depth)
	case len(f.Children) > 0:
		m.fillNested(v, f, null, depth)
	case v.Type() == timeType:
		v.Set(reflect.ValueOf(m.time(f.Type)))
	case v.Type() == durationType:
		v.SetInt(int64(m.duration(f.Type)))
	default:
		m.fillPlain(v, f, null)
	}
}

// fillUnion makes up a value of a union.
func (m *maker[R]) fillUnion(v reflect.Value, f *ipc.Field, depth int) {
	members := m.unions[v.Type()]
	k := m.random.IntN(len(members))
	if members[k].typ == nil {
		return
	}
	value := reflect.New(members[k].base).Elem()
	m.fill(value, &f.Children[k], depth+1)
	v.Set(value.Convert(members[k].typ))
}

// isNull tells whether a type is rt.Null of another.
func isNull(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.PkgPath() == runtimePath && strings.HasPrefix(t.Name(), "Null[")
}

func notNull(f *ipc.Field) *ipc.Field {
	g := *f
	g.Nullable = false
	return &g
}

// number returns a number of a few bits or of many.
func (m *maker[R]) number() uint64 { return m.random.Uint64() >> m.random.UintN(64) }

func (m *maker[R]) fillPlain(v reflect.Value, f *ipc.Field, null bool) {
	n := m.number()
	if f.Dictionary != nil {
		n %= mostValues
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(n%2 == 0)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		v.SetInt(m.integer(int64(n)^-int64(n&1), f.Type, v.Type().Bits()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		v.SetUint(n & (math.MaxUint64 >> (64 - v.Type().Bits())))
	case reflect.Float32:
		v.SetFloat(float64(math.Float32frombits(uint32(n))))
	case reflect.Float64:
		v.SetFloat(math.Float64frombits(n))
	case reflect.String:
		v.SetString(text(n))
	case reflect.Slice: // of bytes
		if !null {
			v.SetBytes([]byte(text(n)))
		}
	case reflect.Array:
		m.fillArray(v, n, f.Type)
	case reflect.Struct:
		if d, ok := v.Addr().Interface().(*rt.Decimal128); ok {
			x := m.decimal(int64(n), f.Type.Precision)
			d.Lo, d.Hi = uint64(x), x>>63
		}
	}
}

// integer returns a number that a column of the type can hold.
func (m *maker[R]) integer(n int64, t ipc.Type, bits int) int64 {
	n = n << (64 - bits) >> (64 - bits)
	switch t.Kind {
	case ipc.KindDecimal:
		return m.decimal(n, t.Precision)
	case ipc.KindDate:
		n %= 100_000
		if t.Variant == 1 {
			n *= day.Milliseconds()
		}
	}
	return n
}

// decimal returns n with at most so many digits.
func (m *maker[R]) decimal(n int64, digits int) int64 {
	if digits >= 18 {
		return n >> 4 // of 63 bits, 59 are less than 10^18
	}
	return n % int64(math.Pow10(digits))
}

// text returns a text that tells n, of some length.
func text(n uint64) string {
	return strings.Repeat("é", int(n%5)) + fmt.Sprint(n%1000) + strings.Repeat(".", int(n%17))
}

// fillArray fills an array of bytes, or the words of a decimal.
func (m *maker[R]) fillArray(v reflect.Value, n uint64, t ipc.Type) {
	if d, ok := v.Addr().Interface().(*rt.Decimal256); ok {
		x := m.decimal(int64(n), t.Precision)
		*d = rt.Decimal256{uint64(x), uint64(x >> 63), uint64(x >> 63), uint64(x >> 63)}
		return
	}
	for i := range v.Len() {
		v.Index(i).SetUint(n >> (i % 8 * 8) & 0xFF)
	}
}

// unitOf returns the unit of a column's times.
func unitOf(u column.Unit) time.Duration { return time.Second / time.Duration(u) }

// time returns a time from 1706 to 2233, as exact as the column's.
func (m *maker[R]) time(t ipc.Type) time.Time {
	at := time.Unix(0, int64(m.random.Uint64())/10*9).UTC()
	if t.Kind == ipc.KindDate {
		return at.Truncate(day)
	}
	return at.Truncate(unitOf(t.Unit))
}

// duration returns a span of time, or a time of day, as exact as the column's.
func (m *maker[R]) duration(t ipc.Type) time.Duration {
	d := time.Duration(m.random.Uint64())
	if t.Kind == ipc.KindTime {
		d = max(d, -(d+1)) % day
	}
	return d.Truncate(unitOf(t.Unit))
}

// fillNested makes up the values below a column.
func (m *maker[R]) fillNested(v reflect.Value, f *ipc.Field, null bool, depth int) {
	items := m.random.IntN(4 - min(depth, 2))
	switch v.Kind() {
	case reflect.Slice:
		if null {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), items, items))
		for i := range items {
			m.fill(v.Index(i), &f.Children[0], depth+1)
		}
	case reflect.Array:
		for i := range v.Len() {
			m.fill(v.Index(i), &f.Children[0], depth+1)
		}
	case reflect.Map:
		if null {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range items {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			m.fill(key, &f.Children[0].Children[0], depth+1)
			m.fill(value, &f.Children[0].Children[1], depth+1)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i, field := range columnsOf(v) {
			m.fill(field, &f.Children[i], depth+1)
		}
	}
}

// columnsOf returns the fields of a struct that are columns: exported, and not tagged as none.
func columnsOf(v reflect.Value) (list []reflect.Value) {
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("arrow") != "-" {
			list = append(list, v.Field(i))
		}
	}
	return list
}

// equal tells whether two fields hold the same: times the same instant, numbers the same bits but for NaNs.
func equal(x, y reflect.Value) bool {
	if x.Kind() == reflect.Struct && x.Type().ConvertibleTo(timeType) {
		x, y = x.Convert(timeType), y.Convert(timeType)
		return x.Interface().(time.Time).Equal(y.Interface().(time.Time))
	}
	switch x.Kind() {
	case reflect.Float32, reflect.Float64:
		a, b := x.Float(), y.Float()
		return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
	case reflect.Pointer, reflect.Interface:
		if x.IsNil() || y.IsNil() {
			return x.IsNil() == y.IsNil()
		}
		return x.Elem().Type() == y.Elem().Type() && equal(x.Elem(), y.Elem())
	case reflect.Slice, reflect.Array:
		if x.Len() != y.Len() || x.Kind() == reflect.Slice && x.IsNil() != y.IsNil() {
			return false
		}
		for i := range x.Len() {
			if !equal(x.Index(i), y.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if x.Len() != y.Len() || x.IsNil() != y.IsNil() {
			return false
		}
		for _, key := range x.MapKeys() {
			if value := y.MapIndex(key); !value.IsValid() || !equal(x.MapIndex(key), value) {
				return false
			}
		}
		return true
	case reflect.Struct:
		if isNull(x.Type()) && !x.Field(1).Bool() {
			return !y.Field(1).Bool()
		}
		a, b := columnsOf(x), columnsOf(y)
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	}
	return x.Interface() == y.Interface()
}
