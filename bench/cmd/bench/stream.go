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
	"slices"
	"time"

	"github.com/lightstream-go/lightstream/bench/internal/workload"
)

// workerCommand is the first argument of a process that is one end of a stream.
const workerCommand = "stream-worker"

// task is what a worker is started with, as JSON.
type task struct {
	Peer    peer
	Send    bool
	Network map[string]string // addresses by network; those of the listening end are to be
	load
	Size    int // bytes of a batch on the wire
	Profile string
}

// load is what is streamed.
type load struct {
	Rows     int
	Distinct int  // batches that take turns
	ZSTD     bool // their bodies are compressed
	Texts    bool // they have the columns of text alone, without Go types of rows
}

// order tells a worker to serve one connection, as JSON in a line.
type order struct {
	Network string
	Time    time.Duration // that the sender sends for
}

// report is what a worker says once it is ready and after each connection, as JSON in a line.
type report struct {
	Network map[string]string `json:",omitempty"` // addresses to connect to
	Batches int64             `json:",omitempty"`
	Seconds float64           `json:",omitempty"`
	CPU     float64           `json:",omitempty"` // seconds
	Allocs  float64           `json:",omitempty"`
	Error   string            `json:",omitempty"`
}

// pairs are the processes that stream batches of one size: a receiver and a sender for each peer, for all networks.
type pairs struct {
	dir  string
	ends map[peer]*ends
}

type ends struct{ receive, send *worker }

func startPairs(peers []peer, of load) (s *pairs, err error) {
	s = &pairs{ends: map[peer]*ends{}}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return nil, err
	}
	size := workload.MessageSize(of.Rows)
	for _, p := range peers {
		t := task{Peer: p, load: of, Size: size}
		t.Network = map[string]string{"tcp": "127.0.0.1:0", "uds": filepath.Join(s.dir, string(p))}
		e := &ends{}
		s.ends[p] = e
		if e.receive, err = startWorker(t); err != nil {
			return nil, err
		}
		r, err := e.receive.next()
		if err != nil {
			return nil, err
		}
		t.Send, t.Network = true, r.Network
		if e.send, err = startWorker(t); err != nil {
			return nil, err
		}
	}
	for _, e := range s.ends {
		if _, err := e.send.next(); err != nil { // its batches are ready
			return nil, err
		}
	}
	return s, nil
}

func (s *pairs) run(network string, p peer, d time.Duration) (sample, error) {
	e, o := s.ends[p], order{network, d}
	if err := errors.Join(e.receive.begin(o), e.send.begin(o)); err != nil {
		return sample{}, err
	}
	sent, err := e.send.next()
	if err != nil {
		return sample{}, err
	}
	received, err := e.receive.next()
	if err != nil {
		return sample{}, err
	}
	if sent.Batches != received.Batches || sent.Batches == 0 {
		return sample{}, fmt.Errorf("%d batches were sent, %d arrived", sent.Batches, received.Batches)
	}
	n := float64(received.Batches)
	return sample{rate: n / received.Seconds, cpu: (sent.CPU + received.CPU) / n, allocs: (sent.Allocs + received.Allocs) / n}, nil
}

func (s *pairs) stop() {
	for _, e := range s.ends {
		e.receive.stop()
		e.send.stop()
	}
	_ = os.RemoveAll(s.dir)
}

// streams starts pairs for the cells that need them and keeps the last ones for the next cell.
type streams struct {
	load  load
	peers []peer
	pairs *pairs
}

func (s *streams) get(peers []peer, of load) (*pairs, error) {
	if s.pairs != nil && s.load == of && slices.Equal(s.peers, peers) {
		return s.pairs, nil
	}
	s.stop()
	p, err := startPairs(peers, of)
	if err != nil {
		return nil, err
	}
	s.load, s.peers, s.pairs = of, peers, p
	return p, nil
}

func (s *streams) stop() {
	if s.pairs != nil {
		s.pairs.stop()
		s.pairs = nil
	}
}

// worker is one end of a stream, in a process of its own. It ends with its standard input, and so with this process.
type worker struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
}

func startWorker(t task) (*worker, error) {
	if set.profile != "" {
		role := "receive"
		if t.Send {
			role = "send"
		}
		t.Profile = filepath.Join(set.profile, fmt.Sprintf("rows=%d-zstd=%v-texts=%v-%s-%s.prof", t.Rows, t.ZSTD, t.Texts, t.Peer, role))
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &worker{cmd: exec.Command(self, workerCommand, string(text)), lines: make(chan string, 4)}
	w.cmd.Stderr = os.Stderr
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
			return r, errors.New("a worker ended early")
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return r, fmt.Errorf("a worker said %q: %w", line, err)
		}
		if r.Error != "" {
			return r, errors.New(r.Error)
		}
		return r, nil
	case <-time.After(time.Minute):
		return r, errors.New("a worker is silent for a minute")
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
