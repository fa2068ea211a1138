//go:build !unix

package main

import (
	"errors"
	"time"
)

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }

func makePipe(string) error { return errors.ErrUnsupported }
