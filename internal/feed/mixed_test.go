package feed_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/internal/feed/feedtest"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var (
	_ = feedtest.Union[feed.Event](feed.Ack{}, feed.Reject{}, feed.Remark(""), feed.Mark(0), feed.Expiry{}, feed.Gone{}, nil)
	_ = feedtest.Union[feed.Answer](feed.Reject{}, feed.Maybe{}, feed.List{})
)

// Random rows of unions and runs come out of a stream as they went in, however they are written and read.
func TestMixedRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := make([]feed.Mixed, rapid.IntRange(0, 12).Draw(t, "rows"))
		for i := range all {
			if all[i] = feedtest.Draw[feed.Mixed](t); i > 0 && rapid.Bool().Draw(t, "run") { // of more than one row
				id := all[i].ID
				all[i], all[i].ID = all[i-1], id
			}
		}
		b := feed.NewMixedBuilder(nil)
		half := len(all) / 2
		for _, row := range all[:half] {
			b.Append(row)
		}
		b.AppendRows(all[half:])
		var stream bytes.Buffer
		w := feed.NewMixedWriter(&stream, nil)
		if err := errors.Join(w.Write(t.Context(), b), w.Close()); err != nil {
			t.Fatal(err)
		}
		for _, level := range []ipc.Level{ipc.Contents, ipc.UTF8, ipc.Structure} {
			r := feed.NewMixedReader(bytes.NewReader(stream.Bytes()), &rt.ReaderOptions{Validate: level})
			batch, err := r.Next(t.Context())
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
		}
		i := 0
		for row, err := range feed.NewMixedReader(bytes.NewReader(stream.Bytes()), nil).Rows(t.Context()) {
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
