package rt_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/frame"
)

// TestFramerOwnProtocol has what the guide says of a protocol of one's own: offsets of errors count from the payload, a head needs no padding, and
// what has the same layout is not told apart.
func TestFramerOwnProtocol(t *testing.T) {
	s := sealed{feed.NewTradeFramer(nil)}
	b := feed.NewTradeBuilder(nil)
	const rows = 5000 // a body that a stream reads to where it lies at a multiple of 64
	for i := range rows {
		b.Append(feed.Trade{Time: opening, Symbol: "ACME", Price: float64(i)})
	}
	wire, err := s.AppendFrame(nil, b)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := frame.NewStream(bytes.NewReader(wire), s, nil).Next()
	if err != nil || batch.Len() != rows || batch.Price()[rows-1] != rows-1 {
		t.Fatal(err)
	}
	batch.Release()
	if n := s.trades.Stats().Realigned; n != 0 {
		t.Errorf("%d buffers were copied", n)
	}
	bad := slices.Clone(wire)
	bad[20+4] = 0xff // the length of the first message's metadata
	var where *frame.DecodeError
	if _, err := frame.NewStream(bytes.NewReader(bad), s, nil).Next(); !errors.As(err, &where) || where.Offset > 16 {
		t.Errorf("%v", err)
	}

	// The columns of another table, of the same types.
	columns := make([]rt.Column, len(feed.TradeTable.Schema().Fields))
	for i, f := range feed.TradeTable.Schema().Fields {
		f.Name = "other_" + f.Name
		columns[i] = rt.ColumnOf(&f)
	}
	other := rt.NewTable(rt.TableSpec[feed.Trade, rt.Handle, *feed.TradeBuilder]{
		Name: "other", Columns: columns, NewBatch: func(h rt.Handle) rt.Handle { return h }, NewBuilder: feed.NewTradeBuilder,
	})
	_, n, err := rt.NewFramer(other, nil).Decode(wire[20:])
	if err != nil || n != len(wire)-20 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if other.Fingerprint() == feed.TradeTable.Fingerprint() {
		t.Error("the fingerprints are the same")
	}
}
