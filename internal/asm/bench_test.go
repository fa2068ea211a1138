package asm

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"strings"
	"testing"
)

var benchRows = []int{1000, 1 << 20}

func rowsName(n int) string {
	if n >= 1<<20 {
		return fmt.Sprintf("rows=%dM", n>>20)
	}
	return fmt.Sprintf("rows=%d", n)
}

func ascending[T int32 | int64](n int) []T {
	s := make([]T, n)
	for i := range s {
		s[i] = T(i * 7)
	}
	return s
}

var sink int

func BenchmarkCountBits(b *testing.B) {
	for _, n := range benchRows {
		eachLevel(b, rowsName(n), func(b *testing.B) {
			bitmap := make([]byte, n/8)
			b.SetBytes(int64(len(bitmap)))
			for b.Loop() {
				sink += CountBits(bitmap, n)
			}
		})
	}
}

func BenchmarkFirstZero(b *testing.B) {
	for _, n := range benchRows {
		b.Run(rowsName(n), func(b *testing.B) {
			bitmap := make([]byte, n/8)
			SetBits(bitmap, 0, n)
			b.SetBytes(int64(len(bitmap)))
			for b.Loop() {
				sink += FirstZero(bitmap, n)
			}
		})
	}
}

func BenchmarkSetBits(b *testing.B) {
	for _, n := range append([]int{1}, benchRows...) {
		b.Run(rowsName(n), func(b *testing.B) {
			bitmap := make([]byte, n/8+2)
			b.SetBytes(int64(len(bitmap)))
			for b.Loop() {
				SetBits(bitmap, 3, n)
			}
		})
	}
}

func BenchmarkCopyBits(b *testing.B) {
	for _, n := range benchRows {
		for _, shift := range []int{0, 3} {
			eachLevel(b, fmt.Sprintf("%s/shift=%d", rowsName(n), shift), func(b *testing.B) {
				dst, src := make([]byte, n/8+2), make([]byte, n/8+2)
				b.SetBytes(int64(n / 8))
				for b.Loop() {
					CopyBits(dst, 1, src, 1+shift, n)
				}
			})
		}
	}
}

func BenchmarkPackBools(b *testing.B) {
	for _, n := range benchRows {
		src, dst := make([]bool, n), make([]byte, n/8)
		eachLevel(b, rowsName(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				PackBools(dst, src)
			}
		})
		b.Run(rowsName(n)+"/generic", func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				packBoolsGeneric(dst, src)
			}
		})
	}
}

func BenchmarkUnpackBools(b *testing.B) {
	for _, n := range benchRows {
		eachLevel(b, rowsName(n), func(b *testing.B) {
			dst, src := make([]bool, n), make([]byte, n/8)
			for i := range src {
				src[i] = byte(i * 37)
			}
			b.SetBytes(int64(n))
			for b.Loop() {
				UnpackBools(dst, src)
			}
		})
	}
}

func BenchmarkCheckOffsets32(b *testing.B) {
	for _, n := range benchRows {
		eachLevel(b, rowsName(n), func(b *testing.B) {
			o := ascending[int32](n + 1)
			b.SetBytes(int64(len(o)) * 4)
			for b.Loop() {
				sink += CheckOffsets32(o, 1<<40)
			}
		})
		b.Run(rowsName(n)+"/scalar", func(b *testing.B) {
			o := ascending[int32](n + 1)
			b.SetBytes(int64(len(o)) * 4)
			for b.Loop() {
				sink += firstBad(o, 1<<40)
			}
		})
	}
}

func BenchmarkCheckOffsets64(b *testing.B) {
	for _, n := range benchRows {
		eachLevel(b, rowsName(n), func(b *testing.B) {
			o := ascending[int64](n + 1)
			b.SetBytes(int64(len(o)) * 8)
			for b.Loop() {
				sink += CheckOffsets64(o, 1<<40)
			}
		})
	}
}

func benchmarkCheckIndices[I Index](b *testing.B, width int) {
	for _, n := range benchRows {
		eachLevel(b, fmt.Sprintf("%T/%s", I(0), rowsName(n)), func(b *testing.B) {
			idx := make([]I, n)
			for i := range idx {
				idx[i] = I(i % 100)
			}
			b.SetBytes(int64(n * width))
			for b.Loop() {
				sink += CheckIndices(idx, 100)
			}
		})
	}
}

func BenchmarkCheckIndices(b *testing.B) {
	benchmarkCheckIndices[int8](b, 1)
	benchmarkCheckIndices[uint8](b, 1)
	benchmarkCheckIndices[int16](b, 2)
	benchmarkCheckIndices[int32](b, 4)
	benchmarkCheckIndices[int64](b, 8)
}

func BenchmarkRebase32(b *testing.B) {
	for _, n := range benchRows {
		b.Run(rowsName(n), func(b *testing.B) {
			src, dst := ascending[int32](n), make([]int32, n)
			b.SetBytes(int64(n * 4))
			for b.Loop() {
				Rebase32(dst, src, 5)
			}
		})
	}
}

func BenchmarkNarrow64(b *testing.B) {
	for _, n := range benchRows {
		eachLevel(b, rowsName(n), func(b *testing.B) {
			src, dst := ascending[int64](n), make([]int32, n)
			b.SetBytes(int64(n * 8))
			for b.Loop() {
				Narrow64(dst, src, 5)
			}
		})
	}
}

func BenchmarkWiden32(b *testing.B) {
	for _, n := range benchRows {
		eachLevel(b, rowsName(n), func(b *testing.B) {
			src, dst := ascending[int32](n), make([]int64, n)
			b.SetBytes(int64(n * 8))
			for b.Loop() {
				Widen32(dst, src, 5)
			}
		})
	}
}

func BenchmarkScale64(b *testing.B) {
	for _, n := range benchRows {
		eachLevel(b, rowsName(n), func(b *testing.B) {
			src, dst := ascending[int64](n), make([]int64, n)
			b.SetBytes(int64(n * 8))
			for b.Loop() {
				sink += int(Scale64(dst, src, 1000))
			}
		})
	}
}

func BenchmarkWidenIndices(b *testing.B) {
	for _, n := range benchRows {
		eachLevel(b, rowsName(n), func(b *testing.B) {
			src, dst := make([]uint8, n), make([]int32, n)
			b.SetBytes(int64(n * 4))
			for b.Loop() {
				WidenIndices(dst, src)
			}
		})
	}
}

func BenchmarkCheckUTF8(b *testing.B) {
	for name, text := range map[string]string{"ascii": "a text of letters alone, ", "mixed": "grün 世界 москва café data 東京 "} {
		for _, n := range benchRows {
			p := []byte(strings.Repeat(text, n/len(text)+1))
			eachLevel(b, name+"/"+rowsName(n), func(b *testing.B) {
				b.SetBytes(int64(len(p)))
				for b.Loop() {
					valid, _ := CheckUTF8(p)
					sink += int(bit(valid))
				}
			})
		}
	}
}

func BenchmarkSwap(b *testing.B) {
	for name, swap := range map[string]func(dst, src []byte){"16": Swap16, "32": Swap32, "64": Swap64} {
		src, dst := make([]byte, 8000), make([]byte, 8000)
		eachLevel(b, name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				swap(dst, src)
			}
		})
	}
}

func BenchmarkZeroNulls(b *testing.B) {
	bitmap := bytes.Repeat([]byte{0xFB, 0xFE, 0xFF, 0xDF, 0xBE}, 25)
	for name, width := range map[string]int{"32": 4, "64": 8} {
		src, dst := make([]byte, 1000*width), make([]byte, 1000*width)
		eachLevel(b, name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				ZeroNulls(dst, src, bitmap, width)
			}
		})
	}
}

func BenchmarkHashString(b *testing.B) {
	seed := maphash.MakeSeed()
	for _, n := range []int{3, 8, 16, 32, 100, 1000} {
		key := strings.Repeat("k", n)
		b.Run(fmt.Sprintf("len=%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				sink += int(HashString(key))
			}
		})
		b.Run(fmt.Sprintf("len=%d/maphash", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				sink += int(maphash.String(seed, key))
			}
		})
	}
}
