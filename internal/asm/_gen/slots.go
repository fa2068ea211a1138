package main

import (
	. "github.com/mmcloughlin/avo/operand"
)

// What a Slots is made of, in bytes.
const (
	slotSize = 32
	slotText = 64*slotSize + 64
	slots    = slotText + 64
)

// join copies slots whole, one behind the text of the other, so that nothing depends on how long these are but where the next one goes.
func join(c *context) {
	c.function("joinSlotsAVX2", "func(dst []byte, text, size *byte, columns, n int) (rows, bytes int)",
		"joinSlotsAVX2 puts the texts of n rows side by side. The first row of the first column has its text and its size at these addresses.",
		"The length of dst is that of as many slots as there are texts, or more.")
	start := c.base("dst")
	text, size := c.Load(c.Param("text"), c.GP64()), c.Load(c.Param("size"), c.GP64())
	columns, n := c.Load(c.Param("columns"), c.GP64()), c.Load(c.Param("n"), c.GP64())
	to, row, rows := c.GP64(), c.GP64(), c.GP64() // row is where the row begins
	c.MOVQ(start, to)
	c.MOVQ(start, row)
	c.XORQ(rows, rows)
	t, s, left := c.GP64(), c.GP64(), c.GP64()
	c.Label("joinRow")
	c.MOVQ(text, t)
	c.MOVQ(size, s)
	c.MOVQ(columns, left)
	c.Label("joinText")
	length, before, v := c.GP64(), c.GP32(), c.YMM()
	c.MOVBLZX(at(s, 0), length.As32())
	c.LEAL(Mem{Base: length, Disp: -1}, before)
	c.CMPL(before, Imm(slotSize))
	c.JCC(LabelRef("joinEnd"))
	c.VMOVDQU(at(t, 0), v)
	c.VMOVDQU(v, at(to, 0))
	c.ADDQ(length, to)
	c.ADDQ(U32(slots), t)
	c.ADDQ(U32(slots), s)
	c.DECQ(left)
	c.JNZ(LabelRef("joinText"))
	c.MOVQ(to, row)
	c.INCQ(rows)
	c.ADDQ(Imm(slotSize), text)
	c.INCQ(size)
	c.CMPQ(rows, n)
	c.JLT(LabelRef("joinRow"))
	c.Label("joinEnd")
	c.SUBQ(start, row)
	c.Store(rows, c.ReturnIndex(0))
	c.Store(row, c.ReturnIndex(1))
	c.ret()
}
