package arrowgo_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/interop/arrowgo"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func TestSchema(t *testing.T) {
	s := must(arrowgo.Schema(feed.TradeTable.Schema()))(t)
	const want = `schema:
  fields: 5
    - time: type=timestamp[ns, tz=UTC]
    - symbol: type=dictionary<values=utf8, indices=int32, ordered=false>
    - price: type=float64
    - size: type=int64
    - note: type=utf8, nullable`
	if s.String() != want {
		t.Errorf("got\n%v\nwant\n%s", s, want)
	}
}

// TestSchemaRoundTrip takes schemas there and back. (That each type is the right one, package ipc's tests show by its data.)
func TestSchemaRoundTrip(t *testing.T) {
	list := func(k ipc.Kind, width int, item ipc.Field) ipc.Field {
		return ipc.Field{Name: k.String(), Type: ipc.Type{Kind: k, Width: width}, Children: []ipc.Field{item}}
	}
	item := ipc.Field{Name: "element", Type: ipc.Utf8View, Nullable: true, Metadata: []ipc.KeyValue{{Key: "k", Value: "v"}}}
	want := &ipc.Schema{
		Metadata: []ipc.KeyValue{{Key: "b", Value: "2"}, {Key: "a", Value: "1"}, {Key: "a", Value: ""}},
		Fields: []ipc.Field{
			{Name: "", Type: ipc.Bool},
			{Name: "x", Type: ipc.Timestamp(column.Millisecond, "Asia/Tokyo"), Nullable: true, Metadata: []ipc.KeyValue{{Key: "m", Value: "n"}}},
			{Name: "x", Type: ipc.Utf8, Dictionary: &ipc.DictionaryEncoding{ID: 2, Index: ipc.Uint16, Ordered: true}},
			{Name: "d", Type: ipc.Type{Kind: ipc.KindDecimal, Bits: 256, Precision: 50, Scale: -3}},
			{Name: "i", Type: ipc.Type{Kind: ipc.KindInterval, Variant: 2}},
			{Name: "t", Type: ipc.Type{Kind: ipc.KindTime, Bits: 32, Unit: column.Millisecond}},
			list(ipc.KindList, 0, item), list(ipc.KindLargeList, 0, item), list(ipc.KindListView, 0, item),
			list(ipc.KindLargeListView, 0, item), list(ipc.KindFixedSizeList, 4, item),
			{Name: "s", Type: ipc.Type{Kind: ipc.KindStruct}, Children: []ipc.Field{item, list(ipc.KindList, 0, item)}},
			{Name: "u", Type: ipc.Type{Kind: ipc.KindUnion, Variant: 1, TypeIDs: []int32{5, 0}}, Children: []ipc.Field{item, item}},
			{Name: "v", Type: ipc.Type{Kind: ipc.KindUnion, TypeIDs: []int32{}}},
			{Name: "r", Type: ipc.Type{Kind: ipc.KindRunEndEncoded}, Children: []ipc.Field{{Name: "run_ends", Type: ipc.Int32}, {Name: "values", Type: ipc.Utf8}}},
			{Name: "m", Type: ipc.Type{Kind: ipc.KindMap, Variant: 1}, Children: []ipc.Field{
				{Name: "entries", Type: ipc.Type{Kind: ipc.KindStruct}, Children: []ipc.Field{{Name: "key", Type: ipc.Int8}, {Name: "value", Type: ipc.Int64, Nullable: true}}},
			}},
		},
	}
	have := must(arrowgo.FromSchema(must(arrowgo.Schema(want))(t)))(t)
	for i := range want.Fields {
		if !reflect.DeepEqual(have.Fields[i], want.Fields[i]) {
			t.Errorf("field %d:\n%+v, want\n%+v", i, have.Fields[i], want.Fields[i])
		}
	}
	if !reflect.DeepEqual(have.Metadata, want.Metadata) {
		t.Errorf("metadata %v, want %v", have.Metadata, want.Metadata)
	}
	if again := must(arrowgo.Schema(have))(t); !again.Equal(must(arrowgo.Schema(want))(t)) {
		t.Errorf("%v", again)
	}
}

func TestSchemaRefuses(t *testing.T) {
	field := func(k ipc.Kind, children ...ipc.Field) ipc.Field {
		return ipc.Field{Name: "x", Type: ipc.Type{Kind: k}, Children: children}
	}
	int8s := ipc.Field{Name: "y", Type: ipc.Int8}
	for text, f := range map[string]ipc.Field{
		`column "x": type type 0`:                     {Name: "x"},
		`column "x": type time32[us]`:                 {Name: "x", Type: ipc.Type{Kind: ipc.KindTime, Bits: 32, Unit: column.Microsecond}},
		`column "x": type dictionary<utf8, utf8>`:     {Name: "x", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Utf8)},
		`column "x": type list does not go`:           field(ipc.KindList),
		`column "x": type fixed_size_list[0]`:         field(ipc.KindFixedSizeList, int8s),
		`column "x": type map<y: int8 not null>`:      field(ipc.KindMap, int8s),
		`column "x": type run_end_encoded<y: int8`:    field(ipc.KindRunEndEncoded, int8s, int8s),
		`column "x": type sparse_union<y: int8`:       {Name: "x", Type: ipc.Type{Kind: ipc.KindUnion, TypeIDs: []int32{3, 3}}, Children: []ipc.Field{int8s, int8s}},
		`column "x.z.y": type dictionary<utf8, bool>`: field(ipc.KindList, ipc.Field{Name: "z", Type: ipc.Type{Kind: ipc.KindStruct}, Children: []ipc.Field{{Name: "y", Type: ipc.Bool, Dictionary: ipc.DictionaryOf(ipc.Utf8)}}}),
	} {
		_, err := arrowgo.Schema(&ipc.Schema{Fields: []ipc.Field{int8s, f}})
		wantError(t, err, text)
		if !errors.Is(err, ipc.ErrUnsupported) {
			t.Errorf("%v does not wrap ErrUnsupported", err)
		}
	}
	twice := &arrow.DictionaryType{IndexType: p.Int8, ValueType: &arrow.DictionaryType{IndexType: p.Int8, ValueType: p.Int8}}
	_, err := arrowgo.FromSchema(arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.ListOf(twice)}}, nil))
	wantError(t, err, `the values of a dictionary have one themselves`)
	_, err = arrowgo.FromSchema(arrow.NewSchemaWithEndian(nil, nil, 1))
	wantError(t, err, "its data is big-endian")
}

// TestSchemaExtension keeps name and parameters of an extension type in the metadata, where other implementations look for them.
func TestSchemaExtension(t *testing.T) {
	s := must(arrowgo.FromSchema(arrow.NewSchema([]arrow.Field{
		{Name: "x", Type: newMoney("EUR"), Metadata: arrow.NewMetadata([]string{"k"}, []string{"v"})},
	}, nil)))(t)
	want := ipc.Field{Name: "x", Type: ipc.Float64, Metadata: []ipc.KeyValue{
		{Key: "k", Value: "v"}, {Key: "ARROW:extension:name", Value: "acme.money"}, {Key: "ARROW:extension:metadata", Value: "EUR"},
	}}
	if !reflect.DeepEqual(s.Fields[0], want) {
		t.Errorf("%+v", s.Fields[0])
	}
}
