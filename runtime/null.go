package rt

// Null is a value that may be absent. It has the fields of [database/sql.Null].
type Null[T any] struct {
	V     T
	Valid bool
}

// Some returns a value that is there.
func Some[T any](v T) Null[T] { return Null[T]{v, true} }

// Get returns the value, and whether there is one.
func (n Null[T]) Get() (T, bool) { return n.V, n.Valid }

// NullOf returns v, or nothing.
func NullOf[T any](v T, ok bool) Null[T] { return Null[T]{v, ok} }

// PtrOf returns a pointer to v, or nil.
func PtrOf[T any](v T, ok bool) *T {
	if !ok {
		return nil
	}
	p := new(T) // &v would be allocated for nil, too
	*p = v
	return p
}

// Slab gives out pointers to values that lie in one piece of memory: one allocation for all rows of a batch. A pointer that
// is kept keeps the whole slab alive.
type Slab[T any] struct {
	n      int
	values []T
}

// NewSlab returns a slab for n values. It allocates when the first is put in.
func NewSlab[T any](n int) Slab[T] { return Slab[T]{n: n} }

// Ptr returns a pointer to a copy of v, or nil.
func (s *Slab[T]) Ptr(v T, ok bool) *T {
	if !ok {
		return nil
	}
	if s.values == nil {
		s.values = make([]T, 0, s.n)
	}
	s.values = append(s.values, v)
	return &s.values[len(s.values)-1]
}
