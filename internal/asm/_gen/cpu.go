package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/reg"
)

// processor asks the processor and the system what kernels may use.
func processor(c *context) {
	c.Function("cpuid")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(leaf, part uint32) (a, b, c, d uint32)")
	c.Doc("cpuid returns what the processor tells about itself in a part of a leaf.")
	c.Load(c.Param("leaf"), reg.EAX)
	c.Load(c.Param("part"), reg.ECX)
	c.CPUID()
	for i, r := range []reg.Register{reg.EAX, reg.EBX, reg.ECX, reg.EDX} {
		c.Store(r, c.ReturnIndex(i))
	}
	c.RET()

	c.Function("xgetbv")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func() (state uint32)")
	c.Doc("xgetbv returns which registers the system keeps. The processor needs OSXSAVE.")
	c.XORL(reg.ECX, reg.ECX)
	c.XGETBV()
	c.Store(reg.EAX, c.ReturnIndex(0))
	c.RET()
}
