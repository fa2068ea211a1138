package model

import (
	"cmp"
	"slices"
	"strings"
)

// Error is one thing that is wrong with a definition.
type Error struct {
	Pos    Pos
	Found  string // what is there
	Remedy string // what would be right
}

// Error returns "file:line:col: found; remedy".
func (e *Error) Error() string {
	s := e.Pos.String() + ": " + e.Found
	if e.Remedy != "" {
		s += "; " + e.Remedy
	}
	return s
}

// Errors are all that was found wrong in one go.
type Errors []*Error

// Add adds an error.
func (e *Errors) Add(pos Pos, found, remedy string) {
	*e = append(*e, &Error{pos, found, remedy})
}

// Err returns the errors by file, line and column, each once, or nil if there are none.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	sorted := slices.Clone(e)
	slices.SortStableFunc(sorted, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	return slices.CompactFunc(sorted, func(a, b *Error) bool { return *a == *b })
}

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
