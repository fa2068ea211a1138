package evolve

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/runtime/ipc"
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
//		side: uint8 not null; values Buy 1, Sell 2
//		legs: list<item: struct<side: uint8 not null> not null>; in item > side; values Buy 1, Sell 2
//
//	message Heartbeat heartbeat
//		sent: int64 not null; slot 0
//		legs: list<item: struct<qty: int32 not null> not null>; in item > qty at 0; default 100; slot 1
//		place: struct<x: float64 not null, y: float64 not null> not null; inline 16 align 8; slot 2
//
//	protocol Feed
//		table trade
//		message heartbeat
//
// A message whose bytes a codec makes is an "opaque" one and has no fields. Each column has a line of its own, so that changes of several branches merge, and read as what they are.
type Lock struct {
	Files []File // by name
}

// File is a generated file with tables, messages and protocols.
type File struct {
	Name      string // without a directory
	Tables    []Table
	Messages  []Message
	Protocols []Protocol
}

func (f *File) empty() bool { return len(f.Tables)+len(f.Messages)+len(f.Protocols) == 0 }

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

// Put replaces what the lock says of a generated file, or removes it if there is nothing in it.
func (l *Lock) Put(f File) {
	i, there := slices.BinarySearchFunc(l.Files, f.Name, func(f File, name string) int { return cmp.Compare(f.Name, name) })
	switch {
	case there && f.empty():
		l.Files = slices.Delete(l.Files, i, i+1)
	case there:
		l.Files[i] = f
	case !f.empty():
		l.Files = slices.Insert(l.Files, i, f)
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
		for i := range f.Messages {
			m := &f.Messages[i]
			kind := "message"
			if m.Opaque {
				kind = "opaque"
			}
			fmt.Fprintf(&b, "\n%s %s %s\n", kind, quoted(m.Type), quoted(m.Name))
			for k := range m.Fields {
				b.WriteByte('\t')
				writeColumn(&b, &m.Fields[k].Column)
				fmt.Fprintf(&b, "; slot %d\n", m.Fields[k].Number)
			}
		}
		for i := range f.Protocols {
			fmt.Fprintf(&b, "\nprotocol %s\n", quoted(f.Protocols[i].Name))
			for _, m := range f.Protocols[i].Members {
				fmt.Fprintf(&b, "\t%v\n", m)
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
	writeNames(b, c.Names, c.Values)
	if c.Inline != (Inline{}) {
		fmt.Fprintf(b, "; inline %d align %d", c.Inline.Size, c.Inline.Align)
	}
	for i := range c.Below {
		for k, name := range c.Below[i].Path {
			separator := " > "
			if k == 0 {
				separator = "; in "
			}
			b.WriteString(separator + quoted(name))
		}
		if c.Below[i].HasSlot {
			fmt.Fprintf(b, " at %d", c.Below[i].Slot)
		}
		if in := c.Below[i].Inline; in != (Inline{}) {
			fmt.Fprintf(b, " inline %d align %d", in.Size, in.Align)
		}
		if c.Below[i].HasDefault {
			b.WriteString("; default " + quoted(c.Below[i].Default))
		}
		writeNames(b, c.Below[i].Names, c.Below[i].Values)
	}
}

func writeNames(b *strings.Builder, names bool, values []Value) {
	if names {
		b.WriteString("; names")
	}
	for i, v := range values {
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
	kind    kind            // of what has the lines after a tab
	columns map[string]bool // of the last table or message
}

// kind is what stands in a file: the word that it begins with.
type kind string

const (
	kindTable    kind = "table"
	kindMessage  kind = "message"
	kindOpaque   kind = "opaque"
	kindProtocol kind = "protocol"
)

func (p *lockParser) line(number int, line string) error {
	switch {
	case number == 1:
		if version, _, _ := strings.Cut(line, ":"); version != lockVersion {
			return fmt.Errorf("found %.60q, want %q; restore the file from version control, or delete it and generate it anew with this version of lightstream-gen", version, lockVersion)
		}
		return nil
	case line == "", line[0] == '#':
		return nil
	case strings.HasPrefix(line, "<<<<<<<"), strings.HasPrefix(line, "======="), strings.HasPrefix(line, ">>>>>>>"):
		return errors.New("a conflict of a merge; resolve it, or delete the file and generate it anew")
	}
	files := p.lock.Files
	if column, ok := strings.CutPrefix(line, "\t"); ok {
		switch p.kind {
		case "":
			return errors.New("a column before the first table")
		case kindOpaque:
			return errors.New("a field of an opaque message")
		case kindProtocol:
			return p.member(column)
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
		p.lock.Files, p.kind = append(files, File{Name: name}), ""
		return q.end()
	case len(files) > 0:
		for _, k := range []kind{kindTable, kindMessage, kindOpaque, kindProtocol} {
			if q.skip(string(k) + " ") {
				return p.begin(k, &q)
			}
		}
	}
	return q.errorf("a file, a table, a message, a protocol, or a column after a tab")
}

// begin takes the line of a table, message or protocol.
func (p *lockParser) begin(k kind, q *parser) (err error) {
	var typ, name string
	if typ, err = q.name(); err != nil {
		return err
	}
	if k != kindProtocol {
		if err := q.expect(" "); err != nil {
			return err
		}
		if name, err = q.name(); err != nil {
			return err
		}
	}
	f := &p.lock.Files[len(p.lock.Files)-1]
	twice := false
	switch k {
	case kindTable:
		twice = slices.ContainsFunc(f.Tables, func(o Table) bool { return o.Row == typ })
		f.Tables = append(f.Tables, Table{Row: typ, Name: name})
	case kindMessage, kindOpaque:
		twice = slices.ContainsFunc(f.Messages, func(o Message) bool { return o.Type == typ })
		f.Messages = append(f.Messages, Message{Type: typ, Name: name, Opaque: k == kindOpaque})
	case kindProtocol:
		twice = slices.ContainsFunc(f.Protocols, func(o Protocol) bool { return o.Name == typ })
		f.Protocols = append(f.Protocols, Protocol{Name: typ})
	}
	if twice {
		return fmt.Errorf("%s %s is there twice", k, quoted(typ))
	}
	p.kind, p.columns = k, map[string]bool{}
	return q.end()
}

// member takes a line of a protocol.
func (p *lockParser) member(text string) (err error) {
	q := parser{text: text}
	m := Member{Message: q.skip("message ")}
	if !m.Message && !q.skip("table ") {
		return q.errorf("a table or a message")
	}
	if m.Name, err = q.name(); err != nil {
		return err
	}
	f := &p.lock.Files[len(p.lock.Files)-1]
	list := &f.Protocols[len(f.Protocols)-1].Members
	if slices.ContainsFunc(*list, func(o Member) bool { return o.Name == m.Name }) {
		return fmt.Errorf("%v is there twice", m)
	}
	*list = append(*list, m)
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
	if c.Names, c.Values, err = q.names(); err != nil {
		return err
	}
	if q.skip("; inline ") {
		if c.Inline, err = q.inline(&c.Field); err != nil {
			return err
		}
	}
	for q.skip("; in ") {
		d, err := q.below(&c)
		if err != nil {
			return err
		}
		c.Below = append(c.Below, d)
	}
	f := &p.lock.Files[len(p.lock.Files)-1]
	if p.kind == kindMessage {
		m := &f.Messages[len(f.Messages)-1]
		s := Slot{Column: c}
		if s.Number, err = q.slot(); err != nil {
			return err
		}
		if n := len(m.Fields); n > 0 && m.Fields[n-1].Number >= s.Number {
			return fmt.Errorf("slot %d after slot %d, want each once and in order", s.Number, m.Fields[n-1].Number)
		}
		m.Fields = append(m.Fields, s)
		return q.end()
	}
	t := &f.Tables[len(f.Tables)-1]
	t.Columns = append(t.Columns, c)
	return q.end()
}

// slot reads the number of a field's slot.
func (p *parser) slot() (int, error) {
	if err := p.expect("; slot "); err != nil {
		return 0, err
	}
	return p.slotNumber()
}

func (p *parser) slotNumber() (int, error) {
	name, err := p.name()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(name, 10, 15)
	if err != nil {
		return 0, fmt.Errorf("slot %s is no number below 32768", quoted(name))
	}
	return int(n), nil
}

// inline reads how a struct lies in place.
func (p *parser) inline(f *ipc.Field) (in Inline, err error) {
	if f.Type.Kind != ipc.KindStruct {
		return in, fmt.Errorf("%s is no struct, which alone lies in place", quoted(f.Name))
	}
	if in.Size, err = p.number(); err != nil {
		return in, err
	}
	if err := p.expect(" align "); err != nil {
		return in, err
	}
	if in.Align, err = p.number(); err != nil {
		return in, err
	}
	if in.Size < 1 || in.Align < 1 {
		return in, fmt.Errorf("%d bytes in place at multiples of %d, want at least 1 of each", in.Size, in.Align)
	}
	return in, nil
}

// names reads what is known of a column of named numbers.
func (p *parser) names() (names bool, values []Value, err error) {
	names = p.skip("; names")
	if p.skip("; values ") {
		values, err = p.values()
	}
	return names, values, err
}

// below reads what is known of a column below c: its path and the names.
func (p *parser) below(c *Column) (b Below, err error) {
	for {
		name, err := p.name()
		if err != nil {
			return b, err
		}
		b.Path = append(b.Path, name)
		if !p.skip(" > ") {
			break
		}
	}
	if below(&c.Field, b.Path) == nil {
		return b, fmt.Errorf("column %s has no column %s below it", quoted(c.Name), quoted(strings.Join(b.Path, ".")))
	}
	if slices.ContainsFunc(c.Below, func(o Below) bool { return slices.Equal(o.Path, b.Path) }) {
		return b, fmt.Errorf("%s of column %s is there twice", quoted(strings.Join(b.Path, ".")), quoted(c.Name))
	}
	if b.HasSlot = p.skip(" at "); b.HasSlot {
		if b.Slot, err = p.slotNumber(); err != nil {
			return b, err
		}
	}
	if p.skip(" inline ") {
		if b.Inline, err = p.inline(below(&c.Field, b.Path)); err != nil {
			return b, err
		}
	}
	if b.HasSlot {
		if b.HasDefault = p.skip("; default "); b.HasDefault {
			if b.Default, err = p.name(); err != nil {
				return b, err
			}
		}
	}
	b.Names, b.Values, err = p.names()
	return b, err
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

// TableChange is a change of one table, message or protocol.
type TableChange struct {
	File  string // the generated one
	Table string // its row type, the type of the message, or the name of the protocol
	Change
}

// String returns "table column what: verdict: reason".
func (c *TableChange) String() string { return c.Table + ": " + c.Change.String() }

// CompareLocks returns the changes of all tables, messages and protocols, in the order of the new lock, those that are no more last.
// A table is that of the same row type, in whatever file it is; of tables with one row type, which are for different systems, in the
// same file. Likewise for messages and protocols.
func CompareLocks(old, new *Lock) []TableChange {
	was, is := old.items(), new.items()
	var list []TableChange
	for _, key := range new.keys() {
		add := func(c Change) { list = append(list, TableChange{key.file, key.name, c}) }
		from := key
		if was[from] == nil { // it may come from a file that does not have it any more
			for _, file := range old.Files {
				if other := (itemKey{file.Name, key.kind, key.name}); was[other] != nil && is[other] == nil {
					from = other
					break
				}
			}
		}
		o := was[from]
		delete(was, from)
		if o == nil {
			add(Change{What: fmt.Sprintf("the %s was added", key.kind), Verdict: Safe, Reason: "nobody knows it yet"})
			continue
		}
		for _, c := range compareItems(o, is[key]) {
			add(c)
		}
	}
	for _, key := range old.keys() {
		if was[key] == nil {
			continue
		}
		reason := "nobody reads old streams, and old readers get no new ones"
		if key.kind == kindProtocol {
			reason = "nobody speaks with old ends"
		}
		list = append(list, TableChange{key.file, key.name, Change{What: fmt.Sprintf("the %s was removed", key.kind), Verdict: Breaking, Reason: reason}})
	}
	return list
}

func compareItems(old, new any) []Change {
	switch n := new.(type) {
	case *Message:
		return CompareMessages(old.(*Message), n)
	case *Protocol:
		return CompareProtocols(old.(*Protocol), n)
	}
	return Compare(old.(*Table).Columns, new.(*Table).Columns)
}

// itemKey tells a table, message or protocol from others.
type itemKey struct {
	file string
	kind kind
	name string
}

// keys returns those of all items, in the order in which they stand in the lock.
func (l *Lock) keys() (list []itemKey) {
	for _, f := range l.Files {
		for i := range f.Tables {
			list = append(list, itemKey{f.Name, kindTable, f.Tables[i].Row})
		}
		for i := range f.Messages {
			list = append(list, itemKey{f.Name, kindMessage, f.Messages[i].Type})
		}
		for i := range f.Protocols {
			list = append(list, itemKey{f.Name, kindProtocol, f.Protocols[i].Name})
		}
	}
	return list
}

// items returns all tables, messages and protocols, as pointers.
func (l *Lock) items() map[itemKey]any {
	items := map[itemKey]any{}
	for i := range l.Files {
		f := &l.Files[i]
		for k := range f.Tables {
			items[itemKey{f.Name, kindTable, f.Tables[k].Row}] = &f.Tables[k]
		}
		for k := range f.Messages {
			items[itemKey{f.Name, kindMessage, f.Messages[k].Type}] = &f.Messages[k]
		}
		for k := range f.Protocols {
			items[itemKey{f.Name, kindProtocol, f.Protocols[k].Name}] = &f.Protocols[k]
		}
	}
	return items
}
