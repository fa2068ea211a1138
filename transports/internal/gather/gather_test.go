package gather

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
)

// sink keeps what it is given, and how it was cut.
type sink struct {
	all   []byte
	sizes []int
	limit int // bytes accepted before errFull; 0 is no limit
}

var errFull = errors.New("full")

func (s *sink) Write(p []byte) (int, error) {
	if s.limit > 0 && len(s.all)+len(p) > s.limit {
		n := s.limit - len(s.all)
		s.all = append(s.all, p[:n]...)
		return n, errFull
	}
	s.all = append(s.all, p...)
	s.sizes = append(s.sizes, len(p))
	return len(p), nil
}

// parts returns parts of the given sizes, no two neighbours of which hold the same bytes, and all of them in a row.
func parts(sizes ...int) (bufs [][]byte, all []byte) {
	for i, n := range sizes {
		p := bytes.Repeat([]byte{byte(i + 1)}, n)
		bufs = append(bufs, p)
		all = append(all, p...)
	}
	return bufs, all
}

func TestCoalescer(t *testing.T) {
	for _, tt := range []struct {
		name        string
		sizes, want []int
	}{
		{"nothing", nil, nil},
		{"empty parts", []int{0, 0}, nil},
		{"small parts become one", []int{8, 0, 100, 64}, []int{172}},
		{"a large part goes as it is", []int{10, 5000, 10}, []int{10, 5000, 10}},
		{"large parts alone", []int{4096, 70000}, []int{4096, 70000}},
		{"staging is full", slices.Repeat([]int{4095}, 17), []int{16 * 4095, 4095}},
		{"staging is full to the last byte", append(slices.Repeat([]int{4095}, 16), 16, 1), []int{64 << 10, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c Coalescer
			for range 2 { // the second use meets a buffer that is there already
				bufs, all := parts(tt.sizes...)
				var s sink
				n, err := c.WriteTo(&s, bufs)
				if err != nil || n != int64(len(all)) {
					t.Fatalf("WriteTo = %d, %v, want %d", n, err, len(all))
				}
				if !bytes.Equal(s.all, all) {
					t.Fatal("other bytes than the parts in a row")
				}
				if !slices.Equal(s.sizes, tt.want) {
					t.Fatalf("writes of %v bytes, want %v", s.sizes, tt.want)
				}
			}
		})
	}
}

func TestCoalescerStopsAtAnError(t *testing.T) {
	bufs, all := parts(100, 5000, 100, 9000, 3)
	for limit := 1; limit < len(all); limit += 97 {
		var c Coalescer
		s := sink{limit: limit}
		n, err := c.WriteTo(&s, bufs)
		if !errors.Is(err, errFull) || n != int64(limit) {
			t.Fatalf("limit %d: WriteTo = %d, %v", limit, n, err)
		}
		if !bytes.Equal(s.all, all[:limit]) {
			t.Fatalf("limit %d: other bytes than the first ones", limit)
		}
		// What was staged when the writer failed must not come up in the next write.
		var fresh sink
		if _, err := c.WriteTo(&fresh, [][]byte{{1, 2, 3}}); err != nil || len(fresh.all) != 3 {
			t.Fatalf("limit %d: the next write sent %d bytes, %v", limit, len(fresh.all), err)
		}
	}
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) - 1, nil }

func TestCoalescerShortWrite(t *testing.T) {
	var c Coalescer
	if n, err := c.WriteTo(shortWriter{}, [][]byte{make([]byte, 10)}); n != 9 || !errors.Is(err, io.ErrShortWrite) {
		t.Fatalf("WriteTo = %d, %v", n, err)
	}
}

func TestCoalescerAllocs(t *testing.T) {
	var c Coalescer
	bufs, _ := parts(8, 120, 64, 20000, 64, 0, 5)
	got := testing.AllocsPerRun(100, func() {
		if _, err := c.WriteTo(io.Discard, bufs); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations per write, want 0", got)
	}
}
