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
	if p.out.out != nil {
		line += ", " + humanize.IBytes(uint64(p.out.out.n)) + " out"
	}
	if p.src.size > 0 && rate > 0 {
		left := time.Duration(float64(p.src.size-bytes) / rate * float64(time.Second)).Round(time.Second)
		line = fmt.Sprintf("%s %3.0f %%  %s, %v left", bar(float64(bytes)/float64(p.src.size)), 100*float64(bytes)/float64(p.src.size), line, max(left, 0))
	}
	fmt.Fprint(p.to, clearLine+line)
}

// bar draws how much of the whole there is.
func bar(part float64) string {
	const width = 20
	n := max(0, min(int(part*width), width))
	return "[" + strings.Repeat("=", n) + strings.Repeat(" ", width-n) + "]"
}

// end removes the line.
func (p *progress) end() {
	if p != nil {
		fmt.Fprint(p.to, clearLine)
	}
}
