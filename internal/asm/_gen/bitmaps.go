package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func bitmaps(c *context) {
	countBits(c)
	countBitsAVX512(c)
	shiftBytes(c)
}

// countBits looks the ones of each half byte up in a table of sixteen, and sums up the bytes of eight lanes.
func countBits(c *context) {
	ones := make([]byte, 16)
	for i := range ones {
		for v := i; v != 0; v &= v - 1 {
			ones[i]++
		}
	}
	table, low := c.constant("onesOfHalf", ones...), c.constant("lowHalves", 0x0F)
	c.function("countBitsAVX2", "func(b []byte) int", "countBitsAVX2 returns how many bits of b are set, whose length is a multiple of 64.")
	p, n := c.slice("b")
	lookup, mask := c.YMM(), c.YMM()
	c.VMOVDQU(table, lookup)
	c.VMOVDQU(low, mask)
	z := c.zeros(2)
	zero, sum := z[0], z[1]
	c.blocks("countBits", n, 64, []step{{p, 64}}, func() {
		counts := c.ymms(4)
		for i := range 2 {
			v, h := c.YMM(), c.YMM()
			c.VMOVDQU(at(p, 32*i), v)
			c.VPSRLW(Imm(4), v, h)
			c.VPAND(mask, v, v)
			c.VPAND(mask, h, h)
			c.VPSHUFB(v, lookup, counts[2*i])
			c.VPSHUFB(h, lookup, counts[2*i+1])
		}
		all := fold(counts, c.VPADDB)
		c.VPSADBW(zero, all, all)
		c.VPADDQ(all, sum, sum)
	})
	c.sumOfLanes(sum)
	c.ret()
}

// sumOfLanes returns the sum of the four words of a register.
func (c *context) sumOfLanes(sum reg.VecVirtual) {
	x, count := c.XMM(), c.GP64()
	c.VEXTRACTI128(Imm(1), sum, x)
	c.VPADDQ(x, sum.AsX(), x)
	high := c.XMM()
	c.VPSRLDQ(Imm(8), x, high)
	c.VPADDQ(high, x, x)
	c.VMOVQ(x, count)
	c.Store(count, c.ReturnIndex(0))
}

// countBitsAVX512 counts the ones of eight words with one instruction, and of what is left of the last block under a mask.
func countBitsAVX512(c *context) {
	c.function("countBitsAVX512", "func(b []byte) int", "countBitsAVX512 returns how many bits of b are set.")
	p, n := c.slice("b")
	sum, v := c.ZMM(), c.ZMM()
	c.VPXORQ(sum, sum, sum)
	c.blocks("countBits512", n, 64, []step{{p, 64}}, func() {
		c.VPOPCNTQ(at(p, 0), v)
		c.VPADDQ(v, sum, sum)
	})
	c.TESTQ(n, n)
	c.JZ(LabelRef("countBits512Sum"))
	ones, k := c.GP64(), c.K()
	c.MOVQ(I32(-1), ones)
	c.BZHIQ(n, ones, ones)
	c.KMOVQ(ones, k)
	c.VMOVDQU8_Z(at(p, 0), k, v)
	c.VPOPCNTQ(v, v)
	c.VPADDQ(v, sum, sum)
	c.Label("countBits512Sum")
	half := c.YMM()
	c.VEXTRACTI64X4(Imm(1), sum, half)
	c.VPADDQ(half, sum.AsY(), half)
	c.sumOfLanes(half)
	c.ret()
}

// shiftBytes puts each word together from itself and the one that begins in its last byte but is read eight bytes on.
func shiftBytes(c *context) {
	c.function("shiftBytesAVX2", "func(dst, src []byte, s int)",
		"shiftBytesAVX2 sets dst, whose length is a multiple of 64, to the bits of src from bit 0 < s < 8 on. src is at least eight bytes longer.")
	to, n := c.slice("dst")
	from := c.base("src")
	s := c.Load(c.Param("s"), c.GP64())
	right, left, rest := c.XMM(), c.XMM(), c.GP64()
	c.VMOVQ(s, right)
	c.MOVQ(U32(64), rest)
	c.SUBQ(s, rest)
	c.VMOVQ(rest, left)
	c.blocks("shiftBytes", n, 64, []step{{from, 64}, {to, 64}}, func() {
		for i := range 2 {
			v, next := c.YMM(), c.YMM()
			c.VMOVDQU(at(from, 32*i), v)
			c.VMOVDQU(at(from, 32*i+8), next)
			c.VPSRLQ(right, v, v)
			c.VPSLLQ(left, next, next)
			c.VPOR(v, next, v)
			c.VMOVDQU(v, at(to, 32*i))
		}
	})
	c.ret()
}
