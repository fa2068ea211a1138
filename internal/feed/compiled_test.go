package feed_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// compiled runs the compiler over a package and returns what it says about each line, by "file.go:line".
func compiled(t *testing.T, flag, pkg string) map[string][]string {
	t.Helper()
	if testing.Short() || race || runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("what the compiler makes is looked at once")
	}
	out, err := exec.Command("go", "build", "-gcflags="+flag, pkg).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		if at := regexp.MustCompile(`^(\S+\.go:\d+):\d+: (.*)\n$`).FindStringSubmatch(line); at != nil {
			at[1] = filepath.Base(at[1])
			said[at[1]] = append(said[at[1]], at[2])
		}
	}
	return said
}

// TestNoBoundsChecks wants the generated loops over columns of fixed width to be free of bounds checks, in both directions.
func TestNoBoundsChecks(t *testing.T) {
	said := compiled(t, "-d=ssa/check_bce", ".")
	toColumn := regexp.MustCompile(`^\t+(\w+)\[i\] = block\[i\]\.\w+$`)
	extended := regexp.MustCompile(`^\t+(\w+) := b\.\w+\.ExtendUnset\(len\(block\)\)\[:len\(block\)\]$`)
	sliced := regexp.MustCompile(`^\t+(\w+) := .*\[:len\(rows\)\]$`)
	toRow := regexp.MustCompile(`^\t+\w+: +(\w+)\[i\],$`)
	in, out := 0, 0
	files, err := filepath.Glob("*_lightstream.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		columns, number := map[string]bool{}, 0
		for line := range strings.Lines(string(text)) {
			number++
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(line, "func ") {
				clear(columns)
			}
			loop := toColumn.FindStringSubmatch(line)
			if loop != nil && columns[loop[1]] {
				in++
			} else if loop = toRow.FindStringSubmatch(line); loop != nil && columns[loop[1]] {
				out++
			} else {
				for _, re := range []*regexp.Regexp{extended, sliced} {
					if m := re.FindStringSubmatch(line); m != nil {
						columns[m[1]] = true
					}
				}
				continue
			}
			for _, what := range said[fmt.Sprintf("%s:%d", name, number)] {
				t.Errorf("%s:%d: %s: %s", name, number, strings.TrimSpace(line), what)
			}
		}
	}
	if in < 20 || out < 20 || len(said) == 0 {
		t.Errorf("%d loops into columns and %d into rows were looked at, and %d lines have checks", in, out, len(said))
	}
}

// TestInlined wants what is called for each value, or for each column of a batch, to become part of its caller.
func TestInlined(t *testing.T) {
	can := map[string]bool{}
	for _, pkg := range []string{".", "github.com/lightstream-go/lightstream/runtime/column"} {
		for _, list := range compiled(t, "-m", pkg) {
			for _, what := range list {
				if name, ok := strings.CutPrefix(what, "can inline "); ok {
					can[name] = true
				}
			}
		}
	}
	for _, name := range []string{
		"TradeBatch.Len", "TradeBatch.Time", "TradeBatch.Symbol", "TradeBatch.Price", "TradeBatch.Size", "TradeBatch.Note",
		"(*TradeBuilder).Time", "(*TradeBuilder).Price", "(*TradeBuilder).Note",
		"Texts.At", "Texts.IsNull", "Texts.Len", "Binaries.At", "Binaries.IsNull", "LargeTexts.At", "LargeBinaries.At",
		"Bools.At", "Bools.IsNull", "Timestamps.IsNull", "Timestamps.Values", "Durations.IsNull",
		"column.Dict[go.shape.int32].At", "column.Nullable[go.shape.int64].IsNull",
		"(*TextBuilder).Append",
	} {
		if !can[name] {
			t.Errorf("%s is not inlined", name)
		}
	}
}
