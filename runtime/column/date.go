package column

import (
	"fmt"
	"iter"
	"math"
	"time"
)

// Day are the Go types of days: [Date] and [DateMillis].
type Day interface {
	Date | DateMillis
	Time() time.Time
}

// Dates is a column of days that rows hold as times.
type Dates[T Day] struct{ c Nullable[T] }

// DatesOf returns the view of a date column.
func DatesOf[T Day](d *Data) Dates[T] { return Dates[T]{NullableOf[T](d)} }

// Len returns the number of rows.
func (c Dates[T]) Len() int { return c.c.Len() }

// IsNull tells whether row i is null.
func (c Dates[T]) IsNull(i int) bool { return c.c.IsNull(i) }

// At returns the start of the day of row i in UTC, the zero time where it is null.
func (c Dates[T]) At(i int) time.Time {
	if c.IsNull(i) {
		return time.Time{}
	}
	return c.c.values[i].Time()
}

// Get returns the start of the day of row i, and whether there is one.
func (c Dates[T]) Get(i int) (v time.Time, ok bool) { return c.At(i), !c.IsNull(i) }

// Values returns all days in row order, aliasing the batch. Those at null rows are unspecified.
func (c Dates[T]) Values() []T { return c.c.values }

// All yields each row's number and the start of its day, the zero time where it is null.
func (c Dates[T]) All() iter.Seq2[int, time.Time] { return all(c.Len(), c.At) }

// DateBuilder fills a column of days from times. The day is that of the time in its own location.
type DateBuilder[T Day] struct{ FixedBuilder[T] }

// Append adds a row.
func (b *DateBuilder[T]) Append(t time.Time) {
	year, month, day := t.Date()
	days := time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
	scale, limit := int64(1), int64(math.MaxInt32)
	if sizeOf[T]() == 8 {
		scale, limit = secondsPerDay*1000, math.MaxInt64/(secondsPerDay*1000)
	}
	if days > limit || days < -limit {
		b.fail(len(b.values), fmt.Errorf("%w: year %d has no day in this column", ErrTimeRange, year))
		days = 0
	}
	b.FixedBuilder.Append(T(days * scale))
}

// AppendAll adds a row for each of v, as Append does.
func (b *DateBuilder[T]) AppendAll(v []time.Time) {
	for _, p := range v {
		b.Append(p)
	}
}

// AppendNullable adds t, or a null row if it is not valid.
func (b *DateBuilder[T]) AppendNullable(t time.Time, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.Append(t)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *DateBuilder[T]) AppendPtr(p *time.Time) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.Append(*p)
}

// Nulls is a column of nothing but nulls.
type Nulls struct{ n int }

// NullsOf returns the view of a null column.
func NullsOf(d *Data) Nulls { return Nulls{d.Len} }

// Len returns the number of rows.
func (c Nulls) Len() int { return c.n }

// IsNull returns true.
func (c Nulls) IsNull(int) bool { return true }

// At returns the one value there is.
func (c Nulls) At(int) struct{} { return struct{}{} }

// NullBuilder fills a column of nothing but nulls.
type NullBuilder struct {
	header
	n int
}

// Len returns the number of rows.
func (b *NullBuilder) Len() int { return b.n }

// Size returns 0: the column takes no memory.
func (b *NullBuilder) Size() int { return 0 }

// Append adds a row.
func (b *NullBuilder) Append(struct{}) { b.n++ }

// AppendNull adds a row.
func (b *NullBuilder) AppendNull() { b.n++ }

// AppendAll adds a row for each of v.
func (b *NullBuilder) AppendAll(v []struct{}) { b.n += len(v) }

// AppendBlank adds n rows.
func (b *NullBuilder) AppendBlank(n int) { b.n += n }

// Extend adds n rows.
func (b *NullBuilder) Extend(n int) { b.n += n }

// Reset drops all rows.
func (b *NullBuilder) Reset() { b.n = 0 }

// Truncate drops the rows from n on.
func (b *NullBuilder) Truncate(n int) { b.n = min(n, b.n) }

// Data returns the rows, which have no buffers.
func (b *NullBuilder) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows.
func (b *NullBuilder) DataTo(d *Data) { d.Len, d.Nulls, d.Padded = b.n, b.n, true }
