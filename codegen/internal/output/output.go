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

	"github.com/lightstream-go/lightstream/internal/newfile"
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

func replace(name string, data []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, data) {
		return nil
	}
	f, err := newfile.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		f.Abort()
		return err
	}
	return f.Commit()
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
