package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"
)

// gather reads words at a stride and writes them past the caches, whole lines one after the other.
func gather(c *context) {
	c.function("gather64AVX2", "func(dst, src *byte, stride, n int)",
		"gather64AVX2 sets the n words of dst, a multiple of 8, to those that begin stride bytes after one another in src, and lets the caches be.",
		"Dst lies at a multiple of 16. Others may see what is written later sooner, until fence.")
	dst, src := c.Load(c.Param("dst"), c.GP64()), c.Load(c.Param("src"), c.GP64())
	stride, n := c.Load(c.Param("stride"), c.GP64()), c.Load(c.Param("n"), c.GP64())
	thrice, half, by := c.GP64(), c.GP64(), c.GP64()
	c.LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, thrice)
	c.MOVQ(stride, by)
	c.SHLQ(Imm(3), by)
	c.SUBQ(Imm(8), n)
	c.JLT(LabelRef("gather64Rest"))
	c.Label("gather64")
	c.LEAQ(Mem{Base: src, Index: stride, Scale: 4}, half)
	for i, p := range []Mem{{Base: src}, {Base: src, Index: stride, Scale: 2}, {Base: half}, {Base: half, Index: stride, Scale: 2}} {
		second := Mem{Base: p.Base, Index: stride, Scale: 1}
		if p.Index != nil {
			second.Index = thrice
		}
		pair := c.XMM()
		c.VMOVQ(p, pair)
		c.VMOVHPD(second, pair, pair)
		c.VMOVNTDQ(pair, at(dst, 16*i))
	}
	c.ADDQ(by, src)
	c.ADDQ(Imm(64), dst)
	c.SUBQ(Imm(8), n)
	c.JGE(LabelRef("gather64"))
	c.Label("gather64Rest")
	c.RET()

	c.Function("fence")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func()")
	c.Doc("fence has what was written past the caches seen before what is written after it.")
	c.SFENCE()
	c.RET()
}
