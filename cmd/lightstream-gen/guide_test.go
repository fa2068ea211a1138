package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a block of code in a document.
var block = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// TestGuides does what the guides show, from the first block to the last: a file that is named in a comment on its first line is
// written with all of the block, a command run and what it prints compared, and a lock compared with the one that is there.
func TestGuides(t *testing.T) {
	for _, name := range []string{"tables", "evolution"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("../../docs/guide/" + name + ".md")
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			commands := 0
			for _, m := range block.FindAllStringSubmatch(string(text), -1) {
				switch kind, text := m[1], m[2]; kind {
				case "go", "fbs":
					line, _, _ := strings.Cut(text, "\n")
					file, ok := strings.CutPrefix(line, "// ")
					if !ok {
						t.Fatalf("a block of %s without the name of its file:\n%s", kind, text)
					}
					if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
						t.Fatal(err)
					}
					write(t, file, text)
				case "console":
					line, want, _ := strings.Cut(text, "\n")
					args := strings.Fields(strings.TrimPrefix(line, "$ go tool lightstream-gen"))
					var out bytes.Buffer
					run(args, &out, &out)
					if got := out.String(); got != want {
						t.Errorf("%s\nprints\n%s\nwant\n%s", line, got, want)
					}
					commands++
				case "text":
					if _, err := os.Stat("lightstream.schema.lock"); err != nil {
						run(nil, os.Stdout, os.Stderr)
					}
					lock, err := os.ReadFile("lightstream.schema.lock")
					if err != nil || string(lock) != text {
						t.Errorf("the lock is, with %v,\n%s\nwant\n%s", err, lock, text)
					}
				case "python": // which wants pyarrow
				default:
					t.Errorf("a block of %s, which nobody checks", kind)
				}
			}
			if commands < 2 {
				t.Errorf("%d commands were run", commands)
			}
		})
	}
}
