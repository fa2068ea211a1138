package column

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"reflect"
	"sort"
	"strings"
)

// Runs is a run-end encoded column: values E that stand for several rows in a row, of which V is the view.
type Runs[E any, V RunValues[E, V]] struct {
	runs
	values V
}

// runs is what columns of all values have. What does not depend on them is compiled once.
type runs struct {
	ends    []byte // of the runs from the first on
	width   int    // bytes of an end
	from, n int    // rows before the first; rows
}

// RunValues is the view of the values of [Runs].
type RunValues[E, V any] interface {
	Rows[V]
	// At returns the value of row i.
	At(i int) E
}

// RunsOf returns the view of a run-end encoded column, values being the view of its second child. Run ends have the given bits.
func RunsOf[E any, V RunValues[E, V]](d *Data, bits int, values V) Runs[E, V] {
	return Runs[E, V]{runs{ends: d.Children[0].Buffers[1], width: bits / 8, n: d.Len}, values}
}

// Len returns the number of rows.
func (c runs) Len() int { return c.n }

// NumRuns returns the number of runs that rows are part of.
func (c runs) NumRuns() int {
	if c.n == 0 {
		return 0
	}
	return c.Find(c.n-1) + 1
}

// Find returns which run row i is part of, by a binary search.
func (c runs) Find(i int) int {
	rangeOf(i, i+1, c.n)
	at := int64(c.from + i)
	return sort.Search(len(c.ends)/c.width, func(k int) bool { return c.end(k) > at })
}

// end returns the end of run k in the whole column.
func (c runs) end(k int) int64 {
	switch b := c.ends[k*c.width:]; c.width {
	case 2:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case 4:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	default:
		return int64(binary.LittleEndian.Uint64(b))
	}
}

// End returns the row at which run k ends, which is the first of the run after it. The last run ends with the rows.
func (c runs) End(k int) int { return int(min(c.end(k)-int64(c.from), int64(c.n))) }

// Values returns the values of the runs, [Runs.NumRuns] of them; there may be more, which no row has.
func (c Runs[E, V]) Values() V { return c.values }

// IsNull tells whether row i is null. It looks for the run; [Runs.Runs] goes through all of them in turn.
func (c Runs[E, V]) IsNull(i int) bool { return c.values.IsNull(c.Find(i)) }

// At returns the value of row i. It looks for the run; [Runs.All] goes through all of them in turn.
func (c Runs[E, V]) At(i int) E { return c.values.At(c.Find(i)) }

// Get returns the value of row i, and whether there is one.
func (c Runs[E, V]) Get(i int) (v E, ok bool) {
	k := c.Find(i)
	return c.values.At(k), !c.values.IsNull(k)
}

// Runs yields the number of each run and the row at which it ends.
func (c runs) Runs() iter.Seq2[int, int] {
	return func(yield func(k, end int) bool) {
		for k, end := 0, 0; end < c.n; k++ {
			if end = c.End(k); !yield(k, end) {
				return
			}
		}
	}
}

// All yields each row's number and value, in a time that grows with the rows.
func (c Runs[E, V]) All() iter.Seq2[int, E] {
	return func(yield func(i int, v E) bool) {
		i := 0
		for k, end := range c.Runs() {
			for v := c.values.At(k); i < end; i++ {
				if !yield(i, v) {
					return
				}
			}
		}
	}
}

// Slice returns the rows from … to-1.
func (c Runs[E, V]) Slice(from, to int) Runs[E, V] {
	rangeOf(from, to, c.n)
	if from < to {
		k := c.Find(from)
		c.ends, c.values = c.ends[k*c.width:], c.values.Slice(k, c.values.Len())
	}
	c.from, c.n = c.from+from, to-from
	return c
}

// What [RunBuilder] refuses: more rows than the run ends of the column can count, and runs of fewer than none.
var (
	ErrRunEnds   = errors.New("column holds more rows than its run ends count")
	ErrRunLength = errors.New("a run has a negative number of rows")
)

// RunBuilder fills a run-end encoded column. B is the builder of its values, which are E, and O the type of the run ends.
type RunBuilder[O int16 | int32 | int64, E any, B Builder] struct {
	runRows[O]
	values B
	add    func(B, E)
	same   func(a, b E) bool
	keep   func(old, v E) E
	isNil  func(v E) bool // nil where no value is
	last   E              // the value of the last run, where that is known
}

// runRows is what does not depend on the values, and is compiled once for each width of run ends.
type runRows[O int16 | int32 | int64] struct {
	header
	below    Builder // of the values
	addNull  func()  // nil where there are no nulls
	ends     []O     // of the runs
	lastKind runKind
	children [2]Data
}

// runKind says what is known of the last run.
type runKind uint8

const (
	runClosed runKind = iota // nothing: the next row begins a run
	runValue
	runNull
	runEnded // the value is known to who added it
)

// RunBuilderOf returns the builder of a run-end encoded column. Add adds one to the values, and same tells whether two are the same,
// which then are one run.
func RunBuilderOf[O int16 | int32 | int64, E any, B Builder](values B, add func(B, E), same func(a, b E) bool) *RunBuilder[O, E, B] {
	b := &RunBuilder[O, E, B]{runRows: runRows[O]{below: values}, values: values, add: add, same: same, keep: func(_, v E) E { return v }}
	if null, ok := any(values).(interface{ AppendNull() }); ok {
		b.addNull = null.AppendNull
	}
	if keep, ok := any(func(old, v []byte) []byte { return append(old[:0], v...) }).(func(old, v E) E); ok {
		b.keep = keep // the caller may write into v
	}
	var text []byte
	if keep, ok := any(func(_, v string) string {
		text = append(text[:0], v...) // a string may alias a batch, whose memory is used again
		return stringOf(text)
	}).(func(old, v E) E); ok {
		b.keep = keep
	} else if reflect.TypeFor[E]().Kind() == reflect.String {
		b.keep = func(_, v E) E {
			reflect.ValueOf(&v).Elem().SetString(strings.Clone(reflect.ValueOf(v).String()))
			return v
		}
	}
	b.isNil, _ = any(func(v []byte) bool { return v == nil }).(func(v E) bool)
	return b
}

// Same tells whether two values are equal.
func Same[E comparable](a, b E) bool { return a == b }

// SameBytes tells whether two byte strings are equal.
func SameBytes(a, b []byte) bool { return bytes.Equal(a, b) }

// SameFloat tells whether two numbers have the same bits, but for those of numbers that are none.
func SameFloat[E ~float32 | ~float64](a, b E) bool {
	return a == b && math.Signbit(float64(a)) == math.Signbit(float64(b))
}

// Init sets what the column and its values may hold.
func (b *runRows[O]) Init(c Config) {
	b.header.Init(c)
	b.below.Init(c.Children[0])
}

// Children returns the builder of the values.
func (b *runRows[O]) Children() []Builder { return []Builder{b.below} }

// Len returns the number of rows.
func (b *runRows[O]) Len() int {
	if len(b.ends) == 0 {
		return 0
	}
	return int(b.ends[len(b.ends)-1])
}

// NumRuns returns the number of runs.
func (b *runRows[O]) NumRuns() int { return len(b.ends) }

// Size returns about how many bytes of body the rows take.
func (b *runRows[O]) Size() int { return len(b.ends)*SizeOf[O]() + b.below.Size() }

// Values returns the builder of the values, of which there is one for each run: [RunBuilder.EndRun] ends it.
func (b *RunBuilder[O, E, B]) Values() B { return b.values }

// Append adds a row, to the last run if that has the same value.
func (b *RunBuilder[O, E, B]) Append(v E) { b.AppendRun(v, 1) }

// AppendRun adds n rows of the same value, to the last run if that has it too. Nil bytes are a null where the column is nullable.
func (b *RunBuilder[O, E, B]) AppendRun(v E, n int) {
	switch {
	case b.isNil != nil && b.Nullable && b.isNil(v):
		b.appendNulls(n)
	case !b.room(n):
	case b.lastKind == runValue && b.same(b.last, v):
		b.ends[len(b.ends)-1] += O(n)
	default:
		b.add(b.values, v)
		b.run(n, runValue)
		b.last = b.keep(b.last, v)
	}
}

// AppendAll adds a row for each of v.
func (b *RunBuilder[O, E, B]) AppendAll(v []E) {
	for i := range v {
		b.AppendRun(v[i], 1)
	}
}

// AppendNull adds a null row.
func (b *runRows[O]) AppendNull() { b.appendNulls(1) }

// appendNulls adds n null rows.
func (b *runRows[O]) appendNulls(n int) {
	switch {
	case !b.room(n):
	case b.lastKind == runNull:
		b.ends[len(b.ends)-1] += O(n)
	case !b.Nullable || b.addNull == nil:
		b.fail(b.Len(), ErrNotNullable)
		b.AppendBlank(n)
	default:
		b.addNull()
		b.run(n, runNull)
	}
}

// AppendNullable adds v, or a null row if it is not valid.
func (b *RunBuilder[O, E, B]) AppendNullable(v E, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.AppendRun(v, 1)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *RunBuilder[O, E, B]) AppendPtr(p *E) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.AppendRun(*p, 1)
}

// AppendBlank adds n rows that stand below a null. They go to the last run, if there is one.
func (b *runRows[O]) AppendBlank(n int) {
	switch {
	case n == 0 || !b.room(n):
	case len(b.ends) != 0:
		b.ends[len(b.ends)-1] += O(n)
	default:
		b.below.AppendBlank(1)
		b.run(n, runClosed)
	}
}

// RepeatRun adds n rows to the last run, where [RunBuilder.EndRun] has added it and no other run came after it. It returns whether it did.
func (b *runRows[O]) RepeatRun(n int) bool {
	if b.lastKind != runEnded {
		return false
	}
	if b.room(n) {
		b.ends[len(b.ends)-1] += O(n)
	}
	return true
}

// EndRun adds a run of n rows whose value was added to the builder of the values. Append begins another one after it.
func (b *runRows[O]) EndRun(n int) {
	if b.room(n) {
		b.run(n, runEnded)
	}
}

// room tells whether n more rows can be counted.
func (b *runRows[O]) room(n int) bool {
	rows := b.Len()
	if n < 0 {
		b.fail(rows, fmt.Errorf("%w: %d; give one or more; 0 adds nothing", ErrRunLength, n))
		return false
	}
	if sum := rows + n; sum < rows || int(O(sum)) != sum {
		b.fail(rows, fmt.Errorf("%w: %d rows are there, %d more came; use wider ones, or send smaller batches", ErrRunEnds, rows, n))
		return false
	}
	return n > 0
}

// run adds a run of n rows, whose value was added.
func (b *runRows[O]) run(n int, kind runKind) {
	end := O(b.Len() + n)
	if len(b.ends) == cap(b.ends) {
		b.ends = growFixed(b.ends, 1)
	}
	b.ends = append(b.ends, end)
	b.lastKind = kind
}

// Err returns the first error, a *ValueError.
func (b *runRows[O]) Err() error {
	if b.err != nil {
		return b.err
	}
	if runs := b.below.Len(); runs != len(b.ends) {
		row := b.Len()
		if runs < len(b.ends) {
			row = b.start(runs)
		}
		return &ValueError{b.Name, row, fmt.Errorf("%w: %d runs and %d values; end each value's run by EndRun", ErrUneven, len(b.ends), runs)}
	}
	return errBelow(b.below, b.start)
}

// start returns the first row of run k.
func (b *runRows[O]) start(k int) int {
	if k == 0 {
		return 0
	}
	return int(b.ends[k-1])
}

// Reset drops all rows and the error and keeps the memory. A dictionary keeps its values.
func (b *runRows[O]) Reset() {
	b.ends, b.lastKind = b.ends[:0], runClosed
	b.below.Reset()
	b.reset()
}

// Truncate drops the rows from n on.
func (b *runRows[O]) Truncate(n int) {
	if n < b.Len() {
		runs := sort.Search(len(b.ends), func(k int) bool { return int(b.ends[k]) >= n })
		if n != 0 {
			b.ends[runs] = O(n)
			runs++
		}
		b.ends, b.lastKind = b.ends[:runs], runClosed
		b.below.Truncate(runs)
	}
	b.truncate(n)
}

// Data returns the rows as buffers.
func (b *runRows[O]) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *runRows[O]) DataTo(d *Data) {
	d.Len, d.Padded = b.Len(), true
	ends := &b.children[0]
	ends.Len, ends.Padded = len(b.ends), true
	ends.Buffers[1] = pad(Bytes(b.ends))
	b.below.DataTo(&b.children[1])
	d.Children = b.children[:]
}
