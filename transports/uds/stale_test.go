//go:build unix

package uds

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestRemoveOnly has a second process be faster: the file that was found stale is not the one that is there now.
func TestRemoveOnly(t *testing.T) {
	dir, err := os.MkdirTemp("", "uds")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	stale := filepath.Join(dir, "stale")
	if err := os.WriteFile(stale, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Lstat(stale)
	if err != nil {
		t.Fatal(err)
	}

	l, err := Listen(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := removeOnly(path, file); !errors.Is(err, errInUse) {
		t.Errorf("another file is there: %v, want errInUse", err)
	}
	c, err := Dial(t.Context(), path, nil)
	if err != nil {
		t.Fatalf("the other's socket is gone: %v", err)
	}
	defer c.Close()
	if names, err := os.ReadDir(dir); err != nil || len(names) != 2 {
		t.Errorf("files left: %v, %v", names, err)
	}

	if err := removeOnly(stale, file); err != nil {
		t.Errorf("the file itself: %v", err)
	}
	if _, err := os.Lstat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stale file: %v, want none", err)
	}
	if err := removeOnly(stale, file); err != nil {
		t.Errorf("no file: %v", err)
	}
}
