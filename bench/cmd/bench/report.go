package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// A report is benchmarks.md, and in a directory of that name results.json and plots: ratios.svg, and one of each thing that grows.

// figures are what results.json has of one peer of a cell: medians of the rounds.
type figures struct {
	Cell        string    `json:"cell"`
	Peer        peer      `json:"peer"`
	Rate        float64   `json:"rate"`        // per second: batches, or rows where the cell counts these
	CPU         float64   `json:"cpu"`         // seconds per batch
	Allocations float64   `json:"allocations"` // per batch
	Ratio       []float64 `json:"ratio,omitempty"`
	CPURatio    float64   `json:"cpuRatio,omitempty"`
	Goal        float64   `json:"goal,omitempty"`
	Quantiles   []float64 `json:"quantiles,omitempty"` // seconds: p50, p99, p99.9
	Bytes       float64   `json:"bytes,omitempty"`     // of a connection
}

// figures returns those of each peer. The ratio is of the first peer to this one: median, first and third quartile.
func (r *result) figures() (list []figures) {
	c := r.cell
	for i, p := range c.peers {
		f := figures{
			Cell: c.name, Peer: p,
			Rate:        r.median(p, func(s sample) float64 { return s.rate }),
			CPU:         r.median(p, func(s sample) float64 { return s.cpu }),
			Allocations: math.Round(10*r.median(p, func(s sample) float64 { return s.allocs })) / 10,
			Bytes:       r.median(p, func(s sample) float64 { return s.bytes }),
		}
		for q := range r.samples[p][0].quantiles {
			f.Quantiles = append(f.Quantiles, r.median(p, func(s sample) float64 { return s.quantiles[q] }))
		}
		if i > 0 {
			rates := r.ratios(p, func(a, b sample) float64 { return a.rate / b.rate })
			n := len(rates)
			f.Ratio = []float64{middle(rates), rates[n/4], rates[n-1-n/4]}
			f.CPURatio = middle(r.ratios(p, func(a, b sample) float64 { return b.cpu / a.cpu }))
			f.Goal = c.goals[p]
		}
		list = append(list, f)
	}
	return list
}

func writeReport(dir string, results []*result) error {
	plots := filepath.Join(dir, "benchmarks")
	if err := os.MkdirAll(plots, 0o777); err != nil {
		return err
	}
	var all []figures
	for _, r := range results {
		all = append(all, r.figures()...)
	}
	text, err := json.MarshalIndent(struct {
		Machine string    `json:"machine"`
		Rounds  int       `json:"rounds"`
		Results []figures `json:"results"`
	}{machine(), set.runs, all}, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(plots, "results.json"), append(text, '\n'), 0o666); err != nil {
		return err
	}
	if err := plotRatios(filepath.Join(plots, "ratios.svg"), all); err != nil {
		return err
	}
	grown, err := plotGrowth(plots, results)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "benchmarks.md"), markdown(results, all, grown), 0o666)
}

func markdown(results []*result, all []figures, grown []string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Benchmarks\n\nWritten by `make bench-all`, and not by hand; what each cell measures stands in [bench/README.md](../bench/README.md).\n\n")
	fmt.Fprintf(&b, "%s.\n\n", machine())
	fmt.Fprintf(&b, "Medians of %d rounds, in which the peers of a cell take turns. A ratio is that of the pairs of a round, lightstream (or what stands\n", set.runs)
	fmt.Fprintf(&b, "first) to the peer, above 1 where it is faster: median (quartiles). *by cpu* is the same of processor time, both ends and collector\n")
	fmt.Fprintf(&b, "included. Where a goal is missed, or a peer is ahead, the line says so.\n\n")
	fmt.Fprintf(&b, "![Ratios](benchmarks/ratios.svg)\n\n")
	fmt.Fprintf(&b, "| cell | peer | speed | cpu | allocations | ratio | by cpu | goal |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |\n")
	at := 0
	for _, r := range results {
		for range r.cell.peers {
			f := all[at]
			at++
			if r.cell.grows != 0 {
				continue
			}
			name, ratio, cpu := "", "", ""
			if f.Ratio == nil {
				name = "`" + f.Cell + "`"
			} else {
				ratio = fmt.Sprintf("%.2f (%.2f–%.2f)", f.Ratio[0], f.Ratio[1], f.Ratio[2])
				cpu = fmt.Sprintf("%.2f", f.CPURatio)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", name, f.Peer, r.cell.show(f.Rate), showTime(f.CPU), trim(f.Allocations), ratio, cpu, verdict(f))
		}
	}
	if quantiles := quantileRows(all, false); len(quantiles) > 0 {
		fmt.Fprintf(&b, "\n## How long one takes\n\nThe collector runs.\n\n| cell | peer | p50 | p99 | p99.9 |\n| --- | --- | ---: | ---: | ---: |\n%s", strings.Join(quantiles, ""))
	}
	if len(grown) > 0 {
		fmt.Fprintf(&b, "\n## How costs grow\n")
		for _, name := range grown {
			fmt.Fprintf(&b, "\n### %s\n\n![%s](benchmarks/growth-%s.svg)\n\n", name, name, name)
			growthTable(&b, name, results, all)
		}
	}
	return b.Bytes()
}

func verdict(f figures) string {
	switch {
	case f.Goal != 0 && f.Ratio[0] < f.Goal:
		return fmt.Sprintf("≥ %.1f, missed", f.Goal)
	case f.Goal != 0:
		return fmt.Sprintf("≥ %.1f", f.Goal)
	case f.Ratio != nil && f.Ratio[2] < 1:
		return "behind"
	}
	return ""
}

func trim(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") }

func quantileRows(all []figures, growing bool) (rows []string) {
	for _, f := range all {
		if f.Quantiles == nil || strings.HasPrefix(f.Cell, "growth/") != growing {
			continue
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", f.Cell, f.Peer, showTime(f.Quantiles[0]), showTime(f.Quantiles[1]), showTime(f.Quantiles[2])))
	}
	return rows
}

// thing returns what grows in a cell.
func thing(c *cell) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(c.name, "growth/"), "=")
	return name
}

func growthTable(b *bytes.Buffer, name string, results []*result, all []figures) {
	first := true
	at := 0
	for _, r := range results {
		f := all[at]
		at += len(r.cell.peers)
		if r.cell.grows == 0 || thing(r.cell) != name {
			continue
		}
		if first {
			fmt.Fprintf(b, "%s.\n\n| %s | time | p99 | memory of one | allocations |\n| ---: | ---: | ---: | ---: | ---: |\n", strings.ToUpper(r.cell.unit[:1])+r.cell.unit[1:], name)
			first = false
		}
		p99, memory := "", ""
		if f.Quantiles != nil {
			p99 = showTime(f.Quantiles[1])
		}
		if f.Bytes != 0 {
			memory = fmt.Sprintf("%.1f KiB", f.Bytes/1024)
		}
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s |\n", r.cell.grows, showTime(1/f.Rate), p99, memory, trim(f.Allocations))
	}
}

var (
	dark  = color.RGBA{0x1f, 0x4e, 0x79, 0xff}
	light = color.RGBA{0xb0, 0xb0, 0xb0, 0xff}
)

// plotRatios draws a bar for each pair that has a ratio.
func plotRatios(file string, all []figures) error {
	all = slices.DeleteFunc(slices.Clone(all), func(f figures) bool { return f.Ratio == nil })
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
		names = append(names, f.Cell+" : "+string(f.Peer))
		p.X.Min, p.X.Max = min(p.X.Min, f.Ratio[0]), max(p.X.Max, f.Ratio[0])
		bar, err := plotter.NewLine(plotter.XYs{{X: 1, Y: float64(i)}, {X: f.Ratio[0], Y: float64(i)}})
		if err != nil {
			return err
		}
		bar.Width, bar.Color = vg.Points(7), dark
		if f.Ratio[0] < 1 {
			bar.Color = light
		}
		p.Add(bar)
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
func plotGrowth(dir string, results []*result) (names []string, err error) {
	points := map[string]plotter.XYs{}
	units := map[string]string{}
	for _, r := range results {
		if r.cell.grows == 0 {
			continue
		}
		name := thing(r.cell)
		if points[name] == nil {
			names = append(names, name)
		}
		units[name] = r.cell.unit
		rate := r.median(r.cell.peers[0], func(s sample) float64 { return s.rate })
		points[name] = append(points[name], plotter.XY{X: float64(r.cell.grows), Y: 1e6 / rate})
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
