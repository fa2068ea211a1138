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

// declared are the ways in which a generated loop comes by what it indexes. Values of columns of fixed width are sliced to the length of
// the loop, which is what makes its bounds checks go; what is made row by row, texts, nested values, is indexed with checks.
var declared = []struct {
	re    *regexp.Regexp
	plain bool
}{
	{regexp.MustCompile(`^\t+(\w+) := b\.\w+\.ExtendUnset\(len\(block\)\)\[:len\(block\)\]$`), true},
	{regexp.MustCompile(`^\t+(\w+) := [bv]\.\w+\(\)(?:\[from:\])?\[:len\(rows\)\]$`), true},
	{regexp.MustCompile(`^\t+(\w+) := rt\.ReadRows\(.*, len\(rows\), .*\)$`), false},
	{regexp.MustCompile(`^\tvar (texts) \[rt\.BlockRows\]string$`), false}, // those of a dictionary, looked up at once
}

// TestNoBoundsChecks wants each generated loop over a column of fixed width to be free of bounds checks, in both directions.
func TestNoBoundsChecks(t *testing.T) {
	said := compiled(t, "-d=ssa/check_bce", ".")
	function := regexp.MustCompile(`^func (?:\(b \*\w+Builder\) AppendRows|(read\w+Rows))\(`)
	loop := regexp.MustCompile(`^\t+for i := range (block|rows) \{$`)
	indexed := regexp.MustCompile(`\b(\w+)\[i\]`)
	in, out, nested, fills := 0, 0, 0, 0
	files, err := filepath.Glob("*_lightstream.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var plain map[string]bool // by the name of what is indexed; nil outside the functions
		over := ""                // what the loop goes over
		for number, line := range strings.Split(string(text), "\n") {
			at := fmt.Sprintf("%s:%d", name, number+1)
			if strings.HasPrefix(line, "func ") {
				plain, over = nil, ""
				if function.MatchString(line) {
					plain = map[string]bool{"block": true, "rows": true}
				}
			}
			if plain == nil {
				continue
			}
			fills += strings.Count(line, ".ExtendUnset(")
			for _, d := range declared {
				if m := d.re.FindStringSubmatch(line); m != nil {
					plain[m[1]] = d.plain
				}
			}
			if m := loop.FindStringSubmatch(line); m != nil {
				over = m[1]
				continue
			}
			free := false // of bounds checks
			for _, m := range indexed.FindAllStringSubmatch(line, -1) {
				switch is, ok := plain[m[1]]; {
				case !ok || over == "":
					t.Errorf("%s: %s: nothing is known of %s", at, strings.TrimSpace(line), m[1])
				case !is:
					nested++
				case m[1] == "block" || m[1] == "rows": // what the loop goes over
				case over == "block":
					in++
					free = true
				default:
					out++
					free = true
				}
			}
			if !free {
				continue
			}
			for _, what := range said[at] {
				t.Errorf("%s: %s: %s", at, strings.TrimSpace(line), what)
			}
		}
	}
	if in != fills || in == 0 || out == 0 || nested == 0 || len(said) == 0 {
		t.Errorf("%d of %d loops into columns, %d out of them and %d of nested values were looked at, and %d lines have checks", in, fills, out, nested, len(said))
	}
}

// TestInlined wants what is called for each value, or for each column of a batch, to become part of its caller: of programs, and of
// the generated code.
func TestInlined(t *testing.T) {
	inlined := func(pkg, file string) map[string]bool {
		calls := map[string]bool{}
		for at, list := range compiled(t, "-m", pkg) {
			for _, what := range list {
				if name, ok := strings.CutPrefix(what, "inlining call to "); ok && strings.HasSuffix(strings.TrimRight(at, "0123456789"), file+":") {
					calls[name] = true
				}
			}
		}
		return calls
	}
	for _, caller := range []struct {
		pkg, file string
		want      []string
	}{
		{"./testdata/caller", "caller.go", []string{
			"feed.TradeBatch.Len", "feed.TradeBatch.Time", "feed.TradeBatch.Symbol", "feed.TradeBatch.Price", "feed.TradeBatch.Size", "feed.TradeBatch.Note",
			"feed.(*TradeBuilder).Time", "feed.(*TradeBuilder).Price", "feed.(*TradeBuilder).Note",
			"column.Texts.At", "column.Texts.IsNull", "column.Texts.Len", "column.Binaries.At", "column.Binaries.IsNull", "column.LargeTexts.At", "column.LargeBinaries.At",
			"column.Bools.At", "column.Bools.IsNull", "column.Timestamps.IsNull", "column.Timestamps.Values", "column.Durations.IsNull",
			"column.Dict[go.shape.int32].At", "column.Nullable[go.shape.int64].IsNull",
			"column.(*TextBuilder).Append",
		}},
		{".", "trade_lightstream.go", []string{
			"TradeBatch.Time", "TradeBatch.Symbol", "TradeBatch.Price", "TradeBatch.Size", "TradeBatch.Note",
			"column.Dict[go.shape.int32].At",
		}},
	} {
		calls := inlined(caller.pkg, caller.file)
		for _, name := range caller.want {
			if !calls[name] {
				t.Errorf("%s: %s is not inlined", caller.file, name)
			}
		}
	}
}
