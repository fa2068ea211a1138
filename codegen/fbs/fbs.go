// Package fbs reads the Flatbuffers schema language: .fbs files become a checked tree with resolved names, slots,
// offsets and default values, each with the place it came from.
//
//	schema, err := fbs.Parse("feed.fbs", nil)
//	for _, table := range schema.Tables {
//		for _, field := range table.Fields {
//			fmt.Println(table.FullName(), field.Slot, field.Name, field.Type)
//		}
//	}
//
// What it accepts is what flatc accepts, but for the few things that make no sense without flatc itself: JSON values in
// schema files, functions in default values, and offsets of 64 bits. Types may be used before they are declared.
package fbs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Options are the settings of [Parse]. Each field's zero value is its default.
type Options struct {
	// Open opens a file by its slash-separated name. Nil means os.Open.
	Open func(name string) (io.ReadCloser, error)
	// IncludeDirs are searched, in order, for included files that do not lie beside the file that includes them.
	IncludeDirs []string
	// Builtin has files that an include finds when nothing else does, such as one of attribute declarations.
	Builtin fs.FS
	// MaxBytes is how many bytes all files together may have. Zero means 16 MiB.
	MaxBytes int64
	// MaxFiles is how many files one schema may consist of. Zero means 1,000.
	MaxFiles int
	// MaxErrors is how many errors are reported before giving up. Zero means 20.
	MaxErrors int
}

// OpenFS is an [Options].Open that opens the files of fsys.
func OpenFS(fsys fs.FS) func(name string) (io.ReadCloser, error) {
	return func(name string) (io.ReadCloser, error) { return fsys.Open(name) }
}

// Parse reads the schema in the file name and all files that it includes.
//
// An error about what a file says is of type [Errors]. One about reading the file itself wraps that of Open.
func Parse(name string, opt *Options) (*Schema, error) { return ParseFiles([]string{name}, opt) }

// ParseFiles reads several files and all that they include as one schema, whose main file is the first.
func ParseFiles(names []string, opt *Options) (*Schema, error) {
	if len(names) == 0 {
		return nil, errors.New("no schema file")
	}
	l := newLoader(opt)
	s := &Schema{}
	for _, name := range names {
		name = cleanName(name)
		f, ok := l.byKey[name]
		if !ok {
			src, err := l.read(l.opt.Open, name)
			if err != nil {
				return nil, err
			}
			f = l.load(name, src)
		}
		s.Named = append(s.Named, f)
	}
	if l.errs.broken {
		return nil, l.errs.sorted()
	}
	s.Main, s.Files = s.Named[0], l.files
	r := resolver{schema: s, errs: &l.errs, builtin: l.opt.Builtin}
	r.resolve()
	if len(l.errs.list) > 0 {
		return nil, l.errs.sorted()
	}
	return s, nil
}

// loader reads files and what they include, each once.
type loader struct {
	opt   Options
	byKey map[string]*File // by the name it was opened with; builtin files begin with builtinPrefix
	files []*File          // in order of completion: included files first
	left  int64            // of Options.MaxBytes
	errs  errorList
}

// builtinPrefix keeps the files of [Options].Builtin apart from others of the same name. No cleaned name begins so.
const builtinPrefix = "builtin:"

func newLoader(opt *Options) *loader {
	l := &loader{byKey: map[string]*File{}}
	if opt != nil {
		l.opt = *opt
	}
	if l.opt.Open == nil {
		l.opt.Open = func(name string) (io.ReadCloser, error) { return os.Open(name) }
	}
	l.opt.MaxBytes = cmp.Or(l.opt.MaxBytes, 16<<20)
	l.left = l.opt.MaxBytes
	l.opt.MaxFiles = cmp.Or(l.opt.MaxFiles, 1000)
	l.errs.max = cmp.Or(l.opt.MaxErrors, 20)
	return l
}

// cleanName is name with slashes, in its shortest form, so that a file has one name however it is included.
func cleanName(name string) string {
	if name == "" {
		return ""
	}
	return path.Clean(strings.ReplaceAll(name, `\`, "/"))
}

func (l *loader) read(open func(string) (io.ReadCloser, error), name string) (src []byte, err error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	src, err = io.ReadAll(io.LimitReader(f, l.left+1))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	if l.left -= int64(len(src)); l.left < 0 {
		return nil, fmt.Errorf("%s: schema files of more than %d bytes (Options.MaxBytes)", name, l.opt.MaxBytes)
	}
	return src, nil
}

// load parses one file, then what it includes. Includes are followed with a stack of its own, so that a long chain of
// files costs no more of the goroutine's stack than a short one.
func (l *loader) load(name string, src []byte) *File {
	main := l.parse(name, name, src)
	type frame struct {
		file *File
		next int
	}
	stack := []frame{{file: main}}
	for len(stack) > 0 && !l.errs.full() {
		top := &stack[len(stack)-1]
		if top.next == len(top.file.Includes) {
			l.files = append(l.files, top.file)
			stack = stack[:len(stack)-1]
			continue
		}
		inc := top.file.Includes[top.next]
		top.next++
		if file, fresh := l.include(top.file, inc); fresh {
			stack = append(stack, frame{file: file})
		}
	}
	return main
}

func (l *loader) parse(key, name string, src []byte) *File {
	f := parseFile(name, src, &l.errs)
	f.builtin = strings.HasPrefix(key, builtinPrefix)
	l.byKey[key] = f
	return f
}

// include finds the file of inc, which from includes, and reports whether it was read just now.
func (l *loader) include(from *File, inc *Include) (file *File, fresh bool) {
	for _, c := range l.candidates(from, inc.Path) {
		if f, ok := l.byKey[c.key]; ok {
			inc.File = f
			return f, false
		}
		src, err := l.read(c.open, c.name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
			continue
		}
		if err != nil {
			l.errs.broken = true
			l.errs.add(inc.Pos, fmt.Sprintf("cannot read the included file: %v", err), "a schema file that can be read")
			return nil, false
		}
		if len(l.byKey) >= l.opt.MaxFiles {
			l.errs.broken = true
			l.errs.add(inc.Pos, fmt.Sprintf("more than %d files (Options.MaxFiles)", l.opt.MaxFiles), "fewer includes, or a higher limit")
			return nil, false
		}
		inc.File = l.parse(c.key, c.name, src)
		return inc.File, true
	}
	want := "a file beside this one or in an include directory"
	if len(l.opt.IncludeDirs) > 0 {
		want += " (" + strings.Join(l.opt.IncludeDirs, ", ") + ")"
	}
	l.errs.broken = true
	l.errs.add(inc.Pos, fmt.Sprintf("no file %q", inc.Path), want)
	return nil, false
}

// candidate is a place where an included file may be.
type candidate struct {
	key, name string
	open      func(string) (io.ReadCloser, error)
}

func (l *loader) candidates(from *File, include string) []candidate {
	var list []candidate
	name := cleanName(include)
	if !from.builtin {
		if path.IsAbs(name) {
			list = append(list, candidate{name, name, l.opt.Open})
		} else {
			for _, dir := range slices.Concat([]string{path.Dir(from.Path)}, l.opt.IncludeDirs) {
				joined := path.Join(strings.ReplaceAll(dir, `\`, "/"), name)
				list = append(list, candidate{joined, joined, l.opt.Open})
			}
		}
	}
	if l.opt.Builtin != nil && fs.ValidPath(name) {
		list = append(list, candidate{builtinPrefix + name, name, OpenFS(l.opt.Builtin)})
	}
	return list
}
