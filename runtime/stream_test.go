package rt_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/internal/feed"
)

func trades(n int) []feed.Trade {
	rows := make([]feed.Trade, n)
	for i := range rows {
		rows[i] = feed.Trade{
			Time: time.Unix(1_700_000_000, int64(i)).UTC(), Symbol: fmt.Sprintf("SYM%d", i%17),
			Price: float64(i) / 4, Size: int64(i),
		}
		if i%3 == 0 {
			s := fmt.Sprintf("note %d", i)
			rows[i].Note = &s
		}
	}
	return rows
}

func TestStreamRoundTrip(t *testing.T) {
	ctx := context.Background()
	var buf bytes.Buffer
	w := feed.NewTradeWriter(&buf, nil)
	b := feed.NewTradeBuilder(nil)
	want := trades(1000)
	b.AppendRows(want)
	if err := w.Write(ctx, b); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	for _, row := range want[:10] {
		if err := w.Append(ctx, row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	all := append(append([]feed.Trade(nil), want...), want[:10]...)

	r := feed.NewTradeReader(bytes.NewReader(buf.Bytes()), nil)
	n := 0
	for row, err := range r.Rows(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		same(t, row, all[n])
		n++
	}
	if n != len(all) {
		t.Fatalf("%d rows, want %d", n, len(all))
	}
	t.Logf("%+v", r.Stats())

	ar, err := ipc.NewReader(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	for ar.Next() {
		t.Log(ar.RecordBatch().NumRows())
	}
	if ar.Err() != nil && ar.Err() != io.EOF {
		t.Fatal(ar.Err())
	}
}

func same(t *testing.T, got, want feed.Trade) {
	t.Helper()
	note := func(p *string) string {
		if p == nil {
			return "<nil>"
		}
		return *p
	}
	if !got.Time.Equal(want.Time) || got.Symbol != want.Symbol || got.Price != want.Price || got.Size != want.Size || note(got.Note) != note(want.Note) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}
