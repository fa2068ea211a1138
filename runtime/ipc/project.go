package ipc

import (
	"cmp"
	"slices"

	"github.com/lightstream-go/lightstream/runtime/frame"
)

// extent is a part of a body.
type extent struct{ from, to int64 }

// maxGap is up to how many bytes between two parts of a body are read rather than left out, which would be a read more.
const maxGap = 16 << 10

// partial tells whether there are columns that are not wanted.
func (d *decoder) partial() bool {
	return slices.ContainsFunc(d.columns, func(p columnPlan) bool { return !p.want })
}

// extents returns the parts of a body of size bytes that hold the columns which are wanted, in order. What is wrong with a buffer is
// found when the batch is decoded.
func (d *decoder) extents(meta *frame.BatchLayout, size int64) (list []extent) {
	if _, err := d.checkBatch(meta, d.nodes, d.buffers, d.views, d.bare); err != nil {
		return nil
	}
	buffer, variadic := 0, 0
	for i := range d.columns {
		p := &d.columns[i]
		n := p.buffers
		if meta.V4 {
			n += p.bare
		}
		for range p.variadic {
			n += int(meta.Variadics(variadic))
			variadic++
		}
		for k := buffer; k < buffer+n && p.want; k++ {
			if offset, length := meta.Buffer(k); offset >= 0 && length > 0 && offset <= size && length <= size-offset {
				list = append(list, extent{offset, offset + length})
			}
		}
		buffer += n
	}
	return merged(list)
}

// merged puts those together that overlap or lie close to each other.
func merged(list []extent) []extent {
	slices.SortFunc(list, func(a, b extent) int { return cmp.Compare(a.from, b.from) })
	out := list[:0]
	for _, x := range list {
		if n := len(out); n > 0 && x.from <= out[n-1].to+maxGap {
			out[n-1].to = max(out[n-1].to, x.to)
		} else {
			out = append(out, x)
		}
	}
	return out
}

// readBody reads a body into memory of its length: all of it, or what the columns that are wanted need. The rest is not looked at.
// It returns how many bytes it has read.
func (r *FileReader) readBody(d *fileDecoder, b block, head, body []byte) (n int64, err error) {
	for _, x := range r.wanted(d, head, b.body) {
		if err := r.readAt(body[x.from:x.to], b.offset+int64(b.head)+x.from); err != nil {
			return n, err
		}
		n += x.to - x.from
	}
	return n, nil
}

// wanted returns the parts that are needed of the body of size bytes behind head.
func (r *FileReader) wanted(d *fileDecoder, head []byte, size int64) []extent {
	all := []extent{{0, size}}
	if !r.partial {
		return all
	}
	n, _, need, err := d.framer.Measure(head)
	if err != nil || need > 0 || n > len(head) {
		return all // which is wrong, and is going to be found so
	}
	m, err := d.framer.DecodeBody(head[:n], nil, nil)
	if err != nil || m.Batch == nil {
		return all
	}
	return d.dec.extents(m.Batch, size)
}
