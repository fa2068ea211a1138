package transporttest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
)

// tableCases stream tables with the readers and writers of the runtime.
var tableCases = []testCase{
	{name: "batches: many", run: testManyBatches},
	{name: "batches: one row each", run: testOneRowBatches},
	{name: "batches: big", run: testBigBatches},
	{name: "batches: none", run: testNoBatches},
	{name: "batches: as rows", run: testRows},
	{name: "batches: one byte at a time", run: testBatchesByByte},
	{name: "batches: nothing but Read and Write", run: testPlainIO},
	{name: "batches: other dictionaries", run: testDictionaries},
	{name: "batches: released late", run: testReleasedLate},
	{name: "batches: both directions at once", needs: transports.Caps{Duplex: true}, run: testTablesBothWays},
	{name: "batches: half-close", needs: transports.Caps{HalfClose: true, Duplex: true}, run: testTableHalfClose},
	{name: "batches: several streams on one connection", run: testKeepOpen},
	{name: "batches: slow reader stops the writer", needs: transports.Caps{Deadline: true}, run: testSlowTableReader},
	{name: "batches: read is cancelled between messages", needs: transports.Caps{Deadline: true}, run: testCancelBetween},
	{name: "batches: read is cancelled in a message", needs: transports.Caps{Deadline: true}, run: testCancelInside},
	{name: "batches: read that cannot be interrupted is cancelled", run: testCancelLateRead},
	{name: "batches: write is cancelled before it", run: testCancelledWrite},
	{name: "batches: write is cancelled in a message", needs: transports.Caps{Deadline: true}, run: testCancelWrite},
	{name: "batches: write that cannot be interrupted is cancelled", run: testCancelLateWrite},
	{name: "batches: one direction is cancelled", needs: transports.Caps{Deadline: true, Duplex: true}, run: testCancelOneWay},
	{name: "batches: context of an earlier call ends", needs: transports.Caps{Deadline: true}, run: testCancelEarlier},
	{name: "batches: sender dies in a message", run: testSenderDiesInMessage},
	{name: "batches: sender dies between messages", run: testSenderDiesBetween},
	{name: "batches: sender gives up", run: testAbort},
	{name: "batches: receiver dies", run: testTableReceiverDies},
	{name: "batches: not a stream", run: testForeignBytes},
}

func timestamp(i int) time.Time { return time.Unix(0, timeAt(i)).UTC() }

// testManyBatches sends batches of 0 to 700 rows with one builder, whose memory is the sender's again after each Write.
func testManyBatches(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	got := newTape(receiver).play(t, receiver)
	w := feed.NewTradeWriter(sender, nil)
	b := feed.NewTradeBuilder(nil)
	rows := 0
	for i := range 150 {
		n := i * 97 % 701
		fillTrades(b, rows, n)
		writeTrades(t, w, b)
		rows += n
	}
	p := settle(t, w, sender, got)
	if s := p.r.Stats(); s.Replaced < 50 {
		t.Errorf("%+v: the dictionary did not grow", s)
	}
	// A steady stream uses the same memory again.
	if s := p.pool.Stats(); s.Misses > 20 {
		t.Errorf("%d blocks were allocated for %d batches: %+v", s.Misses, p.batches, s)
	}
	if e.caps.HalfClose {
		if n, err := receiver.Read(make([]byte, 1)); n != 0 || err != io.EOF { //nolint:errorlint // the contract
			t.Errorf("Read after the end of the stream = %d, %v, want io.EOF", n, err)
		}
	}
}

// testOneRowBatches sends messages that are small enough to be put together before they are sent.
func testOneRowBatches(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	got := newTape(receiver).play(t, receiver)
	w := feed.NewTradeWriter(sender, nil)
	b := feed.NewTradeBuilder(nil)
	for i := range 600 {
		fillTrades(b, i, 1)
		writeTrades(t, w, b)
	}
	settle(t, w, sender, got)
}

// testBigBatches sends batches of 30 MiB between such of one row.
func testBigBatches(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	p := newTape(receiver)
	p.again = true
	got := p.play(t, receiver)
	w := feed.NewTradeWriter(sender, nil)
	one := trades(0, 1)
	for _, b := range []*feed.TradeBuilder{one, bigTrades(), one, one, bigTrades(), one} {
		writeTrades(t, w, b)
	}
	settle(t, w, sender, got)
}

// testNoBatches sends streams with no batch, and with batches that have no rows.
func testNoBatches(t *testing.T, e *env) {
	for _, batches := range []int{0, 1, 3} {
		sender, receiver := e.pair(t)
		p := newTape(receiver)
		got := p.play(t, receiver)
		w := feed.NewTradeWriter(sender, nil)
		b := feed.NewTradeBuilder(nil)
		for range batches {
			writeTrades(t, w, b)
		}
		settle(t, w, sender, got)
		if s, err := p.r.Schema(t.Context()); err != nil || len(s.Fields) != 5 {
			t.Errorf("the schema of a stream of %d batches: %v, %v", batches, s, err)
		}
	}
}

// testRows sends row by row and receives row by row.
func testRows(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	const rows = 5000
	got := start(func() (n int, err error) {
		defer func() {
			if err != nil {
				_ = receiver.Close() // as play does
			}
		}()
		for row, err := range feed.NewTradeReader(receiver, nil).Rows(context.Background()) {
			if err != nil {
				return n, err
			}
			if want := tradeAt(n); !sameTrade(row, want) {
				return n, errors.New("the row differs")
			}
			n++
		}
		return n, nil
	})
	w := feed.NewTradeWriter(sender, &rt.WriterOptions{BatchRows: 300})
	for i := range rows {
		if err := w.Append(t.Context(), tradeAt(i)); err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
	}
	if err := errors.Join(w.Close(), finish(sender)); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.err != nil || r.val != rows {
		t.Errorf("received %d rows, %v, want %d", r.val, r.err, rows)
	}
}

func sameTrade(a, b feed.Trade) bool {
	if (a.Note == nil) != (b.Note == nil) || a.Note != nil && *a.Note != *b.Note {
		return false
	}
	return a.Time.Equal(b.Time) && a.Symbol == b.Symbol && a.Price == b.Price && a.Size == b.Size
}

// testBatchesByByte has reads return one byte each. What is read so arrives whole and lies where it should all the same.
func testBatchesByByte(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	got := newTape(iotest.OneByteReader(bufio.NewReader(receiver))).play(t, receiver)
	w := feed.NewTradeWriter(sender, nil)
	rows := 0
	for _, n := range []int{1, 100, 0, 300, 3000} { // the last has memory of its own
		writeTrades(t, w, trades(rows, n))
		rows += n
	}
	settle(t, w, sender, got)
}

// onlyWriter hides all methods but Write.
type onlyWriter struct{ io.Writer }

// testPlainIO hides what makes connections more than an io.Reader and an io.Writer.
func testPlainIO(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	got := newTape(onlyReader{receiver}).play(t, receiver)
	w := feed.NewTradeWriter(onlyWriter{sender}, nil)
	rows := 0
	for i := range 40 {
		n := i * 977 % 3001
		writeTrades(t, w, trades(rows, n))
		rows += n
	}
	settle(t, w, sender, got)
}

// testDictionaries sends the batches of builders in turn, whose dictionaries replace one another and grow. The batches
// that came stay what they are.
func testDictionaries(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	const batches, each = 60, 40
	kept := start(func() (all []feed.TradeBatch, err error) {
		p := newTape(receiver)
		for {
			b, err := p.keep(context.Background())
			if err == io.EOF { //nolint:errorlint // the contract
				return all, nil
			}
			if err != nil {
				_ = receiver.Close() // as play does
				return all, err
			}
			all = append(all, b)
		}
	})
	w := feed.NewTradeWriter(sender, nil)
	builders := []*feed.TradeBuilder{feed.NewTradeBuilder(nil), feed.NewTradeBuilder(nil), feed.NewTradeBuilder(nil)}
	for i := range batches {
		b := builders[i/2%len(builders)]
		fillTrades(b, i*each, each)
		writeTrades(t, w, b)
	}
	if err := errors.Join(w.Close(), finish(sender)); err != nil {
		t.Error(err)
	}
	r := <-kept
	if r.err != nil || len(r.val) != batches {
		t.Fatalf("received %d batches, %v, want %d", len(r.val), r.err, batches)
	}
	for i, b := range r.val {
		if err := checkTrades(b, i*each); err != nil {
			t.Errorf("batch %d, after all others: %v", i, err)
		}
		b.Release()
	}
}

// testReleasedLate keeps all batches until the stream is read, looks at them again, and releases them in any order, in
// several goroutines, and some more than once.
func testReleasedLate(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	sizes := []int{1, 300, 0, 2, 2500, 40} // those of 2500 have memory of their own
	const batches = 120
	p := newTape(receiver)
	kept := start(func() (all []feed.TradeBatch, err error) {
		for {
			b, err := p.keep(context.Background())
			if err == io.EOF { //nolint:errorlint // the contract
				return all, nil
			}
			if err != nil {
				_ = receiver.Close() // as play does
				return all, err
			}
			all = append(all, b)
			if len(all)%7 == 0 {
				all = append(all, b.Retain()) // which stands for the same rows
			}
		}
	})
	w := feed.NewTradeWriter(sender, nil)
	b := feed.NewTradeBuilder(nil)
	rows := 0
	for i := range batches {
		n := sizes[i%len(sizes)]
		fillTrades(b, rows, n)
		writeTrades(t, w, b)
		rows += n
	}
	if err := errors.Join(w.Close(), finish(sender)); err != nil {
		t.Error(err)
	}
	r := <-kept
	if r.err != nil {
		t.Fatalf("receiving, after %d batches: %v", p.batches, r.err)
	}
	wantStats(t, p, w)

	from := func(b feed.TradeBatch) (row int) {
		for i := range b.Handle().Seq() {
			row += sizes[int(i)%len(sizes)]
		}
		return row
	}
	all := r.val
	order := rand.New(rand.NewPCG(1, 2))
	order.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var wg sync.WaitGroup
	for part := range slices.Chunk(all, (len(all)+3)/4) {
		wg.Go(func() {
			for i, b := range part {
				if err := checkTrades(b, from(b)); err != nil {
					t.Errorf("after the end of the stream: %v", err)
				}
				b.Release()
				if i%3 == 0 {
					b.Release() // does nothing
				}
			}
		})
	}
	wg.Wait()
	p.wantFreed(t)
}

// testTablesBothWays streams more each way than fits on the way.
func testTablesBothWays(t *testing.T, e *env) {
	a, b := e.duplex(t)
	var wg sync.WaitGroup
	for _, c := range []transports.Conn{a, b} {
		p := newTape(c)
		p.again = true
		got := p.play(t, c)
		wg.Go(func() {
			w := feed.NewTradeWriter(c, nil)
			small, big := trades(0, 1000), trades(bigFrom, bigRows/7) // a builder is for one goroutine
			for _, b := range []*feed.TradeBuilder{big, small, big, big} {
				if err := w.Write(t.Context(), b); err != nil {
					t.Errorf("sending: %v", err)
					return
				}
			}
			if err := w.Close(); err != nil {
				t.Errorf("closing the writer: %v", err)
			}
		})
		wg.Go(func() {
			if r := <-got; r.err != nil || p.batches != 4 {
				t.Errorf("received %d batches, %v, want 4", p.batches, r.err)
			}
		})
	}
	wg.Wait()
}

// testTableHalfClose ends one direction with the stream in it. The answer comes after that.
func testTableHalfClose(t *testing.T, e *env) {
	a, b := e.duplex(t)
	served := start(func() (p *tape, err error) {
		defer func() {
			if err != nil {
				_ = b.Close() // as play does
			}
		}()
		p = newTape(b)
		if err := p.all(context.Background()); err != io.EOF { //nolint:errorlint // the contract
			return p, err
		}
		if n, err := b.Read(make([]byte, 1)); n != 0 || err != io.EOF { //nolint:errorlint // the contract
			return p, errors.New("the request has ended, but not the direction that it came in")
		}
		w := feed.NewTradeWriter(b, nil)
		for i := range 20 {
			if err := w.Write(context.Background(), trades(i*1000, 1000)); err != nil {
				return p, err
			}
		}
		return p, w.Close()
	})
	w := feed.NewTradeWriter(a, nil)
	writeTrades(t, w, trades(0, 10))
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatalf("closing the writer: %v", err)
		}
	}
	if err := w.Write(t.Context(), trades(0, 1)); !errors.Is(err, ipc.ErrClosed) {
		t.Errorf("Write after Close: %v, want ErrClosed", err)
	}
	answer := newTape(a)
	if err := answer.all(t.Context()); err != io.EOF || answer.rows != 20_000 { //nolint:errorlint // the contract
		t.Errorf("received an answer of %d rows, %v, want 20000", answer.rows, err)
	}
	if r := <-served; r.err != nil || r.val.rows != 10 {
		t.Errorf("received a request of %d rows, %v, want 10", r.val.rows, r.err)
	}
}

// testKeepOpen sends streams one after the other. A reader reads ahead, so each is read before the next one is sent.
func testKeepOpen(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	const streams = 3
	for i := range streams {
		p := newTape(receiver)
		got := p.play(t, receiver)
		w := feed.NewTradeWriter(sender, &rt.WriterOptions{KeepOpen: true})
		writeTrades(t, w, trades(0, 100*i))
		writeTrades(t, w, trades(100*i, 700))
		if i == streams-1 {
			settle(t, w, sender, got)
			return
		}
		if err := w.Close(); err != nil {
			t.Fatalf("closing the writer of stream %d: %v", i, err)
		}
		if r := <-got; r.err != nil {
			t.Fatalf("stream %d: %v", i, r.err)
		}
		wantStats(t, p, w)
	}
}

// testSlowTableReader writes batches to a peer that does not read, until one is not taken. Its context stops the writer
// then; if the machine is so slow that it ends before, less has been written and nothing else changes. Then the peer
// reads, and finds every batch that was accepted, in memory for one.
func testSlowTableReader(t *testing.T, e *env) {
	sender, receiver := e.pair(t)
	w := feed.NewTradeWriter(sender, nil)
	block := trades(0, 10_000)
	var err error
	for err == nil && w.Stats().Bytes < mostUnread {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errCancelled)
		err = w.Write(ctx, block)
		cancel()
	}
	if err == nil {
		t.Fatalf("%d bytes were accepted and nobody reads", w.Stats().Bytes)
	}
	t.Logf("%d batches were accepted unread, %d bytes: %v", w.Stats().Batches, w.Stats().Bytes, err)

	p := newTape(receiver)
	p.again = true
	most := int64(0)
	got := start(func() (*tape, error) {
		for {
			b, err := p.keep(context.Background())
			if err != nil {
				return p, err
			}
			most = max(most, p.pool.Stats().InUseBytes)
			b.Release()
		}
	})
	checkCut(t, w, sender, block, err, got)
	if most > 4<<20 {
		t.Errorf("a reader of batches of 600 KB held %d bytes", most)
	}
}

var errCancelled = errors.New("the test has changed its mind")

// checkCut looks what a write that was cancelled has left behind. If nothing of a message was sent the writer is usable
// and the stream can be ended; else the error comes again with all later calls, and the peer sees where it was cut.
func checkCut(t *testing.T, w *feed.TradeWriter, sender transports.Conn, b *feed.TradeBuilder, err error, got <-chan result[*tape]) {
	t.Helper()
	if !errors.Is(err, errCancelled) {
		t.Errorf("Write = %v, want the cause of its context", err)
	}
	accepted := w.Stats().Batches
	var failed *rt.WriteError
	inside := errors.As(err, &failed)
	if inside {
		if failed.Batches != accepted {
			t.Errorf("%v: %d batches were accepted, want %d", err, failed.Batches, accepted)
		}
		wantSticky(t, w, err)
	} else {
		writeTrades(t, w, b)
		accepted++
		if err := w.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := finish(sender); err != nil {
		t.Errorf("ending the direction: %v", err)
	}
	r := <-got
	if r.val.batches != accepted {
		t.Errorf("%d batches arrived, want %d, as many as were accepted", r.val.batches, accepted)
	}
	if cut := errors.Is(r.err, rt.ErrTruncated) || errors.Is(r.err, rt.ErrUnfinished); cut != inside || !cut && !errors.Is(r.err, io.EOF) {
		t.Errorf("the stream ended with %v; was it cut inside a message? %t", r.err, inside)
	}
	r.val.wantFreed(t)
}

// wantSticky wants every later call of a writer to return the error of the one that failed.
func wantSticky(t *testing.T, w *feed.TradeWriter, err error) {
	t.Helper()
	for range 2 {
		if again := w.Write(t.Context(), trades(0, 1)); again != err { //nolint:errorlint // the same one
			t.Errorf("Write after it failed with %v: %v", err, again)
		}
		if again := w.Append(t.Context(), tradeAt(0)); again != err { //nolint:errorlint // the same one
			t.Errorf("Append after it failed with %v: %v", err, again)
		}
	}
	for range 2 {
		if again := w.Close(); again != err { //nolint:errorlint // the same one
			t.Errorf("Close after it failed with %v: %v", err, again)
		}
	}
}

// testForeignBytes sends what is not a stream. The reader says so at once, whether or not more comes.
func testForeignBytes(t *testing.T, e *env) {
	for first, want := range map[string]string{
		"HTTP/1.1 400 Bad Request\r\n\r\n":               "the peer speaks HTTP",
		"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n":      "the peer is an HTTP client",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03Zq": "the peer speaks TLS",
		"\x15\x03\x01\x00\x02\x02\x46":                   "the peer sent a TLS alert",
		"ARROW1\x00\x00\xff\xff\xff\xff":                 "is an Arrow IPC file, not an Arrow stream",
		"PAR1\x15\x04\x15":                               "is a Parquet file",
		"\x1f\x8b\x08\x00\x00\x00\x00\x00":               "is gzip",
	} {
		sender, receiver := e.pair(t)
		if _, err := sender.Write([]byte(first)); err != nil {
			t.Fatal(err)
		}
		p := newTape(receiver)
		err := p.next(t.Context())
		var de *rt.DecodeError
		if !errors.As(err, &de) || !errors.Is(err, rt.ErrMalformed) || de.Frame != 0 || de.Offset != 0 {
			t.Errorf("%q: %v, want a *DecodeError of frame 0, byte 0", first, err)
			continue
		}
		for _, want := range []string{want, receiver.RemoteAddr().Network(), receiver.RemoteAddr().String()} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want the error to say %q", first, err, want)
			}
		}
		if again := p.next(t.Context()); again != err { //nolint:errorlint // the same one
			t.Errorf("after %v: %v", err, again)
		}
		p.wantFreed(t)
	}
}
