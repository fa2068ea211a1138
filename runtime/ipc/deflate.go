package ipc

import (
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// deflater compresses the buffers of a message. Its memory is kept for the next one.
type deflater struct {
	kind    Compression
	with    Compressor
	buffers []deflation // of all messages of the current call, which are sent together
	first   int         // of them in this message
	n       int         // of them in all
	size    int64       // of those in this message that are tried
	rests   []uint8     // by buffer of a batch: for how many more it is not tried
	crew    *crew
	spread  int64 // from how many bytes on they are spread over cores
}

// deflation is a buffer and what becomes of it.
type deflation struct {
	src  []byte // not padded
	out  []byte
	last []byte // a copy of a bitmap whose last bits are not zero
	skip bool   // it is stored as it is
}

// leastDeflated is from how many bytes on a buffer is compressed. To set up for less takes longer than to send it: bitmaps of small
// batches are most of these.
const leastDeflated = 256

// leastSaved is which part of a buffer has to be saved: what shrinks by less than a sixteenth is stored as it is, since to inflate it
// costs each reader more than to receive it.
const leastSaved = 16

// rest is for how many batches a buffer that did not shrink is not tried again: noise, such as the digits of measured values, stays noise.
const rest = 15

func newDeflater(c Compression) (*deflater, error) {
	if c >= compressions {
		return nil, fmt.Errorf("lightstream: %v, which there is none of", c)
	}
	with, err := c.compressor()
	if err != nil {
		return nil, fmt.Errorf("lightstream: %w", err)
	}
	x := &deflater{kind: c, with: with, spread: spreadLZ4}
	if c == ZSTD {
		x.spread = spreadZSTD
	}
	x.crew = newCrew(func(i int) (err error) {
		d := &x.buffers[x.first+i]
		if d.skip {
			d.out = d.out[:0]
			return nil
		}
		if d.out, err = x.with.Compress(d.out[:0], d.src); err != nil {
			return fmt.Errorf("lightstream: %v: %w", x.kind, err)
		}
		return nil
	})
	return x, nil
}

// add notes a buffer of a column.
func (x *deflater) add(b []byte, rows int, bitmap, padded bool) {
	if x.n == len(x.buffers) {
		x.buffers = append(x.buffers, deflation{})
	}
	d := &x.buffers[x.n]
	x.n++
	d.src, d.skip = b, len(b) < leastDeflated
	if bitmap && !padded && rows&7 != 0 && len(b) != 0 { // bits past the end may be anything
		d.last = append(d.last[:0], b...)
		d.last[len(b)-1] &= 1<<(rows&7) - 1
		d.src = d.last
	}
}

// choose settles which buffers of a message are tried. Only those of batches are remembered, since one dictionary says nothing of the
// next.
func (x *deflater) choose(batch bool) {
	x.size = 0
	for i := range x.buffers[x.first:x.n] {
		d := &x.buffers[x.first+i]
		if batch {
			if i == len(x.rests) {
				x.rests = append(x.rests, 0)
			}
			if x.rests[i] != 0 && !d.skip {
				x.rests[i]--
				d.skip = true
			}
		}
		if !d.skip {
			x.size += int64(len(d.src))
		}
	}
}

// addDeflated compresses the buffers that were noted, of a batch or of a dictionary, and adds them.
func (e *encoder) addDeflated(w *walk, batch bool) error {
	x := e.deflate
	x.choose(batch)
	n := x.n - x.first
	if err := x.crew.each(n, x.size, x.spread); err != nil {
		return err
	}
	for i := range n {
		d := &x.buffers[x.first+i]
		if !d.skip && len(d.out) > len(d.src)-len(d.src)/leastSaved {
			d.out = d.out[:0]
			if batch {
				x.rests[i] = rest
			}
		}
		e.addOneDeflated(w, i, d)
	}
	x.first, x.size = x.n, 0
	return nil
}

// begin starts the messages of a call.
func (x *deflater) begin() {
	for i := range x.buffers[:x.n] {
		x.buffers[i].src = nil
	}
	x.first, x.n, x.size = 0, 0, 0
}

func (e *encoder) addOneDeflated(w *walk, i int, d *deflation) {
	if len(d.src) == 0 {
		w.setBuffer(i, w.offset, 0)
		return
	}
	size, body := int64(len(d.src)), d.out
	if len(body) == 0 {
		size, body = storedAsIs, d.src
	}
	e.arena = le.AppendUint64(e.arena, uint64(size))
	e.flushArena()
	e.part(body)
	length := lengthSize + len(body)
	e.part(zeros[:mem.Pad(length)-length])
	w.setBuffer(i, w.offset, length)
	w.offset += int64(mem.Pad(length))
}

// collect notes the buffers of a column, and of those below it.
func (e *encoder) collect(w *walk, p *columnPlan, c *column.Data) {
	w.setNode(w.node, c.Len, c.Nulls)
	w.node++
	first, last := p.wired()
	for k := first; k < last; k++ {
		b := c.Buffers[k]
		if k == 0 && c.Nulls == 0 {
			b = nil
		}
		e.deflate.add(b, c.Len, k == 0 || p.layout == layoutBits, c.Padded)
	}
	if p.layout == layoutView {
		for _, b := range c.Variadic {
			e.deflate.add(b, 0, false, true)
		}
	}
	for i := range p.children {
		e.collect(w, &p.children[i], &c.Children[i])
	}
}
