package regroup

import (
	"errors"
	"reflect"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestUnionNulls takes the nulls of unions down to their members, and leaves what it was given as it was.
func TestUnionNulls(t *testing.T) {
	bits := func(b byte) []byte { return []byte{b} }
	union := func(variant int, nullable bool) ipc.Field {
		return ipc.Field{Name: "u", Nullable: true, Type: ipc.Type{Kind: ipc.KindUnion, Variant: variant, TypeIDs: []int32{5, 7}}, Children: []ipc.Field{
			{Name: "a", Type: ipc.Int8, Nullable: nullable}, {Name: "b", Type: ipc.Uint8, Nullable: true},
		}}
	}
	sparse := column.Data{Len: 4, Nulls: 2, Buffers: [3][]byte{bits(0b0101), {5, 7, 7, 5}}, Children: []column.Data{
		{Len: 4, Buffers: [3][]byte{nil, {1, 2, 3, 4}}}, {Len: 4, Nulls: 1, Buffers: [3][]byte{bits(0b1110), {5, 6, 7, 8}}},
	}}
	dense := column.Data{Len: 4, Nulls: 2, Buffers: [3][]byte{bits(0b0101), {5, 7, 7, 5}, ipcOffsets(0, 0, 1, 1)}, Children: []column.Data{
		{Len: 2, Buffers: [3][]byte{nil, {1, 4}}}, {Len: 2, Buffers: [3][]byte{nil, {6, 7}}},
	}}
	shared := dense
	shared.Buffers[2] = ipcOffsets(0, 0, 0, 1)
	within := func(f ipc.Field) ipc.Field {
		return ipc.Field{Name: "s", Type: ipc.Struct, Children: []ipc.Field{f}}
	}
	encoded := func(f ipc.Field) ipc.Field {
		f.Dictionary = ipc.DictionaryOf(ipc.Int8)
		return f
	}
	values := column.ColumnDictionary(&dense)
	for _, c := range []struct {
		name  string
		field ipc.Field
		data  column.Data
		want  [2]byte // validity of the members
		nulls [2]int
		err   bool
	}{
		{"sparse", union(0, true), sparse, [2]byte{0b0111, 0b1100}, [2]int{1, 2}, false},
		{"dense", union(1, true), dense, [2]byte{0b01, 0b10}, [2]int{1, 1}, false},
		{"within", within(union(1, true)), column.Data{Len: 4, Children: []column.Data{dense}}, [2]byte{0b01, 0b10}, [2]int{1, 1}, false},
		{"dictionary", encoded(union(1, true)), column.Data{Len: 1, Buffers: [3][]byte{nil, {2}}, Dictionary: values, Values: values.Values()}, [2]byte{0b01, 0b10}, [2]int{1, 1}, false},
		{"shared", union(1, true), shared, [2]byte{}, [2]int{}, true},
		{"not null", union(0, false), sparse, [2]byte{}, [2]int{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			schema := &ipc.Schema{Fields: []ipc.Field{{Name: "n", Type: ipc.Int8}, c.field}}
			before := []column.Data{{Len: 4, Buffers: [3][]byte{nil, {1, 2, 3, 4}}}, c.data.Clone()}
			given := []column.Data{before[0], c.data}
			unions := NewUnions(schema)
			got, err := unions.Columns(given)
			if c.err {
				if !errors.Is(err, ipc.ErrUnsupported) || got != nil {
					t.Fatalf("%v, %v", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(given, before) {
				t.Fatal("what was given has changed")
			}
			u := &got[1]
			if u.Dictionary != nil {
				if u.Dictionary == given[1].Dictionary {
					t.Error("its dictionary has other values now")
				}
				if next, err := unions.Columns(given); err != nil || next[1].Dictionary != u.Dictionary {
					t.Errorf("the next batch has another dictionary: %v", err)
				}
				u = u.Values.Column()
			}
			if c.name == "within" {
				u = &u.Children[0]
			}
			if u.Nulls != 0 || u.Buffers[0] != nil {
				t.Errorf("%d nulls of its own", u.Nulls)
			}
			for k, m := range u.Children {
				if m.Nulls != c.nulls[k] || len(m.Buffers[0]) != 1 || m.Buffers[0][0]&(1<<m.Len-1) != c.want[k] {
					t.Errorf("member %d: %d nulls, %08b, want %08b", k, m.Nulls, m.Buffers[0], c.want[k])
				}
			}
			if again, err := unions.Columns(got); err != nil || &again[0] != &got[0] {
				t.Error("columns without such nulls are copied")
			}
		})
	}
}

func ipcOffsets(values ...byte) (b []byte) {
	for _, v := range values {
		b = append(b, v, 0, 0, 0)
	}
	return b
}
