package output

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestReplace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "dir")
	files := map[string][]byte{"a.go": []byte("a"), "b.go": []byte("b")}
	if err := Check(dir, files); !errors.Is(err, ErrStale) {
		t.Errorf("got %v for files that are missing", err)
	}
	if err := Replace(dir, files); err != nil {
		t.Fatal(err)
	}
	if err := Check(dir, files); err != nil {
		t.Error(err)
	}
	before, err := os.Stat(filepath.Join(dir, "a.go"))
	if err != nil {
		t.Fatal(err)
	}
	files["b.go"] = []byte("b2")
	if err := Check(dir, files); !errors.Is(err, ErrStale) {
		t.Errorf("got %v for a file that is stale", err)
	}
	if err := Replace(dir, files); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "b.go")); err != nil || string(got) != "b2" {
		t.Errorf("got %q, %v", got, err)
	}
	after, err := os.Stat(filepath.Join(dir, "a.go"))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) {
		t.Error("a file with the same bytes was replaced")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("left %v, %v", entries, err)
	}
}

// TestReplaceFails leaves the old file, and no other.
func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a.go", "inside"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := Replace(dir, map[string][]byte{"a.go": []byte("a")}); err == nil {
		t.Error("no error for a directory in the place of a file")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || !entries[0].IsDir() {
		t.Errorf("left %v, %v", entries, err)
	}
}
