package regroup

import (
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// unifiers are those of a batch by the ids of dictionaries: fields that share a dictionary go on sharing one.
type unifiers map[int64]*unifier

func (u unifiers) of(f *ipc.Field) *unifier {
	one := u[f.Dictionary.ID]
	if one == nil {
		one = &unifier{all: column.NewDictionary(0), index: make(map[string]int), null: -1}
		u[f.Dictionary.ID] = one
	}
	return one
}

// A unifier makes one dictionary of those that a column has had one after the other.
type unifier struct {
	all   *column.Dictionary
	index map[string]int
	null  int // the index of the null value, -1 if there is none

	from *column.Dictionary // what to is for
	to   []int              // of each of its values
}

// adopt maps the values of the dictionary of d.
func (u *unifier) adopt(d *column.Data) {
	if d.Dictionary != u.from {
		u.from, u.to = d.Dictionary, u.to[:0]
	}
	for i := len(u.to); i < d.Values.Len(); i++ {
		u.to = append(u.to, u.add(d.Values, i))
	}
}

// add returns the index of value i of v.
func (u *unifier) add(v column.Values, i int) int {
	if v.IsNull(i) {
		if u.null < 0 {
			u.null = u.all.Len()
			u.all.Append("", true)
		}
		return u.null
	}
	text := v.At(i)
	at, ok := u.index[text]
	if !ok {
		at = u.all.Len()
		u.all.Append(text, false)
		u.index[u.all.Values().At(at)] = at
	}
	return at
}

// appendIndices adds rows of a dictionary column as indices into the dictionary of all.
func (c *Column) appendIndices(d *column.Data, from, to int) error {
	c.unify.adopt(d)
	c.appendValidity(d, from, to)
	t := c.field.Dictionary.Index
	most := uint64(1)<<t.Bits - 1
	if t.Signed {
		most = uint64(1)<<(t.Bits-1) - 1
	}
	for i := from; i < to; i++ {
		at := uint64(0)
		if !d.IsNull(i) {
			at = uint64(c.unify.to[indexAt(d, c.width, t.Signed, i)])
		}
		if at > most {
			return fmt.Errorf("lightstream: column %q: its dictionaries have more values together than its %v indices can tell apart; write a stream, which may replace dictionaries", c.field.Name, t)
		}
		c.values = append(c.values, le.AppendUint64(nil, at)[:c.width]...)
	}
	c.len += to - from
	return nil
}

// indexAt returns the index of row i, which is not null.
func indexAt(d *column.Data, width int, signed bool, i int) int {
	if signed {
		return int(column.SignedAt(d, width, i))
	}
	n := 0
	for k, b := range d.Buffers[1][i*width : (i+1)*width] {
		n |= int(b) << (8 * k)
	}
	return n
}
