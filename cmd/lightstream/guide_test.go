package main

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var updateGuide = flag.Bool("update-guide", false, "write what the examples of docs/guide/command.md print")

// TestGuide runs the examples of docs/guide/command.md, and wants them to print what stands there.
func TestGuide(t *testing.T) {
	const name = "../../docs/guide/command.md"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "lightstream")); err != nil {
		t.Skip(err)
	}
	writeTrades(t, filepath.Join(dir, "trades.arrows"))
	var out strings.Builder
	inside, commands := false, 0
	for line := range strings.Lines(string(text)) {
		switch {
		case line == "```console\n":
			inside = true
		case line == "```\n":
			inside = false
		case inside && !strings.HasPrefix(line, "$ "):
			continue
		}
		out.WriteString(line)
		if command, ok := strings.CutPrefix(line, "$ "); ok && inside {
			commands++
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			cmd := exec.CommandContext(ctx, shell, "-c", command)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "LC_ALL=C")
			printed, _ := cmd.CombinedOutput() // a status that matters is printed by the example
			cancel()
			out.Write(printed)
		}
	}
	if commands < 10 {
		t.Errorf("%d examples", commands)
	}
	if out.String() == string(text) {
		return
	}
	if *updateGuide {
		if err := os.WriteFile(name, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, want := strings.Split(out.String(), "\n"), strings.Split(string(text), "\n")
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("line %d of the guide is\n%s\nand was printed as\n%s\nif that is right: go test ./cmd/lightstream -run TestGuide -update-guide", i+1, want[i], got[i])
		}
	}
	t.Fatal("the guide has more or fewer lines than are printed; if that is right: go test ./cmd/lightstream -run TestGuide -update-guide")
}

// writeTrades writes a stream of five trades in two batches.
func writeTrades(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := ipc.NewWriter(f, &ipc.Schema{Fields: []ipc.Field{
		{Name: "time", Type: ipc.Timestamp(column.Millisecond, "UTC")},
		{Name: "symbol", Type: ipc.Utf8, Dictionary: ipc.DictionaryOf(ipc.Int32)},
		{Name: "price", Type: ipc.Float64},
		{Name: "size", Type: ipc.Int64, Nullable: true},
	}}, nil)
	var when, size column.FixedBuilder[int64]
	var price column.FixedBuilder[float64]
	var symbol column.DictBuilder[int32]
	when.Init(column.Config{})
	price.Init(column.Config{})
	size.Init(column.Config{Nullable: true})
	symbol.Init(column.Config{})
	for batch := range 2 {
		rows := 3 - batch
		for i := range rows {
			n := 3*batch + i
			when.Append(time.Date(2026, 1, 5, 9, 30, n, 0, time.UTC).UnixMilli())
			symbol.Append([]string{"ABC", "XYZ"}[n%2])
			price.Append(10 + float64(n)/4)
			if n == 1 {
				size.AppendNull()
			} else {
				size.Append(int64(100 * n))
			}
		}
		if err := w.Write(t.Context(), rows, []column.Data{when.Data(), symbol.Data(), price.Data(), size.Data()}); err != nil {
			t.Fatal(err)
		}
		when.Reset()
		symbol.Reset()
		price.Reset()
		size.Reset()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
