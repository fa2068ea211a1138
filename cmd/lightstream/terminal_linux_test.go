package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// pseudoTerminal is a terminal of 40 columns and what a person sees on it.
type pseudoTerminal struct {
	*os.File // the end of the command
	person   *os.File
	done     chan struct{}

	mu   sync.Mutex
	seen strings.Builder
	news chan struct{} // there is more
}

func newTerminal(t *testing.T) *pseudoTerminal {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals: ", err)
	}
	fd := int(person.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 10, Col: 40})
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminals: ", err)
	}
	p := &pseudoTerminal{File: f, person: person, done: make(chan struct{}), news: make(chan struct{}, 1)}
	go func() {
		defer close(p.done)
		buf := make([]byte, 4096)
		for {
			n, err := person.Read(buf)
			p.mu.Lock()
			p.seen.Write(buf[:n])
			p.mu.Unlock()
			select {
			case p.news <- struct{}{}:
			default:
			}
			if err != nil { // the other end is closed
				return
			}
		}
	}()
	t.Cleanup(func() {
		f.Close()
		<-p.done
		person.Close()
	})
	return p
}

// text returns all that was shown, once the command's end is closed.
func (p *pseudoTerminal) text() string {
	p.Close()
	<-p.done
	return p.seen.String()
}

func (p *pseudoTerminal) shows(what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Contains(p.seen.String(), what)
}

// TestTableOnTerminal prints a table that is cut at the terminal's edge, and refuses Arrow there and on a keyboard.
func TestTableOnTerminal(t *testing.T) {
	null := devNull(t)
	p := newTerminal(t)
	if status := run(context.Background(), []string{"cat", flights, "--head", "2"}, std{null, p.File, null}); status != exitFine {
		t.Errorf("status %d", status)
	}
	lines := strings.Split(strings.TrimRight(p.text(), "\r\n"), "\r\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "date ") || !strings.HasPrefix(lines[3], "2001-01-01T00:01:00.000000 ") {
		t.Errorf("%q", lines)
	}
	for _, l := range lines {
		if n := len([]rune(l)); n > 40 || !strings.HasSuffix(l, "…") {
			t.Errorf("%q has %d columns of 40", l, n)
		}
	}
	for _, args := range [][]string{{"cat", flights, "--to", "arrow"}, {"copy", flights, "-", "--to", "file"}, {"cat", "-"}, {"inspect", "-"}, {"schema", "-"}} {
		p := newTerminal(t)
		told := newTerminal(t)
		if status := run(context.Background(), args, std{p.File, p.File, told.File}); status != exitUsage || !strings.Contains(told.text(), "is a terminal") {
			t.Errorf("%v: status %d, %q", args, status, told.text())
		}
		if text := p.text(); text != "" {
			t.Errorf("%v printed %q", args, text)
		}
	}
}

// TestProgress feeds a copy until the terminal tells of it, which is then as if it had not: nothing of it is left, and nothing goes to
// where the table goes.
func TestProgress(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		in, feed, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p := newTerminal(t)
		out := filepath.Join(t.TempDir(), "x.arrow")
		fed := make(chan error, 1)
		go func() {
			defer feed.Close()
			w := ipc.NewWriter(plainWriter{feed}, &ipc.Schema{Fields: []ipc.Field{{Name: "n", Type: ipc.Int64}}}, nil)
			const rows = 1000
			columns := []column.Data{{Len: rows, Buffers: [3][]byte{nil, make([]byte, 8*rows)}}}
			limit := time.Now().Add(time.Minute)
			for i := 0; !p.shows("rows") && (!quiet || i < 100); i++ {
				if time.Now().After(limit) {
					fed <- fmt.Errorf("no progress in a minute")
					return
				}
				if err := w.Write(context.Background(), rows, columns); err != nil {
					fed <- err
					return
				}
				select {
				case <-p.news:
				case <-time.After(time.Millisecond): // a pace, so that the file stays small
				}
			}
			fed <- w.Close()
		}()
		args := []string{"copy", "-", out}
		if quiet {
			args = append(args, "-q")
		}
		status := run(context.Background(), args, std{in, p.File, p.File})
		if err := <-fed; err != nil || status != exitFine {
			t.Fatal(status, err)
		}
		in.Close()
		text := p.text()
		switch {
		case quiet && text != "":
			t.Errorf("with -q it shows %q", text)
		case !quiet && (!strings.HasPrefix(text, clearLine) || !strings.Contains(text, ",000 rows, ") || !strings.HasSuffix(text, clearLine) || strings.Contains(text, "\n")):
			t.Errorf("it shows %q", text)
		}
	}
}

// wide makes a terminal of so many columns.
func (p *pseudoTerminal) wide(t *testing.T, columns uint16) *pseudoTerminal {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(p.person.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 10, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestProgressOfFile wants how much is left to be told of a source whose size is known, in one line of the terminal.
func TestProgressOfFile(t *testing.T) {
	src := &source{size: 4 << 20, stats: func() ipc.Stats { return ipc.Stats{Bytes: 1 << 20} }}
	null := devNull(t)
	for columns, want := range map[uint16]string{
		120: "[=====               ]  25 %  1,234 rows, 1.0 MiB, ",
		60:  "[==       ]  25 %  1,234 rows, 1.0 MiB, ",
		48:  " 25 %  1,234 rows, 1.0 MiB, ",
		20:  " 25 %  1,234 rows, ",
	} {
		p := newTerminal(t).wide(t, columns)
		shown := newProgress(src, &destination{file: null}, &options{}, std{null, null, p.File})
		shown.start = time.Now().Add(-10 * time.Second)
		shown.last = shown.start
		shown.add(1234)
		shown.last = time.Now().Add(time.Hour)
		shown.add(1) // too soon to be shown
		shown.end()
		text := p.text()
		line := strings.TrimSuffix(strings.TrimPrefix(text, clearLine), clearLine)
		if !strings.HasPrefix(line, want) || len(line) >= int(columns) || columns > 30 && !strings.HasSuffix(line, "s left") || strings.Contains(text, "1,235") {
			t.Errorf("%d columns: %q, want %q", columns, text, want)
		}
	}
	p := newTerminal(t)
	if newProgress(src, &destination{file: null}, &options{quiet: true}, std{null, null, p.File}) != nil || newProgress(src, &destination{file: null}, &options{}, std{null, null, null}) != nil ||
		newProgress(src, &destination{file: p.File}, &options{}, std{null, p.File, p.File}) != nil {
		t.Error("progress that nobody wants or sees")
	}
}

// TestProgressOfSeveral copies a directory, and several files, into a directory: the bar and the bytes are those of all, from the first on.
func TestProgressOfSeveral(t *testing.T) {
	ctx := context.Background()
	dir, null := t.TempDir(), devNull(t)
	if status := run(ctx, []string{"copy", flights, dir + "/in/", "--to", "file", "--max-rows", "10000", "-q"}, std{null, null, os.Stderr}); status != exitFine {
		t.Fatal("status", status)
	}
	files, err := filepath.Glob(dir + "/in/*.arrow")
	if err != nil || len(files) != 5 {
		t.Fatal(len(files), err)
	}
	o := &options{head: -1, given: func(string) bool { return false }}
	for i, from := range [][]string{{dir + "/in"}, files} {
		src, err := openSources(ctx, from, o, std{}, ipc.UTF8)
		if err != nil {
			t.Fatal(err)
		}
		dst, err := createDirectory(fmt.Sprintf("%s/out%d/", dir, i), formatFile, nil, src.schema, o)
		if err != nil {
			t.Fatal(err)
		}
		p := newTerminal(t).wide(t, 120)
		shown := newProgress(src, dst, o, std{null, null, p.File})
		shown.start = time.Now().Add(-10 * time.Second)
		for range 3 {
			b, err := src.next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := dst.files.write(ctx, b.Len(), src.pick(b), nil); err != nil {
				t.Fatal(err)
			}
			shown.last = shown.start
			shown.add(b.Len())
			b.Release()
		}
		shown.end()
		if err := src.close(); err != nil {
			t.Error(err)
		}
		dst.abort()
		line := regexp.MustCompile(`\[=* +\] +[1-9]\d* %  15,000 rows, [1-9][0-9.]* [KM]iB, [1-9][0-9.]* [KM]iB/s, [1-9][0-9.]* [KM]iB out, [1-9]\d*m?\d*s left`)
		if text := p.text(); !line.MatchString(text) {
			t.Errorf("%v: %q", from, text)
		}
	}
}

func devNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
