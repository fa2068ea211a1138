// Package v1 is a table and its generated code as they were when version 1 of generated code was new. They are never changed:
// they must compile and work with every later runtime that says SupportsV1.
package v1

import "time"

// Trade is one execution.
type Trade struct {
	Time   time.Time `arrow:"time"`        // timestamp[ns, UTC]
	Symbol string    `arrow:"symbol,dict"` // dictionary<int32, utf8>
	Price  float64   `arrow:"price"`
	Size   int64     `arrow:"size"`
	Note   *string   `arrow:"note"` // nullable utf8
}
