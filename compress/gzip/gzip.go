// Package gzip compresses and inflates streams and files with the extension .gz. It is imported for what that does:
//
//	import _ "github.com/lightstream-go/lightstream/compress/gzip"
package gzip

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"io"

	"github.com/lightstream-go/lightstream/compress"
)

func init() {
	compress.Register(compress.Method{
		Name: "gzip", Extension: ".gz", Magic: magic,
		NewReader: func(src io.Reader, _ int64) (io.ReadCloser, error) { return newMembers(src) },
		NewWriter: func(dst io.Writer, level int) (io.WriteCloser, error) {
			return gzip.NewWriterLevel(dst, cmp.Or(level, gzip.DefaultCompression))
		},
	})
}

var magic = []byte{0x1f, 0x8b}

// members inflates one member after the other. Of bytes behind them that begin none it says so, where a member with them as its head would be
// one that is cut off.
type members struct {
	in *bufio.Reader // a [io.ByteReader], of which a member takes no more than is its own
	*gzip.Reader
}

func newMembers(src io.Reader) (*members, error) {
	m := &members{in: bufio.NewReader(src)}
	var err error
	if m.Reader, err = gzip.NewReader(m.in); err != nil {
		return nil, err
	}
	m.Multistream(false)
	return m, nil
}

func (m *members) Read(p []byte) (int, error) {
	for {
		n, err := m.Reader.Read(p)
		if n > 0 && err == io.EOF {
			err = nil // the next call looks for another member
		}
		if err != io.EOF {
			return n, err
		}
		next, err := m.in.Peek(len(magic))
		switch {
		case err != nil && err != io.EOF:
			return 0, err
		case len(next) == 0:
			return 0, io.EOF
		case !bytes.Equal(next, magic[:len(next)]):
			return 0, errBehind
		}
		if err := m.Reset(m.in); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		m.Multistream(false)
	}
}

var errBehind = errors.New("what follows the compressed data is not gzip; cut it off")
