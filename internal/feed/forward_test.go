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

// TestForwardedAsTheyAre forwards batches whose lists and maps are empty, and whose unions have members without a row: what comes out
// is what came in, byte for byte.
func TestForwardedAsTheyAre(t *testing.T) {
	t.Run("nested", func(t *testing.T) { forwardedAsTheyAre(t, feed.NestedTable) })
	t.Run("tree", func(t *testing.T) { forwardedAsTheyAre(t, feed.TreeTable) })
	t.Run("deep", func(t *testing.T) { forwardedAsTheyAre(t, feed.DeepTable) })
	t.Run("mixed", func(t *testing.T) { forwardedAsTheyAre(t, feed.MixedTable) })
	t.Run("all", func(t *testing.T) { forwardedAsTheyAre(t, feed.AllTable) })
}

func forwardedAsTheyAre[R, B any, W rt.Builder[R]](t *testing.T, table *rt.Table[R, B, W]) {
	random := rapid.Custom(feedtest.Draw[R])
	for round := range 50 {
		var in, out bytes.Buffer
		w, f := rt.NewWriter(table, &in, nil), rt.NewWriter(table, &out, nil)
		b := table.NewBuilder(nil)
		batches := 1 + round%3
		for k := range batches {
			b.Reset()
			for i := range 1 + round%4 {
				b.Append(random.Example(100*round + 10*k + i))
			}
			if err := w.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for batch, err := range rt.NewReader(table, bytes.NewReader(in.Bytes()), nil).Batches(t.Context()) {
			if err := errors.Join(err, f.Forward(t.Context(), batch)); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if s := f.Stats(); s.Forwarded != int64(batches) || s.Encoded != 0 || !bytes.Equal(in.Bytes(), out.Bytes()) {
			t.Fatalf("round %d: of %d batches %d were sent as they came and %d encoded anew; %d bytes became %d", round, batches, s.Forwarded, s.Encoded, in.Len(), out.Len())
		}
	}
}
