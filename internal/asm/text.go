package asm

import (
	"encoding/binary"
	"unicode/utf8"
)

// CheckUTF8 reports whether b is valid UTF-8, and whether it is ASCII alone, which it is not where it is not valid.
func CheckUTF8(b []byte) (valid, ascii bool) {
	n, valid, front := textFront(b)
	if !valid {
		return false, false
	}
	// The last character of the front may go on behind it: the rest begins with it.
	for i := n - 1; i >= 0 && i >= n-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			n = i
			break
		}
	}
	valid, ascii = checkUTF8Generic(b[n:])
	return valid, ascii && front
}

// checkUTF8Generic is CheckUTF8 in portable Go.
func checkUTF8Generic(b []byte) (valid, ascii bool) {
	const tops = 0x8080808080808080
	i := 0
	for ; i <= len(b)-8; i += 8 {
		if binary.LittleEndian.Uint64(b[i:])&tops != 0 {
			return utf8.Valid(b[i:]), false
		}
	}
	for ; i < len(b); i++ {
		if b[i] >= utf8.RuneSelf {
			return utf8.Valid(b[i:]), false
		}
	}
	return true, true
}
