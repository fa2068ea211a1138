package codegen

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// StaleError tells which files are not what would be generated now.
type StaleError struct {
	Files []StaleFile // at least one
}

// StaleFile is a file that is not what would be generated now.
type StaleFile struct {
	Pos    model.Pos // in the definition, the zero Pos if nothing there is the reason
	Path   string    // of the generated file
	Reason string    // such as "field Venue was added"
	Fix    string    // a command
}

func (e *StaleError) Error() string {
	lines := make([]string, len(e.Files))
	for i, f := range e.Files {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// String returns a line such as
//
//	feed/trade.go:9:2: trade_lightstream.go is stale: field Venue was added; run: go generate ./feed
func (f *StaleFile) String() string {
	s := fmt.Sprintf("%s: %s", f.Path, f.Reason)
	if f.Pos != (model.Pos{}) {
		s = fmt.Sprintf("%v: %s is stale: %s", f.Pos, filepath.Base(f.Path), f.Reason)
	}
	return s + "; run: " + f.Fix
}

// Check compares the files with what they should be. The error is a *[StaleError].
func Check(outputs []Output) error {
	var stale StaleError
	var reported *Output // the last one whose definition has changed
	dirs := map[string]bool{}
	for i := range outputs {
		o := &outputs[i]
		old, err := os.ReadFile(o.Path)
		missing := errors.Is(err, fs.ErrNotExist)
		if err != nil && !missing {
			return err
		}
		if o.Text == nil && missing || o.Text != nil && !missing && bytes.Equal(old, o.Text) {
			continue
		}
		dir := filepath.Dir(o.Path)
		f := StaleFile{Path: o.Path, Fix: "go generate " + dotted(dir)}
		switch {
		case o.lock != nil && dirs[dir]:
			continue // it follows from what has been reported
		case o.lock != nil && missing:
			f.Reason = "is not there"
		case o.lock != nil:
			f.Reason = "is stale: it is not what the tables of this directory are"
		case o.Text == nil:
			f.Reason = fmt.Sprintf("is stale: %s has no tables any more", filepath.Base(o.source))
		case o.file != nil:
			f.Pos, f.Reason = difference(o.file, old, missing)
			reported = o
		case reported != nil && reported.source == o.source:
			continue // the rows of a table that has been reported
		default:
			f.Reason = "is stale: it is not what this version of lightstream-gen writes"
		}
		stale.Files = append(stale.Files, f)
		dirs[dir] = true
	}
	if len(stale.Files) == 0 {
		return nil
	}
	return &stale
}

// dotted returns a relative directory as the go command wants it.
func dotted(dir string) string {
	dir = filepath.ToSlash(dir)
	if dir == "." || filepath.IsAbs(dir) || strings.HasPrefix(dir, "../") {
		return dir
	}
	return "./" + dir
}

// difference says what has changed since old was generated, and where.
func difference(f *model.File, old []byte, missing bool) (model.Pos, string) {
	first := firstPos(f)
	if missing {
		return first, "it is not there"
	}
	tables, err := generated(old)
	if err != nil {
		return first, "it is broken"
	}
	known := map[string]bool{}
	for _, t := range f.Tables {
		known[t.Names.Batch] = true
		columns, there := tables[t.Names.Batch]
		if !there {
			return t.Pos, fmt.Sprintf("table %s was added", t.Row)
		}
		if pos, reason := columnDifference(t.Pos, t.Columns, columns); reason != "" {
			return pos, reason
		}
		for _, g := range t.Groups {
			known[g.Names.View] = true
			if columns, there = tables[g.Names.View]; !there {
				continue // a column has it, which is another one
			}
			if pos, reason := columnDifference(g.Pos, g.Columns, columns); reason != "" {
				return pos, reason
			}
		}
	}
	for _, batch := range slices.Sorted(maps.Keys(tables)) {
		if !known[batch] && strings.HasSuffix(batch, "Batch") {
			return first, fmt.Sprintf("table %s was removed", strings.TrimSuffix(batch, "Batch"))
		}
	}
	return first, "a comment, tag, message or protocol has changed, or it is of another version of lightstream-gen"
}

// firstPos returns the place of what f is generated from.
func firstPos(f *model.File) model.Pos {
	switch {
	case len(f.Tables) > 0:
		return f.Tables[0].Pos
	case len(f.Messages) > 0:
		return f.Messages[0].Pos
	}
	return f.Protocols[0].Pos
}

// columnDifference compares the columns of what stands at pos with what they were.
func columnDifference(at model.Pos, columns []*model.Column, old []oldColumn) (model.Pos, string) {
	byName := map[string]oldColumn{}
	for _, c := range old {
		byName[c.name] = c
	}
	for _, c := range columns {
		was, there := byName[c.Name]
		delete(byName, c.Name)
		switch {
		case !there:
			return c.Pos, fmt.Sprintf("field %s was added", c.Field)
		case was.typ != c.Brief():
			return c.Pos, fmt.Sprintf("field %s is %s, was %s", c.Field, c.Brief(), was.typ)
		case was.method != c.Method:
			return c.Pos, fmt.Sprintf("field %s was called %s", c.Field, was.method)
		}
	}
	for _, c := range old {
		if _, removed := byName[c.name]; removed {
			return at, fmt.Sprintf("field %s was removed", c.method)
		}
	}
	for i, c := range columns {
		if old[i].name != c.Name {
			return c.Pos, fmt.Sprintf("field %s was moved", c.Field)
		}
	}
	return model.Pos{}, ""
}

// oldColumn is a column, or a field of a struct or a member of a union, as the comment of its accessor tells.
type oldColumn struct{ method, name, typ string }

var accessor = regexp.MustCompile(`^(\w+) returns (?:column|field|the values of member) \d+, ("(?:[^"\\]|\\.)*"): (.*?)\.(?: Buffers? \d| No buffers| Read-only| Index|$)`)

// generated returns the columns of each table in a generated file, by the name of its batch, and of its structs and unions, by the names
// of their views.
func generated(src []byte) (map[string][]oldColumn, error) {
	f, err := parser.ParseFile(token.NewFileSet(), "", src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	tables := map[string][]oldColumn{}
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv == nil || len(fn.Recv.List) != 1 {
			continue
		}
		batch, ok := fn.Recv.List[0].Type.(*ast.Ident)
		if !ok {
			continue // a builder's
		}
		doc, _, _ := strings.Cut(strings.TrimSpace(fn.Doc.Text()), "\n\n")
		match := accessor.FindStringSubmatch(strings.ReplaceAll(doc, "\n", " "))
		if match == nil || strings.Contains(match[3], ", at byte ") { // which a struct in a message has
			continue
		}
		name, err := strconv.Unquote(match[2])
		if err != nil {
			return nil, err
		}
		tables[batch.Name] = append(tables[batch.Name], oldColumn{match[1], name, match[3]})
	}
	return tables, nil
}
