package codegen_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen"
	"github.com/lightstream-go/lightstream/codegen/evolve"
	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestFrontEndsAgreeOnArrow generates from the schema of a table with every type, alone in a stream and in a file, and marks the
// row struct that this gives as a table: the three have to give the same file. The columns are those of the .fbs file that
// the schema came from, type by type.
func TestFrontEndsAgreeOnArrow(t *testing.T) {
	dir := t.TempDir()
	stream, file := filepath.Join(dir, "every.arrows"), filepath.Join(dir, "file", "every.arrow")
	mkdir(t, filepath.Dir(file))
	schema := feed.EveryTable.Schema()
	var buf bytes.Buffer
	if err := ipc.NewWriter(&buf, schema, nil).Close(); err != nil {
		t.Fatal(err)
	}
	write(t, stream, buf.String())
	buf.Reset()
	if err := ipc.NewFileWriter(&buf, schema, nil).Close(); err != nil {
		t.Fatal(err)
	}
	write(t, file, buf.String())

	fromStream := generate(t, &codegen.Options{Inputs: []string{stream}, Package: "feed"})
	fromFile := generate(t, &codegen.Options{Inputs: []string{file}, Package: "feed"})
	for _, name := range []string{"every_lightstream.go", "every_rows.go"} {
		if got, want := body(fromFile[name]), body(fromStream[name]); got != want {
			t.Errorf("%s of a file and of a stream differ:\n%s", name, firstDifference(got, want))
		}
	}
	marked := "// Rows.\n" + strings.Replace(body(fromStream["every_rows.go"]), "\ntype Every", "\n//\n//lightstream:table\ntype Every", 1)
	goDir := t.TempDir()
	write(t, filepath.Join(goDir, "every.go"), marked)
	fromGo := generate(t, &codegen.Options{Inputs: []string{goDir}})
	if got, want := body(fromStream["every_lightstream.go"]), body(fromGo["every_lightstream.go"]); got != want {
		t.Errorf("front ends differ:\n%s", firstDifference(got, want))
	}

	fbs := generate(t, &codegen.Options{Inputs: []string{filepath.Join(copyTo(t, "../internal/feed/every.fbs"), "every.fbs")}, Package: "feed"})
	got, want := columnTypes(fromStream["every_lightstream.go"]), columnTypes(fbs["every_lightstream.go"])
	if len(got) != len(schema.Fields) || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("columns differ from those of every.fbs: %s", firstDifference(strings.Join(got, "\n"), strings.Join(want, "\n")))
	}
}

// TestNestedFrontEndsAgreeOnArrow does the same with tables that have columns below others.
func TestNestedFrontEndsAgreeOnArrow(t *testing.T) {
	for row, schema := range map[string]*ipc.Schema{"Nested": feed.NestedTable.Schema(), "Tree": feed.TreeTable.Schema(), "Mixed": feed.MixedTable.Schema()} {
		dir := t.TempDir()
		name := strings.ToLower(row)
		var stream bytes.Buffer
		if err := ipc.NewWriter(&stream, schema, nil).Close(); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name+".arrows"), stream.String())
		fromStream := generate(t, &codegen.Options{Inputs: []string{filepath.Join(dir, name+".arrows")}, Package: "feed"})
		rows := body(fromStream[name+"_rows.go"])
		marked := "// Rows.\n" + strings.Replace(rows, "\ntype "+row+" ", "\n//\n//lightstream:table\ntype "+row+" ", 1)
		goDir := t.TempDir()
		write(t, filepath.Join(goDir, name+".go"), marked)
		fromGo := generate(t, &codegen.Options{Inputs: []string{goDir}})
		if got, want := body(fromStream[name+"_lightstream.go"]), body(fromGo[name+"_lightstream.go"]); got != want {
			t.Errorf("%s: front ends differ:\n%s\n%s", row, firstDifference(got, want), marked)
		}
		lock, err := evolve.ParseLock([]byte(fromStream[evolve.LockName]))
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range lock.Files[0].Tables[0].Columns {
			if got, want := evolve.FormatField(&c.Field), evolve.FormatField(&schema.Fields[i]); got != want {
				t.Errorf("%s: column %s, want %s", row, got, want)
			}
		}
	}
}

// columnTypes returns the lines of a generated file that tell the type of a column, without what only a definition can say.
func columnTypes(text string) (list []string) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "\t{Field: ipc.Field{"); ok {
			column, _, _ := strings.Cut(rest, "}")
			list = append(list, strings.TrimSpace(column))
		}
	}
	return list
}

// The name of a table is asked for once: what is generated later has it from the generated file.
func TestArrowTableName(t *testing.T) {
	dir := t.TempDir()
	var buf bytes.Buffer
	if err := ipc.NewWriter(&buf, feed.TradeTable.Schema(), nil).Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "day 1.arrows"), buf.String())
	opts := &codegen.Options{Inputs: []string{filepath.Join(dir, "day 1.arrows")}, Package: "feed", Table: "trade"}
	if _, err := codegen.Run(opts); err != nil {
		t.Fatal(err)
	}
	text := read(t, filepath.Join(dir, "day 1_lightstream.go"))
	if !strings.Contains(text, "var TradeTable = ") || !strings.Contains(text, `Name:       "trade"`) {
		t.Errorf("table trade is not in:\n%s", text)
	}
	if changed, err := codegen.Run(&codegen.Options{Inputs: []string{dir + "/..."}}); err != nil || len(changed) > 0 {
		t.Errorf("generating again changes %q, %v", changed, err)
	}
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
}
