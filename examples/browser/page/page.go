// Package page is a page for browsers that shows a live Arrow stream: charts, the last rows, rates. It connects by WebSocket to the
// server that it came from, and decodes the stream in the browser.
//
// [Handler] puts it around the handler of a stream: a browser that is sent to the stream's address gets the page, and everything
// else the stream. All that the page needs is in the program; it loads nothing from elsewhere.
//
// What is in dist is bundled from src by "make page".
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

//go:embed dist
var dist embed.FS

// Options are the settings of [Handler].
type Options struct {
	// Path is where the stream is, such as "/feed". The page is there too, and at "/". Empty means "/".
	Path string
	// Tickets answers the page when it asks for a ticket by POST, such as an *access.Tickets: its body is put into the query of the
	// WebSocket's URL as "ticket", and for status 401 the page asks its user for a token. Nil means that none is needed.
	Tickets http.Handler
}

// security is what a browser is told about the page: it may load what this server has and nothing else, and has no script or style of
// its own.
const security = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// asset is a file of the page.
type asset struct {
	kind, tag string
	body      []byte
}

var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
}

func newAsset(name string, body []byte) asset {
	sum := sha256.Sum256(body)
	return asset{kinds[path.Ext(name)], `"` + hex.EncodeToString(sum[:12]) + `"`, body}
}

// assets returns the files by their names.
func assets() map[string]asset {
	entries, err := dist.ReadDir("dist")
	if err != nil {
		panic(err) // it is in the program
	}
	all := make(map[string]asset, len(entries))
	for _, e := range entries {
		body, err := dist.ReadFile("dist/" + e.Name())
		if err != nil {
			panic(err)
		}
		all[e.Name()] = newAsset(e.Name(), body)
	}
	return all
}

// Handler returns a handler that answers browsers with the page and hands every other request to stream. Those of the page are
//
//	GET  / or Path   with Accept: text/html, and not for a WebSocket
//	GET  page/NAME   below any path: its scripts, styles and licences
//	POST page/ticket
//
// so a program such as curl gets the stream from the address at which a browser gets the page. Nil options mean all defaults.
func Handler(stream http.Handler, opts *Options) http.Handler {
	if opts == nil {
		opts = &Options{}
	}
	at := opts.Path
	if at == "" {
		at = "/"
	}
	files := assets()
	slot := []byte(`name="lightstream-stream" content=""`)
	body := files["index.html"].body
	if bytes.Count(body, slot) != 1 {
		panic(fmt.Sprintf("page: dist/index.html has no place for the path of the stream; run make page (%d bytes)", len(body)))
	}
	index := func(requested string) asset {
		filled := bytes.Replace(body, slot, []byte(`name="lightstream-stream" content="`+html.EscapeString(relative(requested, at))+`"`), 1)
		return newAsset("index.html", filled)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if dir, name := path.Split(r.URL.Path); strings.HasSuffix(dir, "/page/") {
			if file, ok := files[name]; ok && name != "index.html" && reads(r) {
				serve(w, r, file)
				return
			}
			if name == "ticket" {
				ticket(w, r, opts.Tickets)
				return
			}
		}
		w.Header().Add("Vary", "Accept")
		if reads(r) && (r.URL.Path == "/" || r.URL.Path == at) && wantsPage(r) {
			serve(w, r, index(r.URL.Path))
			return
		}
		stream.ServeHTTP(w, r)
	})
}

// relative returns how the stream at one path is named by the page at another, so that a proxy may put both below a path of its own.
func relative(from, to string) string {
	if from == to {
		return ""
	}
	return strings.TrimPrefix(to, "/")
}

func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// wantsPage tells a browser that goes to an address from everything else.
func wantsPage(r *http.Request) bool {
	if r.Header.Get("Upgrade") != "" {
		return false
	}
	return slices.ContainsFunc(r.Header.Values("Accept"), func(v string) bool { return strings.Contains(v, "text/html") })
}

func serve(w http.ResponseWriter, r *http.Request, file asset) {
	h := w.Header()
	h.Set("Content-Type", file.kind)
	h.Set("Content-Security-Policy", security)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache") // asked for again, and answered by 304
	h.Set("ETag", file.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.body))
}

// ticket has no ticket to give where none is needed.
func ticket(w http.ResponseWriter, r *http.Request, tickets http.Handler) {
	switch {
	case tickets != nil:
		tickets.ServeHTTP(w, r)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "a ticket is asked for by POST", http.StatusMethodNotAllowed)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
