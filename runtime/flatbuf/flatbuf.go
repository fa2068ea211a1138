// Package flatbuf is what the generated code of messages imports: a message of a protocol is a flatbuffer, a table of its fields.
//
//	Append ── buildHeartbeat, generated ── Builder ── payload of a frame
//	payload ── Verifier, called by VerifyHeartbeat ── Table ── fields of the struct
//
// The names are those of google/flatbuffers and of this module's own reader, so that generated code needs one import. Nobody
// else needs the package.
package flatbuf

import (
	"errors"
	"sync"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/lightstream-go/lightstream/internal/flatbuf"
	"github.com/lightstream-go/lightstream/runtime/frame"
)

type (
	// Table is a table in a verified buffer.
	Table = flatbuf.Table
	// Verifier checks one buffer.
	Verifier = flatbuf.Verifier
	// Builder writes one.
	Builder = flatbuffers.Builder
	// UOffsetT is where in it something was written.
	UOffsetT = flatbuffers.UOffsetT
)

// NewVerifier returns a verifier of the flatbuffer in p.
func NewVerifier(p []byte) Verifier { return flatbuf.NewVerifier(p, flatbuf.Limits{}) }

// Root returns the root table of a verified flatbuffer.
func Root(p []byte) Table { return flatbuf.Root(p) }

// Refused returns what v found in a message of that name, as a *frame.DecodeError that wraps [frame.ErrMalformed] or
// [frame.ErrLimit].
func Refused(v *Verifier, name string) error {
	err := v.Error(name)
	var f *flatbuf.Error
	if !errors.As(err, &f) {
		return err
	}
	is := frame.ErrMalformed
	if f.Err == flatbuf.ErrLimit {
		is = frame.ErrLimit
	}
	return frame.At(f.Offset, f.Path, frame.Errorf(is, "found %s, want %s", f.Found, f.Want))
}

// maxMessage bounds the texts and bytes of a message: the builder panics at 2 GiB.
const maxMessage = 512 << 20

// keptBuilder is how large the memory of a builder may be that is kept for the next message.
const keptBuilder = 1 << 20

var builders sync.Pool // of *Builder

// Append appends m to dst as build writes it. Size is how many bytes the texts and bytes of m have.
func Append[T any](dst []byte, m *T, size int, build func(*Builder, *T) UOffsetT) ([]byte, error) {
	if size > maxMessage {
		return dst, frame.Errorf(frame.ErrLimit, "lightstream: a message with texts of %d bytes, at most %d are possible; send large values as rows of a table", size, maxMessage)
	}
	b, ok := builders.Get().(*Builder)
	if !ok {
		b = flatbuffers.NewBuilder(256)
	}
	b.Reset()
	b.Finish(build(b, m))
	dst = append(dst, b.FinishedBytes()...)
	if len(b.Bytes) <= keptBuilder {
		builders.Put(b)
	}
	return dst, nil
}

// Text returns p as a text: last where that is the same, and a copy where not.
func Text[S ~string](last S, p []byte) S {
	if string(p) == string(last) {
		return last
	}
	return S(p)
}

// Bytes returns a copy of p in the memory of last; nil where p is nil.
func Bytes(last, p []byte) []byte {
	if p == nil {
		return nil
	}
	if last == nil {
		last = []byte{}
	}
	return append(last[:0], p...)
}

// Len returns the length of a text that may not be there.
func Len[S ~string](s *S) int {
	if s == nil {
		return 0
	}
	return len(*s)
}
