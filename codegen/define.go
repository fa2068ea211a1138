package codegen

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/define"
	"github.com/lightstream-go/lightstream/codegen/load"
	"github.com/lightstream-go/lightstream/codegen/model"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// DefineOptions are the settings of [Define].
type DefineOptions struct {
	// As is the form of the definition: "go" or "fbs". Empty means "go".
	As string
	// Source is what errors call the schema, such as the name of its file.
	Source string
	// Table is the name of the table, such as trade. Empty means the base name of Source.
	Table string
	// Package is the name of the Go package. Empty means one made of the table's name.
	Package string
}

// Define returns a definition from which Generate makes a table with the schema's columns: their names, types and nullability, not
// their metadata. Of what tables have no type for, a definition has the nearest that readers convert it to, with a comment. What a table or
// the form cannot express is an error of type [model.Errors], which names each such column.
func Define(schema *ipc.Schema, opt *DefineOptions) ([]byte, error) {
	f, err := load.Schema(opt.Source, schema, &load.ArrowOptions{Package: cmp.Or(opt.Package, "p"), Table: opt.Table})
	if err != nil {
		return nil, err
	}
	switch opt.As {
	case "", "go":
		f.Package = cmp.Or(opt.Package, packageFor(f.Tables[0].Name))
		return define.Go(f)
	case "fbs":
		return define.FBS(f)
	}
	return nil, fmt.Errorf("a definition as %q; there are go and fbs", opt.As)
}

// packageFor returns the name of a package for a table.
func packageFor(table string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(table))
	if !model.IsIdentifier(name) || name == "main" {
		return "table" + name
	}
	return name
}
