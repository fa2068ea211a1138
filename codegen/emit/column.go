package emit

import (
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// viewType writes the type of a column's accessor, such as column.Texts.
func viewType(c *model.Column) *jen.Statement {
	if c.Fixed() && !c.Nullable {
		return jen.Index().Add(fixedType(c))
	}
	if c.Nested() {
		return nestedType(c)
	}
	name, params := view(c)
	switch {
	case c.Type.Kind == model.FixedBinary:
		name = "Nullable"
	case c.Type.Kind == model.Time && c.Index == nil:
		name = "Durations"
	case c.Type.Kind == model.Nothing:
		name = "Nulls"
	}
	return typeArgs(column(name), params)
}

// viewFunc writes the runtime's function that returns a column's view, such as rt.Texts.
func viewFunc(c *model.Column) *jen.Statement {
	name, params := view(c)
	return typeArgs(rt(name), params)
}

func typeArgs(s *jen.Statement, params []jen.Code) *jen.Statement {
	if len(params) == 0 {
		return s
	}
	return s.Types(params...)
}

// view returns the name of the runtime's function for a column's view, with its type arguments.
func view(c *model.Column) (name string, params []jen.Code) {
	t := c.Type
	switch {
	case c.Index != nil:
		index := jen.Id(c.Index.String())
		switch {
		case c.Enum:
			return "Enums", []jen.Code{index, namedType(c.Named)}
		case t.Kind == model.Int:
			return "DictInts", []jen.Code{index, fixedType(c)}
		case t.Kind == model.Binary:
			return "DictBinaries", []jen.Code{index}
		}
		return "Dict", []jen.Code{index}
	case c.Fixed():
		switch {
		case t.Kind == model.FixedBinary && c.Nullable:
			name = "NullableArrays"
		case t.Kind == model.FixedBinary:
			name = "Arrays"
		case c.Nullable:
			name = "Nullable"
		default:
			name = "Values"
		}
		return name, []jen.Code{fixedType(c)}
	}
	switch t.Kind {
	case model.Bool:
		return "Bools", nil
	case model.Timestamp:
		return "Timestamps", nil
	case model.Date:
		return "Dates", []jen.Code{basicType(t)}
	case model.Duration:
		return "Durations", nil
	case model.Time:
		if t.Bits == 32 {
			return "Times32", nil
		}
		return "Times64", nil
	case model.Nothing:
		return "AllNull", nil
	}
	text := t.Kind == model.Utf8
	switch {
	case text && t.Layout == model.Large:
		return "LargeTexts", nil
	case text && t.Layout == model.Views:
		return "TextViews", nil
	case text:
		return "Texts", nil
	case t.Layout == model.Large:
		return "LargeBinaries", nil
	case t.Layout == model.Views:
		return "BinaryViews", nil
	}
	return "Binaries", nil
}

func viewArgs(c *model.Column) []jen.Code {
	args := []jen.Code{jen.Id("b.h"), jen.Lit(c.Number)}
	switch k := c.Type.Kind; {
	case c.Fixed():
	case k == model.Timestamp || k == model.Time || k == model.Duration:
		args = append(args, unit(c.Type))
	}
	return args
}

// builderType writes the type of a column's builder, such as column.FixedBuilder[float64].
func builderType(c *model.Column) *jen.Statement {
	t := c.Type
	if c.Nested() {
		return nestedBuilder(c)
	}
	_, params := view(c)
	var name string
	switch {
	case c.Enum:
		name = "EnumBuilder"
	case c.Index != nil && t.Kind == model.Int:
		name = "DictIntBuilder"
	case c.Index != nil && t.Kind == model.Binary:
		name = "DictBinaryBuilder"
	case c.Index != nil:
		name = "DictBuilder"
	case t.Kind == model.Decimal:
		name = "DecimalBuilder"
	case c.Fixed():
		name = "FixedBuilder"
	default:
		name = plainBuilder(t)
	}
	return typeArgs(column(name), params)
}

func plainBuilder(t model.Type) string {
	switch t.Kind {
	case model.Bool:
		return "BoolBuilder"
	case model.Timestamp:
		return "TimestampBuilder"
	case model.Date:
		return "DateBuilder"
	case model.Duration:
		return "DurationBuilder"
	case model.Time:
		if t.Bits == 32 {
			return "Time32Builder"
		}
		return "DurationBuilder"
	case model.Nothing:
		return "NullBuilder"
	}
	text := t.Kind == model.Utf8
	switch {
	case text && t.Layout == model.Large:
		return "LargeTextBuilder"
	case text && t.Layout == model.Views:
		return "TextViewBuilder"
	case text:
		return "TextBuilder"
	case t.Layout == model.Large:
		return "LargeBinaryBuilder"
	case t.Layout == model.Views:
		return "BinaryViewBuilder"
	}
	return "BinaryBuilder"
}

// fixedType writes the element type of a column of numbers: the user's own where the row struct has one.
func fixedType(c *model.Column) *jen.Statement {
	if c.Named != nil {
		return namedType(c.Named)
	}
	return basicType(c.Type)
}

// basicType writes the Go type of values of fixed width.
func basicType(t model.Type) *jen.Statement {
	switch t.Kind {
	case model.Timestamp:
		return jen.Int64()
	case model.FixedBinary:
		return jen.Index(jen.Lit(t.Width)).Byte()
	case model.Date:
		if t.Bits == 64 {
			return rt("DateMillis")
		}
		return rt("Date")
	case model.Decimal:
		return rt("Decimal" + strconv.Itoa(t.Bits))
	case model.Float:
		if t.Bits == 16 {
			return rt("Float16")
		}
	}
	return jen.Id(t.String()) // Arrow and Go call numbers the same
}

// slabType writes the type of a column's values in Go, without a name that the user gave it where views have another.
func slabType(c *model.Column) *jen.Statement {
	switch k := c.Type.Kind; {
	case c.Enum:
		return namedType(c.Named)
	case k == model.Bool:
		return jen.Bool()
	case k == model.Utf8:
		return jen.String()
	case !c.GoTime():
		return fixedType(c)
	case k == model.Duration || k == model.Time:
		return jen.Qual("time", "Duration")
	}
	return jen.Qual("time", "Time")
}
