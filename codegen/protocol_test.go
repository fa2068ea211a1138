package codegen_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen"
)

// TestProtocolFrontEndsAgree writes a protocol in a schema and in Go.
func TestProtocolFrontEndsAgree(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "feed.fbs"), `
include "lightstream.fbs";

enum Level : ubyte { Low = 1, High = 2 }

table Trade {
  symbol: string (required, dict);
  price: double;
}

/// Heartbeat tells that the feed is alive.
table Heartbeat (message) {
  /// When it was sent.
  sent_ns: long;
  host: string (required);
  live: bool = true;
  share: float;
  level: Level = High;
  rank: int = null;
  note: string;
  payload: [ubyte];
  digest: [ubyte] (required);
  sizes: [long];
  levels: [Level] (required);
  names: [string];
  main: Leg (required);
  hedge: Leg;
  legs: [Leg];
  place: Point (required);
  via: Point;
  places: [Point];
}

struct Inner { w: ubyte; h: float; }

struct Point {
  x: double;
  inner: Inner;
  steps: [short:3];
  key: [ubyte:5];
}

table Leg {
  /// Which one.
  symbol: string (required);
  qty: int = 100;
  fills: [Fill];
  at: Point;
}

table Fill {
  price: double;
}

table Order (message: "orderCodec") {}

/// Feed is what an exchange sends.
union Feed { Trade, Heartbeat, Order }
`)
	declared := `package feed

import rt "github.com/lightstream-go/lightstream/runtime"

type Order struct{}

var orderCodec rt.MessageCodec[Order]
`
	write(t, filepath.Join(dir, "order.go"), declared)
	fromFBS := generate(t, &codegen.Options{Inputs: []string{filepath.Join(dir, "feed.fbs")}})
	for _, want := range []string{"\ntype Heartbeat struct {", "SentNs  int64 ", "Level   Level ", "\ntype Leg struct {", "\ntype Point struct {"} {
		if !strings.Contains(fromFBS["feed_rows.go"], want) {
			t.Errorf("no %q in\n%s", want, fromFBS["feed_rows.go"])
		}
	}
	if strings.Contains(fromFBS["feed_rows.go"], "type Order") {
		t.Error("the type of an opaque message was written")
	}
	goDir := t.TempDir()
	write(t, filepath.Join(goDir, "feed.go"), strings.Replace(declared, "type Order struct{}", `//lightstream:message codec=orderCodec
type Order struct{}

type Level uint8

//lightstream:table
type Trade struct {
	Symbol string `+"`arrow:\",dict\"`"+`
	Price  float64
}

// Heartbeat tells that the feed is alive.
//
//lightstream:message
type Heartbeat struct {
	// When it was sent.
	SentNs  int64
	Host    string
	Live    bool `+"`arrow:\",default=true\"`"+`
	Share   float32
	Level   Level `+"`arrow:\",default=2\"`"+`
	Rank    rt.Null[int32]
	Note    rt.Null[string]
	Payload []byte
	Digest  []byte `+"`arrow:\",required\"`"+`
	Sizes   []int64
	Levels  []Level `+"`arrow:\",required\"`"+`
	Names   []string
	Main    Leg
	Hedge   rt.Null[Leg]
	Legs    []Leg
	Place   Point
	Via     rt.Null[Point]
	Places  []Point
}

//lightstream:struct
type Inner struct {
	W uint8
	H float32
}

//lightstream:struct
type Point struct {
	X     float64
	Inner Inner
	Steps [3]int16
	Key   [5]byte
}

type Leg struct {
	// Which one.
	Symbol string
	Qty    int32 `+"`arrow:\",default=100\"`"+`
	Fills  []Fill
	At     rt.Null[Point]
}

type Fill struct{ Price float64 }

// Feed is what an exchange sends.
//
//lightstream:protocol Feed = Trade | Heartbeat | Order
`, 1))
	fromGo := generate(t, &codegen.Options{Inputs: []string{goDir}})
	got, want := body(fromGo["feed_lightstream.go"]), body(fromFBS["feed_lightstream.go"])
	// The messages stand in the order of the definitions.
	if got != want {
		t.Errorf("front ends differ:\n%s", firstDifference(got, want))
	}
	if !strings.Contains(want, "func (c *FeedConn) SendOrder(") {
		t.Errorf("no protocol in\n%s", want)
	}
}
