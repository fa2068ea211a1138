package frame_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/transports/pipe"
)

const (
	aTable   = 1
	aMessage = 2
)

// carried are the frames of a table in two batches with a message between them.
func carried(t *testing.T) (p []byte, want []feed.Trade) {
	t.Helper()
	var tlv frame.TLV
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for n := range 2 {
		b := feed.NewTradeBuilder(nil)
		for i := range 3000 * (n + 1) {
			row := feed.Trade{Time: day.Add(time.Duration(i) * time.Second), Symbol: string(rune('A' + i%26)), Price: float64(i), Size: int64(n)}
			b.Append(row)
			want = append(want, row)
		}
		batch, err := feed.TradeTable.AppendMessage(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		if p, err = tlv.AppendFrame(p, frame.TLVFrame{Type: aTable, Value: batch}); err != nil {
			t.Fatal(err)
		}
		if p, err = tlv.AppendFrame(p, frame.TLVFrame{Type: aMessage, Value: []byte("checked")}); err != nil {
			t.Fatal(err)
		}
	}
	return p, want
}

// TestTLVCarries carries tables and messages in frames, through a file and over a wire.
func TestTLVCarries(t *testing.T) {
	p, want := carried(t)
	read := func(t *testing.T, src io.Reader) {
		t.Helper()
		var rows []feed.Trade
		messages := 0
		for f, err := range frame.NewStream(src, frame.TLV{}, nil).All() {
			if err != nil {
				t.Fatal(err)
			}
			switch f.Type {
			case aMessage:
				if string(f.Value) != "checked" {
					t.Errorf("message %q", f.Value)
				}
				messages++
			case aTable:
				for row, err := range feed.NewTradeReader(bytes.NewReader(f.Value), nil).Rows(context.Background()) {
					if err != nil {
						t.Fatal(err)
					}
					rows = append(rows, row)
				}
			}
			f.Release()
		}
		if messages != 2 || !slices.Equal(rows, want) {
			t.Errorf("%d messages, %d rows, want 2 and %d", messages, len(rows), len(want))
		}
	}
	t.Run("file", func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "trades.tlv")
		if err := os.WriteFile(name, p, 0o666); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		read(t, f)
	})
	t.Run("wire", func(t *testing.T) {
		a, b := pipe.New(nil)
		sent := make(chan error, 1)
		go func() {
			_, err := a.Write(p)
			sent <- errors.Join(err, a.Close())
		}()
		read(t, b)
		if err := <-sent; err != nil {
			t.Error(err)
		}
	})
	// There is no end marker: a stream may end between frames alone.
	for _, n := range []int{1, 4, 5, 100, len(p) - 1} {
		var err error
		for _, err = range frame.NewStream(bytes.NewReader(p[:n]), frame.TLV{}, nil).All() {
		}
		if !errors.Is(err, frame.ErrTruncated) {
			t.Errorf("%d of %d bytes: %v", n, len(p), err)
		}
	}
}
