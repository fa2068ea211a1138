package load

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// applyTag sets what the options of a tag say of column c, whose Go type is goType.
func applyTag(c *model.ColumnDef, t *tag, goType string, errs *model.Errors) {
	c.Name, c.NamePos = t.name, t.namePos
	if t.name == "" {
		c.NamePos = c.Pos
	}
	before := len(*errs)
	seen := map[string]bool{}
	for _, o := range t.options {
		var p *problem
		switch {
		case seen[o.name]:
			p = problemf("say it once", "option %s is there twice", o.name)
		default:
			p = applyOption(c, &o, goType)
		}
		seen[o.name] = true
		if p != nil {
			errs.Add(o.pos, p.found, p.remedy)
		}
	}
	if naive := find(t.options, "naive"); naive != nil && c.Type.Kind == model.Timestamp && c.Type.Zone == "" {
		errs.Add(naive.pos, "naive=UTC on a timestamp that has no zone itself", "drop one of them")
	}
	if c.Type.Kind != model.Decimal || find(t.options, "decimal") == nil {
		wantDigits(c, c, "%s", goType, errs)
	}
	if value := find(t.options, "default"); value != nil {
		setDefault(c, value, errs)
	}
	if ree := find(t.options, "ree"); ree != nil && len(*errs) == before {
		if p := setRuns(c, ree.arg, goType); p != nil {
			errs.Add(ree.pos, p.found, p.remedy)
		}
	}
}

// wantDigits reports a decimal, in column c or below it, of which nobody has said how many digits it has. Option says where that
// would be said.
func wantDigits(top, c *model.ColumnDef, option, goType string, errs *model.Errors) {
	if c.Type.Kind == model.Decimal && c.Type.Precision == 0 {
		errs.Add(top.Pos, fmt.Sprintf("field %s: %s does not say how many digits it has", top.Field, goType),
			fmt.Sprintf("tag it `arrow:\",%s\"`", fmt.Sprintf(option, fmt.Sprintf("decimal(%d,2)", model.MaxPrecision(c.Type.Bits)))))
	}
	for i, part := range c.Parts {
		below := option // where ree stands too
		if c.Type.Kind != model.RunEnds {
			below = fmt.Sprintf(option, partOptions(c)[i]+"(%s)")
		}
		wantDigits(top, part, below, goType, errs)
	}
}

// partOptions are the options for the columns below one.
func partOptions(c *model.ColumnDef) []string {
	if c.Type.Kind == model.Map {
		return []string{"key", "value"}
	}
	return []string{"item"}
}

func find(options []option, name string) *option {
	for i := range options {
		if options[i].name == name {
			return &options[i]
		}
	}
	return nil
}

func setDefault(c *model.ColumnDef, o *option, errs *model.Errors) {
	if c.Index != nil && c.Type.Kind == model.Int {
		errs.Add(o.pos, "a default for a dictionary of integers is not supported by this version", "leave it out, or make the column nullable")
		return
	}
	text, p := parseDefault(c.Type, o.arg)
	if p != nil {
		errs.Add(o.pos, p.found, p.remedy)
		return
	}
	c.Default, c.HasDefault = text, true
}

// applyOption sets what one option says.
func applyOption(c *model.ColumnDef, o *option, goType string) *problem {
	form, known := optionForms[o.name]
	if !known {
		if _, isLater := later[o.name]; isLater {
			return laterProblem("option "+o.text, o.name)
		}
		if remedy := instead[o.name]; remedy != "" {
			return problemf(remedy, "unknown option %q", o.text)
		}
		return problemf(knownOptions, "unknown option %q", o.text)
	}
	if o.kind != form.kind && !(o.kind == 0 && form.bare) || o.kind != 0 && o.arg == "" && o.name != "default" {
		return problemf("write "+form.example, "option %q", o.text)
	}
	if p := applyType(c, o, goType, form.example); p != nil {
		if k := c.Type.Kind; (k == model.List || k == model.FixedList) && typeOptions[o.name] {
			p.remedy = fmt.Sprintf("write item(%s)", o.text)
		}
		return p
	}
	switch o.name {
	case "item", "key", "value":
		i := slices.Index(partOptions(c), o.name)
		if len(c.Parts) <= i || i < 0 {
			return problemf("leave it out", "%s on %s", o.name, goType)
		}
		return applyPart(c.Parts[i], o, goType)
	case "naive":
		if c.Type.Kind != model.Timestamp {
			return problemf("leave it out", "naive is for timestamps, found %s", goType)
		}
		if o.arg != "UTC" {
			return problemf("write naive=UTC", "option %q", o.text)
		}
		c.NaiveUTC = true
	case "required":
		if k := c.Type.Kind; k != model.Binary && k != model.List && k != model.Map {
			remedy := "leave it out"
			if c.Nullable {
				remedy = "use the type itself, which is never null"
			}
			return problemf(remedy, "required is for slices and maps, found %s", goType)
		}
		c.Nullable = false
	case "was":
		c.Was, c.WasPos = o.arg, o.pos
	case "go":
		c.Method, c.MethodPos = o.arg, o.pos
	}
	return nil
}

// typeOptions are those that say what the values are.
var typeOptions = map[string]bool{
	"dict": true, "timestamp": true, "date32": true, "date64": true, "time32": true, "time64": true, "duration": true, "decimal": true,
	"uuid": true, "naive": true, "sparse": true, "ree": true,
}

// applyPart sets what the options in item(…), key(…) or value(…) say of a column below another.
func applyPart(c *model.ColumnDef, o *option, goType string) *problem {
	seen, runs := map[string]bool{}, option{}
	for _, part := range splitOptions(o.arg) {
		inner, p := parseOption(strings.TrimSpace(part.text))
		switch {
		case p != nil:
		case seen[inner.name]:
			p = problemf("say it once", "option %s is there twice", inner.name)
		case inner.name == "was" || inner.name == "go" || inner.name == "default":
			p = problemf("leave it out", "option %s inside of %s", inner.name, o.name)
		default:
			p = applyOption(c, &inner, o.name+" of "+goType)
		}
		if p != nil {
			return p
		}
		if seen[inner.name] = true; inner.name == "ree" {
			runs = inner
		}
	}
	if seen["ree"] {
		return setRuns(c, runs.arg, o.name+" of "+goType)
	}
	return nil
}

// applyType sets what an option says of the column's type.
func applyType(c *model.ColumnDef, o *option, goType, example string) *problem {
	set := func(t model.Type, p *problem) *problem {
		if p == nil {
			c.Type = t
		}
		return p
	}
	span := c.Type.Kind == model.Duration || c.Type.Kind == model.Time
	isTime := c.Type.Kind == model.Timestamp && !c.Raw
	switch o.name {
	case "dict":
		return setDictionary(c, o.arg, goType)
	case "large", "view":
		return setLayout(c, model.Layout(o.name), goType)
	case "sparse":
		return setSparse(c, goType)
	case "uuid":
		if c.Type.Kind != model.FixedBinary || c.Type.Width != 16 {
			return problemf("use [16]byte", "uuid on %s", goType)
		}
		c.Type.UUID = true
	case "timestamp":
		switch {
		case c.AsTime:
			return problemf("drop one of them", "timestamp on a column that is a date")
		case c.Type == kinds["int64"] && c.Index == nil && o.kind == 0:
			return problemf("write "+example, "timestamp without a unit on %s", goType)
		case c.Type == kinds["int64"] && c.Index == nil:
			c.Raw = true
		case c.Type.Kind != model.Timestamp:
			return problemf("leave it out", "timestamp is for time.Time and int64, found %s", goType)
		}
		if o.kind != 0 {
			return set(parseTimestamp(o.arg, example))
		}
	case "date32", "date64":
		switch {
		case c.AsTime:
			return problemf("drop one of them", "%s on a column that is %v", o.name, c.Type)
		case c.Type.Kind == model.Date:
			return problemf("leave it out", "%s is %v by itself", goType, c.Type)
		case !isTime:
			return problemf("leave it out", "%s is for time.Time, found %s", o.name, goType)
		case c.Type != model.TimestampNanoUTC:
			return problemf("drop one of them", "%s on a column that is %v", o.name, c.Type)
		}
		c.AsTime = true
		c.Type = model.Type{Kind: model.Date, Bits: 32}
		if o.name == "date64" {
			c.Type.Bits = 64
		}
	case "time32", "time64", "duration":
		switch {
		case !span:
			return problemf("leave it out", "%s is for time.Duration, found %s", o.name, goType)
		case c.Type.Kind == model.Time:
			return problemf("drop one of them", "%s on a column that is %v", o.name, c.Type)
		case o.name == "time32":
			return set(parseTime(32, o.arg, example))
		case o.name == "time64":
			return set(parseTime(64, o.arg, example))
		}
		return set(parseDuration(o.arg, example))
	case "decimal":
		if c.Type.Kind != model.Decimal {
			return problemf("leave it out, or use rt.Decimal128", "decimal is for rt.Decimal32 to rt.Decimal256, found %s", goType)
		}
		return set(parseDecimal(c.Type.Bits, goType, o.arg, example))
	}
	return nil
}

// optionForms says how the options are written.
var optionForms = map[string]struct {
	kind    byte
	bare    bool // may also be without an argument
	example string
}{
	"dict":      {'(', true, "dict or dict(int16)"},
	"timestamp": {'(', true, "timestamp(us,UTC), or timestamp(us) for wall-clock times; units are s, ms, us and ns"},
	"date32":    {0, true, "date32"},
	"date64":    {0, true, "date64"},
	"time32":    {'(', true, "time32, time32(s) or time32(ms)"},
	"time64":    {'(', true, "time64, time64(us) or time64(ns)"},
	"duration":  {'(', true, "duration or duration(us); units are s, ms, us and ns"},
	"decimal":   {'(', false, "decimal(38,10): how many digits, and how many of them after the point"},
	"large":     {0, true, "large"},
	"view":      {0, true, "view"},
	"uuid":      {0, true, "uuid"},
	"sparse":    {0, true, "sparse"},
	"ree":       {'(', true, "ree or ree(int16); run ends are int16, int32 or int64"},
	"item":      {'(', false, "item(dict), what it says being of the items"},
	"key":       {'(', false, "key(dict), what it says being of the keys"},
	"value":     {'(', false, "value(dict), what it says being of the values"},
	"naive":     {'=', false, "naive=UTC"},
	"required":  {0, true, "required"},
	"default":   {'=', false, "default=0"},
	"was":       {'=', false, "was=old"},
	"go":        {'=', false, "go=Name"},
}

// kinds are the Arrow types of Go's basic types.
var kinds = map[string]model.Type{
	"bool":    {Kind: model.Bool},
	"string":  {Kind: model.Utf8},
	"int8":    {Kind: model.Int, Bits: 8, Signed: true},
	"int16":   {Kind: model.Int, Bits: 16, Signed: true},
	"int32":   {Kind: model.Int, Bits: 32, Signed: true},
	"int64":   {Kind: model.Int, Bits: 64, Signed: true},
	"uint8":   {Kind: model.Int, Bits: 8},
	"uint16":  {Kind: model.Int, Bits: 16},
	"uint32":  {Kind: model.Int, Bits: 32},
	"uint64":  {Kind: model.Int, Bits: 64},
	"float32": {Kind: model.Float, Bits: 32},
	"float64": {Kind: model.Float, Bits: 64},
}
