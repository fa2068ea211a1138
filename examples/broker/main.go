// Broker keeps batches as bytes in a topic, for consumers who come early or late. It uses a table without a connection:
// AppendSchema, AppendBatch and DecodeBatch, and Fingerprint to tell that both ends mean the same columns.
//
//	go run ./examples/broker
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	schema, err := TickTable.AppendSchema(nil)
	if err != nil {
		return err
	}
	t := newTopic(TickTable.Fingerprint(), schema)

	// The first consumer is there before the first message.
	early := make(chan error, 1)
	var seen bytes.Buffer
	go func() { early <- consume(ctx, &seen, "early", t, 0) }()
	if err := produce(t, 5); err != nil {
		return err
	}
	if err := <-early; err != nil {
		return err
	}
	if _, err := seen.WriteTo(out); err != nil {
		return err
	}

	// The second comes when all is over, and wants the last two only. It reads the same bytes.
	if err := consume(ctx, out, "late", t, 3); err != nil {
		return err
	}

	// The third wants a stream, as pyarrow would.
	var stream bytes.Buffer
	if _, err := t.WriteTo(&stream); err != nil {
		return err
	}
	rows := 0
	for _, err := range NewTickReader(&stream, nil).Rows(ctx) {
		if err != nil {
			return err
		}
		rows++
	}
	fmt.Fprintf(out, "as a stream: %d ticks\n", rows)
	return nil
}

// produce publishes n batches, each with one tick more than the last.
func produce(t *topic, n int) error {
	defer t.end()
	b := NewTickBuilder(nil)
	for i := range n {
		b.Reset()
		for k := range i + 1 {
			b.Append(Tick{Symbol: fmt.Sprint("S", k%3), Price: float64(10*i + k)})
		}
		message, err := TickTable.AppendBatch(mem.Alloc(4 << 10)[:0], b) // aligned, so that consumers read it where it lies
		if err != nil {
			return err
		}
		if err := t.publish(TickTable.Fingerprint(), message); err != nil {
			return err
		}
	}
	return nil
}

// consume prints a line for each message from number n on.
func consume(ctx context.Context, out io.Writer, who string, t *topic, n int) error {
	if have, want := t.fingerprint, TickTable.Fingerprint(); have != want {
		return fmt.Errorf("the topic has schema %x, want %x", have, want)
	}
	for i, message := range t.from(ctx, n) {
		batch, err := TickTable.DecodeBatch(message) // its columns alias the message
		if err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		total := 0.0
		for _, price := range batch.Price() {
			total += price
		}
		fmt.Fprintf(out, "%s: message %d has %d ticks, %g in all\n", who, i, batch.Len(), total)
		batch.Release()
	}
	return ctx.Err()
}
