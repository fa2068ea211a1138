// Fbsgo writes a Go package for Flatbuffers schemas. It is the first stage of go generate, which makes package arrowfb of
// Arrow's metadata, and imports nothing that is generated, so that it runs when all of that is gone.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

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

// settings are what the command line says.
type settings struct {
	dir, doc        string
	opaque          string
	readOnly, check bool
	schemas         []string
}

func parseArgs(args []string, stderr io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("fbsgo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.dir, "o", "", "directory of the package, whose name is that of the directory")
	flags.StringVar(&s.doc, "doc", "", "file with the package comment")
	flags.StringVar(&s.opaque, "opaque", "", "members of unions that are not read, with commas between")
	flags.BoolVar(&s.readOnly, "readonly", false, "leave out the functions that write")
	flags.BoolVar(&s.check, "check", false, "write nothing, and fail if a file is not what would be written")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.schemas = flags.Args(); s.dir == "" || len(s.schemas) == 0 {
		return s, fmt.Errorf("usage: fbsgo -o directory [-doc file] [-opaque names] [-readonly] [-check] schema.fbs [schema.fbs ...]")
	}
	return s, nil
}

func run(args []string, stderr io.Writer) error {
	s, err := parseArgs(args, stderr)
	if err != nil {
		return err
	}
	files, err := generate(s)
	if err != nil {
		return err
	}
	if s.check {
		return output.Check(s.dir, files)
	}
	return output.Replace(s.dir, files)
}

// generate returns the files of the package by name.
func generate(s settings) (map[string][]byte, error) {
	schema, err := fbs.ParseFiles(s.schemas, nil)
	if err != nil {
		return nil, err
	}
	opt := fbsgen.Options{Package: packageName(s.dir), ReadOnly: s.readOnly}
	if s.opaque != "" {
		opt.Opaque = strings.Split(s.opaque, ",")
	}
	if s.doc != "" {
		text, err := os.ReadFile(s.doc)
		if err != nil {
			return nil, err
		}
		opt.Doc = strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	return fbsgen.Generate(schema, &opt)
}

// packageName is the name of the directory, also where that is given as a dot.
func packageName(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Base(dir)
}
