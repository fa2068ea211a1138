package main

import (
	"bytes"
	"fmt"
	"image/color"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
)

// A report is benchmarks.md, and in a directory of that name results.json, of which it is made, and plots: ratios.svg, one of the streams
// of each workload, and one of each thing that grows.
func (r *results) report(dir string, all []*cell, failed []error) error {
	order := map[string]int{}
	for i, c := range all {
		order[c.name] = i
	}
	at := 0
	for _, o := range r.Cells { // what is of peers that are not here stays where it is
		if i, ok := order[o.Cell]; ok {
			at = i
		} else {
			order[o.Cell] = at
		}
	}
	slices.SortStableFunc(r.Cells, func(a, b *outcome) int { return order[a.Cell] - order[b.Cell] })
	if err := r.write(dir); err != nil {
		return err
	}
	plots := filepath.Join(dir, "benchmarks")
	if err := plotRatios(filepath.Join(plots, "ratios.svg"), r.Cells); err != nil {
		return err
	}
	streams, err := plotStreams(plots, r)
	if err != nil {
		return err
	}
	latencies, err := plotIntervals(plots, r)
	if err != nil {
		return err
	}
	grown, err := plotGrowth(plots, r.Cells)
	if err != nil {
		return err
	}
	var missing []string
	for _, c := range all {
		if !r.has(c.name) {
			missing = append(missing, c.name)
		}
	}
	return os.WriteFile(filepath.Join(dir, "benchmarks.md"), r.markdown(streams, latencies, grown, missing, failed), 0o666)
}

func (r *results) markdown(streams, latencies []workload.Kind, grown, missing []string, failed []error) []byte {
	var b bytes.Buffer
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("# Benchmarks\n\nWritten by `make bench-all`; what each cell measures stands in [bench/README.md](../bench/README.md), and all figures in\n")
	p("[results.json](benchmarks/results.json), of which tables, ratios and verdicts are made. The reasons beside goals that are missed are notes:\n")
	p("somebody wrote them, on the day and of the commit that stands behind each, of CPU profiles (`-profile` of streams, pprof of what runs in\n")
	p("memory), `strace` and `go tool nm`. A measurement after that does not change the percentages in them.\n\n%s; %s.\n", r.Machine, r.when())
	p("%s\n\n", r.circumstances())
	var list []string
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		list = append(list, name+" "+r.Versions[name])
	}
	p("Beside it: %s.\n\n", strings.Join(list, ", "))
	p("The peers of a cell take turns, in at least %d rounds unless the cell says otherwise. A ratio is that of the pairs of a round, lightstream\n", r.rounds())
	p("(or what stands first) to the peer, above 1 where it is faster: median (quartiles). *By cpu* is the same of processor time, both ends and\n")
	p("collector included. Bytes are those of values at the receiver: live buffers, without padding and metadata. The clock of a stream starts\n")
	p("when its first batch is through. Allocations are counted of programs in Go, memory is the most that the receiver's process has had.\n")
	p("Where a goal is missed, a peer is ahead, or fails, the line says so.\n\n")
	p("M is the reference batch, *mixed* in the names of cells: int64, float64, timestamp, bool, text of 12 bytes on average and a dictionary of\n")
	p("1,000 values, one value in ten null. *Raw* writes and reads as many bytes and looks at nothing.\n")
	r.goalTable(&b)
	if len(streams) > 0 {
		p("\n## Streams between two processes, GiB/s\n")
		for _, k := range streams {
			p("\n### %s\n\n![%s](benchmarks/stream-%s.svg)\n\n", workloads[k], k, k)
			r.streamTable(&b, k)
		}
		p("\n## Streams in detail\n\nWhat is slower than lightstream by less than the noise, or ahead of it, is *even* or *ahead*.\n\n")
		p("| cell | peer | GiB/s | M rows/s | CPU s/GiB | allocations | memory | ratio | by cpu | |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
		for _, o := range r.Cells {
			if o.Bytes != 0 {
				o.streamRows(&b)
			}
		}
	}
	p("\n## Everything else\n\n![Ratios](benchmarks/ratios.svg)\n\n")
	p("| cell | peer | speed | cpu | allocations | ratio | by cpu | goal |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |\n")
	for _, o := range r.Cells {
		if o.Grows != 0 || o.Bytes != 0 {
			continue
		}
		name := "`" + o.Cell + "`"
		for _, f := range o.Peers {
			if f.Failed != "" {
				p("| %s | %s | fails: %s | | | | | |\n", name, f.Peer, cellText(f.Failed))
				continue
			}
			ratio, cpu := ratioText(f)
			p("| %s | %s | %s | %s | %s | %s | %s | %s |\n", name, f.Peer, f.Speed, showTime(f.CPU), allocations(f), ratio, cpu, verdict(f))
			name = ""
		}
	}
	if rows := r.quantileRows(false); len(rows) > 0 {
		p("\n## How long one takes\n\n| cell | peer | p50 | p99 | p99.9 | ratios |\n| --- | --- | ---: | ---: | ---: | ---: |\n%s", strings.Join(rows, ""))
	}
	if rows := r.quantileRows(true); len(rows) > 0 {
		p("\n## From batch to batch, while the collector runs\n\nHow long a receiver waits from one batch to the next of a stream. Both ends in Go have their collector run every %v,\n", collection)
		p("beside a heap of 64 MiB that is no part of the stream; Rust and Python have none. Quantiles are of the intervals of all rounds together, where\n")
		p("there are a hundred of them for p99 and a thousand for p99.9; ratios are lightstream's to the peer's, below 1 where it waits less. Where batches\n")
		p("are collected into buffers, as arrow-rs and the Rust lightstream do, those that come together have next to nothing between them, and the wait for\n")
		p("a buffer is in p99.\n")
		for _, k := range latencies {
			p("\n![%s](benchmarks/intervals-%s.svg)\n", k, k)
		}
		p("\n| cell | peer | p50 | p99 | p99.9 | ratios | intervals |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n%s", strings.Join(rows, ""))
	}
	if len(grown) > 0 {
		p("\n## How costs grow\n")
		for _, name := range grown {
			p("\n### %s\n\n![%s](benchmarks/growth-%s.svg)\n\n", name, name, name)
			r.growthTable(&b, name)
		}
	}
	p("\n## What was not run\n\nFlight goes over TCP alone, and the Rust lightstream has no named pipes. Streams of 100 columns and 1 M rows, 600 MB a batch, have\n")
	p("three peers over TCP and two over Unix sockets and pipes, and go over no other wires. WebSocket, QUIC, HTTP/2 and TLS have no other peers than\n")
	p("the same protocol without Arrow.\n")
	if len(missing) > 0 {
		p("\nThese cells have no results: `%s`.\n", strings.Join(missing, "`, `"))
	}
	for _, err := range failed {
		p("\n- %s\n", cellText(err.Error()))
	}
	return b.Bytes()
}

// circumstances says how far apart the cells were measured, of which code, and how busy the machine was.
func (r *results) circumstances() string {
	first, last := "", ""
	commits, unknown, changed, most, loads := map[string]bool{}, 0, false, 0.0, 0
	for _, o := range r.Cells {
		if first == "" || o.Date < first {
			first = o.Date
		}
		last = max(last, o.Date)
		if c, ok := strings.CutSuffix(o.Commit, "+"); c == "" {
			unknown++
		} else {
			commits[c], changed = true, changed || ok
		}
		if o.Load != nil {
			most, loads = max(most, *o.Load), loads+1
		}
	}
	text := fmt.Sprintf("Its %d cells were not measured in one run: the first at %s UTC and the last at %s, and the code may have changed between them.", len(r.Cells), first, last)
	if len(commits) == 1 && unknown == 0 {
		text = fmt.Sprintf("Its %d cells were measured of one commit, from %s UTC to %s.", len(r.Cells), first, last)
	}
	if unknown == len(r.Cells) {
		return text + "\nNeither their commits nor the load of the machine at the time is recorded."
	}
	text += "\n"
	if len(commits) != 1 || unknown != 0 {
		text += fmt.Sprintf("%d commits are recorded, and none of %d cells. ", len(commits), unknown)
	}
	if changed {
		text += "Some had changes that are in no commit. "
	}
	if loads > 0 {
		text += fmt.Sprintf("The load average of a minute was at most %.1f when one of %d cells began, what ran here before it included.", most, loads)
	}
	return strings.TrimSpace(text)
}

// when returns the day, or the first and the last, of the results.
func (r *results) when() string {
	first, last := "", ""
	for _, o := range r.Cells {
		day, _, _ := strings.Cut(o.Date, " ")
		if first == "" || day < first {
			first = day
		}
		last = max(last, day)
	}
	if first == last {
		return first
	}
	return first + " to " + last
}

func (r *results) rounds() int {
	n := 0
	for _, o := range r.Cells {
		if o.Rounds > 3 && (n == 0 || o.Rounds < n) {
			n = o.Rounds
		}
	}
	return n
}

var workloads = map[workload.Kind]string{
	workload.Mixed:   "Mixed: the reference batch M, six columns, one value in ten null",
	workload.Numeric: "Numeric: int64, float64, int32, float32",
	workload.Strings: "Strings: four columns of text, 24 bytes on average",
	workload.Wide:    "Wide: 100 columns of numbers",
}

func gib(o *outcome, f figures) float64 { return f.Rate * o.Bytes / (1 << 30) }

// showGib shows what is small with as many digits as tell it from others.
func showGib(v float64) string {
	if v < 0.1 {
		return fmt.Sprintf("%.4f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// streamTable shows the GiB/s of each peer by wire and rows.
func (r *results) streamTable(b *bytes.Buffer, k workload.Kind) {
	var cells []*outcome
	var peers []peer
	head, line := "| |", "| --- |"
	for _, o := range r.Cells {
		rest, ok := strings.CutPrefix(o.Cell, "stream/"+string(k)+"/")
		if !ok {
			continue
		}
		cells = append(cells, o)
		head += " " + strings.Replace(rest, "/rows=", " ", 1) + " |"
		line += " ---: |"
		for _, f := range o.Peers {
			if !slices.Contains(peers, f.Peer) {
				peers = append(peers, f.Peer)
			}
		}
	}
	fmt.Fprintf(b, "%s\n%s\n", head, line)
	for _, p := range peers {
		fmt.Fprintf(b, "| %s |", p)
		for _, o := range cells {
			text := ""
			for _, f := range o.Peers {
				switch {
				case f.Peer != p:
				case f.Failed != "":
					text = "fails"
				default:
					if text = showGib(gib(o, f)); ahead(f) {
						text = "**" + text + "**"
					}
				}
			}
			fmt.Fprintf(b, " %s |", text)
		}
		b.WriteByte('\n')
	}
	b.WriteString("\nA peer that is ahead of lightstream is in bold.\n")
}

// ahead reports whether a peer is faster than what stands first, beyond the noise. Raw is the limit, and not a peer.
func ahead(f figures) bool { return f.Peer != raw && f.Ratio != nil && f.Ratio[2] < 1 }

func (o *outcome) streamRows(b *bytes.Buffer) {
	name := "`" + o.Cell + "`"
	for _, f := range o.Peers {
		if f.Failed != "" {
			fmt.Fprintf(b, "| %s | %s | fails: %s | | | | | | | |\n", name, f.Peer, cellText(f.Failed))
			continue
		}
		ratio, cpu := ratioText(f)
		note := verdict(f)
		if f.Ratio != nil && f.Ratio[1] < 1 && f.Ratio[2] >= 1 && f.Peer != raw {
			note = strings.TrimSpace(note + " even")
		}
		fmt.Fprintf(b, "| %s | %s | %s | %.3g | %.2f | %s | %s | %s | %s | %s |\n", name, f.Peer, showGib(gib(o, f)), f.Rate*float64(o.Rows)/1e6,
			f.CPU/o.Bytes*(1<<30), allocations(f), mebibytes(f.Memory), ratio, cpu, note)
		name = ""
	}
}

// cellText makes a text fit a cell of a table.
func cellText(s string) string {
	s = strings.NewReplacer("|", "/", "\n", " ", "`", "'").Replace(s)
	if r := []rune(s); len(r) > 160 {
		s = string(r[:160]) + "…"
	}
	return s
}

func mebibytes(bytes float64) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f MiB", bytes/(1<<20))
}

func ratioText(f figures) (ratio, cpu string) {
	if f.Ratio == nil {
		return "", ""
	}
	if f.CPURatio != 0 {
		cpu = fmt.Sprintf("%.2f", f.CPURatio)
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", f.Ratio[0], f.Ratio[1], f.Ratio[2]), cpu
}

func allocations(f figures) string {
	if foreign(f.Peer) {
		return ""
	}
	return trim(f.Allocations)
}

func verdict(f figures) string {
	var notes []string
	if f.Goal != 0 {
		note := fmt.Sprintf("≥ %.4g", f.Goal)
		if f.Ratio[0] < f.Goal {
			note += ", missed"
		}
		notes = append(notes, note)
	}
	if f.CPUGoal != 0 && f.CPURatio != 0 {
		note := fmt.Sprintf("cpu ≤ %.4g×", f.CPUGoal)
		if 1/f.CPURatio > f.CPUGoal {
			note += ", missed"
		}
		notes = append(notes, note)
	}
	if ahead(f) && f.Goal == 0 {
		notes = append(notes, "ahead")
	}
	return strings.Join(notes, "; ")
}

func trim(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") }

// quantileRows are of what is timed one by one, or of the intervals from batch to batch.
func (r *results) quantileRows(intervals bool) (rows []string) {
	for _, o := range r.Cells {
		if o.Grows != 0 {
			continue
		}
		for _, f := range o.Peers {
			if f.Quantiles == nil || intervals != (f.Intervals != 0) {
				continue
			}
			var ratios []string
			for _, v := range f.OfQuantiles {
				ratios = append(ratios, fmt.Sprintf("%.2f", v))
			}
			row := fmt.Sprintf("| `%s` | %s |", o.Cell, f.Peer)
			for q := range 3 {
				if q < len(f.Quantiles) {
					row += " " + showTime(f.Quantiles[q])
				}
				row += " |"
			}
			row += " " + strings.Join(ratios, ", ") + " |"
			if intervals {
				row += fmt.Sprintf(" %d |", f.Intervals)
			}
			rows = append(rows, row+"\n")
		}
	}
	return rows
}

// thing returns what grows in a cell.
func thing(cell string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(cell, "growth/"), "=")
	return name
}

func (r *results) growthTable(b *bytes.Buffer, name string) {
	first := true
	for _, o := range r.Cells {
		if o.Grows == 0 || thing(o.Cell) != name {
			continue
		}
		f := o.Peers[0]
		if first {
			fmt.Fprintf(b, "%s.\n\n| %s | time | p99 | memory of one | allocations |\n| ---: | ---: | ---: | ---: | ---: |\n", strings.ToUpper(o.Unit[:1])+o.Unit[1:], name)
			first = false
		}
		p99, memory := "", ""
		if f.Quantiles != nil {
			p99 = showTime(f.Quantiles[1])
		}
		if f.Bytes != 0 {
			memory = fmt.Sprintf("%.1f KiB", f.Bytes/1024)
		}
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s |\n", o.Grows, showTime(1/f.Rate), p99, memory, trim(f.Allocations))
	}
}

var (
	dark  = color.RGBA{0x1f, 0x4e, 0x79, 0xff}
	light = color.RGBA{0xb0, 0xb0, 0xb0, 0xff}
)

// plotStreams draws the GiB/s of each workload over TCP: a line for each peer, by rows.
func plotStreams(dir string, r *results) (kinds []workload.Kind, err error) {
	return plotByRows(dir, r, "stream", func(o *outcome, f figures) (float64, bool) { return gib(o, f), true }, func(k workload.Kind, p *plot.Plot) {
		p.Title.Text, p.Y.Label.Text = workloads[k]+", over TCP", "GiB/s"
		p.Y.Min = 0
	})
}

// plotIntervals draws the times from batch to batch that one in a hundred exceeds, of each workload over TCP.
func plotIntervals(dir string, r *results) (kinds []workload.Kind, err error) {
	p99 := func(_ *outcome, f figures) (micros float64, ok bool) {
		if len(f.Quantiles) < 2 {
			return 0, false
		}
		return f.Quantiles[1] * 1e6, true
	}
	return plotByRows(dir, r, "intervals", p99, func(k workload.Kind, p *plot.Plot) {
		p.Title.Text, p.Y.Label.Text = workloads[k]+", over TCP, while the collector runs", "p99 from batch to batch, µs"
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		p.Y.Min, p.Y.Max = 1, 1e5
	})
}

// plotByRows draws a figure of the cells of each workload over TCP whose names begin so: a line for each peer, by rows. It returns the
// workloads that have any.
func plotByRows(dir string, r *results, begin string, y func(*outcome, figures) (float64, bool), dress func(workload.Kind, *plot.Plot)) (kinds []workload.Kind, err error) {
	for _, k := range []workload.Kind{workload.Mixed, workload.Numeric, workload.Strings, workload.Wide} {
		points := map[peer]plotter.XYs{}
		var peers []peer
		any := false
		for _, o := range r.Cells {
			any = any || strings.HasPrefix(o.Cell, begin+"/"+string(k)+"/")
			if !strings.HasPrefix(o.Cell, begin+"/"+string(k)+"/tcp/") {
				continue
			}
			for _, f := range o.Peers {
				v, ok := y(o, f)
				if f.Failed != "" || !ok {
					continue
				}
				if points[f.Peer] == nil {
					peers = append(peers, f.Peer)
				}
				points[f.Peer] = append(points[f.Peer], plotter.XY{X: float64(o.Rows), Y: v})
			}
		}
		if !any {
			continue
		}
		kinds = append(kinds, k)
		p := plot.New()
		dress(k, p)
		p.X.Label.Text = "rows of a batch"
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		p.X.Min, p.X.Max = 10, 1e6 // a scale of logarithms wants one, whatever has results
		p.Legend.Top, p.Legend.Left = true, true
		p.Legend.TextStyle.Font.Size = vg.Points(9)
		p.Add(plotter.NewGrid())
		for i, who := range peers {
			line, dots, err := plotter.NewLinePoints(points[who])
			if err != nil {
				return nil, err
			}
			c := plotutil.Color(i)
			if line.Width = vg.Points(1); who == ours {
				c, line.Width = dark, vg.Points(2.5)
			}
			if who == raw {
				c, line.Dashes = color.Black, []vg.Length{vg.Points(4), vg.Points(3)}
			}
			line.Color, dots.Color, dots.Shape = c, c, draw.CircleGlyph{}
			p.Add(line, dots)
			p.Legend.Add(string(who), line, dots)
		}
		if err := p.Save(20*vg.Centimeter, 12*vg.Centimeter, filepath.Join(dir, begin+"-"+string(k)+".svg")); err != nil {
			return nil, err
		}
	}
	return kinds, nil
}

// plotRatios draws a bar for each pair that has a ratio.
func plotRatios(file string, cells []*outcome) error {
	type bar struct {
		name  string
		ratio float64
	}
	var all []bar
	for _, o := range cells {
		for _, f := range o.Peers {
			if f.Ratio != nil && o.Grows == 0 && !strings.HasPrefix(o.Cell, "stream/") && !strings.HasPrefix(o.Cell, "intervals/") && !strings.HasPrefix(o.Cell, "sizes/") {
				all = append(all, bar{o.Cell + " : " + string(f.Peer), f.Ratio[0]})
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.Reverse(all) // the first at the top
	p := plot.New()
	p.Title.Text = "times as fast as the peer (line: as fast)"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.X.Min, p.X.Max = 0.1, 10
	var names []string
	for i, f := range all {
		names = append(names, f.name)
		p.X.Min, p.X.Max = min(p.X.Min, f.ratio), max(p.X.Max, f.ratio)
		line, err := plotter.NewLine(plotter.XYs{{X: 1, Y: float64(i)}, {X: f.ratio, Y: float64(i)}})
		if err != nil {
			return err
		}
		line.Width, line.Color = vg.Points(7), dark
		if f.ratio < 1 {
			line.Color = light
		}
		p.Add(line)
	}
	even, err := plotter.NewLine(plotter.XYs{{X: 1, Y: -0.5}, {X: 1, Y: float64(len(all)) - 0.5}})
	if err != nil {
		return err
	}
	p.Add(even)
	p.NominalY(names...)
	return p.Save(22*vg.Centimeter, vg.Length(len(all))*0.5*vg.Centimeter+3*vg.Centimeter, file)
}

// plotGrowth draws a curve of each thing that grows and returns their names.
func plotGrowth(dir string, cells []*outcome) (names []string, err error) {
	points := map[string]plotter.XYs{}
	units := map[string]string{}
	for _, o := range cells {
		if o.Grows == 0 {
			continue
		}
		name := thing(o.Cell)
		if points[name] == nil {
			names = append(names, name)
		}
		units[name] = o.Unit
		points[name] = append(points[name], plotter.XY{X: float64(o.Grows), Y: 1e6 / o.Peers[0].Rate})
	}
	for _, name := range names {
		p := plot.New()
		p.Title.Text = units[name]
		p.X.Label.Text, p.Y.Label.Text = name, "µs"
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		line, dots, err := plotter.NewLinePoints(points[name])
		if err != nil {
			return nil, err
		}
		p.X.Max = 1.3 * points[name][len(points[name])-1].X // room for its label
		line.Color, line.Width, dots.Color = dark, vg.Points(1.5), dark
		p.Add(plotter.NewGrid(), line, dots)
		if err := p.Save(16*vg.Centimeter, 9*vg.Centimeter, filepath.Join(dir, "growth-"+name+".svg")); err != nil {
			return nil, err
		}
	}
	return names, nil
}
