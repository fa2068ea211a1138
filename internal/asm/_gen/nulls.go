package main

import (
	"encoding/binary"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// nulls takes the eight bits of a byte apart: each lane has the byte and compares its bit with what it is when it is set.
func nulls(c *context) {
	for _, width := range []int{4, 8} {
		bits := itoa(8 * width)
		lanes := 32 / width
		var masks []Mem
		for first := 0; first < 8; first += lanes {
			b := make([]byte, 32)
			for i := range lanes {
				binary.LittleEndian.PutUint16(b[i*width:], 1<<(first+i))
			}
			masks = append(masks, c.constant("bitOfRow"+bits+"From"+itoa(first), b...))
		}
		c.function("zeroNulls"+bits+"AVX2", "func(dst, src, bitmap []byte)",
			"zeroNulls"+bits+"AVX2 sets dst to the values of "+bits+" bits in src, and to zero where their bit is not set. The length of bitmap is that of",
			"src in units of eight values.")
		to, from := c.base("dst"), c.base("src")
		bitmap, n := c.slice("bitmap")
		var want []reg.VecVirtual
		for _, m := range masks {
			r := c.YMM()
			c.VMOVDQU(m, r)
			want = append(want, r)
		}
		c.blocks("zeroNulls"+bits, n, 1, []step{{bitmap, 1}, {from, uint64(8 * width)}, {to, uint64(8 * width)}}, func() {
			all := c.YMM()
			c.VPBROADCASTB(at(bitmap, 0), all)
			for i, r := range want {
				v := c.YMM()
				c.VPAND(r, all, v)
				if width == 4 {
					c.VPCMPEQD(r, v, v)
				} else {
					c.VPCMPEQQ(r, v, v)
				}
				c.VPAND(at(from, 32*i), v, v)
				c.VMOVDQU(v, at(to, 32*i))
			}
		})
		c.ret()
	}
}
