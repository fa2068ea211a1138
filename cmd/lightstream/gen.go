package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/codegen"
	"github.com/lightstream-go/lightstream/codegen/model"
)

func newGen(std std) *cobra.Command {
	var (
		opts     codegen.Options
		check    bool
		breaking bool
		against  string
		tests    bool
		features []string
		verbose  bool
	)
	cmd := &cobra.Command{
		Use:   "gen [INPUT ...]",
		Short: "Generate the code of tables",
		Long: `gen writes the typed readers, writers, batches and builders of tables. An input is
a directory with a Go package, a Go file, a .fbs file, an Arrow file or stream, a
schema as lightstream schema --as json prints it, or dir/... for all tables at and
below dir. Without one it is the package in the current directory.

It is what lightstream-gen does, which has fewer dependencies and suits the tool
lines of go.mod better.`,
		Example: `  lightstream gen ./...
  lightstream gen -o internal/feed trades.fbs
  lightstream gen --tests --features csv,ndjson ./feed
  lightstream gen --check ./...
  lightstream gen --breaking ./...`,
		RunE: func(_ *cobra.Command, args []string) error {
			opts.Inputs = args
			if len(features) > 0 {
				names, err := codegen.ParseFeatures(strings.Join(features, ","))
				if err != nil {
					return usagef("--features: %v", err)
				}
				opts.Features = names
			}
			if tests {
				opts.Features = append(opts.Features, codegen.TestFeatures...)
			}
			if against != "" && !breaking {
				return usagef("--against is for --breaking")
			}
			opts.Whole = check || breaking
			outputs, err := codegen.Generate(&opts)
			switch {
			case err != nil:
			case check || breaking:
				if breaking {
					err = codegen.Judge(std.out, outputs, against)
				}
				if check {
					err = errors.Join(err, codegen.Check(outputs))
				}
			default:
				var changed []string
				changed, err = codegen.Write(outputs)
				for _, name := range changed {
					if verbose {
						fmt.Fprintln(std.out, name)
					}
				}
			}
			var stale *codegen.StaleError
			if errors.As(err, &model.Errors{}) || errors.As(err, &stale) { // begin with their places, as editors expect
				fmt.Fprintln(std.err, err)
				return errQuiet
			}
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVar(&check, "check", false, "write nothing, and fail if a file is not what would be written")
	f.BoolVar(&breaking, "breaking", false, "write nothing, print how the tables differ from lightstream.schema.lock, and fail if new\nand old programs cannot talk")
	f.StringVar(&against, "against", "", "`file` that --breaking compares with, instead of the lock beside the generated files")
	f.StringSliceVar(&features, "features", nil, "`list` of optional parts to generate: "+strings.Join(codegen.Features, ",")+";\nthose that a file has are kept")
	f.BoolVar(&tests, "tests", false, "generate tests: short for --features="+strings.Join(codegen.TestFeatures, ","))
	f.BoolVarP(&verbose, "verbose", "v", false, "print the names of files that have changed")
	f.StringVarP(&opts.Output, "output", "o", "", "`directory` for what schemas give, instead of their own")
	f.StringVar(&opts.Package, "package", "", "`name` of the Go package for schemas")
	f.StringVar(&opts.Table, "table", "", "`name` of the table of an Arrow file or a .json file, instead of that of the file")
	f.StringSliceVarP(&opts.Include, "include", "I", nil, "`directories` to search for files that .fbs files include")
	complete(cmd, "features", codegen.Features)
	return cmd
}
