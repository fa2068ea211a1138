// Package output puts generated files in place.
package output

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Replace writes files by name into a directory, which it makes if need be. Each is replaced in one step: whoever reads
// it sees the old bytes or the new ones. A file that has its bytes already is left as it is.
func Replace(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := replace(filepath.Join(dir, name), files[name]); err != nil {
			return err
		}
	}
	return nil
}

func replace(name string, data []byte) (err error) {
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

// ErrStale is what the error of [Check] wraps for a file that is missing or has other bytes.
var ErrStale = errors.New("generated file is stale")

// Check returns an error for each file that is not in the directory with exactly these bytes.
func Check(dir string, files map[string][]byte) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		old, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			errs = append(errs, fmt.Errorf("%w: %s is missing", ErrStale, path))
		case err != nil:
			errs = append(errs, err)
		case !bytes.Equal(old, files[name]):
			errs = append(errs, fmt.Errorf("%w: %s", ErrStale, path))
		}
	}
	return errors.Join(errs...)
}
