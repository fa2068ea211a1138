package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowflight "github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
)

// flightServer answers one DoGet with batches, for some time.
type flightServer struct {
	arrowflight.BaseFlightServer
	batches []arrow.RecordBatch
	time    time.Duration
	sent    int64
	done    chan error
}

// DoGet sends the batches in turn.
func (s *flightServer) DoGet(_ *arrowflight.Ticket, stream arrowflight.FlightService_DoGetServer) (err error) {
	defer func() { s.done <- err }()
	w := arrowflight.NewRecordWriter(stream, ipc.WithSchema(workload.SampleSchema))
	s.sent, err = until(s.time, func(i int) error { return w.Write(s.batches[i%len(s.batches)]) })
	return errors.Join(err, w.Close())
}

// sendFlight serves one connection as Flight.
func sendFlight(c net.Conn, batches []arrow.RecordBatch, d time.Duration) (int64, error) {
	s := &flightServer{batches: batches, time: d, done: make(chan error, 1)}
	server := grpc.NewServer(grpc.MaxSendMsgSize(1 << 30))
	arrowflight.RegisterFlightServiceServer(server, s)
	served := make(chan error, 1)
	l := &oneConn{conn: make(chan net.Conn, 1), addr: c.LocalAddr()}
	l.conn <- c
	go func() { served <- server.Serve(l) }()
	err := <-s.done
	server.GracefulStop() // returns when the client has closed the connection
	return s.sent, errors.Join(err, <-served)
}

// receiveFlight asks for the batches over one connection.
func receiveFlight(c net.Conn, rows int) (n int64, err error) {
	dial := func(context.Context, string) (net.Conn, error) { return c, nil }
	client, err := arrowflight.NewClientWithMiddleware("passthrough:///server", nil, nil,
		grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1<<30)))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	stream, err := client.DoGet(context.Background(), &arrowflight.Ticket{})
	if err != nil {
		return 0, err
	}
	r, err := arrowflight.NewRecordReader(stream)
	if err != nil {
		return 0, err
	}
	defer r.Release()
	for ; r.Next(); n++ {
		ids := r.RecordBatch().Column(0).(*array.Int64).Int64Values()
		if len(ids) != rows || ids[len(ids)-1] < 0 {
			return n, fmt.Errorf("a batch of %d rows", len(ids))
		}
	}
	return n, r.Err()
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn chan net.Conn
	addr net.Addr
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c, ok := <-l.conn; ok {
		return c, nil
	}
	return nil, io.EOF
}

func (l *oneConn) Close() error   { close(l.conn); return nil }
func (l *oneConn) Addr() net.Addr { return l.addr }
