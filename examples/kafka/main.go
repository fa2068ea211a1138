// Kafka keeps batches in a topic: consumers of a group go on where the group was, others replay from the start or from a time, and the
// schema changes in mid-stream. A batch that is larger than a record may be is split by rows.
//
//	go run .
//
// The broker is a fake one in the program, of franz-go, that speaks Kafka on this machine. For a cluster of one's own, what is in records.go
// is the same.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, topic))
	if err != nil {
		return err
	}
	defer cluster.Close()
	brokers := cluster.ListenAddrs()
	producer, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ProducerBatchMaxBytes(64<<10)) // 1 MiB otherwise
	if err != nil {
		return err
	}
	defer producer.Close()
	d, err := newDecoder()
	if err != nil {
		return err
	}

	// Six records of the first schema, and a consumer that stops after two of them.
	for i := range 6 {
		if _, err := produce(ctx, producer, FirstReadingTable, sensors[i%3], minute(i), firstReadings(i, 100)); err != nil {
			return err
		}
	}
	if err := group(ctx, out, "billing", d, brokers, 2); err != nil {
		return err
	}

	// Six of the second. It goes on where it was.
	for i := range 6 {
		if _, err := produce(ctx, producer, ReadingTable, sensors[i%3], minute(6+i), readings(6+i, 100)); err != nil {
			return err
		}
	}
	if err := group(ctx, out, "billing, later", d, brokers, 10); err != nil {
		return err
	}

	// One that is too large for a record.
	large, err := produce(ctx, producer, ReadingTable, sensors[0], minute(12), readings(12, 10_000))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "10000 readings were produced in %d records\n", large)

	// Replay: from the start, and from the time of the change.
	for _, c := range []struct {
		name string
		from kgo.Offset
		want int
	}{
		{"from the start", kgo.NewOffset().AtStart(), 12 + large},
		{"from a time", kgo.NewOffset().AfterMilli(minute(6).UnixMilli()), 6 + large},
	} {
		client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(c.from))
		if err != nil {
			return err
		}
		err = tell(ctx, out, c.name, d, client, false, c.want)
		client.Close()
		if err != nil {
			return err
		}
	}
	return share(ctx, out, d, brokers, 12+large)
}

// group has the group "billing" handle so many records.
func group(ctx context.Context, out io.Writer, who string, d *decoder, brokers []string, records int) error {
	client, err := member(brokers, "billing")
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	return tell(ctx, out, who, d, client, true, records)
}

// share has two members of one group, each of which gets some of the partitions.
func share(ctx context.Context, out io.Writer, d *decoder, brokers []string, records int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type place struct {
		partition int32
		offset    int64
	}
	var (
		mu      sync.Mutex
		seen    = make(map[place]bool) // a record may come twice while partitions are handed over
		rows    int
		members sync.WaitGroup
		errs    = make([]error, 2)
	)
	for i := range errs {
		members.Go(func() {
			client, err := member(brokers, "workers")
			if err != nil {
				errs[i] = err
				cancel()
				return
			}
			defer client.CloseAllowingRebalance()
			err = consume(ctx, d, client, true, func(r *kgo.Record, b ReadingBatch) error {
				mu.Lock()
				defer mu.Unlock()
				if at := (place{r.Partition, r.Offset}); !seen[at] {
					seen[at] = true
					rows += b.Len()
				}
				if len(seen) == records {
					return errEnough
				}
				return nil
			})
			cancel() // all is there, or something is wrong
			if !errors.Is(err, context.Canceled) {
				errs[i] = err
			}
		})
	}
	members.Wait()
	fmt.Fprintf(out, "two members: %d records, %d readings\n", len(seen), rows)
	return errors.Join(errs...)
}

// tell prints what comes in so many records.
func tell(ctx context.Context, out io.Writer, who string, d *decoder, client *kgo.Client, commit bool, records int) error {
	n, rows, humid := 0, 0, 0
	err := consume(ctx, d, client, commit, func(_ *kgo.Record, b ReadingBatch) error {
		humidity := b.Humidity()
		for i := range b.Len() {
			if !humidity.IsNull(i) {
				humid++
			}
		}
		rows += b.Len()
		if n++; n == records {
			return errEnough
		}
		return nil
	})
	fmt.Fprintf(out, "%s: %d records, %d readings, %d of them with humidity\n", who, n, rows, humid)
	return err
}

var sensors = []string{"roof", "cellar", "garden"}

var began = time.Now().Add(-time.Hour)

func minute(n int) time.Time { return began.Add(time.Duration(n) * time.Minute) }

func firstReadings(number, n int) []FirstReading {
	rows := make([]FirstReading, n)
	for i := range rows {
		at := minute(number).Add(time.Duration(i) * time.Second / 2)
		rows[i] = FirstReading{Time: at, Sensor: sensors[number%3], Celsius: float64(10 + i%7)}
	}
	return rows
}

func readings(number, n int) []Reading {
	rows := make([]Reading, n)
	for i, r := range firstReadings(number, n) {
		humidity := float32(40 + i%20)
		rows[i] = Reading{r.Time, r.Sensor, r.Celsius, &humidity}
	}
	return rows
}
