package fbsgen

import (
	"fmt"
	"strings"

	"github.com/dave/jennifer/jen"
	"github.com/lightstream-go/lightstream/codegen/fbs"
)

// commentWidth is where comments are broken.
const commentWidth = 117

// comment is a doc comment: a sentence of the generator's, and what the schema says.
func comment(sentence string, doc []string) *jen.Statement {
	first, rest := firstParagraph(doc)
	lines := wrap(strings.TrimSpace(sentence + " " + first))
	if len(rest) > 0 {
		lines = append(append(lines, ""), rest...)
	}
	return commentLines(lines)
}

// fieldComment is the comment of a field's accessor. The schema's words follow after a colon.
func fieldComment(sentence string, doc []string) *jen.Statement {
	first, rest := firstParagraph(doc)
	if first == "" {
		return comment(sentence+".", nil)
	}
	return comment(sentence+": "+lowerFirst(first), append([]string{""}, rest...))
}

// firstParagraph joins the lines of doc up to the first empty one.
func firstParagraph(doc []string) (first string, rest []string) {
	for len(doc) > 0 && strings.TrimSpace(doc[0]) == "" {
		doc = doc[1:]
	}
	n := 0
	for n < len(doc) && strings.TrimSpace(doc[n]) != "" && !strings.HasPrefix(doc[n], " ") {
		n++
	}
	return strings.Join(doc[:n], " "), trimBlank(doc[n:])
}

func trimBlank(lines []string) []string {
	for len(lines) > 0 && lines[0] == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// wrap breaks a text into lines of at most commentWidth bytes where it can.
func wrap(text string) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > commentWidth {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

func commentLines(lines []string) *jen.Statement {
	s := &jen.Statement{}
	for i, line := range lines {
		if i > 0 {
			s.Line()
		}
		s.Comment("//" + strings.TrimRight(" "+line, " ")) // Comment keeps what begins with slashes as it is
	}
	return s
}

// documented puts a comment above code.
func documented(doc *jen.Statement, code ...jen.Code) jen.Code {
	return doc.Line().Add(code...)
}

// lineWidth is how wide a function on one line may be.
const lineWidth = 120

// short is a function of one statement, on one line if it fits.
func short(head *jen.Statement, body jen.Code) *jen.Statement {
	line := head.Clone().Op("{").Add(body).Op("}")
	if len(line.GoString()) <= lineWidth {
		return line
	}
	return head.Block(body)
}

// wrapper is a type that holds one value of the runtime's: type T struct{ t flatbuf.Table }.
func wrapper(name, field string, typ *jen.Statement) *jen.Statement {
	return jen.Type().Id(name).Op("struct{").Id(field).Add(typ).Op("}")
}

// goKind is how Go calls a kind of number, and what methods on the runtime's types are called after.
func goKind(k fbs.Kind) string {
	switch k {
	case fbs.Bool:
		return "bool"
	case fbs.Byte:
		return "int8"
	case fbs.UByte:
		return "uint8"
	case fbs.Short:
		return "int16"
	case fbs.UShort:
		return "uint16"
	case fbs.Int:
		return "int32"
	case fbs.UInt:
		return "uint32"
	case fbs.Long:
		return "int64"
	case fbs.ULong:
		return "uint64"
	case fbs.Float:
		return "float32"
	case fbs.Double:
		return "float64"
	}
	panic("fbsgen: no number: " + k.String())
}

// runtimeKind is the name of the runtime's methods for a kind of number: Int64.
func runtimeKind(k fbs.Kind) string { return upperFirst(goKind(k)) }

// builderKind is the same for the Builder, which says Byte for a ubyte.
func builderKind(k fbs.Kind) string {
	if k == fbs.UByte {
		return "Byte"
	}
	return runtimeKind(k)
}

// scalarType is the Go type of a number or an enum.
func (e *emitter) scalarType(t *fbs.Type) *jen.Statement {
	if t.Kind == fbs.EnumType {
		return jen.Id(e.model.enums[t.Enum].goName)
	}
	if t.Kind == fbs.UByte {
		return jen.Byte()
	}
	return jen.Id(goKind(t.Kind))
}

// scalar makes the Go value of a type from code that gives the number which holds it.
func (e *emitter) scalar(t *fbs.Type, code *jen.Statement) *jen.Statement {
	if t.Kind == fbs.EnumType {
		return jen.Id(e.model.enums[t.Enum].goName).Parens(code)
	}
	return code
}

// number makes the number that holds a value from code that gives the value.
func number(t *fbs.Type, code *jen.Statement) *jen.Statement {
	if t.Kind == fbs.EnumType {
		return jen.Id(goKind(t.Enum.Base)).Parens(code)
	}
	return code
}

// defined is the Go name of a table, struct or union.
func (e *emitter) defined(t *fbs.Type) string {
	switch t.Kind {
	case fbs.TableType:
		return e.model.tables[t.Table].goName
	case fbs.StructType:
		return e.model.structs[t.Struct].goName
	case fbs.UnionType:
		return e.model.unions[t.Union].goName
	}
	panic("fbsgen: no name for " + t.String())
}

// count is n things, with the plural of thing unless n is 1.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
