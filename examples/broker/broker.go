package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// topic is a log of messages that many may read, each from where it likes. It knows nothing of their columns: what producers and
// consumers have agreed on is the fingerprint of the schema, and each message is one batch with complete dictionaries, so that a
// consumer may begin with any of them.
type topic struct {
	fingerprint ipc.Fingerprint
	schema      []byte // the schema message, for those who do not know it

	mu       sync.Mutex
	messages [][]byte // never changed
	closed   bool
	grown    chan struct{} // closed with the next change
}

func newTopic(f ipc.Fingerprint, schema []byte) *topic {
	return &topic{fingerprint: f, schema: schema, grown: make(chan struct{})}
}

// publish adds a message of a producer with the given fingerprint. The topic keeps the bytes.
func (t *topic) publish(f ipc.Fingerprint, message []byte) error {
	if f != t.fingerprint {
		return fmt.Errorf("the topic has messages with schema %x, this one has %x", t.fingerprint, f)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.messages = append(t.messages, message)
	t.change()
	return nil
}

// end tells consumers that nothing more will come.
func (t *topic) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.change()
}

func (t *topic) change() {
	close(t.grown)
	t.grown = make(chan struct{})
}

// from yields the messages from number n on, and waits for more until the topic ends. They are read-only.
func (t *topic) from(ctx context.Context, n int) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for ; ; n++ {
			t.mu.Lock()
			for n >= len(t.messages) && !t.closed {
				grown := t.grown
				t.mu.Unlock()
				select {
				case <-grown:
				case <-ctx.Done():
					return
				}
				t.mu.Lock()
			}
			messages := t.messages
			t.mu.Unlock()
			if n >= len(messages) || !yield(n, messages[n]) {
				return
			}
		}
	}
}

// endMarker ends an Arrow IPC stream.
const endMarker = "\xff\xff\xff\xff\x00\x00\x00\x00"

// WriteTo writes what is there as an Arrow IPC stream, which any Arrow reader takes: the schema, the messages, the end marker.
func (t *topic) WriteTo(w io.Writer) (int64, error) {
	t.mu.Lock()
	messages := t.messages
	t.mu.Unlock()
	total := int64(0)
	for _, m := range append(append([][]byte{t.schema}, messages...), []byte(endMarker)) {
		n, err := w.Write(m)
		if total += int64(n); err != nil {
			return total, err
		}
	}
	return total, nil
}
