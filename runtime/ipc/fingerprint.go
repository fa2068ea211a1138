package ipc

import (
	"fmt"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/internal/sha256"
)

// Fingerprint is a digest of a schema by which both ends can tell that they mean the same columns.
type Fingerprint [16]byte

// String returns the fingerprint as 32 hexadecimal digits.
func (f Fingerprint) String() string { return fmt.Sprintf("%x", f[:]) }

// Fingerprint returns the first 16 bytes of SHA-256 over names, types, nullability and dictionaries of all fields. Metadata,
// extension names too, dictionary ids and byte order do not count.
//
// What is digested, all integers little-endian: "LSF1"; uint32 number of fields; then for each field, and its children after
// it: uint32 length and bytes of the name; uint8 nullable; uint8 number of the type in union Type; its parameters in slot
// order (bool uint8, enum int16, int int32, string uint32 length and bytes, vector uint32 length and items); uint8 dictionary
// and, if it is 1, uint8 bits of the index, uint8 signed, uint8 ordered; uint32 number of children.
func (s *Schema) Fingerprint() Fingerprint {
	b := append(make([]byte, 0, 512), "LSF1"...)
	b = digestFields(b, s.Fields)
	sum := sha256.Sum(b)
	return Fingerprint(sum[:16])
}

func digestFields(b []byte, fields []Field) []byte {
	b = le.AppendUint32(b, uint32(len(fields)))
	for i := range fields {
		f := &fields[i]
		b = digestString(b, f.Name)
		b = append(b, flag(f.Nullable), byte(f.Type.Kind))
		b = digestType(b, f.Type, len(f.Children))
		b = append(b, flag(f.Dictionary != nil))
		if d := f.Dictionary; d != nil {
			b = append(b, byte(d.Index.Bits), flag(d.Index.Signed), flag(d.Ordered))
		}
		b = digestFields(b, f.Children)
	}
	return b
}

func digestType(b []byte, t Type, children int) []byte {
	enum := func(v int) { b = le.AppendUint16(b, uint16(v)) }
	integer := func(v int) { b = le.AppendUint32(b, uint32(v)) }
	switch t.Kind {
	case KindInt:
		integer(t.Bits)
		b = append(b, flag(t.Signed))
	case KindFloat:
		enum(map[int]int{16: int(arrowfb.PrecisionHalf), 32: int(arrowfb.PrecisionSingle), 64: int(arrowfb.PrecisionDouble)}[t.Bits])
	case KindDecimal:
		integer(t.Precision)
		integer(t.Scale)
		integer(t.Bits)
	case KindDate, KindInterval:
		enum(t.Variant)
	case KindTime:
		enum(int(unitNumber(t.Unit)))
		integer(t.Bits)
	case KindTimestamp:
		enum(int(unitNumber(t.Unit)))
		b = digestString(b, t.Zone)
	case KindDuration:
		enum(int(unitNumber(t.Unit)))
	case KindFixedSizeBinary, KindFixedSizeList:
		integer(t.Width)
	case KindMap:
		b = append(b, flag(t.Variant == 1))
	case KindUnion:
		enum(t.Variant)
		if t.TypeIDs == nil {
			integer(children)
			for i := range children {
				integer(i)
			}
			break
		}
		integer(len(t.TypeIDs))
		for _, id := range t.TypeIDs {
			integer(int(id))
		}
	}
	return b
}

func digestString(b []byte, s string) []byte {
	b = le.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

func flag(v bool) byte {
	if v {
		return 1
	}
	return 0
}
