package main

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/bench/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/tcp"
)

const (
	// beset is a client of a server that has hostile ones too, and alone one without.
	beset peer = "beset"
	alone peer = "alone"
)

// serverCells are about servers that strangers connect to.
func serverCells() []*cell {
	return []*cell{{
		name: "server/strangers/p99/rows=1k", time: time.Second, peers: []peer{beset, alone}, goals: map[peer]float64{alone: 0.5}, show: showCalls, setup: 15 * time.Second,
		start: func() (runner, error) { return strangers(1_000) },
	}}
}

// strangers measures how long a batch takes to a server and back that 99 of a hundred do not exceed: with hostile clients beside, and
// without. Those are in this process, each doing what it does a hundred times a second, and connecting anew where it is refused.
func strangers(rows int) (runner, error) {
	l, err := tcp.Listen(context.Background(), "127.0.0.1:0", nil)
	if err != nil {
		return nil, err
	}
	s := &transports.Server{MaxClients: 200, HandshakeTimeout: time.Second, Handle: func(ctx context.Context, conn transports.Conn) error {
		r := tables.NewSampleReader(conn, &rt.ReaderOptions{Limits: &ipc.Limits{MaxBody: 16 << 20}})
		w := tables.NewSampleWriter(conn, nil)
		for {
			b, err := r.Next(ctx)
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if b.Len() != 0 { // of a friend, who waits for it
				err = w.Forward(ctx, b)
			}
			b.Release()
			if err != nil {
				return err
			}
		}
	}}
	go func() { _ = s.Serve(l) }()
	friend, err := tcp.Dial(context.Background(), l.Addr().String(), nil)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	afterwards(func() error { return errors.Join(friend.Close(), s.Close()) })
	t := typedTripper(friend, nil, rows)
	return func(p peer, d time.Duration) (sample, error) {
		if p == beset {
			defer besiege(l.Addr().String())()
		}
		m, err := timed(d, func(int) error { return t.trip() })
		if err == nil {
			m.rate = 1 / m.quantiles[1]
		}
		return m, err
	}, nil
}

// besiege has hostile clients at a server until the function that it returns is called.
func besiege(addr string) (end func()) {
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	again := func(begin string, then func(c net.Conn) error) {
		all.Go(func() {
			for ctx.Err() == nil {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					continue
				}
				_ = c.(*net.TCPConn).SetLinger(0) // leaves no port behind
				over := context.AfterFunc(ctx, func() { _ = c.Close() })
				_, err = io.WriteString(c, begin)
				for err == nil && ctx.Err() == nil {
					time.Sleep(10 * time.Millisecond)
					err = then(c)
				}
				over()
				_ = c.Close()
			}
		})
	}
	sends := func(text string) func(net.Conn) error {
		return func(c net.Conn) error {
			_, err := io.WriteString(c, text)
			return err
		}
	}
	again("GET / HTTP/1.1\r\nX: ", sends(strings.Repeat("a", 4000))) // a header without an end
	again("\xff\xff\xff\xff\xff\xff\xff\x7f", sends("a"))            // metadata of 2 GiB
	again("", func(net.Conn) error { return io.EOF })                // connects and goes
	for range 10 {
		again("\xff\xff\xff\xff\x00\x10\x00\x00", sends("\x00")) // a byte now and then
	}
	again("", func(c net.Conn) error { // batches without rows
		w := tables.NewSampleWriter(c, nil)
		b := tables.NewSampleBuilder(nil)
		for ctx.Err() == nil {
			if err := w.Write(ctx, b); err != nil {
				return err
			}
			time.Sleep(10 * time.Millisecond)
		}
		return ctx.Err()
	})
	return func() {
		stop()
		all.Wait()
	}
}
