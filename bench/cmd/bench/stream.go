package main

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

	"github.com/lightstream-go/lightstream/bench/internal/workload"
)

// workerCommand is the first argument of a process that is one end of a stream.
const workerCommand = "stream-worker"

// task is what a worker is started with, as JSON.
type task struct {
	Peer    peer
	Send    bool
	Listen  bool
	Network map[string]string // addresses by network; those of the listening end are to be
	load
	Size    int    // bytes of a batch on the wire
	File    string // with the batches, for peers in other languages: a stream, or a file for the Rust lightstream
	Dir     string // of the certificate
	Profile string
}

// load is what is streamed.
type load struct {
	Kind     workload.Kind
	Rows     int
	Distinct int  // batches that take turns
	ZSTD     bool // their bodies are compressed
	Buffered bool // this project's writer has a buffer, as those in Rust have
	Texts    bool // they have the columns of text alone, without Go types of rows
	Wires    bool // over tls, ws, quic and http2, on which the sender listens
	Gaps     bool // the receiver keeps the intervals between batches, and both ends in Go have their collector run
}

// order tells a worker to serve one connection, as JSON in a line.
type order struct {
	Network string
	Time    time.Duration // that the sender sends for
}

// report is what a worker says once it is ready and after each connection, as JSON in a line.
type report struct {
	Network map[string]string `json:",omitempty"` // addresses to connect to
	Batches int64             `json:",omitempty"` // all of them
	Seconds float64           `json:",omitempty"` // from when the first is through
	CPU     float64           `json:",omitempty"` // seconds since then
	Allocs  float64           `json:",omitempty"` // since then, of Go
	Peak    float64           `json:",omitempty"` // bytes of memory, at most since the start
	Gaps    [][2]int64        `json:",omitempty"` // the receiver's, by bucket
	Error   string            `json:",omitempty"`
}

// streams are the processes that stream batches of one load: a receiver and a sender for each peer, for all networks. They are started
// when the first cell needs them, and stopped when a cell needs other batches.
type streams struct {
	load  load
	dir   string
	size  int     // bytes of a batch on the wire
	bytes float64 // of a batch's values
	file  map[string]string
	ends  map[peer]*ends
}

type ends struct{ receive, send *worker }

// get makes the batches those of a load.
func (s *streams) get(of load) (err error) {
	if s.ends != nil && s.load == of {
		return nil
	}
	s.stop()
	if s.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	if err := certificate(s.dir); err != nil {
		return err
	}
	s.load, s.ends, s.file = of, map[peer]*ends{}, map[string]string{}
	s.size, s.bytes = workload.SizeOf(of.Kind, of.Rows), workload.BytesOf(of.Kind, of.Rows)
	return nil
}

// fileFor returns the file of the batches for a peer in another language.
func (s *streams) fileFor(p peer) (string, error) {
	format := "arrows"
	if p == lightstreamRS {
		format = "arrow"
	}
	if s.file[format] == "" {
		name := filepath.Join(s.dir, "batches."+format)
		if err := workload.WriteFile(name, s.load.Kind, s.load.Rows, s.load.Distinct, format == "arrow"); err != nil {
			return "", err
		}
		s.file[format] = name
	}
	return s.file[format], nil
}

// start starts the two processes of a peer.
func (s *streams) start(p peer) (err error) {
	if why := absent[p]; foreign(p) && why != "" {
		return errors.New(why)
	}
	e := &ends{}
	defer func() {
		if err != nil {
			e.stop()
		}
	}()
	t := task{Peer: p, load: s.load, Size: s.size, Dir: s.dir, Network: map[string]string{}}
	t.Send = s.load.Wires || p == flightRS || p == flightPy // that which listens is first
	t.Listen = true
	name := strings.ReplaceAll(string(p), " ", "-")
	switch {
	case s.load.Wires:
		for _, n := range []string{"tls", "ws", "quic", "http2"} {
			t.Network[n] = "127.0.0.1:0"
		}
	case t.Send:
		t.Network["flight"] = "127.0.0.1:0"
	default:
		pipe := filepath.Join(s.dir, name+".pipe")
		t.Network["tcp"], t.Network["uds"], t.Network["pipe"] = "127.0.0.1:0", filepath.Join(s.dir, name), pipe
		if err := makePipe(pipe); err != nil {
			return err
		}
	}
	if foreign(p) {
		if t.File, err = s.fileFor(p); err != nil {
			return err
		}
	}
	put := func(w *worker) {
		if t.Send {
			e.send = w
		} else {
			e.receive = w
		}
	}
	w, err := startWorker(t)
	if err != nil {
		return err
	}
	put(w)
	r, err := w.next()
	if err != nil {
		return err
	}
	t.Send, t.Listen, t.Network = !t.Send, false, r.Network
	if w, err = startWorker(t); err != nil {
		return err
	}
	put(w)
	if _, err := w.next(); err != nil { // its batches are ready
		return err
	}
	s.ends[p] = e
	return nil
}

func (s *streams) run(network string, p peer, d time.Duration) (_ sample, err error) {
	if s.ends[p] == nil {
		if err := s.start(p); err != nil {
			return sample{}, err
		}
	}
	defer func() {
		if err != nil {
			s.ends[p].stop()
			delete(s.ends, p)
		}
	}()
	if p == flightRS || p == flightPy {
		network = "flight"
	}
	e, o := s.ends[p], order{network, d}
	if err := errors.Join(e.receive.begin(o), e.send.begin(o)); err != nil {
		return sample{}, err
	}
	sent, err := e.send.next()
	if err != nil {
		if r, ok := e.receive.said(); ok && r.Error != "" { // it is why
			return sample{}, errors.New(r.Error)
		}
		return sample{}, err
	}
	received, err := e.receive.next()
	if err != nil {
		return sample{}, err
	}
	if sent.Batches != received.Batches || sent.Batches < 2 {
		return sample{}, fmt.Errorf("%d batches were sent, %d arrived", sent.Batches, received.Batches)
	}
	if s.load.Gaps && !new(intervals).take(received.Gaps) {
		return sample{}, errors.New("the receiver says intervals of buckets that there are not")
	}
	n := float64(received.Batches - 1)
	return sample{
		rate: n / received.Seconds, cpu: (sent.CPU + received.CPU) / n, allocs: (sent.Allocs + received.Allocs) / n, peak: received.Peak, gaps: received.Gaps,
	}, nil
}

// stop ends the processes.
func (s *streams) stop() {
	for _, e := range s.ends {
		e.stop()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
	*s = streams{}
}

func (e *ends) stop() {
	e.receive.stop()
	e.send.stop()
}

// worker is one end of a stream, in a process of its own. It ends with its standard input, and so with this process.
type worker struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	lines    chan string
	patience time.Duration
}

func startWorker(t task) (*worker, error) {
	if set.profile != "" {
		role := "receive"
		if t.Send {
			role = "send"
		}
		t.Profile = filepath.Join(set.profile, fmt.Sprintf("%s-rows=%d-zstd=%v-buffered=%v-texts=%v-wires=%v-%s-%s.prof", t.Kind, t.Rows, t.ZSTD, t.Buffered, t.Texts, t.Wires, t.Peer, role))
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	cmd, err := command(t.Peer, string(text))
	if err != nil {
		return nil, err
	}
	w := &worker{cmd: cmd, lines: make(chan string, 4), patience: time.Minute}
	if foreign(t.Peer) {
		w.patience = 20 * time.Second
	}
	if !foreign(t.Peer) {
		w.cmd.Stderr = os.Stderr // others say their errors as reports, or crash
	}
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(w.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			w.lines <- s.Text()
		}
	}()
	return w, nil
}

func (w *worker) begin(o order) error { return json.NewEncoder(w.in).Encode(o) }

// next returns the worker's next report.
func (w *worker) next() (r report, err error) {
	select {
	case line, ok := <-w.lines:
		if !ok {
			return r, errors.New("a process ended early")
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return r, fmt.Errorf("a process said %q: %w", line, err)
		}
		if r.Error != "" {
			return r, errors.New(r.Error)
		}
		return r, nil
	case <-time.After(w.patience):
		return r, fmt.Errorf("a process is silent for %v", w.patience)
	}
}

// said returns what the worker has said, if it has.
func (w *worker) said() (r report, ok bool) {
	select {
	case line, open := <-w.lines:
		return r, open && json.Unmarshal([]byte(line), &r) == nil
	case <-time.After(time.Second):
		return r, false
	}
}

// stop ends the worker: by the end of its input, and by its process where that does not help.
func (w *worker) stop() {
	if w == nil {
		return
	}
	_ = w.in.Close()
	kill := time.AfterFunc(5*time.Second, func() { _ = w.cmd.Process.Kill() })
	defer kill.Stop()
	for range w.lines { // to its end, so that it is not stuck
	}
	_ = w.cmd.Wait()
}
