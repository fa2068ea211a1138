// Package column holds the columns of a batch as Go sees them: views that read a column out of received memory, and
// builders that fill a column in the memory that is sent.
//
// A column is at most three buffers in the layouts of the Arrow columnar format, little-endian:
//
//	layout      buffer 0          buffer 1                       buffer 2
//	fixed       validity, 1 bit   values, 1 to 8 bytes each      –
//	bool        validity, 1 bit   values, 1 bit each             –
//	text        validity, 1 bit   offsets, n+1 of int32          bytes
//	dictionary  validity, 1 bit   indices, 1 to 8 bytes each     –  (the values stand in a [Dictionary])
//
// A validity bit of 1 means that the value is there. A column without nulls may leave the validity buffer out.
//
// Views are small structs to be passed by value. They are read-only, may be used by several goroutines, and alias the
// memory of their batch: they are valid until the batch is released. Every access is bounds-checked Go, so that a view
// over bytes that nobody validated can panic like a slice index, but never reads outside its buffers.
//
// Builders are for one goroutine at a time. Their memory starts at a multiple of 64 bytes, is kept by Reset, and is what
// goes out on the wire.
//
// Source: Arrow columnar format, "Physical Memory Layout".
package column
