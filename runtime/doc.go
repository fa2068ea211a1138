// Package rt is what generated code imports: tables, and the readers and writers of their streams.
//
// A [Table] is what the generator wrote for one table: its columns, and how rows, batches and builders of that table are
// made. A [Reader] yields its batches or rows from any io.Reader that carries an Arrow IPC stream, whatever order, width or
// text layout the sender chose where that can be fitted without loss. A [Writer] sends builders or rows to any io.Writer.
//
// Memory: a received batch is a view of the bytes that came, 64-byte aligned, and valid until its Release. A builder's
// memory is what is sent, and is the caller's again once Write has returned. See packages mem, column, ipc and frame for
// the layers below, each usable alone.
//
// A program calls [NewReader], [NewWriter], [NewBatcher] and what else makes readers and writers, mostly by way of the constructors of its
// generated code, with [ReaderOptions] and [WriterOptions]. The functions of a [Handle] and those that append to builders are what generated
// accessors and builders are made of.
package rt

// SupportsV1 is named by files that the generator wrote for version 1 of this package.
const SupportsV1 = true

// BlockRows is how many rows generated code takes through one column before it turns to the next: few enough to stay in the
// processor's nearest cache.
const BlockRows = 256
