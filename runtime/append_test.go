package rt_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// TestAppendFile adds rows to a file several times, with other symbols each time, and reads them all.
func TestAppendFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "trades.arrow")
	w, err := rt.CreateFile(feed.TradeTable, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	var want []feed.Trade
	for k := range 4 {
		rows := trades(50)
		for i := range rows {
			rows[i].Symbol = strings.Repeat(string(rune('a'+(i+7*k)%11)), 1+k%2)
		}
		want = append(want, rows...)
		for i := range rows {
			if err := w.Append(t.Context(), rows[i]); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if w, err = rt.AppendFile(feed.TradeTable, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	w.Abort()
	r, err := rt.OpenFile(feed.TradeTable, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []feed.Trade
	for row, err := range r.Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, row)
	}
	if !reflect.DeepEqual(got, want) || r.NumBatches() != 4 {
		t.Errorf("%d rows in %d batches, want %d in 4", len(got), r.NumBatches(), len(want))
	}
}

// A file with other columns is left as it was.
func TestAppendFileDiffers(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "x.arrow")
	w, err := rt.CreateFile(feed.EveryTable, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = rt.AppendFile(feed.TradeTable, name, nil)
	var differs *rt.SchemaError
	if !errors.As(err, &differs) || !strings.Contains(err.Error(), "columns of a file stay as they are") || !strings.Contains(err.Error(), "file has") {
		t.Fatal(err)
	}
	if _, err := rt.AppendFile(feed.TradeTable, filepath.Join(dir, "none.arrow"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}
