// Arrowfbgen is the first stage of go generate: it writes package arrowfb from the schemas of Arrow's metadata.
//
// It imports nothing that is generated, so that it runs when everything generated is gone.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/lightstream-go/lightstream/codegen/fbs"
	"github.com/lightstream-go/lightstream/codegen/fbsgen"
	"github.com/lightstream-go/lightstream/codegen/internal/output"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// packageDoc is the package comment of arrowfb.
var packageDoc = []string{
	"Package arrowfb reads and writes the metadata of Apache Arrow: the flatbuffers in front of message bodies and at the",
	"end of files.",
	"",
	"What comes from outside goes through a verifier first. What it returns aliases the buffer and reads it in place:",
	"",
	"\tm, err := arrowfb.VerifyMessage(buf, arrowfb.Limits{})",
	"\tif err != nil {",
	"\t\treturn err",
	"\t}",
	"\tif batch, ok := m.HeaderRecordBatch(); ok {",
	"\t\tfor i := range batch.NodesLen() {",
	"\t\t\tfmt.Println(batch.Nodes(i).Length())",
	"\t\t}",
	"\t}",
	"",
	"The methods that end in Pos say where a value lies in the buffer, so that a message of the same shape can be read or",
	"patched there; the functions with Force in their names make sure that it is there.",
}

// run writes the package for the schemas that args end with into a directory.
func run(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("arrowfbgen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("o", "", "directory of the package to write")
	check := flags.Bool("check", false, "write nothing; fail if a file is not as it would be written")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" || flags.NArg() == 0 {
		return fmt.Errorf("usage: arrowfbgen [-check] -o directory schema.fbs...")
	}
	files, err := generate(flags.Args())
	if err != nil {
		return err
	}
	if *check {
		for _, f := range files {
			if err := output.Check(filepath.Join(*dir, f.Name), f.Data); err != nil {
				return err
			}
		}
		return nil
	}
	if err := os.MkdirAll(*dir, 0o777); err != nil {
		return err
	}
	for _, f := range files {
		if err := output.Replace(filepath.Join(*dir, f.Name), f.Data); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the files of the package.
func generate(schemas []string) ([]fbsgen.File, error) {
	s, err := fbs.ParseFiles(schemas, nil)
	if err != nil {
		return nil, err
	}
	return fbsgen.Generate(s, fbsgen.Options{
		Package: "arrowfb",
		Doc:     packageDoc,
		Source:  func(name string) string { return path.Join("schema", path.Base(name)) },
	})
}
