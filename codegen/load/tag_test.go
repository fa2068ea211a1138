package load

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// A name or default that fits a tag is read back from it as it was.
func TestFitsTag(t *testing.T) {
	for text, want := range map[string]bool{
		"price": true, "row (from 1)": true, "日本 語": true, `say "x"`: true, `a\b`: true, "": true, "a=b": true, "-": true,
		"a,b": false, " a": false, "a ": false, "a(b": false, "a)b,": false, "a`b": false, "(a,b)": true,
	} {
		if got := fitsTag(text); got != want {
			t.Errorf("fitsTag(%q) = %v, want %v", text, got, want)
		}
		if !want {
			continue
		}
		for _, rest := range []string{"", ",dict", ",was=x"} {
			parsed, errs := parse("`arrow:" + strconv.Quote(text+rest) + "`")
			if text == "-" && rest == "" {
				continue // which is no column
			}
			if len(errs) > 0 || parsed.name != text || len(parsed.options) != strings.Count(rest, ",") {
				t.Errorf("tag %q is read as %+v, %v", text+rest, parsed, errs)
			}
		}
	}
}

func parse(literal string) (tag, model.Errors) {
	var errs model.Errors
	parsed, _ := parseTag(&ast.BasicLit{ValuePos: 1, Kind: token.STRING, Value: literal}, func(at token.Pos) model.Pos {
		return model.Pos{File: "x.go", Line: 1, Col: int(at)}
	}, &errs)
	return parsed, errs
}

// Errors lie in the literal, whatever that is.
func FuzzTag(f *testing.F) {
	for _, literal := range []string{
		"`arrow:\"price\"`", "`json:\"x\" arrow:\"a,dict(int16),timestamp(us,UTC),was=x,go=Y,default=1,required,naive=UTC\"`",
		"\"arrow:\\\"a,dict\\\"\"", "`arrow: \"a\"`", "`arrow:\"a,(\"`", "`xarrow:\"b\" arrow:\"a,)(,\"`", "`arrow:\"\"`",
	} {
		f.Add(literal)
	}
	types := []model.Type{kinds["string"], kinds["int64"], kinds["bool"], kinds["float32"], model.TimestampNanoUTC, {Kind: model.Binary}}
	f.Fuzz(func(t *testing.T, literal string) {
		if _, err := strconv.Unquote(literal); err != nil || len(literal) < 2 || literal[0] == '\'' {
			t.Skip("no literal")
		}
		parsed, errs := parse(literal)
		for _, typ := range types {
			c := &model.ColumnDef{Pos: model.Pos{File: "x.go", Line: 1, Col: 1}, Field: "X", Type: typ}
			applyTag(c, &parsed, "T", &errs)
		}
		for _, err := range errs {
			if err.Pos.Col < 1 || err.Pos.Col > len(literal) || err.Found == "" || err.Remedy == "" {
				t.Errorf("%q: %v", literal, err)
			}
		}
	})
}
