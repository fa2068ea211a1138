package regroup

import (
	"slices"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Unifier gives all batches of a stream one dictionary for each column that has dictionaries, as files want it. Other columns stay
// as they are. It is for one goroutine at a time.
type Unifier struct {
	schema  *ipc.Schema
	unify   unifiers
	columns []column.Data
	file    bool  // what is grown goes to a file
	most    int64 // bytes, as of [NewBatch]
	depth   int   // of dictionaries above the column that is looked at
}

// NewFileUnifier returns a unifier of batches that go to a file. A dictionary that grows is in a file as deltas, and of those that have
// dictionaries below them most readers take none: such are refused, with an error that wraps [ipc.ErrUnsupported].
func NewFileUnifier(s *ipc.Schema, maxExpanded int64) *Unifier {
	u := NewUnifier(s, maxExpanded)
	u.file = true
	return u
}

// hasDictionary tells whether one of the fields, or one below them, is dictionary-encoded.
func hasDictionary(fields []ipc.Field) bool {
	return slices.ContainsFunc(fields, func(f ipc.Field) bool { return f.Dictionary != nil || hasDictionary(f.Children) })
}

// NewUnifier returns a unifier of batches of a schema. Beside 16 times what they have, values of dictionaries that are compared take a
// third of maxExpanded bytes; zero means 192 MiB.
func NewUnifier(s *ipc.Schema, maxExpanded int64) *Unifier {
	return &Unifier{schema: s, unify: make(unifiers), most: expanded(maxExpanded)}
}

// expanded returns how many bytes are meant.
func expanded(most int64) int64 {
	if most <= 0 {
		return 192 << 20
	}
	return most
}

// Columns returns the columns with indices into the dictionaries of all batches so far. They alias the columns given, and are
// valid until the next call.
func (u *Unifier) Columns(columns []column.Data) (_ []column.Data, err error) {
	u.columns = append(u.columns[:0], columns...)
	for i := range u.columns {
		if err := u.column(&u.schema.Fields[i], &u.columns[i]); err != nil {
			return nil, err
		}
	}
	return u.columns, nil
}

func (u *Unifier) column(f *ipc.Field, d *column.Data) error {
	if f.Dictionary == nil {
		if len(d.Children) > 0 {
			d.Children = append([]column.Data(nil), d.Children...)
		}
		for i := range d.Children {
			if err := u.column(&f.Children[i], &d.Children[i]); err != nil {
				return err
			}
		}
		return nil
	}
	one := u.unify.of(f)
	if err := one.adopt(d, u); err != nil {
		return err
	}
	if !one.same() {
		if err := one.remap(f, d); err != nil {
			return err
		}
	}
	d.Dictionary, d.Values = one.all, one.all.Values()
	return nil
}
