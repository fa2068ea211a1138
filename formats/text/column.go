package text

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/lightstream-go/lightstream/internal/decimal"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// A Column adds rows to the builder of a column from their text or JSON. What it could not read leaves the builder as it was, or with
// a part of the row, to be truncated.
type Column struct {
	b        Builder
	field    *ipc.Field
	uuid     bool
	children []*Column

	read   func(s []byte) error                // adds a row from its text; the error is ErrType or ErrRange
	fields func(f *Fields, i int) (int, error) // AppendFields; nil where that is read again and again
	nest   func(j *JSON) error                 // adds a row from JSON; nil where that is a text, number or bool
	takes  kinds                               // what JSON has such values as
	want   string
	null   bool   // the column may hold nulls
	empty  bool   // an empty text is a value
	other  []byte // the text of the value where there is none, nil for a null
	opts   *Options
	json   *JSON // of nested values in text
}

// Builder is what a builder of a column does that has nulls.
type Builder interface {
	column.Builder
	AppendNull()
}

// Options say how values are read.
type Options struct {
	JSON JSONOptions
	// NaiveUTC takes timestamps without a zone, in columns that have one, as UTC.
	NaiveUTC bool
	// Hex reads byte strings as hexadecimal digits. Without it they are base64.
	Hex bool
	// Raw reads byte strings as they stand, but for those in the JSON of nested columns.
	Raw bool
}

var yes, no = []byte("true"), []byte("false")

type kinds uint8

const (
	strings kinds = 1 << iota
	numbers
	bools
)

// Bind says which column of a schema this is, and how its values are read. It is called once, before the first row.
func (c *Column) Bind(f *ipc.Field, opts *Options) {
	if opts == nil {
		opts = &Options{}
	}
	c.field, c.opts = f, opts
	c.want = f.TypeString()
	if c.uuid = f.IsUUID(); c.uuid {
		c.want = "a UUID, such as 00112233-4455-6677-8899-aabbccddeeff"
	}
	below := f.Children
	switch {
	case f.Type.Kind == ipc.KindMap && len(below) == 1:
		below = below[0].Children
	case f.Type.Kind == ipc.KindRunEndEncoded && len(below) == 2:
		below = below[1:]
	}
	if opts.Raw && len(c.children) != 0 {
		nested := *opts
		nested.Raw = false
		opts = &nested
	}
	for i, child := range c.children {
		child.Bind(&below[min(i, len(below)-1)], opts)
	}
	c.null = c.nullable()
	if f.Type.Kind == ipc.KindFloat && opts.JSON.NonFinite == Refuse {
		c.takes |= strings
	}
}

// Builder returns the builder of the column.
func (c *Column) Builder() column.Builder { return c.b }

// Field returns the column's place in the schema.
func (c *Column) Field() *ipc.Field { return c.field }

// Want says what the values of the column are.
func (c *Column) Want() string { return c.want }

// Room says what a value needs that did not fit a full dictionary.
func (c *Column) Room() string {
	return "indices that reach further than those of " + c.want + " in a record; give the column wider ones, such as int32"
}

// Empty tells whether an empty text is a value of the column.
func (c *Column) Empty() bool { return c.empty }

// AppendText adds the row with the text s, which is not kept.
func (c *Column) AppendText(s []byte) error { return c.read(s) }

// AppendNull adds a null row.
func (c *Column) AppendNull() error {
	if !c.null {
		return ErrNull
	}
	c.appendNull()
	return nil
}

func (c *Column) appendNull() {
	if c.field.Type.Kind != ipc.KindUnion {
		c.b.AppendNull()
		return
	}
	if u, ok := c.b.(interface{ End(id int8) }); ok {
		for i, m := range c.children { // of the first member that may be null, as text does not tell which it was
			if m.nullable() {
				m.appendNull()
				u.End(c.typeID(i))
				return
			}
		}
	}
	c.b.AppendNull()
}

// typeID returns the type id of member i of a union.
func (c *Column) typeID(i int) int8 {
	if ids := c.field.Type.TypeIDs; ids != nil {
		return int8(ids[i])
	}
	return int8(i)
}

// SetDefault sets what rows have where the input has no such field. Nil is a null.
func (c *Column) SetDefault(v any) {
	if c.other = nil; v != nil {
		c.other = defaultText(c.field, v)
	}
}

// defaultText writes a default as the column reads it.
func defaultText(f *ipc.Field, v any) []byte {
	if f.Type.Kind == ipc.KindRunEndEncoded {
		f = &f.Children[1]
	}
	t := f.Type
	n, isInt := v.(int64)
	switch {
	case isInt && t.Kind == ipc.KindDecimal:
		return []byte(column.Decimal256From(n).Text(t.Scale))
	case isInt && t.Kind == ipc.KindDate:
		if t.Variant == 1 {
			return []byte(column.DateMillis(n).String())
		}
		return []byte(column.Date(n).String())
	case isInt && (t.Kind == ipc.KindTimestamp || t.Kind == ipc.KindTime):
		per := int64(t.Unit)
		seconds, rest := n/per, n%per
		if rest < 0 {
			seconds, rest = seconds-1, rest+per
		}
		layout := "2006-01-02T15:04:05.999999999"
		switch {
		case t.Kind == ipc.KindTime:
			layout = "15:04:05.999999999"
		case t.Zone != "":
			layout += "Z07:00"
		}
		return time.Unix(seconds, rest*(1e9/per)).UTC().AppendFormat(nil, layout)
	}
	switch d := v.(type) {
	case column.Decimal128:
		return []byte(d.Text(t.Scale))
	case column.Decimal256:
		return []byte(d.Text(t.Scale))
	}
	return fmt.Append([]byte{}, v)
}

// HasDefault tells whether there is such a value.
func (c *Column) HasDefault() bool { return c.other != nil }

// AppendAbsent adds a row for a field that the input does not have.
func (c *Column) AppendAbsent() error {
	if c.other != nil {
		return c.AppendText(c.other)
	}
	return c.AppendNull()
}

// nullable tells whether the column may hold nulls: by its field, or as a type that is null anyway.
func (c *Column) nullable() bool {
	switch c.field.Type.Kind {
	case ipc.KindNull:
		return true
	case ipc.KindUnion, ipc.KindRunEndEncoded:
		for _, child := range c.children {
			if child.nullable() {
				return true
			}
		}
		return false
	}
	return c.field.Nullable
}

// AppendJSON adds a row from the value of JSON that comes next.
func (c *Column) AppendJSON(j *JSON) error {
	var kind kinds
	var s []byte
	var err error
	from := j.Pos
	switch first := j.Space(); {
	case first == 'n':
		if err = j.literal("null"); err != nil {
			return err
		}
		if err = c.AppendNull(); err != nil {
			return j.fail(from, c.want, err)
		}
		return nil
	case c.nest != nil:
		return c.appendNested(j, first)
	case first == '"':
		kind = strings
		s, err = j.String()
	case first == 't':
		kind, s = bools, yes
		err = j.literal("true")
	case first == 'f':
		kind, s = bools, no
		err = j.literal("false")
	case first == '{' || first == '[':
		err = j.Skip()
	default:
		kind = numbers
		s, err = j.Number()
	}
	if err != nil {
		return err
	}
	err = ErrType
	if kind&c.takes != 0 {
		if err = c.read(s); err == nil {
			return nil
		}
	}
	return c.refused(j, from, err)
}

// refused follows the policy for a value that could not be read, and that was passed.
func (c *Column) refused(j *JSON, from int, err error) error {
	policy := j.Opts.WrongType
	switch err {
	case ErrRange:
		policy = j.Opts.Range
	case ErrFull:
		return j.fail(from, c.Room(), err)
	}
	if policy == Ignore && c.nullable() {
		c.appendNull()
		return nil
	}
	return j.fail(from, c.want, err)
}

func (c *Column) appendNested(j *JSON, first byte) error {
	from := j.Pos
	if first != '{' && first != '[' {
		if c.field.Type.Kind == ipc.KindRunEndEncoded {
			return c.nest(j)
		}
		if err := j.Skip(); err != nil {
			return err
		}
		return c.refused(j, from, ErrType)
	}
	return c.nest(j)
}

// readNested reads the JSON of a nested value out of a text.
func (c *Column) readNested(s []byte) error {
	if c.json == nil {
		c.json = &JSON{Opts: c.opts.JSON}
	}
	j := c.json
	j.Reset(s, 0)
	if err := c.AppendJSON(j); err != nil {
		return err
	}
	if j.Space() != 0 || j.Pos != len(s) {
		return j.syntax("the end of the value")
	}
	return nil
}

// numberError tells why a number was not read.
func numberError(s []byte) error {
	if _, _, _, _, ok := decimalParts(s); ok {
		return ErrRange
	}
	return ErrType
}

// mostDigits is how many digits the numbers have that are written without their exponent: more than any decimal.
const mostDigits = 1200

// plainNumber returns a number with a point or an exponent without the exponent, and without a fraction that is zero: 1.50e2 as 150. It is nil
// for what is no such number, or has too many digits.
func plainNumber(s []byte) []byte {
	var digits []byte
	sign, point, at := "", -1, 0
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		sign, s = string(s[:1]), s[1:]
	}
	for ; at < len(s); at++ {
		if c := s[at]; c-'0' <= 9 {
			digits = append(digits, c)
		} else if c == '.' && point < 0 {
			point = len(digits)
		} else {
			break
		}
	}
	if len(digits) == 0 || len(digits) > mostDigits || point < 0 && at == len(s) {
		return nil
	}
	if point < 0 {
		point = len(digits)
	}
	if at < len(s) {
		e, err := strconv.Atoi(string(s[at+1:]))
		if s[at]|0x20 != 'e' || err != nil || e > mostDigits || e < -mostDigits {
			return nil
		}
		point += e
	}
	zeros := func(n int) []byte { return bytes.Repeat([]byte{'0'}, max(n, 0)) }
	digits = append(zeros(1-point), digits...)
	point = max(point, 1)
	digits = append(digits, zeros(point-len(digits))...)
	whole, rest := digits[:point], bytes.TrimRight(digits[point:], "0")
	plain := append([]byte(sign), whole...)
	if len(rest) != 0 {
		plain = append(append(plain, '.'), rest...)
	}
	return plain
}

// newColumn returns a column whose values JSON has as one of takes.
func newColumn(b Builder, takes kinds, read func(s []byte) error) *Column {
	return &Column{b: b, takes: takes, read: read}
}

// Int reads integers.
func Int[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](b *column.FixedBuilder[T]) *Column {
	c := newColumn(b, numbers, func(s []byte) error {
		v, ok := integer[T](s)
		if !ok {
			if v, ok = integer[T](plainNumber(s)); !ok {
				return numberError(s)
			}
		}
		b.Append(v)
		return nil
	})
	c.fields = intFields(c, b)
	return c
}

// integer reads an integer of type T.
func integer[T ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](s []byte) (T, bool) {
	if ^T(0) < 0 {
		v, ok := parseInt(s)
		return T(v), ok && int64(T(v)) == v
	}
	if len(s) > 1 && s[0] == '+' {
		s = s[1:]
	}
	v, ok := parseUint(s)
	return T(v), ok && uint64(T(v)) == v
}

// Float reads numbers, NaN and infinities.
func Float[T ~float32 | ~float64](b *column.FixedBuilder[T]) *Column {
	width := 64
	if T(1)+T(1.0/(1<<30)) == 1 {
		width = 32
	}
	c := newColumn(b, numbers, func(s []byte) error {
		v, ok := parseFloat(s, width)
		if !ok {
			return numberError(s)
		}
		b.Append(T(v))
		return nil
	})
	if width == 64 {
		c.fields = floatFields(c, b)
	}
	return c
}

// Float16 reads half-precision numbers.
func Float16[T ~uint16](b *column.FixedBuilder[T]) *Column {
	return newColumn(b, numbers, func(s []byte) error {
		v, ok := parseHalf(s)
		if !ok {
			return numberError(s)
		}
		b.Append(T(v))
		return nil
	})
}

// Bool reads true and false.
func Bool(b *column.BoolBuilder) *Column {
	c := newColumn(b, bools, func(s []byte) error {
		v, ok := parseBool(s)
		if !ok {
			return ErrType
		}
		b.Append(v)
		return nil
	})
	c.fields = boolFields(c, b)
	return c
}

// Null reads a column that has nulls alone.
func Null(b *column.NullBuilder) *Column {
	return newColumn(b, 0, func([]byte) error { return ErrType })
}

// Texts are the builders of text columns.
type Texts interface {
	Builder
	AppendNullable(s string, valid bool)
}

// Bytes are the builders of byte strings, and those that text columns are made of.
type Bytes interface {
	Builder
	AppendNullable(v []byte, valid bool)
}

// Text reads texts as they are, into the byte strings of their column: &b.note.BinaryBuilder.
func Text(b Bytes) *Column {
	c := newColumn(b, strings, nil)
	if plain, ok := b.(*column.BinaryBuilder); ok { // known to the compiler
		c.read = func(s []byte) error {
			plain.AppendNullable(s, true)
			return nil
		}
		c.fields = textFields(c, plain)
	} else {
		c.read = func(s []byte) error {
			b.AppendNullable(s, true)
			return nil
		}
	}
	c.empty = true
	return c
}

// Binary reads byte strings, which text has in base64, or as the options say.
func Binary(b Bytes) *Column {
	c := newColumn(b, strings, nil)
	var buf []byte
	c.read = func(s []byte) (err error) {
		if buf, err = c.decode(buf[:0], s); err == nil {
			b.AppendNullable(buf, true)
		}
		return err
	}
	c.empty = true
	return c
}

// decode appends the bytes that s stands for. The text of a UUID has a length that no other text of 16 bytes has.
func (c *Column) decode(dst, s []byte) ([]byte, error) {
	var err error
	if c.uuid && len(s) == 36 {
		dst, err = appendUUID(dst, s)
	} else if c.opts.Raw {
		dst = append(dst, s...)
	} else if c.opts.Hex {
		dst, err = hex.AppendDecode(dst, s)
	} else {
		dst, err = base64.StdEncoding.Strict().AppendDecode(dst, s)
	}
	if err != nil {
		return nil, ErrType
	}
	if dst == nil {
		dst = []byte{}
	}
	return dst, nil
}

// Array reads byte strings of one length into T, an array of bytes.
func Array[T comparable](b *column.FixedBuilder[T]) *Column {
	c := newColumn(b, strings, nil)
	var v T
	into := reflect.ValueOf(&v).Elem().Bytes()
	var buf []byte
	c.read = func(s []byte) (err error) {
		if buf, err = c.decode(buf[:0], s); err != nil {
			return err
		}
		if copy(into, buf) != len(buf) || len(buf) != len(into) {
			return ErrRange
		}
		b.Append(v)
		return nil
	}
	return c
}

// fixedBinary is Array of any length.
func fixedBinary(b *column.FixedBinaryBuilder) *Column {
	c := newColumn(b, strings, nil)
	var buf []byte
	c.read = func(s []byte) (err error) {
		if buf, err = c.decode(buf[:0], s); err != nil {
			return err
		}
		if len(buf) != c.field.Type.Width {
			return ErrRange
		}
		b.Append(buf)
		return nil
	}
	return c
}

// appendUUID appends the bytes of a UUID as RFC 9562 writes them.
func appendUUID(dst, s []byte) ([]byte, error) {
	if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return dst, ErrType
	}
	var digits [32]byte
	at := 0
	for _, group := range [...][]byte{s[:8], s[9:13], s[14:18], s[19:23], s[24:]} {
		at += copy(digits[at:], group)
	}
	return hex.AppendDecode(dst, digits[:])
}

// Date reads days.
func Date[T ~int32 | ~int64](b *column.FixedBuilder[T]) *Column {
	c := newColumn(b, strings, nil)
	c.read = func(s []byte) error {
		at, ok := parseInstant(s)
		if !ok || at.zoned {
			return ErrType
		}
		var v int64
		if c.field.Type.Variant != 0 {
			v, ok = in(at.seconds, at.nanos, column.Millisecond)
		} else if v = at.seconds / secondsPerDay; v*secondsPerDay != at.seconds || at.nanos != 0 {
			return ErrRange
		}
		if !ok || int64(T(v)) != v {
			return ErrRange
		}
		b.Append(T(v))
		return nil
	}
	return c
}

// Timestamp reads timestamps in the unit of the column: b is &builder.FixedBuilder.
func Timestamp[T ~int64](b *column.FixedBuilder[T]) *Column {
	c := newColumn(b, strings, nil)
	c.read = func(s []byte) error {
		t := &c.field.Type
		v, ok := parseTimestamp(s, t.Unit, t.Zone != "", c.opts.NaiveUTC)
		if !ok {
			switch at, ok := parseInstant(s); {
			case !ok:
				return ErrType
			case at.zoned == (t.Zone != ""):
				return ErrRange
			case !at.zoned:
				return ErrNaive
			}
			return ErrZoned
		}
		b.Append(T(v))
		return nil
	}
	c.fields = timestampFields(c, b)
	return c
}

// TimeOfDay reads times of day in the unit of the column.
func TimeOfDay[T ~int32 | ~int64](b *column.FixedBuilder[T]) *Column {
	c := newColumn(b, strings, nil)
	c.read = func(s []byte) error {
		v, ok := parseTimeOfDay(s, c.field.Type.Unit)
		switch {
		case !ok:
			return ErrType
		case int64(T(v)) != v:
			return ErrRange
		}
		b.Append(T(v))
		return nil
	}
	return c
}

// Duration reads spans of time, which text has as numbers in the unit of the column.
func Duration(b *column.FixedBuilder[int64]) *Column { return Int(b) }

// Decimal reads decimals of the column's scale.
func Decimal[T column.Decimal](b *column.DecimalBuilder[T]) *Column {
	c := newColumn(b, strings|numbers, nil)
	var words [4]uint64
	c.read = func(s []byte) error {
		t := &c.field.Type
		if w := words[:max(t.Bits/64, 1)]; !decimal.Parse(s, t.Scale, w) && !decimal.Parse(plainNumber(s), t.Scale, w) {
			return numberError(s)
		}
		v, ok := decimalOf[T](&words)
		if !ok {
			return ErrRange
		}
		n := b.Len()
		if b.Append(v); b.Err() != nil {
			b.Truncate(n)
			return ErrRange
		}
		return nil
	}
	return c
}

// decimalOf returns the decimal with these words, the lowest first.
func decimalOf[T column.Decimal](w *[4]uint64) (v T, ok bool) {
	switch p := any(&v).(type) {
	case *column.Decimal32:
		*p = column.Decimal32(w[0])
		return v, int64(int32(w[0])) == int64(w[0])
	case *column.Decimal64:
		*p = column.Decimal64(w[0])
	case *column.Decimal128:
		*p = column.Decimal128{Lo: w[0], Hi: int64(w[1])}
	case *column.Decimal256:
		*p = column.Decimal256(*w)
	}
	return v, true
}

// undone drops what was added to a dictionary column from row n on, with an error, and tells which it was.
func undone(b column.Builder, n int) error {
	err := ErrRange
	if errors.Is(b.Err(), column.ErrDictionaryFull) {
		err = ErrFull
	}
	b.Truncate(n)
	return err
}

// ResetDictionaries drops all rows, and begins the dictionaries of the column and of those below it anew.
func (c *Column) ResetDictionaries() {
	c.b.Reset()
	c.forget()
}

func (c *Column) forget() {
	if d, ok := c.b.(interface{ ResetDictionary() }); ok {
		d.ResetDictionary()
	}
	for _, child := range c.children {
		child.forget()
	}
}

// Dict reads texts that stand in a dictionary.
func Dict[I column.Index](b *column.DictBuilder[I]) *Column {
	c := newColumn(b, strings, func(s []byte) error {
		n := b.Len()
		if b.AppendBytes(s); b.Err() != nil {
			return undone(b, n)
		}
		return nil
	})
	c.fields = dictFields(c, b)
	c.empty = true
	return c
}

// DictBinary reads byte strings that stand in a dictionary.
func DictBinary[I column.Index](b *column.DictBuilder[I]) *Column {
	c := newColumn(b, strings, nil)
	var buf []byte
	c.read = func(s []byte) (err error) {
		if buf, err = c.decode(buf[:0], s); err != nil {
			return err
		}
		n := b.Len()
		if b.AppendBytes(buf); b.Err() != nil {
			return undone(b, n)
		}
		return nil
	}
	c.empty = true
	return c
}

// DictInt reads integers that stand in a dictionary.
func DictInt[I, T column.Index](b *column.DictIntBuilder[I, T]) *Column {
	return newColumn(b, numbers, func(s []byte) error {
		v, ok := integer[T](s)
		if !ok {
			if v, ok = integer[T](plainNumber(s)); !ok {
				return numberError(s)
			}
		}
		n := b.Len()
		if b.Append(v); b.Err() != nil {
			return undone(b, n)
		}
		return nil
	})
}

// Enum reads the names of numbers.
func Enum[I column.Index, E column.Enum](b *column.EnumBuilder[I, E], parse func(name string) (E, error)) *Column {
	known := map[string]E{}
	c := newColumn(b, strings, func(s []byte) error {
		v, ok := known[string(s)]
		if !ok {
			name := string(s)
			var err error
			if v, err = parse(name); err != nil {
				return ErrRange
			}
			known[name] = v
		}
		n := b.Len()
		if b.Append(v); b.Err() != nil {
			return undone(b, n)
		}
		return nil
	})
	c.empty = true
	return c
}

// nested returns a column whose values are JSON.
func nested(b Builder, nest func(c *Column, j *JSON) error, children ...*Column) *Column {
	c := &Column{b: b, children: children}
	c.nest = func(j *JSON) error { return nest(c, j) }
	c.read = c.readNested
	return c
}

// List reads lists of any layout.
func List(b interface {
	Builder
	End()
}, items *Column,
) *Column {
	return nested(b, func(c *Column, j *JSON) error {
		if j.Space() != '[' {
			return c.skip(j)
		}
		if _, err := c.items(j); err != nil {
			return err
		}
		b.End()
		return nil
	}, items)
}

// items reads the items of an array.
func (c *Column) items(j *JSON) (n int, err error) {
	at := len(j.path)
	j.path = append(j.path, step{})
	err = j.Array(func(i int) error {
		j.path[at].index = i
		n++
		return c.children[0].AppendJSON(j)
	})
	if err == nil {
		j.path = j.path[:at]
	}
	return n, err
}

// skip passes over a value of another type.
func (c *Column) skip(j *JSON) error {
	from := j.Pos
	if err := j.Skip(); err != nil {
		return err
	}
	return c.refused(j, from, ErrType)
}

// FixedList reads lists of the length that the column has.
func FixedList(b Builder, items *Column) *Column {
	return nested(b, func(c *Column, j *JSON) error {
		if j.Space() != '[' {
			return c.skip(j)
		}
		from := j.Pos
		n, err := c.items(j)
		if err == nil && n != c.field.Type.Width {
			err = j.fail(from, c.want, ErrRange)
		}
		return err
	}, items)
}

// Map reads maps: arrays of objects with a key and a value, or objects.
func Map(b interface {
	Builder
	End()
}, keys, values *Column,
) *Column {
	entry := newObject([]string{"key", "value"}, []*Column{keys, values})
	return nested(b, func(c *Column, j *JSON) error {
		at := len(j.path)
		var err error
		if j.Space() == '{' {
			err = j.Object(func(key []byte) error {
				j.path = append(j.path[:at], step{name: string(key), index: -1})
				if err := keys.AppendText(key); err != nil {
					return j.fail(j.Pos, keys.want, err)
				}
				if err := values.AppendJSON(j); err != nil {
					return err
				}
				j.path = j.path[:at]
				return nil
			})
		} else {
			j.path = append(j.path, step{})
			err = j.Array(func(i int) error {
				j.path[at].index = i
				if j.Space() != '{' {
					from := j.Pos
					if err := j.Skip(); err != nil {
						return err
					}
					return j.fail(from, `an object with "key" and "value"`, ErrType)
				}
				return entry.append(j)
			})
		}
		if err != nil {
			return err
		}
		j.path = j.path[:at]
		b.End()
		return nil
	}, keys, values)
}

// Struct reads structs: objects with their fields.
func Struct(b Builder, fields ...*Column) *Column {
	o := newObject(nil, fields)
	return nested(b, func(c *Column, j *JSON) error {
		if j.Space() != '{' {
			return c.skip(j)
		}
		if o.names == nil {
			for i := range c.field.Children {
				o.names = append(o.names, c.field.Children[i].Name)
			}
			o.number()
		}
		return o.append(j)
	}, fields...)
}

// Union reads unions: objects with the name of a member and its value.
func Union(b interface {
	Builder
	End(id int8)
}, members ...*Column,
) *Column {
	return nested(b, func(c *Column, j *JSON) error {
		if j.Space() != '{' {
			return c.skip(j)
		}
		from, n := j.Pos, 0
		at := len(j.path)
		err := j.Object(func(key []byte) error {
			if n++; n > 1 {
				return j.fail(from, "an object with one field", ErrType)
			}
			for i, m := range members {
				if string(key) == m.field.Name {
					j.path = append(j.path[:at], step{name: m.field.Name, index: -1})
					if err := m.AppendJSON(j); err != nil {
						return err
					}
					b.End(c.typeID(i))
					j.path = j.path[:at]
					return nil
				}
			}
			return j.fail(from, "the name of a member of "+c.want, ErrUnknown)
		})
		if err == nil && n == 0 {
			err = j.fail(from, "an object with one field", ErrType)
		}
		if err == nil {
			j.path = j.path[:at]
		}
		return err
	}, members...)
}

// Runs reads a run-end encoded column: the same text again goes to the run before it.
func Runs(b interface {
	Builder
	EndRun(n int)
	RepeatRun(n int) bool
}, values *Column,
) *Column {
	var last []byte // the text of the last run
	same := func(s []byte) bool { return string(s) == string(last) && b.RepeatRun(1) }
	ended := func(s []byte) {
		b.EndRun(1)
		last = append(last[:0], s...)
	}
	c := nested(b, func(c *Column, j *JSON) error {
		from := j.Pos
		if err := j.Skip(); err != nil {
			return err
		}
		s, end := j.Data[from:j.Pos], j.Pos
		if same(s) {
			return nil
		}
		j.Pos = from
		if err := values.AppendJSON(j); err != nil {
			return err
		}
		j.Pos = end
		ended(s)
		return nil
	}, values)
	c.read = func(s []byte) error {
		if same(s) {
			return nil
		}
		if err := values.AppendText(s); err != nil {
			return err
		}
		ended(s)
		return nil
	}
	c.empty = values.empty
	return c
}

// object reads the fields of objects into columns.
type object struct {
	names   []string
	columns []*Column
	places  map[string]int
	seen    []uint32 // the last object that had the field
	count   uint32
}

func newObject(names []string, columns []*Column) *object {
	o := &object{names: names, columns: columns, seen: make([]uint32, len(columns))}
	if names != nil {
		o.number()
	}
	return o
}

func (o *object) number() {
	o.places = make(map[string]int, len(o.names))
	for i, name := range o.names {
		if _, twice := o.places[name]; !twice {
			o.places[name] = i
		}
	}
}

// some names the fields, or the first of them.
func (o *object) some() string {
	const most = 8
	var b []byte
	for i, name := range o.names[:min(len(o.names), most)] {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, Shorten([]byte(name))...)
	}
	switch n := len(o.names) - most; {
	case n > 0:
		return fmt.Sprintf("one of %s and %d more", b, n)
	case len(o.names) > 1:
		return "one of " + string(b)
	}
	return string(b)
}

// append adds a row to each column from an object.
func (o *object) append(j *JSON) error {
	from := j.Pos
	if o.count++; o.count == 0 {
		clear(o.seen)
		o.count = 1
	}
	if err := j.enter(); err != nil {
		return err
	}
	at := len(j.path)
	j.path = append(j.path, step{index: -1})
	next, found := 0, 0
	if j.Space() == '}' {
		j.Pos++
	} else {
		for more := true; more; {
			if j.Space() != '"' {
				j.path[at].name = "" // that of the field before
				return j.syntax("a key in quotes")
			}
			start := j.Pos
			key, err := j.String()
			if err != nil {
				return j.badKey(at, err)
			}
			k := next
			if k >= len(o.names) || string(key) != o.names[k] {
				var ok bool
				if k, ok = o.places[string(key)]; !ok {
					k = -1
				}
			}
			if k >= 0 {
				j.path[at].name = o.names[k]
			} else if j.Opts.Unknown == Refuse {
				j.path[at].name = string(key)
			}
			if j.Pos >= len(j.Data) || j.Data[j.Pos] != ':' {
				if j.Space() != ':' {
					return j.syntax("a colon")
				}
			}
			j.Pos++
			switch {
			case k < 0 && j.Opts.Unknown == Refuse:
				return j.atKey(start, o.some(), ErrUnknown)
			case k < 0:
				err = j.Skip()
			case o.seen[k] == o.count && j.Opts.Duplicates == RefuseDuplicates:
				return j.atKey(start, "", ErrTwice)
			case o.seen[k] == o.count && j.Opts.Duplicates == FirstOfDuplicates:
				err = j.Skip()
			default:
				c := o.columns[k]
				if o.seen[k] == o.count {
					c.b.Truncate(c.b.Len() - 1)
				} else {
					o.seen[k] = o.count
					found++
				}
				next = k + 1
				err = c.AppendJSON(j)
			}
			if err != nil {
				return err
			}
			switch j.Space() {
			case ',':
				j.Pos++
			case '}':
				j.Pos++
				more = false
			default:
				j.path[at].name = "" // it stands behind the field
				return j.syntax("a comma or the end of the object")
			}
		}
	}
	if found != len(o.columns) {
		for k, c := range o.columns {
			if o.seen[k] == o.count {
				continue
			}
			if err := c.AppendAbsent(); err != nil {
				j.path[at].name = o.names[k]
				return j.fail(from, c.want, ErrMissing)
			}
		}
	}
	j.path = j.path[:at]
	j.depth--
	return nil
}

// badKey returns the error of a key that could not be read, without the field before it, whose name the path still has.
func (j *JSON) badKey(at int, err error) error {
	j.broken = true
	j.path[at].name = ""
	var e *ValueError
	if errors.As(err, &e) {
		e.Path = j.pathText()
	}
	return err
}

// Record reads objects as rows of several columns.
type Record struct{ o *object }

// NewRecord returns a record of the columns, which are bound. Older are older names of them, "" for none; it may be nil.
func NewRecord(columns []*Column, older []string) *Record {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.field.Name
	}
	o := newObject(names, columns)
	for i, name := range older {
		if _, there := o.places[name]; !there && name != "" {
			o.places[name] = i
		}
	}
	return &Record{o}
}

// AppendJSON adds a row to each column from the object that comes next. With an error some columns may have it and others not.
func (r *Record) AppendJSON(j *JSON) error {
	if j.Space() != '{' {
		from := j.Pos
		if err := j.Skip(); err != nil {
			return err
		}
		return j.fail(from, "an object", ErrType)
	}
	return r.o.append(j)
}

// errUnsupported is wrapped by the error of a type that text is not read into.
var errUnsupported = errors.ErrUnsupported
