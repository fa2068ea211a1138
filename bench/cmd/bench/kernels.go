package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// scalar does value by value in plain Go what a kernel does.
const scalar peer = "scalar Go"

// kernelCell shows a kernel beside scalar Go. Both say how much they found, which is compared first.
func kernelCell(name string, goal float64, start func() (kernel, plain func() int)) *cell {
	return &cell{
		name: "kernel/" + name, time: 50 * time.Millisecond, peers: []peer{ours, scalar}, show: showCalls, goals: map[peer]float64{scalar: goal},
		start: func() (runner, error) {
			kernel, plain := start()
			if a, b := kernel(), plain(); a != b {
				return nil, fmt.Errorf("the kernel found %d, and scalar Go %d", a, b)
			}
			sum := 0
			run := func(f func() int) func() error {
				return func() error { sum += f(); return nil }
			}
			return inMemory(map[peer]func() error{ours: run(kernel), scalar: run(plain)}), nil
		},
	}
}

// packing packs a million bools to bits. Scalar Go does so eight at a time and without branches, which is how it is fastest.
func packing() (kernel, plain func() int) {
	bools := make([]bool, 1_000_000)
	for i := range bools {
		bools[i] = i*i%7 < 3
	}
	packed, other := make([]byte, len(bools)/8), make([]byte, len(bools)/8)
	asm.PackBools(packed, bools)
	same := func(b []byte) int { return int(b[0]) + int(b[len(b)-1]) }
	bit := func(v bool) byte {
		if v {
			return 1
		}
		return 0
	}
	return func() int { asm.PackBools(packed, bools); return same(packed) }, func() int {
		for i := range other {
			c := (*[8]bool)(bools[8*i:])
			other[i] = bit(c[0]) | bit(c[1])<<1 | bit(c[2])<<2 | bit(c[3])<<3 | bit(c[4])<<4 | bit(c[5])<<5 | bit(c[6])<<6 | bit(c[7])<<7
		}
		if !bytes.Equal(packed[:4096], other[:4096]) {
			return -1
		}
		return same(other)
	}
}

// scripts checks a megabyte of text in several scripts.
func scripts() (kernel, plain func() int) {
	text := []byte(strings.Repeat("Arrow, Стрелка, βέλος, 矢 und Pfeile 🏹. ", 20_000))
	count := func(ok bool) int {
		if ok {
			return 1
		}
		return 0
	}
	return func() int { ok, _ := asm.CheckUTF8(text); return count(ok) }, func() int { return count(utf8.Valid(text)) }
}

// rising checks the offsets of a million texts.
func rising() (kernel, plain func() int) {
	offsets := make([]int32, 1_000_001)
	for i := range offsets {
		offsets[i] = int32(12 * i)
	}
	limit := int64(12_000_000)
	return func() int { return asm.CheckOffsets32(offsets, limit) }, func() int {
		before := int32(0)
		for i, v := range offsets {
			if v < before || int64(v) > limit {
				return i
			}
			before = v
		}
		return -1
	}
}

// checking measures what is read when the contents of the text columns of 1 M rows are checked: offsets, indices and validity bits, in
// memory. The speed is that of these bytes.
func checking() *cell {
	c := &cell{name: "contents/check/rows=1M", time: 100 * time.Millisecond, peers: []peer{ours}}
	c.show = func(rate float64) string { return fmt.Sprintf("%.1f GiB/s", rate/(1<<30)) }
	c.start = func() (runner, error) {
		schema, columns := workload.Texts(1_000_000, 1)
		read := 0
		for _, d := range columns {
			read += len(d.Buffers[0]) + len(d.Buffers[1])
		}
		check := ipc.NewChecker(schema)
		call := func() error {
			for i := range columns {
				if err := check.Column(i, &columns[i], ipc.Contents); err != nil {
					return err
				}
			}
			return nil
		}
		return func(_ peer, d time.Duration) (sample, error) {
			s, err := repeat(call, d)
			s.rate *= float64(read)
			return s, err
		}, nil
	}
	return c
}
