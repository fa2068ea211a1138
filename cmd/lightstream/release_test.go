//go:build !race && !purego

package main

// release tells that memory is what it is for users.
const release = true
