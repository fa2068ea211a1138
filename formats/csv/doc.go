// Package csv reads and writes batches as CSV (RFC 4180): those of any schema, and those of tables whose code is generated with
// -features=csv.
//
// The first line has the names of the columns. A null is an empty field, an empty text is "". Nested values are JSON.
// docs/text.md has the text of every type.
//
// A record ends with a line feed, before which a carriage return may stand, outside of quotes. A quote opens a field only where the field
// begins; one elsewhere is an error of its record and does not reach into the next. Empty lines are passed over. The input is read in
// chunks that end with a record, so that several can be parsed at once, and columns are filled one after the other from the fields of some
// hundred records: nothing is allocated for a row.
package csv
