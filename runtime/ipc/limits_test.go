package ipc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/frame"
	it "github.com/lightstream-go/lightstream/runtime/internal/ipctest"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// limited is a table that one limit refuses, as its messages.
type limited struct {
	fields []it.Field
	dicts  [][]byte
	body   int // of each of dicts
	batch  *it.Batch
}

func (x limited) schema(t *testing.T) *ipc.Schema {
	t.Helper()
	r := ipc.NewReader(bytes.NewReader(stream(it.Schema(x.fields...), it.End)), nil)
	s, err := r.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// messages are the dictionaries and the batch.
func (x limited) messages() []byte { return append(stream(x.dicts...), x.batch.Message()...) }

func (x limited) file() []byte {
	f := newFile(x.fields...)
	for _, d := range x.dicts {
		f.dictionary(d, x.body)
	}
	return f.batch(x.batch).bytes()
}

// frame is the table as the first frame of the Lightstream protocol.
func (x limited) frame() []byte {
	payload := append(it.Schema(x.fields...), x.messages()...)
	return append(binary.LittleEndian.AppendUint32([]byte{0}, uint32(len(payload))), payload...)
}

// entrances are the ways into the module for bytes that come from outside.
var entrances = []struct {
	name string
	read func(t *testing.T, x limited, opts *ipc.ReaderOptions) error
}{
	{"stream", func(_ *testing.T, x limited, opts *ipc.ReaderOptions) error {
		_, err := readAll(bytes.NewReader(stream(it.Schema(x.fields...), x.messages(), it.End)), opts)
		return err
	}},
	{"file", func(_ *testing.T, x limited, opts *ipc.ReaderOptions) error {
		_, err := readFile(x.file(), opts)
		return err
	}},
	{"mapped file", func(_ *testing.T, x limited, opts *ipc.ReaderOptions) error {
		_, err := readMapped(x.file(), opts)
		return err
	}},
	{"message", func(t *testing.T, x limited, opts *ipc.ReaderOptions) error {
		d, err := ipc.NewMessageDecoder(x.schema(t), opts)
		if err != nil {
			return err
		}
		h, err := d.Decode(x.messages())
		if err == nil {
			h.Release()
		}
		return err
	}},
	{"frame", func(_ *testing.T, x limited, opts *ipc.ReaderOptions) error {
		f, err := ipc.NewProtocolFramer([]ipc.Member{{Name: "x", Kind: frame.Table, Schema: &ipc.Schema{}}}, &ipc.ProtocolOptions{Reader: opts})
		if err != nil {
			return err
		}
		got, _, err := f.Decode(x.frame())
		if err == nil {
			got.Batch.Release()
		}
		return err
	}},
	{"connection", func(t *testing.T, x limited, opts *ipc.ReaderOptions) error {
		c, err := ipc.NewProtocolConn(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(x.frame()), io.Discard}, []ipc.Member{{Name: "x", Kind: frame.Table, Schema: &ipc.Schema{}}}, &ipc.ProtocolOptions{Reader: opts})
		if err != nil {
			return err
		}
		got, err := c.Recv(context.Background())
		if err == nil {
			got.Batch.Release()
		}
		return err
	}},
}

// TestLimitsOnEveryWay has for each limit a table that is just as much as it allows, and is read on every way, and sets it one lower: the error
// names the limit. A limit that is added to Limits has to be added here.
func TestLimitsOnEveryWay(t *testing.T) {
	numbers := func(rows int) *it.Batch {
		return it.NewBatch(int64(rows)).Add(int64(rows), 0, nil, it.I32(make([]int32, rows)...))
	}
	many := func(n int) (fields []it.Field, b *it.Batch) {
		b = it.NewBatch(1)
		for i := range n {
			fields = append(fields, it.Field{Name: fmt.Sprintf("column_%d", i), Type: it.Int(8, true)})
			b.Add(1, 0, nil, it.I8(1))
		}
		return fields, b
	}
	zero := dict
	zero.Dict = &it.Dict{Bits: 32, Signed: true} // as messages number them
	words := limited{
		[]it.Field{zero},
		[][]byte{it.Dictionary(0, false, "one", "two"), it.Dictionary(0, true, "three", "four")},
		128,
		it.NewBatch(2).Add(2, 0, nil, it.I32(0, 3)),
	}
	wide, wideBatch := many(20)
	nested := it.Field{Name: "i", Type: it.Int(8, true)}
	deep := it.NewBatch(1)
	for range 3 {
		nested = it.Field{Name: "l", Type: it.List, Children: []it.Field{nested}}
		deep.Add(1, 0, nil, it.I32(0, 1))
	}
	deep.Add(1, 0, nil, it.I8(1))
	const shared = 1 << 10 // bytes that 40 columns share
	sharing, sharedBatch := make([]it.Field, 40), it.NewBatch(shared)
	sharedBatch.Body = make([]byte, shared+64)
	for i := range sharing {
		sharing[i] = it.Field{Name: "x", Type: it.Int(8, true)}
		sharedBatch.Nodes = append(sharedBatch.Nodes, [2]int64{shared, 0})
		sharedBatch.Buffers = append(sharedBatch.Buffers, [2]int64{}, [2]int64{1, shared})
	}
	zstd := arrowfb.CompressionTypeZSTD
	inflating := it.NewBatch(65<<20/8).Add(65<<20/8, 0, nil, append(it.I64(65<<20), make([]byte, 64<<10)...))
	inflating.Compression = &zstd
	padded := *inflating // bytes that no buffer names do not raise what may inflate
	padded.Body = append(slices.Clone(inflating.Body), make([]byte, 1<<20)...)
	// A dictionary is refused by what its buffers say that they inflate to: these would not inflate at all.
	packed := it.NewBatch(1).Add(1, 0, nil, append(it.I64(8), make([]byte, 56)...), append(it.I64(300<<20), make([]byte, 400<<10)...))
	packed.Compression = &zstd
	large := limited{[]it.Field{zero}, [][]byte{packed.Dictionary(0, false)}, len(packed.Body), it.NewBatch(1).Add(1, 0, nil, it.I32(0))}
	long := limited{[]it.Field{x32}, nil, 0, numbers(1000)}

	type set = func(l *ipc.Limits, n int)
	tested := map[string]bool{}
	for _, c := range []struct {
		limit string
		x     limited
		n     int // as much as it needs; 0 where that is not measured
		low   int // what is too low
		set   set
		not   string // the ways on which there is nothing to limit, and why
	}{
		{"MaxMetadata", limited{wide, nil, 0, wideBatch}, 16 << 10, 200, func(l *ipc.Limits, n int) { l.MaxMetadata = int64(n) }, ""},
		{"MaxBody", long, 4032, 4031, func(l *ipc.Limits, n int) { l.MaxBody = int64(n) }, ""},
		{"MaxRatio", limited{[]it.Field{{Name: "x", Type: it.Int(64, true)}}, nil, 0, inflating}, 0, 1000, func(l *ipc.Limits, n int) { l.MaxRatio = n }, ""},
		{"MaxRatio", limited{[]it.Field{{Name: "x", Type: it.Int(64, true)}}, nil, 0, &padded}, 0, 1000, func(l *ipc.Limits, n int) { l.MaxRatio = n }, ""},
		{"MaxRows", long, 1000, 999, func(l *ipc.Limits, n int) { l.MaxRows = int64(n) }, ""},
		{"MaxColumns", limited{wide, nil, 0, wideBatch}, 20, 19, func(l *ipc.Limits, n int) { l.MaxColumns = n }, ""},
		{"MaxDepth", limited{[]it.Field{nested}, nil, 0, deep}, 4, 2, func(l *ipc.Limits, n int) { l.MaxDepth = n }, ""},
		{"MaxDictionaryEntries", words, 4, 3, func(l *ipc.Limits, n int) { l.MaxDictionaryEntries = n }, ""},
		{"MaxDictionaryBytes", words, 15, 14, func(l *ipc.Limits, n int) { l.MaxDictionaryBytes = int64(n) }, ""},
		{"MaxDictionaryBytes", large, 0, 256 << 20, func(l *ipc.Limits, n int) { l.MaxDictionaryBytes = int64(n) }, ""},
		{"MaxExpanded", limited{sharing, nil, 0, sharedBatch}, 64 << 10, 1, func(l *ipc.Limits, n int) { l.MaxExpanded = int64(n) }, ""},
		{"MaxMessages", words, 3, 2, func(l *ipc.Limits, n int) { l.MaxMessages = n }, "file, mapped file, message, frame, connection: the end of what was given ends the wait for a batch"},
	} {
		tested[c.limit] = true
		for _, way := range entrances {
			t.Run(c.limit+"/"+way.name, func(t *testing.T) {
				opts := func(n int) *ipc.ReaderOptions {
					o := &ipc.ReaderOptions{Limits: &ipc.Limits{}}
					c.set(o.Limits, n)
					return o
				}
				if c.n != 0 {
					if err := way.read(t, c.x, opts(c.n)); err != nil {
						t.Errorf("as much as it needs: %v", err)
					}
				}
				err := way.read(t, c.x, opts(c.low))
				names, _, _ := strings.Cut(c.not, ":")
				if strings.Contains(", "+names+",", ", "+way.name+",") {
					if err != nil {
						t.Error(err)
					}
					return
				}
				var e *frame.DecodeError
				if !errors.Is(err, ipc.ErrLimit) || !errors.As(err, &e) || !strings.Contains(err.Error(), "Limits."+c.limit) {
					t.Errorf("%v, want an error that wraps ErrLimit and names Limits.%s", err, c.limit)
				}
			})
		}
	}
	for f := range reflect.TypeFor[ipc.Limits]().Fields() {
		if !tested[f.Name] {
			t.Errorf("Limits.%s is not tested", f.Name)
		}
	}
}
