package wt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/lightstream-go/lightstream/transports/tls"
	"github.com/lightstream-go/lightstream/transports/wt"
)

// An end that dials in order to receive says so.
func ExampleDial() {
	c, err := wt.Dial(context.Background(), "https://feed.example/trades", &wt.DialOptions{
		TLS:      tls.Config{CAFile: "authority.pem"},
		Receives: true,
	})
	if err != nil {
		fmt.Println("no such file:", errors.Is(err, fs.ErrNotExist))
		return
	}
	defer c.Close()
	text, err := io.ReadAll(c)
	fmt.Printf("%s, %v\n", text, err)
	// Output: no such file: true
}
