package peers

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
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
	"github.com/lightstream-go/lightstream/transports/tcp"
	"github.com/lightstream-go/lightstream/transports/uds"
)

var knownTable = of(tables.KnownTable)

// connectByURI lets a worker that connects by itself dial or accept, and returns this side's connection.
func (x *exchange) connectByURI(ctx context.Context, r *request) (transports.Conn, error) {
	if err := x.worker.endpoint(); err != nil {
		return nil, err
	}
	path := filepath.Join(x.worker.dir, "peer")
	var l transports.Listener
	var err error
	switch x.medium {
	case tcpListen:
		l, err = tcp.Listen(ctx, "127.0.0.1:0", nil)
	case udsListen:
		path = filepath.Join(x.worker.dir, "us")
		l, err = uds.Listen(ctx, path, nil)
	}
	if err != nil {
		return nil, err
	}
	r.URI = "uds://" + path
	switch x.medium {
	case tcpListen:
		r.URI = "tcp://" + l.Addr().String()
	case tcpDial:
		r.URI = fmt.Sprintf("tcp://127.0.0.1:%d", x.worker.port)
	}
	r.Accept = l == nil
	if err := x.worker.ask(r); err != nil {
		return nil, err
	}
	if l != nil {
		defer l.Close()
		return l.Accept(ctx)
	}
	for { // until it listens
		var conn transports.Conn
		if x.medium == tcpDial {
			conn, err = tcp.Dial(ctx, strings.TrimPrefix(r.URI, "tcp://"), nil)
		} else {
			conn, err = uds.Dial(ctx, path, nil)
		}
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// endpoint finds a port and a directory where the worker can listen. It keeps both as long as it lives.
func (w *worker) endpoint() (err error) {
	if w.dir != "" {
		return nil
	}
	if w.dir, err = os.MkdirTemp("", "ls"); err != nil { // the path of a socket is short
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.port = l.Addr().(*net.TCPAddr).Port
	return l.Close()
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
	wire, err := x.connect(ctx, r)
	if err != nil {
		return us, err
	}
	defer wire.Close()
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
	conn, err := p.Conn(wire, &rt.ProtocolOptions{Dictionaries: x.talk.mode})
	if err != nil {
		return us, err
	}
	if !x.toPeer {
		got, ours := x.listen(ctx, conn, tables, messages)
		wire.Close()
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
	if ours != nil {
		wire.Close() // tells the peer
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
