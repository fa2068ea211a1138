package main

import (
	"strconv"

	. "github.com/mmcloughlin/avo/operand"
)

func itoa(n int) string { return strconv.Itoa(n) }

func indices(c *context) {
	within(c, 1, c.VPMAXUB, c.VPCMPEQB)
	within(c, 2, c.VPMAXUW, c.VPCMPEQW)
	within(c, 4, c.VPMAXUD, c.VPCMPEQD)
	within64(c)
}

// result returns a condition and ends the kernel.
func (c *context) result(set func(ok Op)) {
	ok := c.GP8()
	set(ok)
	c.Store(ok, c.ReturnIndex(0))
	c.ret()
}

// within takes the largest index of each lane, and last where that is larger: all are within if last is what comes out.
func within(c *context, width int, largest func(...Op), equal func(...Op)) {
	const unroll = 4
	bits := itoa(8 * width)
	c.function("within"+bits+"AVX2", "func(b []byte, last uint"+bits+") bool",
		"within"+bits+"AVX2 reports whether each integer of "+bits+" bits, taken as unsigned, is at most last. b has at least 32 bytes.")
	p, n := c.slice("b")
	limit := c.broadcast("last", width)
	acc := c.ymms(unroll)
	for i := range acc {
		c.VMOVDQA(limit, acc[i])
	}
	c.blocks("within"+bits, n, 32*unroll, []step{{p, 32 * unroll}}, func() {
		for i := range acc {
			largest(at(p, 32*i), acc[i], acc[i])
		}
	})
	c.blocks("within"+bits+"One", n, 32, []step{{p, 32}}, func() { largest(at(p, 0), acc[0], acc[0]) })
	largest(Mem{Base: p, Index: n, Scale: 1, Disp: -32}, acc[1], acc[1]) // the last ones, some of them again
	most := fold(acc, largest)
	equal(most, limit, most)
	found := c.GP32()
	c.VPMOVMSKB(most, found)
	c.result(func(ok Op) {
		c.CMPL(found, I32(-1))
		c.SETEQ(ok)
	})
}

// within64 adds what makes an index that is too large negative, as there is no comparison of unsigned words.
func within64(c *context) {
	const unroll = 4
	c.function("within64AVX2", "func(b []byte, k uint64) bool",
		"within64AVX2 reports whether no integer v of 64 bits is negative, and no v+k. b has at least 32 bytes.")
	p, n := c.slice("b")
	add := c.broadcast("k", 8)
	acc := c.zeros(unroll)
	look := func(m Mem, acc Op) {
		v, sum := c.YMM(), c.YMM()
		c.VMOVDQU(m, v)
		c.VPADDQ(v, add, sum)
		c.VPOR(v, acc, acc)
		c.VPOR(sum, acc, acc)
	}
	c.blocks("within64", n, 32*unroll, []step{{p, 32 * unroll}}, func() {
		for i := range acc {
			look(at(p, 32*i), acc[i])
		}
	})
	c.blocks("within64One", n, 32, []step{{p, 32}}, func() { look(at(p, 0), acc[0]) })
	look(Mem{Base: p, Index: n, Scale: 1, Disp: -32}, acc[1])
	found := c.GP32()
	c.VMOVMSKPD(fold(acc, c.or), found)
	c.result(func(ok Op) {
		c.TESTL(found, found)
		c.SETEQ(ok)
	})
}
