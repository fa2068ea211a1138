package compress_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lightstream-go/lightstream/compress"
	_ "github.com/lightstream-go/lightstream/compress/gzip"
	_ "github.com/lightstream-go/lightstream/compress/lz4"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
	"github.com/lightstream-go/lightstream/runtime/frame"
)

var names = []string{"a.csv.gz", "a.csv.ZST", "a.csv.lz4"}

func packed(t *testing.T, m *compress.Method, text []byte, level int) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := compress.NewWriter(&buf, m, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestBehindGzip has several members, and what is none behind one.
func TestBehindGzip(t *testing.T) {
	m, _, err := compress.ByName("x.gz")
	if err != nil {
		t.Fatal(err)
	}
	one := packed(t, m, []byte("one"), 0)
	read := func(b []byte, some func(io.Reader) io.Reader) (string, error) {
		r, err := compress.NewReader(some(bytes.NewReader(b)), m, nil)
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(r)
		if e := r.Close(); e != nil {
			t.Error(e)
		}
		return string(text), err
	}
	for _, some := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
		twice := bytes.Repeat(one, 2)
		if text, err := read(twice, some); text != "oneone" || err != nil {
			t.Error(text, err)
		}
		for n := len(one) + 1; n < len(twice); n++ {
			if text, err := read(twice[:n], some); !strings.HasPrefix("oneone", text) || len(text) < 3 || !errors.Is(err, frame.ErrTruncated) {
				t.Fatalf("%d bytes: %q, %v", n, text, err)
			}
		}
		for _, more := range []string{"x", "garbage", "\x1f?", "\x00\x00"} {
			text, err := read(append(bytes.Clone(one), more...), some)
			if text != "one" || !errors.Is(err, frame.ErrMalformed) || !strings.Contains(err.Error(), "what follows the compressed data is not gzip") {
				t.Errorf("%q: %q, %v", more, text, err)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	var text []byte
	for i := range 50_000 {
		text = fmt.Appendf(text, "%d,line %d\n", i, i*7919%1000)
	}
	for _, name := range names {
		m, inner, err := compress.ByName(name)
		if err != nil || m == nil || inner != "a.csv" {
			t.Fatal(name, inner, err)
		}
		for _, level := range []int{0, 1, 9} {
			b := packed(t, m, text, level)
			if len(b) > len(text)/2 || compress.ByMagic(b[:compress.MagicBytes]) != m {
				t.Errorf("%s: %d of %d bytes", name, len(b), len(text))
			}
			for _, src := range []io.Reader{bytes.NewReader(b), iotest.OneByteReader(bytes.NewReader(b))} {
				r, err := compress.NewReader(src, m, nil)
				if err != nil {
					t.Fatal(err)
				}
				have, err := io.ReadAll(r)
				if err != nil || !bytes.Equal(have, text) {
					t.Fatalf("%s: %d bytes, %v", name, len(have), err)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
			for _, n := range []int{0, 1, 5, len(b) / 2, len(b) - 1} { // an end that is missing is an error
				if _, err := inflate(b[:n], m, nil); err == nil && n != 0 || err != nil && !errors.Is(err, frame.ErrTruncated) && !errors.Is(err, frame.ErrMalformed) {
					t.Errorf("%s: %d of %d bytes: %v", name, n, len(b), err)
				}
			}
			bad := bytes.Clone(b)
			bad[len(bad)/2] ^= 0x55
			if _, err := inflate(bad, m, nil); err == nil {
				t.Errorf("%s: a changed byte is taken", name)
			}
		}
		broken := errors.New("broken")
		r, err := compress.NewReader(iotest.ErrReader(broken), m, nil)
		if err == nil {
			_, err = r.Read(make([]byte, 1))
		}
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"a.csv", "gz", "a.gz/b"} {
		if m, inner, err := compress.ByName(name); m != nil || inner != name || err != nil {
			t.Error(name, inner, err)
		}
	}
	if compress.ByMagic([]byte("PAR1")) != nil {
		t.Error("Parquet is compressed")
	}
}

func inflate(b []byte, m *compress.Method, l *compress.Limits) (int64, error) {
	r, err := compress.NewReader(bytes.NewReader(b), m, l)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return io.Copy(io.Discard, r)
}

// TestLimits stops where more comes of a stream than it may.
func TestLimits(t *testing.T) {
	for _, name := range names {
		m, _, err := compress.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		b := packed(t, m, make([]byte, 100<<20), 0)
		for text, l := range map[string]compress.Limits{"Limits.MaxRatio": {MaxRatio: 10}, "Limits.MaxBytes": {MaxBytes: 1 << 20}} {
			if n, err := inflate(b, m, &l); !errors.Is(err, frame.ErrLimit) || !strings.Contains(err.Error(), text) || n > 70<<20 {
				t.Errorf("%s: %d bytes, %v", name, n, err)
			}
		}
		if n, err := inflate(b, m, &compress.Limits{MaxRatio: 1 << 20}); err != nil || n != 100<<20 {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
}
