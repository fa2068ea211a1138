package fbs

import (
	"fmt"
	"strings"
)

// parser reads the declarations of one file. Types stay names until the resolver has seen all files.
type parser struct {
	lex       *lexer
	tok       token // the token at hand
	last      Pos   // behind the token before it
	file      *File
	namespace string
	errs      *errorList
	depth     int  // of braces before the token at hand
	declared  bool // something other than an include was seen
}

func parseFile(name string, src []byte, errs *errorList) *File {
	p := &parser{lex: newLexer(name, src, errs), file: &File{Path: name}, errs: errs}
	p.next()
	for p.tok.kind != tokEOF && !errs.full() {
		p.declaration()
	}
	return p.file
}

func (p *parser) next() {
	switch p.tok.kind {
	case '{':
		p.depth++
	case '}':
		p.depth--
	}
	p.last = p.tok.pos
	p.last.Col += len(p.tok.text)
	p.tok = p.lex.next()
}

func (p *parser) is(kind tokenKind) bool { return p.tok.kind == kind }

// accept takes the token at hand if it is of that kind.
func (p *parser) accept(kind tokenKind) bool {
	if p.is(kind) {
		p.next()
		return true
	}
	return false
}

// unexpected reports the token at hand.
func (p *parser) unexpected(want string) bool { return p.broken(p.tok.pos, p.tok.String(), want) }

// broken reports what leaves something out of the tree.
func (p *parser) broken(pos Pos, found, want string) bool {
	p.errs.broken = true
	p.errs.add(pos, found, want)
	return false
}

// expect takes one token of punctuation; after says what stands before it.
func (p *parser) expect(c byte, after string) bool {
	if p.accept(tokenKind(c)) {
		return true
	}
	want := fmt.Sprintf("%q %s", string(c), after)
	if p.tok.pos.Line > p.last.Line && p.last.IsValid() {
		return p.broken(p.last, "the end of the line", want)
	}
	return p.unexpected(want)
}

// ident takes a name.
func (p *parser) ident(want string) (token, bool) {
	t := p.tok
	if !p.is(tokIdent) {
		return t, p.unexpected(want)
	}
	p.next()
	return t, true
}

// What a declaration may have of things that are looked up one by one.
const (
	maxNames = 100 // joined by dots
	maxAttrs = 100
)

// dotted takes a name that may have a namespace.
func (p *parser) dotted(want string) (*typeRef, bool) {
	t, ok := p.ident(want)
	if !ok {
		return nil, false
	}
	parts := []string{t.text}
	for p.accept('.') {
		if len(parts) == maxNames {
			return nil, p.unexpected(fmt.Sprintf("at most %d names with dots between them", maxNames))
		}
		part, ok := p.ident("a name after the dot")
		if !ok {
			return nil, false
		}
		parts = append(parts, part.text)
	}
	return &typeRef{pos: t.pos, name: strings.Join(parts, "."), namespace: p.namespace}, true
}

// str takes a string.
func (p *parser) str(want string) (token, bool) {
	t := p.tok
	if !p.is(tokString) {
		return t, p.unexpected(want)
	}
	p.next()
	return t, true
}

const declarationWords = "table, struct, enum, union, namespace, root_type, include, attribute, file_identifier, file_extension or rpc_service"

// declaration reads one declaration. After an error it goes on behind what looks like the end of it.
func (p *parser) declaration() {
	word := p.tok
	if !p.is(tokIdent) {
		p.unexpected("a declaration: " + declarationWords)
		p.next()
		p.skipDeclaration()
		return
	}
	p.next()
	parse, ok := map[string]func(doc []string) bool{
		"include": p.include, "native_include": p.nativeInclude, "namespace": p.namespaceDecl, "attribute": p.attribute,
		"table": p.table, "struct": p.structDecl, "enum": p.enum, "union": p.union, "root_type": p.rootType,
		"file_identifier": p.fileIdentifier, "file_extension": p.fileExtension, "rpc_service": p.service,
	}[word.text]
	if !ok {
		want := declarationWords
		if near := nearest(word.text, strings.FieldsFunc(want, func(r rune) bool { return r == ',' || r == ' ' })); near != "" {
			want = near
		}
		p.broken(word.pos, fmt.Sprintf("%q, which begins no declaration", clip(word.text)), want)
		p.skipDeclaration()
		return
	}
	if word.text == "include" && p.declared {
		p.errs.add(word.pos, "an include after other declarations", "includes at the top of the file")
	}
	p.declared = p.declared || word.text != "include" && word.text != "native_include"
	if !parse(word.doc) {
		p.skipDeclaration()
	}
}

// skipDeclaration moves behind the end of the declaration at hand: a semicolon outside of braces or the brace that
// closes the first one. A word that begins a line and a declaration ends it too.
func (p *parser) skipDeclaration() {
	for !p.is(tokEOF) {
		switch p.tok.kind {
		case '}':
			p.next()
			if p.depth <= 0 {
				p.depth = 0
				return
			}
			continue
		case ';':
			if p.depth == 0 {
				p.next()
				return
			}
		case tokIdent:
			if p.tok.pos.Col == 1 && beginsDeclaration(p.tok.text) {
				p.depth = 0
				return
			}
		}
		p.next()
	}
}

func beginsDeclaration(word string) bool {
	switch word {
	case "table", "struct", "enum", "union", "namespace", "root_type", "rpc_service", "attribute":
		return true
	}
	return false
}

func (p *parser) include([]string) bool {
	t, ok := p.str("the file's name in quotes")
	if !ok {
		return false
	}
	if t.str == "" {
		p.errs.add(t.pos, "an empty file name", "the name of a schema file")
	} else {
		p.file.Includes = append(p.file.Includes, &Include{Pos: t.pos, Path: t.str})
	}
	return p.expect(';', "after the include")
}

// nativeInclude reads an include for C++, which says nothing to others.
func (p *parser) nativeInclude([]string) bool {
	if _, ok := p.str("the file's name in quotes"); !ok {
		return false
	}
	return p.expect(';', "after the include")
}

func (p *parser) namespaceDecl([]string) bool {
	p.namespace = ""
	if p.accept(';') {
		return true
	}
	ref, ok := p.dotted("a namespace such as my.space")
	if !ok {
		return false
	}
	p.namespace = ref.name
	return p.expect(';', "after the namespace")
}

func (p *parser) attribute(doc []string) bool {
	t := p.tok
	name := t.str
	switch t.kind {
	case tokIdent:
		name = t.text
	case tokString:
	default:
		return p.unexpected("the attribute's name in quotes")
	}
	p.next()
	p.file.Attributes = append(p.file.Attributes, &AttributeDecl{Pos: t.pos, Doc: doc, Name: name})
	return p.expect(';', "after the attribute")
}

func (p *parser) rootType([]string) bool {
	ref, ok := p.dotted("the name of a table")
	if !ok {
		return false
	}
	p.file.root = ref
	return p.expect(';', "after the root type")
}

func (p *parser) fileIdentifier([]string) bool {
	t, ok := p.str("four bytes in quotes")
	if !ok {
		return false
	}
	if len(t.str) != 4 {
		p.errs.add(t.pos, fmt.Sprintf("a file identifier of %d bytes", len(t.str)), "one of 4")
	}
	p.file.Identifier = t.str
	return p.expect(';', "after the file identifier")
}

func (p *parser) fileExtension([]string) bool {
	t, ok := p.str("the extension in quotes")
	if !ok {
		return false
	}
	p.file.Extension = t.str
	return p.expect(';', "after the file extension")
}

// decl begins a declaration: its name, and for others than unions and enums its attributes.
func (p *parser) decl(doc []string, what string) (Decl, bool) {
	t, ok := p.ident("the name of the " + what)
	return Decl{Pos: t.pos, Doc: doc, Name: t.text, Namespace: p.namespace, File: p.file}, ok
}

func (p *parser) table(doc []string) bool {
	d, ok := p.decl(doc, "table")
	if !ok {
		return false
	}
	t := &Table{Decl: d}
	p.file.Tables = append(p.file.Tables, t)
	t.Attrs, t.Fields, ok = p.fields("table")
	return ok
}

func (p *parser) structDecl(doc []string) bool {
	d, ok := p.decl(doc, "struct")
	if !ok {
		return false
	}
	s := &Struct{Decl: d}
	p.file.Structs = append(p.file.Structs, s)
	s.Attrs, s.Fields, ok = p.fields("struct")
	return ok
}

// fields reads (attributes) { field... }.
func (p *parser) fields(what string) (attrs Attrs, fields []*Field, ok bool) {
	if attrs, ok = p.attrs(); !ok || !p.expect('{', "before the fields of the "+what) {
		return attrs, nil, false
	}
	for !p.accept('}') {
		if p.is(tokEOF) || p.errs.full() {
			return attrs, fields, p.unexpected(`"}" at the end of the ` + what)
		}
		if f, ok := p.field(); ok {
			fields = append(fields, f)
		} else if !p.skipField() {
			return attrs, fields, false
		}
	}
	return attrs, fields, true
}

// skipField moves behind the end of a field that has an error. It reports false if that lies beyond the declaration.
func (p *parser) skipField() bool {
	for {
		switch p.tok.kind {
		case ';', ',':
			p.next()
			return true
		case '}':
			return true
		case tokEOF, '{':
			return false
		}
		p.next()
	}
}

// field reads name: type [= default] [(attributes)];
func (p *parser) field() (*Field, bool) {
	name, ok := p.ident(`a field such as "name: type;", or "}"`)
	if !ok || !p.expect(':', "after the field's name") {
		return nil, false
	}
	f := &Field{Pos: name.pos, Doc: name.doc, Name: name.text}
	if f.Type, ok = p.typ(); !ok {
		return nil, false
	}
	if p.accept('=') {
		v, ok := p.literal("a default value")
		if !ok {
			return nil, false
		}
		f.Default.Pos, f.Default.Text = v.pos, v.text
		f.literal = v
	}
	if f.Attrs, ok = p.attrs(); !ok {
		return nil, false
	}
	return f, p.expect(';', "after the field")
}

// typ reads the type of a field.
func (p *parser) typ() (*Type, bool) {
	if !p.is('[') {
		return p.typeName("a type")
	}
	pos := p.tok.pos
	p.next()
	if p.is('[') {
		return nil, p.broken(p.tok.pos, "a vector inside a vector", "a vector of tables that have a vector each")
	}
	elem, ok := p.typeName("the type of the elements")
	if !ok {
		return nil, false
	}
	t := &Type{Pos: pos, Kind: VectorOf, Elem: elem}
	if p.accept(':') {
		n := p.tok
		if !p.is(tokInt) {
			return nil, p.unexpected("the length of the array")
		}
		p.next()
		length, err := parseInt(n.text, UShort)
		if err != nil || length == 0 {
			p.errs.add(n.pos, "an array of length "+clip(n.text), "1 to 65535")
		}
		t.Kind, t.Len = ArrayOf, max(int(length), 1)
	}
	return t, p.expect(']', "after the type of the elements")
}

func (p *parser) typeName(want string) (*Type, bool) {
	ref, ok := p.dotted(want)
	if !ok {
		return nil, false
	}
	if kind, ok := builtinTypes[ref.name]; ok {
		return &Type{Pos: ref.pos, Kind: kind}, true
	}
	return &Type{Pos: ref.pos, ref: ref}, true
}

// literal reads a value.
func (p *parser) literal(want string) (*literal, bool) {
	v := &literal{pos: p.tok.pos}
	if p.is('+') || p.is('-') {
		v.text = p.tok.text
		p.next()
	}
	t := p.tok
	switch t.kind {
	case tokInt, tokFloat:
		v.kind = litInt
		if t.kind == tokFloat {
			v.kind = litFloat
		}
		v.text += t.text
		p.next()
		return v, true
	case tokIdent:
		ref, ok := p.dotted(want)
		if !ok {
			return nil, false
		}
		// As flatc has it, a name with "(" right behind it is a function; after a space attributes begin.
		if p.is('(') && p.tok.pos.Line == ref.pos.Line && p.tok.pos.Col == ref.pos.Col+len(ref.name) {
			return nil, p.unexpected("a value that is written out; functions are not supported")
		}
		if _, named := floatName(ref.name); v.text != "" && !named {
			return nil, p.broken(ref.pos, "a sign before "+clip(ref.name), "a number after it")
		}
		v.kind, v.text = litIdent, v.text+ref.name
		return v, true
	}
	if v.text != "" {
		return nil, p.unexpected("a number after the sign")
	}
	switch t.kind {
	case tokString:
		v.kind, v.text, v.str = litString, t.text, t.str
		p.next()
		return v, true
	case '[':
		p.next()
		v.kind, v.text = litList, "[]"
		if p.accept(']') {
			return v, true
		}
		p.unexpected(`"]" as only an empty vector can be a default`)
		for !p.is(']') && !p.is(';') && !p.is('}') && !p.is(tokEOF) {
			p.next()
		}
		return nil, false
	}
	return nil, p.unexpected(want)
}

// attrs reads (name, name: value, ...), or nothing.
func (p *parser) attrs() (Attrs, bool) {
	if !p.accept('(') {
		return nil, true
	}
	var list Attrs
	for !p.accept(')') {
		name, ok := p.ident(`an attribute, or ")"`)
		if !ok {
			return list, false
		}
		a := &Attr{Pos: name.pos, Name: name.text}
		if p.accept(':') {
			v, ok := p.literal("the attribute's value")
			if !ok {
				return list, false
			}
			a.Value, a.ValuePos, a.Quoted = v.text, v.pos, v.kind == litString
			if a.Quoted {
				a.Value = v.str
			}
		}
		if len(list) == maxAttrs {
			return list, p.broken(a.Pos, fmt.Sprintf("more than %d attributes", maxAttrs), "fewer")
		}
		if list.Has(a.Name) {
			p.errs.add(a.Pos, fmt.Sprintf("attribute %q for the second time", clip(a.Name)), "it once")
		} else {
			list = append(list, a)
		}
		if !p.is(')') && !p.expect(',', `or ")" after the attribute`) {
			return list, false
		}
	}
	return list, true
}

func (p *parser) enum(doc []string) bool {
	d, ok := p.decl(doc, "enum")
	if !ok {
		return false
	}
	e := &Enum{Decl: d, Base: Int}
	p.file.Enums = append(p.file.Enums, e)
	if !p.expect(':', `and an integer type after the enum's name, such as ": short"`) {
		return false
	}
	base, ok := p.typeName("an integer type")
	if !ok {
		return false
	}
	if base.Kind.IsInteger() {
		e.Base = base.Kind
	} else {
		p.errs.add(base.Pos, fmt.Sprintf("an enum of type %s", clip(base.String())), "one of byte, ubyte, short, ushort, int, uint, long, ulong")
	}
	if e.Attrs, ok = p.attrs(); !ok || !p.expect('{', "before the values of the enum") {
		return false
	}
	for !p.accept('}') {
		name, ok := p.ident(`the name of a value, or "}"`)
		if !ok {
			return false
		}
		v := &EnumValue{Pos: name.pos, Doc: name.doc, Name: name.text}
		if v.explicit, v.Attrs, ok = p.valueAndAttrs(); !ok {
			return false
		}
		e.Values = append(e.Values, v)
		if !p.is('}') && !p.expect(',', `or "}" after the value`) {
			return false
		}
	}
	return true
}

// valueAndAttrs reads what follows the name of an enum's value or of a union's member.
func (p *parser) valueAndAttrs() (v *literal, attrs Attrs, ok bool) {
	if p.accept('=') {
		if v, ok = p.literal("a whole number"); !ok {
			return nil, nil, false
		}
	}
	attrs, ok = p.attrs()
	return v, attrs, ok
}

func (p *parser) union(doc []string) bool {
	d, ok := p.decl(doc, "union")
	if !ok {
		return false
	}
	u := &Union{Decl: d}
	p.file.Unions = append(p.file.Unions, u)
	if p.is(':') {
		return p.broken(p.tok.pos, "a type for the union's tag", "none, a tag is always a ubyte")
	}
	if u.Attrs, ok = p.attrs(); !ok || !p.expect('{', "before the members of the union") {
		return false
	}
	for !p.accept('}') {
		m, ok := p.member()
		if !ok {
			return false
		}
		u.Members = append(u.Members, m)
		if !p.is('}') && !p.expect(',', `or "}" after the member`) {
			return false
		}
	}
	return true
}

// member reads Type, or alias: Type.
func (p *parser) member() (*UnionMember, bool) {
	m := &UnionMember{Pos: p.tok.pos, Doc: p.tok.doc}
	const want = `a type, or "}"`
	ref, ok := p.dotted(want)
	if !ok {
		return nil, false
	}
	m.Name = strings.ReplaceAll(ref.name, ".", "_")
	if p.accept(':') {
		if strings.Contains(ref.name, ".") {
			p.errs.add(ref.pos, fmt.Sprintf("the alias %q", clip(ref.name)), "a name without dots")
		}
		if m.Type, ok = p.typeName("a table, a struct or a string after the alias; of a vector a table with a field of it"); !ok {
			return nil, false
		}
	} else {
		m.Type = &Type{Pos: ref.pos, ref: ref}
		if kind, builtin := builtinTypes[ref.name]; builtin {
			m.Type = &Type{Pos: ref.pos, Kind: kind}
		}
	}
	m.explicit, m.Attrs, ok = p.valueAndAttrs()
	return m, ok
}

func (p *parser) service(doc []string) bool {
	d, ok := p.decl(doc, "service")
	if !ok || !p.expect('{', "before the methods of the service") {
		return false
	}
	s := &Service{Decl: d}
	p.file.Services = append(p.file.Services, s)
	for !p.accept('}') {
		m, ok := p.method()
		if !ok {
			return false
		}
		s.Methods = append(s.Methods, m)
	}
	return true
}

// method reads Name(Request): Response (attributes);
func (p *parser) method() (*Method, bool) {
	name, ok := p.ident(`a method, or "}"`)
	if !ok || !p.expect('(', "after the method's name") {
		return nil, false
	}
	request, ok := p.dotted("the type of the request")
	if !ok || !p.expect(')', "after the type of the request") || !p.expect(':', "before the type of the response") {
		return nil, false
	}
	response, ok := p.dotted("the type of the response")
	if !ok {
		return nil, false
	}
	m := &Method{Pos: name.pos, Doc: name.doc, Name: name.text, Request: request.name, Response: response.name}
	if m.Attrs, ok = p.attrs(); !ok {
		return nil, false
	}
	return m, p.expect(';', "after the method")
}
