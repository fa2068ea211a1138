package tls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/internal/wire"
)

// Why a handshake failed, by errors.Is. The end that looked at a certificate knows exactly; the other end knows what the
// protocol tells it, and of a server's certificate that a client refuses this is no more than ErrRefused.
var (
	ErrWrongName        = errors.New("the certificate is for another name")
	ErrExpired          = errors.New("the certificate has expired or is not valid yet")
	ErrUnknownAuthority = errors.New("the certificate is of an authority that is not trusted")
	ErrNoCertificate    = errors.New("the client has no certificate and the server wants one")
	ErrVersion          = errors.New("the peer speaks nothing as new as TLS 1.3")
	ErrNotTLS           = errors.New("the peer does not speak TLS")
	ErrRefused          = errors.New("the peer refused this end's certificate")
)

// problem is one of the errors above, with what it was found from.
type problem struct {
	kind  error
	text  string
	cause error
}

func (p *problem) Error() string   { return p.text }
func (p *problem) Unwrap() []error { return []error{p.kind, p.cause} }

// Explain returns an error for that of a TLS handshake, or of a read after it, that matches one of the errors of this
// package, and a hint what to do. Others are returned as they are, with no hint. It is for
// transports over TLS.
func Explain(err error) (hint string, explained error) {
	var (
		invalid  x509.CertificateInvalidError
		name     x509.HostnameError
		unknown  x509.UnknownAuthorityError
		roots    x509.SystemRootsError
		header   tls.RecordHeaderError
		verified *tls.CertificateVerificationError
	)
	fail := func(kind error, text, hint string) (string, error) { return hint, &problem{kind, text, err} }
	switch {
	case errors.As(err, &name):
		return fail(ErrWrongName, fmt.Sprintf("%v: %s is wanted and it has %s", ErrWrongName, name.Host, namesOf(name.Certificate)),
			"dial one of its names, or set ServerName (servername=)")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fail(ErrExpired, fmt.Sprintf("%v: it is valid from %s to %s", ErrExpired,
			invalid.Cert.NotBefore.UTC().Format("2006-01-02 15:04"), invalid.Cert.NotAfter.UTC().Format("2006-01-02 15:04")),
			"renew it, or set the clock")
	case errors.As(err, &unknown), errors.As(err, &roots):
		return fail(ErrUnknownAuthority, ErrUnknownAuthority.Error(), "trust its authority by CAFile (ca=) if it is the right one")
	case errors.As(err, &header):
		return notTLS(header.RecordHeader[:], err)
	case errors.As(err, &verified):
		return fail(ErrRefused, "the peer's certificate: "+strings.TrimPrefix(verified.Err.Error(), "x509: "), "")
	case err == nil:
		return "", nil
	}
	if alert, ok := alertOf(err); ok {
		return explainAlert(alert, err)
	}
	// Some errors of crypto/tls have no type.
	switch text := err.Error(); {
	case strings.Contains(text, "client didn't provide a certificate"):
		return fail(ErrNoCertificate, ErrNoCertificate.Error(), "the client sets CertFile and KeyFile (cert=, key=)")
	case strings.Contains(text, "unsupported versions") || strings.Contains(text, "unsupported protocol version"):
		return fail(ErrVersion, ErrVersion.Error(), "update it")
	}
	return "", err
}

// What the peer says went wrong.
const (
	alertHandshakeFailure    tls.AlertError = 40
	alertBadCertificate      tls.AlertError = 42
	alertUnsupported         tls.AlertError = 43
	alertCertificateRevoked  tls.AlertError = 44
	alertCertificateExpired  tls.AlertError = 45
	alertCertificateUnknown  tls.AlertError = 46
	alertUnknownAuthority    tls.AlertError = 48
	alertProtocolVersion     tls.AlertError = 70
	alertCertificateRequired tls.AlertError = 116
	alertNoApplicationProto  tls.AlertError = 120
)

var alerts = []tls.AlertError{
	alertHandshakeFailure, alertBadCertificate, alertUnsupported, alertCertificateRevoked, alertCertificateExpired,
	alertCertificateUnknown, alertUnknownAuthority, alertProtocolVersion, alertCertificateRequired, alertNoApplicationProto,
}

// What a peer that does not speak TLS is told.
const (
	plainAlert  = "\x15\x03\x03\x00\x02\x02\x0a" // fatal, unexpected message
	plainAnswer = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThis port speaks TLS.\n"
)

// alertOf returns the alert of the peer that err is. Package crypto/tls has a type for it that others see in QUIC alone.
func alertOf(err error) (tls.AlertError, bool) {
	var (
		alert tls.AlertError
		op    *net.OpError
	)
	switch {
	case errors.As(err, &alert):
		return alert, true
	case !errors.As(err, &op) || op.Op != "remote error":
		return 0, false
	}
	for _, a := range alerts {
		if op.Err.Error() == a.Error() {
			return a, true
		}
	}
	return 0, false
}

func explainAlert(alert tls.AlertError, err error) (string, error) {
	fail := func(kind error, text, hint string) (string, error) { return hint, &problem{kind, text, err} }
	switch alert {
	case alertBadCertificate, alertUnsupported, alertCertificateRevoked, alertCertificateUnknown:
		return fail(ErrRefused, ErrRefused.Error(), "it is for another name, expired, or of an authority not trusted there; the peer's error says which")
	case alertCertificateExpired:
		return fail(ErrExpired, "the peer says that this end's certificate has expired or is not valid yet", "renew it, or set the clocks")
	case alertUnknownAuthority:
		return fail(ErrUnknownAuthority, "the peer does not trust the authority of this end's certificate", "take a certificate of one that it trusts, or add the authority there (ca=)")
	case alertCertificateRequired:
		return fail(ErrNoCertificate, "the server wants a certificate from this client", "set CertFile and KeyFile (cert=, key=)")
	case alertProtocolVersion:
		return fail(ErrVersion, "the peer and this end have no version of TLS in common", "this end speaks TLS 1.3 only")
	case alertNoApplicationProto:
		return "the peer speaks another protocol over TLS", err
	case alertHandshakeFailure:
		return "the peer's own error says why", err
	}
	return "", err
}

// notTLS names what it was that came in place of TLS.
func notTLS(head []byte, err error) (string, error) {
	text, hint := ErrNotTLS.Error(), "use the scheme that it speaks"
	switch h := string(head); {
	case strings.HasPrefix(h, "\xff\xff\xff\xff"):
		text, hint = "the peer speaks Arrow without TLS", "one end uses tls://, the other tcp://: both must be the same"
	case strings.HasPrefix(h, "HTTP"):
		text, hint = "the peer is an HTTP server without TLS", "use http:// or ws://"
	case strings.HasPrefix(h, "GET ") || strings.HasPrefix(h, "POST") || strings.HasPrefix(h, "PUT ") || strings.HasPrefix(h, "PRI ") ||
		strings.HasPrefix(h, "HEAD") || strings.HasPrefix(h, "OPTI"):
		text, hint = "the peer is an HTTP client without TLS", "it must use https:// or wss://, or this end be http:// or ws://"
	}
	return hint, &problem{ErrNotTLS, text, err}
}

// namesOf lists the names that a certificate is for.
func namesOf(c *x509.Certificate) string {
	var names []string
	if c != nil {
		names = append(names, c.DNSNames...)
		for _, ip := range c.IPAddresses {
			names = append(names, ip.String())
		}
	}
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > 8:
		names = append(names[:8:8], "...")
	}
	for i, n := range names {
		names[i] = fmt.Sprintf("%.64q", n)
		names[i] = names[i][1 : len(names[i])-1]
	}
	return strings.Join(names, ", ")
}

// handshakeError says what went wrong before the first byte of the stream. received is how many bytes came from the peer.
func handshakeError(peer, op string, err error, received int64) *transports.Error {
	e := &transports.Error{Transport: name, Addr: peer, Op: op}
	e.Hint, e.Err = Explain(err)
	if e.Hint != "" || e.Err != err { //nolint:errorlint // whether it was explained
		return e
	}
	var ne net.Error
	switch {
	case errors.Is(err, wire.ErrTruncated) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(&transports.Error{Op: "read", Err: err}, transports.ErrPeerClosed):
		e.Err = fmt.Errorf("the peer closed the connection in the handshake: %w", transports.ErrPeerClosed)
		if received == 0 {
			e.Hint = "does it speak TLS? One that does not is tcp://"
		}
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &ne) && ne.Timeout():
		e.Err = err
		if received == 0 {
			e.Hint = "the peer sent nothing; does it speak TLS? One that does not is tcp://"
		}
	}
	return e
}
