package column

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const benchRows = 1000

func benchAppend(b *testing.B, reset func(), add func(i int)) {
	b.ReportAllocs()
	for b.Loop() {
		reset()
		for i := range benchRows {
			add(i)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
}

func BenchmarkAppend(b *testing.B) {
	for _, nulls := range []bool{false, true} {
		config := Config{Name: "c", Nullable: true, Unit: Microsecond, Zoned: true}
		there := func(i int) bool { return !nulls || i%10 != 3 }
		name := func(s string) string { return fmt.Sprintf("%s/nulls=%v/rows=1k", s, nulls) }
		b.Run(name("int64"), func(b *testing.B) {
			var c FixedBuilder[int64]
			c.Init(config)
			benchAppend(b, c.Reset, func(i int) { c.AppendNullable(int64(i), there(i)) })
		})
		b.Run(name("bool"), func(b *testing.B) {
			var c BoolBuilder
			c.Init(config)
			benchAppend(b, c.Reset, func(i int) { c.AppendNullable(i&1 == 0, there(i)) })
		})
		b.Run(name("timestamp"), func(b *testing.B) {
			var c TimestampBuilder
			c.Init(config)
			at := time.Now().UTC()
			benchAppend(b, c.Reset, func(i int) { c.AppendNullable(at, there(i)) })
		})
		for _, length := range []int{3, 12, 24} {
			texts := make([]string, 100)
			for i := range texts {
				texts[i] = (fmt.Sprintf("%03d", i) + strings.Repeat("x", length))[:length]
			}
			b.Run(name(fmt.Sprintf("text=%d", length)), func(b *testing.B) {
				var c TextBuilder
				c.Init(config)
				benchAppend(b, c.Reset, func(i int) { c.AppendNullable(texts[i%100], there(i)) })
			})
			if !nulls {
				all := make([]string, benchRows)
				for i := range all {
					all[i] = texts[i%100]
				}
				b.Run(name(fmt.Sprintf("text=%d/all", length)), func(b *testing.B) {
					var c TextBuilder
					c.Init(config)
					benchAppend(b, func() { c.Reset(); c.AppendAll(all) }, func(int) {})
				})
			}
			b.Run(name(fmt.Sprintf("dictionary=%d", length)), func(b *testing.B) {
				var c DictBuilder[int32]
				c.Init(config)
				benchAppend(b, c.Reset, func(i int) { c.AppendNullable(texts[i%100], there(i)) })
			})
		}
	}
}
