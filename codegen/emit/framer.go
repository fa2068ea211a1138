package emit

import (
	"github.com/dave/jennifer/jen"

	"github.com/lightstream-go/lightstream/codegen/model"
)

// emitFramer writes
//
//	// TradeFramer makes and reads frames of table "trade", to be carried by another protocol.
//	type TradeFramer = rt.Framer[Trade, TradeBatch, *TradeBuilder]
func emitFramer(t *model.Table) jen.Code {
	return comment("%s makes and reads frames of table %q, to be carried by another protocol.", t.Names.Framer, t.Name).
		Type().Id(t.Names.Framer).Op("=").Add(rt("Framer")).
		Types(jen.Id(t.Row), jen.Id(t.Names.Batch), jen.Op("*").Id(t.Names.Builder))
}

// emitNewFramer writes
//
//	// NewTradeFramer returns a framer, which is for one goroutine at a time. Nil options mean all defaults.
//	func NewTradeFramer(opts *rt.ReaderOptions) *TradeFramer { return rt.NewFramer(TradeTable, opts) }
func emitNewFramer(t *model.Table) jen.Code {
	return comment("%s returns a framer, which is for one goroutine at a time. Nil options mean all defaults.", t.Names.NewFramer).
		Func().Id(t.Names.NewFramer).Params(jen.Id("opts").Op("*").Add(rt("ReaderOptions"))).Op("*").Id(t.Names.Framer).
		Add(oneLine(jen.Return(rt("NewFramer").Call(jen.Id(t.Names.Table), jen.Id("opts")))))
}
