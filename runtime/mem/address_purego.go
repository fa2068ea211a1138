//go:build purego

package mem

import "reflect"

// address returns where b starts. Its capacity must not be 0.
func address(b []byte) uintptr { return reflect.ValueOf(&b[:1][0]).Pointer() }
