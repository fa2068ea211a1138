package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

const data = "data/flights-50k.arrows"

// TestRun compares the table with what another implementation of Arrow reads in the file.
func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), &out, data); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	fields := func(i int) string { return strings.Join(strings.Fields(lines[i]), " ") }

	routes := reference(t)
	for i, r := range worst(routes) {
		want := fmt.Sprintf("%s → %s %d %.2f min", r.origin, r.destination, routes[r].flights, routes[r].mean())
		if got := fields(1 + i); got != want {
			t.Errorf("route %d is %q, want %q", i, got, want)
		}
	}
	if got, want := fields(1), "DFW → CRP 20 72.65 min"; got != want {
		t.Errorf("the worst route is %q, want %q", got, want)
	}
	for i, pattern := range []string{
		`^from the file 50000 10 1207280 \d+ of 50 columns$`,
		`^over TCP 50000 10 1\d{6} 50 of 50 columns$`,
		`^$`,
		`^file to sums in [\d.]+m?s: [\d.]+ million rows/s, \d+ MB/s$`,
	} {
		if got := fields(8 + i); !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("line %q, want %s", got, pattern)
		}
	}
	if t.Failed() {
		t.Log("\n" + out.String())
	}
}

// reference sums up the file with arrow-go.
func reference(t *testing.T) map[route]delays {
	t.Helper()
	file, err := os.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in, err := ipc.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Release()
	routes := make(map[route]delays)
	for in.Next() {
		rec := in.RecordBatch()
		column := func(name string) any { return rec.Column(rec.Schema().FieldIndices(name)[0]) }
		text := func(name string, i int) string {
			d := column(name).(*array.Dictionary)
			return d.Dictionary().(*array.String).Value(d.GetValueIndex(i))
		}
		for i, minutes := range column("delay").(*array.Int32).Int32Values() {
			r := route{text("origin", i), text("destination", i)}
			routes[r] = delays{routes[r].flights + 1, routes[r].minutes + int(minutes)}
		}
	}
	if err := in.Err(); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	if len(routes) == 0 {
		t.Fatal("no flights")
	}
	return routes
}

// TestAligned checks what the table claims: columns lie at multiples of 64 bytes, and none was copied to get there.
func TestAligned(t *testing.T) {
	file, err := os.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var sent bytes.Buffer
	if err := send(t.Context(), NewFlightReader(file, nil), &sent); err != nil {
		t.Fatal(err)
	}
	in := NewFlightReader(&sent, nil)
	for batch, err := range in.Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		h := batch.Handle()
		for i := range h.NumColumns() {
			if slices.ContainsFunc(h.Column(i).Buffers[:], func(b []byte) bool { return !mem.IsAligned(b, mem.Alignment) }) {
				t.Errorf("batch %d, column %d is not aligned", h.Seq(), i)
			}
		}
	}
	if s := in.Stats(); s.Realigned != 0 || s.InPlace != 50 {
		t.Errorf("%d columns in place, %d buffers moved, want 50 and 0", s.InPlace, s.Realigned)
	}
}

// TestErrors wants an end, with the cause, whatever fails.
func TestErrors(t *testing.T) {
	cut := t.TempDir() + "/cut.arrows"
	whole, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, whole[:len(whole)/2], 0o666); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		cut:           "input ends inside a frame",
		"absent":      "absent",
		"data/go.mod": "not an Arrow stream",
	} {
		if err := run(t.Context(), io.Discard, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
