package peers

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/lightstream-go/lightstream/transports"
	"github.com/lightstream-go/lightstream/transports/stdio"
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

	dir       string            // of its socket, if it has one
	endpoints map[string]string // by scheme, URIs at which it listens
	python    string
	child     *exec.Cmd // that is to answer, or nil
}

// request is what peer.py is asked. See its head.
type request struct {
	Op       string  `json:"op"`
	Format   string  `json:"format"`
	Path     string  `json:"path,omitempty"`
	Dial     int     `json:"dial,omitempty"`
	Listen   bool    `json:"listen,omitempty"`
	URI      string  `json:"uri,omitempty"`    // instead, for a peer that connects by itself
	Accept   bool    `json:"accept,omitempty"` // at the URI, instead of dialling
	Parallel int     `json:"parallel,omitempty"`
	URL      string  `json:"url,omitempty"` // to GET
	TLSCert  string  `json:"tls_cert,omitempty"`
	TLSKey   string  `json:"tls_key,omitempty"`
	TLSCA    string  `json:"tls_ca,omitempty"`
	From     string  `json:"from,omitempty"`
	Schema   []field `json:"schema,omitempty"`
	Batches  []batch `json:"batches"`
	Options  options `json:"options"`

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
	for _, text := range []string{
		"BrokenPipe", "ConnectionReset", "ConnectionAborted", "Broken pipe", "Connection reset",
		"send stream closed", "sending stopped by peer", "connection lost", "inactive stream",
	} {
		if strings.Contains(e.text, text) {
			return true
		}
	}
	return false
}

func startWorker(python, peer string) (*worker, error) {
	w, err := startCommand(peer, python, "-u", "peer.py", peer)
	if w != nil {
		w.python = python
	}
	return w, err
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

// runChild starts a process for r, whose stream goes over standard input and output. The next answer is that of the process.
func (w *worker) runChild(r *request) (transports.Conn, error) {
	if err := w.makeDir(); err != nil {
		return nil, err
	}
	r.URI = "stdio:" // the one form that it knows
	text, err := json.Marshal(r)
	if err == nil {
		err = os.WriteFile(filepath.Join(w.dir, "request"), text, 0o600)
	}
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(w.python, "peer.py", w.peer, filepath.Join(w.dir, "request"), filepath.Join(w.dir, "reply"))
	cmd.Stderr, cmd.Env = os.Stderr, w.cmd.Env
	in, theirOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	theirIn, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdin, cmd.Stdout = theirIn, theirOut
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w.child = cmd
	if err := errors.Join(theirIn.Close(), theirOut.Close()); err != nil {
		return nil, err
	}
	return stdio.New(in, out), nil
}

// childAnswer waits until the child has ended.
func (w *worker) childAnswer() ([]byte, error) {
	cmd := w.child
	w.child = nil
	timer := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%s has died: %w", w.peer, err)
	}
	return os.ReadFile(filepath.Join(w.dir, "reply"))
}

// answer waits for the next line of the worker. The error is a *peerError if it raised one.
func (w *worker) answer() (*answer, error) {
	timer := time.AfterFunc(patience, func() { w.cmd.Process.Kill() })
	defer timer.Stop()
	var line []byte
	var err error
	if w.child != nil {
		if line, err = w.childAnswer(); err != nil {
			return nil, err
		}
		w.owed++
	} else if line, err = w.out.ReadBytes('\n'); err != nil {
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
