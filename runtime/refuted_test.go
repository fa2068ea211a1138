package rt_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// mixedRow returns a row whose columns of runs all change with i.
func mixedRow(i int) feed.Mixed {
	return feed.Mixed{
		ID: int64(i), Event: feed.Mark(i), Sparse: feed.Mark(i), Answer: feed.Reject{}, Pair: [2]feed.Answer{feed.Reject{}, feed.Reject{}},
		Venue: fmt.Sprint("v", i), Since: time.Unix(int64(i), 0).UTC(),
	}
}

// TestRunsOfTextsThatGo fills runs with texts of batches whose memory is used again.
func TestRunsOfTextsThatGo(t *testing.T) {
	var in bytes.Buffer
	w := feed.NewTradeWriter(&in, nil)
	for i := range 6 {
		note := fmt.Sprint("note-", i)
		for range 2000 {
			if err := w.Append(t.Context(), feed.Trade{Time: time.Unix(1, 0), Note: &note}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, reuse := range []bool{false, true} {
		b := column.RunBuilderOf[int32](new(column.TextBuilder), (*column.TextBuilder).Append, column.Same[string])
		b.Init(column.Config{Name: "venue", Children: []column.Config{{Name: "run_ends"}, {Name: "values"}}})
		for batch, err := range feed.NewTradeReader(bytes.NewReader(in.Bytes()), &rt.ReaderOptions{Reuse: reuse}).Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			for i := range batch.Len() {
				b.Append(batch.Note().At(i))
			}
			batch.Release()
		}
		if b.NumRuns() != 6 || b.Len() != 12_000 || b.Err() != nil {
			t.Errorf("reuse %v: %d runs of %d rows, %v", reuse, b.NumRuns(), b.Len(), b.Err())
		}
	}
}

// TestLongRuns reads streams of few bytes whose runs stand for 100 Mi items, or whose nulls for as many rows.
func TestLongRuns(t *testing.T) {
	if !column.Native {
		t.Skip("the columns of typed batches are not as they are sent here")
	}
	const n = 100 << 20
	b := feed.NewMixedBuilder(nil)
	row := mixedRow(1)
	row.Tags = []rt.Null[string]{rt.Some("x")}
	b.Append(row)
	message, err := feed.MixedTable.AppendMessage(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := feed.NewMixedReader(bytes.NewReader(message), nil).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	columns := append([]column.Data(nil), ipc.Columns(batch.Handle())...)
	tags := columns[len(columns)-1].Clone()
	tags.Buffers[1] = le32(0, n)
	tags.Children[0].Len = n
	tags.Children[0].Children[0].Buffers[1] = le32(n)
	columns[len(columns)-1] = tags
	var items bytes.Buffer
	w := ipc.NewWriter(&items, feed.MixedTable.Schema(), nil)
	if err := errors.Join(w.Write(t.Context(), 1, columns), w.Close()); err != nil {
		t.Fatal(err)
	}
	for row, err := range feed.NewMixedReader(&items, nil).Rows(t.Context()) {
		if !errors.Is(err, ipc.ErrLimit) || !strings.Contains(err.Error(), "MaxExpanded") {
			t.Errorf("%d tags, %v", len(row.Tags), err)
		}
	}

	field := ipc.Field{Name: "n", Type: ipc.Type{Kind: ipc.KindNull}, Nullable: true}
	var nulls bytes.Buffer
	w = ipc.NewWriter(&nulls, &ipc.Schema{Fields: []ipc.Field{field}}, nil)
	if err := errors.Join(w.Write(t.Context(), n, []column.Data{{Len: n, Nulls: n}}), w.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = openBag(nulls.Bytes(), &rt.ReaderOptions{Limits: &ipc.Limits{MaxExpanded: 1 << 20}}, rt.Column{Field: field}).Next(t.Context())
	if !errors.Is(err, ipc.ErrLimit) || !strings.Contains(err.Error(), "MaxExpanded") {
		t.Errorf("%d nulls: %v", n, err)
	}
}

func le32(values ...uint32) (b []byte) {
	for _, v := range values {
		b = append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	}
	return b
}

// TestRowsBeyondRunEnds appends more rows than the 16-bit run ends of a column count. They go into the next batch.
func TestRowsBeyondRunEnds(t *testing.T) {
	const n = 70_000
	rows := func(p *bytes.Buffer) (rows int64) {
		for batch, err := range feed.NewMixedReader(p, nil).Batches(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range batch.ID() {
				if id != rows {
					t.Fatalf("row %d has number %d", rows, id)
				}
				rows++
			}
			batch.Release()
		}
		return rows
	}
	var out bytes.Buffer
	w := feed.NewMixedWriter(&out, &rt.WriterOptions{BatchBytes: 1 << 30})
	for i := range n {
		row := mixedRow(0)
		row.ID = int64(i)
		if err := w.Append(t.Context(), row); err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := rows(&out); got != n {
		t.Errorf("%d rows came, want %d", got, n)
	}
	out.Reset()
	b := rt.NewBatcher(feed.NewMixedWriter(&out, nil), &rt.BatcherOptions{BatchBytes: 1 << 30, MaxDelay: -1})
	for i := range n {
		row := mixedRow(0)
		row.ID = int64(i)
		if err := b.Append(t.Context(), row); err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if got := rows(&out); got != n || b.Stats().Dropped != 0 {
		t.Errorf("%d rows came of the batcher, want %d", got, n)
	}
}

// TestDelayedRefusal has rows refused when MaxDelay sends them. The next call tells.
func TestDelayedRefusal(t *testing.T) {
	var out bytes.Buffer
	w := feed.NewTradeWriter(&out, &rt.WriterOptions{MaxDelay: time.Millisecond, Dictionaries: ipc.OnceDictionaries})
	defer w.Abort()
	var err error
	for i := 0; i < 1000 && err == nil; i++ {
		err = w.Append(t.Context(), feed.Trade{Time: time.Unix(1, 0), Symbol: fmt.Sprint("S", i)})
		time.Sleep(5 * time.Millisecond)
	}
	if !errors.Is(err, ipc.ErrChanged) {
		t.Errorf("got %v", err)
	}
}

// TestUnionByColumns fills the members of unions first and the rows after.
func TestUnionByColumns(t *testing.T) {
	for _, sparse := range []bool{false, true} {
		b := feed.NewMixedBuilder(nil)
		u := b.Event()
		if sparse {
			u = b.Sparse()
		}
		u.Mark().AppendAll([]float64{10, 20, 30})
		for range 3 {
			u.End(feed.MixedEventMarkID)
		}
		d := u.Data()
		for i, want := range []uint32{0, 1, 2} {
			if !sparse && !bytes.Equal(d.Buffers[2][4*i:][:4], native32(want)) {
				t.Errorf("row %d is %x of its member", i, d.Buffers[2][4*i:][:4])
			}
		}
		if err := u.Err(); err != nil || d.Len != 3 {
			t.Errorf("sparse %v: %d rows, %v", sparse, d.Len, err)
		}
	}
}

func native32(v uint32) []byte { return bytes.Clone(column.Bytes([]uint32{v})) }

// TestListsThatLie reads lists whose offsets lie far behind their items, at the level that does not look at them.
func TestListsThatLie(t *testing.T) {
	schema := &ipc.Schema{Fields: []ipc.Field{{Name: "l", Type: ipc.List, Nullable: true, Children: []ipc.Field{{Name: "item", Type: ipc.Int32}}}}}
	d := column.Data{Len: 3, Nulls: 1, Buffers: [3][]byte{{3}, le32(0, 1e9, 2, 2)}, Children: []column.Data{{Len: 2, Buffers: [3][]byte{nil, le32(1, 2)}}}}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, schema, nil)
	if err := errors.Join(w.Write(t.Context(), 3, []column.Data{d}), w.Close()); err != nil {
		t.Fatal(err)
	}
	for _, level := range []ipc.Level{ipc.Contents, ipc.Structure} {
		opts := &rt.ReaderOptions{Validate: level, Nulls: rt.ZeroNulls, Pool: mem.NewPool(nil)}
		_, err := openBag(out.Bytes(), opts, below(col("l", ipc.List), col("item", ipc.Int32))).Next(t.Context())
		if !errors.Is(err, ipc.ErrMalformed) {
			t.Errorf("level %v: %v", level, err)
		}
	}
}
