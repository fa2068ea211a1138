package fbs_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen/fbs"
)

var update = flag.Bool("update", false, "rewrite the files with the wanted errors")

// TestErrors compares what is said against each schema in testdata/bad with the file beside it.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.fbs")
	if err != nil || len(files) == 0 {
		t.Fatal("no schemas in testdata/bad", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, err := fbs.Parse(file, nil)
			var list fbs.Errors
			if !errors.As(err, &list) || s != nil {
				t.Fatalf("got schema %v and error %v, want an error of type fbs.Errors", s, err)
			}
			got := strings.ReplaceAll(list.Error(), "testdata/bad/", "") + "\n"
			wanted := strings.TrimSuffix(file, ".fbs") + ".want"
			if *update {
				if err := os.WriteFile(wanted, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(wanted)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestErrorsUnwrap(t *testing.T) {
	_, err := parseText("table T { a: intt; }\n")
	var one *fbs.Error
	if !errors.As(err, &one) {
		t.Fatalf("%v is no *fbs.Error", err)
	}
	want := fbs.Error{Pos: fbs.Pos{File: "a.fbs", Line: 1, Col: 14}, Found: `unknown type "intt"`, Want: "int"}
	if *one != want {
		t.Errorf("got %+v, want %+v", *one, want)
	}
}

func TestFileErrors(t *testing.T) {
	_, err := fbs.Parse("testdata/nowhere.fbs", nil)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v for a missing file", err)
	}
	if _, err := fbs.Parse("", nil); err == nil {
		t.Error("no error for an empty name")
	}
	if _, err := fbs.ParseFiles(nil, nil); err == nil {
		t.Error("no error for no names")
	}
	_, err = fbs.Parse("testdata/bad/many.fbs", &fbs.Options{MaxBytes: 100})
	if err == nil || !strings.Contains(err.Error(), "more than 100 bytes") {
		t.Errorf("got %v for a file above the limit", err)
	}
}
