package dataset

import (
	"fmt"
	"slices"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/internal/regroup"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// byDictionary returns what makes values of one type values of another where at least one of them has a dictionary: they come out of it,
// become the other type, and go into another.
func byDictionary(from, to *ipc.Field) (convert conversion, ok bool) {
	plain, wanted := *from, *to
	plain.Dictionary, wanted.Dictionary = nil, nil
	plain.Nullable, wanted.Nullable = true, true
	if from.Dictionary != nil && to.Dictionary != nil && same(&plain, &wanted) {
		return func(d *column.Data) (column.Data, error) {
			return reindex(d, from.Dictionary.Index, to.Dictionary.Index)
		}, true
	}
	var steps []conversion
	if from.Dictionary != nil {
		if convert, ok = outOf(from, &plain); !ok {
			return nil, false
		}
		steps = append(steps, convert)
	}
	if convert, ok = widening(&plain, &wanted); !ok {
		return nil, false
	} else if convert != nil {
		steps = append(steps, convert)
	}
	if to.Dictionary != nil {
		if convert, ok = into(&wanted, to); !ok {
			return nil, false
		}
		steps = append(steps, convert)
	}
	return func(d *column.Data) (c column.Data, err error) {
		c = *d
		for _, step := range steps {
			if c, err = step(&c); err != nil {
				return column.Data{}, err
			}
		}
		return c, nil
	}, true
}

// gathers tells whether rows of such columns are put together one by one, nulls among them: bools and nested values without dictionaries.
func gathers(f *ipc.Field) bool {
	switch f.Type.Kind {
	case ipc.KindBool, ipc.KindStruct, ipc.KindList, ipc.KindLargeList, ipc.KindFixedSizeList, ipc.KindListView, ipc.KindLargeListView, ipc.KindMap:
		return !slices.ContainsFunc(f.Children, hasDictionary)
	}
	return false
}

func hasDictionary(f ipc.Field) bool {
	return f.Dictionary != nil || slices.ContainsFunc(f.Children, hasDictionary)
}

// outOf returns what gives each row the value that its index stands for.
func outOf(from, plain *ipc.Field) (conversion, bool) {
	if byteStrings(from) {
		return restring(from, plain), true
	}
	if !gathers(plain) {
		return nil, false
	}
	null, err := nullOf(plain)
	if err != nil {
		return nil, false
	}
	index := from.Dictionary.Index
	return func(d *column.Data) (column.Data, error) {
		g := ipc.NewGatherer(plain, maxExpanded)
		values := d.Values.Column()
		for i := range d.Len {
			v, at := &null, 0
			if !d.IsNull(i) && values != nil {
				v, at = values, int(column.IndexAt(d, index.Bits, index.Signed, i))
			}
			if err := g.Append(v, at, at+1); err != nil {
				return column.Data{}, err
			}
		}
		return g.Take(), nil
	}, true
}

// nullOf returns a row that is null.
func nullOf(f *ipc.Field) (d column.Data, err error) {
	c, err := text.ColumnOf(f, nil)
	if err == nil {
		err = c.AppendNull()
	}
	if err == nil {
		c.Builder().DataTo(&d)
		err = c.Builder().Err()
	}
	return d, err
}

// into returns what puts values into a dictionary, which grows from batch to batch.
func into(plain, to *ipc.Field) (conversion, bool) {
	if byteStrings(plain) {
		return restring(plain, to), true
	}
	if !gathers(plain) {
		return nil, false
	}
	rows := *plain // a dictionary of all rows first
	rows.Dictionary = &ipc.DictionaryEncoding{Index: ipc.Int32}
	s := (&ipc.Schema{Fields: []ipc.Field{rows}}).WithIDs()
	unify := regroup.NewUnifier(s, 0)
	return func(d *column.Data) (column.Data, error) {
		values := *d
		c := column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0], mem.Alloc(4 * d.Len)}, Dictionary: column.ColumnDictionary(&values)}
		c.Values = c.Dictionary.Values()
		for i := range d.Len {
			le.PutUint32(c.Buffers[1][4*i:], uint32(i))
		}
		one, err := unify.Columns([]column.Data{c})
		if err != nil {
			return column.Data{}, err
		}
		return reindex(&one[0], ipc.Int32, to.Dictionary.Index)
	}, true
}

// reindex gives a column indices of another type into the same dictionary.
func reindex(d *column.Data, from, to ipc.Type) (column.Data, error) {
	c := *d
	bits, width := to.Bits, to.Bits/8
	if to.Signed {
		bits--
	}
	c.Padded, c.Buffers[1] = false, mem.Alloc(d.Len*width)
	for i := range d.Len {
		if d.IsNull(i) {
			continue
		}
		at := uint64(column.IndexAt(d, from.Bits, from.Signed, i))
		if bits < 64 && at>>bits != 0 {
			return column.Data{}, fmt.Errorf("%w: it has more values than %v indices can tell apart; begin with a source whose indices are wider, or that has none", column.ErrDictionaryFull, to)
		}
		var b [8]byte
		le.PutUint64(b[:], at)
		copy(c.Buffers[1][i*width:], b[:width])
	}
	return c, nil
}
