package record

import (
	"fmt"
	"runtime"
	"strings"
)

// caller names the place outside of the runtime, but for its tests, that released a batch.
func caller() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		inside := strings.HasPrefix(f.Function, "github.com/lightstream-go/lightstream/runtime") && !strings.HasSuffix(f.File, "_test.go")
		if !inside && !strings.HasSuffix(f.File, "_lightstream.go") || !more {
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
	}
}
