// Package value prints the values of any column as text, by the schema alone.
//
// There are two styles. JSON writes a JSON value for each row: what a program reads back. Text writes the bare text of a
// row, which has no quotes around strings: what tables and CSV have. docs/text.md has the table of both for every type.
package value

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// A Printer prints the values of one column. It is for one goroutine at a time.
type Printer struct {
	null  func(d *column.Data, i int) bool
	print func(dst []byte, d *column.Data, i int, s style) []byte // of a row that is not null
	fault *fault

	flat     bool // a row is null by the validity of the column alone
	common   common
	instants clock
	entry    func(dst []byte, text string, s style) []byte

	index     func(d *column.Data, i int) int // in a dictionary
	indexSize int                             // of an index, in bytes
}

// fault is the first error of a printer and of those below it.
type fault struct {
	err  error
	long bool // it is that of lists that take too much
	most int64

	ctx    context.Context // whose end ends a row, nil for none
	steps  int             // since it was looked at
	within bool            // a list or an object of the row
	start  int             // where the outermost of these began
}

// MaxRow is how many bytes of text the lists of a row are printed as where no other limit was set. What the rows of list views, and
// dictionary columns below lists, share is printed each time: a few KiB can stand for a row that no memory holds.
const MaxRow = 64 << 20

// TooLong is the error of a row whose lists take more than most bytes of text.
func TooLong(most int64) error {
	return frame.Errorf(ipc.ErrLimit, "its lists take more than %d bytes of text, which exceeds MaxRow; raise it, or copy to Arrow, where what they share stays shared", most)
}

// CheckRow returns the error of a row of n bytes that are more than most, where zero means [MaxRow].
func CheckRow(n int, most int64) error {
	if most <= 0 {
		most = MaxRow
	}
	if int64(n) > most {
		return TooLong(most)
	}
	return nil
}

// enter notes that a list or an object begins, and tells whether it is in no other, for which leave is called at its end.
func (e *fault) enter(dst []byte) (outermost bool) {
	if e.within {
		return false
	}
	e.within, e.start = true, len(dst)
	return true
}

func (e *fault) leave(outermost bool) {
	if outermost {
		e.within = false
	}
}

// over tells whether a row is to go no further, all of whose lists and objects count.
func (e *fault) over(dst []byte) bool {
	if int64(len(dst)-e.start) > e.most && !e.long {
		e.err, e.long = TooLong(e.most), true
	}
	if e.steps++; e.steps >= 1<<12 && e.ctx != nil {
		e.steps = 0
		if e.ctx.Err() != nil && !e.long {
			e.err, e.long = context.Cause(e.ctx), true
		}
	}
	return e.long
}

// text notes a text that is not valid UTF-8.
func text[T string | []byte](e *fault, s T) {
	if e.err == nil {
		e.err = column.InvalidUTF8(s)
	}
}

// style is one of the two.
type style bool

const (
	plain  style = false
	quoted style = true // JSON
)

// PrinterOf returns the printer of columns of field f.
func PrinterOf(f *ipc.Field) *Printer { return printerIn(f, &fault{most: MaxRow}) }

// SetMaxRow sets how many bytes of text the lists of a row may take; zero means [MaxRow].
func (p *Printer) SetMaxRow(n int64) {
	if n <= 0 {
		n = MaxRow
	}
	p.fault.most = n
}

// SetContext has rows that are large end where they are when ctx does. Err then returns its cause.
func (p *Printer) SetContext(ctx context.Context) { p.fault.ctx = ctx }

// printerIn is PrinterOf with errors of another printer.
func printerIn(f *ipc.Field, e *fault) *Printer {
	p := &Printer{null: (*column.Data).IsNull, fault: e, common: commonOf(f)}
	if t := f.Type; t.Kind == ipc.KindTimestamp {
		p.instants = clock{unit: t.Unit, digits: digits(t.Unit), zoned: t.Zone != ""}
	}
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
		p.flat = true
		p.print = printerOf(f, e)
	}
	return p
}

// Err returns the error of a text that was not valid UTF-8, or of lists that take too much, and forgets it. In JSON such a text has
// U+FFFD in the place of what is wrong; lists that take too much end where they do.
func (p *Printer) Err() error {
	err := p.fault.err
	if err != nil {
		p.fault.err, p.fault.long = nil, false
	}
	return err
}

// IsNull tells whether row i has no value: by the validity of the column, or of what the row points at.
func (p *Printer) IsNull(d *column.Data, i int) bool {
	if p.flat {
		return d.IsNull(i)
	}
	return p.null(d, i)
}

// AppendJSON appends row i as a JSON value.
func (p *Printer) AppendJSON(dst []byte, d *column.Data, i int) []byte {
	if p.IsNull(d, i) {
		return append(dst, "null"...)
	}
	return p.AppendValue(dst, d, i, true)
}

// AppendText appends row i as bare text, nothing where it is null. Nested values are JSON.
func (p *Printer) AppendText(dst []byte, d *column.Data, i int) []byte {
	if p.IsNull(d, i) {
		return dst
	}
	return p.AppendValue(dst, d, i, false)
}

// printerOf returns what prints the rows of a column that has its values itself.
func printerOf(f *ipc.Field, e *fault) func(dst []byte, d *column.Data, i int, s style) []byte {
	switch f.Type.Kind {
	case ipc.KindBool:
		return func(dst []byte, d *column.Data, i int, _ style) []byte {
			return strconv.AppendBool(dst, d.Buffers[1][i>>3]&(1<<(i&7)) != 0)
		}
	case ipc.KindStruct, ipc.KindList, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView, ipc.KindFixedSizeList, ipc.KindMap:
		return nested(f, e)
	}
	scalar, bytes := scalarOf(f, e), bytesOf(f.Type)
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

func scalarOf(f *ipc.Field, e *fault) scalar {
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
		return func(dst, v []byte, s style) []byte { return appendText(dst, v, s, e) }
	}
	if f.IsUUID() {
		return inQuotes(uuid)
	}
	return inQuotes(base64.StdEncoding.AppendEncode) // of any bytes
}

// uuid prints 16 bytes as RFC 9562 has them.
func uuid(dst, v []byte) []byte {
	for i, b := range v {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// appendText appends a text in either style.
func appendText[T string | []byte](dst []byte, v T, s style, e *fault) []byte {
	if s == quoted {
		dst, valid := appendString(dst, v)
		if !valid {
			text(e, v)
		}
		return dst
	}
	from := len(dst)
	if dst = append(dst, v...); !utf8.Valid(dst[from:]) {
		text(e, v)
	}
	return dst
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
	switch abs := math.Abs(x); {
	case abs >= leastShort && abs < mostShort:
		if bits == 64 {
			return appendShort(dst, x)
		}
	case abs != 0:
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
			return appendDate(dst, int64(int32(le.Uint32(v))))
		}
	}
	return func(dst, v []byte) []byte {
		ms := int64(le.Uint64(v))
		seconds, rest := split(ms, column.Millisecond)
		day, second := split(seconds, secondsPerDay)
		if dst = appendDate(dst, day); ms%(secondsPerDay*1000) != 0 {
			dst = appendClock(append(dst, 'T'), second, rest, 3)
		}
		return dst
	}
}

const secondsPerDay = 24 * 60 * 60

// appendDate writes years of more than four digits with their sign, as ISO 8601 wants it.
func appendDate(dst []byte, days int64) []byte {
	year, month, day := civil(days)
	if year >= 0 && year <= 9999 {
		y, c := byte(year%100), byte(year/100)
		dst = append(dst, '0'+c/10, '0'+c%10, '0'+y/10, '0'+y%10)
	} else {
		sign := byte('+')
		if year < 0 {
			sign, year = '-', -year
		}
		dst = appendPadded(append(dst, sign), int(year), 4)
	}
	m, d := byte(month), byte(day)
	return append(dst, '-', '0'+m/10, '0'+m%10, '-', '0'+d/10, '0'+d%10)
}

// appendPadded writes n with zeros before it up to so many digits.
func appendPadded(dst []byte, n, digits int) []byte {
	text := strconv.Itoa(n)
	for range digits - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}

// split divides a count of a unit into seconds and what is left, which is not negative.
func split(n int64, unit column.Unit) (seconds, rest int64) {
	if seconds, rest = n/int64(unit), n%int64(unit); rest < 0 {
		seconds, rest = seconds-1, rest+int64(unit)
	}
	return seconds, rest
}

// digits returns how many digits parts of a second have in a unit.
func digits(unit column.Unit) int {
	switch unit {
	case column.Second:
		return 0
	case column.Millisecond:
		return 3
	case column.Microsecond:
		return 6
	}
	return 9
}

// appendClock writes a second of the day, and behind it so many digits of a part of it.
func appendClock(dst []byte, second, rest int64, digits int) []byte {
	h, m, s := byte(second/3600), byte(second/60%60), byte(second%60)
	dst = append(dst, '0'+h/10, '0'+h%10, ':', '0'+m/10, '0'+m%10, ':', '0'+s/10, '0'+s%10)
	if digits == 0 {
		return dst
	}
	dst = append(dst, ".000000000"[:digits+1]...)
	for i := len(dst) - 1; rest != 0; i-- {
		dst[i] = '0' + byte(rest%10)
		rest /= 10
	}
	return dst
}

// civil returns the date of a day after 1970-01-01, counting in years that begin with March.
func civil(day int64) (year int64, month, dayOfMonth int) {
	day += 719468
	era := day / 146097
	if day < 0 {
		era = (day - 146096) / 146097
	}
	inEra := day - era*146097
	y := (inEra - inEra/1460 + inEra/36524 - inEra/146096) / 365
	inYear := inEra - (365*y + y/4 - y/100)
	m := (5*inYear + 2) / 153
	year, month, dayOfMonth = y+era*400, int(m)+3, int(inYear-(153*m+2)/5)+1
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, dayOfMonth
}

// timesOfDay prints what is outside a day as the number that it is.
func timesOfDay(t ipc.Type) func(dst, v []byte) []byte {
	digits := digits(t.Unit)
	return func(dst, v []byte) []byte {
		n := int64(le.Uint32(v))
		if t.Bits == 64 {
			n = int64(le.Uint64(v))
		} else {
			n = int64(int32(n))
		}
		seconds, rest := split(n, t.Unit)
		if seconds < 0 || seconds >= secondsPerDay {
			return strconv.AppendInt(dst, n, 10)
		}
		return appendClock(dst, seconds, rest, digits)
	}
}

// timestamps prints instants in UTC with a Z, and wall-clock times without.
func timestamps(t ipc.Type) func(dst, v []byte) []byte {
	c := clock{unit: t.Unit, digits: digits(t.Unit), zoned: t.Zone != ""}
	return func(dst, v []byte) []byte { return c.append(dst, int64(le.Uint64(v))) }
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

// escaped is 1 for the bytes that are not as they are in a JSON string, or may be no UTF-8.
var escaped = func() (t [256]byte) {
	for c := range t {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			t[c] = 1
		}
	}
	return t
}()

// AppendString appends a JSON string. Bytes that are no utf8 become U+FFFD.
func AppendString[T string | []byte](dst []byte, s T) []byte {
	dst, _ = appendString(dst, s)
	return dst
}

// appendString is AppendString, and tells whether all of s is utf8.
func appendString[T string | []byte](dst []byte, s T) (to []byte, valid bool) {
	const hex = "0123456789abcdef"
	dst, valid = append(dst, '"'), true
	for i := 0; i < len(s); {
		if n := plainRun(s[i:]); n > 0 {
			dst = append(dst, s[i:i+n]...)
			i += n
			continue
		}
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
			valid = valid && n > 1
			i += n
			continue
		}
		i++
	}
	return append(dst, '"'), valid
}
