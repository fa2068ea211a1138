package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// inspection are the flags of inspect.
type inspection struct {
	options
	hex, contents, time bool
}

func newInspect(std std) *cobra.Command {
	var o inspection
	cmd := &cobra.Command{
		Use:   "inspect SRC",
		Short: "Print every message of Arrow data",
		Long: `inspect prints every message of an Arrow stream or file: where it is, how long its
metadata and body are, the rows and nulls of each column, and each buffer with its
alignment in the file. It reads the metadata alone, so that it also shows data whose
contents are bad; --check says whether they are. Of a file it prints what the footer
lists, and of one without a footer what can be found.

With --columns it prints the nodes, buffers and dictionaries of these columns alone,
and with --head the messages up to the one that has row n.`,
		Example: `  lightstream inspect trades.arrow
  lightstream inspect trades.arrows --hex
  lightstream inspect trades.arrows --check --time`,
		Args: exactly(1, "a source"),
		RunE: func(cmd *cobra.Command, args []string) error { return inspect(cmd.Context(), args[0], &o, std) },
	}
	f := cmd.Flags()
	o.add(cmd, false)
	f.BoolVar(&o.hex, "hex", false, "also print metadata and buffers as hexadecimal bytes")
	f.BoolVar(&o.contents, "check", false, "only check all contents, text too, and say what is wrong")
	f.BoolVar(&o.time, "time", false, "only measure reading it, at each level of checks")
	return cmd
}

func inspect(ctx context.Context, name string, o *inspection, std std) error {
	if err := o.options.check(); err != nil {
		return err
	}
	if o.contents || o.time {
		if o.contents {
			if err := check(ctx, name, o, std); err != nil {
				return err
			}
		}
		if o.time {
			return measure(ctx, name, o, std)
		}
		return nil
	}
	f, err := input(name, std)
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
	batches, rows, err := drain(ctx, src, o.head)
	stats := src.stats()
	if err == nil && o.head < 0 {
		src.remark(&o.options, std)
	}
	if e := src.close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "fine: %s, %s, %s, %s; %s not at a multiple of 64\n",
		count(batches, "batch"), count(rows, "row"), count(len(src.schema.Fields), "column"), count(stats.Bytes, "byte"), count(stats.Realigned, "buffer"))
	return err
}

// drain reads the batches that have the first rows, or all if that is negative.
func drain(ctx context.Context, src *source, head int64) (batches, rows int64, err error) {
	for head < 0 || rows < head {
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
	return batches, rows, nil
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
			_, _, err = drain(ctx, src, o.head)
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
		if _, err := fmt.Fprintf(std.out, "%-10s %10v  %8.1f MiB/s\n", l.name, best.Round(time.Microsecond), float64(bytes)/(1<<20)/best.Seconds()); err != nil {
			return err
		}
	}
	return nil
}

// inspector prints the messages of a stream or file.
type inspector struct {
	w       *failing
	o       *inspection
	title   string // before the first message
	schema  *ipc.Schema
	wanted  []bool                // columns, nil for all
	values  map[int64]*ipc.Schema // of dictionaries
	shown   map[int64]bool        // those of columns that are wanted
	batches int64
	rows    int64
}

// inspectMessages prints the messages of f, and the footer if it is a file.
func inspectMessages(f *os.File, name string, o *inspection, w *failing) error {
	in := &inspector{w: w, o: o}
	head := make([]byte, fileStart)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return err
	}
	if n == 0 && err == io.EOF && name != "-" {
		return fmt.Errorf("%s: the file is empty", name)
	}
	whole := io.MultiReader(bytes.NewReader(head[:n]), f)
	if other := formatByBytes(head[:min(n, len(fileMagic))], name, &o.options); o.from == "" && other != formatFile && other != formatStream {
		return fmt.Errorf("%s: it is %s, and inspect prints the messages of Arrow; schema, cat and inspect --check read it", name, other)
	} else if o.from != "" && !slices.Contains([]format{formatFile, formatStream, formatArrow}, format(o.from)) {
		return usagef("--from=%s: inspect prints the messages of Arrow files and streams; schema, cat and inspect --check read all formats", o.from)
	}
	if o.from == string(formatFile) || (o.from == "" || format(o.from) == formatArrow) && n == fileStart && string(head[:len(fileMagic)]) == fileMagic {
		fmt.Fprintf(w, "Arrow IPC file\n")
		err = in.file(f, whole)
	} else {
		in.title = "Arrow IPC stream\n"
		err = in.messages(whole, 0)
	}
	var e *frame.DecodeError
	if errors.As(err, &e) {
		e.Source = name
	}
	var u *ipc.UnfinishedError
	if errors.As(err, &u) {
		u.Source = name
	}
	if in.schema == nil {
		if err != nil && o.from == "" {
			err = asText(err, head[:n])
		}
		return err
	}
	return unfinished(err)
}

// messages prints all messages, which begin at offset start.
func (in *inspector) messages(src io.Reader, start int64) error {
	framer := &frame.IPC{}
	if l := in.o.limits(); l != nil {
		framer.MaxMetadata, framer.MaxBody = l.MaxMetadata, l.MaxBody
	}
	stream := frame.NewStream(src, framer, nil)
	defer stream.Free()
	for i := 0; in.w.err == nil; i++ {
		if in.headed() {
			return nil
		}
		at := start + stream.Bytes()
		m, err := stream.Next()
		if err == nil || err == io.EOF { // else it may be no stream
			fmt.Fprint(in.w, in.title)
			in.title = ""
		}
		if err == io.EOF {
			fmt.Fprintf(in.w, "%12d  end of the input, without an end marker\n", at)
			if in.o.unfinished && in.schema != nil && start == 0 {
				return nil
			}
			return &ipc.UnfinishedError{Batches: in.batches, Rows: in.rows}
		}
		if err != nil {
			return err
		}
		if m.End {
			fmt.Fprintf(in.w, "%12d  end marker\n", at)
			if in.schema == nil && start == 0 {
				return frame.At(0, "", frame.Errorf(ipc.ErrMalformed, "the end marker comes before a schema"))
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

// headed tells whether the rows that are wanted have come.
func (in *inspector) headed() bool { return in.o.head >= 0 && in.schema != nil && in.rows >= in.o.head }

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

// entries prints the metadata of a message or footer, of which entries may share a text: no more of it is copied than is shown.
func (in *inspector) entries(n int, at func(int) arrowfb.KeyValue) {
	const most = 4 * maxCell
	for i := 0; i < n && in.w.err == nil; i++ {
		kv := at(i)
		key, value := kv.KeyBytes(), kv.ValueBytes()
		in.attached([]ipc.KeyValue{{Key: string(key[:min(len(key), most)]), Value: string(value[:min(len(value), most)])}})
	}
}

// attached prints the metadata of a message.
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
		if in.o.hex {
			in.dump(m.Metadata())
		}
	}
	if m.Batch != nil {
		if in.schema == nil {
			return frame.At(0, "message.header", frame.Errorf(ipc.ErrMalformed, "a record batch before the schema"))
		}
		head(fmt.Sprintf("record batch, %d rows%s", m.Batch.Rows(), compression(m.Batch)))
		in.attached(m.Batch.Metadata)
		in.batches, in.rows = in.batches+1, in.rows+int64(m.Batch.Rows())
		return in.batch(m.Batch, in.schema, in.wanted, m, at)
	}
	if s, ok := m.Root.HeaderSchema(); ok {
		schema, err := ipc.SchemaOf(s, nil)
		if err != nil {
			return err
		}
		if err := in.choose(schema); err != nil {
			return err
		}
		head(fmt.Sprintf("schema, metadata version %v, %v-endian, %d columns", m.Root.Version(), s.Endianness(), len(schema.Fields)))
		in.entries(m.Root.CustomMetadataLen(), m.Root.CustomMetadata)
		return printSchema(indented{in.w}, chosen(schema, in.wanted))
	}
	if d, ok := m.Root.HeaderDictionaryBatch(); ok {
		kind := ""
		if d.IsDelta() {
			kind = " delta"
		}
		layout := m.Dictionary(d.Data())
		head(fmt.Sprintf("dictionary %d%s, %d values%s", d.ID(), kind, layout.Rows(), compression(layout)))
		in.entries(m.Root.CustomMetadataLen(), m.Root.CustomMetadata)
		schema := in.values[d.ID()]
		if schema == nil {
			return frame.At(0, "message.id", frame.Errorf(ipc.ErrMalformed, "dictionary %d, which no column has", d.ID()))
		}
		if in.wanted != nil && !in.shown[d.ID()] {
			return nil
		}
		return in.batch(layout, schema, nil, m, at)
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

// choose takes the schema, and notes which columns are wanted and which dictionaries they have.
func (in *inspector) choose(s *ipc.Schema) error {
	in.schema, in.values = s, dictionaries(s)
	places, err := in.o.project(s)
	if err != nil || places == nil {
		return err
	}
	in.wanted = make([]bool, len(s.Fields))
	for _, i := range places {
		in.wanted[i] = true
	}
	in.shown = make(map[int64]bool)
	for id := range dictionaries(chosen(s, in.wanted)) {
		in.shown[id] = true
	}
	return nil
}

// chosen is a schema of some of the columns, or of all.
func chosen(s *ipc.Schema, wanted []bool) *ipc.Schema {
	if wanted == nil {
		return s
	}
	some := &ipc.Schema{Metadata: s.Metadata}
	for i, f := range s.Fields {
		if wanted[i] {
			some.Fields = append(some.Fields, f)
		}
	}
	return some
}

// batch prints the nodes and buffers of a record batch, those of some columns or of all.
func (in *inspector) batch(l *frame.BatchLayout, s *ipc.Schema, wanted []bool, m *frame.Message, at int64) error {
	next, variadic, shown := 0, 0, true
	buffer := func(what string) {
		if !shown {
			next++
			return
		}
		if next >= l.NumBuffers() {
			fmt.Fprintf(in.w, "%14s%-8s is missing\n", "", what)
			return
		}
		offset, length := l.Buffer(next)
		place := at + int64(m.Head) + offset
		fmt.Fprintf(in.w, "%12d    buffer %d %s: body offset %d, length %d, aligned to %d\n", place, next, what, offset, length, alignment(place))
		if in.o.hex && offset >= 0 && length > 0 && offset <= int64(len(m.Body)) && length <= int64(len(m.Body))-offset {
			in.dump(m.Body[offset : offset+length])
		}
		next++
	}
	columns := columnOfNodes(s, l.V4)
	for i, n := range s.Nodes(l.V4) {
		shown = wanted == nil || wanted[columns[i]]
		if i >= l.NumNodes() {
			if shown {
				fmt.Fprintf(in.w, "%14s%s: its field node is missing\n", "", cell(n.Path))
			}
			continue
		}
		if rows, nulls := l.Node(i); shown {
			fmt.Fprintf(in.w, "%14s%s: %v, %d rows, %d nulls\n", "", cell(n.Path), n.Field.TypeString(), rows, nulls)
		}
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
	for shown = true; next < l.NumBuffers(); {
		buffer("of no column")
	}
	return nil
}

// columnOfNodes returns the column of each field node.
func columnOfNodes(s *ipc.Schema, v4 bool) (columns []int) {
	for i := range s.Fields {
		one := &ipc.Schema{Fields: s.Fields[i : i+1]}
		for range one.Nodes(v4) {
			columns = append(columns, i)
		}
	}
	return columns
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
