package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lightstream-go/lightstream/codegen/evolve"
	"github.com/lightstream-go/lightstream/gen/arrowfb"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var update = flag.Bool("update", false, "rewrite what scripts compare with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lightstream-gen": main})
}

// TestScript runs the command on definitions that are right, and compares what it writes.
func TestScript(t *testing.T) { runScripts(t, "testdata/script") }

// TestBad runs the command on definitions that are wrong: each says what, and where.
func TestBad(t *testing.T) {
	runScripts(t, "testdata/bad")
	for prefix, want := range map[string]int{"go_": 58, "fbs_": 40, "arrow_": 12} {
		names, _ := filepath.Glob("testdata/bad/" + prefix + "*")
		if len(names) < want {
			t.Errorf("%d scripts %s*, want at least %d", len(names), prefix, want)
		}
	}
}

// TestErrors runs generated programs, whose errors are compared word for word.
func TestErrors(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	runScripts(t, "testdata/errors")
}

func runScripts(t *testing.T, dir string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"arrow": writeArrow},
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPROXY"} {
				if value := os.Getenv(name); value != "" {
					env.Setenv(name, value)
				}
			}
			if dir == "testdata/errors" {
				goEnv(t, env)
			}
			return nil
		},
	})
}

// goEnv lets a script build programs that use this checkout.
func goEnv(t *testing.T, env *testscript.Env) {
	newModule(t, env.WorkDir)
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env.Setenv(name, strings.TrimSpace(string(out)))
	}
	for name, value := range map[string]string{"GOFLAGS": "-mod=mod", "GOWORK": "off", "GOSUMDB": "off", "GOPROXY": cacheProxy()} {
		env.Setenv(name, value)
	}
}

// writeArrow is the command "arrow file [column …]" of scripts: it writes an Arrow file or, under the name of one, a stream, that
// has a schema and no batches. Columns are written as in lightstream.schema.lock. Streams may have types that the format does not.
func writeArrow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: arrow file [column ...]")
	}
	schema := &ipc.Schema{}
	for _, text := range args[1:] {
		f, err := evolve.ParseField(text)
		if err != nil {
			ts.Fatalf("column %q: %v", text, err)
		}
		schema.Fields = append(schema.Fields, f)
	}
	var buf bytes.Buffer
	if filepath.Ext(args[0]) == ".arrow" {
		ts.Check(ipc.NewFileWriter(&buf, schema, nil).Close())
	} else if err := ipc.NewWriter(&buf, schema, nil).Close(); errors.Is(err, ipc.ErrMalformed) {
		buf.Reset()
		buf.Write(uncheckedStream(schema.Fields))
	} else {
		ts.Check(err)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), buf.Bytes(), 0o666))
}

// uncheckedStream returns a stream without batches whose schema may be one that writers refuse.
func uncheckedStream(fields []ipc.Field) []byte {
	b := flatbuffers.NewBuilder(1024)
	list := uncheckedFields(b, fields, arrowfb.SchemaStartFields)
	arrowfb.SchemaStart(b)
	arrowfb.SchemaAddFields(b, list)
	schema := arrowfb.SchemaEnd(b)
	arrowfb.MessageStart(b)
	arrowfb.MessageAddVersion(b, arrowfb.MetadataVersionV5)
	arrowfb.MessageAddHeaderType(b, arrowfb.MessageHeaderSchema)
	arrowfb.MessageAddHeader(b, schema)
	b.Finish(arrowfb.MessageEnd(b))
	meta := append(b.FinishedBytes(), make([]byte, -len(b.FinishedBytes())&7)...)
	p := binary.LittleEndian.AppendUint32([]byte{0xff, 0xff, 0xff, 0xff}, uint32(len(meta)))
	return append(append(p, meta...), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0) // and the end
}

func uncheckedFields(b *flatbuffers.Builder, fields []ipc.Field, start func(*flatbuffers.Builder, int)) flatbuffers.UOffsetT {
	offsets := make([]flatbuffers.UOffsetT, len(fields))
	for i, f := range fields {
		name := b.CreateString(f.Name)
		children := uncheckedFields(b, f.Children, arrowfb.FieldStartChildren)
		typ := uncheckedType(b, f.Type)
		arrowfb.FieldStart(b)
		arrowfb.FieldAddName(b, name)
		arrowfb.FieldAddNullable(b, f.Nullable)
		arrowfb.FieldAddTypeType(b, arrowfb.Type(f.Type.Kind))
		arrowfb.FieldAddType(b, typ)
		arrowfb.FieldAddChildren(b, children)
		offsets[i] = arrowfb.FieldEnd(b)
	}
	start(b, len(offsets))
	for i := len(offsets) - 1; i >= 0; i-- {
		b.PrependUOffsetT(offsets[i])
	}
	return b.EndVector(len(offsets))
}

func uncheckedType(b *flatbuffers.Builder, t ipc.Type) flatbuffers.UOffsetT {
	switch t.Kind {
	case ipc.KindInt:
		arrowfb.IntStart(b)
		arrowfb.IntAddBitWidth(b, int32(t.Bits))
		arrowfb.IntAddIsSigned(b, t.Signed)
		return arrowfb.IntEnd(b)
	case ipc.KindDecimal:
		arrowfb.DecimalStart(b)
		arrowfb.DecimalAddPrecision(b, int32(t.Precision))
		arrowfb.DecimalAddScale(b, int32(t.Scale))
		arrowfb.DecimalAddBitWidth(b, int32(t.Bits))
		return arrowfb.DecimalEnd(b)
	case ipc.KindTime:
		units := map[column.Unit]arrowfb.TimeUnit{column.Second: 0, column.Millisecond: 1, column.Microsecond: 2, column.Nanosecond: 3}
		arrowfb.TimeStart(b)
		arrowfb.TimeAddUnit(b, units[t.Unit])
		arrowfb.TimeAddBitWidth(b, int32(t.Bits))
		return arrowfb.TimeEnd(b)
	case ipc.KindMap:
		arrowfb.MapStart(b)
		return arrowfb.MapEnd(b)
	default:
		panic("uncheckedType: " + t.String())
	}
}

func TestExitStatus(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good := write("good.fbs", "table Good { a: int; }")
	bad := write("bad.fbs", "table Bad { a: string (dict: \"int3\"); }")
	tests := []struct {
		name   string
		args   []string
		status int
		output string // part of it
	}{
		{"help", []string{"-h"}, 0, "usage: lightstream-gen"},
		{"version", []string{"-version"}, 0, "lightstream-gen "},
		{"stale", []string{"-package=p", "-check", good}, 1, "good_lightstream.go is stale: it is not there; run: go generate"},
		{"done", []string{"-package=p", "-v", good}, 0, "good_rows.go"},
		{"unchanged", []string{"-package=p", "-v", good}, 0, ""},
		{"fresh", []string{"-package=p", "-check", good}, 0, ""},
		{"bad definition", []string{"-package=p", bad}, 1, "bad.fbs:1:"},
		{"no file", []string{filepath.Join(dir, "none.fbs")}, 1, "none.fbs"},
		{"unknown flag", []string{"-x"}, 2, "-x"},
		{"idle flag", []string{"-o", dir}, 2, "-o is for schemas"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			if status := run(test.args, &out, &out); status != test.status {
				t.Errorf("run(%q) = %d, want %d", test.args, status, test.status)
			}
			if !strings.Contains(out.String(), test.output) || test.output == "" && out.Len() > 0 {
				t.Errorf("run(%q) prints %q, want %q in it", test.args, out.String(), test.output)
			}
		})
	}
}
