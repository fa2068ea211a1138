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
