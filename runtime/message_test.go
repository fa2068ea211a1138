package rt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
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

// TestAppendEnd makes a stream of a schema, batches and an end marker.
func TestAppendEnd(t *testing.T) {
	b := feed.NewTradeBuilder(nil)
	want := trades(30)
	p, err := feed.TradeTable.AppendSchema(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range [][]feed.Trade{want[:10], want[10:]} {
		b.ResetDictionaries()
		b.AppendRows(rows)
		if p, err = feed.TradeTable.AppendBatch(p, b); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for row, err := range feed.NewTradeReader(bytes.NewReader(feed.TradeTable.AppendEnd(p)), nil).Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		same(t, row, want[n])
		n++
	}
	if n != len(want) {
		t.Fatalf("%d rows, want %d", n, len(want))
	}
	for _, err := range feed.NewTradeReader(bytes.NewReader(p), nil).Rows(t.Context()) {
		if err != nil && !errors.Is(err, rt.ErrUnfinished) {
			t.Fatal(err)
		}
	}
}

// TestResetDictionaries wants messages of a builder that is used again to be those of a new one, and streams to have the new dictionaries.
func TestResetDictionaries(t *testing.T) {
	messages(t, feed.AllTable, func(i int) feed.All {
		row := allRow()
		row.Dict8, row.DictU64, row.NullDict32 = fmt.Sprint("a", i), fmt.Sprint("b", i), rt.Some(fmt.Sprint("c", i))
		row.Mood = []feed.Mood{feed.Calm, feed.Happy, feed.Angry}[i%3]
		return row
	}, func(r feed.All) []any { return []any{r.Dict8, r.DictU64, r.NullDict32, r.Mood} })

	mood := []feed.Mood{feed.Calm, feed.Happy, feed.Angry}
	messages(t, feed.MixedTable, func(i int) feed.Mixed { // below lists, unions and runs
		no := feed.Reject{}
		note := feed.Remark(fmt.Sprint("note ", i))
		return feed.Mixed{ID: int64(i), Event: note, Events: []feed.Event{note, feed.Mark(1)}, Answer: no, Pair: [2]feed.Answer{no, no}, Mood: &mood[i%3]}
	}, func(r feed.Mixed) []any { return []any{r.ID, r.Event, r.Events, *r.Mood} })
}

func messages[R, B any, W interface {
	rt.Builder[R]
	ResetDictionaries()
}](t *testing.T, table *rt.Table[R, B, W], row func(i int) R, values func(R) []any) {
	t.Helper()
	used := table.NewBuilder(nil)
	var stream bytes.Buffer
	w := rt.NewWriter(table, &stream, nil)
	for i := range 5 {
		fresh := table.NewBuilder(nil)
		used.ResetDictionaries()
		for range 2 {
			fresh.Append(row(i))
			used.Append(row(i))
		}
		want, err := table.AppendMessage(nil, fresh)
		if err != nil {
			t.Fatal(err)
		}
		have, err := table.AppendMessage(nil, used)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Fatalf("message %d of %s has %d bytes, that of a new builder %d", i, table.Name(), len(have), len(want))
		}
		if err := w.Write(t.Context(), used); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Stats().Replaced == 0 {
		t.Fatalf("%+v: no dictionary was replaced", w.Stats())
	}
	i := 0
	for have, err := range rt.NewReader(table, &stream, nil).Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if have, want := values(have), values(row(i/2)); !reflect.DeepEqual(have, want) {
			t.Fatalf("row %d: %+v, want %+v", i, have, want)
		}
		i++
	}
	if i != 10 {
		t.Fatalf("%d rows, want 10", i)
	}
}
