package ipc

import (
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Maker makes batches of columns that did not come in messages, such as those that were read from another format. It is for one
// goroutine at a time; its batches are for any.
type Maker struct {
	pool *record.Pool
	seq  int64
}

// NewMaker returns a maker of batches. Nil stands for the shared pool.
func NewMaker(pool *mem.Pool) *Maker {
	if pool == nil {
		pool = mem.SharedPool()
	}
	return &Maker{pool: record.NewPool(pool)}
}

// Batch makes a batch of columns whose contents are right. They must not change, and stay valid, until release is called: once, by
// whoever releases the last handle on the batch. It may be nil. The slice of columns is the caller's again.
func (m *Maker) Batch(rows int, columns []column.Data, release func()) Batch {
	h := m.pool.New(rows, len(columns), m.seq)
	m.seq++
	copy(record.Columns(h), columns)
	if release != nil {
		record.Own(h, mem.Wrap(nil, release))
	}
	return h
}
