// File writes a week of readings to an Arrow IPC file, a batch for each day, and reads one day of it.
//
//	go run ./examples/file [readings.arrow]
//
// With a name the file is kept, for other programs: pyarrow.ipc.open_file("readings.arrow").read_pandas()
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

func main() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	if err := run(context.Background(), os.Stdout, name); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, name string) error {
	if name == "" {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		name = filepath.Join(dir, "readings.arrow")
	}
	if err := write(ctx, name); err != nil {
		return err
	}
	return read(out, name, 2)
}

// write makes a file with a batch for each day of a week.
func write(ctx context.Context, name string) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()

	w := rt.NewFileWriter(ReadingTable, file, nil)
	b := NewReadingBuilder(nil) // one for all batches: it keeps the dictionary
	for day := range 7 {
		for hour := range 24 {
			at := time.Date(2025, 3, 10+day, hour, 0, 0, 0, time.UTC)
			b.Append(Reading{at, "roof", measure(at, 9)})
			b.Append(Reading{at, "cellar", measure(at, 1)})
		}
		if err := w.Write(ctx, b); err != nil {
			return err
		}
		b.Reset()
	}
	return w.Close() // writes the footer, without which the file is incomplete
}

// measure returns a temperature that swings with the time of day, or nothing at eleven.
func measure(at time.Time, swing float64) rt.Null[float32] {
	if at.Hour() == 11 {
		return rt.Null[float32]{}
	}
	return rt.Some(float32(12 + swing*math.Sin(float64(at.Hour()-8)/24*2*math.Pi)))
}

// read prints the warmest reading of one day, of which alone it reads the rows.
func read(out io.Writer, name string, day int) error {
	file, err := rt.OpenFile(ReadingTable, name, nil)
	if err != nil {
		return err
	}
	defer file.Close()
	batch, err := file.Batch(day)
	if err != nil {
		return err
	}
	defer batch.Release()

	warmest, missing := -1, 0
	celsius := batch.Celsius()
	for i := range batch.Len() {
		switch {
		case celsius.IsNull(i):
			missing++
		case warmest < 0 || celsius.At(i) > celsius.At(warmest):
			warmest = i
		}
	}
	if warmest < 0 {
		return errors.New("no readings on that day")
	}
	row := batch.Row(warmest)
	fmt.Fprintf(out, "%d batches; batch %d has %d readings, %d of them null\n", file.NumBatches(), day, batch.Len(), missing)
	_, err = fmt.Fprintf(out, "warmest: %.1f °C, %s, %s\n", row.Celsius.V, row.Sensor, row.Time.Format(time.DateTime))
	return err
}
