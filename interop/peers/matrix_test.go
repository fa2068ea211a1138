package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// result is what became of a cell.
type result struct {
	peer    string
	toPeer  bool
	kase    string
	medium  medium
	failure string  // "" is as expected
	refused string  // as it should: the message
	cannot  *cannot // as is known
	worked  bool    // although it need not
}

// cannot is a cell that does not work, and why. It is run all the same: when it works, or fails otherwise, the list is stale
// and the run fails.
type cannot struct {
	peer    string
	toPeer  bool
	cases   []string // nil for all
	media   []medium
	who     string // whose message it is
	message string // part of it
	why     string
	atTimes bool // it may work as well
}

func (c *cannot) has(r *result) bool {
	if c.peer != r.peer || c.toPeer != r.toPeer {
		return false
	}
	in := false
	for _, m := range c.media {
		in = in || m == r.medium
	}
	for _, k := range c.cases {
		if in && k == r.kase {
			return true
		}
	}
	return in && c.cases == nil // all
}

// judge compares an outcome with what is expected of the cell.
func (r *result) judge(k *kase, who string, err error) {
	for i := range known {
		if known[i].has(r) && r.cannot == nil {
			r.cannot = &known[i]
		}
	}
	switch {
	case r.cannot != nil && r.cannot.atTimes && err == nil:
		r.worked = true
	case r.cannot != nil && err == nil:
		r.failure = fmt.Sprintf("it works: take it out of known (%q)", r.cannot.message)
	case r.cannot != nil && (who != r.cannot.who || !strings.Contains(err.Error(), r.cannot.message)):
		r.failure = fmt.Sprintf("%s: %v; known is %s: %q", who, err, r.cannot.who, r.cannot.message)
	case r.cannot != nil:
	case k.refusal != "" && err == nil:
		r.failure = fmt.Sprintf("no error, want one with %q", k.refusal)
	case k.refusal != "" && (who != us || !strings.Contains(err.Error(), k.refusal)):
		r.failure = fmt.Sprintf("%s: %v; want an error with %q", who, err, k.refusal)
	case k.refusal != "":
		r.refused = k.refusal
	case err != nil:
		r.failure = fmt.Sprintf("%s: %v", who, err)
	}
}

// line is the cell's line in the output.
func (r *result) line() string {
	from, to := us, r.peer
	if !r.toPeer {
		from, to = to, from
	}
	state := "ok     "
	switch {
	case r.failure != "":
		state = "FAILED "
	case r.refused != "":
		state = "refused"
	case r.cannot != nil && !r.worked:
		state = "cannot "
	}
	return fmt.Sprintf("%s  %-11s -> %-11s  %-16v  %s", state, from, to, r.medium, r.kase)
}

type resultList struct {
	all   []result
	files []string // lines about files that were read
	types []typeResult
	wires []string // lines of TestParallel and TestHTTP
}

var results resultList

func (l *resultList) add(r result) { l.all = append(l.all, r) }

func (l *resultList) count() int { return len(l.all) + len(l.types) + len(l.wires) }

func (l *resultList) complete() bool {
	want := 0
	for _, p := range peers {
		want += len(p.media) * (len(p.written()) + len(p.cases()))
	}
	readings := len(everyTypes()) * (2*len(typePeers) + 1) // lightstream-io also writes
	return len(l.all) == want && len(l.types) == readings && len(l.files) != 0 && len(l.wires) == wireCells
}

// unused returns the known failures that no cell had.
func (l *resultList) unused() (lines []string) {
	for i := range known {
		used := false
		for k := range l.all {
			used = used || l.all[k].cannot == &known[i]
		}
		if !used {
			lines = append(lines, fmt.Sprintf("interop: no cell is as known[%d] says: %q", i, known[i].message))
		}
	}
	for i := range knownTypes {
		used := false
		for k := range l.types {
			used = used || l.types[k].cannot == &knownTypes[i]
		}
		if !used {
			lines = append(lines, fmt.Sprintf("interop: no type is as knownTypes[%d] says: %q", i, knownTypes[i].message))
		}
	}
	return lines
}

func (l *resultList) summary() string {
	var ok, refused, cannot, failed int
	for i := range l.all {
		switch r := &l.all[i]; {
		case r.failure != "":
			failed++
		case r.refused != "":
			refused++
		case r.cannot != nil && !r.worked:
			cannot++
		default:
			ok++
		}
	}
	for i := range l.types {
		switch r := &l.types[i]; {
		case r.failure != "":
			failed++
		case r.cannot != nil:
			cannot++
		default:
			ok++
		}
	}
	ok += len(l.wires)
	return fmt.Sprintf("interop: %d cells: %d passed value by value, %d were refused as they should be, %d that cannot work failed as listed, %d failed; "+
		"%d files of other writers were as expected", l.count(), ok, refused, cannot, failed, len(l.files))
}

// markdown is docs/interop.md. It has no times and no places: the same results give the same bytes.
func (l *resultList) markdown() []byte {
	var b bytes.Buffer
	b.WriteString(intro)
	b.WriteString(versions())
	for _, name := range peerNames {
		p := peers[name]
		for _, toPeer := range []bool{true, false} {
			title, cases := us+" writes, "+name+" reads", p.written()
			if !toPeer {
				title, cases = name+" writes, "+us+" reads", p.cases()
			}
			fmt.Fprintf(&b, "\n## %s\n\n| case | what is sent |", title)
			for _, m := range p.media {
				fmt.Fprintf(&b, " %v |", m)
			}
			b.WriteString("\n| --- | --- |" + strings.Repeat(" --- |", len(p.media)) + "\n")
			for _, k := range cases {
				fmt.Fprintf(&b, "| %s | %s |", escape(k.name), escape(k.about))
				for _, m := range p.media {
					fmt.Fprintf(&b, " %s |", l.mark(name, toPeer, k, m))
				}
				b.WriteString("\n")
			}
			if !toPeer && name == "polars" {
				b.WriteString("\npolars writes a frame into a stream as one batch with one dictionary for each column: of several batches, of none, and of dictionaries that grow or are replaced there is nothing to read.\n")
			}
		}
	}
	b.WriteString("\n## Parallel streams, HTTP and curl\n\n| writes | reads | what | |\n| --- | --- | --- | --- |\n" + strings.Join(l.wires, "\n") + "\n")
	l.typeTable(&b)
	fmt.Fprintf(&b, "\n## Files of other writers\n\nThey are in `internal/testdata/peers`, and are read with each `go test`: all columns by the untyped readers, and those of a table by the typed ones.\n\n")
	b.WriteString("| file | writer | rows | read |\n| --- | --- | --- | --- |\n" + strings.Join(l.files, "\n") + "\n")
	b.WriteString("\n## What cannot be\n\nEach of these is run, and has to fail with this message.\n\n| | whose message | message | why |\n| --- | --- | --- | --- |\n")
	for i, c := range known {
		fmt.Fprintf(&b, "| %d | %s | `%s` | %s |\n", i+1, c.who, escape(c.message), escape(c.why))
	}
	fmt.Fprintf(&b, "\nAnd of single types:\n\n| | type | whose message | message | why |\n| --- | --- | --- | --- | --- |\n")
	for i, c := range knownTypes {
		types := strings.Split(c.types, "|")
		for k, t := range types {
			if types[k] = "`" + t + "`"; t == "*" {
				types[k] = "all"
			}
		}
		what := strings.Join(types, ", ")
		if c.only != "" {
			what += ", in a " + c.only
		}
		if c.back {
			what += ", written"
		}
		fmt.Fprintf(&b, "| T%d | %s | %s | `%s` | %s |\n", i+1, what, c.peer, escape(c.message), escape(c.why))
	}
	return b.Bytes()
}

// typeTable writes the table of types.
func (l *resultList) typeTable(b *bytes.Buffer) {
	b.WriteString(typesIntro + "\n| type |")
	for _, name := range typePeers {
		fmt.Fprintf(b, " %s |", strings.TrimPrefix(name, "@uwdata/"))
	}
	b.WriteString(" lightstream-io writes |\n| --- |" + strings.Repeat(" --- |", len(typePeers)+1) + "\n")
	for _, e := range everyTypes() {
		fmt.Fprintf(b, "| %s |", escape(e.name()))
		for _, name := range typePeers {
			stream, file := l.typeMark(e.name(), name, false, false), l.typeMark(e.name(), name, true, false)
			if stream != file {
				stream = fmt.Sprintf("stream %s, file %s", stream, file)
			}
			fmt.Fprintf(b, " %s |", stream)
		}
		fmt.Fprintf(b, " %s |\n", l.typeMark(e.name(), "lightstream-io", false, true))
	}
}

func (l *resultList) typeMark(typ, peer string, file, back bool) string {
	for i := range l.types {
		r := &l.types[i]
		if r.typ != typ || r.peer != peer || r.file != file || r.back != back {
			continue
		}
		for i := range knownTypes {
			if r.cannot == &knownTypes[i] {
				return fmt.Sprintf("no (T%d)", i+1)
			}
		}
		return "yes"
	}
	return "not run"
}

const typesIntro = `
## Every type

Of each type the untyped writers of package ipc write a stream and a file of two batches, with a column that has nulls and one that
has none; each peer reads both, and each value is compared. *yes* is for both. DuckDB has no reader of its own here: pyarrow opens the
file, and DuckDB scans its batches. flechette is the npm package @uwdata/flechette. In the last column the Rust Lightstream has
written the values anew, as a stream that this side's untyped reader reads.
`

func (l *resultList) mark(peer string, toPeer bool, k *kase, m medium) string {
	for i := range l.all {
		r := &l.all[i]
		if r.peer != peer || r.toPeer != toPeer || r.kase != k.name || r.medium != m {
			continue
		}
		switch {
		case r.cannot != nil:
			for i := range known {
				if r.cannot == &known[i] && known[i].atTimes {
					return fmt.Sprintf("at times (%d)", i+1)
				}
				if r.cannot == &known[i] {
					return fmt.Sprintf("no (%d)", i+1)
				}
			}
		case r.refused != "":
			return "refused"
		}
		return "yes"
	}
	return "not run"
}

func escape(s string) string { return strings.NewReplacer("|", `\|`, "<", `\<`, "\n", " ").Replace(s) }

const intro = `# Interoperability

Written by ` + "`make interop`" + `; do not edit. One side writes, the other reads in another process, and each value, each type and
(where the peer keeps them) each batch and each column's nullability are compared. This side reads with the typed reader of a
generated table: by batches, by rows, and from files also without realigning and with memory that is used again. lightstream-io is the
Python package of the Rust Lightstream; the cases that say so exchange frames of the Lightstream protocol, all others Arrow streams.

*yes*: the values arrived. *refused*: an error is what has to come, and came. *no (n)* and *at times (n)*: see the end.

`

// versions returns the pinned versions as a sentence.
func versions() string {
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		panic(err)
	}
	_, version, _ := strings.Cut(string(text), "github.com/apache/arrow-go/v18 v")
	version, _, _ = strings.Cut(version, "\n")
	return "Versions: arrow-go " + version + ", " + strings.Join(pins(), ", ") + ".\n"
}

// pins returns the names and versions of requirements.txt and package.json.
func pins() (pins []string) {
	text, err := os.ReadFile("requirements.txt")
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, version, ok := strings.Cut(strings.TrimSpace(line), "=="); ok {
			pins = append(pins, name+" "+version)
		}
	}
	var js struct{ Dependencies map[string]string }
	if text, err = os.ReadFile("package.json"); err == nil {
		err = json.Unmarshal(text, &js)
	}
	if err != nil {
		panic(err)
	}
	for _, name := range slices.Sorted(maps.Keys(js.Dependencies)) {
		pins = append(pins, name+" "+js.Dependencies[name])
	}
	return pins
}
