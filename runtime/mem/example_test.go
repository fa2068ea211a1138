package mem_test

import (
	"errors"
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

func ExampleAlloc() {
	b := mem.Alloc(100)
	fmt.Println(len(b), cap(b), mem.IsAligned(b, mem.Alignment))
	// Output: 100 128 true
}

func ExampleGrow() {
	var b []byte
	for range 3 {
		b = mem.Grow(b, 50)
		b = append(b, make([]byte, 50)...) // does not move it
		fmt.Println(len(b), cap(b), mem.IsAligned(b, 64))
	}
	// Output:
	// 50 64 true
	// 100 192 true
	// 150 192 true
}

func ExampleIsAligned() {
	b := mem.Alloc(64)
	fmt.Println(mem.IsAligned(b[8:], 64), mem.IsAligned(b[8:], 8))
	// Output: false true
}

func ExamplePad() {
	fmt.Println(mem.Pad(0), mem.Pad(1), mem.Pad(64), mem.Pad(65))
	// Output: 0 64 64 128
}

func ExamplePad64() {
	fmt.Println(mem.Pad64(5_000_000_001))
	// Output: 5000000064
}

func ExampleGoAllocator() {
	var a mem.Allocator = mem.GoAllocator{} // or memory.DefaultAllocator of arrow-go
	b := a.Allocate(3)
	b = a.Reallocate(200, append(b[:0], "abc"...))
	fmt.Printf("%s %d %d\n", b[:3], len(b), cap(b))
	a.Free(b)
	// Output: abc 200 256
}

func ExamplePool() {
	p := mem.NewPool(&mem.PoolOptions{MaxKept: 1 << 20})
	b := p.Get(9_000)
	fmt.Println(len(b.Bytes()), b.Cap())
	b.Release()
	p.Get(10_000).Release() // the same memory
	fmt.Printf("%+v\n", p.Stats())
	// Output:
	// 9000 10240
	// {Gets:2 Misses:1 Puts:2 Dropped:0 KeptBytes:10240 InUseBytes:0}
}

func ExamplePool_TryGet() {
	p := mem.NewPool(&mem.PoolOptions{Budget: mem.NewBudget(1 << 20)})
	_, err := p.TryGet(4 << 20)
	fmt.Println(err)
	fmt.Println(errors.Is(err, mem.ErrBudget))
	// Output:
	// mem: memory budget exceeded: need 4194304 bytes, 0 of 1048576 are in use; raise the budget, or release memory sooner
	// true
}

func ExamplePool_Trim() {
	p := mem.NewPool(nil)
	p.Get(100).Release()
	before := p.Stats().KeptBytes
	p.Trim()
	fmt.Println(before, p.Stats().KeptBytes)
	// Output: 4096 0
}

func ExampleSharedPool() {
	b := mem.SharedPool().Get(100)
	defer b.Release()
	fmt.Println(len(b.Bytes()))
	// Output: 100
}

func ExampleBlock() {
	b := mem.NewPool(nil).Get(100)
	b.Retain() // for a second owner
	fmt.Println(b.Exclusive())
	b.Release()
	fmt.Println(b.Exclusive())
	b.Resize(copy(b.Bytes(), "resized"))
	fmt.Printf("%s of %d\n", b.Bytes(), b.Cap())
	b.Release()
	// Output:
	// false
	// true
	// resized of 4096
}

func ExampleWrap() {
	foreign := []byte("a mapped file")
	b := mem.Wrap(foreign, func() { fmt.Println("unmapped") })
	fmt.Printf("%s\n", b.Bytes())
	b.Release()
	// Output:
	// a mapped file
	// unmapped
}

func ExampleBudget() {
	b := mem.NewBudget(1000)
	fmt.Println(b.Reserve(800), b.Used(), b.Max())
	err := b.Reserve(300)
	var e *mem.BudgetError
	if errors.As(err, &e) {
		fmt.Println(e.Need, "more than", e.Max-e.Used)
	}
	b.Release(800)
	fmt.Println(b.Used())
	// Output:
	// <nil> 800 1000
	// 300 more than 200
	// 0
}
