package fbs_test

import (
	"errors"
	"fmt"
	"testing/fstest"

	"github.com/lightstream-go/lightstream/codegen/fbs"
	"github.com/lightstream-go/lightstream/schema"
)

func ExampleParse() {
	files := fstest.MapFS{"feed.fbs": {Data: []byte(`
include "lightstream.fbs";
namespace feed;

/// One execution.
table Trade {
  time: long (timestamp: "us,UTC");
  symbol: string (dict, required);
  price: double = null;
}
`)}}
	s, err := fbs.Parse("feed.fbs", &fbs.Options{Open: fbs.OpenFS(files), Builtin: schema.FS})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range s.Main.Tables {
		fmt.Println(t.FullName(), t.Doc)
		for _, f := range t.Fields {
			fmt.Println(f.Slot, f.Name, f.Type, "optional:", f.Optional())
			for _, a := range f.Attrs {
				fmt.Printf("  %s %q\n", a.Name, a.Value)
			}
		}
	}
	// Output:
	// feed.Trade [One execution.]
	// 0 time long optional: false
	//   timestamp "us,UTC"
	// 1 symbol string optional: false
	//   dict ""
	//   required ""
	// 2 price double optional: true
}

func ExampleErrors() {
	files := fstest.MapFS{"feed.fbs": {Data: []byte("table Trade {\n  price: duoble;\n  size: ubyte = 256;\n}\n")}}
	_, err := fbs.Parse("feed.fbs", &fbs.Options{Open: fbs.OpenFS(files)})
	var list fbs.Errors
	if errors.As(err, &list) {
		fmt.Println(len(list), "errors, the first in line", list[0].Pos.Line)
	}
	fmt.Println(err)
	// Output:
	// 2 errors, the first in line 2
	// feed.fbs:2:10: unknown type "duoble"; want double
	// feed.fbs:3:17: the default 256 for a field of type ubyte; want 0 to 255, the range of ubyte
}
