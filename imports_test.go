package lightstream_test

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/lightstream-go/lightstream"

// An importRule says what the packages in and below a directory may import beside the standard library and each other.
type importRule struct {
	dir   string
	allow []string // directories of this module and paths of others, with all below them
}

// importRules has the first rule first: that whose directory holds a package is the one for it. Tests may import anything.
var importRules = []importRule{
	{"gen", []string{"internal/flatbuf", flatbuffers}},
	{"compress/gzip", []string{"compress", "runtime"}},
	{"compress/lz4", []string{"compress", "runtime", "github.com/pierrec/lz4/v4"}},
	{"compress/zstd", []string{"compress", "runtime", "github.com/klauspost/compress/zstd"}},
	{"compress", []string{"runtime"}},
	{"internal/arrowjson", []string{"runtime"}}, // for tests
	{"internal/asm", nil},
	{"internal/decimal", nil},
	{"internal/flatbuf", nil},
	{"internal/newfile", nil},
	{"internal/sha256", nil},
	{"internal/feed/feedtest", []string{"runtime", "pgregory.net/rapid"}}, // for tests
	{"internal/feed", generated},
	{"internal/compat", generated},
	{"internal/soak", nil}, // tests alone
	{"runtime", []string{"gen", "internal/asm", "internal/decimal", "internal/flatbuf", "internal/newfile", "internal/sha256", flatbuffers, "golang.org/x/sys"}},
	{"transports/transporttest", []string{"transports", "runtime", "internal/feed", "go.uber.org/goleak"}}, // for tests
	{"transports/ws", []string{"transports", "runtime", "github.com/coder/websocket"}},
	{"transports/http/h3", []string{"transports", "runtime", "golang.org/x/sys", "github.com/quic-go/quic-go"}},
	{"transports/quic", []string{"transports", "runtime", "golang.org/x/sys", "github.com/quic-go/quic-go"}},
	{"transports/access", []string{"transports"}},
	{"transports/wt", []string{"transports", "runtime", "golang.org/x/sys", "github.com/quic-go/quic-go", "github.com/quic-go/webtransport-go"}},
	{"transports/all", []string{"transports"}},
	{"transports", []string{"runtime", "golang.org/x/sys"}},
	{"schema", nil},

	// The first stage of go generate runs when nothing that is generated is there.
	{"codegen/fbs", nil},
	{"codegen/fbsgen", []string{"codegen/fbs", jennifer}},
	{"codegen/internal/output", []string{"internal/newfile"}},
	{"codegen/internal/fbsgo", []string{"codegen/fbs", "codegen/fbsgen", "codegen/internal/output", "internal/newfile"}},
	{"codegen", []string{"internal/newfile", "runtime", "gen", "internal/flatbuf", "schema", jennifer, flatbuffers}},

	{"interop/arrowgo", []string{"runtime", "internal/asm", "github.com/apache/arrow-go/v18"}},
	{"interop/peers", generated},
	{"internal/value", []string{"runtime", "internal/asm"}},
	{"internal/regroup", []string{"runtime", "internal/value"}},
	{"formats/dataset", []string{"formats", "compress", "runtime", "internal/value", "internal/newfile", "internal/regroup"}},
	{"formats/parquet", []string{"runtime", "interop/arrowgo", "github.com/apache/arrow-go/v18"}},
	{"formats", []string{"runtime", "internal/value", "internal/asm", "internal/decimal"}},
	{"cmd/lightstream-gen", []string{"codegen"}},
	{"cmd/lightstream", []string{"codegen", "compress", "gen", "runtime", "formats", "transports", "examples/browser/page", "internal/newfile", "internal/regroup", "internal/value", "github.com/spf13/cobra", "github.com/dustin/go-humanize", "golang.org/x/sys", "golang.org/x/term"}},
	{"examples/browser/page", nil},
	{"examples", []string{"runtime", "transports"}},
	{".", []string{"runtime", "transports"}},
}

// generated is what the code for a user's table may import.
var generated = []string{"runtime"}

const (
	flatbuffers = "github.com/google/flatbuffers/go"
	jennifer    = "github.com/dave/jennifer/jen"
)

// within tells whether a package is dir or below it.
func within(pkg, dir string) bool { return pkg == dir || strings.HasPrefix(pkg, dir+"/") }

// standard tells whether an import path is one of the standard library.
func standard(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return !strings.Contains(first, ".")
}

// TestImports wants each file, for whatever system it is, to import what its package may.
func TestImports(t *testing.T) {
	packages := make(map[string]bool)
	for _, file := range goFiles(t) {
		dir := path.Dir(file)
		packages[dir] = true
		i := slices.IndexFunc(importRules, func(r importRule) bool { return within(dir, r.dir) })
		if i < 0 {
			t.Errorf("%s: no rule says what this package may import; add one to importRules", dir)
			continue
		}
		allow := append([]string{importRules[i].dir}, importRules[i].allow...)
		if strings.HasSuffix(file, "_lightstream.go") {
			if allow = generated; strings.HasSuffix(file, "_text_lightstream.go") {
				allow = append([]string{"formats/text", "formats/csv", "formats/ndjson"}, generated...)
			}
		}
		for _, imported := range imports(t, file) {
			name := imported
			if imported == module || strings.HasPrefix(imported, module+"/") {
				name = strings.TrimPrefix(strings.TrimPrefix(imported, module), "/")
			} else if standard(imported) {
				continue
			}
			if !slices.ContainsFunc(allow, func(a string) bool { return within(name, a) }) {
				t.Errorf("%s imports %s; its package may import the standard library, %s", file, imported, strings.Join(allow, ", "))
			}
		}
	}
	for _, want := range []string{"gen/arrowfb", "runtime", "runtime/ipc", "codegen", "transports/tcp", "examples/flights"} {
		if !packages[want] {
			t.Errorf("no files in %s", want)
		}
	}
}

// goFiles returns the files of all packages of the module but their tests, as paths with slashes.
func goFiles(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		base := path.Base(name)
		switch {
		case entry.IsDir() && name == ".":
		case entry.IsDir():
			if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || exists(t, name+"/go.mod") {
				return fs.SkipDir
			}
		case name == "tools.go": // not compiled
		case strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go"):
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func exists(t *testing.T, name string) bool {
	t.Helper()
	found, err := filepath.Glob(name)
	if err != nil {
		t.Fatal(err)
	}
	return len(found) > 0
}

func imports(t *testing.T, file string) (paths []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

// TestLinked wants a program with a generated table over TCP to link nothing but the standard library, x/sys, flatbuffers
// and this module.
func TestLinked(t *testing.T) {
	for _, system := range []string{"linux", "darwin", "windows"} {
		modules := make(map[string]bool)
		for _, p := range dependencies(t, system, "./examples/flights") {
			switch {
			case p.Standard:
			case p.Module == nil:
				t.Errorf("%s: %s is of no module", system, p.ImportPath)
			default:
				modules[p.Module.Path] = true
			}
			if within(p.ImportPath, module+"/codegen") {
				t.Errorf("%s: links %s", system, p.ImportPath)
			}
		}
		delete(modules, "golang.org/x/sys") // not on every system
		for _, want := range []string{module, "github.com/google/flatbuffers"} {
			if !modules[want] {
				t.Errorf("%s: nothing of %s is linked", system, want)
			}
			delete(modules, want)
		}
		for m := range modules {
			t.Errorf("%s: links packages of %s", system, m)
		}
	}
}

// TestLean wants a generated table over TCP to need nothing of the standard library that is large, or that starts up, and that it does
// not use.
func TestLean(t *testing.T) {
	for _, pkg := range []string{"./internal/feed", "./transports/tcp", "./runtime"} {
		for _, p := range dependencies(t, "", pkg) {
			for _, large := range []string{"crypto", "log", "log/slog", "expvar", "net/http", "text/template", "compress", "archive", "golang.org/x/sys/cpu"} {
				if within(p.ImportPath, large) {
					t.Errorf("%s needs %s", pkg, p.ImportPath)
				}
			}
			if pkg == "./internal/feed" {
				continue // CSV and NDJSON are in the feed, too
			}
			for file, text := range sources(t, p.ImportPath) {
				for call, instead := range map[string]string{"errors.As(": "errors.AsType, which needs no reflection", "strings.TrimSpace(": "what needs no tables of Unicode"} {
					if strings.Contains(text, call) {
						t.Errorf("%s, which %s needs, calls %s); use %s", file, pkg, call, instead)
					}
				}
			}
		}
	}
}

// sources returns the files of a package of this module but its tests, and none of other packages.
func sources(t *testing.T, pkg string) map[string]string {
	t.Helper()
	dir, ours := strings.CutPrefix(pkg, module+"/")
	if !ours {
		return nil
	}
	files, err := filepath.Glob(dir + "/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no files: %v", pkg, err)
	}
	texts := make(map[string]string)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(text)
	}
	return texts
}

// TestFirstStage wants the program that go generate runs first to need nothing that is generated.
func TestFirstStage(t *testing.T) {
	for _, p := range dependencies(t, "", "./codegen/internal/fbsgo") {
		if within(p.ImportPath, module+"/gen") || within(p.ImportPath, module+"/runtime") {
			t.Errorf("imports %s", p.ImportPath)
		}
	}
}

type listed struct {
	ImportPath string
	Standard   bool
	Module     *struct{ Path string }
}

// dependencies returns all packages that a package is linked with on a system, "" for the one at hand.
func dependencies(t *testing.T, system, pkg string) (list []listed) {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Module", pkg)
	cmd.Env = append(cmd.Environ(), "GOOS="+system)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Logf("%s", exit.Stderr)
		}
		t.Fatal(err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 10 {
		t.Fatalf("%s has %d dependencies", pkg, len(list))
	}
	return list
}
