package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/lightstream-go/lightstream/examples/browser/page"
	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/access"
	"github.com/lightstream-go/lightstream/transports/ws"
)

// tokenUsage is the help of a flag that says where a token is.
func tokenUsage(what string) string {
	return what + ": env:NAME or file:PATH.\nThe token itself never stands on a command line, which others of the machine can read"
}

const maxToken = 4 << 10

// readToken returns the token at a place, "" for no place.
func readToken(place string) (string, error) {
	if place == "" {
		return "", nil
	}
	kind, name, _ := strings.Cut(place, ":")
	var token string
	switch kind {
	case "env":
		token = os.Getenv(name)
		if token == "" {
			return "", usagef("--token: the environment has no %q", name)
		}
	case "file":
		f, err := os.Open(name)
		if err != nil {
			return "", fmt.Errorf("--token: %w", err)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
		if err != nil {
			return "", fmt.Errorf("--token: %w", err)
		}
		token = string(b)
	default: // which may be the token
		return "", usagef("--token: want env:NAME or file:PATH; the token itself does not belong on a command line")
	}
	token = strings.TrimSpace(token)
	if token == "" || len(token) > maxToken || strings.Trim(token, tokenCharacters) != "" {
		return "", usagef("--token: what is there is no token: want 1 to %d letters, digits and -._~+/=", maxToken)
	}
	return token, nil
}

// tokenCharacters are those of RFC 6750.
const tokenCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="

// hasRequest tells whether a client sends a request first, with a place for a token and for the codecs that it reads.
func hasRequest(u *transports.URI) bool {
	switch u.Scheme {
	case "ws", "wss", "http", "https", "h3", "wt":
		return true
	}
	return false
}

// hasPage tells whether browsers get the page from a listener. They find HTTP/3 by way of another version only.
func hasPage(u *transports.URI) bool { return hasRequest(u) && u.Scheme != "h3" && u.Scheme != "wt" }

// gate opens listeners with the page, for everyone or for those with a token.
type gate struct{ tickets *access.Tickets }

func newGate(place string) (*gate, error) {
	token, err := readToken(place)
	if err != nil || token == "" {
		return &gate{}, err
	}
	return &gate{access.NewTickets(access.Bearer(token), nil)}, nil
}

// listen returns the listeners of a URI: a port for HTTP takes WebSockets too, since that is how the page that it serves connects.
func (g *gate) listen(ctx context.Context, u *transports.URI, o *transports.Options, log *slog.Logger) (all []transports.Listener, err error) {
	refused := func(peer *transports.Peer, err error) {
		if log != nil {
			log.Warn("refused", "peer", peer.Addr.String(), "err", err)
		}
	}
	o.Refused = func(peer *transports.Peer, err error) {
		if !errors.As(err, new(unauthorized)) { // which was told
			refused(peer, err)
		}
	}
	if g.tickets != nil {
		o.Authorize = func(ctx context.Context, peer *transports.Peer) error {
			err := g.tickets.Authorize(ctx, peer)
			if err == nil {
				return nil
			}
			refused(peer, err)
			return unauthorized{err}
		}
	}
	if !hasPage(u) {
		l, err := u.Listen(ctx, o)
		if err != nil {
			return nil, err
		}
		return []transports.Listener{l}, nil
	}
	options := &page.Options{Path: u.Path}
	if g.tickets != nil {
		options.Tickets = g.tickets
	}
	var sockets *ws.Listener
	if u.Scheme == "http" || u.Scheme == "https" {
		open := &ws.ListenOptions{Authorize: o.Authorize, Refused: o.Refused}
		if origins := u.Param("origin"); origins != "" {
			open.Origins = strings.Split(origins, ",")
		}
		sockets = ws.NewListener(open)
		all = append(all, sockets)
	}
	o.Wrap = func(stream http.Handler) http.Handler {
		if sockets != nil {
			stream = either(u.Path, sockets, stream)
		}
		return page.Handler(stream, options)
	}
	l, err := u.Listen(ctx, o)
	if err != nil {
		return nil, errors.Join(err, closeAll(all))
	}
	return append(all, l), nil
}

// unauthorized is what a gate says to a client.
type unauthorized struct{ error }

func (u unauthorized) Unwrap() error { return u.error }

func closeAll(all []transports.Listener) (err error) {
	for _, l := range all {
		err = errors.Join(err, l.Close())
	}
	return err
}

// either has requests for a WebSocket at a path answered by sockets, and others by rest.
func either(path string, sockets, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") && (path == "/" || r.URL.Path == path) {
			sockets.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}
