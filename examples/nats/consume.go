package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// decoder reads orders from messages of any schema that fits.
type decoder struct {
	bucket jetstream.KeyValue
	known  map[string][]byte // schema messages by fingerprint
}

func newDecoder(ctx context.Context, js jetstream.JetStream) (*decoder, error) {
	bucket, err := js.KeyValue(ctx, schemaBucket)
	return &decoder{bucket: bucket, known: make(map[string][]byte)}, err
}

// endMarker ends an Arrow IPC stream.
const endMarker = "\xff\xff\xff\xff\x00\x00\x00\x00"

// most is how many other schemas are kept.
const most = 100

// decode returns the batch of a message. The columns of one with today's schema alias the message where they are aligned in it, which
// a client with headers before the data does not promise; else they are copied.
func (d *decoder) decode(ctx context.Context, header nats.Header, data []byte) (OrderBatch, error) {
	name := header.Get(schemaHeader)
	f, err := hex.DecodeString(name)
	if err != nil || len(f) != len(ipc.Fingerprint{}) {
		return OrderBatch{}, fmt.Errorf("the header %s is %.40q, want a fingerprint", schemaHeader, name)
	}
	if ipc.Fingerprint(f) == OrderTable.Fingerprint() {
		return OrderTable.DecodeBatch(data)
	}
	// Of another program, older or newer: the stream that its schema and this batch are is read as any stream is, so that columns are found
	// by name, and those that it has not are null.
	schema, ok := d.known[name]
	if !ok {
		entry, err := d.bucket.Get(ctx, name)
		if err != nil {
			return OrderBatch{}, fmt.Errorf("the schema %s: %w", name, err)
		}
		if schema = entry.Value(); len(d.known) < most {
			d.known[name] = schema
		}
	}
	r := NewOrderReader(io.MultiReader(bytes.NewReader(schema), bytes.NewReader(data), strings.NewReader(endMarker)), nil)
	return r.Next(ctx)
}

// errEnough is what a function for batches returns when it wants no more.
var errEnough = errors.New("enough")

// consume calls handle for each batch, with the number of its message in the stream, and acknowledges the message when handle has
// returned. A consumer that dies before that gets the message again, so handle may see one twice, and none is lost.
// It goes on until ctx ends or handle returns an error; with errEnough the message is acknowledged.
func consume(ctx context.Context, d *decoder, c jetstream.Consumer, handle func(sequence uint64, b OrderBatch) error) error {
	// Few are fetched ahead: what waits here is not for other members.
	messages, err := c.Messages(jetstream.PullMaxMessages(8))
	if err != nil {
		return err
	}
	defer func() {
		// What has been fetched and not looked at is given back, so that others do not have to wait until its time is over.
		messages.Drain()
		for m, err := messages.Next(); err == nil; m, err = messages.Next() {
			_ = m.Nak() // else it comes again later
		}
	}()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		b, err := d.decode(ctx, m.Headers(), m.Data())
		if err != nil {
			// It would be as bad the next time. It stays in the stream, for those who look into it.
			err = fmt.Errorf("message %d: %w", meta.Sequence.Stream, err)
			return errors.Join(err, m.TermWithReason("cannot be decoded"))
		}
		err = handle(meta.Sequence.Stream, b)
		b.Release()
		if err != nil && !errors.Is(err, errEnough) {
			return errors.Join(err, m.Nak())
		}
		if e := m.DoubleAck(ctx); e != nil { // the answer says that the server knows it
			return e
		}
		if err != nil {
			return nil
		}
	}
}
