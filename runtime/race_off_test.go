//go:build !race

package rt_test

const race = false
