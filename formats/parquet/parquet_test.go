package parquet_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/lightstream-go/lightstream/formats/parquet"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// numbers returns a batch of an integer and a text column.
func numbers(from, n int) (*ipc.Schema, []column.Data) {
	s := &ipc.Schema{Fields: []ipc.Field{{Name: "n", Type: ipc.Int64}, {Name: "s", Type: ipc.Utf8, Nullable: true}}}
	var values, offsets, text []byte
	offsets = binary.LittleEndian.AppendUint32(offsets, 0)
	for i := from; i < from+n; i++ {
		values = binary.LittleEndian.AppendUint64(values, uint64(i))
		text = fmt.Appendf(text, "text %d", i%1000)
		offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(text)))
	}
	return s, []column.Data{{Len: n, Buffers: [3][]byte{1: values}}, {Len: n, Buffers: [3][]byte{1: offsets, 2: text}}}
}

func written(t testing.TB, rows int, opts *parquet.WriterOptions) []byte {
	t.Helper()
	var buf bytes.Buffer
	s, _ := numbers(0, 0)
	w, err := parquet.NewWriter(&buf, s, opts)
	if err != nil {
		t.Fatal(err)
	}
	const batch = 1000
	for at := 0; at < rows; at += batch {
		n := min(batch, rows-at)
		_, columns := numbers(at, n)
		if err := w.Write(ctx, n, columns); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if st := w.Stats(); st.Rows != int64(rows) || st.Bytes != int64(buf.Len()) {
		t.Errorf("%+v, want %d rows in %d bytes", st, rows, buf.Len())
	}
	return buf.Bytes()
}

func reader(t testing.TB, b []byte, opts *parquet.ReaderOptions) *parquet.Reader {
	t.Helper()
	r, err := parquet.NewReader(bytes.NewReader(b), int64(len(b)), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// TestOptions writes with each setting, and reads row groups in their order.
func TestOptions(t *testing.T) {
	defer goleak.VerifyNone(t)
	const rows = 25_000
	sizes := make(map[string]int)
	for name, opts := range map[string]*parquet.WriterOptions{
		"default": nil, "none": {Compression: parquet.Uncompressed}, "snappy": {Compression: parquet.Snappy}, "zstd": {Compression: parquet.ZSTD, Level: 9},
		"lz4": {Compression: parquet.LZ4}, "gzip": {Compression: parquet.Gzip}, "rows": {RowGroupRows: 3000}, "bytes": {RowGroupBytes: 100 << 10},
		"bare": {NoStatistics: true, NoDictionary: true, NoSchema: true, PageBytes: 4 << 10},
	} {
		b := written(t, rows, opts)
		sizes[name] = len(b)
		for _, ro := range []*parquet.ReaderOptions{nil, {Parallel: 1, BatchRows: 77}, {Parallel: 3, Ahead: 1}} {
			r := reader(t, b, ro)
			if groups := r.NumRowGroups(); r.NumRows() != rows || name == "rows" && groups != 9 || name == "bytes" && groups < 5 || name == "default" && groups != 1 {
				t.Errorf("%s: %d rows in %d row groups", name, r.NumRows(), groups)
			}
			tab, err := read(r)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for i, row := range tab.rows {
				if row[0] != fmt.Sprint(i) || row[1] != fmt.Sprintf("%q", fmt.Sprintf("text %d", i%1000)) {
					t.Fatalf("%s: row %d: %v", name, i, row)
				}
			}
			if len(tab.rows) != rows || r.Stats().Rows != rows {
				t.Errorf("%s: %d rows, %+v", name, len(tab.rows), r.Stats())
			}
		}
	}
	if sizes["bare"] <= sizes["default"] || sizes["zstd"] >= sizes["none"] || sizes["gzip"] >= sizes["none"] || sizes["lz4"] >= sizes["none"] || sizes["snappy"] != sizes["default"] {
		t.Errorf("sizes %v", sizes)
	}
	if _, err := parquet.NewWriter(io.Discard, &ipc.Schema{Fields: []ipc.Field{{Name: "n", Type: ipc.Int8}}}, &parquet.WriterOptions{Compression: 99}); err == nil {
		t.Error("compression 99 is taken")
	}
}

// counter counts what is read of a file.
type counter struct {
	io.ReaderAt
	n int64
}

func (c *counter) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, at)
	c.n += int64(n)
	return n, err
}

// TestSelect reads the columns that are wanted, and of the file little more than they take.
func TestSelect(t *testing.T) {
	b := written(t, 100_000, &parquet.WriterOptions{Compression: parquet.Uncompressed, NoDictionary: true})
	src := &counter{ReaderAt: bytes.NewReader(b)}
	r, err := parquet.NewReader(src, int64(len(b)), &parquet.ReaderOptions{Parallel: 1, Select: func(s *ipc.Schema) ([]bool, error) {
		if len(s.Fields) != 2 {
			t.Errorf("%v", s)
		}
		return []bool{false, true}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	tab, err := read(r)
	if err != nil || len(tab.rows) != 100_000 || len(tab.rows[5]) != 1 || tab.rows[5][0] != `"text 5"` || tab.schema.Fields[0].Name != "s" {
		t.Fatal(err, len(tab.rows))
	}
	if numbers := int64(800_000); src.n > int64(len(b))-numbers/2 {
		t.Errorf("%d of %d bytes are read", src.n, len(b))
	}
	none := reader(t, b, &parquet.ReaderOptions{Select: func(*ipc.Schema) ([]bool, error) { return []bool{false, false}, nil }})
	if tab, err = read(none); err != nil || len(tab.rows) != 100_000 {
		t.Errorf("of no columns: %d rows, %v", len(tab.rows), err)
	}
	stop := errors.New("stop")
	if _, err := parquet.NewReader(src, int64(len(b)), &parquet.ReaderOptions{Select: func(*ipc.Schema) ([]bool, error) { return nil, stop }}); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

// TestCancel leaves the reader usable, and Close ends it with all that reads ahead.
func TestCancel(t *testing.T) {
	defer goleak.VerifyNone(t)
	b := written(t, 50_000, &parquet.WriterOptions{RowGroupRows: 1000})
	r := reader(t, b, &parquet.ReaderOptions{Parallel: 4, Ahead: 1})
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for { // a batch that is ready may be taken
		_, err := r.Next(cancelled)
		if err == nil {
			continue
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		break
	}
	batch, err := r.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if batch.Len() == 0 || len(batch.Column(0).Buffers[1]) != 8*batch.Len() {
		t.Error("a batch is gone with its reader")
	}
	if _, err := r.Next(ctx); err == nil {
		t.Error("a closed reader reads")
	}
	_ = r.Close()
}

// TestWriterRefuses says what Parquet cannot hold, by name.
func TestWriterRefuses(t *testing.T) {
	key := ipc.Field{Name: "key", Type: ipc.Utf8, Nullable: true}
	for text, f := range map[string]ipc.Field{
		`column "x", fixed_size_binary[0]`: {Name: "x", Type: ipc.FixedSizeBinary(0)},
		`keys of a map are not null`: {Name: "m", Type: ipc.Map, Children: []ipc.Field{
			{Name: "entries", Type: ipc.Struct, Children: []ipc.Field{key, key}},
		}},
	} {
		_, err := parquet.NewWriter(io.Discard, &ipc.Schema{Fields: []ipc.Field{f}}, nil)
		if !errors.Is(err, ipc.ErrUnsupported) || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %s", err, text)
		}
	}
	if _, err := parquet.NewWriter(io.Discard, &ipc.Schema{}, nil); !errors.Is(err, ipc.ErrUnsupported) {
		t.Errorf("no columns: %v", err)
	}
	// Values.
	eight := func(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }
	for _, c := range []struct {
		of   ipc.Type
		good []byte
		bad  []byte
	}{
		{ipc.Timestamp(column.Second, ""), eight(1 << 40), eight(1 << 60)},
		{ipc.Decimal(128, 3, 1), append(eight(-999), eight(-1)...), append(eight(40_000_000), eight(0)...)},
		{ipc.Decimal(64, 3, 1), eight(999), eight(1 << 40)},
		{ipc.Decimal(256, 5, 0), append(append(eight(-9), eight(-1)...), append(eight(-1), eight(-1)...)...), append(append(eight(0), eight(0)...), append(eight(0), eight(1)...)...)},
	} {
		var buf bytes.Buffer
		w, err := parquet.NewWriter(&buf, &ipc.Schema{Fields: []ipc.Field{{Name: "v", Type: c.of}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = w.Write(ctx, 1, []column.Data{{Len: 1, Buffers: [3][]byte{1: c.bad}}})
		if !errors.Is(err, ipc.ErrUnsupported) || !strings.Contains(err.Error(), `column "v", row 0`) {
			t.Errorf("%v: %v", c.of, err)
		}
		if err := errors.Join(w.Write(ctx, 1, []column.Data{{Len: 1, Buffers: [3][]byte{1: c.good}}}), w.Close(), w.Close()); err != nil {
			t.Errorf("%v: %v", c.of, err)
		}
		if err := w.Write(ctx, 1, nil); !errors.Is(err, ipc.ErrClosed) {
			t.Error(err)
		}
		r := reader(t, buf.Bytes(), nil)
		b, err := r.Next(ctx)
		if err != nil || !bytes.Equal(b.Column(0).Buffers[1], c.good) {
			t.Errorf("%v: %v", c.of, err)
		}
	}
}

// failing refuses all writes.
type failing struct{}

var errFull = errors.New("no space")

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestWriterFails(t *testing.T) {
	s, columns := numbers(0, 1000)
	w, err := parquet.NewWriter(failing{}, s, &parquet.WriterOptions{RowGroupRows: 10})
	if err == nil {
		err = w.Write(ctx, 1000, columns)
	}
	if w != nil {
		err = errors.Join(err, w.Close())
	}
	if !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
	var buf bytes.Buffer
	if w, err = parquet.NewWriter(&buf, s, nil); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if err := w.Close(); !errors.Is(err, ipc.ErrAborted) {
		t.Error(err)
	}
	if bytes.HasSuffix(buf.Bytes(), []byte("PAR1")) && buf.Len() > 4 {
		t.Error("an aborted file has a footer")
	}
}

// TestLimits refuses what a file asks for too much of.
func TestLimits(t *testing.T) {
	defer goleak.VerifyNone(t)
	b := written(t, 5000, &parquet.WriterOptions{RowGroupRows: 500})
	for text, l := range map[string]parquet.Limits{
		"Limits.MaxFooter": {MaxFooter: 100}, "Limits.MaxColumns": {MaxColumns: 1}, "Limits.MaxRowGroups": {MaxRowGroups: 3}, "Limits.MaxBatch": {MaxBatch: 1000},
	} {
		_, err := load(b, &parquet.ReaderOptions{Limits: &l})
		if !errors.Is(err, ipc.ErrLimit) || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %s", err, text)
		}
	}
	if _, err := load(b, &parquet.ReaderOptions{Limits: &parquet.Limits{MaxPage: 16}, Name: "x.parquet"}); err == nil || !strings.Contains(err.Error(), "x.parquet: ") {
		t.Errorf("%v", err)
	}
}

// TestCut reads every part of a file from its start and end, and files in which bytes have changed: with an error, or as a table.
func TestCut(t *testing.T) {
	defer goleak.VerifyNone(t)
	small := written(t, 20, nil)
	for n := range small {
		for _, part := range [][]byte{small[:n], small[n:]} {
			if len(part) == len(small) {
				continue
			}
			if _, err := load(part, nil); !errors.Is(err, ipc.ErrMalformed) {
				t.Fatalf("%d of %d bytes: %v", len(part), len(small), err)
			}
		}
	}
	encrypted := slices.Clone(small)
	copy(encrypted[len(encrypted)-4:], "PARE")
	if _, err := load(encrypted, nil); !errors.Is(err, ipc.ErrUnsupported) || !strings.Contains(err.Error(), "encrypted") {
		t.Error(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"telemetry/telemetry.pyarrow-zstd.parquet", "taxi/taxi.pyarrow-v2.parquet", "ticks/ticks.pyarrow-delta.parquet"} {
		whole, err := os.ReadFile(testdata + "/peers/" + name)
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for range 100 {
			b := slices.Clone(whole)
			for range 1 + rng.IntN(4) {
				at := rng.IntN(len(b))
				if rng.IntN(2) == 0 { // near the end, where the footer is
					at = len(b) - 1 - rng.IntN(min(len(b), 6000))
				}
				b[at] = byte(rng.Uint32())
			}
			if _, err := load(b, &parquet.ReaderOptions{Limits: &parquet.Limits{MaxBatch: 64 << 20, MaxPage: 16 << 20}}); err != nil {
				refused++
			}
		}
		if refused < 20 {
			t.Errorf("%s: %d refused", name, refused)
		}
	}
}

// FuzzReader wants an error or a table of any bytes.
func FuzzReader(f *testing.F) {
	f.Add(written(f, 20, nil))
	f.Add(written(f, 20, &parquet.WriterOptions{Compression: parquet.Uncompressed, RowGroupRows: 5}))
	b, err := os.ReadFile(testdata + "/peers/telemetry/telemetry.pyarrow-zstd.parquet")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = load(b, &parquet.ReaderOptions{Limits: &parquet.Limits{MaxBatch: 64 << 20, MaxPage: 16 << 20}})
	})
}

// TestCutOff wants files without their end, and empty ones, to be told from others, with the name of the file.
func TestCutOff(t *testing.T) {
	whole := written(t, 10, nil)
	const cut = ": the file is cut off: it begins as Parquet, but its end is not there"
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{nil, ": the file is empty"},
		{whole[:3], ": 3 bytes are no Parquet file"},
		{whole[:4], cut},
		{whole[:11], cut},
		{whole[:len(whole)/2], cut},
		{whole[:len(whole)-1], cut},
		{append([]byte("NOPE"), whole[4:len(whole)-1]...), " are no Parquet file, want \"PAR1\""},
	} {
		name := filepath.Join(t.TempDir(), "x.parquet")
		if err := os.WriteFile(name, c.b, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := parquet.NewReader(f, int64(len(c.b)), nil); !errors.Is(err, ipc.ErrMalformed) || !strings.HasPrefix(err.Error(), "lightstream: "+name+": ") || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%d bytes: error %v, want %q", len(c.b), err, c.want)
		}
		if _, err := parquet.NewReader(bytes.NewReader(c.b), int64(len(c.b)), &parquet.ReaderOptions{Name: "seven"}); err == nil || !strings.HasPrefix(err.Error(), "lightstream: seven: ") {
			t.Errorf("%d bytes: error %v, want the name of the options", len(c.b), err)
		}
	}
}
