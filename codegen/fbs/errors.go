package fbs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a schema file. Lines and columns count from 1, columns in bytes. The zero Pos is no place.
type Pos struct {
	File      string
	Line, Col int
}

// IsValid reports whether p is a place.
func (p Pos) IsValid() bool { return p.Line > 0 }

// String returns "file:line:col".
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

func (p Pos) compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Col, q.Col))
}

// Error is one thing that is wrong with a schema.
type Error struct {
	Pos   Pos
	Found string // what is there
	Want  string // what would be right
}

// Error returns "file:line:col: found; want".
func (e *Error) Error() string { return fmt.Sprintf("%v: %s; want %s", e.Pos, e.Found, e.Want) }

// Errors are all that was found wrong in one go, by file, line and column. It is never empty.
type Errors []*Error

// Error returns one line for each error.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns each error as an *[Error].
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, err := range e {
		list[i] = err
	}
	return list
}

// errorList collects errors up to a maximum.
type errorList struct {
	list   Errors
	max    int
	broken bool // something could not be read, so that what is missing says nothing
}

func (l *errorList) add(pos Pos, found, want string) {
	if l.full() {
		return
	}
	l.list = append(l.list, &Error{Pos: pos, Found: found, Want: want})
}

func (l *errorList) full() bool { return len(l.list) >= l.max }

// sorted returns the errors in order of place, one for each place.
func (l *errorList) sorted() Errors {
	slices.SortStableFunc(l.list, func(a, b *Error) int { return a.Pos.compare(b.Pos) })
	return slices.CompactFunc(l.list, func(a, b *Error) bool { return a.Pos == b.Pos })
}

// nearest returns the name among names that word is most likely a slip of, or "" if there is none.
func nearest(word string, names []string) string {
	best, bestCost := "", 1+len(word)/4
	if len(word) > 64 {
		return ""
	}
	for _, name := range names {
		if d := len(name) - len(word); d > bestCost || -d > bestCost {
			continue
		}
		cost := editDistance(strings.ToLower(word), strings.ToLower(name))
		if cost < bestCost || cost == bestCost && (best == "" || name < best) {
			best, bestCost = name, cost
		}
	}
	return best
}

// editDistance is how many bytes have to be added, removed or changed to make b of a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
