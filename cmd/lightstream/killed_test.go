//go:build unix

package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	targets := []string{"x.arrow", "x.arrows", "x.csv", "x.ndjson", "x.json", "x.parquet", "x.csv.gz", "x.arrows.zst", "parts-arrow/", "parts-csv/", "parts-json/", "parts-parquet/"}
	to := map[string]string{"parts-arrow/": "file", "parts-csv/": "csv", "parts-json/": "json", "parts-parquet/": "parquet"}
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

// TestGivenUp interrupts a copy of a source that does not end: the file is as it was, and what is said tells how many rows are given up and what keeps
// them. That does so.
func TestGivenUp(t *testing.T) {
	text, err := os.ReadFile(flights)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	out := filepath.Join(dir, "x.arrow")
	if err := os.WriteFile(out, []byte("as it was"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(to string) (stdout, stderr []byte) {
		var o, e bytes.Buffer
		cmd := exec.Command("lightstream", "copy", "-", to)
		cmd.Stdout, cmd.Stderr = &o, &e
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write(text[:len(text)*3/4]); err != nil { // more than a pipe holds, so that most was read
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitBad {
			t.Fatalf("%v, want status %d", err, exitBad)
		}
		return o.Bytes(), e.Bytes()
	}
	_, said := run(out)
	want := regexp.MustCompile(`^lightstream: interrupted; what has come, [1-9]\d* rows, is given up, and no new .*x\.arrow appears.*--max-age.*--unfinished`)
	if !want.Match(said) {
		t.Errorf("it says %s", said)
	}
	if kept, _ := os.ReadFile(out); string(kept) != "as it was" {
		t.Errorf("the destination is %d bytes", len(kept))
	}
	stream, said := run("-")
	if string(said) != "lightstream: interrupted\n" {
		t.Errorf("it says %s", said)
	}
	name := filepath.Join(dir, "x.arrows")
	if err := os.WriteFile(name, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	if all, err := exec.Command("lightstream", "cat", name, "--unfinished", "--to", "csv").Output(); err != nil || bytes.Count(all, []byte("\n")) < 2 {
		t.Errorf("the stream to standard output: %d bytes, %v", len(all), err)
	}
}
