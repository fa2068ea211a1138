package evolve

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// LockName is the name of the file that has the tables of a directory.
const LockName = "lightstream.schema.lock"

// Lock is what a lightstream.schema.lock says:
//
//	lightstream.schema.lock v1: …
//
//	file trades_lightstream.go
//
//	table Trade trade
//		time: timestamp[ns, UTC] not null
//		symbol: dictionary<int32, utf8> not null
//		price: float64 not null; was px; default 0
//
// Each column has a line of its own, so that changes of several branches merge, and read as what they are.
type Lock struct {
	Files []File // by name
}

// File is a generated file with tables.
type File struct {
	Name   string // without a directory
	Tables []Table
}

// Table is a table as it goes over the wire.
type Table struct {
	Row     string // the Go type of its rows
	Name    string // in Arrow
	Columns []Column
}

const (
	lockVersion = LockName + " v1"
	lockHead    = lockVersion + `: the tables of this package on the wire, as lightstream-gen wrote them last.
# Keep this file under version control. A change of it is one of what peers send and read: lightstream-gen -breaking judges it.
`
)

// IsLock tells whether text is that of a lock file, of whatever version.
func IsLock(text []byte) bool { return strings.HasPrefix(string(text), LockName+" v") }

// LockError says what is wrong with a lock file, and where.
type LockError struct {
	Line int // from 1
	Err  error
}

func (e *LockError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LockError) Unwrap() error { return e.Err }

// Put replaces the tables of a generated file, or removes them if there are none.
func (l *Lock) Put(name string, tables []Table) {
	i, there := slices.BinarySearchFunc(l.Files, name, func(f File, name string) int { return cmp.Compare(f.Name, name) })
	switch {
	case there && len(tables) == 0:
		l.Files = slices.Delete(l.Files, i, i+1)
	case there:
		l.Files[i].Tables = tables
	case len(tables) > 0:
		l.Files = slices.Insert(l.Files, i, File{name, tables})
	}
}

// Text returns the lock as it is written, the same for the same tables.
func (l *Lock) Text() []byte {
	var b strings.Builder
	b.WriteString(lockHead)
	for _, f := range l.Files {
		fmt.Fprintf(&b, "\nfile %s\n", quoted(f.Name))
		for i := range f.Tables {
			t := &f.Tables[i]
			fmt.Fprintf(&b, "\ntable %s %s\n", quoted(t.Row), quoted(t.Name))
			for k := range t.Columns {
				b.WriteByte('\t')
				writeColumn(&b, &t.Columns[k])
				b.WriteByte('\n')
			}
		}
	}
	return []byte(b.String())
}

func writeColumn(b *strings.Builder, c *Column) {
	writeField(b, &c.Field)
	if c.Was != "" {
		b.WriteString("; was " + quoted(c.Was))
	}
	if c.HasDefault {
		b.WriteString("; default " + quoted(c.Default))
	}
	if c.NaiveUTC {
		b.WriteString("; naive UTC")
	}
	if c.Names {
		b.WriteString("; names")
	}
	for i, v := range c.Values {
		separator := ", "
		if i == 0 {
			separator = "; values "
		}
		b.WriteString(separator + quoted(v.Name) + " " + quoted(v.Number))
	}
}

// ParseLock reads what [Lock.Text] writes. Lines that begin with # are comments. The error is a *[LockError].
func ParseLock(text []byte) (*Lock, error) {
	var p lockParser
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if err := p.line(number, strings.TrimRight(line, "\r\n")); err != nil {
			return nil, &LockError{number, err}
		}
	}
	if number == 0 {
		return nil, &LockError{1, errors.New("the file is empty; generate it anew")}
	}
	return &p.lock, nil
}

// lockParser reads a lock line by line.
type lockParser struct {
	lock    Lock
	columns map[string]bool // of the last table
}

func (p *lockParser) line(number int, line string) error {
	switch {
	case number == 1:
		if version, _, _ := strings.Cut(line, ":"); version != lockVersion {
			return fmt.Errorf("found %.60q, want %q; generate the file anew with this version of lightstream-gen", version, lockVersion)
		}
		return nil
	case line == "", line[0] == '#':
		return nil
	case strings.HasPrefix(line, "<<<<<<<"), strings.HasPrefix(line, "======="), strings.HasPrefix(line, ">>>>>>>"):
		return errors.New("a conflict of a merge; resolve it, or delete the file and generate it anew")
	}
	files := p.lock.Files
	if column, ok := strings.CutPrefix(line, "\t"); ok {
		if len(files) == 0 || len(files[len(files)-1].Tables) == 0 {
			return errors.New("a column before the first table")
		}
		return p.column(column)
	}
	q := parser{text: line}
	switch {
	case q.skip("file "):
		name, err := q.name()
		if err != nil {
			return err
		}
		if len(files) > 0 && files[len(files)-1].Name >= name {
			return fmt.Errorf("file %s after %s, want each once and in order", quoted(name), quoted(files[len(files)-1].Name))
		}
		p.lock.Files = append(files, File{Name: name})
		return q.end()
	case q.skip("table ") && len(files) > 0:
		return p.table(&q)
	}
	return q.errorf("a file, a table, or a column after a tab")
}

func (p *lockParser) table(q *parser) (err error) {
	var t Table
	if t.Row, err = q.name(); err != nil {
		return err
	}
	if err := q.expect(" "); err != nil {
		return err
	}
	if t.Name, err = q.name(); err != nil {
		return err
	}
	f := &p.lock.Files[len(p.lock.Files)-1]
	if slices.ContainsFunc(f.Tables, func(o Table) bool { return o.Row == t.Row }) {
		return fmt.Errorf("table %s is there twice", quoted(t.Row))
	}
	f.Tables = append(f.Tables, t)
	p.columns = map[string]bool{}
	return q.end()
}

func (p *lockParser) column(text string) (err error) {
	q := parser{text: text}
	var c Column
	if c.Field, err = q.field(0); err != nil {
		return err
	}
	if p.columns[c.Name] {
		return fmt.Errorf("column %s is there twice", quoted(c.Name))
	}
	p.columns[c.Name] = true
	if q.skip("; was ") {
		if c.Was, err = q.name(); err != nil {
			return err
		}
	}
	if c.HasDefault = q.skip("; default "); c.HasDefault {
		if c.Default, err = q.name(); err != nil {
			return err
		}
	}
	c.NaiveUTC = q.skip("; naive UTC")
	c.Names = q.skip("; names")
	if q.skip("; values ") {
		if c.Values, err = q.values(); err != nil {
			return err
		}
	}
	f := &p.lock.Files[len(p.lock.Files)-1]
	t := &f.Tables[len(f.Tables)-1]
	t.Columns = append(t.Columns, c)
	return q.end()
}

func (p *parser) values() (list []Value, err error) {
	for {
		var v Value
		if v.Name, err = p.name(); err != nil {
			return nil, err
		}
		if err := p.expect(" "); err != nil {
			return nil, err
		}
		if v.Number, err = p.name(); err != nil {
			return nil, err
		}
		if _, err := strconv.ParseFloat(v.Number, 64); err != nil {
			return nil, fmt.Errorf("value %s of %s is no number", quoted(v.Number), quoted(v.Name))
		}
		list = append(list, v)
		if !p.skip(", ") {
			return list, nil
		}
	}
}

// end wants nothing more on the line.
func (p *parser) end() error {
	if p.rest() != "" {
		return p.errorf("the end of the line")
	}
	return nil
}

// TableChange is a change of one table.
type TableChange struct {
	File  string // the generated one
	Table string // its row type
	Change
}

// String returns "table column what: verdict: reason".
func (c *TableChange) String() string { return c.Table + ": " + c.Change.String() }

// CompareLocks returns the changes of all tables, in the order of the new lock, tables that are no more last. A table is that of
// the same row type, in whatever file it is; of tables with one row type, which are for different systems, in the same file.
func CompareLocks(old, new *Lock) []TableChange {
	was, is := old.tables(), new.tables()
	var list []TableChange
	for _, f := range new.Files {
		for i := range f.Tables {
			t := &f.Tables[i]
			add := func(c Change) { list = append(list, TableChange{f.Name, t.Row, c}) }
			key := tableKey{f.Name, t.Row}
			if was[key] == nil { // it may come from a file that does not have it any more
				for _, file := range old.Files {
					if other := (tableKey{file.Name, t.Row}); was[other] != nil && is[other] == nil {
						key = other
						break
					}
				}
			}
			o := was[key]
			delete(was, key)
			if o == nil {
				add(Change{What: "the table was added", Verdict: Safe, Reason: "nobody knows it yet"})
				continue
			}
			for _, c := range Compare(o.Columns, t.Columns) {
				add(c)
			}
		}
	}
	for _, f := range old.Files {
		for _, t := range f.Tables {
			if was[tableKey{f.Name, t.Row}] != nil {
				list = append(list, TableChange{f.Name, t.Row, Change{
					What: "the table was removed", Verdict: Breaking, Reason: "nobody reads old streams, and old readers get no new ones",
				}})
			}
		}
	}
	return list
}

type tableKey struct{ file, row string }

func (l *Lock) tables() map[tableKey]*Table {
	tables := map[tableKey]*Table{}
	for i := range l.Files {
		for k := range l.Files[i].Tables {
			t := &l.Files[i].Tables[k]
			tables[tableKey{l.Files[i].Name, t.Row}] = t
		}
	}
	return tables
}
