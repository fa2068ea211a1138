// Package sample is written for a schema with one of each thing that a schema may have. Its tests show that what is
// written works, and what does not reads like the rest.
package sample

//go:generate go run ../fbsgo -o . sample.fbs
