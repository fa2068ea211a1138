package record

import (
	"fmt"
	"runtime"
	"strings"
)

// caller names the place outside the runtime that released a batch.
func caller() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		generated := strings.HasSuffix(f.File, "_lightstream.go")
		if !generated && !strings.HasPrefix(f.Function, "github.com/lightstream-go/lightstream/runtime") || !more {
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
	}
}
