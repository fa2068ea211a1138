//go:build !unix

package sock

import "net"

// peek does nothing: these systems have no read that does not wait.
func peek(net.Conn, []byte) []byte { return nil }
