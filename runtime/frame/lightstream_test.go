package frame_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/frame"
)

// protocol registers a message and a table.
func protocol(t testing.TB, announced bool) *frame.Lightstream {
	l := &frame.Lightstream{Announced: announced, MaxPayload: 100}
	for want, register := range []func() (byte, error){
		func() (byte, error) { return l.RegisterMessage("hello") },
		func() (byte, error) { return l.RegisterTable("trade", [16]byte{1, 2, 3}) },
		func() (byte, error) { return l.RegisterFlatbuffer("beat") },
	} {
		if tag, err := register(); err != nil || int(tag) != want {
			t.Fatalf("tag %d, %v, want %d", tag, err, want)
		}
	}
	return l
}

func ExampleLightstream() {
	var l frame.Lightstream
	tag, _ := l.RegisterMessage("greeting")
	wire, _ := l.AppendFrame(nil, frame.LightstreamFrame{Tag: tag, Payload: []byte("hi")})
	fmt.Printf("% x\n", wire)

	for f, err := range frame.NewStream(bytes.NewReader(wire), &l, nil).All() {
		fmt.Printf("%s: %s %v\n", l.Registrations()[f.Tag].Name, f.Payload, err)
	}
	// Output:
	// 00 02 00 00 00 68 69
	// greeting: hi <nil>
}

func TestLightstreamFrames(t *testing.T) {
	l := protocol(t, true)
	var wire []byte
	sent := []frame.LightstreamFrame{
		{Tag: 0, Payload: []byte("a")},
		{Tag: 2, Payload: make([]byte, 100)},
		{Tag: 1},
		{Tag: frame.TagHeartbeat},
		{Tag: frame.TagEnd},
	}
	for _, f := range sent {
		var err error
		if wire, err = l.AppendFrame(wire, f); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for f, err := range frame.NewStream(bytes.NewReader(wire), l, nil).All() {
		if err != nil {
			t.Fatal(err)
		}
		if f.Tag != sent[n].Tag || !bytes.Equal(f.Payload, sent[n].Payload) {
			t.Fatalf("frame %d is %d %q, want %d %q", n, f.Tag, f.Payload, sent[n].Tag, sent[n].Payload)
		}
		f.Release()
		n++
	}
	if n != len(sent) {
		t.Fatalf("%d frames, want %d", n, len(sent))
	}
	for k := range len(wire) {
		for _, err := range frame.NewStream(bytes.NewReader(wire[:k]), l, nil).All() {
			if err != nil && !errors.Is(err, frame.ErrTruncated) {
				t.Fatalf("%d bytes: %v", k, err)
			}
		}
	}
}

func TestLightstreamRefuses(t *testing.T) {
	for _, c := range []struct {
		wire      string
		announced bool
		is        error
		says      string
	}{
		{"\x03\x00\x00\x00\x00", false, frame.ErrMalformed, "tag 3, of 3"},
		{"\xff\x00\x00\x00\x00", false, frame.ErrMalformed, "tag 255"},
		{"\xff\x01\x00\x00\x00x", true, frame.ErrMalformed, "want none"},
		{"\x01\x65\x00\x00\x00", false, frame.ErrLimit, `101 bytes for "trade" exceed Lightstream.MaxPayload`},
		{"LSG1\x01\x00", false, frame.ErrMalformed, "set announce on both ends"},
	} {
		_, _, err := protocol(t, c.announced).Decode([]byte(c.wire))
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want %q", c.wire, err, c.says)
		}
	}
	l := protocol(t, false)
	if _, err := l.AppendFrame(nil, frame.LightstreamFrame{Tag: 9}); err == nil {
		t.Error("a frame of a tag that is not registered was made")
	}
	if _, err := l.AppendHead(nil, 0, 1<<32); !errors.Is(err, frame.ErrLimit) {
		t.Errorf("4 GiB: %v", err)
	}
	if _, err := l.RegisterMessage("trade"); err == nil {
		t.Error("a name has two tags")
	}
	if _, err := l.RegisterMessage(strings.Repeat("x", 256)); err == nil {
		t.Error("a name of 256 bytes has a tag")
	}
	for i := len(l.Registrations()); i < 256; i++ {
		if tag, err := l.RegisterMessage(fmt.Sprint(i)); err != nil || int(tag) != i {
			t.Fatal(tag, err)
		}
	}
	if _, err := l.RegisterMessage("one more"); !errors.Is(err, frame.ErrLimit) {
		t.Errorf("name 257: %v", err)
	}
}

// What begins like something known that is not the protocol is named, with announcements and without.
func TestLightstreamForeign(t *testing.T) {
	for wire, says := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\n":             `"HTTP/1.1 400" is not the Lightstream protocol; the peer speaks HTTP, use http://`,
		"GET / HTTP/1.1\r\n":                       `"GET / HTTP/1" is not the Lightstream protocol; the peer is an HTTP client`,
		"POST /feed HTTP/1.1\r\n":                  "the peer is an HTTP client",
		"PRI * HTTP/2.0\r\n":                       "the peer is an HTTP/2 client",
		"\x16\x03\x01\x02\x00\x01":                 `"\x16\x03\x01\x02\x00\x01" is not the Lightstream protocol; the peer speaks TLS, use tls://`,
		"\x15\x03\x03\x00\x02\x02\x46":             "the peer sent a TLS alert, use tls://",
		"\xff\xff\xff\xff\xf8\x00\x00\x00\x10\x00": "is an Arrow stream, not the Lightstream protocol; read it with a stream reader",
		"ARROW1\x00\x00":                           `"ARROW1\x00\x00" is an Arrow IPC file, not the Lightstream protocol; read it with a file reader`,
		"PAR1\x15\x04\x15":                         "is a Parquet file, not the Lightstream protocol",
		"\x1f\x8b\x08\x00\x00":                     "is gzip, not the Lightstream protocol; decompress it first",
		"\x28\xb5\x2f\xfd\x04":                     "is a ZSTD frame, not the Lightstream protocol; decompress it first",
	} {
		for _, announced := range []bool{false, true} {
			l := protocol(t, announced)
			if _, n, err := l.Decode([]byte(wire)); n != 0 || !errors.Is(err, frame.ErrMalformed) || !strings.Contains(err.Error(), says) {
				t.Errorf("%q, announced %v: %v, want %q", wire, announced, err, says)
			}
			if n, _, _, err := l.CheckAnnouncement([]byte(wire)); n != 0 || !errors.Is(err, frame.ErrMalformed) || !strings.Contains(err.Error(), says) {
				t.Errorf("%q for an announcement: %v, want %q", wire, err, says)
			}
			for k := range 4 {
				if _, n, err := l.Decode([]byte(wire[:k])); n != 0 || err != nil {
					t.Errorf("%d bytes of %q: %d, %v", k, wire, n, err)
				}
				if n, _, _, err := l.CheckAnnouncement([]byte(wire[:k])); n != 0 || err != nil {
					t.Errorf("%d bytes of %q for an announcement: %d, %v", k, wire, n, err)
				}
			}
		}
	}
	// A frame whose length only looks like something known is one.
	l := protocol(t, false)
	for tag := 3; tag <= 'G'; tag++ {
		if _, err := l.RegisterMessage(fmt.Sprint(tag)); err != nil {
			t.Fatal(err)
		}
	}
	l.MaxPayload = 0x20544547
	if _, _, err := l.Decode([]byte("GET \x00")); err != nil {
		t.Error(err)
	}
	if tls, n, err := l.Decode(append([]byte("\x16\x03\x00\x00\x00"), "abc"...)); err != nil || n != 8 || tls.Tag != 0x16 {
		t.Error(n, err)
	}
}

func TestAnnouncement(t *testing.T) {
	l := protocol(t, true)
	wire := l.AppendAnnouncement(nil, true)
	want := "LSG1\x03\x00\x03\x00" +
		"\x00\x00\x05hello" + strings.Repeat("\x00", 16) +
		"\x01\x01\x05trade\x01\x02\x03" + strings.Repeat("\x00", 13) +
		"\x02\x02\x04beat" + strings.Repeat("\x00", 16)
	if string(wire) != want {
		t.Fatalf("% x\nwant % x", wire, want)
	}
	for k := range len(wire) {
		if n, _, _, err := l.CheckAnnouncement(wire[:k]); n != 0 || err != nil {
			t.Fatalf("%d of %d bytes: %d, %v", k, len(wire), n, err)
		}
	}
	if n, end, beats, err := l.CheckAnnouncement(append(wire, 9, 9)); n != len(wire) || !end || !beats || err != nil {
		t.Fatal(n, end, beats, err)
	}
	change := func(at int, b byte) []byte {
		w := bytes.Clone(wire)
		w[at] = b
		return w
	}
	for name, w := range map[string][]byte{
		"magic": change(0, 'X'), "flags": change(4, 4), "count": change(6, 2), "tag": change(8, 1),
		"kind": change(9, 1), "name": change(11, 'j'),
	} {
		if _, _, _, err := l.CheckAnnouncement(w); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, _, _, err := l.CheckAnnouncement(change(16, 99)); err != nil {
		t.Errorf("another fingerprint: %v", err) // the schema that follows decides
	}
}

func FuzzLightstream(f *testing.F) {
	l := protocol(f, true)
	wire, err := l.AppendFrame(l.AppendAnnouncement(nil, false), frame.LightstreamFrame{Tag: 1, Payload: []byte("xyz")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Fuzz(func(t *testing.T, in []byte) {
		n, _, _, err := l.CheckAnnouncement(in)
		if err != nil && n != 0 || n > len(in) {
			t.Fatal(n, err)
		}
		for {
			f, k, err := l.Decode(in[n:])
			if err != nil || k == 0 {
				return
			}
			back, err := l.AppendFrame(nil, f)
			if err != nil || !bytes.Equal(back, in[n:n+k]) {
				t.Fatalf("% x became % x, %v", in[n:n+k], back, err)
			}
			n += k
		}
	})
}
