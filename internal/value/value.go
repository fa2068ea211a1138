// Package value prints the values of any column as text, by the schema alone.
//
// There are two styles. JSON writes a JSON value for each row: what a program reads back. Text writes the bare text of a
// row, which has no quotes around strings: what tables and CSV have. docs/text.md has the table of both for every type.
package value

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// A Printer prints the values of one column. It is for one goroutine at a time.
type Printer struct {
	null  func(d *column.Data, i int) bool
	print func(dst []byte, d *column.Data, i int, s style) []byte // of a row that is not null
}

// style is one of the two.
type style bool

const (
	plain  style = false
	quoted style = true // JSON
)

// PrinterOf returns the printer of columns of field f.
func PrinterOf(f *ipc.Field) *Printer {
	p := &Printer{null: (*column.Data).IsNull}
	switch {
	case f.Dictionary != nil:
		p.dictionary(f)
	case f.Type.Kind == ipc.KindNull:
		p.null = func(*column.Data, int) bool { return true }
	case f.Type.Kind == ipc.KindUnion:
		p.union(f)
	case f.Type.Kind == ipc.KindRunEndEncoded:
		p.runs(f)
	default:
		p.print = printerOf(f)
	}
	return p
}

// IsNull tells whether row i has no value: by the validity of the column, or of what the row points at.
func (p *Printer) IsNull(d *column.Data, i int) bool { return p.null(d, i) }

// AppendJSON appends row i as a JSON value.
func (p *Printer) AppendJSON(dst []byte, d *column.Data, i int) []byte {
	return p.append(dst, d, i, quoted)
}

// AppendText appends row i as bare text, nothing where it is null. Nested values are JSON.
func (p *Printer) AppendText(dst []byte, d *column.Data, i int) []byte {
	if p.null(d, i) {
		return dst
	}
	return p.print(dst, d, i, plain)
}

func (p *Printer) append(dst []byte, d *column.Data, i int, s style) []byte {
	if p.null(d, i) {
		return append(dst, "null"...)
	}
	return p.print(dst, d, i, s)
}

// printerOf returns what prints the rows of a column that has its values itself.
func printerOf(f *ipc.Field) func(dst []byte, d *column.Data, i int, s style) []byte {
	switch f.Type.Kind {
	case ipc.KindBool:
		return func(dst []byte, d *column.Data, i int, _ style) []byte {
			return strconv.AppendBool(dst, d.Buffers[1][i>>3]&(1<<(i&7)) != 0)
		}
	case ipc.KindStruct, ipc.KindList, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView, ipc.KindFixedSizeList, ipc.KindMap:
		return nested(f)
	}
	scalar, bytes := scalarOf(f), bytesOf(f.Type)
	return func(dst []byte, d *column.Data, i int, s style) []byte { return scalar(dst, bytes(d, i), s) }
}

// bytesOf returns how the bytes of a row are found.
func bytesOf(t ipc.Type) func(d *column.Data, i int) []byte {
	switch t.Kind {
	case ipc.KindUtf8, ipc.KindBinary:
		return func(d *column.Data, i int) []byte { return column.TextAt(d, column.PlainText, i) }
	case ipc.KindLargeUtf8, ipc.KindLargeBinary:
		return func(d *column.Data, i int) []byte { return column.TextAt(d, column.LargeText, i) }
	case ipc.KindUtf8View, ipc.KindBinaryView:
		return func(d *column.Data, i int) []byte { return column.TextAt(d, column.ViewText, i) }
	}
	width := ipc.ValueWidth(t)
	return func(d *column.Data, i int) []byte { return d.Buffers[1][i*width : (i+1)*width] }
}

// A scalar appends a value given as its bytes.
type scalar func(dst, value []byte, s style) []byte

func scalarOf(f *ipc.Field) scalar {
	t := f.Type
	switch t.Kind {
	case ipc.KindInt:
		return integers(t)
	case ipc.KindFloat:
		return floats(t.Bits)
	case ipc.KindDecimal:
		return inQuotes(func(dst, v []byte) []byte { return append(dst, decimal(v, t.Scale)...) })
	case ipc.KindDate:
		return inQuotes(dates(t.Variant))
	case ipc.KindTime:
		return inQuotes(timesOfDay(t))
	case ipc.KindTimestamp:
		return inQuotes(timestamps(t))
	case ipc.KindDuration:
		return func(dst, v []byte, _ style) []byte { return strconv.AppendInt(dst, int64(le.Uint64(v)), 10) }
	case ipc.KindInterval:
		return intervals(t.Variant)
	case ipc.KindUtf8, ipc.KindLargeUtf8, ipc.KindUtf8View:
		return func(dst, v []byte, s style) []byte {
			if s == quoted {
				return AppendString(dst, v)
			}
			return append(dst, v...)
		}
	}
	return inQuotes(base64.StdEncoding.AppendEncode) // of any bytes
}

var le = binary.LittleEndian

// inQuotes makes a JSON string of what needs no escapes.
func inQuotes(text func(dst, v []byte) []byte) scalar {
	return func(dst, v []byte, s style) []byte {
		if s == plain {
			return text(dst, v)
		}
		return append(text(append(dst, '"'), v), '"')
	}
}

func integers(t ipc.Type) scalar {
	return func(dst, v []byte, _ style) []byte {
		if n := unsigned(v); !t.Signed {
			return strconv.AppendUint(dst, n, 10)
		} else {
			shift := 64 - 8*len(v)
			return strconv.AppendInt(dst, int64(n<<shift)>>shift, 10)
		}
	}
}

// unsigned reads a little-endian number of up to 8 bytes.
func unsigned(v []byte) (n uint64) {
	for i, b := range v {
		n |= uint64(b) << (8 * i)
	}
	return n
}

// floats prints the shortest text that reads back as the same float. JSON numbers have no width: there it is that of the
// same number in 64 bits, since readers take them for that.
func floats(bits int) scalar {
	return func(dst, v []byte, s style) []byte {
		var x float64
		switch bits {
		case 16:
			x = float64(column.Float16(le.Uint16(v)).Float32())
		case 32:
			x = float64(math.Float32frombits(le.Uint32(v)))
		default:
			x = math.Float64frombits(le.Uint64(v))
		}
		switch {
		case math.IsNaN(x):
			return special(dst, "NaN", s)
		case math.IsInf(x, 1):
			return special(dst, "Infinity", s)
		case math.IsInf(x, -1):
			return special(dst, "-Infinity", s)
		case s == plain && bits < 64:
			return appendFloat(dst, x, 32)
		}
		return appendFloat(dst, x, 64)
	}
}

func special(dst []byte, name string, s style) []byte {
	if s == plain {
		return append(dst, name...)
	}
	return append(append(append(dst, '"'), name...), '"')
}

// appendFloat writes large and small numbers with an exponent, others without.
func appendFloat(dst []byte, x float64, bits int) []byte {
	format := byte('f')
	if abs := math.Abs(x); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, x, format, -1, bits)
}

func decimal(v []byte, scale int) string {
	switch len(v) {
	case 4:
		return column.Decimal32(le.Uint32(v)).Text(scale)
	case 8:
		return column.Decimal64(le.Uint64(v)).Text(scale)
	case 16:
		return column.Decimal128{Lo: le.Uint64(v), Hi: int64(le.Uint64(v[8:]))}.Text(scale)
	}
	return column.Decimal256{le.Uint64(v), le.Uint64(v[8:]), le.Uint64(v[16:]), le.Uint64(v[24:])}.Text(scale)
}

// dates prints days, and a date64 that is no whole day with its time of day.
func dates(variant int) func(dst, v []byte) []byte {
	if variant == 0 {
		return func(dst, v []byte) []byte {
			return appendDate(dst, time.Unix(int64(int32(le.Uint32(v)))*secondsPerDay, 0).UTC())
		}
	}
	return func(dst, v []byte) []byte {
		ms := int64(le.Uint64(v))
		at := time.UnixMilli(ms).UTC()
		if dst = appendDate(dst, at); ms%(secondsPerDay*1000) != 0 {
			dst = at.AppendFormat(dst, "T15:04:05.000")
		}
		return dst
	}
}

const secondsPerDay = 24 * 60 * 60

// appendDate writes years of more than four digits with their sign, as ISO 8601 wants it.
func appendDate(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	if year >= 0 && year <= 9999 {
		return t.AppendFormat(dst, "2006-01-02")
	}
	sign := byte('+')
	if year < 0 {
		sign, year = '-', -year
	}
	dst = appendPadded(append(dst, sign), year, 4)
	dst = appendPadded(append(dst, '-'), int(month), 2)
	return appendPadded(append(dst, '-'), day, 2)
}

// appendPadded writes n with zeros before it up to so many digits.
func appendPadded(dst []byte, n, digits int) []byte {
	text := strconv.Itoa(n)
	for range digits - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}

var clocks = map[column.Unit]string{
	column.Second: "15:04:05", column.Millisecond: "15:04:05.000",
	column.Microsecond: "15:04:05.000000", column.Nanosecond: "15:04:05.000000000",
}

// split divides a count of a unit into seconds and nanoseconds of a second.
func split(n int64, unit column.Unit) (seconds, nanos int64) {
	per := map[column.Unit]int64{column.Second: 1, column.Millisecond: 1e3, column.Microsecond: 1e6, column.Nanosecond: 1e9}[unit]
	if seconds, nanos = n/per, n%per; nanos < 0 {
		seconds, nanos = seconds-1, nanos+per
	}
	return seconds, nanos * (1e9 / per)
}

// timesOfDay prints what is outside a day as the number that it is.
func timesOfDay(t ipc.Type) func(dst, v []byte) []byte {
	clock := clocks[t.Unit]
	return func(dst, v []byte) []byte {
		n := int64(le.Uint32(v))
		if t.Bits == 64 {
			n = int64(le.Uint64(v))
		} else {
			n = int64(int32(n))
		}
		seconds, nanos := split(n, t.Unit)
		if seconds < 0 || seconds >= secondsPerDay {
			return strconv.AppendInt(dst, n, 10)
		}
		return time.Unix(seconds, nanos).UTC().AppendFormat(dst, clock)
	}
}

// timestamps prints instants in UTC with a Z, and wall-clock times without.
func timestamps(t ipc.Type) func(dst, v []byte) []byte {
	clock := "T" + clocks[t.Unit]
	if t.Zone != "" {
		clock += "Z"
	}
	return func(dst, v []byte) []byte {
		n := int64(le.Uint64(v))
		seconds, nanos := split(n, t.Unit)
		if seconds < -maxSeconds || seconds > maxSeconds { // beyond what package time has years for
			return strconv.AppendInt(dst, n, 10)
		}
		at := time.Unix(seconds, nanos).UTC()
		return at.AppendFormat(appendDate(dst, at), clock)
	}
}

// maxSeconds is a million years or so.
const maxSeconds = 1_000_000 * 365 * secondsPerDay

func intervals(variant int) scalar {
	number := func(dst []byte, key string, n int64) []byte { return strconv.AppendInt(append(dst, key...), n, 10) }
	i32 := func(v []byte) int64 { return int64(int32(le.Uint32(v))) }
	switch variant {
	case 0:
		return func(dst, v []byte, _ style) []byte { return strconv.AppendInt(dst, i32(v), 10) }
	case 1:
		return func(dst, v []byte, _ style) []byte {
			return append(number(number(dst, `{"days":`, i32(v)), `,"milliseconds":`, i32(v[4:])), '}')
		}
	}
	return func(dst, v []byte, _ style) []byte {
		dst = number(number(dst, `{"months":`, i32(v)), `,"days":`, i32(v[4:]))
		return append(number(dst, `,"nanoseconds":`, int64(le.Uint64(v[8:]))), '}')
	}
}

// AppendString appends a JSON string. Bytes that are no utf8 become U+FFFD.
func AppendString[T string | []byte](dst []byte, s T) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ' || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
	}
	return append(dst, '"')
}
