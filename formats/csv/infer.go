package csv

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// infer returns the columns of the input, with types that hold all values of the first records.
func (c *core) infer() (*ipc.Schema, error) {
	o := c.opts
	var b block
	// A copy, as texts with doubled quotes go behind the chunk.
	first := *c.First
	first.Buf = first.Buf[:first.N:first.N]
	c.split.records(&first, &b, first.Pos, o.SampleRows, true)
	if c.split.stride > o.MaxColumns {
		return nil, c.tooManyColumns()
	}
	wrong := make(map[int]bool, len(b.marks))
	for _, m := range b.marks {
		wrong[m.row] = true
	}
	names := c.names()
	schema := &ipc.Schema{Fields: make([]ipc.Field, len(names))}
	c.places = make([]int, len(names))
	given := map[string]*ipc.Field{}
	for i := range o.Types {
		name := o.Types[i].Name
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("lightstream: Options.Types has column %q, which is none of %.200q", name, names)
		}
		given[name] = &o.Types[i]
	}
	nulls := map[string]bool{"": true}
	for _, s := range o.Nulls {
		nulls[s] = true
	}
	for k, name := range names {
		c.places[k] = k
		if f := given[name]; f != nil {
			schema.Fields[k] = *f
			continue
		}
		var guess text.Guess
		for i := range b.rows {
			if wrong[i] {
				continue
			}
			sp := b.spans[i*c.split.stride+k]
			f := first.Buf[sp.start&^quoted : sp.end]
			if o.TrimSpace && sp.start&quoted == 0 {
				f = trim(f)
			}
			switch {
			case sp.start&quoted == 0 && nulls[string(f)] || sp.start&quoted != 0 && len(f) == 0 && !guess.Seen():
			case !utf8.Valid(f):
				guess.Add(nil)
			default:
				guess.Add(f)
			}
		}
		schema.Fields[k] = ipc.Field{Name: name, Type: guess.Type(), Nullable: true}
	}
	return schema, nil
}

func trim(f []byte) []byte {
	for len(f) > 0 && (f[0] == ' ' || f[0] == '\t') {
		f = f[1:]
	}
	for len(f) > 0 && (f[len(f)-1] == ' ' || f[len(f)-1] == '\t') {
		f = f[:len(f)-1]
	}
	return f
}
