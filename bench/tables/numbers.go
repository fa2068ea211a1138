package tables

// Numbers is a row of six values of 8 bytes.
//
//lightstream:table
type Numbers struct {
	ID     int64   `arrow:"id"`
	Time   int64   `arrow:"time,timestamp(ns,UTC)"`
	Open   float64 `arrow:"open"`
	Close  float64 `arrow:"close"`
	Volume uint64  `arrow:"volume"`
	Trades uint64  `arrow:"trades"`
}
