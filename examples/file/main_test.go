package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	rt "github.com/lightstream-go/lightstream/runtime"
)

const want = `7 batches; batch 2 has 48 readings, 2 of them null
warmest: 21.0 °C, roof, 2025-03-12 14:00:00
`

func TestRun(t *testing.T) {
	for _, name := range []string{"", filepath.Join(t.TempDir(), "kept.arrow")} {
		var out strings.Builder
		if err := run(t.Context(), &out, name); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", &out, want)
		}
	}
}

// TestReference reads the file with arrow-go.
func TestReference(t *testing.T) {
	name := filepath.Join(t.TempDir(), "readings.arrow")
	if err := write(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := ipc.NewFileReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n := r.NumRecords(); n != 7 {
		t.Fatalf("%d batches, want 7", n)
	}
	for i := range r.NumRecords() {
		rec, err := r.RecordBatchAt(i)
		if err != nil {
			t.Fatal(err)
		}
		if rec.NumRows() != 48 || rec.Column(2).NullN() != 2 || rec.Column(1).ValueStr(47) != "cellar" {
			t.Errorf("batch %d: %v", i, rec)
		}
		rec.Release()
	}
}

func TestIncomplete(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cut.arrow")
	if err := write(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 4000); err != nil {
		t.Fatal(err)
	}
	if err := read(os.Stdout, name, 0); !errors.Is(err, rt.ErrTruncated) {
		t.Errorf("%v, want %v", err, rt.ErrTruncated)
	}
}
