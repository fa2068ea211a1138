package transports

// Reset is one of the system's numbers for a peer that is gone.
var Reset = goneErrnos[0]

// EscapePath writes a path as [URI.String] does.
func EscapePath(path string) string { return escape(path, inPath) }
