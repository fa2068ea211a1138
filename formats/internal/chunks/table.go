package chunks

import (
	"context"
	"io"
	"iter"

	"github.com/lightstream-go/lightstream/formats/text"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// Batch is what a generated batch of rows R does.
type Batch[R any] interface {
	Len() int
	Handle() rt.Handle
	AppendTo(dst []R) []R
	Release()
}

// Table reads batches B of one table. It is for one goroutine at a time; its batches are for any.
type Table[R any, B Batch[R]] struct {
	core  *Core
	adopt *rt.Adopter[B]
}

// NewTable returns a reader of a table over core. Bind binds a builder to the text of its columns.
func NewTable[R any, B Batch[R], W rt.Builder[R]](t *rt.Table[R, B, W], core *Core, opts *text.Options, bind func(W) []*text.Column) (*Table[R, B], error) {
	core.NewSet = func() (*Set, error) {
		s := &Set{Columns: bind(t.NewBuilder(nil))}
		fields := t.Schema().Fields
		for i, c := range t.Columns() {
			o := *opts
			o.NaiveUTC = o.NaiveUTC || c.NaiveUTC
			s.Columns[i].Bind(&fields[i], &o)
			s.Columns[i].SetDefault(c.Default)
		}
		return s, nil
	}
	adopt, err := rt.NewAdopter(t, t.Schema(), nil)
	if err == nil {
		err = core.Start()
	}
	if err != nil {
		return nil, err
	}
	return &Table[R, B]{core, adopt}, nil
}

// Next returns the next batch, which is valid until it is released. The error is io.EOF after the last; a *text.ValueError for a record
// that could not be read, where the options do not let it pass, of whose chunk no rows are given out; or the cause of ctx, which is looked
// at between chunks.
func (r *Table[R, B]) Next(ctx context.Context) (B, error) {
	res, err := r.core.Next(ctx)
	if err != nil {
		var none B
		return none, err
	}
	return r.adopt.Adopt(res.Rows, res.Set.Data, func() { r.core.Give(res.Set) })
}

// Batches yields the batches until the input ends. An error is yielded once, last, with the zero batch.
func (r *Table[R, B]) Batches(ctx context.Context) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		for {
			b, err := r.Next(ctx)
			if err == io.EOF || !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Rows yields the rows of all batches as values of their own. An error is yielded once, last, with the zero row.
func (r *Table[R, B]) Rows(ctx context.Context) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var rows []R
		for b, err := range r.Batches(ctx) {
			if err != nil {
				var none R
				yield(none, err)
				return
			}
			rows = b.AppendTo(rows[:0])
			b.Release()
			for i := range rows {
				if !yield(rows[i], nil) {
					return
				}
			}
		}
	}
}
