package ipc

import (
	"math"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/internal/record"
	"github.com/lightstream-go/lightstream/runtime/internal/sizes"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// inflation is a buffer of a batch that is to be inflated.
type inflation struct {
	dst, src []byte
	at       int64 // of the buffer in the message
	plan     *columnPlan
	part     string
}

// freeInflation is up to how many bytes a compressed body may be inflated to whatever its length.
const freeInflation = 64 << 20

// perValue is how many bytes a dictionary's value may have beside those that are counted: a view, and a bit of validity.
const perValue = 17

// announced checks what the buffers of the columns that are wanted say that they inflate to, and makes room for it.
func (d *decoder) announced(c *cursor, plans []columnPlan, all bool) error {
	buffer, variadic := 0, 0
	var total, room, packed int64
	for i := range plans {
		p := &plans[i]
		n := p.buffers
		if c.v4 {
			n += p.bare
		}
		for range p.variadic {
			n += int(c.meta.Variadics(variadic))
			variadic++
		}
		for k := buffer; k < buffer+n && (p.want || all); k++ {
			size := c.announcedLength(k)
			_, length := c.meta.Buffer(k)
			packed += min(max(length, 0), c.length-packed) // buffers that share bytes do not make more of them
			if size > math.MaxInt64-mem.Alignment-room {
				size = math.MaxInt64 - mem.Alignment - room
			}
			total += size
			room += mem.Pad64(size)
		}
		buffer += n
	}
	at, limits := c.meta.BufferAt(0), &d.limits
	switch {
	case total > limits.MaxBody || room > math.MaxInt:
		have, most := sizes.Over(total, limits.MaxBody)
		return frame.At(at, "message.body", frame.Errorf(ErrLimit, "its buffers inflate to %s, which exceeds Limits.MaxBody (%s); raise it or send smaller batches", have, most))
	case total > freeInflation && total/int64(limits.MaxRatio) > packed: // bytes that no buffer refers to do not count
		return frame.At(at, "message.body", frame.Errorf(ErrLimit, "%d bytes inflate to %d, which exceeds Limits.MaxRatio (%d); raise it if the peer is trusted", packed, total, limits.MaxRatio))
	case all && total-perValue*min(c.meta.Rows(), int64(limits.MaxDictionaryEntries)) > limits.MaxDictionaryBytes:
		have, most := sizes.Over(total, limits.MaxDictionaryBytes)
		return frame.At(at, "message.body", frame.Errorf(ErrLimit, "the values of a dictionary inflate to %s, which exceeds Limits.MaxDictionaryBytes (%s); raise it", have, most))
	}
	if c.batch == (Batch{}) || room == 0 {
		return nil
	}
	record.Limit(c.batch, limits.MaxExpanded+(widest+1)*room)
	if err := record.Reserve(c.batch, int(room)); err != nil {
		return frame.At(at, "body", err)
	}
	return nil
}

// announcedLength returns what buffer k says that it inflates to, 0 where it is not compressed or not right.
func (c *cursor) announcedLength(k int) int64 {
	offset, length := c.meta.Buffer(k)
	if b := c.bytes(offset, length); len(b) >= lengthSize {
		return max(int64(le.Uint64(b)), 0)
	}
	return 0
}

// compressed returns the memory that a buffer is going to be inflated to, or the buffer itself where it is stored as it is.
func (d *decoder) compressed(p *columnPlan, c *cursor, part string, b []byte) ([]byte, error) {
	at := c.meta.BufferAt(c.buffer - 1)
	if len(b) < lengthSize {
		return nil, malformed(at, p.path+"."+part, "%d bytes, a compressed buffer has at least the %d of its length", len(b), lengthSize)
	}
	size := int64(le.Uint64(b))
	b = b[lengthSize:]
	switch {
	case size == storedAsIs:
		return b, nil
	case size < 0:
		return nil, malformed(at, p.path+"."+part, "it inflates to %d bytes", size)
	case size == 0:
		return b[:0:0], nil
	}
	to, err := c.memory(int(size))
	if err != nil {
		return nil, frame.At(at, "body", err)
	}
	offset, _ := c.meta.Buffer(c.buffer - 1)
	d.inflations = append(d.inflations, inflation{to, b, int64(c.head) + offset, p, part})
	return to, nil
}

// inflate inflates the buffers of a batch.
func (d *decoder) inflate(c *cursor) error {
	var size int64
	for i := range d.inflations {
		size += int64(len(d.inflations[i].dst))
	}
	if size == 0 {
		return nil
	}
	d.inflating = c.codec
	if d.crew == nil {
		d.crew = newCrew(func(i int) error {
			x := &d.inflations[i]
			if err := d.inflating.Inflate(x.dst, x.src); err != nil {
				return malformed(x.at, x.plan.path+"."+x.part, "it does not inflate to %d bytes: %v", len(x.dst), err)
			}
			return nil
		})
	}
	err := d.crew.each(len(d.inflations), size, spreadInflated)
	d.stats.Inflated += int64(len(d.inflations))
	return err
}

// forgetInflations lets go of the memory of a batch.
func (d *decoder) forgetInflations() {
	clear(d.inflations)
	d.inflations = d.inflations[:0]
}
