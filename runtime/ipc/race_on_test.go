//go:build race

package ipc_test

// race tells that the race detector is on: damage is then sampled, since it takes ten times as long.
const race = true
