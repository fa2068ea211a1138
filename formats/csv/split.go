package csv

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/lightstream-go/lightstream/formats/internal/chunks"
	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/internal/asm"
)

// quoted marks the start of a field that stands in quotes.
const quoted = text.Quoted

// window is how many bytes are looked at at once for what ends fields.
const window = 4096

// ends are the places of a part of a chunk where a field may end, as one of the three bytes is there: those from next to n are to come.
type ends struct {
	from, to, next, n int
	at                [window]uint32
}

// look finds the ends behind pos.
func (s *splitter) look(data []byte, pos int) {
	e := &s.ends
	e.from, e.to, e.next = pos, min(pos+window, len(data)), 0
	e.n = asm.FindPlaces(e.at[:], data[pos:e.to], uint32(pos), s.comma, '"', '\n')
}

// begin forgets the ends, which are of other data.
func (s *splitter) begin() { s.ends.from, s.ends.to = 0, 0 }

// seek has the ends behind pos be those to come.
func (s *splitter) seek(data []byte, pos int) {
	e := &s.ends
	if pos < e.from || pos >= e.to {
		s.look(data, pos)
		return
	}
	for e.next > 0 && int(e.at[e.next-1]) >= pos {
		e.next--
	}
	for e.next < e.n && int(e.at[e.next]) < pos {
		e.next++
	}
}

// plains adds records from pos on, up to most in the block, while each has as many fields as there should be, ends with its line, and has
// no quotes but around fields. Next is where the first begins that was not added.
func (s *splitter) plains(data []byte, b *block, pos, most int) (next int) {
	e, stride := &s.ends, s.stride
	b.starts, b.ends = slices.Grow(b.starts, most), slices.Grow(b.ends, most)
	s.seek(data, pos)
	for b.rows < most && pos < len(data) {
		if c := data[pos]; c == '\n' || c == '\r' || c == s.comment && c != 0 { // which may be no record
			return pos
		}
		if e.n-e.next < stride && e.to < len(data) && pos > e.from { // its end may be behind the part
			s.look(data, pos)
		}
		first := len(b.places)
		if cap(b.places)-first < 2*stride {
			b.places = slices.Grow(b.places, 2*stride)
		}
		places := b.places[first : first+2*stride]
		end := s.bare(data, places, pos)
		if end == 0 {
			if end = s.plain(data, places, pos); end == 0 {
				return pos
			}
		}
		b.places = b.places[:first+2*stride]
		b.starts = append(b.starts, uint32(pos)) // each by itself, as then the pointer is not written again
		b.ends = append(b.ends, uint32(end))
		b.rows++
		pos = end
	}
	return pos
}

// A lean block is looked for in leastPart bytes, and in twice as many again and again up to mostPart while these have less than leanRows
// records, as a column costs something for each block.
const (
	leastPart = 16 << 10
	mostPart  = 256 << 10
	leanRows  = 64
	mostPause = 16
)

// lean makes the block one of records from pos on, up to most, all of whose fields are bare. Next is where the first begins that is not in
// it. It returns pos where there are none, and it has not looked where the records before were not so.
func (s *splitter) lean(data []byte, b *block, pos, most int) (next int) {
	stride := s.stride
	if stride < 2 || s.comment != 0 { // a line of one field may be no record
		return pos
	}
	if s.wait > 0 {
		s.wait--
		return pos
	}
	s.part = max(s.part, leastPart)
	to := min(pos+s.part, len(data))
	b.places = slices.Grow(b.places[:0], to-pos+1)[:to-pos+1]
	b.places[0] = uint32(pos) - 1
	n := asm.FindPlaces(b.places[1:], data[pos:to], uint32(pos), s.comma, '"', '\n')
	if n < leanRows*stride && to < len(data) && s.part < mostPart {
		s.part *= 2
	}
	rows, before := 0, b.places[0]
	for places := b.places[1 : n+1]; len(places) >= stride && rows < most; places = places[stride:] {
		other := byte(0)
		for _, end := range places[:stride-1] {
			other |= data[end] ^ s.comma
		}
		end := places[stride-1]
		// Fields of a record that is too long would have to be looked at one by one.
		if other|data[end]^'\n' != 0 || data[end-1] == '\r' || int(end-before)-1 > s.maxField {
			break
		}
		before = end
		rows++
	}
	if rows > leanRows && rows < most { // whole words of validity
		rows &^= leanRows - 1
	}
	if rows == 0 {
		s.pause = min(2*s.pause+1, mostPause)
		s.wait = s.pause
		b.places = b.places[:0]
		return pos
	}
	s.pause = 0
	b.places, b.lean, b.rows = b.places[:rows*stride+1], true, rows
	return int(b.places[rows*stride]) + 1
}

// bare sets the places of the record at pos, where as many ends follow as it should have fields, and these are commas and LF. It returns
// where the next one begins, and 0 for all other records.
func (s *splitter) bare(data []byte, places []uint32, pos int) (next int) {
	e, last := &s.ends, len(places)/2-1
	if e.n-e.next <= last {
		return 0
	}
	ends := e.at[e.next : e.next+last+1]
	start, other := uint32(pos), byte(0)
	for n := range last {
		end := ends[n]
		other |= data[end] ^ s.comma
		setSpan(places, n, text.Span{Start: start, End: end})
		start = end + 1
	}
	end := ends[last]
	if other|data[end]^'\n' != 0 || int(end)-pos > s.maxField { // fields of a longer one would have to be looked at one by one
		return 0
	}
	e.next += last + 1
	next = int(end) + 1
	if end > start && data[end-1] == '\r' {
		end--
	}
	setSpan(places, last, text.Span{Start: start, End: end})
	return next
}

// setSpan sets number n of fields that have two places each.
func setSpan(places []uint32, n int, f text.Span) { places[2*n], places[2*n+1] = f.Start-1, f.End }

// plain is bare for records that may have fields in quotes, and ends behind the part.
func (s *splitter) plain(data []byte, places []uint32, pos int) (next int) {
	e, start, stride := &s.ends, pos, len(places)/2
	var mark uint32 // of the field, where it is in quotes
	for n := 0; n < stride; {
		if e.next == e.n {
			if e.to == len(data) {
				return 0
			}
			s.look(data, e.to)
			continue
		}
		end := int(e.at[e.next])
		e.next++
		last := end
		c := data[end]
		if c == '"' || mark != 0 {
			switch {
			case mark == quoted|1:
				last--
				mark = quoted
			case mark == quoted && c != '"': // it stands in the field
				continue
			case mark == quoted && end+1 < len(data) && (data[end+1] == s.comma || data[end+1] == '\n'):
				mark |= 1 // it closes it, and what comes next is the end
				continue
			case mark == 0 && end == start: // it opens one
				start, mark = end+1, quoted
				continue
			default:
				return 0
			}
		}
		if c == '\n' {
			if n+1 != stride || end-pos > s.maxField { // which would have to be looked at one by one
				return 0
			}
			if mark == 0 && last > start && data[last-1] == '\r' {
				last--
			}
		} else if n+1 == stride {
			return 0
		}
		setSpan(places, n, text.Span{Start: uint32(start) | mark, End: uint32(last)})
		n, start, mark = n+1, end+1, 0
	}
	return start
}

// mark is what is wrong with a record as a whole.
type mark struct {
	row  int // in the block
	pos  int
	err  error
	open bool // a quote that nothing closes: what is lost may be many records
}

// block is some records of a chunk: the fields of each, stride of them for a record.
//
// Where a field stands are two places, as [text.Fields] has them: the one before it and its end. In a lean block, all of whose fields are
// bare, the end of a field is also the place before the next one, and where records begin and end is told by these places alone.
type block struct {
	places []uint32
	lean   bool
	starts []uint32 // where each record begins, unless the block is lean
	ends   []uint32 // and where the next line does
	marks  []mark
	rows   int
}

func (b *block) reset() {
	b.places, b.starts, b.ends, b.marks, b.rows, b.lean = b.places[:0], b.starts[:0], b.ends[:0], b.marks[:0], 0, false
}

// span returns field k of record i, of stride fields.
func (b *block) span(i, k, stride int) text.Span {
	at := i*stride + k
	if !b.lean {
		at *= 2
	}
	return text.Span{Start: b.places[at] + 1, End: b.places[at+1]}
}

// fatten makes a lean block one whose records have places of their own.
func (b *block) fatten(stride int) {
	if !b.lean {
		return
	}
	lean := b.places
	b.places, b.lean = make([]uint32, 0, 2*stride*b.rows), false
	for i := range b.rows {
		for _, end := range lean[i*stride+1 : (i+1)*stride+1] {
			b.places = append(b.places, lean[len(b.places)/2], end)
		}
		b.starts, b.ends = append(b.starts, lean[i*stride]+1), append(b.ends, lean[(i+1)*stride]+1)
	}
}

// splitter finds the records and fields of a chunk.
//
// A quote opens a field only where the field begins, and a quote in it is doubled. So a quote elsewhere, which is an error, is a part of its
// field, and a record ends with its line: what is wrong with one record does not reach into the next.
type splitter struct {
	comma, comment byte
	commas         uint64    // eight of them
	special        [256]bool // ends a field that is not in quotes, or is wrong in it
	stride         int       // fields of a record; 0 while that is not known
	pad            bool      // records with fewer fields have nulls for the others
	maxField       int
	most           int // fields that are kept of a record, and one more
	part           int // how many bytes a lean block is looked for in
	wait, pause    int // how many blocks come before the next that may be lean, and will where that is not
	ends           ends
}

const (
	ones    = 0x0101010101010101
	highs   = ones * 0x80
	quotes  = ones * '"'
	feeds   = ones * '\n'
	returns = ones * '\r'
)

func newSplitter(o *Options) *splitter {
	s := &splitter{comma: o.Comma, comment: o.Comment, pad: o.Ragged == PadRagged, maxField: o.MaxField, most: o.MaxColumns}
	s.commas = ones * uint64(s.comma)
	for _, c := range []byte{s.comma, '"', '\n'} {
		s.special[c] = true
	}
	return s
}

// blank passes over empty lines and comments. It returns where the next record begins; with more there may be none before the end.
func (s *splitter) blank(data []byte, pos int, final bool) (next int, more bool) {
	for pos < len(data) {
		switch c := data[pos]; {
		case c == '\n':
			pos++
		case c == '\r' && pos+1 < len(data) && data[pos+1] == '\n':
			pos += 2
		case c == '\r' && pos+1 == len(data):
			if !final {
				return pos, true
			}
			pos++
		case c == s.comment && c != 0:
			n := bytes.IndexByte(data[pos:], '\n')
			if n < 0 {
				if !final {
					return pos, true
				}
				return len(data), false
			}
			pos += n + 1
		default:
			return pos, false
		}
	}
	return pos, false
}

// record adds the record that begins at pos to the block. Next is where its line ends, and 0 where data ends before it does. The chunk's
// memory takes the texts of fields whose quotes are doubled.
func (s *splitter) record(c *chunks.Chunk, b *block, pos int, final bool) (next int) {
	data := c.Buf[:c.N]
	first, start := len(b.places), pos
	wrong := mark{row: -1}
	for {
		// A field begins at pos.
		if pos < len(data) && data[pos] == '"' {
			end, doubled := pos+1, false
			for {
				n := bytes.IndexByte(data[end:], '"')
				if n < 0 {
					if !final {
						b.places = b.places[:first]
						return 0
					}
					wrong = mark{row: b.rows, pos: pos, err: text.ErrSyntax, open: true}
					s.add(b, first, text.Span{Start: uint32(pos+1) | quoted, End: uint32(len(data))})
					return s.ended(b, first, start, len(data), &wrong)
				}
				end += n
				if end+1 < len(data) && data[end+1] == '"' {
					end += 2
					doubled = true
					continue
				}
				break
			}
			if end+1 == len(data) && !final {
				b.places = b.places[:first]
				return 0
			}
			f := text.Span{Start: uint32(pos + 1), End: uint32(end)}
			if int(f.End-f.Start) > s.maxField {
				wrong.set(b.rows, pos, text.ErrLimit)
			} else if doubled {
				f = undouble(c, f)
				data = c.Buf[:c.N]
			}
			f.Start |= quoted
			s.add(b, first, f)
			pos = end + 1
			switch {
			case pos == len(data):
				return s.ended(b, first, start, pos, &wrong)
			case data[pos] == s.comma:
				pos++
				continue
			case data[pos] == '\n':
				return s.ended(b, first, start, pos+1, &wrong)
			case data[pos] == '\r' && pos+1 < len(data) && data[pos+1] == '\n':
				return s.ended(b, first, start, pos+2, &wrong)
			case data[pos] == '\r' && pos+1 == len(data):
				if !final {
					b.places = b.places[:first]
					return 0
				}
				return s.ended(b, first, start, pos+1, &wrong)
			}
			wrong.set(b.rows, pos, text.ErrSyntax)
			// What stands behind the quote goes to the next comma, or the end of the line.
			for pos < len(data) && data[pos] != s.comma && data[pos] != '\n' {
				pos++
			}
			if pos == len(data) {
				if !final {
					b.places = b.places[:first]
					return 0
				}
				return s.ended(b, first, start, pos, &wrong)
			}
			pos++
			if data[pos-1] == '\n' {
				return s.ended(b, first, start, pos, &wrong)
			}
			continue
		}
		end := pos
		for {
			for end+8 <= len(data) { // the first of eight bytes that may end the field
				w := binary.LittleEndian.Uint64(data[end:])
				a, b, c := w^s.commas, w^quotes, w^feeds
				if m := ((a-ones)&^a | (b-ones)&^b | (c-ones)&^c) & highs; m != 0 {
					end += bits.TrailingZeros64(m) >> 3
					goto found
				}
				end += 8
			}
			for end < len(data) && !s.special[data[end]] {
				end++
			}
		found:
			if end == len(data) || data[end] != '"' {
				break
			}
			wrong.set(b.rows, end, text.ErrSyntax)
			end++
		}
		if end == len(data) && !final {
			b.places = b.places[:first]
			return 0
		}
		if end-pos > s.maxField {
			wrong.set(b.rows, pos, text.ErrLimit)
		}
		if end < len(data) && data[end] == s.comma {
			s.add(b, first, text.Span{Start: uint32(pos), End: uint32(end)})
			pos = end + 1
			continue
		}
		last := end
		if last > pos && data[last-1] == '\r' {
			last--
		}
		s.add(b, first, text.Span{Start: uint32(pos), End: uint32(last)})
		return s.ended(b, first, start, min(end+1, len(data)), &wrong)
	}
}

// add adds a field to the record whose first one is given. Those that are too many are not kept.
func (s *splitter) add(b *block, first int, f text.Span) {
	if (len(b.places)-first)/2 <= s.most {
		b.places = append(b.places, f.Start-1, f.End)
	}
}

func (m *mark) set(row, pos int, err error) {
	if m.row < 0 {
		*m = mark{row: row, pos: pos, err: err}
	}
}

// ended brings a record to the right number of fields.
func (s *splitter) ended(b *block, first, start, next int, wrong *mark) int {
	n := (len(b.places) - first) / 2
	if s.stride == 0 {
		s.stride = n
		s.most = min(n, s.most)
	}
	if n != s.stride {
		if n > s.stride {
			wrong.set(b.rows, start, text.ErrExtra)
		} else if !s.pad {
			wrong.set(b.rows, start, text.ErrRagged)
		}
		for ; n < s.stride; n++ {
			b.places = append(b.places, text.Missing.Start-1, text.Missing.End)
		}
		b.places = b.places[:first+2*s.stride]
	}
	if wrong.row >= 0 {
		b.marks = append(b.marks, *wrong)
	}
	b.starts, b.ends = append(b.starts, uint32(start)), append(b.ends, uint32(next))
	b.rows++
	return next
}

// records adds up to so many records from pos on. Next is where it stopped: before the end of the data where the records are enough, or
// where the last is not complete. Where the chunk is not that of the call before, begin comes first.
func (s *splitter) records(c *chunks.Chunk, b *block, pos, most int, final bool) (next int) {
	for b.rows < most {
		if s.stride != 0 && pos < c.N {
			if pos = s.plains(c.Buf[:c.N], b, pos, most); b.rows == most {
				return pos
			}
		}
		at, more := s.blank(c.Buf[:c.N], pos, final)
		pos = at
		if more || at == c.N {
			return pos
		}
		end := s.record(c, b, at, final)
		if end == 0 {
			return pos
		}
		pos = end
	}
	return pos
}

// lastEnd returns where the last complete record of data ends, 0 where there is none, as records would find it.
func (s *splitter) lastEnd(data []byte) (last int) {
	if bytes.IndexByte(data, '"') < 0 { // as comments end with their line
		return bytes.LastIndexByte(data, '\n') + 1
	}
	pos := 0
	for {
		at, more := s.blank(data, pos, false)
		if more {
			return at
		}
		last = at
		if at == len(data) {
			return last
		}
		if pos = s.skip(data, at); pos == 0 {
			return last
		}
	}
}

// skip returns where the record that begins at pos ends, 0 where data ends before.
func (s *splitter) skip(data []byte, pos int) int {
	for {
		if pos < len(data) && data[pos] == '"' {
			pos++
			for {
				n := bytes.IndexByte(data[pos:], '"')
				if n < 0 || pos+n+1 == len(data) {
					return 0
				}
				if pos += n + 1; data[pos] != '"' {
					break
				}
				pos++
			}
		}
		for pos < len(data) && data[pos] != s.comma && data[pos] != '\n' {
			pos++
		}
		if pos == len(data) {
			return 0
		}
		if pos++; data[pos-1] == '\n' {
			return pos
		}
	}
}

// fieldAt returns where field n of the record at pos begins, of which data has the end. It is for errors, as records have their fields.
func (s *splitter) fieldAt(data []byte, pos, n int) int {
	from := pos
	for ; n > 0 && pos < len(data); n-- {
		if data[pos] == '"' {
			for pos++; pos < len(data); pos++ {
				if data[pos] == '"' {
					if pos+1 == len(data) || data[pos+1] != '"' {
						break
					}
					pos++
				}
			}
		}
		next := bytes.IndexByte(data[min(pos, len(data)):], s.comma)
		if next < 0 {
			return from
		}
		pos += next + 1
	}
	return min(pos, len(data)-1)
}

// undouble writes a field with doubled quotes behind the chunk, with one for each two.
func undouble(c *chunks.Chunk, f text.Span) text.Span {
	from := len(c.Buf)
	for at := f.Start; ; {
		n := bytes.IndexByte(c.Buf[at:f.End], '"')
		if n < 0 {
			c.Buf = append(c.Buf, c.Buf[at:f.End]...)
			break
		}
		c.Buf = append(c.Buf, c.Buf[at:at+uint32(n)+1]...)
		at += uint32(n) + 2
	}
	return text.Span{Start: uint32(from), End: uint32(len(c.Buf))}
}
