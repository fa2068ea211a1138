// Package soak has a test that streams for a long time, and watches what the process holds: memory, file descriptors and goroutines.
// make soak runs it for ten minutes.
package soak
