package regroup

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Unions takes the nulls of unions down to their members, for batches of one stream. It is for one goroutine at a time.
type Unions struct {
	schema *ipc.Schema
	own    map[int64]*ownValues // by the id of the dictionary in whose place they are
}

// ownValues are the values of a dictionary without unions that have nulls of their own.
type ownValues struct {
	from       *column.Dictionary
	of         *column.Data       // its values
	dictionary *column.Dictionary // nil where those have no such unions
}

// NewUnions returns that of batches of a schema.
func NewUnions(s *ipc.Schema) *Unions {
	return &Unions{schema: s, own: make(map[int64]*ownValues)}
}

// Columns returns columns without unions that have nulls of their own, as those of messages of metadata version V4 may: the values of
// their members become null in the place of the rows. The columns given, and the values of their dictionaries, stay as they are. What has
// no place for such a null is an error.
func (u *Unions) Columns(columns []column.Data) ([]column.Data, error) {
	fields, copied := u.schema.Fields, false
	for i := range columns {
		if !hasUnion(&fields[i]) {
			continue
		}
		d := columns[i]
		switch changed, err := u.column(&fields[i], &d, fields[i].Name); {
		case err != nil:
			return nil, err
		case !changed:
			continue
		case !copied:
			columns, copied = slices.Clone(columns), true
		}
		columns[i] = d
	}
	return columns, nil
}

// hasUnion tells whether a field is a union, or one below it, the values of dictionaries included.
func hasUnion(f *ipc.Field) bool {
	return f.Type.Kind == ipc.KindUnion || slices.ContainsFunc(f.Children, func(c ipc.Field) bool { return hasUnion(&c) })
}

// column changes a column, which is the caller's but for what it points to, and tells whether there was something to change.
func (u *Unions) column(f *ipc.Field, d *column.Data, path string) (changed bool, err error) {
	if f.Dictionary != nil {
		return u.dictionary(f, d, path)
	}
	if f.Type.Kind == ipc.KindUnion && d.Nulls != 0 {
		changed = true
		d.Children = slices.Clone(d.Children)
		for k := range d.Children {
			if err := memberNulls(f, d, k, path+"."+f.Children[k].Name); err != nil {
				return false, err
			}
		}
		d.Buffers[0], d.Nulls, d.Padded = nil, 0, false
	}
	for k := range d.Children {
		child := d.Children[k]
		below, err := u.column(&f.Children[k], &child, path+"."+f.Children[k].Name)
		if err != nil {
			return false, err
		}
		if below && !changed {
			changed = true
			d.Children = slices.Clone(d.Children)
		}
		if below {
			d.Children[k] = child
		}
	}
	return changed, nil
}

// dictionary does so with the values of a column's dictionary. Where they change they are those of another one, which goes on being in
// its place.
func (u *Unions) dictionary(f *ipc.Field, d *column.Data, path string) (changed bool, err error) {
	v := d.Values.Column()
	if v == nil || !hasUnion(f) {
		return false, nil
	}
	own := u.own[f.Dictionary.ID]
	if own == nil || own.from != d.Dictionary {
		own = &ownValues{from: d.Dictionary}
		u.own[f.Dictionary.ID] = own
	}
	if own.of != v {
		of, values := *f, *v
		of.Dictionary, of.Nullable = nil, true
		changed, err := u.column(&of, &values, path+".dictionary")
		if err != nil {
			return false, err
		}
		own.of = v
		switch {
		case !changed && own.dictionary == nil:
		case own.dictionary == nil:
			own.dictionary = column.ColumnDictionary(&values)
		default:
			own.dictionary.SetColumn(&values)
		}
	}
	if own.dictionary == nil {
		return false, nil
	}
	d.Dictionary, d.Values = own.dictionary, own.dictionary.Values()
	return true, nil
}

// memberNulls makes the values of member k null that null rows of the union d have.
func memberNulls(f *ipc.Field, d *column.Data, k int, path string) error {
	of := &f.Children[k]
	id := byte(k)
	if f.Type.TypeIDs != nil {
		id = byte(f.Type.TypeIDs[k])
	}
	member := &d.Children[k]
	at := func(i int) int { return i }
	if f.Type.Variant == 1 {
		at = func(i int) int { return int(int32(binary.LittleEndian.Uint32(d.Buffers[2][4*i:]))) }
	}
	var validity []byte
	for i := range d.Len {
		if d.Buffers[1][i] != id || !d.IsNull(i) {
			continue
		}
		if validity == nil {
			switch kind := of.Type.Kind; {
			case kind == ipc.KindNull && of.Dictionary == nil:
				return nil
			case !of.Nullable, of.Dictionary == nil && (kind == ipc.KindUnion || kind == ipc.KindRunEndEncoded):
				return fmt.Errorf("lightstream: column %q: %w: row %d of the union is null by itself, as only old messages have it, and its member has no place for that; leave the column out, or have it sent with members that may be null", path, ipc.ErrUnsupported, i)
			}
			if validity = bytes.Repeat([]byte{0xFF}, (member.Len+7)/8); member.Buffers[0] != nil {
				copy(validity, member.Buffers[0])
			}
		}
		validity[at(i)>>3] &^= 1 << (at(i) & 7)
	}
	if validity == nil {
		return nil
	}
	for i := range d.Len { // rows of a dense union may share a value
		if j := at(i); d.Buffers[1][i] == id && !d.IsNull(i) && validity[j>>3]&(1<<(j&7)) == 0 && !member.IsNull(j) {
			return fmt.Errorf("lightstream: column %q: %w: row %d of the union has the value of a row that is null by itself", path, ipc.ErrUnsupported, i)
		}
	}
	member.Buffers[0], member.Nulls, member.Padded = validity, 0, false
	for j := range member.Len {
		if member.IsNull(j) {
			member.Nulls++
		}
	}
	return nil
}
