// Package caller uses batches and builders as programs do, each in a loop over rows: a test looks at what the compiler makes of it.
package caller

import (
	"time"

	"github.com/lightstream-go/lightstream/internal/feed"

	// The compiler inlines methods of a package that is imported, and of others those alone that its imports inline themselves.
	_ "github.com/lightstream-go/lightstream/runtime/column"
)

// Trades reads each column of a batch.
func Trades(b feed.TradeBatch) (notional float64, size int64, texts int, last int64) {
	symbol, note, at := b.Symbol(), b.Note(), b.Time()
	price, sizes, times := b.Price(), b.Size(), at.Values()
	for i := range b.Len() {
		notional += price[i]
		size += sizes[i]
		texts += len(symbol.At(i))
		if !note.IsNull(i) {
			texts += len(note.At(i))
		}
		if !at.IsNull(i) {
			last = max(last, times[i])
		}
	}
	return notional, size, texts + note.Len(), last
}

// All reads columns of the other forms.
func All(b feed.AllBatch) (n int) {
	yes, bytes, large, largeBytes := b.NullBool(), b.Bytes(), b.LargeText(), b.LargeBytes()
	number, clock := b.NullInt64(), b.ClockS()
	values := number.Values()
	for i := range b.Len() {
		if !yes.IsNull(i) && yes.At(i) {
			n++
		}
		if !bytes.IsNull(i) {
			n += len(bytes.At(i))
		}
		if !number.IsNull(i) {
			n += int(values[i])
		}
		if !clock.IsNull(i) {
			n++
		}
		n += len(large.At(i)) + len(largeBytes.At(i))
	}
	return n
}

// Fill puts rows into a batch column by column.
func Fill(b *feed.TradeBuilder, at time.Time, price []float64, notes []string) {
	times, prices, note := b.Time(), b.Price(), b.Note()
	for i := range price {
		times.Append(at)
		prices.Append(price[i])
		note.Append(notes[i])
	}
}
