package stdio_test

import (
	"fmt"
	"io"
	"os"

	"github.com/lightstream-go/lightstream/transports/stdio"
)

// Standard output is the connection's from here on; CloseWrite would end it.
func ExampleOpen() {
	c := stdio.Open()
	n, err := c.WriteBuffers([][]byte{[]byte("columns "), []byte("go here\n")})
	if n != 16 || err != nil {
		fmt.Fprintln(os.Stderr, n, err)
	}
	// Output: columns go here
}

// Two pipes, as they lead to a child process and back.
func ExampleNew() {
	childIn, out, err := os.Pipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	in, childOut, err := os.Pipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() { // in place of a child with childIn and childOut as its standard input and output
		request, _ := io.ReadAll(childIn)
		fmt.Fprintf(childOut, "%d bytes, thank you", len(request))
		_ = childOut.Close()
	}()

	c := stdio.New(in, out)
	defer c.Close()
	fmt.Println(io.WriteString(c, "request"))
	fmt.Println(c.CloseWrite())
	answer, err := io.ReadAll(c)
	fmt.Printf("%s, %v\n", answer, err)
	// Output:
	// 7 <nil>
	// <nil>
	// 7 bytes, thank you, <nil>
}
