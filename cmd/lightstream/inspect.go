package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// inspection are the flags of inspect.
type inspection struct {
	options
	hex, check, time bool
}

func newInspect(std std) *cobra.Command {
	var o inspection
	cmd := &cobra.Command{
		Use:   "inspect SRC",
		Short: "Print every message of Arrow data",
		Long: `inspect prints every message of an Arrow stream or file: where it is, how long its
metadata and body are, the rows and nulls of each column, and each buffer with its
alignment in the file. It reads the metadata alone, so that it also shows data whose
contents are bad; --check says whether they are.`,
		Example: `  lightstream inspect trades.arrow
  lightstream inspect trades.arrows --hex
  lightstream inspect trades.arrows --check --time`,
		Args: exactly(1, "a source"),
		RunE: func(cmd *cobra.Command, args []string) error { return inspect(cmd.Context(), args[0], &o, std) },
	}
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "`format` of the source: file, stream; default by its first bytes")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress, of which there is none here")
	f.BoolVar(&o.hex, "hex", false, "also print metadata and buffers as hexadecimal bytes")
	f.BoolVar(&o.check, "check", false, "only check all contents, text too, and say what is wrong")
	f.BoolVar(&o.time, "time", false, "only measure reading it, at each level of checks")
	complete(cmd, "from", inputs)
	return cmd
}

func inspect(ctx context.Context, name string, o *inspection, std std) error {
	if o.check || o.time {
		if o.check {
			if err := check(ctx, name, o, std); err != nil {
				return err
			}
		}
		if o.time {
			return measure(ctx, name, o, std)
		}
		return nil
	}
	f, _, err := input(name, std)
	if err != nil {
		return err
	}
	out := &failing{w: std.out}
	err = inspectMessages(f, named{nil, name}.Name(), o, out)
	if out.err != nil {
		err = out.err
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// check reads all of a source at the highest level.
func check(ctx context.Context, name string, o *inspection, std std) error {
	src, err := openSource(ctx, name, &o.options, std, ipc.UTF8)
	if err != nil {
		return err
	}
	batches, rows, err := drain(ctx, src)
	stats := src.stats()
	if e := src.close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "fine: %d batches, %d rows, %d columns, %d bytes; %d buffers not at a multiple of 64\n",
		batches, rows, len(src.schema.Fields), stats.Bytes, stats.Realigned)
	return nil
}

func drain(ctx context.Context, src *source) (batches, rows int64, err error) {
	for {
		b, err := src.next(ctx)
		if err == io.EOF {
			return batches, rows, nil
		}
		if err != nil {
			return batches, rows, err
		}
		batches, rows = batches+1, rows+int64(b.Len())
		b.Release()
	}
}

// measure times reading a source at each level.
func measure(ctx context.Context, name string, o *inspection, std std) error {
	if name == "-" {
		return usagef("--time reads the source several times; name a file")
	}
	for _, l := range []struct {
		name  string
		level ipc.Level
	}{{"structure", ipc.Structure}, {"contents", ipc.Contents}, {"utf8", ipc.UTF8}} {
		best := time.Duration(0)
		var bytes int64
		for range 3 { // the first also reads the disk
			start := time.Now()
			src, err := openSource(ctx, name, &o.options, std, l.level)
			if err != nil {
				return err
			}
			_, _, err = drain(ctx, src)
			bytes = src.stats().Bytes
			if e := src.close(); err == nil {
				err = e
			}
			if err != nil {
				return err
			}
			if d := time.Since(start); best == 0 || d < best {
				best = d
			}
		}
		fmt.Fprintf(std.out, "%-10s %10v  %8.1f MiB/s\n", l.name, best.Round(time.Microsecond), float64(bytes)/(1<<20)/best.Seconds())
	}
	return nil
}

// inspector prints the messages of a stream or file.
type inspector struct {
	w      *failing
	hex    bool
	schema *ipc.Schema
	values map[int64]*ipc.Schema // of dictionaries
	v4     bool
}

// inspectMessages prints the messages of f, and the footer if it is a file.
func inspectMessages(f *os.File, name string, o *inspection, w *failing) error {
	in := &inspector{w: w, hex: o.hex}
	var src io.Reader = f
	var start int64
	head := make([]byte, fileStart)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return err
	}
	src = io.MultiReader(bytes.NewReader(head[:n]), f)
	if o.from == string(formatFile) || o.from == "" && n == fileStart && string(head[:len(fileMagic)]) == fileMagic {
		fmt.Fprintf(w, "Arrow IPC file\n")
		src, start = f, fileStart
	} else {
		fmt.Fprintf(w, "Arrow IPC stream\n")
	}
	err = in.messages(src, start)
	var e *frame.DecodeError
	if errors.As(err, &e) {
		e.Source = name
	}
	return err
}

// fileStart is the length of a file's magic string and what pads it.
const fileStart = 8

// messages prints all messages, which begin at offset start.
func (in *inspector) messages(src io.Reader, start int64) error {
	framer := &frame.IPC{}
	stream := frame.NewStream(src, framer, nil)
	defer stream.Free()
	for i := 0; in.w.err == nil; i++ {
		at := start + stream.Bytes()
		m, err := stream.Next()
		if err == io.EOF {
			fmt.Fprintf(in.w, "%12d  end of the input, without an end marker\n", at)
			return nil
		}
		if err != nil {
			return err
		}
		if m.End {
			fmt.Fprintf(in.w, "%12d  end marker\n", at)
			if start > 0 {
				rest := io.MultiReader(bytes.NewReader(bytes.Clone(stream.Buffered())), src)
				return in.footer(rest, at+int64(m.Head))
			}
			return nil
		}
		err = in.message(&m, at, i)
		m.Release()
		if err != nil {
			return err
		}
	}
	return in.w.err
}

// failing is a writer that remembers its first error, and writes no more after it.
type failing struct {
	w   io.Writer
	err error
}

func (f *failing) Write(p []byte) (n int, err error) {
	if f.err == nil {
		n, f.err = f.w.Write(p)
	}
	return n, f.err
}

// maxFooter is the longest footer that is printed.
const maxFooter = 16 << 20

// footer prints where the footer of a file says that its messages are.
func (in *inspector) footer(src io.Reader, at int64) error {
	rest, err := io.ReadAll(io.LimitReader(src, maxFooter))
	if err != nil {
		return err
	}
	const tail = 4 + len(fileMagic)
	if len(rest) < tail || string(rest[len(rest)-len(fileMagic):]) != fileMagic {
		return frame.At(at, "magic", frame.Errorf(ipc.ErrTruncated, "the file does not end with %q; was it closed when it was written?", fileMagic))
	}
	length := int(int32(binary.LittleEndian.Uint32(rest[len(rest)-tail:])))
	if length < 0 || length > len(rest)-tail {
		return frame.At(at, "footer length", frame.Errorf(ipc.ErrMalformed, "%d bytes of footer, %d are left", length, len(rest)-tail))
	}
	at += int64(len(rest) - tail - length)
	f, err := arrowfb.VerifyFooter(bytes.Clone(rest[len(rest)-tail-length:len(rest)-tail]), arrowfb.Limits{})
	if err != nil {
		return frame.At(at, "footer", frame.Errorf(ipc.ErrMalformed, "%v", err))
	}
	fmt.Fprintf(in.w, "%12d  footer, metadata version %v, length %d\n", at, f.Version(), length)
	for i := range f.CustomMetadataLen() {
		kv := f.CustomMetadata(i)
		in.attached([]ipc.KeyValue{{Key: kv.Key(), Value: kv.Value()}})
	}
	for i := range f.DictionariesLen() {
		in.block("dictionary", i, f.Dictionaries(i))
	}
	for i := range f.RecordBatchesLen() {
		in.block("record batch", i, f.RecordBatches(i))
	}
	return nil
}

// attached prints the metadata of a message or footer.
func (in *inspector) attached(entries []ipc.KeyValue) {
	for _, kv := range entries {
		fmt.Fprintf(in.w, "%14s· %s: %s\n", "", cell(kv.Key), cell(kv.Value))
	}
}

func (in *inspector) block(what string, i int, b arrowfb.Block) {
	fmt.Fprintf(in.w, "%14s%s %d at %d, metadata %d, body %d\n", "", what, i, b.Offset(), b.MetaDataLength(), b.BodyLength())
}

// message prints one message.
func (in *inspector) message(m *frame.Message, at int64, number int) error {
	head := func(what string) {
		fmt.Fprintf(in.w, "%12d  message %d: %s, metadata %d, body %d\n", at, number, what, m.Head, len(m.Body))
		if in.hex {
			in.dump(m.Metadata())
		}
	}
	if m.Batch != nil {
		if in.schema == nil {
			return frame.At(0, "message.header", frame.Errorf(ipc.ErrMalformed, "a record batch before the schema"))
		}
		head(fmt.Sprintf("record batch, %d rows%s", m.Batch.Rows(), compression(m.Batch)))
		in.attached(m.Batch.Metadata)
		return in.batch(m.Batch, in.schema, m, at)
	}
	if s, ok := m.Root.HeaderSchema(); ok {
		schema, err := ipc.SchemaOf(s, nil)
		if err != nil {
			return err
		}
		in.schema, in.values = schema, dictionaries(schema)
		in.v4 = m.Root.Version() < arrowfb.MetadataVersionV5
		head(fmt.Sprintf("schema, metadata version %v, %v-endian, %d columns", m.Root.Version(), s.Endianness(), len(schema.Fields)))
		return printSchema(indented{in.w}, schema)
	}
	if d, ok := m.Root.HeaderDictionaryBatch(); ok {
		kind := ""
		if d.IsDelta() {
			kind = " delta"
		}
		layout := m.Dictionary(d.Data())
		head(fmt.Sprintf("dictionary %d%s, %d values%s", d.ID(), kind, layout.Rows(), compression(layout)))
		schema := in.values[d.ID()]
		if schema == nil {
			return frame.At(0, "message.id", frame.Errorf(ipc.ErrMalformed, "dictionary %d, which no column has", d.ID()))
		}
		return in.batch(layout, schema, m, at)
	}
	head(m.Root.HeaderType().String())
	return nil
}

func compression(l *frame.BatchLayout) string {
	if !l.Compressed {
		return ""
	}
	return ", compressed as " + l.Codec.String()
}

// batch prints the nodes and buffers of a record batch.
func (in *inspector) batch(l *frame.BatchLayout, s *ipc.Schema, m *frame.Message, at int64) error {
	next, variadic := 0, 0
	buffer := func(what string) {
		if next >= l.NumBuffers() {
			fmt.Fprintf(in.w, "%14s%-8s is missing\n", "", what)
			return
		}
		offset, length := l.Buffer(next)
		place := at + int64(m.Head) + offset
		fmt.Fprintf(in.w, "%12d    buffer %d %s: body offset %d, length %d, aligned to %d\n", place, next, what, offset, length, alignment(place))
		if in.hex && offset >= 0 && length > 0 && offset <= int64(len(m.Body)) && length <= int64(len(m.Body))-offset {
			in.dump(m.Body[offset : offset+length])
		}
		next++
	}
	for i, n := range s.Nodes(in.v4) {
		if i >= l.NumNodes() {
			fmt.Fprintf(in.w, "%14s%s: its field node is missing\n", "", cell(n.Path))
			continue
		}
		rows, nulls := l.Node(i)
		fmt.Fprintf(in.w, "%14s%s: %v, %d rows, %d nulls\n", "", cell(n.Path), n.Field.TypeString(), rows, nulls)
		for _, b := range n.Buffers {
			buffer(b)
		}
		if n.Views {
			count := int64(0)
			if variadic < l.NumVariadics() {
				count = l.Variadics(variadic)
			}
			for range min(count, int64(l.NumBuffers())) {
				buffer("bytes")
			}
			variadic++
		}
	}
	for next < l.NumBuffers() {
		buffer("of no column")
	}
	return nil
}

// alignment is the largest power of two, up to a page, that divides a place.
func alignment(place int64) int64 {
	const page = 4096
	if place%page == 0 {
		return page
	}
	return place & -place
}

// most is how many bytes of a buffer are dumped.
const most = 256

func (in *inspector) dump(p []byte) {
	_, _ = io.WriteString(indented{in.w}, hex.Dump(p[:min(len(p), most)]))
	if len(p) > most {
		fmt.Fprintf(in.w, "%16s… %d more bytes\n", "", len(p)-most)
	}
}

// indented puts each line that is written further in.
type indented struct{ w io.Writer }

func (i indented) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if _, err := fmt.Fprintf(i.w, "%16s%s", "", line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// dictionaries maps ids to schemas of their values.
func dictionaries(s *ipc.Schema) map[int64]*ipc.Schema {
	m := make(map[int64]*ipc.Schema)
	var add func(f *ipc.Field)
	add = func(f *ipc.Field) {
		if d := f.Dictionary; d != nil {
			values := *f
			values.Dictionary = nil
			m[d.ID] = &ipc.Schema{Fields: []ipc.Field{values}}
		}
		for i := range f.Children {
			add(&f.Children[i])
		}
	}
	for i := range s.Fields {
		add(&s.Fields[i])
	}
	return m
}
