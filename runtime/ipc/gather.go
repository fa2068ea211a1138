package ipc

import (
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Room is how many bytes gatherers may hold together at a time, those of the columns of a batch.
type Room struct{ most, left int64 }

// NewRoom returns room for so many bytes; zero means the default of [Limits].MaxExpanded.
func NewRoom(most int64) *Room {
	if most <= 0 {
		most = (*Limits)(nil).WithDefaults().MaxExpanded
	}
	return &Room{most: most, left: most}
}

// Add makes more room until [Room.Reset], for rows that come with so many bytes of their own.
func (r *Room) Add(n int64) { r.left += min(max(n, 0), math.MaxInt64-max(r.left, 0)) }

// Reset makes all room free again, when the columns of all gatherers were taken.
func (r *Room) Reset() { r.left = r.most }

// Hold takes n bytes for something else than gatherers, until [Room.Reset]. The error wraps [ErrLimit].
func (r *Room) Hold(n int64) error {
	if n > max(r.left, 0) {
		return fmt.Errorf("lightstream: %w", frame.Errorf(ErrLimit, "%d bytes are too many beside those held; raise Limits.MaxExpanded, or use smaller batches", n))
	}
	r.left -= n
	return nil
}

// Left returns how many bytes may still be held.
func (r *Room) Left() int64 { return max(r.left, 0) }

// Gatherer returns a gatherer that takes what it holds from the room. What its columns take is free again at [Room.Reset].
func (r *Room) Gatherer(f *Field) *Gatherer {
	g := &Gatherer{plan: planOf(f, f.Name), room: r}
	g.rows.init(&g.plan, &r.left)
	return g
}

// Gatherer collects rows of columns of one field in memory of its own, to make another column of them. It takes what the rows need
// and no more: of views and lists that share what they lead to each gets a copy. It is for one goroutine at a time.
type Gatherer struct {
	plan columnPlan
	rows gathered
	room *Room
	own  bool // the room is for no others
}

// NewGatherer returns a gatherer that holds at most so many bytes at a time; zero means 1 GiB.
func NewGatherer(f *Field, most int64) *Gatherer {
	if most <= 0 {
		most = 1 << 30
	}
	g := NewRoom(most).Gatherer(f)
	g.own = true
	return g
}

// Append adds rows from ≤ i < to of a column whose contents are right. Dictionary columns must have the same dictionary as those
// before them, or one that has grown. The error wraps [column.ErrTooLong] where the offsets of the field's type do not reach and
// [ErrLimit] where the gatherer holds too much; it is of no more use after that.
func (g *Gatherer) Append(d *column.Data, from, to int) error {
	if from < 0 || to < from || to > d.Len {
		panic(fmt.Sprintf("lightstream: rows %d to %d of a column of %d", from, to, d.Len))
	}
	if err := g.rows.note(d); err != nil {
		return err
	}
	if g.plan.sharesShared() { // whose numbers multiply
		left := min(max(g.room.left, 0), math.MaxInt/4)
		if !g.rows.count(d, from, to, &left) {
			return g.rows.over()
		}
		g.rows.reserveCounted()
	}
	return g.rows.append(d, from, to)
}

// sharesShared tells whether there are list views of what may share, too.
func (p *columnPlan) sharesShared() bool {
	for i := range p.children {
		c := &p.children[i]
		if (p.layout == layoutListView32 || p.layout == layoutListView64) && c.shares() || c.sharesShared() {
			return true
		}
	}
	return false
}

// shares tells whether rows of the column or of one below it may share what they lead to.
func (p *columnPlan) shares() bool {
	switch p.layout {
	case layoutView, layoutListView32, layoutListView64, layoutDenseUnion:
		return true
	}
	for i := range p.children {
		if p.children[i].shares() {
			return true
		}
	}
	return false
}

// count counts what rows are going to need in each column, and takes it from left. It tells whether that is enough, and ends where
// it is not.
func (g *gathered) count(d *column.Data, from, to int, left *int64) bool {
	p, rows := g.plan, int64(to-from)
	if size := p.rowSize(); size != 0 && rows > *left/size {
		return false
	}
	*left -= p.rowSize() * rows
	if p.layout == layoutBits {
		*left -= (g.more+rows)/8 - g.more/8
	}
	g.more += rows
	children := func(from, to int) bool {
		for k := range g.children {
			if !g.children[k].count(&d.Children[k], from, to, left) {
				return false
			}
		}
		return true
	}
	switch p.layout {
	case layoutOffsets32, layoutOffsets64, layoutList32, layoutList64:
		wide := p.fixed[0].width == 8
		if from == to {
			return true
		}
		first, last := int(integerAt(d.Buffers[1], wide, from)), int(integerAt(d.Buffers[1], wide, to))
		if len(g.children) != 0 {
			return children(first, last)
		}
		g.moreText += int64(last - first)
		*left -= int64(last - first)
	case layoutView:
		for i := from; i < to && *left >= 0; i++ {
			if !d.IsNull(i) {
				if n := int64(len(column.TextAt(d, column.ViewText, i))); n > inlineView {
					g.moreText += n
					*left -= n
				}
			}
		}
	case layoutListView32, layoutListView64:
		wide := p.layout == layoutListView64
		for i := from; i < to; i++ {
			if d.IsNull(i) {
				continue
			}
			first, size := int(integerAt(d.Buffers[1], wide, i)), int(integerAt(d.Buffers[2], wide, i))
			if !g.children[0].count(&d.Children[0], first, first+size, left) {
				return false
			}
		}
	case layoutFixedList:
		return children(from*p.width, to*p.width)
	case layoutStruct, layoutSparseUnion:
		return children(from, to)
	case layoutDenseUnion:
		for i := from; i < to; i++ {
			k, at := g.of[d.Buffers[1][i]&127], int(integerAt(d.Buffers[2], false, i))
			if !g.children[k].count(&d.Children[k], at, at+1, left) {
				return false
			}
		}
	case layoutRunEnds:
		first, last := p.sliceRuns(&d.Children[0], from, to)
		return g.children[0].count(&d.Children[0], first, last, left) && g.children[1].count(&d.Children[1], first, last, left)
	}
	return *left >= 0
}

// reserveCounted makes room for what was counted.
func (g *gathered) reserveCounted() {
	p := g.plan
	for k := range p.fixed {
		switch {
		case g.more == 0 || p.layout == layoutRunEnds:
		case p.layout == layoutBits:
			g.fixed[k] = g.extend(g.fixed[k], int(g.more/8))
		default:
			g.fixed[k] = g.extend(g.fixed[k], int(g.more)*p.fixed[k].width)
		}
	}
	if g.moreText != 0 {
		g.text = g.extend(g.text, int(g.moreText))
	}
	g.more, g.moreText = 0, 0
	for i := range g.children {
		g.children[i].reserveCounted()
	}
}

// Len returns the number of rows.
func (g *Gatherer) Len() int { return g.rows.len }

// Take returns the rows as a column, and begins anew. The column is the caller's.
func (g *Gatherer) Take() column.Data {
	if g.own {
		g.room.Reset()
	}
	return g.rows.take()
}

// gathered are rows of a column, or of one below it.
type gathered struct {
	plan     *columnPlan
	room     *int64 // bytes that all columns may still take
	len      int
	nulls    int
	validity []byte // from the first null on
	fixed    [2][]byte
	text     []byte // bytes, or the data of views

	more, moreText int64 // rows and bytes that were counted
	children       []gathered
	of             [128]int8 // of unions

	dictionary *column.Dictionary
	values     column.Values
}

func (g *gathered) init(p *columnPlan, room *int64) {
	g.plan, g.room = p, room
	if p.unionLayout() {
		g.of = p.field.Type.childOf(len(p.children))
	}
	g.children = make([]gathered, len(p.children))
	for i := range p.children {
		g.children[i].init(&p.children[i], room)
	}
}

// note takes the dictionaries of a column and of those below it.
func (g *gathered) note(d *column.Data) error {
	if d.Dictionary != nil {
		if g.dictionary != nil && g.dictionary != d.Dictionary {
			return fmt.Errorf("lightstream: column %q: columns with different dictionaries cannot be put together", g.plan.path)
		}
		if g.dictionary = d.Dictionary; d.Values.Len() >= g.values.Len() {
			g.values = d.Values
		}
	}
	for i := range g.children {
		if err := g.children[i].note(&d.Children[i]); err != nil {
			return err
		}
	}
	return nil
}

// append adds rows.
func (g *gathered) append(d *column.Data, from, to int) (err error) {
	if from == to {
		return nil
	}
	if to-from > math.MaxInt/32-g.len { // of items without bytes there may be any number
		return g.tooLong(g.len)
	}
	p := g.plan
	if err := g.appendValidity(d, from, to); err != nil {
		return err
	}
	switch p.layout {
	case layoutBits:
		g.fixed[0], err = g.appendBits(g.fixed[0], g.len, d.Buffers[1], from, to-from)
	case layoutOffsets32, layoutOffsets64:
		var first, last int
		if first, last, err = g.appendOffsets(d, from, to, len(g.text)); err == nil {
			g.text, err = g.grow(g.text, d.Buffers[2][first:last])
		}
	case layoutView:
		err = g.appendViews(d, from, to)
	case layoutList32, layoutList64:
		var first, last int
		if first, last, err = g.appendOffsets(d, from, to, g.children[0].len); err == nil {
			err = g.children[0].append(&d.Children[0], first, last)
		}
	case layoutListView32, layoutListView64:
		err = g.appendListViews(d, from, to)
	case layoutFixedList:
		err = g.appendChildren(d, from*p.width, to*p.width)
	case layoutStruct:
		err = g.appendChildren(d, from, to)
	case layoutSparseUnion:
		if g.fixed[0], err = g.grow(g.fixed[0], d.Buffers[1][from:to]); err == nil {
			err = g.appendChildren(d, from, to)
		}
	case layoutDenseUnion:
		err = g.appendDense(d, from, to)
	case layoutRunEnds:
		err = g.appendRuns(d, from, to)
	case layoutFixed:
		g.fixed[0], err = g.grow(g.fixed[0], d.Buffers[1][from*p.width:to*p.width])
	}
	g.len += to - from
	return err
}

func (g *gathered) tooLong(n int) error {
	return fmt.Errorf("lightstream: column %q: %w: %d", g.plan.path, column.ErrTooLong, n)
}

// hold counts bytes that are going to be held.
func (g *gathered) hold(n int) error {
	if *g.room -= int64(n); *g.room < 0 {
		return g.over()
	}
	return nil
}

func (g *gathered) over() error {
	return fmt.Errorf("lightstream: column %q: %w", g.plan.path, frame.Errorf(ErrLimit, "the rows put together take too many bytes, as what they share is copied for each; raise Limits.MaxExpanded, or use smaller batches"))
}

func (g *gathered) grow(b, more []byte) ([]byte, error) {
	if err := g.hold(len(more)); err != nil {
		return b, err
	}
	return append(g.extend(b, len(more)), more...), nil
}

// extend returns b with capacity for n more bytes, which are held already. It grows as [mem.Grow] does, but to no more than there is
// room for.
func (g *gathered) extend(b []byte, n int) []byte {
	size := len(b) + n
	most := int64(size) + max(*g.room, 0)
	if size <= cap(b) || int64(cap(b)) <= most/2 {
		return mem.Grow(b, n)
	}
	to := mem.Alloc(mem.Pad(int(min(most, math.MaxInt/2+int64(size/2)))))[:len(b)]
	copy(to, b)
	return to
}

// expect makes room for n more rows at once, as far as their number says how much they need. Rows that need more than there is room for
// are refused before anything is taken for them.
func (g *gathered) expect(n int) error {
	if need := g.need(n); need > max(*g.room, 0) {
		return g.over()
	}
	g.reserve(n)
	return nil
}

// rowSize is how many bytes of a column itself a row needs, whatever it holds.
func (p *columnPlan) rowSize() (n int64) {
	if p.layout == layoutRunEnds {
		return 0
	}
	for k := range p.fixed {
		n += int64(p.fixed[k].width)
	}
	return n
}

// need is how many bytes n rows need at least.
func (g *gathered) need(n int) int64 {
	const most = math.MaxInt64 / 4
	p, rows := g.plan, int64(n)
	size := p.rowSize()
	if p.layout == layoutBits {
		rows /= 8
		size = 1
	}
	if size != 0 && rows > most/size {
		return most
	}
	need := rows * size
	for i := range g.children {
		k := g.childRows(n)
		if k < 0 {
			return most
		}
		need = min(need+g.children[i].need(k), most)
	}
	return need
}

// childRows is how many rows of a child n rows have at least, -1 for too many.
func (g *gathered) childRows(n int) int {
	switch g.plan.layout {
	case layoutStruct, layoutSparseUnion:
		return n
	case layoutFixedList:
		if w := g.plan.width; w != 0 && n > math.MaxInt/64/w {
			return -1
		}
		return n * g.plan.width
	}
	return 0
}

// reserve takes what [gathered.need] counts.
func (g *gathered) reserve(n int) {
	p := g.plan
	for k := range p.fixed {
		switch {
		case p.layout == layoutBits:
			g.fixed[k] = g.extend(g.fixed[k], n/8)
		case p.layout != layoutRunEnds:
			g.fixed[k] = g.extend(g.fixed[k], n*p.fixed[k].width)
		}
	}
	for i := range g.children {
		if k := g.childRows(n); k > 0 {
			g.children[i].reserve(k)
		}
	}
}

func (g *gathered) appendValidity(d *column.Data, from, to int) (err error) {
	n, bits := to-from, d.Buffers[0]
	switch {
	case g.plan.layout == layoutNull:
		g.nulls += n
		return nil
	case d.Nulls == 0:
		bits = nil
	}
	if bits == nil && g.validity == nil {
		return nil
	}
	if g.validity == nil {
		if g.validity, err = g.appendBits(nil, 0, nil, 0, g.len); err != nil {
			return err
		}
	}
	if g.validity, err = g.appendBits(g.validity, g.len, bits, from, n); err == nil && bits != nil {
		g.nulls += n - countBits(bits, from, n)
	}
	return err
}

// countBits counts the ones among n bits from bit from on.
func countBits(bits []byte, from, n int) (ones int) {
	for n > 0 && from&7 != 0 {
		ones += int(bits[from>>3] >> (from & 7) & 1)
		from, n = from+1, n-1
	}
	return ones + asm.CountBits(bits[from>>3:], n)
}

// appendBits adds n bits to a bitmap that has at of them; nil stands for ones.
func (g *gathered) appendBits(to []byte, at int, bits []byte, from, n int) ([]byte, error) {
	more := (at+n+7)/8 - len(to)
	if err := g.hold(more); err != nil {
		return to, err
	}
	to = g.extend(to, more)
	to = to[:len(to)+more]
	if bits == nil {
		asm.SetBits(to, at, n)
	} else {
		asm.CopyBits(to, at, bits, from, n)
	}
	return to, nil
}

// put adds an offset, size or run end.
func (g *gathered) put(k, n int) error {
	width := g.plan.fixed[k].width
	if width == 4 && n > math.MaxInt32 {
		return g.tooLong(n)
	}
	if err := g.hold(width); err != nil {
		return err
	}
	b := g.extend(g.fixed[k], width)
	if width == 4 {
		g.fixed[k] = le.AppendUint32(b, uint32(n))
	} else {
		g.fixed[k] = le.AppendUint64(b, uint64(n))
	}
	return nil
}

// appendOffsets adds the offsets of rows whose text or items are going to be at at, and returns what they lead to.
func (g *gathered) appendOffsets(d *column.Data, from, to, at int) (first, last int, err error) {
	wide := g.plan.fixed[0].width == 8
	if len(g.fixed[0]) == 0 {
		if err := g.put(0, 0); err != nil {
			return 0, 0, err
		}
	}
	first, last = int(integerAt(d.Buffers[1], wide, from)), int(integerAt(d.Buffers[1], wide, to))
	if column.Native && !wide {
		if last-first > math.MaxInt32-at {
			return 0, 0, g.tooLong(at + last - first)
		}
		size := 4 * (to - from)
		if err := g.hold(size); err != nil {
			return 0, 0, err
		}
		end := len(g.fixed[0])
		g.fixed[0] = g.extend(g.fixed[0], size)[:end+size]
		asm.Rebase32(column.View[int32](g.fixed[0][end:]), column.View[int32](d.Buffers[1])[from+1:to+1], int32(first-at))
		return first, last, nil
	}
	for i := from + 1; i <= to; i++ {
		if err := g.put(0, at+int(integerAt(d.Buffers[1], wide, i))-first); err != nil {
			return 0, 0, err
		}
	}
	return first, last, nil
}

func (g *gathered) appendViews(d *column.Data, from, to int) error {
	if err := g.hold(viewSize * (to - from)); err != nil {
		return err
	}
	g.fixed[0] = g.extend(g.fixed[0], viewSize*(to-from))
	size := int64(0) // counted first, as views may share what they lead to
	for i := from; i < to; i++ {
		if d.IsNull(i) {
			continue
		}
		if n := len(column.TextAt(d, column.ViewText, i)); n > inlineView {
			if size += int64(n); size > int64(math.MaxInt32-len(g.text)) {
				return g.tooLong(len(g.text))
			}
		}
	}
	if size != 0 {
		if err := g.hold(int(size)); err != nil {
			return err
		}
		g.text = g.extend(g.text, int(size))
	}
	for i := from; i < to; i++ {
		var view [viewSize]byte
		if !d.IsNull(i) {
			g.text = column.PutView(view[:], g.text, column.TextAt(d, column.ViewText, i))
		}
		g.fixed[0] = append(g.fixed[0], view[:]...)
	}
	return nil
}

const (
	viewSize   = 16
	inlineView = 12 // bytes of a text that stands in the view itself
)

func (g *gathered) appendListViews(d *column.Data, from, to int) error {
	wide, items := g.plan.layout == layoutListView64, &g.children[0]
	all := int64(0) // counted first, as lists may share what they lead to
	for i := from; i < to; i++ {
		if !d.IsNull(i) {
			if all += integerAt(d.Buffers[2], wide, i); all > math.MaxInt/64 {
				return g.tooLong(items.len)
			}
		}
	}
	if err := items.expect(int(all)); err != nil {
		return err
	}
	for i := from; i < to; i++ {
		first, size := 0, 0
		if !d.IsNull(i) {
			first, size = int(integerAt(d.Buffers[1], wide, i)), int(integerAt(d.Buffers[2], wide, i))
		}
		if err := g.put(0, items.len); err != nil {
			return err
		}
		if err := g.put(1, size); err != nil {
			return err
		}
		if err := items.append(&d.Children[0], first, first+size); err != nil {
			return err
		}
	}
	return nil
}

func (g *gathered) appendChildren(d *column.Data, from, to int) error {
	for k := range g.children {
		if err := g.children[k].append(&d.Children[k], from, to); err != nil {
			return err
		}
	}
	return nil
}

func (g *gathered) appendDense(d *column.Data, from, to int) (err error) {
	if g.fixed[0], err = g.grow(g.fixed[0], d.Buffers[1][from:to]); err != nil {
		return err
	}
	for i := from; i < to; i++ {
		k := g.of[d.Buffers[1][i]&127]
		child, at := &g.children[k], int(integerAt(d.Buffers[2], false, i))
		if err := g.put(1, child.len); err != nil {
			return err
		}
		if err := child.append(&d.Children[k], at, at+1); err != nil {
			return err
		}
	}
	return nil
}

// appendRuns adds the runs that the rows lie in, cut to them.
func (g *gathered) appendRuns(d *column.Data, from, to int) error {
	first, last := g.plan.sliceRuns(&d.Children[0], from, to)
	ends, values := &g.children[0], &g.children[1]
	width := ends.plan.width
	for run := first; run < last; run++ {
		end := g.len + min(int(column.SignedAt(&d.Children[0], width, run)), to) - from
		if width < 8 && end > 1<<(8*width-1)-1 {
			return g.tooLong(end)
		}
		if err := ends.hold(width); err != nil {
			return err
		}
		var b [8]byte
		le.PutUint64(b[:], uint64(end))
		ends.fixed[0] = append(ends.extend(ends.fixed[0], width), b[:width]...)
		ends.len++
	}
	return values.append(&d.Children[1], first, last)
}

// column returns the rows. With more to come it is a column that rows appended later do not change: it shares all memory but that of
// bitmaps.
func (g *gathered) column(more bool) column.Data {
	p := g.plan
	d := column.Data{Len: g.len, Nulls: g.nulls, Dictionary: g.dictionary, Values: g.values}
	if g.nulls != 0 {
		d.Buffers[0] = g.validity
	}
	d.Buffers[1], d.Buffers[2] = g.fixed[0], g.fixed[1]
	switch p.layout {
	case layoutOffsets32, layoutOffsets64:
		d.Buffers[2] = g.text
	case layoutView:
		if len(g.text) != 0 {
			d.Variadic = [][]byte{g.text[:len(g.text):len(g.text)]}
		}
	}
	if more { // the next row changes the last byte of a bitmap that it shares with others
		for k, b := range d.Buffers {
			if g.len&7 != 0 && (k == 0 || k == 1 && p.layout == layoutBits) {
				d.Buffers[k] = append(mem.Grow([]byte(nil), len(b)), b...)
			} else {
				d.Buffers[k] = b[:len(b):len(b)]
			}
		}
	}
	if len(g.children) != 0 {
		d.Children = make([]column.Data, len(g.children))
		for i := range g.children {
			d.Children[i] = g.children[i].column(more)
		}
	}
	return d
}

// take returns the rows and begins anew.
func (g *gathered) take() column.Data {
	d := g.column(false)
	g.reset()
	return d
}

func (g *gathered) reset() {
	g.len, g.nulls, g.validity, g.text, g.fixed = 0, 0, nil, nil, [2][]byte{}
	g.dictionary, g.values = nil, column.Values{}
	for i := range g.children {
		g.children[i].reset()
	}
}

// newGathered returns rows that hold at most so many bytes.
func newGathered(p *columnPlan, most int64) *gathered {
	g := new(gathered)
	g.init(p, &most)
	return g
}
