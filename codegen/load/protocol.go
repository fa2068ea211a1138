package load

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/fbs"
	"github.com/lightstream-go/lightstream/codegen/model"
)

const (
	messageUsage  = "write //lightstream:message or //lightstream:message codec=name in the comment of a type"
	protocolUsage = "write //lightstream:protocol Name = Table | Message"
)

// message is a type that is marked //lightstream:message.
type message struct {
	file     *goFile
	spec     *ast.TypeSpec
	doc      *ast.CommentGroup
	body     *ast.StructType // nil with a codec
	codec    string
	codecPos token.Pos
}

// messages returns the marked types of f.
func (p *goPackage) messages(f *goFile, errs *model.Errors) (list []*message) {
	used := map[*ast.Comment]bool{}
	for _, decl := range f.ast.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, one := range gen.Specs {
			spec, doc := one.(*ast.TypeSpec), gen.Doc
			if gen.Lparen.IsValid() {
				doc = spec.Doc
			}
			if doc == nil {
				continue
			}
			for _, c := range doc.List {
				rest, marked := directiveOf(c, "message")
				if !marked {
					continue
				}
				used[c] = true
				if m := p.message(f, spec, c, rest, errs); m != nil {
					m.doc = doc
					list = append(list, m)
				}
			}
		}
	}
	for _, group := range f.ast.Comments {
		for _, c := range group.List {
			if _, marked := directiveOf(c, "message"); marked && !used[c] {
				errs.Add(p.pos(c.Pos()), "//lightstream:message is not in the comment of a type", "put it right above the type")
			}
		}
	}
	return list
}

// inline returns the names of the types that are marked //lightstream:struct: flatbuffers have them in place.
func (p *goPackage) inline(errs *model.Errors) map[string]bool {
	list := map[string]bool{}
	for _, f := range p.files {
		used := map[*ast.Comment]bool{}
		for _, decl := range f.ast.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.TYPE {
				continue
			}
			for _, one := range gen.Specs {
				spec, doc := one.(*ast.TypeSpec), gen.Doc
				if gen.Lparen.IsValid() {
					doc = spec.Doc
				}
				if doc == nil {
					continue
				}
				for _, c := range doc.List {
					rest, marked := directiveOf(c, "struct")
					if !marked {
						continue
					}
					used[c] = true
					if _, isStruct := spec.Type.(*ast.StructType); !isStruct || spec.TypeParams != nil || strings.TrimSpace(rest) != "" {
						errs.Add(p.pos(c.Pos()), fmt.Sprintf("%s in the comment of %s", strings.TrimSpace(c.Text), spec.Name.Name), "write //lightstream:struct above type … struct, one without type parameters")
						continue
					}
					list[spec.Name.Name] = true
				}
			}
		}
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				if _, marked := directiveOf(c, "struct"); marked && !used[c] {
					errs.Add(p.pos(c.Pos()), "//lightstream:struct is not in the comment of a type", "put it right above type … struct")
				}
			}
		}
	}
	return list
}

// inPlace tells whether the comment of a type marks it //lightstream:struct.
func inPlace(gen *ast.GenDecl, spec *ast.TypeSpec) bool {
	doc := gen.Doc
	if gen.Lparen.IsValid() {
		doc = spec.Doc
	}
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		rest, marked := directiveOf(c, "struct")
		return marked && strings.TrimSpace(rest) == ""
	})
}

// directiveOf returns what follows the word of a line //lightstream:word.
func directiveOf(c *ast.Comment, word string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(c.Text, directive+word)
	return rest, ok && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

// message reads the mark c of a type.
func (p *goPackage) message(f *goFile, spec *ast.TypeSpec, c *ast.Comment, rest string, errs *model.Errors) *message {
	m := &message{file: f, spec: spec}
	for word := range strings.FieldsSeq(rest) {
		codec, ok := strings.CutPrefix(word, "codec=")
		if !ok || codec == "" || m.codec != "" {
			errs.Add(p.pos(c.Pos()), fmt.Sprintf("%q after //lightstream:message", word), messageUsage)
			return nil
		}
		m.codec, m.codecPos = codec, c.Pos()+token.Pos(strings.Index(c.Text, "codec=")+len("codec="))
	}
	name := spec.Name.Name
	body, isStruct := spec.Type.(*ast.StructType)
	switch {
	case spec.TypeParams != nil:
		errs.Add(p.pos(spec.Name.Pos()), fmt.Sprintf("%s is marked as a message and has type parameters", name), "mark a type that has none")
	case spec.Assign.IsValid():
		errs.Add(p.pos(spec.Name.Pos()), fmt.Sprintf("%s is marked as a message and is an alias", name), fmt.Sprintf("declare it as a type of its own: type %s …", name))
	case name == "_":
		errs.Add(p.pos(spec.Name.Pos()), "a message without a name", "give the type one")
	case isInterface(spec.Type):
		errs.Add(p.pos(spec.Name.Pos()), fmt.Sprintf("%s is marked as a message and is an interface or a pointer", name), "mark a struct, or a type that a codec fills")
	case m.codec == "" && !isStruct:
		errs.Add(p.pos(spec.Name.Pos()), fmt.Sprintf("%s is marked as a message and not declared as a struct", name), "mark a struct, or name a codec: //lightstream:message codec=name")
	default:
		if m.codec == "" {
			m.body = body
		}
		return m
	}
	return nil
}

// isInterface tells of types that no method can be declared for.
func isInterface(t ast.Expr) bool {
	switch t.(type) {
	case *ast.InterfaceType, *ast.StarExpr:
		return true
	}
	return false
}

// methods returns the methods of the package's types that are written by hand, by type and name.
func (p *goPackage) methods() map[string]map[string]model.Pos {
	all := map[string]map[string]model.Pos{}
	for _, f := range p.files {
		if f.generated {
			continue
		}
		for _, decl := range f.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || len(fn.Recv.List) != 1 {
				continue
			}
			typ := fn.Recv.List[0].Type
			if star, ok := typ.(*ast.StarExpr); ok {
				typ = star.X
			}
			id, ok := typ.(*ast.Ident)
			if !ok {
				continue
			}
			if all[id.Name] == nil {
				all[id.Name] = map[string]model.Pos{}
			}
			all[id.Name][fn.Name.Name] = p.pos(fn.Name.Pos())
		}
	}
	return all
}

// messageDef returns the definition of a message.
func (s *structReader) messageDef(m *message, methods map[string]map[string]model.Pos) *model.Message {
	def := &model.Message{
		Pos: s.p.pos(m.spec.Name.Pos()), Type: m.spec.Name.Name, Doc: docOf(m.doc),
		Codec: m.codec, Methods: methods[m.spec.Name.Name],
	}
	if m.codec != "" {
		def.CodecPos = s.p.pos(m.codecPos)
		return def
	}
	failed := false
	for _, field := range m.body.Fields.List {
		columns, ok := s.field(field)
		def.Defs = append(def.Defs, columns...)
		failed = failed || !ok
	}
	if failed && len(def.Defs) == 0 {
		def.Defs = append(def.Defs, placeholder())
	}
	for i := range def.Defs {
		def.Slots = append(def.Slots, i)
	}
	def.NumSlots = len(def.Defs)
	return def
}

// protocols returns the protocols of f: lines
//
//	//lightstream:protocol Feed = Trade | Quote | Heartbeat
func (p *goPackage) protocols(f *goFile, errs *model.Errors) (list []*model.Protocol) {
	docs := map[*ast.CommentGroup]bool{f.ast.Doc: true} // of something else
	for _, decl := range f.ast.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			docs[decl.Doc] = true
		case *ast.GenDecl:
			docs[decl.Doc] = true
		}
	}
	for _, group := range f.ast.Comments {
		for _, c := range group.List {
			if rest, spaced := strings.CutPrefix(c.Text, "// lightstream:"); spaced {
				if word, _, _ := strings.Cut(rest, " "); word == "protocol" || word == "message" || word == "struct" {
					errs.Add(p.pos(c.Pos()), fmt.Sprintf("%q is an ordinary comment", c.Text), fmt.Sprintf("write //lightstream:%s, without a space", word))
				}
			}
			if rest, marked := directiveOf(c, "protocol"); marked {
				if def := p.protocol(c, rest, errs); def != nil {
					if !docs[group] {
						def.Doc = docOf(group)
					}
					list = append(list, def)
				}
			}
		}
	}
	return list
}

// protocol reads what stands behind //lightstream:protocol.
func (p *goPackage) protocol(c *ast.Comment, rest string, errs *model.Errors) *model.Protocol {
	start := c.Pos() + token.Pos(len(c.Text)-len(rest))
	name, members, found := strings.Cut(rest, "=")
	def := &model.Protocol{Pos: p.pos(c.Pos()), Name: strings.TrimSpace(name)}
	switch {
	case !found:
		errs.Add(def.Pos, fmt.Sprintf("%s names no members", strings.TrimSpace(c.Text)), protocolUsage)
		return nil
	case !model.IsIdentifier(def.Name):
		errs.Add(def.Pos, fmt.Sprintf("%q is no name for a protocol", def.Name), protocolUsage)
		return nil
	}
	at := start + token.Pos(len(name)+1)
	for member := range strings.SplitSeq(members, "|") {
		typ := strings.TrimSpace(member)
		pos := p.pos(at + token.Pos(len(member)-len(strings.TrimLeft(member, " \t"))))
		at += token.Pos(len(member) + 1)
		if !model.IsIdentifier(typ) {
			errs.Add(pos, fmt.Sprintf("%q is no name of a table or message", typ), protocolUsage)
			return nil
		}
		def.Members = append(def.Members, &model.Member{Pos: pos, Type: typ})
	}
	return def
}

// message returns the definition of a table of a schema that is marked as a message.
func (r *schemaReader) message(t *fbs.Table, a *fbs.Attr) *model.Message {
	def := &model.Message{Pos: modelPos(t.Pos), Type: model.CamelCase(t.Name), Name: model.SnakeCase(t.Name), Doc: docLines(t.Doc)}
	if n := r.value(t.Attrs, "arrow_name", `arrow_name: "heartbeat"`); n != nil {
		def.Name = n.Value
	}
	if n := r.value(t.Attrs, "go_name", `go_name: "Heartbeat"`); n != nil {
		def.Type = n.Value
		if !model.IsIdentifier(n.Value) || !token.IsExported(n.Value) {
			r.add(n.ValuePos, problemf("write one such as Heartbeat", "%q is no exported Go name", n.Value))
		}
	}
	if a.HasValue() {
		def.Codec, def.CodecPos = a.Value, modelPos(a.ValuePos)
		if len(t.Fields) > 0 {
			r.add(t.Fields[0].Pos, problemf("leave the fields out, or the codec", "message %s has a codec, which decides on its bytes, and fields", t.Name))
		}
		return def
	}
	failed := len(r.errs)
	r.open = append(r.open, t.Name)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	fields := rowFields(t.Fields)
	for _, f := range t.Fields {
		if f.Deprecated {
			continue
		}
		if c := r.column(f, fields[f]); c != nil {
			def.Defs, def.Slots = append(def.Defs, c), append(def.Slots, f.Slot)
		}
	}
	def.NumSlots = t.Slots
	if len(def.Defs) == 0 && len(r.errs) > failed {
		def.Defs, def.Slots = append(def.Defs, placeholder()), append(def.Slots, 0)
	}
	return def
}

// protocols returns the protocols of a schema: the unions of its main file that no field has.
func (r *schemaReader) protocols(tree *fbs.Schema) (list []*model.Protocol) {
	used := usedUnions(tree)
	for _, u := range tree.Main.Unions {
		if used[u] {
			continue
		}
		p := &model.Protocol{Pos: modelPos(u.Pos), Name: model.CamelCase(u.Name), Doc: docLines(u.Doc)}
		if n := r.value(u.Attrs, "go_name", `go_name: "Feed"`); n != nil {
			p.Name = n.Value
		}
		if !model.IsIdentifier(p.Name) || !token.IsExported(p.Name) {
			r.add(u.Pos, problemf(`give it one (go_name: "Feed")`, "protocol %s has no exported Go name", u.Name))
		}
		for i, m := range u.Members {
			switch {
			case int(m.Tag) != i+1:
				r.add(m.Pos, problemf("leave the number out", "%s has number %d; the members of protocol %s are numbered by their places", m.Name, m.Tag, u.Name))
			case m.Type.Kind != fbs.TableType:
				r.add(m.Pos, problemf("make a table of it", "%s, a member of protocol %s, is no table", m.Name, u.Name))
			case !inMain(tree, m.Type.Table):
				r.add(m.Pos, problemf("declare it in the file of the union, or the union in that of the table", "%s, a member of protocol %s, is declared in %s", m.Name, u.Name, m.Type.Table.Pos.File))
			case m.Name != m.Type.Table.Name:
				r.add(m.Pos, problemf("leave it out, or give the table a go_name", "%s is another name of %s, which protocol %s does not need", m.Name, m.Type.Table.Name, u.Name))
			default:
				p.Members = append(p.Members, &model.Member{Pos: modelPos(m.Pos), Type: goName(m.Type.Table)})
			}
		}
		if len(p.Members) == len(u.Members) {
			list = append(list, p)
		}
	}
	return list
}

// goName returns what a table is called in Go.
func goName(t *fbs.Table) string {
	if a := t.Attrs.Get("go_name"); a != nil {
		return a.Value
	}
	return model.CamelCase(t.Name)
}

func inMain(tree *fbs.Schema, t *fbs.Table) bool {
	for _, other := range tree.Main.Tables {
		if other == t {
			return true
		}
	}
	return false
}

// usedUnions are the unions that a field has, or its elements. All others are protocols.
func usedUnions(tree *fbs.Schema) map[*fbs.Union]bool {
	used := map[*fbs.Union]bool{}
	for _, t := range tree.Tables {
		for _, f := range t.Fields {
			typ := f.Type
			for typ.Elem != nil {
				typ = typ.Elem
			}
			if typ.Union != nil {
				used[typ.Union] = true
			}
		}
	}
	return used
}

// memberTables are the tables of the protocols, which are tables also where a field has them.
func memberTables(tree *fbs.Schema) map[*fbs.Table]bool {
	used, members := usedUnions(tree), map[*fbs.Table]bool{}
	for _, u := range tree.Main.Unions {
		for _, m := range u.Members {
			if !used[u] && m.Type.Table != nil {
				members[m.Type.Table] = true
			}
		}
	}
	return members
}
