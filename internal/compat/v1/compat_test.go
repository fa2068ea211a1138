package v1

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

var save = flag.Bool("save", false, "write the stream and the file, which is done once for each format and never again")

// rows are those that the saved stream and file have, in batches of 100.
func rows() (all []Trade) {
	for i := range 300 {
		row := Trade{Time: time.Unix(1_700_000_000, int64(i)*1_000_001).UTC(), Symbol: fmt.Sprint("SYM", i%(3+i/50)), Price: float64(i) / 8, Size: int64(i * i)}
		if i%3 != 0 {
			note := fmt.Sprint("note ", i)
			row.Note = &note
		}
		all = append(all, row)
	}
	return all
}

func write(t *testing.T, w *TradeWriter) {
	t.Helper()
	b := NewTradeBuilder(nil)
	for i := 0; i < 300; i += 100 {
		b.Reset()
		b.AppendRows(rows()[i : i+100])
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSavedStream reads the saved stream with the generated code that was saved with it, and with that of today; and writes with
// the former what the latter reads.
func TestSavedStream(t *testing.T) {
	const name = "testdata/trades.arrows"
	if *save {
		var buf bytes.Buffer
		write(t, NewTradeWriter(&buf, nil))
		if err := os.WriteFile(name, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	saved, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	write(t, NewTradeWriter(&written, nil))
	for what, in := range map[string][]byte{"saved": saved, "written now": written.Bytes()} {
		var old []Trade
		for row, err := range NewTradeReader(bytes.NewReader(in), nil).Rows(t.Context()) {
			if err != nil {
				t.Fatal(what, err)
			}
			old = append(old, row)
		}
		if !reflect.DeepEqual(old, rows()) {
			t.Errorf("%s, read by the saved code: the rows differ", what)
		}
		i := 0
		for row, err := range feed.NewTradeReader(bytes.NewReader(in), nil).Rows(t.Context()) {
			if err != nil {
				t.Fatal(what, err)
			}
			if !reflect.DeepEqual(Trade(row), old[i]) {
				t.Fatalf("%s, read by the code of today: row %d differs", what, i)
			}
			i++
		}
		if i != len(old) {
			t.Errorf("%s, read by the code of today: %d rows", what, i)
		}
	}
}

// TestSavedFile does that with the saved file.
func TestSavedFile(t *testing.T) {
	const name = "testdata/trades.arrow"
	if *save {
		var buf bytes.Buffer
		write(t, rt.NewFileWriter(TradeTable, &buf, nil))
		if err := os.WriteFile(name, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := rt.OpenFile(TradeTable, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []Trade
	for row, err := range r.Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, row)
	}
	if !reflect.DeepEqual(got, rows()) {
		t.Error("the rows differ")
	}
}

// TestFingerprint wants the table to be the one that it was.
func TestFingerprint(t *testing.T) {
	if a, b := TradeTable.Fingerprint(), feed.TradeTable.Fingerprint(); a != b {
		t.Errorf("%x, was %x", b, a)
	}
}
