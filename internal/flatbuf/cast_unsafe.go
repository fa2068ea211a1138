//go:build !purego

package flatbuf

import "unsafe"

// text returns b as a string that aliases it.
func text(b []byte) string {
	// Long enough: the string spans exactly the bytes of b. Aligned: bytes have no alignment. Alive: it points into the same
	// object as b. It changes when the buffer does, which the accessors that return it say.
	return unsafe.String(unsafe.SliceData(b), len(b))
}
