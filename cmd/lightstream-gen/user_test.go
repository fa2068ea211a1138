package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

const modulePath = "github.com/lightstream-go/lightstream"

// TestUser does what a user does: a module of their own, the tool, a struct and a schema, go generate, and two programs that
// talk over TCP.
func TestUser(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	dir := t.TempDir()
	extract(t, "testdata/user.txtar", dir)
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	goTool(t, dir, "mod", "edit", "-require="+modulePath+"@v0.0.0", "-replace="+modulePath+"="+checkout)
	goTool(t, dir, "get", "-tool", modulePath+"/cmd/lightstream-gen")
	goTool(t, dir, "generate", "./...")
	goTool(t, dir, "mod", "tidy")
	if list := requirements(t, dir); len(list) > 4 {
		t.Errorf("go.mod has %d requirements, want at most 4: %q", len(list), list)
	}
	goTool(t, dir, "vet", "./...")
	goTool(t, dir, "tool", "lightstream-gen", "-check", "./...")
	if err := os.WriteFile(filepath.Join(dir, "quotes", "quotes.fbs"), []byte("table Quote { price: float; }"), 0o666); err != nil {
		t.Fatal(err)
	}
	stale := exec.CommandContext(t.Context(), "go", "tool", "lightstream-gen", "-check", "./...")
	stale.Dir = dir
	if out, err := stale.CombinedOutput(); err == nil || !strings.Contains(string(out), "quotes/quotes.fbs:1:15: quotes_lightstream.go is stale: field Price is float32 not null, was float64 not null") {
		t.Errorf("-check of a stale schema: %v\n%s", err, out)
	}

	bin := t.TempDir()
	goTool(t, dir, "build", "-o", bin+string(filepath.Separator), "./send", "./receive")
	for _, table := range []string{"trades", "quotes"} {
		for _, mode := range []string{"rows", "batches"} {
			t.Run(table+"-"+mode, func(t *testing.T) { exchange(t, bin, table, mode) })
		}
	}
}

// exchange runs the receiver, tells the sender its address, and compares what is printed.
func exchange(t *testing.T, bin, table, mode string) {
	receive := exec.CommandContext(t.Context(), filepath.Join(bin, "receive"), table, mode)
	receive.Stderr = os.Stderr
	receive.WaitDelay = 10 * time.Second
	out, err := receive.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := receive.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the receiver prints no address")
	}
	runCommand(t, exec.CommandContext(t.Context(), filepath.Join(bin, "send"), table, lines.Text()))
	var got []string
	for lines.Scan() {
		got = append(got, lines.Text())
	}
	if err := receive.Wait(); err != nil {
		t.Error(err)
	}
	want := map[string]string{
		"trades": "2003 rows, 3 notes, last ACME 2002.5 at 1970-01-01T00:33:22Z",
		"quotes": "2003 rows, 3 notes, last ACME 2002.5 at 1970-01-01T00:33:22Z",
	}[table]
	if len(got) != 1 || got[0] != want {
		t.Errorf("received %q, want %q", got, want)
	}
}

// TestGoldenCode builds what the scripts compare with, in a module of its own, as vet understands it, and runs the tests that it has.
func TestGoldenCode(t *testing.T) {
	if testing.Short() {
		t.Skip("builds packages")
	}
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go_struct", "fbs", "names", "named_types", "constraints", "nested"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			extract(t, "testdata/script/"+name+".txtar", dir)
			write(t, filepath.Join(dir, "go.mod"), "module example.com/feed\n\ngo 1.26\n\nrequire "+modulePath+" v0.0.0\n\nreplace "+modulePath+" => "+checkout+"\n")
			args := []string{"run", modulePath + "/cmd/lightstream-gen", "."}
			switch name {
			case "fbs":
				args[2] = "trades.fbs"
			case "nested":
				args = append(args[:2], "-tests", ".")
			}
			goTool(t, dir, args...)
			goTool(t, dir, "mod", "tidy")
			goTool(t, dir, "vet", ".")
			goTool(t, dir, "test", ".")
		})
	}
}

func extract(t *testing.T, archive, dir string) {
	t.Helper()
	a, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		write(t, name, string(f.Data))
	}
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func goTool(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	// The module cache has all that this checkout was built from, and nobody is asked whether this module exists.
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOSUMDB=off", "GOPROXY="+cacheProxy())
	return runCommand(t, cmd)
}

// cacheProxy returns the module cache as a module proxy.
var cacheProxy = sync.OnceValue(func() string {
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		panic(err)
	}
	dir := filepath.ToSlash(strings.TrimSpace(string(out)))
	return "file://" + strings.TrimSuffix("/"+strings.TrimPrefix(dir, "/"), "/") + "/cache/download"
})

func runCommand(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}

func requirements(t *testing.T, dir string) []string {
	t.Helper()
	var mod struct{ Require []struct{ Path string } }
	if err := json.Unmarshal([]byte(goTool(t, dir, "mod", "edit", "-json")), &mod); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, r := range mod.Require {
		list = append(list, r.Path)
	}
	return list
}
