package column_test

import (
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
