package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	aipc "github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// early: message 0 has 1 ticks, 0 in all
	// early: message 1 has 2 ticks, 21 in all
	// early: message 2 has 3 ticks, 63 in all
	// early: message 3 has 4 ticks, 126 in all
	// early: message 4 has 5 ticks, 210 in all
	// late: message 3 has 4 ticks, 126 in all
	// late: message 4 has 5 ticks, 210 in all
	// as a stream: 15 ticks
}

func newTickTopic(t *testing.T) *topic {
	t.Helper()
	schema, err := TickTable.AppendSchema(nil)
	if err != nil {
		t.Fatal(err)
	}
	return newTopic(TickTable.Fingerprint(), schema)
}

// TestManyConsumers has consumers begin everywhere while a producer is at work.
func TestManyConsumers(t *testing.T) {
	topic := newTickTopic(t)
	var wg sync.WaitGroup
	for from := range 20 {
		wg.Go(func() {
			n := 0
			for i, message := range topic.from(t.Context(), from) {
				b, err := TickTable.DecodeBatch(message)
				if err != nil || b.Len() != i+1 || b.Symbol().At(i) != []string{"S0", "S1", "S2"}[i%3] {
					t.Errorf("message %d: %v, %v", i, b, err)
				}
				b.Release()
				n++
			}
			if n != 40-from {
				t.Errorf("%d messages from %d on", n, from)
			}
		})
	}
	if err := produce(topic, 40); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

// TestInPlace wants columns that lie in the message.
func TestInPlace(t *testing.T) {
	topic := newTickTopic(t)
	if err := produce(topic, 3); err != nil {
		t.Fatal(err)
	}
	for _, message := range topic.messages {
		if !mem.IsAligned(message, 64) {
			t.Error("a message does not lie at a multiple of 64")
		}
		b, err := TickTable.DecodeBatch(message)
		if err != nil {
			t.Fatal(err)
		}
		h := b.Handle()
		if at := bytes.Index(message, h.Column(1).Buffers[1]); at < 0 {
			t.Error("the prices are not in the message")
		}
		b.Release()
	}
}

func TestRefused(t *testing.T) {
	topic := newTickTopic(t)
	if err := topic.publish(ipc.Fingerprint{1}, nil); err == nil || len(topic.messages) != 0 {
		t.Errorf("%v, %d messages", err, len(topic.messages))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := consume(ctx, os.Stdout, "nobody", topic, 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestReference reads a topic with arrow-go.
func TestReference(t *testing.T) {
	topic := newTickTopic(t)
	if err := produce(topic, 7); err != nil {
		t.Fatal(err)
	}
	var stream bytes.Buffer
	if n, err := topic.WriteTo(&stream); err != nil || n != int64(stream.Len()) {
		t.Fatal(n, err)
	}
	r, err := aipc.NewReader(&stream)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	rows := int64(0)
	for r.Next() {
		rec := r.RecordBatch()
		rows += rec.NumRows()
		if last := int(rec.NumRows()) - 1; rec.Column(0).ValueStr(last) != []string{"S0", "S1", "S2"}[last%3] {
			t.Errorf("%v", rec)
		}
	}
	if r.Err() != nil || rows != 28 {
		t.Errorf("%d rows, %v", rows, r.Err())
	}
}
