package model

import (
	"fmt"
	"go/token"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The packages that code for messages and protocols imports besides.
const (
	FlatbufPath = RuntimePath + "/flatbuf"
	MemPath     = RuntimePath + "/mem"
)

// Message is a message of a protocol: a flatbuffer, or what a codec makes of it.
type Message struct {
	Pos      Pos
	Type     string   // in Go
	Name     string   // in protocols
	Doc      []string // the lines of its comment
	Codec    string   // the variable with the codec, "" for a flatbuffer
	CodecPos Pos
	Defs     []*ColumnDef // of a flatbuffer, as the front end found them
	Slots    []int        // of Defs
	NumSlots int
	Methods  map[string]Pos // those of the type that are written by hand

	// Decided by [Build].
	Fields []*Column // Number is the slot
	Groups []*Group  // the structs below the fields, each before those that have it
	Names  MessageNames
}

// MessageNames are the names of a message's declarations.
type MessageNames struct {
	View, Verify, Check, Read, Build string
}

func (n *MessageNames) all() []string { return []string{n.View, n.Verify, n.Check, n.Read, n.Build} }

// Part is what a message has a struct below it as.
type Part struct {
	Slots       int // of a table
	Size, Align int // of an inline struct
	One, Many   bool
	Names       PartNames
}

// PartNames are the names of what is declared for a struct of a message.
type PartNames struct {
	View, Build string
	Read        string
	Check       string // of a table, as the others are
	CheckOne    string // of a field, One
	CheckMany   string // of a vector, Many
}

func (n *PartNames) all() []string {
	return []string{n.View, n.Build, n.Read, n.Check, n.CheckOne, n.CheckMany}
}

func partNamesOf(message, typ string) PartNames {
	name := message + upperName(typ)
	upper := upperName(name)
	return PartNames{
		View: name + "View", Build: "build" + upper, Read: "read" + upper,
		Check: "check" + upper, CheckOne: "check" + upper + "Field", CheckMany: "check" + upper + "Vector",
	}
}

// messageMethods are those that the generator gives to the type of a message.
var messageMethods = []string{"AppendBinary", "MarshalBinary", "UnmarshalBinary", "UnmarshalLimit"}

// Protocol is a set of tables and messages that go over one connection.
type Protocol struct {
	Pos     Pos
	Name    string
	Doc     []string
	Members []*Member
	Names   ProtocolNames // decided by [Build]
}

// Member is a table or message of a protocol. Its place in the list is its tag.
type Member struct {
	Pos  Pos
	Type string // in Go

	// Decided by [Link].
	Table   *Table   // nil for a message
	Message *Message // nil for a table
	Local   string   // fields
	Suffix  string   // of the methods
}

// ProtocolNames are the names of a protocol's declarations.
type ProtocolNames struct {
	Conn, NewConn     string
	Framer, NewFramer string
	Item, Mark        string // the interface, and its method
	Items             string // what pointers lead into
	Members           string // the variable
	Type, New         string // that of the variable, and the function that makes it
}

func (n *ProtocolNames) all() []string {
	return []string{n.Conn, n.NewConn, n.Framer, n.NewFramer, n.Item, n.Items, n.Members, n.Type, n.New}
}

// upperName returns a name with its first letter in upper case.
func upperName(name string) string {
	r, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(r)) + name[n:]
}

func messageNames(typ string) MessageNames {
	upper := upperName(typ)
	n := MessageNames{View: typ + "View", Verify: "Verify" + upper, Check: "check" + upper, Read: "read" + upper, Build: "build" + upper}
	if !token.IsExported(typ) {
		n.Verify = "verify" + upper
	}
	return n
}

func protocolNames(name string) ProtocolNames {
	upper, lower := upperName(name), lowerCamel(upperName(name))
	n := ProtocolNames{
		Conn: name + "Conn", NewConn: "New" + upper + "Conn",
		Framer: name + "Framer", NewFramer: "New" + upper + "Framer",
		Item: name + "Item", Mark: "is" + upper + "Item",
		Items: lower + "Items", Members: lower + "Members",
		Type: lower + "Protocol", New: "new" + upper + "Protocol",
	}
	if !token.IsExported(name) {
		n.NewConn, n.NewFramer = "new"+upper+"Conn", "new"+upper+"Framer"
	}
	return n
}

// messages decides on the messages of the file.
func (b *builder) messages() {
	for _, m := range b.file.Messages {
		if m.Name == "" {
			m.Name = SnakeCase(m.Type)
		}
		if m.Codec != "" {
			b.codec(m)
			continue
		}
		m.Names = messageNames(m.Type)
		b.claim(m.Names.all(), m.Pos, "message "+m.Type)
		b.hidden(m.Pos, m.Type)
		for _, method := range messageMethods {
			if pos, taken := m.Methods[method]; taken {
				b.errs.Add(pos, fmt.Sprintf("method %s is what the generator declares for message %s", method, m.Type), "remove it, or give the message a codec: codec=name")
			}
		}
		if len(m.Defs) == 0 {
			b.errs.Add(m.Pos, fmt.Sprintf("message %s has no fields", m.Type), "give it at least one")
		}
		for i, def := range m.Defs {
			b.messageField(m, def, m.Slots[i])
		}
		b.duplicates(m.Fields)
		b.accessors(m.Fields)
		b.room(m.Pos, "message "+m.Type, m.NumSlots, m.Fields)
	}
}

const (
	// maxPlace is how many bytes a flatbuffer has room for in a table or struct: a vtable says where fields are in 16 bits.
	maxPlace = 1<<16 - 1
	// maxSlots is how many entries a vtable has after its own four bytes, whose size is such a number too.
	maxSlots = (maxPlace - 4) / 2
)

// room reports a table in which a field could lie where no vtable can say that it is: in place are the four bytes of the vtable's
// offset and each field, at a multiple of what it asks for.
func (b *builder) room(pos Pos, what string, slots int, fields []*Column) {
	size := int64(4)
	for _, c := range fields {
		n, align := int64(4), 4
		switch {
		case c.Group != nil && c.Group.Part != nil && c.Group.Inline:
			n, align = int64(c.Group.Part.Size), c.Group.Part.Align
		case c.Type.Kind == Bool || c.Type.Kind == Int || c.Type.Kind == Float:
			n, align = int64(c.ScalarSize()), c.ScalarSize()
		}
		size += n + int64(align-1) // the gap depends on what else is there
	}
	if size > maxPlace {
		b.errs.Add(pos, fmt.Sprintf("%s has fields of up to %d bytes in place", what, size), fmt.Sprintf("a table of a flatbuffer has room for %d: use slices for arrays, or tables for structs that lie in place", maxPlace))
	}
	if slots > maxSlots {
		b.errs.Add(pos, fmt.Sprintf("%s has %d slots", what, slots), fmt.Sprintf("a table of a flatbuffer has %d: move fields to a struct below", maxSlots))
	}
}

// accessors reports fields of which a view would have the same methods: a list has one for its length too.
func (b *builder) accessors(fields []*Column) {
	methods := map[string]*Column{}
	for _, c := range fields {
		if other := methods[c.Method]; other != nil {
			b.errs.Add(c.Pos, fmt.Sprintf("field %s is there already, at line %d", c.Method, other.Pos.Line), "give one of them another name")
			continue
		}
		methods[c.Method] = c
	}
	for _, c := range fields {
		if c.Type.Kind != List {
			continue
		}
		if other := methods[c.Method+"Len"]; other != nil {
			b.errs.Add(other.Pos, fmt.Sprintf("method %sLen of the view is to return field %s, and the length of %s", c.Method, other.Field, c.Field), "give the field's another name: "+renamed(other))
		}
	}
}

// renamed returns how a field is written whose accessor has another name.
func renamed(c *Column) string {
	if strings.HasSuffix(c.Pos.File, ".fbs") {
		return fmt.Sprintf(`%s (go_name: "%sField")`, c.Name, c.Field)
	}
	return fmt.Sprintf("`arrow:\"%s,go=%sField\"`", c.Name, c.Field)
}

// codec checks the codec of an opaque message.
func (b *builder) codec(m *Message) {
	if !IsIdentifier(m.Codec) {
		b.errs.Add(m.CodecPos, fmt.Sprintf("%q, the codec of message %s, is no Go name", m.Codec, m.Type), "name a variable of the package")
	} else if _, declared := b.pkg.Declared[m.Codec]; !declared {
		b.errs.Add(m.CodecPos, fmt.Sprintf("codec %s of message %s is not declared in the package", m.Codec, m.Type), fmt.Sprintf("declare it: var %s rt.MessageCodec[%s] = …", m.Codec, m.Type))
	}
}

// messageField decides on a field of a message.
func (b *builder) messageField(m *Message, def *ColumnDef, slot int) {
	c := b.field(m, def)
	c.Number = slot
	p := messageParts{m: m, known: map[*GroupDef]*Group{}}
	for _, g := range m.Groups {
		p.known[g.GroupDef] = g
	}
	b.messageType(&p, c, false)
	if slices.Contains(messageMethods, c.Field) {
		b.errs.Add(c.Pos, fmt.Sprintf("field %s has the name of a method of message %s", c.Field, m.Type), "give it another name")
	}
	m.Fields = append(m.Fields, c)
}

// field returns the column of a field, of a message or of a struct in it.
func (b *builder) field(m *Message, def *ColumnDef) *Column {
	c := &Column{ColumnDef: *def}
	if c.Name == "" {
		c.Name = SnakeCase(c.Field)
	}
	if c.NamePos == (Pos{}) {
		c.NamePos = c.Pos
	}
	if c.Method == "" {
		c.Method = c.Field
	} else if !IsIdentifier(c.Method) || !token.IsExported(c.Method) {
		b.errs.Add(c.MethodPos, fmt.Sprintf("%q is no exported Go name", c.Method), "write one such as Price")
	}
	if c.Named != nil && c.Named.Path == "" {
		b.hidden(c.Pos, c.Named.Name)
	}
	return c
}

// messageParts are the structs of a message.
type messageParts struct {
	m     *Message
	known map[*GroupDef]*Group
}

const messageTypes = "messages have fields of type bool, integer, float, text and bytes, structs, and slices of all but bytes: use one of those (int64 for a time), or give the message a codec"

// messageType checks the type of a field, and decides on what is below it. Inline tells that it is one of an inline struct.
func (b *builder) messageType(p *messageParts, c *Column, inline bool) {
	t := c.Type
	what, remedy := "", messageTypes
	switch {
	case c.Index != nil:
		what = "a dictionary"
	case c.Wrapped:
		what, remedy = "a table that stands for a list", "leave the attribute list out, or use its vector"
	case c.Was != "" || c.NaiveUTC:
		what = "an older name, or naive"
	case inline && (c.Nullable || c.HasDefault):
		what, remedy = "a value that may be absent, or a default, in a struct that lies in place", "leave it out, or make a table of the struct"
	case t.Kind == Bool || t.Kind == Int || t.Kind == Float && t.Bits > 16:
	case inline && t.Kind == FixedBinary && !t.UUID:
	case inline && t.Kind == FixedList:
		what, remedy = b.items(p, c, true)
	case !inline && (t.Kind == FixedList || t.Kind == FixedBinary):
		what, remedy = "an array", "use a slice, or put it into a struct that lies in place, //lightstream:struct, struct in a schema"
	case inline && t.Kind != Struct:
		what, remedy = t.String()+" in a struct that lies in place", "use bool, integers, floats, arrays and such structs alone, or make a table of it"
	case (t.Kind == Utf8 || t.Kind == Binary) && t.Layout == Offsets:
		if c.HasDefault {
			what = "a default for " + t.String()
		}
	case t.Kind == List && t.Layout == Offsets:
		what, remedy = b.items(p, c, false)
	case t.Kind == Struct:
		if inline && !c.ColumnDef.Group.Inline {
			what, remedy = "a table in a struct that lies in place", "mark it //lightstream:struct too"
			break
		}
		c.Group = b.part(p, c)
		c.Group.Part.One = true
	case t.Kind == Union:
		what, remedy = "a union", "use a field of each member that may be absent, or give the message a codec"
	default:
		what = t.String()
	}
	if what != "" {
		b.errs.Add(c.Pos, fmt.Sprintf("field %s: %s in message %s", c.Field, what, p.m.Type), remedy)
	}
}

// items decides on the items of a list. It returns what is wrong with them.
func (b *builder) items(p *messageParts, c *Column, inline bool) (what, remedy string) {
	def := c.Parts[0]
	item := &Column{ColumnDef: *def}
	item.Name = "item"
	c.Children = []*Column{item}
	if item.Named != nil && item.Named.Path == "" {
		b.hidden(c.Pos, item.Named.Name)
	}
	switch t := item.Type; {
	case item.Wrapped:
		return "a list of tables that stand for lists", "leave the attribute list out"
	case item.Index != nil:
		return "items in a dictionary", messageTypes
	case t.Kind == Binary || t.Kind == List || t.Kind == FixedList || t.Kind == FixedBinary:
		return "a list of " + t.String(), "flatbuffers have no lists of lists: use a slice of structs with a field for each"
	case item.Nullable:
		return "items that may be absent", "leave those out, or use a slice of structs with a field that may be absent"
	case t.Kind == Bool || t.Kind == Int || t.Kind == Float && t.Bits > 16:
		return "", ""
	case t.Kind == Utf8 && t.Layout == Offsets && !inline:
		return "", ""
	case t.Kind == Struct:
		if inline && !item.ColumnDef.Group.Inline {
			return "an array of tables in a struct that lies in place", "mark it //lightstream:struct too"
		}
		item.Group = b.part(p, item)
		item.Group.Part.Many = true
		return "", ""
	default:
		return "a list of " + t.String(), messageTypes
	}
}

// part decides on a struct of a message, once.
func (b *builder) part(p *messageParts, c *Column) *Group {
	def := c.ColumnDef.Group
	if known := p.known[def]; known != nil {
		return known
	}
	g := &Group{GroupDef: def, Part: &Part{Names: partNamesOf(p.m.Type, def.Named.Name)}}
	p.known[def] = g
	b.claim(g.Part.Names.all(), def.Pos, "struct "+def.Named.Name+" of message "+p.m.Type)
	if def.Named.Path == "" {
		b.hidden(def.Pos, def.Named.Name, "name", "slot")
	}
	if len(def.Columns) == 0 {
		b.errs.Add(def.Pos, fmt.Sprintf("struct %s has no columns", def.Named.Name), "give it at least one field")
	}
	for i, fieldDef := range def.Columns {
		f := b.field(p.m, fieldDef)
		f.Number = i
		if def.Slots != nil {
			f.Number = def.Slots[i]
		}
		b.messageType(p, f, def.Inline)
		g.Columns = append(g.Columns, f)
	}
	g.Part.Slots = len(def.Columns)
	if def.Slots != nil {
		g.Part.Slots = def.NumSlots
	}
	if def.Inline {
		b.place(g)
	} else {
		b.accessors(g.Columns)
		b.room(def.Pos, "struct "+def.Named.Name+" of message "+p.m.Type, g.Part.Slots, g.Columns)
	}
	b.duplicates(g.Columns)
	p.m.Groups = append(p.m.Groups, g)
	return g
}

// place gives the fields of an inline struct their offsets: each at a multiple of its own size, or of what its struct asks for.
func (b *builder) place(g *Group) {
	p := g.Part
	p.Align = max(g.MinAlign, 1)
	for _, c := range g.Columns {
		size, align := c.inline()
		if size = aligned(p.Size, align) + size; size > maxPlace {
			b.errs.Add(c.Pos, fmt.Sprintf("field %s ends after byte %d of struct %s, which lies in place", c.Field, maxPlace, g.Named.Name), "a flatbuffer has no room for more: make an array smaller, or a table of the struct, with a slice")
			p.Size = aligned(1, p.Align) // so that nobody says it again
			return
		}
		c.Offset = aligned(p.Size, align)
		p.Size = size
		p.Align = max(p.Align, align)
	}
	if p.Size = aligned(p.Size, p.Align); p.Size > maxPlace {
		b.errs.Add(g.Pos, fmt.Sprintf("struct %s takes %d bytes in place", g.Named.Name, p.Size), fmt.Sprintf("a flatbuffer has room for %d: make an array smaller, or a table of the struct, with a slice", maxPlace))
		p.Size = p.Align
	}
}

func aligned(n, align int) int { return (n + align - 1) / align * align }

// inline returns the size of a field in an inline struct, and its alignment.
func (c *Column) inline() (size, align int) {
	switch t := c.Type; {
	case t.Kind == FixedBinary:
		return min(t.Width, 1<<30), 1
	case t.Kind == FixedList && c.Children != nil:
		size, align = c.Children[0].inline()
		return int(min(int64(size)*int64(t.Width), 1<<30)), align // a size that is refused, in an int of 32 bits
	case c.Group != nil && c.Group.Part != nil:
		return c.Group.Part.Size, max(c.Group.Part.Align, 1)
	}
	size = c.ScalarSize()
	return size, size
}

// ScalarSize returns how many bytes a bool or number has in a message.
func (c *Column) ScalarSize() int {
	if c.Type.Kind == Bool {
		return 1
	}
	return max(c.Type.Bits/8, 1)
}

// claim reports names that are declared by hand, or for something else that is generated.
func (b *builder) claim(list []string, pos Pos, what string) {
	for _, name := range list {
		if at, taken := b.pkg.Declared[name]; taken {
			if strings.HasSuffix(at.File, "_lightstream.go") { // then so are the others
				b.errs.Add(pos, fmt.Sprintf("%s would declare %s, which is in %s already", what, name, at.File), "give one of them another name")
				break
			}
			b.errs.Add(at, fmt.Sprintf("%s is what the generator declares for %s", name, what), "give one of them another name")
		}
	}
	for _, name := range list {
		other := b.pkg.claimed[name]
		if t := b.pkg.generated[name]; t != nil {
			other = "table " + t.Row
		}
		if other != "" {
			found := fmt.Sprintf("%s and %s would both declare %s", what, other, name)
			if other == what {
				found = what + " is there already"
			}
			b.errs.Add(pos, found, "give one of them another name")
			break
		}
	}
	if b.pkg.claimed == nil {
		b.pkg.claimed = map[string]string{}
	}
	for _, name := range list {
		b.pkg.claimed[name] = what
	}
}

// messageLocals names the variables of functions that have one for each text.
func (b *builder) messageLocals(m *Message) {
	b.fieldLocals(m, m.Fields)
	for _, g := range m.Groups {
		b.fieldLocals(m, g.Columns)
	}
}

func (b *builder) fieldLocals(m *Message, fields []*Column) {
	taken := names{}
	taken.take(predeclared...)
	taken.take("b", "m", m.Type)
	taken.take(m.Names.all()...)
	for _, g := range m.Groups {
		taken.take(g.Part.Names.all()...)
		taken.take(g.Named.Name)
	}
	for _, i := range b.file.Imports {
		taken.take(i.Name)
	}
	for _, c := range fields {
		takeNamed(taken, &c.ColumnDef)
	}
	for _, c := range fields {
		name := lowerCamel(c.Method)
		if token.IsKeyword(name) {
			taken.take(name)
		}
		c.Local = taken.free(name, "Offset")
	}
}

// maxMembers is how many tags a protocol has that is announced.
const maxMembers = 254

// Link gives the protocols of a package's files their tables and messages, which may be in any of the files, and decides on the
// names of their declarations. The error is of type [Errors].
func Link(pkg *Package, files []*File) error {
	b := builder{pkg: pkg}
	tables, messages := map[string]*Table{}, map[string]*Message{}
	for _, f := range files {
		for _, t := range f.Tables {
			tables[t.Row] = t
		}
		for _, m := range f.Messages {
			messages[m.Type] = m
		}
	}
	for _, f := range files {
		for _, p := range f.Protocols {
			p.Names = protocolNames(p.Name)
			b.claim(p.Names.all(), p.Pos, "protocol "+p.Name)
			b.members(p, tables, messages)
		}
	}
	return b.errs.Err()
}

func (b *builder) members(p *Protocol, tables map[string]*Table, messages map[string]*Message) {
	switch n := len(p.Members); {
	case n == 0:
		b.errs.Add(p.Pos, fmt.Sprintf("protocol %s has no members", p.Name), "name its tables and messages")
	case n > maxMembers:
		b.errs.Add(p.Members[maxMembers].Pos, fmt.Sprintf("protocol %s has %d members", p.Name, n), fmt.Sprintf("there are tags for %d", maxMembers))
	}
	seen, named := map[string]bool{}, map[string]string{}
	taken := names{}
	taken.take("c", "f", "i", "p", "s", "conn", "items", "framer", "Protocol")
	for _, m := range p.Members {
		if seen[m.Type] {
			b.errs.Add(m.Pos, fmt.Sprintf("%s is a member of protocol %s already", m.Type, p.Name), "name it once")
			continue
		}
		seen[m.Type] = true
		m.Table, m.Message = tables[m.Type], messages[m.Type]
		name := ""
		switch {
		case m.Table != nil:
			name = m.Table.Name
		case m.Message != nil:
			name = m.Message.Name
		default:
			b.errs.Add(m.Pos, fmt.Sprintf("%s, a member of protocol %s, is neither a table nor a message", m.Type, p.Name), "mark it with //lightstream:table or //lightstream:message")
			continue
		}
		if other := named[name]; other != "" {
			b.errs.Add(m.Pos, fmt.Sprintf("%s and %s are both called %q in protocol %s", other, m.Type, name, p.Name), "give one of them another name")
		}
		if len(name) > 255 {
			b.errs.Add(m.Pos, fmt.Sprintf("the name of %s has %d bytes", m.Type, len(name)), "an announcement has room for 255")
		}
		named[name] = m.Type
		m.Suffix = upperName(m.Type)
		local := lowerCamel(m.Suffix)
		if token.IsKeyword(local) {
			taken.take(local)
		}
		m.Local = taken.free(local, "Member")
	}
}
