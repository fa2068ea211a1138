package column

import (
	"fmt"
	"iter"
	"math"
	"time"
)

// Durations is a column of spans of time, or of times of day, which are spans since midnight.
type Durations struct {
	narrow   []int32 // of times of 32 bits
	values   []int64
	validity bitmap
	unit     Unit
}

// DurationsOf returns the view of a duration or time column of the given unit and width in bits.
func DurationsOf(d *Data, unit Unit, bits int) Durations {
	c := Durations{validity: validityOf(d), unit: unit}
	if bits == 32 {
		c.narrow = View[int32](d.Buffers[1])
	} else {
		c.values = View[int64](d.Buffers[1])
	}
	return c
}

// Len returns the number of rows.
func (c Durations) Len() int { return len(c.narrow) + len(c.values) }

// IsNull tells whether row i is null.
func (c Durations) IsNull(i int) bool { return !c.validity.has(i) }

// At returns the span of row i, zero where it is null. One that a [time.Duration] cannot hold is cut to the nearest that it
// can: [Durations.Raw] tells.
func (c Durations) At(i int) time.Duration {
	v := c.Raw(i)
	if !c.validity.has(i) {
		return 0
	}
	nanos := int64(Nanosecond / c.unit)
	switch {
	case v > math.MaxInt64/nanos:
		return math.MaxInt64
	case v < math.MinInt64/nanos:
		return math.MinInt64
	}
	return time.Duration(v * nanos)
}

// Raw returns row i in the column's unit, unspecified where it is null.
func (c Durations) Raw(i int) int64 {
	if c.narrow != nil {
		return int64(c.narrow[i])
	}
	return c.values[i]
}

// Get returns the span of row i, and whether there is one.
func (c Durations) Get(i int) (v time.Duration, ok bool) { return c.At(i), c.validity.has(i) }

// Unit returns the unit of [Durations.Raw].
func (c Durations) Unit() Unit { return c.unit }

// All yields each row's number and span, zero where it is null.
func (c Durations) All() iter.Seq2[int, time.Duration] { return all(c.Len(), c.At) }

// DurationBuilder fills a duration column, or a time column of 64 bits. Parts of a span finer than the column's unit are
// dropped, as [time.Duration.Truncate] does.
type DurationBuilder struct{ timeBuilder[int64] }

// Append adds a row.
func (b *DurationBuilder) Append(v time.Duration) { b.FixedBuilder.Append(b.convert(v, len(b.values))) }

// timeBuilder has what spans and times of day share, in 64 or 32 bits.
type timeBuilder[T int32 | int64] struct {
	FixedBuilder[T]
	direct bool // values were set by the caller
}

// Extend adds n rows of zero and returns them to be filled, in the column's unit; see [FixedBuilder.Extend].
func (b *timeBuilder[T]) Extend(n int) []T {
	b.direct = true
	return b.FixedBuilder.Extend(n)
}

// Values returns all rows to be read or changed, in the column's unit, until the builder's next change.
func (b *timeBuilder[T]) Values() []T {
	b.direct = true
	return b.FixedBuilder.Values()
}

// Err returns the first error, a *ValueError.
func (b *timeBuilder[T]) Err() error {
	if b.err == nil && b.direct && b.OfDay {
		day := T(24 * time.Hour / time.Duration(Nanosecond/b.Unit))
		for i, v := range b.values {
			if v < 0 || v >= day {
				return &ValueError{b.Name, i, fmt.Errorf("%w: %d is no time of day, which goes from 0 to %d", ErrTimeRange, v, day)}
			}
		}
	}
	return b.header.Err()
}

// Reset drops all rows and the error and keeps the memory.
func (b *timeBuilder[T]) Reset() {
	b.direct = false
	b.FixedBuilder.Reset()
}

// convert returns v in the column's unit. A time of day is checked against the day.
func (h *header) convert(v time.Duration, row int) int64 {
	if h.Unit == 0 {
		panic(unmade)
	}
	if h.OfDay && (v < 0 || v >= 24*time.Hour) {
		h.fail(row, fmt.Errorf("%w: %v is no time of day, which goes from 0 to 24h", ErrTimeRange, v))
		return 0
	}
	return int64(v) / int64(Nanosecond/h.Unit)
}

// AppendAll adds a row for each of v, as Append does.
func (b *DurationBuilder) AppendAll(v []time.Duration) {
	for _, p := range v {
		b.Append(p)
	}
}

// AppendNullable adds v, or a null row if it is not valid.
func (b *DurationBuilder) AppendNullable(v time.Duration, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.Append(v)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *DurationBuilder) AppendPtr(p *time.Duration) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.Append(*p)
}

// Time32Builder fills a time column of 32 bits, in seconds or milliseconds since midnight.
type Time32Builder struct{ timeBuilder[int32] }

// Append adds a row.
func (b *Time32Builder) Append(v time.Duration) {
	b.FixedBuilder.Append(int32(b.convert(v, len(b.values))))
}

// AppendAll adds a row for each of v, as Append does.
func (b *Time32Builder) AppendAll(v []time.Duration) {
	for _, p := range v {
		b.Append(p)
	}
}

// AppendNullable adds v, or a null row if it is not valid.
func (b *Time32Builder) AppendNullable(v time.Duration, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.Append(v)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *Time32Builder) AppendPtr(p *time.Duration) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.Append(*p)
}

// DecimalBuilder fills a decimal column. A value with more digits than the column's precision is refused.
type DecimalBuilder[T Decimal] struct {
	FixedBuilder[T]
	fits   func(T) bool
	direct bool // values were set by the caller
}

// Init sets the column's precision.
func (b *DecimalBuilder[T]) Init(c Config) {
	b.header.Init(c)
	b.fits = fits[T](c.Precision)
}

// Append adds a row.
func (b *DecimalBuilder[T]) Append(v T) {
	if b.fits == nil {
		panic(unmade)
	}
	if !b.fits(v) {
		b.fail(len(b.values), b.tooMany(v))
		v = *new(T)
	}
	b.FixedBuilder.Append(v)
}

func (b *DecimalBuilder[T]) tooMany(v T) error {
	return fmt.Errorf("%w: %s, and the column has %d; raise its precision, or round the value", ErrPrecision, v.Text(0), b.Precision)
}

// Extend adds n rows of zero and returns them to be filled; see [FixedBuilder.Extend].
func (b *DecimalBuilder[T]) Extend(n int) []T {
	b.direct = true
	return b.FixedBuilder.Extend(n)
}

// Values returns all rows to be read or changed, until the builder's next change.
func (b *DecimalBuilder[T]) Values() []T {
	b.direct = true
	return b.FixedBuilder.Values()
}

// Err returns the first error, a *ValueError.
func (b *DecimalBuilder[T]) Err() error {
	if b.err == nil && b.direct {
		for i, v := range b.values {
			if !b.fits(v) {
				return &ValueError{b.Name, i, b.tooMany(v)}
			}
		}
	}
	return b.header.Err()
}

// Reset drops all rows and the error and keeps the memory.
func (b *DecimalBuilder[T]) Reset() {
	b.direct = false
	b.FixedBuilder.Reset()
}

// AppendAll adds a row for each of v, as Append does.
func (b *DecimalBuilder[T]) AppendAll(v []T) {
	for _, p := range v {
		b.Append(p)
	}
}

// AppendNullable adds v, or a null row if it is not valid.
func (b *DecimalBuilder[T]) AppendNullable(v T, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.Append(v)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *DecimalBuilder[T]) AppendPtr(p *T) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.Append(*p)
}

// FixedBinaries is a column of byte strings that all have the same length.
type FixedBinaries struct {
	values   []byte
	validity bitmap
	width, n int
}

// FixedBinariesOf returns the view of a column of byte strings of width bytes.
func FixedBinariesOf(d *Data, width int) FixedBinaries {
	return FixedBinaries{d.Buffers[1], validityOf(d), width, d.Len}
}

// Len returns the number of rows.
func (c FixedBinaries) Len() int { return c.n }

// IsNull tells whether row i is null.
func (c FixedBinaries) IsNull(i int) bool { return !c.validity.has(i) }

// At returns the bytes of row i, all zero where it is null. They alias the batch and are read-only; a conversion such as
// [16]byte(c.At(i)) copies them.
func (c FixedBinaries) At(i int) []byte {
	if !c.validity.has(i) {
		return make([]byte, c.width)
	}
	from := i * c.width
	return c.values[from : from+c.width : from+c.width]
}

// Get returns the bytes of row i, and whether there are any.
func (c FixedBinaries) Get(i int) (v []byte, ok bool) { return c.At(i), c.validity.has(i) }

// Values returns all values, one after the other, aliasing the batch. Those at null rows are unspecified.
func (c FixedBinaries) Values() []byte { return c.values }

// All yields each row's number and bytes. The bytes alias the batch.
func (c FixedBinaries) All() iter.Seq2[int, []byte] { return all(c.Len(), c.At) }

// FixedBinaryBuilder fills a column of byte strings that all have the same length.
type FixedBinaryBuilder struct {
	header
	values []byte
	n      int
}

// Len returns the number of rows.
func (b *FixedBinaryBuilder) Len() int { return b.n }

// Size returns about how many bytes of body the rows take.
func (b *FixedBinaryBuilder) Size() int { return len(b.values) + len(b.validity) }

// Append adds a copy of v, which must have the column's length.
func (b *FixedBinaryBuilder) Append(v []byte) {
	added := b.Extend(1)
	if len(v) != b.Width {
		b.fail(b.n-1, fmt.Errorf("%w: %d bytes, the column has %d in each row", ErrWidth, len(v), b.Width))
		return
	}
	copy(added, v)
}

// Extend adds n rows of zeros and returns their bytes to be filled, until the builder's next change.
func (b *FixedBinaryBuilder) Extend(n int) []byte {
	from := len(b.values)
	b.values = growFixed(b.values, n*b.Width)[:from+n*b.Width]
	if b.nulls != 0 {
		b.setValid(b.n, b.n+n)
	}
	b.n += n
	clear(b.values[from:])
	return b.values[from:len(b.values):len(b.values)]
}

// AppendNull adds a null row.
func (b *FixedBinaryBuilder) AppendNull() {
	from := len(b.values)
	b.values = growFixed(b.values, b.Width)[:from+b.Width]
	clear(b.values[from:])
	b.n++
	b.setNull(b.n - 1)
}

// AppendBlank adds n rows that stand below a null.
func (b *FixedBinaryBuilder) AppendBlank(n int) {
	b.Extend(n)
	b.blank(b.n-n, b.n)
}

// AppendNullable adds a copy of v, or a null row if it is not valid.
func (b *FixedBinaryBuilder) AppendNullable(v []byte, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.Append(v)
}

// Reset drops all rows and the error and keeps the memory.
func (b *FixedBinaryBuilder) Reset() { b.values, b.n = b.values[:0], 0; b.reset() }

// Truncate drops the rows from n on.
func (b *FixedBinaryBuilder) Truncate(n int) {
	n = min(n, b.n)
	b.values, b.n = b.values[:n*b.Width], n
	b.truncate(n)
}

// Data returns the rows as buffers.
func (b *FixedBinaryBuilder) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *FixedBinaryBuilder) DataTo(d *Data) {
	b.data(d, b.n)
	d.Buffers[1] = pad(b.values)
}
