package parquet

import (
	"compress/gzip"
	"encoding/binary"
	"io"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
)

// opening is the start of a page's values, of which no more is inflated than is asked for.
type opening struct {
	w                            *pageWalk
	at, compressed, uncompressed int64
	packed                       bool

	have   []byte
	stream io.ReadCloser
}

// start returns what stands behind the levels of a page: n bytes, or fewer where it ends before.
func (w *pageWalk) start(h *pageHeader, body, levels int64, n int64) (b []byte, err error) {
	o := opening{
		w: w, at: body + levels, compressed: h.compressed - levels, uncompressed: h.uncompressed - levels,
		packed: !h.plain && w.compression != compress.Codecs.Uncompressed,
	}
	if !o.packed {
		o.uncompressed = o.compressed
	}
	defer func() {
		if o.stream != nil {
			_ = o.stream.Close()
		}
	}()
	pass := int64(0)
	if h.kind == dataPage {
		for _, l := range w.levels(h) {
			if parquet.Encoding(l.encoding) == parquet.Encodings.RLE && l.most != 0 {
				if err := o.fill(pass + 4); err != nil {
					return nil, err
				}
			}
			at, err := passLevels(o.have, pass, l.encoding, l.most, h.values)
			if err != nil {
				return nil, err
			}
			if pass = at; pass > o.uncompressed {
				return nil, malformed("levels of %d bytes in a page of %d", pass, h.uncompressed)
			}
		}
	}
	if err := o.fill(pass + n); err != nil {
		return nil, err
	}
	if int64(len(o.have)) < pass {
		return nil, malformed("levels of %d bytes in a page of %d", pass, len(o.have))
	}
	return o.have[pass:], nil
}

// fill brings the first n bytes, or fewer where there are no more.
func (o *opening) fill(n int64) (err error) {
	if n = min(n, o.uncompressed); n <= int64(len(o.have)) {
		return nil
	}
	if !o.packed {
		o.have, err = o.w.read(o.at, int(n))
		return err
	}
	codec := o.w.compression
	if n == o.uncompressed {
		codec = compress.Codecs.Uncompressed // nothing to spare
	}
	switch codec {
	case compress.Codecs.Snappy, compress.Codecs.Lz4Raw:
		some := 64 + o.compressed/255 // which is what LZ4 puts before a literal as long as the page
		b, err := o.w.read(o.at, int(min(o.compressed, 2*n+some)))
		if err != nil {
			return err
		}
		if codec == compress.Codecs.Snappy {
			o.have = snappyStart(make([]byte, 0, n), b)
		} else {
			o.have = lz4Start(make([]byte, 0, n), b)
		}
		if int64(len(o.have)) >= n {
			return nil
		}
	case compress.Codecs.Zstd, compress.Codecs.Gzip, compress.Codecs.Brotli:
		if o.w.window > maxWindow { // for which a stream makes room
			break
		}
		in := io.NewSectionReader(o.w.r.src, o.at, o.compressed)
		if streaming, ok := o.w.codec.(compress.StreamingCodec); o.stream != nil {
		} else if codec == compress.Codecs.Gzip { // that of arrow-go panics
			r, err := gzip.NewReader(in)
			if err != nil {
				return from(err)
			}
			o.stream = r
		} else if ok {
			o.stream = streaming.NewReader(in)
		} else {
			break
		}
		at := len(o.have)
		o.have = append(o.have, make([]byte, n-int64(at))...)
		k, err := io.ReadFull(o.stream, o.have[at:])
		if o.have = o.have[:at+k]; err == io.EOF || err == io.ErrUnexpectedEOF {
			err = nil
		}
		return from(err)
	}
	// All of it tells what it is.
	b, err := o.w.read(o.at, int(o.compressed))
	if err != nil {
		return err
	}
	o.have, err = compress.Decode(o.w.codec, make([]byte, o.uncompressed), b)
	return from(err)
}

// maxWindow is how many bytes a frame of ZSTD may refer back to where only its start is inflated.
const maxWindow = 8 << 20

// snappyStart appends what comes of the start of Snappy, up to the capacity of dst. It ends early where b does, or is wrong.
//
// Source: Snappy compressed format description.
func snappyStart(dst, b []byte) []byte {
	_, k := binary.Uvarint(b) // how long all of it is
	if k <= 0 {
		return dst
	}
	b = b[k:]
	for len(b) > 0 && len(dst) < cap(dst) {
		tag, n, offset := b[0], 0, 0
		b = b[1:]
		wide := [4]int{0, 1, 2, 4}[tag&3] // bytes of an offset
		switch tag & 3 {
		case 0:
			if n = int(tag>>2) + 1; n > 60 {
				wide, n = n-60, 0
			}
		case 1:
			n, offset = int(tag>>2&7)+4, int(tag>>5)<<8
		default:
			n = int(tag>>2) + 1
		}
		if len(b) < wide {
			return dst
		}
		v := 0
		for i := range wide {
			v |= int(b[i]) << (8 * i)
		}
		b = b[wide:]
		if tag&3 == 0 {
			if wide != 0 {
				n = v + 1
			}
			n = min(n, cap(dst)-len(dst))
			if n < 0 || n > len(b) {
				return dst
			}
			dst, b = append(dst, b[:n]...), b[n:]
			continue
		}
		var ok bool
		if dst, ok = again(dst, offset|v, n); !ok {
			return dst
		}
	}
	return dst
}

// lz4Start is snappyStart for a block of LZ4.
//
// Source: LZ4 block format description.
func lz4Start(dst, b []byte) []byte {
	length := func(n int) (int, bool) {
		for more := n == 15; more; {
			if len(b) == 0 {
				return 0, false
			}
			n, more = n+int(b[0]), b[0] == 255
			b = b[1:]
		}
		return n, true
	}
	for len(b) > 0 && len(dst) < cap(dst) {
		token := b[0]
		b = b[1:]
		n, ok := length(int(token >> 4))
		if n = min(n, cap(dst)-len(dst)); !ok || n > len(b) {
			return dst
		}
		dst, b = append(dst, b[:n]...), b[n:]
		if len(b) < 2 || len(dst) == cap(dst) {
			return dst
		}
		offset := int(binary.LittleEndian.Uint16(b))
		b = b[2:]
		if n, ok = length(int(token & 15)); !ok {
			return dst
		}
		if dst, ok = again(dst, offset, n+4); !ok {
			return dst
		}
	}
	return dst
}

// again appends n bytes from so many back on, as far as there is room.
func again(dst []byte, offset, n int) ([]byte, bool) {
	if offset <= 0 || offset > len(dst) {
		return dst, false
	}
	for range min(n, cap(dst)-len(dst)) {
		dst = append(dst, dst[len(dst)-offset])
	}
	return dst, true
}
