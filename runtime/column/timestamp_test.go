package column

import (
	"errors"
	"math"
	"testing"
	"time"
)

// Every value that a column can hold comes out of the builder as it went into the column.
func TestTimestampBuilderReachesBothEnds(t *testing.T) {
	for _, unit := range []Unit{Second, Millisecond, Microsecond, Nanosecond} {
		var b TimestampBuilder
		b.Init(Config{Unit: unit, Zoned: true})
		want := []int64{0, 1, -1, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, math.MinInt64 + 1, math.MaxInt64 / int64(unit) * int64(unit), math.MinInt64 / int64(unit) * int64(unit)}
		for _, v := range want {
			b.Append(unit.Time(v))
		}
		if b.Err() != nil {
			t.Fatalf("%v: %v", unit, b.Err())
		}
		for i, v := range b.Values() {
			if v != want[i] {
				t.Errorf("%v: %d came back as %d", unit, want[i], v)
			}
		}
	}
}

func TestTimestampBuilderRefusesWhatIsBeyond(t *testing.T) {
	for _, beyond := range []time.Time{
		Nanosecond.Time(math.MaxInt64).Add(1),
		Nanosecond.Time(math.MinInt64).Add(-1),
		Nanosecond.Time(math.MaxInt64).Add(time.Second),
		Nanosecond.Time(math.MinInt64).Add(-time.Second),
		{}, // the year 1
	} {
		var b TimestampBuilder
		b.Init(Config{Unit: Nanosecond, Zoned: true})
		b.Append(beyond)
		if !errors.Is(b.Err(), ErrTimeRange) || b.Values()[0] != 0 {
			t.Errorf("%v: error %v, value %d", beyond, b.Err(), b.Values()[0])
		}
	}
}
