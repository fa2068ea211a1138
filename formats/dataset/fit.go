package dataset

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// fitted is how the columns of one schema become those of another.
type fitted struct {
	want  *ipc.Schema
	from  []int // for each column wanted, -1 for one that is absent
	widen []conversion
}

// FitOptions say what may differ.
type FitOptions struct {
	Missing bool // columns that are absent are null
	Extra   bool // columns that are not wanted are passed over
}

// FitError is a column of a source that does not fit those of the first, or of the schema. It wraps [frame.ErrUnsupported].
type FitError struct {
	Have, Want *ipc.Field // nil for one that is absent
}

func (e *FitError) Error() string {
	switch {
	case e.Have == nil:
		return fmt.Sprintf("column %q, %v, is absent", e.Want.Name, e.Want)
	case e.Want == nil:
		return fmt.Sprintf("column %q, %v, is one too many", e.Have.Name, e.Have)
	case e.Wider():
		return fmt.Sprintf("column %q is %s, want %s, and is not converted; %[2]s would hold both", e.Want.Name, e.Have.TypeString(), e.Want.TypeString())
	}
	return fmt.Sprintf("column %q is %s, want %s, and is not converted", e.Want.Name, e.Have.TypeString(), e.Want.TypeString())
}

func (e *FitError) Unwrap() error { return frame.ErrUnsupported }

// Wider tells whether a schema that has the source's type takes the columns of both.
func (e *FitError) Wider() bool {
	if e.Have == nil || e.Want == nil {
		return false
	}
	_, ok := widening(e.Want, e.Have)
	return ok
}

// fit works out how columns of schema s become those of want.
func fit(s, want *ipc.Schema, o FitOptions) (*fitted, error) {
	f := &fitted{want: want, from: make([]int, len(want.Fields)), widen: make([]conversion, len(want.Fields))}
	used := make([]bool, len(s.Fields))
	for i := range want.Fields {
		w := &want.Fields[i]
		at := -1
		for k := range s.Fields { // of several with one name each is taken once, in their order
			if !used[k] && s.Fields[k].Name == w.Name {
				at, used[k] = k, true
				break
			}
		}
		f.from[i] = at
		if at < 0 {
			if !o.Missing || !w.Nullable || w.Dictionary != nil || len(w.Children) != 0 {
				return nil, &FitError{Want: w}
			}
			continue
		}
		var ok bool
		if f.widen[i], ok = widening(&s.Fields[at], w); !ok {
			return nil, &FitError{Have: &s.Fields[at], Want: w}
		}
	}
	for k := range s.Fields {
		if !used[k] && !o.Extra {
			return nil, &FitError{Have: &s.Fields[k]}
		}
	}
	return f, nil
}

// FitText tells whether CSV with columns of these names, which may be parsed as any type, has those of a schema. The error is a [*FitError].
// Without names there is nothing to compare.
func FitText(names []string, want *ipc.Schema, o FitOptions) error {
	if len(names) == 0 {
		return nil
	}
	for i := range want.Fields {
		if w := &want.Fields[i]; !o.Missing && !slices.Contains(names, w.Name) {
			return &FitError{Want: w}
		}
	}
	for _, name := range names {
		if !o.Extra && place(want, name) < 0 {
			return &FitError{Have: &ipc.Field{Name: name, Type: ipc.Utf8, Nullable: true}}
		}
	}
	return nil
}

// same tells whether columns are laid out alike.
func same(a, b *ipc.Field) bool {
	if !a.Type.Equal(b.Type) || len(a.Children) != len(b.Children) || (a.Dictionary == nil) != (b.Dictionary == nil) ||
		a.Dictionary != nil && !a.Dictionary.Index.Equal(b.Dictionary.Index) {
		return false
	}
	for i := range a.Children {
		c, d := &a.Children[i], &b.Children[i]
		named := a.Type.Kind == ipc.KindStruct || a.Type.Kind == ipc.KindUnion
		if named && c.Name != d.Name || c.Nullable && !d.Nullable || !same(c, d) {
			return false
		}
	}
	return true
}

// conversion makes values of one type values of another.
type conversion func(d *column.Data) (column.Data, error)

// widening returns what makes values of one type values of another, nil where they are.
func widening(from, to *ipc.Field) (widen conversion, ok bool) {
	f, t := from.Type, to.Type
	switch {
	case same(from, to):
		return nil, true
	case byteStrings(from) && byteStrings(to) && (f.Equal(t) || f.IsText() && t.IsText() || f.IsBinary() && t.IsBinary()):
		return restring(from, to), true
	case from.Dictionary != nil || to.Dictionary != nil:
		return byDictionary(from, to)
	case len(to.Children) != 0:
	case f.Kind == ipc.KindNull && to.Nullable:
		return func(d *column.Data) (column.Data, error) { return absent(to, d.Len), nil }, true
	case f.Kind == ipc.KindInt && t.Kind == ipc.KindInt && f.Bits < t.Bits && (t.Signed || !f.Signed):
		return func(d *column.Data) (column.Data, error) { return integers(d, f.Bits/8, t.Bits/8, f.Signed), nil }, true
	case f.Kind == ipc.KindFloat && t.Kind == ipc.KindFloat && f.Bits == 32 && t.Bits == 64:
		return floats, true
	case f.Kind == ipc.KindInt && t.Equal(ipc.Float64) && f.Bits <= 32:
		return func(d *column.Data) (column.Data, error) {
			c := integers(d, f.Bits/8, 8, f.Signed)
			for i := range d.Len {
				le.PutUint64(c.Buffers[1][8*i:], math.Float64bits(float64(int64(le.Uint64(c.Buffers[1][8*i:])))))
			}
			return c, nil
		}, true
	}
	return nil, false
}

func integers(d *column.Data, from, to int, signed bool) column.Data {
	c := column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0], mem.Alloc(d.Len * to)}}
	for i := range d.Len {
		src, dst := d.Buffers[1][i*from:(i+1)*from], c.Buffers[1][i*to:(i+1)*to]
		copy(dst, src)
		if signed && int8(src[from-1]) < 0 {
			for k := from; k < to; k++ {
				dst[k] = 0xff
			}
		}
	}
	return c
}

func floats(d *column.Data) (column.Data, error) {
	c := column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0], mem.Alloc(8 * d.Len)}}
	for i := range d.Len {
		le.PutUint64(c.Buffers[1][8*i:], math.Float64bits(float64(math.Float32frombits(le.Uint32(d.Buffers[1][4*i:])))))
	}
	return c, nil
}

// absent returns n nulls of a column that is not nested.
func absent(f *ipc.Field, n int) column.Data {
	d := column.Data{Len: n, Nulls: n, Buffers: [3][]byte{mem.Alloc((n + 7) / 8)}}
	switch t := f.Type; {
	case t.Kind == ipc.KindNull:
		d.Buffers[0] = nil
	case t.Kind == ipc.KindBool:
		d.Buffers[1] = mem.Alloc((n + 7) / 8)
	case t.Kind == ipc.KindUtf8, t.Kind == ipc.KindBinary:
		d.Buffers[1] = mem.Alloc(4 * (n + 1))
	case t.Kind == ipc.KindLargeUtf8, t.Kind == ipc.KindLargeBinary:
		d.Buffers[1] = mem.Alloc(8 * (n + 1))
	case t.Kind == ipc.KindUtf8View, t.Kind == ipc.KindBinaryView:
		d.Buffers[1] = mem.Alloc(16 * n)
	default:
		d.Buffers[1] = mem.Alloc(n * ipc.ValueWidth(t))
	}
	return d
}

// batch makes a batch of the columns wanted.
func (f *fitted) batch(b ipc.Batch) (ipc.Batch, error) {
	columns := make([]column.Data, len(f.from))
	for i, at := range f.from {
		w := &f.want.Fields[i]
		switch {
		case at < 0:
			columns[i] = absent(w, b.Len())
		case f.widen[i] != nil:
			var err error
			if columns[i], err = f.widen[i](b.Column(at)); err != nil {
				return ipc.Batch{}, fmt.Errorf("lightstream: column %q: %w", w.Name, err)
			}
		default:
			columns[i] = *b.Column(at)
		}
		if columns[i].Nulls != 0 && !w.Nullable {
			return ipc.Batch{}, fmt.Errorf("lightstream: column %q: %w", w.Name, column.ErrNotNullable)
		}
	}
	return ipc.NewBatch(b.Len(), columns, b.Release), nil
}

// called is what errors call a source: its name, if it has one.
func called(s Source, i, n int) string {
	if named, ok := s.(interface{ Name() string }); ok {
		return named.Name()
	}
	if i == 0 {
		return "the first"
	}
	return fmt.Sprintf("source %d of %d", i+1, n)
}

// Concat returns the batches of several sources, one source after the other, in the schema of the first, to which those of the others
// are fitted by the rule of this package: the error of one that does not is a [*FitError], and calls a source by its Name, if it has that
// method. It closes them.
func Concat(ctx context.Context, sources []Source, o FitOptions) (Source, error) {
	if len(sources) == 0 {
		return nil, fmt.Errorf("lightstream: %w: no source", fsErr)
	}
	want, err := sources[0].Schema(ctx)
	if err != nil {
		return nil, err
	}
	fits := make([]*fitted, len(sources))
	for i, s := range sources {
		have, err := s.Schema(ctx)
		if err != nil {
			return nil, err
		}
		if fits[i], err = fit(have, want, o); err != nil {
			return nil, fmt.Errorf("lightstream: %s does not fit %s: %w", called(s, i, len(sources)), called(sources[0], 0, len(sources)), err)
		}
	}
	c := &opened{schema: want}
	for _, s := range sources {
		c.close = append(c.close, s.Close)
	}
	at := 0
	c.next = func(ctx context.Context) (ipc.Batch, error) {
		for at < len(sources) {
			b, err := sources[at].Next(ctx)
			if err == io.EOF {
				at++
				continue
			}
			if err != nil {
				return b, err
			}
			fitted, err := fits[at].batch(b)
			if err != nil {
				b.Release()
			}
			return fitted, err
		}
		return ipc.Batch{}, io.EOF
	}
	return c, nil
}
