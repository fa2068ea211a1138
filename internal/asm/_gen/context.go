package main

import (
	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// context is avo's, with what all kernels begin and end with.
type context struct{ *build.Context }

// function begins a kernel, which keeps none of its pointers.
func (c *context) function(name, signature string, doc ...string) {
	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr(signature)
	c.Doc(doc...)
	c.Pragma("noescape")
}

// slice loads where a parameter's memory begins and how many elements it has.
func (c *context) slice(name string) (base, length reg.Register) {
	return c.Load(c.Param(name).Base(), c.GP64()), c.Load(c.Param(name).Len(), c.GP64())
}

// base loads where a parameter's memory begins.
func (c *context) base(name string) reg.Register {
	return c.Load(c.Param(name).Base(), c.GP64())
}

// step is a pointer, and by how many bytes a block moves it.
type step struct {
	pointer reg.Register
	bytes   uint64
}

// blocks does body while n, which counts elements, has a block of size of them, and leaves the rest in n.
func (c *context) blocks(label string, n reg.Register, size uint64, steps []step, body func()) {
	c.SUBQ(Imm(size), n)
	c.JLT(LabelRef(label + "Rest"))
	c.Label(label)
	body()
	for _, s := range steps {
		c.ADDQ(U32(s.bytes), s.pointer)
	}
	c.SUBQ(Imm(size), n)
	c.JGE(LabelRef(label))
	c.Label(label + "Rest")
	c.ADDQ(Imm(size), n)
}

// ymms returns n registers of 32 bytes.
func (c *context) ymms(n int) []reg.VecVirtual {
	list := make([]reg.VecVirtual, n)
	for i := range list {
		list[i] = c.YMM()
	}
	return list
}

// zeros returns n registers of zeros.
func (c *context) zeros(n int) []reg.VecVirtual {
	list := c.ymms(n)
	for _, r := range list {
		c.VPXOR(r, r, r)
	}
	return list
}

// fold combines registers with an instruction until the first has all of them.
func fold(list []reg.VecVirtual, combine func(ops ...Op)) reg.VecVirtual {
	for n := len(list) / 2; n > 0; n /= 2 {
		for i := range n {
			combine(list[i+n], list[i], list[i])
		}
	}
	return list[0]
}

// ret ends a kernel that has used registers of 32 bytes or more.
func (c *context) ret() {
	c.VZEROUPPER()
	c.RET()
}

// constant returns memory that has 32 bytes, those of b again and again.
func (c *context) constant(name string, b ...byte) Mem {
	m := c.StaticGlobal(name)
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 32 / 8 {
		var v uint64
		for k := range 8 {
			v |= uint64(b[(8*i+k)%len(b)]) << (8 * k)
		}
		c.AppendDatum(U64(v))
	}
	return m
}

// at returns the memory so many bytes behind base.
func at(base reg.Register, offset int) Mem { return Mem{Base: base, Disp: offset} }

// or is VPOR as those instructions are that take other operands too.
func (c *context) or(ops ...Op) { c.VPOR(ops[0], ops[1], ops[2]) }

// broadcast returns a register with an integer parameter in each lane.
func (c *context) broadcast(name string, width int) reg.VecVirtual {
	x, y := c.XMM(), c.YMM()
	if width == 8 {
		c.VMOVQ(c.Load(c.Param(name), c.GP64()), x)
		c.VPBROADCASTQ(x, y)
		return y
	}
	c.VMOVD(c.Load(c.Param(name), c.GP32()), x)
	switch width {
	case 1:
		c.VPBROADCASTB(x, y)
	case 2:
		c.VPBROADCASTW(x, y)
	default:
		c.VPBROADCASTD(x, y)
	}
	return y
}
