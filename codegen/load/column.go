package load

import "github.com/lightstream-go/lightstream/codegen/model"

// applyTag sets what the options of a tag say of column c, whose Go type is goType.
func applyTag(c *model.ColumnDef, t *tag, goType string, errs *model.Errors) {
	c.Name, c.NamePos = t.name, t.namePos
	if t.name == "" {
		c.NamePos = c.Pos
	}
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
	if value := find(t.options, "default"); value != nil {
		setDefault(c, value, errs)
	}
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
		return problemf(knownOptions, "unknown option %q", o.text)
	}
	if o.kind != form.kind && !(o.kind == 0 && form.bare) || o.kind != 0 && o.arg == "" && o.name != "default" {
		return problemf("write "+form.example, "option %q", o.text)
	}
	switch o.name {
	case "dict":
		if c.Type.Kind == model.Binary {
			return problemf("leave it out, or use string", "dict on %s is not supported by this version", goType)
		}
		if c.Type.Kind != model.Utf8 {
			return problemf("leave it out", "dict is for strings, found %s", goType)
		}
		index, p := parseIndex(o.arg)
		c.Index = &index
		return p
	case "timestamp":
		if c.Type == kinds["int64"] {
			return problemf("use time.Time", "timestamp on %s is not supported by this version", goType)
		}
		if c.Type.Kind != model.Timestamp {
			return problemf("leave it out", "timestamp is for time.Time, found %s", goType)
		}
		if o.kind == 0 {
			return nil
		}
		t, p := parseTimestamp(o.arg, form.example)
		if p == nil {
			c.Type = t
		}
		return p
	case "naive":
		if c.Type.Kind != model.Timestamp {
			return problemf("leave it out", "naive is for time.Time, found %s", goType)
		}
		if o.arg != "UTC" {
			return problemf("write naive=UTC", "option %q", o.text)
		}
		c.NaiveUTC = true
	case "required":
		if c.Type.Kind != model.Binary {
			remedy := "leave it out"
			if c.Nullable {
				remedy = "use the type itself, which is never null"
			}
			return problemf(remedy, "required is for slices, found %s", goType)
		}
		c.Nullable = false
	case "was":
		c.Was, c.WasPos = o.arg, o.pos
	case "go":
		c.Method, c.MethodPos = o.arg, o.pos
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
