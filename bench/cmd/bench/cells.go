package main

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
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
	between := func(peers []peer, name, network string, of load, d time.Duration, goals map[peer]float64) *cell {
		c := &cell{name: name, time: d, peers: peers, goals: goals, show: showBatches, rows: of.Rows, setup: startup("tcp", of.Rows) / 2}
		if !of.Texts {
			c.bytes = func() float64 { return pairs.bytes }
		}
		c.start = func() (runner, error) {
			if err := pairs.get(of); err != nil {
				return nil, err
			}
			return func(who peer, d time.Duration) (sample, error) { return pairs.run(network, who, d) }, nil
		}
		return c
	}
	mixed := func(rows int) load {
		distinct := 4
		if rows < 100_000 {
			distinct = 1
		}
		return load{Kind: workload.Mixed, Rows: rows, Distinct: distinct}
	}
	bare := func(name, network string, rows int) *cell { // what a protocol costs beside a stream of one table
		return between([]peer{protocol, ours}, name, network, mixed(rows), 300*time.Millisecond, map[peer]float64{ours: 0.9})
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
		memory("encode/rows=1k", 12, func() (map[peer]func() error, error) { return encodeCalls(1_000) }),
		memory("encode/rows=1M", 0, func() (map[peer]func() error, error) { return encodeCalls(1_000_000) }),
		memory("decode/rows=1k", 15, func() (map[peer]func() error, error) { return decodeCalls(1_000) }),
		memory("decode/rows=1M", 0, func() (map[peer]func() error, error) { return decodeCalls(1_000_000) }),
		memory("encode/zstd/rows=1k", 3, func() (map[peer]func() error, error) { return encodeZSTD(1_000) }),
		memory("decode/zstd/rows=1k", 3, func() (map[peer]func() error, error) { return decodeZSTD(1_000) }),
		memory("append/flights=50k/dictionary", 4, func() (map[peer]func() error, error) { return appendCalls(true) }),
		memory("append/flights=50k/utf8", 4, func() (map[peer]func() error, error) { return appendCalls(false) }),
		numbers("1k", 1_000), numbers("1M", 1_000_000),
		batcher("active=1/procs=1", 1, 1),
		batcher("active=8", 8, runtime.GOMAXPROCS(0)),
		delay,
	}, rowCells(memory), matrixCells(between), intervalCells(between), wireCells(between), []*cell{
		tripping("roundtrip/tcp/rows=1k", 0), tripping("roundtrip/tcp/rows=1k/collecting", 10*time.Millisecond),
		fanning(1), fanning(10), fanning(100),
		checking(),
		kernelCell("bool-pack", 10, packing), kernelCell("utf8", 8, scripts), kernelCell("offsets", 4, rising),
		between(pair, "stream/zstd/tcp/rows=1k", "tcp", load{Kind: workload.Mixed, Rows: 1_000, Distinct: 1, ZSTD: true}, 300*time.Millisecond, map[peer]float64{arrowGo: 3}),
		bare("protocol/tcp/rows=1k", "tcp", 1_000),
		bare("protocol/uds/rows=1k", "uds", 1_000),
		bare("protocol/tcp/rows=1M", "tcp", 1_000_000),
		bare("protocol/uds/rows=1M", "uds", 1_000_000),
		between([]peer{ours, structure}, "contents/tcp/rows=1M", "tcp", mixed(1_000_000), 500*time.Millisecond, map[peer]float64{structure: 0.9}),
		between([]peer{ours, structure}, "contents/strings/tcp/rows=1M", "tcp", load{Kind: workload.Strings, Rows: 1_000_000, Distinct: 4}, 500*time.Millisecond, map[peer]float64{structure: 0.9}),
		between([]peer{ours, structure}, "contents/texts/tcp/rows=1M", "tcp", load{Kind: workload.Mixed, Rows: 1_000_000, Distinct: 4, Texts: true}, 500*time.Millisecond, map[peer]float64{structure: 0.9}),
	}, conversions("1k", 1_000), conversions("64k", 64<<10))
}

// everyone are the peers that have a wire.
var everyone = map[string][]peer{
	"tcp":  {ours, raw, arrowGo, arrowGoGC, flight, arrowRS, flightRS, pyarrow, flightPy, lightstreamRS},
	"uds":  {ours, raw, arrowGo, arrowRS, pyarrow, lightstreamRS},
	"pipe": {ours, raw, arrowGo, arrowRS, pyarrow},
}

// batchSizes are the rows of streamed batches, and how many take turns: of small ones, which stay in caches, one is enough.
var batchSizes = []struct {
	name           string
	rows, distinct int
}{{"10", 10, 1}, {"1k", 1_000, 1}, {"100k", 100_000, 4}, {"1M", 1_000_000, 4}}

// maker makes one of these cells.
type maker = func(peers []peer, name, network string, of load, d time.Duration, goals map[peer]float64) *cell

// startup is about what a cell of streams takes to start: the processes of all peers, which stay for its other wires, and their batches.
func startup(network string, rows int) time.Duration {
	switch {
	case network != "tcp" && rows < 1_000_000:
		return time.Second
	case network != "tcp" || rows < 1_000_000:
		return 5 * time.Second
	}
	return 30 * time.Second
}

// matrixCells are the workloads by rows and by wires, with all peers that have one of these.
func matrixCells(between maker) (list []*cell) {
	for _, kind := range []workload.Kind{workload.Mixed, workload.Numeric, workload.Strings, workload.Wide} {
		for _, s := range batchSizes {
			of := load{Kind: kind, Rows: s.rows, Distinct: s.distinct}
			huge := kind == workload.Wide && s.rows >= 1_000_000 // 600 MB
			if huge {
				of.Distinct = 1
			}
			usual := s.rows == 1_000 || s.rows == 1_000_000 // those that goals are about
			for _, network := range []string{"tcp", "uds", "pipe"} {
				peers, d := everyone[network], 150*time.Millisecond
				goals := map[peer]float64{}
				switch {
				case huge && network == "tcp":
					peers, d = []peer{ours, raw, arrowGo, pyarrow}, 300*time.Millisecond // two batches, whatever the time
				case huge:
					peers, d = []peer{ours, raw, arrowGo}, 300*time.Millisecond
				case kind == workload.Mixed && usual:
					d = 300 * time.Millisecond
				case s.rows >= 1_000_000:
					d = 200 * time.Millisecond
				case network != "tcp" && !usual:
					d = 100 * time.Millisecond
				}
				if s.rows >= 1_000_000 && kind == workload.Mixed {
					goals = map[peer]float64{raw: 0.9, arrowGo: 1.6}
				}
				if network == "tcp" && usual && !huge {
					goals[flight] = 3
					if kind == workload.Mixed {
						goals[flight] = 3.5
					}
				}
				if network == "tcp" && kind == workload.Mixed && s.rows == 1_000 {
					goals = map[peer]float64{arrowGo: 4, arrowGoGC: 2.5, flight: 3}
				}
				c := between(peers, "stream/"+string(kind)+"/"+network+"/rows="+s.name, network, of, d, goals)
				if goals[raw] != 0 {
					c.cpu = map[peer]float64{raw: 1.15}
				}
				c.setup = startup(network, s.rows)
				list = append(list, c)
			}
		}
	}
	for _, network := range []string{"tcp", "uds"} { // an experiment
		c := between([]peer{ours, hugePages, raw}, "sizes/huge-pages/numeric/"+network+"/rows=1M", network,
			load{Kind: workload.Numeric, Rows: 1_000_000, Distinct: 4}, 300*time.Millisecond, nil)
		c.setup = 5 * time.Second
		list = append(list, c)
	}
	return append(list, bufferedCells(between)...)
}

// intervalCells are streams whose receivers keep how long it took from batch to batch, while the collector of both ends runs. They are
// cells of their own, as a look at the clock takes a tenth of what a small batch does.
func intervalCells(between maker) (list []*cell) {
	for _, kind := range []workload.Kind{workload.Mixed, workload.Numeric, workload.Strings, workload.Wide} {
		for _, s := range batchSizes {
			if kind == workload.Wide && s.rows >= 1_000_000 {
				continue // a run has two batches, and so one interval
			}
			for _, network := range []string{"tcp", "uds", "pipe"} {
				if network != "tcp" && (kind != workload.Mixed || s.rows == 10 || s.rows == 100_000) {
					continue
				}
				d := 80 * time.Millisecond
				if s.rows >= 1_000_000 {
					d = 150 * time.Millisecond // ten batches or so
				}
				c := between(everyone[network], "intervals/"+string(kind)+"/"+network+"/rows="+s.name, network,
					load{Kind: kind, Rows: s.rows, Distinct: s.distinct, Gaps: true}, d, nil)
				c.setup = startup(network, s.rows)
				list = append(list, c)
			}
		}
	}
	return list
}

// wireCells are the workloads over what stands on TLS, WebSocket, QUIC and HTTP/2, beside the same wire without Arrow.
func wireCells(between maker) (list []*cell) {
	least := map[string]float64{"tls": 0.9, "ws": 0.85, "quic": 0.9, "http2": 0.85}
	for _, kind := range []workload.Kind{workload.Mixed, workload.Numeric, workload.Strings, workload.Wide} {
		for _, s := range batchSizes {
			if kind == workload.Wide && s.rows >= 1_000_000 {
				continue // 600 MB, which take QUIC two seconds
			}
			reference := kind == workload.Mixed && s.rows >= 1_000_000
			for _, network := range []string{"tls", "ws", "quic", "http2"} {
				d, goals := 60*time.Millisecond, map[peer]float64{}
				if s.rows >= 1_000_000 {
					d = 120 * time.Millisecond
				}
				if reference {
					d, goals[raw] = 500*time.Millisecond, least[network]
				}
				c := between([]peer{ours, raw}, "wire/"+network+"/"+string(kind)+"/rows="+s.name, network,
					load{Kind: kind, Rows: s.rows, Distinct: s.distinct, Wires: true}, d, goals)
				if c.setup = time.Second; s.rows >= 1_000_000 {
					c.setup = 3 * time.Second // processes are started once for all four
				}
				if reference {
					c.cpu = map[peer]float64{raw: 1.15}
				}
				list = append(list, c)
			}
		}
	}
	return list
}

// bufferedCells are those of small batches, which wait for one another here as they do in the peers that collect them.
func bufferedCells(between maker) (list []*cell) {
	for _, kind := range []workload.Kind{workload.Mixed, workload.Numeric, workload.Strings, workload.Wide} {
		for _, s := range batchSizes[:2] {
			for _, network := range []string{"tcp", "uds", "pipe"} {
				peers, d := everyone[network], 100*time.Millisecond
				goals := map[peer]float64{}
				if network == "tcp" {
					peers, d = []peer{ours, raw, arrowGo, arrowRS, flightRS, pyarrow, lightstreamRS}, 150*time.Millisecond
					if kind == workload.Mixed && s.rows == 1_000 {
						goals[arrowRS] = 1.8
					}
				}
				c := between(peers, "buffered/"+string(kind)+"/"+network+"/rows="+s.name, network,
					load{Kind: kind, Rows: s.rows, Distinct: s.distinct, Buffered: true}, d, goals)
				c.setup = startup(network, s.rows)
				list = append(list, c)
			}
		}
	}
	return list
}

// fanning sends one stream to some readers.
func fanning(readers int) *cell {
	c := &cell{
		name: "fanout/uds/readers=" + strconv.Itoa(readers), time: 200 * time.Millisecond, peers: []peer{ours, raw, encoders}, show: showBatches,

		start: func() (runner, error) { return fanOut(readers) },
	}
	if readers >= 100 {
		c.cpu = map[peer]float64{raw: 1.15}
	}
	return c
}
