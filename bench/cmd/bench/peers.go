package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// Peers in other languages are programs below bench/peers, which speak as workers do. Cargo builds those in Rust, with the versions of
// Cargo.lock; Python has a virtual environment of its own, with those of requirements.txt.

const (
	arrowGoGC     peer = "arrow-go GOGC=1000"
	arrowRS       peer = "arrow-rs"
	flightRS      peer = "arrow-rs Flight"
	flightPy      peer = "pyarrow Flight"
	lightstreamRS peer = "Rust lightstream"
)

// foreign reports whether a peer is a program in another language.
func foreign(p peer) bool {
	return p == arrowRS || p == flightRS || p == pyarrow || p == flightPy || p == lightstreamRS || p == polars
}

// absent says why peers are not there.
var absent = map[peer]string{}

// versions of what stands beside: by name, as the report has them.
var versions = map[string]string{}

// command returns the program of a peer, which is given its task.
func command(p peer, task string) (*exec.Cmd, error) {
	if !foreign(p) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(self, workerCommand, task)
		if p == arrowGoGC {
			cmd.Env = append(os.Environ(), "GOGC=1000")
		}
		return cmd, nil
	}
	if why := absent[p]; why != "" {
		return nil, errors.New(why)
	}
	switch p {
	case pyarrow, flightPy:
		return exec.Command(set.python, filepath.Join(set.peers, "python", "peer.py"), task), nil
	case lightstreamRS:
		return exec.Command(rustProgram("lightstream-peer"), task), nil
	}
	return exec.Command(rustProgram("arrow-peer"), task), nil
}

func rustProgram(name string) string {
	target := cmp.Or(os.Getenv("CARGO_TARGET_DIR"), filepath.Join(set.peers, "rust", "target"))
	return filepath.Join(target, "release", name)
}

// preparePeers builds what is missing. Peers that cannot be had are absent: their cells say so.
func preparePeers(say func(format string, args ...any)) {
	for _, p := range []peer{arrowRS, flightRS, pyarrow, flightPy, lightstreamRS, polars} {
		absent[p] = "not built: run with -peers"
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			for _, name := range []string{"apache/arrow-go/v18", "coder/websocket", "quic-go/quic-go", "goccy/go-json"} {
				if m.Path == "github.com/"+name {
					versions[strings.TrimSuffix(name[strings.Index(name, "/")+1:], "/v18")] = m.Version
				}
			}
		}
	}
	if set.python != "" {
		if err := installPython(); err != nil {
			absent[pyarrow] = err.Error()
		} else {
			delete(absent, pyarrow)
		}
	}
	if set.peers == "" {
		return
	}
	say("the peers in Rust are built …")
	if err := buildRust(); err != nil {
		for _, p := range []peer{arrowRS, flightRS, lightstreamRS} {
			absent[p] = "not built: " + err.Error()
		}
	} else {
		delete(absent, arrowRS)
		delete(absent, flightRS)
		delete(absent, lightstreamRS)
	}
	say("pyarrow is installed …")
	if err := installPython(); err != nil {
		absent[pyarrow], absent[flightPy] = "not installed: "+err.Error(), "not installed: "+err.Error()
	} else {
		delete(absent, pyarrow)
		delete(absent, flightPy)
	}
	for p, why := range absent {
		say("%s is %s", p, why)
	}
}

func buildRust() error {
	cmd := exec.Command("cargo", "build", "--release", "--locked", "--quiet")
	cmd.Dir = filepath.Join(set.peers, "rust")
	cmd.Env = append(os.Environ(), "RUSTC_BOOTSTRAP=1") // lightstream uses what Rust has not finished
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cargo: %w %s", err, lastLine(out))
	}
	lock, err := os.ReadFile(filepath.Join(set.peers, "rust", "Cargo.lock"))
	if err != nil {
		return err
	}
	for shown, name := range map[string]string{"arrow-rs": "arrow-ipc", "Rust lightstream": "lightstream"} {
		_, rest, _ := strings.Cut(string(lock), "name = \""+name+"\"\nversion = \"")
		versions[shown], _, _ = strings.Cut(rest, `"`)
	}
	out, err := exec.Command("rustc", "--version").Output()
	if f := strings.Fields(string(out)); err == nil && len(f) > 1 {
		versions["rustc"] = f[1]
	}
	return nil
}

func installPython() error {
	if set.python == "" {
		dir := filepath.Join(set.peers, "python")
		if _, err := os.Stat(filepath.Join(dir, ".venv", "bin", "python")); err != nil {
			if out, err := exec.Command("python3", "-m", "venv", filepath.Join(dir, ".venv")).CombinedOutput(); err != nil {
				return fmt.Errorf("python3: %w %s", err, lastLine(out))
			}
		}
		python, err := filepath.Abs(filepath.Join(dir, ".venv", "bin", "python"))
		if err != nil {
			return err
		}
		pip := exec.Command(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", filepath.Join(dir, "requirements.txt"))
		if out, err := pip.CombinedOutput(); err != nil {
			return fmt.Errorf("pip: %w %s", err, lastLine(out))
		}
		set.python = python
	}
	out, err := exec.Command(set.python, "-c", "import platform, pyarrow, pyarrow.flight; print(pyarrow.__version__, platform.python_version())").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w %s", set.python, err, lastLine(out))
	}
	if f := strings.Fields(string(out)); len(f) == 2 {
		versions["pyarrow"], versions["Python"] = f[0], f[1]
	}
	if out, err = exec.Command(set.python, "-c", "import polars; print(polars.__version__)").CombinedOutput(); err != nil {
		absent[polars] = "not installed: " + lastLine(out)
		return nil
	}
	versions["polars"] = lastLine(out)
	delete(absent, polars)
	return nil
}

func lastLine(out []byte) string {
	out = bytes.TrimSpace(out)
	return string(out[bytes.LastIndexByte(out, '\n')+1:])
}
