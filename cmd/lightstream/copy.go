package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/compress"
	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/internal/newfile"
	"github.com/lightstream-go/lightstream/internal/regroup"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
)

func newCopy(std std) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "copy SRC... DST",
		Short: "Copy a table from one place and format to another",
		Long: `copy reads a table and writes it, as another format where that is asked for.

The source is an Arrow IPC file or stream or a Parquet file, found out by its
first bytes, or CSV or JSON by its name. The destination is what its extension
says: .arrow a file, .arrows a stream, .parquet, .csv, .ndjson lines of JSON, .json
an array. Read, .ndjson and .json may be either. Behind that .gz, .zst or .lz4 says
that all of it is compressed, but for .arrow and .parquet.
- is standard input or output. A file appears under its name when it is complete,
and not before.

A directory or a glob in quotes is all files of it, with the columns that folders
such as date=2026-11-22 stand for. Written to, a directory, which ends with /,
gets further files, one for each --max-rows, --max-bytes or --max-age, below folders
for the columns of --partition. Of several sources the rows follow one another; their
columns are found by name and must have the types of the first, or narrower ones. Text,
bytes, numbers and times become a dictionary where the first has one, and plain values
where it has none.

Either may be a URI: tcp://host:port, uds:///path and so on, with +listen behind
the scheme to wait for the other end rather than to dial. With
protocol=lightstream or protocol=tlv the table is in frames of that protocol, as
its only member.

A file has one dictionary for each column: where a stream replaces them, indices
are written anew into one dictionary of all values. One with dictionaries below it
that gets other values is refused, as most readers do not take it; copy to a stream.

Metadata of the schema, of fields, of batches and of dictionaries is kept. That of a file as a whole
has no place in a stream, and that of batches none in batches of other sizes.`,
		Example: `  lightstream copy trades.arrows trades.arrow
  lightstream copy trades.arrow trades.csv.gz --columns time,price --head 1000
  lightstream copy 'days/*.csv' trades.parquet --compression zstd
  lightstream copy trades.parquet trades/ --partition symbol --max-rows 1000000
  producer | lightstream copy - trades.arrow --batch-rows 65536
  lightstream copy trades.arrow 'tcp://localhost:9000?compression=zstd'
  lightstream copy tcp+listen://localhost:9000 trades.arrow`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return exactly(2, "a source and a destination")(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return copyTable(cmd.Context(), args[:len(args)-1], args[len(args)-1], &o, std)
		},
	}
	o.add(cmd, true)
	f := cmd.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be copied, with the schema, and write nothing")
	f.StringSliceVar(&o.partition, "partition", nil, "`names` of the columns that become folders, of a directory")
	f.Int64Var(&o.maxRows, "max-rows", 0, "most `rows` of a file, of a directory")
	f.Int64Var(&o.maxBytes, "max-bytes", 0, "about how many `bytes` make a file, of a directory")
	f.IntVar(&o.maxOpen, "max-open", 0, "how many `files` of partitions are written at once, 1024 where it is not said; with one\nmore, the one that was written to longest ago ends")
	f.DurationVar(&o.maxAge, "max-age", 0, "how long rows are added to a file, of a directory, such as 15m; it ends with the first\nbatch after that")
	return cmd
}

func newCat(std std) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "cat SRC",
		Short: "Print a table",
		Long: `cat writes a table to standard output: for people if that is a terminal, else as
an Arrow stream. With --to it is what that says.`,
		Example: `  lightstream cat trades.arrows --head 20
  lightstream cat trades.arrow --to ndjson | jq .price`,
		Args: exactly(1, "a source"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return copyTable(cmd.Context(), args, "-", &o, std)
		},
	}
	o.add(cmd, true)
	return cmd
}

// copyTable copies a table. What was under the destination's name stays if that fails.
func copyTable(ctx context.Context, from []string, to string, o *options, std std) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	u, err := parseURI(to)
	if err != nil {
		return err
	}
	if u == nil {
		if asked := fileCompression(to); asked != "" && o.compression == "" {
			o.compression = asked
		}
		if n, ok := descriptor(filePath(to)); ok && n == 1 {
			to = "-"
		}
		if err := outside(from, to); err != nil {
			return err
		}
	}
	for _, name := range []string{o.text.rejects.name, o.text.rejects.why} {
		if err := outside(from, name); err != nil {
			return err
		}
	}
	directory := u == nil && toDirectory(to)
	packing, plainTo, err := compress.ByName(o.to)
	if err != nil {
		return err
	}
	if packing != nil && !directory {
		return usagef("--to=%s: the name of a file says that it is compressed, such as x%s; in --to it is of a directory", o.to, packing.Extension)
	}
	f, err := formatOf("to", plainTo, filePath(to), outputs)
	if err != nil {
		return err
	}
	if packing != nil && (f == formatFile || f == formatParquet) {
		return usagef("--to=%s: a file of format %s is read from its end and is not compressed as a whole; use --compression", o.to, f)
	}
	switch {
	case directory && f == "":
		f = formatParquet
	case directory && f == formatTable:
		return usagef("--to=table: a directory gets files")
	case !directory && (o.partition != nil || o.maxRows != 0 || o.maxBytes != 0 || o.maxAge != 0 || o.maxOpen != 0):
		return usagef("--partition, --max-rows, --max-bytes, --max-age and --max-open are of a directory; let its name end with /")
	case directory:
	case u != nil && f == formatFile:
		return usagef("--to=file: %s is a connection, and carries a stream", to)
	case u != nil:
		if u.Stream.Streams > 1 && f != "" && f != formatStream {
			return usagef("--to=%s: several streams are Arrow; leave out streams=", f)
		}
		if u.Stream.Protocol != transports.Arrow && o.to != "" && f != formatStream {
			return usagef("--to=%s: protocol=%v carries Arrow; leave out one of them", f, u.Stream.Protocol)
		}
		if f == "" || format(o.to) == "" {
			f = formatStream
		}
		if o.compression == "" {
			o.compression = u.Stream.Compression
		}
	case f == "" && filePath(to) != "-":
		return usagef("%s: its name does not say which format it is to be; say --to file, stream, csv, ndjson, json, parquet or table", to)
	case f == "" && isTerminal(std.out):
		f = formatTable
	case f == "":
		f = formatStream
	}
	if u == nil && filePath(to) == "-" && !f.isText() && isTerminal(std.out) {
		return usagef("standard output is a terminal, and --to=%s is binary; pipe it, or print a table", f)
	}
	if err := o.checkCompression(f, filePath(to)); err != nil {
		return err
	}
	if o.compression != "" && f.isText() {
		return usagef("--compression is for Arrow and Parquet, and %s is to be written; a name such as x.%s.zst compresses all of it", f, strings.Replace(string(f), "table", "csv", 1))
	}
	if err := o.unwritten(f); err != nil {
		return err
	}
	if f == formatCSV {
		name := filePath(to)
		if directory {
			name = "" // the extension of its files is .csv
		}
		if err := o.checkWritten(name); err != nil {
			return err
		}
	}
	if o.token != "" {
		source := false
		for _, name := range from {
			s, err := parseURI(name)
			if err != nil {
				return err
			}
			source = source || s != nil
		}
		switch {
		case source && u != nil:
			return usagef("--token: both ends are connections, and a token is for one of them")
		case !source && u == nil:
			return usagef("--token: neither end is a connection")
		}
	}
	rejected := &o.text.rejects
	if !o.dryRun {
		if err := rejected.create(ctx, from, to, o, std); err != nil {
			return err
		}
	}
	copied := false
	defer func() {
		if !copied && rejected.n == 0 { // nothing was read
			rejected.abort()
		}
		if e := rejected.end(o, std); err == nil {
			err = e
		}
	}()
	src, err := openSources(ctx, from, o, std, f.level())
	if err != nil {
		return err
	}
	if err := o.unused(src, f); err != nil {
		return src.fail(err)
	}
	if directory {
		err = src.apart(to)
	} else if u == nil {
		err = src.differs(to)
	}
	if err != nil {
		return src.fail(err)
	}
	if o.dryRun {
		return errors.Join(plan(std.out, src, from, to, f, u == nil, directory, o), src.close())
	}
	if err := rejected.apart(src.paths); err != nil {
		return src.fail(err)
	}
	copied = true
	var dst *destination
	if directory {
		dst, err = createDirectory(to, f, packing, src.schema, o)
	} else {
		dst, err = create(ctx, to, o, std)
	}
	if err != nil {
		return src.fail(err)
	}
	if len(src.footer) != 0 && (f == formatStream || f == formatParquet) && !o.quiet {
		fmt.Fprintf(std.err, "lightstream: the metadata of %s as a whole has no place in a %s\n", src.label(), map[format]string{formatStream: "stream", formatParquet: "Parquet file"}[f])
	}
	out, err := newSink(dst, f, src, o)
	if err == nil {
		if dst.whole != nil {
			incomplete.to.Store(&dst.named)
			defer incomplete.to.Store(nil)
			incomplete.rows.Store(0)
		}
		err = transfer(ctx, src, out, o, newProgress(src, dst, o, std))
		if errors.Is(err, context.Canceled) {
			err = stopped(incomplete.hint())
		}
	}
	if err == nil && o.head < 0 {
		src.remark(o, std)
	}
	if err != nil {
		err = src.fail(err)
	} else {
		err = src.close()
	}
	if err != nil {
		dst.abort()
		return err
	}
	return dst.commit()
}

// outside tells whether a file or directory that is written lies in none of the directories and globs that are read.
func outside(from []string, to string) error {
	if path := filePath(to); path == "" || path == "-" {
		return nil
	}
	for _, name := range from {
		if u, err := parseURI(name); err != nil || u != nil || !severalFiles(filePath(name)) {
			continue // an error is told when it is opened
		}
		if err := within(name, to); err != nil {
			return err
		}
	}
	return nil
}

// checkCompression tells whether a format can be compressed as the flag and the name say.
func (o *options) checkCompression(f format, name string) error {
	if _, known := compressions[o.compression]; !known && f != formatParquet {
		return usagef("--compression=%s: unknown codec; there are zstd, lz4, none", o.compression)
	}
	if _, known := parquetCompressions[o.compression]; !known {
		return usagef("--compression=%s: unknown codec; there are zstd, lz4, snappy, gzip, none", o.compression)
	}
	if m, _, err := compress.ByName(name); err != nil {
		return err
	} else if m != nil && (f == formatFile || f == formatParquet) {
		return usagef("%s: a file of format %s is read from its end and is not compressed as a whole; use --compression", name, f)
	}
	return nil
}

// plan says what a copy would do.
func plan(out io.Writer, src *source, from []string, to string, f format, path, directory bool, o *options) error {
	if name := filePath(to); path && !directory && name != "-" {
		if _, ok := descriptor(name); !ok {
			if err := newfile.Check(name); err != nil {
				return err
			}
		}
	}
	if f == formatParquet { // which does not hold everything
		if _, err := parquet.NewWriter(io.Discard, src.schema, nil); err != nil {
			return err
		}
	}
	var err error
	switch f {
	case formatCSV:
		err = csv.NewWriter(io.Discard, src.schema, csvWriterOptions(o, "")).Err()
	case formatNDJSON, formatJSON:
		err = ndjson.NewWriter(io.Discard, src.schema, ndjsonWriterOptions(o, f)).Err()
	}
	if err != nil {
		return err
	}
	what := string(src.format)
	switch {
	case src.files != 0:
		what = count(src.files, "file")
	case len(from) > 1:
		what = fmt.Sprintf("%d sources", len(from))
	case what == "":
		what = string(formatStream)
	}
	if src.size > 0 {
		what += ", " + humanize.IBytes(uint64(src.size))
	}
	target := string(f)
	switch m, _, _ := compress.ByName(to); {
	case directory:
		target = "files of format " + target
		if packing, _, _ := compress.ByName(o.to); packing != nil {
			target += ", " + packing.Name
		}
		if len(o.partition) != 0 {
			target += " below " + strings.Join(o.partition, ", ")
		}
	case path && m != nil:
		target += ", " + m.Name
	}
	if o.compression != "" {
		target += ", " + o.compression
	}
	if o.head >= 0 {
		target += ", " + count(o.head, "row")
	}
	_, err = fmt.Fprintf(out, "from %s (%s)\nto   %s (%s)\n%v", strings.Join(from, ", "), what, to, target, src.schema)
	return err
}

// transfer moves the batches of a source to a sink, the first rows of them and in the sizes wanted.
func transfer(ctx context.Context, src *source, dst sink, o *options, p *progress) error {
	defer p.end()
	left, group := o.head, regroup.NewBatch(src.schema, o.maxExpanded())
	unions := regroup.NewUnions(src.schema)
	arrow, _ := dst.(interface{ attach(ipc.Attached) })
	if arrow != nil {
		arrow.attach(src.attached())
	}
	for left != 0 {
		batch, err := src.next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		columns, rows, attached := src.pick(batch), batch.Len(), batch.Metadata()
		if arrow != nil {
			arrow.attach(src.attached())
		}
		if columns, err = unions.Columns(columns); err != nil {
			return err
		}
		cut := left >= 0 && int64(rows) > left
		if cut {
			rows = int(left)
		}
		if left > 0 {
			left -= int64(rows)
		}
		switch {
		case o.batchRows > 0:
			err = collect(ctx, group, columns, rows, o.batchRows, dst)
		case cut:
			if err = gather(group, columns, rows); err == nil {
				err = dst.write(ctx, rows, group.Take(), attached)
			}
		default:
			err = dst.write(ctx, rows, columns, attached)
		}
		batch.Release()
		if err != nil {
			return err
		}
		incomplete.rows.Add(int64(rows))
		p.add(rows)
	}
	if group.Len() > 0 {
		if err := dst.write(ctx, group.Len(), group.Take(), nil); err != nil {
			return err
		}
	}
	return dst.close()
}

// gather adds the first rows of a batch to a group.
func gather(group *regroup.Batch, columns []column.Data, rows int) error {
	columns, err := group.Columns(columns)
	if err != nil {
		return err
	}
	return group.Append(columns, 0, rows)
}

// collect adds rows to a group, and writes it each time that it has size rows. What was attached to batches that are no more is not
// attached to others.
func collect(ctx context.Context, group *regroup.Batch, columns []column.Data, rows, size int, dst sink) error {
	columns, err := group.Columns(columns)
	if err != nil {
		return err
	}
	for from := 0; from < rows; {
		to := min(rows, from+size-group.Len())
		if err := group.Append(columns, from, to); err != nil {
			return err
		}
		if from = to; group.Len() == size {
			if err := dst.write(ctx, size, group.Take(), nil); err != nil {
				return err
			}
		}
	}
	return nil
}
