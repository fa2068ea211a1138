// Package define writes definitions of tables, for the front ends of package load to read: what a Go struct or a .fbs file has to
// say so that its table has the columns that another one has.
//
//	model.File ─┬─ Go:  structs with tags
//	            └─ FBS: tables with attributes
//
// What a form has no words for is an error that names the column.
package define

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/emit"
	"github.com/lightstream-go/lightstream/codegen/model"
)

// Go returns a Go file that defines the tables of f.
func Go(f *model.File) ([]byte, error) { return emit.Definition(f) }

// FBS returns a .fbs file that defines the one table of f.
func FBS(f *model.File) ([]byte, error) {
	w := &fbsWriter{taken: map[string]bool{}, groups: map[*model.GroupDef]string{}}
	t := f.Tables[0]
	// Tables that are the type of a field are parts of rows; the root is not.
	name := w.free(t.Row)
	w.table(name, t.Row, t.Name, t.Columns, "")
	if err := w.errs.Err(); err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString("include \"lightstream.fbs\";\n")
	slices.Reverse(w.decls) // each after those that it has
	for _, d := range w.decls {
		b.WriteString("\n" + d)
	}
	fmt.Fprintf(&b, "\nroot_type %s;\n", name)
	return []byte(b.String()), nil
}

// fbsWriter writes the declarations of a .fbs file.
type fbsWriter struct {
	errs   model.Errors
	decls  []string
	taken  map[string]bool // names of tables and structs
	groups map[*model.GroupDef]string
	empty  string // the table without fields, "" while there is none
	wide   string // the struct of 32 bytes, likewise
}

// free returns a name that no table has, and takes it.
func (w *fbsWriter) free(name string) string {
	free := name
	for i := 2; w.taken[free]; i++ {
		free = fmt.Sprint(name, i)
	}
	w.taken[free] = true
	return free
}

// table adds a table whose struct in Go is called row. Its own name in Arrow is "" where it is a part of rows.
func (w *fbsWriter) table(name, row, arrow string, columns []*model.Column, path string) {
	at := len(w.decls)
	w.decls = append(w.decls, "") // those below it come later
	var b strings.Builder
	var attrs []string
	if arrow != "" && arrow != model.SnakeCase(name) {
		attrs = append(attrs, "arrow_name: "+quote(arrow))
	}
	if row != "" && row != model.CamelCase(name) {
		attrs = append(attrs, "go_name: "+quote(row))
	}
	fmt.Fprintf(&b, "table %s%s {\n", name, list(attrs))
	taken := map[string]bool{}
	for _, c := range columns {
		field, ok := fieldName(c, taken)
		var attrs []string
		if !ok {
			attrs = append(attrs, "arrow_name: "+quote(c.Name))
		}
		f, p := w.field(c, path+c.Name)
		if p != "" {
			w.errs.Add(c.Pos, fmt.Sprintf("column %q: %s", path+c.Name, p), "write the definition as Go")
			continue
		}
		for _, line := range c.Doc {
			b.WriteString(strings.TrimRight("  /// "+line, " ") + "\n")
		}
		fmt.Fprintf(&b, "  %s: %s%s%s;\n", field, f.typ, f.value, list(append(attrs, f.attrs...)))
	}
	b.WriteString("}\n")
	w.decls[at] = b.String()
}

// list writes attributes.
func list(attrs []string) string {
	if len(attrs) == 0 {
		return ""
	}
	return " (" + strings.Join(attrs, ", ") + ")"
}

// quote writes a text as the language has it.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7F:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// words are those that are no names of fields, or not in every reader of the language.
var words = []string{
	"attribute", "bool", "byte", "double", "enum", "false", "file_extension", "file_identifier", "float", "float32", "float64", "include", "inf", "int",
	"int16", "int32", "int64", "int8", "long", "namespace", "nan", "native_include", "null", "root_type", "rpc_service", "short", "string", "struct", "table",
	"true", "ubyte", "uint", "uint16", "uint32", "uint64", "uint8", "ulong", "union", "ushort", "infinity",
}

// fieldName returns the name of a field that no other has. It is that of the column where ok is true.
func fieldName(c *model.Column, taken map[string]bool) (name string, ok bool) {
	name, ok = c.Name, isName(c.Name) && !slices.Contains(words, c.Name)
	if !ok {
		name = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				return r
			}
			return '_'
		}, c.Name)
		if !isName(name) || slices.Contains(words, name) {
			name = "f_" + name
		}
	}
	free := name
	for i := 2; taken[free]; i++ {
		free = fmt.Sprint(name, "_", i)
	}
	taken[free] = true
	return free, ok && free == name
}

func isName(s string) bool {
	for i, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || i > 0 && r >= '0' && r <= '9') {
			return false
		}
	}
	return s != ""
}
