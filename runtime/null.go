package rt

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Null is a value that may be absent. It has the fields of [database/sql.Null].
type Null[T any] struct {
	V     T
	Valid bool
}

// Some returns a value that is there.
func Some[T any](v T) Null[T] { return Null[T]{v, true} }

// Get returns the value, and whether there is one.
func (n Null[T]) Get() (T, bool) { return n.V, n.Valid }

// Or returns the value, or v if there is none.
func (n Null[T]) Or(v T) T {
	if n.Valid {
		return n.V
	}
	return v
}

// Ptr returns a pointer to a copy of the value, or nil.
func (n Null[T]) Ptr() *T { return PtrOf(n.V, n.Valid) }

// String returns the value as fmt prints it, or null.
func (n Null[T]) String() string {
	if !n.Valid {
		return "null"
	}
	return fmt.Sprint(n.V)
}

// MarshalJSON returns the value in JSON, or null.
func (n Null[T]) MarshalJSON() ([]byte, error) {
	if !n.Valid {
		return []byte("null"), nil
	}
	return json.Marshal(n.V)
}

// UnmarshalJSON sets n to the value in p, or to nothing if that is null. After an error n is as it was.
func (n *Null[T]) UnmarshalJSON(p []byte) error {
	if bytes.Equal(p, []byte("null")) {
		*n = Null[T]{}
		return nil
	}
	var v T
	if err := json.Unmarshal(p, &v); err != nil {
		return err
	}
	*n = Some(v)
	return nil
}

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
