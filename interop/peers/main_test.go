package peers

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	_ "github.com/lightstream-go/lightstream/compress/lz4"
	_ "github.com/lightstream-go/lightstream/compress/zstd"
)

var (
	python = flag.String("python", "", "the `interpreter` of an environment with requirements.txt; without it the cells are skipped")
	node   = flag.String("node", "node", "Node.js, with the modules of package-lock.json beside the tests")
	matrix = flag.String("matrix", "", "write the results to this Markdown `file`, when every cell was run and was as expected")
	grep   = flag.String("cell", "", "run only the cells whose line has this `text`")
)

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "interop")
	if err == nil {
		err = certify(dir)
	}
	if err != nil {
		fmt.Println("interop:", err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	if *python == "" {
		os.Exit(code)
	}
	fmt.Println(results.summary())
	if results.count() == 0 {
		fmt.Println("interop: no cell was run")
		code = 1
	}
	if *matrix != "" && !results.complete() {
		fmt.Println("interop: not every cell was run; the matrix stays as it was")
		code = 1
	}
	if code == 0 && results.complete() {
		for _, line := range results.unused() {
			fmt.Println(line)
			code = 1
		}
	}
	if code == 0 && *matrix != "" {
		if err := os.WriteFile(*matrix, results.markdown(), 0o644); err != nil {
			fmt.Println("interop:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// TestCells runs every cell: each peer, each direction, each medium, each case.
func TestCells(t *testing.T) {
	if *python == "" {
		t.Skip("no peers without -python; run make interop")
	}
	for _, name := range peerNames {
		t.Run(name, func(t *testing.T) { testPeer(t, name) })
	}
}

func testPeer(t *testing.T, name string) {
	w, err := startWorker(*python, name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { w.stop() }()
	dir := t.TempDir()
	p := peers[name]
	for _, k := range append(p.written(), p.cases()...) {
		for _, m := range p.media {
			r := result{peer: name, toPeer: k.toPeer, kase: k.name, medium: m}
			if !strings.Contains(r.line(), *grep) {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s/%v", map[bool]string{true: "reads", false: "writes"}[k.toPeer], k.name, m), func(t *testing.T) {
				x := exchange{kase: k, worker: w, medium: m, dir: dir}
				who, err := x.run(context.Background())
				r.judge(k, who, err)
				results.add(r)
				fmt.Println(r.line())
				if r.failure != "" {
					t.Error(r.failure)
				}
			})
			if w.cmd.ProcessState != nil || w.owed != 0 { // it has died, or is somewhere in the middle; the cell has reported why
				w.stop()
				if w, err = startWorker(*python, name); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
