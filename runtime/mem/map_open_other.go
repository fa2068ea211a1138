//go:build !linux

package mem

import "os"

func openFile(name string) (*os.File, error) { return os.Open(name) }
