package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerCommand { // started by the test as one end of a stream
		work(os.Args[2:])
		return
	}
	os.Exit(m.Run())
}

// TestSmallCells runs the cells that need little time, streams between processes too, and wants a line for each peer.
func TestSmallCells(t *testing.T) {
	var out, progress bytes.Buffer
	args := []string{"-only", "rows=1k|append", "-runs", "2", "-time", "5ms", "-flights", "../../../examples/flights/data/flights-50k.arrows"}
	if err := bench(args, &out, &progress); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"encode/rows=1k", "decode/rows=1k", "append/flights=50k/dictionary", "append/flights=50k/utf8", "stream/tcp/rows=1k", "stream/uds/rows=1k"} {
		_, block, ok := strings.Cut(out.String(), "\n"+name)
		if !ok {
			t.Errorf("no line for %s", name)
			continue
		}
		peers := []string{"lightstream", "arrow-go"}
		if strings.HasPrefix(name, "stream/tcp") {
			peers = append(peers, "arrow-go Flight")
		}
		if strings.HasPrefix(name, "stream") {
			peers = append(peers, "raw")
		}
		lines := strings.SplitN(block, "\n", 5)
		for i, p := range peers {
			if !strings.Contains(lines[i], p) {
				t.Errorf("%s: line %d is %q, want one of %s", name, i, lines[i], p)
			}
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestNoSuchCell(t *testing.T) {
	var out bytes.Buffer
	if err := bench([]string{"-only", "nonsense"}, &out, &out); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v", err)
	}
	out.Reset()
	if err := bench([]string{"-list"}, &out, &out); err != nil || !strings.Contains(out.String(), "stream/uds/rows=1M\n") {
		t.Errorf("got %v and %q", err, out.String())
	}
}
