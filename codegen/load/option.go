package load

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // so that the same zones are known on every machine

	"github.com/lightstream-go/lightstream/codegen/model"
)

// problem is what is wrong with an option, and what would be right.
type problem struct{ found, remedy string }

func problemf(remedy, format string, args ...any) *problem {
	return &problem{fmt.Sprintf(format, args...), remedy}
}

var (
	zoneName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+/-]*$`)
	zoneOffset = regexp.MustCompile(`^[+-]([01]\d|2[0-3]):[0-5]\d$`)
)

// isZone tells whether a zone is an offset or has a name that the IANA database knows, of which package time/tzdata has a
// copy for machines that have none.
func isZone(zone string) bool {
	if !zoneName.MatchString(zone) || zone == "Local" {
		return zoneOffset.MatchString(zone)
	}
	_, err := time.LoadLocation(zone)
	return err == nil
}

// parseTimestamp reads "us,UTC" or "us". Forms tells how to write it.
func parseTimestamp(spec, forms string) (model.Type, *problem) {
	unit, z, zoned := strings.Cut(spec, ",")
	t := model.Type{Kind: model.Timestamp, Unit: model.Unit(strings.TrimSpace(unit)), Zone: strings.TrimSpace(z)}
	if !slices.Contains(model.Units, t.Unit) {
		return t, problemf("write "+forms, "unit %q of a timestamp", t.Unit)
	}
	switch {
	case !zoned:
	case strings.EqualFold(t.Zone, "UTC") && t.Zone != "UTC":
		return t, problemf("write UTC", "zone %q of a timestamp", t.Zone)
	case !isZone(t.Zone):
		return t, problemf("write one such as UTC, Europe/Berlin or +01:00", "zone %q of a timestamp", t.Zone)
	}
	return t, nil
}

// parseTime reads the unit of times of day of the given bits. Forms tells how to write it.
func parseTime(bits int, spec, forms string) (model.Type, *problem) {
	units := []model.Unit{model.Second, model.Millisecond}
	if bits == 64 {
		units = []model.Unit{model.Microsecond, model.Nanosecond}
	}
	t := model.Type{Kind: model.Time, Bits: bits, Unit: units[1]}
	if spec = strings.TrimSpace(spec); spec != "" {
		t.Unit = model.Unit(spec)
	}
	if !slices.Contains(units, t.Unit) {
		return t, problemf("write "+forms, "unit %q of a time of %d bits", spec, bits)
	}
	return t, nil
}

// parseDuration reads the unit of spans of time, nanoseconds where there is none. Forms tells how to write it.
func parseDuration(spec, forms string) (model.Type, *problem) {
	t := model.Type{Kind: model.Duration, Unit: model.Nanosecond}
	if spec = strings.TrimSpace(spec); spec != "" {
		t.Unit = model.Unit(spec)
	}
	if !slices.Contains(model.Units, t.Unit) {
		return t, problemf("write "+forms, "unit %q of a duration", spec)
	}
	return t, nil
}

// parseDecimal reads "38,10", or "38" for integers. Bits are those of the type, 0 for those that the digits need. Forms tells how
// to write it.
func parseDecimal(bits int, goType, spec, forms string) (model.Type, *problem) {
	digits, scale, scaled := strings.Cut(spec, ",")
	precision, err := strconv.Atoi(strings.TrimSpace(digits))
	t := model.Type{Kind: model.Decimal, Bits: bits, Precision: precision}
	if err != nil {
		return t, problemf("write "+forms, "%q is no precision and scale of a decimal", spec)
	}
	if scaled {
		if t.Scale, err = strconv.Atoi(strings.TrimSpace(scale)); err != nil {
			return t, problemf("write "+forms, "%q is no precision and scale of a decimal", spec)
		}
	}
	if bits == 0 {
		t.Bits = 128
		if precision > model.MaxPrecision(128) {
			t.Bits = 256
		}
	}
	switch most := model.MaxPrecision(t.Bits); {
	case precision < 1 || precision > most && bits == 0:
		return t, problemf(fmt.Sprintf("write 1 to %d", most), "precision %d of a decimal", precision)
	case precision > most:
		return t, problemf(fmt.Sprintf("write 1 to %d, or use a wider type", most), "precision %d of a decimal in %s", precision, goType)
	case t.Scale > precision || t.Scale < -precision:
		return t, problemf("write one that is not larger than the precision", "scale %d of a decimal of %d digits", t.Scale, precision)
	}
	return t, nil
}

// indices are the index types of dictionaries.
var indices = map[string]model.Type{
	"": model.Int32, "int8": model.Int8, "int16": model.Int16, "int32": model.Int32, "int64": kinds["int64"],
	"uint8": kinds["uint8"], "uint16": kinds["uint16"], "uint32": kinds["uint32"], "uint64": kinds["uint64"],
}

// parseIndex reads the index type of a dictionary, int32 being what "" stands for.
func parseIndex(spec string) (model.Type, *problem) {
	if t, ok := indices[strings.TrimSpace(spec)]; ok {
		return t, nil
	}
	return model.Int32, problemf("use int8 to int64 or uint8 to uint64", "index type %q of a dictionary", spec)
}

// setLayout sets the layout of text or bytes.
func setLayout(c *model.ColumnDef, layout model.Layout, found string) *problem {
	switch {
	case c.Type.Kind != model.Utf8 && c.Type.Kind != model.Binary && c.Type.Kind != model.List || c.Enum:
		return problemf("leave it out", "%s is for text, bytes and lists, found %s", layout, found)
	case c.Type.Layout != model.Offsets:
		return problemf("drop one of them", "%s on a column that is %s", layout, c.Type.Layout)
	case c.Index != nil:
		return problemf("drop one of them", "%s on a dictionary column", layout)
	}
	c.Type.Layout = layout
	return nil
}

// setDictionary makes a column one with a dictionary.
func setDictionary(c *model.ColumnDef, spec, found string) *problem {
	switch {
	case c.Type.Layout != model.Offsets:
		return problemf("drop one of them", "dict on a column that is %s", c.Type.Layout)
	case c.Type.Kind == model.Int && c.Named != nil && !c.Named.Names:
		return problemf(fmt.Sprintf("declare String() string and Parse%[1]s(string) (%[1]s, error)", c.Named.Name),
			"dict on %s, whose values have no names", found)
	case c.Type.Kind == model.Int && c.Named != nil:
		c.Type, c.Enum = model.Type{Kind: model.Utf8}, true
	case c.Type.Kind != model.Utf8 && c.Type.Kind != model.Binary && c.Type.Kind != model.Int:
		return problemf("leave it out", "dict is for strings, bytes and integers, found %s", found)
	}
	index, p := parseIndex(spec)
	c.Index = &index
	return p
}

// parseDefault reads the value of a column that a stream does not have, and returns it as Go and tags write it.
func parseDefault(t model.Type, text string) (string, *problem) {
	switch t.Kind {
	case model.Bool:
		if text == "true" || text == "false" {
			return text, nil
		}
	case model.Int:
		if t.Signed {
			if v, err := strconv.ParseInt(text, 0, t.Bits); err == nil {
				return strconv.FormatInt(v, 10), nil
			}
		} else if v, err := strconv.ParseUint(text, 0, t.Bits); err == nil {
			return strconv.FormatUint(v, 10), nil
		}
	case model.Float:
		bits := max(t.Bits, 32) // strconv knows no halves
		v, err := strconv.ParseFloat(text, bits)
		if fits := t.Bits != 16 || math.Abs(v) < 65520; err == nil && fits && !math.IsInf(v, 0) && !math.IsNaN(v) {
			return strconv.FormatFloat(v, 'g', -1, bits), nil
		}
		return "", problemf("write a finite number", "default %q does not fit %v", text, t)
	case model.Utf8:
		if !fitsTag(text) {
			return "", problemf(fitsTagRemedy, "default %q does not fit a struct tag", text)
		}
		return text, nil
	case model.Timestamp, model.Date, model.Time, model.Duration, model.Decimal:
		canonical, _, remedy := model.ParseTimed(t, text)
		if remedy != "" {
			return "", problemf(remedy, "default %q does not fit %v", text, t)
		}
		return canonical, nil
	case model.Nothing:
		return "", problemf("leave it out", "default %q of a column that is always null", text)
	default:
		return "", problemf("leave it out, or make the column nullable", "a default for a column of type %v is not supported by this version", t)
	}
	return "", problemf("write one of its values", "default %q does not fit %v", text, t)
}

// later are options of other versions, with what to do in this one.
var later = map[string]string{
	"listview": "leave it out", "message": "leave it out",
	"struct": "leave it out", "union": "leave it out, and mark the interface", "map": "leave it out", "list": "leave it out",
	"interval": "use an int64", "json": "leave it out",
}

// instead says what is written in the place of options that one might expect.
var instead = map[string]string{
	"date": "write date32 or date64", "time": "write time32 or time64", "fixed": "use an array such as [16]byte",
	"decimal32": "write decimal(9,2); the width is that of the type", "decimal64": "write decimal(18,2); the width is that of the type",
	"decimal128": "write decimal(38,10); the width is that of the type", "decimal256": "write decimal(76,10); the width is that of the type",
	"float16": "use rt.Float16", "null": "use struct{}",
}

func laterProblem(what, name string) *problem {
	return problemf(later[name], "%s is not supported by this version", what)
}
