//go:build ignore

// Gotest is go test with little to read and something to count: a line for each package, what failed tests have printed, and
// how many passed.
//
//	go run .ci/gotest.go [arguments of go test]
//
// It fails where go test does, and when no test ran. It appends "passed failed skipped" to the file named by $GOTEST_COUNTS.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// event is a line of go test -json.
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

func main() {
	cmd := exec.Command("go", append([]string{"test", "-json"}, os.Args[1:]...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	check(err)
	check(cmd.Start())

	var passed, failed, skipped int
	reasons := make(map[string]int)                // of those that were skipped
	output := make(map[[2]string]*strings.Builder) // by package and test, until it has ended
	said := func(b *strings.Builder) string {
		if b == nil {
			return ""
		}
		return b.String()
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				os.Stdout.Write(line) // of the go command itself
				continue
			}
			key := [2]string{e.Package, e.Test}
			switch e.Action {
			case "build-output":
				fmt.Print(e.Output)
			case "output":
				if strings.HasPrefix(e.Output, "=== ") {
					break
				}
				if output[key] == nil {
					output[key] = new(strings.Builder)
				}
				output[key].WriteString(e.Output)
			case "pass", "fail", "skip":
				text := output[key]
				delete(output, key)
				switch {
				case e.Action == "fail":
					failed++
					fmt.Print(said(text))
				case e.Test == "":
					fmt.Printf("%-4s %s %.1fs\n", e.Action, e.Package, e.Elapsed)
				case e.Action == "pass":
					passed++
				default:
					skipped++
					reasons[reason(said(text))]++
				}
			}
		}
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	if err != nil {
		for _, text := range output { // a package that died takes its tests along
			fmt.Print(text)
		}
		failed = max(failed, 1)
	}
	for _, r := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Printf("skip %d: %s\n", reasons[r], r)
	}
	fmt.Printf("%d passed, %d failed, %d skipped: go test %s\n", passed, failed, skipped, strings.Join(os.Args[1:], " "))
	if name := os.Getenv("GOTEST_COUNTS"); name != "" {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
		check(err)
		_, err = fmt.Fprintln(f, passed, failed, skipped)
		check(err)
		check(f.Close())
	}
	switch {
	case err != nil:
		os.Exit(1)
	case passed == 0:
		check(fmt.Errorf("no test ran"))
	}
}

// reason is what a skipped test has said, without the place.
func reason(output string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(output), "\n")
	if _, text, ok := strings.Cut(line, ".go:"); ok {
		_, line, _ = strings.Cut(text, ": ")
	}
	return line
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(1)
	}
}
