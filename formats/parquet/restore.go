package parquet

import (
	"fmt"
	"math"
	"slices"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// restore makes of a column as a file has it what the schema beside it says that it was. Where the two do not go together, or the type
// is one that is not restored, the column stays as the file has it, and ok is false.
func restore(s, want *ipc.Field, path string) (f ipc.Field, c conversion, ok bool) {
	if want.Dictionary != nil {
		return restoreDictionary(s, want, path)
	}
	f = ipc.Field{Name: s.Name, Type: want.Type, Nullable: s.Nullable, Metadata: want.Metadata}
	from, to := s.Type, want.Type
	simple := func(is bool, c conversion) (ipc.Field, conversion, bool) {
		if !is {
			return *s, nil, false
		}
		return f, c, true
	}
	stored := func(t ipc.Type) bool { return from.Equal(t) && len(s.Children) == 0 }
	switch to.Kind {
	case ipc.KindUtf8View:
		return simple(stored(ipc.Utf8), viewTexts)
	case ipc.KindBinaryView:
		return simple(stored(ipc.Binary), viewTexts)
	case ipc.KindLargeUtf8:
		return simple(stored(ipc.Utf8), largeTexts)
	case ipc.KindLargeBinary:
		return simple(stored(ipc.Binary), largeTexts)
	case ipc.KindDecimal:
		return restoreDecimal(s, &f, path)
	case ipc.KindDate:
		if to.Variant == 1 && stored(ipc.Date32) {
			return f, times(path, 4, 8, 86_400_000), true
		}
		return simple(stored(to) || to.Variant == 1 && stored(ipc.Timestamp(column.Millisecond, "")), nil)
	case ipc.KindTime:
		if to.Unit == column.Second && stored(ipc.Time32(column.Millisecond)) {
			return f, parts(path, 4, 4, 1000), true
		}
		return simple(stored(to), nil)
	case ipc.KindTimestamp:
		zoned := to.Zone != ""
		switch {
		case from.Kind != ipc.KindTimestamp || zoned != (from.Zone != ""):
			return *s, nil, false
		case to.Unit == column.Second && from.Unit == column.Millisecond:
			return f, parts(path, 8, 8, 1000), true
		}
		return simple(from.Unit == to.Unit, nil)
	case ipc.KindDuration:
		return simple(stored(ipc.Int64), nil)
	case ipc.KindInterval:
		return restoreInterval(s, &f)
	case ipc.KindList, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView, ipc.KindFixedSizeList:
		return restoreList(s, want, &f, path)
	case ipc.KindMap:
		return restoreMap(s, want, &f, path)
	case ipc.KindStruct:
		if len(want.Children) == 0 {
			return simple(stored(ipc.Bool), func(m *scratch, d *column.Data) (column.Data, error) {
				return column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0]}}, nil
			})
		}
		return restoreStruct(s, want, &f, path)
	case ipc.KindUnion:
		return restoreUnion(s, want, &f, path)
	case ipc.KindRunEndEncoded:
		return restoreRuns(s, want, path)
	}
	return simple(stored(to), nil)
}

func restoreDecimal(s, f *ipc.Field, path string) (ipc.Field, conversion, bool) {
	from, to := s.Type, f.Type
	switch {
	case from.Equal(to), from.Equal(ipc.FixedSizeBinary(to.Bits/8)) && (to.Precision < 1 || to.Scale < 0 || to.Scale > to.Precision):
		return *f, nil, true
	case from.Kind != ipc.KindDecimal || from.Precision != to.Precision || from.Scale != to.Scale:
		return *s, nil, false
	case to.Bits < from.Bits:
		return *f, narrow(path, from.Bits/8, to.Bits/8), true
	}
	return *f, widen(path, from.Bits/8, to.Bits/8), true
}

func restoreInterval(s, f *ipc.Field) (ipc.Field, conversion, bool) {
	var l lowered
	l.storage = ipc.Field{}
	variant := f.Type.Variant
	lowerInterval(&l, variant)
	if !alike(s, &l.storage) {
		return *s, nil, false
	}
	if variant == 0 {
		return *f, nil, true
	}
	fields := l.storage.Children
	return *f, func(m *scratch, d *column.Data) (column.Data, error) {
		whole := ipc.ValueWidth(f.Type)
		b, at := mem.Alloc(d.Len*whole), 0
		for k := range fields {
			width := fields[k].Type.Bits / 8
			for i := range d.Len {
				copy(b[i*whole+at:], d.Children[k].Buffers[1][i*width:(i+1)*width])
			}
			at += width
		}
		return column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0], b}}, nil
	}, true
}

// alike tells whether columns have the same type and fields of the same names.
func alike(a, b *ipc.Field) bool {
	if !a.Type.Equal(b.Type) || len(a.Children) != len(b.Children) {
		return false
	}
	for i := range a.Children {
		if a.Children[i].Name != b.Children[i].Name || !alike(&a.Children[i], &b.Children[i]) {
			return false
		}
	}
	return true
}

func restoreList(s, want, f *ipc.Field, path string) (ipc.Field, conversion, bool) {
	if s.Type.Kind != ipc.KindList && s.Type.Kind != ipc.KindLargeList || len(want.Children) != 1 {
		return *s, nil, false
	}
	item, convert, ok := restore(&s.Children[0], &want.Children[0], path+"."+want.Children[0].Name)
	if !ok {
		f.Type = want.Type
	}
	item.Name = want.Children[0].Name
	f.Children = []ipc.Field{item}
	fromWide := s.Type.Kind == ipc.KindLargeList
	to := want.Type
	stored := s.Children[0]
	return *f, func(m *scratch, d *column.Data) (column.Data, error) {
		c := *d
		c.Padded = false
		items := d.Children[0]
		switch to.Kind {
		case ipc.KindLargeList:
			if !fromWide {
				c.Buffers[1] = wideOffsets(d)
			}
		case ipc.KindListView, ipc.KindLargeListView:
			c.Buffers[1], c.Buffers[2] = views(d, fromWide, to.Kind == ipc.KindLargeListView)
		case ipc.KindFixedSizeList:
			c.Buffers[1] = nil
			var err error
			if items, err = evenItems(m, d, fromWide, to.Width, &stored, path); err != nil {
				return column.Data{}, err
			}
		}
		restored, err := convert.of(m, &items)
		if err != nil {
			return column.Data{}, err
		}
		c.Children = []column.Data{restored}
		return c, nil
	}, ok
}

// views returns offsets and sizes of lists.
func views(d *column.Data, fromWide, toWide bool) (offsets, sizes []byte) {
	width := 4
	if toWide {
		width = 8
	}
	offsets, sizes = mem.Alloc(d.Len*width), mem.Alloc(d.Len*width)
	for i := range d.Len {
		from, to := offset(d.Buffers[1], fromWide, i), offset(d.Buffers[1], fromWide, i+1)
		putSigned(offsets[i*width:(i+1)*width], int64(from))
		putSigned(sizes[i*width:(i+1)*width], int64(to-from))
	}
	return offsets, sizes
}

// evenItems returns the items of lists that all have width of them, with as many nulls below each null row.
func evenItems(m *scratch, d *column.Data, wide bool, width int, f *ipc.Field, path string) (column.Data, error) {
	p := newPick(m, f, &d.Children[0])
	for i := range d.Len {
		if d.IsNull(i) {
			if err := p.none(width); err != nil {
				return column.Data{}, err
			}
			continue
		}
		from, to := offset(d.Buffers[1], wide, i), offset(d.Buffers[1], wide, i+1)
		if to-from != width {
			return column.Data{}, frame.Errorf(ipc.ErrMalformed, "lightstream: column %q, row %d of the batch: %d items, the schema of the file promises %d", path, i, to-from, width)
		}
		if err := p.rows(from, to); err != nil {
			return column.Data{}, err
		}
	}
	return p.take()
}

func restoreMap(s, want, f *ipc.Field, path string) (ipc.Field, conversion, bool) {
	if s.Type.Kind != ipc.KindMap || len(s.Children) != 1 || len(s.Children[0].Children) != 2 || len(want.Children) != 1 || len(want.Children[0].Children) != 2 {
		return *s, nil, false
	}
	f.Children = []ipc.Field{s.Children[0]}
	entries, have, w := &f.Children[0], s.Children[0].Children, want.Children[0].Children
	entries.Name, entries.Metadata = want.Children[0].Name, want.Children[0].Metadata
	entries.Children = make([]ipc.Field, 2)
	var convert [2]conversion
	whole := true
	for k := range w {
		var ok bool
		entries.Children[k], convert[k], ok = restore(&have[k], &w[k], path+"."+w[k].Name)
		entries.Children[k].Name = w[k].Name
		whole = whole && ok
	}
	return *f, func(m *scratch, d *column.Data) (column.Data, error) {
		c := *d
		pairs := d.Children[0]
		pairs.Children = make([]column.Data, 2)
		for k := range convert {
			var err error
			if pairs.Children[k], err = convert[k].of(m, &d.Children[0].Children[k]); err != nil {
				return column.Data{}, err
			}
		}
		c.Children = []column.Data{pairs}
		return c, nil
	}, whole
}

func restoreStruct(s, want, f *ipc.Field, path string) (ipc.Field, conversion, bool) {
	if s.Type.Kind != ipc.KindStruct || len(s.Children) != len(want.Children) {
		return *s, nil, false
	}
	for i, name := range distinct(want.Children) {
		if s.Children[i].Name != name {
			return *s, nil, false
		}
	}
	convert := make([]conversion, len(s.Children))
	whole := true
	for i := range s.Children {
		child, c, ok := restore(&s.Children[i], &want.Children[i], path+"."+want.Children[i].Name)
		child.Name = want.Children[i].Name
		f.Children, convert[i] = append(f.Children, child), c
		whole = whole && ok
	}
	return *f, func(m *scratch, d *column.Data) (column.Data, error) {
		c := *d
		c.Children = make([]column.Data, len(convert))
		for i := range convert {
			var err error
			if c.Children[i], err = convert[i].of(m, &d.Children[i]); err != nil {
				return column.Data{}, err
			}
		}
		return c, nil
	}, whole
}

func restoreUnion(s, want, f *ipc.Field, path string) (ipc.Field, conversion, bool) {
	if s.Type.Kind != ipc.KindStruct || len(s.Children) != 1+len(want.Children) || !s.Children[0].Type.Equal(ipc.Int8) || s.Children[0].Name != typeID || s.Nullable {
		return *s, nil, false
	}
	convert := make([]conversion, len(want.Children))
	fields := s.Children[1:]
	for i := range want.Children {
		child, c, ok := restore(&fields[i], &want.Children[i], path+"."+want.Children[i].Name)
		if !ok {
			return *s, nil, false
		}
		child.Name, child.Nullable = want.Children[i].Name, want.Children[i].Nullable
		f.Children, convert[i] = append(f.Children, child), c
	}
	f.Nullable = want.Nullable
	of, dense := memberOf(want), want.Type.Variant == 1
	return *f, func(m *scratch, d *column.Data) (column.Data, error) {
		ids := d.Children[0].Buffers[1]
		c := column.Data{Len: d.Len, Buffers: [3][]byte{1: ids}, Children: make([]column.Data, len(convert))}
		picks := make([]*pick, len(convert))
		for k := range picks {
			picks[k] = newPick(m, &fields[k], &d.Children[1+k])
		}
		counts := make([]uint32, len(convert))
		if dense {
			c.Buffers[2] = mem.Alloc(4 * d.Len)
		}
		for i, id := range ids[:d.Len] {
			k := -1
			if id < 128 {
				k = of[id]
			}
			if k < 0 {
				return column.Data{}, frame.Errorf(ipc.ErrMalformed, "lightstream: column %q, row %d of the batch: %d is the type id of no member", path, i, int8(id))
			}
			if dense {
				le.PutUint32(c.Buffers[2][4*i:], counts[k])
				counts[k]++
				if err := picks[k].rows(i, i+1); err != nil {
					return column.Data{}, err
				}
			}
		}
		for k := range convert {
			stored := d.Children[1+k]
			var err error
			if dense {
				if stored, err = picks[k].take(); err != nil {
					return column.Data{}, err
				}
			}
			if c.Children[k], err = convert[k].of(m, &stored); err != nil {
				return column.Data{}, err
			}
		}
		return c, nil
	}, true
}

func restoreRuns(s, want *ipc.Field, path string) (ipc.Field, conversion, bool) {
	if len(want.Children) != 2 || want.Children[0].Type.Kind != ipc.KindInt {
		return *s, nil, false
	}
	values, convert, ok := restore(s, &want.Children[1], path)
	if !ok {
		return *s, nil, false
	}
	values.Name, values.Metadata = want.Children[1].Name, want.Children[1].Metadata
	f := ipc.Field{Name: s.Name, Type: want.Type, Nullable: want.Nullable, Metadata: want.Metadata}
	f.Children = []ipc.Field{{Name: want.Children[0].Name, Type: want.Children[0].Type}, values}
	bits, stored := want.Children[0].Type.Bits, *s
	return f, func(m *scratch, d *column.Data) (column.Data, error) {
		if bits < 64 && d.Len > 1<<(bits-1)-1 {
			return column.Data{}, frame.Errorf(ipc.ErrUnsupported, "lightstream: column %q: %d rows are more than run ends of %d bits count; set Options.BatchRows to %d", path, d.Len, bits, math.MaxInt16)
		}
		p, ends := newPick(m, &stored, d), []byte(nil)
		width := bits / 8
		runs := 0
		for i := range d.Len {
			if i > 0 && sameBytes(&stored, d, i-1, i) {
				putSigned(ends[len(ends)-width:], int64(i+1))
				continue
			}
			ends = append(mem.Grow(ends, width), make([]byte, width)...)
			putSigned(ends[len(ends)-width:], int64(i+1))
			runs++
			if err := p.rows(i, i+1); err != nil {
				return column.Data{}, err
			}
		}
		picked, err := p.take()
		if err != nil {
			return column.Data{}, err
		}
		restored, err := convert.of(m, &picked)
		if err != nil {
			return column.Data{}, err
		}
		return column.Data{Len: d.Len, Children: []column.Data{{Len: runs, Buffers: [3][]byte{1: ends}}, restored}}, nil
	}, true
}

// restoreDictionary gives values a dictionary again. What is no byte string stays as it is, and so does the order of one that was
// ordered: values have the order in which they come.
func restoreDictionary(s, want *ipc.Field, path string) (ipc.Field, conversion, bool) {
	plain := *want
	plain.Dictionary = nil
	if !byteStrings(&plain) {
		f, c, _ := restore(s, &plain, path)
		return f, c, false
	}
	switch plain.Type.Kind { // whose values go into the dictionary as they are
	case ipc.KindUtf8View, ipc.KindLargeUtf8:
		plain.Type = ipc.Utf8
	case ipc.KindBinaryView, ipc.KindLargeBinary:
		plain.Type = ipc.Binary
	}
	values, convert, ok := restore(s, &plain, path)
	if !ok {
		return *s, nil, false
	}
	f := values
	f.Type, f.Dictionary = want.Type, &ipc.DictionaryEncoding{Index: want.Dictionary.Index}
	known := &dictionary{path: path, field: values, index: want.Dictionary.Index, of: make(map[string]int), values: column.NewDictionary(0)}
	return f, convert.then(known.encode), true
}

// dictionary collects the values of a column over all batches.
type dictionary struct {
	path   string
	field  ipc.Field
	index  ipc.Type
	of     map[string]int
	values *column.Dictionary
	bytes  int
	places []int64 // of the values of the file's dictionary; -1 where that is not known yet
}

// maxDictionary is how many bytes of values a dictionary takes.
const maxDictionary = 256 << 20

// add returns the index of a value, which is added if it is new.
func (x *dictionary) add(v []byte) (int, error) {
	for k := len(x.of); k < x.values.Len(); k++ { // those that were adopted
		x.of[x.values.Values().At(k)] = k
	}
	if at, known := x.of[string(v)]; known {
		return at, nil
	}
	at, err := x.append(v)
	if err == nil {
		x.of[string(v)] = at
	}
	return at, err
}

// append adds a value that is new.
func (x *dictionary) append(v []byte) (at int, err error) {
	most := uint64(1) << x.index.Bits // zero where there is no limit
	if x.index.Signed {
		most = uint64(1) << (x.index.Bits - 1)
	}
	at = x.values.Len()
	if x.bytes += len(v); x.bytes > maxDictionary || most != 0 && uint64(at) >= most {
		return 0, frame.Errorf(ipc.ErrLimit, "lightstream: column %q: its values are more than a dictionary takes; set Options.Stored to read them as they are stored", x.path)
	}
	x.values.AppendBytes(v, false)
	return at, nil
}

// adopt makes the values of a file's dictionary the next ones, where it begins with those that are there or they begin with it, so that
// its indices of 32 bits are right as they are. It leaves all others to translate, and what a few rows would hardly use.
func (x *dictionary) adopt(d *column.Data) bool {
	n := d.Values.Len()
	if !x.index.Equal(ipc.Int32) || n > d.Len {
		return false
	}
	most := uint32(0)
	for i, b := 0, d.Buffers[1]; i < d.Len; i++ {
		most = max(most, le.Uint32(b[4*i:]))
	}
	known := x.values.Values()
	if uint64(most) >= uint64(n) || known.Common(d.Values, 0) != min(known.Len(), n) {
		return false
	}
	for k := known.Len(); k < n; k++ {
		if _, err := x.append([]byte(d.Values.At(k))); err != nil {
			return false // what is used may still find room
		}
	}
	return true
}

func (x *dictionary) encode(_ *scratch, d *column.Data) (column.Data, error) {
	width := x.index.Bits / 8
	if d.Dictionary != nil && x.adopt(d) {
		c := *d
		c.Dictionary, c.Values = x.values, x.values.Values()
		return c, nil
	}
	c := column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0], mem.Alloc(d.Len * width)}}
	var err error
	if d.Dictionary != nil {
		err = x.translate(c.Buffers[1], width, d)
	} else {
		err = x.lookUp(c.Buffers[1], width, d)
	}
	if err != nil {
		return column.Data{}, err
	}
	c.Dictionary, c.Values = x.values, x.values.Values()
	return c, nil
}

// lookUp writes the indices of values.
func (x *dictionary) lookUp(to []byte, width int, d *column.Data) error {
	value, size := func(i int) []byte { return column.TextAt(d, x.field.Type.TextForm(), i) }, ipc.ValueWidth(x.field.Type)
	if size != 0 {
		value = func(i int) []byte { return d.Buffers[1][i*size : (i+1)*size] }
	}
	for i := range d.Len {
		if d.IsNull(i) {
			continue
		}
		at, err := x.add(value(i))
		if err != nil {
			return err
		}
		putSigned(to[i*width:(i+1)*width], int64(at))
	}
	return nil
}

// translate writes the indices of values that are indices of 32 bits into a dictionary of the file's. Values that no row has are not
// added.
func (x *dictionary) translate(to []byte, width int, d *column.Data) error {
	n := d.Values.Len()
	x.places = slices.Grow(x.places[:0], n)[:n]
	for i := range x.places {
		x.places[i] = -1
	}
	from, nulls := d.Buffers[1][:4*d.Len], d.Buffers[0] != nil
	for i := range d.Len {
		if nulls && d.IsNull(i) {
			continue
		}
		k := le.Uint32(from[4*i:])
		if uint64(k) >= uint64(n) {
			return fmt.Errorf("lightstream: column %q, row %d of the batch: %w", x.path, i, frame.Errorf(ipc.ErrMalformed, "index %d of %d values", int32(k), n))
		}
		at := x.places[k]
		if at < 0 {
			n, err := x.add([]byte(d.Values.At(int(k))))
			if err != nil {
				return err
			}
			at = int64(n)
			x.places[k] = at
		}
		if width == 4 {
			le.PutUint32(to[4*i:], uint32(at))
		} else {
			putSigned(to[i*width:(i+1)*width], at)
		}
	}
	return nil
}
