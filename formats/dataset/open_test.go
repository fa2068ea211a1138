package dataset_test

import (
	"testing"

	"github.com/lightstream-go/lightstream/formats/dataset"
)

// TestManyPartitions wants one file of each partition where rows jump between them, and more where they may not all be in memory or open.
func TestManyPartitions(t *testing.T) {
	one := len(write(t, t.TempDir(), 0, 600, &dataset.WriterOptions{Extension: ".csv", Partition: []string{"day", "k"}}))
	for name, opts := range map[string]dataset.WriterOptions{
		"waiting": {Extension: ".csv", Partition: []string{"day", "k"}, MaxWaiting: 1000},
		"open":    {Extension: ".csv", Partition: []string{"day", "k"}, MaxOpen: 2},
	} {
		dir := t.TempDir()
		files := write(t, dir, 0, 600, &opts)
		if len(files) <= one {
			t.Errorf("%s: %d files, not more than %d", name, len(files), one)
		}
		if n := len(text(t, open(t, dir, nil))); n != 600 {
			t.Errorf("%s: %d rows", name, n)
		}
	}
}
