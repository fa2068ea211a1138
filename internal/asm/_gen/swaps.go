package main

func swaps(c *context) {
	for _, width := range []int{2, 4, 8} {
		order := make([]byte, 16)
		for i := range order {
			order[i] = byte(i ^ (width - 1))
		}
		bits := itoa(8 * width)
		mask := c.constant("swap"+bits, order...)
		c.function("swap"+bits+"AVX2", "func(dst, src []byte)",
			"swap"+bits+"AVX2 sets dst to the integers of "+bits+" bits in src, each with its bytes the other way round. The length of src is a",
			"multiple of 64.")
		from, n := c.slice("src")
		to := c.base("dst")
		shuffle := c.YMM()
		c.VMOVDQU(mask, shuffle)
		c.blocks("swap"+bits, n, 64, []step{{from, 64}, {to, 64}}, func() {
			for i := range 2 {
				v := c.YMM()
				c.VMOVDQU(at(from, 32*i), v)
				c.VPSHUFB(shuffle, v, v)
				c.VMOVDQU(v, at(to, 32*i))
			}
		})
		c.ret()
	}
}
