// Package parquet reads and writes Apache Parquet files as batches of any schema. It stands on arrow-go.
//
//	Parquet file ── [NewReader] ──► batches of their row groups, in order
//	batches      ── [NewWriter] ──► Parquet file, row group after row group
//
// A [Reader] is an [ipc.Source]: rt.NewSourceReader makes batches of a generated table of it. Row groups are read by several goroutines
// at once, each a few batches ahead at most, and given out in their order.
//
// # Types
//
// What Parquet has is stored as that. The rest is stored as what comes next to it, and the schema as it was stands in the file beside
// it: a Reader restores it, and so do other readers for the types marked with *, which they know by the key ARROW:schema.
//
//	Arrow                          in Parquet
//	null                           int32 without a value, of logical type null
//	utf8_view, binary_view *       byte array
//	large_utf8, large_binary *     byte array
//	dictionary * of text           its values; those that a row group uses are its dictionary in Parquet's own encoding
//	dictionary of other values     its values; those of nested types and bools are read as such
//	decimal32, decimal64           decimal128
//	decimal of a scale below 0,    fixed_size_binary of its bytes
//	  or above its precision
//	date64                         timestamp[ms], since it may hold parts of a day
//	time32[s], timestamp[s] *      in milliseconds
//	timestamp with a zone *        in UTC, which is what Arrow has too; the name of the zone stands in the schema
//	duration *                     int64
//	interval[year_month]           int32
//	interval[day_time]             struct<days: int32, milliseconds: int32>
//	interval[month_day_nano]       struct<months: int32, days: int32, nanoseconds: int64>
//	fixed_size_list *              list
//	list_view, large_list_view     list
//	struct without fields          bool, true where it is not null
//	union                          struct<type_id: int8, a nullable field for each member>
//	run_end_encoded                its values; runs are found anew
//
//	columns or fields of one name  the later ones with their place behind it, such as x_1
//
// INT96, in which older writers have times, is read as timestamp[ns]: with the zone that the schema beside it has, else without one.
//
// Lists of nulls, maps, structs and lists of any of these are as the types they are made of. Metadata of schema and fields is kept.
// That a dictionary is ordered is not: values have the order in which they come. A null among the values of a dictionary is a null.
//
// These are refused by name, before or with the batch that has them, as errors that wrap [ipc.ErrUnsupported]: a schema without
// columns, fixed_size_binary[0], maps with keys that may be null, decimals with more
// digits than their type says, times in seconds that milliseconds do not reach, and unions with nulls of their own.
//
// # Bytes from outside
//
// Rows of list views, views, dictionaries, dense unions and runs may share what they lead to, so that some KiB stand for gigabytes. Parquet has
// each of them written out. A [Writer] bounds the memory for that before it takes it: a batch that needs too much is written in parts, and a
// row that needs more than WriterOptions.MaxRow is refused.
//
// Where a file ends, its footer, the places of its column chunks and the number of its rows are checked before arrow-go sees them, and so
// are the headers of pages, the sizes that compressed pages say they have, and blocks of differences: nothing is made room for because a
// number says so. What is made of a file is bounded by Limits. Encrypted files are refused. The parts of arrow-go that decode pages panic at some
// malformed files. A reader runs them on its own goroutines, one file part on each, and takes such a panic for what it is: an error
// that wraps [ipc.ErrMalformed]. No other panic is caught. What comes out is checked as a received batch is.
//
// arrow-go does not run on big-endian hosts, and so this package returns an error there.
package parquet
