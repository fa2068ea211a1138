package quic_test

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/quic"
)

// A lossy network loses some packets, delays others so that they come in another order, and doubles some.
type lossy struct {
	simnet.PerfectRouter
	mu   sync.Mutex
	rng  *rand.Rand
	gone bool // loses all
	lost int  // so many
}

func (l *lossy) SendPacket(p simnet.Packet) error {
	l.mu.Lock()
	lost := l.gone || l.rng.IntN(100) < 5
	doubled := l.rng.IntN(100) < 2
	if lost {
		l.lost++
	}
	l.mu.Unlock()
	if lost {
		return nil
	}
	if doubled {
		if err := l.PerfectRouter.SendPacket(p); err != nil {
			return err
		}
	}
	return l.PerfectRouter.SendPacket(p)
}

// delay is the time to the other end.
func (l *lossy) delay(simnet.Packet) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 10*time.Millisecond + time.Duration(l.rng.IntN(3))*time.Millisecond
}

// issued is when the certificates of tests are valid.
var issued = time.Now()

// overLossy connects two ends over a network that loses 5 packets of 100.
func overLossy(t *testing.T, p *pki, o quic.Options) (network *lossy, dialled, accepted transports.Conn) {
	network = &lossy{rng: rand.New(rand.NewPCG(7, 11))}
	sim := &simnet.Simnet{Router: network}
	link := simnet.NodeBiDiLinkSettings{LatencyFunc: network.delay}
	near := sim.NewEndpoint(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1000}, link)
	far := sim.NewEndpoint(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 2000}, link)
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(near.Close(), far.Close(), sim.Close()); err != nil {
			t.Error(err)
		}
	})
	l, err := quic.Listen(t.Context(), "", &quic.ListenOptions{Options: o, TLS: p.listener(), PacketConn: far})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	client := p.client()
	client.ServerName = "localhost"
	client.Base = &tls.Config{Time: func() time.Time { return issued }} // a bubble has its own
	c, err := quic.Dial(t.Context(), "10.0.0.2:2000", &quic.DialOptions{Options: o, TLS: client, PacketConn: near, Receives: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	a, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return network, c, a
}

// TestLoss streams over a network that loses, doubles and reorders packets: nothing of that is seen.
func TestLoss(t *testing.T) {
	p := newPKI(t)
	synctest.Test(t, func(t *testing.T) {
		network, dialled, accepted := overLossy(t, p, quic.Options{})
		sent := make(chan error, 1)
		go func() { sent <- errors.Join(sendTrades(t.Context(), accepted, 4, true), accepted.Close()) }()
		if n, err := receiveTrades(t.Context(), dialled); err != nil || n != 4*rowsEach {
			t.Errorf("received %d rows, %v", n, err)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		if err := dialled.Close(); err != nil {
			t.Error(err)
		}
		network.mu.Lock()
		if network.lost < 20 {
			t.Errorf("%d packets were lost", network.lost)
		}
		network.mu.Unlock()
		time.Sleep(5 * time.Minute) // where the packet was lost that tells of the end, the other end waits for its time-out
	})
}

// TestNetworkGone cuts the network in mid-stream: both ends learn it in the time that they have set.
func TestNetworkGone(t *testing.T) {
	p := newPKI(t)
	synctest.Test(t, func(t *testing.T) {
		network, dialled, accepted := overLossy(t, p, quic.Options{IdleTimeout: 8 * time.Second, Linger: -1})
		if err := sendTrades(t.Context(), accepted, 1, false); err != nil {
			t.Fatal(err)
		}
		network.mu.Lock()
		network.gone = true
		network.mu.Unlock()
		began := time.Now()
		sent := make(chan error, 1)
		go func() { sent <- sendTrades(context.Background(), accepted, 100, true) }()
		if n, err := receiveTrades(t.Context(), dialled); !errors.Is(err, transports.ErrPeerClosed) || n > rowsEach {
			t.Errorf("received %d rows, %v, want ErrPeerClosed", n, err)
		}
		if err := <-sent; !errors.Is(err, transports.ErrPeerClosed) {
			t.Errorf("sending: %v, want ErrPeerClosed", err)
		}
		if took := time.Since(began); took > 20*time.Second { // of the bubble
			t.Errorf("it took %v to notice", took)
		}
	})
}
