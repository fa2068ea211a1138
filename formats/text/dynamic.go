package text

import (
	"encoding/binary"
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// ColumnOf returns a column for a field of a schema, with a builder of its own. It is bound.
func ColumnOf(f *ipc.Field, opts *Options) (*Column, error) {
	c, err := columnOf(f)
	if err != nil {
		return nil, fmt.Errorf("lightstream: column %q: %w", f.Name, err)
	}
	c.b.Init(config(f, f.Name))
	c.Bind(f, opts)
	return c, nil
}

// config says what the builder of a field may hold.
func config(f *ipc.Field, path string) column.Config {
	c := column.Config{
		Name: path, Nullable: f.Nullable, Unit: f.Type.Unit, Zoned: f.Type.Zone != "", OfDay: f.Type.Kind == ipc.KindTime,
		Precision: f.Type.Precision, Width: f.Type.Width, Bytes: !f.Type.IsText(),
		TypeIDs: f.Type.TypeIDs, Sparse: f.Type.Kind == ipc.KindUnion && f.Type.Variant == 0,
	}
	if f.Type.Kind == ipc.KindInterval {
		c.Width = intervalWidth(f.Type.Variant)
	}
	below := f.Children
	if f.Type.Kind == ipc.KindRunEndEncoded && len(below) == 2 {
		below = below[1:]
		c.Nullable = below[0].Nullable
	}
	for i := range below {
		c.Children = append(c.Children, config(&below[i], path+"."+below[i].Name))
	}
	return c
}

func intervalWidth(variant int) int { return []int{4, 8, 16}[variant] }

func columnOf(f *ipc.Field) (*Column, error) {
	if f.Dictionary != nil {
		return dictionaryOf(f)
	}
	t := f.Type
	switch t.Kind {
	case ipc.KindNull:
		return Null(new(column.NullBuilder)), nil
	case ipc.KindBool:
		return Bool(new(column.BoolBuilder)), nil
	case ipc.KindInt:
		return intOf(t), nil
	case ipc.KindFloat:
		switch t.Bits {
		case 16:
			return Float16(new(column.FixedBuilder[column.Float16])), nil
		case 32:
			return Float(new(column.FixedBuilder[float32])), nil
		}
		return Float(new(column.FixedBuilder[float64])), nil
	case ipc.KindUtf8:
		return Text(new(column.BinaryBuilder)), nil
	case ipc.KindLargeUtf8:
		return Text(new(column.LargeBinaryBuilder)), nil
	case ipc.KindUtf8View:
		return Text(new(column.BinaryViewBuilder)), nil
	case ipc.KindBinary:
		return Binary(new(column.BinaryBuilder)), nil
	case ipc.KindLargeBinary:
		return Binary(new(column.LargeBinaryBuilder)), nil
	case ipc.KindBinaryView:
		return Binary(new(column.BinaryViewBuilder)), nil
	case ipc.KindFixedSizeBinary:
		return fixedBinary(new(column.FixedBinaryBuilder)), nil
	case ipc.KindDate:
		if t.Variant != 0 {
			return Date(new(column.FixedBuilder[column.DateMillis])), nil
		}
		return Date(new(column.FixedBuilder[column.Date])), nil
	case ipc.KindTime:
		if t.Bits == 32 {
			return TimeOfDay(new(column.FixedBuilder[int32])), nil
		}
		return TimeOfDay(new(column.FixedBuilder[int64])), nil
	case ipc.KindTimestamp:
		return Timestamp(new(column.FixedBuilder[int64])), nil
	case ipc.KindDuration:
		return Duration(new(column.FixedBuilder[int64])), nil
	case ipc.KindInterval:
		if t.Variant == 0 {
			return Int(new(column.FixedBuilder[int32])), nil
		}
		return interval(t.Variant), nil
	case ipc.KindDecimal:
		switch t.Bits {
		case 32:
			return Decimal(new(column.DecimalBuilder[column.Decimal32])), nil
		case 64:
			return Decimal(new(column.DecimalBuilder[column.Decimal64])), nil
		case 128:
			return Decimal(new(column.DecimalBuilder[column.Decimal128])), nil
		}
		return Decimal(new(column.DecimalBuilder[column.Decimal256])), nil
	}
	return nestedOf(f)
}

func intOf(t ipc.Type) *Column {
	switch {
	case t.Bits == 8 && t.Signed:
		return Int(new(column.FixedBuilder[int8]))
	case t.Bits == 16 && t.Signed:
		return Int(new(column.FixedBuilder[int16]))
	case t.Bits == 32 && t.Signed:
		return Int(new(column.FixedBuilder[int32]))
	case t.Signed:
		return Int(new(column.FixedBuilder[int64]))
	case t.Bits == 8:
		return Int(new(column.FixedBuilder[uint8]))
	case t.Bits == 16:
		return Int(new(column.FixedBuilder[uint16]))
	case t.Bits == 32:
		return Int(new(column.FixedBuilder[uint32]))
	}
	return Int(new(column.FixedBuilder[uint64]))
}

// none is an item in rows that nobody has.
type none = struct{}

func nestedOf(f *ipc.Field) (*Column, error) {
	below := f.Children
	switch f.Type.Kind {
	case ipc.KindMap:
		if len(below) != 1 || len(below[0].Children) != 2 {
			return nil, fmt.Errorf("%w: a map without keys and values", errUnsupported)
		}
		below = below[0].Children
	case ipc.KindRunEndEncoded:
		if len(below) != 2 {
			return nil, fmt.Errorf("%w: runs without values", errUnsupported)
		}
		below = below[1:]
	}
	children := make([]*Column, len(below))
	builders := make([]column.Builder, len(below))
	for i := range below {
		c, err := columnOf(&below[i])
		if err != nil {
			return nil, err
		}
		children[i], builders[i] = c, c.b
	}
	if len(children) == 0 {
		return nil, fmt.Errorf("%w: %v without columns below it is not read from text", errUnsupported, f.Type)
	}
	switch f.Type.Kind {
	case ipc.KindList:
		return List(column.ListOf[none](builders[0], nil), children[0]), nil
	case ipc.KindLargeList:
		return List(column.LargeListOf[none](builders[0], nil), children[0]), nil
	case ipc.KindListView:
		return List(column.ListViewOf[none](builders[0], nil), children[0]), nil
	case ipc.KindLargeListView:
		return List(&largeListView{LargeListBuilder: column.LargeListOf[none](builders[0], nil)}, children[0]), nil
	case ipc.KindFixedSizeList:
		if f.Type.Width == 0 {
			return nil, fmt.Errorf("%w: lists of no items are not read from text", errUnsupported)
		}
		slice := func(*none) []none { return make([]none, f.Type.Width) }
		return FixedList(column.FixedListOf(builders[0], slice, nil), children[0]), nil
	case ipc.KindMap:
		return Map(column.MapOf[none, none](builders[0], nil, nil, builders[1], nil), children[0], children[1]), nil
	case ipc.KindStruct:
		b := new(column.StructBuilder)
		b.Fields(builders...)
		return Struct(b, children...), nil
	case ipc.KindUnion:
		null := -1
		for i := range below {
			if null < 0 && (below[i].Nullable || below[i].Type.Kind == ipc.KindNull) {
				null = i
			}
		}
		b := new(column.UnionBuilder)
		b.Members(null, builders...)
		return Union(b, children...), nil
	case ipc.KindRunEndEncoded:
		null := children[0].b
		values := valuesOf{null}
		switch f.Children[0].Type.Bits {
		case 16:
			return Runs(column.RunBuilderOf[int16, none](values, nil, column.Same[none]), children[0]), nil
		case 32:
			return Runs(column.RunBuilderOf[int32, none](values, nil, column.Same[none]), children[0]), nil
		}
		return Runs(column.RunBuilderOf[int64, none](values, nil, column.Same[none]), children[0]), nil
	}
	return nil, fmt.Errorf("%w: %v is not read from text", errUnsupported, f.Type)
}

// valuesOf are the values of runs.
type valuesOf struct{ Builder }

// largeListView is a builder of lists that say where their items begin and how many there are, in 64 bits.
type largeListView struct {
	*column.LargeListBuilder[none, column.Builder]
	sizes []byte
}

func (b *largeListView) Data() (d column.Data) { b.DataTo(&d); return d }

func (b *largeListView) DataTo(d *column.Data) {
	b.LargeListBuilder.DataTo(d)
	offsets := d.Buffers[1]
	b.sizes = b.sizes[:0]
	for i := range d.Len {
		b.sizes = binary.LittleEndian.AppendUint64(b.sizes, binary.LittleEndian.Uint64(offsets[8*i+8:])-binary.LittleEndian.Uint64(offsets[8*i:]))
	}
	d.Buffers[1], d.Buffers[2], d.Padded = offsets[:8*d.Len:8*d.Len], b.sizes, false
}

// interval reads spans of the calendar, which are objects.
func interval(variant int) *Column {
	b := new(column.FixedBinaryBuilder)
	parts := []*column.FixedBuilder[int64]{{}, {}, {}}[:1+variant]
	names := [][]string{nil, {"days", "milliseconds"}, {"months", "days", "nanoseconds"}}[variant]
	fields := make([]*Column, len(parts))
	for i, p := range parts {
		fields[i] = Int(p)
		fields[i].field = &ipc.Field{Name: names[i], Type: ipc.Int32}
		if variant == 2 && i == 2 {
			fields[i].field.Type = ipc.Int64
		}
		fields[i].want = fields[i].field.TypeString()
	}
	o := newObject(names, fields)
	return nested(b, func(c *Column, j *JSON) error {
		from := j.Pos
		if j.Space() != '{' {
			return c.skip(j)
		}
		for _, p := range parts {
			p.Reset()
		}
		if err := o.append(j); err != nil {
			return err
		}
		var v [16]byte
		n := 0
		for i, p := range parts {
			x := p.Values()[0]
			if fields[i].field.Type.Bits == 64 {
				binary.LittleEndian.PutUint64(v[n:], uint64(x))
				n += 8
				continue
			}
			if int64(int32(x)) != x {
				return c.refused(j, from, ErrRange)
			}
			binary.LittleEndian.PutUint32(v[n:], uint32(x))
			n += 4
		}
		b.Append(v[:n])
		return nil
	})
}

// dictionaryOf returns a column whose values stand in a dictionary.
func dictionaryOf(f *ipc.Field) (*Column, error) {
	values := *f
	values.Dictionary = nil
	var value *Column
	switch t := f.Type; {
	case t.IsText() || t.IsBinary():
	case ipc.ValueWidth(t) == 0:
		return nil, fmt.Errorf("%w: a dictionary of %v is not read from text", errUnsupported, t)
	default:
		var err error
		if value, err = columnOf(&values); err != nil {
			return nil, err
		}
		value.b.Init(config(&values, f.Name))
		value.Bind(&values, nil)
	}
	switch i := f.Dictionary.Index; {
	case i.Bits == 8 && i.Signed:
		return dictOf[int8](f, value), nil
	case i.Bits == 16 && i.Signed:
		return dictOf[int16](f, value), nil
	case i.Bits == 32 && i.Signed:
		return dictOf[int32](f, value), nil
	case i.Signed:
		return dictOf[int64](f, value), nil
	case i.Bits == 8:
		return dictOf[uint8](f, value), nil
	case i.Bits == 16:
		return dictOf[uint16](f, value), nil
	case i.Bits == 32:
		return dictOf[uint32](f, value), nil
	}
	return dictOf[uint64](f, value), nil
}

func dictOf[I column.Index](f *ipc.Field, value *Column) *Column {
	b := new(column.DictBuilder[I])
	switch {
	case f.Type.IsText():
		return Dict(b)
	case f.Type.IsBinary():
		return DictBinary(b)
	}
	c := newColumn(b, value.takes, nil)
	var d column.Data
	add := func() error {
		value.b.DataTo(&d)
		n := b.Len()
		if b.AppendBytes(d.Buffers[1]); b.Err() != nil {
			return undone(b, n)
		}
		return nil
	}
	c.read = func(s []byte) error {
		value.b.Reset()
		value.opts = c.opts
		if err := value.read(s); err != nil {
			return err
		}
		return add()
	}
	if value.nest != nil {
		c.nest = func(j *JSON) error {
			value.b.Reset()
			from := j.Pos
			if err := value.nest(j); err != nil {
				return err
			}
			if err := add(); err != nil {
				return c.refused(j, from, err)
			}
			return nil
		}
	}
	return c
}
