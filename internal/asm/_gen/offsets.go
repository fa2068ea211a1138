package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func offsets(c *context) {
	ascending(c, "32", "int32", 4, c.VPSUBD, c.VMOVMSKPS)
	ascending(c, "64", "int64", 8, c.VPSUBQ, c.VMOVMSKPD)
	ascending512(c)
	narrow(c)
	widen(c)
}

// ascending collects the signs of offsets and of what is between each and the next one. The last offsets are looked at twice where
// they do not fill a register.
func ascending(c *context, bits, element string, width int, subtract func(...Op), signs func(Op, Op)) {
	const unroll = 4
	lanes := 32 / width
	c.function("ascending"+bits+"AVX2", "func(o []"+element+") bool",
		"ascending"+bits+"AVX2 reports whether no offset but the last is negative and none less than the one before it, if the last is not negative. There are more",
		"than "+itoa(lanes)+".")
	p, n := c.slice("o")
	c.DECQ(n) // neighbours
	acc := c.zeros(unroll)
	neighbours := func(p reg.Register, offset int, acc Op) {
		v, between := c.YMM(), c.YMM()
		c.VMOVDQU(at(p, offset), v)
		c.VMOVDQU(at(p, offset+width), between)
		subtract(v, between, between)
		c.VPOR(v, acc, acc)
		c.VPOR(between, acc, acc)
	}
	c.blocks("ascending"+bits, n, uint64(unroll*lanes), []step{{p, 32 * unroll}}, func() {
		for i := range acc {
			neighbours(p, 32*i, acc[i])
		}
	})
	c.blocks("ascending"+bits+"One", n, uint64(lanes), []step{{p, 32}}, func() { neighbours(p, 0, acc[0]) })
	// Up to the last offset.
	c.LEAQ(Mem{Base: p, Index: n, Scale: uint8(width), Disp: -32}, p)
	neighbours(p, 0, acc[1])
	found := c.GP32()
	signs(fold(acc, c.or), found)
	c.result(func(ok Op) {
		c.TESTL(found, found)
		c.SETEQ(ok)
	})
}

// ascending512 reads each offset once: the next ones come out of two registers.
func ascending512(c *context) {
	const unroll = 4
	c.function("ascending32AVX512", "func(o []int32) bool", "ascending32AVX512 is ascending32AVX2 for more than 16 offsets.")
	p, n := c.slice("o")
	c.DECQ(n) // neighbours
	acc := []reg.VecVirtual{c.ZMM(), c.ZMM()}
	for _, a := range acc {
		c.VPXORD(a, a, a)
	}
	const anyOfThree = 0xFE
	v := c.ZMM()
	c.VMOVDQU32(at(p, 0), v)
	c.SUBQ(Imm(16), n) // the block behind the last one is read with it
	c.blocks("ascending512", n, 16*unroll, []step{{p, 64 * unroll}}, func() {
		cur := v
		for i := range unroll {
			after, between := c.ZMM(), c.ZMM()
			c.VMOVDQU32(at(p, 64*(i+1)), after)
			c.VALIGND(Imm(1), cur, after, between)
			c.VPSUBD(cur, between, between)
			c.VPTERNLOGD(Imm(anyOfThree), cur, between, acc[i%2])
			cur = after
		}
		c.VMOVDQA32(cur, v)
	})
	c.ADDQ(Imm(16), n)
	single := func(acc Op) {
		between := c.ZMM()
		c.VMOVDQU32(at(p, 0), v)
		c.VMOVDQU32(at(p, 4), between)
		c.VPSUBD(v, between, between)
		c.VPTERNLOGD(Imm(anyOfThree), v, between, acc)
	}
	c.blocks("ascending512One", n, 16, []step{{p, 64}}, func() { single(acc[0]) })
	c.LEAQ(Mem{Base: p, Index: n, Scale: 4, Disp: -64}, p)
	single(acc[1])
	c.VPORD(acc[0], acc[1], acc[0])
	k, found := c.K(), c.GP32()
	c.VPMOVD2M(acc[0], k)
	c.KMOVW(k, found)
	c.result(func(ok Op) {
		c.TESTL(found, found)
		c.SETEQ(ok)
	})
}

// shifted begins a kernel that sets dst to the integers in src less by.
func shifted(c *context, name, to, from, what string) (dst, src, n reg.Register, by reg.VecVirtual) {
	c.function(name, "func(dst []"+to+", src []"+from+", by int64)",
		name+" sets dst[i] to "+what+". The length of src is a multiple of 16, and dst has as many.")
	src, n = c.slice("src")
	dst = c.base("dst")
	return dst, src, n, c.broadcast("by", 8)
}

// narrow takes the even halves of two registers, which leaves each half of them where it was: the quarters are put in order after that.
func narrow(c *context) {
	dst, src, n, by := shifted(c, "narrow64AVX2", "int32", "int64", "the low 32 bits of src[i]-by")
	c.blocks("narrow64", n, 16, []step{{src, 128}, {dst, 64}}, func() {
		for i := range 2 {
			v, w := c.YMM(), c.YMM()
			c.VMOVDQU(at(src, 64*i), v)
			c.VMOVDQU(at(src, 64*i+32), w)
			c.VPSUBQ(by, v, v)
			c.VPSUBQ(by, w, w)
			c.VSHUFPS(Imm(0b10_00_10_00), w, v, v)
			c.VPERMQ(Imm(0b11_01_10_00), v, v)
			c.VMOVDQU(v, at(dst, 32*i))
		}
	})
	c.ret()
}

func widen(c *context) {
	dst, src, n, by := shifted(c, "widen32AVX2", "int64", "int32", "src[i]-by")
	c.blocks("widen32", n, 16, []step{{src, 64}, {dst, 128}}, func() {
		for i := range 4 {
			v := c.YMM()
			c.VPMOVSXDQ(at(src, 16*i), v)
			c.VPSUBQ(by, v, v)
			c.VMOVDQU(v, at(dst, 32*i))
		}
	})
	c.ret()
}
