package feed_test

import (
	"bytes"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
)

// TestStaleRows wants rows that are read into memory which is used again to have nothing of what was there: not in fields that are
// columns, and not in those that are none.
func TestStaleRows(t *testing.T) {
	ctx := t.Context()
	sent := rows[feed.All](t, 1)[0]
	sent.Len, sent.Level = 3, 5
	var buf bytes.Buffer
	w := feed.NewAllWriter(&buf, nil)
	if err := w.Append(ctx, sent); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	batch, err := feed.NewAllReader(&buf, nil).Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Release()
	list := []feed.All{{Scratch: []int{1}, Len: 7, Level: 2}}
	if list = batch.AppendTo(list[:0]); len(list) != 1 || list[0].Scratch != nil || list[0].Len != 3 || list[0].Level != 5 {
		t.Errorf("got %+v", list)
	}
}
