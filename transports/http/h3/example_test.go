package h3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/lightstream-go/lightstream/transports/http"
	"github.com/lightstream-go/lightstream/transports/http/h3"
	"github.com/lightstream-go/lightstream/transports/tls"
)

func ExampleGet() {
	c, err := h3.Get(context.Background(), "https://feed.example/trades", &http.Options{TLS: tls.Config{CAFile: "authority.pem"}})
	if err != nil {
		fmt.Println("no such file:", errors.Is(err, fs.ErrNotExist))
		return
	}
	defer c.Close()
	stream, err := io.ReadAll(c)
	fmt.Println(len(stream), err)
	// Output: no such file: true
}
