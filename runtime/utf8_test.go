package rt_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// invalidTexts are no UTF-8: short and long, wrong at the start, in the middle and at the end.
var invalidTexts = []string{
	"\xff", "a\x80", "ab\xc3", "\xed\xa0\x80", "12345\xe2\x82", "12345678\xc0\xaf", "123456789abcdef\xf0",
	strings.Repeat("x", 40) + "\xfe", strings.Repeat("ü", 40)[1:], strings.Repeat("€", 50) + "\xe2\x82",
}

// wantUTF8 fails where err does not tell that the text of a row is not valid.
func wantUTF8(t *testing.T, err error, name string, row int) {
	t.Helper()
	var v *column.ValueError
	if !errors.Is(err, column.ErrUTF8) || !errors.As(err, &v) || v.Column != name || v.Row != row {
		t.Fatalf("%v, want column %q, row %d: %v", err, name, row, column.ErrUTF8)
	}
	if !strings.Contains(err.Error(), "ToValidUTF8") {
		t.Fatalf("%v does not say what helps", err)
	}
}

// allRow returns a row of the table whose times are in range.
func allRow() (row feed.All) {
	v := reflect.ValueOf(&row).Elem()
	for i := range v.NumField() {
		if at, ok := v.Field(i).Addr().Interface().(*time.Time); ok {
			*at = time.Unix(1, 0).UTC()
		}
	}
	return row
}

// TestBuildersRefuseInvalidText sets each text of a row that has every kind of them to one that is not valid.
func TestBuildersRefuseInvalidText(t *testing.T) {
	typ := reflect.TypeFor[feed.All]()
	fields := 0
	for i := range typ.NumField() {
		set := func(row *feed.All, s string) bool {
			switch f := reflect.ValueOf(row).Elem().Field(i).Addr().Interface().(type) {
			case *string:
				*f = s
			case **string:
				*f = &s
			case *rt.Null[string]:
				*f = rt.Some(s)
			default:
				return false
			}
			return true
		}
		if !set(new(feed.All), "") {
			continue
		}
		fields++
		name := feed.AllTable.Schema().Fields[i].Name
		for _, s := range invalidTexts {
			rows := []feed.All{allRow(), allRow(), allRow()}
			set(&rows[2], s)
			byRow, byRows := feed.NewAllBuilder(nil), feed.NewAllBuilder(nil)
			for _, row := range rows {
				byRow.Append(row)
			}
			byRows.AppendRows(rows)
			for _, b := range []*feed.AllBuilder{byRow, byRows} {
				wantUTF8(t, b.Err(), name, 2)
				if err := feed.NewAllWriter(new(bytes.Buffer), nil).Write(t.Context(), b); !errors.Is(err, column.ErrUTF8) {
					t.Fatalf("%s: a builder with an error was sent: %v", name, err)
				}
				if b.Truncate(2); b.Err() != nil || b.Len() != 2 {
					t.Fatalf("%s: %d rows, %v after the row was taken back", name, b.Len(), b.Err())
				}
			}
		}
	}
	if fields < 15 {
		t.Fatalf("%d fields of text, want all forms of them", fields)
	}
}

// TestTextOfAnyLength sends valid texts of all lengths and several scripts, which the checks must let pass as they are.
func TestTextOfAnyLength(t *testing.T) {
	var texts []string
	for _, script := range []string{"x", "ü", "€", "🙂", "aü€🙂"} {
		for n := range 40 {
			texts = append(texts, strings.Repeat(script, n), "a"+strings.Repeat(script, n))
		}
	}
	b := feed.NewAllBuilder(nil)
	var rows []feed.All
	for _, s := range texts {
		row := allRow()
		row.Text, row.LargeText, row.ViewText, row.Dict32, row.PtrText, row.NullViewText = s, s, s, s, &s, rt.Some(s)
		rows = append(rows, row)
	}
	b.AppendRows(rows[:len(rows)/2])
	for _, row := range rows[len(rows)/2:] {
		b.Append(row)
	}
	b.Text().Reset()
	b.Text().AppendAll(texts)
	var buf bytes.Buffer
	w := feed.NewAllWriter(&buf, nil)
	if err := w.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	batch, err := feed.NewAllReader(&buf, &rt.ReaderOptions{Validate: ipc.UTF8}).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range texts {
		for _, have := range []string{batch.Text().At(i), batch.LargeText().At(i), batch.ViewText().At(i), batch.Dict32().At(i), batch.PtrText().At(i), batch.NullViewText().At(i)} {
			if have != s {
				t.Fatalf("row %d: %q, want %q", i, have, s)
			}
		}
	}
}

// TestWriterDropsRowsWithInvalidText wants a row that is refused to be the only one that is lost.
func TestWriterDropsRowsWithInvalidText(t *testing.T) {
	var buf bytes.Buffer
	ctx := context.Background()
	w := feed.NewTradeWriter(&buf, &rt.WriterOptions{BatchRows: 2})
	bad := "\xff"
	want := 0
	for i := range 7 {
		row := feed.Trade{Time: time.Unix(1, 0), Symbol: "A", Size: int64(i)}
		switch i {
		case 1:
			row.Symbol = bad
		case 4:
			row.Note = &bad
		}
		switch err := w.Append(ctx, row); {
		case i == 1 || i == 4:
			if !errors.Is(err, column.ErrUTF8) {
				t.Fatalf("row %d: %v", i, err)
			}
		case err != nil:
			t.Fatal(err)
		default:
			want++
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if s := w.Stats(); s.Rows != int64(want) || s.Dropped != 2 {
		t.Fatalf("%+v, want %d rows and 2 dropped", s, want)
	}
	n := 0
	for row, err := range feed.NewTradeReader(&buf, &rt.ReaderOptions{Validate: ipc.UTF8}).Rows(ctx) {
		if err != nil || row.Size == 1 || row.Size == 4 {
			t.Fatal(row, err)
		}
		n++
	}
	if n != want {
		t.Fatalf("%d rows, want %d", n, want)
	}
}
