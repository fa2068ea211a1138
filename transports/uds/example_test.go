package uds_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/uds"
)

func ExampleListen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "feed")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "feed.sock")

	l, err := uds.Listen(ctx, path, &uds.ListenOptions{
		Authorize: func(_ context.Context, p *transports.Peer) error {
			if c, ok := p.Identity.(*uds.Credentials); ok && c.UID != os.Geteuid() {
				return fmt.Errorf("user %d may not read this", c.UID)
			}
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		c, err := l.Accept(ctx)
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "columns")
	}()

	c, err := uds.Dial(ctx, path, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	b, err := io.ReadAll(c)
	fmt.Printf("%s, %v\n", b, err)

	fmt.Println(l.Close())
	_, err = os.Stat(path)
	fmt.Println("file left:", err == nil)
	// Output:
	// columns, <nil>
	// <nil>
	// file left: false
}

func ExampleDial() {
	_, err := uds.Dial(context.Background(), "/nowhere/feed.sock", nil)
	fmt.Println(err)
	// Output: lightstream: uds /nowhere/feed.sock: dial: no such file or directory; is the other end listening, and at this path?
}
