//go:build !race

package ipc_test

const race = false
