package rt

import (
	"errors"
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// ErrUnknownName tells of a name in a stream that the table's type does not have.
var ErrUnknownName = errors.New("unknown name")

// Names are the names of a type of named numbers, of which a dictionary column has the names.
type Names struct {
	parse any // func(string) (E, error)
	code  func(name string) (int64, bool)
	typ   string
}

// NamesOf returns the names that parse knows.
func NamesOf[E column.Enum](parse func(name string) (E, error)) *Names {
	return &Names{
		parse: parse,
		code: func(name string) (int64, bool) {
			e, err := parse(name)
			return int64(e), err == nil
		},
		typ: fmt.Sprintf("%T", *new(E)),
	}
}

// codes are the numbers of a stream's names.
type codes struct {
	names      *Names
	dictionary *column.Dictionary
	list       *[]int64 // as batches have it
	unknown    []bool   // as long as the list, or nil
}

// apply gives the values of a column their codes. A name without one is an error in the first row that has it.
func (c *codes) apply(d *column.Data, index ipc.Type) (row int, err error) {
	n := d.Values.Len()
	if d.Dictionary != c.dictionary || c.list == nil {
		c.dictionary, c.list, c.unknown = d.Dictionary, &[]int64{}, nil
	}
	if len(*c.list) < n {
		list := *c.list
		for i := len(list); i < n; i++ {
			code, ok := c.names.code(d.Values.At(i))
			if !ok && !d.Values.IsNull(i) && c.unknown == nil {
				c.unknown = make([]bool, i, n)
			}
			if c.unknown != nil {
				c.unknown = append(c.unknown, !ok && !d.Values.IsNull(i))
			}
			list = append(list, code)
		}
		c.list = &list
	}
	d.Values = d.Values.WithCodes(c.list)
	if c.unknown == nil {
		return 0, nil
	}
	for i := range d.Len {
		x := column.IndexAt(d, index.Bits, index.Signed, i)
		if !d.IsNull(i) && x < uint64(n) && c.unknown[x] {
			return i, fmt.Errorf("%w: %q is none of %s; generate the table from a definition that has it", ErrUnknownName, d.Values.At(int(x)), c.names.typ)
		}
	}
	return 0, nil
}
