package main

import (
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// A cell is the value of a key in a cache or database that keeps bytes:
//
//	 0  16  fingerprint of the schema
//	16  48  zeros, so that the batch starts at a multiple of 64 and its columns lie as Arrow wants them
//	64   n  a batch, as AppendBatch makes it
//
// The schema is not in the cell: the program has it. What the fingerprint says is that it is still the one that the cell was made
// with.
const headSize = 64

// encode returns the rows of b as a cell.
func encode(b *ForecastBuilder) ([]byte, error) {
	cell := mem.Alloc(4 << 10)[:headSize] // aligned and zeroed
	f := ForecastTable.Fingerprint()
	copy(cell, f[:])
	return ForecastTable.AppendBatch(cell, b)
}

// errStale tells that a cell was made with another schema, by an older or newer program. It is to be made anew.
type errStale struct{ have, want ipc.Fingerprint }

func (e *errStale) Error() string {
	return fmt.Sprintf("the cell has schema %x, want %x", e.have, e.want)
}

// decode returns the batch of a cell. Its columns alias the cell.
func decode(cell []byte) (ForecastBatch, error) {
	if len(cell) < headSize {
		return ForecastBatch{}, fmt.Errorf("a cell of %d bytes, want at least %d", len(cell), headSize)
	}
	want := ForecastTable.Fingerprint()
	if have := ipc.Fingerprint(cell[:len(want)]); have != want {
		return ForecastBatch{}, &errStale{have, want}
	}
	return ForecastTable.DecodeBatch(cell[headSize:])
}
