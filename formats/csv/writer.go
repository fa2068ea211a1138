package csv

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/internal/value"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// WriterOptions are the settings of a [Writer].
type WriterOptions struct {
	// Comma stands between fields: a character of ASCII that is no quote and no line end. Zero means a comma.
	Comma byte
	// Null is the text of a null. A text that is the same is quoted, and so this one never is: it has no Comma, no quote and no line end.
	// Empty means an empty field.
	Null string
	// MaxRow is how many bytes a row may take whose lists share what they lead to, or have values of dictionaries, each of which is
	// printed as often as it occurs. Zero means 64 MiB. The error of a row that takes more wraps [ipc.ErrLimit].
	MaxRow int64
	// NoHeader leaves out the line of names.
	NoHeader bool
	// RepeatKeys writes nested values, which are JSON, with a key that comes twice in an object, where two fields have one name. Most
	// readers lose one of them. Without it a schema with such a column is refused.
	RepeatKeys bool
}

// ErrNullLine is wrapped by the error of a null that would be an empty line, which readers pass over.
var ErrNullLine = errors.New("a null in a table of one column would be an empty line, which readers pass over; choose a text for nulls")

// Writer writes batches as lines. It is for one goroutine at a time.
type Writer struct {
	dst     io.Writer
	opts    WriterOptions
	schema  *ipc.Schema
	cells   []cell
	slots   []value.Slots // of some rows of each cell, where there are not too many
	special [256]bool
	above   uint64 // eight of the byte behind the last that means something to readers
	buf     []byte
	field   []byte
	started bool
	err     error // of the schema, or of the options
}

var _ rt.Sink = (*Writer)(nil)

// mostSlots is how many columns are printed before their texts are put side by side: as many as stay in the processor's caches.
const mostSlots = 128

// cell prints the rows of one column.
type cell struct {
	*value.Printer
	bare    bool // texts need no quotes
	plain   bool // texts are in one buffer
	flat    bool // rows are null by the validity of the batch alone
	known   bool // values of the batch are in entries
	entries value.Entries
}

// NewWriter returns a writer to dst, which it does not own. Columns may have one name, as nothing forbids it in CSV; a column of nested
// values in which two fields have one is refused, see [Writer.Err]. Nil options mean all defaults.
func NewWriter(dst io.Writer, schema *ipc.Schema, opts *WriterOptions) *Writer {
	w := &Writer{dst: dst, schema: schema, cells: make([]cell, len(schema.Fields))}
	if opts != nil {
		w.opts = *opts
	}
	if w.opts.Comma == 0 {
		w.opts.Comma = ','
	}
	w.err = separates("WriterOptions.Comma", w.opts.Comma)
	if w.err == nil {
		w.err = bare("WriterOptions.Null", w.opts.Null, w.opts.Comma)
	}
	if path := value.TwiceWithin(schema.Fields); w.err == nil && path != "" && !w.opts.RepeatKeys {
		w.err = fmt.Errorf("lightstream: %w: %w: %q; nested values are JSON, whose objects have a key once: give it another name, or set WriterOptions.RepeatKeys",
			ipc.ErrUnsupported, text.ErrTwice, path)
	}
	plain := !strings.ContainsRune(numeric, rune(w.opts.Comma)) && strings.Trim(w.opts.Null, numeric) == w.opts.Null && w.opts.Comma < 0x80
	inWords := !strings.ContainsRune(words, rune(w.opts.Comma)) && (w.opts.Null == "" || strings.Trim(w.opts.Null, words) != "")
	for i := range w.cells {
		w.cells[i].Printer = value.PrinterOf(&schema.Fields[i])
		w.cells[i].SetMaxRow(w.opts.MaxRow)
		switch f := &schema.Fields[i]; f.Type.Kind {
		case ipc.KindInt, ipc.KindDecimal, ipc.KindDate, ipc.KindTime, ipc.KindTimestamp, ipc.KindDuration:
			w.cells[i].bare = plain && f.Dictionary == nil
		case ipc.KindFloat, ipc.KindBool:
			w.cells[i].bare = plain && inWords && f.Dictionary == nil
		case ipc.KindUtf8:
			w.cells[i].plain = f.Dictionary == nil
		}
	}
	if len(w.cells) <= mostSlots {
		w.slots = make([]value.Slots, len(w.cells))
	}
	for _, c := range []byte{w.opts.Comma, '"', '\n', '\r'} {
		w.special[c] = true
	}
	w.above = ones * min(uint64(max(w.opts.Comma, '"'))+1, 0x80) // above a space too
	return w
}

// numeric are the characters of numbers and times.
const numeric = "0123456789+-.:TZ"

// words are the characters of numbers with a point, and of true and false.
const words = numeric + "NaInfityrulse"

// joining is for about how many bytes there is room when texts are put side by side.
const joining = 16 << 10

// collected is how many bytes are collected for one write.
const collected = 64 << 10

// Schema returns the columns that Write takes.
func (w *Writer) Schema() *ipc.Schema { return w.schema }

// Err returns the error of options or of a schema that cannot be written, which is that of every Write and of Close. That of a schema wraps
// [ipc.ErrUnsupported] and [text.ErrTwice].
func (w *Writer) Err() error { return w.err }

// Write writes the rows of a batch, whose columns are those of the schema and were validated at [ipc.Contents]. A row with a text that is
// not valid UTF-8 is refused with a [*column.ValueError] that wraps [column.ErrUTF8]; those before it are written. Where
// ctx has ended nothing is written; where it ends within a large row, that one and those behind it are not.
func (w *Writer) Write(ctx context.Context, rows int, columns []column.Data) error {
	if w.err != nil {
		return w.err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := w.header(); err != nil {
		return err
	}
	for k := range w.cells {
		c := &w.cells[k]
		c.SetContext(ctx)
		c.flat = c.Flat(&columns[k])
		c.known = c.Entries(&c.entries, &columns[k], rows, w.text)
	}
	buf, err := w.buf, error(nil)
	columns = columns[:len(w.cells)]
	for from := 0; from < rows; from += value.SlotRows {
		n, all := min(rows-from, value.SlotRows), len(w.slots) != 0
		for k := range w.slots {
			all = w.print(k, &columns[k], from, n) && all
		}
		for j := 0; j < n; {
			if all {
				most := min(n-j, max(1, joining/(value.SlotSize*len(w.slots))))
				start := len(buf)
				buf = slices.Grow(buf, most*len(w.slots)*value.SlotSize)
				done, size := asm.JoinSlots(buf[start:cap(buf)], w.slots, j, most)
				buf, j, most = buf[:start+size], j+done, most-done
				if most == 0 {
					if buf, err = w.collect(buf); err != nil {
						return err
					}
					continue
				}
			}
			// A text of this row is in no slot.
			if buf, err = w.row(ctx, buf, columns, from, j); err == nil {
				buf, err = w.collect(buf)
			}
			if err != nil {
				return err
			}
			j++
		}
	}
	w.buf = buf
	return w.flush()
}

// collect writes what was collected, if that is enough.
func (w *Writer) collect(buf []byte) ([]byte, error) {
	if len(buf) < collected {
		return buf, nil
	}
	w.buf = buf
	err := w.flush()
	return w.buf, err
}

// print prints n rows of column k from row from on into its slots, and leaves out those whose text has to be looked at more closely. It
// returns false where that is so of all.
func (w *Writer) print(k int, d *column.Data, from, n int) bool {
	c, s, valid, end := &w.cells[k], &w.slots[k], value.Valid(d, from, n), byte('\n')
	if k+1 < len(w.cells) {
		end = w.opts.Comma
	}
	switch {
	case !c.flat:
		s.Size = [value.SlotRows]uint8{}
		return false
	case c.bare && c.PrintSlots(s, d, from, n, valid, end):
	case c.known:
		c.PrintEntries(s, &c.entries, d, from, n, valid, end)
	case c.plain:
		w.shorts(s, d, from, n, valid, end)
	default:
		s.Size = [value.SlotRows]uint8{}
		return false
	}
	null := w.opts.Null
	if null == "" && len(w.cells) > 1 {
		return true
	}
	for nulls := ^valid << (value.SlotRows - n) >> (value.SlotRows - n); nulls != 0; nulls &= nulls - 1 {
		j := bits.TrailingZeros64(nulls)
		if s.Size[j] = 0; null != "" && len(null) < value.SlotSize {
			copy(s.At(j)[:], null)
			s.End(j, len(null), 1, end)
		}
	}
	return true
}

// row appends row from+j: the texts that are in slots, and the others one by one.
func (w *Writer) row(ctx context.Context, buf []byte, columns []column.Data, from, j int) ([]byte, error) {
	null, start, i := w.opts.Null, len(buf), from+j
	for k := range columns {
		if len(w.slots) != 0 {
			if s := &w.slots[k]; s.Size[j] != 0 {
				buf = append(buf, s.At(j)[:s.Size[j]]...)
				continue
			}
		}
		c, d := &w.cells[k], &columns[k]
		none := false
		if c.flat {
			none = d.IsNull(i)
		} else {
			none = c.IsNull(d, i)
		}
		switch {
		case none:
			if len(w.cells) == 1 && null == "" {
				return nil, w.refuse(buf[:start], k, i, ErrNullLine)
			}
			buf = append(buf, null...)
		case c.bare:
			buf = c.AppendValue(buf, d, i, false)
		case c.known:
			buf = c.entries.Append(buf, c.Index(d, i))
		case c.plain: // without a copy
			if to, ok := w.short(buf, d, i); ok {
				buf = to
				break
			}
			s := column.TextAt(d, column.PlainText, i)
			if !utf8.Valid(s) {
				return nil, w.refuse(buf[:start], k, i, column.InvalidUTF8(s))
			}
			buf = w.text(buf, s)
		default:
			w.field = c.AppendValue(w.field[:0], d, i, false)
			err := c.Err()
			if err == nil && (len(d.Children) != 0 || d.Dictionary != nil) {
				err = value.CheckRow(len(buf)-start+len(w.field), w.opts.MaxRow)
			}
			if err != nil {
				err = w.refuse(buf[:start], k, i, err)
				if ctx.Err() != nil {
					err = context.Cause(ctx)
				}
				return nil, err
			}
			buf = w.text(buf, w.field)
		}
		buf = append(buf, w.opts.Comma)
	}
	if len(w.cells) == 0 {
		buf = append(buf, '\n')
	}
	buf[len(buf)-1] = '\n' // in the place of the last comma
	return buf, nil
}

// refuse writes the rows before one that is dropped.
func (w *Writer) refuse(before []byte, col, row int, err error) error {
	w.buf = before
	if err := w.flush(); err != nil {
		return err
	}
	return &column.ValueError{Column: w.schema.Fields[col].Name, Row: row, Err: err}
}

// header writes the names, once.
func (w *Writer) header() error {
	if w.err != nil || w.started {
		return w.err
	}
	w.started = true
	if w.opts.NoHeader || len(w.schema.Fields) == 0 {
		return nil
	}
	for i := range w.schema.Fields {
		if i > 0 {
			w.buf = append(w.buf, w.opts.Comma)
		}
		w.buf = w.text(w.buf, []byte(w.schema.Fields[i].Name))
	}
	w.buf = append(w.buf, '\n')
	return w.flush()
}

// text appends a field, in quotes where it would be read as something else without.
func (w *Writer) text(dst, field []byte) []byte {
	if len(field) > 0 && field[0] != ' ' && field[len(field)-1] != ' ' && w.isPlain(field) && string(field) != w.opts.Null {
		return append(dst, field...)
	}
	dst = append(dst, '"')
	for {
		n := bytes.IndexByte(field, '"')
		if n < 0 {
			break
		}
		dst = append(append(dst, field[:n+1]...), '"')
		field = field[n+1:]
	}
	return append(append(dst, field...), '"')
}

// shortText is how many bytes of texts are looked at and copied eight by eight, whatever their length.
const shortText = 24

// short appends the text of a row as it is: one that is short and of ASCII, and needs no quotes.
func (w *Writer) short(dst []byte, d *column.Data, i int) (to []byte, ok bool) {
	from, end := int(binary.LittleEndian.Uint32(d.Buffers[1][4*i:])), int(binary.LittleEndian.Uint32(d.Buffers[1][4*i+4:]))
	at := len(dst)
	dst = slices.Grow(dst, shortText)[:at+shortText]
	ok = w.copyShort((*[shortText]byte)(dst[at:]), d.Buffers[2], from, end-from)
	if !ok {
		return dst[:at], false
	}
	return dst[:at+end-from], true
}

// shorts is short for n rows from row from on.
func (w *Writer) shorts(s *value.Slots, d *column.Data, from, n int, valid uint64, end byte) {
	offsets := d.Buffers[1][4*from : 4*(from+n)+4]
	start := int(binary.LittleEndian.Uint32(offsets))
	for j := range n {
		next := int(binary.LittleEndian.Uint32(offsets[4*j+4:]))
		at, size := start, next-start
		start = next
		if valid>>j&1 == 0 {
			s.End(j, 0, 0, end)
		} else if w.copyShort((*[shortText]byte)(s.At(j)[:]), d.Buffers[2], at, size) {
			s.End(j, size, 1, end)
		} else {
			s.Size[j] = 0
		}
	}
}

// copyShort copies n bytes of a text, and others behind them. It returns false for texts that are not short or need quotes, of which it may
// have copied something.
func (w *Writer) copyShort(b *[shortText]byte, text []byte, from, n int) bool {
	if uint(n-1) >= shortText || len(text)-from < shortText {
		return false
	}
	src := (*[shortText]byte)(text[from:])
	if n == len(w.opts.Null) && string(src[:n]) == w.opts.Null {
		return false
	}
	// All 24 bytes are looked at, without a branch for how many there are, as that cannot be foreseen.
	first, second, third := binary.LittleEndian.Uint64(src[0:]), binary.LittleEndian.Uint64(src[8:]), binary.LittleEndian.Uint64(src[16:])
	binary.LittleEndian.PutUint64(b[0:], first)
	binary.LittleEndian.PutUint64(b[8:], second)
	binary.LittleEndian.PutUint64(b[16:], third)
	keep := &shortTops[n]
	if w.low(first)&keep[0]|w.low(second)&keep[1]|w.low(third)&keep[2] == 0 {
		return true
	}
	return src[0] != ' ' && src[n-1] != ' ' && w.strange(first)&keep[0]|w.strange(second)&keep[1]|w.strange(third)&keep[2] == 0
}

// shortTops has for each length the highest bits of the bytes of a short text.
var shortTops = func() (list [shortText + 1][shortText / 8]uint64) {
	for n := range list {
		for i := range n {
			list[n][i/8] |= 0x80 << (8 * (i % 8))
		}
	}
	return list
}()

// low returns the high bit of each byte that is no ASCII, or not above a space and all that means something to readers.
func (w *Writer) low(v uint64) uint64 { return (^((v | highs) - w.above) | v) & highs }

// strange returns the high bit of the first byte that is no ASCII or means something to readers, and of some behind it.
func (w *Writer) strange(v uint64) uint64 {
	a, b, c, d := v^ones*uint64(w.opts.Comma), v^quotes, v^feeds, v^returns
	return ((a-ones)&^a | (b-ones)&^b | (c-ones)&^c | (d-ones)&^d | v) & highs
}

// isPlain tells whether there is no byte in a field that means something to readers.
func (w *Writer) isPlain(field []byte) bool {
	if len(field) < 8 {
		for _, c := range field {
			if w.special[c] {
				return false
			}
		}
		return true
	}
	commas := ones * uint64(w.opts.Comma)
	for at := 0; ; at += 8 {
		last := at >= len(field)-8
		if last {
			at = len(field) - 8 // some of which were looked at before
		}
		v := binary.LittleEndian.Uint64(field[at:])
		a, b, c, d := v^commas, v^quotes, v^feeds, v^returns
		if ((a-ones)&^a|(b-ones)&^b|(c-ones)&^c|(d-ones)&^d)&highs != 0 {
			return false
		}
		if last {
			return true
		}
	}
}

func (w *Writer) flush() error {
	_, err := w.dst.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

// Close writes the names of the columns if there was no batch. It does not close the destination.
func (w *Writer) Close() error { return w.header() }
