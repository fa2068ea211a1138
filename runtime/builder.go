package rt

import (
	"errors"
	"fmt"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Builder is what a generated builder of rows R does. Its columns are filled row by row, by rows, or one by one.
type Builder[R any] interface {
	// Append adds a row. A value that does not fit stays as the builder's error.
	Append(row R)
	// AppendRows adds rows, column by column.
	AppendRows(rows []R)
	Len() int
	Err() error
	// Truncate takes rows back, and the error of those that did not fit.
	Truncate(n int)
	Reset()
	base() *BuilderBase
}

// BuilderOptions are the settings of a builder.
type BuilderOptions struct {
	// MaxEntries is the most values that a dictionary of the builder may hold. Zero means as many as its index type can
	// tell apart.
	MaxEntries int
	// Dictionaries is another builder of the same table, such as a *TradeBuilder, whose dictionaries the new one fills too. Batches of
	// builders that take turns then bring only the values that are new, where with dictionaries of their own each would replace those of
	// the other. Builders that share them are for one goroutine at a time, as one builder is. Nil means dictionaries of its own. A builder
	// of another table is a panic.
	Dictionaries interface{ base() *BuilderBase }
}

// BuilderBase is what all generated builders share.
type BuilderBase struct {
	names    []Column
	columns  []column.Builder
	variable []column.Builder // those whose rows differ in size
	width    int              // bytes of a row in all others
	failed   bool
	data     []column.Data
}

// Init sets the builder's columns. It is for generated code only.
func (b *BuilderBase) Init(columns []Column, opts *BuilderOptions, builders ...column.Builder) {
	if opts == nil {
		opts = &BuilderOptions{}
	}
	b.names, b.columns = columns, builders
	b.data = make([]column.Data, len(builders))
	var share []column.Builder
	if opts.Dictionaries != nil {
		other := opts.Dictionaries.base()
		if len(other.names) != len(columns) || len(columns) != 0 && &other.names[0] != &columns[0] {
			panic("lightstream: BuilderOptions.Dictionaries is a builder of another table")
		}
		share = other.columns
	}
	for i, c := range builders {
		var shared column.Builder
		if share != nil {
			shared = share[i]
		}
		c.Init(b.config(&columns[i], columns[i].Name, opts, shared))
		if f := &columns[i]; f.Dictionary == nil && (f.Type.IsText() || f.Type.IsBinary() || nested(f.Type.Kind)) {
			b.variable = append(b.variable, c)
		} else {
			b.width += max(ipc.ValueWidth(f.Type), 8)
		}
	}
}

// config says what the builder of a column may hold, and those of the columns below it. Shared is a builder of the same column
// whose dictionaries it fills too, nil for none.
func (b *BuilderBase) config(c *Column, path string, opts *BuilderOptions, shared column.Builder) column.Config {
	f := &c.Field
	config := column.Config{
		Name: path, Nullable: f.Nullable, Unit: f.Type.Unit, Zoned: f.Type.Zone != "",
		OfDay: f.Type.Kind == ipc.KindTime, Precision: f.Type.Precision, Width: f.Type.Width,
		MaxEntries: opts.MaxEntries, Bytes: !f.Type.IsText(), Failed: &b.failed,
		TypeIDs: f.Type.TypeIDs, Sparse: f.Type.Kind == ipc.KindUnion && f.Type.Variant == 0,
	}
	if c.Names != nil {
		config.Parse = c.Names.parse
	}
	if shared != nil && f.Dictionary != nil {
		config.Dictionary = shared.(interface{ Dictionary() *column.Dictionary }).Dictionary()
	}
	parts, below := c.Parts, []column.Builder(nil)
	if shared, ok := shared.(interface{ Children() []column.Builder }); ok {
		below = shared.Children()
	}
	if f.Type.Kind == ipc.KindMap { // whose entries have no builder
		config.Children = []column.Config{{}}
		config.Children[0].Children = b.configs(parts, path, opts, below)
		return config
	}
	config.Children = b.configs(parts, path, opts, below)
	if f.Type.Kind == ipc.KindRunEndEncoded { // whose values are the column's own
		config.Children[0].Name = path
	}
	return config
}

func (b *BuilderBase) configs(parts []Column, path string, opts *BuilderOptions, shared []column.Builder) []column.Config {
	list := make([]column.Config, len(parts))
	for i := range parts {
		var s column.Builder
		if shared != nil {
			s = shared[i]
		}
		list[i] = b.config(&parts[i], path+"."+parts[i].Name, opts, s)
	}
	return list
}

// nested tells whether columns of a kind have others below them.
func nested(k ipc.Kind) bool {
	switch k {
	case ipc.KindList, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView, ipc.KindFixedSizeList, ipc.KindMap,
		ipc.KindStruct, ipc.KindUnion, ipc.KindRunEndEncoded:
		return true
	}
	return false
}

// Len returns the number of rows.
func (b *BuilderBase) Len() int {
	if len(b.columns) == 0 {
		return 0
	}
	return b.columns[0].Len()
}

// Err returns the first value that did not fit, as a *column.ValueError.
func (b *BuilderBase) Err() error {
	for _, c := range b.columns {
		if err := c.Err(); err != nil {
			return err
		}
	}
	return nil
}

// Reset drops all rows and errors and keeps the memory. Dictionaries keep their values.
func (b *BuilderBase) Reset() {
	for _, c := range b.columns {
		c.Reset()
	}
	b.failed = false
}

// ResetDictionaries is Reset that begins dictionaries anew, too, those of columns below others as well. It is for batches that stand
// alone, as in messages of a broker, each of which has its dictionaries whole; a stream sends the new ones in the place of the old, and a
// file takes none that does not begin with the same values.
func (b *BuilderBase) ResetDictionaries() {
	b.Reset()
	resetDictionaries(b.columns)
}

func resetDictionaries(columns []column.Builder) {
	for _, c := range columns {
		switch c := c.(type) {
		case interface{ ResetDictionary() }:
			c.ResetDictionary()
		case interface{ Children() []column.Builder }:
			resetDictionaries(c.Children())
		}
	}
}

// Truncate drops the rows from n on, with the errors that stood in them.
func (b *BuilderBase) Truncate(n int) {
	b.failed = false
	for _, c := range b.columns {
		if c.Truncate(min(n, c.Len())); c.Err() != nil {
			b.failed = true
		}
	}
}

// size returns about how many bytes of body the rows take.
func (b *BuilderBase) size() int {
	n := b.Len() * b.width
	for _, c := range b.variable {
		n += c.Size()
	}
	return n
}

var errNoBuilder = errors.New("lightstream: the zero value of a builder has no columns; make it with its New function")

// batch returns the rows as they are sent. Columns of different length are allowed only while they are filled one by one.
func (b *BuilderBase) batch() (rows int, columns []column.Data, err error) {
	if err := b.Err(); err != nil {
		return 0, nil, err
	}
	if b.data == nil {
		return 0, nil, errNoBuilder
	}
	rows = b.Len()
	for i, c := range b.columns {
		d := &b.data[i]
		c.DataTo(d)
		if n := d.Len; n != rows {
			return 0, nil, fmt.Errorf("lightstream: column %q has %d rows, column %q has %d; give each column the same number", b.names[i].Name, n, b.names[0].Name, rows)
		}
	}
	return rows, b.data, nil
}

// ColumnsOf returns the rows of a builder as columns, which alias its memory until it is changed. The error is that of a value that did
// not fit, or of columns that have not the same number of rows.
func ColumnsOf[R any](b Builder[R]) (rows int, columns []column.Data, err error) {
	return b.base().batch()
}

//lint:ignore U1000 generated builders get it by embedding, which makes them a Builder
func (b *BuilderBase) base() *BuilderBase { return b }
