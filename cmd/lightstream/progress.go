package main

import (
	"fmt"
	"os"
	"time"

	"github.com/dustin/go-humanize"
)

// progress tells a person at a terminal how far a long copy has come. A nil progress tells nothing.
type progress struct {
	to    *os.File
	src   *source
	rows  int64
	start time.Time
	last  time.Time
}

// newProgress returns nil where nobody would see it, or where the table itself goes to the terminal.
func newProgress(src *source, to *os.File, o *options, std std) *progress {
	if o.quiet || !isTerminal(std.err) || to != nil && isTerminal(to) {
		return nil
	}
	now := time.Now()
	return &progress{to: std.err, src: src, start: now, last: now.Add(time.Second / 2)} // short work shows nothing
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
	if p.src.size > 0 && rate > 0 {
		left := time.Duration(float64(p.src.size-bytes) / rate * float64(time.Second)).Round(time.Second)
		line = fmt.Sprintf("%3.0f %%  %s, %v left", 100*float64(bytes)/float64(p.src.size), line, max(left, 0))
	}
	fmt.Fprint(p.to, clearLine+line)
}

// end removes the line.
func (p *progress) end() {
	if p != nil {
		fmt.Fprint(p.to, clearLine)
	}
}
