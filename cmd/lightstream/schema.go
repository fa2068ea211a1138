package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func newSchema(std std) *cobra.Command {
	var o options
	var as string
	var breaking bool
	cmd := &cobra.Command{
		Use:   "schema SRC | schema --breaking OLD NEW",
		Short: "Print the schema of a table, or judge a change of it",
		Long: `schema prints the columns of a table with their types and metadata.

With --breaking it judges the change from one table to another, each an Arrow file or
stream, or a lightstream.schema.lock: whether readers or writers have to be deployed
first. It exits with status 1 when neither will do.`,
		Example: `  lightstream schema trades.arrow
  lightstream schema trades.arrow --as json
  lightstream schema --breaking old.arrow new.arrow`,
		Args: func(cmd *cobra.Command, args []string) error {
			if breaking {
				return exactly(2, "with --breaking the old and the new table")(cmd, args)
			}
			return exactly(1, "a source")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if breaking {
				return judge(cmd.Context(), args[0], args[1], &o, std)
			}
			schema, err := readSchema(cmd.Context(), args[0], &o, std)
			if err != nil {
				return err
			}
			switch as {
			case "table":
				printSchema(std.out, schema)
			case "json":
				return printJSON(std.out, schema)
			default:
				return usagef("--as=%s: unknown; there are table, json", as)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "`format` of the source: file, stream; default by its first bytes")
	f.StringSliceVar(&o.columns, "columns", nil, "`names` of the columns wanted, in this order")
	f.StringVar(&as, "as", "table", "`form`: table for people, json")
	f.BoolVar(&breaking, "breaking", false, "judge the change from OLD to NEW")
	complete(cmd, "from", inputs)
	complete(cmd, "as", []string{"table", "json"})
	return cmd
}

// readSchema returns the schema of a source.
func readSchema(ctx context.Context, name string, o *options, std std) (*ipc.Schema, error) {
	src, err := openSource(ctx, name, o, std, ipc.Structure)
	if err != nil {
		return nil, err
	}
	return src.schema, src.close()
}

// printSchema prints a line for each field, those below nested ones further in, with their metadata.
func printSchema(w io.Writer, s *ipc.Schema) {
	var lines [][2]string
	var add func(f *ipc.Field, indent string)
	metadata := func(kvs []ipc.KeyValue, indent string) {
		for _, kv := range kvs {
			lines = append(lines, [2]string{indent + "· " + cell(kv.Key), cell(kv.Value)})
		}
	}
	add = func(f *ipc.Field, indent string) {
		name := cell(f.Name)
		if name == "" {
			name = `""`
		}
		nullable := ""
		if !f.Nullable {
			nullable = " not null"
		}
		lines = append(lines, [2]string{indent + name, typeName(f) + nullable})
		metadata(f.Metadata, indent+"  ")
		for i := range f.Children {
			add(&f.Children[i], indent+"  ")
		}
	}
	for i := range s.Fields {
		add(&s.Fields[i], "")
	}
	if len(s.Metadata) > 0 {
		lines = append(lines, [2]string{"(schema)", ""})
		metadata(s.Metadata, "  ")
	}
	width := 0
	for _, l := range lines {
		width = max(width, len([]rune(l[0])))
	}
	for _, l := range lines {
		text := l[0] + strings.Repeat(" ", width-len([]rune(l[0]))) + "  " + l[1]
		fmt.Fprintln(w, strings.TrimRight(text, " "))
	}
}

// typeName is the type of a field without those below it.
func typeName(f *ipc.Field) string {
	alone := *f
	if alone.Dictionary == nil {
		alone.Children = nil
	}
	return alone.TypeString()
}
