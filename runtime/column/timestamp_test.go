package column

import (
	"errors"
	"math"
	"strings"
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

// The zero time is kept by what reaches back to the year 1. What does not says what to do if it stands for none.
func TestZeroTime(t *testing.T) {
	for unit, fits := range map[Unit]bool{Second: true, Millisecond: true, Microsecond: true, Nanosecond: false} {
		for _, zoned := range []bool{false, true} {
			var b TimestampBuilder
			b.Init(Config{Name: "at", Unit: unit, Zoned: zoned})
			b.Append(time.Time{})
			if fits {
				d := b.Data()
				if got := TimestampsOf(&d, unit).At(0); b.Err() != nil || !got.IsZero() {
					t.Errorf("%v: %v, %v", unit, got, b.Err())
				}
				continue
			}
			const want = `column "at", row 0: time is out of range: 0001-01-01 00:00:00 +0000 UTC does not fit timestamp(ns), which reaches from year ` +
				`1677 to 2262; if it stands for none, make the column nullable, as rt.Null[time.Time] or *time.Time, else use a coarser unit`
			if err := b.Err(); !errors.Is(err, ErrTimeRange) || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%v: error %v, want\n%s", unit, err, want)
			}
		}
	}
	var b DateBuilder[Date]
	b.Init(Config{Name: "day"})
	b.Append(time.Time{})
	d := b.Data()
	if got := DatesOf[Date](&d).At(0); b.Err() != nil || !got.IsZero() {
		t.Errorf("date32: %v, %v", got, b.Err())
	}
}
