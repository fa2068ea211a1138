package peers

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// patience is how long a cell may take.
const patience = 60 * time.Second

// worker is a process of peer.py. It answers one request at a time.
type worker struct {
	peer string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	owed int // answers that were not waited for

	dir  string // of its socket, if it has one
	port int    // on which it listens, if it does
}

// request is what peer.py is asked. See its head.
type request struct {
	Op      string  `json:"op"`
	Format  string  `json:"format"`
	Path    string  `json:"path,omitempty"`
	Dial    int     `json:"dial,omitempty"`
	Listen  bool    `json:"listen,omitempty"`
	URI     string  `json:"uri,omitempty"`    // instead, for a peer that connects by itself
	Accept  bool    `json:"accept,omitempty"` // at the URI, instead of dialling
	From    string  `json:"from,omitempty"`
	Schema  []field `json:"schema,omitempty"`
	Batches []batch `json:"batches"`
	Options options `json:"options"`

	Types []columnType `json:"types,omitempty"` // of every_type.py
	Out   string       `json:"out,omitempty"`

	Members []talkMember `json:"members,omitempty"` // of a protocol
	Frames  []talkFrame  `json:"frames,omitempty"`
}

// field is a column of a schema, with its type as the peer at hand has it.
type field struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable"`
}

// options say how a peer writes.
type options struct {
	Dictionaries string  `json:"dictionaries,omitempty"` // "all", "grow" or "replace"
	NullValues   bool    `json:"null_values,omitempty"`  // nulls stand in the dictionaries
	Deltas       bool    `json:"deltas,omitempty"`
	Unify        bool    `json:"unify,omitempty"`
	Slice        *[2]int `json:"slice,omitempty"` // rows before and after what is sent
	Compression  string  `json:"compression,omitempty"`
	Legacy       bool    `json:"legacy,omitempty"`
	Oldest       bool    `json:"oldest,omitempty"` // polars: its oldest level of compatibility
}

// answer is what peer.py answers.
type answer struct {
	OK       bool              `json:"ok"`
	Error    string            `json:"error"`
	Version  string            `json:"version"`
	Port     int               `json:"port"`
	Schema   []field           `json:"schema"`
	Batches  []batch           `json:"batches"`
	Metadata map[string]string `json:"metadata"`
	Frames   []talkFrame       `json:"frames"`
	Columns  [][]cell          `json:"columns"`

	Misaligned int `json:"misaligned"` // buffers of a mapped file that do not lie at a multiple of 64
}

// peerError is what a peer raised: the name of its exception, and the message.
type peerError struct{ text string }

func (e *peerError) Error() string { return e.text }

// broken tells whether the peer only saw that the other end had gone.
func (e *peerError) broken() bool {
	for _, text := range []string{"BrokenPipe", "ConnectionReset", "ConnectionAborted", "Broken pipe", "Connection reset"} {
		if strings.Contains(e.text, text) {
			return true
		}
	}
	return false
}

func startWorker(python, peer string) (*worker, error) {
	return startCommand(peer, python, "-u", "peer.py", peer)
}

func startCommand(peer string, command ...string) (*worker, error) {
	w := &worker{peer: peer, cmd: exec.Command(command[0], command[1:]...)}
	w.cmd.Stderr = os.Stderr
	w.cmd.Env = append(os.Environ(), "RUST_BACKTRACE=0", "POLARS_MAX_THREADS=1", "OMP_NUM_THREADS=1", "PYTHONDONTWRITEBYTECODE=1")
	in, err := w.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.in, w.out = in, bufio.NewReader(out)
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	return w, w.checkVersion()
}

// checkVersion tells whether the peer has the version that requirements.txt pins and docs/interop.md names.
func (w *worker) checkVersion() error {
	if err := w.ask(&request{Op: "version"}); err != nil {
		return err
	}
	a, err := w.answer()
	if err != nil {
		return err
	}
	for _, pin := range pins() {
		if name, version, _ := strings.Cut(pin, " "); name == w.peer && version == a.Version {
			return nil
		}
	}
	return fmt.Errorf("%s has version %s, which is not that of requirements.txt; run make interop", w.peer, a.Version)
}

// stop ends the process.
func (w *worker) stop() {
	if w.owed != 0 {
		w.cmd.Process.Kill() // it may wait for someone who does not come
	}
	w.in.Close()
	w.cmd.Wait()
	if w.dir != "" {
		os.RemoveAll(w.dir)
	}
}

func (w *worker) ask(r *request) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	w.owed++
	_, err = w.in.Write(append(line, '\n'))
	return err
}

// answer waits for the next line of the worker. The error is a *peerError if it raised one.
func (w *worker) answer() (*answer, error) {
	timer := time.AfterFunc(patience, func() { w.cmd.Process.Kill() })
	defer timer.Stop()
	line, err := w.out.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("%s has died: %w", w.peer, errors.Join(err, w.cmd.Wait()))
	}
	a := new(answer)
	w.owed--
	d := json.NewDecoder(strings.NewReader(string(line)))
	d.UseNumber()
	if err := d.Decode(a); err != nil {
		return nil, fmt.Errorf("%s answered %.200q: %w", w.peer, line, err)
	}
	if a.Error != "" {
		return nil, &peerError{a.Error}
	}
	if a.Port != 0 {
		w.owed++ // the answer proper is still to come
	}
	return a, nil
}
