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

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

func TestMain(m *testing.M) {
	if brokers := os.Getenv("KAFKA_EXAMPLE_BROKERS"); brokers != "" {
		if err := child(strings.Split(brokers, ",")); err != nil {
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
	// billing: 2 records, 200 readings, 0 of them with humidity
	// billing, later: 10 records, 1000 readings, 600 of them with humidity
	// 10000 readings were produced in 4 records
	// from the start: 16 records, 11200 readings, 10600 of them with humidity
	// from a time: 10 records, 10600 readings, 10600 of them with humidity
	// two members: 16 records, 11200 readings
}

// TestRowTooLarge wants an error for a row that no record has room for.
func TestRowTooLarge(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	producer, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ProducerBatchMaxBytes(2<<10))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	rows := readings(0, 5)
	rows[3].Sensor = strings.Repeat("long", 1000)
	n, err := produce(t.Context(), producer, ReadingTable, "key", minute(0), rows)
	if !errors.Is(err, kerr.MessageTooLarge) || !strings.Contains(err.Error(), "one row takes") || n == 0 {
		t.Errorf("%d records, %v", n, err)
	}
}

// child is a consumer in a process of its own. It prints what it has handled, and commits it when it is told to go on.
func child(brokers []string) error {
	// That a member is gone is noticed when it has said nothing for so long.
	client, err := member(brokers, "killed", kgo.SessionTimeout(3*time.Second), kgo.HeartbeatInterval(300*time.Millisecond))
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	d, err := newDecoder()
	if err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	return consume(context.Background(), d, client, true, func(r *kgo.Record, b ReadingBatch) error {
		total := 0.0
		for _, c := range b.Celsius() {
			total += c
		}
		fmt.Printf("%d/%d %s %d %g\n", r.Partition, r.Offset, r.Key, b.Len(), total)
		word, err := in.ReadString('\n')
		if err == nil && word == "enough\n" {
			err = errEnough
		}
		return err
	})
}

// TestKilledConsumer kills a consumer between handling a record and committing it, by a signal that it does not see. The next one gets that
// record again, and none is lost.
func TestKilledConsumer(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, topic), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	producer, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	const records = 12
	want := make(map[string]int) // what is printed, without the place
	for i := range records {
		n := 10 + i
		rows := readings(i, n)
		if i%2 == 0 {
			_, err = produce(t.Context(), producer, FirstReadingTable, sensors[i%3], minute(i), firstReadings(i, n))
		} else {
			_, err = produce(t.Context(), producer, ReadingTable, sensors[i%3], minute(i), rows)
		}
		if err != nil {
			t.Fatal(err)
		}
		total := 0.0
		for _, r := range rows {
			total += r.Celsius
		}
		want[fmt.Sprintf("%s %d %g", sensors[i%3], n, total)]++
	}

	handled := make(map[string]string) // by place
	again := 0
	// life runs a consumer until it has handled so many records. Its last one it does not commit if it is killed.
	life := func(n int, kill bool) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "KAFKA_EXAMPLE_BROKERS="+strings.Join(cluster.ListenAddrs(), ","))
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
			place, rest, _ := strings.Cut(lines.Text(), " ")
			if before, ok := handled[place]; ok {
				again++
				if before != rest {
					t.Errorf("%s is %q, and was %q", place, rest, before)
				}
			}
			handled[place] = rest
			if i == n && kill {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				break
			}
			word := "on\n"
			if i == n {
				word = "enough\n"
			}
			if _, err := io.WriteString(in, word); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Wait(); (err == nil) == kill {
			t.Fatalf("%v: %s", err, &stderr)
		}
	}
	life(3, true)
	life(4, true)
	life(records-5, false) // 2 and then 3 were committed
	if len(handled) != records || again != 2 {
		t.Errorf("%d of %d records were handled, %d of them twice; want those that were not committed", len(handled), records, again)
	}
	for _, rest := range handled {
		want[rest]--
	}
	for what, n := range want {
		if n != 0 {
			t.Errorf("%q: %d too few", what, n)
		}
	}
}

// TestDecode has records of other schemas, and what is none.
func TestDecode(t *testing.T) {
	d, err := newDecoder()
	if err != nil {
		t.Fatal(err)
	}
	b := NewReadingBuilder(nil)
	b.AppendRows(readings(3, 5))
	message, err := ReadingTable.AppendMessage(mem.Alloc(4 << 10)[:0], b)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := d.decode(t.Context(), message)
	if err != nil || batch.Len() != 5 || batch.Sensor().At(4) != "roof" {
		t.Fatal(batch, err)
	}
	if !mem.IsAligned(message, 64) || !bytes.Contains(message, batch.Handle().Column(2).Buffers[1]) {
		t.Error("the columns are not in the record")
	}
	batch.Release()
	for n := range len(message) {
		if batch, err := d.decode(t.Context(), message[:n]); err == nil || batch != (ReadingBatch{}) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(message), err)
		}
	}
	schema := message[:len(d.schema)]
	body := message[len(d.schema) : len(message)-len(endMarker)]
	for what, value := range map[string][]byte{
		"no batch":    append(bytes.Clone(schema), endMarker...),
		"two batches": bytes.Join([][]byte{schema, body, body, []byte(endMarker)}, nil),
		"text":        []byte("not a record of this topic"),
	} {
		if batch, err := d.decode(t.Context(), value); err == nil || batch != (ReadingBatch{}) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
