// Package load reads definitions of tables: Go structs marked //lightstream:table, and .fbs files.
//
//	struct field, tag, comment ─┐
//	                            ├─ model.Def ── model.Build ── *model.File, one for each source file
//	.fbs field, attribute, doc ─┘
//
// What cannot be expressed is reported as [model.Errors], all at once, each with its place, what was found and what would
// be right.
package load

import (
	"path"
	"strings"
)

// Generated tells whether a file of this name is one that the generator writes, which a front end does not read.
func Generated(name string) bool {
	return strings.HasSuffix(name, "_lightstream.go") || strings.HasSuffix(name, "_lightstream_test.go")
}

// output returns the name of the file that is generated from a Go file: trade_lightstream.go from trade.go, and
// trade_lightstream_test.go from trade_test.go, which is compiled when that is.
func output(name string) string {
	base, test := strings.CutSuffix(strings.TrimSuffix(name, ".go"), "_test")
	if test {
		return base + "_lightstream_test.go"
	}
	return base + "_lightstream.go"
}

// outputs returns the names of the files that are generated from a .fbs file: trades_lightstream.go and trades_rows.go.
func outputs(name string) (tables, rows string) {
	base := strings.TrimSuffix(path.Base(name), path.Ext(name))
	base = strings.TrimSuffix(base, "_test") // which would make them files of a test
	return base + "_lightstream.go", base + "_rows.go"
}
