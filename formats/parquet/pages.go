package parquet

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// A column chunk is pages one after the other, each behind its header:
//
//	header, Thrift | compressed size bytes | header | …
//
// What arrow-go makes room for by what stands in headers, or at the start of what is behind them, is checked here before it looks.
//
// Source: parquet.thrift, PageHeader.
const (
	dataPage       = 0
	dictionaryPage = 2
	dataPageV2     = 3

	fieldType         = 1
	fieldUncompressed = 2
	fieldCompressed   = 3
	fieldDataPage     = 5
	fieldDictionary   = 7
	fieldDataPageV2   = 8

	maxPageHeader = 16 << 20 // bytes, as arrow-go has it
)

// pageHeader is what is looked at.
type pageHeader struct {
	kind                     int64
	uncompressed, compressed int64
	pageKind
}

// pageKind is what the header of a page of one kind has.
type pageKind struct {
	there                    bool
	values                   int64
	encoding                 int64
	defEncoding, repEncoding int64
	levels                   [2]int64 // bytes of repetition and definition levels, of version 2
	plain                    bool     // version 2 is not compressed
	plainAt                  int      // where the header says so
}

// pageHeader reads the header of a page.
func (t *thrift) pageHeader() (h pageHeader, err error) {
	var kinds [fieldDataPageV2 + 1]pageKind
	err = t.fields(func(id int64, kind byte) (bool, error) {
		switch {
		case id == fieldType:
			return true, t.number(&h.kind, kind)
		case id == fieldUncompressed:
			return true, t.number(&h.uncompressed, kind)
		case id == fieldCompressed:
			return true, t.number(&h.compressed, kind)
		case kind == thriftStruct && (id == fieldDataPage || id == fieldDictionary || id == fieldDataPageV2):
			return true, t.pageKind(&kinds[id], id)
		}
		return false, nil
	})
	switch h.kind {
	case dataPage:
		h.pageKind = kinds[fieldDataPage]
	case dictionaryPage:
		h.pageKind = kinds[fieldDictionary]
	case dataPageV2:
		h.pageKind = kinds[fieldDataPageV2]
	default:
		return h, err
	}
	if err == nil && !h.there {
		err = malformed("a page of type %d without what is of that type", h.kind)
	}
	return h, err
}

// pageKind reads what the header of a page has in the field of a kind. Of two the later one counts.
func (t *thrift) pageKind(p *pageKind, id int64) error {
	*p = pageKind{there: true, encoding: -1}
	return t.fields(func(of int64, kind byte) (bool, error) {
		switch {
		case of == 1:
			return true, t.number(&p.values, kind)
		case of == 2 && id != fieldDataPageV2, of == 4 && id == fieldDataPageV2:
			return true, t.number(&p.encoding, kind)
		case of == 3 && id == fieldDataPage:
			return true, t.number(&p.defEncoding, kind)
		case of == 4 && id == fieldDataPage:
			return true, t.number(&p.repEncoding, kind)
		case of == 5 && id == fieldDataPageV2:
			return true, t.number(&p.levels[1], kind)
		case of == 6 && id == fieldDataPageV2:
			return true, t.number(&p.levels[0], kind)
		case of == 7 && id == fieldDataPageV2:
			p.plain, p.plainAt = kind == thriftFalse, t.head
		}
		return false, nil
	})
}

// number reads a number of 32 bits.
func (t *thrift) number(to *int64, kind byte) (err error) {
	if kind != thriftI32 {
		return malformed("the %s has a field of type %d at byte %d, want a number", t.what, kind, t.at)
	}
	if *to, err = t.varint(); err == nil && *to != int64(int32(*to)) {
		err = malformed("the %s has %d at byte %d, want 32 bits", t.what, *to, t.at)
	}
	return err
}

// fields calls see for each field of a struct, and passes over those that it has not read.
func (t *thrift) fields(see func(id int64, kind byte) (read bool, err error)) error {
	for id := int64(0); ; {
		t.head = t.at
		head, err := t.byte()
		if err != nil || head == 0 {
			return err
		}
		id += int64(head >> 4)
		if head>>4 == 0 {
			if id, err = t.varint(); err != nil {
				return err
			}
		}
		if id != int64(int16(id)) {
			return malformed("the %s has a field %d, want 16 bits", t.what, id)
		}
		kind := head & 15
		read, err := see(id, kind)
		if err == nil && !read && kind != thriftTrue && kind != thriftFalse {
			err = t.value(kind, 0)
		}
		if err != nil {
			return err
		}
	}
}

// pageWalk goes over the pages of a column chunk.
type pageWalk struct {
	r     *Reader
	descr *schema.Column
	end   int64

	compression compress.Compression
	codec       compress.Codec

	buf  []byte
	from int64 // of buf in the file

	window int64 // to which a page of ZSTD refers back

	dictionaries int
	repeated     bool // a dictionary has a value twice, or there are two; known only where byIndex is set
	byIndex      bool
}

// mended is a file in which headers of pages that say wrongly that they are not compressed say that they are.
//
// Arrow C++ before 3.0, which calls itself parquet-cpp 1.5, wrote those of version 2 so.
type mended struct {
	io.ReaderAt
	at []int64 // of the field's type
}

var mendedVersion = metadata.NewAppVersionExplicit("parquet-cpp", 2, 0, 0)

func (m *mended) ReadAt(b []byte, at int64) (int, error) {
	n, err := m.ReaderAt.ReadAt(b, at)
	for _, p := range m.at {
		if p >= at && p-at < int64(n) {
			b[p-at] = b[p-at]&^15 | thriftTrue
		}
	}
	return n, err
}

// checkPages checks the pages of a column chunk. ByIndex tells whether its values are to be read as indices into its dictionary, and is
// unset where arrow-go would confuse them: it numbers values as if none came twice.
func (r *Reader) checkPages(chunk *metadata.ColumnChunkMetaData, descr *schema.Column, m *mended, byIndex *bool) error {
	codec, err := compress.GetCodec(chunk.Compression())
	if err != nil {
		return from(err)
	}
	at := chunk.DataPageOffset()
	if chunk.HasDictionaryPage() && chunk.DictionaryPageOffset() > 0 {
		at = min(at, chunk.DictionaryPageOffset())
	}
	end := at + chunk.TotalCompressedSize()
	if r.file.MetaData().WriterVersion().LessThan(metadata.Parquet816FixedVersion) {
		end += 100 // which leave the header of the dictionary out
	}
	w := &pageWalk{r: r, descr: descr, compression: chunk.Compression(), codec: codec, end: min(end, r.pagesEnd), byIndex: *byIndex}
	for seen, page := int64(0), 0; seen < chunk.NumValues() && at < w.end; page++ {
		h, body, err := w.header(at)
		if err == nil && h.plain && m != nil && chunk.Compression() != compress.Codecs.Uncompressed {
			h.plain, m.at = false, append(m.at, at+int64(h.plainAt))
		}
		if err == nil {
			err = w.page(&h, body, chunk.NumValues()-seen)
		}
		if err != nil {
			return fmt.Errorf("lightstream: page %d at byte %d: %w", page, at, shortened{err})
		}
		if h.kind == dataPage || h.kind == dataPageV2 {
			seen += h.values
		}
		at = body + h.compressed
	}
	*byIndex = w.byIndex && w.dictionaries == 1 && !w.repeated
	return nil
}

// read returns n bytes of the file, or as many as there are.
func (w *pageWalk) read(at int64, n int) ([]byte, error) {
	n = int(min(int64(n), w.end-at))
	if skip := at - w.from; skip >= 0 && skip+int64(n) <= int64(len(w.buf)) {
		return w.buf[skip : skip+int64(n)], nil
	}
	size := int(min(int64(max(n, 4<<10)), w.end-at)) // what is small and close is read at once
	if cap(w.buf) < size {
		w.buf = make([]byte, size)
	}
	w.buf, w.from = w.buf[:size], at
	if err := readAt(w.r.src, w.buf, at); err != nil {
		w.buf = w.buf[:0]
		return nil, err
	}
	return w.buf[:n], nil
}

// header reads the header of a page, and returns where its body begins.
func (w *pageWalk) header(at int64) (h pageHeader, body int64, err error) {
	for n := 256; ; n *= 8 {
		b, err := w.read(at, n)
		if err != nil {
			return h, 0, err
		}
		t := thrift{b: b, what: "page header"}
		if h, err = t.pageHeader(); err == nil {
			return h, at + int64(t.at), nil
		}
		if len(b) < n || n >= maxPageHeader {
			return h, 0, err
		}
	}
}

// page checks a page.
func (w *pageWalk) page(h *pageHeader, body, left int64) error {
	most := w.r.limits.MaxPage
	switch {
	case h.compressed < 0 || h.uncompressed < 0 || h.values < 0:
		return malformed("%d bytes, %d uncompressed, with %d values", h.compressed, h.uncompressed, h.values)
	case h.compressed > most || h.uncompressed > most:
		return fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrLimit, "%d bytes, %d uncompressed, exceed Limits.MaxPage (%d); raise it", h.compressed, h.uncompressed, most))
	case h.compressed > w.end-body:
		return malformed("%d bytes from byte %d on, and the column chunk ends at byte %d", h.compressed, body, w.end)
	}
	levels := int64(0)
	switch h.kind {
	case dictionaryPage:
		if err := w.dictionary(h); err != nil {
			return err
		}
	case dataPageV2:
		for _, n := range h.levels {
			if n < 0 || n > h.uncompressed || n > h.compressed {
				return malformed("levels of %d bytes in a page of %d", n, h.uncompressed)
			}
			levels += n
		}
		if levels > h.uncompressed || levels > h.compressed {
			return malformed("levels of %d bytes in a page of %d", levels, h.uncompressed)
		}
		fallthrough
	case dataPage:
		if h.values > left {
			return malformed("%d values, the column chunk has %d more", h.values, left)
		}
	default:
		return nil // arrow-go passes over it
	}
	if !h.plain {
		if err := w.inflates(body+levels, h.compressed-levels, h.uncompressed-levels); err != nil {
			return err
		}
	}
	if h.kind == dictionaryPage && w.byIndex {
		return w.distinct(h, body)
	}
	switch parquet.Encoding(h.encoding) {
	case parquet.Encodings.RLEDict, parquet.Encodings.PlainDict:
		if h.kind != dictionaryPage {
			return w.indices(h, body, levels)
		}
	case parquet.Encodings.DeltaBinaryPacked, parquet.Encodings.DeltaLengthByteArray, parquet.Encodings.DeltaByteArray:
		if h.kind != dictionaryPage {
			return w.delta(h, body, levels)
		}
	}
	return nil
}

// dictionary checks how many values a dictionary says that it has: room is made for those up to the highest index.
func (w *pageWalk) dictionary(h *pageHeader) error {
	width := int64(1)
	switch w.descr.PhysicalType() {
	case parquet.Types.Boolean:
		return malformed("a dictionary of bools")
	case parquet.Types.Int32, parquet.Types.Float, parquet.Types.ByteArray: // behind its length
		width = 4
	case parquet.Types.Int64, parquet.Types.Double:
		width = 8
	case parquet.Types.Int96:
		width = 12
	case parquet.Types.FixedLenByteArray:
		width = max(1, int64(w.descr.TypeLength()))
	}
	if h.values > h.uncompressed/width {
		return malformed("a dictionary of %d values in %d bytes", h.values, h.uncompressed)
	}
	return nil
}

// distinct looks for values of a dictionary of byte strings that come twice.
func (w *pageWalk) distinct(h *pageHeader, body int64) error {
	b, err := w.start(h, body, 0, h.uncompressed)
	if err != nil {
		return err
	}
	w.dictionaries++
	seen := make(map[string]bool, min(h.values, 4096)) // it grows with what is there
	for range h.values {
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return malformed("a dictionary that ends after %d of %d values", len(seen), h.values)
		}
		n := 4 + int(binary.LittleEndian.Uint32(b))
		v := b[4:n]
		if seen[string(v)] {
			w.repeated = true
			return nil
		}
		seen[string(v)] = true
		b = b[n:]
	}
	return nil
}

// indices checks how many bits an index has, of more than 32 of which arrow-go leaves out the others.
func (w *pageWalk) indices(h *pageHeader, body, levels int64) error {
	b, err := w.start(h, body, levels, 1)
	if err == nil && len(b) != 0 && b[0] > 32 {
		err = malformed("indices of %d bits into a dictionary, want 32 at most", b[0])
	}
	return err
}

// inflates checks that what is compressed says to be as long as the header says, where arrow-go believes what it says.
func (w *pageWalk) inflates(at, compressed, uncompressed int64) error {
	switch w.compression {
	case compress.Codecs.Snappy:
		b, err := w.read(at, int(min(compressed, binary.MaxVarintLen32)))
		if err != nil {
			return err
		}
		if n, k := binary.Uvarint(b); compressed > 0 && (k <= 0 || n != uint64(uncompressed)) {
			return malformed("Snappy of %d bytes, the header says %d", n, uncompressed)
		}
	case compress.Codecs.Zstd:
		return w.zstd(frames{w.read, at, at + compressed}, uncompressed)
	}
	return nil
}

// The sizes of a frame of ZSTD.
//
// Source: RFC 8878, sections 3.1.1 and 3.1.2.
const (
	zstdMagic     = 0xFD2FB528
	zstdSkippable = 0x184D2A50
	zstdBlock     = 128 << 10 // most bytes of one
)

// frames are frames of ZSTD in a part of a file.
type frames struct {
	read    func(at int64, n int) ([]byte, error)
	at, end int64
}

// next reads n bytes.
func (s *frames) next(n int) ([]byte, error) {
	at := s.at
	if err := s.skip(int64(n)); err != nil {
		return nil, err
	}
	return s.read(at, n)
}

// skip passes over n bytes.
func (s *frames) skip(n int64) error {
	if n > s.end-s.at {
		return malformed("ZSTD that ends within a frame")
	}
	s.at += n
	return nil
}

// zstd checks how much comes of frames: no more than the header says, or than a page may have where only a bound is known.
// Of blocks it reads the heads alone.
func (w *pageWalk) zstd(s frames, uncompressed int64) error {
	total, exact := int64(0), true
	w.window = 0
	for s.at < s.end {
		b, err := s.next(8)
		if err != nil {
			return err
		}
		magic := binary.LittleEndian.Uint32(b)
		if magic&^15 == zstdSkippable {
			if err := s.skip(int64(binary.LittleEndian.Uint32(b[4:]))); err != nil {
				return err
			}
			continue
		}
		if magic != zstdMagic {
			return malformed("%#x begins no frame of ZSTD", magic)
		}
		descriptor := b[4]
		single := descriptor&0x20 != 0
		head := 5 + [4]int{0, 1, 2, 4}[descriptor&3]
		if !single {
			head++
		}
		size := [4]int{0, 2, 4, 8}[descriptor>>6]
		if size == 0 && single {
			size = 1
		}
		s.at -= 8
		if b, err = s.next(head + size); err != nil {
			return err
		}
		if !single {
			base := int64(1) << (10 + b[5]>>3)
			w.window = max(w.window, base+base/8*int64(b[5]&7))
		}
		var field [8]byte
		copy(field[:], b[head:head+size])
		content := binary.LittleEndian.Uint64(field[:])
		if size == 2 {
			content += 256
		}
		if single {
			w.window = max(w.window, int64(min(content, 1<<62)))
		}
		checksum := int64(descriptor >> 2 & 1 * 4)
		bound := int64(0)
		for last := false; !last; {
			if b, err = s.next(3); err != nil {
				return err
			}
			block := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
			last = block&1 != 0
			n, in := block>>3, block>>3
			switch block >> 1 & 3 {
			case 1: // one byte that is repeated
				in = 1
			case 2:
				n = zstdBlock
			}
			if err := s.skip(int64(in)); err != nil {
				return err
			}
			bound += int64(n)
		}
		if err := s.skip(checksum); err != nil {
			return err
		}
		if size != 0 {
			if content > uint64(w.r.limits.MaxPage) {
				return malformed("ZSTD of %d bytes, the header says %d", content, uncompressed)
			}
			total += int64(content)
		} else {
			total, exact = total+bound, false
		}
	}
	switch most := max(uncompressed+zstdBlock, w.r.limits.MaxPage); {
	case exact && total > uncompressed:
		return malformed("ZSTD of %d bytes, the header says %d", total, uncompressed)
	case total > most:
		return fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrLimit, "ZSTD of which up to %d bytes may come exceeds Limits.MaxPage (%d); raise it", total, w.r.limits.MaxPage))
	}
	return nil
}

// delta checks the blocks of numbers that are stored as differences: how many values one has room for, and how long the texts become
// that share what they begin with.
func (w *pageWalk) delta(h *pageHeader, body, levels int64) error {
	most := w.r.limits.MaxBatch
	if h.values > most/8 && parquet.Encoding(h.encoding) != parquet.Encodings.DeltaBinaryPacked {
		return fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrLimit, "the lengths of %d values exceed Limits.MaxBatch (%d bytes); raise it", h.values, most))
	}
	n := int64(4 * binary.MaxVarintLen64) // of the head of the first block
	if parquet.Encoding(h.encoding) == parquet.Encodings.DeltaByteArray {
		n = h.uncompressed
	}
	b, err := w.start(h, body, levels, n)
	if err != nil || len(b) == 0 {
		return err
	}
	if parquet.Encoding(h.encoding) != parquet.Encodings.DeltaByteArray {
		_, err = differences(b, h.values, nil)
		return err
	}
	shared := int64(0)
	rest, err := differences(b, h.values, func(n int64) error {
		if n < 0 {
			return malformed("a text that begins with %d bytes of the one before", n)
		}
		if shared += n; shared > most {
			return fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrLimit, "texts that share what they begin with need more than Limits.MaxBatch (%d bytes); raise it", most))
		}
		return nil
	})
	if err == nil {
		_, err = differences(rest, h.values, nil)
	}
	return err
}

// levels are the levels that stand before the values of a page of version 1, and the most that one may be.
func (w *pageWalk) levels(h *pageHeader) [2]struct{ encoding, most int64 } {
	return [2]struct{ encoding, most int64 }{
		{h.repEncoding, int64(w.descr.MaxRepetitionLevel())},
		{h.defEncoding, int64(w.descr.MaxDefinitionLevel())},
	}
}

// passLevels returns where levels of up to most end that begin at a byte of b, which may lie behind b.
func passLevels(b []byte, at, encoding, most, values int64) (int64, error) {
	switch {
	case most == 0:
		return at, nil
	case parquet.Encoding(encoding) != parquet.Encodings.RLE:
		return at + (values*int64(bits.Len64(uint64(most)))+7)/8, nil
	case at+4 > int64(len(b)):
		return 0, malformed("levels that end after %d bytes", max(0, int64(len(b))-at))
	}
	return at + 4 + int64(binary.LittleEndian.Uint32(b[at:])), nil
}

// maxDeltaBlock is how many numbers a block of differences has at most. Writers put 128 or 256 into one.
const maxDeltaBlock = 1 << 20

// differences passes over at most so many numbers, which see is shown unless it is nil: then the rest is not known.
//
//	values of a block | its parts | number of values | the first, zigzag | blocks
//	block: least difference, zigzag | bits of the differences of each part | differences, less the least
//
// Source: Parquet encodings, delta encoding.
func differences(b []byte, values int64, see func(int64) error) (rest []byte, err error) {
	t := thrift{b: b, what: "page"}
	var head [3]uint64
	for i := range head {
		if head[i], err = t.uvarint(); err != nil {
			return nil, err
		}
	}
	block, parts, left := head[0], head[1], head[2]
	switch {
	case block > maxDeltaBlock:
		return nil, malformed("a block of %d differences, want %d at most", block, maxDeltaBlock)
	case block == 0 || block%128 != 0 || parts == 0 || block%parts != 0 || block/parts%32 != 0:
		return nil, malformed("a block of %d differences in %d parts", block, parts)
	case left > uint64(values):
		return nil, malformed("%d differences of %d values", left, values)
	}
	v, err := t.varint()
	if err != nil || see == nil || left == 0 {
		return t.b[t.at:], err
	}
	if err := see(v); err != nil {
		return nil, err
	}
	left--
	in := block / parts
	for left > 0 {
		least, err := t.varint()
		if err != nil {
			return nil, err
		}
		widths := t.b[t.at:]
		if err := t.skip(parts); err != nil {
			return nil, err
		}
		for part := uint64(0); part < parts && left > 0; part++ {
			width := uint64(widths[part])
			if width > 64 {
				return nil, malformed("differences of %d bits", width)
			}
			packed := t.b[t.at:]
			if err := t.skip(in * width / 8); err != nil {
				return nil, err
			}
			for i := uint64(0); i < in && left > 0; i++ {
				v += least + int64(bitsAt(packed, i*width, width))
				if err := see(v); err != nil {
					return nil, err
				}
				left--
			}
		}
	}
	return t.b[t.at:], nil
}

// bitsAt returns the number of width bits from bit at on.
func bitsAt(b []byte, at, width uint64) (v uint64) {
	for got := uint64(0); got < width; {
		shift := (at + got) & 7
		v |= uint64(b[(at+got)>>3]>>shift) << got
		got += 8 - shift
	}
	if width < 64 {
		v &= 1<<width - 1
	}
	return v
}
