// Command bench measures this project beside arrow-go and beside plain reads and writes of the same sizes, in one run.
//
// Each cell of the table is run by its peers in turn, round after round (A B C, A B C, …), so that a slow spell of the machine
// meets all of them. The ratio of a round is that of its pair; the table has the median of the ratios and their spread. Peers
// that stream do so between two processes of their own, which this program starts, over loopback or a socket in a temporary
// directory.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// peer is one of the sides of a cell.
type peer string

const (
	ours    peer = "lightstream"
	arrowGo peer = "arrow-go"
	flight  peer = "arrow-go Flight" // DoGet
	raw     peer = "raw"
	pyarrow peer = "pyarrow" // of mapped files; its allocations are not counted

	// protocol is this project's FeedConn, which is compared with its bare stream.
	protocol peer = "protocol"

	// structure is this project's stream, of which the receiver checks the structure alone.
	structure peer = "structure"
)

// cell is one line of the table.
type cell struct {
	name  string
	time  time.Duration    // of a run
	peers []peer           // the first is compared with each of the others
	goals map[peer]float64 // the least ratio that is wanted, where one is
	show  func(rate float64) string
	start func() (runner, error)

	grows int    // what the number at the end of the name is, of a cell that shows how a cost grows
	unit  string // what it is the cost of
}

// runner has a peer at work for about d.
type runner func(p peer, d time.Duration) (sample, error)

// sample is what a peer did in a run.
type sample struct {
	rate   float64 // batches per second
	cpu    float64 // seconds of the processor per batch, of both ends and the garbage collector
	allocs float64 // per batch, of both ends

	quantiles []float64 // seconds that half, 99 and 99.9 of a hundred take at most, where each is timed
	bytes     float64   // of memory that a connection has, where that is what grows
}

// ending are what the cell that runs has to stop.
var ending []func() error

func afterwards(f func() error) { ending = append(ending, f) }

type settings struct {
	runs    int
	time    time.Duration
	flights string
	profile string
	files   string
	python  string
	rows    int
}

var set settings

func main() {
	if len(os.Args) > 1 && os.Args[1] == workerCommand {
		work(os.Args[2:])
		return
	}
	if err := bench(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(args []string, out, progress io.Writer) error {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	quick := f.Bool("quick", false, "fewer and shorter runs: under a minute, for a look")
	f.IntVar(&set.runs, "runs", 0, "rounds of each cell; zero means 15, or 5 with -quick")
	f.DurationVar(&set.time, "time", 0, "length of a run; zero means 1s for large streams, 500ms for small ones, 100ms in memory, and a third of that with -quick")
	only := f.String("only", "", "regexp of the cells to run, such as encode or 'stream.*tcp'")
	f.StringVar(&set.flights, "flights", "../examples/flights/data/flights-50k.arrows", "Arrow stream of the 50,000 flights")
	f.StringVar(&set.profile, "profile", "", "directory for CPU profiles of the streaming processes, by cell, peer and role")
	f.StringVar(&set.files, "files", "", "directory for the files of the cells open, open-sum and unmap, up to 12 GB, which stay there; without it these are not run")
	f.StringVar(&set.python, "python", "", "interpreter with pyarrow, which then opens these files as well, and writes some")
	report := f.String("report", "", "directory for the results as benchmarks.md, with benchmarks/results.json and plots")
	f.IntVar(&set.rows, "rows", 100_000_000, "rows of these files")
	list := f.Bool("list", false, "only list the cells")
	if err := f.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return nil
		}
		return err
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	set.runs = cmp.Or(set.runs, map[bool]int{false: 15, true: 5}[*quick])
	var pairs streams
	defer pairs.stop()
	all := cells(&pairs)
	if set.files != "" || *list {
		all = append(all, fileCells()...)
	}
	all = append(all, sizeCells()...)
	all = append(all, growthCells()...)
	chosen := slices.DeleteFunc(all, func(c *cell) bool { return !match.MatchString(c.name) })
	if *list {
		for _, c := range chosen {
			fmt.Fprintln(out, c.name)
		}
		return nil
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no cell matches %q; -list names them", *only)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)

	fmt.Fprintln(out, machine())
	fmt.Fprintf(out, "%d rounds; medians; cpu and allocations are per batch, of both ends; ratios are those of pairs: median (min–max)\n\n", set.runs)
	began := time.Now()
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "cell\tpeer\tspeed\tcpu\tallocs\tfirst to it\tby cpu\tgoal")
	var results []*result
	for i, c := range chosen {
		fmt.Fprintf(progress, "%d/%d %s …\n", i+1, len(chosen), c.name)
		d := set.time
		if d == 0 {
			if d = c.time; *quick {
				d /= 3
			}
		}
		res, err := measure(c, d, stop)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		res.print(table)
		results = append(results, res)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\ntook %v\n", time.Since(began).Round(time.Second))
	if *report != "" {
		return writeReport(*report, results)
	}
	return nil
}

// result is what the rounds of a cell gave.
type result struct {
	cell    *cell
	samples map[peer][]sample
}

func measure(c *cell, d time.Duration, stop <-chan os.Signal) (*result, error) {
	defer func() {
		for _, end := range ending {
			_ = end() // it has been measured
		}
		ending = nil
	}()
	run, err := c.start()
	if err != nil {
		return nil, err
	}
	res := &result{c, map[peer][]sample{}}
	for round := -1; round < set.runs; round++ { // the first one warms up
		for _, p := range c.peers {
			select {
			case s := <-stop:
				return nil, fmt.Errorf("stopped by a signal: %v", s)
			default:
			}
			n := d
			if round < 0 {
				n = d / 2
			}
			s, err := run(p, n)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p, err)
			}
			if round >= 0 {
				res.samples[p] = append(res.samples[p], s)
			}
		}
	}
	return res, nil
}

// ratios returns the first peer to p, round by round, in order of size.
func (r *result) ratios(p peer, of func(a, b sample) float64) []float64 {
	list := make([]float64, len(r.samples[p]))
	for i := range list {
		list[i] = of(r.samples[r.cell.peers[0]][i], r.samples[p][i])
	}
	slices.Sort(list)
	return list
}

// median returns the median of a part of p's samples.
func (r *result) median(p peer, of func(sample) float64) float64 {
	list := make([]float64, len(r.samples[p]))
	for i, s := range r.samples[p] {
		list[i] = of(s)
	}
	slices.Sort(list)
	return middle(list)
}

func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func (r *result) print(w io.Writer) {
	c := r.cell
	row := func(p peer) string {
		return fmt.Sprintf("%s\t%s\t%.0f", c.show(r.median(p, func(s sample) float64 { return s.rate })),
			showTime(r.median(p, func(s sample) float64 { return s.cpu })), r.median(p, func(s sample) float64 { return s.allocs }))
	}
	fmt.Fprintf(w, "%s\t%s\t%s\n", c.name, c.peers[0], row(c.peers[0]))
	for _, p := range c.peers[1:] {
		rates := r.ratios(p, func(a, b sample) float64 { return a.rate / b.rate })
		cpu := r.ratios(p, func(a, b sample) float64 { return b.cpu / a.cpu })
		goal := ""
		if g := c.goals[p]; g != 0 {
			goal = fmt.Sprintf("≥ %.1f", g)
			if middle(rates) < g {
				goal += " missed"
			}
		}
		fmt.Fprintf(w, "\t%s\t%s\t%.2f (%.2f–%.2f)\t%.2f\t%s\n", p, row(p), middle(rates), rates[0], rates[len(rates)-1], middle(cpu), goal)
	}
}

// machine says what the figures were taken on.
func machine() string {
	cpu := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				cpu = strings.TrimSpace(value)
				break
			}
		}
	}
	version := "?"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/apache/arrow-go/v18" {
				version = m.Version
			}
		}
	}
	return fmt.Sprintf("%s, %d CPUs, %s/%s, %s, GOGC=%s, arrow-go %s, %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH,
		runtime.Version(), cmp.Or(os.Getenv("GOGC"), "100"), version, time.Now().UTC().Format(time.DateOnly))
}
