// Package evolve judges how the tables of a program change: whether its old and its new version can talk to each other, and
// if not in both directions, which side has to be deployed first. It knows tables by their schemas and by what their readers
// know beside that, as lightstream.schema.lock has them:
//
//	lightstream.schema.lock ── ParseLock ─┐
//	tables of today ── TablesOf ──────────┼─ []Column ── Compare ── []Change: safe, reader first, writer first, breaking
//	*ipc.Schema ── Columns ───────────────┘
//
// What a reader makes of a stream is not decided here: [rt.CheckSchema] is asked, which readers use too. What is added is
// whether every value that the stream may hold is then read, which only a look at the types can tell beforehand.
package evolve

import (
	"fmt"
	"slices"
	"strings"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Column is a column of a table: its field, and what a reader knows beside that.
type Column struct {
	ipc.Field
	Was        string  // an older name, "" for none
	NaiveUTC   bool    // timestamps without a zone are taken as UTC
	Default    string  // of streams that do not have the column, as a tag writes it
	HasDefault bool    // the empty text is a default too
	Names      bool    // rows are named numbers, of which the dictionary has the names
	Values     []Value // of a column of named numbers, nil where only the program knows them
	Inline     Inline  // of a struct in a message
	Below      []Below // what is known of columns below this one
}

// Below is a column below one of a table: in a struct, a list, a map, a union, or in any of those within another. There is one for
// each that has named numbers, and for each field of a table in a message and each struct that lies in place there.
// Runs are passed through: what a run-end encoded column has is said of its values.
type Below struct {
	Path   []string // of names, from that of a child of the column
	Names  bool     // rows are named numbers, of which the dictionary has the names
	Values []Value  // nil where only the program knows them
	Inline Inline   // of a struct in a message

	// Of a field of a table in a message.
	HasSlot    bool
	Slot       int
	Default    string
	HasDefault bool
}

// Inline is how a struct lies in place in a message, in bytes. The offsets of its fields follow, and are those of their types. The
// zero Inline is that of a table, and of all that is no struct.
type Inline struct{ Size, Align int }

// Value is a named number.
type Value struct{ Name, Number string }

// Columns returns the columns of a schema, of which nothing else is known.
func Columns(s *ipc.Schema) []Column {
	list := make([]Column, len(s.Fields))
	for i, f := range s.Fields {
		list[i].Field = f
	}
	return list
}

// Verdict says in which order the two sides may go from an old version to a new one.
type Verdict uint8

const (
	// Safe: each version reads what the other writes.
	Safe Verdict = iota
	// ReaderFirst: new readers read what both versions write, old readers do not. All readers go first.
	ReaderFirst
	// WriterFirst: old readers read what both versions write, new readers do not read old streams. All writers go first.
	WriterFirst
	// Breaking: neither reads all that the other writes.
	Breaking
)

// String returns "safe", "reader first", "writer first" or "breaking".
func (v Verdict) String() string {
	return [...]string{"safe", "reader first", "writer first", "breaking"}[v&3]
}

// And returns the verdict of two changes that come together: one that wants readers to go first and one that wants writers to
// are breaking.
func (v Verdict) And(w Verdict) Verdict { return v | w }

// Change is one difference between two versions of a table.
type Change struct {
	Column  string // the new name, or the old one of a column that is no more; "" for the table as a whole
	What    string // such as "was added: utf8 not null"
	Verdict Verdict
	Reason  string // what readers make of it
}

// String returns "column: what: verdict: reason".
func (c *Change) String() string {
	s := fmt.Sprintf("%s: %v: %s", c.What, c.Verdict, c.Reason)
	if c.Column == "" {
		return s
	}
	return quoted(c.Column) + " " + s
}

// Of returns the verdict of all changes together.
func Of(changes []Change) (v Verdict) {
	for i := range changes {
		v = v.And(changes[i].Verdict)
	}
	return v
}

// Compare returns the changes that make the new columns of a table of the old ones, in the order of the new columns, those
// that are no more last.
//
// A version reads the streams of another if it accepts their schema and all values that they may hold. Values that are out of
// reach in practice do not count: more than 2 GiB of text in one batch, dictionaries of more than 2^31 values, and times
// outside of the years 1677 to 2262 where the unit becomes nanoseconds. They are errors when they come, like all others.
func Compare(old, new []Column) []Change {
	c := comparison{
		new:      new,
		forward:  refusals(new, old),
		backward: refusals(old, new),
	}
	var changes []Change
	add := func(change *Change) {
		if change != nil {
			changes = append(changes, *change)
		}
	}
	seen := map[string]bool{}
	last, moved := -1, false
	for i := range new {
		n := &new[i]
		at := find(old, n)
		if at < 0 {
			add(c.added(n))
			continue
		}
		seen[old[at].Name] = true
		moved = moved || at < last
		last = max(last, at)
		add(c.changed(&old[at], n))
	}
	for i := range old {
		if o := &old[i]; !seen[o.Name] {
			add(c.removed(o))
		}
	}
	if moved {
		changes = append(changes, Change{What: "columns were moved", Verdict: Safe, Reason: "readers find them by name"})
	}
	return changes
}

// find returns the column that a reader finds for c in the stream of a table with the given columns, -1 if there is none.
func find(columns []Column, c *Column) int {
	at := slices.IndexFunc(columns, func(o Column) bool { return o.Name == c.Name })
	if at < 0 && c.Was != "" {
		at = slices.IndexFunc(columns, func(o Column) bool { return o.Name == c.Was })
	}
	return at
}

// comparison has the new columns, and what readers refuse: new ones of old streams, and old ones of new streams.
type comparison struct {
	new               []Column
	forward, backward map[string]string
}

// refusals returns why readers of a table refuse the streams of writers of another, by the reader's columns.
func refusals(readers, writers []Column) map[string]string {
	columns := make([]rt.Column, len(readers))
	for i := range readers {
		columns[i] = readers[i].runtime()
	}
	schema := &ipc.Schema{Fields: make([]ipc.Field, len(writers))}
	for i := range writers {
		schema.Fields[i] = writers[i].Field
	}
	list := map[string]string{}
	if e, ok := rt.CheckSchema("", columns, schema).(*rt.SchemaError); ok {
		for _, d := range e.Differences {
			for i := range readers {
				if name := readers[i].Name; d.Column == name || strings.HasPrefix(d.Column, name+".") && list[name] == "" {
					list[name] = d.Remedy // its own, or that of the first column below it
				}
			}
		}
	}
	return list
}

// runtime returns the column as the runtime has it, as far as it matters for the fitting of schemas.
func (c *Column) runtime() rt.Column {
	col := rt.ColumnOf(&c.Field)
	col.NaiveUTC, col.Was = c.NaiveUTC, c.Was
	if c.HasDefault {
		col.Default = c.Default
	}
	return col
}

const (
	newReaders = "new readers"
	oldReaders = "old readers"
)

// way is one direction: whether all is read, and what there is to say.
type way struct {
	reads bool
	says  string
}

// refused returns the way of readers that refuse, or else that of those that do not.
func refused(refusals map[string]string, column, readers string, otherwise way) way {
	if remedy, ok := refusals[column]; ok {
		streams := "new"
		if readers == newReaders {
			streams = "old"
		}
		return way{false, fmt.Sprintf("%s refuse %s streams: %s", readers, streams, remedy)}
	}
	return otherwise
}

// change returns the change whose two directions are known.
func change(column, what string, forward, backward way) *Change {
	c := &Change{Column: column, What: what}
	if !forward.reads {
		c.Verdict = c.Verdict.And(WriterFirst)
	}
	if !backward.reads {
		c.Verdict = c.Verdict.And(ReaderFirst)
	}
	says := slices.DeleteFunc([]string{forward.says, backward.says}, func(s string) bool { return s == "" })
	c.Reason = strings.Join(says, "; ")
	if c.Reason == "" {
		c.Reason = "each reads what the other writes"
	}
	return c
}

func (c *comparison) added(n *Column) *Change {
	forward := refused(c.forward, n.Name, newReaders, absent(n, newReaders))
	return change(n.Name, "was added: "+describe(n), forward, way{true, "old readers pass over it"})
}

func (c *comparison) removed(o *Column) *Change {
	backward := refused(c.backward, o.Name, oldReaders, c.byOld(o, nil))
	return change(o.Name, "was removed: "+describe(o), way{true, "new readers pass over it"}, backward)
}

// byOld says what old readers make of new streams where their column o has become n, or has been removed.
func (c *comparison) byOld(o, n *Column) way {
	switch at := find(c.new, o); {
	case at >= 0 && &c.new[at] == n:
		return reads(o, n, oldReaders)
	case at >= 0:
		w := reads(o, &c.new[at], oldReaders)
		return way{w.reads, strings.TrimSuffix(fmt.Sprintf("old readers take %s for it; %s", quoted(c.new[at].Name), w.says), "; ")}
	case n == nil:
		return absent(o, oldReaders)
	}
	// They accept the stream, as one that does not have the column, and lose the values.
	return way{false, fmt.Sprintf("old readers look for %s, and %s", quoted(o.Name), absent(o, "they").says)}
}

// absent says what readers make of a column that the stream does not have.
func absent(c *Column, readers string) way {
	if c.HasDefault {
		return way{true, fmt.Sprintf("%s read %s in its place", readers, quoted(c.Default))}
	}
	return way{true, readers + " read nulls in its place"}
}

// describe returns a column's type and whether it may hold nulls.
func describe(c *Column) string {
	s := FormatType(&c.Field)
	if !c.Nullable {
		s += " not null"
	}
	return s
}

// changed returns how a column has changed, nil if it has not.
func (c *comparison) changed(o, n *Column) *Change {
	var what []string
	if o.Name != n.Name {
		what = append(what, fmt.Sprintf("was called %s", quoted(o.Name)))
	}
	if was, is := describe(o), describe(n); was != is {
		what = append(what, fmt.Sprintf("is %s, was %s", is, was))
	}
	names, renumbered := compareNames(o, n)
	what = append(what, names...)
	if o.HasDefault && (!n.HasDefault || o.Default != n.Default) {
		what = append(what, fmt.Sprintf("has no longer the default %s", quoted(o.Default)))
	}
	if o.NaiveUTC && !n.NaiveUTC {
		what = append(what, "takes no longer times without a zone as UTC")
	}
	if len(what) == 0 && len(renumbered) == 0 {
		return nil
	}
	if len(renumbered) != 0 {
		what = append(what, renumbered...)
		meaning := way{false, "the same number means something else"}
		return change(n.Name, strings.Join(what, ", "), meaning, way{})
	}
	forward := refused(c.forward, n.Name, newReaders, reads(n, o, newReaders))
	backward := refused(c.backward, o.Name, oldReaders, c.byOld(o, n))
	return change(n.Name, strings.Join(what, ", "), forward, backward)
}
