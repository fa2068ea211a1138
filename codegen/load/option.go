package load

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// problem is what is wrong with an option, and what would be right.
type problem struct{ found, remedy string }

func problemf(remedy, format string, args ...any) *problem {
	return &problem{fmt.Sprintf(format, args...), remedy}
}

// zone is an IANA name or an offset.
var zone = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_+/-]*|[+-]\d\d:\d\d)$`)

// parseTimestamp reads "us,UTC" or "us". Forms tells how to write it.
func parseTimestamp(spec, forms string) (model.Type, *problem) {
	unit, z, zoned := strings.Cut(spec, ",")
	t := model.Type{Kind: model.Timestamp, Unit: model.Unit(strings.TrimSpace(unit)), Zone: strings.TrimSpace(z)}
	if !slices.Contains(model.Units, t.Unit) {
		return t, problemf("write "+forms, "unit %q of a timestamp", t.Unit)
	}
	switch {
	case !zoned:
	case !zone.MatchString(t.Zone):
		return t, problemf("write one such as UTC, Europe/Berlin or +01:00", "zone %q of a timestamp", t.Zone)
	case strings.EqualFold(t.Zone, "UTC") && t.Zone != "UTC":
		return t, problemf("write UTC", "zone %q of a timestamp", t.Zone)
	}
	return t, nil
}

// parseIndex reads the index type of a dictionary, int32 being what "" stands for.
func parseIndex(spec string) (model.Type, *problem) {
	switch spec = strings.TrimSpace(spec); spec {
	case "int8":
		return model.Int8, nil
	case "int16":
		return model.Int16, nil
	case "int32", "":
		return model.Int32, nil
	case "int64", "uint8", "uint16", "uint32", "uint64":
		return model.Int32, problemf("use int8, int16 or int32", "index type %s of a dictionary is not supported by this version", spec)
	}
	return model.Int32, problemf("use int8, int16 or int32", "index type %q of a dictionary", spec)
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
		v, err := strconv.ParseFloat(text, t.Bits)
		if err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
			return strconv.FormatFloat(v, 'g', -1, t.Bits), nil
		}
		return "", problemf("write a finite number", "default %q does not fit %v", text, t)
	case model.Utf8:
		if !fitsTag(text) {
			return "", problemf(fitsTagRemedy, "default %q does not fit a struct tag", text)
		}
		return text, nil
	default:
		return "", problemf("leave it out, or make the column nullable", "a default for a column of type %v is not supported by this version", t)
	}
	return "", problemf("write one of its values", "default %q does not fit %v", text, t)
}

// later are options of other versions, with what to do in this one.
var later = map[string]string{
	"date": "use a timestamp", "date32": "use a timestamp", "date64": "use a timestamp",
	"decimal":  "use a string, or an int64 of the smallest unit",
	"duration": "use an int64", "time": "use an int64", "time32": "use an int64", "time64": "use an int64",
	"fixed": "use plain bytes", "uuid": "use plain bytes or a string",
	"large": "leave it out, readers take one for the other", "view": "leave it out, readers take one for the other",
	"ree": "leave it out, or use dict", "listview": "leave it out", "message": "leave it out",
	"struct": "leave it out", "union": "leave it out", "map": "leave it out", "list": "leave it out",
	"decimal32": "use an int32 of the smallest unit", "decimal64": "use an int64 of the smallest unit",
	"decimal128": "use a string", "decimal256": "use a string", "float16": "use a float32", "interval": "use an int64",
	"null": "leave it out", "json": "leave it out",
}

func laterProblem(what, name string) *problem {
	return problemf(later[name], "%s is not supported by this version", what)
}
