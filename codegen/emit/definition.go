package emit

import (
	"bytes"
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// Definition returns a Go file that defines f's tables by structs: those of [Rows], marked and for their owner to change.
func Definition(f *model.File) ([]byte, error) {
	out := newFile(f, f.RowImports)
	empty := map[string]bool{}
	for _, t := range f.Tables {
		out.Line()
		out.Add(emitDefinition(t))
		for _, g := range t.Groups {
			for _, code := range emitGroupType(g, empty) {
				out.Line()
				out.Add(code)
			}
		}
	}
	text, err := render(out, f.Source)
	if err != nil {
		return nil, err
	}
	_, text, _ = bytes.Cut(text, []byte("\n\n")) // the line that says that it is generated
	return text, nil
}

// emitDefinition writes
//
//	// Trade is a row of table "trade".
//	//
//	//lightstream:table
//	type Trade struct {
//		Time time.Time `arrow:"time"`
//	}
func emitDefinition(t *model.Table) jen.Code {
	mark := "//lightstream:table"
	if t.Name != model.SnakeCase(t.Row) {
		mark += " " + t.Name
	}
	return emitStruct(t.Row, []string{"// " + t.Row + " is a row of table " + strconv.Quote(t.Name) + ".", "//", mark}, t.Columns)
}
