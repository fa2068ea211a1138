package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// results are what results.json has: all that the report is made of. Each cell is added when it is finished, so that a run that was
// broken off goes on where it was.
type results struct {
	Machine  string            `json:"machine"`
	Versions map[string]string `json:"versions"`
	Cells    []*outcome        `json:"cells"`
}

// outcome is what the rounds of a cell gave.
type outcome struct {
	Cell   string    `json:"cell"`
	Date   string    `json:"date"`
	Commit string    `json:"commit,omitempty"` // that was measured, with a + behind it where files were changed; not known of older ones
	Load   *float64  `json:"load,omitempty"`   // average of a minute when the cell began, what ran before it here included; nil where not known
	Rounds int       `json:"rounds"`
	Time   float64   `json:"time"` // seconds of a run
	Grows  int       `json:"grows,omitempty"`
	Unit   string    `json:"unit,omitempty"`
	Rows   int       `json:"rows,omitempty"`  // of a batch
	Bytes  float64   `json:"bytes,omitempty"` // of its values: live buffers, without padding and metadata
	Peers  []figures `json:"peers"`
}

// figures are those of one peer: medians of the rounds. Ratios are those of the first peer to this one.
type figures struct {
	Peer        peer      `json:"peer"`
	Failed      string    `json:"failed,omitempty"` // why there are none
	Speed       string    `json:"speed,omitempty"`  // the rate as it is shown
	Rate        float64   `json:"rate,omitempty"`   // per second: batches, or rows where the cell counts these
	CPU         float64   `json:"cpu,omitempty"`    // seconds per batch
	Allocations float64   `json:"allocations"`      // per batch, of programs in Go
	Memory      float64   `json:"memory,omitempty"` // bytes that the receiver has had at most
	Ratio       []float64 `json:"ratio,omitempty"`  // median, first and third quartile
	CPURatio    float64   `json:"cpuRatio,omitempty"`
	Goal        float64   `json:"goal,omitempty"`
	CPUGoal     float64   `json:"cpuGoal,omitempty"`
	Quantiles   []float64 `json:"quantiles,omitempty"`     // seconds: p50, p99, p99.9
	OfQuantiles []float64 `json:"quantileRatio,omitempty"` // the first's to this one's
	Intervals   int64     `json:"intervals,omitempty"`     // between batches at the receiver, of all rounds, where these are the quantiles
	Bytes       float64   `json:"bytes,omitempty"`         // of a connection
}

func (r *result) outcome(d time.Duration, rounds int) *outcome {
	c := r.cell
	o := &outcome{Cell: c.name, Date: time.Now().UTC().Format(time.DateTime), Commit: commit(), Rounds: rounds, Time: d.Seconds(), Grows: c.grows, Unit: c.unit, Rows: c.rows}
	if c.bytes != nil {
		o.Bytes = c.bytes()
	}
	for i, p := range c.peers {
		f := figures{Peer: p, Failed: r.failed[p]}
		if f.Failed != "" {
			o.Peers = append(o.Peers, f)
			continue
		}
		f.Rate = r.median(p, func(s sample) float64 { return s.rate })
		f.Speed = c.show(f.Rate)
		f.CPU = r.median(p, func(s sample) float64 { return s.cpu })
		f.Allocations = math.Round(10*r.median(p, func(s sample) float64 { return s.allocs })) / 10
		f.Bytes = r.median(p, func(s sample) float64 { return s.bytes })
		for _, s := range r.samples[p] {
			f.Memory = max(f.Memory, s.peak)
		}
		for q := range r.samples[p][0].quantiles {
			f.Quantiles = append(f.Quantiles, r.median(p, func(s sample) float64 { return s.quantiles[q] }))
			if i > 0 {
				f.OfQuantiles = append(f.OfQuantiles, middle(r.ratios(p, func(a, b sample) float64 { return a.quantiles[q] / b.quantiles[q] })))
			}
		}
		if n, list := r.gaps(p); n != 0 {
			f.Intervals, f.Quantiles = n, list
			if i > 0 {
				for q := range min(len(list), len(o.Peers[0].Quantiles)) {
					f.OfQuantiles = append(f.OfQuantiles, o.Peers[0].Quantiles[q]/list[q])
				}
			}
		}
		if i > 0 {
			rates := r.ratios(p, func(a, b sample) float64 { return a.rate / b.rate })
			n := len(rates)
			f.Ratio = []float64{middle(rates), rates[n/4], rates[n-1-n/4]}
			if cpu := middle(r.ratios(p, func(a, b sample) float64 { return b.cpu / a.cpu })); !math.IsInf(cpu, 0) && !math.IsNaN(cpu) {
				f.CPURatio = cpu
			}
			f.Goal, f.CPUGoal = c.goals[p], c.cpu[p]
		}
		o.Peers = append(o.Peers, f)
	}
	return o
}

// gaps returns how many intervals the receiver of a peer has kept in all rounds, and their quantiles.
func (r *result) gaps(p peer) (n int64, list []float64) {
	var h intervals
	for _, s := range r.samples[p] {
		h.take(s.gaps)
	}
	return h.quantiles()
}

// commit returns what this program was built from: what the build has noted, which go run does not, or what git says of this directory.
var commit = sync.OnceValue(func() string {
	of, changed := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				of = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = "+"
			}
		}
	}
	if of == "" {
		text, err := exec.Command("git", "rev-parse", "HEAD").Output()
		if err != nil {
			return ""
		}
		of = strings.TrimSpace(string(text))
		// Results are written while the others are measured, and are no change of what is.
		if text, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)docs").Output(); err == nil && len(text) > 0 {
			changed = "+"
		}
	}
	return of[:min(12, len(of))] + changed
})

// load1 returns the load average of the last minute, where the system says.
func load1() *float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return nil
	}
	return loadOf(string(text))
}

func loadOf(text string) *float64 {
	first, _, _ := strings.Cut(text, " ")
	v, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return nil
	}
	return &v
}

func resultsFile(dir string) string { return filepath.Join(dir, "benchmarks", "results.json") }

// read reads the results that are there, which must be of the same machine and versions.
func (r *results) read(dir string) error {
	text, err := os.ReadFile(resultsFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var old results
	if err := json.Unmarshal(text, &old); err != nil {
		return fmt.Errorf("%s: %w", resultsFile(dir), err)
	}
	if old.Machine != r.Machine {
		return fmt.Errorf("%s has results of another machine (%s): -fresh begins anew", resultsFile(dir), old.Machine)
	}
	for name, v := range old.Versions {
		if now := r.Versions[name]; now != "" && now != v {
			return fmt.Errorf("%s has results with %s %s, and this is %s: -fresh begins anew", resultsFile(dir), name, v, now)
		}
	}
	merged := map[string]string{}
	maps.Copy(merged, old.Versions)
	maps.Copy(merged, r.Versions)
	r.Versions, r.Cells = merged, old.Cells
	return nil
}

func (r *results) has(cell string) bool { return r.cell(cell) != nil }

func (r *results) cell(name string) *outcome {
	i := slices.IndexFunc(r.Cells, func(o *outcome) bool { return o.Cell == name })
	if i < 0 {
		return nil
	}
	return r.Cells[i]
}

// of returns what a peer did in a cell, or nil.
func (r *results) of(cell string, p peer) *figures {
	o := r.cell(cell)
	if o == nil {
		return nil
	}
	for i := range o.Peers {
		if f := &o.Peers[i]; f.Peer == p && f.Failed == "" {
			return f
		}
	}
	return nil
}

// write writes the file anew, whole or not at all.
func (r *results) write(dir string) error {
	name := resultsFile(dir)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", append(text, '\n'), 0o666); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
