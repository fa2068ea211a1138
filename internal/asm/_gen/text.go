package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// halves is a set of values of half a byte.
type halves uint16

func span(from, to int) (h halves) {
	for i := from; i <= to; i++ {
		h |= 1 << i
	}
	return h
}

// faults are what two bytes in a row cannot be in UTF-8, as far as the first byte and the upper half of the second tell: sets of the
// first's upper half, its lower half, and the second's upper half. The last one is no fault: it is what is right only behind the
// beginning of a character of three or four bytes, and has the highest bit.
var faults = [8][3]halves{
	{span(0x0, 0x7), span(0x0, 0xF), span(0x8, 0xB)},                  // a character of one byte, continued
	{span(0xC, 0xF), span(0x0, 0xF), span(0x0, 0x7) | span(0xC, 0xF)}, // a longer one, not continued
	{span(0xC, 0xC), span(0x0, 0x1), span(0x8, 0xB)},                  // two bytes for what takes one
	{span(0xE, 0xE), span(0x0, 0x0), span(0x8, 0x9)},                  // three for what takes two
	{span(0xE, 0xE), span(0xD, 0xD), span(0xA, 0xB)},                  // half of a surrogate pair
	{span(0xF, 0xF), span(0x0, 0x0) | span(0x5, 0xF), span(0x8, 0x8)}, // four for what takes three, or beyond U+10FFFF
	{span(0xF, 0xF), span(0x4, 0xF), span(0x9, 0xB)},                  // beyond U+10FFFF
	{span(0x8, 0xB), span(0x0, 0xF), span(0x8, 0xB)},                  // two continuations
}

// table returns the faults that each half byte can be part of, as set number which of them says.
func table(which int) []byte {
	t := make([]byte, 16)
	for bit, f := range faults {
		for i := range t {
			if f[which]>>i&1 != 0 {
				t[i] |= 1 << bit
			}
		}
	}
	return t
}

// text checks pairs of bytes by three tables, whose entries have a bit in common where the pair is a fault, and then that there are two
// continuations in a row exactly where a character of three or four bytes wants them: what J. Keiser and D. Lemire describe in
// "Validating UTF-8 In Less Than One Instruction Per Byte", 2021.
func text(c *context) {
	firstHigh, firstLow, secondHigh := c.constant("firstHigh", table(0)...), c.constant("firstLow", table(1)...), c.constant("secondHigh", table(2)...)
	low := c.constant("lowNibbles", 0x0F)
	third, fourth := c.constant("thirdByte", 0xE0-0x80), c.constant("fourthByte", 0xF0-0x80)
	top := c.constant("topBits", 0x80)
	ends := make([]byte, 32)
	for i := range ends {
		ends[i] = 0xFF
	}
	ends[29], ends[30], ends[31] = 0xF0-1, 0xE0-1, 0xC0-1
	complete := c.constant("completeEnd", ends...)

	c.function("validUTF8AVX2", "func(b []byte) (valid, ascii bool)",
		"validUTF8AVX2 reports whether b is valid UTF-8, but for a character at its end of which bytes are missing, and whether all of it is ASCII.",
		"The length of b is a multiple of 64.")
	p, n := c.slice("b")
	z := c.zeros(4)
	fault, before, open, all := z[0], z[1], z[2], z[3] // before is the last block, open not zero where it ends inside of a character
	h1, l1, h2, mask := c.YMM(), c.YMM(), c.YMM(), c.YMM()
	c.VMOVDQU(firstHigh, h1)
	c.VMOVDQU(firstLow, l1)
	c.VMOVDQU(secondHigh, h2)
	c.VMOVDQU(low, mask)
	c.blocks("validUTF8", n, 64, []step{{p, 64}}, func() {
		v, w, any, signs := c.YMM(), c.YMM(), c.YMM(), c.GP32()
		c.VMOVDQU(at(p, 0), v)
		c.VMOVDQU(at(p, 32), w)
		c.VPOR(v, w, any)
		c.VPOR(any, all, all)
		c.VPMOVMSKB(any, signs)
		c.TESTL(signs, signs)
		c.JNZ(LabelRef("validUTF8Long"))
		c.VPOR(open, fault, fault)
		c.VPXOR(open, open, open)
		c.VPXOR(before, before, before)
		c.JMP(LabelRef("validUTF8Next"))
		c.Label("validUTF8Long")
		for _, block := range []reg.VecVirtual{v, w} {
			// The bytes one, two and three before each.
			across, one, two, three := c.YMM(), c.YMM(), c.YMM(), c.YMM()
			c.VPERM2I128(Imm(0x21), block, before, across)
			c.VPALIGNR(Imm(15), across, block, one)
			c.VPALIGNR(Imm(14), across, block, two)
			c.VPALIGNR(Imm(13), across, block, three)
			a, b, d := c.YMM(), c.YMM(), c.YMM()
			c.VPSRLW(Imm(4), one, a)
			c.VPAND(mask, a, a)
			c.VPSHUFB(a, h1, a)
			c.VPAND(mask, one, b)
			c.VPSHUFB(b, l1, b)
			c.VPSRLW(Imm(4), block, d)
			c.VPAND(mask, d, d)
			c.VPSHUFB(d, h2, d)
			c.VPAND(a, b, a)
			c.VPAND(a, d, a)
			// At least 0x80 where a third or a fourth byte is due.
			c.VPSUBUSB(third, two, two)
			c.VPSUBUSB(fourth, three, three)
			c.VPOR(two, three, two)
			c.VPAND(top, two, two)
			c.VPXOR(two, a, a)
			c.VPOR(a, fault, fault)
			c.VMOVDQA(block, before)
		}
		c.VPSUBUSB(complete, w, open)
		c.Label("validUTF8Next")
	})
	c.result(func(ok Op) {
		signs := c.GP32()
		c.VPMOVMSKB(all, signs)
		c.TESTL(signs, signs)
		ascii := c.GP8()
		c.SETEQ(ascii)
		c.Store(ascii, c.ReturnIndex(1))
		c.VPTEST(fault, fault)
		c.SETEQ(ok)
	})
}

// places compares 64 bytes with each of three, and writes down where those are that are one of them. It does that eight by eight, as a loop
// over each would end where no processor foresees it; what it has written too many of is written over by the next block.
func places(c *context) {
	c.function("findPlacesAVX2", "func(dst []uint32, src []byte, first uint32, a, b, c byte) (n int)",
		"findPlacesAVX2 sets the first n of dst to first+i, in order, for each i for which src[i] is a, b or c; others may be anything. The length",
		"of src is a multiple of 64, and that of dst is no less.")
	start, to := c.base("dst"), c.GP64()
	c.MOVQ(start, to)
	from, n := c.slice("src")
	place := c.GP32() // of the block
	c.Load(c.Param("first"), place)
	want := []reg.VecVirtual{c.broadcast("a", 1), c.broadcast("b", 1), c.broadcast("c", 1)}
	c.blocks("findPlaces", n, 64, []step{{from, 64}}, func() {
		var halves []reg.GPVirtual
		for i := range 2 {
			v, mask := c.YMM(), c.GP64()
			c.VMOVDQU(at(from, 32*i), v)
			found := c.ymms(len(want))
			for k, w := range want {
				c.VPCMPEQB(v, w, found[k])
			}
			c.VPOR(found[0], found[1], found[0])
			c.VPOR(found[0], found[2], found[0])
			c.VPMOVMSKB(found[0], mask.As32())
			halves = append(halves, mask)
		}
		mask, next := halves[1], c.GP64()
		c.SHLQ(Imm(32), mask)
		c.ORQ(halves[0], mask)
		c.JZ(LabelRef("findPlacesNext"))
		c.POPCNTQ(mask, next)
		c.LEAQ(Mem{Base: to, Index: next, Scale: 4}, next)
		c.Label("findPlacesEight")
		for i := range 8 {
			bit := c.GP64()
			c.TZCNTQ(mask, bit)
			c.ADDL(place, bit.As32())
			c.MOVL(bit.As32(), at(to, 4*i))
			c.BLSRQ(mask, mask)
		}
		c.ADDQ(Imm(32), to)
		c.TESTQ(mask, mask)
		c.JNZ(LabelRef("findPlacesEight"))
		c.MOVQ(next, to)
		c.Label("findPlacesNext")
		c.ADDL(Imm(64), place)
	})
	c.SUBQ(start, to)
	c.SHRQ(Imm(2), to)
	c.Store(to, c.ReturnIndex(0))
	c.ret()
}
