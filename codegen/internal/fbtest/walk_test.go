// Package fbtest tests what fbsgen has written: package arrowfb, and package sample with one of each thing.
package fbtest

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// accessors are the methods of a type, by what they give.
type accessors struct {
	values   []accessor // of no argument
	elements []accessor // of an index
	isZero   int
}

type accessor struct {
	name   string
	index  int
	length int // of the method with the number of elements
}

var known sync.Map // from reflect.Type to *accessors

func accessorsOf(t reflect.Type) *accessors {
	if a, ok := known.Load(t); ok {
		return a.(*accessors)
	}
	a := &accessors{isZero: -1}
	for i := range t.NumMethod() {
		m := t.Method(i)
		switch {
		case m.Name == "IsZero":
			a.isZero = i
		case m.Name == "String":
		case m.Type.NumIn() == 1:
			a.values = append(a.values, accessor{m.Name, i, 0})
		default:
			length, ok := t.MethodByName(m.Name + "Len")
			if !ok {
				length, _ = t.MethodByName(strings.TrimSuffix(m.Name, "Bytes") + "Len")
			}
			a.elements = append(a.elements, accessor{m.Name, i, length.Index})
		}
	}
	known.Store(t, a)
	return a
}

// walker calls every accessor of a table and of what it leads to.
type walker struct {
	// visit is called for each value, if there is one. Positions in the buffer are not among them.
	visit func(path string, value any)
	calls int
}

func (w *walker) table(path string, v reflect.Value) {
	a := accessorsOf(v.Type())
	if a.isZero < 0 {
		panic("no accessors of " + v.Type().String())
	}
	if v.Method(a.isZero).Call(nil)[0].Bool() {
		w.value(path, "absent")
		return
	}
	for _, m := range a.values {
		out := v.Method(m.index).Call(nil)
		w.calls++
		if len(out) == 2 && !out[1].Bool() || strings.HasSuffix(m.name, "Pos") {
			continue
		}
		w.result(path+"."+m.name, out[0])
	}
	for _, m := range a.elements {
		n := int(v.Method(m.length).Call(nil)[0].Int())
		for i := range n {
			w.calls++
			w.result(fmt.Sprintf("%s.%s[%d]", path, m.name, i), v.Method(m.index).Call([]reflect.Value{reflect.ValueOf(i)})[0])
		}
	}
}

func (w *walker) result(path string, v reflect.Value) {
	if v.Kind() == reflect.Struct {
		w.table(path, v)
		return
	}
	w.value(path, v.Interface())
}

func (w *walker) value(path string, value any) {
	if w.visit != nil {
		w.visit(path, value)
	}
}

// touch calls every accessor and returns how many calls that took.
func touch(table any) int {
	w := walker{}
	w.table("", reflect.ValueOf(table))
	return w.calls
}

// dump has a line for each value.
func dump(table any) string {
	var b strings.Builder
	w := walker{visit: func(path string, value any) { fmt.Fprintf(&b, "%s = %v\n", path, value) }}
	w.table("", reflect.ValueOf(table))
	return b.String()
}
