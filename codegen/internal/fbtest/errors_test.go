package fbtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/lightstream-go/lightstream/codegen/internal/sample"
	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/internal/flatbuf"
)

// TestErrorPaths spoils the zero after a text, and expects to be told where.
func TestErrorPaths(t *testing.T) {
	inner := arrow.Field{Name: "inner", Type: arrow.PrimitiveTypes.Int8, Metadata: arrow.NewMetadata([]string{"first", "second"}, []string{"1", "needle-in-metadata"})}
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "needle-in-name", Type: arrow.PrimitiveTypes.Int8},
		{Name: "outer", Type: arrow.StructOf(arrow.Field{Name: "x", Type: &arrow.TimestampType{TimeZone: "needle-in-zone"}}, inner)},
	}, nil)
	message, everything := schemaMessage(t, schema), sampleBuffer(t)
	for _, c := range []struct {
		buf          []byte
		verify       func([]byte) error
		needle, path string
	}{
		{message, verifyMessage, "needle-in-name", "message.header.fields[0].name"},
		{message, verifyMessage, "needle-in-zone", "message.header.fields[1].children[0].type.timezone"},
		{message, verifyMessage, "needle-in-metadata", "message.header.fields[1].children[1].custom_metadata[1].value"},
		{everything, verifyEverything, "zzz", "everything.names[2]"},
		{everything, verifyEverything, "a title, ünicode", "everything.title"},
		{everything, verifyEverything, "/two", "everything.leaves[1].URL_path"},
	} {
		buf := slices.Clone(c.buf)
		at := bytes.Index(buf, []byte(c.needle+"\x00"))
		if at < 0 {
			t.Fatalf("no %q", c.needle)
		}
		buf[at+len(c.needle)] = '!'
		err := c.verify(buf)
		want := fmt.Sprintf("flatbuffer byte %d (%s): 0x21 after a string, want 0", at+len(c.needle), c.path)
		if err == nil || err.Error() != want || !errors.Is(err, flatbuf.ErrString) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func verifyMessage(buf []byte) error {
	_, err := arrowfb.VerifyMessage(buf, arrowfb.Limits{})
	return err
}

func verifyEverything(buf []byte) error {
	_, err := sample.VerifyEverything(buf, sample.Limits{})
	return err
}

// TestRequired leaves out what has to be there.
func TestRequired(t *testing.T) {
	b := flatbuffers.NewBuilder(0)
	typ := int64Type(b)
	arrowfb.TensorStart(b)
	arrowfb.TensorAddTypeType(b, arrowfb.TypeInt)
	arrowfb.TensorAddType(b, typ)
	b.Finish(arrowfb.TensorEnd(b))
	_, err := arrowfb.VerifyTensor(b.FinishedBytes(), arrowfb.Limits{})
	if !errors.Is(err, flatbuf.ErrRequired) || !strings.Contains(err.Error(), "(tensor.shape)") {
		t.Errorf("got %v", err)
	}
}

// TestDepth nests lists in lists.
func TestDepth(t *testing.T) {
	nested := func(n int) []byte {
		typ := arrow.PrimitiveTypes.Int8
		for range n {
			typ = arrow.ListOf(typ)
		}
		w := schemaWriter{b: flatbuffers.NewBuilder(0)}
		return message(w.b, arrowfb.MessageHeaderSchema, w.schema(arrow.NewSchema([]arrow.Field{{Name: "x", Type: typ}}, nil)), 0)
	}
	if err := verifyMessage(nested(100)); err != nil {
		t.Error(err)
	}
	err := verifyMessage(nested(200))
	if !errors.Is(err, flatbuf.ErrLimit) || !strings.Contains(err.Error(), "inside each other") || !strings.Contains(err.Error(), "children[0].children[0]") {
		t.Errorf("got %.300v", err)
	}
	if _, err := arrowfb.VerifyMessage(nested(200), arrowfb.Limits{MaxDepth: 300}); err != nil {
		t.Error(err)
	}
}

// TestSharedTables lets a small buffer lead to very many tables: each box has the one below it many times.
func TestSharedTables(t *testing.T) {
	b := flatbuffers.NewBuilder(0)
	sample.BoxStart(b)
	at := sample.BoxEnd(b)
	for range 30 {
		boxes := offsets(b, sample.BoxStartBoxes, slices.Repeat([]flatbuffers.UOffsetT{at}, 10)...)
		sample.BoxStart(b)
		sample.BoxAddBoxes(b, boxes)
		at = sample.BoxEnd(b)
	}
	one := leaf(b, "x")
	title := b.CreateString("x")
	longs := vector[int64](b, sample.EverythingStartLongs, b.PrependInt64)
	leaves := offsets(b, sample.EverythingStartLeaves, one)
	sample.EverythingStart(b)
	sample.EverythingAddLeaf(b, one)
	sample.EverythingAddTitle(b, title)
	sample.EverythingAddMustType(b, sample.AnyBox)
	sample.EverythingAddMust(b, at)
	sample.EverythingAddMixed(b, sample.CreateMixed(b, false, 0, 0, 0, 0, 0, 0, 0, 0))
	sample.EverythingAddLongs(b, longs)
	sample.EverythingAddLeaves(b, leaves)
	b.Finish(sample.EverythingEnd(b))
	err := verifyEverything(b.FinishedBytes())
	if !errors.Is(err, flatbuf.ErrLimit) || !strings.Contains(err.Error(), "more tables") {
		t.Errorf("got %v", err)
	}
}
