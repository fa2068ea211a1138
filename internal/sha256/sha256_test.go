package sha256

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

// TestSum compares with the standard library at every length around the ends of blocks.
func TestSum(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 5*blockSize)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	for n := range len(b) + 1 {
		if got, want := Sum(b[:n]), sha256.Sum256(b[:n]); got != want {
			t.Errorf("%d bytes: %x, want %x", n, got, want)
		}
	}
}

// TestVector has the example of one block that NIST published for FIPS 180-4.
func TestVector(t *testing.T) {
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if sum := Sum([]byte("abc")); hex.EncodeToString(sum[:]) != want {
		t.Errorf("%x, want %s", sum, want)
	}
}
