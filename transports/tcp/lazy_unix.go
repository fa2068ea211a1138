//go:build unix

package tcp

// ReadLazily is Read into memory that is asked for when something may have come, before each attempt to read, and given back where
// nothing has: frame.LazyReader says how.
func (c *Conn) ReadLazily(memory func() []byte, back func()) (int, error) {
	return c.sock.ReadLazily(memory, back)
}
