package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestInspectPeers prints the messages of what others wrote, files whose messages do not follow each other and that have no schema before
// them among them: as many batches as are read.
func TestInspectPeers(t *testing.T) {
	for _, name := range peerFiles(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text := string(call(t, "inspect", name))
			want := 0
			src, err := openSource(context.Background(), name, &options{}, std{}, ipc.Structure)
			if err != nil {
				t.Fatal(err)
			}
			defer src.close()
			for {
				b, err := src.next(context.Background())
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				b.Release()
				want++
			}
			if n := strings.Count(text, ": record batch, "); n != want || strings.Contains(text, "missing") || strings.Contains(text, "of no column") {
				t.Errorf("%d batches, want %d, in\n%s", n, want, text)
			}
			if some := string(call(t, "inspect", name, "--head", "1")); want > 1 && strings.Count(some, ": record batch, ") != 1 {
				t.Errorf("with --head:\n%s", some)
			}
		})
	}
}

// TestInspectDamaged prints files and streams with changed bytes, and cut ones: all of it is printed, or an error says where.
func TestInspectDamaged(t *testing.T) {
	in := filepath.Join(t.TempDir(), "x.arrow")
	r := rand.New(rand.NewPCG(5, 5))
	for _, to := range []string{"file", "stream"} {
		call(t, "copy", flights, in, "--head", "5", "--to", to)
		good, err := os.ReadFile(in)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 400 {
			bad := bytes.Clone(good)
			for range 1 + r.IntN(4) {
				at := r.IntN(len(bad))
				if r.IntN(2) == 0 && to == "file" { // the footer has most of what is looked at
					at = len(bad) - 1 - r.IntN(600)
				}
				bad[at] = []byte{0, 1, 0x7F, 0x80, 0xFF, byte(r.Uint32())}[r.IntN(6)]
			}
			if i%10 == 0 {
				bad = bad[:r.IntN(len(bad))]
			}
			if err := os.WriteFile(in, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(in)
			if err != nil {
				t.Fatal(err)
			}
			o := &inspection{hex: i%2 == 0, options: options{head: -1}}
			err = inspectMessages(f, in, o, &failing{w: io.Discard})
			f.Close()
			var e *frame.DecodeError
			if err != nil && !errors.As(err, &e) && !errors.Is(err, ipc.ErrUnfinished) {
				t.Errorf("mutation %d of the %s: %T %v", i, to, err, err)
			}
		}
	}
}
