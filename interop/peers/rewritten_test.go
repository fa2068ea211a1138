package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/internal/regroup"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// rewriting is what was written of a file, to be compared.
type rewriting struct {
	Original  string `json:"original"`
	Rewritten string `json:"rewritten"`
	what      string
}

// TestRewritten writes every golden file of the Arrow project and every file of other implementations anew, as streams and as files,
// plain and compressed, and wants pyarrow to read the same of what was written as of the original: schema and metadata, batches and
// values.
func TestRewritten(t *testing.T) {
	if *python == "" {
		t.Skip("no pyarrow without -python; run make interop")
	}
	var originals []string
	for _, pattern := range []string{"arrow-testing/data/arrow-ipc-stream/integration/*/*.stream", "arrow-testing/data/arrow-ipc-stream/integration/*/*.arrow_file", "peers/*/*.arrow", "peers/*/*.arrows"} {
		names, err := filepath.Glob("../../internal/testdata/" + pattern)
		if err != nil || len(names) < 20 {
			t.Fatalf("%d files of %s, %v", len(names), pattern, err)
		}
		originals = append(originals, names...)
	}
	dir := t.TempDir()
	var jobs []rewriting
	for _, name := range originals {
		list, err := rewrite(name, filepath.Join(dir, fmt.Sprint(len(jobs))))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		jobs = append(jobs, list...)
	}
	var in bytes.Buffer
	for _, j := range jobs {
		line, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.Command(*python, "rewritten.py")
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(jobs) {
		t.Fatalf("%d answers to %d questions", len(lines), len(jobs))
	}
	for i, line := range lines {
		var a struct {
			Error string
			Rows  int
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		if a.Error != "" {
			t.Errorf("%s, written as %s: %s", jobs[i].Original, jobs[i].what, a.Error)
		}
	}
	t.Logf("%d files were written anew in %d ways", len(originals), len(jobs))
}

// rewrite writes what is in a file in several ways, to files whose names begin with base.
func rewrite(name, base string) (list []rewriting, err error) {
	s, next, err := open(name)
	if err != nil {
		return nil, err
	}
	type output struct {
		buf   bytes.Buffer
		w     *ipc.Writer
		unify *regroup.Unifier // a file has one dictionary for each column
		what  string
	}
	var outputs []*output
	for _, how := range []ipc.Compression{ipc.Uncompressed, ipc.LZ4, ipc.ZSTD} {
		opts := &ipc.WriterOptions{Compression: how}
		stream, file := &output{what: how.String() + " stream"}, &output{what: how.String() + " file", unify: regroup.NewUnifier(s, 0)}
		stream.w, file.w = ipc.NewWriter(&stream.buf, s, opts), &ipc.NewFileWriter(&file.buf, s, opts).Writer
		outputs = append(outputs, stream, file)
	}
	for {
		b, err := next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, o := range outputs {
			columns := append([]column.Data(nil), ipc.Columns(b)...)
			if o.unify != nil {
				if columns, err = o.unify.Columns(columns); err != nil {
					return nil, err
				}
			}
			o.w.SetMetadata(b.Metadata())
			if err := o.w.Write(context.Background(), b.Len(), columns); err != nil {
				return nil, err
			}
		}
		b.Release()
	}
	for i, o := range outputs {
		if err := o.w.Close(); err != nil {
			return nil, err
		}
		path := fmt.Sprint(base, "-", i)
		if err := os.WriteFile(path, o.buf.Bytes(), 0o600); err != nil {
			return nil, err
		}
		list = append(list, rewriting{name, path, o.what})
	}
	return list, nil
}

// open opens a stream or file and returns its schema and what gives its batches.
func open(name string) (*ipc.Schema, func() (ipc.Batch, error), error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, err
	}
	if !bytes.HasPrefix(text, []byte("ARROW1")) {
		r := ipc.NewReader(bytes.NewReader(text), nil)
		s, err := r.Schema(context.Background())
		return s, func() (ipc.Batch, error) { return r.Next(context.Background()) }, err
	}
	r, err := ipc.NewFileReader(bytes.NewReader(text), int64(len(text)), nil)
	if err != nil {
		return nil, nil, err
	}
	i := -1
	return r.Schema(), func() (ipc.Batch, error) {
		if i++; i == r.NumBatches() {
			return ipc.Batch{}, io.EOF
		}
		return r.Batch(i)
	}, nil
}
