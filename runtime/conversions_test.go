package rt_test

import (
	"slices"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
)

// TestConversions wants the conversions that the generator chooses by the types of a model to be those that NewTable does by Arrow's.
func TestConversions(t *testing.T) {
	seen := map[*rt.Conversions]int{}
	var without func(columns []rt.Column) []rt.Column
	without = func(columns []rt.Column) []rt.Column {
		columns = slices.Clone(columns)
		for i := range columns {
			columns[i].From, columns[i].Parts = nil, without(columns[i].Parts)
		}
		return columns
	}
	var compare func(path string, got, want []rt.Column)
	compare = func(path string, got, want []rt.Column) {
		for i := range got {
			g, w := &got[i], &want[i]
			if seen[g.From]++; g.From != w.From {
				t.Errorf("%s.%s (%v) has not the conversions of its type", path, g.Name, g)
			}
			compare(path+"."+g.Name, g.Parts, w.Parts)
		}
	}
	for name, columns := range map[string][]rt.Column{
		"all": feed.AllTable.Columns(), "every": feed.EveryTable.Columns(), "nested": feed.NestedTable.Columns(), "deep": feed.DeepTable.Columns(),
		"mixed": feed.MixedTable.Columns(), "tree": feed.TreeTable.Columns(), "quote": feed.QuoteTable.Columns(), "trade": feed.TradeTable.Columns(),
	} {
		compare(name, columns, bagOf(without(columns)...).Columns())
	}
	for _, c := range []*rt.Conversions{nil, rt.ToNumber, rt.ToTime, rt.ToBytes, rt.ToNested} {
		if seen[c] == 0 {
			t.Errorf("no column has %p", c)
		}
	}
}
