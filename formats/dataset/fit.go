package dataset

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// fitted is how the columns of one schema become those of another.
type fitted struct {
	want  *ipc.Schema
	from  []int // for each column wanted, -1 for one that is absent
	widen []func(d *column.Data) column.Data
}

// FitOptions say what may differ.
type FitOptions struct {
	Missing bool // columns that are absent are null
	Extra   bool // columns that are not wanted are passed over
}

// fit works out how columns of schema s become those of want.
func fit(s, want *ipc.Schema, o FitOptions) (*fitted, error) {
	f := &fitted{want: want, from: make([]int, len(want.Fields)), widen: make([]func(*column.Data) column.Data, len(want.Fields))}
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
				return nil, frame.Errorf(frame.ErrUnsupported, "column %q, %v, is absent", w.Name, w)
			}
			continue
		}
		var ok bool
		if f.widen[i], ok = widening(&s.Fields[at], w); !ok {
			return nil, frame.Errorf(frame.ErrUnsupported, "column %q is %s, want %s, and is not converted", w.Name, s.Fields[at].TypeString(), w.TypeString())
		}
	}
	for k := range s.Fields {
		if !used[k] && !o.Extra {
			return nil, frame.Errorf(frame.ErrUnsupported, "column %q, %v, is one too many", s.Fields[k].Name, &s.Fields[k])
		}
	}
	return f, nil
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

// widening returns what makes values of one type values of another, nil where they are.
func widening(from, to *ipc.Field) (widen func(*column.Data) column.Data, ok bool) {
	f, t := from.Type, to.Type
	switch {
	case same(from, to):
		return nil, true
	case from.Dictionary != nil || to.Dictionary != nil || len(to.Children) != 0:
	case f.Kind == ipc.KindNull && to.Nullable:
		return func(d *column.Data) column.Data { return absent(to, d.Len) }, true
	case f.Kind == ipc.KindInt && t.Kind == ipc.KindInt && f.Bits < t.Bits && (t.Signed || !f.Signed):
		return func(d *column.Data) column.Data { return integers(d, f.Bits/8, t.Bits/8, f.Signed) }, true
	case f.Kind == ipc.KindFloat && t.Kind == ipc.KindFloat && f.Bits == 32 && t.Bits == 64:
		return floats, true
	case f.Kind == ipc.KindInt && t.Equal(ipc.Float64) && f.Bits <= 32:
		return func(d *column.Data) column.Data {
			c := integers(d, f.Bits/8, 8, f.Signed)
			for i := range d.Len {
				le.PutUint64(c.Buffers[1][8*i:], math.Float64bits(float64(int64(le.Uint64(c.Buffers[1][8*i:])))))
			}
			return c
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

func floats(d *column.Data) column.Data {
	c := column.Data{Len: d.Len, Nulls: d.Nulls, Buffers: [3][]byte{d.Buffers[0], mem.Alloc(8 * d.Len)}}
	for i := range d.Len {
		le.PutUint64(c.Buffers[1][8*i:], math.Float64bits(float64(math.Float32frombits(le.Uint32(d.Buffers[1][4*i:])))))
	}
	return c
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
			columns[i] = f.widen[i](b.Column(at))
		default:
			columns[i] = *b.Column(at)
		}
		if columns[i].Nulls != 0 && !w.Nullable {
			return ipc.Batch{}, fmt.Errorf("lightstream: column %q: %w", w.Name, column.ErrNotNullable)
		}
	}
	return ipc.NewBatch(b.Len(), columns, b.Release), nil
}

// Concat returns the batches of several sources, one source after the other, in the schema of the first, to which those of the others
// are fitted by the rule of this package. It closes them.
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
			return nil, fmt.Errorf("lightstream: source %d of %d does not fit the first: %w", i+1, len(sources), err)
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
