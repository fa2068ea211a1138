package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// descriptors are the names of files that the program has open already. A file that one of them stands for is not the program's to replace:
// others write to it as well, such as the script whose output it is.
var descriptors = regexp.MustCompile(`^(?:/dev/(?:fd/([0-9]+)|(stdin)|(stdout)|(stderr))|/proc/(?:self|thread-self)/fd/([0-9]+))$`)

// descriptor returns the number of the open file that a name or the links behind it stand for.
func descriptor(name string) (n int, ok bool) {
	const most = 40 // links, of which the system follows no more
	for range most {
		name = filepath.ToSlash(filepath.Clean(name))
		if m := descriptors.FindStringSubmatch(name); m != nil {
			for i, std := range m[2:5] {
				if std != "" {
					return i, true
				}
			}
			n, err := strconv.Atoi(m[1] + m[5])
			return n, err == nil
		}
		to, err := os.Readlink(name)
		if err != nil {
			return 0, false
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(name), to)
		}
		name = to
	}
	return 0, false
}

// inherited returns the open file of a number, at the place where it is written to. It is not closed.
func inherited(n int, name string, std std) (*os.File, error) {
	switch n {
	case 1:
		return std.out, nil
	case 2:
		return std.err, nil
	}
	if !passedOn(n) { // it is none, or the program's own
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	return os.NewFile(uintptr(n), name), nil
}
