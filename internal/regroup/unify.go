package regroup

import (
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Unifier gives all batches of a stream one dictionary for each column that has dictionaries, as files want it. Other columns stay
// as they are. It is for one goroutine at a time.
type Unifier struct {
	schema  *ipc.Schema
	unify   unifiers
	columns []column.Data
}

// NewUnifier returns a unifier of batches of a schema.
func NewUnifier(s *ipc.Schema) *Unifier { return &Unifier{schema: s, unify: make(unifiers)} }

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
