package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// goal is a line of the table of goals: what is wanted of cells, and what they gave.
type goal struct {
	what, want string
	parts      []part
	why        string // where it is missed: the limit that was hit
	noted      string // the day and the commit of which profiles gave the figures in why, which are not made of results
}

// part is a figure that is wanted.
type part struct {
	text string // what was measured
	met  bool
	gone bool // it was not measured
}

func missing(what string) part { return part{text: what + " not measured", gone: true} }

// fasterThan wants the first of a cell to be so many times as fast as a peer.
func (r *results) fasterThan(label, cell string, p peer, least float64) part {
	f := r.of(cell, p)
	if f == nil || f.Ratio == nil {
		return missing(label)
	}
	return part{text: fmt.Sprintf("%s %.2f× (%.2f–%.2f)", label, f.Ratio[0], f.Ratio[1], f.Ratio[2]), met: f.Ratio[0] >= least}
}

// cpuWithin wants the processor time of the first of a cell to be at most so many times that of a peer.
func (r *results) cpuWithin(label, cell string, p peer, most float64) part {
	f := r.of(cell, p)
	if f == nil || f.CPURatio == 0 {
		return missing(label + " cpu")
	}
	return part{text: fmt.Sprintf("%s cpu %.2f×", label, 1/f.CPURatio), met: 1/f.CPURatio <= most}
}

// quantileWithin wants a quantile of the first of a cell to be at most so many times that of a peer.
func (r *results) quantileWithin(label, cell string, q int, p peer, most float64) part {
	f := r.of(cell, p)
	if f == nil || len(f.OfQuantiles) <= q {
		return missing(label)
	}
	return part{text: fmt.Sprintf("%s %.2f×", label, f.OfQuantiles[q]), met: f.OfQuantiles[q] <= most}
}

// nothingAllocated wants no allocations in a cell.
func (r *results) nothingAllocated(cell string) part {
	f := r.of(cell, ours)
	if f == nil {
		return missing("allocations")
	}
	return part{text: trim(f.Allocations) + " allocations", met: f.Allocations <= 0.1} // of what a collection drops, some are made anew
}

// within wants an operation to take at most so many seconds.
func (r *results) within(label, cell string, p peer, most float64) part {
	f := r.of(cell, p)
	if f == nil {
		return missing(label)
	}
	return part{text: label + " " + showTime(1/f.Rate), met: 1/f.Rate <= most}
}

// beyond returns how much more processor time than a peer's the first of a cell takes, a side.
func (r *results) beyond(label, cell string, p peer, most float64) part {
	a, b := r.of(cell, ours), r.of(cell, p)
	if a == nil || b == nil {
		return missing(label)
	}
	more := (a.CPU - b.CPU) / 2
	return part{text: fmt.Sprintf("%s %+.1f µs of processor a side", label, more*1e6), met: more <= most}
}

// asLargeAs wants what the first of a cell takes to be at most such a part of what a peer takes.
func (r *results) asLargeAs(label, cell string, p peer, most float64) part {
	f := r.of(cell, p)
	if f == nil || f.Ratio == nil {
		return missing(label)
	}
	text := fmt.Sprintf("%s %.2f×", label, 1/f.Ratio[0])
	if f.Ratio[1] != f.Ratio[2] {
		text += fmt.Sprintf(" (%.2f–%.2f)", 1/f.Ratio[2], 1/f.Ratio[1])
	}
	return part{text: text, met: 1/f.Ratio[0] <= most}
}

// notBehind wants no stream to be slower than these peers, beyond the noise. Where small batches were streamed with a buffer, too, that is
// what a peer is compared with.
func (r *results) notBehind(peers ...peer) part {
	compared, failing := 0, 0
	var behind []string
	for _, o := range r.Cells {
		kind, rest, _ := strings.Cut(o.Cell, "/")
		if kind != "stream" && kind != "buffered" {
			continue
		}
		for _, f := range o.Peers {
			for _, p := range peers {
				switch {
				case f.Peer != p || kind == "stream" && r.of("buffered/"+rest, p) != nil:
				case f.Failed != "":
					failing++
				default:
					if compared++; ahead(f) {
						behind = append(behind, fmt.Sprintf("%s in `%s` (%.2f×)", p, o.Cell, f.Ratio[0]))
					}
				}
			}
		}
	}
	if compared == 0 {
		return missing("streams of peers")
	}
	text := fmt.Sprintf("%d comparisons, of small batches with BufferBytes where that was measured, %d of them lost", compared, len(behind))
	if failing > 0 {
		text += fmt.Sprintf(", %d more in which the peer fails", failing)
	}
	if len(behind) > 0 {
		text += ": " + strings.Join(behind, ", ")
	}
	if alone := r.aheadAlone(peers...); len(alone) > 0 {
		text += fmt.Sprintf("; %d more without BufferBytes (listed below)", len(alone))
	}
	return part{text: text, met: len(behind) == 0}
}

// aheadAlone names the peers that are ahead of streams without a buffer, of those that were streamed with one too.
func (r *results) aheadAlone(peers ...peer) (list []string) {
	for _, o := range r.Cells {
		rest, ok := strings.CutPrefix(o.Cell, "stream/")
		if !ok {
			continue
		}
		for _, f := range o.Peers {
			if slices.Contains(peers, f.Peer) && f.Failed == "" && ahead(f) && r.of("buffered/"+rest, f.Peer) != nil {
				list = append(list, fmt.Sprintf("%s in `%s` (%.2f×)", f.Peer, o.Cell, f.Ratio[0]))
			}
		}
	}
	return list
}

// streamers are the peers that no stream is to be behind.
var streamers = []peer{pyarrow, flightPy, arrowRS, flightRS, lightstreamRS}

// atLeast wants the rate of a cell that checks contents to be at least that.
func (r *results) atLeast(cell string, p peer, least float64) part {
	f := r.of(cell, p)
	if f == nil {
		return missing(cell)
	}
	return part{text: f.Speed + " of offsets, indices and validity, not of text", met: f.Rate >= least}
}

// between returns how fast one peer of a cell is beside another, by what the first of the cell is beside both.
func (r *results) between(cell string, p, other peer) string {
	a, b := r.of(cell, p), r.of(cell, other)
	if a == nil || b == nil || a.Ratio == nil || b.Ratio == nil {
		return "(not measured)"
	}
	return fmt.Sprintf("%.2f×", b.Ratio[0]/a.Ratio[0])
}

// goals returns the lines of the table.
func (r *results) goals() []goal {
	overAll := func(of func(network string) []part) (list []part) {
		for _, n := range []string{"tcp", "uds", "pipe"} {
			list = append(list, of(n)...)
		}
		return list
	}
	large := func(network string) string { return "stream/mixed/" + network + "/rows=1M" }
	mapped := []part{
		r.within("one batch", "open/batches=1", ours, 60e-6),
		r.within("with pyarrow's alignment", "open/by=pyarrow/batches=1", ours, 60e-6),
		r.within("with three more columns", "open/mixed/batches=1", ours, 60e-6),
	}
	for _, p := range []peer{arrowGo, pyarrow, lightstreamRS} {
		mapped = append(mapped, r.fasterThan(string(p), "open/batches=1", p, 1))
	}
	wire := func(name string, least float64) goal {
		cell := "wire/" + name + "/mixed/rows=1M"
		why, noted := "", ""
		if name == "http2" {
			noted = "2026-11-28, 625d563"
			why = "bodies of net/http have no deadlines that leave a connection usable, so that all bytes are copied once more at either end, " +
				"which a profile has as a fifth of the time of each, and little else beside net/http and the kernel."
		}
		return goal{why: why, noted: noted, what: name + " against the same wire without Arrow", want: fmt.Sprintf("≥ %.2f×, cpu ≤ 1.15×", least), parts: []part{
			r.fasterThan("", cell, raw, least), r.cpuWithin("", cell, raw, 1.15),
		}}
	}
	text := func(cell string, p peer, least float64, other peer, leastOfOther float64) []part {
		cell = "text/" + cell
		return []part{r.fasterThan(string(p), cell, p, least), r.fasterThan(string(other), cell, other, leastOfOther), r.nothingAllocated(cell)}
	}
	var stored []part
	for _, verb := range []string{"read", "write"} {
		for _, of := range []string{"mixed/snappy", "mixed/zstd", "flights/snappy", "flights/zstd"} {
			stored = append(stored, r.fasterThan(verb+" "+of, "parquet/"+verb+"/"+of, arrowGo, 0.9))
		}
	}
	return []goal{
		{what: "encode 1,000 rows of M, against arrow-go", want: "≥ 12×, 0 allocations", parts: []part{
			r.fasterThan("", "encode/rows=1k", arrowGo, 12), r.nothingAllocated("encode/rows=1k"),
		}, why: "of lightstream it is 0.25 µs as before; arrow-go took 3.7 µs on 2026-11-28 at three in the morning, where this was 15×, and 2.8 to 3.1 µs at night, " +
			"also beside the same program of before. Why is not known; its garbage is a part of what it takes.", noted: "2026-11-28, 14248d3"},
		{what: "decode them, contents checked", want: "≥ 15×, 0 allocations", parts: []part{
			r.fasterThan("", "decode/rows=1k", arrowGo, 15), r.nothingAllocated("decode/rows=1k"),
		}, why: "a profile has the copy of 45 KB out of the source on top, which both do, and the checks of contents far below. Of lightstream it is 1.4 µs as before; " +
			"arrow-go, which makes 53 KB of garbage a batch, took 27 µs on 2026-11-28 at three in the morning, where this was 19×, and 12 to 13 µs at night, also beside the same " +
			"program of before. Why is not known.", noted: "2026-11-28, 14248d3"},
		{what: "stream them over TCP", want: "≥ 4× arrow-go, ≥ 2.5× with GOGC=1000, ≥ 1.8× arrow-rs", parts: []part{
			r.fasterThan("arrow-go", "stream/mixed/tcp/rows=1k", arrowGo, 4),
			r.fasterThan("GOGC=1000", "stream/mixed/tcp/rows=1k", arrowGoGC, 2.5),
			r.fasterThan("arrow-rs, with its buffer here too", "buffered/mixed/tcp/rows=1k", arrowRS, 1.8),
		}, why: "plain writes and reads of the same bytes, batch by batch, are " + r.between("buffered/mixed/tcp/rows=1k", raw, arrowRS) + " as fast as arrow-rs. " +
			"Profiles of batches that are sent alone have 79 to 83 % of the sender's time in writev and 6 % in encoding, and 86 to 91 % of the receiver's in read: the limit is the system's copy of each byte into and out of the socket.", noted: "2026-11-28, 8ddb5b9"},
		{what: "their round trip over TCP, against the same bytes raw", want: "p50 ≤ 1.25×, p99 ≤ 2×, ≤ 2 µs of processor a side", parts: []part{
			r.quantileWithin("p50", "roundtrip/tcp/rows=1k", 0, raw, 1.25),
			r.quantileWithin("p99", "roundtrip/tcp/rows=1k", 1, raw, 2),
			r.quantileWithin("p50 while the collector runs", "roundtrip/tcp/rows=1k/collecting", 0, raw, 1.25),
			r.quantileWithin("p99 while the collector runs", "roundtrip/tcp/rows=1k/collecting", 1, raw, 2),
			r.beyond("", "roundtrip/tcp/rows=1k", raw, 2e-6),
		}, why: "nine tenths of the time are system calls: a profile of the process has the kernel's copies (_copy_from_iter, _copy_to_iter), task switches " +
			"and its TCP in front, and no function of this project among the first forty. A message is one gathered write of its parts, 1.2 µs more than a write of as many " +
			"contiguous bytes; it is read by one call, into a slab that is taken when it has come. Encoding takes 0.25 µs of the 2.4 a side, decoding with a copy 1.4.", noted: "2026-11-28, 14248d3"},
		{what: "1 M-row batches of M over TCP, UDS, pipe, against raw", want: "≥ 0.9×, cpu ≤ 1.15×", parts: overAll(func(n string) []part {
			return []part{r.fasterThan(n, large(n), raw, 0.9), r.cpuWithin(n, large(n), raw, 1.15)}
		}), why: "contents are checked, which raw has none of: offsets, indices and bitmaps of a batch that no longer fits in the caches are read once more. " +
			"Profiles have 93 to 96 % of the sender's time in system calls over each of the three, and of the receiver's 79 to 87 %, with 1 to 8 % in these checks and 6 to 9 % in copying within the process.", noted: "2026-11-28, 8ddb5b9"},
		{what: "the same, against arrow-go IPC and Flight", want: "≥ 1.6×, ≥ 3.5×", parts: append(overAll(func(n string) []part {
			return []part{r.fasterThan(n, large(n), arrowGo, 1.6)}
		}), r.fasterThan("Flight", large("tcp"), flight, 3.5)), why: "the system's copies into and out of sockets are the limit, and arrow-go is near to it: plain writes and " +
			"reads of the same bytes are " + r.between(large("tcp"), raw, arrowGo) + " as fast as arrow-go over TCP, " + r.between(large("uds"), raw, arrowGo) +
			" over a Unix socket, " + r.between(large("pipe"), raw, arrowGo) + " through a pipe, and " + r.between(large("tcp"), raw, flight) + " as fast as Flight. " +
			"Profiles of arrow-go's receiver have 51 to 74 % of its time in read, and 19 to 28 % in clearing memory for each batch anew, which this project's does not.", noted: "2026-11-28, 8ddb5b9"},
		{what: "no stream behind pyarrow, arrow-rs, the Rust lightstream, or their Flight", want: "beyond the noise", parts: []part{
			r.notBehind(streamers...),
		}, why: "small batches are compared with BufferBytes of 256 KiB, which arrow-rs, its Flight and the Rust lightstream have by themselves; without it each batch " +
			"of ten rows is a system call at either end, which the cells that begin with stream show. Of batches of numbers in 1 M rows " +
			"nobody does more than the system's copies, and plain writes and reads in Go are as far behind pyarrow as this project is: profiles have 88 to 97 % of the receiver's time here, 93 and 94 % of raw's, " +
			"and 93 to 96 % of the senders', in system calls. strace shows that pyarrow sends a column of 8 MB by one blocking call and receives by blocking calls, without a wait in epoll and " +
			"a goroutine that is woken between; a program in Go that does so too takes 0.89 (Unix socket) and 0.93 (TCP) of the processor time, and with huge pages 0.83 and 0.82. " +
			"Calls that block have no deadlines and no cancellation. SO_RCVLOWAT, reads of 1 MiB and huge pages alone were tried (docs/kernels.md), and the first two gained nothing. Huge pages gained up to 15 % of the processor time on a machine in use, more over a Unix socket than over TCP (sizes/huge-pages).", noted: "2026-11-28, 8ddb5b9"},
		{what: "rows to columns, 1 M structs of six 8-byte fields", want: "≥ 4× arrow-go, ≥ 0.5× of memcpy", parts: []part{
			r.fasterThan("arrow-go", "append/numbers=1M", arrowGo, 4), r.fasterThan("memcpy", "append/numbers=1M", raw, 0.5),
		}, why: "each field is read at a stride of 48 bytes, so that a struct passes through the first cache in blocks, once for each column, and is written past the caches; the copy reads and writes one line after another. " +
			"A profile has 95 % of the time in these loops.", noted: "2026-11-28, a7bfd42"},
		{what: "bool pack, UTF-8 of mixed text, offset check, against scalar Go that is not the package's own", want: "≥ 10×, ≥ 8×, ≥ 4×", parts: []part{
			r.fasterThan("bools", "kernel/bool-pack", scalar, 10), r.fasterThan("UTF-8", "kernel/utf8", scalar, 8), r.fasterThan("offsets", "kernel/offsets", scalar, 4),
		}},
		{what: "memory map of 100 M × 4, views", want: "≤ 60 µs, fastest of all", parts: mapped},
		{what: "the same in 100 batches", want: "≤ 300 µs", parts: []part{
			r.within("", "open/batches=100", ours, 300e-6), r.within("with pyarrow's alignment", "open/by=pyarrow/batches=100", ours, 300e-6),
			r.within("with three more columns", "open/mixed/batches=100", ours, 300e-6),
		}},
		{what: "binary and cold build of a typed TCP program, beside those of arrow-go's ipc", want: "≤ 0.5× of its size, ≤ 0.5× of its time", parts: []part{
			r.asLargeAs("binary", "build/size", arrowGo, 0.5), r.asLargeAs("build", "build/cold", arrowGo, 0.5),
		}, why: "a program that dials TCP and prints a line, with Go's standard library alone, has 3.4 MB already. Of the symbols of ours, by go tool nm, " +
			"Go's runtime has 0.70 MB, all packages of this project 0.32, package net 0.13: the decoder of any schema, as a stream may have columns " +
			"that the table has not, with its checks, and the conversions to the types of the table. An empty cache has the standard library built too, by both.", noted: "2026-11-28, fa71f97"},
		wire("ws", 0.85), wire("quic", 0.9), wire("http2", 0.85), wire("tls", 0.9),
		{what: "streams over TCP, against arrow-go Flight DoGet", want: "≥ 3×", parts: []part{
			r.fasterThan("numeric", "stream/numeric/tcp/rows=1M", flight, 3), r.fasterThan("mixed", "stream/mixed/tcp/rows=1M", flight, 3),
			r.fasterThan("strings", "stream/strings/tcp/rows=1M", flight, 3), r.fasterThan("small", "stream/mixed/tcp/rows=1k", flight, 3),
		}, why: "of 1 M rows, plain writes and reads of the same bytes are " + r.between("stream/numeric/tcp/rows=1M", raw, flight) + " as fast as Flight with numbers, " +
			r.between(large("tcp"), raw, flight) + " with the reference batch, " + r.between("stream/strings/tcp/rows=1M", raw, flight) + " with strings."},
		{what: "fan-out to 100 readers costs one encode", want: "cpu ≤ 1.15× of sending bytes that are ready", parts: []part{
			r.cpuWithin("", "fanout/uds/readers=100", raw, 1.15),
		}},
		{what: "ZSTD stream of 1,000-row batches, against arrow-go", want: "≥ 3×, 0 allocations", parts: []part{
			r.fasterThan("", "stream/zstd/tcp/rows=1k", arrowGo, 3), r.nothingAllocated("stream/zstd/tcp/rows=1k"),
		}, why: "a profile of encoding has 99 % of the time in the library's own EncodeAll and 55 % in its blockEnc.encode, the tables of the entropy coder " +
			"and its codes; arrow-go encodes with the same library. The sender is what the stream waits for, so that only a library that encodes faster would move it.", noted: "2026-11-28, 4142778"},
		{what: "checking the contents of text columns of 1 M rows", want: "≥ 4 GiB/s of what is read for it, ≤ 10 % of receiving over TCP", parts: []part{
			r.atLeast("contents/check/rows=1M", ours, 4*(1<<30)),
			r.fasterThan("with it, beside without:", "contents/strings/tcp/rows=1M", structure, 0.9),
			r.fasterThan("name and category alone:", "contents/texts/tcp/rows=1M", structure, 0.9),
		}},
		{
			what: "typed CSV of M, read on one processor", want: "≥ 3× encoding/csv with strconv, ≥ 5× arrow-go, 0 allocations a row", parts: text("csv/read", encodingCSV, 3, arrowGo, 5),
			why: "encoding/csv takes about 300 ns a row, of six fields and 80 bytes. Of the time here a profile has 18 % in floats, whose digits are 16 to 18, 16 % in the dictionary, 12 % in finding records, a third of it in the kernel, " +
				"11 % in reading into chunks, counting lines and checking UTF-8, 10 % each in integers and timestamps, 8 % in bools, and the rest in text and in new memory.",
			noted: "2026-11-28, 1c34e62",
		},
		{
			what: "typed CSV of M, printed on one processor", want: "≥ 3× encoding/csv with strconv, ≥ 5× arrow-go, 0 allocations a row", parts: text("csv/print", encodingCSV, 3, arrowGo, 5),
			why:   "arrow-go prints about as fast as encoding/csv does, on which it is built. Of the time here a profile has 44 % in floats, 10 % each in timestamps and short texts, 5 % in the values of the dictionary and 5 % in putting the texts of a row side by side.",
			noted: "2026-11-28, 1c34e62",
		},
		{what: "typed NDJSON of M, read on one processor", want: "≥ 4× encoding/json, ahead of go-json, 0 allocations a row", parts: text("ndjson/read", encodingJSON, 4, goJSON, 1)},
		{what: "typed NDJSON of M, printed on one processor", want: "≥ 4× encoding/json, ahead of go-json, 0 allocations a row", parts: text("ndjson/print", encodingJSON, 4, goJSON, 1)},
		{what: "CSV of M whose types are inferred, read on one processor", want: "≥ 3× arrow-go; pyarrow and polars are measured", parts: []part{
			r.fasterThan("arrow-go", "text/csv/read/untyped", arrowGo, 3),
			r.fasterThan("pyarrow", "text/csv/read/untyped", pyarrow, 0), r.fasterThan("polars", "text/csv/read/untyped", polars, 0),
		}},
		{
			what: "Parquet, read and written on one processor", want: "≥ 0.9× arrow-go's own reader and writer", parts: stored,
			why:   "pages are encoded and compressed by arrow-go on both sides. Reading checks the headers of pages first and what arrow-go does not, about a tenth of the time of small files.",
			noted: "2026-11-28, 0fd18aa",
		},
	}
}

func (r *results) goalTable(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## Goals\n\n| what | goal | measured | |\n| --- | --- | --- | --- |\n")
	var notes []string
	for _, g := range r.goals() {
		var texts []string
		met, gone := true, 0
		for _, p := range g.parts {
			text := strings.TrimSpace(p.text)
			switch {
			case p.gone:
				gone++
			case !p.met:
				met = false
				text = "**" + text + "**"
			}
			texts = append(texts, text)
		}
		verdict := "met"
		switch {
		case gone == len(g.parts):
			verdict = "not measured"
		case !met:
			verdict = "not met"
			if g.why != "" {
				noted := ""
				if g.noted != "" {
					noted = " (Noted " + g.noted + ".)"
				}
				notes = append(notes, fmt.Sprintf("- %s: %s%s\n", g.what, g.why, noted))
			}
		case gone > 0:
			verdict = "not all measured"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", g.what, g.want, strings.Join(texts, "; "), verdict)
	}
	fmt.Fprintf(b, "\nWhat misses its goal is in bold.\n")
	if len(notes) > 0 {
		fmt.Fprintf(b, "\nWhere a goal is missed:\n\n%s", strings.Join(notes, ""))
	}
	if list := r.remarks(); len(list) > 0 {
		fmt.Fprintf(b, "\nWhat else belongs to these lines:\n\n- %s\n", strings.Join(list, "\n- "))
	}
}

// remarks say what the figures of the goals do not, and where a peer is ahead in what is no goal.
func (r *results) remarks() (list []string) {
	if f := r.of("encode/rows=1k", ours); f != nil {
		list = append(list, "Encoding 1,000 rows, 45 KB, takes "+showTime(1/f.Rate)+" because bodies are not copied: the memory of the columns itself is handed on, "+
			"for one gathered write, and what is timed is the message before it. Sending copies each byte, which the streams have.")
	}
	if r.of("kernel/bool-pack", scalar) != nil {
		list = append(list, "Scalar Go in the cells `kernel/…` is a loop that knows nothing of this package: eight bools at a time without branches, `utf8.Valid`, and one offset after "+
			"the other. The loops that package internal/asm has for other processors are faster for bools and offsets, and call `utf8.Valid` too; [kernels.md](kernels.md) compares with those.")
	}
	if alone := r.aheadAlone(streamers...); len(alone) > 0 {
		list = append(list, fmt.Sprintf("%d peers are ahead of streams of small batches without BufferBytes, and are compared with it above: ", len(alone))+strings.Join(alone, ", ")+".")
	}
	lost := func(begin string) (list []string) {
		for _, o := range r.Cells {
			for _, f := range o.Peers {
				if strings.HasPrefix(o.Cell, begin) && ahead(f) {
					list = append(list, fmt.Sprintf("%s in `%s` (%.2f×)", f.Peer, o.Cell, f.Ratio[0]))
				}
			}
		}
		return list
	}
	if rows := lost("rows/"); len(rows) > 0 {
		list = append(list, "Making structs of batches is no goal; there a loop over arrow-go's accessors, which copies no texts, is ahead: "+strings.Join(rows, ", ")+".")
	}
	if sums := lost("open-sum/"); len(sums) > 0 {
		list = append(list, "Opening a mapped file is a goal, adding up one of its columns is none: there the time is that of the loop that adds, here one of plain Go, and ahead are "+strings.Join(sums, ", ")+".")
	}
	if f, g := r.of("stream/mixed/tcp/rows=1k", arrowGo), r.of("stream/mixed/tcp/rows=1k", arrowGoGC); f != nil && g != nil && g.Rate < f.Rate {
		list = append(list, "GOGC=1000 makes arrow-go slower here in the small streams, where a collector that runs less often ought to help. No reason was found, and it did not repeat: "+
			"two later runs of `stream/mixed/tcp/rows=1k` on the machine in use had it 1.3 times as fast as the default (noted 2026-11-28). The figures are as they were measured.")
	}
	return list
}
