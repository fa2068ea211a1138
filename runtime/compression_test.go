package rt_test

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestMissingCompressor is of a program that links no compressor: the error names the import.
func TestMissingCompressor(t *testing.T) {
	for name, says := range map[string]string{
		"generated_lz4":                 `frame 1: body is lz4 and this program links no lz4; add import _ "github.com/lightstream-go/lightstream/compress/lz4"`,
		"generated_uncompressible_zstd": `frame 1: body is zstd and this program links no zstd; add import _ "github.com/lightstream-go/lightstream/compress/zstd"`,
	} {
		f, err := os.Open("../internal/testdata/arrow-testing/data/arrow-ipc-stream/integration/2.0.0-compression/" + name + ".stream")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		_, err = ipc.NewReader(struct{ io.Reader }{f}, nil).Next(t.Context())
		if !errors.Is(err, ipc.ErrUnsupported) || err.Error() != "lightstream: "+says {
			t.Errorf("%v, want %s", err, says)
		}
	}
	w := ipc.NewWriter(io.Discard, &ipc.Schema{}, &ipc.WriterOptions{Compression: ipc.ZSTD})
	if err := w.Write(t.Context(), 0, nil); !errors.Is(err, ipc.ErrUnsupported) {
		t.Error(err)
	}
}
