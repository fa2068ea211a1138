package main

import (
	"context"
	"os"
	"runtime"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// TestConstantMemory passes 256 MiB through the command, of which it never has more than a few batches.
func TestConstantMemory(t *testing.T) {
	const rows, batches = 128 << 10, 256
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, args := range [][]string{{"--to", "stream"}, {"--to", "stream", "--batch-rows", "100000", "--compression", "lz4"}, {"--to", "file"}} {
		in, feed, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		fed := make(chan error, 1)
		most := uint64(0)
		go func() {
			defer feed.Close()
			w := ipc.NewWriter(plainWriter{feed}, &ipc.Schema{Fields: []ipc.Field{{Name: "n", Type: ipc.Int64}}}, nil)
			values := make([]byte, 8*rows)
			for i := range batches {
				if err := w.Write(context.Background(), rows, []column.Data{{Len: rows, Buffers: [3][]byte{nil, values}}}); err != nil {
					fed <- err
					return
				}
				if i%16 != 0 {
					continue
				}
				runtime.GC() // what is in use counts, not how much garbage the collector lets stand
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
			fed <- w.Close()
		}()
		mem.SharedPool().Trim()
		runtime.GC()
		var before runtime.MemStats // what other tests left, such as coders
		runtime.ReadMemStats(&before)
		status := run(context.Background(), append([]string{"cat", "-"}, args...), std{in, null, os.Stderr})
		if err := <-fed; err != nil || status != exitFine {
			t.Fatal(status, err)
		}
		most -= min(most, before.HeapAlloc)
		if most > 96<<20 {
			t.Errorf("%v: %d MiB of memory for batches of 1 MiB", args, most>>20)
		}
		t.Logf("%v: up to %d MiB", args, most>>20)
		in.Close()
	}
}
