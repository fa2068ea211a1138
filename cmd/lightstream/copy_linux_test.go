package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var copySize = flag.Int64("copy", 12, "MiB of the table that is copied between all formats")

func init() { commands["lightstream-measured"] = measured }

// measured is the command that says at its end how many KiB of memory it had at most. What the system says of a child that has ended counts
// what its parent had when it was started.
func measured() {
	status := program()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = exitBad
	}
	_, peak, _ := bytes.Cut(b, []byte("VmHWM:"))
	peak, _, _ = bytes.Cut(peak, []byte(" kB"))
	fmt.Fprintf(os.Stderr, "%s\n", bytes.TrimSpace(peak))
	os.Exit(status)
}

// TestCopyMemory copies a table from each format to each other, in processes that never have more than 256 MiB of memory. With
// -args -copy 4096 the table has 4 GiB; see make copymemory.
func TestCopyMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	if !release {
		t.Skip("of release builds")
	}
	dir := t.TempDir()
	src := filepath.Join(dir, "src.arrows")
	rows := writeNumbers(t, src, *copySize<<20)
	formats := []string{"arrow", "arrows", "parquet", "csv", "ndjson", "json"}
	most := int64(0)
	run := func(t *testing.T, from, to string) {
		out, err := exec.Command("lightstream-measured", "copy", from, to).CombinedOutput()
		if err != nil {
			t.Fatalf("%s to %s: %v: %s", filepath.Base(from), filepath.Base(to), err, out)
		}
		kib, err := strconv.ParseInt(string(bytes.TrimSpace(out)), 10, 64)
		if err != nil || kib <= 0 {
			t.Fatalf("%s to %s: its memory is %q", filepath.Base(from), filepath.Base(to), out)
		}
		t.Logf("%s to %s: %d MiB", filepath.Base(from), filepath.Base(to), kib>>10)
		if most = max(most, kib); kib > 256<<10 {
			t.Errorf("%s to %s takes %d MiB of memory", filepath.Base(from), filepath.Base(to), kib>>10)
		}
	}
	for _, from := range formats {
		t.Run(from, func(t *testing.T) {
			in := filepath.Join(dir, "in."+from)
			run(t, src, in)
			for _, to := range formats {
				out := filepath.Join(dir, "out."+to)
				run(t, in, out)
				if n := rowsIn(t, out); n != rows {
					t.Errorf("%s to %s: %d rows, want %d", from, to, n, rows)
				}
				if err := os.Remove(out); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Remove(in); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Logf("%d MiB of a table took up to %d MiB", *copySize, most>>10)
}

// writeNumbers writes a stream of about so many bytes, and returns its rows.
func writeNumbers(t *testing.T, name string, size int64) (rows int) {
	t.Helper()
	const batch = 1 << 16
	w, err := ipc.CreateStream(name, &ipc.Schema{Fields: []ipc.Field{
		{Name: "n", Type: ipc.Int64}, {Name: "x", Type: ipc.Float64, Nullable: true}, {Name: "s", Type: ipc.Utf8},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for ; int64(rows)*28 < size; rows += batch {
		var n, x, offsets, text []byte
		valid := make([]byte, batch/8)
		offsets = binary.LittleEndian.AppendUint32(offsets, 0)
		for i := rows; i < rows+batch; i++ {
			n = binary.LittleEndian.AppendUint64(n, uint64(i)*0x9e3779b97f4a7c15>>20)
			x = binary.LittleEndian.AppendUint64(x, 0x3ff0000000000000|uint64(i)*0x9e3779b97f4a7c15>>12)
			text = fmt.Appendf(text, "text %06d", i%1000000)
			offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(text)))
			if i%16 != 0 {
				valid[(i-rows)>>3] |= 1 << (i & 7)
			}
		}
		columns := []column.Data{
			{Len: batch, Buffers: [3][]byte{1: n}}, {Len: batch, Nulls: batch / 16, Buffers: [3][]byte{valid, x}}, {Len: batch, Buffers: [3][]byte{1: offsets, 2: text}},
		}
		if err := w.Write(context.Background(), batch, columns); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return rows
}
