//go:build purego

package flatbuf

// text returns b as a string.
func text(b []byte) string { return string(b) }
