package parquet

import (
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// guard calls into arrow-go, whose decoders panic at some malformed files. It is the one place where that is caught, and stands around
// calls of arrow-go alone: they return with nothing of ours locked or half changed.
func guard(call func() error) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case overLimit:
			err = p.err()
		default:
			err = fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrMalformed, "arrow-go cannot go on with what the file has: %v", p))
		}
	}()
	return call()
}

// allocator bounds what arrow-go allocates for one batch.
type allocator struct {
	memory.Allocator
	most int64
	used atomic.Int64
}

func newAllocator(most int64) *allocator {
	return &allocator{Allocator: memory.NewGoAllocator(), most: most}
}

// overLimit is what the allocator panics with, as it has no other way to refuse.
type overLimit struct{ most int64 }

func (o overLimit) err() error {
	return fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrLimit, "a batch needs more than Limits.MaxBatch (%d bytes); raise it or lower Options.BatchRows", o.most))
}

var _ runtime.Error = overLimit{}

func (overLimit) RuntimeError() {}

func (o overLimit) Error() string { return o.err().Error() }

// begin starts a batch.
func (a *allocator) begin() { a.used.Store(0) }

func (a *allocator) take(n int) {
	if n > 0 && a.used.Add(int64(n)) > a.most {
		panic(overLimit{a.most})
	}
}

func (a *allocator) Allocate(n int) []byte {
	a.take(n)
	return a.Allocator.Allocate(n)
}

func (a *allocator) Reallocate(n int, b []byte) []byte {
	a.take(n - len(b))
	return a.Allocator.Reallocate(n, b)
}
