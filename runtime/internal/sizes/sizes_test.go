package sizes

import (
	"math"
	"testing"
)

func TestText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", -5: "-5 bytes", 1000: "1000 bytes", 1024: "1 KiB", 1025: "1025 bytes", 10 << 10: "10 KiB", 10<<10 + 1: "10.0 KiB",
		412 << 20: "412 MiB", 256 << 20: "256 MiB", 1 << 30: "1 GiB", 3 << 29: "1.5 GiB", 1 << 60: "1048576 TiB", math.MaxInt64: "8388608.0 TiB",
	} {
		if got := Text(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if have, most := Over(412<<20, 256<<20); have != "412 MiB" || most != "256 MiB" {
		t.Error(have, most)
	}
	if have, most := Over(1<<20+2, 1<<20+1); have != "1048578 bytes" || most != "1048577 bytes" {
		t.Error(have, most)
	}
}
