package load

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/lightstream-go/lightstream/codegen/emit"
	"github.com/lightstream-go/lightstream/codegen/model"
	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// schemas are streams and files with the schemas of tables.
func schemas(t testing.TB) (list [][]byte) {
	t.Helper()
	for _, s := range []*ipc.Schema{feed.TradeTable.Schema(), feed.EveryTable.Schema(), feed.NestedTable.Schema()} {
		var stream, file bytes.Buffer
		if err := errors.Join(ipc.NewWriter(&stream, s, nil).Close(), ipc.NewFileWriter(&file, s, nil).Close()); err != nil {
			t.Fatal(err)
		}
		list = append(list, stream.Bytes(), file.Bytes())
	}
	return list
}

func readArrow(text []byte) (*model.File, error) {
	return arrow("trades.arrows", io.NewSectionReader(bytes.NewReader(text), 0, int64(len(text))), &ArrowOptions{Package: "feed"})
}

// Each prefix of a stream is an error as long as the schema is not whole, and of a file always: its footer comes last.
func TestArrowPrefixes(t *testing.T) {
	for i, whole := range schemas(t) {
		good := 0
		for n := range len(whole) {
			f, err := readArrow(whole[:n])
			if err == nil {
				good++
			} else if f != nil {
				t.Fatalf("a file as well as %v", err)
			}
		}
		if isFile := i%2 == 1; isFile && good > 0 {
			t.Errorf("file %d is taken without its end, %d times", i, good)
		} else if !isFile && good > 8 { // the end marker
			t.Errorf("stream %d is taken without %d bytes of its schema", i, good-8)
		}
	}
}

// Whatever is in a file, it is an error or gives Go.
func FuzzArrow(f *testing.F) {
	for _, whole := range schemas(f) {
		f.Add(whole)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := readArrow(in)
		var list model.Errors
		if errors.As(err, &list) {
			for _, e := range list {
				if e.Pos.File == "" || e.Found == "" || e.Remedy == "" {
					t.Errorf("%q: found %q, remedy %q", e, e.Found, e.Remedy)
				}
			}
		}
		if err != nil {
			return
		}
		if _, err := emit.Tables(file); err != nil {
			t.Error(err)
		}
		if _, err := emit.Rows(file); err != nil {
			t.Error(err)
		}
	})
}
