package peers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var chromium = flag.String("chromium", "chromium", "the browser for the recipe that is for one")

// recipe is one of docs/guide/other-languages.md: what stands in the first block below a heading.
type recipe struct{ name, language, text string }

const recipesFile = "../../docs/guide/other-languages.md"

func recipes(t *testing.T) (list []recipe) {
	t.Helper()
	text, err := os.ReadFile(recipesFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "\n### ")[1:] {
		name, rest, _ := strings.Cut(part, "\n")
		_, rest, found := strings.Cut(rest, "\n```")
		language, rest, _ := strings.Cut(rest, "\n")
		block, _, closed := strings.Cut(rest, "\n```")
		if !found || !closed || language == "" {
			t.Fatalf("%s: no block", name)
		}
		list = append(list, recipe{name, language, block + "\n"})
	}
	return list
}

// TestRecipesAre wants the recipes that there have to be, each short.
func TestRecipesAre(t *testing.T) {
	const most = 12
	list := recipes(t)
	var names []string
	for _, r := range list {
		names = append(names, r.name)
		if n := strings.Count(r.text, "\n"); n > most {
			t.Errorf("%s has %d lines, want at most %d", r.name, n, most)
		}
	}
	want := []string{
		"pyarrow from a socket", "pyarrow from HTTP", "polars", "DuckDB", "arrow-rs", "Node.js with apache-arrow", "Node.js with flechette", "Browser",
		"arrow-go", "curl, and a file", "DuckDB's shell",
	}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

// TestRecipes runs each recipe as it stands in the guide, but for the addresses, against the command.
func TestRecipes(t *testing.T) {
	if *python == "" {
		t.Skip("no peers without -python; run make interop")
	}
	rows, miles := flightsSum(t)
	command := filepath.Join(t.TempDir(), "lightstream")
	if out, err := exec.Command("go", "build", "-o", command, "github.com/lightstream-go/lightstream/cmd/lightstream").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	interpreter, err := filepath.Abs(*python)
	if err != nil {
		t.Fatal(err)
	}
	path := strings.Join([]string{filepath.Dir(command), filepath.Dir(interpreter), os.Getenv("PATH")}, string(os.PathListSeparator))
	for _, r := range recipes(t) {
		t.Run(r.name, func(t *testing.T) {
			var out string
			if r.name == "Browser" {
				out = inBrowser(t, command, r.text)
			} else {
				out = inProcess(t, command, interpreter, path, r)
			}
			want := fmt.Sprintf("[%d %d]", rows, miles)
			if got := fmt.Sprint(regexp.MustCompile(`\b\d+\b`).FindAllString(out, -1)); got != want {
				t.Errorf("printed %q with the numbers %s, want %s", out, got, want)
			}
		})
	}
}

// flightsSum is what every recipe has to find.
func flightsSum(t *testing.T) (rows int, miles int64) {
	t.Helper()
	f, err := os.Open("../../examples/flights/data/flights-50k.arrows")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := ipc.NewReader(f, nil)
	for {
		b, err := r.Next(t.Context())
		if err == io.EOF {
			return rows, miles
		}
		if err != nil {
			t.Fatal(err)
		}
		rows += b.Len()
		values := b.Column(2).Buffers[1]
		for i := range b.Len() {
			v := values[4*i : 4*i+4]
			miles += int64(int32(uint32(v[0]) | uint32(v[1])<<8 | uint32(v[2])<<16 | uint32(v[3])<<24))
		}
		b.Release()
	}
}

// served starts the command and returns the text with the places where it listens, for those that stand in it.
func served(t *testing.T, command, text string, more ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	args := append([]string{"serve", "../../examples/flights/data/flights-50k.arrows", "--tcp=localhost:0", "--http=localhost:0"}, more...)
	cmd := exec.CommandContext(ctx, command, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string)
	go func() {
		defer close(said)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			said <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		cancel()
		for line := range said {
			t.Log(line)
		}
		_ = cmd.Wait()
	})
	places := map[string]string{"tcp": "localhost:9000", "ws": "localhost:9001", "http": "localhost:9002"}
	for range 2 + len(more)/2 {
		line, ok := <-said
		if !ok {
			t.Fatal("serve has ended")
		}
		_, at, found := strings.Cut(line, "listening at ")
		scheme, place, _ := strings.Cut(at, "://")
		if !found || places[scheme] == "" {
			t.Fatalf("serve says %q", line)
		}
		place = strings.TrimSuffix(place, "/")
		text = strings.ReplaceAll(text, places[scheme], place)
		host, port, _ := net.SplitHostPort(place) // as arguments of their own
		text = strings.ReplaceAll(text, strings.Replace(places[scheme], `localhost:`, `"localhost", `, 1), fmt.Sprintf("%q, %s", host, port))
	}
	for _, p := range places {
		if strings.Contains(strings.ReplaceAll(text, `", `, ":"), p) {
			t.Fatalf("nobody listens at %s", p)
		}
	}
	return text
}

// goHead is what the recipe for arrow-go is put behind.
const goHead = `package main

import (
	"fmt"
	"net"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
`

func inProcess(t *testing.T, command, interpreter, path string, r recipe) string {
	t.Helper()
	text := served(t, command, r.text)
	dir := t.TempDir()
	var cmd *exec.Cmd
	switch r.language {
	case "python":
		cmd = exec.CommandContext(t.Context(), interpreter, "-c", text)
		cmd.Dir = dir
	case "sh":
		cmd = exec.CommandContext(t.Context(), "sh", "-c", "set -e\n"+text)
		cmd.Dir = dir
	case "js":
		cmd = exec.CommandContext(t.Context(), *node, "--input-type=module", "-")
		cmd.Stdin = strings.NewReader(text)
	case "go":
		name := filepath.Join(dir, "main.go")
		if err := os.WriteFile(name, []byte(goHead+text+"}\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		cmd = exec.CommandContext(t.Context(), "go", "run", name)
	default:
		t.Fatalf("the language is %q", r.language)
	}
	cmd.Env = append(os.Environ(), "PATH="+path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	if r.name == "DuckDB's shell" { // the names of its columns
		_, rest, _ := strings.Cut(string(out), "\n")
		return rest
	}
	return strings.ReplaceAll(string(out), "<nil>", "")
}

// browserPage runs a recipe and sends what it prints.
const browserPage = `<!doctype html>
<title>recipe</title>
<script type="importmap">
{"imports": {
  "apache-arrow": "/node_modules/apache-arrow/Arrow.dom.mjs",
  "flatbuffers": "/node_modules/flatbuffers/mjs/flatbuffers.js",
  "tslib": "/node_modules/tslib/tslib.es6.mjs"
}}
</script>
<script>
const say = (...values) => fetch("/said", { method: "POST", body: values.join(" ") });
console.log = say;
window.onerror = (message) => say("error: " + message);
window.onunhandledrejection = ({ reason }) => say("error: " + reason);
</script>
<script type="module">
`

func inBrowser(t *testing.T, command, text string) string {
	t.Helper()
	browser, err := exec.LookPath(*chromium)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	text = served(t, command, text, "--listen", "ws+listen://localhost:0?origin="+l.Addr().String())
	said := make(chan string, 10)
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, browserPage+text+"</script>\n") })
	mux.HandleFunc("POST /said", func(_ http.ResponseWriter, r *http.Request) {
		line, _ := io.ReadAll(io.LimitReader(r.Body, 1<<10))
		said <- string(line)
	})
	modules := http.StripPrefix("/node_modules/", http.FileServer(http.Dir("node_modules")))
	mux.HandleFunc("/node_modules/", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".mjs") {
			w.Header().Set("Content-Type", "text/javascript") // whatever the system's list has
		}
		modules.ServeHTTP(w, r)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args := []string{"--headless", "--disable-gpu", "--user-data-dir=" + t.TempDir(), "--remote-debugging-port=0"}
	if runtime.GOOS == "linux" && os.Getuid() == 0 {
		args = append(args, "--no-sandbox") // which root cannot have
	}
	cmd := exec.CommandContext(ctx, browser, append(args, "http://"+l.Addr().String()+"/")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = cmd.Wait() // by being killed
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-done
	}()
	select {
	case line := <-said:
		return line
	case <-ctx.Done():
		t.Fatalf("the browser says nothing: %s", &stderr)
		return ""
	}
}
