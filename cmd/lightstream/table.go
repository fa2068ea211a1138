package main

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/internal/value"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

const (
	tableBlock = 256 // rows whose widths are found before they are printed
	maxCell    = 60  // runes of a cell
)

// table prints rows in columns of even width for people to read. The first rows settle the widths.
type table struct {
	dst      io.Writer
	width    int // of the terminal
	names    []string
	types    []string
	right    []bool
	printers []*value.Printer

	rows   [][]string
	widths []int
	buf    []byte
}

func newTable(dst io.Writer, s *ipc.Schema, width int) *table {
	t := &table{dst: dst, width: width}
	for i := range s.Fields {
		f := &s.Fields[i]
		t.names = append(t.names, cell(f.Name))
		t.types = append(t.types, cell(f.TypeString()))
		t.right = append(t.right, f.Dictionary == nil && numeric(f.Type))
		p := value.PrinterOf(f)
		p.SetMaxRow(maxCell * utf8.UTFMax) // what a cell shows, and more
		t.printers = append(t.printers, p)
	}
	return t
}

func numeric(t ipc.Type) bool {
	switch t.Kind {
	case ipc.KindInt, ipc.KindFloat, ipc.KindDecimal, ipc.KindDuration:
		return true
	}
	return false
}

// cell makes one line of a text, without what would move the cursor, and not too long.
func cell(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		s = strings.Map(func(r rune) rune {
			switch {
			case r == '\n':
				return '↵'
			case r == '\t':
				return ' '
			case !unicode.IsPrint(r):
				return utf8.RuneError
			}
			return r
		}, s)
	}
	if utf8.RuneCountInString(s) > maxCell {
		s = string([]rune(s)[:maxCell-1]) + "…"
	}
	return s
}

func (t *table) write(rows int, columns []column.Data) {
	for i := range rows {
		row := make([]string, len(columns))
		for k, p := range t.printers {
			if p.IsNull(&columns[k], i) {
				row[k] = "null"
				continue
			}
			t.buf = p.AppendText(t.buf[:0], &columns[k], i)
			row[k] = cell(string(t.buf))
			_ = p.Err() // a cell is cut in any case
		}
		t.rows = append(t.rows, row)
		if len(t.rows) == tableBlock {
			t.flush()
		}
	}
}

func (t *table) close() {
	if len(t.rows) > 0 || t.widths == nil {
		t.flush()
	}
}

// flush prints the rows, and the head before the first of them.
func (t *table) flush() {
	first := t.widths == nil
	if first {
		t.widths = make([]int, len(t.names))
	}
	grow := func(row []string) {
		for k, s := range row {
			t.widths[k] = max(t.widths[k], utf8.RuneCountInString(s))
		}
	}
	for _, row := range t.rows {
		grow(row)
	}
	if first {
		grow(t.names)
		grow(t.types)
		t.line(t.names)
		t.line(t.types)
		rules := make([]string, len(t.names))
		for k := range rules {
			rules[k] = strings.Repeat("─", t.widths[k])
		}
		t.line(rules)
	}
	for _, row := range t.rows {
		t.line(row)
	}
	t.rows = t.rows[:0]
}

// line prints a row, cut at the edge of the terminal.
func (t *table) line(row []string) {
	var b strings.Builder
	for k, s := range row {
		if k > 0 {
			b.WriteString("  ")
		}
		pad := strings.Repeat(" ", t.widths[k]-utf8.RuneCountInString(s))
		if t.right[k] {
			b.WriteString(pad + s)
		} else {
			b.WriteString(s + pad)
		}
	}
	text := strings.TrimRight(b.String(), " ")
	if utf8.RuneCountInString(text) > t.width {
		text = string([]rune(text)[:t.width-1]) + "…"
	}
	_, _ = io.WriteString(t.dst, text+"\n") // the error is that of the flush
}
