package codegen_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/lightstream-go/lightstream/codegen"
)

func Example() {
	dir, err := os.MkdirTemp("", "feed")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	definition := filepath.Join(dir, "trade.go")
	define := func(size string) {
		text := "package feed\n\n//lightstream:table\ntype Trade struct {\n\tPrice float64\n\tSize  " + size + "\n}\n"
		if err := os.WriteFile(definition, []byte(text), 0o666); err != nil {
			log.Print(err)
		}
	}
	opts := &codegen.Options{Inputs: []string{dir}}

	define("int64")
	changed, err := codegen.Run(opts)
	for _, name := range changed {
		fmt.Println("wrote", filepath.Base(name))
	}
	if err != nil {
		fmt.Println(err)
	}

	define("chan int") // the generated file stays as it is
	_, err = codegen.Run(opts)
	fmt.Println(strings.ReplaceAll(err.Error(), filepath.ToSlash(dir)+"/", ""))
	// Output:
	// wrote trade_lightstream.go
	// wrote lightstream.schema.lock
	// trade.go:6:2: field Size: a channel cannot be a column, found chan int; tag it `arrow:"-"`
}

func ExampleCheck() {
	outputs, err := codegen.Generate(&codegen.Options{Inputs: []string{"../internal/feed"}})
	if err == nil {
		err = codegen.Check(outputs)
	}
	if err != nil {
		fmt.Println(err) // such as: trade.go:9:2: trade_lightstream.go is stale: field Venue was added; run: go generate .
		return
	}
	fmt.Println(len(outputs), "files are what they should be")
	// Output: 15 files are what they should be
}
