package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == workerCommand || os.Args[1] == echoCommand) { // started by the test as one end of a stream
		main()
		return
	}
	os.Exit(m.Run())
}

const flightsFile = "../../../examples/flights/data/flights-50k.arrows"

// TestSmallCells runs the cells that need little time, streams between processes too, and wants a line for each peer, which works or
// says that it is not there.
func TestSmallCells(t *testing.T) {
	var out, progress bytes.Buffer
	args := []string{
		"-only", `^(encode|decode|append)/.*(rows=1k|flights)|^stream/mixed/.*rows=1k|stream/(numeric|strings|wide)/tcp/rows=10$|^intervals/mixed/tcp/rows=1k|^wire/(tls|ws|quic|http2)/numeric/rows=10$|roundtrip|fanout/uds/readers=10$|kernel|growth/(lanes|connections)=1$|^text/(csv/read/untyped|ndjson/print)$|^parquet/(read|write)/flights/zstd$|^rows/(mixed|read/numbers)=`,
		"-runs", "2", "-time", "5ms", "-flights", flightsFile,
	}
	if err := bench(args, &out, &progress); err != nil {
		t.Fatal(err)
	}
	elsewhere := []string{"arrow-rs", "arrow-rs Flight", "pyarrow", "pyarrow Flight", "Rust lightstream"} // are absent
	for name, peers := range map[string][]string{
		"encode/rows=1k":               {"lightstream", "arrow-go"},
		"decode/rows=1k":               {"lightstream", "arrow-go"},
		"append/flights=50k/utf8":      {"lightstream", "arrow-go"},
		"rows/mixed=1k":                {"lightstream", "arrow-go"},
		"rows/read/numbers=1k":         {"lightstream", "arrow-go"},
		"stream/mixed/tcp/rows=1k":     {"lightstream", "raw", "arrow-go", "arrow-go GOGC=1000", "arrow-go Flight"},
		"stream/mixed/uds/rows=1k":     {"lightstream", "raw", "arrow-go"},
		"stream/mixed/pipe/rows=1k":    {"lightstream", "raw", "arrow-go"},
		"stream/numeric/tcp/rows=10":   {"lightstream", "raw", "arrow-go"},
		"stream/strings/tcp/rows=10":   {"lightstream", "raw", "arrow-go"},
		"stream/wide/tcp/rows=10":      {"lightstream", "raw", "arrow-go"},
		"intervals/mixed/tcp/rows=1k":  {"lightstream", "raw", "arrow-go", "arrow-go GOGC=1000", "arrow-go Flight"},
		"wire/tls/numeric/rows=10":     {"lightstream", "raw"},
		"wire/ws/numeric/rows=10":      {"lightstream", "raw"},
		"wire/quic/numeric/rows=10":    {"lightstream", "raw"},
		"wire/http2/numeric/rows=10":   {"lightstream", "raw"},
		"roundtrip/tcp/rows=1k":        {"lightstream", "raw", "arrow-go"},
		"fanout/uds/readers=10":        {"lightstream", "raw", "an encoder each"},
		"kernel/bool-pack":             {"lightstream", "scalar Go"},
		"growth/lanes=1":               {"lightstream"},
		"text/csv/read/untyped":        {"lightstream", "arrow-go"},
		"text/ndjson/print":            {"lightstream", "encoding/json", "go-json"},
		"parquet/read/flights/zstd":    {"lightstream", "arrow-go"},
		"parquet/write/flights/zstd":   {"lightstream", "arrow-go"},
		"growth/connections=1":         {"lightstream"},
		"roundtrip/tcp/rows=1k/collec": {"lightstream", "raw", "arrow-go"},
	} {
		_, block, ok := strings.Cut(out.String(), "\n"+name)
		if !ok {
			t.Errorf("no line for %s", name)
			continue
		}
		lines := strings.SplitN(block, "\n", 11)
		for i, p := range peers {
			if !strings.Contains(lines[i], p) || strings.Contains(lines[i], "not built") || !strings.ContainsAny(lines[i], "0123456789") {
				t.Errorf("%s: line %d is %q, want one of %s", name, i, lines[i], p)
			}
		}
		if name == "stream/mixed/tcp/rows=1k" {
			for i, p := range elsewhere {
				if line := lines[len(peers)+i]; !strings.Contains(line, p) || !strings.Contains(line, "not built: run with -peers") {
					t.Errorf("%s: the line of %s is %q", name, p, line)
				}
			}
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

// TestResume breaks a run off by having few cells, and wants the next one to measure the others alone, and a report of all of them.
func TestResume(t *testing.T) {
	dir := t.TempDir()
	run := func(only string, args ...string) string {
		t.Helper()
		var out, progress bytes.Buffer
		args = append([]string{"-only", only, "-runs", "2", "-time", "2ms", "-flights", flightsFile, "-report", dir}, args...)
		if err := bench(args, &out, &progress); err != nil {
			t.Fatal(err, progress.String())
		}
		return out.String()
	}
	if out := run("^encode/rows=1k|growth/columns=(1|3)$|^(stream/numeric/uds|intervals/mixed/tcp)/rows=1k"); !strings.Contains(out, "\nencode/rows=1k") {
		t.Fatalf("%s", out)
	}
	if out := run("^(en|de)code/rows=1k|growth/columns"); strings.Contains(out, "\nencode/rows=1k") || !strings.Contains(out, "\ndecode/rows=1k") {
		t.Errorf("the second run measured\n%s", out)
	}
	read := func() (r results) {
		t.Helper()
		text, err := os.ReadFile(resultsFile(dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := read()
	if f := r.of("encode/rows=1k", arrowGo); f == nil || len(f.Ratio) != 3 || f.Ratio[0] <= 0 || r.cell("encode/rows=1k").Date == "" || r.Machine != machine() || r.Versions["arrow-go"] == "" {
		t.Errorf("the results are %+v", r)
	}
	if c := r.cell("encode/rows=1k"); runtime.GOOS == "linux" && (c.Load == nil || *c.Load < 0) || c.Commit != commit() || strings.TrimRight(c.Commit, "0123456789abcdef") != "" && !strings.HasSuffix(c.Commit, "+") {
		t.Errorf("the commit is %q, the load %v", c.Commit, c.Load)
	}
	if f := r.of("intervals/mixed/tcp/rows=1k", raw); f == nil || f.Intervals < 2 || len(f.Quantiles) == 0 || f.Quantiles[0] <= 0 || len(f.OfQuantiles) == 0 {
		t.Errorf("no intervals: %+v", f)
	}
	text, err := os.ReadFile(filepath.Join(dir, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| encode 1,000 rows of M, against arrow-go | ≥ 12×, 0 allocations |", "| `encode/rows=1k` | lightstream |", "| `decode/rows=1k` | lightstream |", "growth-columns.svg", "stream-numeric.svg", "intervals-mixed.svg", "| `intervals/mixed/tcp/rows=1k` | raw |", "not measured", "`wire/quic/mixed/rows=1M`"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report has no %q", want)
		}
	}
	for _, name := range []string{"ratios.svg", "growth-columns.svg", "stream-numeric.svg", "intervals-mixed.svg"} {
		if _, err := os.Stat(filepath.Join(dir, "benchmarks", name)); err != nil {
			t.Error(err)
		}
	}

	// Results of another machine are not mixed with those of this one.
	r.Machine = "another"
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := bench([]string{"-only", "^encode/rows=1k", "-report", dir}, &out, &out); err == nil || !strings.Contains(err.Error(), "another machine") {
		t.Errorf("got %v", err)
	}
	run("^encode/rows=1k", "-fresh")
	if r := read(); len(r.Cells) != 1 || r.Machine != machine() {
		t.Errorf("after -fresh there are %+v", r)
	}
}

// TestGoals wants each cell and peer that a goal names to be there, and the verdicts to be by the figures.
func TestGoals(t *testing.T) {
	defer func(was map[peer]string) { absent = was }(absent)
	absent = map[peer]string{}
	var pairs streams
	all := slices.Concat(cells(&pairs), formatCells(), buildCells(), growthCells(), fileCells())
	r := &results{}
	for _, c := range all {
		o := &outcome{Cell: c.name, Bytes: 1}
		for i, p := range c.peers {
			f := figures{Peer: p, Rate: 1e10, CPU: 1e-6, Speed: "fast", Quantiles: []float64{1, 1, 1}}
			if i > 0 {
				f.Ratio, f.CPURatio, f.OfQuantiles = []float64{99, 98, 100}, 2, []float64{0.5, 0.5, 0.5}
			}
			o.Peers = append(o.Peers, f)
		}
		r.Cells = append(r.Cells, o)
	}
	var b bytes.Buffer
	r.goalTable(&b)
	if s := b.String(); strings.Contains(s, "not me") || strings.Contains(s, "**") || strings.Count(s, "| met |") != len(r.goals()) {
		t.Errorf("all is fast, and the table is\n%s", s)
	}
	r.cell("stream/mixed/tcp/rows=1k").Peers[2].Ratio = []float64{3.9, 3.8, 4.1}                                                          // arrow-go
	r.cell("buffered/wide/tcp/rows=10").Peers[5] = figures{Peer: pyarrow, Rate: 1e10, Ratio: []float64{0.9, 0.8, 0.95}, OfQuantiles: nil} // ahead
	b.Reset()
	r.goalTable(&b)
	for _, want := range []string{"**arrow-go 3.90× (3.80–4.10)**", "1 of them lost: pyarrow in `buffered/wide/tcp/rows=10` (0.90×)"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	// A peer that is ahead without a buffer, and not with it, is counted beside those that are lost.
	r.cell("stream/wide/tcp/rows=10").Peers[5] = figures{Peer: arrowRS, Rate: 1e10, Ratio: []float64{0.7, 0.6, 0.8}}
	r.cell("open-sum/batches=1").Peers[1].Ratio = []float64{0.8, 0.7, 0.9}
	b.Reset()
	r.goalTable(&b)
	for _, want := range []string{"; 1 more without BufferBytes (listed below)**", "- 1 peers are ahead of streams of small batches without BufferBytes, and are compared with it above: arrow-rs in `stream/wide/tcp/rows=10` (0.70×).", "in `open-sum/batches=1` (0.80×)"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if n := strings.Count(b.String(), "| not met |"); n != 2 {
		t.Errorf("%d goals are not met, want 2", n)
	}
}

// TestNotes wants each reason with a figure of a profile to say when that was taken, and of which commit.
func TestNotes(t *testing.T) {
	noted := regexp.MustCompile(`^20\d\d-\d\d-\d\d, [0-9a-f]{7}$`)
	n := 0
	for _, g := range new(results).goals() {
		if g.noted != "" && !noted.MatchString(g.noted) {
			t.Errorf("%s: noted %q", g.what, g.noted)
		}
		if strings.Contains(g.why, "rofile") || strings.Contains(g.why, "go tool nm") {
			if n++; g.noted == "" {
				t.Errorf("%s: when was this noted? %s", g.what, g.why)
			}
		}
	}
	if n < 9 {
		t.Errorf("%d reasons are of profiles", n)
	}
}

// TestCircumstances wants the page to say how far apart its cells were measured, of how many commits, and how busy the machine was.
func TestCircumstances(t *testing.T) {
	load := func(v float64) *float64 { return &v }
	old := &outcome{Date: "2026-01-02 03:04:05"}
	for _, c := range []struct {
		cells []*outcome
		want  []string
		not   string
	}{
		{[]*outcome{old}, []string{"Its 1 cells were not measured in one run", "2026-01-02 03:04:05", "Neither their commits nor the load"}, "commits are"},
		{
			[]*outcome{{Date: "2026-01-02 05:00:00", Commit: "abc", Load: load(0.5)}, {Date: "2026-01-02 04:00:00", Commit: "abc", Load: load(3.25)}},
			[]string{"2 cells were measured of one commit, from 2026-01-02 04:00:00 UTC to 2026-01-02 05:00:00", "at most 3.2 when one of 2 cells"},
			"may have changed",
		},
		{
			[]*outcome{old, {Date: "2026-01-03 05:00:00", Commit: "abc+"}, {Date: "2026-01-03 04:00:00", Commit: "def"}},
			[]string{"not measured in one run", "2026-01-03 05:00:00", "2 commits are recorded, and none of 1 cells", "Some had changes"},
			"load average",
		},
	} {
		text := (&results{Cells: c.cells}).circumstances()
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in %q", want, text)
			}
		}
		if strings.Contains(text, c.not) {
			t.Errorf("%q in %q", c.not, text)
		}
	}
	if v := loadOf("1.25 0.9 0.5 1/100 17\n"); v == nil || *v != 1.25 {
		t.Error(v)
	}
	if v := loadOf(""); v != nil {
		t.Error(*v)
	}
}

// TestFit wants shorter runs where there is less time.
func TestFit(t *testing.T) {
	defer func(n int) { set.runs = n }(set.runs)
	set.runs = 15
	c := &cell{time: time.Second, peers: []peer{ours, arrowGo}, setup: time.Second}
	for budget, want := range map[time.Duration]float64{time.Hour: 1, 17*time.Second + 32*overhead: 0.5, time.Second: 0.2} {
		if got := fit([]*cell{c}, budget); got < want-0.001 || got > want+0.001 {
			t.Errorf("within %v runs are %v as long, want %v", budget, got, want)
		}
	}
}

// TestBudget wants all cells, with all peers, to fit into the 45 minutes that make bench-all gives them, in 15 rounds and with runs that
// are not cut to the least.
func TestBudget(t *testing.T) {
	defer func(was map[peer]string, runs int) { absent, set.runs = was, runs }(absent, set.runs)
	absent, set.runs = map[peer]string{}, 15
	all := allCells(new(streams))
	const budget = 45 * time.Minute
	part := fit(all, budget)
	runs, other := estimate(all)
	if total := time.Duration(part*float64(runs)) + other; part < 0.4 || total > budget+time.Second {
		t.Errorf("%d cells take %v, with runs of %.2f of their %v, and %v beside these", len(all), total, part, runs, other)
	}
	for _, c := range all {
		if rounds := cmp.Or(c.rounds, set.runs); rounds < 15 && !strings.HasPrefix(c.name, "build/") {
			t.Errorf("%s has %d rounds", c.name, rounds)
		}
	}
	// What stands on the page has as many.
	text, err := os.ReadFile(resultsFile("../../../docs"))
	if err != nil {
		t.Fatal(err)
	}
	var r results
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	for _, o := range r.Cells {
		if o.Rounds < 15 && !strings.HasPrefix(o.Cell, "build/") {
			t.Errorf("%s has results of %d rounds", o.Cell, o.Rounds)
		}
	}
}

// TestBuffered wants each stream of small batches to be there with a buffer too, beside those peers that have one by themselves, and those
// cells to be what counts.
func TestBuffered(t *testing.T) {
	defer func(was map[peer]string) { absent = was }(absent)
	absent = map[peer]string{}
	all := map[string]*cell{}
	for _, c := range cells(new(streams)) {
		all[c.name] = c
	}
	n := 0
	for name, c := range all {
		rest, ok := strings.CutPrefix(name, "stream/")
		if !ok || strings.HasPrefix(rest, "zstd/") || c.rows > 1_000 {
			continue
		}
		n++
		buffered := all["buffered/"+rest]
		for _, p := range []peer{raw, arrowRS, flightRS, lightstreamRS} {
			if slices.Contains(c.peers, p) && (buffered == nil || !slices.Contains(buffered.peers, p)) {
				t.Errorf("%s has %s, and no cell with a buffer has", name, p)
			}
		}
	}
	if n != 4*2*3 {
		t.Errorf("%d streams of small batches", n)
	}
	behind, before := []float64{0.5, 0.4, 0.6}, []float64{3, 2, 4}
	r := &results{Cells: []*outcome{{Cell: "stream/numeric/uds/rows=10", Peers: []figures{{Peer: ours}, {Peer: arrowRS, Ratio: behind}}}}}
	if p := r.notBehind(arrowRS); p.met {
		t.Errorf("behind, and %+v", p)
	}
	r.Cells = append(r.Cells, &outcome{Cell: "buffered/numeric/uds/rows=10", Peers: []figures{{Peer: ours}, {Peer: arrowRS, Ratio: before}}})
	if p := r.notBehind(arrowRS); !p.met || !strings.Contains(p.text, "1 comparisons") {
		t.Errorf("with a buffer before, and %+v", p)
	}
}

func TestNoSuchCell(t *testing.T) {
	var out bytes.Buffer
	if err := bench([]string{"-only", "nonsense"}, &out, &out); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v", err)
	}
	if err := bench([]string{"-only", "^open/"}, &out, &out); err == nil || !strings.Contains(err.Error(), "-files") {
		t.Errorf("without a directory for files: %v", err)
	}
	out.Reset()
	if err := bench([]string{"-list"}, &out, &out); err != nil || !strings.Contains(out.String(), "stream/mixed/uds/rows=1M\n") {
		t.Errorf("got %v and %q", err, out.String())
	}
}

// TestPage wants the page in docs to be what the command makes of the results beside it, which nobody has written into by hand, and to be
// the same when it is made again.
func TestPage(t *testing.T) {
	const docs = "../../../docs"
	want, err := os.ReadFile(filepath.Join(docs, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := os.ReadFile(resultsFile(docs))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for range 2 { // of what is in docs, and of what that has written
		var r results
		if err := json.Unmarshal(stored, &r); err != nil {
			t.Fatal(err)
		}
		if err := r.report(dir, allCells(new(streams)), nil); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "benchmarks.md"))
		if err != nil {
			t.Fatal(err)
		}
		line := 0
		for ; line < min(bytes.Count(got, []byte("\n")), bytes.Count(want, []byte("\n"))); line++ {
			if g, w := bytes.Split(got, []byte("\n"))[line], bytes.Split(want, []byte("\n"))[line]; !bytes.Equal(g, w) {
				t.Fatalf("line %d of benchmarks.md is\n%.300s\nand the command makes\n%.300s\nwrite it anew: go run ./cmd/bench -only '^encode/rows=1k$' -report ../docs", line+1, w, g)
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("benchmarks.md ends at another line than what the command makes, behind line %d", line)
		}
		if stored, err = os.ReadFile(resultsFile(dir)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestVerdict wants a goal to be met only where each of its parts was measured.
func TestVerdict(t *testing.T) {
	var b bytes.Buffer
	r := &results{Cells: []*outcome{{Cell: "stream/mixed/tcp/rows=1k", Peers: []figures{{Peer: ours}, {Peer: arrowGo, Ratio: []float64{5, 5, 5}}}}}}
	r.goalTable(&b)
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "| stream them over TCP |") && !strings.HasSuffix(line, "| not all measured |\n") {
			t.Error(line)
		}
	}
	if strings.Contains(b.String(), "| met |") || !strings.Contains(b.String(), "| not all measured |") {
		t.Error(b.String())
	}
}
