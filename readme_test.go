package lightstream_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var python = flag.String("python", "", "the `interpreter` of an environment with pyarrow, to run README's Python with")

// partsHead is what the parts of functions are put behind.
const partsHead = `package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"
	"time"
)

type part func(ctx context.Context, conn io.ReadWriter) error

func TestParts(t *testing.T) {
	var written bytes.Buffer
	for _, p := range write {
		if err := p(t.Context(), &written); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range read {
		if err := p(t.Context(), bytes.NewBuffer(written.Bytes())); err != nil {
			t.Fatal(err)
		}
	}
	if len(write) != 1 || len(read) < 2 {
		t.Fatalf("%d parts write and %d read", len(write), len(read))
	}
}
`

// TestReadme generates, compiles and runs what README.md shows, in a module of its own.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := make(map[string][]string)
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		blocks[m[1]] = append(blocks[m[1]], m[2])
	}
	if len(blocks["go"]) < 4 || len(blocks["fbs"]) != 1 || len(blocks["python"]) != 1 {
		t.Fatalf("%d blocks of Go, %d of .fbs, %d of Python", len(blocks["go"]), len(blocks["fbs"]), len(blocks["python"]))
	}
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)

	// The program is the block with a package clause. The others are parts of functions in it: one writes, others read that.
	dir := t.TempDir()
	program, parts, write, read := "", partsHead, "", ""
	for i, block := range blocks["go"] {
		if strings.HasPrefix(block, "package ") {
			program += strings.ReplaceAll(block, "localhost:9000", address)
			continue
		}
		if strings.Contains(block, "NewTradeWriter") {
			write += fmt.Sprintf("part%d,", i)
		} else {
			read += fmt.Sprintf("part%d,", i)
			block += "return nil\n"
		}
		parts += fmt.Sprintf("\nfunc part%d(ctx context.Context, conn io.ReadWriter) error {\n%s}\n", i, block)
	}
	if !strings.Contains(program, address) {
		t.Fatal("the program does not listen on localhost:9000")
	}
	writeFile(t, dir, "main.go", program)
	writeFile(t, dir, "parts_test.go", fmt.Sprintf("%s\nvar write, read = []part{%s}, []part{%s}\n", parts, write, read))
	writeFile(t, dir, "schema/trades.fbs", blocks["fbs"][0])
	writeModule(t, dir)
	command(t, ".", "go", "run", "./cmd/lightstream-gen", dir)
	command(t, ".", "go", "run", "./cmd/lightstream-gen", filepath.Join(dir, "schema", "trades.fbs"))
	command(t, dir, "go", "build", "-mod=mod", "./...")
	command(t, dir, "go", "build", "-mod=mod", "-o", "program", ".")
	command(t, dir, "go", "test", "-mod=mod", ".")

	t.Run("program", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		wait := start(t, filepath.Join(dir, "program"))
		conn := dial(t, address)
		defer conn.Close()
		r := ipc.NewReader(conn, nil)
		rows := 0
		for {
			batch, err := r.Next(ctx)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			rows += batch.Len()
			batch.Release()
		}
		if rows != 100_000 {
			t.Errorf("%d rows, want 100,000", rows)
		}
		wait()
	})
	t.Run("python", func(t *testing.T) {
		if *python == "" {
			t.Skip("no pyarrow without -python; make interop has it")
		}
		wait := start(t, filepath.Join(dir, "program"))
		script := strings.ReplaceAll(blocks["python"][0], "9000", port)
		var out []byte
		for range 100 { // until the program listens
			if out, err = exec.Command(*python, "-c", script).CombinedOutput(); !strings.Contains(string(out), "ConnectionRefused") {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, want := range []string{
			"time: timestamp[ns, tz=UTC] not null", "symbol: dictionary<values=string, indices=int32, ordered=0> not null",
			"price: double not null", "note: string", `"ACME"`,
		} {
			if !strings.Contains(string(out), want) {
				t.Errorf("nothing of %q in\n%s", want, out)
			}
		}
		wait()
	})
}

// freeAddress returns an address of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// writeModule makes dir a module that has what this one has.
func writeModule(t *testing.T, dir string) {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(mod), "module "+module+"\n", "module readme\n", 1)
	writeFile(t, dir, "go.mod", fmt.Sprintf("%s\nrequire %s v0.0.0\n\nreplace %[2]s => %q\n", text, module, root))
	writeFile(t, dir, "go.sum", string(sum))
}

func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// start starts a program. It returns a function that waits for its end, which is to be a good one.
func start(t *testing.T, name string) (wait func()) {
	t.Helper()
	cmd := exec.Command(name)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return func() {
		t.Helper()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, &out)
		}
	}
}

// dial connects as soon as somebody listens.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	for range 200 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return conn
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("nobody listens on %s", address)
	return nil
}

// TestLinks wants the files that the documents refer to.
func TestLinks(t *testing.T) {
	documents, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"docs/*.md", "docs/guide/*.md", "examples/*/*.md", "examples/*/*/*.md", "interop/*/*.md", "bench/*.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, more...)
	}
	links := 0
	for _, name := range documents {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s refers to %s: %v", name, m[1], err)
			}
		}
	}
	if links < 10 {
		t.Errorf("%d links, there should be more", links)
	}
}

// TestSnippets wants what the guides show of package feed, which has the tables of tests, to stand in an example that they refer to, where it
// is compiled and run.
func TestSnippets(t *testing.T) {
	guides, err := filepath.Glob("docs/guide/*.md")
	if err != nil {
		t.Fatal(err)
	}
	snippets := 0
	for _, name := range guides {
		guide, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var examples []string
		for _, m := range regexp.MustCompile(`\]\(([^)#]+/example_test\.go)\)`).FindAllStringSubmatch(string(guide), -1) {
			text, err := os.ReadFile(filepath.Join(filepath.Dir(name), filepath.FromSlash(m[1])))
			if err != nil {
				t.Fatal(err)
			}
			examples = append(examples, unindented(string(text)))
		}
		if len(examples) == 0 {
			continue
		}
		for _, m := range regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(string(guide), -1) {
			if !strings.Contains(m[1], "feed.") {
				continue
			}
			snippets++
			if !slices.ContainsFunc(examples, func(text string) bool { return strings.Contains(text, unindented(m[1])) }) {
				t.Errorf("%s has, and no example that it refers to has,\n%s", name, m[1])
			}
		}
	}
	if snippets < 7 {
		t.Errorf("%d snippets, there should be more", snippets)
	}
}

// TestOwnProtocol wants the example of a protocol of one's own in the guide to be the one that is run.
func TestOwnProtocol(t *testing.T) {
	guide, err := os.ReadFile("docs/guide/protocols.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("runtime/framer_example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(example), "\n// sealed makes")
	if !found || !strings.Contains(string(guide), "\n// sealed makes"+code) {
		t.Error("docs/guide/protocols.md lacks what is in runtime/framer_example_test.go from \"sealed makes\" on")
	}
}

// unindented returns lines without what they begin with.
func unindented(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, "\t")
	}
	return strings.Join(lines, "\n")
}
