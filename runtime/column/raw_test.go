package column_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
)

// TestRawText adds bytes below the builders of texts, which are known to be valid only without.
func TestRawText(t *testing.T) {
	bad := []byte("\xff\xfe")
	check := func(name string, b column.Builder, text func(), raw ...func()) {
		t.Helper()
		b.Init(column.Config{Nullable: true})
		var d column.Data
		for i, add := range raw {
			text()
			b.AppendBlank(1)
			if b.DataTo(&d); !d.ValidUTF8 || b.Err() != nil {
				t.Errorf("%s: text is not known to be valid: %v", name, b.Err())
			}
			add()
			text()
			if b.DataTo(&d); d.ValidUTF8 {
				t.Errorf("%s: bytes of way %d are taken for valid", name, i)
			}
			b.Reset()
		}
	}
	var text column.TextBuilder
	check("text", &text, func() { text.Append("ä") },
		func() { text.AppendCut(bad, 0, 2) },
		func() { text.AppendCut(append(bad, make([]byte, 500)...), 0, 2) },
		func() { text.BinaryBuilder.Append(bad) },
		func() { text.BinaryBuilder.AppendNullable(bad, true) },
		func() { text.BinaryBuilder.AppendPtr(&bad) },
		func() { text.BinaryBuilder.AppendAll([][]byte{nil, bad}) })
	var large column.LargeTextBuilder
	check("large text", &large, func() { large.Append("ä") },
		func() { large.LargeBinaryBuilder.Append(bad) },
		func() { large.LargeBinaryBuilder.AppendNullable(bad, true) },
		func() { large.LargeBinaryBuilder.AppendPtr(&bad) },
		func() { large.LargeBinaryBuilder.AppendAll([][]byte{bad}) })
	var view column.TextViewBuilder
	check("text view", &view, func() { view.Append("ä") },
		func() { view.BinaryViewBuilder.Append(bad) },
		func() { view.BinaryViewBuilder.AppendNullable(bad, true) },
		func() { view.BinaryViewBuilder.AppendPtr(&bad) },
		func() { view.BinaryViewBuilder.AppendAll([][]byte{bad}) })
}

// TestAppendCuts wants the rows that AppendCut adds one by one, of texts of any length, up to the end of the data.
func TestAppendCuts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var all, single column.BinaryBuilder
	for range 300 {
		if r.IntN(10) == 0 {
			all, single = column.BinaryBuilder{}, column.BinaryBuilder{}
		}
		step := 2 + r.IntN(3)
		var data []byte
		var places []uint32
		n := r.IntN(200)
		for range n {
			size := r.IntN(20)
			if r.IntN(20) == 0 {
				size = r.IntN(300)
			}
			mark := uint32(r.IntN(2)) << 31
			places = append(places, (uint32(len(data))|mark)-1, uint32(len(data)+size))
			places = append(places, make([]uint32, step-2)...)
			single.Append(bytes.Repeat([]byte{byte(size)}, size))
			data = append(append(data, bytes.Repeat([]byte{byte(size)}, size)...), ',')
		}
		all.AppendCuts(data, places, step, n)
		a, b := all.Data(), single.Data()
		if a.Len != b.Len || !bytes.Equal(a.Buffers[1], b.Buffers[1]) || !bytes.Equal(a.Buffers[2], b.Buffers[2]) {
			t.Fatalf("%d rows in %d bytes, want %d in %d", a.Len, len(a.Buffers[2]), b.Len, len(b.Buffers[2]))
		}
	}
}
