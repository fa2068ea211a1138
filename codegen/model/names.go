package model

import (
	"go/token"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// initialisms are the words that Go writes in one case.
var initialisms = map[string]bool{
	"api": true, "ascii": true, "cpu": true, "css": true, "dns": true, "eof": true, "gpu": true, "html": true, "http": true,
	"https": true, "id": true, "ip": true, "json": true, "os": true, "pid": true, "qps": true, "ram": true, "rpc": true,
	"rtt": true, "sql": true, "ssh": true, "tcp": true, "tls": true, "ttl": true, "udp": true, "ui": true, "uid": true,
	"uri": true, "url": true, "utc": true, "utf8": true, "uuid": true, "vm": true, "xml": true,
}

// words splits a name in snake or camel case into words in lower case.
func words(name string) []string {
	var list []string
	runes := []rune(name)
	isUpper := func(i int) bool { return i < len(runes) && unicode.IsUpper(runes[i]) }
	isLower := func(i int) bool { return i < len(runes) && unicode.IsLower(runes[i]) }
	from := 0
	cut := func(to int) {
		if to > from {
			list = append(list, strings.ToLower(string(runes[from:to])))
		}
		from = to
	}
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			cut(i)
			from = i + 1
		case isUpper(i) && i > from && !isUpper(i-1):
			cut(i) // orderID: order
		case isUpper(i) && i > from && isLower(i+1) && !plural(runes, i):
			cut(i) // HTTPServer: http
		}
	}
	cut(len(runes))
	return list
}

// plural tells whether the letter after i ends an initialism as its plural does: the s of IDs.
func plural(runes []rune, i int) bool {
	return runes[i+1] == 's' && (i+2 == len(runes) || !unicode.IsLower(runes[i+2]))
}

// SnakeCase returns the name of a Go field as a column: OrderID is order_id.
func SnakeCase(name string) string { return strings.Join(words(name), "_") }

// CamelCase returns the name of a column as an exported Go name: order_id is OrderID. It is "" for a name without letters.
func CamelCase(name string) string {
	var b strings.Builder
	for _, w := range words(name) {
		if initialisms[w] {
			b.WriteString(strings.ToUpper(w))
			continue
		}
		r, n := utf8.DecodeRuneInString(w)
		b.WriteRune(unicode.ToUpper(r))
		b.WriteString(w[n:])
	}
	s := b.String()
	if r, _ := utf8.DecodeRuneInString(s); s != "" && !unicode.IsUpper(r) {
		s = "X" + s // 2nd, or a script without cases
	}
	return s
}

// lowerCamel returns an exported name as a local one: OrderID is orderID and ID is id.
func lowerCamel(name string) string {
	runes := []rune(name)
	for i := range runes {
		last := i+1 == len(runes)
		if !unicode.IsUpper(runes[i]) {
			break
		}
		if i > 0 && !last && unicode.IsLower(runes[i+1]) && !plural(runes, i) {
			break // the S of HTTPServer
		}
		runes[i] = unicode.ToLower(runes[i])
	}
	return string(runes)
}

// names are those that are taken in one scope.
type names map[string]bool

func (n names) take(list ...string) {
	for _, name := range list {
		n[name] = true
	}
}

// free returns name, or name with a suffix if it is taken, and takes it. A second suffix is a number.
func (n names) free(name, suffix string) string {
	free := name
	for i := 2; n[free]; i++ {
		switch {
		case suffix == "":
			free = name + strconv.Itoa(i)
		case i == 2:
			free = name + suffix
		default:
			free = name + suffix + strconv.Itoa(i-1)
		}
	}
	n[free] = true
	return free
}

// IsIdentifier tells whether name can be declared in Go.
func IsIdentifier(name string) bool { return token.IsIdentifier(name) && name != "_" }

// methods are what batches and builders have beside the columns' accessors. Those of a batch and of its builder are one
// list, so that a column has the same name in both.
var methods = []string{
	"AppendTo", "Handle", "Len", "Release", "Retain", "Row", // of a batch
	"Append", "AppendRows", "BuilderBase", "Err", "Init", "Reset", "ResetDictionaries", "Truncate", // of a builder
}

// groupMethods are what views and builders of structs have beside the fields' accessors.
var groupMethods = []string{
	"IsNull", "Len", "Row", "Slice", // of a view
	"Append", "AppendBlank", "AppendNull", "AppendNullable", "AppendPtr", "AppendRows", "Children", "Data", "DataTo", "Err", "Fields", "Init", "Reset", "Size",
	"StructBuilder", "Truncate", // of a builder
}

// unionMethods are what views and builders of unions have beside the members' accessors.
var unionMethods = []string{
	"Index", "IsNull", "Len", "Row", "Slice", "Type", // of a view
	"Append", "AppendBlank", "AppendNull", "AppendRows", "Children", "Data", "DataTo", "End", "Err", "Init", "Members", "Refuse", "Reset", "Size",
	"Truncate", "UnionBuilder", // of a builder
}

// locals are the variables and predeclared names of generated functions, which a column's variable must not hide.
var locals = append([]string{"at", "b", "block", "dst", "from", "h", "i", "opts", "past", "row", "rows", "src", "texts"}, predeclared...)

// predeclared are the names that Go has in every file.
var predeclared = []string{
	"any", "append", "bool", "byte", "cap", "clear", "close", "comparable", "complex", "complex128", "complex64", "copy",
	"delete", "error", "false", "float32", "float64", "imag", "int", "int16", "int32", "int64", "int8", "iota", "len",
	"make", "max", "min", "new", "nil", "panic", "print", "println", "real", "recover", "rune", "string", "true", "uint",
	"uint16", "uint32", "uint64", "uint8", "uintptr",
}

// hiding are other variables of generated functions: columns' variables do not stand beside them, but types may be named there.
var hiding = []string{"d", "m", "o", "ok", "pos", "v"}

// groupBase returns what the names of what is declared for a type of a table begin with: the row's name and the type's, or, where
// the type's begins with the row's, the rest of it, if own says that this is nobody else's.
func groupBase(row, name string, own func(rest string) bool) string {
	if rest, ok := strings.CutPrefix(upperName(name), upperName(row)); ok && token.IsExported(rest) && own(rest) {
		return row + rest
	}
	return row + upperName(name)
}

// groupNames returns the names of what is declared for a struct or union of a table, which begin with base.
func groupNames(base string) GroupNames {
	upper := upperName(base)
	return GroupNames{
		View: base + "View", Builder: base + "Builder", NewBuilder: "new" + upper + "Builder",
		Columns: lowerCamel(upper) + "Columns", ReadRows: "read" + upper + "Rows",
	}
}

// tableNames returns the names of a table's declarations. They are exported where the row type is.
func tableNames(row string) Names {
	r, n := utf8.DecodeRuneInString(row)
	upper := string(unicode.ToUpper(r)) + row[n:]
	lower := lowerCamel(upper)
	names := Names{
		Table: row + "Table", Columns: lower + "Columns",
		Reader: row + "Reader", NewReader: "New" + upper + "Reader",
		Writer: row + "Writer", NewWriter: "New" + upper + "Writer",
		Batch: row + "Batch", NewBatch: "new" + upper + "Batch",
		Builder: row + "Builder", NewBuilder: "New" + upper + "Builder",
		ReadRows: "read" + upper + "Rows",
		Framer:   row + "Framer", NewFramer: "New" + upper + "Framer",
	}
	if !token.IsExported(row) {
		names.NewReader, names.NewWriter, names.NewBuilder = "new"+upper+"Reader", "new"+upper+"Writer", "new"+upper+"Builder"
		names.NewFramer = "new" + upper + "Framer"
	}
	return names
}
