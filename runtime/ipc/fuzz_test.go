package ipc_test

import (
	"bytes"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// levels reads input at each level of checks. What one accepts those below it accept too, with as many rows.
func levels(t *testing.T, in []byte, read func(opts *ipc.ReaderOptions) (int64, error)) {
	budget := mem.NewBudget(64 << 20)
	pool := mem.NewPool(&mem.PoolOptions{Budget: budget})
	var below error
	var belowRows int64
	for _, level := range []ipc.Level{ipc.Structure, ipc.Contents, ipc.UTF8} {
		rows, err := read(&ipc.ReaderOptions{Validate: level, Pool: pool})
		wellTyped(t, err, len(in))
		if level != ipc.Structure && (err == nil && below != nil || err == nil && rows != belowRows) {
			t.Fatalf("level %d: %d rows, and below it %d and %v", level, rows, belowRows, below)
		}
		below, belowRows = err, rows
		if used := budget.Used(); used != 0 {
			t.Fatalf("level %d: %d bytes are held at the end: %v", level, used, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, p := range seeds(f) {
		f.Add(p)
	}
	for _, c := range hostileCases() {
		if len(c.stream) < 4<<10 {
			f.Add(c.stream)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		levels(t, in, func(opts *ipc.ReaderOptions) (int64, error) { return readAll(bytes.NewReader(in), opts) })
	})
}

func FuzzFileReader(f *testing.F) {
	for _, p := range fileSeeds(f) {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		levels(t, in, func(opts *ipc.ReaderOptions) (int64, error) { return readFile(in, opts) })
	})
}

func FuzzMessageDecoder(f *testing.F) {
	b := feed.NewTradeBuilder(nil)
	b.Append(feed.Trade{Time: unix(1), Symbol: "A"})
	b.Append(feed.Trade{Time: unix(2), Symbol: "B"})
	p, err := feed.TradeTable.AppendBatch(nil, b)
	if err != nil || len(p) == 0 {
		f.Fatal(len(p), err)
	}
	f.Add(p)
	f.Add(append(p, it.End...))
	schema := feed.TradeTable.Schema()
	f.Fuzz(func(t *testing.T, in []byte) {
		levels(t, in, func(opts *ipc.ReaderOptions) (int64, error) {
			d, err := ipc.NewMessageDecoder(schema, opts)
			if err != nil {
				t.Fatal(err)
			}
			h, err := d.Decode(in)
			if err != nil {
				if h != (ipc.Batch{}) {
					t.Fatalf("a batch as well as %v", err)
				}
				return 0, err
			}
			defer h.Release()
			if opts.Validate != ipc.Structure {
				it.Touch(h, schema)
			}
			return int64(h.Len()), nil
		})
	})
}
