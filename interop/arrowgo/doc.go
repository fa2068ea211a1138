// Package arrowgo takes batches to and from the records of Apache Arrow's Go library, arrow-go, without copying columns.
//
//	received batch → arrow.RecordBatch   [Exporter], or [RecordBatch] for a single one
//	arrow.RecordBatch → batch of a table [Importer], or [Batch] for a single one
//	arrow.RecordBatch → stream or file   [Writer]
//	schemas                              [Schema], [FromSchema]
//
// Both sides lay columns out as the Arrow columnar format says, so that what goes across are addresses:
//
//	layout       to arrow-go                      from arrow-go
//	fixed width  as it is                         sliced; copied where it is not aligned to its width
//	bool         as it is                         sliced; shifted into a copy where a slice starts inside a byte
//	text         as it is                         offsets sliced, or copied where a slice starts far into its text
//	text view    as it is                         views sliced
//	dictionary   indices as they are              indices as fixed width
//	validity     as it is                         as bool
//
// The values of dictionaries are copied, once: each side keeps them in its own form, and [Exporter], [Importer] and [Writer]
// remember what they made of a dictionary, or of the part of it that they have seen when it grows. So one of them for each stream
// is much cheaper than one for each batch.
//
// A record made of a batch holds the batch, and a batch made of a record holds the record, each until it is released: which of the
// two is released first does not matter. What does is that memory which is shared must not be changed, and that arrow-go's memory
// is given back only if the batch made of it is released. For memory of the Go heap, as arrow-go's default allocator's is, that is
// a matter of reuse alone, and the garbage collector finds what was forgotten.
//
// Types go across that readers and writers of this module know: all but nested ones, and dictionaries of text alone. Extension
// types go as what they are stored as, with their name and parameters in the field's metadata.
//
// Programs that do not import this package do not link arrow-go. It needs a little-endian host.
package arrowgo
