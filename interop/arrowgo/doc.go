// Package arrowgo takes batches to and from the records of Apache Arrow's Go library, arrow-go, without copying columns.
//
//	received batch → arrow.RecordBatch   [Exporter], or [RecordBatch] for a single one
//	arrow.RecordBatch → batch of a table [Importer], or [Batch] for a single one
//	arrow.RecordBatch → stream or file   [Writer]
//	schemas                              [Schema], [FromSchema]
//
// Both sides lay columns out as the Arrow columnar format says, so that what goes across are addresses:
//
//	layout            to arrow-go      from arrow-go
//	validity, bool    as it is         sliced; shifted into a copy where a slice starts inside a byte
//	fixed width       as it is         sliced; copied where it is not aligned
//	text              as it is         offsets sliced, or copied where a slice starts far into its text
//	text view         as it is         views sliced
//	dictionary        indices as is    indices as fixed width
//	list              as it is         offsets as those of text, items sliced
//	list view, union  as it is         as fixed width, items and dense children whole
//	run ends          as it is         sliced; ends copied where a slice does not start at the first row
//
// The values of dictionaries are copied, once, but for those of nested types and bools on their way to arrow-go: each side keeps them in its own form, and [Exporter], [Importer] and [Writer]
// remember what they made of a dictionary, or of the part of it that they have seen when it grows. So one of them for each stream
// is much cheaper than one for each batch.
//
// A record made of a batch holds the batch, and a batch made of a record holds the record, each until it is released: which of the
// two is released first does not matter. What does is that memory which is shared must not be changed, and that arrow-go's memory
// is given back only if the batch made of it is released. For memory of the Go heap, as arrow-go's default allocator's is, that is
// a matter of reuse alone, and the garbage collector finds what was forgotten.
//
// All types go across; a table takes those that its columns can be made of. What is attached to a batch's message goes with it as the
// metadata of a record, and the other way. Extension types go as what they are stored as, with their name and parameters in the field's metadata.
//
// Programs that do not import this package do not link arrow-go. It needs a little-endian host.
package arrowgo
