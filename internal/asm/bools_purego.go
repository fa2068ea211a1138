//go:build purego

package asm

func packBools(dst []byte, src []bool) { packBoolsGeneric(dst, src) }
