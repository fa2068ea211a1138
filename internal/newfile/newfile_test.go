package newfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestCommit(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	write := func(text string) *File {
		t.Helper()
		f, err := Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		return f
	}
	want := func(text string) {
		t.Helper()
		got, err := os.ReadFile(name)
		if string(got) != text || text != "" && err != nil || text == "" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q, %v, want %q", got, err, text)
		}
		if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) != 0 {
			t.Errorf("left behind: %q, %v", left, err)
		}
	}
	f := write("old")
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it has its name before it is complete: %v", err)
	}
	f.Abort()
	want("")
	f = write("old")
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	f.Abort()
	want("old")
	f = write("new")
	if got, err := os.ReadFile(name); string(got) != "old" || err != nil {
		t.Errorf("%q, %v before the new one is complete", got, err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	want("new")
}

// TestPermissions keeps those of a file that is there, and gives a new one those of any new file.
func TestPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("of Unix")
	}
	dir := t.TempDir()
	mode := func(name string) fs.FileMode {
		t.Helper()
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	commit := func(name string) {
		t.Helper()
		f, err := Create(name)
		if err == nil {
			err = f.Commit()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	usual := filepath.Join(dir, "usual")
	if err := os.WriteFile(usual, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "a")
	commit(name)
	if mode(name) != mode(usual) {
		t.Errorf("a new file has permissions %v, want %v", mode(name), mode(usual))
	}
	for _, m := range []fs.FileMode{0o600, 0o666} {
		if err := os.Chmod(name, m); err != nil {
			t.Fatal(err)
		}
		if commit(name); mode(name) != m {
			t.Errorf("permissions are %v, want %v as before", mode(name), m)
		}
	}

	link := filepath.Join(dir, "link")
	if err := os.Symlink("a", link); err != nil {
		t.Fatal(err)
	}
	commit(link)
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("a link was replaced: %v, %v", info, err)
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(dir); !errors.Is(err, ErrIrregular) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Create(filepath.Join(dir, "none", "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no folder: %v", err)
	}
	f, err := Create(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err == nil {
		t.Error("committed a file that is gone")
	}
}
