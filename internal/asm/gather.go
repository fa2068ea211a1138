package asm

// Word is a value of eight bytes.
type Word interface{ ~int64 | ~uint64 | ~float64 }

// pastCache is from how many bytes of rows on their columns are written past the caches. What is less may be read again from there.
const pastCache = 16 << 20
