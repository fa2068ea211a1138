// Package dataset reads and writes tables that lie in many files: Arrow files and streams, Parquet, CSV, NDJSON and arrays of JSON, text
// and streams also compressed.
//
//	directory or glob ── [Open], [OpenDir] ──► batches of all files, in the order of their names or as they come
//	batches ── [Create] ──► directory/date=2026-11-22/part-00001.parquet, part-00002.parquet, …
//
// # Partitions
//
// Folders such as date=2026-11-22 stand for a column and its value in all files below them, as Hive has them. In names and values all
// but letters, digits, ".", "-", "_" and spaces within is written as % and two hexadecimal digits, and so is a dot or an underscore with which a name
// begins, as many readers pass over such folders; __HIVE_DEFAULT_PARTITION__ is null. Read,
// these columns come after those of the files: int64 where all values are numbers as they are printed, date32 where all are dates, else utf8, so that
// m=01 is text; or what [Options].Types says.
//
// # Schemas that differ
//
// The schema of a dataset is [Options].Schema, or else that of its first file. The columns of the others are found by name, in whatever
// order. Integers and floats widen, null columns and, with [Options].Missing, absent ones are null; a column is nullable where it is in
// the first file, and a null in one that is not is an error. Any other type, and a column that the schema does not have, is an error
// that names the file, unless Options.Schema says which are wanted. CSV and JSON are parsed as the schema says.
//
// Text, bytes and values of a fixed width become what the schema has, whether or not that, or the file, has a dictionary of them, with
// whichever indices, and utf8, large_utf8 and utf8_view, or the three of binary, become each other. A dictionary that is made so grows
// from batch to batch; another takes its place once its values have 16 MiB or its indices are used up. So do bools,
// structs, lists and maps, unless there are dictionaries below them; a dictionary of theirs grows and is not replaced.
//
// # Files
//
// Reading passes over files and folders whose names begin with a dot or an underscore, in which writers keep what is not complete or not of
// the table, such as _SUCCESS and _delta_log. Folders of partitions such as _id=7 are read. So are all that are named: by a path, or by a glob
// that begins with the same character in their place. "*.csv" has neither .a.csv nor _a.csv, "_*.csv" has _a.csv.
//
// A file that is written has a name that begins with a dot until it is complete and on disk; then it gets its name in one step. A [Writer]
// never replaces a file: it goes on with the next number, also after it was killed, and what it was about to write then is left under a name
// that no reader looks at.
package dataset
