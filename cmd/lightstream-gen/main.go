// Command lightstream-gen writes the Go that streams tables as Apache Arrow, from Go structs, .fbs files and Arrow files.
//
//	go get -tool github.com/lightstream-go/lightstream/cmd/lightstream-gen
//
// In a Go package, //go:generate go tool lightstream-gen generates for all structs with //lightstream:table in their comment:
// trade_lightstream.go from trade.go. With the name of a .fbs file it generates for the tables in that:
// trades_lightstream.go, and the row structs in trades_rows.go. With that of a .arrow or .arrows file it does the same for the
// table that this holds. Run it with -h for all else.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/codegen"
	"github.com/lightstream-go/lightstream/codegen/model"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

const usage = `usage: lightstream-gen [flags] [input ...]

Writes the typed readers, writers, batches and builders of tables.

An input is a directory with a Go package, a Go file, a schema, or dir/... for all
tables at and below dir: those of Go packages, and those of the schemas that
generated files there came from. Without one it is the package in the current
directory.

  trade.go       structs with //lightstream:table in their comment
                 give trade_lightstream.go
  trades.fbs     tables give trades_lightstream.go, and trades_rows.go
                 with a struct for each
  trades.arrows  the columns of an Arrow stream, or of a .arrow file,
                 give the same two files
  trades.json    so does a schema that lightstream schema --as json prints

With -tests, trade_lightstream_test.go has a round-trip test, a fuzz target and a
benchmark of each table. Once there, it is kept up to date.

With -features=csv,ndjson, trade_text_lightstream.go has readers and writers of each
table for these formats. Once there, it is kept up to date. To take one back delete
the file, and name those that stay.

Beside them goes lightstream.schema.lock, which has the tables as text, to be kept
under version control.

examples:
  //go:generate go tool lightstream-gen                  the package of this file
  //go:generate go tool lightstream-gen trades.fbs       the tables of a schema
  //go:generate go tool lightstream-gen -table Trade trades.arrows
  go tool lightstream-gen -check ./...                   fails if a file is stale
  go tool lightstream-gen -breaking ./...                what the changes of tables mean
  go tool lightstream-gen -o internal/feed -I schema schema/trades.fbs

flags:
`

const exits = `
exit status: 0 done, 1 a definition is wrong, a file stale or a change breaking, 2 wrong use
`

// run is the command. It returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	var opts codegen.Options
	flags := flag.NewFlagSet("lightstream-gen", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	check := flags.Bool("check", false, "write nothing, and fail if a file is not what would be written")
	breaking := flags.Bool("breaking", false, "write nothing, print how the tables differ from lightstream.schema.lock, and fail if new and old programs cannot talk")
	against := flags.String("against", "", "`file` to compare with, instead of the lightstream.schema.lock beside the generated files")
	version := flags.Bool("version", false, "print the version")
	verbose := flags.Bool("v", false, "print the names of files that have changed")
	flags.StringVar(&opts.Output, "o", "", "`directory` for what schemas give, instead of their own")
	flags.StringVar(&opts.Package, "package", "", "`name` of the Go package for schemas, instead of that of the Go files in the directory")
	flags.StringVar(&opts.Table, "table", "", "`name` of the table of a .arrow, .arrows or .json file, instead of that of the file")
	flags.Func("features", "`list` of optional parts to generate: "+strings.Join(codegen.Features, ",")+"; those that a file has are kept", func(list string) error {
		names, err := codegen.ParseFeatures(list)
		opts.Features = append(opts.Features, names...)
		return err
	})
	tests := flags.Bool("tests", false, "generate tests: short for -features="+strings.Join(codegen.TestFeatures, ","))
	flags.Func("I", "`directory` to search for files that .fbs files include; may be repeated", func(dir string) error {
		opts.Include = append(opts.Include, dir)
		return nil
	})
	err := flags.Parse(args)
	opts.Inputs = flags.Args()
	if *tests {
		opts.Features = append(opts.Features, codegen.TestFeatures...)
	}
	if err == nil && !*version {
		err = misused(&opts)
	}
	if err == nil && *against != "" && !*breaking {
		err = errors.New("-against is for -breaking")
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		fmt.Fprint(stdout, exits)
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "lightstream-gen: %v; run lightstream-gen -h for help\n", err)
		return 2
	case *version:
		fmt.Fprintf(stdout, "lightstream-gen %s\n", moduleVersion())
		return 0
	}
	if opts.Package == "" && generatesHere(&opts) {
		opts.Package = os.Getenv("GOPACKAGE") // set by go generate
	}
	opts.Whole = *check || *breaking
	outputs, err := codegen.Generate(&opts)
	switch {
	case err != nil:
	case *breaking || *check:
		if *breaking {
			err = codegen.Judge(stdout, outputs, *against)
		}
		if *check {
			err = errors.Join(err, codegen.Check(outputs))
		}
	default:
		var changed []string
		changed, err = codegen.Write(outputs)
		if *verbose {
			for _, name := range changed {
				fmt.Fprintln(stdout, name)
			}
		}
	}
	if err != nil {
		report(stderr, err)
		return 1
	}
	return 0
}

// misused returns an error for flags that have nothing to do.
func misused(opts *codegen.Options) error {
	count := func(is func(string) bool) (n int) {
		for _, input := range opts.Inputs {
			if is(input) {
				n++
			}
		}
		return n
	}
	schemas := count(codegen.IsSchema)
	fbs := count(func(input string) bool { return filepath.Ext(input) == ".fbs" })
	switch {
	case opts.Output != "" && schemas == 0:
		return errors.New("-o is for schemas, and there is none; what Go files give goes beside them")
	case opts.Package != "" && schemas == 0:
		return errors.New("-package is for schemas, and there is none")
	case opts.Table != "" && schemas-fbs != 1:
		return fmt.Errorf("-table is for one .arrow, .arrows or .json file, and there are %d", schemas-fbs)
	case len(opts.Include) > 0 && fbs == 0 && count(func(input string) bool { return strings.HasSuffix(input, "/...") }) == 0:
		return errors.New("-I is for .fbs files, and there is none")
	}
	return nil
}

// generatesHere tells whether what schemas give goes into the current directory, that of the package that go generate
// runs for.
func generatesHere(opts *codegen.Options) bool {
	if opts.Output != "" {
		return filepath.Clean(opts.Output) == "."
	}
	return !slices.ContainsFunc(opts.Inputs, func(input string) bool { return filepath.Dir(input) != "." })
}

// report prints err. What has a place begins with it, as editors expect.
func report(stderr io.Writer, err error) {
	var stale *codegen.StaleError
	if errors.As(err, &model.Errors{}) || errors.As(err, &stale) {
		fmt.Fprintln(stderr, err)
		return
	}
	fmt.Fprintf(stderr, "lightstream-gen: %v\n", err)
}

// moduleVersion returns the version of the module that this command was built from.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown version)"
	}
	const path = "github.com/lightstream-go/lightstream"
	if info.Main.Path == path {
		return info.Main.Version
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return "(unknown version)"
}
