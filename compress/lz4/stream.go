package lz4

import (
	"io"

	"github.com/pierrec/lz4/v4"

	"github.com/lightstream-go/lightstream/compress"
)

// levels are those of LZ4 from 1 on; the default is the fast one.
var levels = [...]lz4.CompressionLevel{
	lz4.Level1, lz4.Level2, lz4.Level3, lz4.Level4, lz4.Level5, lz4.Level6, lz4.Level7, lz4.Level8, lz4.Level9,
}

func init() {
	compress.Register(compress.Method{
		Name: "lz4", Extension: ".lz4", Magic: []byte{0x04, 0x22, 0x4d, 0x18},
		NewReader: func(src io.Reader, _ int64) (io.ReadCloser, error) { // a block has at most 4 MiB
			return io.NopCloser(lz4.NewReader(src)), nil
		},
		NewWriter: func(dst io.Writer, level int) (io.WriteCloser, error) {
			w := lz4.NewWriter(dst)
			if level > 0 {
				if err := w.Apply(lz4.CompressionLevelOption(levels[min(level, len(levels))-1])); err != nil {
					return nil, err
				}
			}
			return w, nil
		},
	})
}
