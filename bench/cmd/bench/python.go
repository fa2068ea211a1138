package main

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

//go:embed files.py
var filesPy string

// pythonCommand returns files.py with arguments.
func pythonCommand(args ...any) *exec.Cmd {
	cmd := exec.Command(set.python, "-c", filesPy)
	for _, a := range args {
		cmd.Args = append(cmd.Args, fmt.Sprint(a))
	}
	cmd.Stderr = os.Stderr
	return cmd
}

// runPython runs files.py to its end.
func runPython(args ...any) error {
	if err := pythonCommand(args...).Run(); err != nil {
		return fmt.Errorf("%s: %w", set.python, err)
	}
	return nil
}

// python is a process of files.py, which ends with its standard input, and so with this process.
type python struct {
	in  io.Writer
	out *bufio.Reader
}

func startPython(args ...any) (*python, error) {
	cmd := pythonCommand(args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &python{in, bufio.NewReader(out)}, cmd.Start()
}

func (p *python) run(d time.Duration) (sample, error) {
	if _, err := fmt.Fprintln(p.in, d.Seconds()); err != nil {
		return sample{}, err
	}
	var n, took, cpu float64
	if _, err := fmt.Fscanln(p.out, &n, &took, &cpu); err != nil || n == 0 {
		return sample{}, errors.Join(errors.New("pyarrow says nothing"), err)
	}
	return sample{rate: n / took, cpu: cpu / n}, nil
}
