package dataset

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestMaxAge wants a file to end with the first batch that comes when it is old enough, of another partition too, and none before.
func TestMaxAge(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	dir := t.TempDir()
	schema := &ipc.Schema{Fields: []ipc.Field{{Name: "day", Type: ipc.Utf8}, {Name: "n", Type: ipc.Int64}}}
	w, err := Create(dir, schema, &WriterOptions{
		Extension: ".csv", Partition: []string{"day"}, MaxAge: time.Minute, now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	write := func(day string, n int64) {
		t.Helper()
		var days column.TextBuilder
		days.Init(column.Config{Name: "day"})
		days.Append(day)
		var ns column.FixedBuilder[int64]
		ns.Init(column.Config{Name: "n"})
		ns.Append(n)
		if err := w.Write(context.Background(), 1, []column.Data{days.Data(), ns.Data()}); err != nil {
			t.Fatal(err)
		}
	}
	files := func(want ...string) {
		t.Helper()
		var got []string
		for _, name := range w.Files() {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, filepath.ToSlash(name)+" "+strings.ReplaceAll(strings.TrimPrefix(string(b), "n\n"), "\n", ","))
		}
		if strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	write("a", 1)
	now = now.Add(30 * time.Second)
	write("b", 2)
	write("a", 3)
	now = now.Add(29 * time.Second)
	write("a", 4)
	files()
	now = now.Add(time.Second) // a minute after the first row of a
	write("b", 5)
	files("day=a/part-00001.csv 1,3,4,")
	write("a", 6)
	now = now.Add(time.Hour)
	write("c", 7)
	files("day=a/part-00001.csv 1,3,4,", "day=a/part-00002.csv 6,", "day=b/part-00001.csv 2,5,")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	files("day=a/part-00001.csv 1,3,4,", "day=a/part-00002.csv 6,", "day=b/part-00001.csv 2,5,", "day=c/part-00001.csv 7,")
}
