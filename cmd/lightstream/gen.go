package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/codegen"
	"github.com/lightstream-go/lightstream/codegen/model"
)

func newGen(std std) *cobra.Command {
	var (
		opts    codegen.Options
		check   bool
		verbose bool
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
  lightstream gen --check ./...`,
		RunE: func(_ *cobra.Command, args []string) error {
			opts.Inputs = args
			outputs, err := codegen.Generate(&opts)
			if err == nil && check {
				err = codegen.Check(outputs)
			} else if err == nil {
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
	f.BoolVarP(&verbose, "verbose", "v", false, "print the names of files that have changed")
	f.StringVarP(&opts.Output, "output", "o", "", "`directory` for what schemas give, instead of their own")
	f.StringVar(&opts.Package, "package", "", "`name` of the Go package for schemas")
	f.StringVar(&opts.Table, "table", "", "`name` of the table of an Arrow file or a .json file, instead of that of the file")
	f.StringSliceVarP(&opts.Include, "include", "I", nil, "`directories` to search for files that .fbs files include")
	return cmd
}
