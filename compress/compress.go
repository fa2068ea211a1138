// Package compress compresses whole streams and files, such as text, by the extension of their names or by their first bytes.
//
//	trades.csv.zst ── [NewReader] ──► the text
//	the text       ── [NewWriter] ──► trades.csv.zst
//
// A method is there when its package is imported: compress/gzip (.gz), compress/zstd (.zst), compress/lz4 (.lz4). So a program links the
// methods that it names. How the bodies of Arrow messages are compressed is another matter, see [ipc.Compression].
//
// [ipc.Compression]: https://pkg.go.dev/github.com/lightstream-go/lightstream/runtime/ipc#Compression
package compress

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/lightstream-go/lightstream/runtime/frame"
)

// Method is a way to compress a stream.
type Method struct {
	Name      string // such as "gzip"
	Extension string // such as ".gz"
	Magic     []byte // the first bytes of each stream
	// NewReader returns what inflates src, with at most so many bytes of window.
	NewReader func(src io.Reader, window int64) (io.ReadCloser, error)
	// NewWriter returns what compresses to dst. Zero is the default level. Its Close does not close dst.
	NewWriter func(dst io.Writer, level int) (io.WriteCloser, error)
}

var (
	mu      sync.RWMutex
	methods []*Method
)

// Known are the extensions of methods that this module has a package of.
var Known = map[string]string{".gz": "compress/gzip", ".zst": "compress/zstd", ".lz4": "compress/lz4"}

// Register adds a method. The packages below this one do it when they are imported.
func Register(m Method) {
	mu.Lock()
	defer mu.Unlock()
	methods = append(methods, &m)
}

// ByName returns the method that the extension of a name says and the name without it, or nil and the name where it says none. The error,
// which wraps [frame.ErrUnsupported], names the package to import for a method that is not there, or the methods that there are.
func ByName(name string) (m *Method, inner string, err error) {
	mu.RLock()
	defer mu.RUnlock()
	at := strings.LastIndexByte(name, '.')
	if at < 0 {
		return nil, name, nil
	}
	extension := strings.ToLower(name[at:])
	for _, m := range methods {
		if m.Extension == extension {
			return m, name[:at], nil
		}
	}
	if pkg, known := Known[extension]; known {
		return nil, name, fmt.Errorf("lightstream: %s: %w", name, frame.Errorf(frame.ErrUnsupported, "this program does not know %s; add import _ %q", extension, "github.com/lightstream-go/lightstream/"+pkg))
	}
	if slices.Contains(foreign, extension) {
		return nil, name, fmt.Errorf("lightstream: %s: %w", name, frame.Errorf(frame.ErrUnsupported, "compression %s is not known; known are %s", extension, strings.Join(slices.Sorted(maps.Keys(Known)), ", ")))
	}
	return nil, name, nil
}

// foreign are extensions of compressed files for which there is no package.
var foreign = []string{".br", ".bz2", ".lzma", ".xz"}

// ByMagic returns the method of a stream that starts with prefix, nil where it is of none.
func ByMagic(prefix []byte) *Method {
	mu.RLock()
	defer mu.RUnlock()
	i := slices.IndexFunc(methods, func(m *Method) bool { return bytes.HasPrefix(prefix, m.Magic) })
	if i < 0 {
		return nil
	}
	return methods[i]
}

// MagicBytes is how many bytes [ByMagic] looks at.
const MagicBytes = 4

// Limits bound what a compressed stream can make a reader do. A zero field means its default.
type Limits struct {
	MaxRatio  int   // how many times its length a stream may inflate to where that is over 64 MiB, 1,000
	MaxWindow int64 // bytes that are kept to refer to, 128 MiB
	MaxBytes  int64 // bytes that come of it; zero is any number
}

// free is what a stream may inflate to from however little.
const free = 64 << 20

// NewReader returns a reader of what m compressed in src, which it does not close. Nil limits mean all defaults. Errors about the bytes
// wrap [frame.ErrMalformed], [frame.ErrTruncated] or [frame.ErrLimit].
func NewReader(src io.Reader, m *Method, l *Limits) (io.ReadCloser, error) {
	r := &reader{in: counted{r: src}, method: m}
	if l != nil {
		r.limits = *l
	}
	if r.limits.MaxRatio <= 0 {
		r.limits.MaxRatio = 1000
	}
	if r.limits.MaxWindow <= 0 {
		r.limits.MaxWindow = 128 << 20
	}
	inflate, err := m.NewReader(&r.in, r.limits.MaxWindow)
	if err != nil {
		return nil, r.fail(err)
	}
	r.inflate = inflate
	return r, nil
}

type counted struct {
	r   io.Reader
	n   int64
	err error // of r, but io.EOF
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

type reader struct {
	in      counted
	inflate io.ReadCloser
	method  *Method
	limits  Limits
	out     int64
	err     error
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.inflate.Read(p)
	r.out += int64(n)
	switch {
	case r.limits.MaxBytes > 0 && r.out > r.limits.MaxBytes:
		r.err = r.failf("more than Limits.MaxBytes (%d) come of it; raise it", r.limits.MaxBytes)
		return 0, r.err
	case r.out > free && r.out/int64(r.limits.MaxRatio) > r.in.n:
		r.err = r.failf("%d bytes come of %d, more than Limits.MaxRatio (%d) times as many; raise it", r.out, r.in.n, r.limits.MaxRatio)
		return 0, r.err
	case err != nil && err != io.EOF:
		err = r.fail(err)
		r.err = err
	}
	return n, err
}

func (r *reader) failf(format string, args ...any) error {
	return fmt.Errorf("lightstream: %s: %w", r.method.Name, frame.Errorf(frame.ErrLimit, format, args...))
}

// fail gives an error of the method its condition: that of the source stays as it is.
func (r *reader) fail(err error) error {
	switch {
	case r.in.err != nil:
		return r.in.err
	case err == io.ErrUnexpectedEOF || err == io.EOF:
		return fmt.Errorf("lightstream: %s: %w", r.method.Name, frame.Errorf(frame.ErrTruncated, "the compressed data is cut off"))
	}
	return fmt.Errorf("lightstream: %s: %w", r.method.Name, frame.Errorf(frame.ErrMalformed, "%v", err))
}

func (r *reader) Close() error {
	if err := r.inflate.Close(); r.err == nil { // else some methods tell it again
		return err
	}
	return nil
}

// NewWriter returns a writer that compresses to dst by m. Its Close writes the end, and does not close dst. Zero is the default level.
func NewWriter(dst io.Writer, m *Method, level int) (io.WriteCloser, error) {
	w, err := m.NewWriter(dst, level)
	if err != nil {
		return nil, fmt.Errorf("lightstream: %s: %w", m.Name, err)
	}
	return w, nil
}
