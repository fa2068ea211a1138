package evolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Message is a message of protocols.
type Message struct {
	Type   string // in Go
	Name   string // in protocols
	Opaque bool   // a codec makes its bytes, of which nothing is known here
	Fields []Slot // of a flatbuffer, in the order of their slots
}

// Slot is a field of a message. It is found by its number.
type Slot struct {
	Column
	Number int
}

// Protocol is a list of tables and messages. The place of each is its tag.
type Protocol struct {
	Name    string
	Members []Member
}

// Member is a table or message of a protocol.
type Member struct {
	Name    string // in announcements
	Message bool
}

func (m Member) String() string {
	if m.Message {
		return "message " + quoted(m.Name)
	}
	return "table " + quoted(m.Name)
}

// CompareMessages returns the changes of a message. Its fields are found by the numbers of their slots; those that are absent are
// read as null, or as their default, and refused where they are required.
func CompareMessages(old, new *Message) []Change {
	if old.Opaque || new.Opaque {
		if old.Opaque == new.Opaque {
			return nil
		}
		what := map[bool]string{true: "is what a codec makes of it, was a flatbuffer", false: "is a flatbuffer, was what a codec made of it"}[new.Opaque]
		return []Change{{What: what, Verdict: Breaking, Reason: "neither reads the other's bytes"}}
	}
	var changes []Change
	for i := range new.Fields {
		n := &new.Fields[i]
		if o := slotOf(old.Fields, n.Number); o == nil {
			forward := way{true, "new readers read " + n.absent() + " in its place"}
			if n.required() {
				forward = way{false, "new readers refuse old messages: make it nullable"}
			}
			changes = append(changes, *change(n.Name, "was added: "+describe(&n.Column), forward, way{true, "old readers pass over it"}))
		} else {
			changes = append(changes, compareFields(o, n, old.Fields, new.Fields)...)
		}
	}
	for i := range old.Fields {
		o := &old.Fields[i]
		if slotOf(new.Fields, o.Number) != nil {
			continue
		}
		backward := way{true, "old readers read " + o.absent() + " in its place"}
		if o.required() {
			backward = way{false, "old readers refuse new messages: it is required"}
		}
		changes = append(changes, *change(o.Name, "was removed: "+describe(&o.Column), way{true, "new readers pass over it"}, backward))
	}
	return changes
}

// compareFields returns how a field has changed, and how those of the table that it leads to.
func compareFields(o, n *Slot, old, new []Slot) []Change {
	was, is := o.parts(), n.parts()
	if was == nil || is == nil || FormatType(&o.alone().Field) != FormatType(&n.alone().Field) {
		if c := compareSlots(o, n, old, new); c != nil {
			return []Change{*c}
		}
		return nil
	}
	var changes []Change
	if c := compareSlots(o.alone(), n.alone(), old, new); c != nil {
		changes = append(changes, *c)
	}
	for _, c := range CompareMessages(&Message{Fields: was}, &Message{Fields: is}) {
		c.Column = n.Name + "." + c.Column
		changes = append(changes, c)
	}
	return changes
}

// tableAt returns where below the field the table is that it leads to, which may not be one.
func (s *Slot) tableAt() []string {
	if s.Type.Kind == ipc.KindList {
		return []string{"item"}
	}
	return nil
}

// parts returns the fields of the table that a field leads to, nil if that is none.
func (s *Slot) parts() (list []Slot) {
	at := s.tableAt()
	table := below(&s.Field, at)
	if table == nil || table.Type.Kind != ipc.KindStruct {
		return nil
	}
	for i := range table.Children {
		path := append(slices.Clip(at), table.Children[i].Name)
		part := Slot{Column: Column{Field: table.Children[i]}, Number: -1}
		for _, b := range s.Below {
			switch {
			case slices.Equal(b.Path, path):
				if b.HasSlot {
					part.Number = b.Slot
				}
				part.Names, part.Values, part.Inline, part.Default, part.HasDefault = b.Names, b.Values, b.Inline, b.Default, b.HasDefault
			case len(b.Path) > len(path) && slices.Equal(b.Path[:len(path)], path):
				b.Path = b.Path[len(path):]
				part.Below = append(part.Below, b)
			}
		}
		if part.Number < 0 {
			return nil
		}
		list = append(list, part)
	}
	slices.SortFunc(list, func(a, b Slot) int { return a.Number - b.Number })
	return list
}

// alone returns the field without what is known of the table that it leads to.
func (s *Slot) alone() *Slot {
	if s.parts() == nil {
		return s
	}
	one := *s
	one.Below = nil
	if at := s.tableAt(); at == nil {
		one.Children = nil
	} else {
		one.Children = slices.Clone(s.Children)
		one.Children[0].Children = nil
	}
	return &one
}

func slotOf(fields []Slot, number int) *Slot {
	i := slices.IndexFunc(fields, func(s Slot) bool { return s.Number == number })
	if i < 0 {
		return nil
	}
	return &fields[i]
}

func named(fields []Slot, name string) bool {
	return slices.ContainsFunc(fields, func(s Slot) bool { return s.Name == name })
}

// required tells whether messages without the field are refused.
func (s *Slot) required() bool { return !s.Nullable && s.variable() }

// variable tells whether the field is none that zero could stand for: text, bytes, a vector, a table or a struct.
func (s *Slot) variable() bool {
	switch s.Type.Kind {
	case ipc.KindUtf8, ipc.KindBinary, ipc.KindList, ipc.KindStruct:
		return true
	}
	return false
}

// absent says what a message without the field has in its place.
func (s *Slot) absent() string {
	switch {
	case s.HasDefault:
		return quoted(s.Default)
	case s.Nullable:
		return "null"
	case s.Type.Kind == ipc.KindBool:
		return "false"
	}
	return "0"
}

// compareSlots returns how a field has changed, nil if it has not.
func compareSlots(o, n *Slot, old, new []Slot) *Change {
	var what []string
	if o.Name != n.Name {
		what = append(what, fmt.Sprintf("was called %s", quoted(o.Name)))
	}
	if was, is := describe(&o.Column), describe(&n.Column); was != is {
		what = append(what, fmt.Sprintf("is %s, was %s", is, was))
	}
	misread := func(reason string, args ...any) *Change {
		text := fmt.Sprintf(reason, args...)
		return &Change{n.Name, strings.Join(what, ", "), Breaking, text}
	}
	if o.Name != n.Name && (named(new, o.Name) || named(old, n.Name)) {
		return &Change{n.Name, fmt.Sprintf("has slot %d, which was that of %s", n.Number, quoted(o.Name)), Breaking, "fields are found by their slots: leave them where they are, and add others at the end"}
	}
	if FormatType(&o.Field) != FormatType(&n.Field) {
		return misread("the same bytes are read as something else")
	}
	if places := comparePlaces(o, n); places != nil {
		what = append(what, places...)
		return misread("the same bytes are read as something else")
	}
	if !n.variable() && o.absent() != n.absent() {
		if o.Nullable == n.Nullable {
			what = append(what, fmt.Sprintf("has the default %s, was %s", n.absent(), o.absent()))
		}
		return misread("a value that is the default is left out, and read as %s by one side and as %s by the other", o.absent(), n.absent())
	}
	if _, renumbered := compareValues(o.Values, n.Values); renumbered != "" {
		what = append(what, renumbered)
		return misread("the same number means something else")
	}
	for _, b := range n.Below {
		if i := slices.IndexFunc(o.Below, func(o Below) bool { return slices.Equal(o.Path, b.Path) }); i >= 0 {
			if _, renumbered := compareValues(o.Below[i].Values, b.Values); renumbered != "" {
				what = append(what, strings.Join(b.Path, ".")+" "+renumbered)
				return misread("the same number means something else")
			}
		}
	}
	if len(what) == 0 {
		return nil
	}
	forward, backward := way{true, ""}, way{true, ""}
	switch {
	case n.required() && !o.required():
		forward = way{false, "new readers refuse old messages without it"}
	case o.required() && !n.required():
		backward = way{false, "old readers refuse new messages without it"}
	case o.Name != n.Name:
		forward.says = "fields are found by their slots"
	}
	return change(n.Name, strings.Join(what, ", "), forward, backward)
}

// comparePlaces says of the structs in a field, which has the same type in both, where one is a table of its own and was not, or lies
// otherwise in place. Locks of old versions do not say how.
func comparePlaces(o, n *Slot) (what []string) {
	was, is := o.places(), n.places()
	var walk func(f *ipc.Field, path []string)
	walk = func(f *ipc.Field, path []string) {
		key := strings.Join(path, "\x00")
		where := ""
		if len(path) > 0 {
			where = quoted(strings.Join(path, ".")) + " "
		}
		switch o, n := was[key], is[key]; {
		case f.Type.Kind != ipc.KindStruct || len(f.Children) == 0:
		case n.table && !o.table:
			what = append(what, where+"is a table, lay in place")
		case o.table && !n.table:
			what = append(what, where+"lies in place, was a table")
		case o.Inline != n.Inline && o.Inline != Inline{} && n.Inline != Inline{}:
			what = append(what, fmt.Sprintf("%stakes %d bytes in place at multiples of %d, was %d at multiples of %d", where, n.Size, n.Align, o.Size, o.Align))
		}
		for i := range f.Children {
			walk(&f.Children[i], append(slices.Clip(path), f.Children[i].Name))
		}
	}
	walk(&n.Field, nil)
	return what
}

// place is how a struct of a message is there.
type place struct {
	Inline
	table bool
}

// places returns what is known of the structs in a field, by their paths.
func (s *Slot) places() map[string]place {
	list := map[string]place{"": {Inline: s.Inline}}
	set := func(path []string, change func(*place)) {
		key := strings.Join(path, "\x00")
		p := list[key]
		change(&p)
		list[key] = p
	}
	for _, b := range s.Below {
		set(b.Path, func(p *place) { p.Inline = b.Inline })
		if b.HasSlot {
			set(b.Path[:len(b.Path)-1], func(p *place) { p.table = true })
		}
	}
	return list
}

// CompareProtocols returns the changes of a protocol: a member is told by its tag, which is its place. They are judged for ends
// that do not announce their tags; those that do refuse each other after any change of the list.
func CompareProtocols(old, new *Protocol) []Change {
	var changes []Change
	for tag := range max(len(old.Members), len(new.Members)) {
		switch {
		case tag >= len(old.Members):
			m := new.Members[tag]
			changes = append(changes, Change{m.Name, fmt.Sprintf("was added with tag %d", tag), ReaderFirst, "old ends know no such tag, and those that announce their tags refuse each other"})
		case tag >= len(new.Members):
			m := old.Members[tag]
			changes = append(changes, Change{m.Name, fmt.Sprintf("was removed, with tag %d", tag), WriterFirst, "new ends know no such tag, and those that announce their tags refuse each other"})
		case old.Members[tag] != new.Members[tag]:
			o, n := old.Members[tag], new.Members[tag]
			reason := "tags are places in the list: leave members where they are, and add others at the end"
			if o.Message == n.Message && !slices.Contains(old.Members, n) && !slices.Contains(new.Members, o) {
				reason = "another in its place is read as the old one; where only the name is new, ends that announce their tags refuse each other"
			}
			changes = append(changes, Change{n.Name, fmt.Sprintf("has tag %d, which was that of %v", tag, o), Breaking, reason})
		}
	}
	return changes
}
