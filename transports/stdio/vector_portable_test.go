//go:build !linux || purego

package stdio_test

const keepsVectors = false
