// Command arrowgo receives the numbers of a stream over TCP and adds them up, with arrow-go.
package main

import (
	"fmt"
	"net"
	"os"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

func main() {
	if err := receive(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func receive(addr string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	r, err := ipc.NewReader(conn)
	if err != nil {
		return err
	}
	defer r.Release()
	var sum int64
	for r.Next() {
		for _, v := range r.RecordBatch().Column(0).(*array.Int64).Int64Values() {
			sum += v
		}
	}
	if r.Err() != nil {
		return r.Err()
	}
	fmt.Println(sum)
	return nil
}
