package value

import (
	"strconv"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// nested returns what prints the rows of lists, structs and maps, as JSON in both styles.
func nested(f *ipc.Field, e *fault) func(dst []byte, d *column.Data, i int, s style) []byte {
	children := make([]*Printer, len(f.Children))
	for i := range children {
		children[i] = printerIn(&f.Children[i], e)
	}
	switch f.Type.Kind {
	case ipc.KindStruct:
		keys := make([][]byte, len(children))
		for i := range keys {
			keys[i] = append(AppendString(nil, f.Children[i].Name), ':')
		}
		return func(dst []byte, d *column.Data, i int, _ style) []byte { return object(dst, d, i, keys, children, e) }
	case ipc.KindMap:
		keys := [][]byte{[]byte(`"key":`), []byte(`"value":`)}
		pairs := structOf(&f.Children[0], e)
		return func(dst []byte, d *column.Data, i int, _ style) []byte {
			from, to := Items(f.Type, d, i)
			return array(dst, from, to, e, func(dst []byte, at int) []byte { return object(dst, &d.Children[0], at, keys, pairs, e) })
		}
	}
	return func(dst []byte, d *column.Data, i int, _ style) []byte {
		from, to := Items(f.Type, d, i)
		return array(dst, from, to, e, func(dst []byte, at int) []byte { return children[0].AppendJSON(dst, &d.Children[0], at) })
	}
}

// structOf returns the printers of a struct's fields.
func structOf(f *ipc.Field, e *fault) []*Printer {
	p := make([]*Printer, len(f.Children))
	for i := range p {
		p[i] = printerIn(&f.Children[i], e)
	}
	return p
}

func object(dst []byte, d *column.Data, i int, keys [][]byte, children []*Printer, e *fault) []byte {
	outermost := e.enter(dst)
	dst = append(dst, '{')
	for k, key := range keys {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = children[k].AppendJSON(append(dst, key...), &d.Children[k], i)
		if k+1 < len(keys) && e.over(dst) {
			break
		}
	}
	e.leave(outermost)
	return append(dst, '}')
}

func array(dst []byte, from, to int, e *fault, item func(dst []byte, at int) []byte) []byte {
	outermost := e.enter(dst)
	dst = append(dst, '[')
	for at := from; at < to && !e.over(dst); at++ {
		if at > from {
			dst = append(dst, ',')
		}
		dst = item(dst, at)
	}
	e.leave(outermost)
	return append(dst, ']')
}

// Items returns where the items of row i of a list or map stand in its child. Only rows that are not null have any.
func Items(t ipc.Type, d *column.Data, i int) (from, to int) {
	switch t.Kind {
	case ipc.KindFixedSizeList:
		return i * t.Width, (i + 1) * t.Width
	case ipc.KindLargeList:
		return int(le.Uint64(d.Buffers[1][8*i:])), int(le.Uint64(d.Buffers[1][8*i+8:]))
	case ipc.KindListView:
		from = int(le.Uint32(d.Buffers[1][4*i:]))
		return from, from + int(le.Uint32(d.Buffers[2][4*i:]))
	case ipc.KindLargeListView:
		from = int(le.Uint64(d.Buffers[1][8*i:]))
		return from, from + int(le.Uint64(d.Buffers[2][8*i:]))
	}
	return int(le.Uint32(d.Buffers[1][4*i:])), int(le.Uint32(d.Buffers[1][4*i+4:]))
}

// union prints a row as an object with the name of its child: the type that it has is part of the value.
func (p *Printer) union(f *ipc.Field) {
	children, of := structOf(f, p.fault), ChildOf(f)
	keys := make([][]byte, len(children))
	for i := range keys {
		keys[i] = append(AppendString([]byte{'{'}, f.Children[i].Name), ':')
	}
	row := func(d *column.Data, i int) (child, at int) {
		child = of[d.Buffers[1][i]&127]
		if f.Type.Variant == 0 {
			return child, i
		}
		return child, int(le.Uint32(d.Buffers[2][4*i:]))
	}
	p.null = func(d *column.Data, i int) bool {
		if d.IsNull(i) { // as only those of old messages are by themselves
			return true
		}
		child, at := row(d, i)
		return children[child].null(&d.Children[child], at)
	}
	p.print = func(dst []byte, d *column.Data, i int, _ style) []byte {
		child, at := row(d, i)
		return append(children[child].AppendJSON(append(dst, keys[child]...), &d.Children[child], at), '}')
	}
}

// ChildOf maps the type ids of a union to its children.
func ChildOf(f *ipc.Field) (of [128]int) {
	for i := range f.Children {
		id := i
		if f.Type.TypeIDs != nil {
			id = int(f.Type.TypeIDs[i])
		}
		of[id&127] = i
	}
	return of
}

// runs prints the value of the run that a row lies in.
func (p *Printer) runs(f *ipc.Field) {
	values, width := printerIn(&f.Children[1], p.fault), ipc.ValueWidth(f.Children[0].Type)
	last := 0 // rows come in order
	run := func(d *column.Data, i int) int {
		last = Run(&d.Children[0], width, i, last)
		return last
	}
	p.null = func(d *column.Data, i int) bool { return values.null(&d.Children[1], run(d, i)) }
	p.print = func(dst []byte, d *column.Data, i int, s style) []byte {
		return values.print(dst, &d.Children[1], run(d, i), s)
	}
}

// Run returns the run that row i lies in: hint, the one after it, or what a search finds.
func Run(ends *column.Data, width, i, hint int) int {
	begins := func(r int) int64 {
		if r == 0 {
			return 0
		}
		return column.SignedAt(ends, width, r-1)
	}
	for r := hint; r < min(hint+2, ends.Len); r++ {
		if begins(r) <= int64(i) && int64(i) < column.SignedAt(ends, width, r) {
			return r
		}
	}
	from, to := 0, ends.Len
	for from < to {
		if mid := int(uint(from+to) >> 1); column.SignedAt(ends, width, mid) <= int64(i) {
			from = mid + 1
		} else {
			to = mid
		}
	}
	return from
}

// dictionary prints the value that the index of a row stands for.
func (p *Printer) dictionary(f *ipc.Field) {
	width, signed := f.Dictionary.Index.Bits/8, f.Dictionary.Index.Signed
	index := func(d *column.Data, i int) int {
		if signed {
			return int(column.SignedAt(d, width, i))
		}
		return int(unsigned(d.Buffers[1][i*width : (i+1)*width]))
	}
	values := *f
	values.Dictionary = nil
	below := printerIn(&values, p.fault) // where they are a column
	value, texts := scalarOf(&values, p.fault), f.Type.IsText()
	p.null = func(d *column.Data, i int) bool {
		if d.IsNull(i) {
			return true
		}
		if v := d.Values.Column(); v != nil {
			return below.null(v, index(d, i))
		}
		return d.Values.IsNull(index(d, i))
	}
	p.index, p.indexSize = index, width
	p.entry = func(dst []byte, text string, s style) []byte {
		if texts { // without a copy
			return appendText(dst, text, s, p.fault)
		}
		return value(dst, []byte(text), s)
	}
	p.print = func(dst []byte, d *column.Data, i int, s style) []byte {
		if v := d.Values.Column(); v != nil {
			return below.print(dst, v, index(d, i), s)
		}
		return p.entry(dst, d.Values.At(index(d, i)), s)
	}
}

// String returns a column's name as it is, or quoted where it is empty or would be hard to read.
func String(name string) string {
	if name == "" || strconv.Quote(name) != `"`+name+`"` {
		return strconv.Quote(name)
	}
	return name
}
