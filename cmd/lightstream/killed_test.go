//go:build unix

package main

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// rowsIn counts the rows of a whole table.
func rowsIn(t *testing.T, name string) (n int) {
	t.Helper()
	ctx := context.Background()
	src, err := openSource(ctx, name, &options{}, std{}, ipc.UTF8)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer src.close()
	for {
		b, err := src.next(ctx)
		if err == io.EOF {
			return n
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n += b.Len()
		b.Release()
	}
}

// TestKilled kills copies at random points while they write each format and directories: what is under a final name is whole, or as it was
// before.
func TestKilled(t *testing.T) {
	points := 100
	if testing.Short() {
		points = 20
	}
	dir := t.TempDir()
	old, err := os.ReadFile(flights)
	if err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(dir, "src.arrows")
	if err := os.WriteFile(src, old, 0o666); err != nil {
		t.Fatal(err)
	}
	rows := rowsIn(t, src)
	targets := []string{"x.arrow", "x.arrows", "x.csv", "x.ndjson", "x.parquet", "x.csv.gz", "x.arrows.zst", "parts-arrow/", "parts-csv/", "parts-parquet/"}
	to := map[string]string{"parts-arrow/": "file", "parts-csv/": "csv", "parts-parquet/": "parquet"}
	args := func(target string) []string {
		list := []string{"copy", src, filepath.Join(dir, target)}
		if to[target] != "" {
			list[2] += "/"
			list = append(list, "--to", to[target], "--max-rows", "5000")
		}
		return list
	}
	rng := rand.New(rand.NewPCG(7, 7))
	killed := 0
	for i := range points {
		target := targets[i%len(targets)]
		cmd := exec.Command("lightstream", args(target)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rng.IntN(120)) * time.Millisecond) // the points; each outcome is right at any of them
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		name := filepath.Join(dir, target)
		if to[target] == "" {
			if _, err := os.Stat(name); err == nil {
				if n := rowsIn(t, name); n != rows {
					t.Fatalf("%s: %d rows, want %d", target, n, rows)
				}
				if i%3 == 0 { // sometimes there is nothing before
					if err := os.Remove(name); err != nil {
						t.Fatal(err)
					}
				}
			}
			continue
		}
		files, err := filepath.Glob(filepath.Join(name, "part-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if n := rowsIn(t, file); n != 5000 && n != rows%5000 {
				t.Fatalf("%s: %d rows", file, n)
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d of %d were killed before they ended", killed, points)
}
