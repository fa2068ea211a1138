package parquet

import (
	"context"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/lightstream-go/lightstream/runtime/column"
)

// leaf is what a column of a file gets of an array: values, and for each of its slots, which are values, nulls and empty lists, what it is.
//
//	def  how much of the way down to the value there is
//	rep  which of the lists on the way goes on
type leaf struct {
	values   arrow.Array
	def, rep []int16 // nil where there is nothing to say
	max      int16   // the definition level of a value
	nullable bool
}

// A leveler takes arrays apart into their leaves, in the order of the columns of a file. It is for arrays as they are stored: structs,
// lists and maps of others.
type leveler struct {
	def []int16 // of the leaf at hand
}

// slots is what is known of the slots of an array on the way down.
type slots struct {
	n     int
	at    []int32 // which element a slot is, or the complement of its definition level where there is none. Nil: each its own
	rep   []int16
	spans []span // of the elements that lists have
	lists bool
	def   int16 // what there is of a slot that has an element, so far
	depth int16 // of lists
}

type span struct{ from, to int64 }

// each calls do with the leaves of an array, one after the other: levels are valid until it returns.
func (l *leveler) each(a arrow.Array, nullable bool, do func(v *leaf) error) error {
	return l.visit(a, nullable, slots{n: a.Len()}, do)
}

func (l *leveler) visit(a arrow.Array, nullable bool, s slots, do func(v *leaf) error) error {
	switch list, ok := a.(array.ListLike); {
	case ok:
		if nullable {
			s.nulls(a)
		}
		if err := s.items(list); err != nil {
			return err
		}
		return l.visit(list.ListValues(), list.DataType().(arrow.ListLikeType).ElemField().Nullable, s, do)
	case a.DataType().ID() == arrow.STRUCT:
		if nullable {
			s.nulls(a)
		}
		of := a.(*array.Struct)
		for i, f := range of.DataType().(*arrow.StructType).Fields() {
			if err := l.visit(of.Field(i), f.Nullable, s, do); err != nil {
				return err
			}
		}
		return nil
	}
	return l.leaf(a, nullable, s, do)
}

func (l *leveler) leaf(a arrow.Array, nullable bool, s slots, do func(v *leaf) error) error {
	v := leaf{values: a, rep: s.rep, nullable: nullable}
	if cap(l.def) < s.n {
		l.def = make([]int16, s.n)
	}
	switch v.def = l.def[:s.n]; {
	case nullable && s.at == nil && a.NullN() != 0 && a.NullN() != a.Len():
		bits, from := a.NullBitmapBytes(), a.Data().Offset()
		for i := range v.def {
			v.def[i] = s.def + int16(bits[(from+i)>>3]>>((from+i)&7)&1)
		}
		s.def++
	default:
		if nullable {
			s.nulls(a)
		}
		s.levels(v.def)
	}
	if v.max = s.def; v.max == 0 {
		v.def = nil
	}
	if s.lists {
		var err error
		if v.values, err = elements(a, s.spans); err != nil {
			return err
		}
		defer v.values.Release()
	}
	return do(&v)
}

// write writes a leaf to its column.
//
// Where lists have nulls among their items, arrow-go takes empty and null lists for items that are null when it counts values for its statistics, and
// leaves out a block that has none by that. It gets values without nulls instead, or, where it does not take those, has no statistics of the
// column: see [countable].
func (v *leaf) write(ctx context.Context, to file.ColumnChunkWriter) error {
	below := to.LevelInfo().RepeatedAncestorDefLevel
	if v.rep == nil || v.max != below+1 || v.values.NullN() == 0 && v.nullable || v.values.DataType().ID() == arrow.NULL {
		return pqarrow.WriteArrowToColumn(ctx, to, v.values, v.def, v.rep, v.nullable)
	}
	for at, element := 0, 0; at < len(v.def); {
		end, there := min(len(v.def), at+blockRows), []span(nil)
		for _, level := range v.def[at:end] {
			if level < below {
				continue
			}
			switch k := len(there) - 1; {
			case level < v.max:
			case k >= 0 && there[k].to == int64(element):
				there[k].to++
			default:
				there = append(there, span{int64(element), int64(element) + 1})
			}
			element++
		}
		values, err := elements(v.values, there)
		if err != nil {
			return err
		}
		err = pqarrow.WriteArrowToColumn(ctx, to, values, v.def[at:end], v.rep[at:end], true)
		values.Release()
		if err != nil {
			return err
		}
		at = end
	}
	return nil
}

// countable tells whether the statistics of a column are right: of values in lists there is no more than one null on the way.
func countable(c *schema.Column) bool {
	optional := 0
	for n := schema.Node(c.SchemaNode()); n != nil && n.RepetitionType() != parquet.Repetitions.Repeated; n = n.Parent() {
		if n.RepetitionType() == parquet.Repetitions.Optional {
			optional++
		}
	}
	return c.MaxRepetitionLevel() == 0 || optional < 2
}

// levels sets the definition levels of the slots.
func (s *slots) levels(def []int16) {
	if s.at == nil {
		for i := range def {
			def[i] = s.def
		}
		return
	}
	for i, at := range s.at {
		def[i] = s.def
		if at < 0 {
			def[i] = int16(^at)
		}
	}
}

// nulls takes away the elements that are null, where they may be. The slots it was made of are left as they are.
func (s *slots) nulls(a arrow.Array) {
	none := ^int32(s.def)
	s.def++
	if a.NullN() == 0 {
		return
	}
	at := make([]int32, s.n)
	if s.at != nil {
		copy(at, s.at)
	} else {
		for i := range at {
			at[i] = int32(i)
		}
	}
	all, bits, from := a.NullN() == a.Len(), a.NullBitmapBytes(), a.Data().Offset()
	for i, k := range at {
		if k < 0 {
			continue
		}
		if k := from + int(k); all || bits[k>>3]>>(k&7)&1 == 0 {
			at[i] = none
		}
	}
	s.at = at
}

// items goes from lists to their items.
func (s *slots) items(a array.ListLike) error {
	bounds := func(slot int) (from, to int64, level int32) {
		at := int32(slot)
		if s.at != nil {
			at = s.at[slot]
		}
		if at < 0 {
			return 0, 0, at
		}
		from, to = a.ValueOffsets(int(at))
		return from, to, ^int32(s.def) // where there are none
	}
	n, last := int64(0), int64(0)
	for i := range s.n {
		from, to, _ := bounds(i)
		n += max(1, to-from)
		last = max(last, to)
	}
	if max(n, last) > math.MaxInt32 {
		return fmt.Errorf("%w; use smaller batches", column.ErrTooManyItems)
	}
	next := slots{
		n: int(n), at: make([]int32, 0, n), rep: make([]int16, 0, n), lists: true,
		def: s.def + 1, depth: s.depth + 1,
	}
	for i := range s.n {
		from, to, level := bounds(i)
		rep := int16(0)
		if s.rep != nil {
			rep = s.rep[i]
		}
		if from == to {
			next.at, next.rep = append(next.at, level), append(next.rep, rep)
			continue
		}
		if k := len(next.spans) - 1; k >= 0 && next.spans[k].to == from {
			next.spans[k].to = to
		} else {
			next.spans = append(next.spans, span{from, to})
		}
		for k := from; k < to; k++ {
			next.at, next.rep = append(next.at, int32(k)), append(next.rep, rep)
			rep = next.depth
		}
	}
	*s = next
	return nil
}

// elements returns some of the elements of an array.
func elements(a arrow.Array, spans []span) (arrow.Array, error) {
	switch len(spans) {
	case 0:
		return array.NewSlice(a, 0, 0), nil
	case 1:
		return array.NewSlice(a, spans[0].from, spans[0].to), nil
	}
	parts := make([]arrow.Array, len(spans))
	for i, p := range spans {
		parts[i] = array.NewSlice(a, p.from, p.to)
		defer parts[i].Release()
	}
	return array.Concatenate(parts, memory.DefaultAllocator)
}
