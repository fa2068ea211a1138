package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// schemaHeader is the header of a message that has the fingerprint of its schema. The schema message itself is in a bucket, with
// the fingerprint as its key, and not in each of thousands of batches.
const (
	schemaHeader = "Lightstream-Schema"
	schemaBucket = "schemas"
)

// publisher sends rows of one table to a subject.
type publisher[R, B any, W rt.Builder[R]] struct {
	table   *rt.Table[R, B, W]
	js      jetstream.JetStream
	subject string
	schema  string // its fingerprint
	limit   int    // of a message with its headers, in bytes
	buf     []byte
}

// newPublisher makes the schema of the table known to consumers.
func newPublisher[R, B any, W rt.Builder[R]](ctx context.Context, js jetstream.JetStream, subject string, table *rt.Table[R, B, W]) (*publisher[R, B, W], error) {
	bucket, err := js.KeyValue(ctx, schemaBucket)
	if err != nil {
		return nil, err
	}
	f := table.Fingerprint()
	p := &publisher[R, B, W]{
		table: table, js: js, subject: subject,
		schema: hex.EncodeToString(f[:]), limit: int(js.Conn().MaxPayload()),
		buf: mem.Alloc(64 << 10)[:0],
	}
	message, err := table.AppendSchema(nil)
	if err != nil {
		return nil, err
	}
	_, err = bucket.Create(ctx, p.schema, message)
	if errors.Is(err, jetstream.ErrKeyExists) {
		err = nil // the same bytes
	}
	return p, err
}

// publish sends rows as one message, or as several where the server would not take so large a one, and returns how many. It returns when
// the server has stored them. The id is that of the rows: they are stored once, also if publish is called again because its answer got
// lost.
func (p *publisher[R, B, W]) publish(ctx context.Context, id string, rows []R) (messages int, err error) {
	b := p.table.NewBuilder(nil) // one that is used again keeps its dictionaries, which each message would have to carry
	b.AppendRows(rows)
	if p.buf, err = p.table.AppendBatch(p.buf[:0], b); err != nil {
		return 0, err
	}
	// How long a message becomes is known when it is there: dictionaries are in each of them.
	m := &nats.Msg{Subject: p.subject, Data: p.buf, Header: nats.Header{schemaHeader: {p.schema}, nats.MsgIdHdr: {id}}}
	if size := m.Size() - len(m.Subject); size > p.limit {
		if len(rows) == 1 {
			return 0, fmt.Errorf("one row takes %d bytes, and the server takes messages up to %d", size, p.limit)
		}
		half := len(rows) / 2
		for i, part := range [][]R{rows[:half], rows[half:]} {
			n, err := p.publish(ctx, fmt.Sprintf("%s.%d", id, i), part)
			if messages += n; err != nil {
				return messages, err
			}
		}
		return messages, nil
	}
	if _, err := p.js.PublishMsg(ctx, m); err != nil { // an answer means that it is stored
		return 0, err
	}
	return 1, nil
}
