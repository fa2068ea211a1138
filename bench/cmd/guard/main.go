// Command guard counts the instructions and the allocations of the hot paths and compares them with those that are kept in
// guard.txt. Instructions are counted by callgrind, which runs each path twice, n times and then 3n times, so that what a program
// costs at its start is left out: the same on every machine of a kind, however busy, where times are not.
//
// It wants valgrind, and a processor with AVX2: without it allocations alone are compared. -update writes guard.txt anew.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"text/tabwriter"

	"golang.org/x/sys/cpu"

	"github.com/lightstream-go/lightstream/bench/internal/formats"
	"github.com/lightstream-go/lightstream/bench/internal/workload"
	"github.com/lightstream-go/lightstream/bench/tables"
	_ "github.com/lightstream-go/lightstream/compress/lz4"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// path is something that is done again and again.
type path struct {
	name  string
	runs  int // under callgrind
	start func() (once func() error, err error)
}

var flights string

var paths = []path{
	{"encode/rows=1k", 4000, func() (func() error, error) {
		w, batch := tables.NewSampleWriter(new(workload.Discard), nil), workload.Builder(1_000, 1)
		return func() error { return w.Write(context.Background(), batch) }, nil
	}},
	{"decode/rows=1k", 1000, func() (func() error, error) {
		return decode(tables.NewSampleReader(workload.Stream(1_000, 1), nil).Next), nil
	}},
	{"decode UTF8/rows=1k", 1000, func() (func() error, error) {
		return decode(tables.NewSampleReader(workload.Stream(1_000, 1), &rt.ReaderOptions{Validate: ipc.UTF8}).Next), nil
	}},
	{"decode us to ns/rows=1k", 1000, func() (func() error, error) {
		b := tables.NewMicrosBuilder(nil)
		for i := range 1_000 {
			b.Append(tables.Micros{Value: int64(i), Time: workload.Moment(i), Category: workload.Category(i % 100)})
		}
		loop, err := workload.LoopOf(func(dst io.Writer) func() error { return writing(tables.NewMicrosWriter(dst, nil), b) })
		return decode(tables.NewTypedReader(loop, nil).Next), err
	}},
	{"encode with BufferBytes/rows=1k", 4000, func() (func() error, error) {
		w := tables.NewSampleWriter(new(workload.Discard), &rt.WriterOptions{BufferBytes: 256 << 10})
		return writing(w, workload.Builder(1_000, 1)), nil
	}},
	{"forward/rows=1k", 1000, func() (func() error, error) {
		r, w := tables.NewSampleReader(workload.Stream(1_000, 1), nil), tables.NewSampleWriter(new(workload.Discard), nil)
		return func() error {
			batch, err := r.Next(context.Background())
			if err != nil {
				return err
			}
			defer batch.Release()
			return w.Forward(context.Background(), batch)
		}, nil
	}},
	{"encode LZ4/rows=1k", 100, func() (func() error, error) { return compressed(ipc.LZ4), nil }},
	{"decode LZ4/rows=1k", 200, func() (func() error, error) { return decompressed(ipc.LZ4) }},
	{"encode ZSTD/rows=1k", 60, func() (func() error, error) { return compressed(ipc.ZSTD), nil }},
	{"decode ZSTD/rows=1k", 100, func() (func() error, error) { return decompressed(ipc.ZSTD) }},
	{"send frame/rows=1k", 4000, func() (func() error, error) {
		c, err := tables.NewFeedConn(sink{new(workload.Discard)}, nil)
		batch := workload.Builder(1_000, 1)
		return func() error { return c.SendSample(context.Background(), batch) }, err
	}},
	{"receive frame/rows=1k", 1000, func() (func() error, error) {
		batch := workload.Builder(1_000, 1)
		loop, err := workload.LoopOf(func(dst io.Writer) func() error {
			c, err := tables.NewFeedConn(sink{dst}, nil)
			return func() error {
				if err != nil {
					return err
				}
				return c.SendSample(context.Background(), batch)
			}
		})
		if err != nil {
			return nil, err
		}
		c, err := tables.NewFeedConn(source{loop}, nil)
		return func() error {
			item, err := c.Recv(context.Background())
			if err != nil {
				return err
			}
			batch, ok := item.(*tables.SampleBatch)
			if !ok {
				return fmt.Errorf("a %T", item)
			}
			batch.Release()
			return nil
		}, err
	}},
	{"append/numbers=1k", 400, func() (func() error, error) {
		b, rows := tables.NewNumbersBuilder(nil), workload.Numbers(1_000)
		return func() error {
			b.Reset()
			b.AppendRows(rows)
			return b.Err()
		}, nil
	}},
	{"batcher append/numbers=1k", 200, func() (func() error, error) {
		rows := workload.Numbers(1_000)
		b := rt.NewBatcher(tables.NewNumbersWriter(new(workload.Discard), nil), &rt.BatcherOptions{MaxDelay: -1})
		return func() error {
			for i := range rows {
				if err := b.Append(context.Background(), rows[i]); err != nil {
					return err
				}
			}
			return b.Flush(context.Background())
		}, nil
	}},
	{"rows/numbers=1k", 400, func() (func() error, error) {
		b := tables.NewNumbersBuilder(nil)
		b.AppendRows(workload.Numbers(1_000))
		loop, err := workload.LoopOf(func(dst io.Writer) func() error { return writing(tables.NewNumbersWriter(dst, nil), b) })
		r := tables.NewNumbersReader(loop, nil)
		var rows []tables.Numbers
		return func() error {
			batch, err := r.Next(context.Background())
			if err != nil {
				return err
			}
			rows = batch.AppendTo(rows[:0])
			batch.Release()
			return nil
		}, err
	}},
	{"columns=100", 300, func() (func() error, error) { return throughColumns(100), nil }},
	{"columns=1000", 30, func() (func() error, error) { return throughColumns(1_000), nil }},
	{"append/bools=10k", 2000, func() (func() error, error) {
		b, list := tables.NewSampleBuilder(nil), bools()
		return func() error {
			b.Reset()
			b.Flag().AppendAll(list)
			return nil
		}, nil
	}},
	{"rows/bools=10k", 2000, func() (func() error, error) {
		batch, err := tables.NewSampleReader(workload.Stream(10_000, 1), nil).Next(context.Background())
		list := bools()
		return func() error {
			list = batch.Flag().AppendTo(list[:0])
			return nil
		}, err
	}},
	{"append/flights=1k", 60, func() (func() error, error) {
		rows, err := firstFlights(1_000)
		b := tables.NewFlightBuilder(nil)
		return func() error {
			b.Reset()
			b.AppendRows(rows)
			return b.Err()
		}, err
	}},
	{"writer append/flights=1k", 60, func() (func() error, error) {
		rows, err := firstFlights(1_000)
		w := tables.NewFlightWriter(new(workload.Discard), nil)
		return func() error {
			for i := range rows {
				if err := w.Append(context.Background(), rows[i]); err != nil {
					return err
				}
			}
			return w.Flush(context.Background())
		}, err
	}},
	{"rows/flights=1k", 60, func() (func() error, error) {
		rows, err := firstFlights(1_000)
		if err != nil {
			return nil, err
		}
		loop, err := workload.LoopOf(func(dst io.Writer) func() error {
			w := tables.NewFlightWriter(dst, nil)
			b := tables.NewFlightBuilder(nil)
			b.AppendRows(rows)
			return func() error { return w.Write(context.Background(), b) }
		})
		if err != nil {
			return nil, err
		}
		r := tables.NewFlightReader(loop, nil)
		var list []tables.Flight
		return func() error {
			batch, err := r.Next(context.Background())
			if err != nil {
				return err
			}
			list = batch.AppendTo(list[:0])
			batch.Release()
			return nil
		}, nil
	}},
	{"read CSV/rows=1k", 30, func() (func() error, error) {
		text, err := csvOf(1_000)
		return func() error { return formats.ReadCSV(text, 1, nil) }, err
	}},
	{"print CSV/rows=1k", 30, func() (func() error, error) {
		w, batch := tables.NewSampleCSVWriter(io.Discard, nil), workload.Builder(1_000, 1)
		return func() error { return w.Write(context.Background(), batch) }, nil
	}},
	{"read NDJSON/rows=1k", 30, func() (func() error, error) {
		text, err := linesOf(1_000)
		return func() error { return formats.ReadNDJSON(text, nil) }, err
	}},
	{"print NDJSON/rows=1k", 30, func() (func() error, error) {
		w, batch := tables.NewSampleNDJSONWriter(io.Discard, nil), workload.Builder(1_000, 1)
		return func() error { return w.Write(context.Background(), batch) }, nil
	}},
}

// csvOf and linesOf return so many rows of the reference batch as CSV, and as lines of JSON.
func csvOf(rows int) ([]byte, error) {
	var text bytes.Buffer
	w := tables.NewSampleCSVWriter(&text, nil)
	err := w.Write(context.Background(), workload.Builder(rows, 1))
	return text.Bytes(), errors.Join(err, w.Close())
}

func linesOf(rows int) ([]byte, error) {
	var text bytes.Buffer
	w := tables.NewSampleNDJSONWriter(&text, nil)
	err := w.Write(context.Background(), workload.Builder(rows, 1))
	return text.Bytes(), errors.Join(err, w.Close())
}

// throughColumns writes and reads a batch of 100 rows of so many columns: what it takes must grow as they do.
func throughColumns(n int) func() error {
	s := &ipc.Schema{}
	columns := make([]column.Data, n)
	for i := range columns {
		s.Fields = append(s.Fields, ipc.Field{Name: fmt.Sprint("column ", i), Type: ipc.Float64})
		columns[i] = column.Data{Len: 100, Buffers: [3][]byte{nil, mem.Alloc(800)}}
	}
	through := new(bytes.Buffer)
	w, r := ipc.NewWriter(through, s, nil), ipc.NewReader(through, nil)
	read := decode(r.Next)
	return func() error {
		if err := w.Write(context.Background(), 100, columns); err != nil {
			return err
		}
		return read()
	}
}

// decode reads a batch and releases it.
func decode[B interface{ Release() }](next func(context.Context) (B, error)) func() error {
	return func() error {
		batch, err := next(context.Background())
		if err == nil {
			batch.Release()
		}
		return err
	}
}

func writing[R, B any, W rt.Builder[R]](w *rt.Writer[R, B, W], batch W) func() error {
	return func() error { return w.Write(context.Background(), batch) }
}

func compressed(c ipc.Compression) func() error {
	return writing(tables.NewSampleWriter(new(workload.Discard), &rt.WriterOptions{Compression: c}), workload.Builder(1_000, 1))
}

func decompressed(c ipc.Compression) (func() error, error) {
	batch := workload.Builder(1_000, 1)
	loop, err := workload.LoopOf(func(dst io.Writer) func() error {
		return writing(tables.NewSampleWriter(dst, &rt.WriterOptions{Compression: c}), batch)
	})
	return decode(tables.NewSampleReader(loop, nil).Next), err
}

// bools returns 10,000 of them, in no order.
func bools() []bool {
	list := make([]bool, 10_000)
	for i := range list {
		list[i] = i*i%7 < 3
	}
	return list
}

// sink and source are the halves of a connection of which the other one is not used.
type (
	sink   struct{ io.Writer }
	source struct{ io.Reader }
)

func (sink) Read([]byte) (int, error)      { return 0, io.EOF }
func (source) Write(b []byte) (int, error) { return len(b), nil }

func firstFlights(n int) ([]tables.Flight, error) {
	rows, err := workload.Flights(flights)
	if err != nil {
		return nil, err
	}
	return rows[:n], nil
}

func main() {
	run := flag.String("run", "", "run one path -n times, and nothing else")
	n := flag.Int("n", 1, "with -run: how many times the path is run")
	only := flag.String("only", "", "regexp of the paths to count, such as CSV; those that it leaves out keep their lines")
	update := flag.Bool("update", false, "write the counts into the file of -file instead of comparing")
	file := flag.String("file", "guard.txt", "file with the counts that are kept: of each path a line with instructions, allocations and its name")
	tolerance := flag.Float64("tolerance", 0.05, "what part of the instructions that are kept a path may take more; 0.05 is 5 %")
	flag.StringVar(&flights, "flights", "../examples/flights/data/flights-50k.arrows", "Arrow stream of the 50,000 flights")
	flag.Parse()
	match, err := regexp.Compile(*only)
	switch {
	case err != nil:
	case *run != "":
		err = once(*run, *n)
	default:
		err = guard(*file, match, *update, *tolerance)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
		os.Exit(1)
	}
}

// once runs a path n times. The collector is off: when it runs depends on time.
func once(name string, n int) error {
	i := slices.IndexFunc(paths, func(p path) bool { return p.name == name })
	if i < 0 {
		return fmt.Errorf("no path is called %q", name)
	}
	debug.SetGCPercent(-1)
	run, err := paths[i].start()
	if err != nil {
		return err
	}
	for range n {
		if err := run(); err != nil {
			return err
		}
	}
	return nil
}

// cost is what a path takes.
type cost struct {
	instructions float64
	allocations  float64
}

func guard(file string, match *regexp.Regexp, update bool, tolerance float64) error {
	valgrind, err := exec.LookPath("valgrind")
	if err != nil {
		return fmt.Errorf("%w; on Debian it is the package valgrind", err)
	}
	kept, err := read(file)
	if err != nil && !update {
		return err
	}
	costs, any := map[string]cost{}, false
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "path\tinstructions\tkept\t\tallocations\tkept")
	for _, p := range paths {
		if !match.MatchString(p.name) {
			if c, ok := kept[p.name]; ok {
				costs[p.name] = c
			}
			continue
		}
		any = true
		c, err := measure(valgrind, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		costs[p.name] = c
		k := kept[p.name]
		fmt.Fprintf(table, "%s\t%.0f\t%.0f\t%+.1f %%\t%.1f\t%.1f\n", p.name, c.instructions, k.instructions, 100*(c.instructions/k.instructions-1), c.allocations, k.allocations)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if !any {
		return fmt.Errorf("no path matches %q", match)
	}
	if update {
		return write(file, costs)
	}
	if !cpu.X86.HasAVX2 {
		tolerance = math.Inf(1) // what is kept was counted with it
	}
	if worse := compare(costs, kept, tolerance); len(worse) > 0 {
		return fmt.Errorf("%q cost more than %s has, %.0f %% more instructions being let pass; if that is what it takes, -update and say why", worse, file, 100*tolerance)
	}
	return nil
}

// compare returns the paths that take more than is kept of them, in order: so much more of the instructions is let pass, and no allocation.
// Those of which nothing is kept are among them, and those that are kept and not there.
func compare(costs, kept map[string]cost, tolerance float64) (worse []string) {
	for name, c := range costs {
		k, ok := kept[name]
		if more := c.instructions/k.instructions - 1; !ok || !(more <= tolerance) || !(c.allocations <= k.allocations) { // a NaN is worse too
			worse = append(worse, name)
		}
	}
	for name := range kept {
		if _, ok := costs[name]; !ok {
			worse = append(worse, name)
		}
	}
	slices.Sort(worse)
	return worse
}

func measure(valgrind string, p path) (c cost, err error) {
	few, err := count(valgrind, p.name, p.runs)
	if err != nil {
		return c, err
	}
	many, err := count(valgrind, p.name, 3*p.runs)
	if err != nil {
		return c, err
	}
	c.instructions = float64(many-few) / float64(2*p.runs)
	run, err := p.start()
	if err != nil {
		return c, err
	}
	for range 10 {
		if err := run(); err != nil {
			return c, err
		}
	}
	const n = 100
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		if err := run(); err != nil {
			return c, err
		}
	}
	runtime.ReadMemStats(&after)
	c.allocations = float64((after.Mallocs - before.Mallocs) / n) // whole ones: the runtime has a few of its own
	return c, nil
}

var collected = regexp.MustCompile(`Collected : (\d+)`)

// count returns how many instructions a process takes that runs a path n times.
func count(valgrind, name string, n int) (int64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "guard")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command(valgrind, "--tool=callgrind", "--callgrind-out-file="+filepath.Join(dir, "out"),
		self, "-run", name, "-n", strconv.Itoa(n), "-flights", flights)
	cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=1") // signals of the runtime confuse it
	text, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, text)
	}
	m := collected.FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("callgrind said %q", text)
	}
	return strconv.ParseInt(string(m[1]), 10, 64)
}

// A line of the file is a path's instructions, its allocations and its name.

func read(file string) (map[string]cost, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	costs := map[string]cost{}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		var c cost
		fields := bytes.SplitN(s.Bytes(), []byte("\t"), 3)
		if len(fields) != 3 {
			return nil, fmt.Errorf("%s: %q", file, s.Text())
		}
		var err1, err2 error
		c.instructions, err1 = strconv.ParseFloat(string(fields[0]), 64)
		c.allocations, err2 = strconv.ParseFloat(string(fields[1]), 64)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		costs[string(fields[2])] = c
	}
	return costs, nil
}

func write(file string, costs map[string]cost) error {
	var b bytes.Buffer
	for _, p := range paths {
		if _, ok := costs[p.name]; !ok {
			continue // neither counted nor kept
		}
		fmt.Fprintf(&b, "%.0f\t%.0f\t%s\n", costs[p.name].instructions, costs[p.name].allocations, p.name)
	}
	return os.WriteFile(file, b.Bytes(), 0o666)
}
