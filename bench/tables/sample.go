// Package tables holds the tables that the benchmarks move.
package tables

import (
	"time"

	rt "github.com/lightstream-go/lightstream/runtime"
)

//go:generate go tool lightstream-gen -features=csv,ndjson

// Sample is a row of the reference batch M: six types, each nullable.
//
//lightstream:table
type Sample struct {
	ID       rt.Null[int64]     `arrow:"id"`
	Value    rt.Null[float64]   `arrow:"val"`
	Time     rt.Null[time.Time] `arrow:"ts,timestamp(us,UTC)"`
	Flag     rt.Null[bool]      `arrow:"flag"`
	Name     rt.Null[string]    `arrow:"name"`
	Category rt.Null[string]    `arrow:"cat,dict"`
}

// Pulse is a small message.
//
//lightstream:message
type Pulse struct{ Sent int64 }

// Feed has the samples beside a message.
//
//lightstream:protocol Feed = Sample | Pulse
