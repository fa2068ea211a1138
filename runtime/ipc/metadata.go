package ipc

import (
	"cmp"
	"fmt"
	"math"
	"unicode/utf8"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
)

// units are those of arrowfb.TimeUnit, in its order.
var units = [...]column.Unit{column.Second, column.Millisecond, column.Microsecond, column.Nanosecond}

func unitOf(u arrowfb.TimeUnit) (column.Unit, bool) {
	if u < 0 || int(u) >= len(units) {
		return 0, false
	}
	return units[u], true
}

func unitNumber(u column.Unit) arrowfb.TimeUnit {
	for i, v := range units {
		if v == u {
			return arrowfb.TimeUnit(i)
		}
	}
	return 0
}

// schemaReader reads a verified schema, within limits.
type schemaReader struct {
	limits *Limits
	fields int
	text   int64 // bytes of names, paths and metadata
}

// keep counts n bytes of text before they are copied. Fields may share a text, so that what they hold in all is not bounded by
// the length of the message.
func (r *schemaReader) keep(path string, n int) error {
	if r.text += int64(n); r.text > r.limits.MaxMetadata {
		return frame.At(0, path, frame.Errorf(ErrLimit, "names and metadata take more bytes than Limits.MaxMetadata (%d); raise it if the peer is trusted", r.limits.MaxMetadata))
	}
	return nil
}

// entrySize is how many bytes an entry takes beside its texts.
const entrySize = 32

// metadata reads the metadata of a schema, field or message.
func (r *schemaReader) metadata(path string, n int, at func(int) arrowfb.KeyValue) (kvs []KeyValue, err error) {
	for i := range n {
		kv := at(i)
		if err := r.keep(path, entrySize+len(kv.KeyBytes())+len(kv.ValueBytes())); err != nil {
			return nil, err
		}
		kvs = append(kvs, KeyValue{Key: kv.Key(), Value: kv.Value()})
	}
	return kvs, nil
}

func schemaFrom(fb arrowfb.Schema, limits *Limits) (*Schema, error) {
	if e := fb.Endianness(); e != arrowfb.EndiannessLittle && e != arrowfb.EndiannessBig {
		return nil, frame.At(0, "schema.endianness", frame.Errorf(ErrMalformed, "endianness %v, want little or big", e))
	}
	r := schemaReader{limits: limits}
	s := &Schema{Fields: make([]Field, 0, min(fb.FieldsLen(), limits.MaxColumns))}
	for i := range fb.FieldsLen() {
		f, err := r.field(fb.Fields(i), "schema", 1)
		if err != nil {
			return nil, err
		}
		s.Fields = append(s.Fields, f)
	}
	var err error
	s.Metadata, err = r.metadata("schema", fb.CustomMetadataLen(), fb.CustomMetadata)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (r *schemaReader) field(fb arrowfb.Field, path string, depth int) (f Field, err error) {
	if err := r.keep(path, len(path)+1+len(fb.NameBytes())); err != nil {
		return f, err
	}
	if name := fb.NameBytes(); !utf8.Valid(name) {
		return f, frame.At(0, path, frame.Errorf(ErrMalformed, "a field has the name %.40q, want valid UTF-8; the sender has to give it another", name))
	}
	f.Name, f.Nullable = fb.Name(), fb.Nullable()
	path += "." + f.Name
	if r.fields++; r.fields > r.limits.MaxColumns {
		return f, frame.At(0, path, frame.Errorf(ErrLimit, "more than %d fields exceed Limits.MaxColumns; raise it", r.limits.MaxColumns))
	}
	if depth > r.limits.MaxDepth {
		return f, frame.At(0, path, frame.Errorf(ErrLimit, "more than %d levels of nesting exceed Limits.MaxDepth; raise it", r.limits.MaxDepth))
	}
	if t, ok := fb.TypeTimestamp(); ok {
		if err := r.keep(path, len(t.TimezoneBytes())); err != nil {
			return f, err
		}
	}
	if f.Type, err = typeFrom(fb); err != nil {
		return f, frame.At(0, path, err)
	}
	if f.Type.Kind == KindNull {
		f.Nullable = true // some writers say otherwise; all rows are null
	}
	for i := range fb.ChildrenLen() {
		c, err := r.field(fb.Children(i), path, depth+1)
		if err != nil {
			return f, err
		}
		f.Children = append(f.Children, c)
	}
	if err := checkChildren(&f); err != nil {
		return f, frame.At(0, path, err)
	}
	if f.Type.Kind == KindMap { // some writers say otherwise; neither may be null
		e := &f.Children[0]
		e.Nullable, e.Children[0].Nullable = false, false
	}
	if f.Metadata, err = r.metadata(path, fb.CustomMetadataLen(), fb.CustomMetadata); err != nil {
		return f, err
	}
	if fb.HasDictionary() {
		d := fb.Dictionary()
		f.Dictionary = &DictionaryEncoding{ID: d.ID(), Index: Int32, Ordered: d.IsOrdered()}
		if d.HasIndexType() {
			f.Dictionary.Index = Type{Kind: KindInt, Bits: int(d.IndexType().BitWidth()), Signed: d.IndexType().IsSigned()}
		}
		if !validInt(f.Dictionary.Index.Bits) {
			return f, frame.At(0, path, frame.Errorf(ErrMalformed, "dictionary indices of %d bits", f.Dictionary.Index.Bits))
		}
		if d.DictionaryKind() != arrowfb.DictionaryKindDenseArray {
			return f, frame.At(0, path, frame.Errorf(ErrUnsupported, "dictionary of kind %v", d.DictionaryKind()))
		}
	}
	return f, nil
}

// checkChildren checks the children of a nested type: how many they are, and their types where not all will do.
func checkChildren(f *Field) error {
	want := 0
	switch f.Type.Kind {
	case KindList, KindLargeList, KindListView, KindLargeListView, KindFixedSizeList, KindMap:
		want = 1
	case KindRunEndEncoded:
		want = 2
	case KindStruct:
		return nil
	case KindUnion:
		return checkUnionType(f)
	}
	if len(f.Children) != want {
		return frame.Errorf(ErrMalformed, "%v has %d children, want %d", f.Type, len(f.Children), want)
	}
	if f.Type.Kind == KindRunEndEncoded {
		if e := &f.Children[0]; e.Type.Kind != KindInt || !e.Type.Signed || e.Type.Bits == 8 || e.Dictionary != nil {
			return frame.Errorf(ErrMalformed, "run ends of type %s, want int16, int32 or int64", e.TypeString())
		}
	}
	if f.Type.Kind == KindMap {
		if e := &f.Children[0]; e.Type.Kind != KindStruct || len(e.Children) != 2 || e.Dictionary != nil {
			return frame.Errorf(ErrMalformed, "a map of %s, want a struct of keys and values", e.TypeString())
		}
	}
	return nil
}

// checkUnionType checks the type ids of a union: one for each child, of 0 to 127, none twice.
func checkUnionType(f *Field) error {
	if f.Type.TypeIDs == nil {
		if len(f.Children) > 128 { // ids 0 to 127
			return frame.Errorf(ErrMalformed, "a union of %d children, the format has room for 128", len(f.Children))
		}
		return nil
	}
	if len(f.Type.TypeIDs) != len(f.Children) {
		return frame.Errorf(ErrMalformed, "%d type ids for %d children", len(f.Type.TypeIDs), len(f.Children))
	}
	var seen [128]bool
	for _, id := range f.Type.TypeIDs {
		if id < 0 || id > 127 || seen[id] {
			return frame.Errorf(ErrMalformed, "type id %d; want 0 to 127, each once", id)
		}
		seen[id] = true
	}
	return nil
}

func validInt(bits int) bool { return bits == 8 || bits == 16 || bits == 32 || bits == 64 }

// maxScale bounds how far the point of a decimal is from its digits, and so how many zeros its text has. The format does not bound it.
const maxScale = 1000

// decimalDigits returns how many digits a decimal of so many bits has at most, 0 where there is none of these bits.
func decimalDigits(bits int) int {
	switch bits {
	case 32:
		return 9
	case 64:
		return 18
	case 128:
		return 38
	case 256:
		return 76
	}
	return 0
}

func typeFrom(f arrowfb.Field) (t Type, err error) {
	t.Kind = Kind(f.TypeType())
	ok := true
	switch t.Kind {
	case KindInt:
		v, _ := f.TypeInt()
		t.Bits, t.Signed = int(v.BitWidth()), v.IsSigned()
	case KindFloat:
		v, _ := f.TypeFloatingPoint()
		if ok = v.Precision() >= arrowfb.PrecisionHalf && v.Precision() <= arrowfb.PrecisionDouble; ok {
			t.Bits = 16 << v.Precision()
		}
	case KindDecimal:
		v, _ := f.TypeDecimal()
		t.Bits, t.Precision, t.Scale = int(v.BitWidth()), int(v.Precision()), int(v.Scale())
	case KindDate:
		v, _ := f.TypeDate()
		t.Variant = int(v.Unit())
	case KindTime:
		v, _ := f.TypeTime()
		t.Bits = int(v.BitWidth())
		t.Unit, ok = unitOf(v.Unit())
	case KindTimestamp:
		v, _ := f.TypeTimestamp()
		t.Zone = v.Timezone()
		t.Unit, ok = unitOf(v.Unit())
	case KindDuration:
		v, _ := f.TypeDuration()
		t.Unit, ok = unitOf(v.Unit())
	case KindInterval:
		v, _ := f.TypeInterval()
		t.Variant = int(v.Unit())
	case KindFixedSizeBinary:
		v, _ := f.TypeFixedSizeBinary()
		t.Width = int(v.ByteWidth())
	case KindFixedSizeList:
		v, _ := f.TypeFixedSizeList()
		t.Width = int(v.ListSize())
	case KindMap:
		if v, _ := f.TypeMap(); v.KeysSorted() {
			t.Variant = 1
		}
	case KindUnion:
		v, _ := f.TypeUnion()
		t.Variant = int(v.Mode())
		if n := v.TypeIDsLen(); n != 0 && n != f.ChildrenLen() {
			return t, frame.Errorf(ErrMalformed, "%d type ids for %d children", n, f.ChildrenLen())
		}
		for i := range v.TypeIDsLen() {
			t.TypeIDs = append(t.TypeIDs, v.TypeIDs(i))
		}
	}
	if !ok {
		return t, t.impossible()
	}
	return t, t.check()
}

func (t Type) impossible() error {
	return frame.Errorf(ErrMalformed, "%v with parameters that it cannot have: %+v", t.Kind, t)
}

// check refuses types that the format does not have.
func (t Type) check() error {
	ok := true
	switch t.Kind {
	case KindInt:
		ok = validInt(t.Bits)
	case KindFloat:
		ok = t.Bits == 16 || t.Bits == 32 || t.Bits == 64
	case KindDecimal:
		if ok = t.Precision >= 1 && t.Precision <= decimalDigits(t.Bits); ok && (t.Scale < -maxScale || t.Scale > maxScale) {
			return frame.Errorf(ErrUnsupported, "a decimal of scale %d, want -%d to %[2]d", t.Scale, maxScale)
		}
	case KindDate:
		ok = t.Variant == 0 || t.Variant == 1
	case KindTime:
		coarse := t.Unit == column.Second || t.Unit == column.Millisecond
		ok = t.knowsUnit() && (t.Bits == 32 && coarse || t.Bits == 64 && !coarse)
	case KindTimestamp, KindDuration:
		ok = t.knowsUnit()
	case KindInterval:
		ok = t.Variant >= 0 && t.Variant <= 2
	case KindFixedSizeBinary, KindFixedSizeList:
		ok = t.Width >= 0 && t.Width <= math.MaxInt32
	case KindUnion, KindMap:
		ok = t.Variant == 0 || t.Variant == 1
	default:
		if t.Kind <= 0 || t.Kind > KindLargeListView {
			return frame.Errorf(ErrUnsupported, "%v, which this version of the format does not have", t.Kind)
		}
	}
	if !ok {
		return t.impossible()
	}
	return nil
}

func (t Type) knowsUnit() bool {
	switch t.Unit {
	case column.Second, column.Millisecond, column.Microsecond, column.Nanosecond:
		return true
	}
	return false
}

// checkFields refuses fields, those below path, that readers refuse: with a name that is not valid UTF-8, a type that the format does not
// have, or other children than the type wants.
func checkFields(fields []Field, path string) error {
	for i := range fields {
		f := &fields[i]
		if !utf8.ValidString(f.Name) {
			return fmt.Errorf("lightstream: field %d of %s has the name %.40q, want valid UTF-8; give it one", i, cmp.Or(path, "the schema"), f.Name)
		}
		below := f.Name
		if path != "" {
			below = path + "." + f.Name
		}
		err := f.Type.check()
		if err == nil {
			err = checkChildren(f)
		}
		if e := f.Dictionary; err == nil && e != nil && (e.Index.Kind != KindInt || !validInt(e.Index.Bits)) {
			err = frame.Errorf(ErrMalformed, "dictionary indices of type %v, want integers of 8, 16, 32 or 64 bits", e.Index)
		}
		if err != nil {
			return fmt.Errorf("lightstream: field %q: %w", below, err)
		}
		if err := checkFields(f.Children, below); err != nil {
			return err
		}
	}
	return nil
}

// schemaMessage returns the metadata of the schema message.
func schemaMessage(s *Schema, entries []KeyValue) []byte {
	b := flatbuffers.NewBuilder(1024)
	header := buildSchema(b, s)
	attached := buildMetadata(b, entries, arrowfb.MessageStartCustomMetadata)
	arrowfb.MessageStart(b)
	arrowfb.MessageAddVersion(b, arrowfb.MetadataVersionV5)
	arrowfb.MessageAddHeaderType(b, arrowfb.MessageHeaderSchema)
	arrowfb.MessageAddHeader(b, header)
	if attached != 0 {
		arrowfb.MessageAddCustomMetadata(b, attached)
	}
	b.Finish(arrowfb.MessageEnd(b))
	return b.FinishedBytes()
}

func buildSchema(b *flatbuffers.Builder, s *Schema) flatbuffers.UOffsetT {
	fields := buildFields(b, s.Fields, arrowfb.SchemaStartFields)
	metadata := buildMetadata(b, s.Metadata, arrowfb.SchemaStartCustomMetadata)
	arrowfb.SchemaStart(b)
	arrowfb.SchemaAddFields(b, fields)
	if metadata != 0 {
		arrowfb.SchemaAddCustomMetadata(b, metadata)
	}
	return arrowfb.SchemaEnd(b)
}

func buildFields(b *flatbuffers.Builder, fields []Field, start func(*flatbuffers.Builder, int)) flatbuffers.UOffsetT {
	offsets := make([]flatbuffers.UOffsetT, len(fields))
	for i := range fields {
		offsets[i] = buildField(b, &fields[i])
	}
	return buildVector(b, offsets, start)
}

func buildVector(b *flatbuffers.Builder, offsets []flatbuffers.UOffsetT, start func(*flatbuffers.Builder, int)) flatbuffers.UOffsetT {
	start(b, len(offsets))
	for i := len(offsets) - 1; i >= 0; i-- {
		b.PrependUOffsetT(offsets[i])
	}
	return b.EndVector(len(offsets))
}

func buildMetadata(b *flatbuffers.Builder, kvs []KeyValue, start func(*flatbuffers.Builder, int)) flatbuffers.UOffsetT {
	if len(kvs) == 0 {
		return 0
	}
	offsets := make([]flatbuffers.UOffsetT, len(kvs))
	for i, kv := range kvs {
		k, v := b.CreateString(kv.Key), b.CreateString(kv.Value)
		arrowfb.KeyValueStart(b)
		arrowfb.KeyValueAddKey(b, k)
		arrowfb.KeyValueAddValue(b, v)
		offsets[i] = arrowfb.KeyValueEnd(b)
	}
	return buildVector(b, offsets, start)
}

func buildField(b *flatbuffers.Builder, f *Field) flatbuffers.UOffsetT {
	name := b.CreateString(f.Name)
	children := buildFields(b, f.Children, arrowfb.FieldStartChildren)
	metadata := buildMetadata(b, f.Metadata, arrowfb.FieldStartCustomMetadata)
	var dictionary flatbuffers.UOffsetT
	if d := f.Dictionary; d != nil {
		index := buildType(b, d.Index)
		arrowfb.DictionaryEncodingStart(b)
		arrowfb.DictionaryEncodingForceID(b, d.ID)
		arrowfb.DictionaryEncodingAddIndexType(b, index)
		arrowfb.DictionaryEncodingAddIsOrdered(b, d.Ordered)
		dictionary = arrowfb.DictionaryEncodingEnd(b)
	}
	typ := buildType(b, f.Type)
	arrowfb.FieldStart(b)
	arrowfb.FieldAddName(b, name)
	arrowfb.FieldAddNullable(b, f.Nullable)
	arrowfb.FieldAddTypeType(b, arrowfb.Type(f.Type.Kind))
	arrowfb.FieldAddType(b, typ)
	if dictionary != 0 {
		arrowfb.FieldAddDictionary(b, dictionary)
	}
	arrowfb.FieldAddChildren(b, children)
	if metadata != 0 {
		arrowfb.FieldAddCustomMetadata(b, metadata)
	}
	return arrowfb.FieldEnd(b)
}

func buildType(b *flatbuffers.Builder, t Type) flatbuffers.UOffsetT {
	switch t.Kind {
	case KindInt:
		arrowfb.IntStart(b)
		arrowfb.IntAddBitWidth(b, int32(t.Bits))
		arrowfb.IntAddIsSigned(b, t.Signed)
		return arrowfb.IntEnd(b)
	case KindFloat:
		precision := arrowfb.PrecisionHalf
		switch t.Bits {
		case 32:
			precision = arrowfb.PrecisionSingle
		case 64:
			precision = arrowfb.PrecisionDouble
		}
		arrowfb.FloatingPointStart(b)
		arrowfb.FloatingPointAddPrecision(b, precision)
		return arrowfb.FloatingPointEnd(b)
	case KindTimestamp:
		var zone flatbuffers.UOffsetT
		if t.Zone != "" {
			zone = b.CreateString(t.Zone)
		}
		arrowfb.TimestampStart(b)
		arrowfb.TimestampAddUnit(b, unitNumber(t.Unit))
		if zone != 0 {
			arrowfb.TimestampAddTimezone(b, zone)
		}
		return arrowfb.TimestampEnd(b)
	case KindDecimal:
		arrowfb.DecimalStart(b)
		arrowfb.DecimalAddPrecision(b, int32(t.Precision))
		arrowfb.DecimalAddScale(b, int32(t.Scale))
		arrowfb.DecimalAddBitWidth(b, int32(t.Bits))
		return arrowfb.DecimalEnd(b)
	case KindDate:
		arrowfb.DateStart(b)
		arrowfb.DateAddUnit(b, arrowfb.DateUnit(t.Variant))
		return arrowfb.DateEnd(b)
	case KindTime:
		arrowfb.TimeStart(b)
		arrowfb.TimeAddUnit(b, unitNumber(t.Unit))
		arrowfb.TimeAddBitWidth(b, int32(t.Bits))
		return arrowfb.TimeEnd(b)
	case KindDuration:
		arrowfb.DurationStart(b)
		arrowfb.DurationAddUnit(b, unitNumber(t.Unit))
		return arrowfb.DurationEnd(b)
	case KindInterval:
		arrowfb.IntervalStart(b)
		arrowfb.IntervalAddUnit(b, arrowfb.IntervalUnit(t.Variant))
		return arrowfb.IntervalEnd(b)
	case KindFixedSizeBinary:
		arrowfb.FixedSizeBinaryStart(b)
		arrowfb.FixedSizeBinaryAddByteWidth(b, int32(t.Width))
		return arrowfb.FixedSizeBinaryEnd(b)
	case KindFixedSizeList:
		arrowfb.FixedSizeListStart(b)
		arrowfb.FixedSizeListAddListSize(b, int32(t.Width))
		return arrowfb.FixedSizeListEnd(b)
	case KindMap:
		arrowfb.MapStart(b)
		arrowfb.MapAddKeysSorted(b, t.Variant == 1)
		return arrowfb.MapEnd(b)
	case KindUnion:
		var ids flatbuffers.UOffsetT
		if t.TypeIDs != nil {
			arrowfb.UnionStartTypeIDs(b, len(t.TypeIDs))
			for i := len(t.TypeIDs) - 1; i >= 0; i-- {
				b.PrependInt32(t.TypeIDs[i])
			}
			ids = b.EndVector(len(t.TypeIDs))
		}
		arrowfb.UnionStart(b)
		arrowfb.UnionAddMode(b, arrowfb.UnionMode(t.Variant))
		if ids != 0 {
			arrowfb.UnionAddTypeIDs(b, ids)
		}
		return arrowfb.UnionEnd(b)
	}
	// The other kinds are tables without fields, which are all the same.
	if t.Kind == 0 || t.Kind > KindLargeListView {
		panic(fmt.Sprintf("lightstream: a schema with %v", t.Kind))
	}
	arrowfb.NullStart(b)
	return arrowfb.NullEnd(b)
}

// SchemaOf returns the schema that verified metadata describes. Nil limits mean all defaults. The error is a [frame.DecodeError].
func SchemaOf(fb arrowfb.Schema, limits *Limits) (*Schema, error) {
	l := limits.WithDefaults()
	return schemaFrom(fb, &l)
}
