package main

import (
	"fmt"
	"time"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	"github.com/lightstream-go/lightstream/internal/asm"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

const (
	// pastCaches writes columns past the caches, as generated code does from a number of bytes of rows on.
	pastCaches peer = "past the caches"
	// plainStores is generated code's loop.
	plainStores peer = "plain stores"
)

// pastCacheCells are the experiment by which it was chosen from how many bytes of rows on their columns are written past the caches: rows
// of six numbers become columns as in generated code, and in the cells of the name sent these are then read once, as a system call that
// sends them does.
func pastCacheCells() (list []*cell) {
	for _, sent := range []bool{false, true} {
		for _, size := range []int{1, 4, 8, 16, 32, 64} {
			list = append(list, &cell{
				name: fmt.Sprintf("sizes/past-cache/%s/%dMiB", map[bool]string{false: "filled", true: "sent"}[sent], size),
				time: 100 * time.Millisecond, peers: []peer{pastCaches, plainStores}, show: showCalls,
				start: func() (runner, error) { return filling(size<<20, sent), nil },
			})
		}
	}
	return list
}

// numberColumns are those of rows of six numbers.
type numberColumns struct {
	all            [6][]byte
	id, time       []int64
	open, close    []float64
	volume, trades []uint64
}

func newNumberColumns(rows int) *numberColumns {
	c := new(numberColumns)
	for i := range c.all {
		c.all[i] = mem.Alloc(8 * rows)
	}
	c.id, c.time = column.View[int64](c.all[0]), column.View[int64](c.all[1])
	c.open, c.close = column.View[float64](c.all[2]), column.View[float64](c.all[3])
	c.volume, c.trades = column.View[uint64](c.all[4]), column.View[uint64](c.all[5])
	return c
}

// fill sets the columns to rows as generated code does: block by block, each field in turn.
func (c *numberColumns) fill(rows []tables.Numbers, past bool) {
	for at := 0; at < len(rows); at += rt.BlockRows {
		block := rows[at:min(at+rt.BlockRows, len(rows))]
		id := c.id[at:][:len(block)]
		if !past || !asm.Gather(id, block, &block[0].ID) {
			for i := range block {
				id[i] = block[i].ID
			}
		}
		moment := c.time[at:][:len(block)]
		if !past || !asm.Gather(moment, block, &block[0].Time) {
			for i := range block {
				moment[i] = block[i].Time
			}
		}
		first := c.open[at:][:len(block)]
		if !past || !asm.Gather(first, block, &block[0].Open) {
			for i := range block {
				first[i] = block[i].Open
			}
		}
		last := c.close[at:][:len(block)]
		if !past || !asm.Gather(last, block, &block[0].Close) {
			for i := range block {
				last[i] = block[i].Close
			}
		}
		volume := c.volume[at:][:len(block)]
		if !past || !asm.Gather(volume, block, &block[0].Volume) {
			for i := range block {
				volume[i] = block[i].Volume
			}
		}
		trades := c.trades[at:][:len(block)]
		if !past || !asm.Gather(trades, block, &block[0].Trades) {
			for i := range block {
				trades[i] = block[i].Trades
			}
		}
	}
	if past {
		asm.Gathered()
	}
}

// filling makes columns of so many bytes of rows.
func filling(size int, sent bool) runner {
	rows := workload.Numbers(size / 48)
	c := newNumberColumns(len(rows))
	part := make([]byte, 64<<10) // which stays in a near cache, and is too little for copy to write past it
	call := func(past bool) func() error {
		return func() error {
			c.fill(rows, past)
			for _, column := range c.all {
				for sent && len(column) > 0 {
					column = column[copy(part, column):]
				}
			}
			return nil
		}
	}
	return inMemory(map[peer]func() error{pastCaches: call(true), plainStores: call(false)})
}
