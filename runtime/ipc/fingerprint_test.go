package ipc_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// goldenField is a field as testdata/fingerprints.json has it.
type goldenField struct {
	Name      string
	Type      string
	Nullable  bool
	Bits      int
	Signed    bool
	Precision int
	Scale     int
	Unit      int
	Zone      string
	Mode      int
	TypeIDs   []int32 `json:"type_ids"`
	Width     int
	Sorted    bool
	Index     *struct {
		Bits   int
		Signed bool
	}
	Ordered  bool
	Children []goldenField
}

func (g *goldenField) field(t *testing.T) ipc.Field {
	f := ipc.Field{Name: g.Name, Nullable: g.Nullable}
	for k := ipc.KindNull; k <= ipc.KindLargeListView; k++ {
		if k.String() == g.Type {
			f.Type.Kind = k
		}
	}
	unit := [...]column.Unit{column.Second, column.Millisecond, column.Microsecond, column.Nanosecond}[g.Unit]
	switch f.Type.Kind {
	case 0:
		t.Fatalf("no kind is named %q", g.Type)
	case ipc.KindInt:
		f.Type.Bits, f.Type.Signed = g.Bits, g.Signed
	case ipc.KindFloat:
		f.Type.Bits = 16 << g.Precision
	case ipc.KindDecimal:
		f.Type.Bits, f.Type.Precision, f.Type.Scale = g.Bits, g.Precision, g.Scale
	case ipc.KindDate, ipc.KindInterval:
		f.Type.Variant = g.Unit
	case ipc.KindTime:
		f.Type.Bits, f.Type.Unit = g.Bits, unit
	case ipc.KindTimestamp:
		f.Type.Unit, f.Type.Zone = unit, g.Zone
	case ipc.KindDuration:
		f.Type.Unit = unit
	case ipc.KindFixedSizeBinary, ipc.KindFixedSizeList:
		f.Type.Width = g.Width
	case ipc.KindUnion:
		f.Type.Variant, f.Type.TypeIDs = g.Mode, g.TypeIDs
	case ipc.KindMap:
		if g.Sorted {
			f.Type.Variant = 1
		}
	}
	if g.Index != nil {
		f.Dictionary = ipc.DictionaryOf(ipc.Type{Kind: ipc.KindInt, Bits: g.Index.Bits, Signed: g.Index.Signed})
		f.Dictionary.Ordered = g.Ordered
	}
	for i := range g.Children {
		f.Children = append(f.Children, g.Children[i].field(t))
	}
	return f
}

// TestFingerprints compares with what another program makes of the same schemas.
func TestFingerprints(t *testing.T) {
	b, err := os.ReadFile("testdata/fingerprints.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]struct {
		Fields      []goldenField
		Fingerprint string
	}
	if err := json.Unmarshal(b, &golden); err != nil || len(golden) == 0 {
		t.Fatal(len(golden), err)
	}
	seen := map[ipc.Fingerprint]string{}
	for name, g := range golden {
		var s ipc.Schema
		for i := range g.Fields {
			s.Fields = append(s.Fields, g.Fields[i].field(t))
		}
		got := s.Fingerprint()
		if hex.EncodeToString(got[:]) != g.Fingerprint {
			t.Errorf("%s: %x, want %s", name, got, g.Fingerprint)
		}
		if other := seen[got]; other != "" {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[got] = name

		// What does not count.
		s.Metadata = []ipc.KeyValue{{Key: "k", Value: "v"}}
		for i := range s.Fields {
			s.Fields[i].Metadata = s.Metadata
			if d := s.Fields[i].Dictionary; d != nil {
				d.ID += 17
			}
		}
		if s.Fingerprint() != got {
			t.Errorf("%s: metadata or ids change the fingerprint", name)
		}
	}
}
