// Package schema holds the Flatbuffers schemas of the project: those of Arrow's metadata, and lightstream.fbs with the
// attributes for tables of a user's own, which their schemas include without having the file.
package schema

import "embed"

// FS has the .fbs files.
//
//go:embed *.fbs
var FS embed.FS
