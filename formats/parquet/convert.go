package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

var le = binary.LittleEndian

// A conversion makes another column of a column whose contents are right. Nil stands for one that is right as it is.
type conversion func(m *scratch, d *column.Data) (column.Data, error)

func (c conversion) of(m *scratch, d *column.Data) (column.Data, error) {
	if c == nil {
		return *d, nil
	}
	return c(m, d)
}

// then returns the conversion by c and then by next.
func (c conversion) then(next conversion) conversion {
	switch {
	case c == nil:
		return next
	case next == nil:
		return c
	}
	return func(m *scratch, d *column.Data) (column.Data, error) {
		between, err := c(m, d)
		if err != nil {
			return column.Data{}, err
		}
		return next(m, &between)
	}
}

func unsupported(path string, f *ipc.Field, format string, args ...any) error {
	return fmt.Errorf("lightstream: column %q, %s: %w", path, f.TypeString(), frame.Errorf(ipc.ErrUnsupported, format, args...))
}

// valueError says which row has a value that does not go across.
func valueError(path string, row int, format string, args ...any) error {
	return fmt.Errorf("lightstream: column %q, row %d of the batch: %w", path, row, frame.Errorf(ipc.ErrUnsupported, format, args...))
}

// fixed changes values of one width into values of another. To gets zeros, and values of null rows are not looked at.
func fixed(path string, from, to int, change func(to, from []byte) error) conversion {
	return func(m *scratch, d *column.Data) (column.Data, error) {
		c := *d
		c.Padded = false
		out, err := m.alloc(d.Len * to)
		if err != nil {
			return column.Data{}, err
		}
		c.Buffers[1] = out
		for i := range d.Len {
			if d.Nulls != 0 && d.IsNull(i) {
				continue
			}
			if err := change(out[i*to:(i+1)*to], d.Buffers[1][i*from:(i+1)*from]); err != nil {
				return column.Data{}, fmt.Errorf("lightstream: column %q, row %d of the batch: %w", path, i, err)
			}
		}
		return c, nil
	}
}

// times multiplies integers.
func times(path string, from, to int, by int64) conversion {
	return fixed(path, from, to, func(dst, src []byte) error {
		v := signed(src)
		if v > math.MaxInt64/by || v < math.MinInt64/by || to == 4 && int64(int32(v*by)) != v*by {
			return frame.Errorf(ipc.ErrUnsupported, "%d is out of range in a finer unit", v)
		}
		putSigned(dst, v*by)
		return nil
	})
}

// parts divides integers, which must be multiples.
func parts(path string, from, to int, by int64) conversion {
	return fixed(path, from, to, func(dst, src []byte) error {
		v := signed(src)
		if v%by != 0 {
			return frame.Errorf(ipc.ErrMalformed, "%d is no multiple of %d, which the schema of the file promises", v, by)
		}
		putSigned(dst, v/by)
		return nil
	})
}

func signed(b []byte) int64 {
	switch len(b) {
	case 1:
		return int64(int8(b[0]))
	case 2:
		return int64(int16(le.Uint16(b)))
	case 4:
		return int64(int32(le.Uint32(b)))
	}
	return int64(le.Uint64(b))
}

func putSigned(b []byte, v int64) {
	switch len(b) {
	case 1:
		b[0] = byte(v)
	case 2:
		le.PutUint16(b, uint16(v))
	case 4:
		le.PutUint32(b, uint32(v))
	default:
		le.PutUint64(b, uint64(v))
	}
}

// widen extends the sign of decimals.
func widen(path string, from, to int) conversion {
	return fixed(path, from, to, func(dst, src []byte) error {
		extend(dst, src)
		return nil
	})
}

func extend(dst, src []byte) {
	copy(dst, src)
	fill := byte(int8(src[len(src)-1]) >> 7)
	for i := len(src); i < len(dst); i++ {
		dst[i] = fill
	}
}

// narrow takes the sign of decimals back.
func narrow(path string, from, to int) conversion {
	return fixed(path, from, to, func(dst, src []byte) error {
		if !fits(src, to) {
			return frame.Errorf(ipc.ErrMalformed, "a decimal of more than %d bytes, which the schema of the file promises", to)
		}
		copy(dst, src)
		return nil
	})
}

// fits tells whether a number in two's complement fits n bytes.
func fits(b []byte, n int) bool {
	fill := byte(int8(b[n-1]) >> 7)
	for _, c := range b[n:] {
		if c != fill {
			return false
		}
	}
	return true
}

// decimalBytes is how many bytes Parquet gives decimals of a precision.
func decimalBytes(precision int) int {
	return int(math.Ceil((float64(precision)*math.Log2(10) + 1) / 8))
}

// checkDecimals refuses values that have more digits than their type says and would be cut.
func checkDecimals(path string, width, precision int) conversion {
	n := decimalBytes(precision)
	if n >= width {
		return nil
	}
	return func(m *scratch, d *column.Data) (column.Data, error) {
		for i := range d.Len {
			if !d.IsNull(i) && !fits(d.Buffers[1][i*width:(i+1)*width], n) {
				return column.Data{}, valueError(path, i, "a decimal has more than the %d digits of its type", precision)
			}
		}
		return *d, nil
	}
}

// texts collects texts with offsets.
type texts struct {
	path    string
	wide    bool
	offsets []byte
	bytes   []byte
}

// newTexts returns room for so many texts of size bytes in all.
func newTexts(m *scratch, path string, rows, size int, wide bool) (t *texts, err error) {
	if !wide && size > math.MaxInt32 {
		return nil, fmt.Errorf("lightstream: column %q: %w; use smaller batches", path, column.ErrTooLong)
	}
	t = &texts{path: path, wide: wide}
	if t.offsets, err = m.alloc((rows + 1) * offsetWidth(wide)); err != nil {
		return nil, err
	}
	if t.bytes, err = m.alloc(size); err != nil {
		return nil, err
	}
	t.offsets, t.bytes = t.offsets[:0], t.bytes[:0]
	t.end()
	return t, nil
}

func offsetWidth(wide bool) int {
	if wide {
		return 8
	}
	return 4
}

func (t *texts) end() { t.offsets = appendOffset(t.offsets, t.wide, len(t.bytes)) }

func appendOffset(b []byte, wide bool, n int) []byte {
	if wide {
		return le.AppendUint64(b, uint64(n))
	}
	return le.AppendUint32(b, uint32(n))
}

func add[T string | []byte](t *texts, v T) {
	t.bytes = append(t.bytes, v...)
	t.end()
}

// plainTexts makes texts in any form plain ones.
func plainTexts(path string, form column.TextForm) conversion {
	return func(m *scratch, d *column.Data) (column.Data, error) {
		at := func(i int) (v []byte) {
			if !d.IsNull(i) {
				v = column.TextAt(d, form, i)
			}
			return v
		}
		size := 0 // counted first, as views may share what they lead to
		for i := range d.Len {
			if size += len(at(i)); size > math.MaxInt32 {
				break
			}
		}
		t, err := newTexts(m, path, d.Len, size, false)
		if err != nil {
			return column.Data{}, err
		}
		for i := range d.Len {
			add(t, at(i))
		}
		return column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0], t.offsets, t.bytes}}, nil
	}
}

// largeTexts gives plain texts wide offsets.
func largeTexts(_ *scratch, d *column.Data) (column.Data, error) {
	c := *d
	c.Padded = false
	c.Buffers[1] = wideOffsets(d)
	return c, nil
}

func wideOffsets(d *column.Data) []byte {
	from := d.Buffers[1]
	to := mem.Alloc(2 * len(from))
	for i := 0; i < len(from)/4; i++ {
		le.PutUint64(to[8*i:], uint64(le.Uint32(from[4*i:])))
	}
	return to
}

// viewTexts makes views of plain texts, which stay where they are.
func viewTexts(_ *scratch, d *column.Data) (column.Data, error) {
	const inline = 12
	views := mem.Alloc(16 * d.Len)
	for i := range d.Len {
		if d.IsNull(i) {
			continue
		}
		v, view := column.TextAt(d, column.PlainText, i), views[16*i:16*i+16]
		le.PutUint32(view, uint32(len(v)))
		if len(v) <= inline {
			copy(view[4:], v)
			continue
		}
		copy(view[4:8], v)
		le.PutUint32(view[12:], le.Uint32(d.Buffers[1][4*i:]))
	}
	c := column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0], views}}
	if len(d.Buffers[2]) != 0 {
		c.Variadic = [][]byte{d.Buffers[2]}
	}
	return c, nil
}

// nulls returns n null rows of a column as it is stored.
func nulls(f *ipc.Field, n int) column.Data {
	d := column.Data{Len: n, Nulls: n}
	d.Buffers[0] = mem.Alloc((n + 7) / 8)
	none := func() {
		for i := range f.Children {
			d.Children = append(d.Children, nulls(&f.Children[i], 0))
		}
	}
	switch f.Type.Kind {
	case ipc.KindNull:
		d.Buffers[0] = nil
	case ipc.KindBool:
		d.Buffers[1] = mem.Alloc((n + 7) / 8)
	case ipc.KindUtf8, ipc.KindBinary:
		d.Buffers[1] = mem.Alloc(4 * (n + 1))
	case ipc.KindLargeUtf8, ipc.KindLargeBinary:
		d.Buffers[1] = mem.Alloc(8 * (n + 1))
	case ipc.KindList, ipc.KindMap:
		d.Buffers[1] = mem.Alloc(4 * (n + 1))
		none()
	case ipc.KindLargeList:
		d.Buffers[1] = mem.Alloc(8 * (n + 1))
		none()
	case ipc.KindStruct:
		for i := range f.Children {
			d.Children = append(d.Children, nulls(&f.Children[i], n))
		}
	default:
		d.Buffers[1] = mem.Alloc(n * ipc.ValueWidth(f.Type))
	}
	return d
}

// pick puts rows of a column, as it is stored, together.
type pick struct {
	m     *scratch
	field ipc.Field
	from  *column.Data
	out   *ipc.Gatherer
	null  column.Data
	at, n int  // rows that wait
	bare  bool // a row may take no bytes
}

func newPick(m *scratch, f *ipc.Field, from *column.Data) *pick {
	p := &pick{m: m, field: *f, from: from, bare: bare(f)}
	p.field.Nullable = true
	p.out = m.gatherer(&p.field)
	return p
}

// rows adds rows.
func (p *pick) rows(from, to int) error {
	if from == p.at+p.n {
		p.n += to - from
		return nil
	}
	if err := p.flush(); err != nil {
		return err
	}
	p.at, p.n = from, to-from
	return nil
}

// none adds nulls.
func (p *pick) none(n int) error {
	if err := p.flush(); err != nil {
		return err
	}
	if n > 0 && p.null.Len == 0 {
		const most = 256
		size := nullSize(&p.field)
		if err := p.m.hold(size); err != nil {
			return err
		}
		p.null = nulls(&p.field, max(1, min(most, (64<<10)/(size+1))))
	}
	for n > 0 {
		k := min(n, p.null.Len)
		if err := p.add(&p.null, 0, k); err != nil {
			return err
		}
		n -= k
	}
	return nil
}

func (p *pick) flush() error {
	n := p.n
	p.n = 0
	return p.add(p.from, p.at, p.at+n)
}

func (p *pick) add(d *column.Data, from, to int) error {
	if p.bare {
		if err := p.m.hold(levels * (to - from)); err != nil {
			return err
		}
	}
	return p.out.Append(d, from, to)
}

func (p *pick) take() (column.Data, error) {
	if err := p.flush(); err != nil {
		return column.Data{}, err
	}
	if p.out.Len() == 0 {
		none := nulls(&p.field, 0)
		return emptied(&none), nil
	}
	return p.out.Take(), nil
}

// emptied returns no rows of a column of nulls.
func emptied(d *column.Data) column.Data {
	c := column.Data{}
	for i := range d.Children {
		c.Children = append(c.Children, emptied(&d.Children[i]))
	}
	return c
}

// lowered is how a column is stored.
type lowered struct {
	storage ipc.Field // in Parquet
	told    ipc.Field // in ARROW:schema, for other readers
	handed  ipc.Field // on the way there: as in Parquet, but for dictionaries of texts, of which there are indices
	convert conversion
}

// lower tells how a column is stored, and with which dictionaries kept on the way. The error names what Parquet cannot hold.
func lower(f *ipc.Field, path string, keep bool) (l lowered, err error) {
	if f.Dictionary != nil {
		return lowerDictionary(f, path, keep)
	}
	l.storage = ipc.Field{Name: f.Name, Type: f.Type, Nullable: f.Nullable, Metadata: f.Metadata}
	l.told = l.storage
	as := func(t ipc.Type, c conversion) { l.storage.Type, l.convert = t, c }
	tell := func() { l.told = l.storage }
	t := f.Type
	switch t.Kind {
	case ipc.KindNull:
		l.storage.Nullable = true
		tell()
	case ipc.KindBool, ipc.KindFloat, ipc.KindUtf8, ipc.KindBinary, ipc.KindLargeUtf8, ipc.KindLargeBinary:
	case ipc.KindInt:
	case ipc.KindUtf8View:
		as(ipc.Utf8, plainTexts(path, column.ViewText))
	case ipc.KindBinaryView:
		as(ipc.Binary, plainTexts(path, column.ViewText))
	case ipc.KindFixedSizeBinary:
		if t.Width == 0 {
			return l, unsupported(path, f, "Parquet has no byte strings of fixed length 0")
		}
	case ipc.KindDecimal:
		switch {
		case t.Precision < 1 || t.Scale < 0 || t.Scale > t.Precision:
			as(ipc.FixedSizeBinary(t.Bits/8), nil)
			tell()
		case t.Bits < 128:
			as(ipc.Decimal(128, t.Precision, t.Scale), widen(path, t.Bits/8, 16).then(checkDecimals(path, 16, t.Precision)))
			tell()
		case t.Bits == 256 && t.Precision <= 38:
			as(ipc.Decimal(128, t.Precision, t.Scale), checkDecimals(path, 32, t.Precision).then(narrow(path, 32, 16)))
		default:
			as(t, checkDecimals(path, t.Bits/8, t.Precision))
		}
	case ipc.KindDate:
		if t.Variant == 1 {
			as(ipc.Timestamp(column.Millisecond, ""), nil)
			tell()
		}
	case ipc.KindTime:
		if t.Unit == column.Second {
			as(ipc.Time32(column.Millisecond), times(path, 4, 4, 1000))
		}
	case ipc.KindTimestamp:
		unit, convert := t.Unit, conversion(nil)
		if unit == column.Second {
			unit, convert = column.Millisecond, times(path, 8, 8, 1000)
		}
		as(ipc.Timestamp(unit, t.Zone), convert)
	case ipc.KindDuration:
		as(ipc.Int64, nil)
	case ipc.KindInterval:
		lowerInterval(&l, t.Variant)
		tell()
	case ipc.KindList, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView, ipc.KindFixedSizeList:
		return l, lowerList(&l, f, path, keep)
	case ipc.KindMap:
		return l, lowerMap(&l, f, path, keep)
	case ipc.KindStruct:
		return l, lowerStruct(&l, f, path, keep)
	case ipc.KindUnion:
		return l, lowerUnion(&l, f, path)
	case ipc.KindRunEndEncoded:
		return l, lowerRuns(&l, f, path)
	default:
		return l, unsupported(path, f, "Parquet has no such type")
	}
	l.handed = l.storage
	return l, nil
}

// lowerInterval stores the parts of an interval.
func lowerInterval(l *lowered, variant int) {
	part := func(name string, t ipc.Type) ipc.Field { return ipc.Field{Name: name, Type: t} }
	switch variant {
	case 0:
		l.storage.Type = ipc.Int32
		return
	case 1:
		l.storage.Children = []ipc.Field{part("days", ipc.Int32), part("milliseconds", ipc.Int32)}
	default:
		l.storage.Children = []ipc.Field{part("months", ipc.Int32), part("days", ipc.Int32), part("nanoseconds", ipc.Int64)}
	}
	l.storage.Type = ipc.Struct
	children := l.storage.Children
	l.convert = func(m *scratch, d *column.Data) (column.Data, error) {
		c := column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0]}, Children: make([]column.Data, len(children))}
		whole := ipc.ValueWidth(ipc.Type{Kind: ipc.KindInterval, Variant: variant})
		at := 0
		for k := range children {
			width := children[k].Type.Bits / 8
			b, err := m.alloc(d.Len * width)
			if err != nil {
				return column.Data{}, err
			}
			for i := range d.Len {
				copy(b[i*width:(i+1)*width], d.Buffers[1][i*whole+at:])
			}
			c.Children[k] = column.Data{Len: d.Len, Buffers: [3][]byte{1: b}}
			at += width
		}
		return c, nil
	}
}

func lowerList(l *lowered, f *ipc.Field, path string, keep bool) error {
	item, err := lower(&f.Children[0], path+"."+f.Children[0].Name, keep)
	if err != nil {
		return err
	}
	t := f.Type
	l.storage.Type, l.storage.Children = ipc.List, []ipc.Field{item.storage}
	l.told.Children = []ipc.Field{item.told}
	wide := t.Kind == ipc.KindLargeList || t.Kind == ipc.KindLargeListView
	if wide {
		l.storage.Type = ipc.LargeList
	}
	if t.Kind == ipc.KindListView || t.Kind == ipc.KindLargeListView {
		l.told.Type = l.storage.Type
	}
	l.handed = l.storage
	l.handed.Children = []ipc.Field{item.handed}
	stored := l.handed.Children[0]
	l.convert = func(m *scratch, d *column.Data) (column.Data, error) {
		items, err := item.convert.of(m, &d.Children[0])
		if err != nil {
			return column.Data{}, err
		}
		if (t.Kind == ipc.KindList || t.Kind == ipc.KindLargeList) && tidy(d, wide) {
			c := *d
			c.Children = []column.Data{items}
			return c, nil
		}
		bounds := func(i int) (from, to int) { return i * t.Width, (i + 1) * t.Width }
		switch t.Kind {
		case ipc.KindListView, ipc.KindLargeListView:
			bounds = func(i int) (from, to int) {
				from = offset(d.Buffers[1], wide, i)
				return from, from + offset(d.Buffers[2], wide, i)
			}
		case ipc.KindList, ipc.KindLargeList:
			bounds = func(i int) (from, to int) { return offset(d.Buffers[1], wide, i), offset(d.Buffers[1], wide, i+1) }
		}
		return lists(m, path, d, wide, &stored, &items, bounds)
	}
	return nil
}

// tidy tells whether the lists of null rows are empty and the first begins with the first item.
func tidy(d *column.Data, wide bool) bool {
	if d.Len == 0 || d.Nulls == 0 {
		return true
	}
	for i := range d.Len {
		if d.IsNull(i) && offset(d.Buffers[1], wide, i) != offset(d.Buffers[1], wide, i+1) {
			return false
		}
	}
	return true
}

func offset(b []byte, wide bool, i int) int {
	if wide {
		return int(int64(le.Uint64(b[8*i:])))
	}
	return int(int32(le.Uint32(b[4*i:])))
}

// lists makes lists of the items between bounds, none for null rows.
func lists(m *scratch, path string, d *column.Data, wide bool, f *ipc.Field, items *column.Data, bounds func(i int) (from, to int)) (column.Data, error) {
	offsets, err := m.alloc((d.Len + 1) * offsetWidth(wide))
	if err != nil {
		return column.Data{}, err
	}
	p, n := newPick(m, f, items), 0
	offsets = appendOffset(offsets[:0], wide, 0)
	for i := range d.Len {
		if !d.IsNull(i) {
			from, to := bounds(i)
			if err := p.rows(from, to); err != nil {
				return column.Data{}, err
			}
			if n += to - from; !wide && n > math.MaxInt32 {
				return column.Data{}, fmt.Errorf("lightstream: column %q: %w; use smaller batches", path, column.ErrTooManyItems)
			}
		}
		offsets = appendOffset(offsets, wide, n)
	}
	picked, err := p.take()
	if err != nil {
		return column.Data{}, err
	}
	withValues(f, &picked, items)
	return column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0], offsets}, Children: []column.Data{picked}}, nil
}

func lowerMap(l *lowered, f *ipc.Field, path string, keep bool) error {
	entries := &f.Children[0]
	if len(entries.Children) != 2 {
		return unsupported(path, f, "entries of a map are a key and a value")
	}
	key, err := lower(&entries.Children[0], path+"."+entries.Children[0].Name, keep)
	if err != nil {
		return err
	}
	if key.storage.Nullable {
		return unsupported(path, f, "keys of a map are not null in Parquet")
	}
	value, err := lower(&entries.Children[1], path+"."+entries.Children[1].Name, keep)
	if err != nil {
		return err
	}
	e := ipc.Field{Name: entries.Name, Type: ipc.Struct, Children: []ipc.Field{key.storage, value.storage}}
	l.storage.Children = []ipc.Field{e}
	e.Children = []ipc.Field{key.told, value.told}
	l.told.Children = []ipc.Field{e}
	e.Children = []ipc.Field{key.handed, value.handed}
	l.handed = l.storage
	l.handed.Children = []ipc.Field{e}
	stored := e
	l.convert = func(m *scratch, d *column.Data) (column.Data, error) {
		from := &d.Children[0]
		pairs := column.Data{Len: from.Len, Children: make([]column.Data, 2)}
		var err error
		if pairs.Children[0], err = key.convert.of(m, &from.Children[0]); err != nil {
			return column.Data{}, err
		}
		if pairs.Children[1], err = value.convert.of(m, &from.Children[1]); err != nil {
			return column.Data{}, err
		}
		if tidy(d, false) {
			c := *d
			c.Children = []column.Data{pairs}
			return c, nil
		}
		return lists(m, path, d, false, &stored, &pairs, func(i int) (from, to int) {
			return offset(d.Buffers[1], false, i), offset(d.Buffers[1], false, i+1)
		})
	}
	return nil
}

func lowerStruct(l *lowered, f *ipc.Field, path string, keep bool) error {
	if len(f.Children) == 0 { // whether there is one is all that can be said of it
		l.storage.Type = ipc.Bool
		l.told, l.handed = l.storage, l.storage
		l.convert = func(m *scratch, d *column.Data) (column.Data, error) {
			there, err := m.alloc((d.Len + 7) / 8)
			if err != nil {
				return column.Data{}, err
			}
			c := column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0], there}}
			for i := range there {
				there[i] = 0xff
			}
			return c, nil
		}
		return nil
	}
	below := make([]lowered, len(f.Children))
	same := true
	l.handed = l.storage
	for i := range f.Children {
		var err error
		if below[i], err = lower(&f.Children[i], path+"."+f.Children[i].Name, keep); err != nil {
			return err
		}
		l.storage.Children = append(l.storage.Children, below[i].storage)
		l.told.Children = append(l.told.Children, below[i].told)
		l.handed.Children = append(l.handed.Children, below[i].handed)
		same = same && below[i].convert == nil
	}
	for i, name := range distinct(f.Children) {
		l.storage.Children[i].Name, l.told.Children[i].Name, l.handed.Children[i].Name = name, name, name
	}
	if same {
		return nil
	}
	l.convert = func(m *scratch, d *column.Data) (column.Data, error) {
		c := *d
		c.Children = make([]column.Data, len(below))
		for i := range below {
			var err error
			if c.Children[i], err = below[i].convert.of(m, &d.Children[i]); err != nil {
				return column.Data{}, err
			}
		}
		return c, nil
	}
	return nil
}

// distinct returns the names of fields as a file has them: where two are the same, the later one gets its place behind it, since readers
// find columns by name.
func distinct(fields []ipc.Field) []string {
	names, given := make([]string, len(fields)), make(map[string]int, len(fields))
	for i := range fields {
		names[i] = fields[i].Name
		given[names[i]]++
	}
	seen := make(map[string]bool, len(fields))
	for i, name := range names {
		for seen[name] || name != names[i] && given[name] != 0 {
			name += "_" + strconv.Itoa(i)
		}
		seen[name], names[i] = true, name
	}
	return names
}

// typeID is the field that says which member of a union a row has.
const typeID = "type_id"

func lowerUnion(l *lowered, f *ipc.Field, path string) error {
	l.storage.Type, l.storage.Nullable = ipc.Struct, false
	l.storage.Children = []ipc.Field{{Name: typeID, Type: ipc.Int8}}
	below, of := make([]lowered, len(f.Children)), memberOf(f)
	taken := map[string]bool{typeID: true}
	for i := range f.Children {
		var err error
		if below[i], err = lower(&f.Children[i], path+"."+f.Children[i].Name, false); err != nil {
			return err
		}
		s := below[i].storage
		s.Nullable = true
		if s.Name == "" || taken[s.Name] {
			s.Name += "_" + strconv.Itoa(i)
		}
		taken[s.Name] = true
		l.storage.Children = append(l.storage.Children, s)
	}
	l.told, l.handed = l.storage, l.storage
	dense := f.Type.Variant == 1
	fields := l.storage.Children[1:]
	l.convert = func(m *scratch, d *column.Data) (column.Data, error) {
		if d.Nulls != 0 {
			return column.Data{}, unsupported(path, f, "a union with nulls of its own, as metadata of version V4 has them")
		}
		c := column.Data{Len: d.Len, Children: make([]column.Data, 1+len(below))}
		c.Children[0] = column.Data{Len: d.Len, Buffers: [3][]byte{1: d.Buffers[1]}}
		for k := range below {
			stored, err := below[k].convert.of(m, &d.Children[k])
			if err != nil {
				return column.Data{}, err
			}
			p := newPick(m, &fields[k], &stored)
			for i := range d.Len {
				at := i
				if dense {
					at = offset(d.Buffers[2], false, i)
				}
				if of[d.Buffers[1][i]&127] == k {
					err = p.rows(at, at+1)
				} else {
					err = p.none(1)
				}
				if err != nil {
					return column.Data{}, err
				}
			}
			if c.Children[1+k], err = p.take(); err != nil {
				return column.Data{}, err
			}
		}
		return c, nil
	}
	return nil
}

// memberOf returns which member of a union has a type id.
func memberOf(f *ipc.Field) (of [128]int) {
	for i := range of {
		of[i] = -1
	}
	for i := range f.Children {
		id := i
		if f.Type.TypeIDs != nil {
			id = int(f.Type.TypeIDs[i])
		}
		if id >= 0 && id < len(of) {
			of[id] = i
		}
	}
	return of
}

func lowerRuns(l *lowered, f *ipc.Field, path string) error {
	values, err := lower(&f.Children[1], path, false)
	if err != nil {
		return err
	}
	name, metadata := f.Name, f.Metadata
	*l = lowered{storage: values.storage, told: values.told}
	l.storage.Name, l.told.Name, l.storage.Metadata, l.told.Metadata = name, name, metadata, metadata
	l.handed = l.storage
	width := f.Children[0].Type.Bits / 8
	stored := values.storage
	l.convert = func(m *scratch, d *column.Data) (column.Data, error) {
		from, err := values.convert.of(m, &d.Children[1])
		if err != nil {
			return column.Data{}, err
		}
		p := newPick(m, &stored, &from)
		for row, run := 0, 0; row < d.Len; run++ {
			for end := int(column.SignedAt(&d.Children[0], width, run)); row < min(end, d.Len); row++ {
				if err := p.rows(run, run+1); err != nil {
					return column.Data{}, err
				}
			}
		}
		return p.take()
	}
	return nil
}

// byteStrings tells whether the values of a dictionary are kept as byte strings.
func byteStrings(f *ipc.Field) bool {
	return len(f.Children) == 0 && f.Type.Kind != ipc.KindBool && f.Type.Kind != ipc.KindNull && f.Type.Kind != ipc.KindStruct
}

// lowerDictionary stores the values.
func lowerDictionary(f *ipc.Field, path string, keep bool) (l lowered, err error) {
	plain := *f
	plain.Dictionary = nil
	index := f.Dictionary.Index
	if !byteStrings(&plain) {
		if l, err = lower(&plain, path, false); err != nil {
			return l, err
		}
		values := l.convert
		stored := l.storage
		l.convert = func(m *scratch, d *column.Data) (column.Data, error) {
			from := nulls(&stored, 0)
			if v := d.Values.Column(); v != nil {
				if from, err = values.of(m, v); err != nil {
					return column.Data{}, err
				}
			}
			p := newPick(m, &stored, &from)
			for i := range d.Len {
				if d.IsNull(i) {
					err = p.none(1)
				} else {
					at := int(column.IndexAt(d, index.Bits, index.Signed, i))
					err = p.rows(at, at+1)
				}
				if err != nil {
					return column.Data{}, err
				}
			}
			return p.take()
		}
		return l, nil
	}
	// A view is not worth making for values that are copied anyway.
	switch plain.Type.Kind {
	case ipc.KindUtf8View:
		plain.Type = ipc.Utf8
	case ipc.KindBinaryView:
		plain.Type = ipc.Binary
	}
	if l, err = lower(&plain, path, false); err != nil {
		return l, err
	}
	if t := plain.Type; t.IsText() || t.IsBinary() {
		l.told = *f
		l.told.Children = nil
		if keep {
			l.handed.Type = ipc.Int32
			l.convert = indices(index)
			return l, nil
		}
	}
	l.convert = expand(&plain, index, path).then(l.convert)
	return l, nil
}

// expand makes the column that a dictionary column of byte strings stands for.
func expand(f *ipc.Field, index ipc.Type, path string) conversion {
	return func(m *scratch, d *column.Data) (_ column.Data, err error) {
		c := column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0]}}
		if d.Values.HasNulls() {
			if c.Buffers[0], c.Nulls, err = valueNulls(m, d, index); err != nil {
				return column.Data{}, err
			}
		}
		at := func(i int) (v string) {
			if !c.IsNull(i) {
				v = d.Values.At(int(column.IndexAt(d, index.Bits, index.Signed, i)))
			}
			return v
		}
		if !f.Type.IsText() && !f.Type.IsBinary() {
			width := ipc.ValueWidth(f.Type)
			if width != 0 && d.Len > math.MaxInt/width {
				return column.Data{}, fmt.Errorf("lightstream: column %q: %w; use smaller batches", path, column.ErrTooLong)
			}
			if c.Buffers[1], err = m.alloc(d.Len * width); err != nil {
				return column.Data{}, err
			}
			for i := range d.Len {
				copy(c.Buffers[1][i*width:(i+1)*width], at(i))
			}
			return c, nil
		}
		wide, size := f.Type.TextForm() == column.LargeText, 0
		for i := range d.Len {
			if size += len(at(i)); size > math.MaxInt32 && !wide || size > math.MaxInt/2 {
				break
			}
		}
		t, err := newTexts(m, path, d.Len, size, wide)
		if err != nil {
			return column.Data{}, err
		}
		for i := range d.Len {
			add(t, at(i))
		}
		c.Buffers[1], c.Buffers[2] = t.offsets, t.bytes
		return c, nil
	}
}

func countNulls(bits []byte, n int) (nulls int) {
	for i := range n {
		nulls += 1 - int(bits[i>>3]>>(i&7)&1)
	}
	return nulls
}

// sameBytes tells whether two rows of a column as it is stored are known to be the same.
func sameBytes(f *ipc.Field, d *column.Data, i, k int) bool {
	if d.IsNull(i) || d.IsNull(k) {
		return d.IsNull(i) && d.IsNull(k)
	}
	switch t := f.Type; {
	case t.IsText() || t.IsBinary():
		return bytes.Equal(column.TextAt(d, t.TextForm(), i), column.TextAt(d, t.TextForm(), k))
	case t.Kind == ipc.KindBool:
		return d.Buffers[1][i>>3]>>(i&7)&1 == d.Buffers[1][k>>3]>>(k&7)&1
	case len(f.Children) != 0 || t.Kind == ipc.KindNull:
		return false
	default:
		w := ipc.ValueWidth(t)
		return bytes.Equal(d.Buffers[1][i*w:(i+1)*w], d.Buffers[1][k*w:(k+1)*w])
	}
}
