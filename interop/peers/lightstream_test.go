package peers

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lightstream-go/lightstream/interop/peers/internal/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/transports"
	_ "github.com/lightstream-go/lightstream/transports/all" // the schemes
)

var knownTable = of(tables.KnownTable)

// connectByURI lets a worker that connects by itself dial or accept, and returns this side's connection.
func (x *exchange) connectByURI(ctx context.Context, r *request, sends bool) (transports.Conn, error) {
	if x.medium == stdioChild {
		return x.worker.runChild(r)
	}
	opts, protocol := &transports.Options{Role: transports.Receives}, "arrow"
	if sends {
		opts.Role = transports.Sends
	}
	if x.talk != nil {
		protocol = "lightstream"
		if scheme := x.medium.scheme(); scheme == "http" || scheme == "https" {
			opts.Role = transports.SendsAndReceives // the Lightstream protocol takes POST alone
		}
	}
	var l transports.Listener
	var err error
	ours := ""
	switch scheme := x.medium.scheme(); {
	case x.medium.listens():
		if ours, err = x.worker.listenAt(scheme); err != nil {
			return nil, err
		}
		u, err := parseFor(ours, protocol)
		if err != nil {
			return nil, err
		}
		if l, err = u.Listen(ctx, opts); err != nil {
			return nil, err
		}
		r.URI = scheme + "://" + l.Addr().String()
		if secured(scheme) {
			r.TLSCA = certificates.authority
		}
	default:
		if r.URI, err = x.worker.endpoint(scheme); err != nil {
			return nil, err
		}
		ours, r.Accept = r.URI, true
		switch {
		case scheme == "http":
			ours += "?version=2" // it has no other
		case secured(scheme):
			ours += "?ca=" + certificates.authority
			r.TLSCert, r.TLSKey = certificates.cert, certificates.key
		}
	}
	if err := x.worker.ask(r); err != nil {
		return nil, err
	}
	if l != nil {
		defer l.Close()
		return l.Accept(ctx)
	}
	for { // until it listens
		conn, err := transports.Open(ctx, ours, opts)
		if err == nil {
			return conn, nil
		}
		if strings.Contains(err.Error(), "without WebTransport") {
			return nil, err // it does listen
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// parseFor parses a URI for streams of a protocol.
func parseFor(uri, protocol string) (*transports.URI, error) {
	sep := "?"
	if strings.Contains(uri, "?") {
		sep = "&"
	}
	return transports.ParseURI(uri + sep + "protocol=" + protocol)
}

func secured(scheme string) bool {
	return scheme == "wss" || scheme == "https" || scheme == "quic" || scheme == "wt"
}

// leave closes a connection. One that waits until the peer closes is not waited for: lightstream-io keeps connections.
func leave(c transports.Conn) {
	if network := c.RemoteAddr().Network(); network == "quic" || network == "wt" {
		go c.Close()
		return
	}
	c.Close()
}

// certificates are those of both sides, for 127.0.0.1 and localhost. TestMain makes them.
var certificates struct{ authority, cert, key string }

// certify makes the certificates in dir.
func certify(dir string) error {
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "interop authority"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	put := func(name, kind string, der []byte) (path string) {
		path = filepath.Join(dir, name)
		err = errors.Join(err, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
		return path
	}
	certificates.authority = put("ca.pem", "CERTIFICATE", caDER)
	certificates.cert = put("cert.pem", "CERTIFICATE", der)
	certificates.key = put("key.pem", "PRIVATE KEY", secret)
	return err
}

// listenAt returns the URI at which this side listens.
func (w *worker) listenAt(scheme string) (string, error) {
	if err := w.makeDir(); err != nil {
		return "", err
	}
	switch {
	case scheme == "uds":
		return "uds://" + filepath.Join(w.dir, "us"), nil
	case secured(scheme):
		return scheme + "://127.0.0.1:0?cert=" + certificates.cert + "&key=" + certificates.key, nil
	}
	return scheme + "://127.0.0.1:0", nil
}

func (w *worker) makeDir() (err error) {
	if w.dir == "" {
		w.dir, err = os.MkdirTemp("", "ls") // the path of a socket is short
	}
	return err
}

// endpoint returns the URI where the worker can listen. It keeps it as long as it lives.
func (w *worker) endpoint(scheme string) (string, error) {
	if err := w.makeDir(); err != nil {
		return "", err
	}
	if uri := w.endpoints[scheme]; uri != "" {
		return uri, nil
	}
	uri := "uds://" + filepath.Join(w.dir, "peer")
	if scheme != "uds" {
		port, err := freePort(scheme == "quic" || scheme == "wt")
		if err != nil {
			return "", err
		}
		uri = fmt.Sprintf("%s://127.0.0.1:%d", scheme, port)
	}
	if w.endpoints == nil {
		w.endpoints = make(map[string]string)
	}
	w.endpoints[scheme] = uri
	return uri, nil
}

func freePort(udp bool) (int, error) {
	if udp {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		return c.LocalAddr().(*net.UDPAddr).Port, c.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// talk is a conversation by the Lightstream protocol: messages and tables mixed.
type talk struct {
	members []talkMember
	frames  []talkFrame
	want    []talkFrame // as the reader has them
	mode    ipc.Dictionaries
}

type talkMember struct {
	Name   string  `json:"name"`
	Schema []field `json:"schema,omitempty"` // of a table
	table  table
}

type talkFrame struct {
	Name    string  `json:"name"`
	Payload *string `json:"payload,omitempty"` // hex digits
	Batch   *batch  `json:"batch,omitempty"`
}

func (f *talkFrame) describe() string {
	if f.Batch != nil {
		return fmt.Sprintf("table %q of %d rows", f.Name, f.Batch.Rows)
	}
	return fmt.Sprintf("message %q of %d bytes", f.Name, len(*f.Payload)/2)
}

// spoken is a typed table as a member of a protocol.
type spoken interface {
	send(ctx context.Context, c *rt.ProtocolConn, b batch) error
	cells(i rt.Item) batch
}

type typedMember[R any, B batchOf[R], W rt.Builder[R]] struct {
	typed[R, B, W]
	member  *rt.ProtocolTable[R, B, W]
	builder W
}

// join adds the table to p.
func (t typed[R, B, W]) join(p *rt.Protocol) spoken {
	return &typedMember[R, B, W]{t, rt.AddTable(p, t.Table), t.NewBuilder(nil)}
}

func (m *typedMember[R, B, W]) send(ctx context.Context, c *rt.ProtocolConn, b batch) error {
	m.builder.AppendRows(m.rows(b))
	defer m.builder.Reset()
	return m.member.Send(ctx, c, m.builder)
}

func (m *typedMember[R, B, W]) cells(i rt.Item) batch {
	b := m.member.Batch(i)
	defer b.Release()
	return m.typed.cells(b.AppendTo(nil))
}

// converse runs a conversation.
func (x *exchange) converse(ctx context.Context) (who string, err error) {
	r := x.request("write")
	if x.toPeer {
		r.Op = "read"
	}
	r.Members, r.Frames = x.talk.members, x.talk.frames
	wire, err := x.connectByURI(ctx, r, x.toPeer)
	if err != nil {
		return us, err
	}
	defer leave(wire)
	var p rt.Protocol
	tables := make([]spoken, len(x.talk.members))
	messages := make([]*rt.ProtocolMessage[[]byte], len(x.talk.members))
	for i, m := range x.talk.members {
		if m.table != nil {
			tables[i] = m.table.join(&p)
		} else {
			messages[i] = rt.AddMessage(&p, m.Name, rt.Bytes{})
		}
	}
	conn, err := p.Conn(wire, &rt.ProtocolOptions{Dictionaries: x.talk.mode, KeepOpen: !wire.Caps().HalfClose}) // closing ends it
	if err != nil {
		return us, err
	}
	if !x.toPeer {
		got, ours := x.listen(ctx, conn, tables, messages)
		leave(wire)
		_, theirs := x.worker.answer()
		var raised *peerError
		if errors.As(theirs, &raised) && !(ours != nil && raised.broken()) {
			return x.worker.peer, theirs
		}
		if ours == nil {
			ours = x.talk.differ(got)
		}
		return us, ours
	}
	ours := x.speak(ctx, conn, tables, messages)
	if ours != nil || !wire.Caps().HalfClose {
		leave(wire) // tells the peer
	}
	a, theirs := x.worker.answer()
	switch {
	case ours != nil && !told(theirs):
		return us, ours
	case theirs != nil:
		return x.worker.peer, theirs
	}
	return us, x.talk.differ(a.Frames)
}

func (x *exchange) member(name string) int {
	for i := range x.talk.members {
		if x.talk.members[i].Name == name {
			return i
		}
	}
	panic(name)
}

// speak sends the frames.
func (x *exchange) speak(ctx context.Context, conn *rt.ProtocolConn, tables []spoken, messages []*rt.ProtocolMessage[[]byte]) error {
	for _, f := range x.talk.frames {
		i := x.member(f.Name)
		if f.Batch != nil {
			if err := tables[i].send(ctx, conn, *f.Batch); err != nil {
				return err
			}
			continue
		}
		p, err := hex.DecodeString(*f.Payload)
		if err != nil {
			return err
		}
		if err := messages[i].Send(ctx, conn, p); err != nil {
			return err
		}
	}
	return conn.Close()
}

// listen receives frames until the peer ends.
func (x *exchange) listen(ctx context.Context, conn *rt.ProtocolConn, tables []spoken, messages []*rt.ProtocolMessage[[]byte]) (frames []talkFrame, err error) {
	for {
		item, err := conn.Recv(ctx)
		if err == io.EOF {
			return frames, nil
		}
		if err != nil {
			return nil, err
		}
		f := talkFrame{Name: x.talk.members[item.Tag()].Name}
		if t := tables[item.Tag()]; t != nil {
			b := t.cells(item)
			f.Batch = &b
		} else {
			p, err := messages[item.Tag()].Message(item)
			if err != nil {
				return nil, err
			}
			text := hex.EncodeToString(p)
			f.Payload = &text
		}
		frames = append(frames, f)
	}
}

// differ says how what was read differs from what should have been.
func (k *talk) differ(got []talkFrame) error {
	for i, w := range k.want {
		if i == len(got) {
			return fmt.Errorf("%d frames, want %d, the next a %s", len(got), len(k.want), w.describe())
		}
		g := got[i]
		switch {
		case g.Name != w.Name || (g.Batch == nil) != (w.Batch == nil) || (g.Batch == nil) && *g.Payload != *w.Payload:
			return fmt.Errorf("frame %d is a %s, want a %s, or another payload", i, g.describe(), w.describe())
		case g.Batch != nil:
			names := make([]string, len(w.Batch.Columns))
			for c := range names {
				names[c] = fmt.Sprint(w.Name, ", column ", c)
			}
			if diff := differ([]batch{*g.Batch}, []batch{*w.Batch}, names); diff != "" {
				return fmt.Errorf("frame %d: %s", i, diff)
			}
		}
	}
	if len(got) != len(k.want) {
		return fmt.Errorf("%d frames, want %d", len(got), len(k.want))
	}
	return nil
}

// talking is a case of the Lightstream protocol: two messages and two tables, mixed. Columns are filled as from says.
func talking(name, about string, toPeer bool, mode ipc.Dictionaries, from func(f *ipc.Field) source) *kase {
	k := &kase{name: name, about: about, toPeer: toPeer, talk: &talk{mode: mode}}
	add := func(name string, payload []byte) {
		text := hex.EncodeToString(payload)
		k.talk.frames = append(k.talk.frames, talkFrame{Name: name, Payload: &text})
	}
	schemas := make(map[string][]field)
	queues := make(map[string][]batch)
	for name, t := range map[string]table{"known": knownTable, "word": wordTable} {
		schemas[name], queues[name], _ = data(k.name+name, t, []int{21, 5, 1, 40}, from)
	}
	next := func(name string) {
		b := queues[name][0]
		queues[name] = queues[name][1:]
		k.talk.frames = append(k.talk.frames, talkFrame{Name: name, Batch: &b})
	}
	k.talk.members = []talkMember{
		{Name: "ping"},
		{Name: "known", Schema: schemas["known"], table: knownTable},
		{Name: "note"},
		{Name: "word", Schema: schemas["word"], table: wordTable},
	}
	add("ping", []byte("hi"))
	next("known")
	add("note", make([]byte, 100_000))
	next("word")
	next("word")
	add("ping", nil)
	next("known")
	next("known")
	next("word")
	add("note", []byte{0, 255, 1})
	next("word")
	next("known")
	add("ping", []byte("end"))
	k.talk.want = k.talk.frames
	return k
}

// settled gives all batches of a column the same few values, all of which the first batch has.
func settled(f *ipc.Field) source {
	if f.Dictionary == nil {
		return source{}
	}
	return source{values: labels(f.Name, 3)}
}

// lightstreamType is what the package hands to pyarrow for a column.
func lightstreamType(f *ipc.Field) field {
	return lightstreamWire(field{f.Name, f.TypeString(), f.Nullable}, false)
}

// lightstreamWire is how the package writes its types: all indices are unsigned.
func lightstreamWire(f field, _ bool) field {
	f.Type = strings.Replace(f.Type, "dictionary<int", "dictionary<uint", 1)
	return f
}

// lightstreamWrittenCases are those in which this side writes.
func lightstreamWrittenCases() []*kase {
	plain := writing{}
	return []*kase{
		written("types that it has", "columns of them, nullable and not, with edge values, in three batches", knownTable, several, writing{prefilled: true}, nil),
		written("no nulls", "the same without a null", knownTable, []int{19}, plain, with(source{nulls: never})),
		written("all null", "every nullable column is null throughout", knownTable, []int{9}, plain, with(source{nulls: always})),
		written("empty batches", "batches without rows before, between and after others", knownTable, []int{0, 5, 0, 3, 0}, writing{prefilled: true}, nil),
		written("zero batches", "a schema and nothing else", tradeTable, nil, plain, nil),
		written("dictionaries that grow", "each batch of one builder brings new values", wordTable, []int{40, 40, 7, 40}, plain, grown()),
		written("dictionaries that grow, deltas", "the same with DeltaDictionaries", wordTable, []int{40, 40, 7, 40}, writing{mode: ipc.DeltaDictionaries}, grown()),
		written("dictionaries sent once", "OnceDictionaries: they have all values before the first batch is written", wordTable, []int{40, 40, 7, 40}, writing{mode: ipc.OnceDictionaries, prefilled: true}, grown()),
		written("dictionaries that are replaced", "each batch has a builder of its own", wordTable, []int{40, 40, 7, 40}, writing{newBuilders: true}, grown()),
		written("dictionary of 70 KB", "a dictionary message of more than 64 KiB", wordTable, []int{400}, plain, func(f *ipc.Field) source {
			if !f.Type.IsText() {
				return source{}
			}
			return source{values: []cell{strings.Repeat("x", 70_000), "y"}}
		}),
		written("row by row", "Append, in batches of 100 rows", tradeTable, []int{100, 100, 50}, writing{rows: 100}, settled),
		written("large batches", "8,000 rows in a batch", tradeTable, []int{8_000, 1, 8_000}, writing{prefilled: true}, nil),
		talking("Lightstream protocol", "messages and two tables mixed; the dictionaries do not change", true, ipc.AutoDictionaries, settled),
		talking("Lightstream protocol, dictionaries that grow", "the same with dictionaries that grow", true, ipc.AutoDictionaries, grown()),
	}
}

// lightstreamCases are those in which the package writes.
func lightstreamCases() []*kase {
	plain := options{}
	return []*kase{
		readCase("types that it has", "columns of them, nullable and not, in three batches; dictionaries whose length leaves out their padding", knownTable, several, nil, plain),
		readCase("no nulls", "the same without a null", knownTable, []int{19}, with(source{nulls: never}), plain),
		readCase("all null", "every nullable column is null throughout", knownTable, []int{9}, with(source{nulls: always}), plain),
		readCase("empty batches", "batches without rows before, between and after others, which the package leaves out", knownTable, []int{0, 5, 0, 3, 0}, nil, plain).with(func(k *kase) {
			k.want = slices.DeleteFunc(k.want, func(b batch) bool { return b.Rows == 0 })
		}),
		readCase("sliced", "slices from row 5", knownTable, several, nil, options{Slice: &[2]int{5, 7}}),
		readCase("large batches", "8,000 rows in a batch", tradeTable, []int{8_000, 1, 8_000}, nil, plain),
		readCase("dictionaries that grow", "each batch brings a longer dictionary", wordTable, []int{40, 40, 7, 40}, grown(), options{Dictionaries: "grow"}),
		readCase("dictionaries that are replaced", "each batch brings another dictionary", wordTable, []int{40, 40, 7, 40}, grown(), options{Dictionaries: "replace"}),
		talking("Lightstream protocol", "messages and two tables mixed; the dictionaries do not change", false, 0, settled),
		talking("Lightstream protocol, dictionaries that grow", "the same with dictionaries that grow", false, 0, grown()).with(func(k *kase) { k.options.Dictionaries = "grow" }),
	}
}
