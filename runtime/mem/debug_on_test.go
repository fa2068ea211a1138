//go:build lightstream_debug

package mem

import (
	"runtime"
	"testing"
)

func TestInternalFrames(t *testing.T) {
	const m = "github.com/lightstream-go/lightstream/"
	for _, c := range []struct {
		function, file string
		want           bool
	}{
		{m + "runtime.(*Handle).Release", "/src/runtime/handle.go", true},
		{m + "runtime/mem.TestX", "/src/runtime/mem/x_test.go", false},
		{m + "examples/ticker.main", "/src/examples/ticker/main.go", false},
		{m + "cmd/lightstream.main", "/src/cmd/lightstream/main.go", false},
		{"example.com/feed.TradeBatch.Release", "/src/feed/trade_lightstream.go", true},
		{"example.com/feed.main", "/src/feed/main.go", false},
		{"runtime.goexit", "/go/src/runtime/asm_amd64.s", true},
	} {
		if got := internal(runtime.Frame{Function: c.function, File: c.file}); got != c.want {
			t.Errorf("%s in %s: %v", c.function, c.file, got)
		}
	}
}
