package column_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
)

// unionOf is a union of a number, a text and nil.
type unionOf struct {
	column.UnionBuilder
	level column.FixedBuilder[float64]
	note  column.TextBuilder
	null  column.NullBuilder
}

func newUnion(sparse bool, null int) *unionOf {
	b := new(unionOf)
	b.Members(null, &b.level, &b.note, &b.null)
	b.Init(column.Config{
		Name: "event", Sparse: sparse, TypeIDs: []int32{3, 7, 5},
		Children: []column.Config{{Name: "event.level"}, {Name: "event.note"}, {Name: "event.null", Nullable: true}},
	})
	return b
}

func (b *unionOf) fill() {
	b.level.Append(1)
	b.End(3)
	b.note.Append("a")
	b.End(7)
	b.AppendNull()
	b.level.Append(2)
	b.End(3)
	b.AppendBlank(1)
}

// Rows of a union have a value of one member each; in a sparse one the others have a row that nobody sees.
func TestUnionBuilder(t *testing.T) {
	for _, sparse := range []bool{false, true} {
		b := newUnion(sparse, 2)
		b.fill()
		if err := b.Err(); err != nil {
			t.Fatal(err)
		}
		d := b.Data()
		types := column.View[int8](d.Buffers[1])
		if d.Len != 5 || b.Len() != 5 || !slices.Equal(types, []int8{3, 7, 5, 3, 5}) {
			t.Errorf("%d rows of types %v", d.Len, types)
		}
		levels := column.View[float64](d.Child(0).Buffers[1])
		if sparse {
			if d.Buffers[2] != nil || !slices.Equal(levels, []float64{1, 0, 0, 2, 0}) || d.Child(1).Len != 5 || d.Child(2).Len != 5 {
				t.Errorf("sparse: levels %v, %d notes", levels, d.Child(1).Len)
			}
		} else if offsets := column.View[int32](d.Buffers[2]); !slices.Equal(offsets, []int32{0, 0, 0, 1, 1}) || !slices.Equal(levels, []float64{1, 2}) {
			t.Errorf("dense: offsets %v, levels %v", offsets, levels)
		}
		b.Truncate(3)
		b.note.Append("b")
		b.End(7)
		if d := b.Data(); b.Err() != nil || d.Len != 4 || column.TextsOf(d.Child(1)).At(d.Child(1).Len-1) != "b" {
			t.Errorf("after Truncate: %v, %d rows", b.Err(), d.Len)
		}
		b.Reset()
		if b.Len() != 0 || b.note.Len() != 0 || b.Err() != nil {
			t.Errorf("after Reset: %d rows, %v", b.Len(), b.Err())
		}
		b.fill()
		if b.Err() != nil || b.Size() == 0 {
			t.Error(b.Err())
		}
	}
}

// What does not fit is an error with its row, and the rows stay even.
func TestUnionBuilderErrors(t *testing.T) {
	for name, test := range map[string]struct {
		do  func(b *unionOf)
		row int
		is  error
	}{
		"nil":                {func(b *unionOf) { b.AppendNull() }, 5, column.ErrNotNullable},
		"no member":          {func(b *unionOf) { b.Refuse(struct{}{}) }, 5, column.ErrNoMember},
		"no type id":         {func(b *unionOf) { b.End(4) }, 5, column.ErrNoMember},
		"a value not ended":  {func(b *unionOf) { b.note.Append("x") }, 5, column.ErrUneven},
		"ended and no value": {func(b *unionOf) { b.End(7) }, 5, column.ErrUneven},
		"a member's error": {func(b *unionOf) {
			b.note.AppendNull()
			b.End(7)
		}, 5, column.ErrNotNullable},
	} {
		for _, sparse := range []bool{false, true} {
			b := newUnion(sparse, -1)
			b.level.Append(1)
			b.End(3)
			for range 4 {
				b.note.Append("a")
				b.End(7)
			}
			test.do(b)
			var e *column.ValueError
			if err := b.Err(); !errors.As(err, &e) || !errors.Is(err, test.is) || e.Row != test.row {
				t.Errorf("%s, sparse %v: %v, want row %d: %v", name, sparse, err, test.row, test.is)
			}
			b.Truncate(5)
			if err := b.Err(); err != nil {
				t.Errorf("%s, sparse %v: after Truncate: %v", name, sparse, err)
			}
		}
	}
}
