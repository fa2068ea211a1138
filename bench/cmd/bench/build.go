package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// buildCells build a program that receives a stream over TCP and adds up a column of it, with this project and with arrow-go.
func buildCells() []*cell {
	packages := map[peer]string{ours: "./cmd/programs/typed", arrowGo: "./cmd/programs/arrowgo"}
	build := func(p peer, dir string, env ...string) (took time.Duration, used time.Duration, size int64, err error) {
		name := filepath.Join(dir, "program")
		cmd := exec.Command("go", "build", "-trimpath", "-o", name, packages[p])
		cmd.Env = append(os.Environ(), env...)
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return 0, 0, 0, fmt.Errorf("%w: %s", err, out)
		}
		took = time.Since(began)
		info, err := os.Stat(name)
		if err != nil {
			return 0, 0, 0, err
		}
		return took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), info.Size(), os.Remove(name)
	}
	in := func(run func(p peer, dir string) (sample, error)) func() (runner, error) {
		return func() (runner, error) {
			return func(p peer, _ time.Duration) (sample, error) {
				dir, err := os.MkdirTemp("", "bench")
				if err != nil {
					return sample{}, err
				}
				defer os.RemoveAll(dir)
				return run(p, dir)
			}, nil
		}
	}
	pair := []peer{ours, arrowGo}
	return []*cell{
		{
			name: "build/size", time: 500 * time.Millisecond, peers: pair, goals: map[peer]float64{arrowGo: 2}, rounds: 1, cold: true,
			show: func(rate float64) string { return fmt.Sprintf("%.2f MB", 1/rate/1e6) },
			start: in(func(p peer, dir string) (sample, error) {
				_, _, size, err := build(p, dir)
				return sample{rate: 1 / float64(size)}, err
			}),
		},
		{
			name: "build/cold", time: 2 * time.Second, peers: pair, goals: map[peer]float64{arrowGo: 2}, rounds: 3, cold: true, setup: 2 * time.Minute,
			show: func(rate float64) string { return fmt.Sprintf("%.1f s", 1/rate) },
			start: in(func(p peer, dir string) (sample, error) {
				took, used, _, err := build(p, dir, "GOCACHE="+filepath.Join(dir, "cache"))
				return sample{rate: 1 / took.Seconds(), cpu: used.Seconds()}, err
			}),
		},
	}
}
