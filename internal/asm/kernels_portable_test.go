//go:build !amd64 || purego

package asm

import "testing"

// eachLevel runs a benchmark once, as there are no kernels.
func eachLevel(b *testing.B, name string, f func(b *testing.B)) { b.Run(name, f) }
