//go:build !unix

package wire

import "net"

// Discard does nothing: these systems have no read that does not wait.
func Discard(net.Conn) {}
