package rt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"

	"github.com/lightstream-go/lightstream/runtime/internal/ended"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// FileReader reads the batches B, or rows R, of one table from an Arrow IPC file, in any order. Its methods may be called by
// several goroutines.
type FileReader[R, B any] struct {
	core     readerCore
	in       *ipc.FileReader
	close    io.Closer
	mu       sync.Mutex // of what is below, and of core's statistics
	idle     []*fitting // those that nobody uses: each is for one goroutine at a time
	newBatch func(Handle) B
	readRows func(b B, rows []R, from int)
}

// NewFileReader reads the footer of the file of size bytes in src and fits its schema to the table. Nil options mean all
// defaults; Reuse and AllowMissingEnd mean nothing here.
func NewFileReader[R, B any, W Builder[R]](t *Table[R, B, W], src io.ReaderAt, size int64, opts *ReaderOptions) (*FileReader[R, B], error) {
	if opts == nil {
		opts = &ReaderOptions{}
	}
	r := &FileReader[R, B]{newBatch: t.spec.NewBatch, readRows: t.spec.ReadRows}
	r.core = readerCore{opts: opts.forSource(src), table: t.spec.Name, columns: t.spec.Columns, source: ipc.SourceName(src)}
	in, err := ipc.NewFileReader(src, size, r.core.options())
	if err != nil {
		return nil, err
	}
	r.in, r.idle = in, []*fitting{r.core.fit}
	return r, nil
}

// OpenFile is [NewFileReader] of the named file, which Close closes.
func OpenFile[R, B any, W Builder[R]](t *Table[R, B, W], name string, opts *ReaderOptions) (*FileReader[R, B], error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	info, err := f.Stat()
	if err == nil {
		var r *FileReader[R, B]
		if r, err = NewFileReader(t, f, info.Size(), opts); err == nil {
			r.close = f
			return r, nil
		}
	}
	f.Close()
	return nil, err
}

// MapFile is [OpenFile] of a file that is mapped into memory where the system can do that, and read elsewhere; see [mem.Map]. Its
// batches alias the file and must be released before Close, which else returns [mem.ErrInUse]. Zero in Validate means
// [ipc.Structure] here, and in Align [ipc.ValueSize]: nothing of the columns is touched before they are used.
func MapFile[R, B any, W Builder[R]](t *Table[R, B, W], name string, opts *ReaderOptions) (*FileReader[R, B], error) {
	m, err := mem.OpenMap(name)
	if err != nil {
		return nil, err
	}
	r, err := NewFileReader(t, m, m.Size(), opts)
	if err != nil {
		m.Close()
		return nil, err
	}
	r.close = m
	return r, nil
}

// forSource returns the options with the defaults that a source has of its own.
func (o ReaderOptions) forSource(src io.ReaderAt) ReaderOptions {
	own := ipc.ReaderOptions{Validate: o.Validate, Align: o.Align}.ForSource(src)
	o.Validate, o.Align = own.Validate, own.Align
	return o
}

// Close closes a file that [OpenFile] or [MapFile] opened. Batches of one that was read stay valid; while those of one that is
// mapped are not released it returns an error that wraps [mem.ErrInUse].
func (r *FileReader[R, B]) Close() (err error) {
	if r.close != nil {
		err = r.close.Close()
	}
	if !errors.Is(err, mem.ErrInUse) { // else it can be used as before
		r.in.Close()
	}
	return err
}

// Schema returns the schema that the file has.
func (r *FileReader[R, B]) Schema() *ipc.Schema { return r.in.Schema() }

// NumBatches returns the number of batches.
func (r *FileReader[R, B]) NumBatches() int { return r.in.NumBatches() }

func (r *FileReader[R, B]) handle(i int) (Handle, error) {
	h, err := r.in.Batch(i)
	if err != nil {
		return Handle{}, err
	}
	f, err := r.fitting()
	if err != nil {
		h.Release()
		return Handle{}, err
	}
	var stats Stats
	if err = f.apply(h, &stats); err != nil {
		h.Release()
		h = Handle{}
	}
	r.mu.Lock()
	r.core.stats.InPlace += stats.InPlace
	r.core.stats.Converted += stats.Converted
	r.core.stats.Absent += stats.Absent
	r.idle = append(r.idle, f)
	r.mu.Unlock()
	return h, err
}

// fitting returns a fitting that nobody uses. They are all the same.
func (r *FileReader[R, B]) fitting() (*fitting, error) {
	r.mu.Lock()
	if n := len(r.idle); n != 0 {
		f := r.idle[n-1]
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		return f, nil
	}
	r.mu.Unlock()
	return fit(r.core.table, r.core.source, r.core.columns, r.in.Schema(), &r.core.opts)
}

// Batch reads batch i, whose memory is its own until it is released.
func (r *FileReader[R, B]) Batch(i int) (B, error) {
	h, err := r.handle(i)
	if err != nil {
		var none B
		return none, err
	}
	return r.newBatch(h), nil
}

// Batches yields the batches in order. An error is yielded once, last, with the zero batch.
func (r *FileReader[R, B]) Batches(ctx context.Context) iter.Seq2[B, error] {
	return func(yield func(B, error) bool) {
		for i := range r.NumBatches() {
			var b B
			err := ended.Err(ctx)
			if err == nil {
				b, err = r.Batch(i)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Rows yields the rows of all batches in order, as values of their own; see [Reader.Rows].
func (r *FileReader[R, B]) Rows(ctx context.Context) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		var rows []R
		for i := range r.NumBatches() {
			var h Handle
			err := ended.Err(ctx)
			if err == nil {
				h, err = r.handle(i)
			}
			if err != nil {
				var none R
				yield(none, err)
				return
			}
			if !yieldRows(h, &rows, r.newBatch, r.readRows, yield) {
				return
			}
		}
	}
}

// Stats returns what the reader has done so far.
func (r *FileReader[R, B]) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.core.merge(r.in.Stats())
}
