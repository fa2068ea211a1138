package feed

import rt "github.com/lightstream-go/lightstream/runtime"

// Quote is what is bid and asked.
//
//lightstream:table
type Quote struct {
	Symbol string `arrow:"symbol,dict(int8)"`
	Bid    float64
	Ask    float64
}

// Heartbeat tells that the feed is alive. It has a field of each type that messages have.
//
//lightstream:message
type Heartbeat struct {
	Sent    int64
	Host    string
	Live    bool
	Load    float64
	Share   float32
	Level   uint8 `arrow:"level,default=3"`
	Side    side
	Rank    rt.Null[int32]
	Weight  *float64
	Note    rt.Null[string]
	Remark  *string
	Payload []byte
	Digest  []byte `arrow:"digest,required"`
	Name    label
}

// label is a text with a name of its own.
type label string

// side has a number with a name of its own.
type side int16

// Raw is a message that a codec of its own turns into bytes.
//
//lightstream:message codec=rawCodec
type Raw struct{ Text []byte }

var rawCodec rt.MessageCodec[Raw] = raws{}

type raws struct{}

func (raws) Append(dst []byte, b *Raw) ([]byte, error) { return append(dst, b.Text...), nil }

func (raws) Decode(p []byte, b *Raw) error {
	b.Text = append(b.Text[:0], p...)
	return nil
}

// Feed is what an exchange sends.
//
//lightstream:protocol Feed = Trade | Quote | Heartbeat | Raw
