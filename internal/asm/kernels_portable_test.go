//go:build !amd64 || purego

package asm

import "testing"

// levels are what the processor can be taken for, which is one, as there are no kernels.
func levels(testing.TB) []string { return []string{"portable"} }

// as does f.
func as(_ string, f func()) { f() }

// inEach runs a test once.
func inEach(t *testing.T, f func(t *testing.T)) { f(t) }

// eachLevel runs a benchmark once, as there are no kernels.
func eachLevel(b *testing.B, name string, f func(b *testing.B)) { b.Run(name, f) }
