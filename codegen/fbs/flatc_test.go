package fbs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// flatc finds the reference compiler: $FLATC, or flatc on the path. Without one the test is skipped, unless
// LIGHTSTREAM_REQUIRE_FLATC=1.
func flatc(t testing.TB) string {
	t.Helper()
	if name := os.Getenv("FLATC"); name != "" {
		return name
	}
	name, err := exec.LookPath("flatc")
	if err != nil {
		const why = "flatc is not on the path and $FLATC is not set"
		if os.Getenv("LIGHTSTREAM_REQUIRE_FLATC") == "1" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	return name
}

// compileWithFlatc returns the binary schema that flatc makes of a file, or what it says against it.
func compileWithFlatc(t testing.TB, file string, includeDirs ...string) (bfbs []byte, complaint string) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-b", "--schema", "--bfbs-comments", "--bfbs-builtins", "-o", dir}
	for _, inc := range includeDirs {
		args = append(args, "-I", inc)
	}
	out, err := exec.Command(flatc(t), append(args, file)...).CombinedOutput()
	if err != nil {
		return nil, string(out)
	}
	base := filepath.Base(file)
	bfbs, err = os.ReadFile(filepath.Join(dir, base[:len(base)-len(filepath.Ext(base))]+".bfbs"))
	if err != nil {
		t.Fatal(err)
	}
	return bfbs, ""
}
