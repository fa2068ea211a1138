//go:build !unix

package all_test

// files is how many sockets this process may have.
func files() int { return 1 << 20 }
