//go:build race || purego

package main

// release tells that memory is what it is for users. The race detector takes some for itself, and portable code copies more.
const release = false
