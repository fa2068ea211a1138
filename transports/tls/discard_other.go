//go:build !unix

package tls

import "net"

// discard does nothing: these systems have no read that does not wait.
func discard(net.Conn) {}
