package rt_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/internal/feed/feedtest"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// mixedRows returns n rows with values of each member, and runs.
func mixedRows(n int) []feed.Mixed {
	random := rand.New(rand.NewPCG(7, 9))
	name, bad := feed.Name("desk"), feed.Angry
	events := []feed.Event{
		feed.Ack{Price: 1.5, Fills: []feed.Fill{{At: time.Unix(5, 0).UTC(), Sizes: []int64{1, 2}}}, Why: feed.List{"a", "b"}},
		feed.Reject{Reason: "late"},
		feed.Remark("note"), feed.Mark(2.5), feed.Expiry(time.UnixMilli(77).UTC()),
		feed.Gone{},
		nil,
	}
	answers := []feed.Answer{feed.Reject{Reason: "no"}, feed.Maybe(rt.Some(int32(4))), feed.Maybe{}, feed.List(nil), feed.List{"x"}}
	event := func() feed.Event { return events[random.IntN(len(events))] }
	answer := func() feed.Answer { return answers[random.IntN(len(answers))] }
	rows := make([]feed.Mixed, n)
	for i := range rows {
		r := &rows[i]
		*r = feed.Mixed{
			ID: int64(i), Event: event(), Sparse: event(), Answer: answer(), Events: []feed.Event{}, Pair: [2]feed.Answer{answer(), answer()},
			Venue: fmt.Sprint("venue ", i/3), Halted: i/5%2 == 0, Since: time.Unix(int64(i/4), 0).UTC(), Key: [16]byte{byte(i / 2)},
		}
		for range random.IntN(3) {
			r.Events = append(r.Events, event())
		}
		if random.IntN(2) == 0 {
			r.ByName = map[string]feed.Event{"a": event(), "b": event()}
			r.Tags = []rt.Null[string]{rt.Some("t"), rt.Some("t"), {}}
			r.Order = &feed.Ticket{Events: []feed.Event{event()}, Venue: "v", Answer: answer()}
		}
		if i/6%2 == 0 {
			r.Desk, r.Level, r.Raw, r.Mood = &name, rt.Some(float64(i/7)), []byte{1, 2}, &bad
		}
	}
	return rows
}

// mixedStream returns a stream of rows.
func mixedStream(t testing.TB, rows []feed.Mixed) []byte {
	t.Helper()
	b := feed.NewMixedBuilder(nil)
	b.AppendRows(rows)
	p, err := feed.MixedTable.AppendMessage(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A view of a union tells what member a row is of and where its value is; nothing of it is copied.
func TestUnionViews(t *testing.T) {
	rows := []feed.Mixed{
		{Event: feed.Remark("a"), Answer: feed.List{"x", "y"}, Pair: [2]feed.Answer{feed.Maybe{}, feed.Maybe{}}, Venue: "v"},
		{Event: feed.Ack{Price: 3, Why: feed.Maybe{}}, Sparse: feed.Mark(7), Answer: feed.Maybe(rt.Some(int32(9))), Pair: [2]feed.Answer{feed.Maybe{}, feed.Maybe{}}, Venue: "v"},
		{Answer: feed.Reject{Reason: "r"}, Pair: [2]feed.Answer{feed.Maybe{}, feed.Maybe{}}, Events: []feed.Event{nil, feed.Gone{}}, Venue: "w"},
	}
	for i := range rows {
		if rows[i].Events == nil {
			rows[i].Events = []feed.Event{}
		}
	}
	p := mixedStream(t, rows)
	b, err := feed.NewMixedReader(bytes.NewReader(p), nil).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := b.Event()
	if e.Len() != 3 || e.Type(0) != feed.MixedEventRemarkID || e.Type(1) != feed.MixedEventAckID || !e.IsNull(2) || e.IsNull(0) {
		t.Errorf("types %d, %d, null %v", e.Type(0), e.Type(1), e.IsNull(2))
	}
	if e.Remark().At(e.Index(0)) != "a" || e.Ack().Price()[e.Index(1)] != 3 || e.Row(0) != feed.Event(feed.Remark("a")) || e.Row(2) != nil {
		t.Errorf("values %v and %v", e.Row(0), e.Row(1))
	}
	if part := e.Slice(1, 3); part.Len() != 2 || part.Ack().Price()[part.Index(0)] != 3 || !part.IsNull(1) {
		t.Error("a part of a union")
	}
	if s := b.Sparse(); s.Mark()[s.Index(1)] != 7 || s.Index(1) != 1 || !s.IsNull(0) {
		t.Error("a sparse union")
	}
	if a := b.Answer(); a.IsNull(0) || a.List().At(a.Index(0)).At(1) != "y" || a.Maybe().At(a.Index(1)) != 9 {
		t.Error("the answers")
	}
	if l := b.Events().At(2); l.Len() != 2 || !l.IsNull(0) || l.Type(1) != feed.MixedEventGoneID {
		t.Error("a list of unions")
	}
	if n := testing.AllocsPerRun(100, func() {
		sum := 0.0
		for i := range b.Len() {
			if e := b.Event(); e.Type(i) == feed.MixedEventAckID {
				sum += e.Ack().Price()[e.Index(i)]
			}
			sum += float64(b.Events().At(i).Len() + len(b.Venue().At(i)))
		}
	}); n != 0 && column.Native {
		t.Errorf("%v allocations to read a batch", n)
	}
	b.Release()
	for name, use := range map[string]func(){"accessor": func() { b.Event() }, "member": func() { e.Ack() }, "Type": func() { e.Type(0) }, "Index": func() { e.Index(0) }} {
		func() {
			defer func() {
				if s, ok := recover().(string); !ok || !strings.Contains(s, "batch was released") {
					t.Errorf("%s after Release: %v", name, s)
				}
			}()
			use()
		}()
	}
}

// A value that no member is for stays as the builder's error, with its column and row.
func TestUnionBuilderErrors(t *testing.T) {
	good := mixedRows(1)[0]
	for name, test := range map[string]struct {
		row    func(r *feed.Mixed)
		column string
		is     error
	}{
		"nil":               {func(r *feed.Mixed) { r.Answer = nil }, "answer", column.ErrNotNullable},
		"nil in an array":   {func(r *feed.Mixed) { r.Pair[1] = nil }, "pair.item", column.ErrNotNullable},
		"a pointer":         {func(r *feed.Mixed) { r.Event = &feed.Reject{} }, "event", column.ErrNoMember},
		"a pointer, sparse": {func(r *feed.Mixed) { r.Sparse = &feed.Ack{} }, "sparse", column.ErrNoMember},
		"below a member":    {func(r *feed.Mixed) { r.Event = feed.Ack{Why: nil} }, "event.ack.why", column.ErrNotNullable},
		"a member's value":  {func(r *feed.Mixed) { r.Event = feed.Expiry(time.Date(-300_000_000, 1, 1, 0, 0, 0, 0, time.UTC)) }, "event.expiry", column.ErrTimeRange},
		"a run's value":     {func(r *feed.Mixed) { r.Since = time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC) }, "since", column.ErrTimeRange},
	} {
		b := feed.NewMixedBuilder(nil)
		b.Append(good)
		row := good
		test.row(&row)
		b.Append(row)
		b.Append(good)
		var e *column.ValueError
		if err := b.Err(); !errors.As(err, &e) || e.Column != test.column || e.Row != 1 && test.column != "pair.item" || !errors.Is(err, test.is) {
			t.Errorf("%s: %v, want column %s, row 1: %v", name, err, test.column, test.is)
		}
		b.Truncate(1)
		b.AppendRows([]feed.Mixed{good})
		if err := b.Err(); err != nil || b.Len() != 2 {
			t.Errorf("%s: after Truncate: %v, %d rows", name, err, b.Len())
		}
		b.Reset()
		b.Append(good)
		if p, err := feed.MixedTable.AppendBatch(nil, b); err != nil {
			t.Errorf("%s: after Reset: %v", name, err)
		} else if got, err := feed.MixedTable.DecodeBatch(p); err != nil || feedtest.Difference(good, got.Row(0)) != "" {
			t.Errorf("%s: after Reset: %v", name, err)
		}
	}
}

// Columns are filled one by one, too: each value is ended by its type id.
func TestUnionColumnWise(t *testing.T) {
	rows := mixedRows(3)
	rows[0].Event, rows[1].Event, rows[2].Event = feed.Remark("r"), feed.Mark(4), nil
	b := feed.NewMixedBuilder(nil)
	b.AppendRows(rows)
	e := b.Event()
	e.Reset()
	e.Remark().Append("r")
	e.End(feed.MixedEventRemarkID)
	e.Mark().Append(4)
	e.End(feed.MixedEventMarkID)
	if err := b.Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := feed.MixedTable.AppendMessage(nil, b); err == nil || !strings.Contains(err.Error(), `"event" has 2 rows`) {
		t.Errorf("a row less: %v", err)
	}
	e.AppendNull()
	venue := b.Venue()
	venue.Reset()
	venue.AppendRun("same", 3)
	for i := range rows {
		rows[i].Venue = "same"
	}
	p, err := feed.MixedTable.AppendMessage(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	checkMixed(t, "by column", p, rows)
}

// checkMixed wants the rows of a stream to be those.
func checkMixed(t *testing.T, name string, p []byte, want []feed.Mixed) {
	t.Helper()
	i := 0
	for row, err := range feed.NewMixedReader(bytes.NewReader(p), nil).Rows(t.Context()) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if d := feedtest.Difference(want[i], row); d != "" {
			t.Errorf("%s, row %d: %s", name, i, d)
			return
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%s: %d rows, want %d", name, i, len(want))
	}
}

// mixedColumns returns the columns of table mixed, each as change makes it, from the inside out.
func mixedColumns(change func(c *rt.Column)) []rt.Column {
	var each func(c *rt.Column)
	each = func(c *rt.Column) {
		c.Parts = slices.Clone(c.Parts)
		for i := range c.Parts {
			each(&c.Parts[i])
		}
		change(c)
	}
	var list []rt.Column
	for _, f := range feed.MixedTable.Schema().Fields {
		c := rt.ColumnOf(&f)
		each(&c)
		list = append(list, c)
	}
	return list
}

// readAs returns a stream of what a table of the given columns reads of a stream.
func readAs(t *testing.T, p []byte, opts *rt.ReaderOptions, columns []rt.Column) ([]byte, error) {
	t.Helper()
	table := bagOf(columns...)
	b, err := rt.NewReader(table, bytes.NewReader(p), opts).Next(t.Context())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, table.Schema(), nil)
	if err := errors.Join(w.Write(t.Context(), b.h.Len(), ipc.Columns(b.h)), w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), nil
}

func isUnion(c *rt.Column) bool { return c.Type.Kind == ipc.KindUnion }

// isRuns tells of columns of runs whose values are flat, as all are.
func isRuns(c *rt.Column) bool { return c.Type.Kind == ipc.KindRunEndEncoded }

// ids gives the members of a union other type ids, and another order.
func shuffled(c *rt.Column) {
	if !isUnion(c) {
		return
	}
	n := len(c.Parts)
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(100 - 3*i)
	}
	slices.Reverse(c.Parts)
	c.Type = c.Type.WithTypeIDs(ids...)
}

func otherMode(c *rt.Column) {
	if isUnion(c) {
		c.Type.Variant ^= 1
	}
}

func plainRuns(c *rt.Column) {
	if isRuns(c) {
		name, nullable := c.Name, c.Nullable
		*c = c.Parts[0]
		c.Name, c.Nullable = name, nullable
	}
}

func runEnds(bits int) func(c *rt.Column) {
	return func(c *rt.Column) {
		if isRuns(c) {
			c.RunEnds = bits
		}
	}
}

// asRuns makes all flat columns runs.
func asRuns(c *rt.Column) {
	if len(c.Parts) == 0 && c.Type.Kind != ipc.KindNull && c.Name != "key" {
		values := *c
		values.Name = "values"
		*c = rt.Column{Field: ipc.Field{Name: c.Name, Type: ipc.RunEndEncoded, Nullable: c.Nullable}, Parts: []rt.Column{values}}
	}
}

// Unions and runs that lie otherwise than the table's become the table's, whatever is below or above them, and back.
func TestMixedFits(t *testing.T) {
	rows := mixedRows(200)
	p := mixedStream(t, rows)
	both := func(list ...func(*rt.Column)) func(*rt.Column) {
		return func(c *rt.Column) {
			for _, change := range list {
				change(c)
			}
		}
	}
	for name, change := range map[string]func(c *rt.Column){
		"as they are":            func(*rt.Column) {},
		"other type ids":         shuffled,
		"dense and sparse":       otherMode,
		"both":                   both(shuffled, otherMode),
		"plain values":           plainRuns,
		"run ends of 16 bits":    runEnds(16),
		"run ends of 64 bits":    runEnds(64),
		"runs of all":            asRuns,
		"runs of all, otherwise": both(asRuns, shuffled, otherMode, runEnds(64)),
		"larger text": func(c *rt.Column) {
			if c.Type.Kind == ipc.KindUtf8 && c.Dictionary == nil {
				c.Type = ipc.LargeUtf8
			}
		},
		"lists as views": func(c *rt.Column) {
			if c.Type.Kind == ipc.KindList {
				c.Type = ipc.ListView
			}
		},
		"nullable": func(c *rt.Column) {
			if c.Name != "key" && !isUnion(c) {
				c.Nullable = true
			}
		},
	} {
		for _, level := range []ipc.Level{ipc.Contents, ipc.Structure} {
			q, err := readAs(t, p, &rt.ReaderOptions{Validate: level}, mixedColumns(change))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			checkMixed(t, name, q, rows)
			checkMixed(t, name+", forwarded", forwarded(t, q), rows)
		}
	}
}

// forwarded returns a stream of what a writer of the table forwards of one.
func forwarded(t *testing.T, p []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := feed.NewMixedWriter(&out, nil)
	for b, err := range feed.NewMixedReader(bytes.NewReader(p), nil).Batches(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Forward(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A union that has fewer members than the table's fits; what no row is of need not be there.
func TestFewerMembers(t *testing.T) {
	rows := mixedRows(60)
	fewer := func(c *rt.Column) {
		if isUnion(c) && len(c.Parts) == 7 {
			ids := slices.Clone(c.Type.TypeIDs)
			k := slices.IndexFunc(c.Parts, func(p rt.Column) bool { return p.Name == "ack" })
			c.Parts, c.Type.TypeIDs = slices.Delete(c.Parts, k, k+1), slices.Delete(ids, k, k+1)
		}
	}
	columns := mixedColumns(fewer)
	if _, err := readAs(t, mixedStream(t, rows), nil, columns); err == nil {
		t.Fatal("a table without the member ack reads a stream that has it")
	} else {
		var e *rt.SchemaError
		if !errors.As(err, &e) || !slices.ContainsFunc(e.Differences, func(d rt.Difference) bool {
			return d.Column == "order.events.item.ack" && d.Want == "(absent)" && strings.HasPrefix(d.Have, "struct<") && d.Remedy == "add the member to the union"
		}) {
			t.Errorf("%v", err)
		}
	}
	// The wire: columns of a table that never had the member.
	b := feed.NewMixedBuilder(nil)
	for i := range rows {
		r := &rows[i]
		for _, e := range []*feed.Event{&r.Event, &r.Sparse} {
			if _, is := (*e).(feed.Ack); is {
				*e = feed.Gone{}
			}
		}
		r.Events, r.ByName, r.Order = []feed.Event{feed.Mark(1)}, nil, nil
	}
	b.AppendRows(rows)
	message, err := feed.MixedTable.AppendMessage(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := feed.NewMixedReader(bytes.NewReader(message), nil).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []func(*rt.Column){func(*rt.Column) {}, otherMode} {
		data := slices.Clone(ipc.Columns(batch.Handle()))
		for i := range data {
			data[i] = data[i].Clone()
			dropAck(&data[i], &feed.MixedTable.Schema().Fields[i])
		}
		var out bytes.Buffer
		w := ipc.NewWriter(&out, bagOf(columns...).Schema(), nil)
		if err := errors.Join(w.Write(t.Context(), len(rows), data), w.Close()); err != nil {
			t.Fatal(err)
		}
		checkMixed(t, "fewer members", out.Bytes(), rows)
		q, err := readAs(t, out.Bytes(), nil, mixedColumns(mode))
		if err != nil {
			t.Fatal(err)
		}
		checkMixed(t, "fewer members, and back", q, rows)
	}
}

// dropAck takes the member ack out of the unions of a column.
func dropAck(d *column.Data, f *ipc.Field) {
	for i := range d.Children {
		dropAck(&d.Children[i], &f.Children[i])
	}
	if f.Type.Kind == ipc.KindUnion {
		if k := slices.IndexFunc(f.Children, func(c ipc.Field) bool { return c.Name == "ack" }); k >= 0 {
			d.Children = slices.Delete(slices.Clone(d.Children), k, k+1)
		}
	}
}

// Of a run that begins below a null the row is the first that is seen.
func TestNullInRunBelowNull(t *testing.T) {
	schema := it.Schema(it.Field{Name: "s", Type: it.Plain(arrowfb.TypeStruct), Nullable: true, Children: []it.Field{
		{Name: "r", Type: it.Plain(arrowfb.TypeRunEndEncoded), Nullable: true, Children: []it.Field{{Name: "run_ends", Type: it.Int(32, true)}, {Name: "values", Type: it.Utf8, Nullable: true}}},
	}})
	offsets, text := it.Texts("", "", "x")
	b := it.NewBatch(5).Add(5, 3, []byte{0b11000}).Add(5, 0).Add(3, 0, nil, it.I32(1, 4, 5)).Add(3, 2, []byte{0b100}, offsets, text)
	want := below(null(col("s", ipc.Struct)), below(col("r", ipc.RunEndEncoded), col("values", ipc.Utf8)))
	var e *rt.NullError
	if _, err := openBag(slices.Concat(schema, b.Message(), it.End), nil, want).Next(t.Context()); !errors.As(err, &e) || e.Column != "s.r" || e.Row != 3 {
		t.Errorf("%v, want row 3", err)
	}
}

// inOrder wants the rows of a dense union to go through the values of each member in order.
func inOrder(t *testing.T, d *column.Data) {
	t.Helper()
	if d.Buffers[2] == nil {
		return
	}
	last := make(map[byte]int32)
	for i, at := range column.View[int32](d.Buffers[2])[:d.Len] {
		id := d.Buffers[1][i]
		if at < last[id] || int(at) >= d.Child(int(id)).Len {
			t.Errorf("row %d is item %d of member %d, behind item %d of %d", i, at, id, last[id], d.Child(int(id)).Len)
		}
		last[id] = at
	}
}

// Unions of messages of version V4 have validity of their own. Rows that are null are nil where that is a member, else refused.
func TestOldUnionWithNulls(t *testing.T) {
	for _, mode := range []arrowfb.UnionMode{arrowfb.UnionModeSparse, arrowfb.UnionModeDense} {
		field := it.Field{Name: "u", Type: it.Union(mode, 0, 1), Nullable: true, Children: []it.Field{{Name: "a", Type: it.Int(64, true)}, {Name: "null", Type: it.Plain(arrowfb.TypeNull), Nullable: true}}}
		own, typ, rows := [][]byte{{0b1101}, it.I8(0, 0, 1, 0)}, ipc.SparseUnion(2), int64(4)
		if mode == arrowfb.UnionModeDense {
			own, typ = append(own, it.I32(0, 1, 0, 2)), ipc.DenseUnion(2)
		}
		b := it.NewBatch(4).Add(4, 1, own...).Add(rows, 0, nil, it.I64(7, 8, 9, 10)).Add(rows, rows)
		b.Version = arrowfb.MetadataVersionV4
		in := slices.Concat(it.Message(it.Meta(arrowfb.MetadataVersionV4, it.SchemaHeader(arrowfb.EndiannessLittle, field), 0), nil), b.Message(), it.End)

		batch, err := openBag(in, nil, null(below(col("u", typ), col("a", ipc.Int64), null(col("null", ipc.Null))))).Next(t.Context())
		if err != nil {
			t.Fatal(mode, err)
		}
		d := batch.h.Column(0)
		if got := d.Buffers[1]; !bytes.Equal(got, []byte{0, 1, 1, 0}) || d.Nulls != 0 || d.Buffers[0] != nil {
			t.Errorf("%v: type ids %v, %d nulls", mode, got, d.Nulls)
		}
		inOrder(t, d)
		alone := below(col("u", typ), col("a", ipc.Int64), null(col("null", ipc.Null)))
		var e *rt.NullError
		if _, err := openBag(in, nil, alone).Next(t.Context()); !errors.As(err, &e) || e.Column != "u" || e.Row != 1 {
			t.Errorf("%v: %v, want row 1 to be refused", mode, err)
		}
		if batch, err = openBag(in, &rt.ReaderOptions{Nulls: rt.ZeroNulls}, alone).Next(t.Context()); err != nil {
			t.Fatal(mode, err)
		}
		d = batch.h.Column(0)
		if got := d.Buffers[1]; !bytes.Equal(got, []byte{0, 0, 1, 0}) {
			t.Errorf("%v: type ids %v", mode, got)
		}
		inOrder(t, d)
		at := int32(1)
		if d.Buffers[2] != nil {
			at = column.View[int32](d.Buffers[2])[1]
		}
		if v := column.PlainOf[int64](d.Child(0))[at]; v != 0 {
			t.Errorf("%v: a null is %d, want zero", mode, v)
		}
	}
}

// Nulls of a stream in values that are not nullable are errors with their row, or zeros.
func TestNullsInMembersAndRuns(t *testing.T) {
	// A stream in which texts, of members and of runs, may be null, and one is in each.
	schema := &ipc.Schema{Fields: []ipc.Field{
		{Name: "event", Type: ipc.DenseUnion(2), Children: []ipc.Field{{Name: "a", Type: ipc.Utf8, Nullable: true}, {Name: "b", Type: ipc.Int64}}},
		{Name: "venue", Type: ipc.RunEndEncoded, Nullable: true, Children: []ipc.Field{{Name: "run_ends", Type: ipc.Int32}, {Name: "values", Type: ipc.Utf8, Nullable: true}}},
	}}
	text := func(nulls bool) column.Data {
		var b column.TextBuilder
		b.Init(column.Config{Nullable: true})
		b.Append("x")
		if nulls {
			b.AppendNull()
		} else {
			b.Append("y")
		}
		return b.Data()
	}
	stream := func(inUnion, inRuns bool) []byte {
		event := column.Data{Len: 4, Buffers: [3][]byte{1: {1, 0, 1, 0}, 2: column.Bytes([]int32{0, 0, 1, 1})}}
		event.Children = []column.Data{text(inUnion), {Len: 2, Buffers: [3][]byte{1: column.Bytes([]int64{5, 6})}}}
		venue := column.Data{Len: 4, Children: []column.Data{{Len: 2, Buffers: [3][]byte{1: column.Bytes([]int32{2, 9})}}, text(inRuns)}}
		var out bytes.Buffer
		w := ipc.NewWriter(&out, schema, nil)
		if err := errors.Join(w.Write(t.Context(), 4, []column.Data{event, venue}), w.Close()); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	union := below(col("event", ipc.DenseUnion(2)), col("b", ipc.Int64), col("a", ipc.Utf8))
	runs := below(col("venue", ipc.RunEndEncoded), col("values", ipc.Utf8))
	plain := col("venue", ipc.Utf8)
	if _, err := openBag(stream(false, false), nil, union, runs).Next(t.Context()); err != nil {
		t.Errorf("no null is there: %v", err)
	}
	for name, test := range map[string]struct {
		p      []byte
		column rt.Column
		path   string
		row    int
	}{
		"a member":        {stream(true, false), union, "event.a", 3},
		"runs":            {stream(false, true), runs, "venue", 2},
		"runs as a plain": {stream(false, true), plain, "venue", 2},
	} {
		var e *rt.NullError
		if _, err := openBag(test.p, nil, test.column).Next(t.Context()); !errors.As(err, &e) || e.Column != test.path || e.Row != test.row {
			t.Errorf("%s: %v, want column %s, row %d", name, err, test.path, test.row)
		}
		b, err := openBag(test.p, &rt.ReaderOptions{Nulls: rt.ZeroNulls}, test.column).Next(t.Context())
		if err != nil {
			t.Errorf("%s as zero: %v", name, err)
			continue
		}
		switch d := b.h.Column(0); name {
		case "runs":
			v := column.RunsOf(d, 32, column.TextsOf(d.Child(1)))
			if v.At(0) != "x" || v.At(3) != "" {
				t.Errorf("%s as zero: %q", name, v.At(3))
			}
		case "runs as a plain":
			if v := column.TextsOf(d); v.At(1) != "x" || v.At(3) != "" {
				t.Errorf("%s as zero: %q", name, v.At(3))
			}
		}
	}
}

// A column of runs that the stream does not have has nulls or its default, and so has a union nil.
func TestAbsentMixed(t *testing.T) {
	var p bytes.Buffer
	w := feed.NewTradeWriter(&p, nil)
	for i := range 3 {
		if err := w.Append(t.Context(), feed.Trade{Time: time.Unix(int64(i), 0)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	withDefault := below(col("level", ipc.RunEndEncoded), col("values", ipc.Int64))
	withDefault.Default = int64(7)
	nilUnion := func(name string, t ipc.Type) rt.Column {
		return below(null(col(name, t)), col("a", ipc.Utf8), null(col("null", ipc.Null)))
	}
	b, err := openBag(p.Bytes(), nil, withDefault, below(null(col("gone", ipc.RunEndEncoded)), null(col("values", ipc.Utf8))),
		nilUnion("dense", ipc.DenseUnion(2)), nilUnion("sparse", ipc.SparseUnion(2)), below(null(col("s", ipc.Struct)), nilUnion("event", ipc.DenseUnion(2)), withDefault), col("price", ipc.Float64)).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := b.h.Column(0)
	if v := column.RunsOf(d, 32, column.PlainOf[int64](d.Child(1))); v.Len() != 3 || v.At(2) != 7 {
		t.Error("the default of runs")
	}
	d = b.h.Column(1)
	if v := column.RunsOf(d, 32, column.TextsOf(d.Child(1))); v.Len() != 3 || !v.IsNull(0) || !v.IsNull(2) {
		t.Error("absent runs")
	}
	for i := 2; i < 4; i++ {
		u := rt.UnionOf(b.h, b.h.Column(i))
		if u.Len() != 3 || u.Type(2) != 1 || u.Index(2) >= u.Member(1).Len {
			t.Errorf("an absent union of type %d", u.Type(2))
		}
	}
	var e *rt.SchemaError
	if _, err := openBag(p.Bytes(), nil, below(col("event", ipc.DenseUnion(1)), col("a", ipc.Utf8))).Next(t.Context()); !errors.As(err, &e) {
		t.Errorf("an absent union without a member for nil: %v", err)
	}
}

// Runs of a few bytes stand for many rows: what they expand to has a limit.
func TestRunsExpandInBounds(t *testing.T) {
	const rows = 1 << 20
	schema := &ipc.Schema{Fields: []ipc.Field{
		{Name: "v", Type: ipc.RunEndEncoded, Children: []ipc.Field{{Name: "run_ends", Type: ipc.Int32}, {Name: "values", Type: ipc.Utf8}}},
	}}
	var b column.TextBuilder
	b.Append(strings.Repeat("x", 1000))
	v := column.Data{Len: rows, Children: []column.Data{{Len: 1, Buffers: [3][]byte{1: column.Bytes([]int32{rows})}}, b.Data()}}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, schema, nil)
	if err := errors.Join(w.Write(t.Context(), rows, []column.Data{v}), w.Close()); err != nil {
		t.Fatal(err)
	}
	opts := &rt.ReaderOptions{Limits: &ipc.Limits{MaxExpanded: 64 << 20}}
	var e *rt.ConvertError
	if _, err := openBag(out.Bytes(), opts, col("v", ipc.Utf8)).Next(t.Context()); !errors.As(err, &e) || !errors.Is(err, ipc.ErrLimit) {
		t.Errorf("1 GiB of text in %d bytes: %v", out.Len(), err)
	}
	if _, err := openBag(out.Bytes(), opts, below(col("v", ipc.RunEndEncoded), col("values", ipc.Utf8))).Next(t.Context()); err != nil {
		t.Errorf("as runs: %v", err)
	}
	narrow := below(col("v", ipc.RunEndEncoded), col("values", ipc.Utf8))
	narrow.RunEnds = 16
	if _, err := openBag(out.Bytes(), opts, narrow).Next(t.Context()); !errors.As(err, &e) || !errors.Is(err, rt.ErrInexact) {
		t.Errorf("run ends of 16 bits: %v", err)
	}
}

// What cannot become a union or runs is a difference that says so.
func TestMixedRefusals(t *testing.T) {
	p := mixedStream(t, mixedRows(2))
	dictionaryOfRuns := below(col("venue", ipc.RunEndEncoded), col("values", ipc.Int32))
	_, err := openBag(p, nil, col("event", ipc.Utf8), below(null(col("sparse", ipc.Struct)), null(col("ack", ipc.Utf8))), dictionaryOfRuns,
		col("level", ipc.Int64), below(null(col("id", ipc.DenseUnion(1))), null(col("a", ipc.Null)))).Next(t.Context())
	var e *rt.SchemaError
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	var paths []string
	for _, d := range e.Differences {
		paths = append(paths, d.Column+": "+d.Remedy)
	}
	if want := []string{"event: no conversion", "sparse: no conversion", "venue: no conversion", "level: no conversion", "id: no conversion"}; !slices.Equal(paths, want) {
		t.Errorf("%q, want %q", paths, want)
	}
}

// A dictionary whose values are nested fits no nested column.
func TestNestedDictionaryIsRefused(t *testing.T) {
	schema := &ipc.Schema{Fields: []ipc.Field{{
		Name: "s", Type: ipc.Struct, Dictionary: ipc.DictionaryOf(ipc.Int8), Children: []ipc.Field{{Name: "x", Type: ipc.Int8}},
	}}}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, schema, nil)
	values := column.Data{Len: 1, Children: []column.Data{{Len: 1, Buffers: [3][]byte{1: {7}}}}}
	d := column.Data{Len: 1, Buffers: [3][]byte{1: {0}}, Dictionary: ipc.NewDictionary(&schema.Fields[0], &values)}
	d.Values = d.Dictionary.Values()
	if err := errors.Join(w.Write(t.Context(), 1, []column.Data{d}), w.Close()); err != nil {
		t.Fatal(err)
	}
	var e *rt.SchemaError
	if _, err := openBag(out.Bytes(), nil, below(col("s", ipc.Struct), col("x", ipc.Int8))).Next(t.Context()); !errors.As(err, &e) {
		t.Errorf("%v", err)
	}
}

// Below a struct that is null and read as zero, unions and runs are zero too.
func TestZeroBelowNull(t *testing.T) {
	rows := mixedRows(40)
	p := mixedStream(t, rows)
	columns := mixedColumns(func(c *rt.Column) {
		if c.Name == "order" {
			c.Nullable = false
		}
	})
	for _, mode := range []func(*rt.Column){func(*rt.Column) {}, otherMode, plainRuns} {
		for i := range columns {
			if columns[i].Name == "order" {
				for k := range columns[i].Parts {
					mode(&columns[i].Parts[k])
				}
			}
		}
		table := bagOf(columns...)
		b, err := rt.NewReader(table, bytes.NewReader(p), &rt.ReaderOptions{Nulls: rt.ZeroNulls}).Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w := ipc.NewWriter(&out, seenBelow(table.Schema()), nil)
		data := slices.Clone(ipc.Columns(b.h))
		for i := range data {
			data[i] = data[i].Clone()
			if table.Schema().Fields[i].Name == "order" { // so that what is below is seen
				data[i].Nulls, data[i].Buffers[0] = 0, nil
			}
		}
		if err := errors.Join(w.Write(t.Context(), len(rows), data), w.Close()); err != nil {
			t.Fatal(err)
		}
		i := 0
		for row, err := range feed.NewMixedReader(bytes.NewReader(out.Bytes()), &rt.ReaderOptions{Nulls: rt.ZeroNulls}).Rows(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if rows[i].Order != nil {
				if !reflect.DeepEqual(row.Order.Events, rows[i].Order.Events) || row.Order.Venue != rows[i].Order.Venue {
					t.Errorf("row %d: %v, want %v", i, row.Order, rows[i].Order)
				}
			} else if len(row.Order.Events) != 0 || row.Order.Venue != "" {
				t.Errorf("row %d below a null: %+v", i, row.Order)
			}
			i++
		}
	}
}

// seenBelow returns the schema with nulls in the texts of a dictionary below "order", which are what is zero there.
func seenBelow(s *ipc.Schema) *ipc.Schema {
	fields := slices.Clone(s.Fields)
	order := &fields[slices.IndexFunc(fields, func(f ipc.Field) bool { return f.Name == "order" })]
	order.Children = slices.Clone(order.Children)
	venue := &order.Children[1]
	venue.Nullable = true
	if venue.Children = slices.Clone(venue.Children); len(venue.Children) != 0 {
		venue.Children[1].Nullable = true
	}
	for i := range order.Children { // members that rows below the null have chosen
		if c := &order.Children[i]; c.Type.Kind == ipc.KindUnion {
			c.Children = slices.Clone(c.Children)
			for k := range c.Children {
				c.Children[k].Nullable = true
			}
		}
	}
	return &ipc.Schema{Fields: fields}
}

// Neither the rows of unions and runs nor batches that are converted allocate, once there is memory for them.
func TestMixedAllocations(t *testing.T) {
	if mem.Debug || !column.Native || race {
		t.Skip("memory is reused by builds for speed only")
	}
	rows := mixedRows(100)
	b := feed.NewMixedBuilder(nil)
	fill := func() {
		b.Reset()
		for i := range rows {
			b.Append(rows[i])
		}
	}
	fill()
	if n := testing.AllocsPerRun(20, fill); n != 0 {
		t.Errorf("%v allocations to append 100 rows", n)
	}
	const batches = 600
	var out bytes.Buffer
	w := feed.NewMixedWriter(&out, nil)
	for range batches {
		if err := w.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(c *rt.Column){
		"as they are": func(*rt.Column) {}, "other type ids": shuffled, "dense and sparse": otherMode, "plain values": plainRuns,
		"run ends of 64 bits": runEnds(64), "runs of all": asRuns,
	} {
		r := rt.NewReader(bagOf(mixedColumns(change)...), bytes.NewReader(out.Bytes()), &rt.ReaderOptions{Reuse: true})
		next := func() {
			if _, err := r.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 50 {
			next()
		}
		if n := testing.AllocsPerRun(500, next); n != 0 {
			t.Errorf("%s: %v allocations for a batch", name, n)
		}
	}
}
