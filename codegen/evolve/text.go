package evolve

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// extensionName is the metadata key that names an extension type.
const extensionName = "ARROW:extension:name"

// maxDepth is how deep the text of a field may nest.
const maxDepth = 64

// FormatField returns a field as a line of text, from which [ParseField] makes the same field:
//
//	price: float64 not null
//	symbol: dictionary<int32, utf8> not null
//	id: fixed_size_binary[16] (arrow.uuid)
//	legs: list<item: struct<"side (1)": int8 not null, size: int64>>
//
// Of metadata it has the name of an extension type alone.
func FormatField(f *ipc.Field) string {
	var b strings.Builder
	writeField(&b, f)
	return b.String()
}

func writeField(b *strings.Builder, f *ipc.Field) {
	b.WriteString(quoted(f.Name))
	b.WriteString(": ")
	b.WriteString(FormatType(f))
	if !f.Nullable {
		b.WriteString(" not null")
	}
}

// FormatType returns a field's type as [FormatField] does.
func FormatType(f *ipc.Field) string {
	var b strings.Builder
	if f.Dictionary != nil {
		fmt.Fprintf(&b, "dictionary<%v, ", f.Dictionary.Index)
	}
	b.WriteString(typeName(f.Type))
	if hasChildren(f.Type.Kind) {
		b.WriteByte('<')
		for i := range f.Children {
			if i > 0 {
				b.WriteString(", ")
			}
			writeField(&b, &f.Children[i])
		}
		b.WriteByte('>')
	}
	if f.Dictionary != nil {
		if f.Dictionary.Ordered {
			b.WriteString(", ordered")
		}
		b.WriteByte('>')
	}
	if ext := extension(f); ext != "" {
		b.WriteString(" (" + quoted(ext) + ")")
	}
	return b.String()
}

// extension returns the name of a field's extension type, "" if it has none.
func extension(f *ipc.Field) string {
	for _, kv := range f.Metadata {
		if kv.Key == extensionName {
			return kv.Value
		}
	}
	return ""
}

// typeName returns a type without its children.
func typeName(t ipc.Type) string {
	switch t.Kind {
	case ipc.KindTimestamp:
		if t.Zone != "" {
			return fmt.Sprintf("timestamp[%v, %s]", t.Unit, quoted(t.Zone))
		}
	case ipc.KindMap:
		if t.Variant == 1 {
			return "map[sorted]"
		}
	case ipc.KindUnion:
		if t.TypeIDs == nil {
			return t.String()
		}
		ids := make([]string, len(t.TypeIDs))
		for i, id := range t.TypeIDs {
			ids[i] = strconv.Itoa(int(id))
		}
		return t.String() + "[" + strings.Join(ids, ", ") + "]"
	}
	return t.String()
}

func hasChildren(k ipc.Kind) bool {
	switch k {
	case ipc.KindList, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView, ipc.KindFixedSizeList, ipc.KindMap,
		ipc.KindStruct, ipc.KindUnion, ipc.KindRunEndEncoded:
		return true
	}
	return false
}

// plain is a name that needs no quotes.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./+-]+`)

func quoted(name string) string {
	if plain.FindString(name) == name && name != "" {
		return name
	}
	return strconv.Quote(name)
}

// ParseField reads what [FormatField] writes.
func ParseField(text string) (ipc.Field, error) {
	p := parser{text: text}
	f, err := p.field(0)
	if err == nil && p.rest() != "" {
		err = p.errorf("the end")
	}
	if err != nil {
		return ipc.Field{}, err
	}
	return f, nil
}

// parser reads the text of a column from left to right.
type parser struct {
	text string
	at   int
}

func (p *parser) rest() string { return p.text[p.at:] }

func (p *parser) errorf(want string, args ...any) error {
	found := p.rest()
	if found == "" {
		return fmt.Errorf("found the end, want %s", fmt.Sprintf(want, args...))
	}
	if len(found) > 20 {
		found = strings.ToValidUTF8(found[:20], "") + "…"
	}
	return fmt.Errorf("found %q, want %s", found, fmt.Sprintf(want, args...))
}

// skip passes over text and tells whether it was there.
func (p *parser) skip(text string) bool {
	if !strings.HasPrefix(p.rest(), text) {
		return false
	}
	p.at += len(text)
	return true
}

func (p *parser) expect(text string) error {
	if !p.skip(text) {
		return p.errorf("%q", text)
	}
	return nil
}

// comma wants a comma. The space behind it may be left out.
func (p *parser) comma() error {
	if err := p.expect(","); err != nil {
		return err
	}
	p.skip(" ")
	return nil
}

// name reads a plain or quoted name.
func (p *parser) name() (string, error) {
	if prefix, err := strconv.QuotedPrefix(p.rest()); err == nil && prefix[0] == '"' {
		p.at += len(prefix)
		return strconv.Unquote(prefix)
	}
	word := plain.FindString(p.rest())
	if word == "" {
		return "", p.errorf("a name, in quotes if it has more than letters, digits, and . _ / + -")
	}
	p.at += len(word)
	return word, nil
}

func (p *parser) number() (int, error) {
	start := p.at
	p.skip("-")
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}
	n, err := strconv.ParseInt(p.text[start:p.at], 10, 32)
	if err != nil {
		p.at = start
		return 0, p.errorf("a number of 32 bits")
	}
	return int(n), nil
}

func (p *parser) field(depth int) (f ipc.Field, err error) {
	if depth > maxDepth {
		return f, fmt.Errorf("more than %d levels of nesting", maxDepth)
	}
	if f.Name, err = p.name(); err != nil {
		return f, err
	}
	if err := p.expect(": "); err != nil {
		return f, err
	}
	dictionary := p.skip("dictionary<")
	if dictionary {
		index, ok := simpleTypes[plain.FindString(p.rest())]
		if !ok || index.Kind != ipc.KindInt {
			return f, p.errorf("an integer type for indices")
		}
		p.at += len(index.String())
		f.Dictionary = ipc.DictionaryOf(index)
		if err := p.comma(); err != nil {
			return f, err
		}
	}
	if err := p.typ(&f, depth); err != nil {
		return f, err
	}
	if dictionary {
		f.Dictionary.Ordered = p.skip(", ordered")
		if err := p.expect(">"); err != nil {
			return f, err
		}
	}
	if p.skip(" (") {
		ext, err := p.name()
		if err != nil {
			return f, err
		}
		f.Metadata = []ipc.KeyValue{{Key: extensionName, Value: ext}, {Key: "ARROW:extension:metadata"}}
		if err := p.expect(")"); err != nil {
			return f, err
		}
	}
	f.Nullable = !p.skip(" not null")
	return f, nil
}

// simpleTypes are the types without parameters or with those of their names.
var simpleTypes = func() map[string]ipc.Type {
	types := map[string]ipc.Type{}
	for _, t := range []ipc.Type{
		ipc.Null, ipc.Bool, ipc.Int8, ipc.Int16, ipc.Int32, ipc.Int64, ipc.Uint8, ipc.Uint16, ipc.Uint32, ipc.Uint64,
		ipc.Float16, ipc.Float32, ipc.Float64, ipc.Utf8, ipc.LargeUtf8, ipc.Utf8View, ipc.Binary, ipc.LargeBinary,
		ipc.BinaryView, ipc.Date32, ipc.Date64,
		{Kind: ipc.KindList},
		{Kind: ipc.KindLargeList},
		{Kind: ipc.KindListView},
		{Kind: ipc.KindLargeListView},
		{Kind: ipc.KindStruct},
		{Kind: ipc.KindMap},
		{Kind: ipc.KindRunEndEncoded},
		{Kind: ipc.KindUnion},
		{Kind: ipc.KindUnion, Variant: 1},
	} {
		types[t.String()] = t
	}
	for _, bits := range []int{32, 64, 128, 256} {
		types[fmt.Sprintf("decimal%d", bits)] = ipc.Type{Kind: ipc.KindDecimal, Bits: bits}
	}
	types["time32"], types["time64"] = ipc.Type{Kind: ipc.KindTime, Bits: 32}, ipc.Type{Kind: ipc.KindTime, Bits: 64}
	for _, kind := range []ipc.Kind{ipc.KindTimestamp, ipc.KindDuration, ipc.KindInterval, ipc.KindFixedSizeBinary, ipc.KindFixedSizeList} {
		types[kind.String()] = ipc.Type{Kind: kind}
	}
	return types
}()

// typ reads a type, its parameters and its children.
func (p *parser) typ(f *ipc.Field, depth int) error {
	word := plain.FindString(p.rest())
	t, ok := simpleTypes[word]
	if !ok {
		return p.errorf("a type")
	}
	p.at += len(word)
	if err := p.parameters(&t); err != nil {
		return err
	}
	f.Type = t
	if !hasChildren(t.Kind) {
		return nil
	}
	if err := p.expect("<"); err != nil {
		return err
	}
	for first := true; !p.skip(">"); first = false {
		if !first {
			if err := p.comma(); err != nil {
				return err
			}
		}
		child, err := p.field(depth + 1)
		if err != nil {
			return err
		}
		f.Children = append(f.Children, child)
	}
	return p.checkChildren(f)
}

// checkChildren wants a nested type to have as many children as its kind.
func (p *parser) checkChildren(f *ipc.Field) error {
	want := len(f.Children)
	switch f.Type.Kind {
	case ipc.KindStruct:
	case ipc.KindUnion:
		if f.Type.TypeIDs != nil {
			want = len(f.Type.TypeIDs)
		}
	case ipc.KindRunEndEncoded:
		want = 2
	default:
		want = 1
	}
	if len(f.Children) != want {
		return fmt.Errorf("%v has %d children, want %d", f.Type, len(f.Children), want)
	}
	return nil
}

// parameters reads what stands in brackets behind the name of a type.
func (p *parser) parameters(t *ipc.Type) (err error) {
	switch t.Kind {
	case ipc.KindTimestamp, ipc.KindDuration, ipc.KindTime:
		if err := p.expect("["); err != nil {
			return err
		}
		if t.Unit, err = p.unit(); err != nil {
			return err
		}
		if t.Kind == ipc.KindTimestamp && p.comma() == nil {
			if t.Zone, err = p.name(); err != nil {
				return err
			}
		}
		return p.expect("]")
	case ipc.KindInterval:
		for i := range 3 {
			t.Variant = i
			if text := strings.TrimPrefix(t.String(), "interval"); p.skip(text) {
				return nil
			}
		}
		return p.errorf("[year_month], [day_time] or [month_day_nano]")
	case ipc.KindDecimal:
		if err := p.expect("("); err != nil {
			return err
		}
		if t.Precision, err = p.number(); err != nil {
			return err
		}
		if err := p.comma(); err != nil {
			return err
		}
		if t.Scale, err = p.number(); err != nil {
			return err
		}
		return p.expect(")")
	case ipc.KindFixedSizeBinary, ipc.KindFixedSizeList:
		if err := p.expect("["); err != nil {
			return err
		}
		if t.Width, err = p.number(); err != nil {
			return err
		}
		return p.expect("]")
	case ipc.KindMap:
		if p.skip("[sorted]") {
			t.Variant = 1
		}
	case ipc.KindUnion:
		return p.typeIDs(t)
	}
	return nil
}

func (p *parser) typeIDs(t *ipc.Type) error {
	if !p.skip("[") {
		return nil
	}
	t.TypeIDs = []int32{}
	for !p.skip("]") {
		if len(t.TypeIDs) > 0 {
			if err := p.comma(); err != nil {
				return err
			}
		}
		id, err := p.number()
		if err != nil {
			return err
		}
		t.TypeIDs = append(t.TypeIDs, int32(id))
	}
	return nil
}

var units = []column.Unit{column.Second, column.Millisecond, column.Microsecond, column.Nanosecond}

func (p *parser) unit() (column.Unit, error) {
	word := plain.FindString(p.rest())
	i := slices.IndexFunc(units, func(u column.Unit) bool { return u.String() == word })
	if i < 0 {
		return 0, p.errorf("s, ms, us or ns")
	}
	p.at += len(word)
	return units[i], nil
}
