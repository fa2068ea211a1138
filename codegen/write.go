package codegen

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lightstream-go/lightstream/codegen/emit"
)

// Write replaces those files that have changed, each in one step, and returns their paths. It writes nothing if one of them
// is somebody's own.
func Write(outputs []Output) (changed []string, err error) {
	var list []Output
	for _, o := range outputs {
		old, err := os.ReadFile(o.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if o.Text == nil {
				continue
			}
		case err != nil:
			return nil, err
		case o.Text != nil && bytes.Equal(old, o.Text):
			continue
		default:
			if err := o.mayReplace(old); err != nil {
				return nil, err
			}
		}
		list = append(list, o)
	}
	temps := make([]string, len(list))
	defer func() {
		for _, temp := range temps {
			if temp != "" {
				_ = os.Remove(temp) // which is gone if all went well
			}
		}
	}()
	for i, o := range list {
		if o.Text == nil {
			continue
		}
		if temps[i], err = writeTemp(o); err != nil {
			return nil, err
		}
	}
	for i, o := range list {
		if o.Text == nil {
			err = os.Remove(o.Path)
		} else {
			err = os.Rename(temps[i], o.Path)
		}
		if err != nil {
			return changed, err
		}
		changed = append(changed, o.Path)
	}
	return changed, nil
}

// mayReplace returns an error if old, which stands where o belongs, was written by hand or belongs to another source.
func (o *Output) mayReplace(old []byte) error {
	if o.lock != nil {
		return nil // it has been read as what it is
	}
	source, ok := emit.Source(old)
	if !ok {
		return fmt.Errorf("%s: was not written by lightstream-gen; move it out of the way, or rename %s", o.Path, filepath.Base(o.source))
	}
	other := filepath.Join(filepath.Dir(o.Path), filepath.FromSlash(source))
	if filepath.Ext(other) == filepath.Ext(o.source) {
		return nil // the same one, or one that was moved
	}
	if _, err := os.Stat(other); err == nil {
		return fmt.Errorf("%s: is generated from %s already; rename that or %s", o.Path, source, filepath.Base(o.source))
	}
	return nil
}

// writeTemp writes o beside its place. The name is one that the go command ignores.
func writeTemp(o Output) (string, error) {
	if err := os.MkdirAll(filepath.Dir(o.Path), 0o777); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(o.Path), "."+filepath.Base(o.Path)+".*.tmp")
	if err != nil {
		return "", err
	}
	_, err = f.Write(o.Text)
	mode := fs.FileMode(0o644)
	if info, statErr := os.Stat(o.Path); statErr == nil {
		mode = info.Mode().Perm()
	}
	err = errors.Join(err, f.Chmod(mode), f.Close())
	return f.Name(), err
}
