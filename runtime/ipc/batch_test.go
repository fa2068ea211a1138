package ipc_test

import (
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestNewBatch gives the columns back with the last handle.
func TestNewBatch(t *testing.T) {
	released := 0
	columns := []column.Data{{Len: 2, Buffers: [3][]byte{1: make([]byte, 16)}}, {Len: 2, Nulls: 2}}
	b := ipc.NewBatch(2, columns, func() { released++ })
	columns[0] = column.Data{}
	if b.Len() != 2 || b.NumColumns() != 2 || len(b.Column(0).Buffers[1]) != 16 || b.Column(1).Nulls != 2 {
		t.Fatalf("%d rows, %d columns, %+v", b.Len(), b.NumColumns(), ipc.Columns(b))
	}
	again := b.Retain()
	b.Release()
	b.Release()
	if released != 0 || len(again.Column(0).Buffers[1]) != 16 {
		t.Fatalf("released %d times with a handle left", released)
	}
	again.Release()
	if released != 1 {
		t.Errorf("released %d times", released)
	}
	ipc.NewBatch(0, nil, nil).Release()
	defer func() {
		if recover() == nil {
			t.Error("columns of other lengths make a batch")
		}
	}()
	ipc.NewBatch(3, []column.Data{{Len: 2}}, nil)
}
