// Package text adds the values of columns to their builders from text, as CSV has them, and from JSON.
//
// A [Column] is bound to a builder: generated code makes one for each column of a table, and [ColumnOf] one for a field of any schema.
// docs/text.md has the text of every type. Whatever package value prints reads back as the same value.
package text
