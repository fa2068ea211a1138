package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// topic has records of which each is an Arrow stream of its own, with schema and dictionaries: every reader of Arrow reads one, pyarrow
// too, and knows nothing but the record.
const topic = "readings"

// produce sends rows as one record, or as several where it would be larger than the client or the broker takes it, and returns how many. It
// returns when they are stored. Records with one key come in their order, and those from a time on can be asked for. With an error some of
// the rows may be stored.
func produce[R, B any, W rt.Builder[R]](ctx context.Context, client *kgo.Client, table *rt.Table[R, B, W], key string, at time.Time, rows []R) (records int, err error) {
	b := table.NewBuilder(nil) // one that is used again keeps its dictionaries, which each record would have to carry
	b.AppendRows(rows)
	value, err := table.AppendMessage(mem.Alloc(4 << 10)[:0], b)
	if err != nil {
		return 0, err
	}
	err = client.ProduceSync(ctx, &kgo.Record{Topic: topic, Key: []byte(key), Timestamp: at, Value: value}).FirstErr()
	switch {
	case err == nil:
		return 1, nil
	case !errors.Is(err, kerr.MessageTooLarge):
		return 0, err
	case len(rows) == 1:
		return 0, fmt.Errorf("one row takes %d bytes: %w", len(value), err)
	}
	half := len(rows) / 2
	for _, part := range [][]R{rows[:half], rows[half:]} {
		n, err := produce(ctx, client, table, key, at, part)
		if records += n; err != nil {
			return records, err
		}
	}
	return records, nil
}

// endMarker ends an Arrow IPC stream.
const endMarker = "\xff\xff\xff\xff\x00\x00\x00\x00"

// decoder reads readings from records of any schema that fits.
type decoder struct{ schema []byte } // today's schema message

func newDecoder() (*decoder, error) {
	schema, err := ReadingTable.AppendSchema(nil)
	return &decoder{schema}, err
}

// decode returns the batch of a record, whose columns alias it where they are aligned in it, and are copied else.
func (d *decoder) decode(ctx context.Context, value []byte) (ReadingBatch, error) {
	// A record of a program with today's schema begins with the very bytes that AppendSchema gives here: there is nothing to compare
	// column by column.
	if rest, ok := bytes.CutPrefix(value, d.schema); ok {
		if message, ok := bytes.CutSuffix(rest, []byte(endMarker)); ok {
			return ReadingTable.DecodeBatch(message)
		}
	}
	// Any other is read as a stream: columns are found by name, and those that it has not are null.
	r := NewReadingReader(bytes.NewReader(value), nil)
	b, err := r.Next(ctx)
	if err == io.EOF {
		err = errors.New("the record has no batch")
	}
	if err != nil {
		return ReadingBatch{}, err
	}
	if _, err := r.Next(ctx); err != io.EOF {
		b.Release()
		if err == nil {
			err = errors.New("the record has more than one batch")
		}
		return ReadingBatch{}, err
	}
	return b, nil
}

// errEnough is what a function for batches returns when it wants no more.
var errEnough = errors.New("enough")

// consume calls handle for each record and commits its offset when handle has returned. A consumer that dies before that gets the record
// again, so handle may see one twice, and none is lost. It goes on until ctx ends or handle returns an error; with errEnough
// the offset is committed.
func consume(ctx context.Context, d *decoder, client *kgo.Client, commit bool, handle func(r *kgo.Record, b ReadingBatch) error) error {
	for {
		client.AllowRebalance()
		fetched := client.PollRecords(ctx, 16)
		if err := fetched.Err0(); err != nil {
			return err
		}
		var errs []error
		fetched.EachError(func(_ string, partition int32, err error) {
			errs = append(errs, fmt.Errorf("partition %d: %w", partition, err))
		})
		if len(errs) > 0 {
			return errors.Join(errs...)
		}
		for _, r := range fetched.Records() {
			b, err := d.decode(ctx, r.Value)
			if err != nil {
				return fmt.Errorf("partition %d, offset %d: %w", r.Partition, r.Offset, err)
			}
			err = handle(r, b)
			b.Release()
			if err != nil && !errors.Is(err, errEnough) {
				return err
			}
			if commit {
				if e := client.CommitRecords(ctx, r); e != nil {
					return e
				}
			}
			if err != nil {
				return nil
			}
		}
	}
}

// member returns the client of a member of a group, which goes on where the group was.
func member(brokers []string, group string, more ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.ConsumerGroup(group), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.BlockRebalanceOnPoll(), // no partition is taken away between a record and its commit
	}, more...)...)
}
