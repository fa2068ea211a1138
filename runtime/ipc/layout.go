package ipc

// layout is how the values of a column lie in its buffers.
type layout uint8

const (
	layoutFixed layout = iota
	layoutBits
	layoutOffsets32
	layoutOffsets64
	layoutView
	layoutNull
	layoutList32
	layoutList64
	layoutListView32
	layoutListView64
	layoutFixedList
	layoutStruct
	layoutSparseUnion
	layoutDenseUnion
	layoutRunEnds
)

// fixedBuffer is a buffer behind the validity whose length follows from the rows. In Data they are Buffers[1] and Buffers[2].
type fixedBuffer struct {
	name    string
	width   int  // bytes of a row
	align   int  // of its values
	bits    bool // a bit for each row
	oneMore bool // one value more than rows
	swap    swap // how its values of the other byte order become ours, nil where they have none
}

// fixedBuffers lists the buffers of a layout whose length follows from the rows.
func (p *columnPlan) fixedBuffers() []fixedBuffer {
	var b [2]fixedBuffer
	switch p.layout {
	case layoutFixed:
		name := "values"
		if p.indexBits != 0 {
			name = "indices"
		}
		b[0] = fixedBuffer{name: name, width: p.width, align: valueAlign(p.width), swap: p.valueSwap()}
	case layoutBits:
		b[0] = fixedBuffer{name: "values", align: 1, bits: true}
	case layoutOffsets32, layoutList32:
		b[0] = fixedBuffer{name: "offsets", width: 4, align: 4, oneMore: true, swap: swap4}
	case layoutOffsets64, layoutList64:
		b[0] = fixedBuffer{name: "offsets", width: 8, align: 8, oneMore: true, swap: swap8}
	case layoutListView32:
		b[0] = fixedBuffer{name: "offsets", width: 4, align: 4, swap: swap4}
		b[1] = fixedBuffer{name: "sizes", width: 4, align: 4, swap: swap4}
	case layoutListView64:
		b[0] = fixedBuffer{name: "offsets", width: 8, align: 8, swap: swap8}
		b[1] = fixedBuffer{name: "sizes", width: 8, align: 8, swap: swap8}
	case layoutView:
		b[0] = fixedBuffer{name: "views", width: 16, align: 8, swap: swapViews}
	case layoutSparseUnion:
		b[0] = fixedBuffer{name: "types", width: 1, align: 1}
	case layoutDenseUnion:
		b[0] = fixedBuffer{name: "types", width: 1, align: 1}
		b[1] = fixedBuffer{name: "offsets", width: 4, align: 4, swap: swap4}
	}
	n := 0
	for n < len(b) && b[n].name != "" {
		n++
	}
	return append([]fixedBuffer(nil), b[:n]...)
}

// valueAlign is the alignment that values of a width want: the largest power of two that divides it, at most 8, which is as much
// as any Go type wants.
func valueAlign(width int) int { return min(max(width&-width, 1), 8) }

// hasValidity tells whether the layout has a validity buffer, in messages of version V5.
func (p *columnPlan) hasValidity() bool {
	return p.layout != layoutNull && p.layout != layoutRunEnds && !p.unionLayout()
}

// hadValidity tells whether the layout has one in messages of version V4 alone. For run ends no text says so, but it is what C++ writes.
func (p *columnPlan) hadValidity() bool { return p.unionLayout() || p.layout == layoutRunEnds }

func (p *columnPlan) unionLayout() bool {
	return p.layout == layoutSparseUnion || p.layout == layoutDenseUnion
}

// planOf works out the layout of a column and of those below it.
func planOf(f *Field, path string) columnPlan {
	p := columnPlan{field: f, path: path, nodes: 1}
	if f.Dictionary != nil { // what lies in the batch are indices
		p.indexBits, p.indexSigned = f.Dictionary.Index.Bits, f.Dictionary.Index.Signed
		p.width, p.buffers = p.indexBits/8, 2
		p.fixed = p.fixedBuffers()
		return p
	}
	p.layout, p.width = layoutOf(f.Type)
	switch p.layout {
	case layoutView:
		p.variadic = 1
	case layoutOffsets32, layoutOffsets64:
		p.buffers = 1 // the bytes
	}
	if p.hasValidity() {
		p.buffers++
	}
	if p.hadValidity() {
		p.bare++
	}
	p.fixed = p.fixedBuffers()
	p.buffers += len(p.fixed)
	for i := range f.Children {
		c := planOf(&f.Children[i], path+"."+f.Children[i].Name)
		p.nodes += c.nodes
		p.buffers += c.buffers
		p.variadic += c.variadic
		p.bare += c.bare
		p.strict = p.strict || c.strict || !c.field.Nullable && c.hasValidity()
		p.children = append(p.children, c)
	}
	return p
}

// ValueWidth returns how many bytes a value of the type takes where all take the same, else 0.
func ValueWidth(t Type) int {
	if l, width := layoutOf(t); l == layoutFixed {
		return width
	}
	return 0
}

// layoutOf returns the layout of a type, and the width of its values or the items of its lists where that is fixed.
func layoutOf(t Type) (l layout, width int) {
	switch t.Kind {
	case KindInt, KindFloat, KindDecimal, KindTime:
		return layoutFixed, t.Bits / 8
	case KindTimestamp, KindDuration:
		return layoutFixed, 8
	case KindDate:
		return layoutFixed, 4 << (t.Variant & 1)
	case KindInterval:
		return layoutFixed, [...]int{4, 8, 16}[t.Variant]
	case KindFixedSizeBinary:
		return layoutFixed, t.Width
	case KindBool:
		return layoutBits, 0
	case KindUtf8, KindBinary:
		return layoutOffsets32, 0
	case KindLargeUtf8, KindLargeBinary:
		return layoutOffsets64, 0
	case KindUtf8View, KindBinaryView:
		return layoutView, 0
	case KindList, KindMap:
		return layoutList32, 0
	case KindLargeList:
		return layoutList64, 0
	case KindListView:
		return layoutListView32, 0
	case KindLargeListView:
		return layoutListView64, 0
	case KindFixedSizeList:
		return layoutFixedList, t.Width
	case KindStruct:
		return layoutStruct, 0
	case KindUnion:
		return layoutSparseUnion + layout(t.Variant&1), 0
	case KindRunEndEncoded:
		return layoutRunEnds, 0
	}
	return layoutNull, 0
}

// A Node is a field node of a record batch: a column, or one below a nested column.
type Node struct {
	Path    string // such as "trades.price"
	Field   *Field
	Buffers []string // what its buffers hold, in their order
	Views   bool     // buffers of bytes follow, as many as the batch's variadic count says
}

// Nodes lists the field nodes of the schema's record batches, in their order. Unions and run-end encoded columns have a
// validity buffer in messages of metadata version V4.
func (s *Schema) Nodes(v4 bool) (nodes []Node) {
	for i := range s.Fields {
		p := planOf(&s.Fields[i], s.Fields[i].Name)
		nodes = p.appendNodes(nodes, v4)
	}
	return nodes
}

func (p *columnPlan) appendNodes(nodes []Node, v4 bool) []Node {
	n := Node{Path: p.path, Field: p.field, Views: p.layout == layoutView}
	if p.hasValidity() || v4 && p.hadValidity() {
		n.Buffers = append(n.Buffers, "validity")
	}
	for i := range p.fixed {
		n.Buffers = append(n.Buffers, p.fixed[i].name)
	}
	if p.layout == layoutOffsets32 || p.layout == layoutOffsets64 {
		n.Buffers = append(n.Buffers, "bytes")
	}
	nodes = append(nodes, n)
	for i := range p.children {
		nodes = p.children[i].appendNodes(nodes, v4)
	}
	return nodes
}
