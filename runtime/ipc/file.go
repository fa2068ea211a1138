package ipc

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"sync"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/internal/sizes"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

const (
	fileMagic = "ARROW1"
	// fileStart is the length of the magic string and what pads it.
	fileStart = 8
	// fileTail is the length of the footer's length and the magic string.
	fileTail = 4 + len(fileMagic)
)

// FileWriter writes batches as an Arrow IPC file. Its Close writes the footer: a file without one is not complete. Dictionaries
// that grow are extended; another dictionary for a column is refused with [ErrReplaced] before anything of the batch is written.
type FileWriter struct{ Writer }

// SetFooter sets the entries that Close attaches to the footer, as the metadata of the file as a whole. That of the schema is a part
// of the schema.
func (w *FileWriter) SetFooter(entries []KeyValue) { w.index.metadata = slices.Clone(entries) }

// NewFileWriter returns a writer of a file to dst, which it does not own, from dst's current position as the file's start. It
// writes nothing yet. Nil options mean all defaults.
func NewFileWriter(dst io.Writer, schema *Schema, opts *WriterOptions) *FileWriter {
	w := &FileWriter{}
	w.init(dst, schema, opts, true)
	return w
}

// block is where a message of a file is.
type block struct {
	offset int64
	head   int32
	body   int64
}

// fileIndex is what the footer of a file lists.
type fileIndex struct {
	dictionaries, batches []block
	metadata              []KeyValue
}

// add notes the messages of a call that began at offset of the file.
func (x *fileIndex) add(offset int64, marks []messageMark) {
	for _, m := range marks {
		b := block{offset + m.offset, int32(m.head), m.body}
		if m.dictionary {
			x.dictionaries = append(x.dictionaries, b)
		} else {
			x.batches = append(x.batches, b)
		}
	}
}

// footer returns the footer of a file, with its length and the closing magic string.
func (x *fileIndex) footer(s *Schema) []byte {
	b := flatbuffers.NewBuilder(1024)
	schema := buildSchema(b, s)
	blocks := func(list []block, start func(*flatbuffers.Builder, int)) flatbuffers.UOffsetT {
		start(b, len(list))
		for i := len(list) - 1; i >= 0; i-- {
			arrowfb.CreateBlock(b, list[i].offset, list[i].head, list[i].body)
		}
		return b.EndVector(len(list))
	}
	dictionaries := blocks(x.dictionaries, arrowfb.FooterStartDictionaries)
	batches := blocks(x.batches, arrowfb.FooterStartRecordBatches)
	metadata := buildMetadata(b, x.metadata, arrowfb.FooterStartCustomMetadata)
	arrowfb.FooterStart(b)
	arrowfb.FooterAddVersion(b, arrowfb.MetadataVersionV5)
	arrowfb.FooterAddSchema(b, schema)
	arrowfb.FooterAddDictionaries(b, dictionaries)
	arrowfb.FooterAddRecordBatches(b, batches)
	if metadata != 0 {
		arrowfb.FooterAddCustomMetadata(b, metadata)
	}
	b.Finish(arrowfb.FooterEnd(b))
	f := b.FinishedBytes()
	n := len(f)
	f = le.AppendUint32(f, uint32(n))
	return append(f, fileMagic...)
}

// FileReader reads the batches of an Arrow IPC file, in any order. Its methods may be called by several goroutines.
type FileReader struct {
	src    io.ReaderAt
	size   int64
	name   string
	pool   *mem.Pool
	mapped mapped // src, or nil

	maxMetadata, maxBody int64
	batches              []block

	dictionaries []block
	metadata     []KeyValue // of the footer
	partial      bool       // not all columns are wanted

	// The first decoder has the schema and the dictionaries, which do not change once the file is open. Each batch is decoded with a
	// copy of it, so that several are at once.
	first fileDecoder
	using sync.RWMutex // of the dictionaries' leases, which Close takes away

	mu    sync.Mutex
	idle  []*fileDecoder
	stats Stats
}

// fileDecoder is what one goroutine decodes with.
type fileDecoder struct {
	framer frame.IPC
	dec    *decoder
	bytes  int64
	head   []byte // of metadata, for the next message
	m      frame.Message
}

// keptFooter is how much of the end of a file is read at once.
const keptFooter = 4 << 10

// keptHead is up to how many bytes of metadata a decoder keeps memory for.
const keptHead = 64 << 10

// metadata returns memory for n bytes of metadata.
func (x *fileDecoder) metadata(n int) []byte {
	if n > keptHead {
		return mem.Alloc(n)
	}
	x.head = mem.Grow(x.head[:0], n)
	return x.head[:n]
}

// decoder returns one that nobody uses, to be given back with done.
func (r *FileReader) decoder() *fileDecoder {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.idle); n != 0 {
		x := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return x
	}
	dec := *r.first.dec
	dec.inflations, dec.crew, dec.stats = nil, nil, Stats{}
	return &fileDecoder{framer: r.framer(), dec: &dec}
}

func (r *FileReader) framer() frame.IPC {
	return frame.IPC{MaxMetadata: r.maxMetadata, MaxBody: r.maxBody}
}

// done takes a decoder back, and what it has counted.
func (r *FileReader) done(x *fileDecoder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x.dec.stats.Bytes = x.bytes
	r.stats.add(&x.dec.stats)
	x.dec.stats, x.bytes = Stats{}, 0
	r.idle = append(r.idle, x)
}

// mapped is a source that hands out its bytes as blocks, as *mem.Map does.
type mapped interface {
	BlockAt(offset int64, n int) (*mem.Block, error)
}

// ForSource returns the options with the defaults that a source has of its own: what is mapped, as a [mem.Map], is not touched
// more than is asked for, so that its default level is Structure and its default alignment ValueSize.
func (o ReaderOptions) ForSource(src io.ReaderAt) ReaderOptions {
	if _, ok := src.(mapped); ok {
		if o.Validate == DefaultLevel {
			o.Validate = Structure
		}
		if o.Align == DefaultAlign {
			o.Align = ValueSize
		}
	}
	return o
}

// NewFileReader reads the footer, the schema and the dictionaries of the file of size bytes in src. Nil options mean all
// defaults.
//
// Where src is a [mem.Map], batches are views of the mapped file, to be released before the map is closed, and the default of
// [Limits] MaxBody is the size of the file where that is more.
func NewFileReader(src io.ReaderAt, size int64, opts *ReaderOptions) (*FileReader, error) {
	if src == nil {
		return nil, errors.New("lightstream: the file is nil; give the reader an io.ReaderAt")
	}
	if opts == nil {
		opts = &ReaderOptions{}
	}
	own := opts.ForSource(src)
	opts = &own
	r := &FileReader{src: src, size: size, name: SourceName(src), pool: opts.Pool}
	if r.pool == nil {
		r.pool = mem.SharedPool()
	}
	r.mapped, _ = src.(mapped)
	dec := newDecoder(opts.Limits, opts.Validate, opts.Align, r.pool)
	r.maxMetadata, r.maxBody = dec.limits.MaxMetadata, dec.limits.MaxBody
	if m, ok := src.(interface{ Mapped() bool }); ok && r.mapped != nil {
		dec.mapped = m.Mapped() // else it is read
	}
	if dec.mapped && (opts.Limits == nil || opts.Limits.MaxBody <= 0) { // its bodies take no memory
		r.maxBody = max(r.maxBody, size)
	}
	r.first = fileDecoder{framer: r.framer(), dec: dec}
	if err := r.open(opts); err != nil {
		r.first.dec.free()
		return nil, r.named(err)
	}
	return r, nil
}

// named gives an error the name of the file.
func (r *FileReader) named(err error) error {
	if e, ok := errors.AsType[*frame.DecodeError](err); ok {
		e.Source = r.name
	}
	return err
}

// open reads all but the batches.
func (r *FileReader) open(opts *ReaderOptions) error {
	footer, end, err := r.readFooter()
	if err != nil {
		return err
	}
	// Some old writers left the footer's version out, which is V1; that of each message says what it is.
	if v := footer.Version(); v != arrowfb.MetadataVersionV1 && v < arrowfb.MetadataVersionV4 || v > arrowfb.MetadataVersionV5 {
		return fileError(end, "footer.version", frame.Errorf(ErrUnsupported, "metadata version V%d; this reads V4 and V5", int(v)+1))
	}
	if !footer.HasSchema() {
		return fileError(end, "footer.schema", frame.Errorf(ErrMalformed, "the footer has no schema"))
	}
	if err := r.first.dec.setSchema(footer.Schema(), opts.Select); err != nil {
		return err
	}
	entries := schemaReader{limits: &r.first.dec.limits}
	if r.metadata, err = entries.metadata("footer.customMetadata", footer.CustomMetadataLen(), footer.CustomMetadata); err != nil {
		return err
	}
	r.partial = r.first.dec.partial()
	for i := range footer.RecordBatchesLen() {
		b, err := r.block(footer.RecordBatches(i), end, "footer.recordBatches")
		if err != nil {
			return err
		}
		r.batches = append(r.batches, b)
	}
	var total int64
	for i := range footer.DictionariesLen() {
		b, err := r.block(footer.Dictionaries(i), end, "footer.dictionaries")
		if err != nil {
			return err
		}
		if total += int64(b.head) + b.body; total > end {
			return fileError(end, "footer.dictionaries", frame.Errorf(ErrMalformed, "%d dictionaries take %d bytes, the footer begins at %d: they overlap", i+1, total, end))
		}
		r.dictionaries = append(r.dictionaries, b)
		if err := r.dictionary(b); err != nil {
			return err
		}
	}
	return r.first.dec.resolveAll()
}

// fileError is a [frame.DecodeError] at an offset of the file.
func fileError(offset int64, path string, err error) error {
	return &frame.DecodeError{Offset: offset, Path: path, Err: err}
}

// readFooter returns the verified footer and where it begins.
func (r *FileReader) readFooter() (f arrowfb.Footer, at int64, err error) {
	if r.size == 0 {
		return f, 0, fileError(0, "", frame.Errorf(ErrTruncated, "the file is empty"))
	}
	if r.size < int64(fileStart+fileTail) {
		return f, 0, fileError(0, "", frame.Errorf(ErrTruncated, "%d bytes, an Arrow file has at least %d", r.size, fileStart+fileTail))
	}
	var start, tail [16]byte
	if err := r.readAt(start[:fileStart], 0); err != nil {
		return f, 0, err
	}
	if string(start[:len(fileMagic)]) != fileMagic {
		return f, 0, fileError(0, "magic", frame.Errorf(ErrMalformed, "the file begins with %q, want %q%s", start[:len(fileMagic)], fileMagic, hint(start[:])))
	}
	end := mem.Alloc(int(min(r.size, keptFooter))) // most footers are shorter, and come with the tail in one read
	if err := r.readAt(end, r.size-int64(len(end))); err != nil {
		return f, 0, err
	}
	copy(tail[:], end[len(end)-fileTail:])
	if string(tail[4:fileTail]) != fileMagic {
		return f, 0, fileError(r.size-int64(len(fileMagic)), "magic", frame.Errorf(ErrTruncated, "the file ends with %q, want %q; was it closed when it was written?", tail[4:fileTail], fileMagic))
	}
	n := int64(int32(le.Uint32(tail[:])))
	at = r.size - int64(fileTail) - n
	switch {
	case n <= 0 || at < fileStart:
		return f, 0, fileError(r.size-int64(fileTail), "footer length", frame.Errorf(ErrMalformed, "%d bytes of footer in a file of %d", n, r.size))
	case n > r.first.dec.limits.MaxMetadata:
		have, most := sizes.Over(n, r.first.dec.limits.MaxMetadata)
		return f, 0, fileError(r.size-int64(fileTail), "footer length", frame.Errorf(ErrLimit, "%s exceeds Limits.MaxMetadata (%s); raise it if the file is trusted", have, most))
	}
	buf := end[:len(end)-fileTail]
	if int(n) <= len(buf) {
		buf = buf[len(buf)-int(n):]
	} else {
		buf = mem.Alloc(int(n))
		if err := r.readAt(buf, at); err != nil {
			return f, 0, err
		}
	}
	f, err = arrowfb.VerifyFooter(buf, arrowfb.Limits{})
	if err != nil {
		if e, ok := errors.AsType[*arrowfb.Error](err); ok {
			return f, 0, fileError(at+e.Offset, e.Path, frame.Errorf(ErrMalformed, "footer: found %s, want %s", e.Found, e.Want))
		}
		return f, 0, fileError(at, "footer", frame.Errorf(ErrMalformed, "%v", err))
	}
	return f, at, nil
}

// hint names other formats by their first bytes.
func hint(p []byte) string {
	switch {
	case string(p[:4]) == "\xff\xff\xff\xff":
		return "; this is an Arrow stream, read it with a stream reader"
	case string(p[:4]) == "PAR1":
		return "; this is a Parquet file"
	}
	return ""
}

// readAt fills p from offset, or tells where the file ends.
func (r *FileReader) readAt(p []byte, offset int64) error {
	n, err := r.src.ReadAt(p, offset)
	if n == len(p) {
		return nil
	}
	if err == io.EOF || err == nil {
		err = ErrTruncated
	}
	if at, ok := errors.AsType[*fs.PathError](err); ok && at.Path == r.name {
		err = at.Err // the name is in the error already
	}
	return fileError(offset+int64(max(n, 0)), "", err)
}

// block checks an entry of the footer against the limits and the file's size.
func (r *FileReader) block(b arrowfb.Block, end int64, path string) (block, error) {
	x := block{b.Offset(), b.MetaDataLength(), b.BodyLength()}
	switch {
	case x.offset < fileStart || x.head <= 0 || x.body < 0 || x.offset > end || int64(x.head) > end-x.offset || x.body > end-x.offset-int64(x.head):
		return x, fileError(end, path, frame.Errorf(ErrMalformed, "a block at %d of %d and %d bytes, the footer begins at %d", x.offset, x.head, x.body, end))
	case int64(x.head) > r.first.dec.limits.MaxMetadata:
		have, most := sizes.Over(int64(x.head), r.first.dec.limits.MaxMetadata)
		return x, fileError(end, path, frame.Errorf(ErrLimit, "metadata of %s exceeds Limits.MaxMetadata (%s); raise it if the file is trusted", have, most))
	case x.body > r.maxBody || x.body > math.MaxInt-int64(x.head):
		have, most := sizes.Over(x.body, r.maxBody)
		return x, fileError(end, path, frame.Errorf(ErrLimit, "%s exceeds Limits.MaxBody (%s); raise it", have, most))
	}
	return x, nil
}

// read reads a message, which is x's until it reads the next.
func (r *FileReader) read(x *fileDecoder, b block) (*frame.Message, error) {
	head := x.metadata(int(b.head))
	if err := r.readAt(head, b.offset); err != nil {
		return nil, err
	}
	body, read, err := r.body(x, b, head)
	if err != nil {
		return nil, err
	}
	return r.message(x, b, head, body, read)
}

// smallDictionary is how long the message of a dictionary may be that is read as a whole, also from a file that is mapped: its values
// are copied to where they outlive the file, and the pages that they lie in would have to be mapped one by one.
const smallDictionary = 64 << 10

// readWhole is read, with head and body in one call.
func (r *FileReader) readWhole(x *fileDecoder, b block) (*frame.Message, error) {
	const align = 64
	start := -int(b.head) & (align - 1) // so that the body begins at a multiple
	all, err := r.pool.TryGet(start + int(b.head) + int(b.body))
	if err != nil {
		return nil, fileError(b.offset, "", err)
	}
	p := all.Bytes()[start:]
	if err := r.readAt(p, b.offset); err != nil {
		all.Release()
		return nil, err
	}
	head, body := p[:b.head:b.head], mem.Wrap(p[b.head:], all.Release)
	return r.message(x, b, head, body, b.body)
}

// message makes a message of what was read, which it takes over.
func (r *FileReader) message(x *fileDecoder, b block, head []byte, body *mem.Block, read int64) (*frame.Message, error) {
	x.framer.Restart()
	n, length, need, err := x.framer.Measure(head)
	switch {
	case err != nil:
	case need > 0 || n > int(b.head):
		err = frame.At(0, "", frame.Errorf(ErrMalformed, "the message has %d bytes of metadata, the footer says %d", max(n, need), b.head))
	case length > int(b.body):
		err = frame.At(0, "message.bodyLength", frame.Errorf(ErrMalformed, "%d bytes, the footer says %d", length, b.body))
	}
	if err != nil {
		body.Release()
		return nil, r.locate(b, err)
	}
	x.bytes += int64(b.head) + read
	x.m, err = x.framer.DecodeBody(head[:n], body.Bytes()[:length], body)
	return &x.m, r.locate(b, err)
}

// body returns the body of a message: read, or as it is mapped.
func (r *FileReader) body(x *fileDecoder, b block, head []byte) (body *mem.Block, read int64, err error) {
	if r.mapped != nil {
		at := b.offset + int64(b.head)
		if body, err = r.mapped.BlockAt(at, int(b.body)); err != nil {
			return nil, 0, fileError(at, "", err)
		}
		return body, b.body, nil
	}
	if body, err = r.pool.TryGet(int(b.body)); err != nil {
		return nil, 0, fileError(b.offset, "", err)
	}
	if read, err = r.readBody(x, b, head, body.Bytes()); err != nil {
		body.Release()
		return nil, 0, err
	}
	return body, read, nil
}

// locate turns an offset in a message into one in the file.
func (r *FileReader) locate(b block, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*frame.DecodeError](err); ok {
		e.Offset = max(e.Offset, 0) + b.offset
	}
	return err
}

func (r *FileReader) dictionary(b block) error {
	read := r.read
	if int64(b.head)+b.body <= smallDictionary {
		read = r.readWhole
	}
	m, err := read(&r.first, b)
	if err != nil {
		return err
	}
	fb, ok := m.Root.HeaderDictionaryBatch()
	if !ok {
		m.Release()
		return r.locate(b, frame.At(0, "message.header", frame.Errorf(ErrMalformed, "a message of type %v where the footer lists a dictionary", m.Root.HeaderType())))
	}
	return r.locate(b, r.first.dec.dictionary(m, fb, false))
}

// Close gives back what the dictionaries have taken of the pool's budget. Batches stay valid. It is optional.
func (r *FileReader) Close() {
	r.using.Lock()
	defer r.using.Unlock()
	r.first.dec.free()
}

// Schema returns the schema of the file, which is that of the footer. The message of the schema at the front of the file is not read, and
// neither are entries that somebody has attached to that message.
func (r *FileReader) Schema() *Schema { return r.first.dec.schema }

// Footer returns the entries that are attached to the footer, which are read-only: the metadata of the file as a whole.
func (r *FileReader) Footer() []KeyValue { return r.metadata }

// NumBatches returns the number of batches.
func (r *FileReader) NumBatches() int { return len(r.batches) }

// Batch reads batch i, whose memory is its own until it is released. It has the dictionaries of the whole file.
func (r *FileReader) Batch(i int) (h Batch, err error) {
	if i < 0 || i >= len(r.batches) {
		of := "a file"
		if r.name != "" {
			of = r.name
		}
		return h, fmt.Errorf("lightstream: there is no batch %d in %s, which has %d; they are numbered from 0", i, of, len(r.batches))
	}
	x := r.decoder()
	defer r.done(x)
	if h, err = r.decode(x, r.batches[i]); err != nil {
		if e, ok := errors.AsType[*frame.DecodeError](err); ok {
			e.Frame = int64(i)
		}
		return Batch{}, r.named(err)
	}
	record.SetSeq(h, int64(i))
	return h, nil
}

// decode reads the batch of a block.
func (r *FileReader) decode(x *fileDecoder, b block) (Batch, error) {
	m, err := r.read(x, b)
	if err != nil {
		return Batch{}, err
	}
	if m.Batch == nil {
		m.Release()
		return Batch{}, r.locate(b, frame.At(0, "message.header", frame.Errorf(ErrMalformed, "a message of type %v where the footer lists a record batch", m.Root.HeaderType())))
	}
	r.using.RLock()
	defer r.using.RUnlock()
	h, err := x.dec.batch(m)
	return h, r.locate(b, err)
}

// Stats returns what the reader has done so far.
func (r *FileReader) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.add(&r.first.dec.stats)
	s.Bytes += r.first.bytes
	return s
}
