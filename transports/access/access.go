// Package access says who may connect over HTTP and WebSocket: those who have a token, and browsers that were given a ticket.
//
// A client that is a program sends its token with the request, as "Authorization: Bearer" ([transports.Options].Token). The
// script of a page cannot set a header of a WebSocket, and a token in a URL would end up in logs and histories. So it asks for
// a ticket first, by a POST that has the token, and puts that into the URL: a random text that is good for one connection within
// seconds, and for pages of the same origin.
//
//	tickets := access.NewTickets(access.Bearer(token), nil)
//	mux.Handle("/ticket", tickets)
//	l, err := ws.Listen(ctx, addr, &ws.ListenOptions{Authorize: tickets.Authorize})
//
// What it needs of a peer is the *[http.Request] that package ws and package http give as its identity.
package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/lightstream-go/lightstream/transports"
)

// ErrUnauthorized means that a peer has brought no token or ticket, or one that is not, or no longer, good.
var ErrUnauthorized = errors.New("no token or ticket that is good")

// refusal is an ErrUnauthorized that says why, for this end's logs, and which status the peer is answered with.
type refusal struct{ why string }

func (r *refusal) Error() string        { return ErrUnauthorized.Error() + ": " + r.why }
func (r *refusal) Is(target error) bool { return target == ErrUnauthorized }

// StatusCode returns the status of the answer.
func (r *refusal) StatusCode() int { return http.StatusUnauthorized }

// Bearer returns a function for the Authorize of a listener, which lets in requests with one of the tokens. It takes as long for a wrong
// token as for a right one. An empty token is none, and with no tokens it lets nobody in.
func Bearer(tokens ...string) func(context.Context, *transports.Peer) error {
	sums := make([][sha256.Size]byte, 0, len(tokens))
	for _, t := range tokens {
		if t != "" {
			sums = append(sums, sha256.Sum256([]byte(t)))
		}
	}
	return func(_ context.Context, peer *transports.Peer) error {
		r, err := requestOf(peer)
		if err != nil {
			return err
		}
		// A header that is given twice could be read as either.
		values := r.Header.Values("Authorization")
		if len(values) != 1 {
			return &refusal{fmt.Sprintf("%d Authorization headers", len(values))}
		}
		kind, token, _ := strings.Cut(values[0], " ")
		if !strings.EqualFold(kind, "Bearer") {
			return &refusal{"the Authorization header is no bearer token"}
		}
		have := sha256.Sum256([]byte(strings.TrimSpace(token)))
		good := 0
		for _, want := range sums {
			good |= subtle.ConstantTimeCompare(have[:], want[:])
		}
		if good == 0 {
			return &refusal{"the token is another"}
		}
		return nil
	}
}

func requestOf(peer *transports.Peer) (*http.Request, error) {
	r, ok := peer.Identity.(*http.Request)
	if !ok {
		return nil, &refusal{fmt.Sprintf("%s has no place for a token", peer.Transport)}
	}
	return r, nil
}
