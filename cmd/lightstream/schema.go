package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/codegen"
	"github.com/lightstream-go/lightstream/codegen/model"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func newSchema(std std) *cobra.Command {
	var o options
	var def codegen.DefineOptions
	var breaking bool
	cmd := &cobra.Command{
		Use:   "schema SRC | schema --breaking OLD NEW",
		Short: "Print the schema of a table, or judge a change of it",
		Long: `schema prints the columns of a table with their types and metadata. With --as go,
fbs or json it prints a definition from which gen makes a table with these columns:
a Go struct, a Flatbuffers schema, or all that the schema has, metadata too, in JSON
(with keyBase64 and valueBase64 for what is no UTF-8).
A type that tables do not have becomes the nearest that readers convert it to, with a
comment; a column that has none is refused, and --columns leaves it out.

With --breaking it judges the change from one table to another, each an Arrow file or
stream, or a lightstream.schema.lock: whether readers or writers have to be deployed
first. It exits with status 1 when neither will do.`,
		Example: `  lightstream schema trades.arrow
  lightstream schema trades.arrow --as json
  lightstream schema trades.arrow --as go --package feed > feed/trade.go
  lightstream schema --breaking old.arrow new.arrow`,
		Args: func(cmd *cobra.Command, args []string) error {
			if breaking {
				return exactly(2, "with --breaking the old and the new table")(cmd, args)
			}
			return exactly(1, "a source")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(schemaForms, def.As) {
				return usagef("--as=%s: unknown form; there are %s", def.As, list(schemaForms))
			}
			if err := o.check(); err != nil {
				return err
			}
			if breaking {
				return judge(cmd.Context(), args[0], args[1], &o, std)
			}
			schema, err := readSchema(cmd.Context(), args[0], &o, std)
			if err != nil {
				return err
			}
			switch def.As {
			case "table":
				return printSchema(std.out, schema)
			case "json":
				return printJSON(std.out, schema)
			}
			return define(args[0], schema, &def, std)
		},
	}
	f := cmd.Flags()
	o.addSource(cmd, "no progress, of which there is none here")
	f.StringVar(&def.As, "as", "table", "`form`: table for people, go, fbs, json")
	f.StringVar(&def.Table, "table", "", "`name` of the table in a definition; default the name of the file")
	f.StringVar(&def.Package, "package", "", "`name` of the package of a definition in Go; default made of the table's name")
	f.BoolVar(&breaking, "breaking", false, "judge the change from OLD to NEW")
	complete(cmd, "as", schemaForms)
	return cmd
}

// schemaForms are what --as takes.
var schemaForms = []string{"table", "go", "fbs", "json"}

// define prints a definition.
func define(name string, s *ipc.Schema, def *codegen.DefineOptions, std std) error {
	if def.Source = name; name == "-" {
		def.Source = "table" // of standard input
	}
	if def.Package != "" && !model.IsIdentifier(def.Package) {
		return usagef("--package=%s: no name for a package", def.Package)
	}
	text, err := codegen.Define(s, def)
	if errors.As(err, &model.Errors{}) { // begins with its place
		fmt.Fprintln(std.err, err)
		if hint := defineHint(s, def); hint != "" {
			fmt.Fprintln(std.err, "lightstream: "+hint)
		}
		return errQuiet
	}
	if err == nil {
		_, err = std.out.Write(text)
	}
	return err
}

// defineHint tells how to get a definition of most of a schema that a form cannot express: as Go, or of the other columns alone.
func defineHint(s *ipc.Schema, def *codegen.DefineOptions) string {
	alone := *def
	if def.As == "fbs" {
		if alone.As = "go"; expressible(s.Fields, &alone) {
			return "--as go has words for all of it"
		}
		alone.As = "fbs"
	}
	times := map[string]int{}
	for i := range s.Fields {
		times[s.Fields[i].Name]++
	}
	var good []string
	for i := range s.Fields {
		if f := &s.Fields[i]; strings.ContainsAny(f.Name, ",\"\n") {
			return "" // names that the flag would have to quote
		} else if times[f.Name] == 1 && expressible(s.Fields[i:i+1], &alone) {
			good = append(good, f.Name)
		}
	}
	if len(good) == 0 || len(good) == len(s.Fields) {
		return ""
	}
	return "leave out what cannot be expressed with --columns " + quoted(strings.Join(good, ","))
}

// expressible tells whether a form has words for columns.
func expressible(fields []ipc.Field, def *codegen.DefineOptions) bool {
	_, err := codegen.Define(&ipc.Schema{Fields: fields}, def)
	return err == nil
}

// quoted returns an argument as a shell takes it.
func quoted(arg string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_,.-", r)
	}
	if strings.IndexFunc(arg, func(r rune) bool { return !plain(r) }) < 0 {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// readSchema returns the schema of a source.
func readSchema(ctx context.Context, name string, o *options, std std) (*ipc.Schema, error) {
	src, err := openSource(ctx, name, o, std, ipc.Structure)
	if err != nil {
		return nil, err
	}
	if err := o.unused(src, ""); err != nil {
		return nil, src.fail(err)
	}
	return src.schema, src.close()
}

// printSchema prints a line for each field, those below nested ones further in, with their metadata.
func printSchema(w io.Writer, s *ipc.Schema) error {
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
		if _, err := fmt.Fprintln(w, strings.TrimRight(text, " ")); err != nil {
			return err
		}
	}
	return nil
}

// typeName is the type of a field without those below it.
func typeName(f *ipc.Field) string {
	alone := *f
	if alone.Dictionary == nil {
		alone.Children = nil
	}
	return alone.TypeString()
}
