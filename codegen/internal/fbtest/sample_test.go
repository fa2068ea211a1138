package fbtest

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/lightstream-go/lightstream/codegen/internal/sample"
)

var update = flag.Bool("update", false, "rewrite the files with what is wanted")

const sampleSchema = "../sample/sample.fbs"

// leaf writes a Leaf.
func leaf(b *flatbuffers.Builder, name string) flatbuffers.UOffsetT {
	text := b.CreateString(name)
	path := b.CreateString("/" + name)
	sample.LeafStart(b)
	sample.LeafAddName(b, text)
	sample.LeafAddHasName_(b, true)
	sample.LeafAddNameBytes_(b, int32(len(name)))
	sample.LeafAddRange(b, -1)
	sample.LeafAddURLPath(b, path)
	return sample.LeafEnd(b)
}

// offsets writes a vector of offsets.
func offsets(b *flatbuffers.Builder, start func(*flatbuffers.Builder, int), list ...flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	start(b, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		b.PrependUOffsetT(list[i])
	}
	return b.EndVector(len(list))
}

// vector writes a vector of numbers.
func vector[T any](b *flatbuffers.Builder, start func(*flatbuffers.Builder, int), prepend func(T), list ...T) flatbuffers.UOffsetT {
	start(b, len(list))
	for i := len(list) - 1; i >= 0; i-- {
		prepend(list[i])
	}
	return b.EndVector(len(list))
}

// numbers writes a Numbers of values that are not the defaults.
func numbers(b *flatbuffers.Builder) flatbuffers.UOffsetT {
	sample.NumbersStart(b)
	sample.NumbersAddA(b, false)
	sample.NumbersAddB(b, 1)
	sample.NumbersAddC(b, 2)
	sample.NumbersAddD(b, 3)
	sample.NumbersAddE(b, 4)
	sample.NumbersAddF(b, -5)
	sample.NumbersAddG(b, 6)
	sample.NumbersAddH(b, 7)
	sample.NumbersAddI(b, math.MaxInt64)
	sample.NumbersAddJ(b, 0.25)
	sample.NumbersAddK(b, 1e100)
	sample.NumbersAddL(b, 1)
	sample.NumbersAddM(b, 2)
	sample.NumbersAddN(b, 3)
	sample.NumbersAddSky(b, sample.SkyHalfCovered)
	sample.NumbersAddSigned(b, sample.SignedHigh)
	sample.NumbersAddWide(b, sample.WideZero)
	sample.NumbersAddAccess(b, sample.AccessWrite)
	sample.NumbersAddNone(b, sample.AccessRead|sample.AccessWrite)
	return sample.NumbersEnd(b)
}

// point writes a union's value that is a struct.
func point(b *flatbuffers.Builder, x, y float64) flatbuffers.UOffsetT {
	return sample.CreatePoint(b, x, y)
}

// everything writes a buffer with a value in each field, and points in an array.
func everything(points [2]sample.Point) []byte {
	b := flatbuffers.NewBuilder(0)
	nums := numbers(b)
	sample.MaybeStart(b)
	sample.MaybeAddB(b, 0)
	sample.MaybeAddSky(b, sample.SkyClear)
	maybe := sample.MaybeEnd(b)
	one, two := leaf(b, "one"), leaf(b, "two")
	title := b.CreateString("a title, ünicode")
	place := point(b, 3, 4)
	sample.BoxStart(b)
	sample.BoxAddAnyType(b, sample.AnyPoint)
	sample.BoxAddAny(b, place)
	inner := sample.BoxEnd(b)
	boxes := offsets(b, sample.BoxStartBoxes, inner, inner)
	sample.BoxStart(b)
	sample.BoxAddNext(b, inner)
	sample.BoxAddBoxes(b, boxes)
	box := sample.BoxEnd(b)
	bools := vector(b, sample.EverythingStartBools, b.PrependBool, true, false, true)
	bytes := vector(b, sample.EverythingStartBytes, b.PrependByte, 1, 2, 255)
	shorts := vector(b, sample.EverythingStartShorts, b.PrependInt16, -1, 2)
	longs := vector(b, sample.EverythingStartLongs, b.PrependInt64, 1<<40, -1)
	doubles := vector(b, sample.EverythingStartDoubles, b.PrependFloat64, 0.5, 1e-9)
	floats := vector(b, sample.EverythingStartFloats, b.PrependFloat32, 0.5)
	skies := vector(b, sample.EverythingStartSkies, b.PrependByte, byte(sample.SkyClear), byte(sample.SkyOvercast))
	sample.EverythingStartPoints(b, 2)
	sample.CreatePoint(b, 3, 4)
	sample.CreatePoint(b, 1, 2)
	places := b.EndVector(2)
	names := offsets(b, sample.EverythingStartNames, b.CreateString("x"), b.CreateString(""), b.CreateString("zzz"))
	leaves := offsets(b, sample.EverythingStartLeaves, one, two)
	sample.PartStart(b)
	part := sample.PartEnd(b)
	parts := offsets(b, sample.PartStartParts, part)
	sample.PartStart(b)
	sample.PartAddX(b, 8)
	sample.PartAddParts(b, parts)
	shared := sample.PartEnd(b)

	sample.OrderedStart(b)
	sample.OrderedAddC(b, 5)
	sample.OrderedAddUType(b, sample.AnyOther)
	sample.OrderedAddU(b, two)
	sample.OrderedForceA(b, 0)
	ordered := sample.OrderedEnd(b)

	sample.EverythingStart(b)
	sample.EverythingAddOrdered(b, ordered)
	sample.EverythingAddNumbers(b, nums)
	sample.EverythingAddMaybe(b, maybe)
	sample.EverythingAddLeaf(b, one)
	sample.EverythingAddTitle(b, title)
	sample.EverythingAddAnyType(b, sample.AnyText)
	sample.EverythingAddAny(b, title)
	sample.EverythingAddMustType(b, sample.AnyBox)
	sample.EverythingAddMust(b, box)
	sample.EverythingAddPoint(b, sample.CreatePoint(b, 5, 6))
	sample.EverythingAddMixed(b, sample.CreateMixed(b, true, sample.AccessAdmin, 1<<50, -7, 1.5, 8, 9, 10, 11))
	sample.EverythingAddArrays(b, sample.CreateArrays(b, [3]byte{1, 2, 3}, points, [4]sample.Signed{1, 2, 3, 4}, [2]float32{1.5, 2.5}))
	sample.EverythingAddAligned(b, sample.CreateAligned(b, 12))
	sample.EverythingAddBools(b, bools)
	sample.EverythingAddBytes(b, bytes)
	sample.EverythingAddShorts(b, shorts)
	sample.EverythingAddLongs(b, longs)
	sample.EverythingAddDoubles(b, doubles)
	sample.EverythingAddFloats(b, floats)
	sample.EverythingAddSkies(b, skies)
	sample.EverythingAddPoints(b, places)
	sample.EverythingAddNames(b, names)
	sample.EverythingAddLeaves(b, leaves)
	sample.EverythingAddShared(b, shared)
	b.Finish(sample.EverythingEnd(b))
	return b.FinishedBytes()
}

// sampleBuffer is a buffer of everything whose arrays of structs are copies from another one.
func sampleBuffer(t testing.TB) []byte {
	t.Helper()
	first := verified(t, everything([2]sample.Point{}))
	return everything([2]sample.Point{first.Points(1), first.Points(0)})
}

func verified(t testing.TB, buf []byte) sample.Everything {
	t.Helper()
	e, err := sample.VerifyEverything(buf, sample.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestSample reads back what was written.
func TestSample(t *testing.T) {
	got := dump(verified(t, sampleBuffer(t)))
	if *update {
		if err := os.WriteFile("testdata/everything.txt", []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/everything.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s", got)
	}
}

// flatc runs the reference compiler. Without it the test is skipped, unless LIGHTSTREAM_REQUIRE_FLATC=1.
func flatc(t *testing.T, args ...string) {
	t.Helper()
	name := os.Getenv("FLATC")
	if name == "" {
		found, err := exec.LookPath("flatc")
		if err != nil {
			const why = "flatc is not on the path and $FLATC is not set"
			if os.Getenv("LIGHTSTREAM_REQUIRE_FLATC") == "1" {
				t.Fatal(why)
			}
			t.Skip(why)
		}
		name = found
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	if strings.Contains(string(out), "only tables can be union elements") {
		t.Skip("this flatc is too old to make JSON of unions with strings and structs")
	}
	if err != nil {
		t.Fatalf("flatc %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestSampleThroughFlatc has flatc make JSON of what was written here, and a buffer of that JSON, which has to say the
// same.
func TestSampleThroughFlatc(t *testing.T) {
	dir := t.TempDir()
	buf := sampleBuffer(t)
	binary := filepath.Join(dir, "sample.bin")
	if err := os.WriteFile(binary, buf, 0o666); err != nil {
		t.Fatal(err)
	}
	flatc(t, "--json", "--strict-json", "--raw-binary", "-o", dir, sampleSchema, "--", binary)
	text, err := os.ReadFile(filepath.Join(dir, "sample.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Title   string
		AnyType string `json:"any_type"`
		Numbers struct{ K float64 }
		Mixed   struct {
			Big uint64
			At  struct{ Y float64 }
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if doc.Title != "a title, ünicode" || doc.AnyType != "text" || doc.Numbers.K != 1e100 || doc.Mixed.Big != 1<<50 || doc.Mixed.At.Y != 9 {
		t.Errorf("flatc reads %+v", doc)
	}
	if err := os.Remove(binary); err != nil {
		t.Fatal(err)
	}
	flatc(t, "-b", "-o", dir, sampleSchema, filepath.Join(dir, "sample.json"))
	theirs, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dump(verified(t, theirs)), dump(verified(t, buf)); got != want {
		t.Errorf("flatc wrote:\n%s\nwant:\n%s", got, want)
	}
}
