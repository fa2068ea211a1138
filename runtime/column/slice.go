package column

// Rows is what views have in common, V being the view itself: all of this package have it, and those that are generated for structs.
type Rows[V any] interface {
	// Len returns the number of rows.
	Len() int
	// IsNull tells whether row i is null.
	IsNull(i int) bool
	// Slice returns the rows from … to-1 as a view of its own, which numbers them from 0.
	Slice(from, to int) V
}

// bitmap is a bit for each row, the first being bit from of bits. Without bits all are one.
type bitmap struct {
	bits []byte
	from int
}

func validityOf(d *Data) bitmap { return bitmap{bits: d.Buffers[0]} }

func (m bitmap) has(i int) bool {
	if m.bits == nil {
		return true
	}
	i += m.from
	return m.bits[i>>3]&(1<<(i&7)) != 0
}

func (m bitmap) slice(from int) bitmap { return bitmap{m.bits, m.from + from} }

// rangeOf panics as a slice expression does where from … to-1 are not rows of n.
func rangeOf(from, to, n int) { _ = make([]struct{}, n)[from:to:n] }

// offsetsOf returns the offsets of rows from … to-1.
func offsetsOf[T any](offsets []T, from, to int) []T {
	if len(offsets) == 0 { // a column without rows may have none
		rangeOf(from, to, 0)
		return nil
	}
	return offsets[from : to+1]
}

// Slice returns the rows from … to-1.
func (c Nullable[T]) Slice(from, to int) Nullable[T] {
	return Nullable[T]{c.values[from:to:to], c.validity.slice(from)}
}

// Slice returns the rows from … to-1.
func (c Bools) Slice(from, to int) Bools {
	rangeOf(from, to, c.n)
	return Bools{c.bits, c.validity.slice(from), c.from + from, to - from}
}

// Slice returns the rows from … to-1.
func (c Timestamps) Slice(from, to int) Timestamps {
	return Timestamps{c.values[from:to:to], c.validity.slice(from), c.unit}
}

// Slice returns the rows from … to-1.
func (c Durations) Slice(from, to int) Durations {
	v := Durations{validity: c.validity.slice(from), unit: c.unit}
	if c.narrow != nil {
		v.narrow = c.narrow[from:to:to]
	} else {
		v.values = c.values[from:to:to]
	}
	return v
}

// Slice returns the rows from … to-1.
func (c Dates[T]) Slice(from, to int) Dates[T] { return Dates[T]{c.c.Slice(from, to)} }

// Slice returns the rows from … to-1.
func (c Binaries) Slice(from, to int) Binaries {
	return Binaries{offsetsOf(c.offsets, from, to), c.data, c.validity.slice(from)}
}

// Slice returns the rows from … to-1.
func (c Texts) Slice(from, to int) Texts { return Texts{c.c.Slice(from, to)} }

// Slice returns the rows from … to-1.
func (c LargeBinaries) Slice(from, to int) LargeBinaries {
	return LargeBinaries{offsetsOf(c.offsets, from, to), c.data, c.validity.slice(from)}
}

// Slice returns the rows from … to-1.
func (c LargeTexts) Slice(from, to int) LargeTexts { return LargeTexts{c.c.Slice(from, to)} }

// Slice returns the rows from … to-1.
func (c BinaryViews) Slice(from, to int) BinaryViews {
	return BinaryViews{c.views[from*viewSize : to*viewSize : to*viewSize], c.data, c.validity.slice(from)}
}

// Slice returns the rows from … to-1.
func (c TextViews) Slice(from, to int) TextViews { return TextViews{c.c.Slice(from, to)} }

// Slice returns the rows from … to-1.
func (c FixedBinaries) Slice(from, to int) FixedBinaries {
	rangeOf(from, to, c.n)
	return FixedBinaries{c.values[from*c.width : to*c.width : to*c.width], c.validity.slice(from), c.width, to - from}
}

// Slice returns the rows from … to-1.
func (c Dict[I]) Slice(from, to int) Dict[I] {
	return Dict[I]{c.indices[from:to:to], c.validity.slice(from), c.values}
}

// Slice returns the rows from … to-1.
func (c DictBinaries[I]) Slice(from, to int) DictBinaries[I] {
	return DictBinaries[I]{c.c.Slice(from, to)}
}

// Slice returns the rows from … to-1.
func (c DictInts[I, T]) Slice(from, to int) DictInts[I, T] {
	return DictInts[I, T]{c.c.Slice(from, to)}
}

// Slice returns the rows from … to-1.
func (c Enums[I, E]) Slice(from, to int) Enums[I, E] { return Enums[I, E]{c.c.Slice(from, to)} }

// Slice returns the rows from … to-1.
func (c Nulls) Slice(from, to int) Nulls {
	rangeOf(from, to, c.n)
	return Nulls{to - from}
}

// Plain is a fixed-width column without nulls, or a part of one: a slice of its values with the methods of a view.
type Plain[T any] []T

// PlainOf returns the view of a fixed-width column without nulls.
func PlainOf[T Value](d *Data) Plain[T] { return View[T](d.Buffers[1]) }

// PlainArraysOf is [PlainOf] of byte strings of one length, T being an array of that many bytes.
func PlainArraysOf[T any](d *Data) Plain[T] { return ArraysOf[T](d) }

// Len returns the number of rows.
func (c Plain[T]) Len() int { return len(c) }

// IsNull returns false.
func (c Plain[T]) IsNull(int) bool { return false }

// At returns the value of row i.
func (c Plain[T]) At(i int) T { return c[i] }

// Slice returns the rows from … to-1.
func (c Plain[T]) Slice(from, to int) Plain[T] { return c[from:to:to] }
