package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/interop/peers/internal/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// dealRows returns rows with each member of the union, and runs.
func dealRows() (rows []tables.Deal) {
	events := []tables.Event{tables.Fill{Price: 1.5, Sizes: []int64{1, 2}}, tables.Remark("né"), nil, tables.Fill{Price: -2}, tables.Remark("")}
	for i := range 60 {
		d := tables.Deal{ID: int64(i), Event: events[i%5], Sparse: events[i/2%5], Events: []tables.Event{}, Venue: fmt.Sprint("venue ", i/7)}
		for k := range i % 4 {
			d.Events = append(d.Events, events[(i+k)%5])
		}
		if i/5%2 == 0 {
			d.Price = rt.Some(float64(i/10) / 4)
		}
		rows = append(rows, d)
	}
	return rows
}

// unionJSON returns a value of a union as mixed.py prints it.
func unionJSON(e tables.Event) any {
	switch e := e.(type) {
	case tables.Fill:
		var sizes any
		if e.Sizes != nil {
			sizes = e.Sizes
		}
		return []any{0, map[string]any{"price": e.Price, "sizes": sizes}}
	case tables.Remark:
		return []any{5, string(e)}
	}
	return []any{6, nil}
}

// TestMixed writes a generated table of unions and runs, which pyarrow reads and writes again from arrays of its own making.
func TestMixed(t *testing.T) {
	if *python == "" {
		t.Skip("no pyarrow without -python; run make interop")
	}
	rows := dealRows()
	var stream bytes.Buffer
	w := tables.NewDealWriter(&stream, nil)
	b := tables.NewDealBuilder(nil)
	for from := 0; from < len(rows); from += 30 {
		b.Reset()
		b.AppendRows(rows[from : from+30])
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.arrows"), filepath.Join(dir, "out.arrows")
	if err := os.WriteFile(in, stream.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(*python, "mixed.py", in, out)
	cmd.Stderr = os.Stderr
	printed, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(printed)), "\n")
	if len(lines) != len(rows) {
		t.Fatalf("pyarrow reads %d rows of %d", len(lines), len(rows))
	}
	for i, r := range rows {
		events := []any{}
		for _, e := range r.Events {
			events = append(events, unionJSON(e))
		}
		var price any
		if r.Price.Valid {
			price = r.Price.V
		}
		text, err := json.Marshal([]any{r.ID, unionJSON(r.Event), unionJSON(r.Sparse), events, r.Venue, price})
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("row %d: pyarrow reads %s, want %s", i, lines[i], text)
		}
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	i := 0
	for row, err := range tables.NewDealReader(f, nil).Rows(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(row, rows[i]) {
			t.Errorf("row %d: %+v comes back, want %+v", i, row, rows[i])
		}
		i++
	}
	if i != len(rows) {
		t.Errorf("%d rows come back, want %d", i, len(rows))
	}
}
