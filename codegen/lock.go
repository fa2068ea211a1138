package codegen

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/evolve"
	"github.com/lightstream-go/lightstream/codegen/load"
	"github.com/lightstream-go/lightstream/codegen/model"
)

// locks adds a lightstream.schema.lock for each directory of outputs: what they say of tables, messages and protocols, and of those that are not
// generated now, what the one that is there says.
func locks(outputs []Output) ([]Output, error) {
	var list []Output
	for from := 0; from < len(outputs); {
		dir := filepath.Dir(outputs[from].Path)
		to := from
		for to < len(outputs) && filepath.Dir(outputs[to].Path) == dir {
			to++
		}
		o, err := lockOf(dir, outputs[from:to])
		if err != nil {
			return nil, err
		}
		list = append(list, outputs[from:to]...)
		if o != nil {
			list = append(list, *o)
		}
		from = to
	}
	return list, nil
}

// lockOf returns the lock of dir, nil if there is none and it needs none.
func lockOf(dir string, outputs []Output) (*Output, error) {
	path := filepath.Join(dir, evolve.LockName)
	old, err := ReadLock(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return nil, err
	}
	lock := &evolve.Lock{}
	if old != nil {
		for _, f := range old.Files {
			if _, err := os.Stat(filepath.Join(dir, f.Name)); err == nil && load.Generated(f.Name) {
				lock.Put(f)
			}
		}
	}
	for i := range outputs {
		switch o := &outputs[i]; {
		case o.file != nil:
			lock.Put(evolve.FileOf(o.file))
		case o.Text == nil:
			lock.Put(evolve.File{Name: filepath.Base(o.Path)})
		}
	}
	o := &Output{Path: path, source: dir, lock: &lockChange{old, lock}}
	switch {
	case len(lock.Files) > 0:
		o.Text = lock.Text()
	case missing:
		return nil, nil
	}
	return o, nil
}

// lockChange is a lock as it was, nil if there was none, and as it is to be.
type lockChange struct{ old, new *evolve.Lock }

// ReadLock reads a lightstream.schema.lock.
func ReadLock(path string) (*evolve.Lock, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	lock, err := evolve.ParseLock(text)
	var at *evolve.LockError
	if errors.As(err, &at) {
		return nil, fmt.Errorf("%s:%d: %w", path, at.Line, at.Err)
	}
	return lock, err
}

// Change is a change of a table, message or protocol from one version of the definitions to another.
type Change struct {
	Pos model.Pos // of the table or column, the zero Pos if it is no more
	Dir string    // of the generated file
	evolve.TableChange
}

// String returns a line such as
//
//	feed/trade.go:9:2: Trade: venue was added: utf8: safe: old readers pass over it
func (c *Change) String() string {
	if c.Pos == (model.Pos{}) {
		return filepath.ToSlash(filepath.Join(c.Dir, c.File)) + ": " + c.TableChange.String()
	}
	return c.Pos.String() + ": " + c.TableChange.String()
}

// Unlocked returns the directories of outputs that have no lightstream.schema.lock yet, with which they could be compared.
func Unlocked(outputs []Output) (dirs []string) {
	for i := range outputs {
		if o := &outputs[i]; o.lock != nil && o.lock.old == nil {
			dirs = append(dirs, filepath.Dir(o.Path))
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// Changes compares the tables of outputs with those of a lightstream.schema.lock: the given one or, where that is nil, in each
// directory the one that is there. Directories without one have no changes.
func Changes(outputs []Output, against *evolve.Lock) []Change {
	places := map[[3]string]model.Pos{}
	var list []Change
	for i := range outputs {
		o := &outputs[i]
		dir := filepath.Dir(o.Path)
		if o.file != nil {
			for _, t := range o.file.Tables {
				places[[3]string{o.Path, t.Row}] = t.Pos
				for _, c := range t.Columns {
					places[[3]string{o.Path, t.Row, c.Name}] = c.Pos
				}
			}
			for _, m := range o.file.Messages {
				places[[3]string{o.Path, m.Type}] = m.Pos
				for _, c := range m.Fields {
					places[[3]string{o.Path, m.Type, c.Name}] = c.Pos
				}
			}
			for _, p := range o.file.Protocols {
				places[[3]string{o.Path, p.Name}] = p.Pos
				for _, m := range p.Members {
					name := ""
					if m.Table != nil {
						name = m.Table.Name
					} else {
						name = m.Message.Name
					}
					places[[3]string{o.Path, p.Name, name}] = m.Pos
				}
			}
		}
		if o.lock == nil {
			continue
		}
		old := against
		if old == nil {
			old = o.lock.old
		}
		if old == nil {
			continue
		}
		for _, c := range evolve.CompareLocks(old, o.lock.new) {
			path := filepath.Join(dir, c.File)
			pos, ok := places[[3]string{path, c.Table, c.Column}]
			if !ok {
				pos = places[[3]string{path, c.Table}]
			}
			list = append(list, Change{pos, dir, c})
		}
	}
	return list
}

// Judge writes how tables differ from those of the lock beside their files, or of the file against where that is not empty. The
// error tells that programs with the old and the new ones cannot talk, whichever is deployed first.
func Judge(w io.Writer, outputs []Output, against string) error {
	var old *evolve.Lock
	if against != "" {
		var err error
		if old, err = ReadLock(against); err != nil {
			return err
		}
	}
	if dirs := Unlocked(outputs); old == nil && len(dirs) > 0 {
		return fmt.Errorf("%s: there is no %s to compare with; generate it and keep it under version control, or name one with -against", strings.Join(dirs, ", "), evolve.LockName)
	}
	verdicts := map[string]evolve.Verdict{}
	for _, c := range Changes(outputs, old) {
		fmt.Fprintln(w, c.String())
		verdicts[c.Table] = verdicts[c.Table].And(c.Verdict)
	}
	var broken []string
	for table, v := range verdicts {
		if v == evolve.Breaking {
			broken = append(broken, table)
		}
	}
	if len(broken) == 0 {
		return nil
	}
	slices.Sort(broken)
	return fmt.Errorf("neither order of deploying works for %s; see the changes above", strings.Join(broken, ", "))
}
