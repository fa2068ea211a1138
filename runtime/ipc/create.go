package ipc

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lightstream-go/lightstream/internal/newfile"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
)

// CreateFile returns a writer of the named file. What is written goes to a file of another name beside it; Close, when all of it is on
// disk, gives it the name in one step, so that nobody ever sees a part of it, and an older file of the name stays until then. Abort
// removes it, and so does Close after an error. Nil options mean all defaults.
func CreateFile(name string, schema *Schema, opts *WriterOptions) (*FileWriter, error) {
	p, err := newFile(name)
	if err != nil {
		return nil, err
	}
	w := NewFileWriter(p.File, schema, opts)
	if w.err != nil {
		p.Abort()
		return nil, w.err
	}
	w.name, w.place = name, p
	return w, nil
}

// CreateStream is [CreateFile] of a stream that is kept in a file: without a footer, for readers that read from the start.
func CreateStream(name string, schema *Schema, opts *WriterOptions) (*Writer, error) {
	p, err := newFile(name)
	if err != nil {
		return nil, err
	}
	w := NewWriter(p.File, schema, opts)
	if w.err != nil {
		p.Abort()
		return nil, w.err
	}
	w.name, w.place = name, p
	return w, nil
}

// AppendFile returns a writer that adds batches to those of the named file, which must be little-endian. As with [CreateFile] nobody
// sees a part of it: the file is copied, by the system alone where that can do it, and takes the place of the old one with Close.
// The batches must have the file's schema, see [Writer.Schema]. To dictionaries of byte strings and numbers that the file has their
// values are added, and their indices are changed accordingly; others than the file's of other values are refused with [ErrReplaced].
// Nil options mean all defaults.
func AppendFile(name string, opts *WriterOptions) (w *FileWriter, err error) {
	old, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil {
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	r, err := NewFileReader(old, info.Size(), &ReaderOptions{Validate: Structure})
	if err != nil {
		return nil, err
	}
	end, err := r.appendable()
	if err != nil {
		return nil, fmt.Errorf("lightstream: %s: %w", name, err)
	}
	p, err := newFile(name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.Abort()
		}
	}()
	if w, err = r.continued(p.File, end, opts); err != nil {
		return nil, err
	}
	// Between two files this is copy_file_range on Linux.
	if _, err := io.CopyN(p.File, io.NewSectionReader(old, 0, end), end); err != nil {
		return nil, fmt.Errorf("lightstream: %s: %w", name, err)
	}
	w.name, w.place = name, p
	return w, nil
}

// appendable returns where the last message of a file ends, 0 where there is none, or why nothing can follow it.
func (r *FileReader) appendable() (end int64, err error) {
	if r.first.dec.swap {
		return 0, frame.Errorf(ErrUnsupported, "its data is big-endian; copy it into a file of its own, and append to that")
	}
	for id := range r.first.dec.dicts {
		if id < 0 || id >= int64(r.first.dec.limits.MaxColumns) {
			return 0, frame.Errorf(ErrUnsupported, "it has a dictionary with the id %d; copy it into a file of its own, and append to that", id)
		}
	}
	for _, list := range [][]block{r.batches, r.dictionaries} {
		for _, b := range list {
			end = max(end, b.offset+int64(b.head)+b.body)
		}
	}
	if end%8 != 0 {
		return 0, frame.Errorf(ErrUnsupported, "its messages end at byte %d, want a multiple of 8; copy it into a file of its own, and append to that", end)
	}
	return end, nil
}

// continued returns a writer that goes on where the messages of a file end.
func (r *FileReader) continued(dst io.Writer, end int64, opts *WriterOptions) (*FileWriter, error) {
	w := &FileWriter{}
	if end == 0 { // nothing but a schema
		w.init(dst, r.Schema(), opts, true)
		w.index.metadata = r.metadata
		return w, w.err
	}
	w.init(dst, r.Schema(), opts, true)
	if w.err != nil {
		return nil, w.err
	}
	how := w.enc.encoding
	how.keepIDs = true
	enc, err := newEncoder(r.Schema(), how)
	if err != nil {
		return nil, err
	}
	enc.lead = int(end % int64(len(zeros)))
	for id, x := range r.first.dec.dicts {
		if x.came {
			enc.sent[id].dictionary, enc.sent[id].values = x.values, x.values.Values()
		}
	}
	w.enc, w.base, w.started, w.appending = enc, end, true, len(enc.sent) != 0
	w.index = fileIndex{r.dictionaries, r.batches, r.metadata}
	return w, nil
}

// begins tells whether a dictionary begins with the first n values of another. Values that are a column are not compared.
func begins(v, with column.Values, n int) bool {
	if v.Column() != nil || with.Column() != nil || v.Len() < n {
		return false
	}
	for i := range n {
		if v.IsNull(i) != with.IsNull(i) || v.At(i) != with.At(i) {
			return false
		}
	}
	return true
}

// newFile makes the file that takes the name in the end.
func newFile(name string) (*newfile.File, error) {
	f, err := newfile.Create(name)
	switch {
	case errors.Is(err, newfile.ErrIrregular):
		return nil, fmt.Errorf("lightstream: %s is no regular file; write a stream to it", name)
	case err != nil:
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	return f, nil
}
