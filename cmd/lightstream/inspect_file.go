package main

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

const (
	// fileStart is the length of a file's magic string and what pads it.
	fileStart = 8
	// fileTail is the length of what stands behind the footer: its length and the magic string.
	fileTail = 4 + len(fileMagic)
	// maxFooter is the longest footer, and the longest metadata of a message, that is read.
	maxFooter = 16 << 20
)

// file prints a file: what stands first, the messages that the footer lists, in the order of their places, and the footer. A file without
// a footer is printed as far as its messages follow each other. What comes through a pipe is whole.
func (in *inspector) file(f *os.File, whole io.Reader) (err error) {
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || f == os.Stdin {
		spooled, remove, err := spool(whole)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, remove()) }()
		f = spooled
	}
	m, err := mem.OpenMap(f.Name())
	if err != nil {
		return err
	}
	defer m.Close()
	footer, at, err := readFooter(m)
	if err != nil {
		if e := in.messages(io.NewSectionReader(m, fileStart, max(m.Size()-fileStart, 0)), fileStart); e != nil {
			return e
		}
		return err
	}
	schema, err := ipc.SchemaOf(footer.Schema(), nil)
	if err != nil {
		return located(at, err)
	}
	if err := in.choose(schema); err != nil {
		return err
	}
	end, err := in.listed(m, &footer, at)
	if err != nil || in.headed() {
		return err
	}
	var marker [8]byte
	if n, _ := m.ReadAt(marker[:], end); n == len(marker) && end < at && (binary.LittleEndian.Uint64(marker[:]) == 0xFFFFFFFF || binary.LittleEndian.Uint32(marker[:]) == 0) {
		fmt.Fprintf(in.w, "%12d  end marker\n", end)
	}
	in.footer(&footer, at, m.Size()-int64(fileTail)-at)
	return nil
}

// readFooter returns the footer of a file, and where it is.
func readFooter(m *mem.Map) (f arrowfb.Footer, at int64, err error) {
	size := m.Size()
	tail := make([]byte, fileTail)
	if _, err := m.ReadAt(tail, max(size-int64(fileTail), 0)); err != nil || string(tail[4:]) != fileMagic {
		return f, 0, frame.At(size, "magic", frame.Errorf(ipc.ErrTruncated, "the file does not end with %q; was it closed when it was written?", fileMagic))
	}
	length := int64(int32(binary.LittleEndian.Uint32(tail)))
	at = size - int64(fileTail) - length
	if length <= 0 || at < fileStart || length > maxFooter {
		return f, 0, frame.At(size-int64(fileTail), "footer length", frame.Errorf(ipc.ErrMalformed, "%d bytes of footer in a file of %d", length, size))
	}
	text := mem.Alloc(int(length))
	if _, err := m.ReadAt(text, at); err != nil {
		return f, 0, err
	}
	if f, err = arrowfb.VerifyFooter(text, arrowfb.Limits{}); err != nil {
		return f, 0, frame.At(at, "footer", frame.Errorf(ipc.ErrMalformed, "%v", err))
	}
	if !f.HasSchema() {
		return f, 0, frame.At(at, "footer.schema", frame.Errorf(ipc.ErrMalformed, "the footer has no schema"))
	}
	return f, at, nil
}

// listed prints the messages that the footer lists, and the schema that most files have before them. It returns where they end.
func (in *inspector) listed(m *mem.Map, footer *arrowfb.Footer, at int64) (end int64, err error) {
	var blocks []arrowfb.Block
	for i := range footer.DictionariesLen() {
		blocks = append(blocks, footer.Dictionaries(i))
	}
	for i := range footer.RecordBatchesLen() {
		blocks = append(blocks, footer.RecordBatches(i))
	}
	slices.SortStableFunc(blocks, func(a, b arrowfb.Block) int { return cmp.Compare(a.Offset(), b.Offset()) })
	first := at
	if len(blocks) != 0 {
		first = min(first, blocks[0].Offset())
	}
	number, schema := 0, in.schema
	if end, err = in.first(m, first); err != nil {
		return 0, err
	}
	if end > fileStart {
		number++
	} else {
		fmt.Fprintf(in.w, "%12s  schema of the footer, %d columns\n", "", len(schema.Fields))
		if err := printSchema(indented{in.w}, chosen(schema, in.wanted)); err != nil {
			return 0, err
		}
	}
	if err := in.choose(schema); err != nil { // it may be another one
		return 0, err
	}
	for _, b := range blocks {
		if in.headed() || in.w.err != nil {
			return end, nil
		}
		if err := in.listedMessage(m, b, at, number); err != nil {
			return 0, located(b.Offset(), err)
		}
		end = max(end, b.Offset()+int64(b.MetaDataLength())+b.BodyLength())
		number++
	}
	return end, nil
}

// first prints the schema message that stands at the start of a file, before the first block. It returns where it ends, fileStart where
// there is none.
func (in *inspector) first(m *mem.Map, before int64) (end int64, err error) {
	stream := frame.NewStream(io.NewSectionReader(m, fileStart, max(before-fileStart, 0)), &frame.IPC{MaxMetadata: maxFooter, MaxBody: 1}, nil)
	defer stream.Free()
	message, err := stream.Next()
	if err != nil || message.End {
		return fileStart, nil // it is not needed
	}
	defer message.Release()
	if _, ok := message.Root.HeaderSchema(); !ok || message.Batch != nil {
		return fileStart, nil
	}
	return fileStart + stream.Bytes(), in.message(&message, fileStart, 0)
}

// listedMessage prints a message that is where the footer says. Its body is mapped and not read, unless it is dumped.
func (in *inspector) listedMessage(m *mem.Map, b arrowfb.Block, end int64, number int) error {
	offset, head, body := b.Offset(), int64(b.MetaDataLength()), b.BodyLength()
	if offset < fileStart || head <= 0 || body < 0 || offset > end || head > end-offset || body > end-offset-head || head > maxFooter {
		return frame.At(0, "footer", frame.Errorf(ipc.ErrMalformed, "a block of %d and %d bytes, the footer begins at %d", head, body, end))
	}
	meta := mem.Alloc(int(head))
	if _, err := m.ReadAt(meta, offset); err != nil {
		return err
	}
	framer := &frame.IPC{MaxMetadata: maxFooter, MaxBody: max(body, 1)}
	n, length, need, err := framer.Measure(meta)
	switch {
	case err != nil:
		return err
	case need > 0 || n > int(head):
		return frame.At(0, "", frame.Errorf(ipc.ErrMalformed, "the message has %d bytes of metadata, the footer says %d", max(n, need), head))
	case int64(length) > body:
		return frame.At(0, "message.bodyLength", frame.Errorf(ipc.ErrMalformed, "%d bytes, the footer says %d", length, body))
	}
	block, err := m.BlockAt(offset+head, length)
	if err != nil {
		return err
	}
	message, err := framer.DecodeBody(meta[:n], block.Bytes(), block)
	if err != nil {
		return err
	}
	defer message.Release()
	message.Head = int(head) // its body lies behind what the footer counts
	return in.message(&message, offset, number)
}

// located turns an offset in a part of a file into one of the file.
func located(at int64, err error) error {
	var e *frame.DecodeError
	if errors.As(err, &e) {
		e.Offset = max(e.Offset, 0) + at
	}
	return err
}

// footer prints where the footer of a file says that its messages are.
func (in *inspector) footer(f *arrowfb.Footer, at, length int64) {
	fmt.Fprintf(in.w, "%12d  footer, metadata version %v, length %d\n", at, f.Version(), length)
	in.entries(f.CustomMetadataLen(), f.CustomMetadata)
	for i := range f.DictionariesLen() {
		in.block("dictionary", i, f.Dictionaries(i))
	}
	for i := range f.RecordBatchesLen() {
		in.block("record batch", i, f.RecordBatches(i))
	}
}
