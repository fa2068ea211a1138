//go:build !purego

package stdio_test

const keepsVectors = true
