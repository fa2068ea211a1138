package rt_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

// order is a message whose bytes another library makes: JSON here, and Protobuf or MessagePack in the same way.
type order struct {
	ID   int
	Side string
}

type orders struct{}

func (orders) Append(dst []byte, o *order) ([]byte, error) {
	p, err := json.Marshal(o)
	return append(dst, p...), err
}

func (orders) Decode(p []byte, o *order) error {
	*o = order{}
	return json.Unmarshal(p, o)
}

func ExampleMessageCodec() {
	var p rt.Protocol
	placed := rt.AddMessage[order](&p, "order", orders{})
	clock := rt.AddMessage(&p, "clock", rt.Binary[time.Time, *time.Time]{}) // encoding.BinaryMarshaler

	ctx := context.Background()
	var wire bytes.Buffer
	c, err := p.Conn(&wire, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := placed.Send(ctx, c, order{7, "buy"}); err != nil {
		fmt.Println(err)
	}
	if err := clock.Send(ctx, c, time.Unix(0, 0).UTC()); err != nil {
		fmt.Println(err)
	}
	for {
		item, err := c.Recv(ctx)
		if err == io.EOF {
			return
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		switch item.Tag() {
		case placed.Tag():
			fmt.Println(placed.Message(item))
		case clock.Tag():
			fmt.Println(clock.Message(item))
		}
	}
	// Output:
	// {7 buy} <nil>
	// 1970-01-01 00:00:00 +0000 UTC <nil>
}
