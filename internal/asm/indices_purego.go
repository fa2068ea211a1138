//go:build purego

package asm

func indicesWithin[I Index](idx []I, last int64) bool { return indicesWithinGeneric(idx, last) }
