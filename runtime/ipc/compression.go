package ipc

import (
	"fmt"
	"sync/atomic"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/frame"
)

// Compression is how the buffers of a body are compressed, each for itself: 8 bytes with the length of what it inflates to, then a
// frame of the method; or 8 bytes of -1, then the buffer as it is.
//
// Source: Arrow columnar format, "Compression".
type Compression uint8

const (
	// Uncompressed bodies are columns as they are in memory.
	Uncompressed Compression = iota
	// LZ4 are frames of LZ4, for which a program imports compress/lz4.
	LZ4
	// ZSTD are frames of ZSTD, for which a program imports compress/zstd.
	ZSTD
	compressions
)

// String returns the method's name, such as "zstd".
func (c Compression) String() string {
	if c < compressions {
		return [...]string{"uncompressed", "lz4", "zstd"}[c]
	}
	return fmt.Sprintf("compression %d", uint8(c))
}

// codec returns the method's number in the metadata.
func (c Compression) codec() arrowfb.CompressionType {
	if c == ZSTD {
		return arrowfb.CompressionTypeZSTD
	}
	return arrowfb.CompressionTypeLZ4Frame
}

// A Compressor compresses buffers and inflates them. Both may be called by several goroutines at once.
type Compressor interface {
	// Compress appends src, compressed, to dst.
	Compress(dst, src []byte) ([]byte, error)
	// Inflate fills dst with what src inflates to, which is an error where that has another length.
	Inflate(dst, src []byte) error
}

var compressors [compressions]atomic.Pointer[Compressor]

// RegisterCompressor makes a method known. The packages below compress do so when they are imported; a later one takes the place of an
// earlier one.
func RegisterCompressor(c Compression, with Compressor) {
	if c == Uncompressed || c >= compressions {
		panic(fmt.Sprintf("lightstream: a compressor for %v", c))
	}
	compressors[c].Store(&with)
}

// compressor returns what a method is done with, or the error that says which import is missing.
func (c Compression) compressor() (Compressor, error) {
	if p := compressors[c].Load(); p != nil {
		return *p, nil
	}
	return nil, frame.Errorf(ErrUnsupported, "body is %v and this program links no %v; add import _ %q", c, c, "github.com/lightstream-go/lightstream/compress/"+c.String())
}

// compressorOf returns what a body is inflated with, nil where it is plain.
func compressorOf(b *frame.BatchLayout) (Compressor, error) {
	if !b.Compressed {
		return nil, nil
	}
	if b.Method != arrowfb.BodyCompressionMethodBuffer {
		return nil, frame.At(b.RowsAt(), "message.compression", frame.Errorf(ErrUnsupported, "compression of method %v, want that of buffers", b.Method))
	}
	for _, c := range [...]Compression{LZ4, ZSTD} {
		if b.Codec == c.codec() {
			with, err := c.compressor()
			if err != nil {
				return nil, frame.At(-1, "", err)
			}
			return with, nil
		}
	}
	return nil, frame.At(b.RowsAt(), "message.compression", frame.Errorf(ErrUnsupported, "body is compressed with %v, which this version of the format does not have", b.Codec))
}

const (
	// storedAsIs is the length of what does not become shorter by compression.
	storedAsIs = -1
	// lengthSize is what stands before a compressed buffer.
	lengthSize = 8
)
