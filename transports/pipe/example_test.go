package pipe_test

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/lightstream-go/lightstream/transports/pipe"
)

func ExampleNew() {
	a, b := pipe.New(nil)
	go func() {
		request, _ := io.ReadAll(b) // to the other end's CloseWrite
		fmt.Fprintf(b, "got %q", request)
		_ = b.Close()
	}()
	n, err := a.WriteBuffers([][]byte{[]byte("one "), []byte("two")})
	fmt.Println("sent", n, err)
	_ = a.CloseWrite()
	answer, err := io.ReadAll(a)
	fmt.Printf("%s, %v\n", answer, err)
	_ = a.Close()
	// Output:
	// sent 7 <nil>
	// got "one two", <nil>
}

// A test breaks a connection in the middle of a message.
func ExampleConn_CloseWithError() {
	a, b := pipe.New(&pipe.Options{Name: "feed"})
	_, _ = a.Write([]byte("half a mess"))
	a.CloseWithError(errors.New("cable cut"))
	got, err := io.ReadAll(b)
	fmt.Printf("%q\n%v\n", got, err)
	// Output:
	// "half a mess"
	// lightstream: pipe feed: read: cable cut
}

func ExampleListen() {
	ctx := context.Background()
	l := pipe.Listen(nil)
	dialled, err := l.Dial(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	accepted, err := l.Accept(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = dialled.Write([]byte("hello"))
	_ = dialled.Close()
	got, err := io.ReadAll(accepted)
	fmt.Printf("%s %v\n", got, err)
	_ = l.Close()
	_, err = l.Dial(ctx)
	fmt.Println(err)
	// Output:
	// hello <nil>
	// lightstream: pipe memory: dial: connection refused; its listener was closed
}
