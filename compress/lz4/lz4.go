// Package lz4 compresses the bodies of Arrow messages with frames of LZ4, and inflates them. It is imported for what that does:
//
//	import _ "github.com/lightstream-go/lightstream/compress/lz4"
//
// After that readers take bodies that are compressed so, and writers may be told to compress them ([ipc.LZ4]). Coders are kept and
// used again, so that in the steady state nothing is allocated.
package lz4

import (
	"runtime"

	"github.com/pierrec/lz4/v4"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func init() {
	ipc.RegisterCompressor(ipc.LZ4, &compressor{make(chan *lz4.Compressor, runtime.GOMAXPROCS(0))})
}

// compressor keeps as many coders as there are cores. To inflate needs none.
type compressor struct{ coders chan *lz4.Compressor }

var _ ipc.Compressor = (*compressor)(nil)

func (c *compressor) Compress(dst, src []byte) ([]byte, error) {
	var coder *lz4.Compressor
	select {
	case coder = <-c.coders:
	default:
		coder = new(lz4.Compressor)
	}
	dst, err := appendFrame(dst, src, coder)
	select {
	case c.coders <- coder:
	default:
	}
	return dst, err
}

func (c *compressor) Inflate(dst, src []byte) error { return inflate(dst, src) }
