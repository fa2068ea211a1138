package feed_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/feed"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestLedger reads what is written of many structs without values, each of which takes eight bytes there and hundreds in Go, and
// wants the limit of a connection to be that of its messages.
func TestLedger(t *testing.T) {
	want := feed.Ledger{Entries: make([]feed.Entry, 20000)}
	p, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var got feed.Ledger
	if err := got.UnmarshalBinary(p); err != nil {
		t.Fatalf("%d bytes: %v", len(p), err)
	}
	if len(got.Entries) != len(want.Entries) {
		t.Errorf("%d entries", len(got.Entries))
	}
	if _, err := feed.VerifyLedger(p); err != nil {
		t.Error(err)
	}
	refused := func(err error) {
		t.Helper()
		var at *rt.DecodeError
		if !errors.Is(err, rt.ErrLimit) || !errors.As(err, &at) || at.Path != "ledger.entries" || !strings.Contains(err.Error(), "Limits.MaxExpanded") {
			t.Errorf("%v", err)
		}
	}
	refused(got.UnmarshalLimit(p, 1))
	for _, limit := range []int64{0, 1} {
		var wire bytes.Buffer
		conn, err := feed.NewBooksConn(&wire, &rt.ProtocolOptions{Reader: &rt.ReaderOptions{Limits: &ipc.Limits{MaxExpanded: limit}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SendLedger(t.Context(), &want); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Recv(t.Context()); limit != 0 {
			refused(err)
		} else if err != nil {
			t.Error(err)
		}
	}
}
