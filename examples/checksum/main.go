// Checksum carries typed batches in a protocol of its own: a sequence number and a CRC-32C around each. The generated
// TradeFramer makes and reads what is in a frame, frame.go does the rest, and frame.Stream brings the bytes.
//
//	go run ./examples/checksum
package main

import (
	"fmt"
	"io"
	"net"
	"os"

	"github.com/lightstream-go/lightstream/runtime/frame"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run sends three batches to itself.
func run(out io.Writer) error {
	near, far := net.Pipe()
	defer near.Close()
	sent := make(chan error, 1)
	go func() {
		defer far.Close()
		sent <- send(far, 3)
	}()
	if err := receive(out, near); err != nil {
		return err
	}
	return <-sent
}

// send writes n batches, each with one row more than the last.
func send(dst io.Writer, n int) error {
	c := newChecked()
	b := NewTradeBuilder(nil)
	var buf []byte
	for range n {
		b.Append(Trade{Symbol: "ACME", Price: 10 + float64(b.Len())/4, Size: 100})
		var err error
		if buf, err = c.AppendFrame(buf[:0], b); err != nil {
			return err
		}
		if _, err := dst.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// receive prints what comes until the source ends between two frames.
func receive(out io.Writer, src io.Reader) error {
	for f, err := range frame.NewStream(src, newChecked(), nil).All() {
		if err != nil {
			return err
		}
		total := 0.0
		for _, price := range f.trades.Price() {
			total += price
		}
		fmt.Fprintf(out, "frame %d: %d trades of %s, %.2f in all\n", f.seq, f.trades.Len(), f.trades.Symbol().At(0), total)
		f.trades.Release()
	}
	return nil
}
