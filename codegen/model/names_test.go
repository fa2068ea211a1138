package model

import (
	"go/token"
	"testing"
)

func TestNames(t *testing.T) {
	tests := []struct{ camel, snake, local string }{
		{"Price", "price", "price"},
		{"OrderID", "order_id", "orderID"},
		{"ID", "id", "id"},
		{"IDs", "ids", "ids"},
		{"HTTPServer", "http_server", "httpServer"},
		{"HTTPServerURL", "http_server_url", "httpServerURL"},
		{"Utf8Text", "utf8_text", "utf8Text"},
		{"X2", "x2", "x2"},
		{"Level2Price", "level2_price", "level2Price"},
		{"Ärger", "ärger", "ärger"},
	}
	for _, test := range tests {
		if got := SnakeCase(test.camel); got != test.snake {
			t.Errorf("SnakeCase(%q) = %q, want %q", test.camel, got, test.snake)
		}
		if got := lowerCamel(test.camel); got != test.local {
			t.Errorf("lowerCamel(%q) = %q, want %q", test.camel, got, test.local)
		}
	}
}

func TestCamelCase(t *testing.T) {
	for name, want := range map[string]string{
		"price": "Price", "order_id": "OrderID", "orderId": "OrderID", "OrderID": "OrderID", "id": "ID", "http_url": "HTTPURL",
		"_x__y_": "XY", "2nd": "X2nd", "__": "", "日本": "X日本", "a_2": "A2", "utf8": "UTF8",
	} {
		got := CamelCase(name)
		if got != want {
			t.Errorf("CamelCase(%q) = %q, want %q", name, got, want)
		}
		if got != "" && (!IsIdentifier(got) || !token.IsExported(got)) {
			t.Errorf("CamelCase(%q) = %q, which is no exported name", name, got)
		}
	}
}

func TestGroupBase(t *testing.T) {
	for _, test := range []struct {
		row, name string
		own       bool
		want      string
	}{
		{"Order", "Leg", true, "OrderLeg"},
		{"Order", "leg", true, "OrderLeg"},
		{"Order", "OrderLeg", true, "OrderLeg"},
		{"Order", "OrderLeg", false, "OrderOrderLeg"},
		{"Order", "Order", true, "OrderOrder"}, // of another package
		{"Order", "Orders", true, "OrderOrders"},
		{"order", "orderLeg", true, "orderLeg"},
		{"order", "OrderLeg", true, "orderLeg"},
		{"Order", "orderLeg", true, "OrderLeg"},
	} {
		if got := groupBase(test.row, test.name, func(string) bool { return test.own }); got != test.want {
			t.Errorf("groupBase(%q, %q) = %q, want %q", test.row, test.name, got, test.want)
		}
	}
}

// A type of a table gives its short name to the table of that name, and to the type called by its rest.
func TestGroupNames(t *testing.T) {
	group := func(name string) *ColumnDef {
		g := &GroupDef{Named: Named{Name: name}, Columns: []*ColumnDef{{Field: "A", Type: Int8}}}
		return &ColumnDef{Field: "F" + name, Type: Type{Kind: Struct}, Group: g}
	}
	for _, test := range []struct {
		columns, rows []string
		want          string
	}{
		{[]string{"OrderLeg"}, nil, "OrderLegView"},
		{[]string{"OrderLeg"}, []string{"OrderLeg"}, "OrderOrderLegView"},
		{[]string{"OrderLeg", "Leg"}, nil, "OrderOrderLegView"},
		{[]string{"OrderLeg", "LegX"}, []string{"Leg"}, "OrderLegView"},
	} {
		def := &Def{Row: "Order"}
		for _, name := range test.columns {
			def.Columns = append(def.Columns, group(name))
		}
		defs := []*Def{def}
		for _, row := range test.rows {
			defs = append(defs, &Def{Row: row, Columns: []*ColumnDef{{Field: "A", Type: Int8}}})
		}
		f := &File{}
		if err := Build(&Package{Name: "p"}, f, defs); err != nil {
			t.Fatal(err)
		}
		if got := f.Tables[0].Groups[0].Names.View; got != test.want {
			t.Errorf("%v beside %v: %s, want %s", test.columns, test.rows, got, test.want)
		}
	}
}

// Names that Go has already are not given to variables.
func TestLocals(t *testing.T) {
	def := &Def{Row: "T"}
	for _, name := range []string{"Len", "Type", "Nil", "Error", "At", "Rows", "Io", "Rt", "Column", "T", "Func", "Range"} {
		def.Columns = append(def.Columns, &ColumnDef{Field: name, Type: Type{Kind: Bool}})
	}
	f := &File{}
	if err := Build(&Package{Name: "p"}, f, []*Def{def}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range f.Tables[0].Columns {
		if token.IsKeyword(c.Local) || seen[c.Local] {
			t.Errorf("column %s has the variable %s", c.Name, c.Local)
		}
		for _, list := range [][]string{locals, {"io", "rt", "column"}} {
			for _, name := range list {
				if c.Local == name {
					t.Errorf("column %s hides %s", c.Name, name)
				}
			}
		}
		seen[c.Local] = true
	}
}

func TestTag(t *testing.T) {
	tests := []struct {
		column ColumnDef
		want   string
	}{
		{ColumnDef{Name: "a", Type: Type{Kind: Utf8}}, "a"},
		{ColumnDef{Name: "a", Type: Type{Kind: Utf8}, Index: &Int32}, "a,dict"},
		{ColumnDef{Name: "a", Type: Type{Kind: Utf8}, Index: &Int8, HasDefault: true, Default: "x", Was: "b"}, "a,dict(int8),default=x,was=b"},
		{ColumnDef{Name: "a", Type: TimestampNanoUTC}, "a"},
		{ColumnDef{Name: "a", Type: Type{Kind: Timestamp, Unit: Second, Zone: "UTC"}, NaiveUTC: true}, "a,timestamp(s,UTC),naive=UTC"},
		{ColumnDef{Name: "a", Type: Type{Kind: Timestamp, Unit: Nanosecond}}, "a,timestamp(ns)"},
		{ColumnDef{Name: "a", Type: Type{Kind: Binary}}, "a,required"},
		{ColumnDef{Name: "a", Type: Type{Kind: Binary}, Nullable: true}, "a"},
	}
	for _, test := range tests {
		if got := (&Column{ColumnDef: test.column}).Tag(); got != test.want {
			t.Errorf("Tag() = %q, want %q", got, test.want)
		}
	}
}
