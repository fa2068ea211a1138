package peers

import (
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// peer is what has to be known of a peer to say what it reads and writes.
type peer struct {
	batches  bool // it keeps batches apart
	metadata bool // it hands out a schema's metadata
	uris     bool // it connects by itself, from a URI
	media    []medium
	written  func() []*kase // cases in which this side writes
	cases    func() []*kase // cases in which the peer does

	// typeOf is the peer's own type of a column that it has read.
	typeOf func(f *ipc.Field) field
	// wire is what arrives of a column that it was told to write.
	wire func(f field, oldest bool) field
	// reinterpret changes what was sent into what it hands out, where it changes values on its own.
	reinterpret func(s *ipc.Schema, batches []batch)
}

// peerNames are the keys of peers, in the order of docs/interop.md.
var peerNames = []string{"pyarrow", "polars", "lightstream-io"}

var peers map[string]*peer

func init() {
	peers = map[string]*peer{
		"pyarrow": {
			batches: true, metadata: true, media: plainMedia, cases: pyarrowCases, written: writtenCases,
			typeOf:      func(f *ipc.Field) field { return field{f.Name, f.TypeString(), f.Nullable} },
			wire:        func(f field, _ bool) field { return f },
			reinterpret: func(*ipc.Schema, []batch) {},
		},
		"polars": {
			media: plainMedia, cases: polarsCases, written: writtenCases,
			typeOf: polarsType, wire: polarsWire, reinterpret: polarsSeconds,
		},
		"lightstream-io": {
			batches: true, uris: true, media: onWires, cases: lightstreamCases, written: lightstreamWrittenCases,
			typeOf: lightstreamType, wire: lightstreamWire, reinterpret: func(*ipc.Schema, []batch) {},
		},
	}
}

// polarsType is the name of a data type of polars, which does not know which columns are nullable.
func polarsType(f *ipc.Field) field {
	t := field{f.Name, "", true}
	switch {
	case f.Dictionary != nil:
		t.Type = "Categorical"
	case f.Type.Kind == ipc.KindBool:
		t.Type = "Boolean"
	case f.Type.Kind == ipc.KindInt && f.Type.Signed:
		t.Type = fmt.Sprintf("Int%d", f.Type.Bits)
	case f.Type.Kind == ipc.KindInt:
		t.Type = fmt.Sprintf("UInt%d", f.Type.Bits)
	case f.Type.Kind == ipc.KindFloat:
		t.Type = fmt.Sprintf("Float%d", f.Type.Bits)
	case f.Type.IsText():
		t.Type = "String"
	case f.Type.IsBinary():
		t.Type = "Binary"
	case f.Type.Kind == ipc.KindTimestamp:
		unit, zone := f.Type.Unit, "None"
		if unit == column.Second { // it has no seconds
			unit = column.Millisecond
		}
		if f.Type.Zone != "" {
			zone = "'" + f.Type.Zone + "'"
		}
		t.Type = fmt.Sprintf("Datetime(time_unit='%v', time_zone=%s)", unit, zone)
	}
	return t
}

// polarsSeconds turns seconds into milliseconds, as polars does.
func polarsSeconds(s *ipc.Schema, batches []batch) {
	for i := range s.Fields {
		if s.Fields[i].Type.Unit != column.Second {
			continue
		}
		for _, b := range batches {
			b.Columns[i] = converted(b.Columns[i], times(1000))
		}
	}
}

// polarsWire is how polars writes its types. All columns are nullable.
func polarsWire(f field, oldest bool) field {
	text, bytes := "utf8_view", "binary_view"
	if oldest {
		text, bytes = "large_utf8", "large_binary"
	}
	switch f.Nullable = true; f.Type {
	case "utf8":
		f.Type = text
	case "binary":
		f.Type = bytes
	case "list<item: int32>":
		f.Type = "large_list<item: int32>"
	case "categorical":
		f.Type = "dictionary<uint32, " + text + ">"
	case "enum":
		f.Type = "dictionary<uint8, " + text + ">"
	}
	return f
}

// converted returns the cells of what convert makes of those that are not null.
func converted(cells []cell, convert func(cell) cell) []cell {
	if convert == nil {
		return cells
	}
	out := make([]cell, len(cells))
	for i, c := range cells {
		if c != nil {
			out[i] = convert(c)
		}
	}
	return out
}

// times returns the conversion to a finer unit.
func times(n int64) func(cell) cell {
	return func(c cell) cell { return intCell(number(c) * n) }
}

// widened is a float32 as a float64.
func widened(c cell) cell { return float64Cell(floatOf(c, 32)) }

// halfWidened is a float16 as a float of the given bits, worked out apart from the code that is tested.
func halfWidened(bits int) func(cell) cell {
	return func(c cell) cell {
		if c == nan {
			return nan
		}
		var n uint16
		fmt.Sscanf(c.(string), "%x", &n)
		v := map[uint16]float64{
			0x0000: 0, 0x3c00: 1, 0x0001: 1.0 / (1 << 24), 0x7bff: 65504, 0x3555: 0.333251953125, 0x03ff: 1023.0 / (1 << 24),
			0x7c00: inf,
		}[n&0x7fff]
		if n>>15 != 0 {
			v = negative(v)
		}
		if bits == 32 {
			return float32Cell(float32(v))
		}
		return float64Cell(v)
	}
}

// cellsOf returns integers as cells.
func cellsOf(values ...int64) (cells []cell) {
	for _, v := range values {
		cells = append(cells, intCell(v))
	}
	return cells
}
