package arrowgo_test

import (
	"bytes"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	aipc "github.com/apache/arrow-go/v18/arrow/ipc"
	"pgregory.net/rapid"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/internal/feed/feedtest"
	"github.com/lightstream-go/lightstream/interop/arrowgo"
)

var (
	_ = feedtest.Union[feed.Event](feed.Ack{}, feed.Reject{}, feed.Remark(""), feed.Mark(0), feed.Expiry{}, feed.Gone{}, nil)
	_ = feedtest.Union[feed.Answer](feed.Reject{}, feed.Maybe{}, feed.List{})
)

// Rows of unions and runs go through a generated table to arrow-go, over its streams, and back: whole and as a part of a record.
func TestMixedTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := make([]feed.Mixed, rapid.IntRange(1, 8).Draw(t, "rows"))
		for i := range rows {
			if rows[i] = feedtest.Draw[feed.Mixed](t); i > 0 && rapid.Bool().Draw(t, "run") {
				rows[i] = rows[i-1]
			}
		}
		b := feed.NewMixedBuilder(nil)
		b.AppendRows(rows)
		var stream bytes.Buffer
		w := feed.NewMixedWriter(&stream, nil)
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		check := func(what string, got feed.MixedBatch, err error, want []feed.Mixed) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			for i, row := range got.AppendTo(nil) {
				if d := feedtest.Difference(want[i], row); d != "" {
					t.Fatalf("%s, row %d: %s", what, i, d)
				}
			}
			if got.Len() != len(want) {
				t.Fatalf("%s: %d rows, want %d", what, got.Len(), len(want))
			}
		}

		// Our stream, their reader.
		r, err := aipc.NewReader(bytes.NewReader(stream.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Release()
		if !r.Next() {
			t.Fatal(r.Err())
		}
		rec := r.RecordBatch()
		got, err := arrowgo.Batch(feed.MixedTable, rec)
		check("their record", got, err, rows)
		from := rapid.IntRange(0, len(rows)).Draw(t, "from")
		to := rapid.IntRange(from, len(rows)).Draw(t, "to")
		part := rec.NewSlice(int64(from), int64(to))
		defer part.Release()
		got, err = arrowgo.Batch(feed.MixedTable, part)
		check("a part of it", got, err, rows[from:to])

		// Our batch, their writer.
		batch, err := feed.NewMixedReader(bytes.NewReader(stream.Bytes()), nil).Next(t.Context())
		check("our batch", batch, err, rows)
		ours, err := arrowgo.RecordBatch(batch.Handle(), feed.MixedTable.Schema())
		if err != nil {
			t.Fatal(err)
		}
		defer ours.Release()
		var again bytes.Buffer
		out := aipc.NewWriter(&again, aipc.WithSchema(ours.Schema()))
		for _, rec := range []arrow.RecordBatch{ours} {
			if err := out.Write(rec); err != nil {
				t.Fatal(err)
			}
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
		batch, err = feed.NewMixedReader(&again, nil).Next(t.Context())
		check("their stream", batch, err, rows)
	})
}
