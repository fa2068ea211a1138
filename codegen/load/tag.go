package load

import (
	"fmt"
	"go/ast"
	"go/token"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// knownOptions is what a tag may say after the column's name.
const knownOptions = "the options are dict, dict(int16), timestamp(us,UTC), naive=UTC, date32, date64, time32(ms), time64(us), " +
	"duration(us), decimal(38,10), uuid, large, view, sparse, ree, item(…), key(…), value(…), required, default=0, was=old, go=Name"

// tagKey finds the keys of a tag.
var tagKey = regexp.MustCompile(`([^\s":` + "`" + `]+):"(?:[^"\\]|\\.)*"`)

// misspelt returns the key of a tag that is one slip away from arrow, and where it begins, or "" if there is none.
func misspelt(text string) (key string, at int) {
	for _, m := range tagKey.FindAllStringSubmatchIndex(text, -1) {
		if key := text[m[2]:m[3]]; isSlip(strings.ToLower(key), "arrow") && key != "narrow" {
			return key, m[2]
		}
	}
	return "", 0
}

// isSlip tells whether a word is another, or that with a letter too many, one missing, one wrong or two swapped.
func isSlip(word, of string) bool {
	start := 0
	for start < min(len(word), len(of)) && word[start] == of[start] {
		start++
	}
	a, b := word[start:], of[start:]
	cut := func(s string, n int) string { return s[min(n, len(s)):] }
	return cut(a, 1) == b || a == cut(b, 1) || cut(a, 1) == cut(b, 1) ||
		len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
}

// tag is a field's struct tag:
//
//	arrow:"name,option,option(a,b),key=value"
type tag struct {
	skip    bool
	name    string
	namePos model.Pos
	options []option
}

type option struct {
	pos  model.Pos
	text string // as written
	name string
	arg  string // in parentheses or after the equals sign
	kind byte   // '(' or '=', 0 without an argument
}

// pairs is what reflect.StructTag reads.
var pairs = regexp.MustCompile(`^(\s*[^\s":` + "`" + `]+:"([^"\\]|\\.)*")*\s*$`)

// parseTag reads the tag of a field. ok is false where there is none.
func parseTag(lit *ast.BasicLit, pos func(token.Pos) model.Pos, errs *model.Errors) (t tag, ok bool) {
	if lit == nil {
		return tag{}, false
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return tag{}, false // a syntax error, which has been reported
	}
	value, ok := reflect.StructTag(text).Lookup("arrow")
	if !ok {
		if key, at := misspelt(text); key != "" {
			keyPos := pos(lit.Pos())
			if lit.Value[0] == '`' {
				keyPos = pos(lit.Pos() + token.Pos(1+at))
			}
			errs.Add(keyPos, fmt.Sprintf("tag key %q, which nobody reads", key), `write arrow:"…"`)
			return tag{}, false
		}
		if strings.Contains(text, "arrow") && !pairs.MatchString(text) {
			errs.Add(pos(lit.Pos()), "tag "+lit.Value+` is not made of key:"value" pairs`, "write `arrow:\"name\"`, without spaces around the colon")
		}
		return tag{}, false
	}
	// at is the place of byte i of the value, or the tag itself where escapes make that hard to tell.
	start := strings.Index(lit.Value, `arrow:"`) + len(`arrow:"`)
	at := func(i int) model.Pos {
		if lit.Value[0] != '`' || !strings.HasPrefix(lit.Value[start:], value+`"`) {
			return pos(lit.Pos())
		}
		return pos(lit.Pos() + token.Pos(start+i))
	}
	if value == namesNothing {
		return tag{skip: true}, true
	}
	parts := splitOptions(value)
	for i, part := range parts {
		text := strings.TrimSpace(part.text)
		partPos := at(part.offset + strings.Index(part.text, text))
		if i == 0 {
			if optionAsName(text, len(parts) == 1) {
				errs.Add(partPos, fmt.Sprintf("option %s stands where the name of the column does", text),
					fmt.Sprintf(`write arrow:",%s" or arrow:"name,%s"`, text, text)+calledSo(text))
				continue
			}
			t.name, t.namePos = text, partPos
			continue
		}
		o, p := parseOption(text)
		if p != nil {
			errs.Add(partPos, p.found, p.remedy)
			continue
		}
		o.pos = partPos
		t.options = append(t.options, o)
	}
	return t, true
}

// optionAsName tells whether a name is an option from which the comma before it is missing. Words that are good names are names.
func optionAsName(text string, alone bool) bool {
	word, _, found := strings.Cut(text, "(")
	if !found {
		word, _, found = strings.Cut(text, "=")
	}
	if _, is := optionForms[word]; is && found {
		return true
	}
	return alone && (text == "dict" || text == "ree")
}

// calledSo says how a column is called like an option, where that can be.
func calledSo(text string) string {
	if strings.ContainsAny(text, "(=") {
		return ""
	}
	return fmt.Sprintf(`; a column that is called %s also says what its accessor is called, as in arrow:"%s,go=Name"`, text, text)
}

type part struct {
	offset int
	text   string
}

// splitOptions splits at commas outside of parentheses.
func splitOptions(value string) []part {
	var list []part
	depth, from := 0, 0
	for i := range len(value) {
		switch value[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth <= 0 {
				list = append(list, part{from, value[from:i]})
				from = i + 1
			}
		}
	}
	return append(list, part{from, value[from:]})
}

// fitsTag tells whether text can stand in a tag as a name or value.
func fitsTag(text string) bool {
	parts := splitOptions(text + ",")
	return len(parts) == 2 && parts[0].text == text && strings.TrimSpace(text) == text && !strings.Contains(text, "`")
}

// namesNothing is the text of a tag that leaves its field out.
const namesNothing = "-"

const namesNothingRemedy = "use another name"

const fitsTagRemedy = "use one without commas, backquotes, outer spaces and odd parentheses"

// parseOption reads name, name(arg) or name=arg.
func parseOption(text string) (option, *problem) {
	o := option{text: text, name: text}
	i := strings.IndexAny(text, "(=")
	if i >= 0 {
		o.name, o.kind, o.arg = strings.TrimSpace(text[:i]), text[i], strings.TrimSpace(text[i+1:])
	}
	if o.kind == '(' {
		arg, closed := strings.CutSuffix(o.arg, ")")
		if !closed {
			return o, problemf("close it", "option %q has no closing parenthesis", text)
		}
		o.arg = strings.TrimSpace(arg)
	}
	if text == "" {
		return o, problemf("drop the comma; "+knownOptions, "an empty option")
	}
	return o, nil
}
