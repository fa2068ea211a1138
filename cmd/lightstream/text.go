package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/codegen/evolve"
	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/dataset"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// textOptions are the flags that say how text is read.
type textOptions struct {
	noHeader   bool
	types      []string
	schemaFile string
	sampleRows int
	ragged     string
	utf8       string
	naiveUTC   bool
	rejects    rejects

	fields []ipc.Field // of types
	schema *ipc.Schema // of schemaFile
	first  *ipc.Schema // of the first of several sources, as which the others are parsed

	firstOf string   // what errors call it
	alone   bool     // there is one source
	used    bool     // text was read
	known   []string // flags that mean something all the same
}

// What --ragged and --invalid-utf8 take.
var (
	raggedRecords = map[string]csv.Ragged{"": csv.RefuseRagged, "error": csv.RefuseRagged, "pad": csv.PadRagged, "skip": csv.SkipRagged}
	invalidUTF8   = map[string]csv.UTF8{"": csv.RefuseUTF8, "error": csv.RefuseUTF8, "replace": csv.ReplaceUTF8, "binary": csv.KeepUTF8}
)

// addTypes declares the flags that say what the columns of text are.
func (t *textOptions) addTypes(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&t.noHeader, "no-header", false, "the first line of CSV is a record: columns are f0, f1 and so on, or those of --schema in\ntheir order")
	f.StringArrayVar(&t.types, "types", nil, "`name=type,...` of columns of CSV and NDJSON whose types are not to be inferred, as\ncat --to table prints them: size=int32,time=timestamp[ms, UTC]")
	f.StringVar(&t.schemaFile, "schema", "", "`file` of any format whose columns and types those of CSV and NDJSON are to be")
	f.IntVar(&t.sampleRows, "sample-rows", 0, "how many `rows` of CSV and NDJSON types are inferred from; default 10000")
	f.StringVar(&t.ragged, "ragged", "", "what becomes of records of CSV with another number of `fields`: error, pad (those that are absent\nare null), skip (they are passed over, and counted at the end)")
	f.StringVar(&t.utf8, "invalid-utf8", "", "what becomes of `text` in CSV that is no UTF-8: error, replace (by U+FFFD), binary (columns\nof bytes hold fields as they stand, not base64, and are inferred)")
	f.BoolVar(&t.naiveUTC, "naive-utc", false, "take times of CSV and NDJSON without a zone as UTC, in columns that have one")
	complete(cmd, "ragged", []string{"error", "pad", "skip"})
	complete(cmd, "invalid-utf8", []string{"error", "replace", "binary"})
}

// addRejects declares the flags that let records pass.
func (t *textOptions) addRejects(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Int64Var(&t.rejects.most, "max-rejected", 0, "pass over at most `n` records of each file of CSV or NDJSON that cannot be read; -1 is any\nnumber")
	f.StringVar(&t.rejects.name, "rejected", "", "`file` for the records that are passed over, any number of them unless --max-rejected says it;\nfor one file of CSV with the line of names")
	f.StringVar(&t.rejects.why, "rejected-why", "", "`file` for a line of JSON for each of them: the file it is of, its line, the column there and the\nfield, what was found, what was wanted")
}

// checkText tells what is wrong with these flags.
func (o *options) checkText() error {
	t := &o.text
	if _, ok := raggedRecords[t.ragged]; !ok {
		return usagef("--ragged=%s: want error, pad or skip", t.ragged)
	}
	if _, ok := invalidUTF8[t.utf8]; !ok {
		return usagef("--invalid-utf8=%s: want error, replace or binary", t.utf8)
	}
	if t.schemaFile != "" && len(t.types) != 0 {
		return usagef("--schema has all types; leave out --types")
	}
	if t.schemaFile == "-" {
		return usagef("--schema=-: name a file")
	}
	if t.rejects.most < -1 {
		return usagef("--max-rejected=%d: want a number of records, or -1 for any", t.rejects.most)
	}
	if o.given("sample-rows") && t.sampleRows <= 0 {
		return usagef("--sample-rows=%d: want a number of rows above 0", t.sampleRows)
	}
	for _, list := range t.types {
		for _, one := range splitTypes(list) {
			f, err := parseType(one)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(t.fields, func(g ipc.Field) bool { return g.Name == f.Name }) {
				return usagef("--types: %q comes twice", f.Name)
			}
			t.fields = append(t.fields, f)
		}
	}
	return nil
}

// splitTypes splits a list at the commas that are not in brackets or quotes.
func splitTypes(list string) (parts []string) {
	depth, quoted, start := 0, false, 0
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case strings.IndexByte("[(<", c) >= 0:
			depth++
		case strings.IndexByte("])>", c) >= 0:
			depth--
		case c == ',' && depth == 0:
			parts, start = append(parts, list[start:i]), i+1
		}
	}
	return append(parts, list[start:])
}

// parseType reads name=type. The name is in quotes where it has an equals sign or a comma.
func parseType(one string) (ipc.Field, error) {
	one = strings.TrimSpace(one)
	name, typ, ok := strings.Cut(one, "=")
	if prefix, err := strconv.QuotedPrefix(one); err == nil && prefix[0] == '"' {
		name, _ = strconv.Unquote(prefix)
		typ, ok = strings.CutPrefix(one[len(prefix):], "=")
	}
	if !ok || name == "" {
		return ipc.Field{}, usagef("--types: found %q, want name=type, such as size=int32", one)
	}
	f, err := evolve.ParseField(strconv.Quote(name) + ": " + strings.TrimSpace(typ))
	if err == nil {
		_, err = text.ColumnOf(&f, nil)
	}
	if err != nil {
		return ipc.Field{}, usagef("--types: %s: %v; types are as cat --to table prints them: int64, float64, utf8, date32, timestamp[us, UTC], decimal128(9, 2)", one, trimmed{err})
	}
	return f, nil
}

// reading reads what --schema names, once.
func (o *options) reading(ctx context.Context) error {
	t := &o.text
	t.used = true
	if t.schemaFile == "" || t.schema != nil {
		return nil
	}
	s, err := readSchema(ctx, t.schemaFile, &options{head: -1}, std{})
	if err != nil {
		return fmt.Errorf("--schema: %w", trimmed{err})
	}
	t.schema = s
	return nil
}

// unwritten tells of flags for text where another format is written.
func (o *options) unwritten(f format) error {
	for _, flag := range []struct {
		name string
		of   []format
	}{
		{"to-no-header", []format{formatCSV}},
		{"to-null", []format{formatCSV}},
		{"to-delimiter", []format{formatCSV}},
		{"omit-nulls", []format{formatNDJSON, formatJSON}},
		{"repeat-keys", []format{formatNDJSON, formatJSON, formatCSV}},
	} {
		if o.given(flag.name) && !slices.Contains(flag.of, f) {
			return usagef("--%s is for %s, and %s is to be written; leave it out, or say --to %s", flag.name, list(flag.of), f, flag.of[0])
		}
	}
	return nil
}

// unused tells of flags for text where none was read.
func (o *options) unused(src *source, to format) error {
	if o.text.used || o.given == nil {
		return nil
	}
	for _, flag := range []string{"no-header", "types", "schema", "sample-rows", "ragged", "invalid-utf8", "naive-utc", "max-rejected", "rejected", "rejected-why"} {
		if o.given(flag) && !slices.Contains(o.text.known, flag) {
			if src.files != 0 {
				return usagef("--%s is for CSV and NDJSON, and %s has no file of them; leave it out, or say --from csv or ndjson", flag, src.label())
			}
			if flag == "no-header" && to == formatCSV {
				return usagef("--no-header is for CSV that is read, and %s is %s; --to-no-header writes CSV without the line of names", src.label(), src.format)
			}
			return usagef("--%s is for CSV and NDJSON, and %s is %s; leave it out, or say --from csv or ndjson", flag, src.label(), src.format)
		}
	}
	return nil
}

// csvOptions are those of a reader of CSV of that name.
func csvOptions(o *options, name string) *csv.Options {
	t := &o.text
	opts := &csv.Options{
		Comma: o.comma(name), MaxField: o.recordLimit(), MaxRecord: o.recordLimit(), NoHeader: t.noHeader, Types: t.fields, Schema: t.schema,
		SampleRows: t.sampleRows, Ragged: raggedRecords[t.ragged], UTF8: invalidUTF8[t.utf8], MaxRejected: t.rejects.limit(),
	}
	if o.trusted {
		opts.MaxColumns = 1 << 30
	}
	opts.Values.NaiveUTC = t.naiveUTC
	if t.rejects.name != "" {
		opts.Rejected = &t.rejects
	}
	if o.null != "" {
		opts.Nulls = []string{o.null}
	}
	return opts
}

// ndjsonOptions are those of a reader of NDJSON.
func ndjsonOptions(o *options) *ndjson.Options {
	t := &o.text
	opts := &ndjson.Options{
		MaxRecord: o.recordLimit(), Types: t.fields, Schema: t.schema, SampleRows: t.sampleRows, MaxRejected: t.rejects.limit(),
	}
	opts.Values.NaiveUTC = t.naiveUTC
	if t.rejects.name != "" {
		opts.Rejected = &t.rejects
	}
	return opts
}

// openText reads CSV, NDJSON or an array of JSON.
func (s *source) openText(ctx context.Context, in io.Reader, o *options) error {
	if err := o.reading(ctx); err != nil {
		return err
	}
	read := &counted{from: in}
	s.stats = func() ipc.Stats { return ipc.Stats{Bytes: read.n} }
	if s.format != formatCSV {
		opts := ndjsonOptions(o)
		opts.OnRejected = func(e *text.ValueError) { o.text.rejects.note(s.label(), e) }
		opts.Parallel = runtime.GOMAXPROCS(0)
		if like := o.likeFirst(); like != nil {
			opts.Schema, opts.Types = like, nil
		}
		if o.columns != nil { // as in a directory
			opts.Values.JSON.Unknown = text.Ignore
		}
		r, err := ndjson.NewReader(read, opts)
		if err != nil {
			return s.named(err)
		}
		schema, err := r.Schema(ctx)
		if err != nil {
			return s.named(err)
		}
		next, err := s.someColumns(ctx, schema, r)
		if err != nil {
			return err
		}
		return s.foreign(schema, s.naming(next), o)
	}
	opts := csvOptions(o, filePath(s.name))
	if err := checkNull("null", o.null, opts.Comma); err != nil {
		return err
	}
	opts.Parallel = runtime.GOMAXPROCS(0)
	opts.OnRejected = func(e *text.ValueError) { o.text.rejects.note(s.label(), e) }
	opts.OnRagged = func(n int64) { s.ragged.note(s.label(), n) }
	opts.RejectedHeader = o.text.alone
	like := o.likeFirst()
	if like != nil {
		opts.Schema, opts.Types = like, nil
	}
	r, err := csv.NewReader(read, opts)
	if err != nil {
		if err = s.noColumn(err); !errors.As(err, new(usageError)) {
			err = s.named(err)
		}
		if errors.Is(err, text.ErrSyntax) && opts.Comma == 0 {
			err = fmt.Errorf("%w; --delimiter says what stands between fields if that is no comma", err)
		}
		return err
	}
	schema, err := r.Schema(ctx)
	if err != nil {
		return s.named(err)
	}
	if like != nil {
		if err := dataset.FitText(r.Columns(), like, dataset.FitOptions{Extra: o.columns != nil}); err != nil {
			return fmt.Errorf("%s does not fit %s: %w", s.label(), o.text.firstOf, err)
		}
	} else if o.text.schema != nil && !o.text.noHeader {
		for _, name := range r.Columns() {
			if !slices.ContainsFunc(schema.Fields, func(f ipc.Field) bool { return f.Name == name }) {
				s.passed = append(s.passed, strconv.Quote(name))
			}
		}
	}
	return s.foreign(schema, s.naming(r.Next), o)
}

// ragged are the records that --ragged skip passes over. Several files may be read at once.
type ragged struct {
	mu    sync.Mutex
	n     int64
	files map[string]bool // that have them
	first string
}

// note counts some of a file.
func (r *ragged) note(name string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.files == nil {
		r.files = map[string]bool{}
	}
	r.n, r.files[name] = r.n+n, true
	if r.first == "" || name < r.first {
		r.first = name
	}
}

// tell tells how many there were, once.
func (r *ragged) tell(std std) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == 0 {
		return
	}
	what := "1 record was"
	if r.n > 1 {
		what = fmt.Sprintf("%d records were", r.n)
	}
	of := r.first
	if n := len(r.files); n > 1 {
		of = fmt.Sprintf("%d files, the first %s", n, r.first)
	}
	fmt.Fprintf(std.err, "lightstream: %s passed over, with another number of fields than the first (of %s)\n", what, of)
	r.n = 0
}

// likeFirst returns the schema as which text is parsed that is not the first of several sources, nil for one of its own.
func (o *options) likeFirst() *ipc.Schema {
	if o.text.schema != nil {
		return nil
	}
	return o.text.first
}

// noColumn names the flag for a column that is not there.
func (s *source) noColumn(err error) error {
	var c *text.ColumnError
	if !errors.As(err, &c) {
		return err
	}
	return usagef("--types: %s has no column %q; there are %s", s.label(), c.Name, few(c.Have))
}

// rejects are the records that were passed over. Several files may be read at once.
type rejects struct {
	most int64
	name string // of the file that gets them, or ""
	why  string // of the file that gets a line of JSON for each, or ""

	mu    sync.Mutex
	dsts  []*destination
	out   *counted
	told  *json.Encoder
	err   error // of told
	n     int64
	files map[string]bool // that have them
	first string
}

// limit is how many may be passed over.
func (r *rejects) limit() int64 {
	if (r.name != "" || r.why != "") && r.most == 0 {
		return -1
	}
	return r.most
}

// note counts one of a file.
func (r *rejects) note(name string, e *text.ValueError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n++; r.n == 1 {
		r.first, r.files = name+": "+trimmed{e}.Error(), map[string]bool{}
	}
	r.files[name] = true
	if r.told != nil && r.err == nil {
		found := e.Found
		if text, err := strconv.Unquote(found); err == nil {
			found = text
		}
		r.err = r.told.Encode(struct {
			Source string `json:"source"`
			Line   int64  `json:"line"`
			Column int    `json:"column"`
			Field  string `json:"field,omitempty"`
			Error  string `json:"error"`
			Found  string `json:"found,omitempty"`
			Want   string `json:"want,omitempty"`
		}{name, e.Line, e.Column, e.Path, e.Err.Error(), found, e.Want})
	}
}

// Write writes one, whose line may lack its end.
func (r *rejects) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(line); n > 0 && line[n-1] != '\n' {
		line = append(line[:n:n], '\n')
	}
	if _, err := r.out.Write(line); err != nil {
		return 0, err
	}
	return len(line), nil
}

// create opens the files that get them, before there are any.
func (r *rejects) create(ctx context.Context, from []string, to string, o *options, std std) error {
	open := func(flag, name string) (*counted, error) {
		if name == "" {
			return nil, nil
		}
		if u, err := parseURI(name); err != nil || u != nil {
			return nil, usagef("--%s=%s: want a file", flag, name)
		}
		if err := r.apart(append(slices.Clone(from), to)); err != nil {
			return nil, err
		}
		dst, err := create(ctx, name, o, std)
		if err != nil {
			return nil, err
		}
		r.dsts = append(r.dsts, dst)
		return &counted{to: dst.file}, nil
	}
	if r.name != "" && r.why != "" && sameFile(r.name, r.why) {
		return usagef("--rejected-why=%s: --rejected names it, too; name another file", r.why)
	}
	var why *counted
	var err error
	if r.out, err = open("rejected", r.name); err == nil {
		why, err = open("rejected-why", r.why)
	}
	if err != nil {
		r.abort()
		return err
	}
	if why != nil {
		r.told = json.NewEncoder(why)
		r.told.SetEscapeHTML(false)
	}
	return nil
}

// apart tells whether they get no file that is read or written.
func (r *rejects) apart(others []string) error {
	for _, other := range others {
		other = filePath(other)
		if r.name != "" && sameFile(r.name, other) {
			return usagef("--rejected=%s: it is read or written otherwise; name another file", r.name)
		}
		if r.why != "" && sameFile(r.why, other) {
			return usagef("--rejected-why=%s: it is read or written otherwise; name another file", r.why)
		}
	}
	return nil
}

// abort leaves what was there.
func (r *rejects) abort() {
	for _, dst := range r.dsts {
		dst.abort()
	}
	r.dsts = nil
}

// sameFile tells whether two names are those of one file, or will be.
func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if other, e := os.Stat(b); err == nil && e == nil {
		return os.SameFile(one, other)
	}
	x, err := filepath.Abs(a)
	y, e := filepath.Abs(b)
	return err == nil && e == nil && x == y
}

// end gives the file its name, also where the copy fails: it is to tell why. It says how many records were passed over.
func (r *rejects) end(o *options, std std) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n > 0 && !o.quiet {
		where := "; --rejected FILE keeps them, and --rejected-why FILE says why"
		switch {
		case r.name != "":
			where = "; they are in " + r.name
		case r.why != "":
			where = "; why is in " + r.why
		}
		what := fmt.Sprintf("%d records were rejected, the first for this", r.n)
		switch {
		case r.n == 1:
			what = "1 record was rejected, for this"
		case len(r.files) > 1:
			what = fmt.Sprintf("%d records of %d files were rejected, one of them for this", r.n, len(r.files))
		}
		fmt.Fprintf(std.err, "lightstream: %s: %s%s\n", what, r.first, where)
	}
	err := r.err
	if err != nil {
		err = fmt.Errorf("%s: %w", r.why, err)
	}
	for _, dst := range r.dsts {
		if e := dst.commit(); err == nil {
			err = e
		}
	}
	return err
}

// textHint tells which flags read text with a value that is not as its column should be, or write text that has no place for a column.
func textHint(err error, args []string) string {
	var e *text.ValueError
	if errors.Is(err, text.ErrTwice) && errors.Is(err, ipc.ErrUnsupported) { // of a writer
		return "; Arrow and Parquet carry both"
	}
	if !errors.As(err, &e) || e.Line == 0 {
		return ""
	}
	pass, copies := "", len(args) > 0 && (args[0] == "copy" || args[0] == "cat")
	switch {
	case !copies:
	case errors.Is(err, text.ErrRejected):
		pass = "a larger number for --max-rejected lets more pass, -1 any"
	default:
		pass = "--max-rejected N passes over such records"
	}
	hint := ""
	switch {
	case errors.Is(err, text.ErrMixed):
		or := "; "
		if strings.Contains(e.Want, "give the column a type") {
			hint, or = " with --types or --schema", ", or "
		}
		if copies {
			hint += or + "--max-rejected N passes over such records"
		}
		return hint
	case errors.Is(err, text.ErrRejected):
	case errors.Is(err, text.ErrNaive):
		hint = "--naive-utc does"
	case errors.Is(err, text.ErrZoned):
		hint = "--types or --schema does, such as by " + strconv.Quote(e.Path+"=timestamp[us, UTC]")
	case errors.Is(err, text.ErrType), errors.Is(err, text.ErrRange):
		hint = "--types or --schema gives the column another type"
	case errors.Is(err, text.ErrUTF8):
		hint = "--invalid-utf8 replace or binary reads CSV with it"
	case errors.Is(err, text.ErrUnknown):
		if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--schema") }) {
			return ""
		}
		hint = "--sample-rows N looks for fields in more records, --columns or --schema names those that are wanted"
	case errors.Is(err, text.ErrRagged) && slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--ragged") }):
	case errors.Is(err, text.ErrRagged) && strings.Contains(e.Want, "Options.Comma"): // and no --ragged makes columns of it
		return ""
	case errors.Is(err, text.ErrExtra):
		if hint = "--ragged skip passes over such records, and counts them"; pass != "" {
			hint += "; a field that has the delimiter in it stands in quotes"
		}
		pass = ""
	case errors.Is(err, text.ErrRagged):
		hint = "--ragged pad reads CSV with fields that are absent, --ragged skip passes over such records"
	default:
		return ""
	}
	switch {
	case pass == "":
	case hint == "":
		hint = pass
	default:
		hint += ", " + pass
	}
	return "; " + hint
}
