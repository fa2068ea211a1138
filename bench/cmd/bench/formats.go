package main

import (
	stdjson "encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	gojson "github.com/goccy/go-json"

	"github.com/lightstream-go/lightstream/bench/internal/formats"
	"github.com/lightstream-go/lightstream/formats/parquet"
)

const (
	encodingCSV  peer = "encoding/csv" // with strconv
	encodingJSON peer = "encoding/json"
	goJSON       peer = "go-json"
	polars       peer = "polars"
)

// textOf makes the reference batch once.
var textOf = sync.OnceValues(formats.TextOf)

// formatCells read and print the reference batch as text, and batches as Parquet, in memory and on one processor. Speed, processor time and
// allocations are of a row.
func formatCells() []*cell {
	text := func(name string, peers []peer, goals map[peer]float64, calls func(t *formats.Text) map[peer]func() error) *cell {
		return &cell{
			name: "text/" + name, time: 200 * time.Millisecond, peers: peers, goals: goals, show: showRows, setup: 8 * time.Second,
			start: func() (runner, error) {
				t, err := textOf()
				if err != nil {
					return nil, err
				}
				return onOneCore(formats.TextRows, calls(t), inPython(t.Fields)), nil
			},
		}
	}
	csvPeers, csvGoals := []peer{ours, encodingCSV, arrowGo}, map[peer]float64{encodingCSV: 3, arrowGo: 5}
	jsonPeers, jsonGoals := []peer{ours, encodingJSON, goJSON}, map[peer]float64{encodingJSON: 4, goJSON: 1}
	list := []*cell{
		text("csv/read", csvPeers, csvGoals, func(t *formats.Text) map[peer]func() error {
			var c formats.Columns
			return map[peer]func() error{
				ours:        func() error { return formats.ReadCSV(t.Fields, 1, nil) },
				encodingCSV: func() error { return c.ReadCSV(t.Fields) },
				arrowGo:     func() error { return formats.ArrowReadCSV(t.Fields, true) },
			}
		}),
		text("csv/read/untyped", []peer{ours, arrowGo, pyarrow, polars}, map[peer]float64{arrowGo: 3}, func(t *formats.Text) map[peer]func() error {
			return map[peer]func() error{
				ours:    func() error { return formats.ReadCSVUntyped(t.Fields, 1, nil) },
				arrowGo: func() error { return formats.ArrowReadCSV(t.Fields, false) },
			}
		}),
		text("csv/print", csvPeers, csvGoals, func(t *formats.Text) map[peer]func() error {
			return map[peer]func() error{
				ours:        func() error { return t.WriteCSV(io.Discard) },
				encodingCSV: func() error { return t.StandardWriteCSV(io.Discard) },
				arrowGo:     func() error { return t.ArrowWriteCSV(io.Discard) },
			}
		}),
		text("ndjson/read", jsonPeers, jsonGoals, func(t *formats.Text) map[peer]func() error {
			return map[peer]func() error{
				ours:         func() error { return formats.ReadNDJSON(t.Lines, nil) },
				encodingJSON: func() error { return formats.ReadLines(t.Lines, stdjson.Unmarshal, nil) },
				goJSON:       func() error { return formats.ReadLines(t.Lines, gojson.Unmarshal, nil) },
			}
		}),
		text("ndjson/print", jsonPeers, jsonGoals, func(t *formats.Text) map[peer]func() error {
			return map[peer]func() error{
				ours:         func() error { return t.WriteNDJSON(io.Discard) },
				encodingJSON: func() error { return t.WriteLines(stdjson.NewEncoder(io.Discard)) },
				goJSON:       func() error { return t.WriteLines(gojson.NewEncoder(io.Discard)) },
			}
		}),
	}
	for _, data := range []struct {
		name string
		of   func(parquet.Compression) (*formats.Parquet, error)
	}{
		{"mixed", func(c parquet.Compression) (*formats.Parquet, error) {
			return formats.ParquetSample(formats.TextRows, c)
		}},
		{"flights", func(c parquet.Compression) (*formats.Parquet, error) { return formats.ParquetFlights(set.flights, c) }},
	} {
		for _, codec := range []struct {
			name string
			of   parquet.Compression
		}{{"snappy", parquet.Snappy}, {"zstd", parquet.ZSTD}} {
			of := sync.OnceValues(func() (*formats.Parquet, error) { return data.of(codec.of) })
			for _, read := range []bool{true, false} {
				name := map[bool]string{true: "read", false: "write"}[read]
				list = append(list, &cell{
					name: "parquet/" + name + "/" + data.name + "/" + codec.name, time: 200 * time.Millisecond, peers: []peer{ours, arrowGo},
					goals: map[peer]float64{arrowGo: 0.9}, show: showRows, setup: 5 * time.Second,
					start: func() (runner, error) {
						p, err := of()
						if err != nil {
							return nil, err
						}
						calls := map[peer]func() error{
							ours: func() error { return p.Write(io.Discard) }, arrowGo: func() error { return p.ArrowWrite(io.Discard) },
						}
						if read {
							calls = map[peer]func() error{ours: p.Read, arrowGo: p.ArrowRead}
						}
						return onOneCore(p.Rows, calls, nil), nil
					},
				})
			}
		}
	}
	return list
}

// onOneCore runs calls in this process, on one processor, and other peers as they run. The sample is of one of the rows of a call.
func onOneCore(rows int, calls map[peer]func() error, others runner) runner {
	return func(p peer, d time.Duration) (s sample, err error) {
		if call := calls[p]; call != nil {
			procs := runtime.GOMAXPROCS(1)
			s, err = repeat(call, d)
			runtime.GOMAXPROCS(procs)
		} else {
			s, err = others(p, d)
		}
		n := float64(rows)
		s.rate, s.cpu, s.allocs = s.rate*n, s.cpu/n, s.allocs/n
		return s, err
	}
}

// inPython reads CSV with libraries that are used from Python, each in a process of its own and in one thread.
func inPython(text []byte) runner {
	running, dir := map[peer]*opener{}, ""
	afterwards(func() error {
		var errs []error
		for _, p := range running {
			errs = append(errs, p.stop())
		}
		if dir != "" {
			errs = append(errs, os.RemoveAll(dir))
		}
		return errors.Join(errs...)
	})
	start := func(p peer) (*opener, error) {
		if why := absent[p]; why != "" {
			return nil, errors.New(why)
		}
		if dir == "" {
			var err error
			if dir, err = os.MkdirTemp("", "bench"); err != nil {
				return nil, err
			}
			if err := os.WriteFile(filepath.Join(dir, "text.csv"), text, 0o666); err != nil {
				return nil, err
			}
		}
		return startOpener(pythonCommand("csv", filepath.Join(dir, "text.csv"), formats.TextRows, string(p)))
	}
	return func(p peer, d time.Duration) (sample, error) {
		if running[p] == nil {
			o, err := start(p)
			if err != nil {
				return sample{}, err
			}
			running[p] = o
		}
		return running[p].run(d)
	}
}
