// Package lz4 compresses the bodies of Arrow messages with frames of LZ4, and inflates them. It is imported for what that does:
//
//	import _ "github.com/lightstream-go/lightstream/compress/lz4"
//
// After that readers take bodies that are compressed so, and writers may be told to compress them ([ipc.LZ4]). Coders are kept and
// used again.
package lz4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/pierrec/lz4/v4"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func init() {
	n := runtime.GOMAXPROCS(0)
	ipc.RegisterCompressor(ipc.LZ4, &compressor{make(chan *writer, n), make(chan *reader, n)})
}

// compressor keeps as many coders as there are cores.
type compressor struct {
	writers chan *writer
	readers chan *reader
}

var _ ipc.Compressor = (*compressor)(nil)

// writer is a coder and what it writes to.
type writer struct {
	dst appender
	lz4 *lz4.Writer
}

type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

// reader is a coder and what it reads from.
type reader struct {
	src bytes.Reader
	lz4 *lz4.Reader
}

func (c *compressor) Compress(dst, src []byte) ([]byte, error) {
	var w *writer
	select {
	case w = <-c.writers:
	default:
		w = &writer{lz4: lz4.NewWriter(io.Discard)}
		// Each message is small or one of several that are compressed at once.
		if err := w.lz4.Apply(lz4.ConcurrencyOption(1), lz4.BlockSizeOption(lz4.Block256Kb), lz4.ChecksumOption(false)); err != nil {
			return nil, err
		}
	}
	w.dst = dst
	w.lz4.Reset(&w.dst)
	_, err := w.lz4.Write(src)
	err = errors.Join(err, w.lz4.Close())
	dst, w.dst = w.dst, nil
	if err != nil {
		return nil, err
	}
	select {
	case c.writers <- w:
	default:
	}
	return dst, nil
}

func (c *compressor) Inflate(dst, src []byte) error {
	var r *reader
	select {
	case r = <-c.readers:
	default:
		r = &reader{lz4: lz4.NewReader(nil)}
		if err := r.lz4.Apply(lz4.ConcurrencyOption(1)); err != nil {
			return err
		}
	}
	r.src.Reset(src)
	r.lz4.Reset(&r.src)
	n, err := io.ReadFull(r.lz4, dst)
	if err == nil {
		err = r.end()
	} else if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = fmt.Errorf("%d bytes come of %d", n, len(src))
	}
	r.src.Reset(nil)
	if err != nil {
		return err // and the coder, whose state is not to be trusted
	}
	select {
	case c.readers <- r:
	default:
	}
	return nil
}

// end wants the frame to end here.
func (r *reader) end() error {
	var more [1]byte
	switch n, err := r.lz4.Read(more[:]); {
	case n != 0:
		return errors.New("more bytes come")
	case err == io.EOF:
		return nil
	case err == nil:
		return errors.New("the frame does not end")
	default:
		return err
	}
}
