// Package newfile writes files that get their names when they are complete: whoever opens the name finds all of the old file or all of the
// new one.
package newfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
)

// A File is beside the one that it is going to replace, under a name that begins with a dot.
type File struct {
	*os.File
	target string
}

// Create makes a file for a name, with the permissions of the one that is there, else of any new file. What a link leads to is replaced,
// not the link. The error of a name that is no regular file wraps [ErrIrregular].
func Create(name string) (*File, error) {
	mode := os.FileMode(0o666)
	info, err := os.Stat(name)
	there := err == nil
	if there {
		if !info.Mode().IsRegular() {
			return nil, &fs.PathError{Op: "replace", Path: name, Err: ErrIrregular}
		}
		mode = info.Mode().Perm()
	}
	target := name
	if path, err := filepath.EvalSymlinks(name); err == nil {
		target = path
	}
	for try := 0; ; try++ {
		temp := filepath.Join(filepath.Dir(target), fmt.Sprintf(".%s.%08x.tmp", filepath.Base(target), rand.Uint32()))
		f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if errors.Is(err, fs.ErrExist) && try < 100 {
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			if err := Check(name); err != nil {
				return nil, err
			}
			return nil, &fs.PathError{Op: "create", Path: name, Err: errNoFiles} // such as /proc
		}
		if err != nil {
			return nil, err
		}
		if there { // the permissions of new files do not limit those of one that is there
			if err := f.Chmod(mode); err != nil {
				return nil, errors.Join(err, f.Close(), os.Remove(temp))
			}
		}
		return &File{f, target}, nil
	}
}

// ErrIrregular is the error of what is no regular file, such as a folder or a pipe.
var ErrIrregular = errors.New("not a regular file")

// Check returns the error that Create has for a name whose folder is not there.
func Check(name string) error {
	if _, err := os.Stat(filepath.Dir(name)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", name, absent(filepath.Dir(name)))
	}
	return nil
}

var errNoFiles = errors.New("its folder takes no new files")

// absent is the error of a folder that is not there.
type absent string

func (f absent) Error() string        { return fmt.Sprintf("there is no folder %s; make it first", string(f)) }
func (f absent) Is(target error) bool { return target == fs.ErrNotExist }

// Commit brings the file to disk and gives it its name. Where it cannot, the file is removed.
func (f *File) Commit() error {
	err := errors.Join(f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.target)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncFolder(filepath.Dir(f.target))
}

// Abort removes the file, and leaves what is there. After Commit it does nothing.
func (f *File) Abort() {
	_ = f.Close()
	_ = os.Remove(f.Name())
}

// SyncFolder brings the names in a folder to disk, where folders can be synchronized.
func SyncFolder(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
