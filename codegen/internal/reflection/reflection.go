// Package reflection reads binary schemas, which flatc writes as .bfbs files. Tests compare them with what this project
// makes of the same schema.
package reflection

//go:generate go run ../fbsgo -readonly -o . reflection.fbs
