package regroup

import (
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// unifiers are those of a batch by the ids of dictionaries: fields that share a dictionary go on sharing one.
type unifiers map[int64]*unifier

func (u unifiers) of(f *ipc.Field) *unifier {
	one := u[f.Dictionary.ID]
	if one == nil {
		one = &unifier{field: *f, all: column.NewDictionary(0), index: make(map[string]int), null: -1}
		one.field.Dictionary, one.field.Nullable = nil, true
		u[f.Dictionary.ID] = one
	}
	return one
}

// keysOf returns how many bytes the values of a dictionary may take when they are compared, beside 16 times what they have.
func keysOf(maxExpanded int64) int64 { return maxExpanded / 3 }

// A unifier makes one dictionary of those that a column has had one after the other.
type unifier struct {
	field ipc.Field // of the values
	all   *column.Dictionary
	index map[string]int // by text, or by what [appendKey] makes of a value
	null  int            // the index of the null text, -1 if there is none
	plain bool           // all is what one dictionary has, as it is, and not in index yet

	from   *column.Dictionary // what to is for
	values *column.Data       // of that, where they are a column
	to     []int              // of each of its values
}

// adopt maps the values of the dictionary of d.
func (u *unifier) adopt(d *column.Data, below *Unifier) error {
	v := d.Values.Column()
	if v != nil {
		return u.adoptColumn(d.Dictionary, v, below)
	}
	if u.from == nil && below.depth == 0 || u.plain && d.Dictionary == u.from { // most columns have one, which may be large
		u.from, u.plain = d.Dictionary, true
		u.all.Share(d.Values)
		return nil
	}
	if u.plain {
		u.plain = false
		u.enter(u.all.Values())
	}
	if d.Dictionary != u.from {
		u.from, u.to = d.Dictionary, u.to[:0]
	}
	for i := len(u.to); i < d.Values.Len(); i++ {
		u.to = append(u.to, u.add(d.Values, i))
	}
	return nil
}

// enter puts values that all has into index, each at its first place.
func (u *unifier) enter(v column.Values) {
	for i, text := range v.Strings() {
		if v.IsNull(i) {
			if u.null < 0 {
				u.null = i
			}
		} else if _, ok := u.index[text]; !ok {
			u.index[text] = i
		}
	}
}

// add returns the index of text i of v.
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

// adoptColumn maps the values of a dictionary that are a column. The dictionaries below them are unified, too.
func (u *unifier) adoptColumn(of *column.Dictionary, v *column.Data, below *Unifier) error {
	if of == u.from && v == u.values {
		return nil
	}
	u.from, u.values, u.to = of, v, u.to[:0]
	own := *v
	below.depth++
	err := below.column(&u.field, &own)
	below.depth--
	if err != nil {
		return err
	}
	all, have := ipc.NewGatherer(&u.field, 0), u.all.Values().Column()
	if have != nil {
		if err := all.Append(have, 0, have.Len); err != nil {
			return err
		}
	}
	var key []byte
	known, left := all.Len(), keysOf(below.most)+16*Size([]column.Data{own})
	for i := range own.Len {
		key = appendKey(key[:0], &u.field, &own, i, int(min(left, math.MaxInt)))
		if left -= int64(len(key)); left < 0 {
			return fmt.Errorf("lightstream: column %q: %w: the values of its dictionary share so much that they take more than %d bytes when they are compared, beside 16 times their own, which is a third of Limits.MaxExpanded (%d); raise it, or write a stream in batches as they are, where what they share stays shared", u.field.Name, ipc.ErrLimit, keysOf(below.most), below.most)
		}
		at, ok := u.index[string(key)]
		if !ok {
			at = all.Len()
			u.index[string(key)] = at
			if err := all.Append(&own, i, i+1); err != nil {
				return err
			}
		}
		u.to = append(u.to, at)
	}
	if all.Len() == known && known != 0 {
		return nil
	}
	if below.file && have != nil && all.Len() > known && hasDictionary(u.field.Children) {
		return fmt.Errorf("lightstream: column %q: %w: its dictionary, which has dictionaries below it, gets other values in a later batch, and most readers do not read that in a file; write a stream (.arrows)", u.field.Name, ipc.ErrUnsupported)
	}
	values := all.Take()
	u.all.SetColumn(&values)
	return nil
}

// same tells whether each value has its old index.
func (u *unifier) same() bool {
	for i, to := range u.to {
		if i != to {
			return false
		}
	}
	return true
}

// remap gives a dictionary column indices into the dictionary of all, in memory of their own.
func (u *unifier) remap(f *ipc.Field, d *column.Data) error {
	t := f.Dictionary.Index
	width := t.Bits / 8
	most := uint64(1)<<t.Bits - 1
	if t.Signed {
		most = uint64(1)<<(t.Bits-1) - 1
	}
	to := make([]byte, 0, d.Len*width)
	for i := range d.Len {
		at := uint64(0)
		if !d.IsNull(i) {
			at = uint64(u.to[indexAt(d, width, t.Signed, i)])
		}
		if at > most {
			return fmt.Errorf("lightstream: column %q: its dictionaries have more values together than its %v indices can tell apart; write a stream, which may replace dictionaries, or smaller batches", f.Name, t)
		}
		var b [8]byte
		le.PutUint64(b[:], at)
		to = append(to, b[:width]...)
	}
	d.Buffers[1], d.Padded = to, false
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
