package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/lightstream-go/lightstream/compress"
	"github.com/lightstream-go/lightstream/formats/csv"
	"github.com/lightstream-go/lightstream/formats/ndjson"
	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/internal/newfile"
	"github.com/lightstream-go/lightstream/internal/regroup"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/lanes"
	"github.com/lightstream-go/lightstream/transports"
)

// sink is where batches go.
type sink interface {
	// write adds a batch, and the entries that are attached to it where the format has a place for them.
	write(ctx context.Context, rows int, columns []column.Data, attached []ipc.KeyValue) error
	close() error
}

// destination is what a sink writes to: a file, or connections. What is there under a file's name stays until the new file is complete.
type destination struct {
	file  *os.File
	whole *newfile.File // file, where it gets its name in the end, or nil
	named string        // as it was given, "" for standard output
	out   *counted
	pack  io.WriteCloser // what compresses all of it, or nil
	files *datasetSink   // of a directory
	conns openConns
	lanes *lanes.Options // nil for one connection

	protocol transports.Protocol // of connections
	http     bool                // they are such
	announce bool                // what is sent is announced
	settling time.Duration       // how long peers have to say what is wrong
	frames   *framesSink         // of a protocol with frames
}

// written returns how many bytes have been written, where that is known.
func (d *destination) written() (n int64, known bool) {
	switch {
	case d.files != nil:
		return d.files.w.Stats().Bytes, true
	case d.out != nil:
		return d.out.n, true
	}
	return 0, false
}

// create opens the destination: connections for a URI, standard output for -, else a file beside name that becomes it in the end.
func create(ctx context.Context, name string, o *options, std std) (*destination, error) {
	u, err := parseURI(name)
	if err != nil {
		return nil, err
	}
	if u != nil {
		return dialDestination(ctx, u, o, std)
	}
	name = filePath(name)
	if name == "-" {
		return &destination{file: std.out}, nil
	}
	if n, ok := descriptor(name); ok {
		f, err := inherited(n, name, std)
		return &destination{file: f}, err
	}
	named := name
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() { // a pipe or device is written to as it is
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		return &destination{file: f, named: named}, err
	}
	f, err := newfile.Create(name)
	if err != nil {
		return nil, err
	}
	temporary.add(f.Name())
	return &destination{file: f.File, whole: f, named: named}, nil
}

// commit puts the file, which is complete, under its name.
func (d *destination) commit() error {
	if d.conns != nil {
		err := d.conns.settled(d.settling, d.protocol)
		return errors.Join(err, d.conns.Close())
	}
	if d.files != nil {
		return nil
	}
	if d.whole == nil {
		return nil
	}
	err := d.whole.Commit()
	temporary.keep(d.whole.Name())
	return err
}

// abort leaves what was there.
func (d *destination) abort() {
	if d.conns != nil {
		if d.frames != nil {
			d.frames.tear()
		}
		_ = d.conns.Close()
		return
	}
	if d.files != nil {
		d.files.w.Abort()
		return
	}
	if d.whole != nil {
		d.whole.Abort()
		temporary.keep(d.whole.Name())
	}
}

// newSink returns a sink of a format.
func newSink(dst *destination, f format, src *source, o *options) (sink, error) {
	s := src.schema
	if dst.files != nil {
		return dst.files, nil
	}
	if dst.protocol != transports.Arrow {
		return newFramesSink(dst, s, o)
	}
	if dst.lanes != nil {
		return newLanesSink(dst, s, o), nil
	}
	var out io.Writer
	if dst.conns != nil {
		out = dst.conns[0]
	} else {
		dst.out = &counted{to: dst.file}
		out = dst.out
		if m, _, err := compress.ByName(dst.named); err != nil {
			return nil, err
		} else if m != nil {
			if dst.pack, err = compress.NewWriter(out, m, 0); err != nil {
				return nil, err
			}
			out = plainWriter{dst.pack}
		}
	}
	switch f {
	case formatParquet:
		w, err := parquet.NewWriter(out, s, parquetOptions(o))
		if err != nil {
			return nil, err
		}
		return &parquetSink{w: w, dst: dst}, nil
	case formatFile:
		w := ipc.NewFileWriter(out, s, writerOptions(o))
		w.SetFooter(src.footer)
		return &arrowSink{w: &w.Writer, unify: regroup.NewFileUnifier(s, o.maxExpanded())}, nil
	case formatCSV:
		return packed{&textSink{csv.NewWriter(out, s, csvWriterOptions(o, dst.named))}, dst}, nil
	case formatNDJSON, formatJSON:
		return packed{&textSink{ndjson.NewWriter(out, s, ndjsonWriterOptions(o, f))}, dst}, nil
	case formatTable:
		buf := bufio.NewWriterSize(out, 64<<10)
		return &tableSink{table: newTable(buf, s, terminalWidth(dst.file)), buf: buf}, nil
	}
	return &arrowSink{w: ipc.NewWriter(out, s, writerOptions(o)), dst: dst}, nil
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
	dst   *destination
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

func (s *arrowSink) attach(a ipc.Attached) { s.w.SetAttached(a) }

func (s *arrowSink) close() error {
	if err := s.w.Close(); err != nil || s.dst == nil {
		return err
	}
	return s.dst.packed()
}

// textSink writes records of text.
type textSink struct {
	w interface {
		rt.Sink
		Close() error
	}
}

func (s *textSink) write(ctx context.Context, rows int, columns []column.Data, _ []ipc.KeyValue) error {
	err := s.w.Write(ctx, rows, columns)
	if errors.Is(err, csv.ErrNullLine) {
		err = fmt.Errorf("%w, such as --null NULL", err)
	}
	return err
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
func (f format) isText() bool { return f.isRecords() || f == formatTable }

// isRecords tells whether a format is text that is read, too.
func (f format) isRecords() bool { return f == formatCSV || f == formatNDJSON || f == formatJSON }

// level is how much of a source is checked for a format: text must be text where it is printed, and in Parquet, whose writer takes any
// bytes. That of Arrow looks at it by itself.
func (f format) level() ipc.Level {
	if f.isText() || f == formatParquet {
		return ipc.UTF8
	}
	return ipc.Contents
}
