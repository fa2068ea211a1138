package feed

import rt "github.com/lightstream-go/lightstream/runtime"

// Ledger is a message that takes far more in Go than on the wire, where what is absent takes nothing.
//
//lightstream:message
type Ledger struct {
	Entries []Entry
}

// Entry is one of a ledger.
type Entry struct {
	A, B, C, D, E, F, G, H rt.Null[string]
	I, J, K, L, M, N, O, P rt.Null[int64]
}

//lightstream:protocol Books = Ledger
