// Package ndjson reads and writes batches as lines of JSON, an object for each row: those of any schema, and those of tables whose code is
// generated with -features=ndjson. It also reads an array of objects, which the first byte tells, and writes one with WriterOptions.Array.
//
// docs/text.md has the JSON of every type. Nested values go into nested columns. What is absent from an object is null. The scanner is the
// package's own and takes what RFC 8259 says and no more; nothing is allocated for a row.
package ndjson
