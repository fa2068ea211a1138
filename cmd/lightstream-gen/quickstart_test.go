package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestQuickstart does what docs/guide/quickstart.md says, with a port that is free.
func TestQuickstart(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	text, err := os.ReadFile("../../docs/guide/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	guide := strings.ReplaceAll(string(text), `"localhost:9000"`, `"localhost:`+port+`"`)

	dir := t.TempDir()
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var receive *exec.Cmd
	var lines *bufio.Scanner
	var want []string
	ran := 0
	for _, m := range block.FindAllStringSubmatch(guide, -1) {
		switch kind, text := m[1], m[2]; kind {
		case "go":
			name, _, _ := strings.Cut(strings.TrimPrefix(text, "// "), "\n")
			name = filepath.Join(dir, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
				t.Fatal(err)
			}
			write(t, name, text)
		case "python":
		case "console":
			commands := strings.Split(strings.TrimSpace(text), "\n")
			for i, line := range commands {
				args := strings.Fields(strings.TrimPrefix(line, "$ go "))
				ran++
				if args[0] == "run" { // build, so that what is ended is the program
					bin := filepath.Join(t.TempDir(), "program.exe")
					goTool(t, dir, "build", "-o", bin, args[1])
					cmd := exec.CommandContext(t.Context(), bin)
					if args[1] == "./send" {
						runCommand(t, cmd)
						continue
					}
					receive, want = cmd, commands[i+1:]
					cmd.Stderr = os.Stderr
					out, err := cmd.StdoutPipe()
					if err != nil {
						t.Fatal(err)
					}
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					lines = bufio.NewScanner(out)
					if !lines.Scan() || lines.Text() != want[0] {
						t.Fatalf("%q, want %q", lines.Text(), want[0])
					}
					break
				}
				goTool(t, dir, args...)
				if args[0] == "mod" && args[1] == "init" {
					goTool(t, dir, "mod", "edit", "-require="+modulePath+"@v0.0.0", "-replace="+modulePath+"="+checkout)
				}
			}
		default:
			t.Errorf("a block of %s, which nobody checks", kind)
		}
	}
	if receive == nil || ran != 6 {
		t.Fatalf("%d commands were run", ran)
	}
	for _, line := range want[1:] {
		if !lines.Scan() || lines.Text() != line {
			t.Errorf("%q, want %q", lines.Text(), line)
		}
	}
	if err := receive.Wait(); err != nil {
		t.Error(err)
	}
}
