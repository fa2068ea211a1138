package mem

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// ErrInUse is wrapped by the error of [Map.Close] while blocks of the map are out.
var ErrInUse = errors.New("mapped memory is in use")

// A Map is a file whose bytes are handed out as blocks without being read, where the system can map files into memory: on Linux,
// macOS and the BSDs. Elsewhere, and where the file is too large for the address space, each block is read into memory of its own;
// everything else is the same.
//
// Mapped memory is not on the Go heap: nothing but [Map.Close] unmaps it, which it refuses while a block is out. So a slice of a
// block is valid until the block is released and the map closed. A file must not be cut while it is mapped: the system ends a
// program that reads behind its end. What bytes are read with ReadAt, such as metadata, is an ordinary read, with an error.
//
// Its methods can be used by any number of goroutines.
type Map struct {
	file *os.File
	size int64
	data []byte // nil where it is not mapped

	mu     sync.Mutex
	out    int // blocks
	closed bool
	free   func() // what blocks call
}

// OpenMap maps the named file, read-only.
func OpenMap(name string) (*Map, error) {
	f, err := openFile(name)
	if err != nil {
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file; read it as a stream", name)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	m := &Map{file: f, size: info.Size()}
	m.free = m.back
	if m.size > 0 && m.size <= maxAlloc {
		m.data, _ = mapFile(f, int(m.size)) // where that fails the file is read
	}
	return m, nil
}

// Name returns the file's name.
func (m *Map) Name() string { return m.file.Name() }

// Size returns the length that the file had when it was opened, in bytes.
func (m *Map) Size() int64 { return m.size }

// Mapped tells whether blocks are views of the file. Else they are read.
func (m *Map) Mapped() bool { return m.data != nil }

// ReadAt reads from the file, as [os.File.ReadAt] does.
func (m *Map) ReadAt(p []byte, offset int64) (int, error) { return m.file.ReadAt(p, offset) }

// BlockAt returns n bytes of the file from offset on as a read-only block, aligned as they are in the file.
func (m *Map) BlockAt(offset int64, n int) (*Block, error) {
	if offset < 0 || n < 0 || offset > m.size || int64(n) > m.size-offset {
		return nil, fmt.Errorf("lightstream: %s: bytes %d to %d of a file of %d", m.Name(), offset, offset+int64(n), m.size)
	}
	if m.data == nil {
		b := SharedPool().Get(n)
		if _, err := m.file.ReadAt(b.Bytes(), offset); err != nil && n != 0 {
			b.Release()
			return nil, fmt.Errorf("lightstream: %w", err)
		}
		return b, nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, fmt.Errorf("lightstream: %s: %w", m.Name(), os.ErrClosed)
	}
	m.out++
	return Wrap(m.data[offset:offset+int64(n):offset+int64(n)], m.free), nil
}

// back takes a block back.
func (m *Map) back() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out--
}

// Close unmaps and closes the file. While blocks are out it does nothing and returns an error that wraps [ErrInUse]; release them
// and call it again. After it was closed it does nothing.
func (m *Map) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	if m.out != 0 {
		return fmt.Errorf("lightstream: %s: %w: %d blocks are not released", m.Name(), ErrInUse, m.out)
	}
	m.closed = true
	var err error
	if m.data != nil {
		err = unmapFile(m.data)
	}
	return errors.Join(err, m.file.Close())
}
