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
	"math"
	"reflect"
	"sync"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/lightstream-go/lightstream/internal/flatbuf"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

type (
	// Table is a table in a verified buffer.
	Table = flatbuf.Table
	// Struct is the bytes of a struct in one.
	Struct = flatbuf.Struct
	// Vector is a vector in one.
	Vector = flatbuf.Vector
	// Verifier checks one buffer.
	Verifier = flatbuf.Verifier
	// Object is a table under verification.
	Object = flatbuf.Object
	// UOffsetT is where in it something was written.
	UOffsetT = flatbuffers.UOffsetT
)

// NewVerifier returns a verifier of the flatbuffer in p. A value that is made of it takes at most so many bytes and 16 times those
// of p, however many of its fields lead to the same text or table. Zero means the default of [ipc.Limits].MaxExpanded.
func NewVerifier(p []byte, maxExpanded int64) Verifier {
	if maxExpanded <= 0 {
		maxExpanded = (*ipc.Limits)(nil).WithDefaults().MaxExpanded
	}
	limit := maxExpanded + 16*int64(len(p))
	if limit < 0 {
		limit = math.MaxInt64
	}
	return flatbuf.NewVerifier(p, flatbuf.Limits{MaxExpanded: limit})
}

// SizeOf returns how many bytes a T takes, but for what it leads to.
func SizeOf[T any]() int { return int(reflect.TypeFor[T]().Size()) }

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

// maxMessage bounds a message: the builder of google/flatbuffers panics at 2 GiB.
const maxMessage = 512 << 20

// keptBuilder is how large the memory of a builder may be that is kept for the next message.
const keptBuilder = 1 << 20

// Builder writes one message.
type Builder struct {
	*flatbuffers.Builder

	limit   int64      // of a message
	full    bool       // there was no room for something
	offsets []UOffsetT // of the elements of open vectors
}

// take tells whether there is room for n bytes more. Where there is none the message is an error, and nothing that has no bound
// of its own is written any more.
func (b *Builder) take(n int64) bool {
	b.full = b.full || int64(b.Offset())+n > b.limit
	return !b.full
}

// CreateString writes a text.
func (b *Builder) CreateString(s string) UOffsetT {
	if !b.take(int64(len(s))) {
		return 0
	}
	return b.Builder.CreateString(s)
}

// CreateByteVector writes bytes.
func (b *Builder) CreateByteVector(p []byte) UOffsetT {
	if !b.take(int64(len(p))) {
		return 0
	}
	return b.Builder.CreateByteVector(p)
}

// StartObject begins a table with so many slots.
func (b *Builder) StartObject(slots int) {
	b.take(8 * int64(slots+1))
	b.Builder.StartObject(slots)
}

var builders sync.Pool // of *Builder

// Append appends m to dst as build writes it.
func Append[T any](dst []byte, m *T, build func(*Builder, *T) UOffsetT) ([]byte, error) {
	return appendLimit(dst, m, build, maxMessage)
}

func appendLimit[T any](dst []byte, m *T, build func(*Builder, *T) UOffsetT, limit int64) ([]byte, error) {
	b, ok := builders.Get().(*Builder)
	if !ok {
		b = &Builder{Builder: flatbuffers.NewBuilder(256)}
	}
	b.Reset()
	b.limit, b.full = limit, false
	b.Finish(build(b, m))
	var err error
	if b.take(0) {
		dst = append(dst, b.FinishedBytes()...)
	} else {
		err = frame.Errorf(frame.ErrLimit, "lightstream: a message of more than %d bytes; send large values as rows of a table", limit)
	}
	if len(b.Bytes) <= keptBuilder {
		builders.Put(b)
	}
	return dst, err
}

type number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// CreateNumbers writes a vector of numbers of size bytes each.
func CreateNumbers[S ~[]T, T, E number](b *Builder, list S, size int, place func(*Builder, E)) UOffsetT {
	if !b.take(int64(len(list)) * int64(size)) {
		return 0
	}
	b.StartVector(size, len(list), size)
	for i := len(list) - 1; i >= 0; i-- {
		place(b, E(list[i]))
	}
	return b.EndVector(len(list))
}

// CreateBools writes a vector of bools.
func CreateBools[S ~[]T, T ~bool](b *Builder, list S) UOffsetT {
	if !b.take(int64(len(list))) {
		return 0
	}
	b.StartVector(1, len(list), 1)
	for i := len(list) - 1; i >= 0; i-- {
		b.PlaceBool(bool(list[i]))
	}
	return b.EndVector(len(list))
}

// CreateTexts writes a vector of texts.
func CreateTexts[S ~[]T, T ~string](b *Builder, list S) UOffsetT {
	return createOffsets(b, list, func(b *Builder, s *T) UOffsetT { return b.CreateString(string(*s)) })
}

// CreateTables writes a vector of tables, each as build writes it.
func CreateTables[S ~[]T, T any](b *Builder, list S, build func(*Builder, *T) UOffsetT) UOffsetT {
	return createOffsets(b, list, build)
}

func createOffsets[T any](b *Builder, list []T, build func(*Builder, *T) UOffsetT) UOffsetT {
	if !b.take(4 * int64(len(list))) {
		return 0
	}
	first := len(b.offsets)
	for i := range list {
		b.offsets = append(b.offsets, build(b, &list[i]))
		if !b.take(0) {
			b.offsets = b.offsets[:first]
			return 0
		}
	}
	b.StartVector(4, len(list), 4)
	for i := len(b.offsets) - 1; i >= first; i-- {
		b.PrependUOffsetT(b.offsets[i])
	}
	b.offsets = b.offsets[:first]
	return b.EndVector(len(list))
}

// CreateStructs writes a vector of structs of size bytes each, each as build writes it.
func CreateStructs[S ~[]T, T any](b *Builder, list S, size, align int, build func(*Builder, *T) UOffsetT) UOffsetT {
	if !b.take(int64(len(list)) * int64(size)) {
		return 0
	}
	b.StartVector(size, len(list), align)
	for i := len(list) - 1; i >= 0; i-- {
		build(b, &list[i])
	}
	return b.EndVector(len(list))
}

// Grow returns s with as many elements as v has, those that it had first; nil where v is absent.
func Grow[S ~[]T, T any](s S, v Vector) S {
	n := v.Len()
	switch {
	case v.Pos() == 0:
		return nil
	case s == nil:
		return make(S, n)
	case n <= cap(s):
		return s[:n]
	}
	return append(s[:cap(s)], make(S, n-cap(s))...)
}

// Numbers returns the elements of v, in the memory of last.
func Numbers[S ~[]T, T, E number](last S, v Vector, at func(Vector, int) E) S {
	last = Grow(last, v)
	for i := range last {
		last[i] = T(at(v, i))
	}
	return last
}

// Bools returns the elements of v, in the memory of last.
func Bools[S ~[]T, T ~bool](last S, v Vector) S {
	last = Grow(last, v)
	for i := range last {
		last[i] = T(v.Bool(i))
	}
	return last
}

// Texts returns the elements of v, in the memory of last. Those that have not changed are kept.
func Texts[S ~[]T, T ~string](last S, v Vector) S {
	last = Grow(last, v)
	for i := range last {
		last[i] = Text(last[i], v.Text(i))
	}
	return last
}

// Text returns p as a text: last where that is the same, and a copy where not.
func Text[S ~string](last S, p []byte) S {
	if string(p) == string(last) {
		return last
	}
	return S(p)
}

// Ptr returns a pointer to v, in the memory of last; nil where v is not there.
func Ptr[T any](last *T, there bool, v T) *T {
	switch {
	case !there:
		return nil
	case last == nil:
		last = new(T)
	}
	*last = v
	return last
}

// TextPtr returns a pointer to p as a text, in the memory of last; nil where p is nil.
func TextPtr[S ~string](last *S, p []byte) *S {
	switch {
	case p == nil:
		return nil
	case last == nil:
		last = new(S)
	}
	*last = Text(*last, p)
	return last
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
