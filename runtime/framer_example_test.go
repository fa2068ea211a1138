package rt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"math"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// A protocol of your own puts its head before the frames of a framer, here the fingerprint of the table and a length, and a stream reads them.
func ExampleFramer() {
	sealed := sealed{feed.NewTradeFramer(nil)}
	b := feed.NewTradeBuilder(nil)
	b.Append(feed.Trade{Time: opening, Symbol: "ACME", Price: 10.5})
	wire, err := sealed.AppendFrame(nil, b)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(b.Len(), "row is still in the builder")

	for batch, err := range frame.NewStream(bytes.NewReader(wire), sealed, nil).All() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(batch.Symbol().At(0), batch.Price()[0])
		batch.Release()
	}

	wire[0] ^= 1
	_, err = frame.NewStream(bytes.NewReader(wire), sealed, nil).Next()
	fmt.Println(errors.Is(err, frame.ErrMalformed))
	// Output:
	// 1 row is still in the builder
	// ACME 10.5
	// true
}

// sealed makes and reads frames: 16 bytes of fingerprint, 4 of length, and what the framer makes.
type sealed struct{ trades *feed.TradeFramer }

func (s sealed) AppendFrame(dst []byte, b *feed.TradeBuilder) ([]byte, error) {
	start, id := len(dst), feed.TradeTable.Fingerprint()
	out, err := s.trades.AppendFrame(append(append(dst, id[:]...), 0, 0, 0, 0), b)
	if err != nil {
		return dst, err
	}
	binary.LittleEndian.PutUint32(out[start+16:], uint32(len(out)-start-20))
	return out, nil
}

// Measure is asked with what has come of a frame, and says how long its head and its body are.
func (s sealed) Measure(prefix []byte) (head, body, need int, err error) {
	if len(prefix) < 20 {
		return 0, 0, 20, nil
	}
	id, size := feed.TradeTable.Fingerprint(), binary.LittleEndian.Uint32(prefix[16:])
	switch {
	case !bytes.Equal(prefix[:16], id[:]):
		err = frame.At(0, "fingerprint", frame.Errorf(frame.ErrMalformed, "%x, want %v", prefix[:16], id))
	case size > 64<<20:
		err = frame.At(16, "length", frame.Errorf(frame.ErrLimit, "%d bytes, at most %d are allowed", size, 64<<20))
	}
	return 20, int(size & math.MaxInt32), 0, err
}

func (s sealed) DecodeBody(_, body []byte, owner *mem.Block) (feed.TradeBatch, error) {
	return s.trades.DecodeBody(nil, body, owner)
}

// Decode is for frames that are in memory as a whole.
func (s sealed) Decode(buf []byte) (batch feed.TradeBatch, n int, err error) {
	head, body, need, err := s.Measure(buf)
	if err != nil || need > len(buf) || head+body > len(buf) {
		return batch, 0, err
	}
	if batch, err = s.DecodeBody(nil, buf[head:head+body:head+body], nil); err != nil {
		return batch, 0, err
	}
	return batch, head + body, nil
}
