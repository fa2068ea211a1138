package http_test

import (
	"encoding/binary"
	"io"
	"net"
	nethttp "net/http"
	"testing"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/http"
)

// earlyServer is a server of HTTP/2, as small as can be, that answers a request as soon as it has its head, and reads its body all the
// same. What it has read of it, and how that ended, goes to the channels.
func earlyServer(t *testing.T) (url string, body <-chan int, reset <-chan uint32) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	bodies, resets := make(chan int, 1), make(chan uint32, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		frame := func(kind, flags byte, stream uint32, payload ...byte) {
			head := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
			head = append(head[1:], kind, flags)
			head = binary.BigEndian.AppendUint32(head, stream)
			_, _ = c.Write(append(head, payload...))
		}
		const data, headers, rst, settings, ping, window = 0, 1, 3, 4, 6, 8
		if _, err := io.CopyN(io.Discard, c, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
			return
		}
		frame(settings, 0, 0)
		n := 0
		for {
			var head [9]byte
			if _, err := io.ReadFull(c, head[:]); err != nil {
				return
			}
			size := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
			payload := make([]byte, size)
			if _, err := io.ReadFull(c, payload); err != nil {
				return
			}
			kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
			switch {
			case kind == settings && flags&1 == 0:
				frame(settings, 1, 0)
			case kind == ping && flags&1 == 0:
				frame(ping, 1, 0, payload...)
			case kind == headers:
				frame(headers, 4, stream, 0x88) // :status 200
				frame(data, 1, stream)          // its end
			case kind == rst:
				resets <- binary.BigEndian.Uint32(payload)
			case kind == data:
				n += size
				if size > 0 {
					credit := binary.BigEndian.AppendUint32(nil, uint32(size))
					frame(window, 0, 0, credit...)
					frame(window, 0, stream, credit...)
				}
				if flags&1 != 0 {
					bodies <- n
				}
			}
		}
	}()
	return "http://" + l.Addr().String() + "/", bodies, resets
}

// TestEarlyAnswer sends to a server that answers first: all of the request arrives.
func TestEarlyAnswer(t *testing.T) {
	url, body, reset := earlyServer(t)
	c, err := http.Post(t.Context(), url, &http.Options{Version: http.HTTP2})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	part := make([]byte, 100_000)
	for range 30 {
		if _, err := c.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	select {
	case n := <-body:
		if n != 30*len(part) {
			t.Errorf("%d bytes have arrived, want %d", n, 30*len(part))
		}
	case code := <-reset:
		t.Errorf("the request was reset, with code %d", code)
	}
}

// TestDuplexPost has clients that say nothing of what they accept, and one that ends its direction only when the answer comes.
func TestDuplexPost(t *testing.T) {
	u, err := transports.ParseURI("http://127.0.0.1:0/?protocol=lightstream")
	if err != nil {
		t.Fatal(err)
	}
	l, err := u.Listen(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept(t.Context())
		if err != nil {
			served <- err
			return
		}
		if c.Caps().Duplex {
			_, err = io.WriteString(c, "all of it")
		}
		_ = c.Close() // before the end of the request has come
		served <- err
	}()
	r, w := io.Pipe()
	request, err := nethttp.NewRequestWithContext(t.Context(), nethttp.MethodPost, "http://"+l.Addr().String(), r)
	if err != nil {
		t.Fatal(err)
	}
	request.Header["Accept-Encoding"], request.Header["User-Agent"] = nil, nil
	client := &nethttp.Transport{Protocols: new(nethttp.Protocols)}
	client.Protocols.SetUnencryptedHTTP2(true)
	defer client.CloseIdleConnections()
	answer, err := client.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || string(text) != "all of it" || answer.StatusCode != nethttp.StatusOK {
		t.Errorf("%d, %q, %v", answer.StatusCode, text, err)
	}
	answer.Body.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
