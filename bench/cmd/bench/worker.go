package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	oipc "github.com/lightstream-go/lightstream/runtime/ipc"
)

const (
	rawWrite = 1 << 20   // bytes of a plain write
	rawRead  = 256 << 10 // most bytes of a plain read
)

// work is one end of a stream: for each line of input, which is how long to send, one connection.
func work(args []string) {
	out := json.NewEncoder(os.Stdout)
	if err := serve(args, out); err != nil {
		_ = out.Encode(report{Error: err.Error()})
		os.Exit(1)
	}
}

func serve(args []string, out *json.Encoder) error {
	var t task
	if err := json.Unmarshal([]byte(args[0]), &t); err != nil {
		return err
	}
	end, err := newEnd(&t)
	if err != nil {
		return err
	}
	if err := out.Encode(report{Network: t.Network}); err != nil {
		return err
	}
	if t.Profile != "" {
		f, err := os.Create(t.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var heap *node
	if t.Gaps {
		heap = ballast()
	}
	for in := json.NewDecoder(os.Stdin); ; {
		var o order
		if err := in.Decode(&o); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		conn, err := end.connect[o.Network]()
		if err != nil {
			return err
		}
		m := new(meter)
		if t.Gaps && !t.Send {
			m.gaps = new(intervals)
		}
		rest := func() error { return nil }
		if t.Gaps {
			rest = collecting(collection, heap) // and not while other peers have their turn
		}
		if t.Peer == hugePages {
			err = hugeHeap()
		}
		if err == nil {
			err = end.stream(conn, o.Time, m)
		}
		r := m.report()
		_ = rest()                                                             // never fails
		if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) { // gRPC closes its own
			return err
		}
		if err != nil {
			return err
		}
		if err := out.Encode(r); err != nil {
			return err
		}
	}
}

// meter counts the batches of a connection. What it costs to connect, and the memory that the first batch is the first to touch, are
// no part of a stream's rate: the clock starts when that batch is through.
type meter struct {
	n      int64
	began  time.Time
	cpu    time.Duration
	before runtime.MemStats

	gaps *intervals // from batch to batch, where they are kept
	last time.Time
}

func (m *meter) batch() {
	if m.n++; m.n == 1 {
		runtime.ReadMemStats(&m.before)
		m.cpu, m.began = cpuTime(), time.Now()
		m.last = m.began
	} else if m.gaps != nil {
		now := time.Now()
		m.gaps.add(now.Sub(m.last))
		m.last = now
	}
}

func (m *meter) report() report {
	took := time.Since(m.began)
	cpu := cpuTime() - m.cpu
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	r := report{Batches: m.n, Seconds: took.Seconds(), CPU: cpu.Seconds(), Allocs: float64(after.Mallocs - m.before.Mallocs), Peak: peakMemory()}
	if m.gaps != nil {
		r.Gaps = m.gaps.counted()
	}
	return r
}

// end is a worker's part: how it connects, and how it sends or receives all of one connection.
type end struct {
	connect map[string]func() (wire, error) // by network
	stream  func(c wire, d time.Duration, m *meter) error
}

// wire is a connection: a net.Conn, or a named pipe.
type wire = io.ReadWriteCloser

func newEnd(t *task) (e *end, err error) {
	e = &end{connect: map[string]func() (wire, error){}}
	for network, addr := range t.Network {
		if !t.Listen {
			e.connect[network] = dial(t, network, addr)
			continue
		}
		if e.connect[network], t.Network[network], err = listen(t, network, addr); err != nil {
			return nil, err
		}
	}
	if t.Send {
		e.stream = sending(t)
	} else {
		e.stream = receiving(t)
	}
	return e, nil
}

// until calls send with 0, 1, … for about d, at least twice.
func until(d time.Duration, m *meter, send func(i int) error) error {
	for began := time.Now(); m.n < 2 || time.Since(began) < d; m.batch() {
		if err := send(int(m.n)); err != nil {
			return err
		}
	}
	return nil
}

func sending(t *task) func(c wire, d time.Duration, m *meter) error {
	ctx := context.Background()
	if t.Texts {
		return sendTexts(t)
	}
	switch t.Peer {
	case protocol:
		batches := workload.Builders(t.Rows, t.Distinct)
		return func(c wire, d time.Duration, m *meter) error {
			w, err := tables.NewFeedConn(c, nil)
			if err != nil {
				return err
			}
			if err := until(d, m, func(i int) error { return w.SendSample(ctx, batches[i%len(batches)]) }); err != nil {
				return err
			}
			return w.Close()
		}
	case ours, structure, hugePages:
		var opts rt.WriterOptions
		if t.ZSTD {
			opts.Compression = oipc.ZSTD
		}
		if t.Buffered {
			opts.BufferBytes = bufferBytes
		}
		open := workload.LoadOf(t.Kind).Sender(t.Rows, t.Distinct)
		return func(c wire, d time.Duration, m *meter) error {
			s := open(c, &opts)
			if err := until(d, m, func(i int) error { return s.Write(ctx, i) }); err != nil {
				return err
			}
			return s.Close()
		}
	case arrowGo, arrowGoGC, flight:
		batches := workload.Records(t.Kind, t.Rows, t.Distinct)
		opts := []ipc.Option{ipc.WithSchema(batches[0].Schema())}
		if t.ZSTD {
			opts = append(opts, ipc.WithZstd())
		}
		if t.Peer == flight {
			return func(c wire, d time.Duration, m *meter) error { return sendFlight(c.(net.Conn), batches, d, m) }
		}
		return func(c wire, d time.Duration, m *meter) error {
			w := ipc.NewWriter(c, opts...)
			if err := until(d, m, func(i int) error { return w.Write(batches[i%len(batches)]) }); err != nil {
				return err
			}
			return w.Close()
		}
	}
	batches := make([][]byte, t.Distinct)
	for i := range batches {
		batches[i] = touched(t.Size)
	}
	return func(c wire, d time.Duration, m *meter) error {
		return until(d, m, func(i int) error {
			for p := batches[i%len(batches)]; len(p) > 0; {
				n, err := c.Write(p[:min(len(p), rawWrite)])
				if err != nil {
					return err
				}
				p = p[n:]
			}
			return nil
		})
	}
}

// touched returns n bytes of which every page has been written to.
func touched(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// receiving looks at one value of each batch.
func receiving(t *task) func(c wire, d time.Duration, m *meter) error {
	ctx := context.Background()
	if t.Texts {
		return receiveTexts(t)
	}
	// all reads to the end of a stream.
	all := func(m *meter, next func() (rows int, err error)) error {
		for {
			n, err := next()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if n != t.Rows {
				return fmt.Errorf("a batch of %d rows", n)
			}
			m.batch()
		}
	}
	switch t.Peer {
	case ours, structure, hugePages:
		var opts rt.ReaderOptions
		if t.Peer == structure {
			opts.Validate = oipc.Structure
		}
		load := workload.LoadOf(t.Kind)
		return func(c wire, _ time.Duration, m *meter) error {
			next := load.Receive(c, &opts)
			return all(m, func() (int, error) { return next(ctx) })
		}
	case protocol:
		return func(c wire, _ time.Duration, m *meter) error {
			r, err := tables.NewFeedConn(c, nil)
			if err != nil {
				return err
			}
			return all(m, func() (int, error) {
				item, err := r.Recv(ctx)
				if err != nil {
					return 0, err
				}
				batch, ok := item.(*tables.SampleBatch)
				if !ok {
					return 0, fmt.Errorf("a %T", item)
				}
				ids := batch.ID().Values()
				if len(ids) == 0 || ids[len(ids)-1] < 0 {
					return 0, errors.New("another value")
				}
				batch.Release()
				return len(ids), nil
			})
		}
	case arrowGo, arrowGoGC:
		return func(c wire, _ time.Duration, m *meter) error {
			r, err := ipc.NewReader(c)
			if err != nil {
				return err
			}
			defer r.Release()
			for ; r.Next(); m.batch() {
				if !workload.Look(r.RecordBatch(), t.Rows) {
					return errOtherBatch
				}
			}
			return r.Err()
		}
	case flight:
		return func(c wire, _ time.Duration, m *meter) error { return receiveFlight(c.(net.Conn), t.Rows, m) }
	}
	body := touched(t.Size)
	return func(c wire, _ time.Duration, m *meter) error {
		for at := 0; ; {
			k, err := c.Read(body[at:min(at+rawRead, t.Size)])
			if at += k; at == t.Size {
				at = 0
				m.batch()
			}
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
}

var errOtherBatch = errors.New("another batch arrived")

// sendTexts sends the columns of text.
func sendTexts(t *task) func(c wire, d time.Duration, m *meter) error {
	ctx := context.Background()
	var schema *oipc.Schema
	batches := make([][]column.Data, t.Distinct)
	for i := range batches {
		schema, batches[i] = workload.Texts(t.Rows, uint64(i))
	}
	return func(c wire, d time.Duration, m *meter) error {
		w := oipc.NewWriter(c, schema, nil)
		if err := until(d, m, func(i int) error { return w.Write(ctx, t.Rows, batches[i%len(batches)]) }); err != nil {
			return err
		}
		return w.Close()
	}
}

func receiveTexts(t *task) func(c wire, d time.Duration, m *meter) error {
	ctx := context.Background()
	var opts oipc.ReaderOptions
	if t.Peer == structure {
		opts.Validate = oipc.Structure
	}
	return func(c wire, _ time.Duration, m *meter) error {
		r := oipc.NewReader(c, &opts)
		for {
			batch, err := r.Next(ctx)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if batch.Len() != t.Rows {
				return fmt.Errorf("a batch of %d rows", batch.Len())
			}
			batch.Release()
			m.batch()
		}
	}
}
