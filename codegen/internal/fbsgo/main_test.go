package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const repository = "../../.."

// generateLines finds the go:generate lines that run this program: the arguments, by the directory they run in.
func generateLines(t *testing.T, dirs ...string) map[string][]string {
	t.Helper()
	line := regexp.MustCompile(`(?m)^//go:generate go run \S*/fbsgo (.*)$`)
	found := map[string][]string{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if m := line.FindSubmatch(src); m != nil {
				found[dir] = strings.Fields(string(m[1]))
			}
		}
		if found[dir] == nil {
			t.Fatalf("no go:generate line for this program in %s", dir)
		}
	}
	return found
}

// TestGenerated runs the go:generate lines again: they write what is there, and there is nothing else.
func TestGenerated(t *testing.T) {
	for dir, args := range generateLines(t, repository, "../sample", "../reflection") {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			s, err := parseArgs(args, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			files, err := generate(s)
			if err != nil {
				t.Fatal(err)
			}
			existing, err := filepath.Glob(filepath.Join(s.dir, "*_fb.go"))
			if err != nil {
				t.Fatal(err)
			}
			if len(existing) != len(files) || len(files) == 0 {
				t.Errorf("%d files are there, %d are written", len(existing), len(files))
			}
			for name, data := range files {
				got, err := os.ReadFile(filepath.Join(s.dir, name))
				if err != nil {
					t.Error(err)
				} else if !bytes.Equal(got, data) {
					t.Errorf("%s is stale; run: go generate", name)
				}
			}
			if err := run(append([]string{"-check"}, args...), io.Discard); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFirstStage copies what the first go:generate line needs, and nothing that is generated, and runs it.
func TestFirstStage(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles a program")
	}
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "lightstream.go", "schema", "codegen/fbs", "codegen/fbsgen", "codegen/internal/fbsgo", "codegen/internal/output", "internal/newfile"} {
		copyTo(t, filepath.Join(repository, name), filepath.Join(dir, name))
	}
	cmd := exec.Command("go", "generate", "-run", "fbsgo", ".") // not the line of the kernels, which need nothing of this
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := filepath.Glob(filepath.Join(repository, "gen/arrowfb/*"))
	if err != nil || len(want) == 0 {
		t.Fatal("nothing in gen/arrowfb", err)
	}
	written, err := filepath.Glob(filepath.Join(dir, "gen/arrowfb/*"))
	if err != nil || len(written) != len(want) {
		t.Errorf("%d files written, want %d", len(written), len(want))
	}
	for _, name := range want {
		w, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "gen/arrowfb", filepath.Base(name)))
		if err != nil || !bytes.Equal(got, w) {
			t.Errorf("%s differs: %v", filepath.Base(name), err)
		}
	}
}

// copyTo copies a file or a directory, but no tests.
func copyTo(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir() && d.Name() == "testdata":
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(target, 0o777)
		case strings.HasSuffix(path, "_test.go"):
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFailureKeepsFiles runs on a schema that is wrong, over files that are there.
func TestFailureKeepsFiles(t *testing.T) {
	dir := t.TempDir()
	schema, out := filepath.Join(dir, "a.fbs"), filepath.Join(dir, "a")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(schema, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("table T { x: int; } root_type T;")
	if err := run([]string{"-o", out, schema}, io.Discard); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(out, "a_fb.go"))
	if err != nil {
		t.Fatal(err)
	}
	write("table T { x: intt; }")
	want := schema + `:1:14: unknown type "intt"; want int`
	if err := run([]string{"-o", out, schema}, io.Discard); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	after, err := os.ReadFile(filepath.Join(out, "a_fb.go"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file changed: %v", err)
	}
	write("table T { x: long; } root_type T;")
	if err := run([]string{"-check", "-o", out, schema}, io.Discard); err == nil || !strings.Contains(err.Error(), "stale") {
		t.Errorf("got %v for stale files", err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"-o", "x"}, {"a.fbs"}, {"-nothing"}, {"-o", "x", "-doc", "missing.txt", repository + "/schema/Schema.fbs"}} {
		if err := run(args, io.Discard); err == nil {
			t.Errorf("no error for %q", args)
		}
	}
}
