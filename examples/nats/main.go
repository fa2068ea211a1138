// Nats keeps batches in a stream of JetStream: consumers that are durable go on where they were, others replay from the start or from a
// time, some share the work. The schema changes in mid-stream, and a batch that is larger than the server's limit is split by rows.
//
//	go run .
//
// The server is in the program, and keeps its stream in a directory that is removed at the end. For a server of one's own, what is in
// publish.go and consume.go is the same.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// start starts a server on this machine that takes messages up to 64 KiB.
func start(dir string) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, MaxPayload: 64 << 10, NoLog: true, NoSigs: true,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		s.Shutdown()
		return nil, errors.New("the server does not start")
	}
	return s, nil
}

// connect connects, and makes the stream and the bucket of schemas if they are not there.
func connect(ctx context.Context, url string) (jetstream.JetStream, jetstream.Stream, error) {
	nc, err := nats.Connect(url)
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc)
	if err == nil {
		_, err = js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: schemaBucket})
	}
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	stream, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.>"}})
	if err != nil {
		nc.Close()
	}
	return js, stream, err
}

func run(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "nats")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := start(dir)
	if err != nil {
		return err
	}
	defer s.WaitForShutdown()
	defer s.Shutdown()
	js, stream, err := connect(ctx, s.ClientURL())
	if err != nil {
		return err
	}
	defer js.Conn().Close()

	// Four batches of the first schema.
	first, err := newPublisher(ctx, js, "orders.new", FirstOrderTable)
	if err != nil {
		return err
	}
	for i := range 4 {
		if _, err := first.publish(ctx, fmt.Sprint("first", i), firstOrders(i*100, 100)); err != nil {
			return err
		}
	}

	// A durable consumer that stops after two messages.
	d, err := newDecoder(ctx, js)
	if err != nil {
		return err
	}
	durable := jetstream.ConsumerConfig{Durable: "billing", AckPolicy: jetstream.AckExplicitPolicy}
	billing, err := stream.CreateOrUpdateConsumer(ctx, durable)
	if err != nil {
		return err
	}
	if err := tell(ctx, out, "billing", d, billing, 2); err != nil {
		return err
	}

	// The second schema, in batches of which the second is too large for one message.
	second, err := newPublisher(ctx, js, "orders.new", OrderTable)
	if err != nil {
		return err
	}
	messages := 4
	for i, rows := range [][]Order{orders(400, 100), orders(500, 10_000)} {
		n, err := second.publish(ctx, fmt.Sprint("second", i), rows)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%d orders were published in %d messages\n", len(rows), n)
		messages += n
	}

	// It goes on where it was.
	if billing, err = stream.Consumer(ctx, "billing"); err != nil {
		return err
	}
	if err := tell(ctx, out, "billing, later", d, billing, messages-2); err != nil {
		return err
	}

	// Replay: from the start, and from the time of the fifth message.
	fifth, err := stream.GetMsg(ctx, 5)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name   string
		want   int
		config jetstream.ConsumerConfig
	}{
		{"from the start", messages, jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}},
		{"from a time", messages - 4, jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &fifth.Time}},
	} {
		c.config.AckPolicy = jetstream.AckExplicitPolicy
		consumer, err := stream.CreateConsumer(ctx, c.config)
		if err != nil {
			return err
		}
		if err := tell(ctx, out, c.name, d, consumer, c.want); err != nil {
			return err
		}
	}
	return share(ctx, out, js, stream, messages)
}

// share has three members of one consumer, each of which gets some of the messages.
func share(ctx context.Context, out io.Writer, js jetstream.JetStream, stream jetstream.Stream, messages int) error {
	_, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "workers", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		mu    sync.Mutex
		seen  = make(map[uint64]bool)
		rows  int
		group sync.WaitGroup
		errs  = make([]error, 3)
	)
	for i := range errs {
		group.Go(func() {
			err := func() error {
				c, err := stream.Consumer(ctx, "workers")
				if err != nil {
					return err
				}
				d, err := newDecoder(ctx, js)
				if err != nil {
					return err
				}
				return consume(ctx, d, c, func(sequence uint64, b OrderBatch) error {
					mu.Lock()
					defer mu.Unlock()
					if !seen[sequence] {
						seen[sequence] = true
						rows += b.Len()
					}
					if len(seen) == messages {
						return errEnough
					}
					return nil
				})
			}()
			cancel() // all is there, or something is wrong
			if !errors.Is(err, context.Canceled) {
				errs[i] = err
			}
		})
	}
	group.Wait()
	fmt.Fprintf(out, "three members: %d messages, %d orders\n", len(seen), rows)
	return errors.Join(errs...)
}

// tell prints what a consumer gets of so many messages.
func tell(ctx context.Context, out io.Writer, who string, d *decoder, c jetstream.Consumer, messages int) error {
	n, rows, fees := 0, 0, 0
	err := consume(ctx, d, c, func(_ uint64, b OrderBatch) error {
		fee := b.Fee()
		for i := range b.Len() {
			if !fee.IsNull(i) {
				fees++
			}
		}
		rows += b.Len()
		if n++; n == messages {
			return errEnough
		}
		return nil
	})
	fmt.Fprintf(out, "%s: %d messages, %d orders, %d of them with a fee\n", who, n, rows, fees)
	return err
}

var symbols = []string{"ACME", "INIT", "GLOBEX"}

func firstOrders(from, n int) []FirstOrder {
	rows := make([]FirstOrder, n)
	for i := range rows {
		rows[i] = FirstOrder{ID: int64(from + i), Time: time.Unix(int64(from+i), 0), Symbol: symbols[i%3], Price: float64(i % 50)}
	}
	return rows
}

func orders(from, n int) []Order {
	rows := make([]Order, n)
	for i, o := range firstOrders(from, n) {
		fee := o.Price / 100
		rows[i] = Order{o.ID, o.Time, o.Symbol, o.Price, &fee}
	}
	return rows
}
