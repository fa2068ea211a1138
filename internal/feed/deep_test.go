package feed_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/internal/feed/feedtest"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// TestDeepRoundTrip sends random rows with every type at depth three: Go rows, builder, stream, reader, Go rows.
func TestDeepRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := make([]feed.Deep, rapid.IntRange(0, 6).Draw(t, "rows"))
		for i := range all {
			all[i] = feedtest.Draw[feed.Deep](t)
		}
		b := feed.NewDeepBuilder(nil)
		half := len(all) / 2
		for _, row := range all[:half] {
			b.Append(row)
		}
		b.AppendRows(all[half:])
		var stream bytes.Buffer
		w := feed.NewDeepWriter(&stream, nil)
		if err := errors.Join(w.Write(t.Context(), b), w.Close()); err != nil {
			t.Fatal(err)
		}
		batch, err := rt.NewReader(feed.DeepTable, bytes.NewReader(stream.Bytes()), nil).Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		read := batch.AppendTo(nil)
		for i := range all {
			if d := feedtest.Difference(all[i], read[i]); d != "" {
				t.Fatalf("row %d: %s", i, d)
			}
			if d := feedtest.Difference(all[i], batch.Row(i)); d != "" {
				t.Fatalf("Row(%d): %s", i, d)
			}
		}
		i := 0
		for row, err := range feed.NewDeepReader(&stream, nil).Rows(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if d := feedtest.Difference(all[i], row); d != "" {
				t.Fatalf("row %d: %s", i, d)
			}
			i++
		}
		if i != len(all) {
			t.Fatalf("%d rows, want %d", i, len(all))
		}
	})
}
