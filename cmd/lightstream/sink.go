package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/internal/regroup"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// sink is where batches go.
type sink interface {
	// write adds a batch, and the entries that are attached to it where the format has a place for them.
	write(ctx context.Context, rows int, columns []column.Data, attached []ipc.KeyValue) error
	close() error
}

// destination is the file that a sink writes to. What is there under its name stays until the new file is complete.
type destination struct {
	file *os.File
	name string // "" for standard output
}

// create opens the destination: standard output for -, else a file beside name that becomes it in the end.
func create(name string, std std) (*destination, error) {
	if name == "-" {
		return &destination{file: std.out}, nil
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() { // a pipe or device is written to as it is
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		return &destination{file: f}, err
	}
	if path, err := filepath.EvalSymlinks(name); err == nil { // a link stays one
		name = path
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, err
	}
	temporary.add(f.Name())
	mode := os.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	if err := f.Chmod(mode); err != nil {
		return nil, errors.Join(err, f.Close(), temporary.remove(f.Name()))
	}
	return &destination{file: f, name: name}, nil
}

// commit puts the file, which is complete, under its name.
func (d *destination) commit() error {
	if d.name == "" {
		return nil
	}
	err := d.file.Sync()
	if e := d.file.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(d.file.Name(), d.name)
	}
	if err != nil {
		return errors.Join(err, temporary.remove(d.file.Name()))
	}
	temporary.keep(d.file.Name())
	return nil
}

// abort leaves what was there.
func (d *destination) abort() {
	if d.name != "" {
		_ = d.file.Close()
		_ = temporary.remove(d.file.Name())
	}
}

// newSink returns a sink of a format.
func newSink(dst *destination, f format, src *source, o *options) sink {
	s := src.schema
	switch f {
	case formatFile:
		w := ipc.NewFileWriter(dst.file, s, writerOptions(o))
		w.SetFooter(src.footer)
		return &arrowSink{w: &w.Writer, unify: regroup.NewUnifier(s)}
	case formatCSV:
		return &textSink{csv.NewWriter(dst.file, s, &csv.WriterOptions{Null: o.null})}
	case formatNDJSON:
		return &textSink{ndjson.NewWriter(dst.file, s)}
	case formatTable:
		buf := bufio.NewWriterSize(dst.file, 64<<10)
		return &tableSink{table: newTable(buf, s, terminalWidth(dst.file)), buf: buf}
	}
	return &arrowSink{w: ipc.NewWriter(plainWriter{dst.file}, s, writerOptions(o))}
}

// compressions are what --compression takes.
var compressions = map[string]ipc.Compression{"": ipc.Uncompressed, "none": ipc.Uncompressed, "zstd": ipc.ZSTD, "lz4": ipc.LZ4}

func writerOptions(o *options) *ipc.WriterOptions {
	return &ipc.WriterOptions{Compression: compressions[o.compression]}
}

// plainWriter hides all else that a file can do: standard output is not half-closed and has no deadlines.
type plainWriter struct{ io.Writer }

// arrowSink writes Arrow IPC.
type arrowSink struct {
	w     *ipc.Writer
	unify *regroup.Unifier // of a file, nil for a stream
}

func (s *arrowSink) write(ctx context.Context, rows int, columns []column.Data, attached []ipc.KeyValue) (err error) {
	if s.unify != nil {
		if columns, err = s.unify.Columns(columns); err != nil {
			return err
		}
	}
	s.w.SetMetadata(attached)
	return s.w.Write(ctx, rows, columns)
}

func (s *arrowSink) close() error { return s.w.Close() }

// textSink writes lines.
type textSink struct {
	w interface {
		Write(rows int, columns []column.Data) error
		Close() error
	}
}

func (s *textSink) write(ctx context.Context, rows int, columns []column.Data, _ []ipc.KeyValue) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.w.Write(rows, columns)
}

func (s *textSink) close() error { return s.w.Close() }

// tableSink prints a table.
type tableSink struct {
	table *table
	buf   *bufio.Writer
}

func (s *tableSink) write(ctx context.Context, rows int, columns []column.Data, _ []ipc.KeyValue) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.table.write(rows, columns)
	return s.buf.Flush()
}

func (s *tableSink) close() error {
	s.table.close()
	return s.buf.Flush()
}

// isText tells whether a format is read by people or as UTF-8.
func (f format) isText() bool { return f == formatCSV || f == formatNDJSON || f == formatTable }

// level is how much of a source is checked for a format: text must be text where it is printed.
func (f format) level() ipc.Level {
	if f.isText() {
		return ipc.UTF8
	}
	return ipc.Contents
}
