//go:build !unix

package sock

// lazy is nothing where lazy reads are not to be had.
type lazy struct{}
