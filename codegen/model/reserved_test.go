package model_test

import (
	"reflect"
	"testing"

	"github.com/lightstream-go/lightstream/codegen/model"
	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// Whatever batches and builders have beside accessors, a column of that name gets another one.
func TestReserved(t *testing.T) {
	column := map[string]bool{}
	for _, name := range []string{"Time", "Symbol", "Price", "Size", "Note"} {
		column[name] = true
	}
	var names []string
	for _, typ := range []reflect.Type{reflect.TypeFor[feed.TradeBatch](), reflect.TypeFor[*feed.TradeBuilder](), reflect.TypeFor[*rt.BuilderBase]()} {
		for i := range typ.NumMethod() {
			if name := typ.Method(i).Name; !column[name] {
				names = append(names, name)
			}
		}
	}
	if len(names) < 10 {
		t.Fatalf("only the methods %q", names)
	}
	for _, name := range names {
		f := &model.File{}
		def := &model.Def{Row: "T", Columns: []*model.ColumnDef{{Field: name, Type: model.Int8}}}
		if err := model.Build(&model.Package{Name: "p"}, f, []*model.Def{def}); err != nil {
			t.Fatal(err)
		}
		if got := f.Tables[0].Columns[0].Method; got != name+"Column" {
			t.Errorf("column %s has the accessor %s", name, got)
		}
	}
}

// So has a member of a union, or a field of a struct, of what their views and builders have.
func TestReservedBelow(t *testing.T) {
	for typ, g := range map[reflect.Type]*model.GroupDef{
		reflect.TypeFor[feed.MixedEventView]():      {Marker: "isG"},
		reflect.TypeFor[*feed.MixedEventBuilder]():  {Marker: "isG"},
		reflect.TypeFor[feed.MixedTicketView]():     {},
		reflect.TypeFor[*feed.MixedTicketBuilder](): {},
	} {
		g.Named.Name = "G"
		kind := map[bool]model.Kind{true: model.Union, false: model.Struct}[g.Marker != ""]
		own := map[string]bool{
			"Ack": true, "Reject": true, "Remark": true, "Mark": true, "Expiry": true, "Gone": true,
			"Events": true, "Venue": true, "Answer": true, "Nulls": true,
		}
		names := 0
		for i := range typ.NumMethod() {
			name := typ.Method(i).Name
			if own[name] {
				continue
			}
			names++
			g.Columns = []*model.ColumnDef{{Field: name, Type: model.Int8, Member: &model.Named{Name: "M"}}}
			f := &model.File{}
			def := &model.Def{Row: "T", Columns: []*model.ColumnDef{{Field: "X", Type: model.Type{Kind: kind}, Group: g}}}
			if err := model.Build(&model.Package{Name: "p"}, f, []*model.Def{def}); err != nil {
				t.Fatal(err)
			}
			if got := f.Tables[0].Groups[0].Columns[0].Method; got != name+"Column" {
				t.Errorf("%v: %s has the accessor %s", typ, name, got)
			}
		}
		if names < 4 {
			t.Errorf("%v: %d methods", typ, names)
		}
	}
}
