package rt_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// TestMessages carries batches through byte slices, without a connection.
func TestMessages(t *testing.T) {
	b := feed.NewTradeBuilder(nil)
	want := trades(500)
	b.AppendRows(want)
	p, err := feed.TradeTable.AppendBatch(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	aligned := mem.Alloc(len(p))
	copy(aligned, p)
	for name, p := range map[string][]byte{"aligned": aligned, "unaligned": append(make([]byte, 0, len(p)+8), p...)[:]} {
		if name == "unaligned" {
			q := mem.Alloc(len(p) + 8)[4:]
			p = q[:copy(q, p)]
		}
		batch, err := feed.TradeTable.DecodeBatch(p)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range batch.AppendTo(nil) {
			same(t, row, want[i])
		}
		batch.Release()
	}
	for n := range len(p) {
		if batch, err := feed.TradeTable.DecodeBatch(p[:n]); err == nil {
			t.Fatalf("%d of %d bytes gave a batch of %d rows", n, len(p), batch.Len())
		}
	}

	p, err = feed.TradeTable.AppendMessage(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for row, err := range feed.NewTradeReader(bytes.NewReader(p), nil).Rows(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		same(t, row, want[n])
		n++
	}
	if n != len(want) {
		t.Fatalf("%d rows, want %d", n, len(want))
	}
}

func TestMessagesDoNotAllocate(t *testing.T) {
	b := feed.NewTradeBuilder(nil)
	b.AppendRows(trades(500))
	dst := mem.Alloc(1 << 20)[:0]
	if _, err := feed.TradeTable.AppendBatch(dst, b); err != nil {
		t.Fatal(err)
	}
	p, _ := feed.TradeTable.AppendBatch(dst, b)
	t.Log(testing.AllocsPerRun(100, func() {
		if _, err := feed.TradeTable.AppendBatch(dst, b); err != nil {
			t.Fatal(err)
		}
	}), testing.AllocsPerRun(100, func() {
		batch, err := feed.TradeTable.DecodeBatch(p)
		if err != nil {
			t.Fatal(err)
		}
		batch.Release()
	}))
}

// TestRowsOutliveTheirBytes wants rows to stay what they are when the bytes of their batch change, texts that lie beside their views
// too.
func TestRowsOutliveTheirBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	b := feed.NewAllBuilder(nil)
	for range 20 {
		b.Append(randomAll(r, "a text that does not stand in its view"))
	}
	p, err := feed.AllTable.AppendBatch(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	aligned := mem.Alloc(len(p))
	copy(aligned, p)
	batch, err := feed.AllTable.DecodeBatch(aligned)
	if err != nil {
		t.Fatal(err)
	}
	rows := batch.AppendTo(nil)
	var want []feed.All
	for i := range batch.Len() {
		want = append(want, batch.Row(i))
	}
	for i := range aligned {
		aligned[i] = 'X'
	}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("rows have become\n%+v, want\n%+v", rows, want)
	}
}
