package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// progress tells a person at a terminal how far a long copy has come. A nil progress tells nothing.
type progress struct {
	to    *os.File
	src   *source
	out   *destination
	rows  int64
	start time.Time
	last  time.Time
}

// newProgress returns nil where nobody would see it, or where the table itself goes to the terminal.
func newProgress(src *source, to *destination, o *options, std std) *progress {
	if o.quiet || !isTerminal(std.err) || to.file != nil && isTerminal(to.file) {
		return nil
	}
	now := time.Now()
	return &progress{to: std.err, src: src, out: to, start: now, last: now.Add(time.Second / 2)} // short work shows nothing
}

const clearLine = "\r\x1b[K"

func (p *progress) add(rows int) {
	if p == nil {
		return
	}
	p.rows += int64(rows)
	now := time.Now()
	if now.Sub(p.last) < time.Second/5 {
		return
	}
	p.last = now
	bytes := p.src.stats().Bytes
	rate := float64(bytes) / now.Sub(p.start).Seconds()
	line := fmt.Sprintf("%s rows, %s, %s/s", humanize.Comma(p.rows), humanize.IBytes(uint64(bytes)), humanize.IBytes(uint64(rate)))
	if n, known := p.out.written(); known {
		line += ", " + humanize.IBytes(uint64(n)) + " out"
	}
	width := terminalWidth(p.to) - 1 // a line that goes on below would not be removed
	if p.src.size > 0 && rate > 0 {
		left := time.Duration(float64(p.src.size-bytes) / rate * float64(time.Second)).Round(time.Second)
		part := min(float64(bytes)/float64(p.src.size), 1)
		line = fmt.Sprintf("%3.0f %%  %s, %v left", 100*part, line, max(left, 0))
		if room := width - len(line) - len("[] "); room >= 5 {
			line = bar(part, min(room, 20)) + " " + line
		}
	}
	fmt.Fprint(p.to, clearLine+line[:min(len(line), width)])
}

// bar draws how much of the whole there is, width characters wide.
func bar(part float64, width int) string {
	n := max(0, min(int(part*float64(width)), width))
	return "[" + strings.Repeat("=", n) + strings.Repeat(" ", width-n) + "]"
}

// end removes the line.
func (p *progress) end() {
	if p != nil {
		fmt.Fprint(p.to, clearLine)
	}
}
