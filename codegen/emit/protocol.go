package emit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// emitProtocol returns the declarations of a protocol, in the order in which they stand in the file.
func emitProtocol(p *model.Protocol) []jen.Code {
	list := []jen.Code{emitItem(p), emitMarks(p), emitMembers(p), emitNewMembers(p), emitItems(p), emitSetItem(p), emitConn(p), emitNewConn(p)}
	for _, m := range p.Members {
		list = append(list, emitSend(p, m))
		if m.Table != nil {
			list = append(list, emitSetMetadata(p, m))
		}
	}
	list = append(list, emitRecv(p), emitClose(p), emitUntyped(p), emitProtocolFramer(p), emitNewProtocolFramer(p))
	for _, m := range p.Members {
		list = append(list, emitAppendFrame(p, m))
		if m.Table != nil {
			list = append(list, emitSetFrameMetadata(p, m))
		}
	}
	return append(list, emitDecode(p), emitMeasure(p), emitDecodeBody(p), emitUntypedFramer(p))
}

// hasTable tells whether a member is a table, of which batches come.
func hasTable(p *model.Protocol) bool {
	return slices.ContainsFunc(p.Members, func(m *model.Member) bool { return m.Table != nil })
}

// received writes TradeBatch, what is received of a member.
func received(m *model.Member) *jen.Statement {
	if m.Table != nil {
		return jen.Id(m.Table.Names.Batch)
	}
	return jen.Id(m.Message.Type)
}

// listOf writes *TradeBatch, *QuoteBatch or *Heartbeat.
func listOf(p *model.Protocol) string {
	list := make([]string, len(p.Members))
	for i, m := range p.Members {
		list[i] = "*" + received(m).GoString()
	}
	if n := len(list) - 1; n > 0 {
		return strings.Join(list[:n], ", ") + " or " + list[n]
	}
	return list[0]
}

// emitItem writes
//
//	// FeedItem is what protocol Feed brings: *TradeBatch, *QuoteBatch or *Heartbeat.
//	type FeedItem interface{ isFeedItem() }
func emitItem(p *model.Protocol) jen.Code {
	return commentDoc(p.Doc, "%s is what protocol %s brings: %s.", p.Names.Item, p.Name, listOf(p)).
		Type().Id(p.Names.Item).Custom(jen.Options{Open: "interface{ ", Close: " }"}, jen.Id(p.Names.Mark).Params())
}

// emitMarks writes
//
//	func (*TradeBatch) isFeedItem() {}
//	func (*Heartbeat) isFeedItem() {}
func emitMarks(p *model.Protocol) jen.Code {
	s := jen.Null()
	for i, m := range p.Members {
		if i > 0 {
			s.Line()
		}
		s.Func().Params(jen.Op("*").Add(received(m))).Id(p.Names.Mark).Params().Block()
	}
	return s
}

// emitMembers writes
//
//	// feedProtocol has the members of protocol Feed.
//	type feedProtocol struct {
//		rt.Protocol
//		trade     *rt.ProtocolTable[Trade, TradeBatch, *TradeBuilder]
//		heartbeat *rt.ProtocolMessage[Heartbeat]
//	}
func emitMembers(p *model.Protocol) jen.Code {
	list := []jen.Code{rt("Protocol")}
	for _, m := range p.Members {
		if t := m.Table; t != nil {
			list = append(list, jen.Id(m.Local).Op("*").Add(rt("ProtocolTable")).Types(jen.Id(t.Row), jen.Id(t.Names.Batch), jen.Op("*").Id(t.Names.Builder)))
			continue
		}
		list = append(list, jen.Id(m.Local).Op("*").Add(rt("ProtocolMessage")).Types(jen.Id(m.Message.Type)))
	}
	return comment("%s has the members of protocol %s.", p.Names.Type, p.Name).Type().Id(p.Names.Type).Struct(list...)
}

// emitNewMembers writes
//
//	var feedMembers = newFeedProtocol()
//
//	// newFeedProtocol adds the members in the order of the definition, which gives them their tags.
//	func newFeedProtocol() *feedProtocol {
//		p := new(feedProtocol)
//		p.trade = rt.AddTable(&p.Protocol, TradeTable)
//		p.heartbeat = rt.AddFlatbuffer(&p.Protocol, "heartbeat", rt.Binary[Heartbeat, *Heartbeat]{})
//		return p
//	}
func emitNewMembers(p *model.Protocol) jen.Code {
	body := []jen.Code{jen.Id("p").Op(":=").New(jen.Id(p.Names.Type))}
	for _, m := range p.Members {
		add := rt("AddTable")
		args := []jen.Code{jen.Op("&").Id("p").Dot("Protocol")}
		switch {
		case m.Table != nil:
			args = append(args, jen.Id(m.Table.Names.Table))
		case m.Message.Codec != "":
			add = rt("AddMessage").Types(jen.Id(m.Message.Type))
			args = append(args, jen.Lit(m.Message.Name), jen.Id(m.Message.Codec))
		default:
			add = rt("AddFlatbuffer")
			args = append(args, jen.Lit(m.Message.Name), rt("Binary").Types(jen.Id(m.Message.Type), jen.Op("*").Id(m.Message.Type)).Values())
			add.Types(jen.Id(m.Message.Type))
		}
		body = append(body, jen.Id("p").Dot(m.Local).Op("=").Add(add).Call(args...))
	}
	return jen.Var().Id(p.Names.Members).Op("=").Id(p.Names.New).Call().Line().Line().
		Add(comment("%s adds the members in the order of the definition, which gives them their tags.", p.Names.New)).
		Func().Id(p.Names.New).Params().Op("*").Id(p.Names.Type).Block(append(body, jen.Return(jen.Id("p")))...)
}

// emitItems writes
//
//	// feedItems are what a FeedItem points into.
//	type feedItems struct {
//		trade     TradeBatch
//		heartbeat Heartbeat
//	}
func emitItems(p *model.Protocol) jen.Code {
	var list []jen.Code
	for _, m := range p.Members {
		list = append(list, jen.Id(m.Local).Add(received(m)))
	}
	return comment("%s are what %s points into.", p.Names.Items, withArticle(p.Names.Item)).Type().Id(p.Names.Items).Struct(list...)
}

// emitSetItem writes
//
//	// set returns a pointer to what i brings.
//	func (s *feedItems) set(i rt.Item) (FeedItem, error) {
//		switch i.Tag() {
//		case 0:
//			s.trade = feedMembers.trade.Batch(i)
//			return &s.trade, nil
//		default: // 1, as there are no other tags
//			if err := feedMembers.heartbeat.Read(i, &s.heartbeat); err != nil {
//				return nil, err
//			}
//			return &s.heartbeat, nil
//		}
//	}
//
// and of a protocol with one member the body of that alone.
func emitSetItem(p *model.Protocol) jen.Code {
	set := comment("set returns a pointer to what i brings.").
		Func().Params(jen.Id("s").Op("*").Id(p.Names.Items)).Id("set").Params(jen.Id("i").Add(rt("Item"))).
		Params(jen.Id(p.Names.Item), jen.Error())
	if len(p.Members) == 1 {
		return set.Block(setItem(p, p.Members[0])...)
	}
	var cases []jen.Code
	for tag, m := range p.Members {
		body := setItem(p, m)
		if tag == len(p.Members)-1 {
			last := jen.Comment(fmt.Sprintf("// tag %d: the framing takes no other", tag))
			cases = append(cases, jen.Default().Block(append([]jen.Code{last}, body...)...))
			continue
		}
		cases = append(cases, jen.Case(jen.Lit(tag)).Block(body...))
	}
	return set.Block(jen.Switch(jen.Id("i").Dot("Tag").Call()).Block(cases...))
}

func setItem(p *model.Protocol, m *model.Member) []jen.Code {
	member := jen.Id(p.Names.Members).Dot(m.Local)
	at := jen.Id("s").Dot(m.Local)
	ok := jen.Return(jen.Op("&").Add(at.Clone()), jen.Nil())
	if m.Table != nil {
		return []jen.Code{at.Clone().Op("=").Add(member).Dot("Batch").Call(jen.Id("i")), ok}
	}
	return []jen.Code{
		jen.If(jen.Err().Op(":=").Add(member).Dot("Read").Call(jen.Id("i"), jen.Op("&").Add(at.Clone())), jen.Err().Op("!=").Nil()).Block(
			jen.Return(jen.Nil(), jen.Err()),
		),
		ok,
	}
}

// emitConn writes
//
//	// FeedConn is a connection that speaks protocol Feed. One goroutine may send while another receives.
//	type FeedConn struct {
//		conn  *rt.ProtocolConn
//		items rt.Items[feedItems]
//	}
func emitConn(p *model.Protocol) jen.Code {
	return comment("%s is a connection that speaks protocol %s. One goroutine may send while another receives.", p.Names.Conn, p.Name).
		Type().Id(p.Names.Conn).Struct(jen.Id("conn").Op("*").Add(rt("ProtocolConn")), jen.Id("items").Add(rt("Items")).Types(jen.Id(p.Names.Items)))
}

// emitNewConn writes
//
//	// NewFeedConn returns a connection over conn, which it does not own. It sends nothing yet. Nil options mean all defaults.
//	func NewFeedConn(conn io.ReadWriter, opts *rt.ProtocolOptions) (*FeedConn, error) {
//		c, err := feedMembers.Conn(conn, opts)
//		if err != nil {
//			return nil, err
//		}
//		return &FeedConn{conn: c}, nil
//	}
func emitNewConn(p *model.Protocol) jen.Code {
	return comment("%s returns a connection over conn, which it does not own. It sends nothing yet. Nil options mean all defaults.", p.Names.NewConn).
		Func().Id(p.Names.NewConn).Params(jen.Id("conn").Qual("io", "ReadWriter"), jen.Id("opts").Op("*").Add(rt("ProtocolOptions"))).
		Params(jen.Op("*").Id(p.Names.Conn), jen.Error()).Block(
		jen.List(jen.Id("c"), jen.Err()).Op(":=").Id(p.Names.Members).Dot("Conn").Call(jen.Id("conn"), jen.Id("opts")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
		jen.Return(jen.Op("&").Id(p.Names.Conn).Values(jen.Id("conn").Op(":").Id("c")), jen.Nil()),
	)
}

func connMethod(p *model.Protocol, name string, params ...jen.Code) *jen.Statement {
	return jen.Func().Params(jen.Id("c").Op("*").Id(p.Names.Conn)).Id(name).Params(params...)
}

func framerMethod(p *model.Protocol, name string, params ...jen.Code) *jen.Statement {
	return jen.Func().Params(jen.Id("f").Op("*").Id(p.Names.Framer)).Id(name).Params(params...)
}

// emitSend writes
//
//	// SendTrade sends the rows of b as a batch. It returns when the connection has accepted the bytes. The rows stay in b: call Reset
//	// before the next batch.
//	func (c *FeedConn) SendTrade(ctx context.Context, b *TradeBuilder) error {
//		return feedMembers.trade.Send(ctx, c.conn, b)
//	}
func emitSend(p *model.Protocol, m *model.Member) jen.Code {
	name, ctx := "Send"+m.Suffix, jen.Id("ctx").Qual("context", "Context")
	member := jen.Id(p.Names.Members).Dot(m.Local)
	if m.Table != nil {
		return comment("%s sends the rows of b as a batch. It returns when the connection has accepted the bytes. The rows stay in b: call Reset before the next batch.", name).
			Add(connMethod(p, name, ctx, jen.Id("b").Op("*").Id(m.Table.Names.Builder))).Error().Block(
			jen.Return(member.Dot("Send").Call(jen.Id("ctx"), jen.Id("c.conn"), jen.Id("b"))))
	}
	return comment("%s sends a message. It returns when the connection has accepted the bytes.", name).
		Add(connMethod(p, name, ctx, jen.Id("m").Op("*").Id(m.Message.Type))).Error().Block(
		jen.Return(member.Dot("SendPtr").Call(jen.Id("ctx"), jen.Id("c.conn"), jen.Id("m"))))
}

// emitSetMetadata writes
//
//	// SetTradeMetadata attaches entries to the batches that SendTrade sends from now on; their Handle has them as Metadata at the
//	// other end. Nil attaches none.
//	func (c *FeedConn) SetTradeMetadata(entries []ipc.KeyValue) {
//		feedMembers.trade.SetMetadata(c.conn, entries)
//	}
func emitSetMetadata(p *model.Protocol, m *model.Member) jen.Code {
	return setMetadata(p, m, "Send", "sends", "c.conn", connMethod)
}

// emitSetFrameMetadata writes the same of a framer, and AppendTrade.
func emitSetFrameMetadata(p *model.Protocol, m *model.Member) jen.Code {
	return setMetadata(p, m, "Append", "appends", "f.framer", framerMethod)
}

func setMetadata(p *model.Protocol, m *model.Member, method, does, to string, declare func(*model.Protocol, string, ...jen.Code) *jen.Statement) jen.Code {
	name, set := "Set"+m.Suffix+"Metadata", "SetMetadata"
	if to == "f.framer" {
		set = "SetFrameMetadata"
	}
	return comment("%s attaches entries to the batches that %s%s %s from now on; their Handle has them as Metadata at the other end. Nil attaches none.", name, method, m.Suffix, does).
		Add(declare(p, name, jen.Id("entries").Index().Add(ipc("KeyValue")))).Block(
		jen.Id(p.Names.Members).Dot(m.Local).Dot(set).Call(jen.Id(to), jen.Id("entries")))
}

// emitRecv writes
//
//	// Recv returns the next item: *TradeBatch, *QuoteBatch or *Heartbeat. …
//	func (c *FeedConn) Recv(ctx context.Context) (FeedItem, error) {
//		i, err := c.conn.Recv(ctx)
//		if err != nil {
//			return nil, err
//		}
//		return c.items.Next().set(i)
//	}
func emitRecv(p *model.Protocol) jen.Code {
	batch := ""
	if hasTable(p) {
		batch = " A copy of the batch that it leads to is valid until it is released, or with Reuse until the next Recv."
	}
	return comment("Recv returns the next item, a pointer into the connection that is valid until the next Recv: %s.%s The error is io.EOF where "+
		"the peer has ended the direction; see rt.ProtocolConn.Recv.", listOf(p), batch).
		Add(connMethod(p, "Recv", jen.Id("ctx").Qual("context", "Context"))).Params(jen.Id(p.Names.Item), jen.Error()).Block(
		jen.List(jen.Id("i"), jen.Err()).Op(":=").Id("c.conn").Dot("Recv").Call(jen.Id("ctx")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
		jen.Return(jen.Id("c.items.Next()").Dot("set").Call(jen.Id("i"))),
	)
}

// emitClose writes
//
//	// Close ends the sending direction; see rt.ProtocolConn.Close for wires without a half-close. Receiving goes on.
//	func (c *FeedConn) Close() error { return c.conn.Close() }
func emitClose(p *model.Protocol) jen.Code {
	return comment("Close ends the sending direction; see rt.ProtocolConn.Close for wires without a half-close. Receiving goes on.").
		Add(connMethod(p, "Close")).Error().Add(oneLine(jen.Return(jen.Id("c.conn").Dot("Close").Call())))
}

// emitUntyped writes
//
//	// Conn returns the connection without its Go types, for its statistics and heartbeats.
//	func (c *FeedConn) Conn() *rt.ProtocolConn { return c.conn }
func emitUntyped(p *model.Protocol) jen.Code {
	return comment("Conn returns the connection without its Go types, for its statistics and heartbeats.").
		Add(connMethod(p, "Conn")).Op("*").Add(rt("ProtocolConn")).Add(oneLine(jen.Return(jen.Id("c.conn"))))
}

// emitUntypedFramer writes
//
//	// Framer returns the framer without its Go types, for its statistics.
//	func (f *FeedFramer) Framer() *rt.ProtocolFramer { return f.framer }
func emitUntypedFramer(p *model.Protocol) jen.Code {
	return comment("Framer returns the framer without its Go types, for its statistics.").
		Add(framerMethod(p, "Framer")).Op("*").Add(rt("ProtocolFramer")).Add(oneLine(jen.Return(jen.Id("f.framer"))))
}

// emitProtocolFramer writes
//
//	// FeedFramer makes and reads frames of protocol Feed, to be carried by another protocol. …
//	type FeedFramer struct {
//		framer *rt.ProtocolFramer
//		items  rt.Items[feedItems]
//	}
func emitProtocolFramer(p *model.Protocol) jen.Code {
	return comment("%s makes and reads frames of protocol %s, to be carried by another protocol. The frames of one direction lean on each other: "+
		"none may be lost, come twice or in another order. One goroutine may make frames while another reads.", p.Names.Framer, p.Name).
		Type().Id(p.Names.Framer).Struct(jen.Id("framer").Op("*").Add(rt("ProtocolFramer")), jen.Id("items").Add(rt("Items")).Types(jen.Id(p.Names.Items)))
}

// emitNewProtocolFramer writes
//
//	// NewFeedFramer returns a framer. What the options say of connections means nothing. Nil options mean all defaults.
//	func NewFeedFramer(opts *rt.ProtocolOptions) (*FeedFramer, error) {
//		f, err := feedMembers.Framer(opts)
//		if err != nil {
//			return nil, err
//		}
//		return &FeedFramer{framer: f}, nil
//	}
func emitNewProtocolFramer(p *model.Protocol) jen.Code {
	return comment("%s returns a framer. What the options say of connections means nothing. Nil options mean all defaults.", p.Names.NewFramer).
		Func().Id(p.Names.NewFramer).Params(jen.Id("opts").Op("*").Add(rt("ProtocolOptions"))).
		Params(jen.Op("*").Id(p.Names.Framer), jen.Error()).Block(
		jen.List(jen.Id("f"), jen.Err()).Op(":=").Id(p.Names.Members).Dot("Framer").Call(jen.Id("opts")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
		jen.Return(jen.Op("&").Id(p.Names.Framer).Values(jen.Id("framer").Op(":").Id("f")), jen.Nil()),
	)
}

// emitAppendFrame writes
//
//	// AppendTrade appends a frame with the rows of b to dst.
//	func (f *FeedFramer) AppendTrade(dst []byte, b *TradeBuilder) ([]byte, error) {
//		return feedMembers.trade.AppendFrame(dst, f.framer, b)
//	}
func emitAppendFrame(p *model.Protocol, m *model.Member) jen.Code {
	what, param, typ := "the rows of b", "b", ""
	if m.Table != nil {
		typ = m.Table.Names.Builder
	} else {
		what, param, typ = "a message", "m", m.Message.Type
	}
	name := "Append" + m.Suffix
	return comment("%s appends a frame with %s to dst.", name, what).
		Add(framerMethod(p, name, jen.Id("dst").Index().Byte(), jen.Id(param).Op("*").Id(typ))).Params(jen.Index().Byte(), jen.Error()).Block(
		jen.Return(jen.Id(p.Names.Members).Dot(m.Local).Dot("AppendFrame").Call(jen.Id("dst"), jen.Id("f.framer"), jen.Id(param))))
}

// emitDecode writes
//
//	// Decode finds one frame at the start of buf; n == 0 and no error mean not enough yet. …
//	func (f *FeedFramer) Decode(buf []byte) (item FeedItem, n int, err error) {
//		i, n, err := f.framer.Decode(buf)
//		if err != nil || n == 0 {
//			return nil, 0, err
//		}
//		if item, err = f.items.Next().set(i); err != nil {
//			return nil, 0, err
//		}
//		return item, n, nil
//	}
func emitDecode(p *model.Protocol) jen.Code {
	batch := ""
	if hasTable(p) {
		batch = ", and so is a batch, which may alias buf"
	}
	return comment("Decode finds one frame at the start of buf; n == 0 and no error mean not enough yet. The item points into the framer and is valid until "+
		"the next call%s.", batch).
		Add(framerMethod(p, "Decode", jen.Id("buf").Index().Byte())).
		Params(jen.Id("item").Id(p.Names.Item), jen.Id("n").Int(), jen.Err().Error()).Block(
		jen.List(jen.Id("i"), jen.Id("n"), jen.Err()).Op(":=").Id("f.framer").Dot("Decode").Call(jen.Id("buf")),
		jen.If(jen.Err().Op("!=").Nil().Op("||").Id("n").Op("==").Lit(0)).Block(jen.Return(jen.Nil(), jen.Lit(0), jen.Err())),
		jen.If(jen.List(jen.Id("item"), jen.Err()).Op("=").Id("f.items.Next()").Dot("set").Call(jen.Id("i")), jen.Err().Op("!=").Nil()).Block(
			jen.Return(jen.Nil(), jen.Lit(0), jen.Err())),
		jen.Return(jen.Id("item"), jen.Id("n"), jen.Nil()),
	)
}

// emitMeasure writes
//
//	// Measure tells the length of the frame that starts with prefix; see frame.SizedDecoder.
//	func (f *FeedFramer) Measure(prefix []byte) (head, body, need int, err error) {
//		return f.framer.Measure(prefix)
//	}
func emitMeasure(p *model.Protocol) jen.Code {
	return comment("Measure tells the length of the frame that starts with prefix; see frame.SizedDecoder.").
		Add(framerMethod(p, "Measure", jen.Id("prefix").Index().Byte())).
		Params(jen.List(jen.Id("head"), jen.Id("body"), jen.Id("need")).Int(), jen.Err().Error()).Block(
		jen.Return(jen.Id("f.framer").Dot("Measure").Call(jen.Id("prefix"))))
}

// emitDecodeBody writes
//
//	// DecodeBody makes the frame whose payload is body, …
//	func (f *FeedFramer) DecodeBody(head, body []byte, owner *mem.Block) (FeedItem, error) {
//		i, err := f.framer.DecodeBody(head, body, owner)
//		if err != nil {
//			return nil, err
//		}
//		return f.items.Next().set(i)
//	}
func emitDecodeBody(p *model.Protocol) jen.Code {
	batch := ""
	if hasTable(p) {
		batch = ": a batch keeps that until it is released"
	}
	return comment("DecodeBody makes the frame whose payload is body, of which it takes over one reference of owner%s.", batch).
		Add(framerMethod(p, "DecodeBody", jen.List(jen.Id("head"), jen.Id("body")).Index().Byte(), jen.Id("owner").Op("*").Qual(model.MemPath, "Block"))).
		Params(jen.Id(p.Names.Item), jen.Error()).Block(
		jen.List(jen.Id("i"), jen.Err()).Op(":=").Id("f.framer").Dot("DecodeBody").Call(jen.Id("head"), jen.Id("body"), jen.Id("owner")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
		jen.Return(jen.Id("f.items.Next()").Dot("set").Call(jen.Id("i"))),
	)
}
