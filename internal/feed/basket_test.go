package feed_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
)

// basket returns a message in which everything is there.
func basket() feed.Basket {
	place := feed.Place{
		Live: true, X: -7, Y: 0.5, Key: [3]byte{1, 2, 3}, Side: -1, Steps: [3]uint16{4, 5, 65535},
		Area: feed.Area{W: 255, H: 1.5}, Areas: [2]feed.Area{{W: 1, H: 2}, {W: 3, H: -4}},
	}
	second := place
	second.X, second.Area.W = 8, 9
	lot := feed.Lot{
		Symbol: "A", Side: 2, Qty: 5, Limit: ptr(0.25),
		Dones: []feed.Done{{Price: 1.5, Venue: rt.Some("x"), Key: []byte{1}}, {Venue: rt.Some(""), Key: []byte{}}, {}},
		Notes: []string{"one", ""}, At: rt.Some(second),
	}
	b := feed.Basket{
		ID: math.MinInt64, Sizes: []int64{1, -2, math.MaxInt64}, Prices: []float64{0.5, -0.25}, Flags: []bool{true, false, true},
		Names: []string{"é", "", "ccc"}, Small: []int8{-1, 127},
		Main: lot, Hedge: rt.Some(feed.Lot{Symbol: "h", Qty: 100}), Other: &feed.Lot{Qty: 1},
		Lots: []feed.Lot{{Qty: 2}, lot}, From: place, To: rt.Some(second), Via: &place, Corners: []feed.Place{second, place, {}},
	}
	b.Labels, b.Sides = append(b.Labels, "l"), append(b.Sides, -3, 4)
	return b
}

// bare returns a message in which nothing is there that may be absent.
func bare() (b feed.Basket) {
	b.Prices, b.Labels = []float64{}, append(b.Labels, "")[:0]
	return b
}

func TestBasket(t *testing.T) {
	var back feed.Basket
	empty := bare()
	empty.Lots, empty.Names = []feed.Lot{}, []string{}
	for _, want := range []feed.Basket{basket(), empty, basket(), bare()} {
		p, err := want.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := back.UnmarshalBinary(p); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, want) {
			t.Fatalf("%+v\nwant\n%+v", back, want)
		}
		again, err := back.MarshalBinary()
		if err != nil || !bytes.Equal(again, p) {
			t.Errorf("other bytes the second time, %v", err)
		}
	}
}

// TestBasketView reads every sort of field without the struct. Nothing is copied, nothing allocated.
func TestBasketView(t *testing.T) {
	want := basket()
	p, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	look := func() {
		v, err := feed.VerifyBasket(p)
		if err != nil {
			t.Fatal(err)
		}
		hedge, hedged := v.Hedge()
		via, there := v.Via()
		last := v.Lots(v.LotsLen() - 1)
		at, placed := last.At()
		venue, _ := last.Dones(0).Venue()
		if v.ID() != want.ID || v.SizesLen() != 3 || v.Sizes(2) != math.MaxInt64 || v.Prices(1) != -0.25 || !v.Flags(2) || v.Sides(0) != -3 ||
			v.Small(0) != -1 || v.NamesLen() != 3 || v.Names(0) != "é" || v.Labels(0) != "l" || v.Main().Symbol() != "A" ||
			!hedged || hedge.Symbol() != "h" || hedge.Qty() != 100 || last.Qty() != 5 || last.DonesLen() != 3 || venue != "x" ||
			last.NotesLen() != 2 || last.Notes(0) != "one" || !placed || at.X() != 8 || at.Area().W() != 9 ||
			!there || via.Key() != [3]byte{1, 2, 3} || via.Steps(2) != 65535 || via.Areas(1).H() != -4 || v.CornersLen() != 3 || v.Corners(1).X() != -7 || v.Corners(2).Live() {
			t.Fatal("the view differs")
		}
	}
	look()
	if n := testing.AllocsPerRun(100, look); n != 0 && !race && column.Native {
		t.Errorf("%v allocations for a look at a message", n)
	}
	var into feed.Basket
	round := func() {
		if p, err = want.AppendBinary(p[:0]); err != nil {
			t.Fatal(err)
		}
		if err := into.UnmarshalBinary(p); err != nil {
			t.Fatal(err)
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 && !race && column.Native {
		t.Errorf("%v allocations to encode and decode a message", n)
	}
}

// TestBasketDamaged wants an error, or a message, of every damaged one, and of every prefix.
func TestBasketDamaged(t *testing.T) {
	want := basket()
	p, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for k := range p {
		var b feed.Basket
		if err := b.UnmarshalBinary(p[:k]); err == nil && !reflect.DeepEqual(b, want) {
			t.Fatalf("%d of %d bytes are another message", k, len(p))
		}
	}
	paths := map[string]bool{}
	for bit := range 8 * len(p) {
		damaged := bytes.Clone(p)
		damaged[bit/8] ^= 1 << (bit % 8)
		var b feed.Basket
		if err := b.UnmarshalBinary(damaged); err != nil {
			var at *rt.DecodeError
			if !errors.Is(err, rt.ErrMalformed) && !errors.Is(err, rt.ErrLimit) || !errors.As(err, &at) || !strings.HasPrefix(at.Path, "basket") {
				t.Fatalf("%v", err)
			}
			paths[at.Path] = true
		}
	}
	for _, path := range []string{"basket.main.symbol", "basket.lots[1].dones[0].venue", "basket.names[2]", "basket.corners"} {
		if !paths[path] {
			t.Errorf("nothing was refused at %s", path)
		}
	}
}

// TestBasketExpands gives a message whose elements all are the same large text: it takes little room, and much memory where each has a
// copy of it.
func TestBasketExpands(t *testing.T) {
	const elements, size = 8192, 64 << 10
	b := bare()
	b.Names = make([]string, elements)
	b.Names[0] = strings.Repeat("x", size)
	p, err := b.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := feed.VerifyBasket(p); err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	names := bytes.Index(p, le.AppendUint32(nil, elements))
	text := bytes.Index(p, append(le.AppendUint32(nil, size), "xxxx"...))
	if names < 0 || text < names {
		t.Fatal("the vector and what it leads to are not where they were looked for")
	}
	for i := range elements {
		at := names + 4 + 4*i
		le.PutUint32(p[at:], uint32(text-at))
	}
	_, err = feed.VerifyBasket(p)
	var at *rt.DecodeError
	if !errors.Is(err, rt.ErrLimit) || !errors.As(err, &at) || !strings.HasPrefix(at.Path, "basket.names[") || !strings.Contains(err.Error(), "Limits.MaxExpanded") {
		t.Errorf("%v", err)
	}
}

const basketSchema = `
struct Area { w: ubyte; h: float; }
struct Place { live: bool; x: int; y: double; key: [ubyte:3]; side: short; steps: [ushort:3]; area: Area; areas: [Area:2]; }
table Done { price: double; venue: string; key: [ubyte]; }
table Lot { symbol: string (required); side: short; qty: int = 100; limit: double = null; dones: [Done]; notes: [string]; at: Place; }
table Basket {
  id: long;
  sizes: [long];
  prices: [double] (required);
  flags: [bool];
  sides: [short];
  small: [byte];
  names: [string];
  labels: [string] (required);
  main: Lot (required);
  hedge: Lot;
  other: Lot;
  lots: [Lot];
  from: Place (required);
  to: Place;
  via: Place;
  corners: [Place];
}
root_type Basket;
`

// TestBasketFlatc has the reference compiler read a message, write it anew, and read it again.
func TestBasketFlatc(t *testing.T) {
	flatc := newFlatc(t, "basket.fbs", basketSchema)
	want := basket()
	p, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	text := flatc.toJSON(p)
	var got struct {
		ID            int64
		Sizes         []int64
		Prices        []float64
		Names, Labels []string
		Hedge         struct {
			Symbol string
			Qty    int32
		}
		Lots []struct {
			Qty   int32
			Limit float64
			Dones []struct{ Venue *string }
		}
		Via struct {
			X     int32
			Key   []int
			Steps []uint16
			Areas []struct {
				W uint8
				H float32
			}
		}
		Corners []struct {
			X int32
			Y float64
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if got.ID != want.ID || !reflect.DeepEqual(got.Sizes, want.Sizes) || !reflect.DeepEqual(got.Prices, want.Prices) || !reflect.DeepEqual(got.Names, want.Names) ||
		got.Hedge.Symbol != "h" || got.Hedge.Qty != 100 || len(got.Lots) != 2 || got.Lots[1].Limit != 0.25 || len(got.Lots[1].Dones) != 3 || got.Lots[1].Dones[2].Venue != nil ||
		got.Via.X != -7 || !reflect.DeepEqual(got.Via.Key, []int{1, 2, 3}) || got.Via.Steps[2] != 65535 || got.Via.Areas[1].H != -4 || got.Corners[1].Y != 0.5 || len(got.Corners) != 3 {
		t.Errorf("flatc reads %s", text)
	}
	var back feed.Basket
	if err := back.UnmarshalBinary(flatc.toBinary(text)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, want) {
		t.Errorf("%+v\nwant\n%+v", back, want)
	}
}
