// Package output puts generated files in place.
package output

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace writes data to the file name in one step: whoever reads it sees the old bytes or the new ones, and after an
// error the old ones. A file that has these bytes already is left as it is.
func Replace(name string, data []byte) (err error) {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, data) {
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".lightstream-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	return err
}

// Check returns an error if the file name does not have exactly these bytes.
func Check(name string, data []byte) error {
	old, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is missing; run: go generate", name)
	case err != nil:
		return err
	case !bytes.Equal(old, data):
		return fmt.Errorf("%s is stale; run: go generate", name)
	}
	return nil
}
