package codegen_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen"
	"github.com/lightstream-go/lightstream/codegen/evolve"
	"github.com/lightstream-go/lightstream/codegen/model"
	_ "github.com/lightstream-go/lightstream/compress/lz4"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestDefine defines tables with the columns of every schema that there is, as Go and as .fbs, and generates from that: the lock
// has to have the columns of the schema. A column that cannot be expressed has to be one of those that are known not to be, and
// named by the error.
func TestDefine(t *testing.T) {
	sources := map[string]*ipc.Schema{
		"every": feed.EveryTable.Schema(), "nested": feed.NestedTable.Schema(), "tree": feed.TreeTable.Schema(), "trade": feed.TradeTable.Schema(),
		"mixed": feed.MixedTable.Schema(),
		"type": {Fields: []ipc.Field{
			{Name: "table", Type: ipc.Int32, Nullable: true},
			{Name: "a b", Type: ipc.Utf8},
			{Name: "a_b", Type: ipc.Utf8View, Nullable: true},
			{Name: `"é"`, Type: ipc.Decimal(256, 10, -2)},
			{Name: "1", Type: ipc.Null, Nullable: true},
			{Name: "Nothing", Type: ipc.Null, Nullable: true},
			{Name: "wide", Type: ipc.Decimal(256, 76, 3), Nullable: true},
			{Name: "wide2", Type: ipc.Decimal(256, 38, 0), Nullable: true},
		}},
	}
	sources["near"] = nearTypes
	sources["unions"] = unions
	for name, s := range goldenSchemas(t) {
		sources[name] = s
	}
	n := map[string]int{}
	for name, s := range sources {
		for _, as := range []string{"go", "fbs"} {
			n[as] += testDefine(t, name, s, as)
		}
	}
	if got := testDefine(t, "unions", unions, "fbs"); got != 5 {
		t.Errorf("%d columns of unions are expressed as .fbs", got)
	}
	if n["go"] < 200 || n["fbs"] < 150 {
		t.Errorf("%v columns were defined", n)
	}
}

// nearTypes are types that tables have none of, and those that take them.
var nearTypes = func() *ipc.Schema {
	dictionary := func(index, of ipc.Type, ordered bool) ipc.Field {
		return ipc.Field{Type: of, Nullable: true, Dictionary: &ipc.DictionaryEncoding{Index: index, Ordered: ordered}}
	}
	extension := func(f ipc.Field, name string) ipc.Field {
		f.Metadata = []ipc.KeyValue{{Key: "ARROW:extension:name", Value: name}}
		return f
	}
	item := ipc.Field{Name: "item", Type: ipc.Int32, Nullable: true}
	entries := ipc.Field{Name: "entries", Type: ipc.Struct, Children: []ipc.Field{{Name: "key", Type: ipc.Utf8}, {Name: "value", Type: ipc.Int8}}}
	sorted := ipc.Map
	sorted.Variant = 1
	fields := []ipc.Field{
		dictionary(ipc.Uint32, ipc.Utf8View, false), dictionary(ipc.Uint64, ipc.LargeUtf8, true), dictionary(ipc.Int8, ipc.BinaryView, false),
		dictionary(ipc.Int8, ipc.Float64, true), dictionary(ipc.Int16, ipc.Timestamp(column.Second, "UTC"), false), dictionary(ipc.Int64, ipc.FixedSizeBinary(3), false),
		dictionary(ipc.Int8, ipc.Decimal(128, 20, 2), false), dictionary(ipc.Int8, ipc.Bool, false),
		extension(ipc.Field{Type: ipc.Binary, Nullable: true}, "geoarrow.wkb"), extension(dictionary(ipc.Uint8, ipc.LargeBinary, false), "x"),
		extension(ipc.Field{Type: ipc.FixedSizeBinary(16)}, "arrow.uuid"), extension(ipc.Field{Type: ipc.Utf8}, "arrow.uuid"),
		extension(ipc.Field{Type: ipc.List, Children: []ipc.Field{extension(item, "y")}}, "z"),
		{Type: ipc.LargeListView, Children: []ipc.Field{item}},
		{Type: sorted, Children: []ipc.Field{entries}},
	}
	for i := range fields {
		fields[i].Name = fmt.Sprintf("near %d", i)
	}
	return &ipc.Schema{Fields: fields}
}()

// unions are of members that .fbs has words for, but for the last four.
var unions = func() *ipc.Schema {
	point := ipc.Field{Name: "point", Type: ipc.Struct, Children: []ipc.Field{{Name: "x", Type: ipc.Float64}, {Name: "text", Type: ipc.Utf8, Nullable: true}}}
	null, text := ipc.Field{Name: "null", Type: ipc.Null, Nullable: true}, ipc.Field{Name: "Odd Name", Type: ipc.Utf8}
	union := func(name string, dense int, ids []int32, members ...ipc.Field) ipc.Field {
		nullable := slices.ContainsFunc(members, func(f ipc.Field) bool { return f.Type.Kind == ipc.KindNull })
		return ipc.Field{Name: name, Nullable: nullable, Type: ipc.Type{Kind: ipc.KindUnion, Variant: dense, TypeIDs: ids}, Children: members}
	}
	named := func(f ipc.Field, name string) ipc.Field {
		f.Name = name
		return f
	}
	list := func(of ipc.Field) ipc.Field {
		return ipc.Field{Name: "l_" + of.Name, Type: ipc.List, Children: []ipc.Field{of}}
	}
	return &ipc.Schema{Fields: []ipc.Field{
		union("plain", 1, []int32{0, 1, 2}, null, point, text),
		union("sparse", 0, []int32{7, 3, 100}, text, point, named(point, "string")),
		union("wide", 1, []int32{0, 9, 5, 6}, null, named(text, "a"), named(text, "b"), named(point, "c_d")),
		list(union("items", 1, []int32{1, 2}, point, text)),
		{Name: "within", Type: ipc.Struct, Children: []ipc.Field{union("u", 0, []int32{0, 1}, null, point)}},
		union("first", 1, []int32{0, 1}, point, text),
		union("late", 1, []int32{1, 0}, point, null),
		union("number", 1, []int32{1, 2}, point, ipc.Field{Name: "n", Type: ipc.Int32}),
		list(union("nils", 1, []int32{0, 1}, null, point)),
	}}
}()

// testDefine tests one schema in one form, and returns how many columns came of it.
func testDefine(t *testing.T, name string, s *ipc.Schema, as string) int {
	t.Helper()
	good := &ipc.Schema{}
	seen := map[string]bool{}
	for i := range s.Fields {
		f := &s.Fields[i]
		if seen[f.Name] {
			continue
		}
		_, err := codegen.Define(&ipc.Schema{Fields: []ipc.Field{*f}}, &codegen.DefineOptions{As: as, Source: name})
		switch known := f.Name == "" || inexpressible(f, as); {
		case err == nil && known:
			t.Errorf("%s, %s: %v is defined as\n%s", name, as, f, f.Name)
		case err == nil:
			seen[f.Name] = true
			good.Fields = append(good.Fields, *f)
		case !known || !errors.As(err, &model.Errors{}) || !strings.Contains(err.Error(), f.Name):
			t.Errorf("%s, %s: %s: %v: %v", name, as, f.Name, f, err)
		}
	}
	if len(good.Fields) == 0 {
		return 0
	}
	text, err := codegen.Define(good, &codegen.DefineOptions{As: as, Source: name})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "x."+as), string(text))
	opts := &codegen.Options{Inputs: []string{filepath.Join(dir, "x."+as)}}
	if as == "fbs" {
		opts.Package = "x"
	}
	lock, err := evolve.ParseLock([]byte(generate(t, opts)[evolve.LockName]))
	if err != nil {
		t.Fatal(err)
	}
	columns := lock.Files[0].Tables[0].Columns
	if len(lock.Files[0].Tables) != 1 || len(columns) != len(good.Fields) {
		t.Fatalf("%s, %s: %d tables, %d columns, want %d:\n%s", name, as, len(lock.Files[0].Tables), len(columns), len(good.Fields), text)
	}
	for i := range columns {
		want := usual(near(good.Fields[i]))
		if got := evolve.FormatField(&columns[i].Field); got != evolve.FormatField(&want) {
			t.Errorf("%s, %s: %s, want %s, of\n%s", name, as, got, evolve.FormatField(&want), text)
		}
	}
	return len(columns)
}

// near is the field of a table that takes the values of f, where it can have none of f's type.
func near(f ipc.Field) ipc.Field {
	if name, storage := extensionOf(&f); name != "" && storage {
		f.Metadata = nil
	}
	f.Children = append([]ipc.Field(nil), f.Children...)
	for i := range f.Children {
		f.Children[i] = near(f.Children[i])
	}
	switch k := f.Type.Kind; {
	case k == ipc.KindLargeListView:
		f.Type = ipc.ListView
	case k == ipc.KindMap:
		f.Type.Variant = 0
	}
	if f.Dictionary == nil {
		return f
	}
	d := *f.Dictionary
	d.Ordered = false
	switch f.Dictionary = &d; {
	case f.Type.IsText():
		f.Type = ipc.Utf8
	case f.Type.IsBinary():
		f.Type = ipc.Binary
	case f.Type.Kind != ipc.KindInt:
		f.Dictionary = nil
	}
	return f
}

// extensionOf returns the name of a field's extension type, and whether tables have that of its storage in its place.
func extensionOf(f *ipc.Field) (name string, storage bool) {
	for _, kv := range f.Metadata {
		if kv.Key == "ARROW:extension:name" {
			name = kv.Value
		}
	}
	return name, name != "arrow.uuid" || f.Type.Kind != ipc.KindFixedSizeBinary || f.Dictionary != nil
}

// usual gives what is below a field the names that it usually has, which mean nothing.
func usual(f ipc.Field) ipc.Field {
	f.Children = append([]ipc.Field(nil), f.Children...)
	for i := range f.Children {
		c := usual(f.Children[i])
		switch f.Type.Kind {
		case ipc.KindList, ipc.KindLargeList, ipc.KindListView, ipc.KindFixedSizeList:
			c.Name = "item"
		case ipc.KindMap:
			c.Name, c.Nullable = "entries", false
			c.Children[0].Name, c.Children[1].Name = "key", "value"
		}
		f.Children[i] = c
	}
	switch f.Type.Kind {
	case ipc.KindUnion: // nil is one of its members, or none
		f.Nullable = slices.ContainsFunc(f.Children, func(c ipc.Field) bool { return c.Type.Kind == ipc.KindNull })
	case ipc.KindRunEndEncoded:
		f.Nullable = f.Nullable && f.Children[1].Nullable
		f.Children[0].Name, f.Children[1].Name, f.Children[1].Nullable = "run_ends", "values", f.Nullable
	}
	return f
}

// inexpressible tells whether a field is known to be beyond a form.
func inexpressible(f *ipc.Field, as string) bool {
	t := f.Type
	switch {
	case t.Kind == ipc.KindFixedSizeBinary && t.Width == 0 || t.Kind == ipc.KindFixedSizeList && t.Width == 0:
		return true
	case t.Kind == ipc.KindUnion && (as == "fbs" && !unionOfTables(f) || len(f.Children) == 0), t.Kind == ipc.KindInterval:
		return true
	case t.Kind == ipc.KindStruct && len(f.Children) == 0:
		return true
	case t.Kind == ipc.KindDecimal && t.Precision > map[int]int{32: 9, 64: 18, 128: 38, 256: 76}[t.Bits]:
		return true
	case f.Dictionary != nil && (len(f.Children) > 0 || t.Kind == ipc.KindBool || t.Kind == ipc.KindNull):
		return true
	case t.Kind == ipc.KindRunEndEncoded:
		values := &f.Children[1]
		return inexpressible(values, as) || values.Dictionary == nil && len(values.Children) != 0 || values.Type.Kind == ipc.KindNull
	case t.Kind == ipc.KindMap:
		return inexpressible(&f.Children[0].Children[0], as) || inexpressible(&f.Children[0].Children[1], as)
	}
	for i := range f.Children {
		c := &f.Children[i]
		if as == "fbs" && t.Kind != ipc.KindStruct && t.Kind != ipc.KindMap && c.Type.Kind == ipc.KindUnion && c.Nullable {
			return true // a list of unions with a member for nil
		}
		if inexpressible(c, as) || c.Name == "" && (t.Kind == ipc.KindStruct || t.Kind == ipc.KindUnion) || c.Type.Kind == t.Kind && t.Kind == ipc.KindUnion {
			return true
		}
		if as == "fbs" && t.Kind != ipc.KindStruct {
			runs := c.Type.Kind == ipc.KindRunEndEncoded
			if runs {
				c = &c.Children[1]
			}
			switch k := c.Type; {
			case runs && (k.IsBinary() || k.Kind == ipc.KindFixedSizeBinary && len(c.Metadata) == 0), k.Equal(ipc.Uint8):
				return true
			}
		}
	}
	return false
}

// unionOfTables tells whether a union has tables and strings alone, and perhaps nulls with the first type id.
func unionOfTables(f *ipc.Field) bool {
	for i := range f.Children {
		c := &f.Children[i]
		id := i
		if f.Type.TypeIDs != nil {
			id = int(f.Type.TypeIDs[i])
		}
		nulls := slices.IndexFunc(f.Children, func(c ipc.Field) bool { return c.Type.Kind == ipc.KindNull }) == i
		if nulls != (id == 0) || nulls && (i != 0 || c.Name != "null") {
			return false
		}
		plain := c.Dictionary == nil && (c.Type.Kind == ipc.KindUtf8 || c.Type.Kind == ipc.KindStruct)
		if c.Type.Kind != ipc.KindNull && (c.Nullable || !plain) {
			return false
		}
	}
	return true
}

// goldenSchemas are the schemas of what other implementations have written.
func goldenSchemas(t *testing.T) map[string]*ipc.Schema {
	t.Helper()
	const root = "../internal/testdata"
	list := map[string]*ipc.Schema{}
	for _, dir := range []string{"arrow-testing/data/arrow-ipc-stream/integration", "peers"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || filepath.Ext(name) != ".stream" && filepath.Ext(name) != ".arrows" {
				return err
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			s, err := ipc.NewReader(bytes.NewReader(text), nil).Schema(context.Background())
			if err != nil {
				return err
			}
			list[strings.TrimSuffix(strings.ReplaceAll(filepath.Base(name), ".", "_"), "_stream")] = s
			return nil
		})
		if err != nil {
			t.Skip("no test data")
		}
	}
	return list
}

// What a definition cannot say is said of each column, all at once.
func TestDefineErrors(t *testing.T) {
	schema := &ipc.Schema{Fields: []ipc.Field{
		{Name: "legs", Type: ipc.Struct, Children: []ipc.Field{{Name: "tags", Type: ipc.List, Children: []ipc.Field{{Name: "item", Type: ipc.RunEndEncoded, Children: []ipc.Field{{Name: "run_ends", Type: ipc.Int32}, {Name: "values", Type: ipc.Binary}}}}}}},
		{Name: "bytes", Type: ipc.List, Children: []ipc.Field{{Name: "item", Type: ipc.Uint8}}},
	}}
	_, err := codegen.Define(schema, &codegen.DefineOptions{As: "fbs", Source: "x.arrow"})
	const want = `x.arrow: column "legs.tags": items that are runs of type binary, for which .fbs has no words; write the definition as Go
x.arrow: column "bytes": items of type uint8, whose vector is binary in .fbs; write the definition as Go`
	if err == nil || err.Error() != want {
		t.Errorf("%v, want\n%s", err, want)
	}
	if _, err := codegen.Define(schema, &codegen.DefineOptions{As: "proto", Source: "x.arrow"}); err == nil {
		t.Error("a form that there is not")
	}
}
