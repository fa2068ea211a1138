package main

import (
	"context"
	"flag"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/lightstream-go/lightstream/transports/ws"
)

var (
	node        = flag.String("node", "", "Node.js, with which the page is tested in a browser; empty leaves that out")
	chromium    = flag.String("chromium", "chromium", "the browser")
	screenshots = flag.String("screenshots", "", "a directory for pictures of the page")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestBrowser builds the command and runs page.test.mjs against it: make browser.
func TestBrowser(t *testing.T) {
	if *node == "" {
		t.Skip("the page is tested in a browser by make browser")
	}
	browser, err := exec.LookPath(*chromium)
	if err != nil {
		t.Fatal(err)
	}
	command := filepath.Join(t.TempDir(), "lightstream")
	if out, err := exec.Command("go", "build", "-o", command, "github.com/lightstream-go/lightstream/cmd/lightstream").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// Each test counts.
	const file = "page/src/page.test.mjs"
	names := testNames(t, file)
	if len(names) < 10 {
		t.Fatalf("%d tests in %s: %q", len(names), file, names)
	}
	cmd := exec.CommandContext(t.Context(), *node, "--test", "--test-reporter", "tap", file)
	cmd.Env = append(cmd.Environ(), "LIGHTSTREAM="+command, "CHROMIUM="+browser, "SCREENSHOTS="+*screenshots)
	out, err := cmd.CombinedOutput()
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			if !passed(string(out), name) {
				t.Error("see below")
			}
		})
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// passed tells whether a test in TAP output has passed.
func passed(tap, name string) bool {
	for line := range strings.Lines(tap) {
		if rest, ok := strings.CutPrefix(line, "ok "); ok && strings.HasSuffix(strings.TrimSpace(rest), " - "+name) {
			return true
		}
	}
	return false
}

// testNames returns the names of the tests, those with a placeholder for both decoders.
func testNames(t *testing.T, file string) (names []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		_, rest, ok := strings.Cut(strings.TrimSpace(line), "test(")
		if !ok || rest == "" || strings.TrimSpace(line)[0] != 't' {
			continue
		}
		name, _, _ := strings.Cut(rest[1:], rest[:1])
		if strings.Contains(name, "${decoder}") {
			names = append(names, strings.ReplaceAll(name, "${decoder}", "flechette"), strings.ReplaceAll(name, "${decoder}", "arrow"))
		} else {
			names = append(names, name)
		}
	}
	return names
}

// TestRun watches the example as any reader does, and as a browser that opens its address.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	at := make(chan string, 1)
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, "127.0.0.1:0", 1000, func(a string) { at <- a }) }()
	addr := <-at
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/html") {
		t.Errorf("%s, %s", response.Status, kind)
	}
	conn, err := ws.Dial(ctx, "ws://"+addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	n := 0
	for r, err := range NewReadingReader(conn, nil).Rows(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Sky == "" || len(r.Gusts) != 3 || r.Mast.Height != 10 || (r.Sky == "rain") != r.Rain.Valid || r.Turns < 1<<53 {
			t.Fatalf("%+v", r)
		}
		if n++; n == 300 {
			cancel() // the stream ends, with an end marker
		}
	}
	if err := <-ended; err != nil || n < 300 {
		t.Errorf("%d readings, %v", n, err)
	}
}

func TestRunRefuses(t *testing.T) {
	if err := run(t.Context(), "127.0.0.1:0", 0, func(string) { t.Error("it listens") }); err == nil || !strings.Contains(err.Error(), "-rate=0") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, "nowhere.invalid:0", 1, func(string) { t.Error("it listens") }); err == nil {
		t.Error("no error")
	}
}
