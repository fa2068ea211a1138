package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
)

func showCalls(rate float64) string { return showTime(1 / rate) }

func showBatches(rate float64) string {
	if rate < 1000 {
		return fmt.Sprintf("%.1f/s", rate)
	}
	return fmt.Sprintf("%.0f/s", rate)
}

func showRows(rate float64) string { return fmt.Sprintf("%.1f M rows/s", rate/1e6) }

func showTime(seconds float64) string {
	switch ns := seconds * 1e9; {
	case ns < 10e3:
		return fmt.Sprintf("%.0f ns", ns)
	case ns < 10e6:
		return fmt.Sprintf("%.0f µs", ns/1e3)
	default:
		return fmt.Sprintf("%.1f ms", ns/1e6)
	}
}

// cells returns the lines of the table.
func cells(pairs *streams) []*cell {
	pair := []peer{ours, arrowGo}
	peersOf := map[string][]peer{"tcp": {ours, arrowGo, flight, raw}, "uds": {ours, arrowGo, raw}}
	memory := func(name string, goal float64, start func() (map[peer]func() error, error)) *cell {
		c := &cell{name: name, time: 100 * time.Millisecond, peers: pair, show: showCalls}
		if goal != 0 {
			c.goals = map[peer]float64{arrowGo: goal}
		}
		c.start = func() (runner, error) {
			calls, err := start()
			return inMemory(calls), err
		}
		return c
	}
	between := func(peers []peer, name, network string, of load, goals map[peer]float64) *cell {
		d := 500 * time.Millisecond
		if of.Rows > 100_000 { // what a connection costs at its start counts for less
			d = time.Second
		}
		return &cell{
			name: name, time: d, peers: peers, goals: goals, show: showBatches,
			start: func() (runner, error) {
				p, err := pairs.get(peers, of)
				if err != nil {
					return nil, err
				}
				return func(who peer, d time.Duration) (sample, error) { return p.run(network, who, d) }, nil
			},
		}
	}
	stream := func(name, network string, rows, distinct int, goals map[peer]float64) *cell {
		return between(peersOf[network], name, network, load{Rows: rows, Distinct: distinct}, goals)
	}
	bare := func(name, network string, rows, distinct int) *cell { // what a protocol costs beside a stream of one table
		return between([]peer{protocol, ours}, name, network, load{Rows: rows, Distinct: distinct}, map[peer]float64{ours: 0.9})
	}
	convert := func(name string, start func() (map[peer]func() error, error)) *cell {
		c := memory("convert/"+name, 0, start)
		c.peers, c.goals = []peer{converted, inPlace}, map[peer]float64{inPlace: 0.5}
		return c
	}
	conversions := func(size string, rows int) []*cell {
		return []*cell{
			convert("nullable/rows="+size, func() (map[peer]func() error, error) {
				return convertCalls(tables.NullableTable, rows, 0, func(i int) tables.Nullable {
					return tables.Nullable{Value: rt.Some(int64(i)), Time: workload.Moment(i), Category: workload.Category(i % 100)}
				})
			}),
			convert("us-to-ns/rows="+size, func() (map[peer]func() error, error) {
				return convertCalls(tables.MicrosTable, rows, 1, func(i int) tables.Micros {
					return tables.Micros{Value: int64(i), Time: workload.Moment(i), Category: workload.Category(i % 100)}
				})
			}),
			convert("dict-uint8-to-int32/rows="+size, func() (map[peer]func() error, error) {
				return convertCalls(tables.NarrowTable, rows, 1, func(i int) tables.Narrow {
					return tables.Narrow{Value: int64(i), Time: workload.Moment(i), Category: workload.Category(i % 100)}
				})
			}),
		}
	}
	numbers := func(size string, rows int) *cell {
		c := memory("append/numbers="+size, 4, func() (map[peer]func() error, error) { return appendNumbers(rows) })
		if c.peers = append(c.peers[:2:2], raw); rows >= 1_000_000 { // few rows fit a cache when they are copied, and not when they are rows
			c.goals[raw] = 0.5
		}
		return c
	}
	batcher := func(name string, active, procs int) *cell {
		return &cell{
			name: "batcher/" + name, time: 200 * time.Millisecond, peers: []peer{ours}, show: showRows,
			start: func() (runner, error) { return batchers(active, procs), nil },
		}
	}
	delay := &cell{
		name: "batcher/delay=5ms", time: 500 * time.Millisecond, peers: []peer{ours},
		show:  func(seconds float64) string { return "at most +" + showTime(seconds) },
		start: func() (runner, error) { return delays(5 * time.Millisecond), nil },
	}
	return slices.Concat([]*cell{
		memory("encode/rows=1k", 8, func() (map[peer]func() error, error) { return encodeCalls(1_000) }),
		memory("encode/rows=1M", 0, func() (map[peer]func() error, error) { return encodeCalls(1_000_000) }),
		memory("decode/rows=1k", 10, func() (map[peer]func() error, error) { return decodeCalls(1_000) }),
		memory("decode/rows=1M", 0, func() (map[peer]func() error, error) { return decodeCalls(1_000_000) }),
		memory("encode/zstd/rows=1k", 3, func() (map[peer]func() error, error) { return encodeZSTD(1_000) }),
		memory("decode/zstd/rows=1k", 3, func() (map[peer]func() error, error) { return decodeZSTD(1_000) }),
		memory("append/flights=50k/dictionary", 4, func() (map[peer]func() error, error) { return appendCalls(true) }),
		memory("append/flights=50k/utf8", 4, func() (map[peer]func() error, error) { return appendCalls(false) }),
		numbers("1k", 1_000), numbers("1M", 1_000_000),
		batcher("active=1/procs=1", 1, 1),
		batcher("active=8", 8, runtime.GOMAXPROCS(0)),
		delay,
		{
			name: "roundtrip/tcp/rows=1k", time: 300 * time.Millisecond, peers: []peer{ours, raw}, show: showCalls, goals: map[peer]float64{raw: 0.8},
			start: func() (runner, error) { return roundTrips(1_000) },
		},
		stream("stream/tcp/rows=1k", "tcp", 1_000, 1, map[peer]float64{arrowGo: 3, flight: 3}),
		stream("stream/uds/rows=1k", "uds", 1_000, 1, nil),
		stream("stream/tcp/rows=1M", "tcp", 1_000_000, 4, map[peer]float64{arrowGo: 1.5, flight: 3, raw: 0.8}),
		stream("stream/uds/rows=1M", "uds", 1_000_000, 4, map[peer]float64{arrowGo: 1.3, raw: 0.8}),
		between(pair, "stream/zstd/tcp/rows=1k", "tcp", load{Rows: 1_000, Distinct: 1, ZSTD: true}, map[peer]float64{arrowGo: 3}),
		between([]peer{ours, structure}, "contents/tcp/rows=1M", "tcp", load{Rows: 1_000_000, Distinct: 4}, map[peer]float64{structure: 0.9}),
		between([]peer{ours, structure}, "contents/texts/tcp/rows=1M", "tcp", load{Rows: 1_000_000, Distinct: 4, Texts: true}, map[peer]float64{structure: 0.9}),
		bare("protocol/tcp/rows=1k", "tcp", 1_000, 1),
		bare("protocol/uds/rows=1k", "uds", 1_000, 1),
		bare("protocol/tcp/rows=1M", "tcp", 1_000_000, 4),
		bare("protocol/uds/rows=1M", "uds", 1_000_000, 4),
	}, conversions("1k", 1_000), conversions("64k", 64<<10))
}
