// Command typed receives the numbers of a stream over TCP and adds them up, with this project.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/lightstream-go/lightstream/transports/tcp"
)

func main() {
	if err := receive(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func receive(ctx context.Context, addr string) error {
	conn, err := tcp.Dial(ctx, addr, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	var sum int64
	for batch, err := range NewNumericReader(conn, nil).Batches(ctx) {
		if err != nil {
			return err
		}
		for _, v := range batch.I64() {
			sum += v
		}
		batch.Release()
	}
	fmt.Println(sum)
	return nil
}
