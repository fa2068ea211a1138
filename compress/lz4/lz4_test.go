package lz4

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
)

// contents are what is compressed in the tests.
func contents() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 700_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	text := []byte(strings.Repeat("harbour north slate river ridge quay ", 30_000))
	return map[string][]byte{
		"one": {7}, "short": []byte("short"), "zeros": make([]byte, 900_000), "noise": noise, "text": text,
		"block": text[:blockSize], "more": text[:blockSize+1], "both": append(bytes.Clone(text[:300_000]), noise[:300_000]...),
	}
}

// TestFrames inflates what it has compressed, and what package lz4 makes of the same with every setting; and that reads ours.
func TestFrames(t *testing.T) {
	c := &compressor{make(chan *lz4.Compressor, 1)}
	for name, want := range contents() {
		ours, err := c.Compress([]byte("before"), want)
		if err != nil {
			t.Fatal(err)
		}
		ours = ours[len("before"):]
		if theirs, err := io.ReadAll(lz4.NewReader(bytes.NewReader(ours))); err != nil || !bytes.Equal(theirs, want) {
			t.Errorf("%s: package lz4 reads %d bytes, %v", name, len(theirs), err)
		}
		frames := map[string][]byte{"ours": ours}
		for i := range 16 {
			var buf bytes.Buffer
			w := lz4.NewWriter(&buf)
			opts := []lz4.Option{lz4.ChecksumOption(i&1 != 0), lz4.BlockChecksumOption(i&2 != 0), lz4.BlockSizeOption(lz4.Block64Kb)}
			if i&4 != 0 {
				opts = append(opts, lz4.SizeOption(uint64(len(want))))
			}
			if i&8 != 0 {
				opts = append(opts, lz4.CompressionLevelOption(lz4.Level5))
			}
			if err := w.Apply(opts...); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(want); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			frames[fmt.Sprint("settings ", i)] = buf.Bytes()
		}
		for how, frame := range frames {
			got := make([]byte, len(want))
			if err := c.Inflate(got, frame); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, %s: %v", name, how, err)
			}
			if err := c.Inflate(got, append(bytes.Clone(frame), 0)); err == nil {
				t.Errorf("%s, %s: it is taken with a byte behind its end", name, how)
			}
			for _, n := range []int{len(want) - 1, len(want) + 1} {
				if err := c.Inflate(make([]byte, n), frame); err == nil {
					t.Errorf("%s, %s: %d bytes inflate to %d", name, how, len(want), n)
				}
			}
			for cut := range min(len(frame), 40) {
				if err := c.Inflate(got, frame[:cut]); err == nil {
					t.Errorf("%s, %s: it is taken with %d bytes", name, how, cut)
				}
				if err := c.Inflate(got, frame[:max(0, len(frame)-4-cut)]); err == nil {
					t.Errorf("%s, %s: it is taken without its end", name, how)
				}
			}
		}
	}
}

// linked makes a frame whose second block refers to the first.
func linked(t *testing.T, first []byte) []byte {
	t.Helper()
	f := le.AppendUint32(nil, magic)
	f = append(f, flagVersion, 5<<4)
	f = append(f, byte(checksum(f[4:])>>8))
	f = le.AppendUint32(f, uint32(len(first))|storedBit)
	f = append(f, first...)
	// A match of 20 bytes, as far back as the first block is long, and five literals, as a block has at its end.
	block := []byte{0x0F, byte(len(first)), byte(len(first) >> 8), 20 - 4 - 15, 5 << 4, 'a', 'b', 'c', 'd', 'e'}
	f = le.AppendUint32(f, uint32(len(block)))
	f = append(f, block...)
	return append(f, 0, 0, 0, 0)
}

func TestLinkedBlocks(t *testing.T) {
	first := []byte("twenty-four bytes are it")
	want := append(append(bytes.Clone(first), first[:20]...), "abcde"...)
	got := make([]byte, len(want))
	if err := inflate(got, linked(t, first)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

// TestDamage flips bits of frames with checksums: each is an error or gives the same.
func TestDamage(t *testing.T) {
	want := []byte(strings.Repeat("harbour north slate river ridge quay ", 20))
	var buf bytes.Buffer
	w := lz4.NewWriter(&buf)
	if err := w.Apply(lz4.ChecksumOption(true), lz4.BlockChecksumOption(true), lz4.SizeOption(uint64(len(want)))); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(want); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	frame, got := buf.Bytes(), make([]byte, len(want))
	for i := range 8 * len(frame) {
		frame[i/8] ^= 1 << (i % 8)
		if err := inflate(got, frame); err == nil && !bytes.Equal(got, want) {
			t.Errorf("bit %d: other bytes, and no error", i)
		}
		frame[i/8] ^= 1 << (i % 8)
	}
}

func FuzzInflate(f *testing.F) {
	c := &compressor{make(chan *lz4.Compressor, 1)}
	for _, content := range contents() {
		frame, err := c.Compress(nil, content[:min(len(content), 1000)])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame, uint16(min(len(content), 1000)))
	}
	f.Fuzz(func(t *testing.T, frame []byte, n uint16) {
		memory := make([]byte, int(n)+64)
		dst := memory[32 : 32+int(n) : 32+int(n)]
		_ = inflate(dst, frame)
		for i, b := range memory {
			if (i < 32 || i >= 32+int(n)) && b != 0 {
				t.Fatalf("byte %d beside the content of %d is written", i-32, n)
			}
		}
	})
}
