// Flights reads 50,000 flights from an Arrow stream that pyarrow has written, sends them over TCP to itself, and says which
// routes are the worst.
//
//	go run ./examples/flights [file.arrows]
//
// The table is the struct in flight.go. Everything that knows its columns, flight_lightstream.go, is generated from that.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/transports/tcp"
)

func main() {
	name := "examples/flights/data/flights-50k.arrows" // from the root of the repository
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	if err := run(context.Background(), os.Stdout, name); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()

	listener, err := tcp.Listen(ctx, "127.0.0.1:0", nil)
	if err != nil {
		return err
	}
	defer listener.Close()
	to, err := tcp.Dial(ctx, listener.Addr().String(), nil)
	if err != nil {
		return err
	}
	from, err := listener.Accept(ctx)
	if err != nil {
		to.Close()
		return err
	}
	defer from.Close()

	started := time.Now()
	in, received := NewFlightReader(file, nil), NewFlightReader(from, nil)
	sent := make(chan error, 1)
	go func() {
		defer to.Close()
		sent <- send(ctx, in, to)
	}()
	routes, err := sum(ctx, received)
	took := time.Since(started)
	from.Close() // a sender that still waits for room need not
	if err := errors.Join(<-sent, err); err != nil {
		return err
	}
	return report(out, routes, in.Stats(), received.Stats(), took)
}

// send reads flights row by row and sends them in batches of 5,000.
func send(ctx context.Context, in *FlightReader, to io.Writer) error {
	out := NewFlightWriter(to, &rt.WriterOptions{BatchRows: 5000})
	defer out.Abort() // does nothing after Close

	for flight, err := range in.Rows(ctx) {
		if err != nil {
			return err
		}
		if err := out.Append(ctx, flight); err != nil {
			return err
		}
	}
	return out.Close()
}

type route struct{ origin, destination string }

// delays are those of the flights of a route, in minutes.
type delays struct{ flights, minutes int }

func (d delays) mean() float64 { return float64(d.minutes) / float64(d.flights) }

// sum adds up the delays of each route, batch by batch. The columns it loops over are the bytes that came from the network.
func sum(ctx context.Context, in *FlightReader) (map[route]delays, error) {
	routes := make(map[route]delays)
	for batch, err := range in.Batches(ctx) {
		if err != nil {
			return nil, err
		}
		origin, destination := batch.Origin(), batch.Destination()
		for i, minutes := range batch.Delay() {
			r := route{origin.At(i), destination.At(i)} // strings of the dictionary, which outlive the batch
			d := routes[r]
			routes[r] = delays{d.flights + 1, d.minutes + int(minutes)}
		}
		batch.Release() // its memory is for the next one
	}
	return routes, nil
}

// worst returns the five routes with the longest mean delay among those with at least 20 flights.
func worst(routes map[route]delays) []route {
	var list []route
	for r, d := range routes {
		if d.flights >= 20 {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b route) int {
		return cmp.Or(
			cmp.Compare(routes[b].mean(), routes[a].mean()),
			cmp.Compare(a.origin, b.origin),
			cmp.Compare(a.destination, b.destination),
		)
	})
	return list[:min(len(list), 5)]
}

func report(out io.Writer, routes map[route]delays, file, stream rt.Stats, took time.Duration) error {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "worst routes\tflights\tmean delay\t\n")
	for _, r := range worst(routes) {
		fmt.Fprintf(w, "%s → %s\t%d\t%.2f min\t\n", r.origin, r.destination, routes[r].flights, routes[r].mean())
	}
	fmt.Fprint(w, "\n\trows\tbatches\tbytes\t64-byte aligned\t\n")
	for _, s := range []struct {
		name string
		rt.Stats
	}{{"from the file", file}, {"over TCP", stream}} {
		// A column of this table is one buffer. What arrived elsewhere than at a multiple of 64 bytes was copied there.
		columns := s.InPlace + s.Converted
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d of %d columns\t\n", s.name, s.Rows, s.Batches, s.Bytes, columns-s.Realigned, columns)
	}
	_, err := fmt.Fprintf(w, "\nfile to sums in %v: %.1f million rows/s, %.0f MB/s\n", took.Round(10*time.Microsecond),
		float64(stream.Rows)/took.Seconds()/1e6, float64(stream.Bytes)/took.Seconds()/1e6)
	return errors.Join(err, w.Flush())
}
