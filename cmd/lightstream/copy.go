package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/internal/regroup"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func newCopy(std std) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "copy SRC DST",
		Short: "Copy a table from one place and format to another",
		Long: `copy reads a table and writes it, as another format where that is asked for.

The source is an Arrow IPC file or stream, found out by its first bytes. The
destination is what its extension says: .arrow a file, .arrows a stream, .csv,
.ndjson. - is standard input or output. A file appears under its name when it
is complete, and not before.

Either may be a URI: tcp://host:port, uds:///path and so on, with +listen behind
the scheme to wait for the other end rather than to dial.

A file has one dictionary for each column: where a stream replaces them, indices
are written anew into one dictionary of all values.

Metadata of the schema, of fields, of batches and of dictionaries is kept. That of a file as a whole
has no place in a stream, and that of batches none in batches of other sizes.`,
		Example: `  lightstream copy trades.arrows trades.arrow
  lightstream copy trades.arrow trades.csv --columns time,price --head 1000
  producer | lightstream copy - trades.arrow --batch-rows 65536
  lightstream copy trades.arrow 'tcp://localhost:9000?compression=zstd'
  lightstream copy tcp+listen://localhost:9000 trades.arrow`,
		Args: exactly(2, "a source and a destination"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return copyTable(cmd.Context(), args[0], args[1], &o, std)
		},
	}
	o.add(cmd, true)
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
			return copyTable(cmd.Context(), args[0], "-", &o, std)
		},
	}
	o.add(cmd, true)
	return cmd
}

// copyTable copies a table. What was under the destination's name stays if that fails.
func copyTable(ctx context.Context, from, to string, o *options, std std) error {
	if err := o.check(); err != nil {
		return err
	}
	f, err := formatOf("to", o.to, to, outputs)
	if err != nil {
		return err
	}
	u, err := parseURI(to)
	switch {
	case err != nil:
		return err
	case u != nil && f == formatFile:
		return usagef("--to=file: %s is a connection, and carries a stream", to)
	case u != nil:
		if u.Stream.Streams > 1 && f != "" && f != formatStream {
			return usagef("--to=%s: several streams are Arrow; leave out streams=", f)
		}
		if f == "" || format(o.to) == "" {
			f = formatStream
		}
		if o.compression == "" {
			o.compression = u.Stream.Compression
		}
	case f == "" && filePath(to) != "-":
		return usagef("%s: its name does not say which format it is to be; say --to file, stream, csv, ndjson or table", to)
	case f == "" && isTerminal(std.out):
		f = formatTable
	case f == "":
		f = formatStream
	}
	if u == nil && filePath(to) == "-" && !f.isText() && isTerminal(std.out) {
		return usagef("standard output is a terminal, and --to=%s is binary; pipe it, or print a table", f)
	}
	if _, known := compressions[o.compression]; !known {
		return usagef("--compression=%s: unknown codec; there are zstd, lz4, none", o.compression)
	}
	if o.compression != "" && f.isText() {
		return usagef("--compression is for Arrow, and %s is to be written", f)
	}
	if o.token != "" {
		source, err := parseURI(from)
		switch {
		case err != nil:
			return err
		case source != nil && u != nil:
			return usagef("--token: both ends are connections, and a token is for one of them")
		case source == nil && u == nil:
			return usagef("--token: neither end is a connection")
		}
	}
	src, err := openSource(ctx, from, o, std, f.level())
	if err != nil {
		return err
	}
	dst, err := create(ctx, to, o, std)
	if err != nil {
		return errors.Join(err, src.close())
	}
	if len(src.footer) != 0 && f == formatStream && !o.quiet {
		fmt.Fprintf(std.err, "lightstream: the metadata of %s as a whole has no place in a stream\n", src.label())
	}
	err = transfer(ctx, src, newSink(dst, f, src, o), o, newProgress(src, dst.file, o, std))
	if err == nil && o.head < 0 {
		src.remark(o, std)
	}
	if e := src.close(); err == nil {
		err = e
	}
	if err != nil {
		dst.abort()
		return err
	}
	return dst.commit()
}

// transfer moves the batches of a source to a sink, the first rows of them and in the sizes wanted.
func transfer(ctx context.Context, src *source, dst sink, o *options, p *progress) error {
	defer p.end()
	left, group := o.head, regroup.NewBatch(src.schema)
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
