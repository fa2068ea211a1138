package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/compress"
	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// format is how a table lies in a file.
type format string

const (
	formatFile    format = "file"   // Arrow IPC file
	formatStream  format = "stream" // Arrow IPC stream
	formatCSV     format = "csv"
	formatNDJSON  format = "ndjson"
	formatJSON    format = "json"  // an array
	formatTable   format = "table" // for people
	formatArrow   format = "arrow" // file or stream
	formatParquet format = "parquet"
)

// formats are what --from and --to take.
var (
	inputs  = []format{formatFile, formatStream, formatCSV, formatNDJSON, formatJSON, formatParquet}
	outputs = []format{formatFile, formatStream, formatCSV, formatNDJSON, formatJSON, formatParquet, formatTable}
)

// extensions say the format of a file by its name.
var extensions = map[string]format{
	".arrow": formatFile, ".arrow_file": formatFile, ".feather": formatFile, ".ipc": formatFile,
	".arrows": formatStream, ".stream": formatStream,
	".csv": formatCSV, ".tsv": formatCSV,
	".ndjson": formatNDJSON, ".jsonl": formatNDJSON, ".json": formatJSON,
	".parquet": formatParquet, ".pq": formatParquet,
}

// options are the flags that several verbs have.
type options struct {
	from, to    string
	columns     []string
	head, limit int64
	batchRows   int
	compression string
	null        string
	delimiter   string
	toNull      string
	toDelimiter string
	toNoHeader  bool
	repeatKeys  bool
	omitNulls   bool
	text        textOptions
	quiet       bool
	unfinished  bool
	trusted     bool
	dryRun      bool
	partition   []string
	maxRows     int64
	maxBytes    int64
	maxAge      time.Duration
	maxOpen     int
	token       string                 // where it is
	given       func(flag string) bool // on the command line
}

// add declares the flags.
func (o *options) add(cmd *cobra.Command, output bool) {
	f := cmd.Flags()
	o.addSource(cmd, "no progress")
	f.Int64Var(&o.head, "head", -1, "only the first `n` rows; default all")
	f.Int64Var(&o.limit, "limit", -1, "the same as --head `n`")
	for _, flag := range []string{"head", "limit"} {
		f.Lookup(flag).DefValue = "0" // which help does not print
	}
	if output {
		f.StringVar(&o.to, "to", "", "`format` of the destination: file, stream, csv, ndjson, json, parquet, table; arrow is a\nstream, or a file if its name says so; default by the extension of its name")
		f.IntVar(&o.batchRows, "batch-rows", 0, "put so many `rows` into each batch; default as they come")
		f.StringVar(&o.compression, "compression", "", "`codec` of Arrow and Parquet: zstd, lz4, none; of Parquet also snappy, gzip")
		f.StringVar(&o.token, "token", "", tokenUsage("for the server that is connected to, the token at this `place`"))
		f.StringVar(&o.toNull, "to-null", "", "`text` of nulls in CSV that is written, where it is not that of --null")
		f.StringVar(&o.toDelimiter, "to-delimiter", "", "`character` between the fields of CSV that is written, where it is not that of --delimiter")
		f.BoolVar(&o.toNoHeader, "to-no-header", false, "write CSV without the line of names")
		f.BoolVar(&o.repeatKeys, "repeat-keys", cmd.Name() == "cat", "write JSON in which a key comes twice, where two fields have one name; most readers lose\none of them")
		f.BoolVar(&o.omitNulls, "omit-nulls", false, "leave the keys of columns that are null out of NDJSON and JSON")
		o.text.addRejects(cmd)
		complete(cmd, "to", outputs)
		complete(cmd, "compression", []string{"zstd", "lz4", "none", "snappy", "gzip"})
	}
}

// addSource declares the flags that say what is read.
func (o *options) addSource(cmd *cobra.Command, quiet string) {
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "`format` of the source: file, stream, csv, ndjson, json, parquet; arrow is either of the\nfirst; default by its first bytes, and by its name for text")
	f.StringVar(&o.null, "null", "", "`text` of nulls in CSV, beside an empty field; written, in its place")
	f.StringVar(&o.delimiter, "delimiter", "", "`character` between the fields of CSV, or tab; default a comma, and a tab in .tsv")
	o.text.addTypes(cmd)
	f.StringSliceVar(&o.columns, "columns", nil, "`names` of the columns wanted, in this order")
	f.BoolVar(&o.unfinished, "unfinished", false, "take a stream for complete that ends without an end marker")
	f.BoolVar(&o.trusted, "trusted", false, "read data of your own that exceeds the limits for what comes from others, with all the memory\nthat it takes")
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
	case o.given("partition") && len(o.partition) == 0:
		return usagef("--partition names no column")
	case o.given("delimiter") && !isDelimiter(o.delimiter):
		return usagef("--delimiter=%q: want one character of ASCII that is no quote, digit, letter, space or line end, or tab", o.delimiter)
	case o.given("to-delimiter") && !isDelimiter(o.toDelimiter):
		return usagef("--to-delimiter=%q: want one character of ASCII that is no quote, digit, letter, space or line end, or tab", o.toDelimiter)
	case strings.ContainsAny(o.null, quotedBytes):
		return usagef("--null=%q: want a text without quotes and line ends; what is in quotes is no null", o.null)
	case strings.ContainsAny(o.toNull, quotedBytes):
		return usagef("--to-null=%q: want a text without quotes and line ends; what is in quotes is no null", o.toNull)
	case o.given("head") && o.given("limit"):
		return usagef("--head and --limit are the same; say one of them")
	case o.given("head") && o.head < 0:
		return usagef("--head=%d: want a number of rows", o.head)
	case o.given("limit") && o.limit < 0:
		return usagef("--limit=%d: want a number of rows", o.limit)
	case o.maxRows < 0 || o.maxBytes < 0 || o.maxAge < 0 || o.maxOpen < 0:
		return usagef("--max-rows, --max-bytes, --max-age and --max-open: want numbers and a time that are not negative")
	case o.batchRows < 0:
		return usagef("--batch-rows=%d: want a number of rows", o.batchRows)
	}
	if o.given("limit") {
		o.head = o.limit
	}
	return o.checkText()
}

// quotedBytes are in no field of CSV that is not in quotes, beside the delimiter.
const quotedBytes = "\"\r\n"

// checkNull refuses a text of nulls that has the delimiter, and would have to be in quotes. Zero is a comma.
func checkNull(flag, null string, comma byte) error {
	if comma == 0 {
		comma = ','
	}
	if strings.IndexByte(null, comma) >= 0 {
		return usagef("--%s=%q: want a text without the delimiter, %q; what is in quotes is no null", flag, null, string([]byte{comma}))
	}
	return nil
}

// checkWritten tells what is wrong with the flags for CSV of that name that is written.
func (o *options) checkWritten(name string) error {
	w := csvWriterOptions(o, name)
	if o.given("to-null") {
		return checkNull("to-null", w.Null, w.Comma)
	}
	return checkNull("null", w.Null, w.Comma)
}

// limits are those of Arrow readers, nil for the usual ones. None of a trusted source is one that a program meets.
func (o *options) limits() *ipc.Limits {
	if !o.trusted {
		return nil
	}
	return &ipc.Limits{
		MaxMetadata: 1<<31 - 1, MaxBody: 1 << 40, MaxRatio: 1 << 30, MaxRows: 1 << 40, MaxColumns: 1 << 30, MaxDepth: 1000,
		MaxDictionaryEntries: 1<<31 - 1, MaxDictionaryBytes: 1 << 40, MaxExpanded: 1 << 40, MaxMessages: 1 << 30,
	}
}

// maxExpanded is that of them for batches that are made anew, zero for the usual one.
func (o *options) maxExpanded() int64 {
	if l := o.limits(); l != nil {
		return l.MaxExpanded
	}
	return 0
}

// parquetLimits are the same for Parquet.
func (o *options) parquetLimits() *parquet.Limits {
	if !o.trusted {
		return nil
	}
	return &parquet.Limits{MaxFooter: 1<<31 - 1, MaxColumns: 1 << 30, MaxRowGroups: 1 << 30, MaxPage: 1<<31 - 1, MaxBatch: 1 << 40}
}

// compressLimits are the same for what is compressed as a whole.
func (o *options) compressLimits() *compress.Limits {
	if !o.trusted {
		return nil
	}
	return &compress.Limits{MaxRatio: 1 << 30, MaxWindow: 1 << 31}
}

// recordLimit is how long a record of text may be, 0 for the usual length.
func (o *options) recordLimit() int {
	if !o.trusted {
		return 0
	}
	return 1 << 30
}

// maxRow is the same for a row of text that is written, zero for the usual one.
func (o *options) maxRow() int64 {
	if !o.trusted {
		return 0
	}
	return 1 << 40
}

// limitHint tells how to read a source that exceeds a limit.
func limitHint(err error, args []string) string {
	if errors.Is(err, ipc.ErrLimit) && strings.Contains(err.Error(), "raise ") && !slices.Contains(args, "--trusted") {
		return "; --trusted does it for data of your own"
	}
	return ""
}

// flagNames puts flags where errors have options of Go. That of a limit is told by [limitHint].
var flagNames = strings.NewReplacer(
	"Options.Files.Format", "--from", "set WriterOptions.RepeatKeys", "say --repeat-keys", "Options.Schema", "--schema", "say so by Options.Comma", "say so by --delimiter", "Options.Types", "--types",
	"set Options.BatchRows to", "say --batch-rows", "Options.BatchRows", "--batch-rows", "Options.MaxColumns", "the limit", "Options.MaxFiles", "the limit",
	"raise MaxField", "raise the limit", "read it with rt.Protocol or frame.TLV", "put protocol=lightstream or protocol=tlv into its URI",
)

// isDelimiter tells whether text can stand between the fields of CSV.
func isDelimiter(text string) bool {
	return text == "tab" || text == `\t` || text == "\t" || len(text) == 1 && strings.Contains("!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", text)
}

// comma returns what stands between the fields of CSV of that name that is read, 0 for a comma.
func (o *options) comma(name string) byte { return commaOf(o.delimiter, name) }

// csvWriterOptions are those of a writer of CSV of that name.
func csvWriterOptions(o *options, name string) *csv.WriterOptions {
	w := &csv.WriterOptions{Null: o.null, NoHeader: o.toNoHeader, RepeatKeys: o.repeatKeys, MaxRow: o.maxRow()}
	if o.given("to-null") {
		w.Null = o.toNull
	}
	delimiter := o.toDelimiter
	if delimiter == "" {
		delimiter = o.delimiter
	}
	w.Comma = commaOf(delimiter, name)
	return w
}

// ndjsonWriterOptions are those of a writer of NDJSON, or of an array.
func ndjsonWriterOptions(o *options, f format) *ndjson.WriterOptions {
	return &ndjson.WriterOptions{Array: f == formatJSON, RepeatKeys: o.repeatKeys, OmitNulls: o.omitNulls, MaxRow: o.maxRow()}
}

// commaOf returns what a flag or else a name says stands between fields, 0 for a comma.
func commaOf(delimiter, name string) byte {
	switch {
	case len(delimiter) > 1:
		return '\t'
	case delimiter != "":
		return delimiter[0]
	}
	if _, inner, err := compress.ByName(name); err == nil && strings.EqualFold(filepath.Ext(inner), ".tsv") {
		return '\t'
	}
	return 0
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
	all := make([]string, len(s.Fields))
	for i := range s.Fields {
		all[i] = s.Fields[i].Name
	}
	return few(all)
}

// few lists the first of names, for an error.
func few(names []string) string {
	const most = 20
	if n := len(names); n > most {
		names = append(names[:most:most], fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(names, ", ")
}

// list returns names with commas between them.
func list[S ~string](names []S) string {
	texts := make([]string, len(names))
	for i, s := range names {
		texts[i] = string(s)
	}
	return strings.Join(texts, ", ")
}
