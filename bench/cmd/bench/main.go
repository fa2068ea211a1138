// Command bench measures this project beside arrow-go and beside plain reads and writes of the same sizes, in one run.
//
// Each cell of the table is run by its peers in turn, round after round (A B C, A B C, …), so that a slow spell of the machine
// meets all of them. The ratio of a round is that of its pair; the table has the median of the ratios and their spread. Peers
// that stream do so between two processes of their own, which this program starts, over loopback or a socket in a temporary
// directory.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
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
	pyarrow peer = "pyarrow" // its allocations are not counted

	// protocol is this project's FeedConn, which is compared with its bare stream.
	protocol peer = "protocol"

	// structure is this project's stream, of which the receiver checks the structure alone.
	structure peer = "structure"

	// hugePages is this project's stream between processes whose heaps are of huge pages.
	hugePages peer = "huge pages"
)

// bufferBytes is the buffer of the writers of Rust's peers, and of this project's in the cells of the same name.
const bufferBytes = 256 << 10

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

	rows  int              // of a batch, where batches are streamed
	bytes func() float64   // of a batch's values, once the cell has been started; nil where they are not counted
	cpu   map[peer]float64 // the most that is wanted of this one's processor time to the peer's

	setup  time.Duration // about what it takes to start; zero means a second
	rounds int           // zero means those of all cells
	cold   bool          // no round warms up
}

// runner has a peer at work for about d.
type runner func(p peer, d time.Duration) (sample, error)

// sample is what a peer did in a run.
type sample struct {
	rate   float64 // batches per second
	cpu    float64 // seconds of the processor per batch, of both ends and the garbage collector
	allocs float64 // per batch, of both ends
	peak   float64 // bytes of memory that the receiver has had at most

	quantiles []float64  // seconds that half, 99 and 99.9 of a hundred take at most, where each is timed
	gaps      [][2]int64 // between batches at the receiver, where these are kept: buckets of intervals, and how many
	bytes     float64    // of memory that a connection has, where that is what grows
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
	peers   string
	rows    int
}

var set settings

func main() {
	if len(os.Args) > 1 && os.Args[1] == workerCommand {
		work(os.Args[2:])
		return
	}
	if len(os.Args) > 2 && os.Args[1] == echoCommand {
		if err := echoing(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := bench(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(args []string, out, progress io.Writer) error {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	quick := f.Bool("quick", false, "fewer and shorter runs, for a look")
	f.IntVar(&set.runs, "runs", 0, "rounds of each cell; zero means 15, or 5 with -quick")
	f.DurationVar(&set.time, "time", 0, "length of a run; zero means what is right for the cell, and a third of that with -quick")
	budget := f.Duration("budget", 0, "how long all cells may take: runs get shorter where that is needed, and not fewer; zero means as long as it takes")
	only := f.String("only", "", "regexp of the cells to run, such as encode or 'stream.*tcp'")
	f.StringVar(&set.flights, "flights", "../examples/flights/data/flights-50k.arrows", "Arrow stream of the 50,000 flights")
	f.StringVar(&set.profile, "profile", "", "directory for CPU profiles of the streaming processes, by cell, peer and role")
	f.StringVar(&set.files, "files", "", "directory for the files of the cells open, open-sum and unmap, up to 30 GB, which stay there; without it these are not run")
	f.StringVar(&set.peers, "peers", "", "directory of the peers in other languages, "+`"peers" here`+", which are built with cargo and python3; without it they are left out")
	f.StringVar(&set.python, "python", "", "interpreter with pyarrow; \"\" means one of the virtual environment that -peers makes")
	report := f.String("report", "", "directory for the results as benchmarks.md, with benchmarks/results.json and plots. Cells whose results are there are not run again")
	fresh := f.Bool("fresh", false, "with -report: forget the results that are there")
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
	say := func(format string, args ...any) { fmt.Fprintf(progress, format+"\n", args...) }
	if !*list {
		preparePeers(say)
	}
	var pairs streams
	defer pairs.stop()
	all := allCells(&pairs)
	files := map[string]bool{}
	if set.files == "" && !*list {
		for _, c := range fileCells() {
			files[c.name] = true
		}
	}
	chosen := slices.DeleteFunc(slices.Clone(all), func(c *cell) bool { return files[c.name] || !match.MatchString(c.name) })
	if *list {
		for _, c := range chosen {
			fmt.Fprintln(out, c.name)
		}
		return nil
	}
	if len(chosen) == 0 {
		if slices.ContainsFunc(all, func(c *cell) bool { return match.MatchString(c.name) }) {
			return fmt.Errorf("the cells that match %q map large files: -files names a directory for these, up to 30 GB", *only)
		}
		return fmt.Errorf("no cell matches %q; -list names them", *only)
	}
	results := &results{Machine: machine(), Versions: versions}
	if *report != "" && !*fresh {
		if err := results.read(*report); err != nil {
			return err
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)

	fmt.Fprintln(out, machine())
	fmt.Fprintf(out, "%d rounds; medians; cpu and allocations are per batch, of both ends; ratios are those of pairs: median (quartiles)\n\n", set.runs)
	began := time.Now()
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "cell\tpeer\tspeed\tcpu\tallocs\tratio\tby cpu\tgoal")
	var failed []error
	todo := slices.DeleteFunc(slices.Clone(chosen), func(c *cell) bool { return results.has(c.name) })
	if n := len(chosen) - len(todo); n > 0 {
		say("%d cells have results already; -fresh measures them again", n)
	}
	if set.time == 0 && !*quick && len(todo) > 0 {
		runs, other := estimate(todo)
		part := 1.0
		if *budget != 0 {
			part = fit(todo, *budget)
		}
		say("%d cells, about %v, with runs of %.0f %% of their time", len(todo), (time.Duration(part*float64(runs)) + other).Round(time.Minute), 100*part)
	}
	for i, c := range todo {
		d := set.time
		if d == 0 {
			if d = c.time; *quick {
				d /= 3
			}
			if *budget != 0 {
				d = time.Duration(float64(d) * fit(todo[i:], *budget-time.Since(began)))
			}
		}
		say("%v %d/%d %s, runs of %v …", time.Since(began).Round(time.Second), i+1, len(todo), c.name, d.Round(time.Millisecond))
		o, err := measure(c, d, stop)
		if err == errStopped {
			return err
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", c.name, err)
			say("%v", err)
			failed = append(failed, err)
			continue
		}
		o.print(table)
		results.Cells = append(results.Cells, o)
		if *report != "" {
			if err := results.write(*report); err != nil {
				return err
			}
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\ntook %v\n", time.Since(began).Round(time.Second))
	if *report != "" {
		if err := results.report(*report, all, failed); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// allCells are in the order of the report.
func allCells(pairs *streams) []*cell {
	return slices.Concat(cells(pairs), formatCells(), sizeCells(), pastCacheCells(), growthCells(), serverCells(), buildCells(),
		fileCells()) // last, as the system is still busy writing what they have written
}

// overhead is about what a run takes beside its time: a connection, a collection of garbage.
const overhead = 20 * time.Millisecond

// estimate returns about how long these cells take: their runs, all as long as they are meant to be, and everything else.
func estimate(cells []*cell) (runs, other time.Duration) {
	for _, c := range cells {
		n := time.Duration((cmp.Or(c.rounds, set.runs) + 1) * len(c.peers))
		runs += n * c.time
		other += n*overhead + cmp.Or(c.setup, time.Second)
	}
	return runs, other
}

// fit returns by how much runs are to be shorter so that these cells take no longer than that.
func fit(cells []*cell, budget time.Duration) float64 {
	runs, other := estimate(cells)
	return min(1, max(leastFit, float64(budget-other)/float64(runs)))
}

// leastFit is the least part of their time that runs get, however much there is to do: shorter ones would have too few batches.
const leastFit = 0.2

var errStopped = errors.New("stopped by a signal")

// result is what the rounds of a cell gave.
type result struct {
	cell    *cell
	samples map[peer][]sample
	failed  map[peer]string // why a peer has no samples
}

func measure(c *cell, d time.Duration, stop <-chan os.Signal) (*outcome, error) {
	defer func() {
		for _, end := range ending {
			_ = end() // it has been measured
		}
		ending = nil
	}()
	load := load1()
	run, err := c.start()
	if err != nil {
		return nil, err
	}
	rounds := cmp.Or(c.rounds, set.runs)
	res := &result{c, map[peer][]sample{}, map[peer]string{}}
	for round := -1; round < rounds; round++ { // the first one warms up
		if round < 0 && c.cold {
			continue
		}
		for _, p := range c.peers {
			select {
			case <-stop:
				return nil, errStopped
			default:
			}
			if res.failed[p] != "" {
				continue
			}
			n := d
			if round < 0 {
				n = d / 2
			}
			s, err := run(p, n)
			switch {
			case err != nil && (p == c.peers[0] || p == raw):
				return nil, fmt.Errorf("%s: %w", p, err)
			case err != nil:
				res.failed[p] = err.Error()
			case round >= 0:
				res.samples[p] = append(res.samples[p], s)
			}
		}
	}
	o := res.outcome(d, rounds)
	o.Load = load
	return o, nil
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

func (o *outcome) print(w io.Writer) {
	name := o.Cell
	for _, f := range o.Peers {
		if f.Failed != "" {
			fmt.Fprintf(w, "%s\t%s\t%s\n", name, f.Peer, f.Failed)
			continue
		}
		ratio, cpu := "", ""
		if f.Ratio != nil {
			ratio = fmt.Sprintf("%.2f (%.2f–%.2f)", f.Ratio[0], f.Ratio[1], f.Ratio[2])
			cpu = fmt.Sprintf("%.2f", f.CPURatio)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, f.Peer, f.Speed, showTime(f.CPU), allocations(f), ratio, cpu, verdict(f))
		name = ""
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
	return fmt.Sprintf("%s, %d CPUs, %s/%s, %s, GOGC=%s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), cmp.Or(os.Getenv("GOGC"), "100"))
}
