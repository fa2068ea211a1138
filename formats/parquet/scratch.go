package parquet

import (
	"errors"
	"math"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// scratch is what conversions take memory from. Nil bounds none but what is picked, for columns that were bounded before.
type scratch struct{ room *ipc.Room }

// hold counts bytes that are going to be taken.
func (m *scratch) hold(n int) error {
	if m == nil {
		return nil
	}
	return m.room.Hold(int64(n))
}

// alloc returns n zero bytes.
func (m *scratch) alloc(n int) ([]byte, error) {
	if err := m.hold(n); err != nil {
		return nil, err
	}
	return mem.Alloc(n), nil
}

func (m *scratch) gatherer(f *ipc.Field) *ipc.Gatherer {
	if m == nil {
		return ipc.NewGatherer(f, 0)
	}
	return m.room.Gatherer(f)
}

// tooMuch tells whether fewer rows might do.
func tooMuch(err error) bool {
	return errors.Is(err, ipc.ErrLimit) || errors.Is(err, column.ErrTooLong) || errors.Is(err, column.ErrTooManyItems)
}

// levels is how many bytes arrow-go needs for a value beside the value itself, which may have none or one: to say whether it is there and
// in which list, and as an int32.
const levels = 8

// leaves returns how many values the columns have that are stored.
func leaves(columns []column.Data) (n int64) {
	for i := range columns {
		below := int64(columns[i].Len)
		if len(columns[i].Children) != 0 {
			below = max(below, leaves(columns[i].Children))
		}
		n += min(below, math.MaxInt64/levels-n)
	}
	return n
}

// bare tells whether a row of a column as it is stored may take no bytes.
func bare(f *ipc.Field) bool {
	switch f.Type.Kind {
	case ipc.KindNull:
		return true
	case ipc.KindStruct:
		for i := range f.Children {
			if !bare(&f.Children[i]) {
				return false
			}
		}
		return true
	}
	return false
}

// nullSize returns how many bytes a null row takes at most.
func nullSize(f *ipc.Field) (n int) {
	switch f.Type.Kind {
	case ipc.KindStruct:
		for i := range f.Children {
			n += nullSize(&f.Children[i])
		}
		return n + 1
	case ipc.KindFixedSizeBinary:
		return f.Type.Width + 1
	}
	return 33 // of a decimal256, and a bit
}

// dictionarySize returns the bytes of the dictionaries of columns.
func dictionarySize(columns []column.Data) (n int64) {
	for i := range columns {
		d := &columns[i]
		for _, v := range d.Values.Strings() {
			n += int64(len(v))
		}
		if v := d.Values.Column(); v != nil {
			values := []column.Data{*v}
			n += sizeOf(values) + dictionarySize(values)
		}
		n += dictionarySize(d.Children)
	}
	return n
}
