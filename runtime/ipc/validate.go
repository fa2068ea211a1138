package ipc

import (
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/internal/asm"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
)

// contents checks, for a flat column whose structure is right, each value that other values are found by.
func (p *columnPlan) contents(d *column.Data, level Level) error {
	if v := d.Buffers[0]; v != nil {
		if have := d.Len - asm.CountBits(v, d.Len); have != d.Nulls {
			return p.malformed("validity", "%d rows are null, null_count says %d", have, d.Nulls)
		}
	}
	switch p.layout {
	case layoutOffsets32, layoutOffsets64:
		if err := p.checkOffsets(d, len(d.Buffers[2]), "bytes"); err != nil {
			return err
		}
	case layoutView:
		if row := column.CheckViews(d); row >= 0 {
			return p.malformed("views", "row %d points outside its %d data buffers", row, len(d.Variadic))
		}
	}
	if len(p.children) != 0 {
		return p.nestedContents(d)
	}
	switch {
	case p.field.Dictionary != nil && d.Dictionary == nil: // below the values of a dictionary: its own are looked up when they are needed
		return nil
	case p.field.Dictionary != nil:
		return p.checkIndices(d, 0)
	case level == UTF8 && p.field.Type.IsText():
		return p.utf8(d)
	}
	return nil
}

// checkIndices checks the indices of a dictionary column from a row on.
func (p *columnPlan) checkIndices(d *column.Data, from int) error {
	if from != 0 {
		rows := p.slice(d, from, d.Len)
		d = &rows
	}
	if row := column.CheckIndices(d, p.indexBits, p.indexSigned); row >= 0 {
		return p.malformed("indices", "row %d is outside the dictionary of %d values", from+row, d.Values.Len())
	}
	if !p.field.Nullable && d.Values.HasNulls() {
		if row := column.FirstNullValue(d, p.indexBits, p.indexSigned); row >= 0 {
			return p.malformed("indices", "row %d stands for a null of the dictionary, in a column that is not nullable", from+row)
		}
	}
	return nil
}

// checkOffsets checks that offsets rise and end within what they point into.
func (p *columnPlan) checkOffsets(d *column.Data, limit int, what string) error {
	if d.Len == 0 {
		return nil
	}
	var at int
	var value int64
	if p.fixed[0].width == 4 {
		offsets := column.View[int32](d.Buffers[1])[:d.Len+1] // behind which a sender's buffer may go on
		if at = asm.CheckOffsets32(offsets, int64(limit)); at >= 0 {
			value = int64(offsets[at])
		}
	} else {
		offsets := column.View[int64](d.Buffers[1])[:d.Len+1]
		if at = asm.CheckOffsets64(offsets, int64(limit)); at >= 0 {
			value = offsets[at]
		}
	}
	if at >= 0 {
		return p.malformed("offsets", "offset %d is %d, want it at least the one before and at most %d, the %s there are", at, value, limit, what)
	}
	return nil
}

// utf8 checks that each string is valid on its own.
func (p *columnPlan) utf8(d *column.Data) error {
	if p.utf8AtOnce(d) {
		return nil
	}
	row, text, err := p.firstInvalid(d)
	switch {
	case err != nil:
		return err
	case row >= 0:
		return p.malformed("bytes", "row %d is not valid UTF-8: %.40q", row, text)
	}
	return nil
}

// firstInvalid returns the first row whose text is not valid, -1 for none. Where views point at the same bytes again and again, and not all of a
// data buffer is valid, it gives up with an error.
func (p *columnPlan) firstInvalid(d *column.Data) (row int, text []byte, err error) {
	if p.layout == layoutView {
		return p.firstInvalidView(d)
	}
	form := p.textForm()
	for row := range d.Len {
		if d.IsNull(row) {
			continue
		}
		if text := column.TextAt(d, form, row); !utf8.Valid(text) {
			return row, text, nil
		}
	}
	return -1, nil, nil
}

// viewed is what is known of a data buffer of views.
type viewed struct {
	read   int64 // bytes that rows have had read so far
	whole  bool  // all of it was looked at
	valid  bool  // it is valid as a whole
	simple bool  // it is ASCII
}

// firstInvalidView is firstInvalid for views. A data buffer of which an eighth was read is looked at as a whole: where that is valid, a row is if
// it begins and ends between characters.
func (p *columnPlan) firstInvalidView(d *column.Data) (row int, text []byte, err error) {
	var few [8]viewed
	known := few[:]
	if len(d.Variadic) > len(few) {
		known = make([]viewed, len(d.Variadic))
	}
	most, read := int64(1<<20), int64(0)
	for _, b := range d.Variadic {
		most += 64 * int64(len(b))
	}
	for row := range d.Len {
		if d.IsNull(row) { // a view may point anywhere there
			continue
		}
		text := column.TextAt(d, column.ViewText, row)
		if len(text) <= inlineView {
			if !utf8.Valid(text) {
				return row, text, nil
			}
			continue
		}
		view := d.Buffers[1][viewSize*row:]
		at := le.Uint32(view[8:])
		k, all := &known[at], d.Variadic[at]
		if !k.whole && k.read+int64(len(text)) > int64(len(all))/8 {
			k.whole = true
			k.valid, k.simple = asm.CheckUTF8(all)
		}
		if k.valid {
			end := int64(le.Uint32(view[12:])) + int64(len(text))
			if !k.simple && (!utf8.RuneStart(text[0]) || end < int64(len(all)) && !utf8.RuneStart(all[end])) {
				return row, text, nil
			}
			continue
		}
		k.read += int64(len(text))
		if read += int64(len(text)); read > most {
			return row, nil, frame.At(0, p.path, frame.Errorf(ErrLimit, "the rows up to %d have %d bytes in data buffers that are not all valid UTF-8, more than 64 times those that are there; check them less than UTF8, or let the sender share less", row, read))
		}
		if !utf8.Valid(text) {
			return row, text, nil
		}
	}
	return -1, nil, nil
}

// utf8AtOnce tells whether the strings of a column are valid because all of their bytes together are, and none begins inside of a
// character. Where it is false they may be valid all the same: below nulls anything may stand.
func (p *columnPlan) utf8AtOnce(d *column.Data) bool {
	if d.Len == 0 || p.layout != layoutOffsets32 && p.layout != layoutOffsets64 {
		return false
	}
	wide, text := p.layout == layoutOffsets64, d.Buffers[2]
	first, last := integerAt(d.Buffers[1], wide, 0), integerAt(d.Buffers[1], wide, d.Len)
	switch valid, ascii := asm.CheckUTF8(text[first:last]); {
	case !valid:
		return false
	case ascii:
		return true // each byte is a character, and where the last string ends does not matter
	}
	if wide {
		for _, at := range column.View[int64](d.Buffers[1])[:d.Len+1] {
			if at < int64(len(text)) && !utf8.RuneStart(text[at]) {
				return false
			}
		}
		return true
	}
	for _, at := range column.View[int32](d.Buffers[1])[:d.Len+1] {
		if int(at) < len(text) && !utf8.RuneStart(text[at]) {
			return false
		}
	}
	return true
}

func (p *columnPlan) malformed(part, format string, args ...any) error {
	return frame.At(0, p.path+"."+part, frame.Errorf(ErrMalformed, format, args...))
}

func (p *columnPlan) textForm() column.TextForm {
	switch p.layout {
	case layoutOffsets64:
		return column.LargeText
	case layoutView:
		return column.ViewText
	}
	return column.PlainText
}
