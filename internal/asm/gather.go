package asm

// Word is a value of eight bytes.
type Word interface{ ~int64 | ~uint64 | ~float64 }

// pastCache is from how many bytes of rows on their columns are written past the caches: from where columns that are read right after, as
// when they are sent, come out faster too. What is less is read again from a cache. docs/kernels.md has the experiment.
const pastCache = 8 << 20
