package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

func TestMain(m *testing.M) {
	testscript.Main(m, commands)
}

// commands are those that tests run as processes.
var commands = map[string]func(){"lightstream": main}

// TestScript runs the command from a shell.
func TestScript(t *testing.T) {
	flights, err := filepath.Abs("../../examples/flights/data/flights-50k.arrows")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := filepath.Abs("../../internal/testdata/arrow-testing/data/arrow-ipc-stream/integration")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("FLIGHTS", flights)
			env.Setenv("GOLDEN", golden)
			return nil
		},
	})
}

const flights = "../../examples/flights/data/flights-50k.arrows"

const peers = "../../internal/testdata/peers"

// peerFiles returns the files of other implementations that can be read.
func peerFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(peers + "/*/*.arrow*")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, ".parquet") }) // of arrow-rs
	if len(files) == 0 {
		t.Skip("no test data")
	}
	return files
}

// TestPeers reads what others wrote as lines of JSON, and compares them with what is in it.
func TestPeers(t *testing.T) {
	for _, name := range peerFiles(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			want := expected(t, filepath.Dir(name))
			same(t, catJSON(t, name), want)

			// By way of files and streams with batches of other sizes.
			for to, rows := range map[string]int{"x.arrow": 77, "x.arrows": 333} {
				out := filepath.Join(t.TempDir(), to)
				call(t, "copy", name, out, "--batch-rows", strconv.Itoa(rows))
				same(t, catJSON(t, out), want)
				evenBatches(t, out, rows)
			}
			out := filepath.Join(t.TempDir(), "whole.arrow")
			call(t, "copy", name, out, "--compression", "zstd")
			same(t, catJSON(t, out), want)
		})
	}
}

// expected returns the rows of a table.
func expected(t *testing.T, dir string) []any {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "expected.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows := rowsOf(t, z)
	for _, row := range rows { // of pyarrow, which has the bytes of UUIDs in base64
		if id, ok := row.(map[string]any)["uuid"].(string); ok {
			b, err := base64.StdEncoding.DecodeString(id)
			if err != nil || len(b) != 16 {
				t.Fatalf("%q: %v", id, err)
			}
			row.(map[string]any)["uuid"] = fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
		}
	}
	return rows
}

// rowsOf reads lines of JSON. Numbers stay texts, but for those that are not whole.
func rowsOf(t *testing.T, r io.Reader) (rows []any) {
	t.Helper()
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		d := json.NewDecoder(bytes.NewReader(s.Bytes()))
		d.UseNumber()
		var row any
		if err := d.Decode(&row); err != nil {
			t.Fatalf("row %d: %v in %s", len(rows), err, s.Text())
		}
		rows = append(rows, canonical(row))
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// canonical makes the same of numbers that are the same.
func canonical(v any) any {
	switch x := v.(type) {
	case json.Number:
		if strings.ContainsAny(string(x), ".eE") {
			f, _ := x.Float64()
			if f == float64(int64(f)) {
				return json.Number(strings.TrimSuffix(string(x), ".0"))
			}
			return f
		}
	case map[string]any:
		for k := range x {
			x[k] = canonical(x[k])
		}
	case []any:
		for i := range x {
			x[i] = canonical(x[i])
		}
	}
	return v
}

func same(t *testing.T, have, want []any) {
	t.Helper()
	if len(have) != len(want) {
		t.Fatalf("%d rows, want %d", len(have), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(have[i], want[i]) {
			t.Fatalf("row %d:\n%v, want\n%v", i, have[i], want[i])
		}
	}
}

// call runs the command, which must succeed, and returns what it prints.
func call(t *testing.T, args ...string) []byte {
	t.Helper()
	out, _ := callBoth(t, args...)
	return out
}

// callBoth also returns what it prints to standard error.
func callBoth(t *testing.T, args ...string) (stdout []byte, stderr string) {
	t.Helper()
	var files [2]*os.File
	for i := range files {
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	status := run(context.Background(), args, std{os.Stdin, files[0], files[1]})
	text, err := os.ReadFile(files[0].Name())
	if err != nil {
		t.Fatal(err)
	}
	told, err := os.ReadFile(files[1].Name())
	if err != nil {
		t.Fatal(err)
	}
	if status != exitFine {
		t.Fatalf("lightstream %s: status %d\n%s", strings.Join(args, " "), status, told)
	}
	return text, string(told)
}

func catJSON(t *testing.T, name string) []any {
	t.Helper()
	return rowsOf(t, bytes.NewReader(call(t, "cat", name, "--to", "ndjson")))
}

// evenBatches wants all batches but the last to have so many rows.
func evenBatches(t *testing.T, name string, rows int) {
	t.Helper()
	src, err := openSource(context.Background(), name, &options{head: -1}, std{}, ipc.UTF8)
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	last := rows
	for {
		b, err := src.next(context.Background())
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if last != rows || b.Len() > rows {
			t.Fatalf("a batch of %d rows before one of %d, want %d", last, b.Len(), rows)
		}
		last = b.Len()
	}
}

// TestInterrupted wants what was under the name of the destination to stay when a copy is interrupted.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "x.arrow")
	if err := os.WriteFile(out, []byte("as it was"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if status := run(ctx, []string{"copy", "../../examples/flights/data/flights-50k.arrows", out}, std{os.Stdin, null, null}); status != exitBad {
		t.Errorf("status %d, want %d", status, exitBad)
	}
	if text, _ := os.ReadFile(out); string(text) != "as it was" {
		t.Errorf("the destination is %q", text)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}

// TestInterruptedSays wants an interruption told in these words alone, whatever error of a reader tells of it.
func TestInterruptedSays(t *testing.T) {
	const flights = "../../examples/flights/data/flights-50k.arrows"
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("a signal: %w", context.Canceled))
	for _, args := range [][]string{
		{"schema", "tcp://127.0.0.1:9"},
		{"cat", "http://127.0.0.1:9"},
		{"inspect", "--check", flights},
		{"cat", flights, "--to", "csv"},
		{"copy", flights, filepath.Join(t.TempDir(), "x.parquet")},
		{"cat", "../../examples/flights/data/*.arrows"},
	} {
		name := filepath.Join(t.TempDir(), "said")
		said, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		status := run(ctx, args, std{os.Stdin, said, said})
		said.Close()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if status != exitBad || string(text) != "lightstream: interrupted\n" {
			t.Errorf("%v: status %d, %s", args, status, text)
		}
	}
}

// TestStuck interrupts a copy that waits for a pipe, in the middle of a table and before it has begun: it ends, with what was there as it
// was and nothing left behind.
func TestStuck(t *testing.T) {
	text, err := os.ReadFile("../../examples/flights/data/flights-50k.arrows")
	if err != nil {
		t.Fatal(err)
	}
	for _, sent := range [][]byte{nil, text[:len(text)/2]} {
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		in, feed, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		written := make(chan error, 1)
		go func() {
			_, err := feed.Write(sent)
			cancel()
			written <- err
		}()
		status := run(ctx, []string{"copy", "-", filepath.Join(dir, "x.arrow")}, std{in, null, null})
		if err := <-written; err != nil || status != exitBad {
			t.Errorf("status %d, want %d, %v", status, exitBad, err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
		feed.Close()
		in.Close()
		null.Close()
	}
}

func TestProject(t *testing.T) {
	s := &ipc.Schema{Fields: []ipc.Field{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
	o := options{columns: []string{"c", "a"}}
	if p, err := o.project(s); err != nil || !reflect.DeepEqual(p, []int{2, 0}) {
		t.Errorf("%v, %v", p, err)
	}
	for _, wrong := range [][]string{{"d"}, {"a", "a"}} {
		o.columns = wrong
		var usage usageError
		if _, err := o.project(s); !errors.As(err, &usage) {
			t.Errorf("%v: %v, want an error of the command line", wrong, err)
		}
	}
}
