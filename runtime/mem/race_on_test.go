//go:build race

package mem

// The race detector's instrumentation allocates in places.
const raceEnabled = true
