package main

import . "github.com/mmcloughlin/avo/operand"

func bools(c *context) {
	packBools(c)
	unpackBools(c)
}

// packBools moves the lowest bit of each byte to where an instruction collects it.
func packBools(c *context) {
	c.function("packBoolsAVX2", "func(dst []byte, src []bool)",
		"packBoolsAVX2 writes src, whose length is a multiple of 64, to dst, a bit each.")
	from, n := c.slice("src")
	to := c.base("dst")
	c.blocks("packBools", n, 64, []step{{from, 64}, {to, 8}}, func() {
		for i := range 2 {
			v, bits := c.YMM(), c.GP32()
			c.VMOVDQU(at(from, 32*i), v)
			c.VPSLLW(Imm(7), v, v)
			c.VPMOVMSKB(v, bits)
			c.MOVL(bits, at(to, 4*i))
		}
	})
	c.ret()
}

// unpackBools gives each bool the byte that its bit is in, and compares the bit with what it is when it is set.
func unpackBools(c *context) {
	spread := make([]byte, 32)
	for i := range spread {
		spread[i] = byte(i / 8)
	}
	which, bit, one := c.constant("byteOfBool", spread...), c.constant("bitOfBool", 1, 2, 4, 8, 16, 32, 64, 128), c.constant("trues", 1)
	c.function("unpackBoolsAVX2", "func(dst []bool, bitmap []byte)",
		"unpackBoolsAVX2 sets dst, whose length is a multiple of 64, to the bits of bitmap.")
	to, n := c.slice("dst")
	from := c.base("bitmap")
	shuffle, bits, trues := c.YMM(), c.YMM(), c.YMM()
	c.VMOVDQU(which, shuffle)
	c.VMOVDQU(bit, bits)
	c.VMOVDQU(one, trues)
	c.blocks("unpackBools", n, 64, []step{{from, 8}, {to, 64}}, func() {
		for i := range 2 {
			v := c.YMM()
			c.VPBROADCASTD(at(from, 4*i), v)
			c.VPSHUFB(shuffle, v, v)
			c.VPAND(bits, v, v)
			c.VPCMPEQB(bits, v, v)
			c.VPAND(trues, v, v)
			c.VMOVDQU(v, at(to, 32*i))
		}
	})
	c.ret()
}
