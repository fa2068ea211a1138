package transporttest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/lightstream-go/lightstream/transports"
)

// The bytes that go over a connection in most cases: byte number i of the stream is pattern[i % len(pattern)]. The
// length is a prime, so a piece that is lost, doubled or moved by any whole number of blocks shows.
var pattern = func() []byte {
	p := make([]byte, 65521)
	rng := rand.NewChaCha8([32]byte{'t', 'r', 'a', 'n', 's', 'p', 'o', 'r', 't'})
	_, _ = rng.Read(p) // never fails
	return p
}()

// patternAt returns n bytes of the stream from byte number off, in memory of their own.
func patternAt(off, n int64) []byte {
	p := make([]byte, n)
	for done := int64(0); done < n; {
		done += int64(copy(p[done:], pattern[(off+done)%int64(len(pattern)):]))
	}
	return p
}

// A checker is a writer that compares what it is given with the pattern.
type checker struct{ n int64 }

func (c *checker) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		want := pattern[c.n%int64(len(pattern)):]
		want = want[:min(len(want), len(p)-done)]
		if got := p[done : done+len(want)]; !bytes.Equal(got, want) {
			for i := range want {
				if got[i] != want[i] {
					return done, fmt.Errorf("byte %d of the stream is %#02x, want %#02x", c.n+int64(i), got[i], want[i])
				}
			}
		}
		c.n += int64(len(want))
		done += len(want)
	}
	return len(p), nil
}

// receive reads c to its end with a buffer of size bytes, and returns how many bytes of the pattern came. The end is
// io.EOF only; other errors are returned.
func receive(c io.Reader, size int) (int64, error) {
	var check checker
	buf := make([]byte, size)
	for {
		n, err := c.Read(buf)
		if _, wrong := check.Write(buf[:n]); wrong != nil {
			return check.n, wrong
		}
		if errors.Is(err, io.EOF) {
			if err != io.EOF { //nolint:errorlint // the contract is a bare io.EOF
				return check.n, fmt.Errorf("the end is %w, want a bare io.EOF", err)
			}
			return check.n, nil
		}
		if err != nil {
			return check.n, err
		}
	}
}

// finish ends the direction from c to its peer as cleanly as the transport can.
func finish(c transports.Conn) error {
	if c.Caps().HalfClose {
		return c.CloseWrite()
	}
	return c.Close()
}
