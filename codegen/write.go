package codegen

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lightstream-go/lightstream/codegen/emit"
	"github.com/lightstream-go/lightstream/internal/newfile"
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
	files := make([]*newfile.File, len(list))
	defer func() {
		for _, f := range files {
			if f != nil {
				f.Abort() // does nothing if all went well
			}
		}
	}()
	for i, o := range list {
		if o.Text == nil {
			continue
		}
		if files[i], err = o.write(); err != nil {
			return nil, err
		}
	}
	for i, o := range list {
		if o.Text == nil {
			err = os.Remove(o.Path)
		} else {
			err = files[i].Commit()
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

// write writes o beside its place. The name is one that the go command ignores.
func (o *Output) write() (*newfile.File, error) {
	if err := os.MkdirAll(filepath.Dir(o.Path), 0o777); err != nil {
		return nil, err
	}
	f, err := newfile.Create(o.Path)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(o.Text); err != nil {
		f.Abort()
		return nil, err
	}
	return f, nil
}
