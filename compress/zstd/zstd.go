// Package zstd compresses the bodies of Arrow messages with ZSTD, and inflates them. It is imported for what that does:
//
//	import _ "github.com/lightstream-go/lightstream/compress/zstd"
//
// After that readers take bodies that are compressed so, and writers may be told to compress them ([ipc.ZSTD]). Coders are kept and
// used again, so that in the steady state nothing is allocated.
package zstd

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func init() { ipc.RegisterCompressor(ipc.ZSTD, &compressor{}) }

// compressor makes its coders when they are first asked for, since they take memory. Each has as many states as there are cores.
type compressor struct {
	encode, decode sync.Once
	encoder        *zstd.Encoder
	decoder        *zstd.Decoder
}

var _ ipc.Compressor = (*compressor)(nil)

func (c *compressor) Compress(dst, src []byte) ([]byte, error) {
	c.encode.Do(func() {
		// The fastest level, as Arrow's other implementations have it, and no checksum: the transport has one.
		c.encoder = must(zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false),
			zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0))))
	})
	return c.encoder.EncodeAll(src, dst), nil
}

func (c *compressor) Inflate(dst, src []byte) error {
	c.decode.Do(func() {
		// What does not fit the memory that is given is an error, whatever the frame says of its size.
		c.decoder = must(zstd.NewReader(nil, zstd.WithDecoderConcurrency(runtime.GOMAXPROCS(0)), zstd.WithDecodeAllCapLimit(true)))
	})
	got, err := c.decoder.DecodeAll(src, dst[:0:len(dst)])
	if err == nil && len(got) != len(dst) {
		err = fmt.Errorf("%d bytes come of %d", len(got), len(src))
	}
	return err
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // of options that are constants
	}
	return v
}
