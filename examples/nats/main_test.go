package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestMain(m *testing.M) {
	if url := os.Getenv("NATS_EXAMPLE_URL"); url != "" {
		if err := child(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// billing: 2 messages, 200 orders, 0 of them with a fee
	// 100 orders were published in 1 messages
	// 10000 orders were published in 8 messages
	// billing, later: 11 messages, 10300 orders, 10100 of them with a fee
	// from the start: 13 messages, 10500 orders, 10100 of them with a fee
	// from a time: 9 messages, 10100 orders, 10100 of them with a fee
	// three members: 13 messages, 10500 orders
}

// feed returns a server with a stream and a consumer of it.
func feed(t *testing.T) (url string, js jetstream.JetStream, stream jetstream.Stream) {
	t.Helper()
	s, err := start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	js, stream, err = connect(t.Context(), s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(js.Conn().Close)
	return s.ClientURL(), js, stream
}

// child is a consumer in a process of its own. It prints what it has handled, and acknowledges it when it is told to go on.
func child(url string) error {
	ctx := context.Background()
	js, stream, err := connect(ctx, url)
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	c, err := stream.Consumer(ctx, "killed")
	if err != nil {
		return err
	}
	d, err := newDecoder(ctx, js)
	if err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	return consume(ctx, d, c, func(sequence uint64, b OrderBatch) error {
		total := 0.0
		for _, p := range b.Price() {
			total += p
		}
		fmt.Println(sequence, b.Len(), total)
		word, err := in.ReadString('\n')
		if err == nil && word == "enough\n" {
			err = errEnough
		}
		return err
	})
}

// TestKilledConsumer kills a consumer between handling a message and acknowledging it, by a signal that it does not see. The next one
// begins with that message, and none is lost.
func TestKilledConsumer(t *testing.T) {
	url, js, stream := feed(t)
	_, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{
		Durable: "killed", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	first, err := newPublisher(t.Context(), js, "orders.new", FirstOrderTable)
	if err != nil {
		t.Fatal(err)
	}
	second, err := newPublisher(t.Context(), js, "orders.new", OrderTable)
	if err != nil {
		t.Fatal(err)
	}
	const messages = 12
	want := make(map[uint64]string)
	for i := range messages {
		n := 10 + i
		rows := orders(100*i, n)
		if i%2 == 0 {
			_, err = first.publish(t.Context(), fmt.Sprint(i), firstOrders(100*i, n))
		} else {
			_, err = second.publish(t.Context(), fmt.Sprint(i), rows)
		}
		if err != nil {
			t.Fatal(err)
		}
		total := 0.0
		for _, r := range rows {
			total += r.Price
		}
		want[uint64(i+1)] = fmt.Sprint(n, " ", total)
	}

	handled := make(map[uint64]string)
	again := 0
	// life runs a consumer until it has handled so many messages. Its last one it does not acknowledge if it is killed.
	life := func(n int, kill bool) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "NATS_EXAMPLE_URL="+url)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i := 1; i <= n; i++ {
			if !lines.Scan() {
				t.Fatalf("the consumer has ended after %d: %s", i-1, &stderr)
			}
			var sequence uint64
			number, rest, _ := strings.Cut(lines.Text(), " ")
			if _, err := fmt.Sscan(number, &sequence); err != nil {
				t.Fatal(err)
			}
			if _, ok := handled[sequence]; ok {
				again++
			}
			handled[sequence] = rest
			word := "on\n"
			switch {
			case i == n && kill:
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				word = ""
			case i == n:
				word = "enough\n"
			}
			if word != "" {
				if _, err := io.WriteString(in, word); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); (err == nil) == kill {
			t.Fatalf("%v: %s", err, &stderr)
		}
	}
	life(3, true)
	life(4, true)
	life(messages-5, false) // 1 and 2, and 3 to 5, were acknowledged
	if len(handled) != messages || again != 2 {
		t.Errorf("%d of %d messages were handled, %d of them twice; want those that were not acknowledged", len(handled), messages, again)
	}
	for sequence, w := range want {
		if handled[sequence] != w {
			t.Errorf("message %d: %q, want %q", sequence, handled[sequence], w)
		}
	}
	c, err := stream.Consumer(t.Context(), "killed")
	if err != nil {
		t.Fatal(err)
	}
	if info := c.CachedInfo(); info.NumPending != 0 || info.NumAckPending != 0 {
		t.Errorf("%d are pending, %d are not acknowledged", info.NumPending, info.NumAckPending)
	}
}

// TestOnce publishes the same rows again, as a producer does that has not seen the answer.
func TestOnce(t *testing.T) {
	_, js, stream := feed(t)
	p, err := newPublisher(t.Context(), js, "orders.new", OrderTable)
	if err != nil {
		t.Fatal(err)
	}
	rows := orders(0, 5000)
	n, err := p.publish(t.Context(), "rows", rows)
	if err != nil || n < 4 {
		t.Fatal(n, err)
	}
	if again, err := p.publish(t.Context(), "rows", rows); err != nil || again != n {
		t.Fatal(again, err)
	}
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs != uint64(n) {
		t.Errorf("%d messages, want %d", info.State.Msgs, n)
	}
	// All rows are there, in their order.
	c, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDecoder(t.Context(), js)
	if err != nil {
		t.Fatal(err)
	}
	next := int64(0)
	err = consume(t.Context(), d, c, func(_ uint64, b OrderBatch) error {
		for i, id := range b.ID() {
			if id != next || b.Symbol().At(i) != symbols[next%3] {
				t.Errorf("order %d is %d", next, id)
			}
			next++
		}
		if next == 5000 {
			return errEnough
		}
		return nil
	})
	if err != nil || next != 5000 {
		t.Error(next, err)
	}
}

// TestRefused has what does not fit, and what is no batch.
func TestRefused(t *testing.T) {
	_, js, stream := feed(t)
	p, err := newPublisher(t.Context(), js, "orders.new", OrderTable)
	if err != nil {
		t.Fatal(err)
	}
	long := orders(0, 3)
	long[1].Symbol = strings.Repeat("x", 70<<10)
	if n, err := p.publish(t.Context(), "long", long); err == nil || !strings.Contains(err.Error(), "one row takes") || n != 1 {
		t.Errorf("%d, %v", n, err) // the row before it is stored
	}
	d, err := newDecoder(t.Context(), js)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ schema, data, want string }{
		{"", "", "want a fingerprint"},
		{"abcd", "", "want a fingerprint"},
		{strings.Repeat("00", 16), "", "the schema 00000000000000000000000000000000"},
		{p.schema, "not a batch", ""},
		{p.schema, "", ""},
	} {
		b, err := d.decode(t.Context(), nats.Header{schemaHeader: {c.schema}}, []byte(c.data))
		if err == nil || !strings.Contains(err.Error(), c.want) || b != (OrderBatch{}) {
			t.Errorf("%q: %v", c.data, err)
		}
	}
	// Such a message ends the consumer with an error that names it, and does not come again.
	if _, err := js.Publish(t.Context(), "orders.new", []byte("not a batch")); err != nil {
		t.Fatal(err)
	}
	consumer, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, Durable: "d", AckWait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	err = consume(t.Context(), d, consumer, func(uint64, OrderBatch) error { return nil })
	if err == nil || errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "message 2: ") {
		t.Error(err)
	}
}
