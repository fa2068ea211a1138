//go:build purego

package asm

func ascending32(offsets []int32) bool { return ascendingGeneric(offsets) }
