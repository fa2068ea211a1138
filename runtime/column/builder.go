package column

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// A Builder fills one column. What it was told that does not fit stays as its error, the value of that row being zero or
// null, until Reset or Truncate cuts the row off.
type Builder interface {
	// Len returns the number of rows.
	Len() int
	// Size returns about how many bytes of body the rows take.
	Size() int
	// Err returns the first error, a *ValueError.
	Err() error
	// Reset drops all rows and the error and keeps the memory. A dictionary keeps its values.
	Reset()
	// Truncate drops the rows from n on, of which there may be none, with an error that stood in one of them.
	Truncate(n int)
	// Data returns the rows as buffers that alias the builder's memory, until it is changed.
	Data() Data
	// DataTo does that too, into d: it is empty, or was set by this builder before.
	DataTo(d *Data)
	// AppendBlank adds n rows that stand below a null, for nobody to see: null where the column may be, else zero.
	AppendBlank(n int)
	// Init sets what the column may hold. It is called once, before the first row.
	Init(c Config)
}

// Config says what a builder's column may hold.
type Config struct {
	Name       string
	Nullable   bool
	Unit       Unit        // of timestamps
	Zoned      bool        // timestamps are instants; without it they are wall-clock times
	OfDay      bool        // durations are times of day
	Precision  int         // digits of decimals
	Width      int         // bytes of fixed-size binary
	Dictionary *Dictionary // of dictionary columns, nil for one of its own
	MaxEntries int         // of a dictionary of its own, 0 is no limit
	Bytes      bool        // values of a dictionary are bytes of any kind, not text
	Parse      any         // of a column of names: func(string) (E, error)
	Failed     *bool       // set where the column refuses a value; may be nil
	TypeIDs    []int32     // of the members of a union; nil is 0, 1, 2 …
	Sparse     bool        // members of a union have the union's rows
	Children   []Config    // of the columns below a nested one
}

// unmade is what a builder says that was not initialised.
const unmade = "column: the zero value of this builder holds nothing; make a table's builder with its New function, or call Init"

// field returns the name without the path to it.
func (c *Config) field() string { return c.Name[strings.LastIndexByte(c.Name, '.')+1:] }

// ValueError says which value a builder refused.
type ValueError struct {
	Column string
	Row    int // in the builder, from 0
	Err    error
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("lightstream: column %q, row %d: %v", e.Column, e.Row, e.Err)
}

func (e *ValueError) Unwrap() error { return e.Err }

// The conditions that a [ValueError] wraps, beside [ErrDictionaryFull].
var (
	ErrNotNullable  = errors.New("null in a column that is not nullable")
	ErrTimeRange    = errors.New("time is out of range")
	ErrNaiveTime    = errors.New("time is not in UTC, but the column has no zone")
	ErrTooLong      = errors.New("column holds more text than 32-bit offsets reach")
	ErrIndex        = errors.New("index is outside its dictionary")
	ErrWidth        = errors.New("value has not the column's length")
	ErrUnnamed      = errors.New("value has no name")
	ErrTooManyItems = errors.New("column holds more items than 32-bit offsets reach")
	ErrUTF8         = errors.New("text is not valid UTF-8")
	ErrUneven       = errors.New("columns below a nested one have not the rows that it needs")
)

// header is what all builders share: the config, the validity bitmap and the first error.
type header struct {
	Config
	err      *ValueError
	nulls    int
	validity []byte // of the rows before marked; all other bits are zero
	marked   int    // rows from here on are valid: they are marked with the next null, or when the column is sent
	raw      bool   // rows were added as bytes, which nobody has looked at as text
}

func (h *header) Init(c Config) { h.Config = c }

// Err returns the first error, a *ValueError.
func (h *header) Err() error {
	if h.err == nil {
		return nil
	}
	return h.err
}

// Nulls returns the number of null rows.
func (h *header) Nulls() int { return h.nulls }

func (h *header) fail(row int, err error) {
	if h.err == nil {
		h.err = &ValueError{h.Name, row, err}
		if h.Failed != nil {
			*h.Failed = true
		}
	}
}

// setNull makes row, the one just added, null.
func (h *header) setNull(row int) {
	if !h.Nullable {
		h.fail(row, ErrNotNullable)
		return
	}
	h.nulls++
	// The rows since the last null mostly lie in eight bytes with it.
	if at, n := h.marked>>3, h.marked&7+row-h.marked; n < 64 && at+8 <= cap(h.validity) {
		word := h.validity[at : at+8 : at+8]
		binary.LittleEndian.PutUint64(word, binary.LittleEndian.Uint64(word)|1<<n-1<<(h.marked&7))
		h.validity = h.validity[:max(row>>3+1, len(h.validity))]
		h.marked = row + 1
		return
	}
	h.mark(row)
	h.validity = growBits(h.validity, row+1)
	h.marked++
}

// setNulls makes those rows from from on null that nulls has a bit for, and lets the others be.
func (h *header) setNulls(from, rows int, nulls uint64) {
	if nulls == 0 {
		return
	}
	end := from + bits.Len64(nulls)
	if from < 0 || end > rows {
		panic(fmt.Sprintf("column: rows %d to %d of %d to be null", from, end-1, rows))
	}
	if !h.Nullable {
		h.fail(from+bits.TrailingZeros64(nulls), ErrNotNullable)
		return
	}
	if end > h.marked {
		h.mark(end)
	}
	drop := func(at int, list byte) {
		h.nulls += bits.OnesCount8(h.validity[at] & list)
		h.validity[at] &^= list
	}
	at, shift := from>>3, from&7
	drop(at, byte(nulls<<shift))
	for nulls >>= 8 - shift; nulls != 0; nulls >>= 8 {
		at++
		drop(at, byte(nulls))
	}
}

// blank makes rows from … to-1, those just added, null where the column may be.
func (h *header) blank(from, to int) {
	if !h.Nullable {
		return
	}
	h.mark(from)
	h.validity = growBits(h.validity, to)
	h.marked = to
	h.nulls += to - from
}

// mark brings the bitmap up to the first n rows.
func (h *header) mark(n int) {
	h.validity = growBits(h.validity, n)
	asm.SetBits(h.validity, h.marked, n-h.marked)
	h.marked = n
}

// setValid makes rows from … to-1, those just added, valid. Nobody has to: rows are, unless they are null.
func (h *header) setValid(_, to int) { h.mark(to) }

// isNull tells whether row i is null.
func (h *header) isNull(i int) bool { return i < h.marked && !bit(h.validity, i) }

func (h *header) reset() {
	h.err, h.raw = nil, false
	h.dropNulls()
}

func (h *header) dropNulls() {
	clear(h.validity)
	h.validity = h.validity[:0]
	h.nulls, h.marked = 0, 0
}

func (h *header) truncate(n int) {
	if h.err != nil && h.err.Row >= n {
		h.err = nil
	}
	if n >= h.marked {
		return
	}
	h.validity, h.marked = cutBits(h.validity, n), n
	if h.nulls = n - asm.CountBits(h.validity, n); h.nulls == 0 {
		h.dropNulls()
	}
}

// data starts a column of n rows. What follows the bitmap is zero already.
func (h *header) data(d *Data, n int) {
	d.Len, d.Nulls, d.Padded = n, h.nulls, true
	if h.nulls != 0 {
		if h.marked != n {
			h.mark(n)
		}
		d.Buffers[0] = h.validity
	} else if d.Buffers[0] != nil {
		d.Buffers[0] = nil
	}
}

// growBits returns bits with room for n of them; new bytes are zero.
func growBits(bits []byte, n int) []byte {
	size := (n + 7) / 8
	if size > cap(bits) {
		bits = mem.Grow(bits, size-len(bits))
		clear(bits[len(bits):cap(bits)])
	}
	return bits[:max(size, len(bits))]
}

// cutBits drops the bits from n on and leaves zeros behind.
func cutBits(bits []byte, n int) []byte {
	size := (n + 7) / 8
	clear(bits[size:])
	bits = bits[:size]
	if n&7 != 0 {
		bits[size-1] &= 1<<(n&7) - 1
	}
	return bits
}

// pad zeroes what follows b up to the next multiple of 64.
func pad(b []byte) []byte {
	if n := len(b); n&(mem.Alignment-1) != 0 {
		clear(b[n:min(mem.Pad(n), cap(b))])
	}
	return b
}

// FixedBuilder fills a column of fixed-width values: a [Value], or an array of bytes.
type FixedBuilder[T comparable] struct {
	header
	values []T
}

// Len returns the number of rows.
func (b *FixedBuilder[T]) Len() int { return len(b.values) }

// Size returns about how many bytes of body the rows take.
func (b *FixedBuilder[T]) Size() int { return len(b.values)*sizeOf[T]() + len(b.validity) }

// Append adds a row.
func (b *FixedBuilder[T]) Append(v T) {
	n := len(b.values)
	if n == cap(b.values) {
		b.values = growFixed(b.values, 1)
	}
	b.values = b.values[:n+1]
	b.values[n] = v
}

// AppendAll adds a row for each of v.
func (b *FixedBuilder[T]) AppendAll(v []T) {
	n := len(b.values)
	if len(v) > cap(b.values)-n {
		b.values = growFixed(b.values, len(v))
	}
	b.values = b.values[:n+copy(b.values[n:n+len(v)], v)]
}

// AppendBlank adds n rows that stand below a null.
func (b *FixedBuilder[T]) AppendBlank(n int) {
	b.Extend(n)
	b.blank(len(b.values)-n, len(b.values))
}

// AppendNull adds a null row.
func (b *FixedBuilder[T]) AppendNull() {
	n := len(b.values)
	if n == cap(b.values) {
		b.values = growFixed(b.values, 1)
	}
	b.values = b.values[:n+1]
	b.values[n] = *new(T)
	b.setNull(n)
}

// AppendNullable adds v, or a null row if it is not valid.
func (b *FixedBuilder[T]) AppendNullable(v T, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.Append(v)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *FixedBuilder[T]) AppendPtr(p *T) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.Append(*p)
}

// Extend adds n rows of zero and returns them to be filled. The slice is the memory that is sent, and is valid until the
// builder's next change.
func (b *FixedBuilder[T]) Extend(n int) []T {
	from := len(b.values)
	if n > cap(b.values)-from {
		b.values = growFixed(b.values, n)
	}
	b.values = b.values[:from+n]
	added := b.values[from : from+n : from+n]
	clear(added)
	return added
}

// ExtendUnset is [FixedBuilder.Extend] without the zeros: the rows have whatever the memory holds until the caller has set
// each of them, which it must.
func (b *FixedBuilder[T]) ExtendUnset(n int) []T {
	from := len(b.values)
	if n > cap(b.values)-from {
		b.values = growFixed(b.values, n)
	}
	b.values = b.values[:from+n]
	return b.values[from : from+n : from+n]
}

// SetNulls makes row from+i null for each bit i of nulls that is set. Its value stays what it is, and it must be there.
func (b *FixedBuilder[T]) SetNulls(from int, nulls uint64) { b.setNulls(from, len(b.values), nulls) }

// Values returns all rows to be read or changed, until the builder's next change.
func (b *FixedBuilder[T]) Values() []T { return b.values }

// Reset drops all rows and the error and keeps the memory.
func (b *FixedBuilder[T]) Reset() { b.values = b.values[:0]; b.reset() }

// Truncate drops the rows from n on.
func (b *FixedBuilder[T]) Truncate(n int) {
	n = min(n, len(b.values))
	b.values = b.values[:n]
	b.truncate(n)
}

// Data returns the rows as buffers.
func (b *FixedBuilder[T]) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *FixedBuilder[T]) DataTo(d *Data) {
	b.data(d, len(b.values))
	d.Buffers[1] = pad(bytesOf(b.values))
}

// BoolBuilder fills a bool column.
type BoolBuilder struct {
	header
	bits []byte // bits from n on are zero
	n    int
}

// Len returns the number of rows.
func (b *BoolBuilder) Len() int { return b.n }

// Size returns about how many bytes of body the rows take.
func (b *BoolBuilder) Size() int { return len(b.bits) + len(b.validity) }

// Append adds a row.
func (b *BoolBuilder) Append(v bool) {
	n := b.n
	if n>>3 >= len(b.bits) {
		b.bits = growBits(b.bits, n+1)
	}
	b.n = n + 1
	b.bits[n>>3] |= bitOf(v) << (n & 7)
}

func bitOf(v bool) byte { // compiles to a move
	if v {
		return 1
	}
	return 0
}

// AppendAll adds a row for each of v.
func (b *BoolBuilder) AppendAll(v []bool) {
	for len(v) > 0 && b.n&7 != 0 {
		b.Append(v[0])
		v = v[1:]
	}
	n := b.n
	b.n += len(v)
	b.bits = growBits(b.bits, b.n)
	asm.PackBools(b.bits[n>>3:], v)
}

// AppendBits adds a row for each of the n lowest bits of v, at most 64.
func (b *BoolBuilder) AppendBits(v uint64, n int) {
	if n <= 0 {
		return
	}
	v = v << (64 - n) >> (64 - n)
	at, shift := b.n>>3, b.n&7
	b.n += n
	b.bits = growBits(b.bits, b.n)
	b.bits[at] |= byte(v << shift)
	for v >>= 8 - shift; v != 0; v >>= 8 {
		at++
		b.bits[at] |= byte(v)
	}
}

// SetNulls makes row from+i null for each bit i of nulls that is set. It must be there.
func (b *BoolBuilder) SetNulls(from int, nulls uint64) { b.setNulls(from, b.n, nulls) }

// AppendBlank adds n rows that stand below a null.
func (b *BoolBuilder) AppendBlank(n int) {
	b.n += n
	b.bits = growBits(b.bits, b.n)
	b.blank(b.n-n, b.n)
}

// AppendNull adds a null row.
func (b *BoolBuilder) AppendNull() {
	n := b.n
	b.n++
	if n>>3 >= len(b.bits) {
		b.bits = growBits(b.bits, b.n)
	}
	b.setNull(n)
}

// AppendNullable adds v, or a null row if it is not valid.
func (b *BoolBuilder) AppendNullable(v, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.Append(v)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *BoolBuilder) AppendPtr(p *bool) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.Append(*p)
}

// Reset drops all rows and the error and keeps the memory.
func (b *BoolBuilder) Reset() {
	clear(b.bits)
	b.bits, b.n = b.bits[:0], 0
	b.reset()
}

// Truncate drops the rows from n on.
func (b *BoolBuilder) Truncate(n int) {
	n = min(n, b.n)
	b.bits, b.n = cutBits(b.bits, n), n
	b.truncate(n)
}

// Data returns the rows as buffers.
func (b *BoolBuilder) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *BoolBuilder) DataTo(d *Data) {
	b.data(d, b.n)
	d.Buffers[1] = b.bits // what follows is zero already
}

// TimestampBuilder fills a timestamp column. Parts of a time finer than the column's unit are dropped, as
// [time.Time.Truncate] does; so are monotonic clock readings.
type TimestampBuilder struct {
	FixedBuilder[int64]
	min, max int64 // seconds that fit whatever part of a second follows
}

// Init sets the column's unit and zone.
func (b *TimestampBuilder) Init(c Config) {
	b.header.Init(c)
	b.min, b.max = math.MinInt64/int64(c.Unit), math.MaxInt64/int64(c.Unit)-1
}

// Append adds a row. In a column without a zone the time must be in UTC (or another zone of offset zero), whose wall clock
// is what is kept. The zero time is one as any other: the year 1, which units down to microseconds reach and nanoseconds do not.
func (b *TimestampBuilder) Append(t time.Time) {
	n, sec := len(b.values), t.Unix()
	if n == cap(b.values) || sec < b.min || sec > b.max || !b.Zoned && t.Location() != time.UTC {
		b.appendChecked(t)
		return
	}
	b.values = b.values[:n+1]
	b.values[n] = b.Unit.count(sec, t.Nanosecond())
}

// appendChecked is Append of any time to any builder.
func (b *TimestampBuilder) appendChecked(t time.Time) {
	v := b.Unit.count(t.Unix(), t.Nanosecond())
	if sec := t.Unix(); sec < b.min || sec > b.max || !b.Zoned && t.Location() != time.UTC {
		var err error
		if v, err = b.check(t); err != nil {
			b.fail(len(b.values), err)
		}
	}
	b.FixedBuilder.Append(v)
}

// count returns how many units sec seconds and nanos nanoseconds are, rounded down. Dividing by constants is what makes it
// fast.
func (u Unit) count(sec int64, nanos int) int64 {
	switch u {
	case Nanosecond:
		return sec*int64(Nanosecond) + int64(nanos)
	case Microsecond:
		return sec*int64(Microsecond) + int64(uint32(nanos)/uint32(Nanosecond/Microsecond))
	case Millisecond:
		return sec*int64(Millisecond) + int64(uint32(nanos)/uint32(Nanosecond/Millisecond))
	}
	return sec
}

// check converts a time that is at the end of the range or has a zone, or tells why that cannot be.
func (b *TimestampBuilder) check(t time.Time) (int64, error) {
	if b.Unit == 0 {
		panic(unmade)
	}
	unit, sec := int64(b.Unit), t.Unix()
	part := int64(t.Nanosecond()) / int64(Nanosecond/b.Unit)
	if sec < 0 { // count down from the second after it, so that the products fit where their sum does
		sec, part = sec+1, part-unit
	}
	if sec < math.MinInt64/unit || sec > math.MaxInt64/unit || part < 0 && sec*unit < math.MinInt64-part || part > 0 && sec*unit > math.MaxInt64-part {
		from, to := time.Unix(b.min, 0).UTC(), time.Unix(b.max, 0).UTC()
		remedy := "use a coarser unit"
		if t.IsZero() {
			remedy = "if it stands for none, make the column nullable, as rt.Null[time.Time] or *time.Time, else use a coarser unit"
		}
		return 0, fmt.Errorf("%w: %v does not fit timestamp(%v), which reaches from year %d to %d; %s",
			ErrTimeRange, t, b.Unit, from.Year(), to.Year(), remedy)
	}
	if _, offset := t.Zone(); !b.Zoned && offset != 0 {
		return 0, fmt.Errorf("%w: %v; give the column a zone, or convert with t.UTC()", ErrNaiveTime, t)
	}
	return sec*unit + part, nil
}

// AppendNullable adds t, or a null row if it is not valid.
func (b *TimestampBuilder) AppendNullable(t time.Time, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.Append(t)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *TimestampBuilder) AppendPtr(p *time.Time) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.Append(*p)
}

// AppendAll adds a row for each of v.
func (b *TimestampBuilder) AppendAll(v []time.Time) {
	for _, t := range v {
		b.Append(t)
	}
}

// AppendValue adds a row in units since 1970-01-01.
func (b *TimestampBuilder) AppendValue(v int64) { b.FixedBuilder.Append(v) }

// BinaryBuilder fills a column of byte strings.
type BinaryBuilder struct {
	header
	offsets []int32 // one more than rows, from 0; empty before the first row
	text    []byte
}

// Len returns the number of rows.
func (b *BinaryBuilder) Len() int { return max(len(b.offsets)-1, 0) }

// Size returns about how many bytes of body the rows take.
func (b *BinaryBuilder) Size() int { return len(b.offsets)*4 + len(b.text) + len(b.validity) }

// Append adds a copy of v as a row. A nil v is a null row where the column is nullable, an empty one where it is not.
func (b *BinaryBuilder) Append(v []byte) {
	if v == nil && b.Nullable {
		b.AppendNull()
		return
	}
	b.raw = true
	b.append(stringOf(v))
}

// AppendNullable adds a copy of v, or a null row if it is not valid.
func (b *BinaryBuilder) AppendNullable(v []byte, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.raw = true
	b.append(stringOf(v))
}

// AppendPtr adds a copy of what p points to, a null row if that is nothing.
func (b *BinaryBuilder) AppendPtr(p *[]byte) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.raw = true
	b.append(stringOf(*p))
}

// AppendAll adds a row for each of v, as Append does.
func (b *BinaryBuilder) AppendAll(v [][]byte) {
	for _, p := range v {
		b.Append(p)
	}
}

// AppendBlank adds n rows that stand below a null.
func (b *BinaryBuilder) AppendBlank(n int) {
	for range n {
		b.append("")
	}
	b.blank(b.Len()-n, b.Len())
}

// AppendNull adds a null row.
func (b *BinaryBuilder) AppendNull() {
	rows := len(b.offsets)
	if rows == cap(b.offsets) {
		b.grow(0)
		rows = len(b.offsets)
	}
	b.offsets = b.offsets[:rows+1]
	b.offsets[rows] = int32(len(b.text))
	b.setNull(rows - 1)
}

func (b *BinaryBuilder) append(s string) {
	rows, from := len(b.offsets), len(b.text)
	end := from + len(s)
	if len(s) > shortCopy || rows == cap(b.offsets) || end+shortCopy > cap(b.text) {
		b.appendLong(s)
		return
	}
	to := (*[shortCopy]byte)(b.text[from : end+shortCopy])
	switch n := len(s); {
	case n >= 8:
		lo, hi := load64(s), load64(s[n-8:])
		binary.LittleEndian.PutUint64(to[:8], lo)
		binary.LittleEndian.PutUint64(to[n-8:], hi)
	case n >= 4:
		lo, hi := load32(s), load32(s[n-4:])
		binary.LittleEndian.PutUint32(to[:4], lo)
		binary.LittleEndian.PutUint32(to[(n-4)&7:], hi)
	case n > 0:
		to[0], to[n>>1&3], to[(n-1)&3] = s[0], s[n>>1], s[n-1]
	}
	b.text = b.text[:end]
	b.offsets = b.offsets[:rows+1]
	b.offsets[rows] = int32(end)
}

// AppendCut adds a copy of data[from:to] as a row. It may read what stands behind that in data: for short texts in a long one it is faster
// than Append. In a column of text what was added so is looked at when it is sent, and refused there where it is not valid UTF-8.
func (b *BinaryBuilder) AppendCut(data []byte, from, to int) {
	b.raw = true
	rows, at := len(b.offsets), len(b.text)
	n := to - from
	if uint(n) > cutCopy || cutCopy > len(data)-from || rows == cap(b.offsets) || at+cutCopy+shortCopy > cap(b.text) {
		b.append(stringOf(data[from:to]))
		return
	}
	cut((*[cutCopy]byte)(b.text[at:at+cutCopy]), (*[cutCopy]byte)(data[from:]))
	b.text = b.text[:at+n]
	b.offsets = b.offsets[:rows+1]
	b.offsets[rows] = int32(at + n)
}

// AppendCuts is [BinaryBuilder.AppendCut] of n texts, each between two places in data: the first stands behind places[0] and ends at
// places[1], and those of the next are step behind them. Of the place before a text the highest bit says nothing.
func (b *BinaryBuilder) AppendCuts(data []byte, places []uint32, step, n int) {
	const place = 1<<31 - 1
	b.raw = true
	for at := 0; n > 0; {
		rows, to := len(b.offsets), len(b.text)
		offsets, text := b.offsets[rows:min(rows+n, cap(b.offsets))], b.text[:cap(b.text)]
		if rows == 0 {
			offsets = nil
		}
		added := 0
		for ; added < len(offsets); added++ {
			from, end := int((places[at]+1)&place), int(places[at+1])
			if uint(end-from) > cutCopy || cutCopy > len(data)-from || to+cutCopy+shortCopy > len(text) {
				break
			}
			cut((*[cutCopy]byte)(text[to:]), (*[cutCopy]byte)(data[from:]))
			to += end - from
			offsets[added] = int32(to)
			at += step
		}
		b.offsets, b.text = b.offsets[:rows+added], b.text[:to]
		if n -= added; n > 0 {
			b.append(stringOf(data[(places[at]+1)&place : places[at+1]]))
			at += step
			n--
		}
	}
}

// SetNulls makes row from+i null for each bit i of nulls that is set. It must be there, and should be empty.
func (b *BinaryBuilder) SetNulls(from int, nulls uint64) { b.setNulls(from, b.Len(), nulls) }

// appendLong is append of any string to any builder.
func (b *BinaryBuilder) appendLong(s string) {
	if len(b.offsets) == cap(b.offsets) || len(s)+shortCopy > cap(b.text)-len(b.text) {
		if !b.grow(len(s)) {
			s = ""
		}
	}
	b.text = append(b.text, s...)
	b.offsets = append(b.offsets, int32(len(b.text)))
}

// grow makes room for a row of size bytes. It returns false, and leaves an error, where that is too much.
func (b *BinaryBuilder) grow(size int) bool {
	ok := true
	if size > math.MaxInt32-len(b.text) {
		b.fail(b.Len(), fmt.Errorf("%w: %d bytes are there, %d more came; send smaller batches", ErrTooLong, len(b.text), size))
		ok, size = false, 0
	}
	if len(b.offsets) == 0 {
		b.offsets = growFixed(b.offsets, 64)[:1]
		b.offsets[0] = 0
	}
	if len(b.offsets) == cap(b.offsets) {
		b.offsets = growFixed(b.offsets, 1)
	}
	if size+shortCopy > cap(b.text)-len(b.text) {
		b.text = mem.Grow(b.text, size+shortCopy)
		if most := math.MaxInt32; cap(b.text)-shortCopy > most { // within the capacity nobody asks again
			b.text = b.text[: len(b.text) : most+shortCopy]
		}
	}
	return ok
}

// Reset drops all rows and the error and keeps the memory.
func (b *BinaryBuilder) Reset() {
	b.offsets, b.text = b.offsets[:min(len(b.offsets), 1)], b.text[:0]
	b.reset()
}

// Truncate drops the rows from n on.
func (b *BinaryBuilder) Truncate(n int) {
	if n < b.Len() {
		b.offsets = b.offsets[:n+1]
		b.text = b.text[:b.offsets[n]]
	}
	b.truncate(n)
}

// Data returns the rows as buffers.
func (b *BinaryBuilder) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *BinaryBuilder) DataTo(d *Data) {
	if len(b.offsets) == 0 {
		b.grow(0)
	}
	b.data(d, len(b.offsets)-1)
	d.Buffers[1], d.Buffers[2] = pad(Bytes(b.offsets)), pad(b.text)
}

// TextBuilder fills a column of utf8 strings. One that is not valid UTF-8 is refused with [ErrUTF8].
type TextBuilder struct{ BinaryBuilder }

// Append adds a row.
func (b *TextBuilder) Append(s string) { b.append(s) }

// AppendAll adds a row for each of v. It is faster than Append of each.
func (b *TextBuilder) AppendAll(v []string) {
	for len(v) > 0 {
		n := b.appendShort(v)
		if n == 0 {
			b.append(v[0])
			n = 1
		}
		v = v[n:]
	}
}

// AppendNullable adds s, or a null row if it is not valid.
func (b *TextBuilder) AppendNullable(s string, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.append(s)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *TextBuilder) AppendPtr(p *string) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.append(*p)
}

// append is that of BinaryBuilder, with a look at the top bit of each byte on its way.
func (b *TextBuilder) append(s string) {
	rows, from := len(b.offsets), len(b.text)
	end := from + len(s)
	if len(s) > shortCopy || rows == cap(b.offsets) || end+shortCopy > cap(b.text) {
		b.appendChecked(s)
		return
	}
	to := (*[shortCopy]byte)(b.text[from : end+shortCopy])
	tops := uint64(0)
	switch n := len(s); {
	case n >= 8:
		lo, hi := load64(s), load64(s[n-8:])
		binary.LittleEndian.PutUint64(to[:8], lo)
		binary.LittleEndian.PutUint64(to[n-8:], hi)
		tops = lo | hi
	case n >= 4:
		lo, hi := load32(s), load32(s[n-4:])
		binary.LittleEndian.PutUint32(to[:4], lo)
		binary.LittleEndian.PutUint32(to[(n-4)&7:], hi)
		tops = uint64(lo | hi)
	case n > 0:
		x, y, z := s[0], s[n>>1], s[n-1]
		to[0], to[n>>1&3], to[(n-1)&3] = x, y, z
		tops = uint64(x | y | z)
	}
	if tops&topBits != 0 { // not ASCII
		b.appendChecked(s)
		return
	}
	b.text = b.text[:end]
	b.offsets = b.offsets[:rows+1]
	b.offsets[rows] = int32(end)
}

// appendShort adds rows up to the first that is long or not ASCII, or for which memory has to grow, and returns how many. It is append,
// with what that looks up for each row kept at hand.
func (b *TextBuilder) appendShort(v []string) int {
	rows, end := len(b.offsets), len(b.text)
	offsets, text := b.offsets[rows:cap(b.offsets)], b.text[:cap(b.text)]
	v = v[:min(len(v), len(offsets))]
	n := 0
	for ; n < len(v); n++ {
		s := v[n]
		if len(s) > shortCopy || end+2*shortCopy > len(text) {
			break
		}
		to := (*[shortCopy]byte)(text[end : end+shortCopy])
		tops := uint64(0)
		switch n := len(s); {
		case n >= 8:
			lo, hi := load64(s), load64(s[n-8:])
			binary.LittleEndian.PutUint64(to[:8], lo)
			binary.LittleEndian.PutUint64(to[n-8:], hi)
			tops = lo | hi
		case n >= 4:
			lo, hi := load32(s), load32(s[n-4:])
			binary.LittleEndian.PutUint32(to[:4], lo)
			binary.LittleEndian.PutUint32(to[(n-4)&7:], hi)
			tops = uint64(lo | hi)
		case n > 0:
			x, y, z := s[0], s[n>>1], s[n-1]
			to[0], to[n>>1&3], to[(n-1)&3] = x, y, z
			tops = uint64(x | y | z)
		}
		if tops&topBits != 0 {
			break
		}
		end += len(s)
		offsets[n] = int32(end)
	}
	b.offsets, b.text = b.offsets[:rows+n], text[:end]
	return n
}

// appendChecked is append of any string to any builder.
func (b *TextBuilder) appendChecked(s string) { b.BinaryBuilder.append(b.checkText(s, b.Len())) }

// Data returns the rows as buffers.
func (b *TextBuilder) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *TextBuilder) DataTo(d *Data) {
	b.BinaryBuilder.DataTo(d)
	d.ValidUTF8 = !b.raw
}

// checkText returns s where it is valid UTF-8, else nothing, with an error for the row.
func (h *header) checkText(s string, row int) string {
	if !validText(s) {
		h.fail(row, InvalidUTF8(s))
		return ""
	}
	return s
}

func validText(s string) bool {
	if len(s) < 64 { // which no kernel makes faster
		return utf8.ValidString(s)
	}
	valid, _ := asm.CheckUTF8(bytesIn(s))
	return valid
}

// InvalidUTF8 is the error of a text that is not valid UTF-8. It wraps [ErrUTF8].
func InvalidUTF8[T string | []byte](s T) error {
	return fmt.Errorf("%w: %.40q; bytes of any kind belong in a binary column, and strings.ToValidUTF8 makes text of them", ErrUTF8, string(s[:min(len(s), 40)]))
}

// DictBuilder fills a column of strings that stand in a dictionary; I is the type of the indices. A string that is not valid UTF-8 is
// refused with [ErrUTF8], unless Config.Bytes lets it pass.
type DictBuilder[I Index] struct {
	FixedBuilder[I]
	dictionary *Dictionary
	limit      int
	direct     bool   // indices were set by the caller
	blank      bool   // there are rows that nobody sees, which have index 0
	zero       string // a value for rows that nobody sees, where there is no other
}

// Init sets the column's dictionary.
func (b *DictBuilder[I]) Init(c Config) {
	b.header.Init(c)
	if b.dictionary = c.Dictionary; b.dictionary == nil {
		b.dictionary = NewDictionary(c.MaxEntries)
	}
	bits := 8 * SizeOf[I]()
	if ^I(0) < 0 { // signed
		bits--
	}
	b.limit = 1 << min(bits, 31) // an index is an int here, also where that has 32 bits
	if bits >= 31 {
		b.limit = math.MaxInt32
	}
}

// Dictionary returns the dictionary that the column fills.
func (b *DictBuilder[I]) Dictionary() *Dictionary { return b.dictionary }

// Append adds a row. A string that is new to the dictionary is copied into it.
func (b *DictBuilder[I]) Append(s string) {
	n, x := len(b.values), b.dictionary.find(s)
	if x < 0 || x >= b.limit || n == cap(b.values) {
		b.appendChecked(s)
		return
	}
	b.values = b.values[:n+1]
	b.values[n] = I(x)
}

// AppendBytes is [DictBuilder.Append] of the string with the bytes p, which are copied where they are new to the dictionary.
func (b *DictBuilder[I]) AppendBytes(p []byte) { b.Append(stringOf(p)) }

// AppendAll adds a row for each of v. It is faster than Append of each.
func (b *DictBuilder[I]) AppendAll(v []string) {
	n := len(b.values)
	if len(v) > cap(b.values)-n {
		b.values = growFixed(b.values, len(v))
	}
	values := b.values[n : n+len(v)]
	for i, s := range v {
		x := b.dictionary.find(s)
		if x < 0 || x >= b.limit {
			b.values = b.values[:n+i]
			b.appendChecked(s)
			continue
		}
		values[i] = I(x)
	}
	b.values = b.values[:n+len(v)]
}

// appendChecked is Append of any string to any builder.
func (b *DictBuilder[I]) appendChecked(s string) {
	if b.dictionary == nil {
		panic(unmade)
	}
	x, err := 0, error(nil)
	if b.Bytes || validText(s) {
		x, err = b.dictionary.Index(s, b.limit)
	} else {
		err = InvalidUTF8(s)
	}
	if err != nil {
		b.fail(len(b.values), err)
	}
	b.FixedBuilder.Append(I(x))
}

// AppendNullable adds s, or a null row if it is not valid.
func (b *DictBuilder[I]) AppendNullable(s string, valid bool) {
	if !valid {
		b.AppendNull()
		return
	}
	b.Append(s)
}

// AppendPtr adds what p points to, a null row if that is nothing.
func (b *DictBuilder[I]) AppendPtr(p *string) {
	if p == nil {
		b.AppendNull()
		return
	}
	b.Append(*p)
}

// AppendBlank adds n rows that stand below a null.
func (b *DictBuilder[I]) AppendBlank(n int) {
	b.blank = b.blank || !b.Nullable && n > 0
	b.FixedBuilder.AppendBlank(n)
}

// AppendIndex adds a row by its index in the dictionary. One that is not there when the batch is written is the builder's
// error.
func (b *DictBuilder[I]) AppendIndex(i I) {
	b.direct = true
	b.FixedBuilder.Append(i)
}

// Extend adds n rows of index 0 and returns their indices to be filled; see [FixedBuilder.Extend] and
// [DictBuilder.AppendIndex].
func (b *DictBuilder[I]) Extend(n int) []I {
	b.direct = true
	return b.FixedBuilder.Extend(n)
}

// Values returns the indices of all rows to be read or changed, until the builder's next change.
func (b *DictBuilder[I]) Values() []I {
	b.direct = true
	return b.FixedBuilder.Values()
}

// Err returns the first error, a *ValueError.
func (b *DictBuilder[I]) Err() error {
	if b.err == nil && b.direct {
		n := b.dictionary.Len()
		if n == 0 && b.blank {
			n = 1 // see DataTo
		}
		for i, x := range b.values {
			if (x < 0 || uint64(x) >= uint64(n)) && !b.isNull(i) {
				return &ValueError{b.Name, i, fmt.Errorf("%w: index %d of %d values", ErrIndex, x, n)}
			}
		}
	}
	return b.header.Err()
}

// Reset drops all rows and the error and keeps the memory and the dictionary.
func (b *DictBuilder[I]) Reset() {
	b.direct, b.blank = false, false
	b.FixedBuilder.Reset()
}

// ResetDictionary is Reset that begins the dictionary anew, with none of its values. Batches that were made with it keep the old one.
func (b *DictBuilder[I]) ResetDictionary() {
	b.Reset()
	b.dictionary = b.dictionary.Successor()
}

// Data returns the rows as buffers.
func (b *DictBuilder[I]) Data() (d Data) { b.DataTo(&d); return d }

// DataTo sets d to the rows as buffers.
func (b *DictBuilder[I]) DataTo(d *Data) {
	if b.blank && b.dictionary.Len() == 0 { // what nobody sees refers to some value all the same
		_, _ = b.dictionary.Index(b.zero, b.limit) // an empty dictionary has room
	}
	b.data(d, len(b.values))
	d.Buffers[1] = pad(Bytes(b.values))
	d.Dictionary, d.Values = b.dictionary, b.dictionary.Values()
}
