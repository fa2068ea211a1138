package column

import (
	"fmt"
	"iter"
)

// DictBinaries is a column of byte strings that stand in a dictionary; I is the type of the indices.
type DictBinaries[I Index] struct{ c Dict[I] }

// DictBinariesOf returns the view of a dictionary column of byte strings.
func DictBinariesOf[I Index](d *Data) DictBinaries[I] { return DictBinaries[I]{DictOf[I](d)} }

// Len returns the number of rows.
func (c DictBinaries[I]) Len() int { return c.c.Len() }

// IsNull tells whether row i is null: by its validity, or because its value is a null of the dictionary.
func (c DictBinaries[I]) IsNull(i int) bool { return c.c.IsNull(i) }

// At returns the bytes of row i, nil where it is null and never nil elsewhere. They belong to the dictionary, not to the
// batch: they stay valid after the batch is released, and are read-only.
func (c DictBinaries[I]) At(i int) []byte {
	v, ok := c.c.Get(i)
	switch {
	case !ok:
		return nil
	case v == "":
		return empty
	}
	return bytesIn(v)
}

// Get returns the bytes of row i, and whether there are any.
func (c DictBinaries[I]) Get(i int) (v []byte, ok bool) { return c.At(i), !c.IsNull(i) }

// Clone returns a copy of the bytes of row i, nil where it is null.
func (c DictBinaries[I]) Clone(i int) []byte {
	v, ok := c.c.Get(i)
	if !ok {
		return nil
	}
	return []byte(v)
}

// Indices returns each row's index into [DictBinaries.Values], aliasing the batch. Those at null rows are unspecified.
func (c DictBinaries[I]) Indices() []I { return c.c.indices }

// Values returns the dictionary that the batch was made with, each value's bytes being a string.
func (c DictBinaries[I]) Values() Values { return c.c.values }

// All yields each row's number and bytes, nil where it is null.
func (c DictBinaries[I]) All() iter.Seq2[int, []byte] { return all(c.Len(), c.At) }

// DictBinaryBuilder fills a column of byte strings that stand in a dictionary.
type DictBinaryBuilder[I Index] struct{ DictBuilder[I] }

// Init sets the column's dictionary.
func (b *DictBinaryBuilder[I]) Init(c Config) {
	c.Bytes = true
	b.DictBuilder.Init(c)
}

// Append adds a row. Bytes that are new to the dictionary are copied into it. A nil v is a null row where the column is
// nullable, an empty one where it is not.
func (b *DictBinaryBuilder[I]) Append(v []byte) {
	if v == nil && b.Nullable {
		b.AppendNull()
		return
	}
	b.DictBuilder.Append(stringOf(v)) // only compared, and copied if it is new
}

// AppendAll adds a row for each of v, as Append does.
func (b *DictBinaryBuilder[I]) AppendAll(v [][]byte) {
	for _, p := range v {
		b.Append(p)
	}
}

// AppendNullable adds v, or a null row if it is not valid.
func (b *DictBinaryBuilder[I]) AppendNullable(v []byte, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.DictBuilder.Append(stringOf(v))
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *DictBinaryBuilder[I]) AppendPtr(p *[]byte) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.DictBuilder.Append(stringOf(*p))
}

// DictInts is a column of integers that stand in a dictionary; I is the type of the indices.
type DictInts[I, T Index] struct{ c Dict[I] }

// DictIntsOf returns the view of a dictionary column of integers.
func DictIntsOf[I, T Index](d *Data) DictInts[I, T] { return DictInts[I, T]{DictOf[I](d)} }

// Len returns the number of rows.
func (c DictInts[I, T]) Len() int { return c.c.Len() }

// IsNull tells whether row i is null: by its validity, or because its value is a null of the dictionary.
func (c DictInts[I, T]) IsNull(i int) bool { return c.c.IsNull(i) }

// At returns the integer of row i, zero where it is null.
func (c DictInts[I, T]) At(i int) T { return intIn[T](c.c.At(i)) }

// Get returns the integer of row i, and whether there is one.
func (c DictInts[I, T]) Get(i int) (v T, ok bool) { return c.At(i), !c.IsNull(i) }

// Indices returns each row's index into [DictInts.Values], aliasing the batch. Those at null rows are unspecified.
func (c DictInts[I, T]) Indices() []I { return c.c.indices }

// Values returns the dictionary that the batch was made with, each value's little-endian bytes being a string.
func (c DictInts[I, T]) Values() Values { return c.c.values }

// All yields each row's number and integer, zero where it is null.
func (c DictInts[I, T]) All() iter.Seq2[int, T] { return all(c.Len(), c.At) }

// intIn returns the integer whose little-endian bytes are s.
func intIn[T Index](s string) T {
	var v uint64
	for i := len(s) - 1; i >= 0; i-- {
		v = v<<8 | uint64(s[i])
	}
	return T(v)
}

// DictIntBuilder fills a column of integers that stand in a dictionary.
type DictIntBuilder[I, T Index] struct {
	DictBuilder[I]
	buf [8]byte
}

// Init sets the column's dictionary.
func (b *DictIntBuilder[I, T]) Init(c Config) {
	c.Bytes = true
	b.DictBuilder.Init(c)
	b.zero = string(make([]byte, SizeOf[T]()))
}

// Append adds a row.
func (b *DictIntBuilder[I, T]) Append(v T) {
	for i, u := 0, uint64(v); i < len(b.buf); i, u = i+1, u>>8 {
		b.buf[i] = byte(u)
	}
	b.DictBuilder.Append(stringOf(b.buf[:SizeOf[T]()])) // only compared, and copied if it is new
}

// AppendAll adds a row for each of v, as Append does.
func (b *DictIntBuilder[I, T]) AppendAll(v []T) {
	for _, p := range v {
		b.Append(p)
	}
}

// AppendNullable adds v, or a null row if it is not valid.
func (b *DictIntBuilder[I, T]) AppendNullable(v T, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.Append(v)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *DictIntBuilder[I, T]) AppendPtr(p *T) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.Append(*p)
}

// Enum are the Go types of named numbers.
type Enum interface {
	Index
	fmt.Stringer
}

// Enums is a column of named numbers whose dictionary has the names; I is the type of the indices.
type Enums[I Index, E Enum] struct{ c Dict[I] }

// EnumsOf returns the view of a dictionary column of names, whose values have codes.
func EnumsOf[I Index, E Enum](d *Data) Enums[I, E] { return Enums[I, E]{DictOf[I](d)} }

// Len returns the number of rows.
func (c Enums[I, E]) Len() int { return c.c.Len() }

// IsNull tells whether row i is null: by its validity, or because its name is a null of the dictionary.
func (c Enums[I, E]) IsNull(i int) bool { return c.c.IsNull(i) }

// At returns the value of row i, zero where it is null.
func (c Enums[I, E]) At(i int) E {
	if c.IsNull(i) {
		return 0
	}
	return E((*c.c.values.codes)[c.c.indices[i]])
}

// Get returns the value of row i, and whether there is one.
func (c Enums[I, E]) Get(i int) (v E, ok bool) { return c.At(i), !c.IsNull(i) }

// Text returns the name of row i as the sender wrote it, "" where it is null.
func (c Enums[I, E]) Text(i int) string { return c.c.At(i) }

// Indices returns each row's index into [Enums.Values], aliasing the batch. Those at null rows are unspecified.
func (c Enums[I, E]) Indices() []I { return c.c.indices }

// Values returns the dictionary that the batch was made with: names.
func (c Enums[I, E]) Values() Values { return c.c.values }

// All yields each row's number and value, zero where it is null.
func (c Enums[I, E]) All() iter.Seq2[int, E] { return all(c.Len(), c.At) }

// EnumBuilder fills a column of named numbers whose dictionary has the names. A value without a name is refused.
type EnumBuilder[I Index, E Enum] struct {
	DictBuilder[I]
	parse func(string) (E, error)
	known map[E]I
	last  E // the value before, and its index
	index I
	any   bool
}

// Init sets the column's dictionary and names.
func (b *EnumBuilder[I, E]) Init(c Config) {
	b.DictBuilder.Init(c)
	b.parse, _ = c.Parse.(func(string) (E, error))
	b.known = map[E]I{}
}

// ResetDictionary is Reset that begins the dictionary anew, with none of its values.
func (b *EnumBuilder[I, E]) ResetDictionary() {
	b.DictBuilder.ResetDictionary()
	clear(b.known)
	b.any = false
}

// Append adds a row.
func (b *EnumBuilder[I, E]) Append(v E) {
	if !b.any || v != b.last {
		x, ok := b.known[v]
		if !ok {
			b.add(v)
			return
		}
		b.last, b.index, b.any = v, x, true
	}
	b.FixedBuilder.Append(b.index)
}

// add is Append of a value that the builder has not met.
func (b *EnumBuilder[I, E]) add(v E) {
	name := v.String()
	if b.parse != nil {
		if back, err := b.parse(name); err != nil || back != v {
			number := any(uint64(v))
			if ^E(0) < 0 { // signed
				number = int64(v)
			}
			b.fail(len(b.values), fmt.Errorf("%w: %T(%d)", ErrUnnamed, v, number))
			b.FixedBuilder.Append(0)
			return
		}
	}
	b.DictBuilder.Append(name)
	if b.err == nil {
		b.known[v] = b.values[len(b.values)-1]
	}
}

// AppendAll adds a row for each of v, as Append does.
func (b *EnumBuilder[I, E]) AppendAll(v []E) {
	for _, p := range v {
		b.Append(p)
	}
}

// AppendNullable adds v, or a null row if it is not valid.
func (b *EnumBuilder[I, E]) AppendNullable(v E, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.Append(v)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *EnumBuilder[I, E]) AppendPtr(p *E) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.Append(*p)
}
