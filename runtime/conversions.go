package rt

import (
	"slices"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Conversions make columns of a stream those of a table that have another type. Each column of a generated table refers to its own, so
// that a program links those of its tables alone.
type Conversions struct {
	convert func(want *Column, have *ipc.Field, limits *ipc.Limits) (c converter, remedy string)
	texts   *texts  // of a column of text or bytes, or with a dictionary, nil of others
	below   *belows // of a column that has others below it, nil of others
}

// texts is what is done for columns of text and bytes and those with a dictionary, and for no others.
type texts struct {
	name func(c *codes, d *column.Data, index ipc.Type) (row int, err error)
	fill func(want *Column, value []byte, text string) converter
	take func(h Handle, d, src column.Data, form column.TextForm, most int64, rows []int32) (column.Data, error) // of copies, which stay off the heap
}

// belows is what is done for columns that have others below them, and for no others.
type belows struct {
	fit     func(f *fitter, c *columnFit) (remedy string)
	visible func(c *columnFit, h Handle, d *column.Data, k, n int) ([]byte, error)
	rowOf   func(c *columnFit, d *column.Data, k, below int) int
	blank   func(h Handle, want *Column, d *column.Data, most int64) error
	absent  func(h Handle, d *column.Data, want *Column) error
	wrap    func(want *Column, most int64) func(h Handle, d *column.Data, zero bool) (int, error)
}

// The conversions that there are. What has none is taken as it is or not at all: bools, nulls.
var (
	// ToNumber has those of integers and floats.
	ToNumber = &Conversions{convert: convertNumber}
	// ToTime has those of dates, times, durations, timestamps and decimals, and of intervals.
	ToTime = &Conversions{convert: convertTime}
	// ToBytes has those of text and bytes, and of all that has a dictionary.
	ToBytes = &Conversions{convert: convertBytes, texts: &texts{name: (*codes).apply, fill: fillTexts, take: takeTexts}}
	// ToNested has those of structs, lists, maps, unions and run-end encoded columns.
	ToNested = &Conversions{below: &belows{
		fit: (*fitter).nested, visible: (*columnFit).visible, rowOf: (*columnFit).rowOf, blank: blankRows, absent: absentNested, wrap: wrapRuns,
	}}
)

// setConversions has columns, and those below them, converted from all that their types can be, unless they say otherwise.
func setConversions(columns []Column) {
	for i := range columns {
		c := &columns[i]
		if setConversions(c.Parts); c.From != nil {
			continue
		}
		switch k := c.Type.Kind; {
		case c.Dictionary != nil, c.Type.IsText(), c.Type.IsBinary(), k == ipc.KindFixedSizeBinary:
			c.From = ToBytes
		case nested(k):
			c.From = ToNested
		case k == ipc.KindInt, k == ipc.KindFloat:
			c.From = ToNumber
		case k == ipc.KindBool, k == ipc.KindNull:
		default:
			c.From = ToTime
		}
	}
}

// withConversions returns a copy of columns after [setConversions].
func withConversions(columns []Column) []Column {
	columns = slices.Clone(columns)
	for i := range columns {
		columns[i].Parts = withConversions(columns[i].Parts)
	}
	setConversions(columns)
	return columns
}
