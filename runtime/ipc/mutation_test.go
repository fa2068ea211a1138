package ipc_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var (
	mutations = flag.Int("mutations", 3000, "how many damaged streams and files TestMutations reads")
	child     = flag.Bool("child", false, "this is the process whose memory TestMutations measures")
)

// maxPeak is the most memory that the process which reads damaged input may have at any time.
const maxPeak = 256 << 20

// fuzzFiles are what fuzzing of other implementations has found.
func fuzzFiles(t *testing.T) (paths []string) {
	t.Helper()
	for _, folder := range []string{"arrow-ipc-file", "arrow-ipc-stream", "forward-compatibility"} {
		entries, err := os.ReadDir(filepath.Join(arrowTesting, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				paths = append(paths, filepath.Join(arrowTesting, folder, e.Name()))
			}
		}
	}
	if len(paths) < 60 {
		t.Fatalf("%d files", len(paths))
	}
	return paths
}

// TestFuzzFiles reads them as what they are and as what they are not.
func TestFuzzFiles(t *testing.T) {
	var accepted int
	for _, path := range fuzzFiles(t) {
		in, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			for _, read := range ways {
				levels(t, in, func(opts *ipc.ReaderOptions) (int64, error) { return read(in, opts) })
				if _, err := read(in, nil); err == nil {
					accepted++
				}
			}
			if strings.Contains(path, "schema_v6") {
				if _, err := readAll(bytes.NewReader(in), nil); err == nil || !strings.Contains(err.Error(), "metadata version") {
					t.Error(err)
				}
			}
		})
	}
	t.Logf("%d readings without an error", accepted)
}

// ways are those in which bytes are read.
var ways = map[string]func(in []byte, opts *ipc.ReaderOptions) (int64, error){
	"stream": func(in []byte, opts *ipc.ReaderOptions) (int64, error) { return readAll(bytes.NewReader(in), opts) },
	"file":   readFile,
	"mapped": readMapped,
}

// small returns valid streams and files of every type, plain and compressed, which are to be damaged.
func small(t *testing.T) (streams, files [][]byte) {
	for _, name := range goldens(t) {
		s, err := os.ReadFile(name + ".stream")
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.ReadFile(name + ".arrow_file")
		if err != nil {
			t.Fatal(err)
		}
		if len(s) > 16<<10 {
			continue
		}
		streams, files = append(streams, s), append(files, f)
		c := streamContent(t, bytes.NewReader(s), nil)
		for _, how := range []ipc.Compression{ipc.Uncompressed, ipc.LZ4, ipc.ZSTD} {
			opts := &ipc.WriterOptions{Compression: how}
			streams, files = append(streams, write(t, c, opts, false)), append(files, write(t, c, opts, true))
		}
	}
	streams = append(streams, handMade())
	if len(streams) < 50 {
		t.Fatalf("%d streams", len(streams))
	}
	return streams, files
}

// mutate damages p in a few places.
func mutate(r *rand.Rand, p []byte) []byte {
	p = bytes.Clone(p)
	for range 1 + r.IntN(4) {
		if len(p) < 16 {
			return p
		}
		at := r.IntN(len(p))
		switch r.IntN(7) {
		case 0:
			p[at] ^= 1 << r.IntN(8)
		case 1:
			p[at] = byte(r.Uint32())
		case 2: // a number that is likely to be wrong
			v := [...]uint64{0, 1, 1 << 31, 1<<31 - 1, 1 << 40, 1 << 62, 1<<64 - 1, uint64(len(p)), 200_000}[r.IntN(9)]
			at &^= 7
			if at+8 <= len(p) {
				binary.LittleEndian.PutUint64(p[at:], v)
			}
		case 3:
			at &^= 3
			if at+4 <= len(p) {
				binary.LittleEndian.PutUint32(p[at:], [...]uint32{0, 1, 7, 1 << 30, 1<<31 - 1, 1<<32 - 1}[r.IntN(6)])
			}
		case 4:
			p = p[:at]
		case 5: // a part of it somewhere else
			n := min(1+r.IntN(64), len(p)-at)
			copy(p[r.IntN(len(p)-n+1):], p[at:at+n])
		case 6:
			n := min(1+r.IntN(32), len(p)-at)
			p = append(p[:at], p[at+n:]...)
		}
	}
	return p
}

// TestMutations reads damaged streams and files, these by ReadAt and mapped, in a process of its own whose memory is measured: an error of the right type, or
// values that can all be read, soon and in little memory.
func TestMutations(t *testing.T) {
	if !*child {
		n := *mutations
		if testing.Short() || race {
			n = min(n, 300)
		}
		cmd := exec.Command(os.Args[0], "-test.run", "^TestMutations$", "-child", fmt.Sprint("-mutations=", n), "-test.v", "-test.timeout=30m")
		cmd.Env = append(os.Environ(), "GOMEMLIMIT=160MiB") // what has been given up and not collected yet counts too
		out, err := cmd.CombinedOutput()
		if errors.Is(err, syscall.ENOEXEC) {
			t.Skip("the tests run in an emulator, which cannot start them again")
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out[max(0, len(out)-8<<10):])
		}
		said := lastLog(out)
		_, text, _ := strings.Cut(said, "peak ")
		peak, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatalf("%q does not tell the memory: %v", said, err)
		}
		t.Logf("%d damaged inputs: %d MiB at most; %s", n, peak>>20, said)
		if peak > maxPeak && !race {
			t.Errorf("%d MiB, want at most %d", peak>>20, maxPeak>>20)
		}
		return
	}
	streams, files := small(t)
	accepted, refused, slowest := 0, 0, time.Duration(0)
	for i := range *mutations {
		r := rand.New(rand.NewPCG(2026, uint64(i)))
		way, seeds := []string{"stream", "file", "mapped"}[i%3], streams
		if way != "stream" {
			seeds = files
		}
		in := mutate(r, seeds[r.IntN(len(seeds))])
		opts := &ipc.ReaderOptions{Validate: []ipc.Level{ipc.Contents, ipc.UTF8, ipc.Structure}[i/3%3], Align: []ipc.Align{ipc.Align64, ipc.ValueSize}[i/9%2]}
		start := time.Now()
		_, err := ways[way](in, opts)
		if took := time.Since(start); took > slowest {
			slowest = took
		}
		if wellTyped(t, err, len(in)); err == nil {
			accepted++
		} else {
			refused++
		}
	}
	if accepted == 0 || refused < *mutations/2 || slowest > 20*time.Second {
		t.Errorf("%d accepted, %d refused, %v the slowest", accepted, refused, slowest)
	}
	t.Logf("accepted %d, refused %d, slowest %v, peak %d", accepted, refused, slowest.Round(time.Millisecond), peakMemory())
}

// lastLog returns what a test said last.
func lastLog(out []byte) string {
	for _, line := range strings.Split(string(out), "\n") {
		if _, after, ok := strings.Cut(line, "accepted "); ok {
			return "accepted " + after
		}
	}
	return "nothing said"
}
