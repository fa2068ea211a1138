package codegen

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lightstream-go/lightstream/codegen/emit"
	"github.com/lightstream-go/lightstream/codegen/model"
)

// TestFeatures are the tests that are only generated when asked for, by name.
var TestFeatures = []string{string(emit.RoundTrip), string(emit.Fuzz), string(emit.Benchmark)}

// Features are the parts of generated code that are only there when asked for, by name: tests, and text formats.
var Features = features()

func features() []string {
	list := slices.Clone(TestFeatures)
	for _, f := range emit.Formats {
		list = append(list, f.Name)
	}
	return list
}

// ParseFeatures reads names of features with commas between them.
func ParseFeatures(list string) ([]string, error) {
	if list == "" { // which could mean that there are to be none
		return nil, errors.New("no feature is named; to take some back delete the file that has them, such as trade_text_lightstream.go, and name those that stay")
	}
	names := strings.Split(list, ",")
	return names, checkFeatures(names)
}

func checkFeatures(names []string) error {
	for _, name := range names {
		if !slices.Contains(Features, name) {
			return fmt.Errorf("unknown feature %q; the features are %s", name, strings.Join(Features, ", "))
		}
	}
	return nil
}

// tests are the functions of a test file: those that are asked for, and those that the file in its place has.
func (g *generator) tests(old []byte) map[emit.Test]bool {
	tests := map[emit.Test]bool{}
	for _, name := range g.opts.Features {
		if slices.Contains(TestFeatures, name) {
			tests[emit.Test(name)] = true
		}
	}
	if _, ok := emit.Source(old); ok {
		for test, prefix := range map[emit.Test]string{emit.RoundTrip: "Test", emit.Fuzz: "Fuzz", emit.Benchmark: "Benchmark"} {
			if strings.Contains(string(old), "\nfunc "+prefix) {
				tests[test] = true
			}
		}
	}
	return tests
}

// emitTests adds the test file of f, if it has one.
func (g *generator) emitTests(dir, source string, f *model.File) error {
	path := filepath.Join(dir, f.Tests())
	old, err := readIfThere(path)
	if err != nil {
		return err
	}
	tests := g.tests(old)
	if len(tests) == 0 {
		return nil
	}
	text, err := emit.Tests(f, tests)
	if text == nil && old == nil {
		return err
	}
	g.outputs = append(g.outputs, Output{Path: path, Text: text, source: source})
	return err
}

// emitText adds the file for the text formats of f's tables, if there are any: those that are asked for, and those that the file in its
// place has.
func (g *generator) emitText(dir, source string, f *model.File) error {
	path := filepath.Join(dir, f.Text())
	old, err := readIfThere(path)
	if err != nil {
		return err
	}
	from, generated := emit.Source(old)
	generated = generated && from == f.Source // it may be the file of another source
	var formats []emit.Format
	for _, format := range emit.Formats {
		if slices.Contains(g.opts.Features, format.Name) || generated && strings.Contains(string(old), strconv.Quote(format.Path)) {
			formats = append(formats, format)
		}
	}
	text, err := emit.Text(f, formats)
	if err != nil || text == nil && !generated {
		return err
	}
	g.outputs = append(g.outputs, Output{Path: path, Text: text, source: source})
	return nil
}
