package requests

import "strings"

// Accept returns the Accept header of a client that reads streams, and these codecs of compressed bodies in them.
func Accept(codecs []string) string {
	const stream = "application/vnd.apache.arrow.stream"
	if len(codecs) == 0 {
		return stream
	}
	return stream + `;codecs="` + strings.Join(codecs, ",") + `"`
}
