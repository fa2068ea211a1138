package v1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"testing"

	"github.com/lightstream-go/lightstream/internal/compat/today"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// orders are the rows that the saved nested stream and file have, in batches of 50.
func orders() (all []Order) {
	leg := func(i int) Leg {
		l := Leg{Side: []string{"buy", "sell"}[i%2], Sizes: []int32{int32(i), -int32(i)}[:i%3]}
		if i%4 != 0 {
			l.Price = rt.Some(float64(i) / 4)
		}
		return l
	}
	for i := range 150 {
		row := Order{
			ID: int64(i), Symbol: fmt.Sprint("SYM", i%(3+i/50)), Venue: fmt.Sprint("venue ", i/7), Band: [2]float64{float64(i), 0.5},
			Past: []Event{Ack{}, nil, Reject("late"), Ack{Fills: []Leg{leg(i)}}}[:i%5%4],
		}
		switch i % 3 {
		case 0:
			row.Event, row.Legs = Ack{Fills: []Leg{leg(i), leg(i + 1)}}, []Leg{leg(i)}
		case 1:
			row.Event, row.Marks = Reject(fmt.Sprint("reason ", i)), map[string]float64{"a": 1, "b": float64(i)}
		}
		if desk := fmt.Sprint("desk ", i/20); i/10%2 == 0 {
			row.Desk = &desk
		}
		if i%4 != 0 {
			row.Tags = []string{"x", fmt.Sprint("tag", i%5)}
		}
		all = append(all, row)
	}
	return all
}

// asJSON returns rows as text, with the types of what an interface holds.
func asJSON(t *testing.T, rows any) string {
	t.Helper()
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSavedOrders reads the saved nested stream and file with the generated code that was saved with them, and with that of today; and
// what the former writes now.
func TestSavedOrders(t *testing.T) {
	write := func(of func(dst io.Writer) *OrderWriter) []byte {
		var buf bytes.Buffer
		w, b := of(&buf), NewOrderBuilder(nil)
		for i := 0; i < 150; i += 50 {
			b.Reset()
			b.AppendRows(orders()[i : i+50])
			if err := w.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	stream := write(func(dst io.Writer) *OrderWriter {
		return NewOrderWriter(dst, &rt.WriterOptions{Dictionaries: ipc.DeltaDictionaries})
	})
	file := write(func(dst io.Writer) *OrderWriter { return rt.NewFileWriter(OrderTable, dst, nil) })
	if *save {
		for name, text := range map[string][]byte{"testdata/orders.arrows": stream, "testdata/orders.arrow": file} {
			if err := os.WriteFile(name, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	savedStream, err := os.ReadFile("testdata/orders.arrows")
	if err != nil {
		t.Fatal(err)
	}
	savedFile, err := os.ReadFile("testdata/orders.arrow")
	if err != nil {
		t.Fatal(err)
	}
	want := orders()
	for what, in := range map[string][]byte{"saved stream": savedStream, "stream written now": stream} {
		var old []Order
		for row, err := range NewOrderReader(bytes.NewReader(in), nil).Rows(t.Context()) {
			if err != nil {
				t.Fatal(what, err)
			}
			old = append(old, row)
		}
		var rows []today.Order
		for row, err := range today.NewOrderReader(bytes.NewReader(in), nil).Rows(t.Context()) {
			if err != nil {
				t.Fatal(what, err)
			}
			rows = append(rows, row)
		}
		sameOrders(t, what, old, rows, want)
	}
	for what, in := range map[string][]byte{"saved file": savedFile, "file written now": file} {
		then, err := rt.NewFileReader(OrderTable, bytes.NewReader(in), int64(len(in)), nil)
		if err != nil {
			t.Fatal(what, err)
		}
		now, err := rt.NewFileReader(today.OrderTable, bytes.NewReader(in), int64(len(in)), nil)
		if err != nil {
			t.Fatal(what, err)
		}
		var old []Order
		for row, err := range then.Rows(t.Context()) {
			if err != nil {
				t.Fatal(what, err)
			}
			old = append(old, row)
		}
		var rows []today.Order
		for row, err := range now.Rows(t.Context()) {
			if err != nil {
				t.Fatal(what, err)
			}
			rows = append(rows, row)
		}
		sameOrders(t, what, old, rows, want)
	}
	if a, b := OrderTable.Fingerprint(), today.OrderTable.Fingerprint(); a != b {
		t.Errorf("the fingerprint is %v, was %v", b, a)
	}
}

func sameOrders(t *testing.T, what string, old []Order, rows []today.Order, want []Order) {
	t.Helper()
	if len(old) != len(want) || len(rows) != len(want) {
		t.Fatalf("%s: %d rows by the saved code and %d by that of today, want %d", what, len(old), len(rows), len(want))
	}
	for i := range want {
		if wanted, then, now := asJSON(t, want[i]), asJSON(t, old[i]), asJSON(t, rows[i]); then != wanted || now != wanted {
			t.Fatalf("%s, row %d: %s by the saved code and %s by that of today, want %s", what, i, then, now, wanted)
		}
		if wanted, now := reflect.TypeOf(want[i].Event), reflect.TypeOf(rows[i].Event); want[i].Event != nil && (reflect.TypeOf(old[i].Event) != wanted || now.Name() != wanted.Name()) {
			t.Fatalf("%s, row %d: event %v by that of today, want %v", what, i, now, wanted)
		}
	}
}
