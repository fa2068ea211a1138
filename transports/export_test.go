package transports

// Reset is one of the system's numbers for a peer that is gone.
var Reset = goneErrnos[0]
