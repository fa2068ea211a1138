package lz4

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pierrec/lz4/v4"
)

// A frame of LZ4 is
//
//	magic u32 | flags u8 | block size u8 | [content length u64] | [dictionary id u32] | header checksum u8
//	blocks: length u32, of which the upper bit says that it is stored as it is | bytes | [block checksum u32]
//	0 u32 | [content checksum u32]
//
// in little-endian. The flags say which of what stands in brackets is there, and whether blocks refer to those before them.
//
// Source: LZ4 Frame Format Description 1.6.2.
const (
	magic      = 0x184D2204
	storedBit  = 1 << 31
	window     = 64 << 10  // how far back a block may refer
	blockSize  = 256 << 10 // of ours
	headerSize = 7         // of ours, before the blocks

	flagVersion         = 1 << 6
	flagVersionMask     = 3 << 6
	flagIndependent     = 1 << 5
	flagBlockChecksum   = 1 << 4
	flagContentLength   = 1 << 3
	flagContentChecksum = 1 << 2
	flagReserved        = 1 << 1
	flagDictionary      = 1 << 0
)

var le = binary.LittleEndian

// head is what our frames begin with: independent blocks of at most blockSize, and no checksums, as a transport has one.
var head = func() []byte {
	h := le.AppendUint32(nil, magic)
	h = append(h, flagVersion|flagIndependent, 5<<4)
	return append(h, byte(checksum(h[4:])>>8))
}()

// appendFrame appends src as a frame.
func appendFrame(dst, src []byte, c *lz4.Compressor) ([]byte, error) {
	dst = append(dst, head...)
	for len(src) > 0 {
		n := min(len(src), blockSize)
		block := src[:n]
		src = src[n:]
		at := len(dst) + 4
		most := lz4.CompressBlockBound(n)
		dst = grow(dst, 4+most)
		size, err := c.CompressBlock(block, dst[at:at+most])
		if err != nil {
			return nil, err
		}
		word := uint32(size)
		if size == 0 || size >= n { // it does not become shorter
			size = copy(dst[at:], block)
			word = uint32(size) | storedBit
		}
		le.PutUint32(dst[at-4:], word)
		dst = dst[:at+size]
	}
	return append(dst, 0, 0, 0, 0), nil
}

// grow returns b with n more bytes, which are to be written.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = append(b[:len(b):len(b)], make([]byte, n+len(b)/2)...)[:len(b)]
	}
	return b[:len(b)+n]
}

var errCut = errors.New("the frame is cut")

// inflate fills dst with what the frame in src has.
func inflate(dst, src []byte) error {
	flags, rest, err := header(src, len(dst))
	if err != nil {
		return err
	}
	at := 0
	for {
		if len(rest) < 4 {
			return errCut
		}
		word := le.Uint32(rest)
		rest = rest[4:]
		if word == 0 {
			break
		}
		n := int(word &^ storedBit)
		if n > len(rest) {
			return errCut
		}
		block := rest[:n]
		rest = rest[n:]
		if flags&flagBlockChecksum != 0 {
			if len(rest) < 4 {
				return errCut
			}
			if have := checksum(block); have != le.Uint32(rest) {
				return fmt.Errorf("a block has the checksum %#x, want %#x", have, le.Uint32(rest))
			}
			rest = rest[4:]
		}
		switch {
		case word&storedBit != 0:
			if n > len(dst)-at {
				return tooLong(len(dst))
			}
			n = copy(dst[at:], block)
		case flags&flagIndependent != 0 || at == 0:
			n, err = lz4.UncompressBlock(block, dst[at:])
		default:
			n, err = lz4.UncompressBlockWithDict(block, dst[at:], dst[max(0, at-window):at])
		}
		if err != nil {
			return err
		}
		at += n
	}
	if at != len(dst) {
		return fmt.Errorf("%d bytes come of %d", at, len(src))
	}
	if flags&flagContentChecksum != 0 {
		if len(rest) < 4 {
			return errCut
		}
		if have := checksum(dst); have != le.Uint32(rest) {
			return fmt.Errorf("the content has the checksum %#x, want %#x", have, le.Uint32(rest))
		}
		rest = rest[4:]
	}
	if len(rest) != 0 {
		return fmt.Errorf("%d bytes follow the frame", len(rest))
	}
	return nil
}

func tooLong(n int) error { return fmt.Errorf("more than %d bytes come", n) }

// header reads what stands before the blocks of a frame whose content has n bytes.
func header(src []byte, n int) (flags byte, rest []byte, err error) {
	if len(src) < headerSize {
		return 0, nil, errCut
	}
	if m := le.Uint32(src); m != magic {
		return 0, nil, fmt.Errorf("it begins with %#x, a frame with %#x", m, uint32(magic))
	}
	flags = src[4]
	end := 6
	switch {
	case flags&flagVersionMask != flagVersion || flags&flagReserved != 0 || src[5]&0x8F != 0:
		return 0, nil, fmt.Errorf("flags %#x and %#x, which this version of the format does not have", flags, src[5])
	case flags&flagDictionary != 0:
		return 0, nil, errors.New("the frame wants a dictionary of its own")
	case flags&flagContentLength != 0:
		end += 8
	}
	if len(src) <= end {
		return 0, nil, errCut
	}
	if flags&flagContentLength != 0 && le.Uint64(src[6:]) != uint64(n) {
		return 0, nil, fmt.Errorf("the frame has %d bytes, want %d", le.Uint64(src[6:]), n)
	}
	if have := byte(checksum(src[4:end]) >> 8); have != src[end] {
		return 0, nil, fmt.Errorf("its head has the checksum %#x, want %#x", have, src[end])
	}
	return flags, src[end+1:], nil
}
