//go:build !linux

package main

import "errors"

func hugeHeap() error { return errors.ErrUnsupported }
