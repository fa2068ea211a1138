//go:build !race

package feed_test

const race = false
