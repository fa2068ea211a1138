// Browser serves a live table to pages: open the address that it prints. Any number of pages, and any other reader of Arrow, may watch at
// the same time, and each batch is encoded once.
//
//	go run ./examples/browser
//	go run ./examples/browser -addr localhost:8081 -rate 200
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/lightstream-go/lightstream/examples/browser/page"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/fanout"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/serve"
	"github.com/lightstream-go/lightstream/transports/ws"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "listen at this `address`")
	rate := flag.Int("rate", 50, "this many `readings` a second")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *addr, *rate, func(at string) { fmt.Printf("open http://%s/\n", at) }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run measures and serves until ctx ends. It tells listening where.
func run(ctx context.Context, addr string, rate int, listening func(string)) error {
	if rate < 1 || rate > 1_000_000 {
		return fmt.Errorf("-rate=%d: want 1 to 1000000", rate)
	}
	l, err := ws.Listen(ctx, addr, &ws.ListenOptions{
		Wrap: func(stream http.Handler) http.Handler { return page.Handler(stream, nil) },
	})
	if err != nil {
		return err
	}
	hub := fanout.New(&fanout.Options{Slow: fanout.DropOldest}) // a page in the background is no reason to wait
	server := &serve.Server{
		Handle:     func(ctx context.Context, conn transports.Conn) error { return hub.Send(ctx, conn) },
		MaxClients: 1000,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	listening(l.Addr().String())

	w := NewReadingWriter(hub, nil)
	err = measure(ctx, w, rate)
	if errors.Is(err, context.Canceled) {
		err = w.Close() // the pages are told that it has ended
	} else {
		w.Abort()
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err = errors.Join(err, hub.Close(), server.Shutdown(end))
	if e := <-served; !errors.Is(e, serve.ErrClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// measure writes readings, some at a time, until ctx ends.
func measure(ctx context.Context, w *ReadingWriter, rate int) error {
	const pause = 100 * time.Millisecond
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	b := NewReadingBuilder(nil)
	s := station{start: time.Now(), turns: 1 << 53}
	for {
		b.Reset()
		for due := int(time.Since(s.start).Seconds() * float64(rate)); s.n < due && b.Len() < 65_536; {
			b.Append(s.next(rate))
		}
		if b.Len() > 0 {
			if err := w.Write(ctx, b); err != nil {
				return err
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// station makes weather.
type station struct {
	start time.Time
	n     int
	gust  float64
	turns uint64
}

func (s *station) next(rate int) Reading {
	at := time.Duration(float64(s.n) / float64(rate) * float64(time.Second))
	t := at.Seconds()
	s.n++
	s.gust = 0.97*s.gust + rand.NormFloat64()*0.35
	wind := math.Abs(6 + 2.5*math.Sin(t/7) + s.gust)
	front := math.Sin(t / 11)
	r := Reading{
		Time:        s.start.Add(at),
		Temperature: to(2, 14+3*math.Sin(t/19)+0.8*math.Sin(t/3)+rand.NormFloat64()*0.06),
		Wind:        to(2, wind),
		Pressure:    float32(to(2, 1009-6*front+rand.NormFloat64()*0.08)),
		Sky:         "clear",
		Gusts:       []float32{float32(to(1, wind)), float32(to(1, wind*1.2)), float32(to(1, wind*(1.2+rand.Float64()/2)))},
		Mast:        Mast{Height: 10, Voltage: float32(to(2, 12.6+rand.NormFloat64()*0.02))},
	}
	s.turns += uint64(wind * 3)
	r.Turns = s.turns
	switch {
	case front > 0.6:
		r.Sky, r.Rain = "rain", rt.Some(float32(to(1, 8*(front-0.6))))
	case front > 0:
		r.Sky = "clouds"
	}
	return r
}

// to rounds to so many digits, as instruments do.
func to(digits int, v float64) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}
