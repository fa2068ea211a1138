package asm

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

func checkText(t *testing.T, b []byte) {
	t.Helper()
	want, wantASCII := utf8.Valid(b), true
	for _, c := range b {
		wantASCII = wantASCII && c < utf8.RuneSelf
	}
	if valid, ascii := CheckUTF8(b); valid != want || ascii != wantASCII {
		t.Fatalf("CheckUTF8(%q) = %v, %v, want %v, %v", b, valid, ascii, want, wantASCII)
	}
	if valid, ascii := checkUTF8Generic(b); valid != want || ascii != wantASCII {
		t.Fatalf("checkUTF8Generic(%q) = %v, %v, want %v, %v", b, valid, ascii, want, wantASCII)
	}
}

// Each sequence of four bytes that something turns over at, at each place from which it reaches into the next block.
func TestCheckUTF8Sequences(t *testing.T) {
	edges := []byte("\x00\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xf7\xf8\xff")
	if testing.Short() {
		edges = []byte("\x7f\x80\xbf\xc1\xc2\xe0\xed\xf4")
	}
	text := bytes.Repeat([]byte("a"), 192)
	at := 0
	for _, a := range edges {
		for _, b := range edges {
			for _, c := range edges {
				for _, d := range edges {
					start := []int{0, 28, 29, 30, 31, 32, 60, 61, 62, 63, 64, 124, 125, 126, 127}[at%15]
					at++
					copy(text[start:], []byte{a, b, c, d})
					checkText(t, text)
					checkText(t, text[:start+4]) // the end of the text
					copy(text[start:], "aaaa")
				}
			}
		}
	}
}

// Texts of characters of each length, of every length in bytes, whole and with each byte changed.
func TestCheckUTF8Lengths(t *testing.T) {
	for _, s := range []string{"a", "é", "世", "🂡", "aé世🂡", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaé"} {
		text := []byte(strings.Repeat(s, maxLen))
		for n := range maxLen + 1 {
			checkText(t, text[:n])
			for start := range 4 {
				checkText(t, text[start:][:n])
			}
			if n > 0 && n%7 == 0 {
				for _, v := range []byte{0, 0x80, 0xC3, 0xED, 0xF4, 0xFF} {
					i := n * 5 % n
					old := text[i]
					text[i] = v
					checkText(t, text[:n])
					text[i] = old
				}
			}
		}
	}
}

func FuzzCheckUTF8(f *testing.F) {
	for _, s := range []string{"", "hello", "世界, 🂡", strings.Repeat("é", 40), "\xed\xa0\x80"} {
		f.Add([]byte(s), uint8(61))
	}
	f.Fuzz(func(t *testing.T, b []byte, before uint8) {
		checkText(t, b)
		checkText(t, append(bytes.Repeat([]byte("a"), int(before)), b...))
	})
}
