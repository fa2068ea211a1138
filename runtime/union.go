package rt

import "github.com/lightstream-go/lightstream/runtime/column"

// Union is a union column of a batch, or a part of one: what generated views of unions wrap. Like the accessors of a batch those of
// a view panic after the batch was released.
type Union struct {
	h       Handle
	d       *column.Data
	from, n int
}

// UnionOf returns the union column d of batch h.
func UnionOf(h Handle, d *column.Data) Union { return Union{h, d, 0, d.Len} }

// Len returns the number of rows.
func (u Union) Len() int { return u.n }

// Types returns the type id of each row, which says what member it is of. They alias the batch.
func (u Union) Types() []int8 {
	u.h.Len() // panics if the batch was released
	return column.View[int8](u.d.Buffers[1])[u.from : u.from+u.n : u.from+u.n]
}

// Type returns the type id of row i.
func (u Union) Type(i int) int8 { return u.Types()[i] }

// Index returns which row of its member's column row i is.
func (u Union) Index(i int) int {
	u.h.Len()                    // panics if the batch was released
	_ = make([]struct{}, u.n)[i] // is there such a row
	return u.at(i)
}

// at is Index of a row that there is.
func (u Union) at(i int) int {
	if u.d.Buffers[2] == nil {
		return u.from + i
	}
	return int(column.SignedAt(&column.Data{Buffers: [3][]byte{1: u.d.Buffers[2]}}, 4, u.from+i))
}

// Member returns the column of member k, of which [Union.Index] are the rows.
func (u Union) Member(k int) *column.Data {
	u.h.Len() // panics if the batch was released
	return &u.d.Children[k]
}

// Batch returns the batch.
func (u Union) Batch() Handle { return u.h }

// Slice returns the rows from … to-1. Their members' columns stay what they are.
func (u Union) Slice(from, to int) Union {
	_ = make([]struct{}, u.n)[from:to] // are there so many
	return Union{u.h, u.d, u.from + from, to - from}
}

// ReadMember sets those of dst, the first rows of a union, that are of the member with the given type id, of whose column v is the
// view: as read reads them, and value makes them values of the union.
func ReadMember[V column.Rows[V], E, I any](u Union, id int8, v V, dst []I, own bool, read Read[V, E], value func(E) I) {
	types := u.Types()[:len(dst)]
	n, first, last := 0, 0, 0
	for i, t := range types {
		if t != id {
			continue
		}
		at := u.at(i)
		if n == 0 {
			first, last = at, at
		}
		first, last = min(first, at), max(last, at)
		n++
	}
	if n == 0 {
		return
	}
	const most = 4 // rows of the member that are read for each that is wanted
	if last-first >= most*n {
		var one [1]E
		for i, t := range types {
			if t == id {
				at := u.at(i)
				read(v.Slice(at, at+1), one[:], own)
				dst[i] = value(one[0])
			}
		}
		return
	}
	values := make([]E, last-first+1)
	read(v.Slice(first, last+1), values, own)
	for i, t := range types {
		if t == id {
			dst[i] = value(values[u.at(i)-first])
		}
	}
}

// ReadRuns reads run-end encoded values, as read reads the values of the runs. The rows of a run share its bytes.
func ReadRuns[T any, V column.RunValues[T, V], E any](read Read[V, E]) Read[column.Runs[T, V], E] {
	return func(v column.Runs[T, V], dst []E, own bool) {
		readRuns(v, dst, own, read, func(_ int, value E, _ bool) E { return value })
	}
}

// ReadRunPtrs is [ReadRuns] of what may be null, as pointers: each row has its own.
func ReadRunPtrs[T any, V column.RunValues[T, V], E any](read Read[V, E]) Read[column.Runs[T, V], *E] {
	return func(v column.Runs[T, V], dst []*E, own bool) {
		slab := make([]E, len(dst))
		readRuns(v, dst, own, read, func(i int, value E, null bool) *E {
			if null {
				return nil
			}
			slab[i] = value
			return &slab[i]
		})
	}
}

// ReadRunNulls is [ReadRuns] of what may be null, as [Null].
func ReadRunNulls[T any, V column.RunValues[T, V], E any](read Read[V, E]) Read[column.Runs[T, V], Null[E]] {
	return func(v column.Runs[T, V], dst []Null[E], own bool) {
		readRuns(v, dst, own, read, func(_ int, value E, null bool) Null[E] {
			if null {
				return Null[E]{}
			}
			return Some(value)
		})
	}
}

// readRuns sets dst to the values of the first rows, as row makes them of those of the runs.
func readRuns[T any, V column.RunValues[T, V], E, R any](v column.Runs[T, V], dst []R, own bool, read Read[V, E], row func(i int, value E, null bool) R) {
	v = v.Slice(0, len(dst))
	runs := v.NumRuns()
	values := make([]E, runs)
	part := v.Values().Slice(0, runs)
	read(part, values, own)
	i := 0
	for k, end := range v.Runs() {
		for null := part.IsNull(k); i < end; i++ {
			dst[i] = row(i, values[k], null)
		}
	}
}
