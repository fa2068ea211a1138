package zstd

import (
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/lightstream-go/lightstream/compress"
)

func init() {
	compress.Register(compress.Method{
		Name: "zstd", Extension: ".zst", Magic: []byte{0x28, 0xb5, 0x2f, 0xfd},
		NewReader: func(src io.Reader, window int64) (io.ReadCloser, error) {
			r, err := zstd.NewReader(src, zstd.WithDecoderMaxWindow(uint64(max(window, zstd.MinWindowSize))), zstd.WithDecoderConcurrency(1))
			if err != nil {
				return nil, err
			}
			return r.IOReadCloser(), nil
		},
		NewWriter: func(dst io.Writer, level int) (io.WriteCloser, error) {
			options := []zstd.EOption{zstd.WithEncoderConcurrency(1)}
			if level != 0 {
				options = append(options, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)))
			}
			return zstd.NewWriter(dst, options...)
		},
	})
}
