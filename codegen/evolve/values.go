package evolve

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// reads says whether readers of column want read all values of a column have, whose schema they accept.
func reads(want, have *Column, readers string) way {
	v := values{want.named(), have.named()}
	if reason := v.fails(&want.Field, &have.Field); reason != "" {
		return way{false, readers + " fail at " + reason}
	}
	return way{true, ""}
}

// values is what is known of the fields of a reader's column, and of those of a stream's.
type values struct{ want, have map[*ipc.Field]knowledge }

// unnamed says which texts a field of names does not know, "" if it knows all that may come.
func (v *values) unnamed(wanted, had *ipc.Field) string {
	want, have := v.want[wanted], v.have[had]
	switch {
	case !want.names:
		return ""
	case !have.names:
		return "texts that are none of its names"
	case want.values == nil || have.values == nil: // the program knows
		return ""
	}
	for _, v := range have.values {
		if !slices.ContainsFunc(want.values, func(w Value) bool { return w.Name == v.Name }) {
			return "the name " + v.Name + ", which they do not know"
		}
	}
	return ""
}

// fails says which values that a stream may hold do not fit a reader's field, "" if all do.
func (v *values) fails(want, have *ipc.Field) string {
	w, h := want.Type, have.Type
	finite := w.Kind == ipc.KindTimestamp || w.Kind == ipc.KindTime || w.Kind == ipc.KindDuration
	switch { // of runs the values say whether there are nulls
	case w.Kind == ipc.KindRunEndEncoded && h.Kind != ipc.KindRunEndEncoded:
		return cmp.Or(tooManyRows(&want.Children[0], nil), v.fails(&want.Children[1], have))
	case w.Kind != ipc.KindRunEndEncoded && h.Kind == ipc.KindRunEndEncoded:
		return v.fails(want, &have.Children[1])
	case w.Kind == ipc.KindRunEndEncoded:
		return cmp.Or(tooManyRows(&want.Children[0], &have.Children[0]), v.fails(&want.Children[1], &have.Children[1]))
	case have.Nullable && !want.Nullable:
		return "a null"
	case h.Kind == ipc.KindNull:
		return ""
	case v.unnamed(want, have) != "":
		return v.unnamed(want, have)
	case finite && w.Unit < h.Unit:
		return fmt.Sprintf("a time that is no whole number of unit %v", w.Unit)
	case w.Kind == ipc.KindDate && w.Variant < h.Variant:
		return "a time that is no whole day"
	case w.Kind == ipc.KindFixedSizeBinary && h.IsBinary():
		return fmt.Sprintf("a value that has not %d bytes", w.Width)
	case want.Dictionary != nil && !v.want[want].names: // names are looked at one by one
		most := uint64(math.MaxUint64)
		if have.Dictionary != nil {
			most = capacity(have.Dictionary.Index)
		} else if ipc.ValueWidth(h) == 1 {
			most = math.MaxUint8
		}
		if n := capacity(want.Dictionary.Index); n < math.MaxInt32 && n < most {
			return fmt.Sprintf("more than %d different values", n+1)
		}
	}
	for i := range want.Children {
		if child := childOf(have, want, i); child != nil {
			if reason := v.fails(&want.Children[i], child); reason != "" {
				return reason + " in " + quoted(want.Children[i].Name)
			}
		}
	}
	return ""
}

// tooManyRows says how many rows the run ends of a column do not count that those of another do, "" if they count them all. 32 bits
// count all that come in practice.
func tooManyRows(want, have *ipc.Field) string {
	if want.Type.Bits >= 32 || have != nil && have.Type.Bits <= want.Type.Bits {
		return ""
	}
	return fmt.Sprintf("a batch of more than %d rows", capacity(want.Type))
}

// childOf returns the child of have that becomes child i of want: that of the same name where names tell them apart.
func childOf(have, want *ipc.Field, i int) *ipc.Field {
	if want.Type.Kind != ipc.KindStruct && want.Type.Kind != ipc.KindUnion {
		if i < len(have.Children) {
			return &have.Children[i]
		}
		return nil
	}
	for k := range have.Children {
		if have.Children[k].Name == want.Children[i].Name {
			return &have.Children[k]
		}
	}
	return nil
}

// capacity returns the largest index of an integer type.
func capacity(t ipc.Type) uint64 {
	bits := t.Bits
	if t.Signed {
		bits--
	}
	return 1<<bits - 1
}
