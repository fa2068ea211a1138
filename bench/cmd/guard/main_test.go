package main

import (
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"
)

// TestCompare wants what costs more than is kept to be named, and nothing else.
func TestCompare(t *testing.T) {
	kept := map[string]cost{"a": {1000, 0}, "b": {2000, 3}}
	for _, c := range []struct {
		name  string
		costs map[string]cost
		worse []string
	}{
		{"the same", kept, nil},
		{"less", map[string]cost{"a": {10, 0}, "b": {20, 0}}, nil},
		{"within", map[string]cost{"a": {1049, 0}, "b": {2000, 3}}, nil},
		{"instructions", map[string]cost{"a": {1051, 0}, "b": {2101, 3}}, []string{"a", "b"}},
		{"an allocation", map[string]cost{"a": {1000, 1}, "b": {2000, 3}}, []string{"a"}},
		{"no number", map[string]cost{"a": {math.NaN(), 0}, "b": {2000, math.NaN()}}, []string{"a", "b"}},
		{"a path of which nothing is kept", map[string]cost{"a": {1000, 0}, "b": {2000, 3}, "c": {1, 0}}, []string{"c"}},
		{"a path that is gone", map[string]cost{"a": {1000, 0}}, []string{"b"}},
	} {
		if worse := compare(c.costs, kept, 0.05); !slices.Equal(worse, c.worse) {
			t.Errorf("%s: %q are worse, want %q", c.name, worse, c.worse)
		}
	}
}

// TestKept wants guard.txt to have each path, once, and a thousand columns to take about ten times as much as a hundred.
func TestKept(t *testing.T) {
	kept, err := read("../../guard.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, p := range paths {
		names[p.name] = true
		if c := kept[p.name]; !(c.instructions > 100) || c.allocations < 0 {
			t.Errorf("%s: %v is kept", p.name, c)
		}
	}
	for name := range kept {
		if !names[name] {
			t.Errorf("%s is kept, and there is no such path", name)
		}
	}
	if few, many := kept["columns=100"].instructions, kept["columns=1000"].instructions; many > 11*few {
		t.Errorf("a hundred columns take %.0f instructions, and a thousand %.0f", few, many)
	}
	file := filepath.Join(t.TempDir(), "guard.txt")
	if err := write(file, kept); err != nil {
		t.Fatal(err)
	}
	if again, err := read(file); err != nil || !maps.Equal(again, kept) {
		t.Errorf("%v, %v", again, err)
	}
}

// TestPaths runs each path a few times.
func TestPaths(t *testing.T) {
	flights = "../../../examples/flights/data/flights-50k.arrows"
	for _, p := range paths {
		if err := once(p.name, 2); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}
