package main

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
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
	meter   *meter
	done    chan error
}

// DoGet sends the batches in turn.
func (s *flightServer) DoGet(_ *arrowflight.Ticket, stream arrowflight.FlightService_DoGetServer) (err error) {
	defer func() { s.done <- err }()
	w := arrowflight.NewRecordWriter(stream, ipc.WithSchema(s.batches[0].Schema()))
	err = until(s.time, s.meter, func(i int) error { return w.Write(s.batches[i%len(s.batches)]) })
	return errors.Join(err, w.Close())
}

// sendFlight serves one connection as Flight.
func sendFlight(c net.Conn, batches []arrow.RecordBatch, d time.Duration, m *meter) error {
	s := &flightServer{batches: batches, time: d, meter: m, done: make(chan error, 1)}
	server := grpc.NewServer(grpc.MaxSendMsgSize(1 << 30))
	arrowflight.RegisterFlightServiceServer(server, s)
	served := make(chan error, 1)
	l := &oneConn{conn: make(chan net.Conn, 1), addr: c.LocalAddr()}
	l.conn <- c
	go func() { served <- server.Serve(l) }()
	err := <-s.done
	server.GracefulStop() // returns when the client has closed the connection
	return errors.Join(err, <-served)
}

// receiveFlight asks for the batches over one connection.
func receiveFlight(c net.Conn, rows int, m *meter) error {
	dial := func(context.Context, string) (net.Conn, error) { return c, nil }
	client, err := arrowflight.NewClientWithMiddleware("passthrough:///server", nil, nil,
		grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1<<30)))
	if err != nil {
		return err
	}
	defer client.Close()
	stream, err := client.DoGet(context.Background(), &arrowflight.Ticket{})
	if err != nil {
		return err
	}
	r, err := arrowflight.NewRecordReader(stream)
	if err != nil {
		return err
	}
	defer r.Release()
	for ; r.Next(); m.batch() {
		if !workload.Look(r.RecordBatch(), rows) {
			return errOtherBatch
		}
	}
	return r.Err()
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
