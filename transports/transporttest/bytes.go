package transporttest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/transports"
)

const (
	bigBytes = 32 << 20

	// What a transport may take from a writer whose peer does not read: the kernel's socket buffers grow to about
	// 10 MiB, QUIC's windows to 15.
	mostUnread = 64 << 20
)

// long is a deadline that no test reaches, and past one that has passed.
func long() time.Time { return time.Now().Add(time.Hour) }

var past = time.Unix(1, 0)

// byteCases are about the bytes of one connection.
var byteCases = []testCase{
	{name: "many small messages", run: testSmall},
	{name: "one byte at a time", run: testOneByteReads},
	{name: "big writes", run: testBig},
	{name: "gathered writes", run: testGathered},
	{name: "gathered writes of nothing", run: testGatheredNothing},
	{name: "concurrent writes are whole", run: testConcurrentWrites},
	{name: "slow reader stops the writer", needs: transports.Caps{Deadline: true}, run: testSlowReader},
	{name: "half-close", needs: transports.Caps{HalfClose: true, Duplex: true}, run: testHalfClose},
	{name: "write after CloseWrite", needs: transports.Caps{HalfClose: true}, run: testWriteAfterCloseWrite},
	{name: "both directions at once", needs: transports.Caps{Duplex: true}, run: testBothDirections},
	{name: "deadline of a read", needs: transports.Caps{Deadline: true}, run: testReadDeadline},
	{name: "deadline of a write", needs: transports.Caps{Deadline: true}, run: testWriteDeadline},
	{name: "deadline of both", needs: transports.Caps{Deadline: true, Duplex: true}, run: testDeadline},
	{name: "deadline that is not reached", needs: transports.Caps{Deadline: true}, run: testLongDeadline},
	{name: "sender dies in a message", run: testSenderDies},
	{name: "receiver dies in a message", run: testReceiverDies},
	{name: "close unblocks a read", needs: transports.Caps{Deadline: true}, run: testCloseUnblocksRead},
	{name: "close unblocks a write", needs: transports.Caps{Deadline: true}, run: testCloseUnblocksWrite},
	{name: "lazy reads", needs: transports.Caps{Deadline: true}, run: testLazyReads},
	{name: "close twice", run: testCloseTwice},
	{name: "addresses", run: testAddresses},
	{name: "what is not there is refused", run: testRefusals},
}

// testSmall sends messages of 0 to 70 bytes, by Write and by WriteBuffers in turn.
func testSmall(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	got := drain(receiver, receiver, 4096)

	var sent int64
	for i := range 5000 {
		p := patternAt(sent, int64(i%71))
		n, err := int64(0), error(nil)
		if i%2 == 0 {
			var m int
			m, err = sender.Write(p)
			n = int64(m)
		} else {
			n, err = sender.WriteBuffers([][]byte{p[:len(p)/3], p[len(p)/3:]})
		}
		if err != nil || n != int64(len(p)) {
			t.Fatalf("message %d: sent %d of %d bytes, %v", i, n, len(p), err)
		}
		if !bytes.Equal(p, patternAt(sent, n)) {
			t.Fatalf("message %d has other bytes after the write", i)
		}
		clear(p) // what was kept would now go wrong
		sent += n
	}
	finishAndCompare(t, sender, got, sent)
}

// drain receives all of c from r, which reads from it, in a goroutine. If that fails it closes c, else the sender would
// wait for ever.
func drain(c transports.Conn, r io.Reader, size int) <-chan result[int64] {
	return start(func() (int64, error) {
		n, err := receive(r, size)
		if err != nil {
			_ = c.Close()
		}
		return n, err
	})
}

// finishAndCompare ends what sender sends and waits until the receiver has seen all of it.
func finishAndCompare(t *testing.T, sender transports.Conn, got <-chan result[int64], sent int64) {
	t.Helper()
	if err := finish(sender); err != nil {
		t.Fatalf("ending the stream: %v", err)
	}
	r := <-got
	if r.err != nil {
		t.Fatalf("receiving: %v", r.err)
	}
	if r.val != sent {
		t.Fatalf("received %d bytes, want %d", r.val, sent)
	}
}

func testOneByteReads(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	got := drain(receiver, iotest.OneByteReader(receiver), 16)
	const n = 8 << 10
	if _, err := sender.Write(patternAt(0, n)); err != nil {
		t.Fatal(err)
	}
	finishAndCompare(t, sender, got, n)
}

func testBig(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	got := drain(receiver, receiver, 256<<10)
	big := patternAt(0, bigBytes)
	if n, err := sender.Write(big); err != nil || n != len(big) {
		t.Fatalf("Write = %d, %v, want %d", n, err, len(big))
	}
	// Again, in parts that no buffer holds at once, from where the pattern goes on.
	bufs := [][]byte{patternAt(bigBytes, 10<<20), nil, patternAt(bigBytes+10<<20, 1), patternAt(bigBytes+10<<20+1, 9<<20)}
	const more = 10<<20 + 1 + 9<<20
	if n, err := sender.WriteBuffers(bufs); err != nil || n != more {
		t.Fatalf("WriteBuffers = %d, %v, want %d", n, err, more)
	}
	finishAndCompare(t, sender, got, bigBytes+more)
}

// testGathered sends vectors below, at and above the kernel's limit, with empty parts, and looks whether they are left
// as they were.
func testGathered(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	got := drain(receiver, receiver, 64<<10)
	var sent int64
	for _, parts := range []int{1, 2, 7, 1023, 1024, 1025, 2048, 5000} {
		bufs := make([][]byte, parts)
		var total int64
		for i := range bufs {
			size := int64(i*7919) % 257 // 0 for each 257th, 0 first
			bufs[i] = patternAt(sent+total, size)
			total += size
		}
		bufs[parts-1] = nil
		total -= int64((parts-1)*7919) % 257

		before := make([][]byte, parts)
		copied := make([][]byte, parts)
		for i := range bufs {
			before[i] = bufs[i]
			copied[i] = bytes.Clone(bufs[i])
		}
		n, err := sender.WriteBuffers(bufs)
		if err != nil || n != total {
			t.Fatalf("%d parts: WriteBuffers = %d, %v, want %d", parts, n, err, total)
		}
		sent += n
		for i := range bufs {
			same := len(bufs[i]) == len(before[i]) && (len(bufs[i]) == 0 || &bufs[i][0] == &before[i][0])
			if !same {
				t.Fatalf("%d parts: part %d is another slice after the write", parts, i)
			}
			if !bytes.Equal(bufs[i], copied[i]) {
				t.Fatalf("%d parts: part %d has other bytes after the write", parts, i)
			}
		}
		// What was kept would now go wrong: the memory is the caller's again.
		for i := range before {
			clear(before[i])
		}
	}
	finishAndCompare(t, sender, got, sent)
}

func testGatheredNothing(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	got := drain(receiver, receiver, 64)
	for _, bufs := range [][][]byte{nil, {}, {nil}, {{}, nil, {}}, make([][]byte, 3000)} {
		if n, err := sender.WriteBuffers(bufs); n != 0 || err != nil {
			t.Errorf("WriteBuffers of %d empty parts = %d, %v", len(bufs), n, err)
		}
	}
	if n, err := sender.Write(nil); n != 0 || err != nil {
		t.Errorf("Write of nothing = %d, %v", n, err)
	}
	if _, err := sender.Write(patternAt(0, 5)); err != nil {
		t.Fatal(err)
	}
	finishAndCompare(t, sender, got, 5)
}

// testConcurrentWrites writes records from several goroutines, each record in one call. A record is its length, its
// writer and that many bytes of the writer's number.
func testConcurrentWrites(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	const writers, each = 4, 60
	received := start(func() (count map[byte]int, err error) {
		defer func() {
			if err != nil {
				_ = receiver.Close() // as drain does
			}
		}()
		count = map[byte]int{}
		for {
			var head [5]byte
			if _, err := io.ReadFull(receiver, head[:]); err == io.EOF { //nolint:errorlint // of io.ReadFull
				return count, nil
			} else if err != nil {
				return count, err
			}
			body := make([]byte, binary.LittleEndian.Uint32(head[:4]))
			if len(body) > 1<<20 {
				return count, errors.New("records are mixed")
			}
			if _, err := io.ReadFull(receiver, body); err != nil {
				return count, err
			}
			if bytes.Count(body, head[4:]) != len(body) {
				return count, errors.New("records are mixed")
			}
			count[head[4]]++
		}
	})
	var wg sync.WaitGroup
	errs := make(chan error, writers)
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				bufs := record(byte(w+1), i*997%200_000, i*31%1500+2)
				var err error
				if i%2 == 0 {
					_, err = sender.Write(bytes.Join(bufs, nil))
				} else {
					_, err = sender.WriteBuffers(bufs)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Errorf("writing: %v", err)
	}
	if err := finish(sender); err != nil {
		t.Errorf("ending the stream: %v", err)
	}
	r := <-received
	if r.err != nil {
		t.Fatalf("receiving: %v", r.err)
	}
	for w := range writers {
		if n := r.val[byte(w+1)]; n != each {
			t.Errorf("%d records of writer %d, want %d", n, w+1, each)
		}
	}
}

// record returns a record of testConcurrentWrites in at most so many parts.
func record(writer byte, size, parts int) [][]byte {
	head := binary.LittleEndian.AppendUint32(nil, uint32(size))
	bufs := [][]byte{append(head, writer)}
	body := bytes.Repeat([]byte{writer}, size)
	piece := size/parts + 1
	for len(body) > 0 {
		n := min(piece, len(body))
		bufs = append(bufs, body[:n])
		body = body[n:]
	}
	return bufs
}

// testSlowReader writes to a peer that does not read, until nothing more is taken. A deadline stops the writer then; if
// the machine is so slow that it comes before, less has been written and nothing else changes. Then the peer
// reads, and finds exactly what was accepted.
func testSlowReader(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	if err := sender.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	accepted, err := fill(sender)
	wantTimeout(t, "a write that nobody reads", err)
	t.Logf("%d bytes were accepted unread", accepted)

	if err := sender.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	got := drain(receiver, receiver, 64<<10)
	// The connection can be used again, from where the write was cut.
	more := patternAt(accepted, 100_000)
	if _, err := sender.WriteBuffers([][]byte{more[:10], more[10:]}); err != nil {
		t.Fatalf("after the deadline was taken away: %v", err)
	}
	finishAndCompare(t, sender, got, accepted+int64(len(more)))
}

// fill writes the pattern until an error, which it returns with how many bytes were accepted. An error of its own says
// that there was no end to it.
func fill(c transports.Conn) (int64, error) {
	var sent int64
	for sent < mostUnread {
		// Blocks of 1 MiB, gathered, as a writer of batches sends them.
		block := patternAt(sent, 1<<20)
		n, err := c.WriteBuffers([][]byte{block[:100], block[100:70_000], block[70_000:]})
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, fmt.Errorf("%d bytes were accepted and nobody reads", sent)
}

func testHalfClose(t *testing.T, e *env) {
	a, b := e.duplex(t)
	const request, response = 100_000, 3 << 20
	served := start(func() (n int64, err error) {
		defer func() {
			if err != nil {
				_ = b.Close() // as drain does
			}
		}()
		if n, err = receive(b, 8<<10); err != nil { // to the end of the request
			return n, err
		}
		if _, err = b.Write(patternAt(0, response)); err != nil {
			return n, err
		}
		return n, b.CloseWrite()
	})
	if _, err := a.Write(patternAt(0, request)); err != nil {
		t.Fatal(err)
	}
	if err := a.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := receive(a, 64<<10); err != nil || n != response {
		t.Errorf("received a response of %d bytes, %v, want %d", n, err, response)
	}
	if r := <-served; r.err != nil || r.val != request {
		t.Errorf("received a request of %d bytes, %v, want %d", r.val, r.err, request)
	}
	// The end stays the end.
	if n, err := a.Read(make([]byte, 1)); n != 0 || err != io.EOF { //nolint:errorlint // the contract
		t.Errorf("Read after the end = %d, %v, want io.EOF", n, err)
	}
}

func testWriteAfterCloseWrite(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	got := drain(receiver, receiver, 64)
	if _, err := sender.Write(patternAt(0, 3)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := sender.CloseWrite(); err != nil {
			t.Fatalf("CloseWrite: %v", err)
		}
	}
	if n, err := sender.Write([]byte("more")); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after CloseWrite = %d, %v, want net.ErrClosed", n, err)
	}
	if n, err := sender.WriteBuffers([][]byte{{1}, {2}}); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("WriteBuffers after CloseWrite = %d, %v, want net.ErrClosed", n, err)
	}
	if r := <-got; r.err != nil || r.val != 3 {
		t.Errorf("received %d bytes, %v, want 3", r.val, r.err)
	}
}

func testBothDirections(t *testing.T, e *env) {
	a, b := e.duplex(t)
	const size = 8 << 20 // more than fits on the way: each end must read while it writes
	var wg sync.WaitGroup
	for _, c := range []transports.Conn{a, b} {
		wg.Go(func() {
			if _, err := c.Write(patternAt(0, size)); err != nil {
				t.Errorf("sending: %v", err)
			}
			if c.Caps().HalfClose {
				if err := c.CloseWrite(); err != nil {
					t.Errorf("CloseWrite: %v", err)
				}
			}
		})
		wg.Go(func() {
			var check checker
			if _, err := io.CopyBuffer(&check, io.LimitReader(onlyReader{c}, size), make([]byte, 32<<10)); err != nil {
				t.Errorf("receiving: %v", err)
			}
			if check.n != size {
				t.Errorf("received %d bytes, want %d", check.n, size)
				_ = c.Close() // as drain does
			}
		})
	}
	wg.Wait()
}

// onlyReader hides all methods but Read.
type onlyReader struct{ io.Reader }

func testReadDeadline(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	var sent checker // what the receiver has to have, in order
	exchange := func() {
		t.Helper()
		if _, err := sender.Write(patternAt(sent.n, 1000)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1000)
		if _, err := io.ReadFull(receiver, buf); err != nil {
			t.Fatalf("reading after the deadline was taken away: %v", err)
		}
		if _, err := sent.Write(buf); err != nil {
			t.Fatal(err)
		}
	}
	exchange()

	// A deadline that has passed before the read.
	set(t, receiver.SetReadDeadline, past)
	for range 2 {
		n, err := receiver.Read(make([]byte, 10))
		if n != 0 {
			t.Errorf("Read returned %d bytes past its deadline", n)
		}
		wantTimeout(t, "Read past its deadline", err)
	}
	set(t, receiver.SetReadDeadline, time.Time{})
	exchange()

	// One that comes while the read waits, or just before it does: the same either way.
	for range 20 {
		waiting := make(chan struct{})
		read := start(func() (int, error) {
			close(waiting)
			return receiver.Read(make([]byte, 10))
		})
		<-waiting
		set(t, receiver.SetReadDeadline, past)
		r := <-read
		if r.val != 0 {
			t.Errorf("Read returned %d bytes past its deadline", r.val)
		}
		wantTimeout(t, "Read whose deadline came", r.err)
		set(t, receiver.SetReadDeadline, time.Time{})
		exchange()
	}
}

func set(t *testing.T, set func(time.Time) error, to time.Time) {
	t.Helper()
	if err := set(to); err != nil {
		t.Fatalf("setting a deadline: %v", err)
	}
}

func testWriteDeadline(t *testing.T, e *env) {
	sender, receiver := e.pair(t)

	// A deadline that has passed before the write.
	set(t, sender.SetWriteDeadline, past)
	n, err := sender.WriteBuffers([][]byte{{1}, {2}})
	if n != 0 {
		t.Errorf("WriteBuffers sent %d bytes past its deadline", n)
	}
	wantTimeout(t, "WriteBuffers past its deadline", err)
	m, err := sender.Write([]byte{1})
	if m != 0 {
		t.Errorf("Write sent %d bytes past its deadline", m)
	}
	wantTimeout(t, "Write past its deadline", err)
	set(t, sender.SetWriteDeadline, time.Time{})

	// One that comes while writes go on or wait, as nobody reads.
	waiting := make(chan struct{})
	filled := start(func() (int64, error) {
		close(waiting)
		return fill(sender)
	})
	<-waiting
	set(t, sender.SetWriteDeadline, past)
	r := <-filled
	wantTimeout(t, "a write whose deadline came", r.err)

	// What was accepted arrives.
	set(t, sender.SetWriteDeadline, time.Time{})
	got := drain(receiver, receiver, 64<<10)
	finishAndCompare(t, sender, got, r.val)
}

func testDeadline(t *testing.T, e *env) {
	a, b := e.duplex(t)
	set(t, a.SetDeadline, past)
	_, err := a.Read(make([]byte, 1))
	wantTimeout(t, "Read", err)
	_, err = a.Write([]byte{1})
	wantTimeout(t, "Write", err)
	set(t, a.SetDeadline, time.Time{})
	exchange(t, a, b)
	exchange(t, b, a)

	// Each direction has its own.
	set(t, a.SetReadDeadline, past)
	exchange(t, a, b)
	set(t, a.SetReadDeadline, time.Time{})
	set(t, a.SetWriteDeadline, past)
	exchange(t, b, a)
	set(t, a.SetWriteDeadline, time.Time{})
	exchange(t, a, b)
}

func testLongDeadline(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	set(t, sender.SetWriteDeadline, long())
	set(t, receiver.SetReadDeadline, long())
	got := drain(receiver, receiver, 4096)
	const n = 1 << 20
	if _, err := sender.Write(patternAt(0, n)); err != nil {
		t.Fatal(err)
	}
	finishAndCompare(t, sender, got, n)
}

// testSenderDies closes the sending end within a message.
func testSenderDies(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	const half = 150_000
	got := start(func() (int64, error) {
		n, err := receive(receiver, 4096)
		if err == nil {
			err = io.EOF // on a raw stream, dying and ending look the same; what counts is that it ends
		}
		return n, err
	})
	if _, err := sender.Write(patternAt(0, half)); err != nil {
		t.Fatal(err)
	}
	if err := sender.Close(); err != nil {
		t.Fatal(err)
	}
	r := <-got
	if r.val > half {
		t.Errorf("received %d bytes of %d", r.val, half)
	}
	if !errors.Is(r.err, io.EOF) && !errors.Is(r.err, transports.ErrPeerClosed) {
		t.Errorf("the read ended with %v, want io.EOF or ErrPeerClosed", r.err)
	}
}

// testReceiverDies closes the receiving end within a message: the sender must learn it, and not wait for ever.
func testReceiverDies(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	sent := start(func() (int64, error) { return fill(sender) })
	if _, err := io.ReadFull(receiver, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := receiver.Close(); err != nil {
		t.Fatal(err)
	}
	r := <-sent
	if !errors.Is(r.err, transports.ErrPeerClosed) {
		t.Errorf("writing to a receiver that is gone: %v, want ErrPeerClosed", r.err)
	}
	wantError(t, sender, r.err)
}

func testCloseUnblocksRead(t *testing.T, e *env) {
	_, receiver := e.pair(t)
	waiting := make(chan struct{})
	read := start(func() (int, error) {
		close(waiting)
		return receiver.Read(make([]byte, 10))
	})
	<-waiting
	if err := receiver.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	r := <-read
	if !errors.Is(r.err, net.ErrClosed) {
		t.Errorf("Read on a connection that was closed: %v, want net.ErrClosed", r.err)
	}
	wantError(t, receiver, r.err)
}

func testCloseUnblocksWrite(t *testing.T, e *env) {
	sender, _ := e.pair(t)
	waiting := make(chan struct{})
	sent := start(func() (int64, error) {
		close(waiting)
		return fill(sender)
	})
	<-waiting
	if err := sender.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	r := <-sent
	if !errors.Is(r.err, net.ErrClosed) {
		t.Errorf("WriteBuffers on a connection that was closed: %v, want net.ErrClosed", r.err)
	}
	wantError(t, sender, r.err)
}

func testCloseTwice(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	for _, c := range []transports.Conn{sender, receiver} {
		for range 2 {
			if err := c.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
	}
	_, err := receiver.Read(make([]byte, 1))
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read after Close: %v, want net.ErrClosed", err)
	}
	if _, err := sender.Write([]byte{1}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after Close: %v, want net.ErrClosed", err)
	}
	if _, err := sender.WriteBuffers([][]byte{{1}}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("WriteBuffers after Close: %v, want net.ErrClosed", err)
	}
	if e.caps.HalfClose {
		if err := sender.CloseWrite(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("CloseWrite after Close: %v, want net.ErrClosed", err)
		}
	}
	if e.caps.Deadline {
		for _, set := range []func(time.Time) error{sender.SetDeadline, sender.SetReadDeadline, sender.SetWriteDeadline} {
			if err := set(long()); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("a deadline after Close: %v, want none or net.ErrClosed", err)
			}
		}
	}
}

func testAddresses(t *testing.T, e *env) {
	l := e.listener(t)
	role := Sends
	if !e.diallerSends {
		role = Receives
	}
	dialled, accepted := e.dialAndAccept(t, l, role)
	addrs := func() []net.Addr {
		return []net.Addr{
			l.Addr(), dialled.LocalAddr(), dialled.RemoteAddr(), accepted.LocalAddr(), accepted.RemoteAddr(),
		}
	}
	before := addrs()
	for i, a := range before {
		if a == nil || a.String() == "" || a.Network() != before[0].Network() {
			t.Errorf("address %d is %#v, want a name in the network %q", i, a, before[0].Network())
		}
	}
	if err := errors.Join(dialled.Close(), accepted.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	for i, a := range addrs() {
		if a == nil || a.String() != before[i].String() {
			t.Errorf("address %d is %v after Close, want %v", i, a, before[i])
		}
	}
}

// testRefusals compares what the connections say they have with what the test was told, and looks whether the rest is
// refused without harm.
func testRefusals(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	for _, c := range []transports.Conn{sender, receiver} {
		want := e.caps
		if c == receiver && !want.Duplex {
			want.HalfClose, want.Gather = false, false
		}
		if (c == sender) == e.diallerSends {
			want.HalfClose = want.HalfClose || e.opts.Dialled.HalfClose
			want.Gather = want.Gather || e.opts.Dialled.Gather
		}
		if got := c.Caps(); got != want {
			t.Errorf("Caps are %+v, want %+v", got, want)
		}
		if !want.HalfClose {
			if err := c.CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("CloseWrite: %v, want ErrUnsupported", err)
			}
		}
		if e.caps.Deadline {
			continue
		}
		for _, set := range []func(time.Time) error{c.SetDeadline, c.SetReadDeadline, c.SetWriteDeadline} {
			if err := set(long()); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("setting a deadline: %v, want ErrUnsupported", err)
			}
		}
	}
	got := drain(receiver, receiver, 64)
	if _, err := sender.Write(patternAt(0, 10)); err != nil {
		t.Fatal(err)
	}
	finishAndCompare(t, sender, got, 10)
}

// wantTimeout checks that err is that of a deadline.
func wantTimeout(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%s: %v, want os.ErrDeadlineExceeded", what, err)
	}
	if ne := net.Error(nil); !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("%s: %v does not say Timeout", what, err)
	}
}

// wantError checks that err names the transport and says what was being done.
func wantError(t *testing.T, c transports.Conn, err error) {
	t.Helper()
	var te *transports.Error
	if !errors.As(err, &te) {
		t.Errorf("error %v is a %T, want a *transports.Error", err, err)
		return
	}
	if network := c.RemoteAddr().Network(); te.Transport != network || te.Op == "" || te.Addr == "" {
		t.Errorf("error %#v does not say where in %s", te, network)
	}
	if !strings.HasPrefix(err.Error(), "lightstream: "+te.Transport+" ") {
		t.Errorf("error %q does not begin with the transport", err)
	}
}

// lender lends memory to lazy reads, and counts.
type lender struct {
	memory     []byte
	lent, back atomic.Int32
}

func (l *lender) read(t *testing.T, c frame.LazyReader) (int, error) {
	return c.ReadLazily(func() []byte {
		if l.lent.Add(1)-l.back.Load() != 1 {
			t.Error("memory was asked for again and not given back")
		}
		return l.memory
	}, func() { l.back.Add(1) })
}

// waits wants a read to wait, without memory.
func (l *lender) waits(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); l.back.Load() == 0 || l.lent.Load() != l.back.Load(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("memory was lent %d times and given back %d times, while nothing is there to be read", l.lent.Load(), l.back.Load())
		}
	}
}

// testLazyReads has reads that take memory when there is something to read, and compares their errors with those of Read.
func testLazyReads(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	lazy, ok := receiver.(frame.LazyReader)
	if !ok {
		t.Skip("the transport does not read lazily")
	}
	for _, size := range []int{1, 100, 5000} {
		l := &lender{memory: make([]byte, 10_000)}
		got := start(func() (int, error) { return l.read(t, lazy) })
		l.waits(t)
		want := patternAt(int64(size), int64(size))
		if _, err := sender.Write(want); err != nil {
			t.Fatal(err)
		}
		r := <-got
		if r.err != nil || r.val < 1 || l.lent.Load()-l.back.Load() != 1 {
			t.Fatalf("%d of %d bytes, %v, memory was lent %d times and given back %d times", r.val, size, r.err, l.lent.Load(), l.back.Load())
		}
		if _, err := io.ReadFull(receiver, l.memory[r.val:size]); err != nil || !bytes.Equal(l.memory[:size], want) {
			t.Fatalf("%d bytes: other bytes were read, %v", size, err)
		}
	}

	alike := func(what string) {
		t.Helper()
		l := &lender{memory: make([]byte, 10)}
		n, err := l.read(t, lazy)
		_, want := receiver.Read(l.memory)
		if n != 0 || err == nil || want == nil || err.Error() != want.Error() || l.lent.Load() != l.back.Load() {
			t.Errorf("%s: %d bytes, %v, want %v; memory was lent %d times and given back %d times", what, n, err, want, l.lent.Load(), l.back.Load())
		}
	}
	if err := receiver.SetReadDeadline(past); err != nil {
		t.Fatal(err)
	}
	alike("after the deadline")
	if err := receiver.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if e.caps.HalfClose {
		if err := sender.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		alike("after the end")
	}
	if err := receiver.Close(); err != nil {
		t.Fatal(err)
	}
	alike("after Close")

	sender, receiver = e.pair(t)
	if err := transports.Refuse(sender, "of the test"); err != nil {
		t.Fatal(err)
	}
	l := &lender{memory: make([]byte, 10)}
	if n, err := l.read(t, receiver.(frame.LazyReader)); n != 0 || err != io.EOF && !errors.Is(err, transports.ErrPeerClosed) || l.lent.Load() != l.back.Load() {
		t.Errorf("after a reset: %d bytes, %v, want ErrPeerClosed, or io.EOF where there is none; memory was lent %d times and given back %d times",
			n, err, l.lent.Load(), l.back.Load())
	}

	_, receiver = e.pair(t)
	l = &lender{memory: make([]byte, 10)}
	got := start(func() (int, error) { return l.read(t, receiver.(frame.LazyReader)) })
	l.waits(t)
	if err := receiver.Close(); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.val != 0 || !errors.Is(r.err, net.ErrClosed) || l.lent.Load() != l.back.Load() {
		t.Errorf("%d bytes, %v, want net.ErrClosed; memory was lent %d times and given back %d times", r.val, r.err, l.lent.Load(), l.back.Load())
	}
}
