package rt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// randomAll returns a row with values of r in all fields, or in most of those that may have none. Texts begin with mark.
func randomAll(r *rand.Rand, mark string) (row feed.All) {
	v := reflect.ValueOf(&row).Elem()
	for i := range v.NumField() {
		if !strings.HasPrefix(v.Type().Field(i).Name, "Scratch") {
			randomize(v.Field(i), r, mark)
		}
	}
	return row
}

// randomText begins with mark, and is at times too long to stand in a view itself.
func randomText(r *rand.Rand, mark string) string {
	return fmt.Sprint(mark, r.IntN(20), strings.Repeat(mark, r.IntN(4)))
}

func randomize(v reflect.Value, r *rand.Rand, mark string) {
	switch v.Addr().Interface().(type) {
	case *time.Time:
		v.Set(reflect.ValueOf(time.Unix(r.Int64N(1<<33), 0).UTC()))
		return
	case *time.Duration: // and time of day
		v.SetInt(r.Int64N(int64(24 * time.Hour)))
		return
	case *rt.Decimal32, *rt.Decimal64:
		v.SetInt(r.Int64N(1e9))
		return
	case *rt.Decimal128:
		v.Set(reflect.ValueOf(column.Decimal128From(-r.Int64())))
		return
	case *rt.Decimal256:
		v.Set(reflect.ValueOf(column.Decimal256From(-r.Int64())))
		return
	case *feed.Mood:
		v.Set(reflect.ValueOf([]feed.Mood{feed.Calm, feed.Happy, feed.Angry}[r.IntN(3)]))
		return
	case *struct{}:
		return
	}
	switch v.Kind() {
	case reflect.Array: // of bytes
		for i := range v.Len() {
			v.Index(i).SetUint(r.Uint64N(256))
		}
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(r.Int64() >> (64 - v.Type().Bits()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> (64 - v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(r.NormFloat64())
	case reflect.String:
		v.SetString(randomText(r, mark))
	case reflect.Slice:
		v.SetBytes([]byte(randomText(r, mark)))
	case reflect.Pointer:
		if r.IntN(3) != 0 {
			v.Set(reflect.New(v.Type().Elem()))
			randomize(v.Elem(), r, mark)
		}
	case reflect.Struct: // rt.Null
		if r.IntN(3) != 0 {
			randomize(v.Field(0), r, mark)
			v.Field(1).SetBool(true)
		}
	default:
		panic(v.Type())
	}
}

// zeroOutside wants all bytes of a stream that are no values to be zero: what pads metadata and buffers, bits behind the last row,
// and the values of null rows.
func zeroOutside(t *testing.T, p []byte, schema *ipc.Schema) {
	t.Helper()
	f := new(frame.IPC)
	batches := 0
	for at := 0; at < len(p); {
		m, n, err := f.Decode(p[at:])
		if err != nil || n == 0 {
			t.Fatal(n, err)
		}
		l := m.Batch
		if fb, ok := m.Root.HeaderDictionaryBatch(); ok {
			l = m.Dictionary(fb.Data())
		}
		if l != nil {
			if (m.Head|len(m.Body))%64 != 0 {
				t.Fatalf("a message of %d and %d bytes", m.Head, len(m.Body))
			}
			end := int64(0)
			for i := range l.NumBuffers() {
				offset, length := l.Buffer(i)
				if offset%64 != 0 || offset < end {
					t.Fatalf("buffer %d lies at %d, the one before it ends at %d", i, offset, end)
				}
				zero(t, fmt.Sprint("padding before buffer ", i), m.Body[end:offset])
				end = offset + length
			}
			zero(t, "padding behind the last buffer", m.Body[end:])
		}
		if m.Batch != nil {
			batches++
		}
		at += n
	}
	if batches == 0 {
		t.Fatal("no batches")
	}
	r := ipc.NewReader(bytes.NewReader(p), nil)
	for range batches {
		h, err := r.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for i := range schema.Fields {
			f, d := &schema.Fields[i], h.Column(i)
			bits := [][]byte{d.Buffers[0]}
			if f.Type.Kind == ipc.KindBool {
				bits = append(bits, d.Buffers[1])
			}
			for _, b := range bits {
				if d.Len%8 != 0 && len(b) != 0 && b[len(b)-1]>>(d.Len%8) != 0 {
					t.Errorf("column %s: bits behind the last row are set", f.Name)
				}
			}
			for row := range d.Len {
				if !d.IsNull(row) {
					continue
				}
				switch width := len(d.Buffers[1]) / d.Len; {
				case f.Type.Kind == ipc.KindBool:
					if d.Buffers[1][row/8]>>(row%8)&1 != 0 {
						t.Errorf("column %s: row %d is null and set", f.Name, row)
					}
				case f.Type.Kind == ipc.KindLargeUtf8 || f.Type.Kind == ipc.KindLargeBinary:
					o := column.View[int64](d.Buffers[1])
					if o[row] != o[row+1] {
						t.Errorf("column %s: row %d is null and %d bytes long", f.Name, row, o[row+1]-o[row])
					}
				case f.Dictionary == nil && (f.Type.Kind == ipc.KindUtf8 || f.Type.Kind == ipc.KindBinary):
					o := column.View[int32](d.Buffers[1])
					if o[row] != o[row+1] {
						t.Errorf("column %s: row %d is null and %d bytes long", f.Name, row, o[row+1]-o[row])
					}
				default:
					zero(t, fmt.Sprintf("column %s, null row %d", f.Name, row), d.Buffers[1][row*width:(row+1)*width])
				}
			}
		}
		h.Release()
	}
}

func zero(t *testing.T, what string, p []byte) {
	t.Helper()
	if len(bytes.Trim(p, "\x00")) != 0 {
		t.Errorf("%s: %x", what, p)
	}
}

// TestNothingLeaks fills a builder with what is not to be sent, and then sends something else from its memory.
func TestNothingLeaks(t *testing.T) {
	const secret = "SECRET-"
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 7, 8, 9, 63, 64, 65, 200} {
		for _, file := range []bool{false, true} {
			b := feed.NewAllBuilder(&rt.BuilderOptions{})
			dictionaries := b.Dict8().Dictionary()
			for range 300 {
				row := randomAll(r, secret)
				for v, i := reflect.ValueOf(&row).Elem(), 0; i < v.NumField(); i++ {
					if strings.Contains(v.Type().Field(i).Tag.Get("arrow"), "dict") { // which Reset keeps
						v.Field(i).SetZero()
					}
				}
				b.Append(row)
			}
			if n%2 == 0 {
				b.Reset()
			} else {
				b.Truncate(0)
			}
			for range n {
				b.Append(randomAll(r, "open-"))
			}
			for range 3 { // rows that are cut off again
				b.Append(randomAll(r, "open-"))
			}
			b.Truncate(n)
			var buf bytes.Buffer
			w := rt.NewWriter(feed.AllTable, &buf, nil)
			if file {
				w = rt.NewFileWriter(feed.AllTable, &buf, nil)
			}
			if err := errors.Join(w.Write(context.Background(), b), w.Write(context.Background(), b), w.Close()); err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(buf.Bytes(), []byte(secret)) {
				t.Errorf("%d rows, file %v: what was dropped was sent", n, file)
			}
			if !file {
				zeroOutside(t, buf.Bytes(), feed.AllTable.Schema())
			}
			if dictionaries != b.Dict8().Dictionary() {
				t.Error("Reset has exchanged the dictionary")
			}
		}
	}
}

// TestNothingLeaksFromElsewhere sends columns of others, which have something behind their values: those of a received batch, and
// hand-made ones.
func TestNothingLeaksFromElsewhere(t *testing.T) {
	pool := mem.NewPool(nil)
	poison(pool)
	r := rand.New(rand.NewPCG(7, 8))
	b := feed.NewAllBuilder(nil)
	for range 77 {
		b.Append(randomAll(r, "x"))
	}
	p, err := feed.AllTable.AppendMessage(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	in := ipc.NewReader(bytes.NewReader(p), &ipc.ReaderOptions{Pool: pool})
	h, err := in.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	schema := feed.AllTable.Schema()
	columns := make([]column.Data, len(schema.Fields))
	for i := range columns {
		columns[i] = dirty(*h.Column(i), schema.Fields[i].Type.Kind == ipc.KindBool)
	}
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, schema, nil)
	if err := errors.Join(w.Write(context.Background(), h.Len(), columns), w.Close()); err != nil {
		t.Fatal(err)
	}
	zeroOutside(t, buf.Bytes(), schema)
	again := feed.NewAllReader(&buf, nil)
	out, err := again.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want, err := feed.NewAllReader(bytes.NewReader(p), nil).Next(context.Background())
	if err != nil || !reflect.DeepEqual(out.AppendTo(nil), want.AppendTo(nil)) {
		t.Error("the rows differ", err)
	}
}

// dirty returns a column whose buffers are followed by other bytes, and its bitmaps by set bits.
func dirty(d column.Data, boolean bool) column.Data {
	d.Padded = false
	for k, b := range d.Buffers {
		if b == nil {
			continue
		}
		c := append(append([]byte(nil), b...), bytes.Repeat([]byte{0xA5}, 128)...)[:len(b)]
		if bits := k == 0 || k == 1 && boolean; bits && d.Len%8 != 0 && len(c) > 0 {
			c[len(c)-1] |= 0xFF << (d.Len % 8)
		}
		d.Buffers[k] = c
	}
	return d
}

// TestResetKeepsMemory fills, sends and resets a builder again and again.
func TestResetKeepsMemory(t *testing.T) {
	if !column.Native {
		t.Skip("columns are converted here")
	}
	r := rand.New(rand.NewPCG(9, 10))
	rows := make([]feed.All, 300)
	for i := range rows {
		rows[i] = randomAll(r, "x")
	}
	b := feed.NewAllBuilder(nil)
	w := feed.NewAllWriter(discard{}, nil)
	fill := func() {
		b.Reset()
		b.AppendRows(rows[:100])
		for i := range 50 {
			b.Append(rows[i])
		}
		b.Truncate(120)
		if err := w.Write(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	}
	b.AppendRows(rows)
	fill()
	if a := testing.AllocsPerRun(20, fill); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

// discard takes everything, also in pieces.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (discard) WriteBuffers(bufs [][]byte) (n int64, err error) {
	for _, b := range bufs {
		n += int64(len(b))
	}
	return n, nil
}

// TestValueErrors adds values that do not fit to a table of all types: the error says row and column, Write sends nothing, and
// Truncate or Reset takes it back.
func TestValueErrors(t *testing.T) {
	good := func() feed.All { return randomAll(rand.New(rand.NewPCG(1, 1)), "x") }
	berlin := time.FixedZone("Berlin", 3600)
	for _, c := range []struct {
		column string
		is     error
		edit   func(row *feed.All)
	}{
		{"nano", column.ErrTimeRange, func(row *feed.All) { row.Nano = time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC) }},
		{"nano", column.ErrTimeRange, func(row *feed.All) { row.Nano = time.Time{} }},
		{"null_nano", column.ErrTimeRange, func(row *feed.All) { row.NullNano = rt.Some(time.Date(1676, 1, 1, 0, 0, 0, 0, time.UTC)) }},
		{"ptr_nano", column.ErrTimeRange, func(row *feed.All) { row.PtrNano = new(time.Time) }},
		{"milli", column.ErrTimeRange, func(row *feed.All) { row.Milli = time.Unix(1<<60, 0) }},
		{"micro", column.ErrNaiveTime, func(row *feed.All) { row.Micro = time.Unix(1, 0).In(berlin) }},
		{"null_micro", column.ErrNaiveTime, func(row *feed.All) { row.NullMicro = rt.Some(time.Unix(1, 0).In(berlin)) }},
	} {
		if !strings.Contains(feed.AllTable.Schema().String(), c.column+":") {
			t.Fatalf("no column %q in\n%v", c.column, feed.AllTable.Schema())
		}
		b := feed.NewAllBuilder(nil)
		b.Append(good())
		b.Append(good())
		row := good()
		c.edit(&row)
		b.Append(row)
		b.Append(good())
		var e *column.ValueError
		if err := b.Err(); !errors.As(err, &e) || e.Column != c.column || e.Row != 2 || !errors.Is(err, c.is) {
			t.Errorf("%s: %v", c.column, err)
			continue
		}
		var buf bytes.Buffer
		w := feed.NewAllWriter(&buf, nil)
		if err := w.Write(t.Context(), b); err != b.Err() && err.Error() != b.Err().Error() || buf.Len() != 0 {
			t.Errorf("%s: Write says %v and sent %d bytes", c.column, err, buf.Len())
		}
		b.Truncate(3)
		if b.Err() == nil {
			t.Errorf("%s: cutting off another row took the error back", c.column)
		}
		b.Truncate(2)
		if err := errors.Join(b.Err(), w.Write(t.Context(), b)); err != nil || b.Len() != 2 {
			t.Errorf("%s: after Truncate %v", c.column, err)
		}
		b.AppendRows([]feed.All{good(), row, good()})
		if err := b.Err(); !errors.As(err, &e) || e.Column != c.column || e.Row != 3 {
			t.Errorf("%s in AppendRows: %v", c.column, err)
		}
		b.Reset()
		b.Append(good())
		if err := errors.Join(b.Err(), w.Write(t.Context(), b)); err != nil || b.Len() != 1 {
			t.Errorf("%s: after Reset %v", c.column, err)
		}
		// A writer drops the row and stays usable.
		if err := w.Append(t.Context(), good()); err != nil {
			t.Fatal(err)
		}
		if err := w.Append(t.Context(), row); !errors.As(err, &e) || e.Column != c.column || e.Row != 1 {
			t.Errorf("%s in Writer.Append: %v", c.column, err)
		}
		if err := errors.Join(w.Append(t.Context(), good()), w.Close()); err != nil {
			t.Errorf("%s: %v", c.column, err)
		}
		n := 0
		for got, err := range feed.NewAllReader(&buf, nil).Rows(t.Context()) {
			if err != nil || got.Int64 != good().Int64 {
				t.Fatal(err)
			}
			n++
		}
		if n != 5 {
			t.Errorf("%s: %d rows arrived, want 2, 1 and 2", c.column, n)
		}
	}
}

func TestDictionaryErrors(t *testing.T) {
	row := func(i int) feed.All {
		all := randomAll(rand.New(rand.NewPCG(1, 1)), "x")
		all.Dict8 = fmt.Sprint("value ", i)
		return all
	}
	var e *column.ValueError
	for _, c := range []struct {
		most int
		says string
	}{{0, "it has 128 values, the most that its index type can tell apart; use a wider index"}, {10, "it has 10 values, the most that MaxEntries allows"}} {
		fit := c.most
		if fit == 0 {
			fit = 128
		}
		b := feed.NewAllBuilder(&rt.BuilderOptions{MaxEntries: c.most})
		for i := range fit {
			b.Append(row(i))
		}
		if err := b.Err(); err != nil {
			t.Fatal(err)
		}
		b.Append(row(3)) // one that is there
		b.Append(row(fit))
		if err := b.Err(); !errors.As(err, &e) || e.Column != "dict8" || e.Row != fit+1 || !errors.Is(err, column.ErrDictionaryFull) || !strings.Contains(err.Error(), c.says) {
			t.Error(err)
		}
		b.Reset() // keeps the dictionary
		b.Append(row(fit))
		if err := b.Err(); !errors.Is(err, column.ErrDictionaryFull) {
			t.Error(err)
		}
		b.Reset()
		b.Append(row(0))
		var buf bytes.Buffer
		w := feed.NewAllWriter(&buf, &rt.WriterOptions{Builder: &rt.BuilderOptions{MaxEntries: c.most}})
		for i := range fit + 5 {
			if err := w.Append(t.Context(), row(i)); (i >= fit) != errors.Is(err, column.ErrDictionaryFull) {
				t.Error(i, err)
			}
		}
		if err := errors.Join(w.Write(t.Context(), b), w.Close()); err != nil {
			t.Error(err)
		}
		n := 0
		for _, err := range feed.NewAllReader(&buf, nil).Rows(t.Context()) {
			if n++; err != nil {
				t.Fatal(err)
			}
		}
		if n != fit+1 {
			t.Errorf("%d rows, want %d", n, fit+1)
		}
	}
	// Indices that the caller sets.
	b := feed.NewTradeBuilder(nil)
	b.Append(trades(1)[0])
	b.Time().AppendValue(1)
	b.Price().Append(1)
	b.Size().Append(1)
	b.Note().AppendNull()
	b.Symbol().AppendIndex(7)
	if err := b.Err(); !errors.As(err, &e) || e.Column != "symbol" || e.Row != 1 || !errors.Is(err, column.ErrIndex) {
		t.Error(err)
	}
	var buf bytes.Buffer
	if err := feed.NewTradeWriter(&buf, nil).Write(t.Context(), b); !errors.Is(err, column.ErrIndex) || buf.Len() != 0 {
		t.Error(err, buf.Len())
	}
	b.Symbol().Values()[1] = -1
	if err := b.Err(); !errors.Is(err, column.ErrIndex) {
		t.Error(err)
	}
	b.Symbol().Values()[1] = 0
	if err := b.Err(); err != nil {
		t.Error(err)
	}
}

// TestUnevenColumns fills columns one by one, and not alike.
func TestUnevenColumns(t *testing.T) {
	b := feed.NewTradeBuilder(nil)
	b.Append(trades(1)[0])
	copy(b.Price().Extend(2), []float64{1, 2})
	if err := b.Err(); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := feed.NewTradeWriter(&buf, nil)
	err := w.Write(t.Context(), b)
	if err == nil || !strings.Contains(err.Error(), `column "price" has 3 rows, column "time" has 1`) || buf.Len() != 0 {
		t.Errorf("%v, %d bytes sent", err, buf.Len())
	}
	if _, err := feed.TradeTable.AppendMessage(nil, b); err == nil {
		t.Error("AppendMessage takes it")
	}
	b.Truncate(1)
	if err := errors.Join(w.Write(t.Context(), b), w.Close()); err != nil {
		t.Error(err)
	}
	if n, err := drain(feed.NewTradeReader(&buf, nil)); n != 1 || err != nil {
		t.Error(n, err)
	}
}

// TestZeroBuilder writes a builder that nobody made.
func TestZeroBuilder(t *testing.T) {
	w := feed.NewTradeWriter(io.Discard, nil)
	defer w.Abort()
	err := w.Write(t.Context(), new(feed.TradeBuilder))
	if err == nil || !strings.Contains(err.Error(), "make it with its New function") {
		t.Errorf("got %v", err)
	}
	if err := w.Write(t.Context(), feed.NewTradeBuilder(nil)); err != nil {
		t.Errorf("an empty builder after it: %v", err)
	}
}

// TestSharedDictionaries lets builders take turns that fill the same dictionaries, those below other columns too.
func TestSharedDictionaries(t *testing.T) {
	ctx := context.Background()
	for _, shared := range []bool{true, false} {
		var out bytes.Buffer
		w := feed.NewNestedWriter(&out, nil)
		first := feed.NewNestedBuilder(nil)
		opts := &rt.BuilderOptions{}
		if shared {
			opts.Dictionaries = first
		}
		second := feed.NewNestedBuilder(opts)
		const rounds = 10
		for i := range rounds {
			b := first
			if i%2 == 1 {
				b = second
			}
			b.Reset()
			b.Append(feed.Nested{Viewed: []string{"a", "b"}, Legs: []feed.Leg{{Venue: "x"}, {Venue: "y"}}})
			if err := w.Write(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r := feed.NewNestedReader(&out, nil)
		for row, err := range r.Rows(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(row.Viewed) != "[a b]" || row.Legs[0].Venue != "x" || row.Legs[1].Venue != "y" {
				t.Fatal(row.Viewed, row.Legs)
			}
		}
		if n := r.Stats().Replaced; shared && n != 0 || !shared && n < rounds-1 {
			t.Errorf("shared %v: %d dictionaries were replaced", shared, n)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a builder of trades was taken for one of nested rows")
		}
	}()
	feed.NewNestedBuilder(&rt.BuilderOptions{Dictionaries: feed.NewTradeBuilder(nil)})
}
