package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/compress"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// format is how a table lies in a file.
type format string

const (
	formatFile    format = "file"   // Arrow IPC file
	formatStream  format = "stream" // Arrow IPC stream
	formatCSV     format = "csv"
	formatNDJSON  format = "ndjson"
	formatTable   format = "table" // for people
	formatArrow   format = "arrow" // file or stream
	formatParquet format = "parquet"
)

// formats are what --from and --to take.
var (
	inputs  = []format{formatFile, formatStream, formatCSV, formatNDJSON, formatParquet}
	outputs = []format{formatFile, formatStream, formatCSV, formatNDJSON, formatParquet, formatTable}
)

// extensions say the format of a file by its name.
var extensions = map[string]format{
	".arrow": formatFile, ".arrow_file": formatFile, ".feather": formatFile, ".ipc": formatFile,
	".arrows": formatStream, ".stream": formatStream,
	".csv":    formatCSV,
	".ndjson": formatNDJSON, ".jsonl": formatNDJSON,
	".parquet": formatParquet, ".pq": formatParquet,
}

// options are the flags that several verbs have.
type options struct {
	from, to    string
	columns     []string
	head        int64
	batchRows   int
	compression string
	null        string
	quiet       bool
	unfinished  bool
	dryRun      bool
	partition   []string
	maxRows     int64
	maxBytes    int64
	token       string                 // where it is
	given       func(flag string) bool // on the command line
}

// add declares the flags.
func (o *options) add(cmd *cobra.Command, output bool) {
	f := cmd.Flags()
	o.addSource(cmd, "no progress")
	f.Int64Var(&o.head, "head", -1, "only the first `n` rows")
	f.Int64Var(&o.head, "limit", -1, "the same as --head")
	if output {
		f.StringVar(&o.to, "to", "", "`format` of the destination: file, stream, csv, ndjson, parquet, table; arrow is a stream,\nor a file if its name says so; default by the extension of its name")
		f.IntVar(&o.batchRows, "batch-rows", 0, "put so many `rows` into each batch; default as they come")
		f.StringVar(&o.compression, "compression", "", "`codec` of Arrow and Parquet: zstd, lz4, none; of Parquet also snappy, gzip")
		f.StringVar(&o.token, "token", "", tokenUsage("for the server that is connected to, the token at this `place`"))
		f.StringVar(&o.null, "null", "", "`text` for nulls in CSV; default an empty field")
		complete(cmd, "to", outputs)
		complete(cmd, "compression", []string{"zstd", "lz4", "none", "snappy", "gzip"})
	}
}

// addSource declares the flags that say what is read.
func (o *options) addSource(cmd *cobra.Command, quiet string) {
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "`format` of the source: file, stream, csv, ndjson, parquet; arrow is either of the first;\ndefault by its first bytes, and by its name for text")
	f.StringSliceVar(&o.columns, "columns", nil, "`names` of the columns wanted, in this order")
	f.BoolVar(&o.unfinished, "unfinished", false, "take a stream for complete that ends without an end marker")
	f.BoolVarP(&o.quiet, "quiet", "q", false, quiet)
	complete(cmd, "from", append([]format{formatArrow}, inputs...))
	completeColumns(cmd, o)
	o.given = f.Changed
}

// check tells what is wrong with the flags.
func (o *options) check() error {
	switch {
	case o.given("columns") && len(o.columns) == 0:
		return usagef("--columns names no column")
	case (o.given("head") || o.given("limit")) && o.head < 0:
		return usagef("--head=%d: want a number of rows", o.head)
	case o.maxRows < 0 || o.maxBytes < 0:
		return usagef("--max-rows and --max-bytes: want numbers")
	case o.batchRows < 0:
		return usagef("--batch-rows=%d: want a number of rows", o.batchRows)
	}
	return nil
}

// completeColumns has the shell ask the source for the names of its columns.
func completeColumns(cmd *cobra.Command, o *options) {
	names := func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		const fail = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		if len(args) == 0 || args[0] == "-" {
			return nil, fail
		}
		schema, err := readSchema(cmd.Context(), args[0], &options{from: o.from}, std{})
		if err != nil {
			return nil, fail
		}
		before := typed[:strings.LastIndexByte(typed, ',')+1] // names that are there already
		var list []string
		for i := range schema.Fields {
			if name := schema.Fields[i].Name; !slices.Contains(strings.Split(before, ","), name) && !strings.ContainsAny(name, "\n\t") {
				list = append(list, before+name)
			}
		}
		return list, fail
	}
	if err := cmd.RegisterFlagCompletionFunc("columns", names); err != nil {
		panic(err) // the flag does not exist
	}
}

// complete tells the shell the values of a flag.
func complete[S ~string](cmd *cobra.Command, flag string, values []S) {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist
	}
}

// formatOf returns the format that a flag names, or else that of the extension, or "".
func formatOf(flag, value, name string, known []format) (format, error) {
	_, inner, err := compress.ByName(name)
	if err != nil {
		return "", err
	}
	byName := extensions[strings.ToLower(filepath.Ext(inner))]
	if format(value) == formatArrow {
		if byName == formatFile {
			return formatFile, nil
		}
		return formatStream, nil
	}
	if value != "" {
		if !slices.Contains(known, format(value)) {
			return "", usagef("--%s=%s: unknown format; there are %s", flag, value, list(known))
		}
		return format(value), nil
	}
	return byName, nil
}

// project returns the places of the columns wanted, in their order, or nil for all as they are.
func (o *options) project(s *ipc.Schema) ([]int, error) {
	if o.columns == nil {
		return nil, nil
	}
	places := make([]int, 0, len(o.columns))
	for _, name := range o.columns {
		i := slices.IndexFunc(s.Fields, func(f ipc.Field) bool { return f.Name == name })
		if i < 0 {
			return nil, usagef("--columns: there is no column %q; there are %s", name, names(s))
		}
		if slices.Contains(places, i) {
			return nil, usagef("--columns: %q comes twice", name)
		}
		places = append(places, i)
	}
	return places, nil
}

// names lists the columns of a schema, for an error.
func names(s *ipc.Schema) string {
	const most = 20
	var list []string
	for i := range s.Fields {
		if i == most {
			list = append(list, fmt.Sprintf("and %d more", len(s.Fields)-most))
			break
		}
		list = append(list, s.Fields[i].Name)
	}
	return strings.Join(list, ", ")
}

// list returns names with commas between them.
func list[S ~string](names []S) string {
	texts := make([]string, len(names))
	for i, s := range names {
		texts[i] = string(s)
	}
	return strings.Join(texts, ", ")
}
