// Package expvars publishes what streams do as variables of package expvar, which links net/http: hence a package of its own.
package expvars

import (
	"context"
	"expvar"

	"github.com/lightstream-go/lightstream/runtime/ipc"
	"github.com/lightstream-go/lightstream/runtime/mem"
	"github.com/lightstream-go/lightstream/runtime/observe"
)

// New returns an observer that counts what all of its streams do, and publishes the counters as a map of the given name. A name
// that is published already panics, as [expvar.Publish] does. The map has two of its own, "sending" and "receiving", with
// streams, open, batches, rows, bytes, realigned, replaced, deltas, forwarded, encoded, and errors by kind; see [observe.Kind].
func New(name string) ipc.Observer {
	o := new(observer)
	all := expvar.NewMap(name)
	for i, direction := range []string{"receiving", "sending"} {
		o.vars[i].Init()
		o.errors[i].Init()
		o.vars[i].Set("errors", &o.errors[i])
		all.Set(direction, &o.vars[i])
	}
	return o
}

// PublishPool publishes the counters of a pool under the given name. Nil means the shared pool.
func PublishPool(name string, p *mem.Pool) {
	if p == nil {
		p = mem.SharedPool()
	}
	expvar.Publish(name, expvar.Func(func() any { return p.Stats() }))
}

// Publish publishes what Stats of something returns under the given name: a pool, a listener of a transport, a batcher, or anything
// else whose Stats may be called by any goroutine at any time. Those of readers and writers may not; see [New] for them.
func Publish[S any](name string, of interface{ Stats() S }) {
	expvar.Publish(name, expvar.Func(func() any { return of.Stats() }))
}

type observer struct{ vars, errors [2]expvar.Map } // receiving, sending

func (o *observer) of(s *ipc.StreamInfo) int {
	if s.Sending {
		return 1
	}
	return 0
}

func (o *observer) Started(_ context.Context, s *ipc.StreamInfo) {
	v := &o.vars[o.of(s)]
	v.Add("streams", 1)
	v.Add("open", 1)
}

func (o *observer) Batch(_ context.Context, s *ipc.StreamInfo, rows int, bytes int64) {
	v := &o.vars[o.of(s)]
	v.Add("batches", 1)
	v.Add("rows", int64(rows))
	v.Add("bytes", bytes)
}

func (o *observer) Ended(s *ipc.StreamInfo, stats ipc.Stats, err error) {
	i := o.of(s)
	v := &o.vars[i]
	if s.Schema != nil {
		v.Add("open", -1)
	}
	v.Add("realigned", stats.Realigned)
	v.Add("replaced", stats.Replaced)
	v.Add("deltas", stats.Deltas)
	v.Add("forwarded", stats.Forwarded)
	v.Add("encoded", stats.Encoded)
	if err != nil {
		o.errors[i].Add(observe.Kind(err), 1)
	}
}
