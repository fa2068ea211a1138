// Cache keeps typed batches as the values of a store of bytes. Each cell begins with the fingerprint of its schema, so that one
// that another version of the program has made is noticed before it is read.
//
//	go run ./examples/cache
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// store stands for a cache or database: it has bytes by key.
type store map[string][]byte

// forecast returns the forecast of a city from the store, and makes it if it is not there or of another version.
func (s store) forecast(out io.Writer, city string) (ForecastBatch, error) {
	if cell, ok := s[city]; ok {
		batch, err := decode(cell)
		var stale *errStale
		switch {
		case err == nil:
			fmt.Fprintf(out, "%s: found\n", city)
			return batch, nil
		case !errors.As(err, &stale):
			return ForecastBatch{}, fmt.Errorf("%s: %w", city, err)
		}
		fmt.Fprintf(out, "%s: of another version\n", city)
	}
	fmt.Fprintf(out, "%s: made\n", city)
	b := NewForecastBuilder(nil)
	for hour := range 24 {
		b.Append(Forecast{Hour: int32(hour), Celsius: float32(len(city)+hour) / 2, Sky: []string{"clear", "cloudy", "rain"}[hour/8]})
	}
	cell, err := encode(b)
	if err != nil {
		return ForecastBatch{}, err
	}
	s[city] = cell
	return decode(cell)
}

func run(out io.Writer) error {
	s := make(store)
	for range 2 {
		for _, city := range []string{"Aarhus", "Zagreb"} {
			if err := warmest(out, s, city); err != nil {
				return err
			}
		}
	}
	s["Aarhus"][0]++ // as if a program had made it whose forecasts have other columns
	return warmest(out, s, "Aarhus")
}

// warmest prints the warmest hour of a city.
func warmest(out io.Writer, s store, city string) error {
	batch, err := s.forecast(out, city)
	if err != nil {
		return err
	}
	defer batch.Release()
	best, celsius := 0, batch.Celsius()
	for i, c := range celsius {
		if c > celsius[best] {
			best = i
		}
	}
	fmt.Fprintf(out, "%s: %.1f °C at %d:00, %s\n", city, celsius[best], batch.Hour()[best], batch.Sky().At(best))
	return nil
}
