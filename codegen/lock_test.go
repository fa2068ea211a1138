package codegen_test

import (
	"fmt"
	"testing"

	"github.com/lightstream-go/lightstream/codegen"
	"github.com/lightstream-go/lightstream/codegen/evolve"
	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestLockIsTheWire compares what a lock says of tables with every type to the schemas that their generated code sends.
func TestLockIsTheWire(t *testing.T) {
	schemas := map[string]*ipc.Schema{
		"All": feed.AllTable.Schema(), "Every": feed.EveryTable.Schema(), "Trade": feed.TradeTable.Schema(),
		"Nested": feed.NestedTable.Schema(), "Tree": feed.TreeTable.Schema(),
	}
	lock, err := codegen.ReadLock("../internal/feed/" + evolve.LockName)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range lock.Files {
		for _, table := range f.Tables {
			schema := schemas[table.Row]
			if schema == nil {
				continue
			}
			delete(schemas, table.Row)
			if got, want := len(table.Columns), len(schema.Fields); got != want {
				t.Fatalf("table %s has %d columns, want %d", table.Row, got, want)
			}
			for i := range table.Columns {
				if got, want := evolve.FormatField(&table.Columns[i].Field), evolve.FormatField(&schema.Fields[i]); got != want {
					t.Errorf("table %s: %s, want %s", table.Row, got, want)
				}
			}
		}
	}
	for row := range schemas {
		t.Errorf("the lock has no table %s", row)
	}
}

func ExampleChanges() {
	// With the definitions as they were generated last, nothing has changed.
	outputs, err := codegen.Generate(&codegen.Options{Inputs: []string{"../internal/feed"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range codegen.Changes(outputs, nil) {
		fmt.Println(c.String())
	}
	// Output:
}
