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

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	oipc "github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/uds"
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
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		cpu, began := cpuTime(), time.Now()
		n, err := end.stream(conn, o.Time)
		took := time.Since(began)
		cpu = cpuTime() - cpu
		runtime.ReadMemStats(&after)
		if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) { // gRPC closes its own
			return err
		}
		if err != nil {
			return err
		}
		r := report{Batches: n, Seconds: took.Seconds(), CPU: cpu.Seconds(), Allocs: float64(after.Mallocs - before.Mallocs)}
		if err := out.Encode(r); err != nil {
			return err
		}
	}
}

// end is a worker's part: how it connects, and how it sends or receives all of one connection.
type end struct {
	connect map[string]func() (net.Conn, error) // by network
	stream  func(c net.Conn, d time.Duration) (batches int64, err error)
}

func newEnd(t *task) (e *end, err error) {
	e = &end{connect: map[string]func() (net.Conn, error){}}
	for network, addr := range t.Network {
		if t.Send {
			e.connect[network] = dial(t.Peer, network, addr)
			continue
		}
		if e.connect[network], t.Network[network], err = listen(t.Peer, network, addr); err != nil {
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

// netName is what package net calls a network.
var netName = map[string]string{"tcp": "tcp", "uds": "unix"}

// dial and listen use this project's transports for its own streams and package net for all others.
func dial(p peer, network, addr string) func() (net.Conn, error) {
	ctx := context.Background()
	return func() (net.Conn, error) {
		switch {
		case p != ours && p != protocol && p != structure:
			return net.Dial(netName[network], addr)
		case network == "tcp":
			return tcp.Dial(ctx, addr, nil)
		}
		return uds.Dial(ctx, addr, nil)
	}
}

func listen(p peer, network, addr string) (accept func() (net.Conn, error), bound string, err error) {
	ctx := context.Background()
	if p != ours && p != protocol && p != structure {
		l, err := net.Listen(netName[network], addr)
		if err != nil {
			return nil, "", err
		}
		return l.Accept, l.Addr().String(), nil
	}
	var l transports.Listener
	if network == "tcp" {
		l, err = tcp.Listen(ctx, addr, nil)
	} else {
		l, err = uds.Listen(ctx, addr, nil)
	}
	if err != nil {
		return nil, "", err
	}
	return func() (net.Conn, error) { return l.Accept(ctx) }, l.Addr().String(), nil
}

// until calls send with 0, 1, … for about d and returns how often.
func until(d time.Duration, send func(i int) error) (n int64, err error) {
	for began := time.Now(); time.Since(began) < d; n++ {
		if err := send(int(n)); err != nil {
			return n, err
		}
	}
	return n, nil
}

func sending(t *task) func(c net.Conn, d time.Duration) (int64, error) {
	if t.Texts {
		return sendTexts(t)
	}
	var opts rt.WriterOptions
	var theirs []ipc.Option
	if t.ZSTD {
		opts.Compression, theirs = oipc.ZSTD, []ipc.Option{ipc.WithZstd()}
	}
	switch t.Peer {
	case ours, structure, protocol:
		ctx := context.Background()
		batches := make([]*tables.SampleBuilder, t.Distinct)
		for i := range batches {
			batches[i] = workload.Builder(t.Rows, uint64(i))
		}
		if t.Peer == protocol {
			return func(c net.Conn, d time.Duration) (int64, error) {
				w, err := tables.NewFeedConn(c, nil)
				if err != nil {
					return 0, err
				}
				n, err := until(d, func(i int) error { return w.SendSample(ctx, batches[i%len(batches)]) })
				if err != nil {
					return n, err
				}
				return n, w.Close()
			}
		}
		return func(c net.Conn, d time.Duration) (int64, error) {
			w := tables.NewSampleWriter(c, &opts)
			n, err := until(d, func(i int) error { return w.Write(ctx, batches[i%len(batches)]) })
			if err != nil {
				return n, err
			}
			return n, w.Close()
		}
	case arrowGo, flight:
		dictionary := workload.Dictionary()
		batches := make([]arrow.RecordBatch, t.Distinct)
		for i := range batches {
			batches[i] = workload.Record(t.Rows, uint64(i), dictionary)
		}
		if t.Peer == flight {
			return func(c net.Conn, d time.Duration) (int64, error) { return sendFlight(c, batches, d) }
		}
		return func(c net.Conn, d time.Duration) (int64, error) {
			w := ipc.NewWriter(c, append(theirs, ipc.WithSchema(workload.SampleSchema))...)
			n, err := until(d, func(i int) error { return w.Write(batches[i%len(batches)]) })
			if err != nil {
				return n, err
			}
			return n, w.Close()
		}
	}
	batches := make([][]byte, t.Distinct)
	for i := range batches {
		batches[i] = touched(t.Size)
	}
	return func(c net.Conn, d time.Duration) (int64, error) {
		return until(d, func(i int) error {
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
func receiving(t *task) func(c net.Conn, d time.Duration) (int64, error) {
	if t.Texts {
		return receiveTexts(t)
	}
	switch t.Peer {
	case ours, structure:
		ctx := context.Background()
		var opts rt.ReaderOptions
		if t.Peer == structure {
			opts.Validate = oipc.Structure
		}
		return func(c net.Conn, _ time.Duration) (n int64, err error) {
			r := tables.NewSampleReader(c, &opts)
			for ; ; n++ {
				batch, err := r.Next(ctx)
				if err == io.EOF {
					return n, nil
				}
				if err != nil {
					return n, err
				}
				if ids := batch.ID().Values(); len(ids) != t.Rows || ids[len(ids)-1] < 0 {
					return n, fmt.Errorf("a batch of %d rows", len(ids))
				}
				batch.Release()
			}
		}
	case protocol:
		ctx := context.Background()
		return func(c net.Conn, _ time.Duration) (n int64, err error) {
			r, err := tables.NewFeedConn(c, nil)
			if err != nil {
				return 0, err
			}
			for ; ; n++ {
				item, err := r.Recv(ctx)
				if err == io.EOF {
					return n, nil
				}
				if err != nil {
					return n, err
				}
				batch, ok := item.(*tables.SampleBatch)
				if !ok {
					return n, fmt.Errorf("a %T", item)
				}
				if ids := batch.ID().Values(); len(ids) != t.Rows || ids[len(ids)-1] < 0 {
					return n, fmt.Errorf("a batch of %d rows", len(ids))
				}
				batch.Release()
			}
		}
	case arrowGo:
		return func(c net.Conn, _ time.Duration) (n int64, err error) {
			r, err := ipc.NewReader(c)
			if err != nil {
				return 0, err
			}
			defer r.Release()
			for ; r.Next(); n++ {
				ids := r.RecordBatch().Column(0).(*array.Int64).Int64Values()
				if len(ids) != t.Rows || ids[len(ids)-1] < 0 {
					return n, fmt.Errorf("a batch of %d rows", len(ids))
				}
			}
			return n, r.Err()
		}
	case flight:
		return func(c net.Conn, _ time.Duration) (int64, error) { return receiveFlight(c, t.Rows) }
	}
	body := touched(t.Size)
	return func(c net.Conn, _ time.Duration) (n int64, err error) {
		for at := 0; ; {
			k, err := c.Read(body[at:min(at+rawRead, t.Size)])
			if at += k; at == t.Size {
				at = 0
				n++
			}
			if err == io.EOF {
				return n, nil
			}
			if err != nil {
				return n, err
			}
		}
	}
}

// sendTexts sends the columns of text.
func sendTexts(t *task) func(c net.Conn, d time.Duration) (int64, error) {
	ctx := context.Background()
	var schema *oipc.Schema
	batches := make([][]column.Data, t.Distinct)
	for i := range batches {
		schema, batches[i] = workload.Texts(t.Rows, uint64(i))
	}
	return func(c net.Conn, d time.Duration) (int64, error) {
		w := oipc.NewWriter(c, schema, nil)
		n, err := until(d, func(i int) error { return w.Write(ctx, t.Rows, batches[i%len(batches)]) })
		if err != nil {
			return n, err
		}
		return n, w.Close()
	}
}

func receiveTexts(t *task) func(c net.Conn, d time.Duration) (int64, error) {
	ctx := context.Background()
	var opts oipc.ReaderOptions
	if t.Peer == structure {
		opts.Validate = oipc.Structure
	}
	return func(c net.Conn, _ time.Duration) (n int64, err error) {
		r := oipc.NewReader(c, &opts)
		for ; ; n++ {
			batch, err := r.Next(ctx)
			if err == io.EOF {
				return n, nil
			}
			if err != nil {
				return n, err
			}
			if batch.Len() != t.Rows {
				return n, fmt.Errorf("a batch of %d rows", batch.Len())
			}
			batch.Release()
		}
	}
}
