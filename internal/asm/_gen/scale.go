package main

import (
	. "github.com/mmcloughlin/avo/operand"
)

func scales(c *context) {
	scale(c)
	widenBytes(c)
}

// scale multiplies words by a half: each half of a word by itself, as there is no product of 64 bits.
func scale(c *context) {
	const unroll = 4
	c.function("scale64AVX2", "func(dst, src []int64, by uint32) (bits int64)",
		"scale64AVX2 sets dst[i] to src[i]*by and returns the bits of all src[i], those that are negative upside down. The length of src is a",
		"multiple of 16, and dst has as many.")
	src, n := c.slice("src")
	dst := c.base("dst")
	by := c.YMM()
	x := c.XMM()
	c.VMOVD(c.Load(c.Param("by"), c.GP32()), x)
	c.VPBROADCASTQ(x, by)
	zero := c.zeros(1)[0]
	acc := c.zeros(unroll)
	c.blocks("scale64", n, 4*unroll, []step{{src, 32 * unroll}, {dst, 32 * unroll}}, func() {
		for i := range unroll {
			v, low, high, sign := c.YMM(), c.YMM(), c.YMM(), c.YMM()
			c.VMOVDQU(at(src, 32*i), v)
			c.VPCMPGTQ(v, zero, sign)
			c.VPMULUDQ(v, by, low)
			c.VPSRLQ(Imm(32), v, high)
			c.VPMULUDQ(high, by, high)
			c.VPSLLQ(Imm(32), high, high)
			c.VPADDQ(high, low, low)
			c.VMOVDQU(low, at(dst, 32*i))
			c.VPXOR(v, sign, sign)
			c.VPOR(sign, acc[i], acc[i])
		}
	})
	all := fold(acc, c.or)
	half := c.XMM()
	c.VEXTRACTI128(Imm(1), all, half)
	c.VPOR(half, all.AsX(), half)
	other := c.XMM()
	c.VPUNPCKHQDQ(half, half, other)
	c.VPOR(other, half, half)
	bits := c.GP64()
	c.VMOVQ(half, bits)
	c.Store(bits, c.ReturnIndex(0))
	c.ret()
}

func widenBytes(c *context) {
	c.function("widen8AVX2", "func(dst, src []byte)",
		"widen8AVX2 sets the integers of 32 bits in dst to the bytes of src. The length of src is a multiple of 32, and dst has four times as many.")
	src, n := c.slice("src")
	dst := c.base("dst")
	c.blocks("widen8", n, 32, []step{{src, 32}, {dst, 128}}, func() {
		for i := range 4 {
			v := c.YMM()
			c.VPMOVZXBD(at(src, 8*i), v)
			c.VMOVDQU(v, at(dst, 32*i))
		}
	})
	c.ret()
}
