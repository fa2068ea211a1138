//go:build lightstream_debug

package mem

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
)

// Debug says whether this is a debug build (tag lightstream_debug): released memory is filled with 0xDB, and a
// [Block] remembers where it was released.
const Debug = true

// site is where a block was last released.
type site struct{ text atomic.Pointer[string] }

const module = "github.com/lightstream-go/lightstream/"

// record notes the place that asked for the release: the innermost caller outside of this module and of generated
// code, or if there is none, the caller of Block.Release.
func (s *site) record() {
	var pcs [32]uintptr
	// Skipped are runtime.Callers, record, Block.last and Block.Release.
	n := runtime.Callers(4, pcs[:])
	frames := runtime.CallersFrames(pcs[:n])
	var text string
	for {
		f, more := frames.Next()
		if f.PC != 0 {
			if text == "" {
				text = fmt.Sprintf("%s:%d", f.File, f.Line)
			}
			if !internal(f) {
				text = fmt.Sprintf("%s:%d", f.File, f.Line)
				break
			}
		}
		if !more {
			break
		}
	}
	s.text.Store(&text)
}

// internal reports whether a frame says nothing to the user of the library about where something happened.
func internal(f runtime.Frame) bool {
	if strings.HasSuffix(f.File, "_test.go") {
		return false
	}
	if strings.HasSuffix(f.File, "_lightstream.go") || strings.HasPrefix(f.Function, "runtime.") {
		return true
	}
	in, ok := strings.CutPrefix(f.Function, module)
	return ok && !strings.HasPrefix(in, "cmd/") && !strings.HasPrefix(in, "examples/")
}

func (s *site) String() string {
	if t := s.text.Load(); t != nil {
		return *t
	}
	return ""
}

func poison(b []byte) {
	if len(b) > 0 {
		b[0] = 0xDB
	}
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}
