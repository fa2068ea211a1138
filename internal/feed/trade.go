// Package feed holds tables that the tests of other packages stream.
package feed

import "time"

//go:generate go run github.com/lightstream-go/lightstream/cmd/lightstream-gen -features=csv,ndjson

// Trade is one execution.
//
//lightstream:table
type Trade struct {
	Time   time.Time `arrow:"time"`        // timestamp[ns, UTC]
	Symbol string    `arrow:"symbol,dict"` // dictionary<int32, utf8>
	Price  float64   `arrow:"price"`
	Size   int64     `arrow:"size"`
	Note   *string   `arrow:"note"` // nullable utf8
}
