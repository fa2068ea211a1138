package fbtest

import (
	"encoding/binary"
	"math"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/lightstream-go/lightstream/codegen/internal/sample"
	"github.com/lightstream-go/lightstream/gen/arrowfb"
)

// box returns an Everything with only what is required, around some Numbers and a Maybe.
func box(t *testing.T, numbers, maybe func(b *flatbuffers.Builder)) sample.Everything {
	t.Helper()
	b := flatbuffers.NewBuilder(0)
	sample.NumbersStart(b)
	numbers(b)
	nums := sample.NumbersEnd(b)
	sample.MaybeStart(b)
	maybe(b)
	may := sample.MaybeEnd(b)
	one := leaf(b, "one")
	leaves := offsets(b, sample.EverythingStartLeaves, one)
	title := b.CreateString("title")
	longs := vector[int64](b, sample.EverythingStartLongs, b.PrependInt64)
	sample.EverythingStart(b)
	sample.EverythingAddNumbers(b, nums)
	sample.EverythingAddMaybe(b, may)
	sample.EverythingAddLeaf(b, one)
	sample.EverythingAddTitle(b, title)
	sample.EverythingAddMustType(b, sample.AnyLeaf)
	sample.EverythingAddMust(b, one)
	sample.EverythingAddMixed(b, sample.CreateMixed(b, false, 0, 0, 0, 0, 0, 0, 0, 0))
	sample.EverythingAddLongs(b, longs)
	sample.EverythingAddLeaves(b, leaves)
	b.Finish(sample.EverythingEnd(b))
	return verified(t, b.FinishedBytes())
}

// TestDefaults reads a table without fields.
func TestDefaults(t *testing.T) {
	e := box(t, func(*flatbuffers.Builder) {}, func(*flatbuffers.Builder) {})
	n := e.Numbers()
	for name, ok := range map[string]bool{
		"a": n.A(), "b": n.B() == -128, "c": n.C() == 255, "d": n.D() == -16, "e": n.E() == 0xFFFF, "f": n.F() == 3,
		"g": n.G() == math.MaxUint32, "h": n.H() == math.MinInt64, "i": n.I() == math.MaxUint64, "j": n.J() == 1.5,
		"k": n.K() == -2.5e-3, "l": math.IsInf(n.L(), 1), "m": math.IsInf(float64(n.M()), -1), "n": math.IsNaN(n.N()),
		"sky": n.Sky() == sample.SkyOvercast, "signed": n.Signed() == sample.SignedLow, "wide": n.Wide() == sample.WideTop,
		"access": n.Access() == sample.AccessRead|sample.AccessAdmin, "none": n.None() == 0,
		"position": n.APos() == 0 && n.WidePos() == 0,
	} {
		if !ok {
			t.Errorf("%s is not its default", name)
		}
	}
	if _, ok := e.Maybe().A(); ok {
		t.Error("an absent optional field is there")
	}
	if e.HasPoint() || !e.Point().IsZero() || e.Point().X() != 0 || e.PointPos() != 0 {
		t.Error("an absent struct is there")
	}
	if e.HasNames() || e.NamesLen() != 0 || e.PointsBytes() != nil || e.PointsPos() != 0 || e.HasShared() || !e.Shared().IsZero() {
		t.Error("an absent vector or table is there")
	}
	if e.AnyType() != sample.AnyNone {
		t.Errorf("an absent union is %v", e.AnyType())
	}
	if _, ok := e.AnyBox(); ok {
		t.Error("an absent union has a value")
	}
	if !e.HasLongs() || e.LongsLen() != 0 || e.LongsBytes() == nil || e.LongsPos() == 0 {
		t.Error("an empty vector is absent")
	}
}

// TestZeroTables reads what IsZero says is absent.
func TestZeroTables(t *testing.T) {
	var m arrowfb.Message
	if !m.IsZero() || m.Version() != arrowfb.MetadataVersionV1 || m.BodyLengthPos() != 0 || m.CustomMetadataLen() != 0 {
		t.Error("the zero Message has something")
	}
	var f arrowfb.Field
	if f.Name() != "" || f.HasName() || f.NameBytes() != nil || !f.Dictionary().IndexType().IsZero() {
		t.Error("the zero Field has something")
	}
}

// TestForced stores what equals its default, and finds it.
func TestForced(t *testing.T) {
	e := box(t, func(b *flatbuffers.Builder) {
		sample.NumbersAddF(b, 3)
		sample.NumbersForceH(b, math.MinInt64)
		sample.NumbersForceA(b, true)
		sample.NumbersForceSky(b, sample.SkyOvercast)
	}, func(b *flatbuffers.Builder) {
		sample.MaybeAddA(b, false)
		sample.MaybeAddC(b, 0)
	})
	n := e.Numbers()
	if n.FPos() != 0 {
		t.Error("a default was stored")
	}
	if n.HPos() == 0 || n.APos() == 0 || n.SkyPos() == 0 {
		t.Errorf("forced fields are at %d, %d and %d", n.HPos(), n.APos(), n.SkyPos())
	}
	if a, ok := e.Maybe().A(); a || !ok {
		t.Errorf("an optional field is %v, %v", a, ok)
	}
	if c, ok := e.Maybe().C(); c != 0 || !ok {
		t.Errorf("an optional field is %v, %v", c, ok)
	}
}

// TestPatch changes a batch at the positions that its accessors give, as senders with templates do.
func TestPatch(t *testing.T) {
	metadata := split(t, stream(t))
	buf := metadata[len(metadata)-1]
	m, err := arrowfb.VerifyMessage(buf, arrowfb.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	r, ok := m.HeaderRecordBatch()
	if !ok || r.LengthPos() == 0 || m.BodyLengthPos() == 0 {
		t.Fatalf("a %v with its length at %d", m.HeaderType(), r.LengthPos())
	}
	put := func(pos int, v uint64) { binary.LittleEndian.PutUint64(buf[pos:], v) }
	put(m.BodyLengthPos(), 1<<40)
	put(r.LengthPos(), 77)
	put(r.NodesPos()+arrowfb.FieldNodeSize+8, 5)
	put(r.BuffersPos()+2*arrowfb.BufferSize, 64)
	put(r.VariadicBufferCountsPos(), 3)
	if m.BodyLength() != 1<<40 || r.Length() != 77 || r.Nodes(1).NullCount() != 5 || r.Buffers(2).Offset() != 64 || r.VariadicBufferCounts(0) != 3 {
		t.Errorf("got %s", dump(m))
	}
	if n := len(r.NodesBytes()); n != r.NodesLen()*arrowfb.FieldNodeSize {
		t.Errorf("%d bytes of nodes", n)
	}
}

// TestAlias shows which accessors copy.
func TestAlias(t *testing.T) {
	buf := sampleBuffer(t)
	e := verified(t, buf)
	title, bytes := e.Title(), e.TitleBytes()
	bytes[0] = 'A'
	if title[0] != 'a' || e.Title()[0] != 'A' {
		t.Error("Title does not copy, or TitleBytes does")
	}
	if cap(bytes) != len(bytes) || cap(e.PointsBytes()) != len(e.PointsBytes()) {
		t.Error("bytes can be appended to in place")
	}
}

func TestEnumStrings(t *testing.T) {
	for got, want := range map[string]string{
		sample.SkyHalfCovered.String():                    "half_covered",
		sample.Sky(9).String():                            "Sky(9)",
		sample.Signed(-3).String():                        "Signed(-3)",
		sample.Wide(math.MaxUint64).String():              "Top",
		sample.Empty(0).String():                          "Empty(0)",
		sample.Access(0).String():                         "0",
		(sample.AccessRead | sample.AccessAdmin).String(): "Read|Admin",
		(sample.AccessWrite | 64).String():                "Write|64",
		sample.AnyNone.String():                           "NONE",
		sample.AnyBox.String():                            "Box",
		sample.Any(77).String():                           "Any(77)",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestIndexOutOfRange(t *testing.T) {
	e := verified(t, sampleBuffer(t))
	for name, read := range map[string]func(){
		"vector":   func() { e.Longs(e.LongsLen()) },
		"negative": func() { e.Longs(-1) },
		"array":    func() { e.Arrays().Bytes(3) },
		"absent":   func() { sample.Everything{}.Longs(0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			read()
		}()
	}
}
