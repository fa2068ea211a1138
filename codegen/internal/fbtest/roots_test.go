package fbtest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/lightstream-go/lightstream/codegen/internal/sample"
	"github.com/lightstream-go/lightstream/gen/arrowfb"
)

// root is a root type with its verifier and buffers that pass it.
type root struct {
	name   string
	verify func(buf []byte, limits arrowfb.Limits) (any, error)
	seeds  func(t testing.TB) [][]byte
}

// rootOf makes a root of a generated verifier.
func rootOf[T any](name string, verify func([]byte, arrowfb.Limits) (T, error), seeds func(t testing.TB) [][]byte) root {
	return root{name, func(buf []byte, limits arrowfb.Limits) (any, error) { return verify(buf, limits) }, seeds}
}

var roots = []root{
	rootOf("message", arrowfb.VerifyMessage, messages),
	rootOf("schema", arrowfb.VerifySchema, func(t testing.TB) [][]byte {
		w := schemaWriter{b: flatbuffers.NewBuilder(0)}
		w.b.Finish(w.schema(fewTypes()))
		return [][]byte{w.b.FinishedBytes()}
	}),
	rootOf("footer", arrowfb.VerifyFooter, func(t testing.TB) [][]byte { return [][]byte{footer(t)} }),
	rootOf("tensor", arrowfb.VerifyTensor, func(t testing.TB) [][]byte {
		b := flatbuffers.NewBuilder(0)
		b.Finish(tensor(b))
		return [][]byte{b.FinishedBytes()}
	}),
	rootOf("sparseTensor", arrowfb.VerifySparseTensor, func(t testing.TB) [][]byte {
		var list [][]byte
		for _, index := range sparseIndices {
			b := flatbuffers.NewBuilder(0)
			b.Finish(sparseTensor(b, index))
			list = append(list, b.FinishedBytes())
		}
		return list
	}),
	rootOf("everything", sample.VerifyEverything, func(t testing.TB) [][]byte { return [][]byte{sampleBuffer(t)} }),
}

// messages are one of each kind that is read.
func messages(t testing.TB) [][]byte {
	list := split(t, stream(t))
	list = append(list, split(t, stream(t, ipc.WithZstd()))...)
	return append(list, schemaMessage(t, arrow.NewSchema(allTypes().Fields()[40:], nil)))
}

// TestOpaque reads messages of which only the tag is known: nothing looks into tensors.
func TestOpaque(t *testing.T) {
	read := func(want arrowfb.MessageHeader, offset func(b *flatbuffers.Builder) flatbuffers.UOffsetT) {
		b := flatbuffers.NewBuilder(0)
		m, err := arrowfb.VerifyMessage(message(b, want, offset(b), 96), arrowfb.Limits{})
		if got := m.HeaderType(); err != nil || got != want || m.BodyLength() != 96 {
			t.Errorf("%v, want %v; %v", got, want, err)
		}
	}
	read(arrowfb.MessageHeaderTensor, tensor)
	for _, index := range sparseIndices {
		read(arrowfb.MessageHeaderSparseTensor, func(b *flatbuffers.Builder) flatbuffers.UOffsetT { return sparseTensor(b, index) })
	}
}

func int64Type(b *flatbuffers.Builder) flatbuffers.UOffsetT {
	arrowfb.IntStart(b)
	arrowfb.IntAddBitWidth(b, 64)
	arrowfb.IntAddIsSigned(b, true)
	return arrowfb.IntEnd(b)
}

// shape writes the dimensions of a tensor of 3 by 4.
func shape(b *flatbuffers.Builder, start func(*flatbuffers.Builder, int)) flatbuffers.UOffsetT {
	var dims []flatbuffers.UOffsetT
	for i, name := range []string{"row", "column"} {
		text := b.CreateString(name)
		arrowfb.TensorDimStart(b)
		arrowfb.TensorDimAddSize(b, int64(3+i))
		arrowfb.TensorDimAddName(b, text)
		dims = append(dims, arrowfb.TensorDimEnd(b))
	}
	return offsets(b, start, dims...)
}

func tensor(b *flatbuffers.Builder) flatbuffers.UOffsetT {
	typ, dims := int64Type(b), shape(b, arrowfb.TensorStartShape)
	strides := vector(b, arrowfb.TensorStartStrides, b.PrependInt64, 32, 8)
	arrowfb.TensorStart(b)
	arrowfb.TensorAddTypeType(b, arrowfb.TypeInt)
	arrowfb.TensorAddType(b, typ)
	arrowfb.TensorAddShape(b, dims)
	arrowfb.TensorAddStrides(b, strides)
	arrowfb.TensorAddData(b, arrowfb.CreateBuffer(b, 0, 96))
	return arrowfb.TensorEnd(b)
}

var sparseIndices = []arrowfb.SparseTensorIndex{
	arrowfb.SparseTensorIndexSparseTensorIndexCOO,
	arrowfb.SparseTensorIndexSparseMatrixIndexCSX,
	arrowfb.SparseTensorIndexSparseTensorIndexCSF,
}

func sparseIndex(b *flatbuffers.Builder, kind arrowfb.SparseTensorIndex) flatbuffers.UOffsetT {
	typ := int64Type(b)
	buffers := func(start func(*flatbuffers.Builder, int)) flatbuffers.UOffsetT {
		start(b, 1)
		arrowfb.CreateBuffer(b, 0, 8)
		return b.EndVector(1)
	}
	switch kind {
	case arrowfb.SparseTensorIndexSparseTensorIndexCOO:
		strides := vector(b, arrowfb.SparseTensorIndexCOOStartIndicesStrides, b.PrependInt64, 16, 8)
		arrowfb.SparseTensorIndexCOOStart(b)
		arrowfb.SparseTensorIndexCOOAddIndicesType(b, typ)
		arrowfb.SparseTensorIndexCOOAddIndicesStrides(b, strides)
		arrowfb.SparseTensorIndexCOOAddIndicesBuffer(b, arrowfb.CreateBuffer(b, 0, 32))
		arrowfb.SparseTensorIndexCOOAddIsCanonical(b, true)
		return arrowfb.SparseTensorIndexCOOEnd(b)
	case arrowfb.SparseTensorIndexSparseMatrixIndexCSX:
		arrowfb.SparseMatrixIndexCSXStart(b)
		arrowfb.SparseMatrixIndexCSXAddCompressedAxis(b, arrowfb.SparseMatrixCompressedAxisColumn)
		arrowfb.SparseMatrixIndexCSXAddIndptrType(b, typ)
		arrowfb.SparseMatrixIndexCSXAddIndptrBuffer(b, arrowfb.CreateBuffer(b, 0, 32))
		arrowfb.SparseMatrixIndexCSXAddIndicesType(b, typ)
		arrowfb.SparseMatrixIndexCSXAddIndicesBuffer(b, arrowfb.CreateBuffer(b, 32, 32))
		return arrowfb.SparseMatrixIndexCSXEnd(b)
	}
	indptr := buffers(arrowfb.SparseTensorIndexCSFStartIndptrBuffers)
	indices := buffers(arrowfb.SparseTensorIndexCSFStartIndicesBuffers)
	axes := vector(b, arrowfb.SparseTensorIndexCSFStartAxisOrder, b.PrependInt32, 0, 1)
	arrowfb.SparseTensorIndexCSFStart(b)
	arrowfb.SparseTensorIndexCSFAddIndptrType(b, typ)
	arrowfb.SparseTensorIndexCSFAddIndptrBuffers(b, indptr)
	arrowfb.SparseTensorIndexCSFAddIndicesType(b, typ)
	arrowfb.SparseTensorIndexCSFAddIndicesBuffers(b, indices)
	arrowfb.SparseTensorIndexCSFAddAxisOrder(b, axes)
	return arrowfb.SparseTensorIndexCSFEnd(b)
}

func sparseTensor(b *flatbuffers.Builder, kind arrowfb.SparseTensorIndex) flatbuffers.UOffsetT {
	typ, dims, index := int64Type(b), shape(b, arrowfb.SparseTensorStartShape), sparseIndex(b, kind)
	arrowfb.SparseTensorStart(b)
	arrowfb.SparseTensorAddTypeType(b, arrowfb.TypeInt)
	arrowfb.SparseTensorAddType(b, typ)
	arrowfb.SparseTensorAddShape(b, dims)
	arrowfb.SparseTensorAddNonZeroLength(b, 2)
	arrowfb.SparseTensorAddSparseIndexType(b, kind)
	arrowfb.SparseTensorAddSparseIndex(b, index)
	arrowfb.SparseTensorAddData(b, arrowfb.CreateBuffer(b, 0, 16))
	return arrowfb.SparseTensorEnd(b)
}

// check verifies a buffer and, if it passes, calls every accessor, which must not panic.
func check(t *testing.T, r root, buf []byte, limits arrowfb.Limits) error {
	t.Helper()
	table, err := r.verify(buf, limits)
	if err == nil {
		touch(table)
		return nil
	}
	var detail *arrowfb.Error
	if !errors.As(err, &detail) || detail.Err == nil || detail.Found == "" || detail.Want == "" {
		t.Fatalf("an error that does not say all: %#v", err)
	}
	if detail.Offset < 0 || detail.Offset > int64(len(buf)) {
		t.Fatalf("%v: the buffer has %d bytes", err, len(buf))
	}
	if !reflect.ValueOf(table).IsZero() {
		t.Fatalf("a table as well as %v", err)
	}
	return err
}

func TestRootsPass(t *testing.T) {
	for _, r := range roots {
		seeds := r.seeds(t)
		if len(seeds) == 0 {
			t.Errorf("%s: no buffers", r.name)
		}
		for i, buf := range seeds {
			if err := check(t, r, buf, arrowfb.Limits{}); err != nil {
				t.Errorf("%s %d: %v", r.name, i, err)
			}
		}
	}
}

// TestPrefixes cuts each buffer at each byte: what is left is refused or can be read.
func TestPrefixes(t *testing.T) {
	for _, r := range roots {
		for _, buf := range r.seeds(t) {
			refused := 0
			for n := range buf {
				if check(t, r, slices.Clip(buf[:n]), arrowfb.Limits{}) != nil {
					refused++
				}
			}
			if refused < len(buf)/2 {
				t.Errorf("%s: only %d of %d prefixes are refused", r.name, refused, len(buf))
			}
		}
	}
}

// TestBitFlips changes each bit of each buffer, one of each byte in long ones: what comes of it is refused or can be
// read.
func TestBitFlips(t *testing.T) {
	for _, r := range roots {
		t.Run(r.name, func(t *testing.T) {
			flips, refused := 0, 0
			for _, buf := range r.seeds(t) {
				buf = slices.Clone(buf)
				for i := range buf {
					for bit := range 8 {
						if len(buf) > 700 && bit != i%8 {
							continue
						}
						buf[i] ^= 1 << bit
						flips++
						if check(t, r, buf, arrowfb.Limits{}) != nil {
							refused++
						}
						buf[i] ^= 1 << bit
					}
				}
			}
			if refused == 0 || refused == flips {
				t.Errorf("%d of %d are refused", refused, flips)
			}
		})
	}
}

// TestVerifyAllocatesNothing holds for buffers that pass.
func TestVerifyAllocatesNothing(t *testing.T) {
	for _, buf := range messages(t) {
		if n := testing.AllocsPerRun(10, func() {
			if _, err := arrowfb.VerifyMessage(buf, arrowfb.Limits{}); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

func fuzz(f *testing.F, name string) {
	i := slices.IndexFunc(roots, func(r root) bool { return r.name == name })
	r := roots[i]
	seeds := r.seeds(f)
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, buf []byte) {
		if len(buf) > 1<<13 {
			return
		}
		check(t, r, buf, arrowfb.Limits{MaxTables: 300, MaxDepth: 20})
	})
}

func FuzzVerifyMessage(f *testing.F)      { fuzz(f, "message") }
func FuzzVerifySchema(f *testing.F)       { fuzz(f, "schema") }
func FuzzVerifyFooter(f *testing.F)       { fuzz(f, "footer") }
func FuzzVerifyTensor(f *testing.F)       { fuzz(f, "tensor") }
func FuzzVerifySparseTensor(f *testing.F) { fuzz(f, "sparseTensor") }
func FuzzVerifyEverything(f *testing.F)   { fuzz(f, "everything") }

func BenchmarkVerifyMessage(b *testing.B) {
	for _, columns := range []int{1, 10, 50} {
		schema := schemaMessage(b, arrow.NewSchema(allTypes().Fields()[:columns], nil))
		b.Run(fmt.Sprintf("schema/columns=%d", columns), func(b *testing.B) { benchmarkVerify(b, schema) })
	}
	metadata := split(b, stream(b))
	b.Run("batch/columns=4", func(b *testing.B) { benchmarkVerify(b, metadata[len(metadata)-1]) })
}

func benchmarkVerify(b *testing.B, buf []byte) {
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := arrowfb.VerifyMessage(buf, arrowfb.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
