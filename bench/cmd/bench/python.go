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

// opener is a process that opens a file again and again. It ends with its standard input, and so with this process.
type opener struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// openCommand returns the program with which a peer does so.
func openCommand(p peer, name string, rows int, sum, close bool) (*exec.Cmd, error) {
	if why := absent[p]; why != "" {
		return nil, errors.New(why)
	}
	if p == pyarrow {
		return pythonCommand("open", name, rows, sum, close), nil
	}
	return exec.Command(rustProgram("lightstream-peer"), "open", name, fmt.Sprint(rows), fmt.Sprint(sum), fmt.Sprint(close)), nil
}

func startOpener(cmd *exec.Cmd) (*opener, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &opener{cmd, in, bufio.NewReader(out)}, cmd.Start()
}

func (p *opener) run(d time.Duration) (sample, error) {
	if _, err := fmt.Fprintln(p.in, d.Seconds()); err != nil {
		return sample{}, err
	}
	var n, took, cpu float64
	if _, err := fmt.Fscanln(p.out, &n, &took, &cpu); err != nil || n == 0 {
		return sample{}, errors.Join(errors.New("the process says nothing"), err)
	}
	return sample{rate: n / took, cpu: cpu / n}, nil
}

func (p *opener) stop() error {
	_ = p.in.Close()
	return p.cmd.Wait()
}
