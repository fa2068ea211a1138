// Package gzip compresses and inflates streams and files with the extension .gz. It is imported for what that does:
//
//	import _ "github.com/lightstream-go/lightstream/compress/gzip"
package gzip

import (
	"cmp"
	"compress/gzip"
	"io"

	"github.com/lightstream-go/lightstream/compress"
)

func init() {
	compress.Register(compress.Method{
		Name: "gzip", Extension: ".gz", Magic: []byte{0x1f, 0x8b},
		NewReader: func(src io.Reader, _ int64) (io.ReadCloser, error) { return gzip.NewReader(src) },
		NewWriter: func(dst io.Writer, level int) (io.WriteCloser, error) {
			return gzip.NewWriterLevel(dst, cmp.Or(level, gzip.DefaultCompression))
		},
	})
}
