package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/lightstream-go/lightstream/transports"
)

// Parameter is the name under which a ticket stands in the query of a URL.
const Parameter = "ticket"

// ErrFull means that as many tickets are outstanding as there may be.
var ErrFull = errors.New("too many tickets are outstanding")

// TicketOptions are the settings of [NewTickets].
type TicketOptions struct {
	// Lifetime is how long a ticket is good. Zero means 10 s.
	Lifetime time.Duration
	// Max is how many tickets may be outstanding. Further ones are refused until some are used or have expired. Zero means 1,024;
	// each takes about 150 bytes.
	Max int
}

// Tickets gives out tickets and takes them back, each once. Its methods may be called by any number of goroutines.
type Tickets struct {
	authorize func(context.Context, *transports.Peer) error
	lifetime  time.Duration
	most      int

	mu   sync.Mutex
	held map[[sha256.Size]byte]ticket
	// order has the tickets by age, those that were used too until they are the oldest. As all live equally long, the first to
	// expire is the first.
	order []dated
}

// ticket is what is known of one: when it ends and the origin of the page that asked. The ticket itself is not kept.
type ticket struct {
	ends   time.Time
	origin string
}

type dated struct {
	sum  [sha256.Size]byte
	ends time.Time
}

// NewTickets returns tickets for those whom authorize lets in, such as what [Bearer] returns. Nil options mean all defaults.
func NewTickets(authorize func(context.Context, *transports.Peer) error, opts *TicketOptions) *Tickets {
	if opts == nil {
		opts = &TicketOptions{}
	}
	t := &Tickets{authorize: authorize, lifetime: opts.Lifetime, most: opts.Max, held: make(map[[sha256.Size]byte]ticket)}
	if t.lifetime <= 0 {
		t.lifetime = 10 * time.Second
	}
	if t.most <= 0 {
		t.most = 1024
	}
	return t
}

// Issue returns a ticket, for a caller who has made sure that the peer may have one. A ticket with an origin, such as
// "https://feed.example", is taken of pages of that origin only; "" means that it does not matter. The error is [ErrFull].
func (t *Tickets) Issue(origin string) (string, error) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	text := base64.RawURLEncoding.EncodeToString(secret[:])
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
	if len(t.order) >= t.most { // those that were used soon are the oldest too
		t.compact()
	}
	if len(t.held) >= t.most {
		return "", ErrFull
	}
	d := dated{sha256.Sum256([]byte(text)), now.Add(t.lifetime)}
	t.held[d.sum] = ticket{d.ends, origin}
	t.order = append(t.order, d)
	return text, nil
}

// expire drops what has expired.
func (t *Tickets) expire(now time.Time) {
	n := 0
	for ; n < len(t.order) && !now.Before(t.order[n].ends); n++ {
		delete(t.held, t.order[n].sum)
	}
	t.order = t.order[:copy(t.order, t.order[n:])]
}

// compact drops the ages of those that were used.
func (t *Tickets) compact() {
	kept := t.order[:0]
	for _, d := range t.order {
		if _, ok := t.held[d.sum]; ok {
			kept = append(kept, d)
		}
	}
	t.order = kept
}

// redeem takes a ticket, which is then of no more use, whatever the answer.
func (t *Tickets) redeem(text, origin string) error {
	sum := sha256.Sum256([]byte(text)) // so that looking it up tells nothing about those that there are
	t.mu.Lock()
	defer t.mu.Unlock()
	held, ok := t.held[sum]
	delete(t.held, sum)
	switch {
	case !ok:
		return &refusal{"the ticket is unknown, or was used"}
	case !time.Now().Before(held.ends):
		return &refusal{"the ticket has expired"}
	case held.origin != "" && held.origin != origin:
		return &refusal{"the ticket is for pages of another origin"}
	}
	return nil
}

// Outstanding returns how many tickets are held that were not used, expired ones among them until the next is given out.
func (t *Tickets) Outstanding() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.held)
}

// Authorize is for the Authorize of a listener. It takes requests with a ticket in their query, and asks the function that was given to
// NewTickets about those without one.
func (t *Tickets) Authorize(ctx context.Context, peer *transports.Peer) error {
	r, err := requestOf(peer)
	if err != nil {
		return err
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query[Parameter]) > 1 {
		return &refusal{"the query of the request cannot be parsed, or has several tickets"}
	}
	if text, ok := query[Parameter]; ok {
		return t.redeem(text[0], r.Header.Get("Origin"))
	}
	return t.authorize(ctx, peer)
}

// ServeHTTP answers a POST of somebody who may connect with a ticket, as plain text. Pages of other origins are refused: they would act
// for the user of a browser who has not asked for it.
func (t *Tickets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "a ticket is asked for by POST", http.StatusMethodNotAllowed)
		return
	}
	origin := r.Header.Get("Origin")
	if _, host, _ := strings.Cut(origin, "://"); origin != "" && !strings.EqualFold(host, r.Host) {
		http.Error(w, "pages of this origin may not ask here", http.StatusForbidden)
		return
	}
	name := "http"
	if r.TLS != nil {
		name = "https"
	}
	peer := &transports.Peer{Transport: name, Addr: transports.Addr{Transport: name, Name: r.RemoteAddr}, Identity: r}
	if err := t.authorize(r.Context(), peer); err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "a ticket wants a token", http.StatusUnauthorized)
		return
	}
	text, err := t.Issue(origin)
	if err != nil {
		w.Header().Set("Retry-After", "10")
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
}

var _ http.Handler = (*Tickets)(nil)
