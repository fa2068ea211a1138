package rt

import "github.com/lightstream-go/lightstream/runtime/column"

// A Read sets dst to the first len(dst) rows of a view. With own, texts and byte strings are copied; without it they may alias the
// batch. Generated code puts those of nested columns together from the functions below.
type Read[V, E any] func(v V, dst []E, own bool)

// What a Read does with texts and byte strings, as its argument own.
const (
	Aliased = false // they may alias the batch
	Copied  = true
)

// ReadRows returns rows from … from+n-1 of a nested column, as rows hold them.
func ReadRows[V column.Rows[V], E any](v V, from, n int, own bool, read Read[V, E]) []E {
	rows := make([]E, n)
	read(v.Slice(from, from+n), rows, own)
	return rows
}

// ReadRow returns row i of a nested column, as rows hold it, with texts of its own.
func ReadRow[V column.Rows[V], E any](v V, i int, read Read[V, E]) E {
	var row [1]E
	read(v.Slice(i, i+1), row[:], Copied)
	return row[0]
}

// ReadPlain reads fixed-width values that are not null.
func ReadPlain[T any](v column.Plain[T], dst []T, _ bool) { copy(dst, v) }

// ReadEach reads values that are no text.
func ReadEach[V interface{ At(i int) E }, E any](v V, dst []E, _ bool) {
	for i := range dst {
		dst[i] = v.At(i)
	}
}

// OwnAt returns the text or bytes of row i, with own a copy of them.
func OwnAt[V interface {
	At(i int) E
	Clone(i int) E
}, E any](v V, i int, own bool) E {
	if own {
		return v.Clone(i)
	}
	return v.At(i)
}

// OwnGet returns the text or bytes of row i, with own a copy of them, and whether there are any.
func OwnGet[V interface {
	Get(i int) (E, bool)
	GetClone(i int) (E, bool)
}, E any](v V, i int, own bool) (E, bool) {
	if own {
		return v.GetClone(i)
	}
	return v.Get(i)
}

// ReadTexts reads texts.
func ReadTexts[V interface {
	At(i int) string
	Clone(i int) string
}, E ~string](v V, dst []E, own bool) {
	for i := range dst {
		dst[i] = E(OwnAt(v, i, own))
	}
}

// ReadBytes reads byte strings.
func ReadBytes[V interface {
	At(i int) []byte
	Clone(i int) []byte
}](v V, dst [][]byte, own bool) {
	for i := range dst {
		dst[i] = OwnAt(v, i, own)
	}
}

// ReadNamedBytes reads byte strings that have a type of their own.
func ReadNamedBytes[V interface {
	At(i int) []byte
	Clone(i int) []byte
}, E ~[]byte](v V, dst []E, own bool) {
	for i := range dst {
		dst[i] = OwnAt(v, i, own)
	}
}

// ReadDict reads texts of a dictionary, which are nobody's to change and need no copy.
func ReadDict[V interface{ At(i int) string }, E ~string](v V, dst []E, _ bool) {
	for i := range dst {
		dst[i] = E(v.At(i))
	}
}

// ReadBools reads bools.
func ReadBools[E ~bool](v column.Bools, dst []E, _ bool) {
	if bools, ok := any(dst).([]bool); ok {
		v.AppendTo(bools[:0])
		return
	}
	for i := range dst {
		dst[i] = E(v.At(i))
	}
}

// ReadPtrs reads what may be null as pointers, as read reads the values.
func ReadPtrs[V column.Rows[V], E any](read Read[V, E]) Read[V, *E] {
	return func(v V, dst []*E, own bool) {
		values := make([]E, len(dst))
		read(v, values, own)
		for i := range dst {
			if dst[i] = &values[i]; v.IsNull(i) {
				dst[i] = nil
			}
		}
	}
}

// ReadNulls reads what may be null as [Null], as read reads the values.
func ReadNulls[V column.Rows[V], E any](read Read[V, E]) Read[V, Null[E]] {
	return func(v V, dst []Null[E], own bool) {
		values := make([]E, len(dst))
		read(v, values, own)
		for i := range dst {
			if dst[i] = Some(values[i]); v.IsNull(i) {
				dst[i] = Null[E]{}
			}
		}
	}
}

// ReadLists reads lists, as read reads their items: once, into memory that the rows share. A null is nil, an empty list is not.
func ReadLists[V column.Rows[V], E any](read Read[V, E]) Read[column.Lists[V], []E] {
	return func(v column.Lists[V], dst [][]E, own bool) {
		first, end := v.Span()
		part := v.Items().Slice(first, end)
		items := make([]E, part.Len())
		read(part, items, own)
		for i := range dst {
			switch from, to := v.Bounds(i); {
			case v.IsNull(i):
				dst[i] = nil
			case from == to: // anywhere
				dst[i] = items[:0:0]
			default:
				dst[i] = items[from-first : to-first : to-first]
			}
		}
	}
}

// ReadArrays reads lists of a fixed length, as read reads their items. Slice returns the items of an array.
func ReadArrays[A any, V column.Rows[V], E any](slice func(*A) []E, read Read[V, E]) Read[column.Lists[V], A] {
	return func(v column.Lists[V], dst []A, own bool) {
		for i := range dst {
			if v.IsNull(i) {
				dst[i] = *new(A)
				continue
			}
			read(v.At(i), slice(&dst[i]), own)
		}
	}
}

// ReadMaps reads maps, as readKeys and readValues read keys and values. A null is nil, an empty map is not. Of entries with the same
// key the last is there.
func ReadMaps[VK column.Rows[VK], VV column.Rows[VV], K comparable, E any](readKeys Read[VK, K], readValues Read[VV, E]) Read[column.Maps[VK, VV], map[K]E] {
	return func(v column.Maps[VK, VV], dst []map[K]E, own bool) {
		first, end := v.Span()
		part := v.Items().Slice(first, end)
		keys, values := make([]K, part.Len()), make([]E, part.Len())
		readKeys(part.Keys(), keys, own)
		readValues(part.Values(), values, own)
		for i := range dst {
			if dst[i] = nil; v.IsNull(i) {
				continue
			}
			from, to := v.Bounds(i)
			dst[i] = make(map[K]E, to-from)
			for k := from; k < to; k++ {
				dst[i][keys[k-first]] = values[k-first]
			}
		}
	}
}
